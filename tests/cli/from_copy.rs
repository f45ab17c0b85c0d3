//! Commands that read a copy, without a mirror.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::Arc,
};

use ibinder_sync::{
    mirror::{Mirror, database},
    model::Sha256,
    replica::{Credentials, Replicate, ReplicateOptions, Store, StoreSettings, object_key},
    state::{CopyRecord, State},
};
use sha2::Digest as _;

use crate::{
    history::three_nights,
    program::{Done, Program, bare, finish},
};

/// A copy in a folder, and the program.
struct Copied {
    program: Program,
    copy: PathBuf,
}

impl Copied {
    fn of(program: Program) -> Self {
        let copy = program.beside("copy");
        fs::create_dir(&copy).unwrap();
        let copied = Self { program, copy };
        copied.replicate();
        copied
    }

    /// The copy of three nights.
    fn three_nights() -> Self {
        Self::of(three_nights().0)
    }

    fn url(&self) -> String {
        format!("file://{}", self.copy.display())
    }

    fn replicate(&self) {
        let mirror = Mirror::open(&self.program.dest).unwrap();
        let state = State::open(&database(&self.program.dest), false).unwrap();
        let settings = StoreSettings {
            location: self.url().parse().unwrap(),
            credentials: Credentials::default(),
            ask_metadata: false,
            user_agent: "test".to_owned(),
        };
        let store = Store::open(&settings, Arc::default()).unwrap();
        let record = CopyRecord::open(&self.program.beside("record.db")).unwrap();
        let (options, progress) = (ReplicateOptions { transfers: 4, bandwidth: None, accept: true }, Arc::default());
        let work = Replicate {
            mirror: &mirror,
            state: &state,
            store: &store,
            record: &record,
            options: &options,
            progress: &progress,
        };
        work.run().unwrap();
    }

    /// A command on the copy alone.
    fn read(&self, arguments: &[&str]) -> Done {
        finish(bare(&arguments[..1]).arg("--from").arg(self.url()).args(&arguments[1..]).env("TZ", "UTC"))
    }

    fn restore(&self, arguments: &[&str], to: &Path) -> Done {
        self.read(&[&["restore", "--to", to.to_str().unwrap()], arguments].concat())
    }

    fn object(&self, bytes: &str) -> PathBuf {
        self.copy.join(object_key(&Sha256::new(sha2::Sha256::digest(bytes).into())))
    }

    /// The only file in a folder of the copy.
    fn only(&self, folder: &str) -> PathBuf {
        let mut files = fs::read_dir(self.copy.join(folder)).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none());
        file
    }

    /// Changes the commit.
    fn edit_commit(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let path = self.only("commits");
        let mut commit = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut commit);
        fs::write(path, serde_json::to_vec(&commit).unwrap()).unwrap();
    }
}

/// The files below a folder and their bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let found = crate::program::snapshot(folder).into_iter().filter(|(path, _)| path.is_file());
    found.map(|(path, (bytes, _))| (path.strip_prefix(folder).unwrap().to_owned(), bytes)).collect()
}

#[test]
fn each_night_is_restored_from_a_copy_alone() {
    let copied = Copied::three_nights();
    let mut nights = Vec::new();
    for run in ["1", "2", "now"] {
        let to = copied.program.beside(&format!("mirror {run}"));
        finish(bare(&["restore", "--dest"]).arg(&copied.program.dest).args(["--at", run, "--to"]).arg(&to)).expect(0);
        nights.push((run, to));
    }
    fs::remove_dir_all(&copied.program.dest).unwrap();
    for (run, from_mirror) in nights {
        let to = copied.program.beside(&format!("copy {run}"));
        let done = copied.restore(&["--at", run], &to).expect(0);
        assert!(done.out.contains(&format!("from the copy at {} (commit 1)", copied.url())), "{}", done.out);
        // Also the times.
        let relative = |folder: &Path| -> Vec<_> {
            let found = crate::program::snapshot(folder).into_iter().filter(|(path, _)| path.is_file());
            found.map(|(path, file)| (path.strip_prefix(folder).unwrap().to_owned(), file)).collect()
        };
        assert!(!relative(&to).is_empty() && relative(&to) == relative(&from_mirror), "{run}");
    }
    let one = copied.program.beside("one");
    let done = copied.restore(&["--at", "1", "--json", "2.txt"], &one).expect(0).json();
    assert_eq!((&done["files"], &done["bytes"]), (&1.into(), &7.into()));
    assert_eq!(files(&one), BTreeMap::from([("Brf Eken/2.txt".into(), b"bytes 2".to_vec())]));
}

