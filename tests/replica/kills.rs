//! Copies by a process that is killed: after each step the highest commit names a complete copy, and the next try goes on.

use std::os::unix::process::ExitStatusExt as _;
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::SystemTime,
};

use ibinder_sync::{
    failpoints::{self, Point},
    replica::CopyOutcome,
};
use serde_json::{Value, json};

use crate::{
    bench::{Bench, Place, open},
    server::{Kind, Server},
    skip::skip,
};

const TASK: &str = "COPY_TASK";

/// Starts a process that brings a copy up to date and is killed after its n-th step. Returns whether it was killed.
fn killed(folder: &Path, place: &Place<'_>, nth: usize) -> bool {
    let task = json!({ "folder": folder, "url": place.url(), "variables": place.server.env(), "nth": nth });
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::the_child", "--ignored", "--nocapture"])
        .env(TASK, task.to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let killed = output.status.signal() == Some(9);
    assert!(killed || output.status.success(), "{task}: {}", String::from_utf8_lossy(&output.stderr));
    killed
}

#[test]
#[ignore = "started by other tests as a process"]
fn the_child() {
    let Some(task) = std::env::var_os(TASK) else { return skip("only another test can start it") };
    let task: Value = serde_json::from_str(task.to_str().unwrap()).unwrap();
    let (nth, passed) = (usize::try_from(task["nth"].as_u64().unwrap()).unwrap(), AtomicUsize::new(0));
    failpoints::watch(Box::new(move |point, _| {
        if point == Point::CopyStep && passed.fetch_add(1, Relaxed) + 1 == nth {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
            loop {
                std::thread::park();
            }
        }
    }));
    let variables: Vec<(String, String)> = serde_json::from_value(task["variables"].clone()).unwrap();
    let store = open(task["url"].as_str().unwrap(), variables);
    let bench = Bench::at(Path::new(task["folder"].as_str().unwrap()));
    // One upload after the other, so that the n-th step is always the same.
    bench.replicate_with(&store, 1).unwrap();
}

/// The bytes of each file of a copy and, in a folder, when it was written.
fn files(place: &Place<'_>) -> BTreeMap<String, (Vec<u8>, Option<SystemTime>)> {
    let written = |key: &str| place.folder().map(|folder| fs::metadata(folder.join(key)).unwrap().modified().unwrap());
    place.keys().into_iter().map(|key| (key.clone(), (place.get(&key), written(&key)))).collect()
}

/// A mirror that has no copy yet.
fn first(_: &Place<'_>) -> Bench {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two"), ("B/c.pdf", b"one"), ("B/l.bin", &vec![7; 9 << 20])]);
    bench
}

/// A mirror that changed since its last copy.
fn changed(place: &Place<'_>) -> Bench {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two")]);
    bench.replicate(&place.store()).unwrap();
    bench.add(&[("B/c.pdf", b"three"), ("B/d.pdf", b"four")]);
    bench.replace("B/a.pdf", b"one, second");
    bench
}

/// Kills after each step in turn. `steps` is how many there are, and `commit` the number of the commit that is made.
fn each_step(server: &Server, make: fn(&Place<'_>) -> Bench, (steps, commit): (usize, u64)) {
    for nth in 1..=steps + 1 {
        let place = Place::new(server, &format!("{commit}-{nth}"));
        let folder = make(&place).closed();
        assert_eq!(killed(folder.path(), &place, nth), nth <= steps, "after step {nth}");
        let highest = place.complete().map_or(0, |complete| complete.commit.number);
        // The last step is the commit.
        assert_eq!(highest, if nth < steps { commit - 1 } else { commit }, "after step {nth}");
        let before = files(&place);
        let bench = Bench::at(folder.path());
        let made = bench.replicate(&place.store()).unwrap();
        let outcome = if nth < steps { CopyOutcome::Committed } else { CopyOutcome::Unchanged };
        assert_eq!((made.outcome, made.commit, made.missing), (outcome, commit, 0), "after step {nth}");
        place.complete_of(&bench);
        let after = files(&place);
        for (key, file) in &before {
            assert!(after.get(key) == Some(file), "{key} was written again, after step {nth}");
        }
        let commits = after.keys().filter(|key| key.starts_with("commits/"));
        assert_eq!(commits.count() as u64, commit, "after step {nth}");
    }
}

#[test]
fn a_first_copy_to_a_folder() {
    // Three contents, the end of them, manifest, state and commit.
    each_step(&Server::start(Kind::File).unwrap(), first, (7, 1));
}

#[test]
fn a_changed_night_to_a_folder() {
    each_step(&Server::start(Kind::File).unwrap(), changed, (7, 2));
}

#[test]
fn a_changed_night_to_s3() {
    let Some(server) = Server::start(Kind::S3s) else { return };
    each_step(&server, changed, (7, 2));
}
