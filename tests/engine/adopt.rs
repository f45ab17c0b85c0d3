//! A state that was lost, or is older than the tree, and restoring it without losing anything.

use std::{collections::BTreeSet, fs, os::unix::fs::symlink, path::Path};

use ibinder_sync::{
    mirror::copies,
    model::STATE_FOLDER,
    sandbox::{Organisation, Route},
};

use crate::{
    crash::{Moment, cut_off},
    disk,
    harness::World,
    program::{assert_nothing_lost, copy_all, mirroring, mirroring_command, recover, reset, state},
};

/// An organisation with documents in all kinds of places, mirrored by the program.
struct Eken {
    world: World,
    binder: String,
    tab: String,
    ids: Vec<String>,
}

fn eken(documents: usize, change: impl FnOnce(&mut ibinder_sync::sandbox::Settings)) -> Eken {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let tab = o.add_folder(&binder, None, "Avtal").unwrap();
    let add = |n: usize| {
        let folder = n.is_multiple_of(2).then_some(&tab);
        o.add_document(&binder, folder.map(String::as_str), &format!("{n}.txt"), format!("bytes {n}")).unwrap()
    };
    let ids = (0..documents).map(add).collect();
    let world = World::with(o, change);
    mirroring(&world, "run", &[]).expect(0);
    Eken { world, binder, tab, ids }
}

fn lose_state(world: &World) {
    fs::remove_dir_all(world.at(STATE_FOLDER)).unwrap();
}

impl Eken {
    fn assert_at_rest(&self) {
        self.world.assert_mirrors();
        self.world.assert_nothing_planned();
        let run = mirroring(&self.world, "run", &[]).expect(0);
        assert_eq!(run.count("documents", "unchanged"), run.count("documents", "seen"), "{}", run.out);
        assert_eq!(self.world.sql::<i64>("SELECT count(*) FROM settings WHERE key = 'adopting'"), 0);
    }
}

#[test]
fn a_tree_without_state_is_adopted_without_downloads() {
    let eken = eken(30, |_| {});
    lose_state(&eken.world);
    let refused = mirroring(&eken.world, "run", &[]).expect(2);
    assert!(refused.err.contains("ibinder-sync adopt --dest"), "{}", refused.err);
    let before = disk::all_bytes(&eken.world.dest());
    let adopted = mirroring(&eken.world, "adopt", &[]).expect(0);
    assert_eq!(adopted.count("documents", "adopted"), 30, "{}", adopted.out);
    assert_eq!(adopted.count("bytes", "downloaded"), 0);
    assert_nothing_lost(&eken.world, &before, "adopted");
    eken.assert_at_rest();
}

#[test]
fn adopting_an_empty_destination_mirrors() {
    let eken = eken(3, |_| {});
    fs::remove_dir_all(eken.world.dest()).unwrap();
    let adopted = mirroring(&eken.world, "adopt", &[]).expect(0);
    assert_eq!((adopted.count("documents", "adopted"), adopted.count("documents", "added")), (0, 3));
    // With an undamaged state, known documents are not proved again.
    let again = mirroring(&eken.world, "adopt", &[]).expect(0);
    assert_eq!(again.count("documents", "unchanged"), 3);
    eken.assert_at_rest();
}

#[test]
fn unproved_files_are_replaced_and_kept() {
    let eken = eken(20, |_| {});
    let at = |path: &str| eken.world.at("Brf Eken").join(path);
    lose_state(&eken.world);
    fs::write(at("Avtal/0.txt"), "bytes X").unwrap();
    fs::write(at("Avtal/2.txt"), "longer than it was").unwrap();
    fs::rename(at("Avtal/4.txt"), at("Avtal/swap")).unwrap();
    fs::rename(at("Avtal/6.txt"), at("Avtal/4.txt")).unwrap();
    fs::rename(at("Avtal/swap"), at("Avtal/6.txt")).unwrap();
    fs::remove_file(at("Avtal/8.txt")).unwrap();
    fs::write(at("mine.txt"), "belongs to nobody").unwrap();
    let before = disk::all_bytes(&eken.world.dest());
    let adopted = mirroring(&eken.world, "adopt", &[]).expect(0);
    assert_eq!(
        (adopted.count("documents", "adopted"), adopted.count("documents", "added")),
        (15, 5),
        "{}",
        adopted.out
    );
    assert_nothing_lost(&eken.world, &before, "adopted");
    for held in ["bytes X", "longer than it was"] {
        eken.world.assert_held(held.as_bytes());
    }
    let found = "SELECT count(*) FROM past_versions WHERE version = 'found' AND held_sha256 = sha256";
    assert_eq!(eken.world.sql::<i64>(found), 4);
    assert_eq!(fs::read(at("mine.txt")).unwrap(), b"belongs to nobody");
    fs::remove_file(at("mine.txt")).unwrap();
    eken.assert_at_rest();
}

