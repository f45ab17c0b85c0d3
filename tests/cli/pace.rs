//! The request rate is saved however the run ends, and a plan shows the cost of an unchanged run.

use ibinder_sync::sandbox::{Reply, Route};

use crate::program::{Done, Program, finish};

/// A run with an adaptive rate.
fn run(program: &Program, flags: &[&str]) -> Done {
    finish(program.command(&["run", "--json", "--dest"]).arg(&program.dest).args(flags))
}

fn plan(program: &Program, flags: &[&str]) -> Done {
    finish(program.command(&["plan", "--dest"]).arg(&program.dest).args(flags))
}

fn kept(program: &Program) -> Option<String> {
    let state = rusqlite::Connection::open(program.state("state.db")).unwrap();
    state.query_row("SELECT value FROM settings WHERE key = 'rate'", [], |row| row.get(0)).ok()
}

fn keep(program: &Program, rate: &str) {
    let state = rusqlite::Connection::open(program.state("state.db")).unwrap();
    state.execute("INSERT OR REPLACE INTO settings VALUES ('rate', ?1)", [rate]).unwrap();
}

#[test]
fn the_rate_is_saved_however_the_run_ends() {
    let program = Program::mirrored(2);
    assert_eq!(kept(&program), None, "no limit, and nothing found out");
    run(&program, &[]).expect(0);
    assert_eq!(kept(&program).as_deref(), Some("10.0 or more"));
    keep(&program, "33.0");
    run(&program, &[]).expect(0);
    assert_eq!(kept(&program).as_deref(), Some("33.0"), "a quiet night forgets nothing");
    program.sandbox.script(Route::Binders, vec![Reply::problem(429, "Too many")]);
    program.sandbox.script(Route::Search, vec![Reply::problem(400, "Bad")]);
    run(&program, &[]).expect(4);
    assert!(["28.0", "28.1"].map(Some).contains(&kept(&program).as_deref()), "0.85 of it was too much");
    keep(&program, "what is this");
    run(&program, &[]).expect(0);
    assert_eq!(kept(&program).as_deref(), Some("10.0 or more"));
}

#[test]
fn a_plan_shows_the_cost_of_an_unchanged_run_and_saves_nothing() {
    let program = Program::mirrored(2);
    keep(&program, "33.0");
    let night = plan(&program, &["--json"]).expect(0).json()["night"].take();
    // A token, the binders, one page, and the labels and tabs of the binder.
    assert_eq!(night, serde_json::json!({"requests": 5, "rate": 33.0}));
    let told = plan(&program, &[]).expect(0).out;
    let line = "A run that finds no changes sends 5 requests, about a minute or less at 33.0 a second.\n";
    assert!(told.contains(line), "{told}");
    let told = plan(&program, &["--rate", "0"]).expect(0).out;
    assert!(told.contains("A run that finds no changes sends 5 requests.\n"), "{told}");
    assert_eq!(kept(&program).as_deref(), Some("33.0"));
    assert!(run(&program, &[]).expect(0).json().get("night").is_none());
}

#[test]
fn a_service_that_stays_down_is_4() {
    let program = Program::mirrored(2);
    program.sandbox.go_down(1, u64::MAX);
    let report = run(&program, &["--give-up", "1s"]).says(4, "iBinder is not answering; retrying for up to 1s").json();
    assert_eq!(report["outcome"], "partial");
    assert!(report["warnings"][0].as_str().unwrap().contains("--give-up"), "{report}");
}

#[test]
fn invalid_values_get_advice() {
    let program = Program::with_documents(1);
    for (flags, words) in [
        (["--rate", "fast"], "auto, or a number"),
        (["--rate", "-1"], "auto, or a number"),
        (["--rate-max", "0"], "such as 20"),
        (["--give-up", "0s"], "more than nothing"),
        (["--give-up", "soon"], "such as 90s"),
    ] {
        run(&program, &flags).says(2, words);
        let mut verify = program.command(&["verify", "--repair", "--dest"]);
        finish(verify.arg(&program.dest).args(flags)).expect(2);
    }
    run(&program, &["--rate", "5", "--rate-max", "9"]).says(2, "remove one of them");
}
