//! `replicate --check` and `replicate --prune`: what keeps a copy sound and small.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use ibinder_sync::{model::Sha256, replica::object_key};
use sha2::{Digest as _, Sha256 as Hasher};

use crate::program::{Program, bare, finish, snapshot};

/// An empty folder for the copy beside the mirror, and its URL.
fn folder(program: &Program) -> (PathBuf, String) {
    let folder = program.beside("copy");
    fs::create_dir(&folder).unwrap();
    let url = format!("file://{}", folder.display());
    (folder, url)
}

fn replicate(program: &Program, to: &str, more: &[&str]) -> Command {
    let mut command = bare(&["replicate", "--to", to, "--dest"]);
    command.arg(&program.dest).args(more);
    command
}

fn prune(to: &str, more: &[&str]) -> Command {
    let mut command = bare(&["replicate", "--prune", "--to", to]);
    command.args(more);
    command
}

/// Where the object with these bytes is.
fn object(bytes: &str) -> String {
    object_key(&Sha256::new(Hasher::digest(bytes).into()))
}

fn files(copy: &Path) -> Vec<PathBuf> {
    snapshot(copy).into_keys().map(|file| copy.join(file)).filter(|file| file.is_file()).collect()
}

/// Makes every file of a copy so many days old.
fn age(copy: &Path, days: u64) {
    let then = SystemTime::now() - Duration::from_hours(24 * days);
    for file in files(copy) {
        fs::File::options().write(true).open(file).unwrap().set_modified(then).unwrap();
    }
}

#[test]
fn damage_is_mended_from_the_mirror_and_named() {
    let program = Program::mirrored(3);
    let (copy, url) = folder(&program);
    let done = finish(&mut replicate(&program, &url, &["--check"])).expect(0);
    assert!(done.out.ends_with("Checked 3 contents (21 bytes) of the copy: no damage.\n"), "{}", done.out);
    fs::write(copy.join(object("bytes 0")), "BYTES 0").unwrap();
    fs::remove_file(copy.join(object("bytes 1"))).unwrap();
    let sound = finish(&mut replicate(&program, &url, &[])).expect(0);
    assert!(!sound.out.contains("Checked"), "only when it is asked for: {}", sound.out);
    let done = finish(&mut replicate(&program, &url, &["--check"])).expect(0);
    for line in [
        "Checked 3 contents (14 bytes) of the copy: 2 contents are damaged or missing.",
        "damaged, uploaded again: Brf Eken/0.txt",
        "missing, uploaded again: Brf Eken/1.txt",
    ] {
        assert!(done.out.lines().any(|found| found == line), "{line}\n{}", done.out);
    }
    assert_eq!(fs::read(copy.join(object("bytes 0"))).unwrap(), b"bytes 0");
    assert_eq!(fs::read(copy.join(object("bytes 1"))).unwrap(), b"bytes 1");
}

#[test]
fn what_the_mirror_lacks_too_is_lost_and_ends_with_6() {
    let program = Program::mirrored(3);
    let (copy, url) = folder(&program);
    finish(&mut replicate(&program, &url, &[])).expect(0);
    fs::write(copy.join(object("bytes 0")), "BYTES 0").unwrap();
    fs::remove_file(program.dest.join("Brf Eken/0.txt")).unwrap();
    let done = finish(&mut replicate(&program, &url, &["--check", "--json"])).expect(6).json();
    let finding = &done["check"]["findings"][0];
    assert_eq!((&finding["repair"], &finding["is_missing"]), (&"lost".into(), &false.into()), "{done}");
    assert_eq!(finding["documents"][0]["path"], "Brf Eken/0.txt");
    assert_eq!((&done["outcome"], &done["missing"], &done["commit"]), (&"committed".into(), &1.into(), &2.into()));
    let next = finish(&mut replicate(&program, &url, &["--check=1%"])).expect(0);
    assert!(next.out.contains("no damage") && next.err.contains("1 content could not be copied"), "{}", next.err);
}

#[test]
fn a_prune_needs_no_mirror_and_leaves_what_the_last_commit_names() {
    let program = Program::mirrored(3);
    let (copy, url) = folder(&program);
    finish(&mut replicate(&program, &url, &[])).expect(0);
    let mut purge = bare(&["purge", "--yes", "Brf Eken/0.txt", "--dest"]);
    let purged = finish(purge.arg(&program.dest)).expect(0);
    let kept = format!("The copy at {url} keeps it in commits up to number 1. The next commit doesn't name it;");
    assert!(purged.out.contains(&kept), "{}", purged.out);
    finish(&mut replicate(&program, &url, &[])).expect(0);
    age(&copy, 8);
    let (before, count) = (snapshot(&copy), files(&copy).len());
    let kept = finish(&mut prune(&url, &[])).expect(0);
    assert!(
        kept.out.contains("nothing to delete") && kept.out.contains("2 commits remain, from number 1"),
        "{}",
        kept.out
    );
    let dry = finish(&mut prune(&url, &["--keep", "1d", "--dry-run"])).expect(0);
    assert!(dry.out.contains(": 1 commit, 2 manifests and states and 1 object ("), "{}", dry.out);
    assert!(snapshot(&copy) == before);
    let done = finish(&mut prune(&url, &["--keep", "1d", "--json"])).expect(0).json();
    assert_eq!(
        (&done["objects"]["count"], &done["kept_commits"], &done["dry_run"]),
        (&1.into(), &1.into(), &false.into())
    );
    assert!(!copy.join(object("bytes 0")).exists() && files(&copy).len() == count - 4);
    let checked = finish(&mut replicate(&program, &url, &["--check"])).expect(0);
    assert!(checked.out.contains("Checked 2 contents (14 bytes) of the copy: no damage."), "{}", checked.out);
}

#[test]
fn flags_that_make_no_sense_together_are_refused() {
    let program = Program::mirrored(1);
    let (_, url) = folder(&program);
    for (flags, words) in [
        (&["--keep", "1d"][..], "--prune"),
        (&["--prune", "--check"], "cannot be used with"),
        (&["--prune", "--grace", "1d"], "give at least 2d"),
        (&["--check=0%"], "is not a percentage"),
    ] {
        finish(&mut replicate(&program, &url, flags)).says(2, words);
    }
    finish(&mut prune(&url, &[])).says(2, "there is no copy at file://");
}

#[test]
fn doctor_tries_the_store_of_the_copy() {
    let program = Program::mirrored(1);
    let (copy, url) = folder(&program);
    let mut doctor = program.command(&["doctor", "--json", "--copy-deletes", "--dest"]);
    let report = finish(doctor.arg(&program.dest).env("IBINDER_REPLICATE", &url)).expect(0).json();
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["area"] == "copy");
    let found: Vec<_> =
        checks.map(|check| (check["verdict"].as_str().unwrap(), check["found"].as_str().unwrap())).collect();
    assert_eq!(
        found.iter().map(|(verdict, _)| *verdict).collect::<Vec<_>>(),
        ["ok", "ok", "ok", "warning"],
        "{found:?}"
    );
    assert!(found[1].1.contains("none that exists is replaced") && found[3].1.contains("can delete"), "{found:?}");
    assert!(copy.join("doctor/probe").exists());
    fs::remove_dir_all(copy).unwrap();
    let mut doctor = program.command(&["doctor", "--json", "--dest"]);
    let report = finish(doctor.arg(&program.dest).env("IBINDER_REPLICATE", &url)).expect(4).json();
    let failed = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["verdict"] == "FAILURE" || check["verdict"] == "failure");
    assert_eq!(failed.unwrap()["area"], "copy");
}
