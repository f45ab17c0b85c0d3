//! A secret from a command, such as a password manager.

use std::time::Duration;

use crate::process::{Failed, Shell};

/// How long a command may take.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// The first line that a shell command prints. Errors repeat neither the command nor its output.
pub(super) fn first_line(command: &str, limit: Duration) -> Result<String, String> {
    let mut first = None;
    let done = Shell { command, limit, ..Shell::default() }.run(|line| {
        first.get_or_insert_with(|| line.to_owned());
    });
    done.map_err(|failed| match failed {
        Failed::NotStarted(error) => format!("/bin/sh cannot be started: {error}"),
        Failed::Killed(limit) => format!(
            "the command has not ended after {} s, and was killed; it must not ask anything, since its standard input \
             is closed",
            limit.as_secs()
        ),
        Failed::Ended(how) => {
            format!("the command ended with {how}; run it by hand as the user that this program runs as")
        }
    })?;
    String::from_utf8(first.unwrap_or_default())
        .map_err(|_| "the command's first line of output is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use std::{process::Command, sync::mpsc, thread};

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
