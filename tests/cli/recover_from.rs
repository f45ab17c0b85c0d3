//! `recover --from`: a mirror that comes back from its copy.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use ibinder_sync::{model::Sha256, sandbox::Route};
use sha2::{Digest as _, Sha256 as Hasher};

use crate::{
    copy,
    program::{Done, Program, bare, finish},
};

/// Two nights of a mirror, copied after the second; what its tree had after each.
struct Copied {
    program: Program,
    copy: PathBuf,
    nights: [BTreeMap<PathBuf, Vec<u8>>; 2],
}

impl Copied {
    fn new() -> Self {
        let program = Program::mirrored(4);
        let first = tree(&program.dest);
        program.organisation(|o| {
            let of = |name: &str| o.documents().into_iter().find(|d| d.file_name == name).unwrap().id;
            let (zero, one, two) = (of("0.txt"), of("1.txt"), of("2.txt"));
            o.revise(&zero, "other bytes").unwrap();
            o.rename_document(&one, "renamed.txt").unwrap();
            o.remove_document(&two).unwrap();
        });
        program.run(&[]).expect(0);
        let (copy, second) = (program.beside("copy"), tree(&program.dest));
        copy::replicate(&program.dest, &copy);
        Self { program, copy, nights: [first, second] }
    }

    fn lose(&self) {
        fs::remove_dir_all(&self.program.dest).unwrap();
    }

    fn recover(&self) -> Done {
        self.recover_into(&self.program.dest)
    }

    fn recover_into(&self, dest: &Path) -> Done {
        finish(bare(&["recover", "--from", &copy::url(&self.copy), "--dest"]).arg(dest))
    }

    /// What a recovery that was cut off leaves at first.
    fn begin(&self) {
        self.lose();
        let sha256 = hex(&fs::read(self.copy.join("commits/000000000001.json")).unwrap());
        let mark = serde_json::json!({ "from": copy::url(&self.copy), "commit": 1, "sha256": sha256 });
        fs::create_dir_all(self.program.state("")).unwrap();
        fs::write(self.program.state("recovery.json"), mark.to_string()).unwrap();
    }

