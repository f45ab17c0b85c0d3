//! The copy that each run brings up to date, and what tells of it.

use std::{fs, io::Read as _, net::TcpListener, path::PathBuf, process::Stdio};

use ibinder_sync::sandbox::{Reply, Route};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::{Done, Program, bare, finish};

/// The folder of a copy beside the mirror, which does not exist yet, and its URL.
fn place(program: &Program) -> (PathBuf, String) {
    let folder = program.beside("copy");
    let url = format!("file://{}", folder.display());
    (folder, url)
}

fn run(program: &Program, url: &str, flags: &[&str]) -> Done {
    finish(program.run_command(flags).env("IBINDER_REPLICATE", url))
}

fn status(program: &Program) -> Done {
    finish(bare(&["status", "--dest"]).arg(&program.dest))
}

fn kept(program: &Program, name: &str) -> Value {
    serde_json::from_slice(&fs::read(program.state(name)).unwrap()).unwrap()
}

#[test]
fn a_run_brings_the_copy_up_to_date() {
    let program = Program::with_documents(3);
    let (copy, url) = place(&program);
    fs::create_dir(&copy).unwrap();
    let done = run(&program, &url, &[]).expect(0);
    assert!(done.out.contains(&format!("\nThe copy at {url} has commit 1 of run 000001-")), "{}", done.out);
    let report = kept(&program, "last-run.json");
    let told = &report["copy"];
    assert_eq!(
        (&told["outcome"], &told["contents"], &told["run_id"]),
        (&"committed".into(), &3.into(), &report["run_id"])
    );
    assert_eq!(told, &kept(&program, &format!("runs/{}.json", report["run_id"].as_str().unwrap()))["copy"]);
    let metrics = program.beside("m.prom");
    let again = run(&program, &url, &["--json", "--metrics-file", metrics.to_str().unwrap()]).expect(0).json();
    assert_eq!((&again["copy"]["outcome"], &again["copy"]["commit"]), (&"unchanged".into(), &1.into()));
    assert!(again["warnings"].as_array().unwrap().is_empty(), "{again}");
    let told = &kept(&program, "status.json")["copy"];
    assert_eq!((&told["commit"], &told["failures"], &told["behind_since"]), (&1.into(), &0.into(), &Value::Null));
    let shown = status(&program).expect(0);
    assert!(shown.out.contains(&format!("copy:             {url}, commit 1, up to date ")), "{}", shown.out);
    let metrics = fs::read_to_string(metrics).unwrap();
    assert!(metrics.contains("\nibinder_sync_copy_up{organisation="), "{metrics}");
    let page = fs::read_to_string(program.state("last-run.html")).unwrap();
    assert!(page.contains("<h2>Copy</h2>") && page.contains("<dd>up to date</dd>"), "{page}");
}

#[test]
fn a_copy_that_fails_is_told_everywhere_and_the_mirror_is_complete() {
    let program = Program::with_documents(3);
    let (copy, url) = place(&program);
    let outside = program.beside("status.json");
    let flags = ["-q", "--status-file", outside.to_str().unwrap(), "--on-failure", "echo $IBINDER_SYNC_EXIT_CODE"];
    let done = run(&program, &url, &flags).expect(9);
    assert!(done.out.starts_with("Complete: 3 added.") && done.out.contains("is the disk mounted?"), "{}", done.out);
    let report = kept(&program, "last-run.json");
    assert_eq!((&report["outcome"], &report["documents"]["added"]), (&"complete".into(), &3.into()));
    assert_eq!((&report["copy"]["outcome"], &report["copy"]["commit"]), (&"failed".into(), &Value::Null));
    assert_eq!(report["warning_details"][0]["kind"], "copy");
    let done = run(&program, &url, &["-v"]).expect(9);
    assert_eq!(done.err.matches("is the disk mounted?").count(), 1, "one line a night: {}", done.err);
    let told = kept(&program, "status.json");
    assert_eq!((&told["last_run"]["exit_code"], &told["copy"]["failures"]), (&9.into(), &2.into()));
    assert_eq!(told["last_complete_run"]["run_id"], told["last_run"]["run_id"]);
    let told = fs::read_to_string(outside).unwrap();
    assert!(told.contains(&url) && !told.contains("mounted"), "{told}");
    let shown = status(&program).expect(1);
    assert!(shown.out.starts_with(&format!("WARNING: the copy at {url} could not be brought up to date, 2 times")));
    let page = fs::read_to_string(program.state("last-run.html")).unwrap();
    assert!(page.contains("<b>not up to date</b>") && page.contains("What to do next"), "{page}");
    // A run that keeps no copy any more says nothing of it.
    let report = run(&program, "", &["--json"]).expect(0).json();
    assert!(report.get("copy").is_none() && kept(&program, "status.json").get("copy").is_none());
    run(&program, &url, &[]).expect(9);
    fs::create_dir(copy).unwrap();
    run(&program, &url, &[]).expect(0);
    status(&program).expect(0);
}

