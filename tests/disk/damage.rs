//! Damages each file and folder of the state, except for the database, in each way: the table in `docs/damage.md`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use ibinder_sync::{
    model::Sha256 as Hash,
    sandbox::{Organisation, Reply, Route},
};
use sha2::{Digest as _, Sha256};

use crate::{
    fixture::{Fixture, files},
    program::{Done, Program, finish, snapshot},
    skip::skip,
};

/// A kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Missing,
    Truncated,
    Flipped,
    /// A folder instead of a file, or a file instead of a folder.
    Other,
    /// A dangling link.
    Dangling,
    /// A link to a folder or file outside of the mirror.
    Outward,
    /// Not readable.
    Unreadable,
    /// Not writable.
    Unwritable,
}

use Damage::{Dangling, Flipped, Missing, Other, Outward, Truncated, Unreadable, Unwritable};

/// The outcome of the next run: its exit code and part of its message.
type Outcome = (i32, &'static str);

const FINE: Outcome = (0, "");

/// Targets of links, outside of the mirror.
struct Outside {
    folder: PathBuf,
    file: PathBuf,
}

fn inflict(damage: Damage, path: &Path, outside: &Outside) {
    let folder = path.is_dir();
    let remove = || if folder { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() };
    match damage {
        Missing => remove(),
        Truncated => fs::write(path, "").unwrap(),
        Flipped => fs::write(path, fs::read(path).unwrap().iter().map(|byte| !byte).collect::<Vec<_>>()).unwrap(),
        Other => {
            remove();
            if folder { fs::write(path, "in the way").unwrap() } else { fs::create_dir(path).unwrap() }
        }
        Dangling => {
            remove();
            symlink("nowhere", path).unwrap();
        }
        Outward => {
            remove();
            symlink(if folder { &outside.folder } else { &outside.file }, path).unwrap();
        }
        Unreadable => fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap(),
        Unwritable => fs::set_permissions(path, fs::Permissions::from_mode(0o500)).unwrap(),
    }
}

/// Follows the advice of the message: removes what is there.
fn clear(path: &Path, was_folder: bool) {
    let Ok(found) = path.symlink_metadata() else { return };
    if found.is_dir() && was_folder {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    } else if found.is_dir() {
        fs::remove_dir(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}

/// A run without the capabilities that let root ignore permissions.
fn run(program: &Program) -> Done {
    let command = program.run_command(&["--refresh-folders", "0s"]);
    let mut held = Command::new("setpriv");
    held.arg("--bounding-set=-dac_override,-dac_read_search").arg("--").arg(command.get_program());
    held.args(command.get_args()).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    finish(held.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))))
}

fn can_hold_back() -> bool {
    let probe = Command::new("setpriv").args(["--bounding-set=-dac_override", "true"]).output();
    let able = probe.is_ok_and(|output| output.status.success());
    if !able {
        skip("setpriv can't drop capabilities: run as root");
    }
    able
}

/// Inflicts each damage on what `find` returns, with changes to mirror.
fn table(find: impl Fn(&Fixture) -> PathBuf, rows: &[(Damage, Outcome)]) {
    if !can_hold_back() {
        return;
    }
    let mut fixture = Fixture::new();
    let folder = fixture.program.beside("outside");
    fs::create_dir(&folder).unwrap();
    let outside = Outside { file: folder.join("precious"), folder };
    fs::write(&outside.file, "precious").unwrap();
    let before = snapshot(&outside.folder);
    for (damage, (code, words)) in rows {
        fixture.change();
        run(&fixture.program).expect(0);
        fixture.change();
        let path = find(&fixture);
        let was_folder = path.is_dir();
        inflict(*damage, &path, &outside);
        let done = run(&fixture.program);
        assert_eq!(snapshot(&outside.folder), before, "{damage:?} of {}", path.display());
        assert_eq!(done.code, *code, "{damage:?} of {}: {}", path.display(), done.err);
        assert!(done.err.contains(words), "{damage:?} of {}: {}", path.display(), done.err);
        assert!(!files(&fixture.program.dest).is_empty());
        clear(&path, was_folder);
        run(&fixture.program).expect(0);
        fixture.assert_tree();
    }
}

const NO_FOLDER: Outcome = (2, "is not a folder; move it away and run again");
const NOT_OWN: Outcome = (2, "run as the user that owns the mirror");

