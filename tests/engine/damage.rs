//! Every kind of damage to every file of the state database: the table in `docs/recovery.md`.
//!
//! One mirror is at rest, another has a journal that a kill left. Each case damages a copy of one of them, and must be
//! refused without any change, or continue; then recovery must lead to the right tree.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use ibinder_sync::{
    mirror::copies,
    model::STATE_FOLDER,
    sandbox::{Organisation, Route},
};
use tempfile::TempDir;

use crate::{
    crash::{Moment, run_until},
    disk,
    harness::World,
    program::{assert_nothing_lost, copy_all, finish, mirroring, mirroring_command, recover, state},
};

/// A kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Missing,
    Empty,
    Half,
    OddLength,
    FlippedInHeader,
    FlippedInPage,
    Folder,
    Unreadable,
}

use Damage::{Empty, Folder, Half, Missing, OddLength, Unreadable};

const ALL: [Damage; 8] =
    [Missing, Empty, Half, OddLength, Damage::FlippedInHeader, Damage::FlippedInPage, Folder, Unreadable];

/// The outcome of the next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Refused with this code and without any change; `recover` repairs it, or `adopt` if that can't.
    Refused(i32),
    /// The damage is found during the run, which ends with this code; no file of the tree and no object has changed.
    Ends(i32),
    /// It succeeds.
    GoesOn,
    /// It is refused before anything changes, or it succeeds because the journal has the page.
    Either(i32),
}

use Outcome::{Either, Ends, GoesOn, Refused};

impl Damage {
    fn strike(self, path: &Path) {
        let whole = fs::read(path).unwrap_or_default();
        let write = |bytes: &[u8]| fs::write(path, bytes).unwrap();
        let flipped = |at: usize| {
            let mut bytes = whole.clone();
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 0xFF;
            }
            bytes
        };
        match self {
            Missing => drop(fs::remove_file(path)),
            Empty => write(b""),
            Half => write(&whole[..whole.len() / 2]),
            OddLength => write(&whole[..whole.len().saturating_sub(1777)]),
            Damage::FlippedInHeader => write(&flipped(3)),
            // A page's first byte is its type; in a journal's frame this is somewhere within the page.
            Damage::FlippedInPage => write(&flipped(4096 * 4)),
            Folder => {
                drop(fs::remove_file(path));
                fs::create_dir(path).unwrap();
            }
            Unreadable => fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap(),
        }
    }
}

/// Whether the mode of a file keeps this user from reading it.
fn modes_count(folder: &Path) -> bool {
    let probe = folder.join("probe");
    fs::write(&probe, "x").unwrap();
    fs::set_permissions(&probe, fs::Permissions::from_mode(0o000)).unwrap();
    let refused = fs::read(&probe).is_err();
    fs::remove_file(&probe).unwrap();
    refused
}

/// The same command, but root is subject to file modes like any other user.
fn without_override(command: &Command) -> Command {
    let mut held = Command::new("setpriv");
    held.arg("--bounding-set=-dac_override,-dac_read_search").arg("--").arg(command.get_program());
    held.args(command.get_args()).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    held.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    held
}

/// Everything below a folder except for the lock and the status, which record the last attempt.
fn everything(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.clone(), None);
            found.extend(everything(&path));
        } else if !path.ends_with("lock") && !path.ends_with("status.json") {
            found.insert(path.clone(), Some(fs::read(&path).unwrap_or_default()));
        }
    }
    found
}

/// Hard-links a mirror's files, so that each remains the file in its row. Damaged files are copied.
fn link_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_owned();
        let target = to.join(&name);
        if path.is_dir() && name == "copies" {
            copy_all(&path, &target);
        } else if path.is_dir() {
            link_all(&path, &target);
        } else if name == "lock" || name.to_string_lossy().starts_with("state.db") {
            fs::copy(&path, &target).unwrap();
        } else {
            fs::hard_link(&path, &target).unwrap();
        }
    }
}

fn reset(world: &World, kept: &Path) {
    fs::remove_dir_all(world.dest()).unwrap();
    link_all(kept, &world.dest());
}

struct Bench {
    world: World,
    kept: TempDir,
}

impl Bench {
    /// A mirror after some changes; with `killed`, during the last ones.
    fn new(killed: bool) -> Self {
        let mut o = Organisation::empty();
        let binder = o.add_binder("Brf Eken");
        let add = |n: usize| o.add_document(&binder, None, &format!("{n}.txt"), format!("bytes {n}")).unwrap();
        let ids: Vec<String> = (0..60).map(add).collect();
        let world = World::new(o);
        mirroring(&world, "run", &[]).expect(0);
        for round in 0..2 {
            world.edit(|o| {
                for id in &ids[round * 20..round * 20 + 10] {
                    o.revise(id, format!("revised {round} {id}")).unwrap();
                }
                // A new name after the loss would leave a file that belongs to no document.
                o.rename_document(&ids[50], "renamed.txt").unwrap();
                for n in 0..10 {
                    o.add_document(&binder, None, &format!("new {round} {n}.txt"), format!("new {round} {n}")).unwrap();
                }
            });
            if round == 0 || !killed {
                mirroring(&world, "run", &[]).expect(0);
            }
        }
        if killed {
            assert!(run_until(&world, Moment::Files(15)), "it was not killed");
            assert!(fs::metadata(state(&world, "state.db-wal")).unwrap().len() > 4096 * 4);
        }
        let kept = tempfile::tempdir().unwrap();
        link_all(&world.dest(), kept.path());
        Self { world, kept }
    }

