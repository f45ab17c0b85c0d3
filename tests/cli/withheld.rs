//! Withheld removals: all outputs list them, and show how to confirm exactly these.

use std::{collections::BTreeSet, fs};

use ibinder_sync::sandbox::{Organisation, Reply, Route};

use crate::program::{Done, Program, bare, finish};

#[test]
fn all_are_listed_and_confirmed_exactly() {
    let program = Program::mirrored(30);
    let (binder, gone) = program.sandbox.with_organisation(|o| {
        let gone: Vec<_> = o.documents().into_iter().take(22).collect();
        for document in &gone {
            o.remove_document(&document.id).unwrap();
        }
        (o.binders()[0].0.clone(), gone)
    });
    let done = program.run(&[]).expect(7);
    for words in
        ["binder \"Brf Eken\"", "and 12 more (the report lists all)", "`ibinder-sync withheld` lists them", "Report: "]
    {
        assert!(done.out.contains(words), "{words}: {}", done.out);
    }
    let report: serde_json::Value = serde_json::from_slice(&fs::read(program.state("last-run.json")).unwrap()).unwrap();
    let listed = report["withheld"].as_array().unwrap();
    let ids: BTreeSet<&str> = listed.iter().map(|one| one["document_id"].as_str().unwrap()).collect();
    assert_eq!(ids, gone.iter().map(|d| d.id.as_str()).collect());
    assert_eq!((&listed[0]["binder"], &listed[0]["binder_id"]), (&"Brf Eken".into(), &binder.as_str().into()));
    let page = fs::read_to_string(program.state("last-run.html")).unwrap();
    for document in &gone {
        assert!(page.contains(&format!("Brf Eken/{}", document.file_name)), "{}", document.file_name);
    }
    assert!(page.contains("ibinder-sync withheld"), "{page}");
    let one = program.sandbox.with_organisation(|o| {
        let one = o.documents()[0].clone();
        o.remove_document(&one.id).unwrap();
        one
    });
    // One more is missing by then, and stays.
    let hash = hash(&program);
    confirm(&program, &[&hash]).expect(0);
    let plan = program.plan(&[]).expect(7);
    assert_eq!(plan.out.lines().filter(|line| line.starts_with("remove")).count(), 22, "{}", plan.out);
    assert_eq!(program.run(&["--json"]).expect(7).json()["documents"]["removed"], 22);
    assert!(program.dest.join("Brf Eken").join(&one.file_name).exists());
    confirm(&program, &[&hash]).says(2, "the set has changed");
    program.run(&[]).expect(0);
    assert!(!program.dest.join("Brf Eken").join(&one.file_name).exists());
}

/// Takes away the first documents, and lets a run withhold their removal.
fn withheld(documents: usize) -> Program {
    let program = Program::mirrored(30);
    take_away(&program, documents);
    program.run(&[]).expect(7);
    program
}

fn take_away(program: &Program, documents: usize) {
    program.sandbox.with_organisation(|o| {
        let gone: Vec<_> = o.documents().into_iter().take(documents).collect();
        for document in &gone {
            o.remove_document(&document.id).unwrap();
        }
    });
}

fn list(program: &Program, flags: &[&str]) -> Done {
    finish(bare(&["withheld", "--dest"]).arg(&program.dest).args(flags))
}

fn hash(program: &Program) -> String {
    list(program, &["--json"]).expect(0).json()["hash"].as_str().unwrap().to_owned()
}

fn confirm(program: &Program, arguments: &[&str]) -> Done {
    finish(bare(&["confirm-removals", "--dest"]).arg(&program.dest).args(arguments))
}

#[test]
fn the_table_ends_with_the_command_that_confirms_it() {
    let program = withheld(20);
    let hash = hash(&program);
    let done = list(&program, &[]).expect(0);
    assert_eq!(done.out.lines().filter(|line| line.contains("  Brf Eken/")).count(), 20, "{}", done.out);
    let command = format!("  ibinder-sync confirm-removals --dest {} {hash}\n", program.dest.display());
    assert!(done.out.ends_with(&command), "{}", done.out);
    let csv = list(&program, &["--csv"]).expect(0);
    assert_eq!(csv.out.lines().count(), 21, "{}", csv.out);
    assert!(csv.out.contains("document_id,name,path,binder_id,binder,since,") && csv.err.ends_with(&command));
    let documents = list(&program, &["--json"]).expect(0).json()["documents"].clone();
    let first = &documents[0];
    assert_eq!(
        (&first["binder"], &first["confirmable"], &first["confirmed"]),
        (&"Brf Eken".into(), &true.into(), &false.into())
    );
    assert!(first["since"].is_string() && first["since_run"].as_str().unwrap().starts_with("000002-"), "{first}");
    // The command as it stands there.
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    finish(&mut bare(&words)).expect(0);
    assert!(list(&program, &[]).expect(0).out.contains("20 documents are confirmed"));
    assert_eq!(program.run(&["--json"]).expect(0).json()["documents"]["removed"], 20);
    assert_eq!(list(&program, &[]).expect(0).out, "No removals are withheld.\n");
    confirm(&program, &[&hash]).says(2, "nothing was confirmed");
}

