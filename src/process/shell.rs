//! Shell commands from the settings: one prints the secret, one is run after a failure.

use std::{
    io::{self, BufRead as _, BufReader, PipeReader, Read as _, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// Bytes of output that are kept; the rest is discarded.
const MOST: u64 = 64 * 1024;

/// How long to wait for remaining output after the command has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Variables that commands don't inherit.
const SECRETS: [&str; 4] = [
    "IBINDER_CLIENT_SECRET",
    "IBINDER_CLIENT_SECRET_COMMAND",
    "IBINDER_MAIL_PASSWORD",
    "IBINDER_MAIL_PASSWORD_COMMAND",
];

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It can't be started.
    #[error("/bin/sh can't be started: {0}")]
    NotStarted(io::Error),
    /// It failed.
    #[error("it ended with {0}")]
    Ended(String),
    /// It did not end.
    #[error("it has not ended after {} s, and was killed", .0.as_secs())]
    Killed(Duration),
}

/// The process group of the running command. Locked while one is started, so that [`abandon`] misses none.
static RUNNING: Mutex<Option<Pid>> = Mutex::new(None);

/// Kills the running command and everything that it started, because nobody waits for it any more.
pub fn abandon() {
    if let Some(group) = running().take() {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn running() -> MutexGuard<'static, Option<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

enum News {
    Line(Vec<u8>),
    Ended(io::Result<ExitStatus>),
}

/// A shell command.
#[derive(Debug, Default)]
pub struct Shell<'c> {
    /// The command.
    pub command: &'c str,
    /// Variables that are added to this program's environment.
    pub variables: &'c [(&'c str, String)],
    /// Its standard input.
    pub input: String,
    /// Whether its standard error is read like its output, instead of shown.
    pub hears_errors: bool,
    /// How long it may take.
    pub limit: Duration,
}

impl Shell<'_> {
    /// Runs it, and passes each line of output to `heard`. Kills it, and everything that it started, after the time
    /// limit.
    pub fn run(self, mut heard: impl FnMut(&[u8])) -> Result<(), Failed> {
        let limit = self.limit;
        let end = Instant::now() + limit;
        let mut started = running();
        let mut child = self.start()?;
        let group = Pid::from_child(&child.1);
        *started = Some(group);
        drop(started);
        let (tell, news) = channel();
        listen(child.0, tell.clone());
        let waiter = tell;
        thread::spawn(move || {
            let status = child.1.wait();
            let _ = running().take_if(|running| *running == group);
            waiter.send(News::Ended(status))
        });
        let Some(status) = next(&news, end, &mut heard) else {
            let _ = kill_process_group(group, Signal::KILL);
            return Err(Failed::Killed(limit));
        };
        // A background process may keep the output open for ever.
        let _ = next(&news, Instant::now() + LAST_WORDS, &mut heard);
        verdict(status)
    }

    fn start(self) -> Result<(PipeReader, Child), Failed> {
        let (reader, writer) = io::pipe().map_err(Failed::NotStarted)?;
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", self.command])
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .process_group(0);
        for secret in SECRETS {
            shell.env_remove(secret);
        }
        shell.stdin(Stdio::piped()).stdout(writer.try_clone().map_err(Failed::NotStarted)?);
        if self.hears_errors {
            shell.stderr(writer);
        }
        let mut child = shell.spawn().map_err(Failed::NotStarted)?;
        if let Some(stdin) = child.stdin.take() {
            feed(stdin, self.input);
        }
        Ok((reader, child))
    }
}

/// Writes the input in a thread of its own, because a command may not read it.
fn feed(mut stdin: ChildStdin, input: String) {
    thread::spawn(move || stdin.write_all(input.as_bytes()));
}

/// Sends the lines of its output. Reads the rest, too, so that the command is never blocked.
fn listen(reader: PipeReader, tell: Sender<News>) {
    thread::spawn(move || {
        let mut output = BufReader::new(reader);
        let mut kept = output.by_ref().take(MOST);
        let mut line = Vec::new();
        while matches!(kept.read_until(b'\n', &mut line), Ok(read) if read > 0) {
            if tell.send(News::Line(std::mem::take(&mut line))).is_err() {
                break;
            }
        }
        let _ = io::copy(&mut output, &mut io::sink());
    });
}

/// Passes lines on until the command has ended; `None` if the time is over, or if there is no more output.
fn next(news: &Receiver<News>, end: Instant, heard: &mut impl FnMut(&[u8])) -> Option<io::Result<ExitStatus>> {
    loop {
        match news.recv_timeout(end.saturating_duration_since(Instant::now())).ok()? {
            News::Line(line) => heard(&line),
            News::Ended(status) => return Some(status),
        }
    }
}

fn verdict(status: io::Result<ExitStatus>) -> Result<(), Failed> {
    let status = status.map_err(|error| Failed::Ended(error.to_string()))?;
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(Failed::Ended(format!("exit status {code}"))),
        (None, Some(signal)) => Err(Failed::Ended(format!("signal {signal}"))),
        (None, None) => Err(Failed::Ended("no exit status".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn told(command: &str, input: &str, limit: Duration) -> (String, Result<(), String>) {
        let mut said = Vec::new();
        let variables = [("IBINDER_SYNC_OUTCOME", "partial".to_owned())];
        let shell = Shell { command, variables: &variables, input: input.to_owned(), hears_errors: true, limit };
        let done = shell.run(|line| said.push(String::from_utf8_lossy(line).trim_end().to_owned()));
        (said.join("/"), done.map_err(|error| error.to_string()))
    }

    #[test]
    fn it_gets_the_report_and_is_heard() {
        #[rustfmt::skip]
        let table = [
            ("cat",                              "a/b",     Ok(())),
            ("echo $IBINDER_SYNC_OUTCOME >&2",   "partial", Ok(())),
            ("true",                             "",        Ok(())),
            ("echo sorry; exit 3",               "sorry",   Err("exit status 3")),
            ("kill -9 $$",                       "",        Err("signal 9")),
            ("no-such-program 2>/dev/null",      "",        Err("exit status 127")),
            // A background process keeps the output open, and nobody waits for it.
            ("sleep 40 & echo on",               "on",      Ok(())),
        ];
        for (command, said, ended) in table {
            let (heard, done) = told(command, "a\nb\n", LONG);
            assert_eq!(heard, said, "{command}");
            match ended {
                Ok(()) => assert_eq!(done, Ok(()), "{command}"),
                Err(words) => assert!(done.unwrap_err().contains(words), "{command}"),
            }
        }
    }

    #[test]
    fn neither_side_is_held_up() {
        let long = "x".repeat(1 << 20);
        assert_eq!(told("exec true", &long, LONG).1, Ok(()));
        let (heard, done) = told("head -c 1000000 /dev/zero | tr '\\0' y; cat >/dev/null", &long, LONG);
        assert_eq!((heard.len() as u64, done), (MOST, Ok(())));
    }

    #[test]
    fn what_hangs_is_killed() {
        let (_, done) = told("sleep 1000", "", Duration::from_millis(200));
        assert!(done.unwrap_err().contains("was killed"));
    }
}
