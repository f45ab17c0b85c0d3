//! Makes each system call that changes the disk fail in turn, with strace.

use std::{collections::HashMap, fs, process::Command};

use crate::{
    fixture::Fixture,
    program::{Done, Program, finish},
    skip::skip,
};

/// A system call and its error.
struct Refused {
    call: &'static str,
    error: &'static str,
    /// Calls, as strace prints them, whose failure has no visible effect.
    harmless: fn(&str) -> bool,
}

const fn refused(call: &'static str, error: &'static str) -> Refused {
    Refused { call, error, harmless: |_| false }
}

/// Whether a call syncs a folder of the state, or opens it for that. `SQLite` ignores errors when it syncs the name of
/// a new file: for the journal the next `syncfs` makes up for it, and a copy isn't promised to be durable.
fn syncs_the_state_folder(call: &str) -> bool {
    let opens = call.contains("openat(AT_FDCWD") && call.contains(", O_RDONLY|O_CLOEXEC)");
    opens || call.contains(".ibinder-sync>)") || call.contains(".ibinder-sync/tmp/") && call.contains(">)")
}

/// Whether a call deletes an old copy of the state, where a failure does no harm.
fn deletes_an_old_copy(call: &str) -> bool {
    call.contains(".ibinder-sync/copies>")
}

/// Whether a call names the file that `find` searches, without which it reads the state.
fn names_the_index(call: &str) -> bool {
    call.contains("\"find.text\"")
}

/// The first calls are refused one by one, later ones in growing steps.
fn next(number: u32) -> u32 {
    number + 1 + number / 4
}

/// A run under strace, which injects errors or a kill.
pub(crate) fn traced(program: &Program, injections: &[String]) -> Command {
    let command = program.run_command(&["--refresh-folders", "0s"]);
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-qq", "--seccomp-bpf", "-o"]).arg(program.beside("strace"));
    let call = |injection: &String| injection.split(['=', ':']).nth(1).unwrap_or_default().to_owned();
    strace.args(["-e", &format!("trace={}", injections.iter().map(call).collect::<Vec<_>>().join(","))]);
    for injection in injections {
        strace.args(["-e", injection]);
    }
    // The loader also opens files, which doesn't concern the mirror.
    if injections
        .iter()
        .any(|injection| ["inject=openat:", "inject=newfstatat:"].iter().any(|i| injection.starts_with(i)))
    {
        let tmp = (0..16).map(|n| program.state(&format!("tmp/{n:x}")));
        let folders = [program.dest.clone(), program.dest.join(".ibinder-sync"), program.dest.join("Eken")];
        for folder in folders.into_iter().chain(tmp) {
            strace.arg("-P").arg(folder);
        }
    }
    strace.arg("--").arg(command.get_program()).args(command.get_args()).env_clear();
    strace.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace
}

/// Whether strace can inject errors here.
pub(crate) fn can_trace() -> bool {
    let probe = Command::new("strace").args(["-e", "inject=mkdir:error=EIO", "mkdir", "/"]).output();
    let able = probe.is_ok_and(|output| String::from_utf8_lossy(&output.stderr).contains("INJECTED"));
    if !able {
        skip("strace can't make system calls fail: install it and allow ptrace");
    }
    able
}

/// A run with some calls refused, and these calls; `None` if the run made too few of them.
fn run_refused(program: &Program, call: &str, injections: &[String]) -> Option<(Done, Vec<String>)> {
    let done = finish(&mut traced(program, injections));
    let log = program.beside("strace");
    let is_refused = |line: &&str| line.contains(call) && line.contains("(INJECTED)");
    let log = whole(&fs::read_to_string(log).unwrap());
    let struck: Vec<String> = log.iter().map(String::as_str).filter(is_refused).map(str::to_owned).collect();
    (!struck.is_empty()).then_some((done, struck))
}

/// The calls of a log, one per line. Calls that were interrupted by another thread's are joined.
fn whole(log: &str) -> Vec<String> {
    let (mut calls, mut begun) = (Vec::new(), HashMap::new());
    for line in log.lines() {
        let thread = line.split_whitespace().next().unwrap_or_default();
        if let Some(beginning) = line.strip_suffix("<unfinished ...>") {
            begun.insert(thread, beginning);
        } else if let Some((_, end)) = line.split_once(" resumed>") {
            calls.push(format!("{}{end}", begun.remove(thread).unwrap_or_default()));
        } else {
            calls.push(line.to_owned());
        }
    }
    calls
}

