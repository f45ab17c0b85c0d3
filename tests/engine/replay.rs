//! Every step of a publish, interrupted after each of its actions on the disk, and completed by the replay.
//!
//! Interrupted situations are created by hand, because only the file system counts, not which function changed it.
//! Each is replayed twice, since the replay may crash, too, and on file systems with all abilities and without them.

use std::{fs, os::unix::fs::MetadataExt as _, path::PathBuf, sync::Arc};

use ibinder_sync::{
    mirror::{Mirror, Outcome, Stage, database},
    model::{
        BinderId, DocumentId, Intent, Outgoing, Particulars, RelPath, STATE_FOLDER, Staged, Stamp, Step, VersionId,
    },
    state::State,
    sync::replay,
};
use tempfile::TempDir;

use crate::disk;

const OLD: &str = "the old bytes";
const NEW: &str = "the new bytes";

/// An open mirror with one document, `Brf Eken/Avtal/a.txt`, whose file has the bytes [`OLD`].
struct Bench {
    folder: TempDir,
    mirror: Arc<Mirror>,
    state: Arc<State>,
}

impl Bench {
    fn new(fallbacks: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mirror = Mirror::open(folder.path()).unwrap();
        let mirror = Arc::new(if fallbacks { mirror.with_fallbacks_only() } else { mirror });
        let state = Arc::new(State::open(&database(folder.path()), false).unwrap());
        let bench = Self { folder, mirror, state };
        let staged = bench.stage(OLD);
        bench.begin(&intent("a", PATH, "v1", Step::Add { staged }));
        bench.replay();
        bench
    }

    fn stage(&self, text: &str) -> Staged {
        let mut stage = Stage::create(&self.mirror, false).unwrap();
        stage.write(text.as_bytes()).unwrap();
        stage.finish(None).unwrap()
    }

    fn outgoing(&self) -> Option<Outgoing> {
        self.mirror.outgoing(&path(PATH)).unwrap()
    }

    fn begin(&self, intent: &Intent) {
        self.state.write(|w| w.begin(intent)).unwrap();
    }

    fn replay(&self) {
        replay(&self.mirror, &self.state, 1).unwrap();
    }

    fn tree(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn tmp(&self, name: &str) -> PathBuf {
        self.folder.path().join(STATE_FOLDER).join("tmp").join(name)
    }

    /// The path of an object; creates its folder.
    fn object(&self, bytes: &str) -> PathBuf {
        let hash = disk::sha256(bytes.as_bytes());
        let object_dir = self.folder.path().join(STATE_FOLDER).join("objects").join(&hash[..2]);
        fs::create_dir_all(&object_dir).unwrap();
        object_dir.join(hash)
    }

    fn path_of(&self, document: &str) -> Option<(String, String)> {
        let id = DocumentId::parse(document).unwrap();
        let known = self.state.read(|r| r.document(&id)).unwrap()?;
        assert_eq!(self.mirror.stamp(&known.path).unwrap(), Some(known.stamp));
        Some((known.path.to_string(), known.version.to_string()))
    }

    /// Asserts that the tree has exactly these files, each with one name, and that no temporary files or intents
    /// remain.
    fn assert(&self, files: &[(&str, &str)], held: &[&str], situation: &str) {
        let found: Vec<(String, String)> = disk::files(self.folder.path())
            .into_iter()
            .map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap()))
            .collect();
        let expected: Vec<(String, String)> = files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect();
        assert_eq!(found, expected, "{situation}");
        for (path, _) in files {
            assert_eq!(fs::metadata(self.tree(path)).unwrap().nlink(), 1, "{situation}");
        }
        for bytes in held {
            assert!(disk::is_held(self.folder.path(), bytes.as_bytes()), "{bytes:?} is not kept: {situation}");
            assert_eq!(fs::metadata(self.object(bytes)).unwrap().nlink(), 1, "{situation}");
        }
        disk::assert_objects(self.folder.path());
        assert_eq!(self.state.read(|r| r.intents()).unwrap(), [], "{situation}");
        assert_eq!(disk::leftovers(self.folder.path()), Vec::<String>::new(), "{situation}");
    }

    fn held_rows(&self) -> i64 {
        let connection = rusqlite::Connection::open(database(self.folder.path())).unwrap();
        connection
            .query_row("SELECT count(*) FROM past_versions WHERE held_sha256 IS NOT NULL", [], |row| row.get(0))
            .unwrap()
    }
}

