//! Purging a document.

use std::{collections::BTreeMap, fs, path::PathBuf};

use ibinder_sync::sandbox::{Organisation, Reply, Route};
use serde_json::{Value, json};

use crate::program::{Done, Program, bare, finish, snapshot};

/// Two documents; the first has had two versions, two names and a failure in a report.
fn program() -> (Program, String) {
    let program = Program::with_documents(2);
    program.run(&[]).expect(0);
    let id = program.sandbox.with_organisation(|o| {
        let id = o.documents().iter().find(|d| d.file_name == "0.txt").unwrap().id.clone();
        o.rename_document(&id, "Anna Andersson.txt").unwrap();
        o.revise(&id, "second bytes of Anna").unwrap();
        id
    });
    fs::write(program.dest.join("Brf Eken/0.txt"), "edited bytes of Anna").unwrap();
    program.run(&[]).expect(0);
    (program, id)
}

fn purge(program: &Program, id: &str) -> Done {
    finish(bare(&["purge", id, "--yes", "--dest"]).arg(&program.dest))
}

/// Every file of the mirror that contains one of the texts.
fn speaking(program: &Program, texts: &[&str]) -> Vec<PathBuf> {
    let files: BTreeMap<PathBuf, _> = snapshot(&program.dest);
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    files.into_iter().filter(|(_, (bytes, _))| texts.iter().any(|t| holds(bytes, t))).map(|(path, _)| path).collect()
}

