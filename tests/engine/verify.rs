//! What a check finds, what a repair restores, and that neither raises false alarms.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt as _, symlink},
    path::Path,
    sync::Arc,
};

use ibinder_sync::{
    mirror::{Mirror, Root, Stage},
    model::{Intent, Particulars, Step},
    pace::{Bandwidth, Pace},
    remote::{Remote, Requests},
    report::{Finding, FindingKind, Progress},
    sandbox::{Organisation, Route},
    session::Exit,
    state::{Known, State},
    sync::{self, Parts},
    verify::{self, CheckResult, CheckScope, Cursor, Note, Task, Watch},
};

use crate::{
    disk,
    harness::{Ran, World},
};

/// A mirror of `count` documents `n.txt`, each with different bytes.
fn test_binder(count: usize) -> (World, Vec<String>) {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let add = |n| o.add_document(&binder, None, &format!("{n}.txt"), format!("the bytes of {n}")).unwrap();
    let ids = (0..count).map(add).collect();
    let world = World::new(o);
    world.mirror();
    (world, ids)
}

const FILE: &str = "Brf Eken/0.txt";
const BYTES: &[u8] = b"the bytes of 0";

/// Simulates bit rot: only the bytes of the file change.
fn rot(path: &Path) {
    let before = fs::metadata(path).unwrap();
    let mut bytes = fs::read(path).unwrap();
    bytes[0] ^= 0x20;
    fs::write(path, bytes).unwrap();
    File::open(path).unwrap().set_modified(before.modified().unwrap()).unwrap();
    assert_eq!(fs::metadata(path).unwrap().ino(), before.ino());
}

fn object_of(world: &World, bytes: &[u8]) -> std::path::PathBuf {
    let hash = disk::sha256(bytes);
    world.at(&format!(".ibinder-sync/objects/{}/{hash}", &hash[..2]))
}

