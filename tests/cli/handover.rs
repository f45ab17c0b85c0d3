//! `handover`: bags that other programs check.
//!
//! bagit is a Python package: `python3 -m venv target/bagit` and `target/bagit/bin/pip install bagit==1.9.0`. Without it the
//! tests are skipped, and fail if the variable `CI` is set.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ibinder_sync::{
    model::Sha256,
    sandbox::{Organisation, Reply, Route},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256 as Hasher};

use crate::{
    program::{Done, Program, bare, finish, snapshot},
    skip::skip,
};

/// The Python in which bagit is installed, unless this test is skipped.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bagit/bin/python");
    if !python.exists() {
        skip("bagit is not installed; tests/cli/handover.rs says how");
        return None;
    }
    Some(python)
}

fn succeeds(command: &mut Command) {
    let done = command.output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}

/// Validates a bag with bagit and with `sha256sum`.
#[track_caller]
fn validate(python: &Path, bag: &Path) {
    let check = "import bagit, sys; bag = bagit.Bag(sys.argv[1]); bag.validate(); bag.validate(fast=True)";
    succeeds(Command::new(python).args(["-W", "error", "-c", check]).arg(bag));
    for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        let mut sum = Command::new("sha256sum");
        succeeds(sum.args(["--strict", "--quiet", "-c", manifest]).current_dir(bag));
    }
    assert!(!bag.join(".ibinder-handover").exists());
}

impl Program {
    fn handover(&self, arguments: &[&str], to: &Path) -> Done {
        finish(self.handover_command(arguments, to))
    }

    fn handover_command<'c>(&self, arguments: &[&str], to: &Path) -> &'c mut Command {
        let mut command = bare(&["handover", "--dest"]);
        command.arg(&self.dest).args(arguments).arg("--to").arg(to).env("TZ", "UTC");
        Box::leak(Box::new(command))
    }

    fn change(&self, change: impl FnOnce(&mut Organisation)) {
        self.sandbox.with_organisation(change);
        self.run(&[]).expect(0);
    }
}

fn id_of(o: &Organisation, name: &str) -> String {
    o.documents().into_iter().find(|document| document.file_name == name).unwrap().id
}

/// Four binders with a folder and three documents each: two nights.
fn four_binders() -> Program {
    let mut o = Organisation::empty();
    for name in ["Brf Eken", "Brf Alen", "Kv. Hässlet", "Secret"] {
        let binder = o.add_binder(name);
        let tab = o.add_folder(&binder, None, "Avtal").unwrap();
        for kind in ["stays", "revised", "removed"] {
            let file = format!("{name} {kind}.txt");
            o.add_document(&binder, Some(&tab), &file, format!("{file} 1")).unwrap();
        }
    }
    let program = Program::new(o);
    program.run(&[]).expect(0);
    program.change(|o| {
        for name in ["Brf Eken", "Brf Alen", "Kv. Hässlet", "Secret"] {
            o.revise(&id_of(o, &format!("{name} revised.txt")), format!("{name} 2")).unwrap();
            o.remove_document(&id_of(o, &format!("{name} removed.txt"))).unwrap();
        }
    });
    program
}

const THREE: [&str; 6] = ["--binder", "Brf Eken", "--binder", "brf alen", "--binder", "Kv. Hässlet"];