#[test]
fn foreign_entries_are_neither_followed_nor_replaced() {
    let eken = eken(12, |_| {});
    let outside = tempfile::tempdir().unwrap();
    let at = |path: &str| eken.world.at("Brf Eken").join(path);
    lose_state(&eken.world);
    // The target has the right bytes, so following the link would prove it.
    fs::rename(at("Avtal/0.txt"), outside.path().join("0.txt")).unwrap();
    symlink(outside.path().join("0.txt"), at("Avtal/0.txt")).unwrap();
    fs::remove_file(at("Avtal/2.txt")).unwrap();
    fs::create_dir(at("Avtal/2.txt")).unwrap();
    fs::rename(at("Avtal/4.txt"), at("Avtal/4.TXT")).unwrap();
    mirroring(&eken.world, "adopt", &[]).expect(0);
    assert!(at("Avtal/0.txt").is_symlink() && at("Avtal/2.txt").is_dir());
    assert_eq!(fs::read(outside.path().join("0.txt")).unwrap(), b"bytes 0");
    for n in [0, 2] {
        let tagged = at(&format!("Avtal/{n} [{}].txt", &eken.ids[n][..8]));
        assert_eq!(fs::read(tagged).unwrap(), format!("bytes {n}").into_bytes());
    }
    // A name in another case is another name here, and belongs to no document.
    assert_eq!(fs::read(at("Avtal/4.TXT")).unwrap(), fs::read(at("Avtal/4.txt")).unwrap());
    fs::remove_file(at("Avtal/0.txt")).unwrap();
    fs::remove_dir(at("Avtal/2.txt")).unwrap();
    fs::remove_file(at("Avtal/4.TXT")).unwrap();
    eken.assert_at_rest();
}

#[test]
fn a_file_that_shows_the_documents_id_comes_first() {
    let eken = eken(4, |_| {});
    let at = |path: &str| eken.world.at("Brf Eken/Avtal").join(path);
    let tagged = at(&format!("0 [{}].txt", &eken.ids[0][..8]));
    lose_state(&eken.world);
    fs::rename(at("0.txt"), &tagged).unwrap();
    fs::write(at("0.txt"), "mine").unwrap();
    let adopted = mirroring(&eken.world, "adopt", &[]).expect(0);
    assert_eq!(adopted.count("documents", "adopted"), 4);
    assert_eq!(fs::read(at("0.txt")).unwrap(), b"mine");
    fs::remove_file(at("0.txt")).unwrap();
    eken.assert_at_rest();
}

#[test]
fn without_a_hash_only_trusted_times_prove_anything() {
    for trusted in [false, true] {
        let eken = eken(10, |settings| settings.content_md5 = false);
        lose_state(&eken.world);
        let other = eken.world.at("Brf Eken/Avtal/0.txt");
        let time = std::time::SystemTime::now() - std::time::Duration::from_hours(9000);
        fs::File::options().write(true).open(&other).unwrap().set_modified(time).unwrap();
        let before = disk::all_bytes(&eken.world.dest());
        let adopted = mirroring(&eken.world, "adopt", if trusted { &["--trust-times"] } else { &[] }).expect(0);
        let wanted = if trusted { (9, 1) } else { (0, 10) };
        assert_eq!((adopted.count("documents", "adopted"), adopted.count("documents", "added")), wanted, "{trusted}");
        assert_nothing_lost(&eken.world, &before, "adopted");
        eken.assert_at_rest();
    }
}