#[test]
fn the_same_command_continues_a_restore() {
    let copied = Copied::three_nights();
    let (to, object) = (copied.program.beside("to"), copied.object("bytes 2"));
    let kept = fs::read(&object).unwrap();
    fs::remove_file(&object).unwrap();
    // It can't be read for now.
    symlink(&object, &object).unwrap();
    let done = copied.restore(&["--at", "1"], &to).expect(4);
    assert!(done.out.contains("missing: Brf Eken/2.txt: reading objects/"), "{}", done.out);
    assert_eq!(files(&to).len(), 2 + 1, "and what says that it is not complete");
    copied.restore(&["--at", "2"], &to).says(2, "another restore that was not finished");
    copied.restore(&["--at", "1", "Brf Eken/0.txt"], &to).says(2, "another restore that was not finished");
    // What is there is not read again, and what is cut off is.
    fs::remove_file(copied.object("bytes 0")).unwrap();
    fs::write(to.join("Brf Eken/1.txt"), "byt").unwrap();
    fs::remove_file(&object).unwrap();
    fs::write(&object, kept).unwrap();
    let done = copied.restore(&["--at", "1", "--json"], &to).expect(0).json();
    assert_eq!(done["files"], 3);
    let expected = ["0", "1", "2"].map(|n| (format!("Brf Eken/{n}.txt").into(), format!("bytes {n}").into_bytes()));
    assert_eq!(files(&to), BTreeMap::from(expected));
    copied.restore(&["--at", "1"], &to).says(2, "is not empty");
}

#[test]
fn nothing_but_the_right_bytes_is_restored_from_a_copy() {
    let copied = Copied::three_nights();
    fs::write(copied.object("bytes 0"), "BYTES 0").unwrap();
    fs::write(copied.object("bytes 1"), "bytes 1 and more").unwrap();
    fs::remove_file(copied.object("bytes 2")).unwrap();
    let to = copied.program.beside("to");
    let done = copied.restore(&["--at", "1", "--json"], &to).expect(6).json();
    let reasons: Vec<_> = done["missing"].as_array().unwrap().iter().map(|missing| &missing["reason"]).collect();
    assert_eq!(reasons, ["damaged", "damaged", "not_held"]);
    assert_eq!((files(&to).len(), &done["damaged"]), (0, &2.into()));
    let text = copied.restore(&["--at", "1"], &copied.program.beside("again")).expect(6).out;
    assert!(text.contains("Brf Eken/0.txt: its bytes are damaged; `replicate --check` may bring them back"), "{text}");
}

#[test]
fn what_the_mirror_let_go_of_is_restored_while_the_copy_has_it() {
    let copied = Copied::three_nights();
    copied.program.organisation(|o| {
        let zero = o.documents().into_iter().find(|d| d.file_name == "0.txt").unwrap().id;
        o.revise(&zero, "newer bytes").unwrap();
    });
    copied.program.run(&["--retain-versions", "1"]).expect(0);
    let mut mirrored = bare(&["restore", "--dest"]);
    mirrored.arg(&copied.program.dest).args(["--at", "1", "--to"]).arg(copied.program.beside("mirrored"));
    let done = finish(&mut mirrored).expect(4);
    assert!(done.out.contains("deleted by the retention"), "{}", done.out);
    copied.replicate();
    let done = copied.restore(&["--at", "1"], &copied.program.beside("to")).expect(0);
    assert!(done.out.contains("3 files") && done.out.contains("(commit 2)"), "{}", done.out);
}

