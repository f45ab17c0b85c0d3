//! A secret from a command, such as a password manager.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// How long a command may take.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// How often its end is checked.
const PAUSE: Duration = Duration::from_millis(10);

/// The largest secret, in bytes.
const MOST: u64 = 64 * 1024;

/// The first line that a shell command prints. Errors repeat neither the command nor its output.
pub(super) fn first_line(command: &str, limit: Duration) -> Result<String, String> {
    let end = Instant::now() + limit;
    let mut shell = Command::new("/bin/sh");
    // A group of its own, so that a command that hangs is killed with all that it started.
    shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    let mut child = shell.spawn().map_err(|error| format!("/bin/sh cannot be started: {error}"))?;
    let line = child.stdout.take().map(reader);
    let Some(status) = wait(&mut child, end) else {
        kill(&mut child);
        return Err(format!(
            "the command has not ended after {} s, and was killed; it must not ask anything, since its standard input \
             is closed",
            limit.as_secs()
        ));
    };
    if !status.success() {
        return Err(format!(
            "the command ended with {}; run it by hand as the user that this program runs as",
            ending(status)
        ));
    }
    // A process that it left behind may keep the output open: wait for the first line only.
    let rest = end.saturating_duration_since(Instant::now());
    let line = line.and_then(|line| line.recv_timeout(rest).ok()).unwrap_or_default();
    String::from_utf8(line).map_err(|_| "the command's first line of output is not UTF-8".to_owned())
}

/// Sends the first line and reads on, because a full pipe would block the command.
fn reader(out: ChildStdout) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut out = BufReader::new(out);
        let mut line = Vec::new();
        let read = std::io::Read::take(&mut out, MOST).read_until(b'\n', &mut line);
        let _ = sender.send(if read.is_ok() { line } else { Vec::new() });
        let _ = std::io::copy(&mut out, &mut std::io::sink());
    });
    receiver
}

fn wait(child: &mut Child, end: Instant) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(PAUSE);
    }
}

fn kill(child: &mut Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.wait();
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no exit status".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn the_first_line_is_taken() {
        #[rustfmt::skip]
        let table = [
            ("echo one; echo two",                   Ok("one\n")),
            ("printf one",                           Ok("one")),
            ("true",                                 Ok("")),
            ("echo one; head -c 1000000 /dev/zero",  Ok("one\n")),
            ("cat; echo one",                        Ok("one\n")),
            // What it leaves behind keeps the pipe open.
            ("echo one; sleep 40 &",                 Ok("one\n")),
            ("echo 5ecret; exit 3",                  Err("exit status 3")),
            ("echo 5ecret; kill -9 $$",              Err("signal 9")),
            ("no-such-program-5ecret 2>/dev/null",   Err("exit status 127")),
            (r"printf '\377'",                       Err("not UTF-8")),
        ];
        for (command, wanted) in table {
            match (first_line(command, LONG), wanted) {
                (Ok(line), Ok(wanted)) => assert_eq!(line, wanted, "{command}"),
                (Err(why), Err(words)) => assert!(why.contains(words) && !why.contains("5ecret"), "{command}: {why}"),
                (got, _) => panic!("{command}: {got:?}"),
            }
        }
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        // Whoever has the fifo open for writing is alive: reading it ends when the last is gone.
        let command = format!("(sleep 90 >{0}) & sleep 90", fifo.display());
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let (tell, gone) = mpsc::channel();
        thread::spawn(move || tell.send(std::fs::read(fifo).unwrap()));
        let why = first_line(&command, Duration::from_secs(3)).unwrap_err();
        assert!(why.contains("after 3 s, and was killed"), "{why}");
        assert_eq!(gone.recv_timeout(Duration::from_secs(30)).unwrap(), b"");
    }
}
