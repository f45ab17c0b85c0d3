//! Signals, and readers that go away.

use std::{
    process::Stdio,
    sync::{Arc, Mutex},
};

use ibinder_sync::sandbox::{Reply, Route};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Done, Program, bare};

/// Starts a run, sends the signal when the third link is asked for, and leaves that request without an answer.
fn interrupted(program: &Program, signal: Signal) -> Done {
    let running: Arc<Mutex<Option<Pid>>> = Arc::default();
    let victim = Arc::clone(&running);
    program.sandbox.script(Route::DownloadLink, Reply::Pass.times(2));
    let send = Reply::Run(Box::new(move |_| {
        kill_process(victim.lock().unwrap().unwrap(), signal).unwrap();
        Reply::HangHead
    }));
    program.sandbox.script(Route::DownloadLink, vec![send]);
    let mut slot = running.lock().unwrap();
    let child = program
        .run_command(&["--json", "--concurrency", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    *slot = Pid::from_raw(child.id().cast_signed());
    drop(slot);
    Done::of(&child.wait_with_output().unwrap())
}

#[test]
fn a_signal_ends_the_run_cleanly_and_the_next_goes_on() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let program = Program::with_documents(10);
        let report = interrupted(&program, signal).expect(code).json();
        assert_eq!((&report["outcome"], &report["documents"]["added"]), (&"interrupted".into(), &2.into()));
        let done = program.run(&["--json"]).expect(0);
        let documents = &done.json()["documents"];
        assert_eq!((&documents["added"], &documents["unchanged"]), (&8.into(), &2.into()));
    }
}

#[test]
fn a_reader_that_went_away_is_no_panic() {
    let program = Program::with_documents(3);
    let commands = [
        program.run_command(&[]),
        program.run_command(&["--json", "-vv"]),
        bare(&["completions", "bash"]),
        bare(&["--help"]),
    ];
    for mut command in commands {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let done = Done::of(&child.wait_with_output().unwrap());
        done.expect(0);
    }
    // Nor is it one when nobody reads what goes wrong.
    let mut child = program.run_command(&["-vv"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
}
