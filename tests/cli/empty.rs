//! A mirror that gets no documents does not look healthy.

use ibinder_sync::sandbox::{Organisation, Reply, Route};
use serde_json::{Value, json};

use crate::program::{Done, Program, bare, finish};

fn status(program: &Program) -> Done {
    finish(bare(&["status", "--dest"]).arg(&program.dest))
}

/// The pages of the only binder list its documents, only some of which have a version.
fn list_versions(program: &Program, has_version: impl Fn(usize) -> bool) {
    let documents = program.sandbox.with_organisation(|o| o.documents());
    let version = |n: usize, version: &str| has_version(n).then(|| version.to_owned());
    let items: Vec<Value> = (documents.iter().enumerate())
        .map(|(n, d)| json!({"id": d.id, "fileName": d.file_name, "latestVersionId": version(n, &d.version)}))
        .collect();
    let page = json!({"items": items, "totalCount": items.len()});
    program.sandbox.script(Route::Search, vec![Reply::json(200, &page)]);
}

/// A binder without documents.
fn binder() -> Organisation {
    let mut o = Organisation::empty();
    o.add_binder("Brf Eken");
    o
}

fn revise_all(program: &Program) {
    program.sandbox.with_organisation(|o| {
        for document in o.documents() {
            o.revise(&document.id, format!("revised {}", document.id)).unwrap();
        }
    });
}

#[test]
fn documents_without_a_version_are_excused_unless_all_are() {
    let program = Program::with_documents(5);
    list_versions(&program, |_| false);
    let report = program.run(&["--json"]).expect(4).json();
    assert_eq!(report["documents"]["without_version"], 5);
    assert!(report["failures"][0]["error"].as_str().unwrap().contains("none of the documents"), "{report}");
    assert_eq!(status(&program).code, 2, "no run was complete ever");
    list_versions(&program, |n| n == 3);
    program.run(&[]).expect(0);
    assert_eq!(status(&program).code, 0);
}

#[test]
fn a_mirror_without_new_versions_is_partial() {
    let program = Program::mirrored(5);
    revise_all(&program);
    list_versions(&program, |_| false);
    let report = program.run(&["--json"]).expect(4).json();
    assert_eq!((&report["documents"]["seen"], &report["documents"]["removed"]), (&5.into(), &0.into()));
    let status = status(&program);
    assert!(status.code == 1 && status.out.contains("WARNING"), "{}", status.out);
    list_versions(&program, |n| n == 3);
    program.run(&[]).expect(0);
}

#[test]
fn an_empty_organisation_is_a_warning() {
    for (organisation, warning, advice) in [
        (Organisation::empty(), "lists no binder for this API client", "give it access"),
        (binder(), "the mirror is empty", "lists no document in 1 binder"),
    ] {
        let program = Program::new(organisation);
        let done = program.run(&[]).expect(0);
        assert!(done.err.contains(warning) && done.err.contains(advice), "{}", done.err);
        let status = status(&program);
        assert!(status.code == 1 && status.out.contains(warning), "{}", status.out);
    }
}
