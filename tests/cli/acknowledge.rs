//! A document that the service keeps listing without ever delivering it.

use ibinder_sync::sandbox::{Reply, Route};

use crate::program::{Done, Program, bare, finish};

/// Two mirrored documents, one of which has a new version that is unavailable.
fn stale() -> (Program, String) {
    let program = Program::mirrored(2);
    let id = program.sandbox.with_organisation(|o| {
        let id = o.documents()[0].id.clone();
        o.revise(&id, "the new version").unwrap();
        id
    });
    withhold(&program, &id);
    program.run(&[]).expect(4);
    (program, id)
}

fn withhold(program: &Program, id: &str) {
    let id = format!("/{id}");
    program.sandbox.hook(move |asked| {
        let own = matches!(asked.route, Route::Document | Route::DownloadLink) && asked.target.contains(&id);
        own.then(|| Reply::problem(404, "Not found"))
    });
}

fn acknowledge(program: &Program, id: &str) -> Done {
    finish(bare(&["acknowledge", id, "--dest"]).arg(&program.dest))
}

fn rows(program: &Program) -> i64 {
    let state = rusqlite::Connection::open(program.state("state.db")).unwrap();
    state.query_row("SELECT count(*) FROM acknowledged", [], |row| row.get(0)).unwrap()
}

#[test]
fn one_acknowledged_version_may_be_missing_and_is_shown() {
    let (program, id) = stale();
    let status = || finish(bare(&["status", "--dest"]).arg(&program.dest)).out;
    assert!(status().contains("1 version is waiting"), "{}", status());
    acknowledge(&program, &id.to_uppercase()).expect(0);
    assert!(!status().contains("waiting to be"), "{}", status());
    for _ in 0..2 {
        let report = program.run(&["--json"]).expect(0).json();
        let documents = &report["documents"];
        assert_eq!((&documents["acknowledged"], &documents["failed"]), (&1.into(), &0.into()), "{report}");
        assert!(report["warnings"][0].as_str().unwrap().contains("as acknowledged"), "{report}");
    }
    let page = std::fs::read_to_string(program.state("last-run.html")).unwrap();
    assert!(page.contains("1 document that is acknowledged as missing"), "{page}");
    assert!(status().starts_with("OK") && status().contains("acknowledged:"), "{}", status());
    // Its next version is missing again.
    program.sandbox.with_organisation(|o| o.revise(&id, "a later version")).unwrap();
    program.run(&[]).expect(4);
    assert_eq!(rows(&program), 0);
}

#[test]
fn an_acknowledged_version_that_becomes_available_is_mirrored() {
    let (program, id) = stale();
    acknowledge(&program, &id).expect(0);
    program.sandbox.unhook();
    let report = program.run(&["--json"]).expect(0).json();
    assert_eq!((&report["documents"]["updated"], &report["documents"]["acknowledged"]), (&1.into(), &0.into()));
    assert_eq!(rows(&program), 0);
}

#[test]
fn only_failed_documents_can_be_acknowledged() {
    let (program, id) = stale();
    let other = program.sandbox.with_organisation(|o| o.documents()[1].id.clone());
    acknowledge(&program, &other).says(2, "is not missing");
    acknowledge(&program, "no id").says(2, "is not missing");
    acknowledge(&program, &id).expect(0);
    acknowledge(&program, &id).says(2, "is not missing");
}