fn watched<T>(work: impl FnOnce(&Watch<'_>) -> T) -> T {
    work(&Watch { progress: &Progress::default(), bandwidth: &Bandwidth::new(None), stop: &|| false })
}

fn copy_of(world: &World, folder: &Path, name: &str) -> State {
    State::scratch(Some(&world.database()), &folder.join(name)).unwrap()
}

/// A check without the lock. The world may change before suspects are compared with the state.
fn checked(
    world: &World,
    part: CheckScope,
    cursor: Cursor,
    meanwhile: impl FnOnce(),
) -> (CheckResult, verify::Confirmed) {
    let scratch = tempfile::tempdir().unwrap();
    let root = Root::open(&world.dest()).unwrap();
    let state = copy_of(world, scratch.path(), "before.db");
    watched(|watch| {
        let mut looked = verify::check(&root, &state, Task { part, cursor, survey: true }, watch).unwrap();
        let fresh = || {
            meanwhile();
            Ok::<_, verify::Error>(copy_of(world, scratch.path(), "after.db"))
        };
        let confirmed = looked.confirm(&root, watch, fresh).unwrap();
        (looked, confirmed)
    })
}

fn findings(world: &World) -> Vec<Finding> {
    checked(world, CheckScope::All, Cursor::default(), || {}).1.findings
}

fn kinds(world: &World) -> Vec<(FindingKind, String)> {
    findings(world).into_iter().map(|f| (f.kind, f.path)).collect()
}

/// A repair of all findings, with or without the service.
fn repaired(world: &World, with_service: bool) -> Vec<Finding> {
    let config = world.config(world.given());
    let mirror = Arc::new(Mirror::open(&config.dest).unwrap());
    let state = Arc::new(State::open(&world.database(), false).unwrap());
    let run = state.write(|w| w.begin_run(jiff::Timestamp::now(), "verify")).unwrap();
    sync::replay(&mirror, &state, run.number).unwrap();
    let task = Task { part: CheckScope::All, cursor: Cursor::default(), survey: true };
    let mut found = watched(|watch| {
        let mut looked = verify::check(mirror.root(), &state, task, watch).unwrap();
        state.write(|w| w.restamp(&looked.moved)).unwrap();
        looked.confirm(mirror.root(), watch, || Ok::<_, verify::Error>(&*state)).unwrap()
    });
    let service = if with_service {
        let requests = Arc::new(Requests::default());
        Ok(Arc::new(Remote::new(config.remote.clone(), Pace::new(config.limit, None), requests).unwrap()))
    } else {
        Err("no credentials".to_owned())
    };
    let parts = |remote| Parts {
        remote,
        state: Arc::clone(&state),
        root: Arc::new(Root::open(&config.dest).unwrap()),
        mirror: Some(Arc::clone(&mirror)),
        options: config.options.clone(),
        progress: Arc::default(),
        stop: Arc::default(),
        run: run.clone(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(sync::mend(parts, service, (&mirror, &state, run.number), &mut found.findings)).unwrap();
    found.findings
}

type Damage = fn(&World);

/// Each kind of damage to the first document, and the expected finding.
const DAMAGES: [(&str, FindingKind, Damage); 6] = [
    ("missing", FindingKind::Missing, |w| fs::remove_file(w.at(FILE)).unwrap()),
    ("rotten", FindingKind::Damaged, |w| rot(&w.at(FILE))),
    ("cut", FindingKind::Damaged, |w| {
        let time = fs::metadata(w.at(FILE)).unwrap().modified().unwrap();
        let file = File::options().write(true).open(w.at(FILE)).unwrap();
        file.set_len(3).unwrap();
        file.set_modified(time).unwrap();
    }),
    ("edited", FindingKind::Edited, |w| fs::write(w.at(FILE), "mine").unwrap()),
    ("edited through another link", FindingKind::Edited, |w| {
        fs::hard_link(w.at(FILE), w.dest().parent().unwrap().join("link")).unwrap();
        fs::write(w.dest().parent().unwrap().join("link"), "mine").unwrap();
    }),
    ("moved away", FindingKind::Misplaced, |w| fs::rename(w.at(FILE), w.at("Brf Eken/elsewhere.txt")).unwrap()),
];

#[test]
fn a_sound_mirror_has_no_findings() {
    let (world, _) = test_binder(3);
    fs::create_dir(world.at("an empty folder")).unwrap();
    let (looked, confirmed) = checked(&world, CheckScope::All, Cursor::default(), || {});
    assert_eq!(confirmed.findings, []);
    assert_eq!((looked.checked.documents, looked.done, confirmed.unfinished), (3, true, 0));
}

#[test]
fn each_damage_of_a_document_is_found_and_comes_back_from_the_service() {
    for (what, kind, damage) in DAMAGES {
        let (world, _) = test_binder(3);
        damage(&world);
        assert_eq!(kinds(&world), [(kind, FILE.to_owned())], "{what}");
        let found = repaired(&world, true);
        assert!(found[0].repaired, "{what}: {found:?}");
        assert_eq!(fs::read(world.at(FILE)).unwrap(), BYTES, "{what}");
        assert_eq!(findings(&world).iter().filter(|f| f.is_left()).count(), 0, "{what}");
        match kind {
            // The user's file stays where it is.
            FindingKind::Misplaced => assert_eq!(fs::read(world.at("Brf Eken/elsewhere.txt")).unwrap(), BYTES),
            FindingKind::Edited => world.assert_held(b"mine"),
            _ => {}
        }
        disk::assert_objects(&world.dest());
        world.assert_nothing_planned();
    }
}

#[test]
fn without_the_service_the_rest_is_repaired() {
    let (world, ids) = test_binder(3);
    // One is restored from another document with the same bytes, one from an object, one not at all.
    let same = world.edit(|o| {
        let binder = o.documents()[0].binder.clone();
        o.add_document(&binder, None, "same.txt", "the bytes of 0".to_owned()).unwrap()
    });
    world.mirror();
    assert!(!same.is_empty() && !ids.is_empty());
    rot(&world.at(FILE));
    let object = object_of(&world, b"the bytes of 1");
    fs::create_dir_all(object.parent().unwrap()).unwrap();
    fs::write(&object, "the bytes of 1").unwrap();
    rot(&world.at("Brf Eken/1.txt"));
    rot(&world.at("Brf Eken/2.txt"));
    let (asked, found) = world.requests(Route::DownloadLink, || repaired(&world, false));
    assert_eq!(asked, 0);
    let of = |path: &str| found.iter().find(|f| f.path == path).unwrap();
    assert_eq!(of(FILE).repair.as_deref(), Some("\"Brf Eken/same.txt\""));
    assert_eq!(of("Brf Eken/1.txt").repair.as_deref(), Some("an object"));
    let left = of("Brf Eken/2.txt");
    assert_eq!((left.repaired, left.repair.as_deref()), (false, Some("no credentials")));
    assert_eq!(fs::read(world.at(FILE)).unwrap(), BYTES);
    assert_ne!(fs::read(world.at("Brf Eken/2.txt")).unwrap(), b"the bytes of 2", "the damaged file stays");
}

#[test]
fn a_foreign_entry_at_a_documents_path_is_reported_and_stays() {
    let folder: Damage = |w| fs::create_dir(w.at(FILE)).unwrap();
    let link: Damage = |w| symlink("/etc/hostname", w.at(FILE)).unwrap();
    for put in [folder, link] {
        let (world, _) = test_binder(2);
        fs::remove_file(world.at(FILE)).unwrap();
        put(&world);
        let found = repaired(&world, true);
        let finding = found.iter().find(|f| f.path == FILE && f.kind == FindingKind::Edited).unwrap();
        assert!(!finding.repaired && finding.repair.as_ref().unwrap().contains("move it away"), "{finding:?}");
        assert!(!world.at(FILE).symlink_metadata().unwrap().is_file());
    }
}

#[test]
fn other_bytes_for_the_same_version_are_refused() {
    let (world, _) = test_binder(2);
    // The record differs from the service, as if the service had changed a version.
    rot(&world.at(FILE));
    let before = fs::read(world.at(FILE)).unwrap();
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    connection.execute("UPDATE documents SET sha256 = zeroblob(32) WHERE path = ?1", [FILE]).unwrap();
    drop(connection);
    let found = repaired(&world, true);
    assert!(found[0].repair.as_ref().unwrap().contains("other bytes for version"), "{found:?}");
    assert_eq!(fs::read(world.at(FILE)).unwrap(), before);
    assert_eq!(disk::leftovers(&world.dest()), Vec::<String>::new());
}

#[test]
fn objects_are_checked_and_repaired() {
    for (kind, damage) in [
        (FindingKind::ObjectMissing, (|p| fs::remove_file(p).unwrap()) as fn(&Path)),
        (FindingKind::ObjectDamaged, rot),
        (FindingKind::ObjectDamaged, |p| fs::write(p, "half").unwrap()),
    ] {
        let (world, ids) = test_binder(2);
        world.edit(|o| o.revise(&ids[0], "second".to_owned())).unwrap();
        world.mirror();
        let object = object_of(&world, BYTES);
        damage(&object);
        assert_eq!(findings(&world).iter().map(|f| f.kind).collect::<Vec<_>>(), [kind]);
        let found = repaired(&world, false);
        assert!(found[0].is_left(), "{found:?}");
        let found = repaired(&world, true);
        assert!(found[0].repaired, "{found:?}");
        assert_eq!(findings(&world), []);
        disk::assert_objects(&world.dest());
    }
}

#[test]
fn extra_files_are_reported_and_are_no_damage() {
    let (world, _) = test_binder(2);
    fs::write(world.at("Brf Eken/mine.txt"), "mine").unwrap();
    symlink("/etc/hostname", world.at("a link")).unwrap();
    let object = object_of(&world, b"nobody's");
    fs::create_dir_all(object.parent().unwrap()).unwrap();
    fs::write(&object, "nobody's").unwrap();
    let found = findings(&world);
    let kinds: Vec<FindingKind> = found.iter().map(|f| f.kind).collect();
    assert_eq!(kinds, [FindingKind::Foreign, FindingKind::Foreign, FindingKind::Unclaimed]);
    assert!(!found.iter().any(Finding::is_left));
}

/// Stages a replacement of the first document.
fn replacement(world: &World) -> (Mirror, State, Known, Intent) {
    let mirror = Mirror::open(&world.dest()).unwrap();
    let state = State::open(&world.database(), false).unwrap();
    let known =
        state.read(|r| r.documents_after(0, 10)).unwrap().into_iter().find(|k| k.path.as_str() == FILE).unwrap();
    let mut stage = Stage::create(&mirror, false).unwrap();
    stage.write(b"a new version").unwrap();
    let staged = stage.finish(None).unwrap();
    let step = Step::Replace { staged, outgoing: mirror.outgoing(&known.path).unwrap() };
    let particulars = Particulars {
        binder: known.binder.clone(),
        folder: None,
        file_name: known.file_name.clone(),
        version: known.version.clone(),
        metadata: None,
    };
    let intent = Intent { document: known.id.clone(), path: known.path.clone(), step, particulars };
    (mirror, state, known, intent)
}

#[test]
fn changes_of_an_active_run_are_no_damage() {
    // The tree has changed while the state only has the intent, as in the middle of a run's batch.
    let (world, _) = test_binder(2);
    let (mirror, state, _, intent) = replacement(&world);
    let scratch = tempfile::tempdir().unwrap();
    let before = copy_of(&world, scratch.path(), "before.db");
    state.write(|w| w.begin(&intent)).unwrap();
    mirror.apply(&intent).unwrap();
    let confirm = |fresh: &dyn Fn() -> State| {
        watched(|watch| {
            let task = Task { part: CheckScope::All, cursor: Cursor::default(), survey: true };
            let mut looked = verify::check(mirror.root(), &before, task, watch).unwrap();
            looked.confirm(mirror.root(), watch, || Ok::<_, verify::Error>(fresh())).unwrap()
        })
    };
    let begun = confirm(&|| copy_of(&world, scratch.path(), "begun.db"));
    assert_eq!((begun.findings.as_slice(), begun.unfinished), (&[][..], 1));
    // Recorded: the row has changed.
    let (mirror_, state_) = (Arc::new(mirror.with_fallbacks_only()), Arc::new(state));
    sync::replay(&mirror_, &state_, 2).unwrap();
    let again = watched(|watch| {
        let task = Task { part: CheckScope::All, cursor: Cursor::default(), survey: true };
        let mut looked = verify::check(mirror_.root(), &before, task, watch).unwrap();
        let fresh = || Ok::<_, verify::Error>(copy_of(&world, scratch.path(), "done.db"));
        looked.confirm(mirror_.root(), watch, fresh).unwrap()
    });
    assert_eq!((again.findings.as_slice(), again.unfinished), (&[][..], 1));
}

#[test]
fn a_rolling_check_covers_everything_and_no_more_than_its_share() {
    let (world, _) = test_binder(40);
    rot(&world.at("Brf Eken/39.txt"));
    let mut note = Note::default();
    let mut damaged = 0;
    for call in 1..=20_u64 {
        let (looked, confirmed) = checked(&world, CheckScope::Share("5%".parse().unwrap()), note.round, || {});
        // Sizes differ: the file at the mark belongs to the check that reaches it.
        let so_far = looked.cursor.checked.documents;
        assert!(so_far >= 2 * call && so_far <= 2 * call + 1 && looked.checked.documents <= 3, "call {call}: {so_far}");
        assert_eq!(looked.done, call == 20, "call {call}");
        damaged += confirmed.findings.len() as u64;
        note.advance(looked.cursor, looked.done, confirmed.findings.len() as u64, jiff::Timestamp::now());
    }
    assert_eq!(damaged, 1);
    let round = note.last_round.unwrap();
    assert_eq!((round.checked.documents, round.damaged), (40, 1));
    assert_eq!(note.round, Cursor::default());
}

fn scrub(world: &World, share: &str) -> Ran {
    world.run_with(|given| given.scrub = Some(share.parse().unwrap()))
}

#[test]
fn a_scrub_repairs_disk_errors_and_leaves_edits() {
    let (world, _) = test_binder(4);
    rot(&world.at(FILE));
    fs::write(world.at("Brf Eken/1.txt"), "mine").unwrap();
    let ran = scrub(&world, "100%");
    assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
    let scrubbed = ran.finished.scrub.unwrap();
    assert_eq!((scrubbed.documents, scrubbed.damaged, scrubbed.repaired), (4, 1, 1));
    assert!(ran.warns_of("was damaged") && ran.warns_of("was changed by hand"), "{ran:?}");
    assert_eq!(fs::read(world.at(FILE)).unwrap(), BYTES);
    assert_eq!(fs::read(world.at("Brf Eken/1.txt")).unwrap(), b"mine");
}

#[test]
fn damage_that_a_scrub_leaves_is_6() {
    let (world, _) = test_binder(2);
    rot(&world.at(FILE));
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    connection.execute("UPDATE documents SET sha256 = zeroblob(32) WHERE path = ?1", [FILE]).unwrap();
    drop(connection);
    let ran = scrub(&world, "100%");
    assert_eq!(ran.exit(), Exit::Damaged, "{ran:?}");
    assert!(ran.fails_with("could not be repaired"), "{ran:?}");
    assert_eq!(ran.documents().failed, 1);
}

#[test]
fn a_scrub_continues_where_the_last_one_stopped() {
    let (world, _) = test_binder(8);
    let documents: Vec<u64> = (0..4).map(|_| scrub(&world, "25%").finished.scrub.unwrap().documents).collect();
    assert_eq!(documents, [2; 4]);
    assert!(Note::read(&Root::open(&world.dest()).unwrap()).last_round.is_some());
}

/// Gives every file of the tree another inode, like a copy to another disk.
fn copied(world: &World) {
    for path in disk::files(&world.dest()).into_keys() {
        let (path, spare) = (world.at(&path), world.at("spare"));
        let before = fs::metadata(&path).unwrap();
        fs::copy(&path, &spare).unwrap();
        File::open(&spare).unwrap().set_modified(before.modified().unwrap()).unwrap();
        fs::rename(&spare, &path).unwrap();
        assert_ne!(fs::metadata(&path).unwrap().ino(), before.ino());
    }
}

#[test]
fn a_copied_mirror_is_proved_once_and_an_edited_file_is_still_noticed() {
    let (world, _) = test_binder(6);
    copied(&world);
    // An edit that only the bytes show.
    rot(&world.at("Brf Eken/5.txt"));
    let inode: i64 = world.sql("SELECT inode FROM documents WHERE path = 'Brf Eken/0.txt'");
    let (asked, ran) = world.requests(Route::DownloadLink, || world.run());
    assert_eq!((asked, ran.exit()), (0, Exit::Complete), "{ran:?}");
    assert_eq!(ran.finished.tally.warnings().len(), 1, "{ran:?}");
    assert!(ran.warns_of("\"Brf Eken/5.txt\" was changed by hand"), "{ran:?}");
    let now: i64 = world.sql("SELECT inode FROM documents WHERE path = 'Brf Eken/0.txt'");
    assert_ne!(inode, now);
    // From now on the inode is known, so the next edit shows in the stamp.
    fs::write(world.at(FILE), "mine").unwrap();
    assert!(world.run().warns_of("\"Brf Eken/0.txt\" was changed by hand"));
}

#[test]
fn a_copied_mirror_is_sound() {
    let (world, _) = test_binder(3);
    copied(&world);
    let (looked, confirmed) = checked(&world, CheckScope::All, Cursor::default(), || {});
    assert_eq!((confirmed.findings.len(), looked.moved.len()), (0, 3));
    repaired(&world, false);
    assert_eq!(checked(&world, CheckScope::All, Cursor::default(), || {}).0.moved, []);
}

#[test]
fn a_damaged_note_starts_the_check_over() {
    let (world, _) = test_binder(2);
    fs::write(world.at(".ibinder-sync/last-verify.json"), "{ half").unwrap();
    assert_eq!(Note::read(&Root::open(&world.dest()).unwrap()), Note::default());
    assert_eq!(scrub(&world, "100%").exit(), Exit::Complete);
}
