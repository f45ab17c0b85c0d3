//! Signals, and readers that close the pipe.

use std::{
    process::Stdio,
    sync::{Arc, Mutex},
};

use ibinder_sync::sandbox::{Reply, Route};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Done, Program, bare};

/// Starts a run, sends the signal at the third link request, and leaves that request unanswered.
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
fn a_signal_ends_the_run_cleanly_and_the_next_continues() {
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
fn a_closed_pipe_is_no_panic() {
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
    // Nor with a closed standard error.
    let mut child = program.run_command(&["-vv"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
}

/// Waits for a whole line in a file, or for the end of the program.
fn line_of(path: &std::path::Path, child: &mut std::process::Child) -> String {
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => assert!(child.try_wait().unwrap().is_none(), "it ended before the command began"),
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_signal_ends_notifications_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let program = Program::with_documents(1);
        // The run can't be complete, and the command would take very long.
        program.sandbox.script(Route::DownloadLink, Reply::status(403).times(9));
        let told = program.beside("told");
        let command = format!("echo $$ > {}; exec sleep 1000", told.display());
        let mut child = program.run_command(&["--on-failure", &command]).stdout(Stdio::null()).spawn().unwrap();
        let number = line_of(&told, &mut child);
        kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(4), "the code is the run's");
        // A killed process takes a moment to disappear.
        let begun = std::time::Instant::now();
        let stat = || std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        while !stat().is_empty() && !stat().contains(") Z ") {
            assert!(begun.elapsed().as_secs() < 60, "the command goes on: {}", stat());
            std::thread::yield_now();
        }
    }
}