#[test]
fn after_a_kill_during_adoption_the_next_run_continues() {
    for nth in [1, 7, 20] {
        let eken = eken(30, |_| {});
        lose_state(&eken.world);
        fs::write(eken.world.at("Brf Eken/Avtal/0.txt"), "edited").unwrap();
        let before = disk::all_bytes(&eken.world.dest());
        let mut adopt = mirroring_command(&eken.world, "adopt", &[]);
        assert!(cut_off(&eken.world, &mut adopt, Moment::Request(Route::Blob, nth)));
        let run = mirroring(&eken.world, "run", &[]).expect(0);
        assert!(run.count("bytes", "downloaded") <= 7, "{}", run.out);
        assert_nothing_lost(&eken.world, &before, "killed");
        eken.assert_at_rest();
    }
}

/// Three more runs with changes of every kind.
fn live_on(eken: &Eken) {
    for round in 1..4_usize {
        eken.world.edit(|o| {
            let (ids, tab) = (&eken.ids, eken.tab.as_str());
            o.revise(&ids[0], format!("revised {round}")).unwrap();
            o.revise(&ids[round], format!("once revised {round}")).unwrap();
            o.move_document(&ids[3 + 2 * round], &eken.binder, Some(tab)).unwrap();
            o.rename_document(&ids[10 + round], &format!("renamed {round}.txt")).unwrap();
            // Two names are swapped.
            o.rename_document(&ids[20], if round % 2 == 1 { "22.txt" } else { "20.txt" }).unwrap();
            o.rename_document(&ids[22], if round % 2 == 1 { "20.txt" } else { "22.txt" }).unwrap();
            o.remove_document(&ids[30 + round]).unwrap();
            o.add_document(&eken.binder, Some(tab), &format!("new {round}.txt"), format!("new {round}")).unwrap();
        });
        mirroring(&eken.world, "run", &["--max-removals", "100%"]).expect(0);
    }
}

#[test]
fn every_copy_restores_the_state_without_downloads() {
    let eken = eken(40, |_| {});
    live_on(&eken);
    let made = copies(&eken.world.dest());
    assert_eq!(made.len(), 3, "the last three are kept");
    let keep = tempfile::tempdir().unwrap();
    copy_all(&eken.world.dest(), keep.path());
    for age in 0..3 {
        reset(&eken.world, keep.path());
        for newer in &made[..age] {
            fs::remove_file(newer).unwrap();
        }
        fs::write(state(&eken.world, "state.db"), [7; 10_000]).unwrap();
        let before = disk::all_bytes(&eken.world.dest());
        mirroring(&eken.world, "run", &[]).expect(1);
        let done = recover(&eken.world, &[]).expect(0);
        let name = made[age].file_stem().unwrap().to_str().unwrap();
        assert!(done.out.contains(name) && done.out.contains("state.db.damaged-"), "{}", done.out);
        let run = mirroring(&eken.world, "run", &[]).expect(0);
        assert_eq!(run.count("bytes", "downloaded"), 0, "copy {age}: {}", run.out);
        assert_nothing_lost(&eken.world, &before, &format!("copy {age}"));
        eken.assert_at_rest();
    }
}

#[test]
fn a_recovered_state_catches_up_with_later_changes() {
    let eken = eken(40, |_| {});
    live_on(&eken);
    fs::remove_file(state(&eken.world, "state.db")).unwrap();
    for newer in &copies(&eken.world.dest())[..2] {
        fs::remove_file(newer).unwrap();
    }
    eken.world.edit(|o| {
        o.revise(&eken.ids[0], "revised after the loss").unwrap();
        o.move_document(&eken.ids[9], &eken.binder, None).unwrap();
    });
    let before = disk::all_bytes(&eken.world.dest());
    let lost = mirroring(&eken.world, "run", &[]).expect(1);
    assert!(lost.err.contains("ibinder-sync recover --dest"), "{}", lost.err);
    recover(&eken.world, &[]).expect(0);
    mirroring(&eken.world, "run", &[]).expect(0);
    assert_nothing_lost(&eken.world, &before, "recovered");
    // The file at the document's previous place belongs to nobody now.
    let left: BTreeSet<String> = disk::files(&eken.world.dest()).into_keys().collect();
    assert!(left.contains("Brf Eken/9.txt"), "{left:?}");
    fs::remove_file(eken.world.at("Brf Eken/Avtal/9.txt")).unwrap();
    eken.assert_at_rest();
}

