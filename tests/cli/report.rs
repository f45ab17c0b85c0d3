//! The run report, field by field.

use std::{collections::BTreeSet, fs};

use ibinder_sync::sandbox::{Reply, Route};
use serde_json::Value;

use crate::program::Program;

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn it_has_exactly_the_agreed_fields() {
    let program = Program::with_documents(3);
    program.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    let done = program.run(&["--json"]).expect(4);
    let report = done.json();
    let expected = "run_id outcome started_at finished_at duration_seconds organisation_id binders documents bytes \
        freed requests scrub filters withheld tabs_without_documents failures warnings warning_details changes";
    assert_eq!(keys(&report), expected.split_whitespace().collect());
    for (field, expected) in [
        ("binders", "listed filtered crawled uncertified inaccessible failed"),
        (
            "documents",
            "seen unchanged adopted added updated moved removed withheld filtered purged without_version acknowledged failed",
        ),
        ("bytes", "downloaded"),
        ("freed", "versions objects bytes"),
        ("requests", "token api storage retried throttled answers"),
    ] {
        assert_eq!(keys(&report[field]), expected.split_whitespace().collect(), "{field}");
    }
    let expected = "binder_id document_id version_id file_name cause step status error attempts trace_id";
    assert_eq!(keys(&report["failures"][0]), expected.split_whitespace().collect());
    assert_eq!(report["failures"][0]["trace_id"], "scripted");
    assert_eq!(report["failures"][0]["cause"], "not_found");
    assert_eq!((&report["failures"][0]["step"], &report["failures"][0]["status"]), (&"link".into(), &404.into()));
    assert_eq!(report["warnings"], serde_json::json!([]));
}

#[test]
fn it_is_printed_and_saved() {
    let program = Program::mirrored(3);
    let done = program.run(&["--json"]).expect(0);
    let report = done.json();
    let kept = |name: &str| -> Value { serde_json::from_slice(&fs::read(program.state(name)).unwrap()).unwrap() };
    assert_eq!(kept("last-run.json"), report);
    assert_eq!(kept(&format!("runs/{}.json", report["run_id"].as_str().unwrap())), report);
    // Two reports with their pages, and the manifest of the run with changes.
    assert_eq!(fs::read_dir(program.state("runs")).unwrap().count(), 5);
    assert_eq!(report["outcome"], "complete");
    assert_eq!(report["documents"]["seen"], 3);
    assert_eq!(report["documents"]["unchanged"], 3);
    // A token, the binders, the page.
    assert_eq!((&report["requests"]["token"], &report["requests"]["storage"]), (&1.into(), &0.into()));
}

#[test]
fn it_counts_requests() {
    let program = Program::with_documents(3);
    program.sandbox.script(Route::Search, vec![Reply::status(429).header("retry-after", "1"), Reply::status(500)]);
    let report = program.run(&["--json"]).expect(0).json();
    let count = |route| program.sandbox.count(route);
    let all: u64 = program.sandbox.counts().iter().map(|(_, count)| count).sum();
    assert_eq!(report["requests"]["token"], count(Route::Token));
    assert_eq!(report["requests"]["storage"], count(Route::Blob));
    assert_eq!(report["requests"]["api"], all - count(Route::Token) - count(Route::Blob));
    assert_eq!((&report["requests"]["retried"], &report["requests"]["throttled"]), (&2.into(), &1.into()));
    assert_eq!(report["bytes"]["downloaded"], 21);
}

#[test]
fn a_run_that_cannot_begin_is_reported_too() {
    let program = Program::mirrored(1);
    fs::remove_file(program.state("state.db")).unwrap();
    let report = program.run(&["--json"]).expect(1).json();
    assert_eq!(report["outcome"], "failed");
    assert_eq!(report["failures"][0]["cause"], "run");
    assert!(report["failures"][0]["error"].as_str().unwrap().contains("state was lost"));
}

/// As at a terminal, or in cron's mail.
#[test]
fn a_failure_is_told_once_where_log_and_summary_appear_together() {
    let program = Program::with_documents(3);
    let refuse = || program.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    let told = |text: &str| text.matches("its link can't be had").count();
    refuse();
    let apart = program.run(&[]).expect(4);
    assert_eq!((told(&apart.out), told(&apart.err)), (1, 1), "{}\n{}", apart.out, apart.err);
    refuse();
    let together = program.beside("together");
    let file = fs::File::create(&together).unwrap();
    let mut run = program.run_command(&[]);
    run.stdout(file.try_clone().unwrap()).stderr(file);
    assert_eq!(run.status().unwrap().code(), Some(4));
    let text = fs::read_to_string(&together).unwrap();
    assert_eq!(told(&text), 1, "{text}");
    assert!(text.contains("Partial: 1 failed."), "{text}");
}
