//! Pings, the web hook and the command: who is notified of what, without changing the result.

use std::{fs, path::Path};

use ibinder_sync::{
    mirror::Mirror,
    sandbox::{Reply, Route},
};
use serde_json::Value;

use crate::{
    listener::Listener,
    program::{Done, Program, bare, finish},
};

/// With a document that fails.
fn partial(count: usize) -> Program {
    let program = Program::with_documents(count);
    program.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    program
}

fn run(program: &Program, flags: &[(&str, &str)]) -> Done {
    finish(program.run_command(&[]).args(flags.iter().flat_map(|(flag, value)| [*flag, *value])))
}

/// A command that saves the report and the environment that it receives.
fn keeping(folder: &Path) -> String {
    format!("cat > {0}/report; env | grep ^IBINDER_ | sort > {0}/env; echo was told", folder.display())
}

#[test]
fn only_a_complete_run_is_a_success() {
    let listener = Listener::answering(&[]);
    let url = listener.url("/5ecret?create=1");
    let program = partial(2);
    run(&program, &[("--ping-url", &url)]).expect(4);
    run(&program, &[("--ping-url", &url)]).expect(0);
    let heard = listener.heard();
    assert_eq!(
        listener.paths(),
        ["/5ecret/start?create=1", "/5ecret/4?create=1", "/5ecret/start?create=1", "/5ecret?create=1"]
    );
    assert!(heard[1].body.starts_with("Partial: 1 added, 1 failed."), "{heard:?}");
    assert!(heard[3].body.starts_with("Complete: 1 added."), "{heard:?}");
    assert_eq!(heard[0].body, "");
}

#[test]
fn a_run_that_could_not_begin_is_pinged_without_a_start() {
    let listener = Listener::answering(&[]);
    let program = Program::mirrored(1);
    let told = program.beside("told");
    fs::create_dir(&told).unwrap();
    let (ping, hook, command) = (listener.url("/ping"), listener.url("/hook"), keeping(&told));
    let all = [("--ping-url", &*ping), ("--webhook", &*hook), ("--on-failure", &*command)];
    let codes = || {
        let found = fs::read_to_string(told.join("env")).unwrap();
        let value = |name: &str| found.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default().to_owned();
        (value("IBINDER_SYNC_EXIT_CODE="), value("IBINDER_SYNC_OUTCOME="), value("IBINDER_SYNC_RUN_ID="))
    };
    let failed = |code: &str| (code.to_owned(), "failed".to_owned(), String::new());
    let held = Mirror::open(&program.dest).unwrap();
    run(&program, &all).expect(5);
    assert_eq!(codes(), failed("5"));
    drop(held);
    finish(program.run_command(&[]).env_remove("IBINDER_ORG_ID").args(all.iter().flat_map(|(f, v)| [f, v]))).expect(2);
    assert_eq!(codes(), failed("2"));
    let report: Value = serde_json::from_slice(&fs::read(told.join("report")).unwrap()).unwrap();
    assert!(report["failures"][0]["error"].as_str().unwrap().contains("IBINDER_ORG_ID"), "{report}");
    fs::rename(&program.dest, program.beside("away")).unwrap();
    finish(program.run_command(&["--existing"]).args(all.iter().flat_map(|(f, v)| [f, v]))).expect(2);
    assert_eq!(codes(), failed("2"));
    // The run that has the lock sends the pings.
    assert_eq!(listener.paths(), ["/hook", "/ping/2", "/hook", "/ping/2", "/hook"]);
}

#[test]
fn refused_credentials_are_notified() {
    let listener = Listener::answering(&[]);
    let program = Program::mirrored(1);
    let mut command = program.run_command(&["--ping-url", &listener.url("/p"), "--webhook", &listener.url("/h")]);
    finish(command.env("IBINDER_CLIENT_SECRET", "another")).expect(3);
    assert_eq!(listener.paths(), ["/p/start", "/p/3", "/h"]);
}

#[test]
fn an_incomplete_run_is_notified() {
    let listener = Listener::answering(&[]);
    let program = partial(2);
    let told = program.beside("told");
    fs::create_dir(&told).unwrap();
    let (hook, command) = (listener.url("/hook"), keeping(&told));
    let flags = [("--webhook", &*hook), ("--on-failure", &*command)];
    let done = run(&program, &flags).says(4, "--on-failure: was told");
    assert!(!done.err.contains("ERROR the"), "{}", done.err);
    let kept: Value = serde_json::from_slice(&fs::read(program.state("last-run.json")).unwrap()).unwrap();
    let got = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    assert_eq!(got(&fs::read_to_string(told.join("report")).unwrap()), kept);
    assert_eq!(got(&listener.heard()[0].body), kept);
    let environment = fs::read_to_string(told.join("env")).unwrap();
    for line in [
        "IBINDER_SYNC_COMMAND=run".to_owned(),
        "IBINDER_SYNC_EXIT_CODE=4".to_owned(),
        "IBINDER_SYNC_OUTCOME=partial".to_owned(),
        format!("IBINDER_SYNC_DEST={}", program.dest.display()),
        format!("IBINDER_SYNC_RUN_ID={}", kept["run_id"].as_str().unwrap()),
    ] {
        assert!(environment.lines().any(|found| found == line), "{line}: {environment}");
    }
    assert!(environment.contains("IBINDER_SYNC_SUMMARY=Partial: "), "{environment}");
    assert!(!environment.contains("IBINDER_CLIENT_SECRET"), "{environment}");
    // A complete run notifies nobody.
    fs::remove_file(told.join("report")).unwrap();
    run(&program, &flags).expect(0);
    assert!(!told.join("report").exists() && listener.heard().len() == 1);
}