    /// Puts a file into the tree.
    fn put(&self, path: &str, text: &str) {
        let path = self.program.dest.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The file of a content in the copy.
    fn object(&self, bytes: &[u8]) -> PathBuf {
        let hex = hex(bytes);
        self.copy.join("objects").join(&hex[..2]).join(hex)
    }

    /// A run, and how many documents it downloaded.
    fn run(&self) -> u64 {
        let before = self.program.sandbox.count(Route::Blob);
        self.program.run(&[]).expect(0);
        self.program.sandbox.count(Route::Blob) - before
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::new(Hasher::digest(bytes).into()).hex()
}

/// The files of a tree, without the state.
fn tree(dest: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(dest: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with(".ibinder-sync") {
                walk(dest, &path, found);
            } else if path.is_file() {
                found.insert(path.strip_prefix(dest).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(dest, dest, &mut found);
    found
}

#[test]
fn a_lost_mirror_comes_back_and_a_run_downloads_nothing() {
    let copied = Copied::new();
    let program = &copied.program;
    copied.lose();
    let done = copied.recover().expect(0);
    assert!(done.out.starts_with("3 documents, 2 old contents and the state recovered into "), "{}", done.out);
    assert_eq!(tree(&program.dest), copied.nights[1]);
    assert_eq!(copied.run(), 0);
    for (night, expected) in ["1", "2", "3"].into_iter().zip([&copied.nights[0], &copied.nights[1], &copied.nights[1]])
    {
        let to = program.beside(&format!("night {night}"));
        let mut restore = bare(&["restore", "--at", night, "--dest"]);
        finish(restore.arg(&program.dest).arg("--to").arg(&to)).expect(0);
        assert_eq!(tree(&to), *expected, "night {night}");
    }
    let verified = program.on_mirror("verify", &[]).expect(0);
    assert!(verified.out.starts_with("Sound: 3 of 3 documents"), "{}", verified.out);
    program.on_mirror("status", &[]).expect(0);
}

#[test]
fn what_came_after_the_copy_is_downloaded_by_the_next_run() {
    let copied = Copied::new();
    copied.program.organisation(|o| {
        let binder = o.binders()[0].0.clone();
        o.add_document(&binder, None, "newer.txt", "newer").unwrap();
    });
    copied.program.run(&[]).expect(0);
    let newest = tree(&copied.program.dest);
    copied.lose();
    copied.recover().expect(0);
    assert_eq!(copied.run(), 1);
    assert_eq!(tree(&copied.program.dest), newest);
}

#[test]
fn what_the_copy_lacks_is_named_and_downloaded_again() {
    let copied = Copied::new();
    copied.lose();
    fs::remove_file(copied.object(b"other bytes")).unwrap();
    fs::write(copied.object(b"bytes 3"), "BYTES 3").unwrap();
    fs::write(copied.object(b"bytes 2"), "too many bytes").unwrap();
    let done = copied.recover().expect(4);
    for line in [
        "2 documents not recovered; the next run tries to download them again:",
        "  Brf Eken/0.txt: the copy lacks its bytes",
        "  Brf Eken/3.txt: its bytes in the copy are damaged",
        "1 old version not recovered; `history` lists it without its bytes:",
        "  Brf Eken/2.txt: its bytes in the copy are damaged",
    ] {
        assert!(done.out.contains(line), "{line}: {}", done.out);
    }
    assert_eq!(copied.run(), 2);
    assert_eq!(tree(&copied.program.dest), copied.nights[1]);
    // The old version is not said to be kept, so nothing is missing now.
    copied.program.on_mirror("verify", &[]).expect(0);
    let history = copied.program.on_mirror("history", &["Brf Eken/2.txt", "--json"]).expect(0);
    assert!(history.out.contains("\"held\":\"freed\",\"held_sha256\":null"), "{}", history.out);
}

#[test]
fn only_an_empty_folder_or_an_unfinished_recovery_is_filled() {
    let copied = Copied::new();
    let program = &copied.program;
    let before = tree(&program.dest);
    copied.recover().says(2, "contains a mirror");
    assert_eq!(tree(&program.dest), before);
    let other = program.beside("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("mine.txt"), "mine").unwrap();
    copied.recover_into(&other).says(2, "contains files");
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
    copied.recover_into(&copied.copy.join("mirror")).says(2, "lie in each other");
    fs::remove_file(program.state("state.db")).unwrap();
    copied.recover().says(2, "whose state was lost");
    // Nothing is created for a copy that is not there.
    let nowhere = program.beside("nowhere");
    let from = |url: &str| finish(bare(&["recover", "--from", url, "--dest"]).arg(&nowhere));
    from(&copy::url(&program.beside("no copy"))).says(8, "is the disk mounted?");
    fs::create_dir(program.beside("no copy")).unwrap();
    from(&copy::url(&program.beside("no copy"))).says(2, "no commit is there");
    from("s3:/bucket").says(2, "give s3://BUCKET/PREFIX");
    assert!(!nowhere.exists());
}

#[test]
fn nothing_else_touches_a_recovery_that_was_begun() {
    let copied = Copied::new();
    let program = &copied.program;
    copied.begin();
    for files in [false, true] {
        if files {
            copied.put("Brf Eken/3.txt", "bytes 3");
        }
        let begun = format!("go on with `ibinder-sync recover --from {}", copy::url(&copied.copy));
        program.run(&[]).says(2, &begun);
        program.run(&["--first"]).says(2, &begun);
        program.plan(&[]).says(2, &begun);
        finish(program.command(&["adopt", "--dest"]).arg(&program.dest)).says(2, &begun);
        for command in ["recover", "verify", "snapshots"] {
            program.on_mirror(command, &[]).says(2, &begun);
        }
        assert_eq!(tree(&program.dest).len(), usize::from(files));
    }
    // From elsewhere, it does not go on.
    let other = copied.copy.with_file_name("other copy");
    fs::create_dir(&other).unwrap();
    finish(bare(&["recover", "--from", &copy::url(&other), "--dest"]).arg(&program.dest)).says(2, "was begun from");
    let done = copied.recover().expect(0);
    assert!(done.out.contains("1 of them was there already"), "{}", done.out);
    assert_eq!(tree(&program.dest), copied.nights[1]);
    assert_eq!(copied.run(), 0);
}

#[test]
fn a_file_of_somebody_else_in_an_unfinished_recovery_is_left_as_it_is() {
    let copied = Copied::new();
    copied.begin();
    copied.put("Brf Eken/3.txt", "mine");
    let done = copied.recover().expect(4);
    assert!(done.out.contains("Brf Eken/3.txt: a file with other bytes is at its path"), "{}", done.out);
    assert_eq!(fs::read(copied.program.dest.join("Brf Eken/3.txt")).unwrap(), b"mine");
}

#[test]
fn a_recovery_goes_on_with_the_commit_that_it_was_begun_with() {
    let copied = Copied::new();
    let program = &copied.program;
    program.organisation(|o| {
        let binder = o.binders()[0].0.clone();
        o.add_document(&binder, None, "newer.txt", "newer").unwrap();
    });
    program.run(&[]).expect(0);
    copy::replicate(&program.dest, &copied.copy);
    copied.begin();
    let done = copied.recover().expect(0);
    assert!(done.out.contains("commit 1 of the copy"), "{}", done.out);
    assert_eq!(tree(&program.dest), copied.nights[1]);
    assert_eq!(copied.run(), 1);
    copied.begin();
    fs::remove_file(copied.copy.join("commits/000000000001.json")).unwrap();
    copied.recover().says(2, "delete what was recovered so far");
}