    fn cell(&self, file: &str, damage: Damage, expected: Outcome) {
        let situation = format!("{damage:?} {file}");
        reset(&self.world, self.kept.path());
        let path = match file {
            "newest copy" => copies(&self.world.dest()).remove(0),
            name => state(&self.world, name),
        };
        damage.strike(&path);
        let (bytes, all) = (disk::all_bytes(&self.world.dest()), everything(&self.world.dest()));
        let mut run = mirroring_command(&self.world, "run", &[]);
        if damage == Unreadable && !modes_count(self.kept.path()) {
            run = without_override(&run);
        }
        let run = finish(&mut run);
        let code = match expected {
            Refused(code) | Ends(code) => code,
            Either(code) if run.code != 0 => code,
            Either(_) | GoesOn => 0,
        };
        assert_eq!(run.code, code, "{situation}: {}", run.err);
        if code != 0 {
            let unchanged = match expected {
                Ends(_) => disk::all_bytes(&self.world.dest()) == bytes,
                _ => everything(&self.world.dest()) == all,
            };
            assert!(unchanged, "something was changed: {situation}");
            if damage == Unreadable {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
                mirroring(&self.world, "run", &[]).expect(0);
            } else {
                self.assert_recovery(&run.err, &situation);
            }
        }
        assert_nothing_lost(&self.world, &bytes, &situation);
        eprintln!("{situation}: {code}\n{}", run.err);
        self.world.assert_mirrors();
        self.world.assert_nothing_planned();
    }

    /// First `adopt` on a separate copy, then `recover`.
    fn assert_recovery(&self, advice: &str, situation: &str) {
        assert!(advice.contains("ibinder-sync recover --dest"), "{situation}: {advice}");
        assert!(advice.contains("ibinder-sync adopt --dest"), "{situation}: {advice}");
        let damaged = tempfile::tempdir().unwrap();
        link_all(&self.world.dest(), damaged.path());
        mirroring(&self.world, "adopt", &[]).expect(0);
        self.world.assert_mirrors();
        self.world.assert_nothing_planned();
        reset(&self.world, damaged.path());
        recover(&self.world, &[]).expect(0);
        mirroring(&self.world, "run", &[]).expect(0);
    }

    fn row(&self, file: &str, expected: impl Fn(Damage) -> Outcome) {
        for damage in ALL {
            self.cell(file, damage, expected(damage));
        }
    }
}

#[test]
fn the_database() {
    Bench::new(false).row("state.db", |damage| match damage {
        Damage::FlippedInPage => Ends(1),
        Unreadable => Refused(8),
        _ => Refused(1),
    });
}

#[test]
fn the_database_beside_a_journal() {
    Bench::new(true).row("state.db", |damage| match damage {
        // The journal may have the page that was hit.
        Damage::FlippedInHeader | Damage::FlippedInPage | OddLength => Either(1),
        Unreadable => Refused(8),
        _ => Refused(1),
    });
}

#[test]
fn the_journal_left_by_a_kill() {
    Bench::new(true).row("state.db-wal", |damage| match damage {
        Folder => Refused(1),
        Unreadable => Refused(8),
        _ => GoesOn,
    });
}

#[test]
fn the_index_of_the_journal() {
    Bench::new(true).row("state.db-shm", |damage| match damage {
        Folder => Refused(1),
        Unreadable => Refused(8),
        _ => GoesOn,
    });
}

#[test]
fn a_foreign_rollback_journal() {
    let bench = Bench::new(false);
    fs::write(bench.kept.path().join(STATE_FOLDER).join("state.db-journal"), vec![0x5A; 5000]).unwrap();
    bench.row("state.db-journal", |damage| match damage {
        Folder => Refused(1),
        Unreadable => Refused(8),
        _ => GoesOn,
    });
}

#[test]
fn the_newest_copy() {
    let bench = Bench::new(false);
    bench.row("newest copy", |_| GoesOn);
    // It is skipped when it is needed.
    for damage in ALL.into_iter().filter(|damage| *damage != Unreadable) {
        reset(&bench.world, bench.kept.path());
        let made = copies(&bench.world.dest());
        damage.strike(&made[0]);
        fs::remove_file(state(&bench.world, "state.db")).unwrap();
        let recovered = recover(&bench.world, &[]).expect(0);
        assert!(
            recovered.out.contains(made[1].file_stem().unwrap().to_str().unwrap()),
            "{damage:?}: {}",
            recovered.out
        );
        mirroring(&bench.world, "run", &[]).expect(0);
        bench.world.assert_mirrors();
    }
}

#[test]
fn the_whole_state_folder() {
    let bench = Bench::new(false);
    let before = disk::files(&bench.world.dest());
    fs::remove_dir_all(bench.world.at(STATE_FOLDER)).unwrap();
    mirroring(&bench.world, "run", &[]).expect(2);
    recover(&bench.world, &[]).expect(2);
    assert!(!bench.world.at(STATE_FOLDER).exists());
    let blobs = bench.world.requests(Route::Blob, || mirroring(&bench.world, "adopt", &[]).expect(0));
    assert_eq!(blobs.1.count("bytes", "downloaded"), 0);
    assert_eq!(disk::files(&bench.world.dest()), before);
    bench.world.assert_mirrors();
}