#[test]
fn the_lock() {
    let away: Outcome = (2, "if it is not a file, move it away");
    let rows = [
        (Missing, FINE),
        (Truncated, FINE),
        (Flipped, FINE),
        (Other, away),
        (Dangling, away),
        (Outward, away),
        (Unreadable, NOT_OWN),
        (Unwritable, NOT_OWN),
    ];
    table(|fixture| fixture.program.state("lock"), &rows);
}

#[test]
fn the_folders() {
    let rows = |unwritable: Outcome| {
        [
            (Missing, FINE),
            (Other, NO_FOLDER),
            (Dangling, NO_FOLDER),
            (Outward, NO_FOLDER),
            (Unreadable, NOT_OWN),
            (Unwritable, unwritable),
        ]
    };
    table(|fixture| fixture.program.state("tmp"), &rows(FINE));
    table(|fixture| fixture.program.state("tmp/0"), &rows((2, "give this user access to it")));
    table(|fixture| fixture.program.state("objects"), &rows((8, "run as the user that owns the mirror")));
    table(|fixture| fixture.program.state("runs"), &rows((8, "could not be recorded")));
}

#[test]
fn the_reports() {
    let rows = |other: Outcome| {
        let fine = [Missing, Truncated, Flipped, Dangling, Outward, Unreadable, Unwritable].map(|d| (d, FINE));
        fine.into_iter().chain([(Other, other)]).collect::<Vec<_>>()
    };
    table(|fixture| fixture.program.state("last-run.json"), &rows((8, "could not be recorded")));
    table(|fixture| fixture.program.state("last-run.html"), &rows((8, "could not be recorded")));
    table(|fixture| fixture.program.state("status.json"), &rows((8, "could not be recorded")));
    table(|fixture| fixture.program.state("find.text"), &rows((0, "`find` takes longer")));
    let first = |fixture: &Fixture, kind: &str| {
        let files = fs::read_dir(fixture.program.state("runs")).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == kind)).min().unwrap()
    };
    table(|fixture| first(fixture, "json"), &rows(FINE));
    table(|fixture| first(fixture, "html"), &rows(FINE));
}

/// A document whose bytes are kept and needed by the next run in one of two ways.
struct Held {
    program: Program,
    document: String,
    object: PathBuf,
    outside: Outside,
}

impl Held {
    fn new() -> Self {
        let mut o = Organisation::empty();
        let binder = o.add_binder("Eken");
        o.add_document(&binder, None, "still", "still").unwrap();
        let document = o.add_document(&binder, None, "held", "held").unwrap();
        let program = Program::new(o);
        program.run(&[]).expect(0);
        program.sandbox.with_organisation(|o| o.remove_document(&document)).unwrap();
        program.run(&[]).expect(0);
        let hash = sha256(b"held");
        let object = program.state("objects").join(&hash[..2]).join(hash);
        assert_eq!(fs::read(&object).unwrap(), b"held");
        let folder = program.beside("outside");
        fs::create_dir(&folder).unwrap();
        let outside = Outside { file: folder.join("precious"), folder };
        fs::write(&outside.file, "precious").unwrap();
        Self { program, document, object, outside }
    }

    fn damage(&self, path: &Path, damage: Damage) {
        inflict(damage, path, &self.outside);
    }

    fn run(&self) -> Done {
        let done = run(&self.program);
        assert_eq!(files(&self.outside.folder).into_values().collect::<Vec<_>>(), ["precious"]);
        done
    }
}

fn sha256(bytes: &[u8]) -> String {
    Hash::new(Sha256::digest(bytes).into()).hex()
}

const EVERY: [Damage; 8] = [Missing, Truncated, Flipped, Other, Dangling, Outward, Unreadable, Unwritable];

#[test]
fn an_object_that_a_returning_document_needs() {
    for damage in EVERY.into_iter().filter(|_| can_hold_back()) {
        let held = Held::new();
        held.damage(&held.object, damage);
        held.program.sandbox.with_organisation(|o| o.restore_document(&held.document)).unwrap();
        held.run().expect(0);
        assert_eq!(fs::read(held.program.dest.join("Eken/held")).unwrap(), b"held", "{damage:?}");
    }
}

