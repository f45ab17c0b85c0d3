//! A document that must be erased.

use std::{collections::BTreeMap, fs, path::PathBuf};

use crate::program::{Done, Program, bare, finish, snapshot};

/// Two documents; the first has had two versions, two names and a failure that a report tells of.
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

/// Every file of the mirror that holds one of the texts.
fn speaking(program: &Program, texts: &[&str]) -> Vec<PathBuf> {
    let files: BTreeMap<PathBuf, _> = snapshot(&program.dest);
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    files.into_iter().filter(|(_, (bytes, _))| texts.iter().any(|t| holds(bytes, t))).map(|(path, _)| path).collect()
}

#[test]
fn nothing_is_left_of_it_but_that_it_was() {
    let (program, id) = program();
    let manifests = || {
        let files = fs::read_dir(program.state("runs")).unwrap().map(|entry| entry.unwrap().path());
        let packed = files.filter(|path| path.extension().is_some_and(|e| e == "zst")).map(|p| fs::read(p).unwrap());
        packed.map(|bytes| String::from_utf8(zstd::decode_all(&*bytes).unwrap()).unwrap()).collect::<Vec<_>>()
    };
    assert!(manifests().len() == 2 && manifests().iter().all(|text| text.contains(&id)));
    let texts = ["Anna Andersson", "bytes of Anna", "bytes 0", &id, "0.txt"];
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
fn what_the_service_still_lists_does_not_come_back() {
    let (program, id) = program();
    purge(&program, &id).expect(0);
    let report = program.run(&["--json"]).expect(0).json();
    assert_eq!((&report["documents"]["filtered"], &report["documents"]["added"]), (&1.into(), &0.into()));
    assert!(report["warnings"][0].as_str().unwrap().contains("erased from this mirror"), "{report}");
    assert!(!program.dest.join("Brf Eken/Anna Andersson.txt").exists());
}

#[test]
fn bytes_that_another_document_had_stay_for_it() {
    let program = Program::with_documents(2);
    let ids = program.sandbox.with_organisation(|o| {
        let ids: Vec<String> = o.documents().into_iter().map(|d| d.id).collect();
        for id in &ids {
            o.revise(id, "the same").unwrap();
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
    assert_eq!(speaking(&program, &["the same"]).len(), 1);
    purge(&program, &ids[1]).expect(0);
    assert_eq!(speaking(&program, &["the same"]), Vec::<PathBuf>::new());
}

#[test]
fn an_erasure_that_was_cut_off_is_gone_on_with() {
    let (program, id) = program();
    let state = rusqlite::Connection::open(program.state("state.db")).unwrap();
    let begun = "INSERT INTO purges (run, document, fingerprint, began_at) VALUES (9, ?1, zeroblob(32), 1)";
    state.execute(begun, [&id]).unwrap();
    drop(state);
    // As far as it had come: the file is gone, the rest is not.
    fs::remove_file(program.dest.join("Brf Eken/Anna Andersson.txt")).unwrap();
    finish(bare(&["with-lock", "--dest"]).arg(&program.dest).args(["--", "true"])).expect(0);
    assert_eq!(speaking(&program, &["Anna Andersson", "bytes of Anna", &id]), Vec::<PathBuf>::new());
}

#[test]
fn a_file_that_is_not_its_own_is_not_erased() {
    let (program, id) = program();
    let file = program.dest.join("Brf Eken/Anna Andersson.txt");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "somebody else's").unwrap();
    purge(&program, &id).says(2, "is not what the mirror put there");
    assert_eq!(fs::read_to_string(file).unwrap(), "somebody else's");
}

#[test]
fn a_folder_among_the_states_files_is_in_nobodys_way() {
    let (program, id) = program();
    for folder in ["copies/x", "runs/x.json", "state.db.damaged-x"] {
        fs::create_dir_all(program.state(folder)).unwrap();
    }
    purge(&program, &id).expect(0);
    assert_eq!(speaking(&program, &["Anna Andersson", "bytes of Anna", &id]), Vec::<PathBuf>::new());
}

#[test]
fn what_stands_in_its_place_stays() {
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

#[test]
fn it_is_asked_for() {
    let (program, id) = program();
    let before = snapshot(&program.dest);
    finish(bare(&["purge", &id, "--dest"]).arg(&program.dest)).says(2, "needs --yes");
    purge(&program, "3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e77").says(2, "knows no document");
    purge(&program, "no id").says(2, "knows no document");
    assert_eq!(snapshot(&program.dest), before);
}