fn lines(file: &Path) -> Vec<Value> {
    fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn hash_of(file: &Path) -> String {
    Sha256::new(Hasher::digest(fs::read(file).unwrap()).into()).hex()
}

/// Unpacks an archive with Python's zipfile.
fn unpack(python: &Path, archive: &Path, to: &Path) {
    let unpack =
        "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2])";
    succeeds(Command::new(python).args(["-c", unpack]).args([archive, to]));
}

/// Each line of `versions.jsonl` names its file, whose bytes have the hash that it says.
fn assert_versions(bag: &Path) -> Vec<Value> {
    let versions = lines(&bag.join("data/metadata/versions.jsonl"));
    for version in versions.iter().filter(|version| version["held"] != "edited") {
        let Some(file) = version["file"].as_str() else { continue };
        assert_eq!(version["sha256"], hash_of(&bag.join(file)), "{version}");
    }
    versions
}

#[test]
fn a_bag_of_three_binders_has_everything_of_them_and_nothing_else() {
    let Some(python) = python() else { return };
    let program = four_binders();
    let (bag, before) = (program.beside("bag"), snapshot(&program.dest));
    let done = program.handover(&THREE, &bag).expect(0);
    assert!(done.out.contains("6 documents") && done.out.contains("6 old versions"), "{}", done.out);
    assert!(snapshot(&program.dest) == before, "the mirror was changed");
    validate(&python, &bag);
    // The catalogue leads to the documents here.
    let start = fs::read_to_string(bag.join("data/index-data/start.js")).unwrap();
    assert!(bag.join("data/index.html").is_file() && start.contains("\"tree/\""), "{start}");
    // Restored by hand.
    let restored = program.beside("restored");
    succeeds(Command::new("cp").arg("-r").args([&bag.join("data/tree"), &restored]));
    fs::remove_dir_all(program.dest.join("Secret")).unwrap();
    succeeds(Command::new("diff").args(["-r", "--exclude", ".ibinder-sync"]).args([&program.dest, &restored]));
    let versions = assert_versions(&bag);
    assert_eq!(versions.len(), 12);
    let old = |kind: &str| versions.iter().filter(|v| v["held"] == "object" && v["cause"] == kind).count();
    assert_eq!((old("replaced"), old("removed")), (3, 3));
    let removed = fs::read_dir(bag.join("data/versions/Brf Eken/Avtal")).unwrap().map(|e| e.unwrap().file_name());
    assert!(removed.into_iter().any(|name| name.to_str().unwrap().starts_with("Brf Eken removed [2")));
    // What `changes` says about the second run, and what it says about the first.
    let changes = lines(&bag.join("data/metadata/changes.jsonl"));
    let kinds: Vec<&str> = changes.iter().map(|change| change["kind"].as_str().unwrap()).collect();
    assert_eq!([9, 3, 3], ["added", "updated", "removed"].map(|kind| kinds.iter().filter(|k| **k == kind).count()));
    let of_command =
        finish(bare(&["changes", "--run", "2", "--json", "--binder", "Brf Eken", "--dest"]).arg(&program.dest));
    for line in of_command.expect(0).out.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(
            changes.iter().any(|change| line.as_object().unwrap().iter().all(|(key, value)| change[key] == *value))
        );
    }
    for (path, (bytes, _)) in snapshot(&bag) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("Secret") && !path.to_str().unwrap().contains("Secret"), "{path:?}: {text}");
    }
    for (name, word) in [("receipt", "COMPLETE"), ("kvitto", "FULLSTÄNDIG")] {
        let text = fs::read_to_string(bag.join(format!("{name}.txt"))).unwrap();
        assert!(text.lines().any(|line| line == word), "{text}");
        let hash = hash_of(&bag.join("manifest-sha256.txt"));
        let page = fs::read_to_string(bag.join(format!("{name}.html"))).unwrap();
        assert!(text.contains(&hash) && page.contains(&hash) && done.out.contains(&hash));
    }
}

#[test]
fn an_archive_has_the_same_bag_and_python_unpacks_it() {
    let Some(python) = python() else { return };
    let program = four_binders();
    let (bag, archive, unpacked) =
        (program.beside("Brf 50%"), program.beside("Brf 50%.zip"), program.beside("unpacked"));
    program.handover(&THREE, &bag).expect(0);
    let told = program.handover(&[&THREE[..], &["--zip", "--json"]].concat(), &archive).expect(0).json();
    assert_eq!((&told["documents"], &told["versions"], &told["complete"]), (&6.into(), &6.into(), &true.into()));
    unpack(&python, &archive, &unpacked);
    let inside = unpacked.join("Brf 50%");
    assert_eq!(fs::read_dir(&unpacked).unwrap().count(), 1);
    validate(&python, &inside);
    // It has the time at which it was written.
    let except = ["-r", "--exclude", "start.js"];
    succeeds(Command::new("diff").args(except).args([inside.join("data"), bag.join("data")]));
    program.handover(&[&THREE[..], &["--zip"]].concat(), &archive).says(2, "exists already");
    let left: Vec<_> = fs::read_dir(program.dest.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().starts_with(".ibinder")), "{left:?}");
}