/// Anonymous bytes were lost with the killed process, and their inode number has been reused by another file.
#[test]
fn an_add_whose_bytes_were_lost_takes_no_other_file() {
    let bench = Bench::new(false);
    let staged = bench.stage(NEW);
    fs::write(bench.tree("Brf Eken/Avtal/b.txt"), "somebody's own").unwrap();
    let inode = fs::metadata(bench.tree("Brf Eken/Avtal/b.txt")).unwrap().ino();
    fs::remove_file(bench.tmp(&staged.name)).unwrap();
    let stamp = Stamp { inode, ..staged.stamp };
    bench.begin(&intent("b", "Brf Eken/Avtal/b.txt", "v1", Step::Add { staged: Staged { stamp, ..staged } }));
    bench.replay();
    assert_eq!(bench.path_of("b"), None);
    bench.assert(&[(PATH, OLD), ("Brf Eken/Avtal/b.txt", "somebody's own")], &[], "");
    assert_eq!(bench.state.read(|r| r.failures()).unwrap(), [], "the run will see the document again");
}

const PATH: &str = "Brf Eken/Avtal/a.txt";

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn intent(document: &str, at: &str, version: &str, step: Step) -> Intent {
    let particulars = Particulars {
        binder: BinderId::parse("eken").unwrap(),
        folder: None,
        file_name: "a.txt".to_owned(),
        version: VersionId::parse(version).unwrap(),
        metadata: None,
    };
    Intent { document: DocumentId::parse(document).unwrap(), path: path(at), step, particulars }
}

type Action = fn(&Bench, &str);

/// Replays an interrupted situation, and then again what is already done.
fn finish(bench: &Bench, intent: &Intent, situation: &str) {
    bench.begin(intent);
    // The replay crashed before it was recorded, so it is carried out again.
    let outcome = bench.mirror.apply(intent).unwrap();
    assert!(matches!(outcome, Outcome::Done { .. }), "{situation}: {outcome:?}");
    bench.replay();
}

fn situations(table: &[(&str, Action)], each: impl Fn(Bench, &str, Action)) {
    for fallbacks in [false, true] {
        for (name, action) in table {
            each(Bench::new(fallbacks), &format!("{name}, fallbacks only: {fallbacks}"), *action);
        }
    }
}

#[test]
fn an_add_is_finished() {
    const OTHER: &str = "Brf Linden/b.txt";
    let table: [(&str, Action); 4] = [
        ("nothing is done", |_, _| {}),
        ("the folder is made", |b, _| fs::create_dir_all(b.tree("Brf Linden")).unwrap()),
        ("linked, not unlinked", |b, staged| {
            fs::create_dir_all(b.tree("Brf Linden")).unwrap();
            fs::hard_link(b.tmp(staged), b.tree(OTHER)).unwrap();
        }),
        ("renamed", |b, staged| {
            fs::create_dir_all(b.tree("Brf Linden")).unwrap();
            fs::rename(b.tmp(staged), b.tree(OTHER)).unwrap();
        }),
    ];
    situations(&table, |bench, situation, action| {
        let staged = bench.stage(NEW);
        let name = staged.name.clone();
        let intent = intent("b", OTHER, "v1", Step::Add { staged });
        action(&bench, &name);
        finish(&bench, &intent, situation);
        bench.assert(&[(PATH, OLD), (OTHER, NEW)], &[], situation);
        assert_eq!(bench.path_of("b"), Some((OTHER.to_owned(), "v1".to_owned())), "{situation}");
    });
}

#[test]
fn a_replacement_is_finished() {
    fn exchange(b: &Bench, staged: &str) {
        fs::rename(b.tree(PATH), b.tmp("0/between")).unwrap();
        fs::rename(b.tmp(staged), b.tree(PATH)).unwrap();
        fs::rename(b.tmp("0/between"), b.tmp(staged)).unwrap();
    }
    let table: [(&str, Action); 5] = [
        ("nothing is done", |_, _| {}),
        ("exchanged", exchange),
        ("exchanged, the object exists already", |b, staged| {
            exchange(b, staged);
            fs::write(b.object(OLD), OLD).unwrap();
        }),
        ("exchanged, a damaged object exists", |b, staged| {
            exchange(b, staged);
            fs::write(b.object(OLD), "half").unwrap();
        }),
        ("exchanged and held", |b, staged| {
            exchange(b, staged);
            fs::rename(b.tmp(staged), b.object(OLD)).unwrap();
        }),
    ];
    situations(&table, |bench, situation, action| replaced(&bench, situation, action));
}

#[test]
fn a_replacement_without_an_exchange_is_finished() {
    let table: [(&str, Action); 5] = [
        ("nothing is done", |_, _| {}),
        ("the old bytes are linked", |b, staged| {
            fs::hard_link(b.tree(PATH), b.tmp(&format!("{staged}.old"))).unwrap();
        }),
        ("the old bytes are linked and held", |b, staged| {
            fs::hard_link(b.tree(PATH), b.tmp(&format!("{staged}.old"))).unwrap();
            fs::write(b.object(OLD), OLD).unwrap();
        }),
        ("the old bytes are held", |b, _| fs::write(b.object(OLD), OLD).unwrap()),
        ("the old bytes are held, the new ones renamed", |b, staged| {
            fs::write(b.object(OLD), OLD).unwrap();
            fs::rename(b.tmp(staged), b.tree(PATH)).unwrap();
        }),
    ];
    for (name, action) in table {
        replaced(&Bench::new(true), name, action);
    }
}

