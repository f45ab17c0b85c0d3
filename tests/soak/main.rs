//! The program, killed at hundreds of random moments while the organisation changes and the service misbehaves.
//!
//!     cargo test --release --test soak -- --kills 500 --seed 1
//!
//! After each kill every file of the tree is whole and no living document is missing. After every few, the program runs
//! to its end: then the tree is what the service has, all bytes that were ever seen in the tree are there or are held,
//! and nothing is left to do. The seed reproduces the changes and the faults; when exactly a kill strikes, no seed
//! decides.
#![cfg(feature = "sandbox")]
#![allow(clippy::unwrap_used, missing_docs)]

#[allow(dead_code, reason = "the engine's tests need the rest")]
#[path = "../engine/disk.rs"]
mod disk;
mod story;

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use ibinder_sync::{
    mirror::database,
    sandbox::{FaultKind as K, Faults, Sandbox},
};

use story::{Dice, Story};

/// Kills between two complete runs.
const BETWEEN: u32 = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.map_or(default, |at| arguments[at + 1].parse().unwrap())
    };
    let (kills, seed) = (number("--kills", 500), number("--seed", 1));
    let clock = Instant::now();
    println!("seed {seed}, {kills} kills");
    let mut soak = Soak::new(seed);
    while soak.kills < kills {
        soak.round();
        println!("{} kills, {} changes, {:.0?}", soak.kills, soak.story.changes, clock.elapsed());
    }
    println!(
        "seed {seed}: {} kills ({} more runs ended before theirs), {} complete runs, {} changes, {} documents, \
         {} byte strings seen in the tree, none lost, in {:.0?}",
        soak.kills,
        soak.late,
        soak.complete,
        soak.story.changes,
        soak.story.world.with_organisation(|o| o.documents().len()),
        soak.seen.len(),
        clock.elapsed()
    );
}

struct Soak {
    story: Story,
    folder: tempfile::TempDir,
    dice: Dice,
    /// How long a run takes that nobody kills.
    whole: Duration,
    /// Hashes of everything that was in the tree once.
    seen: BTreeSet<String>,
    kills: u64,
    late: u64,
    complete: u64,
}

impl Soak {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut soak = Self {
            story: Story::new(seed),
            folder,
            dice: Dice(seed ^ 0x5eed),
            whole: Duration::from_secs(1),
            seen: BTreeSet::new(),
            kills: 0,
            late: 0,
            complete: 0,
        };
        soak.finish();
        soak
    }

    fn dest(&self) -> std::path::PathBuf {
        self.folder.path().join("mirror")
    }

    /// A few kills, and a run to the end.
    fn round(&mut self) {
        for _ in 0..BETWEEN {
            self.kill();
        }
        self.finish();
    }

    fn kill(&mut self) {
        let kinds = [K::Internal, K::Drop, K::Truncate, K::ExpiredLink, K::Garbage, K::TooMany, K::RevokeToken];
        let share = [0.0, 0.01, 0.03][self.dice.below(3)];
        let seed = self.dice.next();
        self.story.world.change_settings(|settings| settings.seed = seed);
        self.story.world.set_faults(kinds.into_iter().fold(Faults::none(), |all, kind| all.with(kind, share)));
        for _ in 0..self.dice.below(20) {
            self.story.change();
        }
        let before = self.story.present(&hashes(&self.dest()));
        let mut child = start(&self.story.world, &self.dest(), "run");
        let mut gone = BTreeSet::new();
        for _ in 0..3 {
            let share = u32::try_from(self.dice.below(1000)).unwrap();
            std::thread::sleep(self.whole * share / 3000);
            gone.extend(self.story.change_meanwhile());
        }
        if child.try_wait().unwrap().is_some() {
            self.late += 1;
        } else {
            self.kills += 1;
        }
        // Kill is SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
        let hashes = hashes(&self.dest());
        self.story.assert_whole(&hashes);
        let after = self.story.present(&hashes);
        for id in before.iter().filter(|id| !gone.contains(*id)) {
            assert!(after.contains(id), "{id} has no file");
        }
        self.seen.extend(hashes);
    }

    fn finish(&mut self) {
        self.story.world.set_faults(Faults::none());
        let clock = Instant::now();
        let status = start(&self.story.world, &self.dest(), "run").wait().unwrap();
        assert!(status.success(), "{status}");
        self.whole = (self.whole + clock.elapsed()) / 2;
        self.complete += 1;
        let dest = self.dest();
        disk::assert_mirrors(&self.story.world, &dest);
        let tree = hashes(&dest);
        for hash in self.seen.difference(&tree) {
            let object = dest.join(".ibinder-sync/objects").join(&hash[..2]).join(hash);
            // That each object holds what its name says was looked at before.
            assert!(object.is_file(), "{hash} is nowhere");
        }
        self.seen.extend(tree);
        let state = rusqlite::Connection::open(database(&dest)).unwrap();
        let check: String = state.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        drop(state);
        let planned = start(&self.story.world, &dest, "plan").wait_with_output().unwrap();
        let planned: serde_json::Value = serde_json::from_slice(&planned.stdout).unwrap();
        for what in ["added", "updated", "moved", "removed", "withheld", "failed"] {
            assert_eq!(planned["documents"][what], 0, "{planned}");
        }
    }
}

fn start(world: &Sandbox, dest: &Path, command: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ibinder-sync"))
        .args([
            command,
            "--quiet",
            "--json",
            "--rate",
            "0",
            "--refresh-folders",
            "0s",
            "--max-removals",
            "100%",
            "--dest",
        ])
        .arg(dest)
        .env_clear()
        .env("IBINDER_CONFIG", "/dev/null")
        .envs(world.environment())
        .stdin(Stdio::null())
        .stdout(if command == "plan" { Stdio::piped() } else { Stdio::null() })
        .stderr(if command == "plan" { Stdio::inherit() } else { Stdio::null() })
        .spawn()
        .unwrap()
}

/// What the files of the tree hash to.
fn hashes(dest: &Path) -> BTreeSet<String> {
    disk::files(dest).into_values().map(|bytes| disk::sha256(&bytes)).collect()
}
