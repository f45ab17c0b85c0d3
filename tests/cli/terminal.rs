//! The program at a terminal: what it asks, and what it makes of the answers.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::program::Program;

/// How long an answer of the program may take.
const LIMIT: Duration = Duration::from_mins(1);

/// A program whose standard streams are a pseudo-terminal.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    /// All that was shown.
    shown: String,
    /// How much of it was looked at.
    seen: usize,
}

impl Terminal {
    pub(crate) fn start(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let side = || Stdio::from(File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap());
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        // The command has copies of the terminal's side, which would keep the screen open.
        drop(command);
        let keyboard = File::from(master);
        let (mut reader, (sender, screen)) = (keyboard.try_clone().unwrap(), mpsc::channel());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A terminal without programs ends with an error.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { child, keyboard, screen, shown: String::new(), seen: 0 }
    }

    /// Waits until this is shown, and types a line.
    #[track_caller]
    pub(crate) fn answer(&mut self, question: &str, line: &str) {
        loop {
            if let Some(at) = self.shown[self.seen..].find(question) {
                self.seen += at + question.len();
                break;
            }
            let Ok(bytes) = self.screen.recv_timeout(LIMIT) else {
                panic!("{question:?} is not asked: {}", self.shown);
            };
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
        writeln!(self.keyboard, "{line}").unwrap();
    }

    /// Waits for the end; returns the exit code and all that was shown.
    pub(crate) fn end(mut self) -> (i32, String) {
        while let Ok(bytes) = self.screen.recv_timeout(LIMIT) {
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        (code, self.shown.replace("\r\n", "\n"))
    }
}

#[test]
fn a_run_asks_before_it_begins_a_mirror() {
    let program = Program::with_documents(2);
    for (answer, code) in [("", 2), ("no", 2), ("yes", 0)] {
        let mut terminal = Terminal::start(program.run_command(&["--existing"]));
        terminal.answer("Begin a new mirror there? [y/N]", answer);
        let (ended, shown) = terminal.end();
        assert_eq!(ended, code, "{answer}: {shown}");
        assert_eq!(program.dest.join("Brf Eken/1.txt").exists(), code == 0, "{answer}");
        assert_eq!(shown.contains("is the disk mounted?"), code == 2, "{shown}");
    }
    // Where a mirror is, and for programs, it asks nothing.
    for flags in [&["--existing"][..], &["--existing", "--json"]] {
        let (ended, shown) = Terminal::start(program.run_command(flags)).end();
        assert!(ended == 0 && !shown.contains("[y/N]"), "{shown}");
    }
    let other = Program::with_documents(1);
    for flag in ["--json", "--quiet"] {
        let (ended, shown) = Terminal::start(other.run_command(&["--existing", flag])).end();
        assert!(ended == 2 && !shown.contains("[y/N]"), "{shown}");
    }
}