#[test]
fn what_a_partial_run_mirrored_is_copied_and_its_code_stays() {
    let program = Program::with_documents(3);
    let (copy, url) = place(&program);
    program.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    let report = run(&program, &url, &["--json"]).expect(4).json();
    assert_eq!(report["copy"]["outcome"], "failed");
    fs::create_dir(copy).unwrap();
    program.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    let report = run(&program, &url, &["--json"]).expect(4).json();
    assert_eq!((&report["copy"]["outcome"], &report["copy"]["contents"]), (&"committed".into(), &2.into()));
    // So is it after a run that ended early.
    program
        .sandbox
        .with_organisation(|o| o.add_document(&o.binders()[0].0.clone(), None, "4.txt", "4").map(drop))
        .unwrap();
    let report = run(&program, &url, &["--json", "--min-free", "1000TB"]).expect(4).json();
    assert_eq!(report["copy"]["outcome"], "unchanged");
}

#[test]
fn a_signal_ends_the_copy_of_a_run_that_was_complete() {
    let program = Program::with_documents(1);
    let store = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = program.run_command(&["--json"]);
    command.env("AWS_ENDPOINT_URL", format!("http://{}", store.local_addr().unwrap()));
    command.env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", "key").env("IBINDER_REPLICATE", "s3://b");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut request = [0];
    while store.accept().unwrap().0.read(&mut request).unwrap() == 0 {}
    let working = kept(&program, "status.json");
    assert_eq!(
        (&working["last_run"]["exit_code"], &working["at_work"][0]["command"]),
        (&0.into(), &"replicate".into())
    );
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
    let report = Done::of(&child.wait_with_output().unwrap()).expect(143).json();
    assert_eq!((&report["outcome"], &report["copy"]["outcome"]), (&"complete".into(), &"stopped".into()));
    let told = kept(&program, "status.json");
    assert_eq!(told["last_complete_run"]["run_id"], report["run_id"]);
    assert!(told["copy"]["behind_since"].is_string() && told["at_work"].as_array().unwrap().is_empty(), "{told}");
}

#[test]
fn by_hand_only_the_copy_that_runs_keep_counts() {
    let program = Program::with_documents(1);
    let (copy, url) = place(&program);
    run(&program, &url, &[]).expect(9);
    fs::create_dir(copy).unwrap();
    let other = program.beside("other");
    fs::create_dir(&other).unwrap();
    let mut elsewhere = bare(&["replicate", "--to", &format!("file://{}", other.display()), "--dest"]);
    finish(elsewhere.arg(&program.dest).env("IBINDER_REPLICATE", &url)).expect(0);
    status(&program).expect(1);
    finish(bare(&["replicate", "--dest"]).arg(&program.dest).env("IBINDER_REPLICATE", &url)).expect(0);
    status(&program).expect(0);
}
