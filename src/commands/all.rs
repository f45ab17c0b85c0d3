//! `run`, `doctor` and `status` for all profiles.
//!
//! Each profile is a process of its own that runs this program with `--profile`. Signals, log, progress bars, open files
//! and the working state belong to a process: so each run is exactly what it is alone, and neither a panic nor a lack
//! of memory in one ends the others.

use std::{
    ffi::OsString,
    io::{self, BufRead as _, BufReader, IsTerminal as _, Read},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use serde::Serialize;

use crate::{
    cli::AllProfiles,
    process::Children,
    session::{Exit, rank, signals},
    sync::StopCause,
    ui::{self, ProfileEnd},
};

#[derive(Serialize)]
struct JsonOutput<'e> {
    exit_code: u8,
    profiles: &'e [ProfileEnd],
}

/// Runs a command once for each profile.
pub fn all(command: &AllProfiles, profiles: &[String], hidden: &[String], quiet: bool) -> Exit {
    let (children, stopped) = (Arc::<Children>::default(), Arc::new(AtomicU8::new(0)));
    let (passing, code) = (Arc::clone(&children), Arc::clone(&stopped));
    signals::pass_on(move |cause| {
        let is_interrupt = cause == StopCause::Interrupt;
        code.store(if is_interrupt { 130 } else { 143 }, SeqCst);
        passing.stop(is_interrupt);
    });
    let alone = command.jobs == 1 && !command.is_status();
    let one = One {
        command,
        hidden,
        children: &children,
        stopped: &stopped,
        inherits: alone && io::stderr().is_terminal(),
        labels: !(alone && io::stdout().is_terminal()),
    };
    let ends = one.each(profiles);
    let codes: Vec<u8> = ends.iter().map(|end| end.exit_code).collect();
    let worst = if command.is_status() { rank::worst_status(&codes) } else { rank::worst_run(&codes) };
    if command.json {
        ui::print_json(&JsonOutput { exit_code: worst, profiles: &ends });
    } else if command.is_status() {
        ui::print(&ui::all_statuses(&ends, worst));
    } else if !quiet || worst != 0 {
        ui::print(&ui::all_profiles(&ends));
    }
    Exit::Other(worst)
}

struct One<'c> {
    command: &'c AllProfiles,
    hidden: &'c [String],
    children: &'c Children,
    stopped: &'c AtomicU8,
    /// Whether progress bars are shown.
    inherits: bool,
    /// Whether lines of standard output start with the profile.
    labels: bool,
}

impl One<'_> {
    /// Each profile, some at once, in the order of their names.
    fn each(&self, profiles: &[String]) -> Vec<ProfileEnd> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut ends = Vec::new();
            loop {
                let at = next.fetch_add(1, SeqCst);
                let Some(name) = profiles.get(at) else { return ends };
                if self.inherits {
                    ui::print_note(&format!("\n{name} ({} of {})\n", at + 1, profiles.len()));
                }
                ends.push((at, self.profile(name)));
            }
        };
        let mut ends = thread::scope(|scope| {
            let others = (1..self.command.jobs).filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok());
            let others: Vec<_> = others.collect();
            let mut ends = work();
            ends.extend(others.into_iter().filter_map(|other| other.join().ok()).flatten());
            ends
        });
        ends.sort_by_key(|(at, _)| *at);
        ends.into_iter().map(|(_, end)| end).collect()
    }

    fn profile(&self, name: &str) -> ProfileEnd {
        let mut end = ProfileEnd {
            profile: name.to_owned(),
            exit_code: 1,
            result: None,
            output: String::new(),
            errors: String::new(),
            meaning: String::new(),
        };
        match self.run(name, &mut end) {
            Ok(Some(code)) => (end.exit_code, end.meaning) = (code, self.command.meaning(code)),
            Ok(None) => (end.exit_code, end.meaning) = (self.stopped.load(SeqCst), "not begun".to_owned()),
            Err(error) => end.meaning = format!("it could not be started: {error}"),
        }
        if self.command.json {
            end.result = serde_json::from_str(&end.output).ok();
        }
        end
    }

    /// Runs the program for a profile; `None` if a signal came before.
    fn run(&self, name: &str, end: &mut ProfileEnd) -> io::Result<Option<u8>> {
        let arguments = self.command.arguments_for(name);
        let Some(mut child) = self.children.start(&arguments, self.hidden, self.inherits)? else { return Ok(None) };
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let is_status = self.command.is_status();
        thread::scope(|scope| {
            let errors = &mut end.errors;
            let reader = move || match err {
                Some(err) if is_status => read(err, |line| errors.push_str(line)),
                Some(err) => read(err, |line| ui::print_note(&ui::labelled(name, line.trim_end_matches('\n')))),
                None => {}
            };
            let _ = thread::Builder::new().spawn_scoped(scope, reader);
            if let Some(out) = out {
                read(out, |line| match (is_status || self.command.json, self.labels) {
                    (true, _) => end.output.push_str(line),
                    (false, true) => ui::print(&ui::labelled(name, line.trim_end_matches('\n'))),
                    (false, false) => ui::print(line),
                });
            }
        });
        if self.command.json && is_status {
            ui::print_note(&end.errors);
        }
        self.children.wait(&mut child).map(Some)
    }
}

/// Passes each line on.
fn read(from: impl Read, mut heard: impl FnMut(&str)) {
    let (mut from, mut line) = (BufReader::new(from), Vec::new());
    while matches!(from.read_until(b'\n', &mut line), Ok(read) if read > 0) {
        heard(&String::from_utf8_lossy(&line));
        line.clear();
    }
}

impl AllProfiles {
    fn is_status(&self) -> bool {
        self.name == "status"
    }

    /// The command line for one profile.
    fn arguments_for(&self, profile: &str) -> Vec<OsString> {
        let mut arguments = self.arguments.clone();
        arguments.push(format!("--profile={profile}").into());
        arguments
    }

    fn meaning(&self, code: u8) -> String {
        match (self.name.as_str(), code) {
            ("doctor", 0) => "a run can work",
            ("doctor", 2) => "fix the configuration or the destination",
            ("doctor", 4) => "fix the network, the service or the storage",
            (_, 0) => "complete",
            (_, 2) => "usage or configuration",
            (_, 3) => "credentials refused",
            (_, 4) => "partial",
            (_, 5) => "another command is running",
            (_, 6) => "damage found",
            (_, 7) => "removals withheld",
            (_, 8) => "disk error",
            (_, 9) => "complete, but the copy is not up to date",
            (_, 130 | 143) => "interrupted; the next run continues",
            _ => "internal error, or killed",
        }
        .to_owned()
    }
}