#[test]
fn an_undamaged_state_is_only_replaced_with_force() {
    let eken = eken(3, |_| {});
    let before = disk::all_bytes(&eken.world.dest());
    let refused = recover(&eken.world, &[]).expect(2);
    assert!(refused.err.contains("--force"), "{}", refused.err);
    recover(&eken.world, &["--force"]).expect(0);
    mirroring(&eken.world, "run", &[]).expect(0);
    assert_nothing_lost(&eken.world, &before, "forced");
    eken.assert_at_rest();
}

#[test]
fn without_a_good_copy_recover_points_to_adopt() {
    let eken = eken(3, |_| {});
    let [copy] = &copies(&eken.world.dest())[..] else { panic!("one copy") };
    fs::write(copy, "no database").unwrap();
    fs::write(state(&eken.world, "state.db"), "no database either").unwrap();
    let refused = recover(&eken.world, &[]).expect(1);
    assert!(refused.err.contains("ibinder-sync adopt --dest"), "{}", refused.err);
    assert_eq!(fs::read(state(&eken.world, "state.db")).unwrap(), b"no database either");
    mirroring(&eken.world, "adopt", &[]).expect(0);
    eken.assert_at_rest();
    // Run numbers continue above those of the lost state, so that the newest copy is one of the new state.
    let newest = rusqlite::Connection::open(&copies(&eken.world.dest())[0]).unwrap();
    let documents: i64 = newest.query_row("SELECT count(*) FROM documents", [], |row| row.get(0)).unwrap();
    let numbers: (i64, i64) = newest
        .query_row("SELECT min(number), max(number) FROM runs", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((documents, numbers), (3, (2, 2)));
}

#[test]
fn a_copy_is_made_when_something_changed() {
    let eken = eken(3, |_| {});
    let names = || -> Vec<_> { copies(&eken.world.dest()) };
    let first = names();
    assert_eq!(first.len(), 1);
    mirroring(&eken.world, "run", &[]).expect(0);
    assert_eq!(names(), first, "nothing changed");
    eken.world.edit(|o| o.revise(&eken.ids[0], "second")).unwrap();
    mirroring(&eken.world, "run", &[]).expect(0);
    assert_eq!(names().len(), 2);
    let connection = rusqlite::Connection::open(&names()[0]).unwrap();
    let unfinished: i64 =
        connection.query_row("SELECT count(*) FROM runs WHERE finished_at IS NULL", [], |row| row.get(0)).unwrap();
    assert_eq!(unfinished, 0);
}

#[test]
fn old_bytes_below_tmp_survive_the_loss_of_the_state() {
    let eken = eken(3, |_| {});
    let parked = state(&eken.world, "tmp/3/left-by-a-kill");
    fs::write(&parked, "the only ones").unwrap();
    fs::remove_file(state(&eken.world, "state.db")).unwrap();
    recover(&eken.world, &[]).expect(0);
    assert!(!Path::new(&parked).exists());
    eken.world.assert_held(b"the only ones");
    mirroring(&eken.world, "run", &[]).expect(0);
    eken.world.assert_held(b"the only ones");
}

#[test]
fn old_bytes_that_a_row_needs_are_not_swept() {
    let eken = eken(3, |_| {});
    // As left by a replacement whose intent was lost with the end of the journal.
    fs::rename(eken.world.at("Brf Eken/Avtal/0.txt"), state(&eken.world, "tmp/2/on-its-way")).unwrap();
    fs::write(state(&eken.world, "tmp/2/a-download"), "never published").unwrap();
    eken.world.edit(|o| o.revise(&eken.ids[0], "second")).unwrap();
    mirroring(&eken.world, "run", &[]).expect(0);
    eken.world.assert_held(b"bytes 0");
    assert!(!disk::is_held(&eken.world.dest(), b"never published"));
    eken.assert_at_rest();
}