#[test]
fn only_the_fact_of_a_purge_is_kept() {
    let (program, id) = program();
    let manifests = || {
        let files = fs::read_dir(program.state("runs")).unwrap().map(|entry| entry.unwrap().path());
        let packed = files.filter(|path| path.extension().is_some_and(|e| e == "zst")).map(|p| fs::read(p).unwrap());
        packed.map(|bytes| String::from_utf8(zstd::decode_all(&*bytes).unwrap()).unwrap()).collect::<Vec<_>>()
    };
    assert!(manifests().len() == 2 && manifests().iter().all(|text| text.contains(&id)));
    let texts = ["Anna Andersson", "anna andersson", "bytes of Anna", "bytes 0", &id, "0.txt"];
    assert!(speaking(&program, &texts).len() >= 4, "{:?}", speaking(&program, &texts));
    purge(&program, &id).expect(0);
    assert_eq!(speaking(&program, &texts), Vec::<PathBuf>::new());
    assert!(manifests().iter().all(|text| !text.contains(&id) && text.contains("\"documents\":1,\"bytes\":7}")));
    assert_eq!(fs::read_to_string(program.dest.join("Brf Eken/1.txt")).unwrap(), "bytes 1");
    let state = rusqlite::Connection::open(program.state("state.db")).unwrap();
    let record = "SELECT count(*) FROM purges WHERE document IS NULL AND done_at > 0";
    assert_eq!(state.query_row(record, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

#[test]
fn a_purged_document_does_not_come_back() {
    let (program, id) = program();
    purge(&program, &id).expect(0);
    let report = program.run(&["--json"]).expect(0).json();
    assert_eq!((&report["documents"]["purged"], &report["documents"]["added"]), (&1.into(), &0.into()));
    assert_eq!(report["warnings"], serde_json::json!([]));
    assert!(!program.dest.join("Brf Eken/Anna Andersson.txt").exists());
}

#[test]
fn a_purged_document_that_is_still_listed_is_counted_and_named_nowhere() {
    // As it is, without a version, with unreadable fields, and with too large metadata.
    let item = |id: &str, more: Value| {
        let mut item = json!({"id": id, "fileName": "Anna Andersson.txt", "latestVersionId": "7c9e6679-7425-40de-944b-e07fc1f90ae7"});
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item
    };
    let large = "x".repeat(2 * 1024 * 1024);
    for more in [
        json!({}),
        json!({"latestVersionId": null}),
        json!({"latestVersionId": {"odd": "Anna Andersson"}}),
        json!({"fileName": ["Anna Andersson.txt"]}),
        json!({"metadata": [{"metadataElementId": "Anna Andersson", "valueId": large}]}),
    ] {
        let (program, id) = program();
        purge(&program, &id).expect(0);
        let items = [item(&id, more)];
        let page = json!({"items": items, "totalCount": 1, "pageNumber": 1, "pageSize": 250});
        program.sandbox.hook(move |asked| (asked.route == Route::Search).then(|| Reply::json(200, &page)));
        for _ in 0..2 {
            let done = program.run(&["--json"]);
            let report = done.json();
            assert_eq!(report["documents"]["purged"], 1, "{report}");
            assert_eq!(report["documents"]["failed"], 0, "{report}");
            assert!(!done.err.contains("Anna") && !done.err.contains(&id), "{}", done.err);
        }
        assert_eq!(speaking(&program, &["Anna", "bytes of Anna", &id]), Vec::<PathBuf>::new());
    }
}

#[test]
fn bytes_shared_with_another_document_are_kept() {
    let program = Program::with_documents(2);
    let ids = program.sandbox.with_organisation(|o| {
        let ids: Vec<String> = o.documents().into_iter().map(|d| d.id).collect();
        for id in &ids {
            o.revise(id, "alike bytes").unwrap();
        }
        ids
    });
    program.run(&[]).expect(0);
    program.sandbox.with_organisation(|o| {
        for id in &ids {
            o.revise(id, format!("now of {id}")).unwrap();
        }
    });
    program.run(&[]).expect(0);
    purge(&program, &ids[0]).expect(0);
    assert_eq!(speaking(&program, &["alike bytes"]).len(), 1);
    purge(&program, &ids[1]).expect(0);
    assert_eq!(speaking(&program, &["alike bytes"]), Vec::<PathBuf>::new());
}

#[test]
fn an_interrupted_purge_is_completed() {
    let (program, id) = program();
    let state = rusqlite::Connection::open(program.state("state.db")).unwrap();
    let begun = "INSERT INTO purges (run, document, fingerprint, began_at) VALUES (9, ?1, zeroblob(32), 1)";
    state.execute(begun, [&id]).unwrap();
    drop(state);
    // Interrupted after the file was deleted, before the rest was.
    fs::remove_file(program.dest.join("Brf Eken/Anna Andersson.txt")).unwrap();
    finish(bare(&["with-lock", "--dest"]).arg(&program.dest).args(["--", "true"])).expect(0);
    assert_eq!(speaking(&program, &["Anna Andersson", "bytes of Anna", &id]), Vec::<PathBuf>::new());
}

#[test]
fn a_foreign_file_is_not_purged() {
    let (program, id) = program();
    let file = program.dest.join("Brf Eken/Anna Andersson.txt");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "somebody else's").unwrap();
    purge(&program, &id).says(2, "was not written by the mirror");
    assert_eq!(fs::read_to_string(file).unwrap(), "somebody else's");
}

#[test]
fn a_folder_among_the_state_files_is_ignored() {
    let (program, id) = program();
    for folder in ["copies/x", "runs/x.json", "state.db.damaged-x"] {
        fs::create_dir_all(program.state(folder)).unwrap();
    }
    purge(&program, &id).expect(0);
    assert_eq!(speaking(&program, &["Anna Andersson", "bytes of Anna", &id]), Vec::<PathBuf>::new());
}

#[test]
fn a_folder_in_its_place_is_kept() {
    let (program, id) = program();
    let file = program.dest.join("Brf Eken/Anna Andersson.txt");
    let outside = program.beside("outside");
    fs::write(&outside, "somebody's").unwrap();
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(&outside, &file).unwrap();
    purge(&program, &id).expect(0);
    assert!(file.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::read_to_string(outside).unwrap(), "somebody's");
}

/// Reports and pages of versions before `warning_details`: the page names the document in a list of its own, and
/// the warnings have no ids.
#[test]
fn reports_and_pages_of_older_versions_lose_it_too() {
    let (program, id) = program();
    let run = reports(&program).remove(0);
    for (json, html) in
        [(run.clone(), run.with_extension("html")), (program.state("last-run.json"), program.state("last-run.html"))]
    {
        let mut report: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
        let fields = report.as_object_mut().unwrap();
        fields.remove("warning_details");
        fields.remove("changes");
        fields.insert("warnings".to_owned(), json!(["its old nickname is odd"]));
        fields.insert(
            "failures".to_owned(),
            json!([{"document_id": "other", "error": "its old nickname was there", "attempts": 1}]),
        );
        fs::write(json, report.to_string()).unwrap();
        fs::write(
            html,
            format!("<li data-id=\"{id}\">Anna Andersson</li><li class=\"said\">its old nickname is odd</li>"),
        )
        .unwrap();
    }
    // A page without a report, and an unreadable report, are useless; other files are kept.
    for name in ["000001-x.html", "000002-x.json", "notes.html"] {
        fs::write(program.state("runs").join(name), "Anna Andersson").unwrap();
    }
    purge(&program, &id).expect(0);
    let left = speaking(&program, &["Anna Andersson", "its old nickname", &id]);
    assert_eq!(left, [program.state("runs/notes.html")]);
    let page = fs::read_to_string(program.state("last-run.html")).unwrap();
    assert!(page.ends_with("</html>") && page.contains("This report has no list of changes"), "{page}");
}

fn reports(program: &Program) -> Vec<PathBuf> {
    let files = fs::read_dir(program.state("runs")).unwrap().map(|entry| entry.unwrap().path());
    let mut reports: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    reports.sort();
    reports
}

#[test]
fn pages_are_rendered_again_without_it() {
    let (program, id) = program();
    program.sandbox.with_organisation(|o| {
        let other = o.documents().iter().find(|d| d.id != id).unwrap().id.clone();
        o.revise(&other, "second bytes of the other").unwrap();
        o.revise(&id, "third bytes of Anna").unwrap();
    });
    program.run(&["--include", "*Ann?*", "--include", "*.txt"]).expect(0);
    let json = |name: &str| -> Value { serde_json::from_slice(&fs::read(program.state(name)).unwrap()).unwrap() };
    let page = || fs::read_to_string(program.state("last-run.html")).unwrap();
    assert!(page().contains("Anna") && page().contains("1.txt") && json("last-run.json").to_string().contains("Ann?"));
    purge(&program, &id).expect(0);
    assert!(!page().contains("Ann") && page().contains("1.txt") && page().contains("In numbers"), "{}", page());
    assert_eq!(speaking(&program, &["Ann?", "Anna"]), Vec::<PathBuf>::new());
    let report = json("last-run.json");
    assert_eq!((&report["documents"]["updated"], &report["changes"]["counts"]["updated"]), (&2.into(), &2.into()));
}

#[test]
fn it_asks_for_confirmation() {
    let (program, id) = program();
    let before = snapshot(&program.dest);
    finish(bare(&["purge", &id, "--dest"]).arg(&program.dest)).says(2, "needs --yes");
    purge(&program, "3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e77").says(2, "has no document");
    purge(&program, "no id").says(2, "has no document");
    assert_eq!(snapshot(&program.dest), before);
}

/// A version of one or two megabytes whose download always breaks halfway.
fn partial(program: &Program, of_a_new_one: bool) -> String {
    let id = program.sandbox.with_organisation(|o| {
        let bytes = b"bytes of Anna ".repeat(300_000);
        if of_a_new_one {
            let binder = o.binders()[0].0.clone();
            o.add_document(&binder, None, "Anna Andersson.bin", bytes).unwrap()
        } else {
            let id = o.documents()[0].id.clone();
            o.revise(&id, bytes).unwrap();
            id
        }
    });
    program.sandbox.script(Route::Blob, Reply::Truncate.times(40));
    program.run(&[]).expect(4);
    id
}

#[test]
fn a_partial_download_can_be_purged() {
    // With the recorded failure, and without it, as after a kill.
    for (of_a_new_one, killed) in [(true, false), (false, false), (true, true)] {
        let program = Program::mirrored(2);
        let id = partial(&program, of_a_new_one);
        if killed {
            let state = rusqlite::Connection::open(program.state("state.db")).unwrap();
            assert_eq!(state.execute("DELETE FROM failures", []).unwrap(), 1);
        }
        let texts = ["Anna Andersson", "bytes of Anna", &id];
        assert!(speaking(&program, &texts).len() >= 2, "{:?}", speaking(&program, &texts));
        purge(&program, &id).expect(0);
        assert_eq!(speaking(&program, &texts), Vec::<PathBuf>::new());
        program.run(&[]).expect(0);
        assert_eq!(speaking(&program, &texts), Vec::<PathBuf>::new());
    }
}

/// Names that differ by case in iBinder are files with an id in theirs.
#[test]
fn a_name_that_several_documents_have_purges_none() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    for name in ["Protokoll.pdf", "PROTOKOLL.pdf", "Fasad: norr.txt"] {
        o.add_document(&binder, None, name, format!("bytes of {name}")).unwrap();
    }
    let program = Program::new(o);
    program.run(&[]).expect(0);
    let files = || snapshot(&program.dest.join("Brf Eken")).len();
    for name in ["PROTOKOLL.pdf", "protokoll.PDF"] {
        let done = purge(&program, name).says(2, "is not unique, so nothing was done");
        assert_eq!(done.err.matches("Brf Eken/").count(), 2, "{}", done.err);
    }
    assert_eq!(files(), 3);
    // The name in iBinder, which no file can have.
    assert!(purge(&program, "Fasad: norr.txt").expect(0).out.starts_with("Purged document "));
    assert_eq!(files(), 2);
}