#[test]
fn a_restore_from_a_copy_writes_nowhere_else() {
    let copied = Copied::three_nights();
    let full = copied.program.beside("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("x"), "mine").unwrap();
    copied.restore(&["--at", "1"], &full).says(2, "is not empty");
    copied.restore(&["--at", "1"], &copied.copy.join("to")).says(2, "lies inside the copy at file://");
    copied.restore(&["--at", "1"], &copied.program.dest.join("to")).says(2, "inside the mirror");
    // A planted mark continues nothing.
    let planted = copied.program.beside("planted");
    fs::create_dir(&planted).unwrap();
    symlink(full.join("x"), planted.join(".ibinder-sync-unfinished")).unwrap();
    assert_ne!(copied.restore(&["--at", "1"], &planted).code, 0);
    assert_eq!((fs::read(full.join("x")).unwrap(), files(&full).len()), (b"mine".to_vec(), 1));
    copied.restore(&["--at", "1", "9.txt"], &copied.program.beside("to")).says(2, "the mirror has no document");
    copied.restore(&["--at", "9"], &copied.program.beside("to")).says(2, "the first one that is known is 000001-");
    assert!(!copied.program.beside("to").exists());
}

#[test]
fn a_copy_is_named_or_refused() {
    let copied = Copied::three_nights();
    let url = copied.url();
    let from = |url: &str| finish(&mut bare(&["snapshots", "--from", url]));
    finish(bare(&["ls", "--from", &url, "--dest"]).arg(&copied.program.dest)).says(2, "cannot be used with '--dest");
    from("s3:/bucket").says(2, "is no place for a copy: give s3://BUCKET/PREFIX");
    from("/mnt/disk").says(2, "is no place for a copy");
    from("file://relative").says(2, "give three slashes");
    for pasted in ["az://copies/eken?sig=SECRET", "s3://user:SECRET@bucket/eken", "https://b.net/k?X-Signature=SECRET"]
    {
        let refused = from(pasted).says(2, "invalid value");
        assert!(!refused.err.contains("SECRET"), "{}", refused.err);
    }
    from("s3://bucket/prefix").says(3, "no credentials are known");
    from(&format!("{url}/nowhere")).says(8, "is the disk mounted?");
    fs::create_dir(copied.program.beside("empty")).unwrap();
    let empty = format!("file://{}", copied.program.beside("empty").display());
    from(&empty).says(2, "there is no copy at file://");
}

#[test]
fn a_copy_that_is_not_sound_is_not_read() {
    let copied = Copied::three_nights();
    let state = copied.only("state");
    let sound = fs::read(&state).unwrap();
    let mut damaged = sound.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for bytes in [&damaged[..], &sound[..middle], &[&sound[..], b"x"].concat(), b""] {
        fs::write(&state, bytes).unwrap();
        copied.read(&["ls"]).says(6, "in the copy is damaged");
    }
    fs::remove_file(&state).unwrap();
    copied.read(&["ls"]).says(6, "is missing in the copy");
    fs::write(&state, &sound).unwrap();
    copied.read(&["ls"]).expect(0);
    copied.edit_commit(|commit| commit["state"]["unpacked_size"] = 1.into());
    copied.read(&["ls"]).says(6, "unpacks to more than");
    copied.edit_commit(|commit| commit["state"]["key"] = "objects/../../secret".into());
    copied.read(&["ls"]).says(6, "which is not in state/");
    copied.edit_commit(|commit| commit["format"] = 2.into());
    copied.read(&["ls"]).says(2, "use a newer ibinder-sync");
}

#[test]
fn a_copy_shows_what_its_mirror_shows() {
    let copied = Copied::three_nights();
    let commands: [&[&str]; 17] = [
        &["snapshots", "--all"],
        &["snapshots", "--json"],
        &["ls"],
        &["ls", "-R", "--at", "1"],
        &["ls", "--json", "-R"],
        &["ls", "Brf Eken/*"],
        &["history", "Brf Eken/0.txt"],
        &["history", "--json", "1.txt"],
        &["find", "eken"],
        &["find", "--json", "klar"],
        &["find", "--removed", "2"],
        &["find", "--binder", "brf eken", "--changed-since", "2"],
        &["changes", "--run", "2"],
        &["changes", "--since", "1", "--json"],
        &["changes", "--run", "2", "--csv", "--binder", "Brf Eken"],
        &["find", "nothing has this"],
        &["ls", "--at", "2", "Brf Eken/2.txt"],
    ];
    let shown = commands.map(|command| copied.program.on_mirror(command[0], &command[1..]));
    fs::remove_dir_all(&copied.program.dest).unwrap();
    for (command, mirror) in commands.iter().zip(shown) {
        let from_copy = copied.read(command);
        assert_eq!(
            (from_copy.code, from_copy.out, from_copy.err),
            (mirror.code, mirror.out, mirror.err),
            "{command:?}"
        );
    }
}

#[test]
fn a_copy_is_proved_without_a_mirror() {
    let copied = Copied::three_nights();
    fs::remove_dir_all(&copied.program.dest).unwrap();
    let sound = copied.read(&["verify", "--json"]).expect(0).json();
    assert_eq!((&sound["outcome"], &sound["checked"]), (&"sound".into(), &sound["mirrored"]));
    assert_eq!(sound["checked"], serde_json::json!({"documents": 2, "objects": 4, "bytes": 7 + 11 + 7 + 7}));
    let copy = &sound["copy"];
    assert_eq!((&copy["commit"], &copy["commits"], &copy["lacking"]), (&1.into(), &1.into(), &0.into()));
    assert_eq!(copy["location"], copied.url());
    let text = copied.read(&["verify"]).expect(0).out;
    assert!(text.starts_with(&format!("Sound: commit 1 of the copy at {}, of run 000003-", copied.url())), "{text}");
    assert!(text.contains("4 of 4 objects of 2 documents were read"), "{text}");
}

#[test]
fn a_damaged_copy_names_the_documents_of_what_it_lost() {
    let copied = Copied::three_nights();
    fs::write(copied.object("bytes 1"), "BYTES 1").unwrap();
    fs::write(copied.object("bytes 0"), "bytes 0 and more").unwrap();
    fs::remove_file(copied.object("other bytes")).unwrap();
    fs::remove_file(copied.object("bytes 2")).unwrap();
    symlink(copied.object("bytes 2"), copied.object("bytes 2")).unwrap();
    let report = copied.read(&["verify", "--json"]).expect(6).json();
    let mut found = report["findings"].as_array().unwrap().clone();
    found.sort_by_key(|finding| (finding["path"].to_string(), finding["kind"].to_string()));
    let kinds: Vec<_> = found.iter().map(|f| (f["path"].as_str().unwrap(), f["kind"].as_str().unwrap())).collect();
    assert_eq!(
        kinds,
        [
            ("Brf Eken/0.txt", "missing"),
            ("Brf Eken/0.txt", "object_damaged"),
            ("Brf Eken/2.txt", "object_damaged"),
            ("Brf Eken/Avtal/1.txt", "damaged"),
        ]
    );
    assert!(found.iter().all(|f| f["document_id"].is_string() && f["version_id"].is_string()), "{found:?}");
    assert_ne!(found[0]["version_id"], found[1]["version_id"]);
    assert_eq!(found[1]["detail"], "it has 16 bytes instead of 7");
    assert_eq!(
        (&report["outcome"], &report["damaged"], &report["state"]),
        (&"damaged".into(), &4.into(), &"sound".into())
    );
    let text = copied.read(&["verify"]).expect(6).out;
    assert!(
        text.contains("missing: Brf Eken/0.txt: it is not there") && text.contains("`replicate --check`"),
        "{text}"
    );
}

#[test]
fn a_copy_whose_own_files_are_damaged_is_told_and_the_rest_is_read() {
    let copied = Copied::three_nights();
    let (state, manifest) = (copied.only("state"), copied.only("manifests"));
    for file in [&state, &manifest] {
        let sound = fs::read(file).unwrap();
        let mut damaged = sound.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        fs::write(file, &damaged).unwrap();
        let report = copied.read(&["verify", "--json"]).expect(6).json();
        let path = file.strip_prefix(&copied.copy).unwrap().to_str().unwrap();
        let found = &report["findings"];
        assert_eq!(
            (&found[0]["path"], &found[0]["kind"], found.as_array().unwrap().len()),
            (&path.into(), &"object_damaged".into(), 1)
        );
        assert_eq!(report["state"], if *file == state { "damaged" } else { "sound" });
        if *file == state {
            assert_eq!(report["checked"]["objects"], 4);
        }
        fs::write(file, sound).unwrap();
    }
    fs::write(copied.only("commits"), "{}").unwrap();
    let report = copied.read(&["verify", "--json"]).expect(6).json();
    assert_eq!(report["findings"][0]["path"], "commits/000000000001.json");
    for flags in [&["--repair"][..], &["--sample", "5%"], &["--budget", "1m"]] {
        copied.read(&[&["verify"], flags].concat()).says(2, "cannot be used with");
    }
}

#[test]
fn advice_names_the_copy() {
    let copied = Copied::three_nights();
    let url = copied.url();
    copied.read(&["history", "unheard of"]).says(2, &format!("`ibinder-sync find --from {url} TEXT` finds documents"));
    copied.read(&["find", "--binder", "xyzzy"]).says(2, &format!("`ibinder-sync ls --from {url}` lists their folders"));
    copied.read(&["changes", "--since", "1999-01-01", "--run", "x"]).expect(2);
}

#[test]
fn reading_a_copy_changes_nothing_and_leaves_nothing() {
    let copied = Copied::three_nights();
    let scratch = copied.program.beside("scratch");
    fs::create_dir(&scratch).unwrap();
    let before = crate::program::snapshot(&copied.copy);
    for arguments in [&["ls"][..], &["snapshots"], &["find", "eken"], &["history", "0.txt"], &["changes"]] {
        let mut command = bare(&arguments[..1]);
        command.arg("--from").arg(copied.url()).args(&arguments[1..]).env("TMPDIR", &scratch);
        finish(&mut command).expect(0);
    }
    copied.restore(&["--at", "1"], &copied.program.beside("to")).expect(0);
    assert!(crate::program::snapshot(&copied.copy) == before);
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
}
