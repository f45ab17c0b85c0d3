//! `snapshots`, `ls`, `history` and `restore`.

use std::{fs, path::Path};

use ibinder_sync::sandbox::Organisation;

use crate::program::{Done, Program, bare, finish};

impl Program {
    /// A command on the mirror, without the service.
    pub(crate) fn on_mirror(&self, command: &str, arguments: &[&str]) -> Done {
        finish(bare(&[command, "--dest"]).arg(&self.dest).args(arguments).env("TZ", "UTC"))
    }

    fn restore(&self, arguments: &[&str], to: &Path) -> Done {
        finish(bare(&["restore", "--dest"]).arg(&self.dest).args(arguments).arg("--to").arg(to))
    }

    pub(crate) fn organisation<T>(&self, change: impl FnOnce(&mut Organisation) -> T) -> T {
        self.sandbox.with_organisation(change)
    }
}

pub(crate) fn lines(done: &Done) -> Vec<serde_json::Value> {
    done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Three runs: three documents; one revised, one moved with other metadata, one removed; no change.
pub(crate) fn three_nights() -> (Program, Vec<String>) {
    let program = Program::with_documents(3);
    program.run(&[]).expect(0);
    let ids: Vec<String> = program.organisation(|o| o.documents()).into_iter().map(|d| d.id).collect();
    program.organisation(|o| {
        let binder = o.binders()[0].0.clone();
        let tab = o.add_folder(&binder, None, "Avtal").unwrap();
        let of = |name: &str| o.documents().into_iter().find(|d| d.file_name == name).unwrap().id;
        let (zero, one, two) = (of("0.txt"), of("1.txt"), of("2.txt"));
        o.revise(&zero, "other bytes").unwrap();
        o.move_document(&one, &binder, Some(&tab)).unwrap();
        o.set_metadata(&one, serde_json::json!([{"metadataElementId": "Status", "valueId": "klar"}])).unwrap();
        o.remove_document(&two).unwrap();
    });
    program.run(&[]).expect(0);
    program.run(&[]).expect(0);
    (program, ids)
}

#[test]
fn runs_are_listed() {
    let (program, _) = three_nights();
    let done = program.on_mirror("snapshots", &[]).expect(0);
    assert!(done.out.lines().all(|line| line.chars().count() <= 80), "{}", done.out);
    assert_eq!(done.out.lines().count(), 4, "{}", done.out);
    assert!(done.out.contains("000002-") && done.out.contains("complete"), "{}", done.out);
    let runs = lines(&program.on_mirror("snapshots", &["--json"]).expect(0));
    assert_eq!(runs.iter().map(|run| run["number"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(runs.iter().all(|run| run["whole"] == true && run["outcome"] == "complete"), "{runs:?}");
    assert_eq!(runs[0]["changes"]["added"], 3);
    let second = &runs[1]["changes"];
    assert_eq!((&second["updated"], &second["moved"], &second["removed"]), (&1.into(), &1.into(), &1.into()));
}

#[test]
fn documents_of_a_time_are_listed() {
    let (program, _) = three_nights();
    let paths = |arguments: &[&str]| -> Vec<String> {
        let done = program.on_mirror("ls", &[&["--json"], arguments].concat()).expect(0);
        lines(&done).iter().map(|line| line["path"].as_str().unwrap().to_owned()).collect()
    };
    let before = program.dest.join("Brf Eken/0.txt");
    assert_eq!(paths(&["--at", "1", "-R"]), ["Brf Eken/0.txt", "Brf Eken/1.txt", "Brf Eken/2.txt"]);
    assert_eq!(paths(&["-R"]), ["Brf Eken/0.txt", "Brf Eken/Avtal/1.txt"]);
    assert_eq!(paths(&["--at", "1", "Brf Eken/2.txt"]), ["Brf Eken/2.txt"]);
    assert_eq!(paths(&["Brf Eken/Avtal/"]), ["Brf Eken/Avtal/1.txt"]);
    assert_eq!(paths(&[before.to_str().unwrap()]), ["Brf Eken/0.txt"]);
    assert_eq!(paths(&["*/*.txt"]), ["Brf Eken/0.txt"]);
    assert_eq!(paths(&["**/[12].txt"]), ["Brf Eken/Avtal/1.txt"]);
    assert_eq!(paths(&["-R", "Brf *"]), ["Brf Eken/0.txt", "Brf Eken/Avtal/1.txt"]);
    let all = lines(&program.on_mirror("ls", &["--json"]).expect(0));
    assert_eq!(all, [serde_json::json!({"folder": "Brf Eken", "documents": 2, "bytes": 18})]);
    let level = program.on_mirror("ls", &["Brf Eken"]).expect(0).out;
    assert!(level.lines().count() == 2 && level.ends_with("7  1 document           Brf Eken/Avtal/\n"), "{level}");
    program.on_mirror("ls", &["*.pdf"]).says(2, "nothing is mirrored as *.pdf");
    let text = program.on_mirror("ls", &["--at", "1", "Brf Eken/0.txt"]).expect(0);
    assert!(text.out.trim_start().starts_with("7  20") && text.out.ends_with("  Brf Eken/0.txt\n"), "{}", text.out);
    program.on_mirror("ls", &["--at", "1999-01-01"]).says(2, "no run had ended by");
    program.on_mirror("ls", &["--at", "soon"]).says(2, "is not a time");
    program.on_mirror("ls", &["--at", "3", "Brf Eken/2.txt"]).says(2, "nothing was mirrored");
}

#[test]
fn changes_between_two_runs_are_listed() {
    let (program, ids) = three_nights();
    let changes = |arguments: &[&str]| -> Vec<(String, String, Option<String>)> {
        let done = program.on_mirror("changes", &[&["--json"], arguments].concat()).expect(0);
        let text = |line: &serde_json::Value, key: &str| line[key].as_str().map(str::to_owned);
        lines(&done)
            .iter()
            .map(|line| (text(line, "kind").unwrap(), text(line, "path").unwrap(), text(line, "from")))
            .collect()
    };
    let change =
        |kind: &str, path: &str, from: Option<&str>| (kind.to_owned(), path.to_owned(), from.map(str::to_owned));
    let second = [
        change("updated", "Brf Eken/0.txt", None),
        change("removed", "Brf Eken/2.txt", None),
        change("moved", "Brf Eken/Avtal/1.txt", Some("Brf Eken/1.txt")),
    ];
    assert_eq!(changes(&[]), [], "the last run changed nothing");
    assert_eq!(changes(&["--run", "2"]), second);
    assert_eq!(changes(&["--since", "1"]), second);
    assert_eq!(changes(&["--since", "1", "--binder", "brf eken"]), second);
    assert_eq!(changes(&["--since", "2"]), []);
    let added = ["Brf Eken/0.txt", "Brf Eken/Avtal/1.txt"].map(|path| change("added", path, None));
    assert_eq!(changes(&["--since", "yesterday"]), added, "all runs were made today");
    assert_eq!(changes(&["--run", "1"]).len(), 3);
    let text = program.on_mirror("changes", &["--run", "2"]).expect(0).out;
    assert!(text.contains("moved     Brf Eken/Avtal/1.txt\n          from Brf Eken/1.txt\n"), "{text}");
    assert!(text.contains("0 added, 1 updated, 1 moved, 1 removed since run 000001-"), "{text}");
    let table = program.on_mirror("changes", &["--run", "2", "--csv"]).expect(0).out;
    assert!(table.starts_with("\u{feff}change,path,from,size,document_id,binder_id\r\n"), "{table}");
    assert!(table.contains("\r\nremoved,Brf Eken/2.txt,,7,"), "{table}");
    assert!(ids.iter().all(|id| table.contains(id.as_str())), "{table}");
    program.on_mirror("changes", &["--binder", "Brf Alen"]).says(2, "no binder \"Brf Alen\"");
    program.on_mirror("changes", &["--since", "soon"]).says(2, "is not a time");
}

#[test]
fn an_incomplete_run_is_a_warning() {
    let program = Program::mirrored(3);
    program.run(&["--exclude", "**/2.txt"]).expect(0);
    let done = program.on_mirror("ls", &["--at", "2"]).expect(0);
    assert!(done.err.contains("not complete") && done.err.contains("000001-"), "{}", done.err);
    assert!(!program.on_mirror("ls", &["--at", "1"]).expect(0).err.contains("not complete"));
}

#[test]
fn a_documents_history_is_shown() {
    let (program, ids) = three_nights();
    let at = |name: &str| program.dest.join(name).to_str().unwrap().to_owned();
    for document in ["Brf Eken/0.txt", "./Brf Eken/0.txt", &at("Brf Eken/0.txt")] {
        let told = lines(&program.on_mirror("history", &["--json", document]).expect(0));
        assert_eq!(told.len(), 1);
        let versions = told[0]["versions"].as_array().unwrap();
        assert_eq!((&versions[0]["held"], &versions[0]["cause"]), (&"object".into(), &"replaced".into()));
        assert_eq!((&versions[1]["held"], &versions[1]["ended"]), (&"tree".into(), &serde_json::Value::Null));
    }
    // By an earlier path, and by its id.
    let moved = program.on_mirror("history", &["Brf Eken/1.txt"]).expect(0).out;
    assert!(
        moved.contains("Brf Eken/Avtal/1.txt") && moved.contains("Status: ") && moved.contains("\"klar\""),
        "{moved}"
    );
    for id in &ids {
        assert!(program.on_mirror("history", &[&id.to_uppercase()]).expect(0).out.contains("sha256"));
    }
    let removed = program.on_mirror("history", &["Brf Eken/2.txt"]).expect(0).out;
    assert!(removed.contains("removed") && removed.contains("kept in objects/"), "{removed}");
    let unknown = program.on_mirror("history", &["Brf Eken/9.txt"]).says(2, "has no document \"Brf Eken/9.txt\"");
    assert!(unknown.err.contains("did you mean \"Brf Eken/0.txt\""), "{}", unknown.err);
    program.on_mirror("history", &["Brf Eken"]).says(2, "ibinder-sync find --dest");
}

#[test]
fn a_unique_name_stands_for_its_document() {
    let (program, ids) = three_nights();
    let binder = program.organisation(|o| {
        let binder = o.add_binder("Brf Åsen");
        o.add_document(&binder, None, "Stadgar.txt", "statutes").unwrap();
        o.add_document(&binder, None, "0.txt", "another zero").unwrap();
        binder
    });
    program.run(&[]).expect(0);
    let id = |done: &Done| lines(done)[0]["document_id"].as_str().unwrap().to_owned();
    let stadgar = id(&program.on_mirror("history", &["--json", "STADGAR.txt"]).expect(0));
    assert_eq!(id(&program.on_mirror("history", &["--json", "Brf Åsen/Stadgar.txt"]).expect(0)), stadgar);
    let several = program.on_mirror("history", &["0.txt"]).says(2, "is not unique");
    for candidate in ["\n  Brf Eken/0.txt (", "\n  Brf Åsen/0.txt (", &ids[0]] {
        assert!(several.err.contains(candidate), "{candidate}: {}", several.err);
    }
    program.on_mirror("history", &["Stagdar.txt"]).says(2, "did you mean \"Brf Åsen/Stadgar.txt\"?");
    // A document by its name now, by a later path and by its id, where it was then.
    for (at, given, file) in [
        ("1", "1.txt", "Brf Eken/1.txt"),
        ("1", "Brf Eken/Avtal/1.txt", "Brf Eken/1.txt"),
        ("4", &*stadgar, "Brf Åsen/Stadgar.txt"),
    ] {
        let to = program.beside(&format!("to {}", given.replace('/', " ")));
        program.restore(&["--at", at, given], &to).expect(0);
        assert!(to.join(file).exists(), "{given}");
    }
    program.restore(&["--at", "1", "Stadgar.txt"], &program.beside("x")).says(2, "nothing was mirrored");
    program.restore(&["--at", "4", "0.txt"], &program.beside("x")).says(2, "is not unique");
    // Erasing needs the same certainty.
    let purge = |document: &str| finish(bare(&["purge", document, "--yes", "--dest"]).arg(&program.dest));
    purge("0.txt").says(2, "is not unique");
    purge("Stagdar.txt").says(2, "did you mean");
    assert!(program.dest.join("Brf Åsen/0.txt").exists() && program.dest.join("Brf Eken/0.txt").exists());
    purge("stadgar.txt").expect(0);
    assert!(!program.dest.join("Brf Åsen/Stadgar.txt").exists());
    purge("Brf Åsen/0.txt").expect(0);
    assert!(!program.dest.join("Brf Åsen").exists() && program.dest.join("Brf Eken/0.txt").exists());
    program.organisation(|o| o.hide_binder(&binder)).unwrap();
    let forget = |name: &str| finish(bare(&["binders", "forget", name, "--yes", "--dest"]).arg(&program.dest));
    forget("brf asen").says(2, "did you mean \"Brf Åsen\" or");
    forget("brf åsen").says(2, "--force");
    program.run(&[]).expect(4);
    forget("brf åsen").expect(0);
}

#[test]
fn a_time_is_restored_completely_or_in_part() {
    let (program, _) = three_nights();
    let to = program.beside("then");
    let done = program.restore(&["--at", "1"], &to).expect(0);
    assert!(done.out.contains("3 files") && done.out.contains("as of run 000001-"), "{}", done.out);
    for n in 0..3 {
        assert_eq!(fs::read_to_string(to.join(format!("Brf Eken/{n}.txt"))).unwrap(), format!("bytes {n}"));
    }
    let part = program.beside("part");
    let done = program.restore(&["--at", "1", "--json", "Brf Eken/2.txt"], &part).expect(0).json();
    assert_eq!((&done["files"], &done["missing"]), (&1.into(), &serde_json::json!([])));
    assert_eq!(fs::read_dir(part.join("Brf Eken")).unwrap().count(), 1);
    let versions = lines(&program.on_mirror("history", &["--json", "Brf Eken/0.txt"]).expect(0));
    for (at, text) in ["bytes 0", "other bytes"].iter().enumerate() {
        let one = program.beside(&format!("one {at}"));
        program.restore(&["--version", versions[0]["versions"][at]["version_id"].as_str().unwrap()], &one).expect(0);
        assert_eq!(fs::read_to_string(one.join("0.txt")).unwrap(), *text);
    }
}

#[test]
fn a_harmful_restore_is_refused() {
    let (program, _) = three_nights();
    let full = program.beside("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("x"), "mine").unwrap();
    program.restore(&["--at", "1"], &full).says(2, "is not empty");
    assert_eq!(fs::read_dir(&full).unwrap().count(), 1);
    for inside in ["then", "Brf Eken/then", ".ibinder-sync/then", ".ibinder-sync/tmp", ""] {
        program.restore(&["--at", "1"], &program.dest.join(inside)).says(2, "inside the mirror");
    }
    let link = program.beside("link");
    std::os::unix::fs::symlink(program.dest.join("Brf Eken"), &link).unwrap();
    program.restore(&["--at", "1"], &link.join("then")).says(2, "inside the mirror");
    assert!(!program.dest.join("Brf Eken/then").exists() && !program.dest.join("then").exists());
    let to = program.beside("to");
    program.restore(&["--at", "1", "Brf Eken/9.txt"], &to).says(2, "did you mean \"Brf Eken/0.txt\"");
    program.restore(&["--version", "unknown"], &to).says(2, "no version");
    program.restore(&[], &to).says(2, "--at");
    assert!(!to.exists());
}

#[test]
fn missing_files_decide_the_code() {
    let (program, _) = three_nights();
    fs::remove_file(program.dest.join("Brf Eken/Avtal/1.txt")).unwrap();
    let done = program.restore(&["--at", "1"], &program.beside("lacking")).expect(4);
    assert!(done.out.contains("missing: Brf Eken/1.txt: its bytes are not in objects/"), "{}", done.out);
    let objects = program.state("objects");
    for object_dir in fs::read_dir(&objects).unwrap() {
        for object in fs::read_dir(object_dir.unwrap().path()).unwrap() {
            fs::write(object.unwrap().path(), "rot").unwrap();
        }
    }
    let done = program.restore(&["--at", "1", "--json"], &program.beside("rotten")).expect(6).json();
    assert_eq!((&done["damaged"], &done["missing"][0]["reason"]), (&2.into(), &"damaged".into()));
}

#[test]
fn history_needs_a_mirror_and_changes_nothing() {
    let none = tempfile::tempdir().unwrap();
    for arguments in [
        &["snapshots"][..],
        &["changes"],
        &["find", "x"],
        &["ls"],
        &["history", "x"],
        &["restore", "--at", "1", "--to", "/x"],
    ] {
        finish(bare(arguments).arg("--dest").arg(none.path())).says(2, "contains no mirror");
    }
    let (program, _) = three_nights();
    let before = crate::program::snapshot(&program.dest);
    program.on_mirror("snapshots", &["--all"]).expect(0);
    program.on_mirror("ls", &["--at", "1"]).expect(0);
    program.on_mirror("find", &["eken"]).expect(0);
    program.on_mirror("history", &["Brf Eken/0.txt"]).expect(0);
    program.restore(&["--at", "1"], &program.beside("then")).expect(0);
    assert!(crate::program::snapshot(&program.dest) == before);
}
