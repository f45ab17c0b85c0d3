//! Messages to the service manager.

use std::os::unix::net::UnixDatagram;

use ibinder_sync::sandbox::{Reply, Route};

use crate::program::{Done, Program, finish};

/// A run, and the datagrams it sent.
fn told(program: &Program, flags: &[&str], watchdog: &[(&str, &str)]) -> (Done, Vec<String>) {
    let name = program.beside("notify");
    let _ = std::fs::remove_file(&name);
    let socket = UnixDatagram::bind(&name).unwrap();
    let mut run = program.run_command(flags);
    let done = finish(run.env("NOTIFY_SOCKET", &name).envs(watchdog.iter().copied()));
    socket.set_nonblocking(true).unwrap();
    let mut datagram = [0; 4096];
    let told = std::iter::from_fn(|| {
        let length = socket.recv(&mut datagram).ok()?;
        Some(String::from_utf8(datagram[..length].to_vec()).unwrap())
    });
    (done, told.collect())
}

#[test]
fn it_gets_start_progress_and_end() {
    let program = Program::with_documents(3);
    let (done, told) = told(&program, &["-q"], &[]);
    done.expect(0);
    assert_eq!(told.first().unwrap(), "READY=1\n");
    assert_eq!(told[told.len() - 2..], ["STATUS=Complete: 3 added, 0 unchanged\n", "STOPPING=1\n"]);
    assert!(told[1].starts_with("STATUS=binders 0/"), "{told:?}");
    assert!(!told.concat().contains("WATCHDOG"), "{told:?}");
}

#[test]
fn it_gets_watchdog_signals_if_enabled() {
    let program = Program::with_documents(3);
    // The timeout is longer than the test: one signal is sent at the beginning.
    let hour = ("WATCHDOG_USEC", "3600000000");
    let (done, signs) = told(&program, &[], &[hour]);
    done.expect(0);
    assert!(signs[1].starts_with("WATCHDOG=1\nSTATUS="), "{signs:?}");
    let (done, others) = told(&program, &[], &[hour, ("WATCHDOG_PID", "1")]);
    done.expect(0);
    assert!(!others.concat().contains("WATCHDOG"), "{others:?}");
}

#[test]
fn it_is_told_that_the_service_throttles() {
    let program = Program::with_documents(3);
    let wait = Reply::problem(429, "Too many requests").header("Retry-After", "3");
    program.sandbox.script(Route::Search, vec![wait]);
    // A status each second.
    let (done, told) = told(&program, &[], &[("WATCHDOG_USEC", "4000000")]);
    done.expect(0);
    assert!(told.concat().contains("binders 0/1 · iBinder is throttling; requests go on in "), "{told:?}");
}

#[test]
fn a_run_that_cannot_begin_is_not_ready() {
    let program = Program::with_documents(1);
    let (done, told) = told(&program, &["--existing"], &[]);
    done.says(2, "is the disk mounted?");
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn a_missing_manager_changes_nothing() {
    let program = Program::with_documents(1);
    let mut run = program.run_command(&[]);
    let done = finish(run.env("NOTIFY_SOCKET", program.beside("none"))).expect(0);
    assert!(done.err.contains("can't notify the service manager"), "{}", done.err);
}
