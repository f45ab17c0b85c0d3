//! Files named by settings: pipes without a writer and endless devices are refused at once.

use std::{fs, os::unix::fs::symlink, path::PathBuf, time::Duration};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::program::{Done, Program, bare};

/// Longer than any of these commands should take.
const LIMIT: Duration = Duration::from_secs(20);

fn pipe(program: &Program) -> PathBuf {
    let path = program.beside("pipe.prom");
    mknodat(CWD, &path, FileType::Fifo, Mode::from_bits_truncate(0o600), 0).unwrap();
    path
}

/// Runs a command that must neither hang nor use up the machine's memory.
fn finish(command: &mut std::process::Command) -> Done {
    use std::{os::unix::process::CommandExt as _, process::Stdio, sync::mpsc, thread};
    let mut limited = std::process::Command::new("/bin/sh");
    limited.args(["-c", "ulimit -v 4000000; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    limited.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let child = limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn();
    let child = child.unwrap();
    let id = rustix::process::Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    let waiter = thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
    let output = receiver.recv_timeout(LIMIT).unwrap_or_else(|_| {
        let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        panic!("it hangs: {command:?}")
    });
    waiter.join().unwrap().unwrap();
    Done::of(&output)
}

#[test]
fn special_files_are_refused_by_name() {
    let program = Program::mirrored(1);
    let pipe = pipe(&program);
    let zero = program.beside("zero.prom");
    symlink("/dev/zero", &zero).unwrap();
    let full = program.beside("full.prom");
    symlink("/dev/full", &full).unwrap();
    for (path, what) in [(&pipe, "a named pipe"), (&zero, "a device"), (&full, "a device")] {
        let path = path.to_str().unwrap();
        for flags in [["--status-file", path], ["--metrics-file", path], ["--config", path]] {
            let done = finish(&mut program.run_command(&flags)).says(2, what);
            assert!(done.err.contains(path), "{}", done.err);
        }
        for name in ["IBINDER_CONFIG", "IBINDER_STATUS_FILE", "IBINDER_CLIENT_SECRET_FILE", "TZ", "SSL_CERT_FILE"] {
            let mut run = program.run_command(&[]);
            if name == "IBINDER_CLIENT_SECRET_FILE" {
                run.env("IBINDER_CLIENT_SECRET", "");
            }
            let done = finish(run.env(name, path)).says(2, what);
            assert!(done.err.contains(path), "{}", done.err);
        }
        let report = finish(program.command(&["doctor", "--report"]).arg(path));
        assert_eq!(report.code, 2, "{}", report.err);
        let done = finish(bare(&["status", "--from"]).arg(path)).expect(3);
        assert!(done.out.contains(what) && done.out.contains(path), "{}", done.out);
        finish(bare(&["status", "--from"]).arg("x").env("TZ", path)).says(3, what);
        finish(bare(&["status"]).env("IBINDER_CONFIG", path)).says(3, what);
    }
    // None of these was a run.
    assert_eq!(fs::read_dir(program.state("runs")).unwrap().count(), 3);
}

#[test]
fn files_are_read_up_to_a_limit() {
    let program = Program::mirrored(1);
    let large = program.beside("large");
    fs::File::create(&large).unwrap().set_len(8 << 30).unwrap();
    let path = large.to_str().unwrap();
    finish(&mut program.run_command(&["--config", path])).says(2, "larger than");
    let done = finish(bare(&["status", "--from"]).arg(path)).expect(3);
    assert!(done.out.contains("larger than"), "{}", done.out);
}

#[test]
fn a_state_file_that_is_a_pipe_hangs_nothing() {
    let program = Program::mirrored(1);
    let status = program.state("status.json");
    fs::remove_file(&status).unwrap();
    mknodat(CWD, &status, FileType::Fifo, Mode::from_bits_truncate(0o600), 0).unwrap();
    let done = finish(bare(&["status", "--dest"]).arg(&program.dest)).expect(3);
    assert!(done.out.contains("a named pipe"), "{}", done.out);
    finish(&mut program.run_command(&[])).expect(0);
    finish(bare(&["status", "--dest"]).arg(&program.dest)).expect(0);
}