fn replaced(bench: &Bench, situation: &str, action: Action) {
    let staged = bench.stage(NEW);
    let name = staged.name.clone();
    let intent = intent("a", PATH, "v2", Step::Replace { staged, outgoing: bench.outgoing() });
    action(bench, &name);
    finish(bench, &intent, situation);
    bench.assert(&[(PATH, NEW)], &[OLD], situation);
    assert_eq!(bench.path_of("a"), Some((PATH.to_owned(), "v2".to_owned())), "{situation}");
    assert_eq!(bench.held_rows(), 1, "{situation}");
}

#[test]
fn a_missing_file_is_replaced() {
    let table: [(&str, Action); 2] =
        [("nothing is done", |_, _| {}), ("renamed", |b, staged| fs::rename(b.tmp(staged), b.tree(PATH)).unwrap())];
    situations(&table, |bench, situation, action| {
        fs::remove_file(bench.tree(PATH)).unwrap();
        let staged = bench.stage(NEW);
        let name = staged.name.clone();
        let intent = intent("a", PATH, "v2", Step::Replace { staged, outgoing: bench.outgoing() });
        action(&bench, &name);
        finish(&bench, &intent, situation);
        bench.assert(&[(PATH, NEW)], &[], situation);
        assert_eq!(bench.held_rows(), 0, "{situation}");
    });
}

#[test]
fn a_move_is_finished() {
    for to in ["Brf Eken/Avtal/b.txt", "Brf Eken/Avtal/A.txt", "Brf Linden/b.txt"] {
        let make = |bench: &Bench| fs::create_dir_all(bench.tree("Brf Linden")).unwrap();
        let table: [(&str, Action); 3] = [
            ("nothing is done", |_, _| {}),
            ("linked, not unlinked", |b, to| fs::hard_link(b.tree(PATH), b.tree(to)).unwrap()),
            ("renamed", |b, to| fs::rename(b.tree(PATH), b.tree(to)).unwrap()),
        ];
        situations(&table, |bench, situation, action| {
            let stamp = bench.mirror.stamp(&path(PATH)).unwrap().unwrap();
            let intent = intent("a", to, "v1", Step::Move { from: path(PATH), stamp });
            make(&bench);
            action(&bench, to);
            finish(&bench, &intent, situation);
            bench.assert(&[(to, OLD)], &[], situation);
            assert_eq!(bench.path_of("a"), Some((to.to_owned(), "v1".to_owned())), "{situation}");
        });
    }
}

#[test]
fn a_removal_is_finished() {
    let table: [(&str, Action); 5] = [
        ("nothing is done", |_, _| {}),
        ("linked out, not unlinked", |b, parked| fs::hard_link(b.tree(PATH), b.tmp(parked)).unwrap()),
        ("parked", |b, parked| fs::rename(b.tree(PATH), b.tmp(parked)).unwrap()),
        ("parked, the object is there already", |b, parked| {
            fs::rename(b.tree(PATH), b.tmp(parked)).unwrap();
            fs::write(b.object(OLD), OLD).unwrap();
        }),
        ("held", |b, _| fs::rename(b.tree(PATH), b.object(OLD)).unwrap()),
    ];
    situations(&table, |bench, situation, action| {
        let parked = bench.mirror.spare_name().unwrap();
        let intent = intent("a", PATH, "v1", Step::Remove { parked: parked.clone(), outgoing: bench.outgoing() });
        action(&bench, &parked);
        finish(&bench, &intent, situation);
        bench.assert(&[], &[OLD], situation);
        assert_eq!((bench.path_of("a"), bench.held_rows()), (None, 1), "{situation}");
    });
}

#[test]
fn empty_folders_left_by_a_crash_are_removed() {
    let table: [(&str, Action); 2] = [
        ("the folder is gone, the binder's is not", |b, _| fs::remove_dir(b.tree("Brf Eken/Avtal")).unwrap()),
        ("both are gone", |b, _| fs::remove_dir_all(b.tree("Brf Eken")).unwrap()),
    ];
    situations(&table, |bench, situation, action| {
        let parked = bench.mirror.spare_name().unwrap();
        let intent = intent("a", PATH, "v1", Step::Remove { parked: parked.clone(), outgoing: bench.outgoing() });
        fs::rename(bench.tree(PATH), bench.tmp(&parked)).unwrap();
        action(&bench, &parked);
        finish(&bench, &intent, situation);
        bench.assert(&[], &[OLD], situation);
        assert!(!bench.tree("Brf Eken").exists(), "{situation}");
    });
}