#[test]
fn a_binder_is_confirmed_by_its_own_hash() {
    let mut o = Organisation::empty();
    let binders = ["Brf Eken", "Brf Linden"].map(|name| {
        let binder = o.add_binder(name);
        (0..30).for_each(|n| drop(o.add_document(&binder, None, &format!("{n}.txt"), "bytes").unwrap()));
        binder
    });
    let program = Program::new(o);
    program.run(&[]).expect(0);
    program.sandbox.with_organisation(|o| {
        for binder in &binders {
            let gone: Vec<_> = o.documents().into_iter().filter(|d| d.binder == *binder).take(12).collect();
            for document in &gone {
                o.remove_document(&document.id).unwrap();
            }
        }
    });
    program.run(&[]).expect(7);
    let of_eken = list(&program, &["--binder", "brf eken", "--json"]).expect(0).json();
    let hash = of_eken["hash"].as_str().unwrap();
    assert_eq!(of_eken["documents"].as_array().unwrap().len(), 12);
    confirm(&program, &[hash]).says(2, "another --binder");
    confirm(&program, &[hash, "--binder", "Brf Linden"]).says(2, "--binder \"Brf Linden\"`");
    confirm(&program, &[hash, "--binder", &binders[0]]).expect(0);
    let documents = &program.run(&["--json"]).expect(7).json()["documents"];
    assert_eq!((&documents["removed"], &documents["withheld"]), (&12.into(), &12.into()));
    list(&program, &["--binder", "Kv. Tallen"]).says(2, "the mirror has no binder");
}

#[test]
fn confirming_needs_the_lock() {
    let program = withheld(20);
    let hash = hash(&program);
    let held = ibinder_sync::mirror::Mirror::open(&program.dest).unwrap();
    confirm(&program, &[&hash]).says(5, "another command is at work");
    drop(held);
    program.run(&[]).expect(7);
}

#[test]
fn a_confirmation_ends_with_the_next_complete_run() {
    let program = withheld(20);
    confirm(&program, &[&hash(&program)]).expect(0);
    // By hand, a part of the mirror says nothing about the rest.
    program.run(&["--exclude", "?.txt", "--exclude", "1?.txt"]).expect(0);
    assert!(list(&program, &[]).expect(0).out.contains("20 documents are confirmed"));
    // As configured, this is all there is.
    finish(program.run_command(&[]).env("IBINDER_EXCLUDE", "?.txt;1?.txt")).expect(0);
    assert_eq!(list(&program, &[]).expect(0).out, "No removals are withheld.\n");
    program.run(&[]).expect(7);
}

#[test]
fn a_confirmation_in_an_old_copy_of_the_state_does_not_count() {
    let program = withheld(20);
    confirm(&program, &[&hash(&program)]).expect(0);
    // A run that adds a document, keeps a copy of the state, and can't look the others up.
    program.sandbox.with_organisation(|o| {
        let binder = o.binders()[0].0.clone();
        o.add_document(&binder, None, "new.txt", "new").unwrap();
    });
    program.sandbox.script(Route::Document, Reply::problem(403, "Forbidden").times(20));
    program.run(&[]).expect(4);
    assert!(list(&program, &[]).expect(0).out.contains("20 documents are confirmed"));
    finish(bare(&["recover", "--force", "--dest"]).arg(&program.dest)).expect(0);
    confirm(&program, &["3f2a"]).says(2, "not the hash");
    program.run(&[]).expect(7);
    assert!(list(&program, &[]).expect(0).out.contains("20 documents are missing"));
}

#[test]
fn a_state_of_an_earlier_version_withholds_nothing_that_is_known() {
    let program = withheld(20);
    let connection = rusqlite::Connection::open(program.state("state.db")).unwrap();
    connection.execute_batch("DROP TABLE withheld; PRAGMA user_version = 5").unwrap();
    drop(connection);
    assert_eq!(list(&program, &[]).expect(0).out, "No removals are withheld.\n");
    program.run(&[]).expect(7);
    assert!(list(&program, &[]).expect(0).out.contains("20 documents are missing"));
}