#[test]
fn odd_names_are_replaced_visibly_and_can_be_mapped_back() {
    let Some(python) = python() else { return };
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf 100%");
    let folder = o.add_folder(&binder, None, "50% klart").unwrap();
    let taken = o.add_folder(&binder, None, "50_ klart").unwrap();
    let long = format!("{}.txt", "%".repeat(251));
    let names = [
        "a%.txt",
        "a_.txt",
        "A%.TXT",
        "..%2f..%2fetc",
        "%0A.txt",
        "cr\rlf\n.txt",
        "back\\slash",
        &long,
        "space\u{3000}",
        "nel\u{85}.txt",
        "# no comment",
        " two  spaces.txt",
        "-rf",
        "*.txt",
        "plain.txt",
    ];
    for name in names {
        for folder in [None, Some(&folder), Some(&taken)] {
            o.add_document(&binder, folder.map(|f| f.as_str()), name, format!("{name} in {folder:?}")).unwrap();
        }
    }
    let program = Program::new(o);
    program.run(&[]).expect(0);
    program.change(|o| {
        for document in o.documents() {
            o.revise(&document.id, format!("{} revised", document.file_name)).unwrap();
        }
    });
    let bag = program.beside("bag");
    let done = program.handover(&["--json"], &bag).expect(0).json();
    let count = names.len() * 3;
    assert_eq!((&done["documents"], &done["versions"]), (&count.into(), &count.into()));
    validate(&python, &bag);
    let versions = assert_versions(&bag);
    let current: Vec<&Value> = versions.iter().filter(|version| version["held"] == "tree").collect();
    let mut files: Vec<&str> = current.iter().map(|version| version["file"].as_str().unwrap()).collect();
    for version in &current {
        let (file, path) = (version["file"].as_str().unwrap(), version["path"].as_str().unwrap());
        assert!(program.dest.join(path).is_file() && !file.contains(['%', '\r', '\n', '\\']), "{version}");
        assert!(names.contains(&version["file_name"].as_str().unwrap()), "{version}");
    }
    // A name that stays has priority.
    assert!(files.contains(&"data/tree/Brf 100_/a_.txt"), "{files:?}");
    assert!(files.contains(&"data/tree/Brf 100_/50_ klart/plain.txt"), "{files:?}");
    files.sort_unstable();
    files.dedup();
    assert_eq!(files.len(), count);
    let csv = fs::read_to_string(bag.join("data/metadata/versions.csv")).unwrap();
    assert!(csv.contains("data/tree/Brf 100_/.._2f.._2fetc,Brf 100%/..%2f..%2fetc,..%2f..%2fetc,tree"), "{csv}");
}