#[test]
fn an_object_that_gets_the_same_bytes_again() {
    for damage in EVERY.into_iter().filter(|_| can_hold_back()) {
        let held = Held::new();
        held.program.sandbox.with_organisation(|o| o.restore_document(&held.document)).unwrap();
        held.run().expect(0);
        held.damage(&held.object, damage);
        held.program.sandbox.with_organisation(|o| o.revise(&held.document, "new")).unwrap();
        if damage == Other {
            held.run().says(8, "could not be put into objects/");
            fs::remove_dir(&held.object).unwrap();
        }
        held.run().expect(0);
        assert_eq!(fs::read(held.program.dest.join("Eken/held")).unwrap(), b"new", "{damage:?}");
        assert!(held.object.symlink_metadata().unwrap().is_file());
        assert_eq!(fs::read(&held.object).unwrap(), b"held", "{damage:?}");
    }
}

#[test]
fn a_folder_of_objects() {
    for damage in [Missing, Other, Dangling, Outward, Unreadable, Unwritable].into_iter().filter(|_| can_hold_back()) {
        let held = Held::new();
        let object_dir = held.object.parent().unwrap();
        held.program.sandbox.with_organisation(|o| o.restore_document(&held.document)).unwrap();
        held.damage(object_dir, damage);
        // Objects that can't be read are downloaded.
        held.run().expect(0);
        assert_eq!(fs::read(held.program.dest.join("Eken/held")).unwrap(), b"held", "{damage:?}");
        // If the folder is only read-only, the bytes are there already.
        if matches!(damage, Unwritable) {
            fs::set_permissions(object_dir, fs::Permissions::from_mode(0o700)).unwrap();
            fs::remove_file(&held.object).unwrap();
            fs::set_permissions(object_dir, fs::Permissions::from_mode(0o500)).unwrap();
        }
        held.program.sandbox.with_organisation(|o| o.revise(&held.document, "new")).unwrap();
        if damage != Missing {
            held.run().says(8, "could not be put into objects/");
            clear(object_dir, object_dir.is_dir());
        }
        held.run().expect(0);
        assert_eq!(fs::read(&held.object).unwrap(), b"held", "{damage:?}");
        assert_eq!(fs::read(held.program.dest.join("Eken/held")).unwrap(), b"new", "{damage:?}");
    }
}

/// The only file below `tmp/`.
fn in_tmp(program: &Program) -> PathBuf {
    let found: Vec<String> = files(&program.state("tmp")).into_keys().collect();
    assert_eq!(found.len(), 1, "{found:?}");
    program.state("tmp").join(&found[0])
}

#[test]
fn bytes_that_were_staged_when_the_run_was_killed() {
    if !crate::calls::can_trace() || !can_hold_back() {
        return;
    }
    for damage in EVERY {
        for replaces in [false, true] {
            let held = Held::new();
            let new = "new".repeat(2_000_000);
            if replaces {
                held.program.sandbox.with_organisation(|o| o.restore_document(&held.document)).unwrap();
                held.run().expect(0);
                held.program.sandbox.with_organisation(|o| o.revise(&held.document, new.clone())).unwrap();
            } else {
                held.program.sandbox.with_organisation(|o| {
                    let binder = o.documents()[0].binder.clone();
                    // Only large documents are staged under a name.
                    o.add_document(&binder, None, "held", new.clone()).unwrap();
                });
            }
            let killed =
                crate::calls::traced(&held.program, &["inject=renameat2:signal=KILL:when=1".to_owned()]).output();
            assert_eq!(killed.unwrap().status.code(), None);
            let staged = in_tmp(&held.program);
            held.damage(&staged, damage);
            let done = held.run();
            if damage == Unreadable {
                done.says(2, "give this user access to it");
                make_readable(&staged);
                held.run().expect(0);
            } else {
                done.expect(0);
            }
            assert!(fs::read(held.program.dest.join("Eken/held")).unwrap() == new.as_bytes(), "{damage:?}");
        }
    }
}

fn make_readable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_partial_download() {
    for damage in EVERY.into_iter().filter(|_| can_hold_back()) {
        let held = Held::new();
        let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        held.program.sandbox.with_organisation(|o| {
            let binder = o.documents()[0].binder.clone();
            o.add_document(&binder, None, "large", large.clone()).unwrap();
        });
        held.program.sandbox.script(Route::Blob, vec![Reply::Stall]);
        held.program.run(&["--max-duration", "1s"]).expect(4);
        held.damage(&in_tmp(&held.program), damage);
        held.run().expect(0);
        assert!(fs::read(held.program.dest.join("Eken/large")).unwrap() == large, "{damage:?}");
    }
}