#[test]
fn notifications_come_after_the_lock_is_released() {
    let program = partial(1);
    let again = format!("{} status --dest {} >&2; echo $?", env!("CARGO_BIN_EXE_ibinder-sync"), program.dest.display());
    let done = run(&program, &[("--on-failure", &again)]).expect(4);
    assert!(done.err.contains("--on-failure: CRITICAL: no run has completed yet"), "{}", done.err);
    let locked =
        format!("{} with-lock --dest {} -- echo free", env!("CARGO_BIN_EXE_ibinder-sync"), program.dest.display());
    program.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    run(&program, &[("--on-failure", &locked)]).says(4, "--on-failure: free");
}

#[test]
fn damage_is_notified_without_a_ping() {
    let listener = Listener::answering(&[]);
    let program = Program::mirrored(2);
    let verify = |flags: &[&str]| {
        let mut command = bare(&["verify", "--dest"]);
        finish(command.arg(&program.dest).args(flags).env("IBINDER_PING_URL", listener.url("/ping")))
    };
    let hook = listener.url("/hook");
    verify(&["--webhook", &hook]).expect(0);
    fs::remove_file(program.dest.join("Brf Eken/0.txt")).unwrap();
    let done = verify(&["--webhook", &hook, "--on-failure", "echo $IBINDER_SYNC_COMMAND $IBINDER_SYNC_OUTCOME"]);
    done.says(6, "--on-failure: verify damaged");
    assert_eq!(listener.paths(), ["/hook"]);
    let report: Value = serde_json::from_str(&listener.heard()[0].body).unwrap();
    assert_eq!(report["findings"][0]["kind"], "missing");
    fs::write(program.state("state.db"), b"no database, and longer than a head of one, ".repeat(200)).unwrap();
    verify(&["--webhook", &hook]).expect(1);
    assert_eq!(serde_json::from_str::<Value>(&listener.heard()[1].body).unwrap()["state"], "damaged");
}

#[test]
fn a_plan_notifies_nobody() {
    let listener = Listener::answering(&[]);
    let program = Program::with_documents(1);
    let mut plan = program.run_command(&["--dry-run", "--ping-url", &listener.url("/p"), "--on-failure", "echo told"]);
    let done = finish(plan.env("IBINDER_CLIENT_SECRET", "another")).expect(3);
    assert!(!done.err.contains("told") && listener.heard().is_empty(), "{}", done.err);
}

#[test]
fn failed_notifications_change_nothing() {
    // Nothing listens there any more.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let deaf = format!("http://{nobody}/5ecret");
    let program = Program::with_documents(1);
    let mut complete = program.run_command(&["-vv", "--ping-url", &deaf]);
    let done = finish(complete.env("RUST_LOG", "trace")).says(0, "127.0.0.1 was not pinged: ");
    assert!(!done.err.contains("5ecret"), "{}", done.err);
    let refusing = Listener::answering(&[404, 404, 404, 404]);
    let flags = [
        ("--ping-url", &*refusing.url("/5ecret")),
        ("--webhook", &refusing.url("/5ecret")),
        ("--on-failure", "echo sorry; exit 3"),
    ];
    let program = partial(1);
    let done = run(&program, &flags).says(4, "127.0.0.1 did not get the report: it answered 404");
    assert!(done.err.contains("--on-failure failed: it ended with exit status 3"), "{}", done.err);
    assert!(done.err.contains("ERROR --on-failure: sorry"), "{}", done.err);
    assert!(!done.err.contains("5ecret"), "{}", done.err);
    // 404 is final and not retried.
    assert_eq!(refusing.heard().len(), 3);
}

#[test]
fn a_transient_fault_is_retried() {
    let listener = Listener::answering(&[500, 503]);
    let program = partial(1);
    let done = run(&program, &[("--webhook", &listener.url("/hook"))]).expect(4);
    assert_eq!(listener.heard().len(), 3);
    assert!(!done.err.contains("did not get"), "{}", done.err);
}

#[test]
fn addresses_are_checked_first_and_never_shown() {
    let program = Program::with_documents(1);
    let listener = Listener::answering(&[]);
    for flag in ["--ping-url", "--webhook"] {
        for url in ["http://example.com/5ecret", "5ecret", "https://u:5ecret@example.com/"] {
            let other = if flag == "--ping-url" { "--webhook" } else { "--ping-url" };
            let done = run(&program, &[(flag, url), (other, &listener.url("/x"))]).says(2, flag);
            assert!(!done.err.contains("5ecret") && !program.dest.exists(), "{}", done.err);
        }
    }
    // Receivers that work are notified of those that don't.
    assert_eq!(listener.heard().len(), 6);
}
