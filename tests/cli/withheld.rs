//! Withheld removals: all outputs list them, and show how to confirm exactly these.

use std::{collections::BTreeSet, fs};

use crate::program::Program;

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
    for words in [
        "binder \"Brf Eken\"",
        "and 12 more (the report lists all)",
        "`ibinder-sync plan --max-removals 22`",
        "Report: ",
    ] {
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
    assert!(page.contains("--max-removals 22"), "{page}");
    // One more is missing now: the confirmed removals are not these.
    let plan = program.plan(&["--max-removals", "22"]).expect(0);
    assert_eq!(plan.out.lines().filter(|line| line.starts_with("remove")).count(), 22, "{}", plan.out);
    let one = program.sandbox.with_organisation(|o| {
        let one = o.documents()[0].clone();
        o.remove_document(&one.id).unwrap();
        one
    });
    program.run(&["--max-removals", "22"]).expect(7);
    assert!(program.dest.join("Brf Eken").join(&one.file_name).exists());
    program.run(&["--max-removals", "23"]).expect(0);
}