#[test]
fn damaged_and_edited_files_are_reported_and_left_out() {
    let Some(python) = python() else { return };
    let program = four_binders();
    let at = |name: &str| program.dest.join("Brf Eken/Avtal").join(name);
    let modified = fs::metadata(at("Brf Eken stays.txt")).unwrap().modified().unwrap();
    fs::write(at("Brf Eken stays.txt"), "Brf Eken stayz.txt 1").unwrap();
    fs::File::options().write(true).open(at("Brf Eken stays.txt")).unwrap().set_modified(modified).unwrap();
    let bag = program.beside("bag");
    let done = program.handover(&[], &bag).expect(6);
    assert!(done.out.contains("Not complete") && done.out.contains("its bytes are damaged"), "{}", done.out);
    validate(&python, &bag);
    assert!(!bag.join("data/tree/Brf Eken/Avtal/Brf Eken stays.txt").exists());
    let receipt = fs::read_to_string(bag.join("receipt.txt")).unwrap();
    assert!(
        receipt.contains("NOT COMPLETE") && receipt.contains("Brf Eken stays.txt: its file in the mirror is damaged")
    );
    let missing = fs::read_to_string(bag.join("data/metadata/missing.csv")).unwrap();
    assert!(missing.contains("data/tree/Brf Eken/Avtal/Brf Eken stays.txt,its bytes are damaged"), "{missing}");
    let versions = assert_versions(&bag);
    assert_eq!(versions.iter().filter(|version| version["file"].is_null()).count(), 1);
    let (archive, unpacked) = (program.beside("damaged.zip"), program.beside("unpacked"));
    program.handover(&["--zip"], &archive).expect(6);
    unpack(&python, &archive, &unpacked);
    validate(&python, &unpacked.join("damaged"));
    assert!(!unpacked.join("damaged/data/tree/Brf Eken/Avtal/Brf Eken stays.txt").exists());
    // Edited by hand, and missing.
    fs::write(at("Brf Eken stays.txt"), "edited").unwrap();
    fs::remove_file(at("Brf Eken revised.txt")).unwrap();
    let done = program.handover(&["--json"], &program.beside("second")).expect(4).json();
    let reasons: Vec<&str> =
        done["missing"].as_array().unwrap().iter().map(|m| m["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["not_held", "changed"]);
    validate(&python, &program.beside("second"));
}

/// Begins a bag with a limit on the size of files, which the second document of a binder exceeds.
fn begun(program: &Program, bag: &Path) {
    let mut shell = Command::new("sh");
    let script = "ulimit -f 2048; exec \"$0\" handover --dest \"$1\" --to \"$2\"";
    shell.args(["-c", script, env!("CARGO_BIN_EXE_ibinder-sync")]).args([&program.dest, bag]);
    finish(shell.env_clear().env("IBINDER_CONFIG", "/dev/null").env("PATH", "/usr/bin:/bin")).expect(8);
    assert!(!bag.join("bagit.txt").exists() && bag.join(".ibinder-handover/record.db").exists());
}

fn with_a_large_document() -> Program {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    for n in 0..20 {
        o.add_document(&binder, None, &format!("{n:02}.txt"), format!("bytes {n}")).unwrap();
    }
    o.add_document(&binder, None, "large.bin", "x".repeat(3 << 20)).unwrap();
    let program = Program::new(o);
    program.run(&[]).expect(0);
    program
}

#[test]
fn an_unfinished_bag_is_finished_as_of_its_beginning_whatever_runs_did_since() {
    let Some(python) = python() else { return };
    let program = with_a_large_document();
    let (bag, whole) = (program.beside("bag"), program.beside("whole"));
    program.handover(&[], &whole).expect(0);
    begun(&program, &bag);
    // As after a power cut: a file in part, one with other bytes, and one that is missing.
    let tree = bag.join("data/tree/Brf Eken");
    fs::write(tree.join("00.txt"), "byt").unwrap();
    fs::write(tree.join("01.txt"), "bytes X").unwrap();
    let _ = fs::remove_file(tree.join("02.txt"));
    program.change(|o| {
        let binder = o.binders()[0].0.clone();
        let tab = o.add_folder(&binder, None, "Avtal").unwrap();
        for name in ["00.txt", "03.txt", "large.bin"] {
            o.revise(&id_of(o, name), "new").unwrap();
        }
        for name in ["02.txt", "04.txt"] {
            o.move_document(&id_of(o, name), &binder, Some(&tab)).unwrap();
        }
        o.remove_document(&id_of(o, "05.txt")).unwrap();
        o.add_document(&binder, None, "later.txt", "later").unwrap();
    });
    program.handover(&[], &bag).expect(0);
    validate(&python, &bag);
    let except = ["-r", "--exclude", "start.js"];
    succeeds(Command::new("diff").args(except).args([bag.join("data"), whole.join("data")]));
}

#[test]
fn only_the_same_bag_is_continued_and_nothing_else_is_touched() {
    let Some(python) = python() else { return };
    let program = with_a_large_document();
    let bag = program.beside("bag");
    begun(&program, &bag);
    program.handover(&["--binder", "Brf Eken"], &bag).says(2, "an unfinished bag of other binders");
    fs::write(bag.join("mine.txt"), "mine").unwrap();
    program.handover(&[], &bag).says(2, "has unfinished work and also mine.txt");
    fs::rename(bag.join("mine.txt"), bag.join("data/mine.txt")).unwrap();
    program.handover(&[], &bag).says(2, "files that are not of this bag, such as \"data/mine.txt\"");
    assert!(!bag.join("bagit.txt").exists());
    fs::remove_file(bag.join("data/mine.txt")).unwrap();
    program.handover(&[], &bag).expect(0);
    validate(&python, &bag);
    program.handover(&[], &bag).says(2, "is not empty");
}

#[test]
fn what_is_wrong_is_refused_before_anything_is_written() {
    let program = four_binders();
    let to = program.beside("to");
    program.handover(&["--binder", "Brf Okänd"], &to).says(2, "no binder \"Brf Okänd\"");
    assert!(!to.exists());
    for inside in ["bag", "Brf Eken/bag", ".ibinder-sync/tmp"] {
        program.handover(&[], &program.dest.join(inside)).says(2, "inside the mirror");
        program.handover(&["--zip"], &program.dest.join(inside)).says(2, "inside the mirror");
    }
    fs::create_dir(&to).unwrap();
    fs::write(to.join("mine"), "mine").unwrap();
    program.handover(&[], &to).says(2, "is not empty");
    assert_eq!(fs::read_dir(&to).unwrap().count(), 1);
    let none = tempfile::tempdir().unwrap();
    finish(bare(&["handover", "--to", "/x", "--dest"]).arg(none.path())).says(2, "contains no mirror");
}

#[test]
fn a_receipt_is_only_complete_if_the_last_run_was() {
    let Some(python) = python() else { return };
    let program = four_binders();
    let id = program.sandbox.with_organisation(|o| {
        let binder = o.binders()[0].0.clone();
        o.add_document(&binder, None, "never.txt", "never").unwrap()
    });
    let own = format!("/{id}");
    program.sandbox.hook(move |asked| {
        let is_own = matches!(asked.route, Route::Document | Route::DownloadLink) && asked.target.contains(&own);
        is_own.then(|| Reply::problem(404, "Not found"))
    });
    program.run(&[]).expect(4);
    let (bag, second) = (program.beside("bag"), program.beside("second"));
    let done = program.handover(&[], &bag).expect(4);
    assert!(done.out.contains("Not complete: the receipt says"), "{}", done.out);
    let receipt = fs::read_to_string(bag.join("receipt.txt")).unwrap();
    assert!(receipt.contains("The last run, 000003-") && receipt.contains("  - never.txt: "), "{receipt}");
    assert!(receipt.contains("run 000002-"), "the last complete run is named: {receipt}");
    validate(&python, &bag);
    let start = fs::read_to_string(bag.join("data/index-data/start.js")).unwrap();
    assert!(start.contains("\"kind\":\"failed\",\"count\":1"), "{start}");
    let other = program.beside("other");
    program.handover(&["--binder", "Brf Alen"], &other).expect(4);
    let start = fs::read_to_string(other.join("data/index-data/start.js")).unwrap();
    assert!(!start.contains("failed") && start.contains("partial"), "{start}");
    // Accepted as missing.
    finish(bare(&["acknowledge", &id, "--dest"]).arg(&program.dest)).expect(0);
    program.run(&[]).expect(0);
    program.handover(&[], &second).expect(0);
    let receipt = fs::read_to_string(second.join("receipt.txt")).unwrap();
    assert!(receipt.contains("COMPLETE\n") && !receipt.contains("NOT COMPLETE"), "{receipt}");
    assert!(receipt.contains("accepted that they are missing:") && receipt.contains(&id), "{receipt}");
    // A run that was killed.
    let state = rusqlite::Connection::open(program.state("state.db")).unwrap();
    state.execute("UPDATE runs SET finished_at = NULL, outcome = NULL, whole = 0 WHERE number = 5", []).unwrap();
    drop(state);
    program.handover(&["--zip"], &program.beside("killed.zip")).expect(4);
}