#[test]
fn a_file_that_came_after_a_removal_stays() {
    let table: [(&str, Action); 1] = [("parked, and somebody wrote another file", |b, parked| {
        fs::rename(b.tree(PATH), b.tmp(parked)).unwrap();
        fs::write(b.tree(PATH), "somebody's").unwrap();
    })];
    situations(&table, |bench, situation, action| {
        let parked = bench.mirror.spare_name().unwrap();
        let intent = intent("a", PATH, "v1", Step::Remove { parked: parked.clone(), outgoing: bench.outgoing() });
        action(&bench, &parked);
        bench.begin(&intent);
        bench.replay();
        bench.assert(&[(PATH, "somebody's")], &[OLD], situation);
        assert_eq!(bench.path_of("a"), None, "{situation}");
    });
}

#[test]
fn bytes_edited_before_a_replacement_are_kept_as_edited() {
    const EDITED: &str = "edited by hand";
    for fallbacks in [false, true] {
        let situation = format!("fallbacks only: {fallbacks}");
        let bench = Bench::new(fallbacks);
        let outgoing = bench.outgoing();
        let staged = bench.stage(NEW);
        // The edit happens after the file was hashed.
        fs::write(bench.tree(PATH), EDITED).unwrap();
        bench.begin(&intent("a", PATH, "v2", Step::Replace { staged, outgoing }));
        bench.replay();
        bench.assert(&[(PATH, NEW)], &[EDITED], &situation);

        let outgoing = bench.outgoing();
        fs::write(bench.tree(PATH), OLD).unwrap();
        let parked = bench.mirror.spare_name().unwrap();
        bench.begin(&intent("a", PATH, "v2", Step::Remove { parked, outgoing }));
        bench.replay();
        bench.assert(&[], &[EDITED, OLD], &situation);
        assert_eq!(bench.held_rows(), 2);
    }
}

#[test]
fn an_object_shares_no_file_with_a_link_elsewhere() {
    for fallbacks in [false, true] {
        let bench = Bench::new(fallbacks);
        let elsewhere = bench.folder.path().join(STATE_FOLDER).join("elsewhere");
        fs::hard_link(bench.tree(PATH), &elsewhere).unwrap();
        let parked = bench.mirror.spare_name().unwrap();
        bench.begin(&intent("a", PATH, "v1", Step::Remove { parked, outgoing: bench.outgoing() }));
        bench.replay();
        fs::write(&elsewhere, "scribbled over").unwrap();
        bench.assert(&[], &[OLD], &format!("fallbacks only: {fallbacks}"));
    }
}

#[test]
fn an_add_never_takes_a_foreign_files_place() {
    for fallbacks in [false, true] {
        let bench = Bench::new(fallbacks);
        let staged = bench.stage(NEW);
        fs::write(bench.tree("Brf Eken/Avtal/b.txt"), "somebody's").unwrap();
        let intent = intent("b", "Brf Eken/Avtal/b.txt", "v1", Step::Add { staged });
        assert_eq!(bench.mirror.apply(&intent).unwrap(), Outcome::Occupied);
        bench.begin(&intent);
        bench.replay();
        assert_eq!(fs::read(bench.tree("Brf Eken/Avtal/b.txt")).unwrap(), b"somebody's");
        assert_eq!(bench.path_of("b"), None);
    }
}

/// Renames of one batch, interrupted after each: one file is parked or moves on, and another takes its name.
#[test]
fn a_batch_of_renames_is_finished() {
    const B: &str = "Brf Eken/Avtal/b.txt";
    const ASIDE: &str = "Brf Eken/Avtal/b [b].txt";
    for (fallbacks, done) in [false, true].into_iter().flat_map(|f| (0..=2).map(move |done| (f, done))) {
        let situation = format!("{done} of 2 renames, fallbacks only: {fallbacks}");
        let bench = Bench::new(fallbacks);
        let staged = bench.stage("the other");
        bench.begin(&intent("b", B, "v1", Step::Add { staged }));
        bench.replay();
        let legs = [("b", B, ASIDE), ("a", PATH, B)];
        for (document, from, to) in legs {
            let stamp = bench.mirror.stamp(&path(from)).unwrap().unwrap();
            bench.begin(&intent(document, to, "v1", Step::Move { from: path(from), stamp }));
        }
        for (_, from, to) in &legs[..done] {
            fs::rename(bench.tree(from), bench.tree(to)).unwrap();
        }
        bench.replay();
        bench.assert(&[(ASIDE, "the other"), (B, OLD)], &[], &situation);
        let rows = ["b", "a"].map(|document| bench.path_of(document).unwrap().0);
        assert_eq!(rows, [ASIDE, B], "{situation}");
    }
}