#[test]
fn an_interrupted_call_is_joined() {
    let log = "7 openat(3, \"a\" <unfinished ...>\n8 fsync(4) = 0\n7 <... openat resumed>) = -1 EIO (INJECTED)\n";
    assert_eq!(whole(log), ["8 fsync(4) = 0", "7 openat(3, \"a\" ) = -1 EIO (INJECTED)"]);
}

/// What the run has to do while calls are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// A day's changes.
    Changes,
    /// Nothing.
    Nothing,
    /// Everything: there is no mirror yet.
    Everything,
}

/// Refuses call number N of a kind, for every N, and runs again each time.
fn refuse(refused: &Refused, also: &[&str]) {
    let struck = [Work::Changes, Work::Nothing, Work::Everything].map(|work| refuse_in(refused, also, work));
    assert!(struck.iter().sum::<u32>() > 0, "{} is never called", refused.call);
}

fn refuse_in(refused: &Refused, also: &[&str], work: Work) -> u32 {
    let Refused { call, error, harmless } = refused;
    let (mut fixture, mut number, mut struck) = (Fixture::new(), 1, 0);
    loop {
        match work {
            Work::Changes => fixture.change(),
            Work::Nothing => {}
            Work::Everything => fixture.forget(),
        }
        let mut injections: Vec<String> = also.iter().map(|&i| i.to_owned()).collect();
        injections.push(format!("inject={call}:error={error}:when={number}"));
        let why = format!("{error} from {call} number {number} with {work:?} to do");
        let done = run_refused(&fixture.program, &format!("{call}("), &injections);
        if work != Work::Everything {
            fixture.assert_nothing_lost(&why);
        }
        match &done {
            Some((done, _)) if done.code == 8 => {
                let said = done.err.lines().last().unwrap_or_default();
                assert!(said.contains("cannot") || said.contains("could not") || said.contains("failed"), "{said}");
            }
            Some((done, struck)) => {
                let harmless = struck.iter().all(|call| harmless(call));
                assert!(harmless && done.code == 0, "{why}: {} {} {struck:?}", done.code, done.err);
            }
            None => {}
        }
        fixture.program.run(&["--refresh-folders", "0s"]).expect(0);
        fixture.assert_mirrors();
        if done.is_none() {
            return struck;
        }
        struck += 1;
        number = next(number);
    }
}

#[test]
fn syncs_that_fail_are_8() {
    if can_trace() {
        refuse(&refused("syncfs", "EIO"), &[]);
        refuse(&Refused { call: "fsync", error: "EIO", harmless: syncs_the_state_folder }, &[]);
    }
}

#[test]
fn renames_that_fail_are_8() {
    if can_trace() {
        refuse(&refused("renameat2", "EIO"), &[]);
        refuse(&refused("renameat2", "ENOSPC"), &[]);
        refuse(&Refused { call: "renameat", error: "EIO", harmless: names_the_index }, &[]);
    }
}

#[test]
fn a_journal_that_cannot_be_written_is_8() {
    if can_trace() {
        refuse(&refused("pwrite64", "ENOSPC"), &[]);
        refuse(&Refused { call: "ftruncate", error: "EIO", harmless: |call| call.contains("lock>") }, &[]);
    }
}

#[test]
fn names_that_cannot_be_made_or_removed_are_8() {
    if can_trace() {
        refuse(&refused("mkdirat", "EDQUOT"), &[]);
        refuse(&Refused { call: "unlinkat", error: "EIO", harmless: deletes_an_old_copy }, &[]);
    }
}

#[test]
fn links_that_fail_are_8_where_names_can_not_be_swapped() {
    if can_trace() {
        refuse(&refused("linkat", "EIO"), &["inject=renameat2:error=EINVAL"]);
    }
}

#[test]
fn names_that_cannot_be_given_are_8() {
    if can_trace() {
        refuse(&refused("linkat", "EIO"), &[]);
        refuse(&refused("linkat", "ENOSPC"), &[]);
    }
}

#[test]
fn files_that_cannot_be_made_or_looked_at_are_8() {
    if can_trace() {
        refuse(&Refused { call: "openat", error: "ENOSPC", harmless: syncs_the_state_folder }, &[]);
        refuse(&refused("openat2", "EIO"), &[]);
        refuse(&refused("newfstatat", "EIO"), &[]);
        refuse(&refused("utimensat", "EIO"), &[]);
    }
}
