//! The program at a terminal: what it asks, and what it makes of the answers.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::program::{Program, bare, finish};

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

    /// Answers these questions in their order.
    #[track_caller]
    pub(crate) fn answer_all(&mut self, answers: &[(&str, &str)]) {
        for (question, line) in answers {
            self.answer(question, line);
        }
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

/// `config init` for the service of a program, whose addresses alone are in the environment.
fn init(program: &Program, path: &Path, more: &[&str]) -> Command {
    let mut command = bare(&["config", "init", "--to"]);
    command.arg(path).args(more).envs(addresses(program));
    command
}

fn addresses(program: &Program) -> impl Iterator<Item = (&'static str, String)> {
    program.sandbox.environment().into_iter().filter(|(name, _)| name.ends_with("_URL"))
}

fn value(program: &Program, variable: &str) -> String {
    program.sandbox.environment().into_iter().find(|(name, _)| *name == variable).unwrap().1
}

#[test]
fn a_configuration_is_asked_for_written_and_checked() {
    let program = Program::with_documents(2);
    let path = program.beside("home/config.toml");
    let (id, client) = (value(&program, "IBINDER_ORG_ID"), value(&program, "IBINDER_CLIENT_ID"));
    let secret = value(&program, "IBINDER_CLIENT_SECRET");
    let mut terminal = Terminal::start(init(&program, &path, &[]));
    terminal.answer_all(&[
        ("Organisation's id", ""),
        ("Organisation's id", "Brf Eken"),
        ("Organisation's id", &id),
        ("API client's id", &client),
        ("Which of these [1]:", "4"),
        ("Which of these [1]:", ""),
        ("Secret (it is not shown):", " "),
        ("Secret (it is not shown):", &secret),
        ("Folder of the mirror [/srv/mirror]:", "~/mirror"),
        ("Folder of the mirror", program.dest.to_str().unwrap()),
        ("Time of the nightly run, or `no` [01:30]:", "2"),
        ("Time of the nightly run", "02:15"),
    ]);
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains(&id) && !shown.contains(&secret), "{shown}");
    assert!(shown.contains("A run can work"), "{shown}");
    assert!(shown.contains("  15 2 * * * /"), "{shown}");
    let of_secret = program.beside("home/client_secret");
    assert_eq!(fs::read_to_string(&of_secret).unwrap().trim_end(), secret);
    for file in [&path, &of_secret] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(!program.dest.exists());
    let mut run = bare(&["run", "--first", "--config"]);
    finish(run.arg(&path).envs(addresses(&program))).expect(0);
    assert!(program.dest.join("Brf Eken/1.txt").exists());
}

const GUID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

#[test]
fn a_configuration_replaces_nothing_and_is_written_after_the_last_answer() {
    let program = Program::with_documents(1);
    let path = program.beside("home/config.toml");
    let of_secret = program.beside("home/client_secret");
    // Ctrl-D.
    let mut terminal = Terminal::start(init(&program, &path, &[]));
    terminal.answer("Organisation's id", GUID);
    terminal.answer("API client's id", "\u{4}");
    let (code, shown) = terminal.end();
    assert!(code == 2 && shown.contains("nothing was written"), "{shown}");
    assert!(!path.exists());
    // A secret that is there is used, and never replaced.
    fs::create_dir_all(program.beside("home")).unwrap();
    fs::write(&of_secret, "mine").unwrap();
    let mut terminal = Terminal::start(init(&program, &path, &[]));
    terminal.answer_all(&[
        ("Organisation's id", GUID),
        ("API client's id", "c"),
        ("Which of these", "1"),
        ("is there already; 2 uses it", "2"),
        ("File with the secret", of_secret.to_str().unwrap()),
        ("Folder of the mirror", program.dest.to_str().unwrap()),
        ("Time of the nightly run", "no"),
    ]);
    let (code, shown) = terminal.end();
    // Others can read it.
    assert!(code == 2 && shown.contains("chmod 600") && !shown.contains("crontab"), "{shown}");
    assert_eq!(fs::read_to_string(&of_secret).unwrap(), "mine");
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.contains(&format!("\nclient_secret_file = {of_secret:?}\n")), "{written}");
    // Neither is a configuration, and then nothing is asked.
    let (code, shown) = Terminal::start(init(&program, &path, &[])).end();
    assert!(code == 2 && shown.contains("is there already") && !shown.contains("Organisation"), "{shown}");
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
    let other = program.beside("other.toml");
    let (code, shown) = Terminal::start(init(&program, &other, &["--non-interactive"])).end();
    assert!(code == 0 && shown.contains("Next:"), "{shown}");
    assert!(fs::read_to_string(&other).unwrap().contains("\n#organisation = "));
}
