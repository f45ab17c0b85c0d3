//! The process that is killed: this test binary again, which executes one command.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    num::NonZeroU64,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command as Process, Stdio},
    sync::{Arc, Mutex},
};

use clap::FromArgMatches as _;
use ibinder_sync::{
    cli::{self, Cli},
    commands,
    config::{CopySettings, Settings},
    failpoints::{self, Point},
    mirror::Mirror,
    replica::{Recover, RecoveryMark},
    session::{Exit, Output},
    ui::Level,
};
use serde_json::{Value, json};

use super::trace::Event;
use crate::{
    copy,
    harness::{self, World},
    skip::skip,
};

const TASK: &str = "CRASH_TASK";

/// The child's command.
#[derive(Debug, Clone)]
pub(super) enum Command {
    Run,
    /// A run that keeps one old version per document.
    Retain,
    /// A run that keeps a catalogue.
    Catalogue,
    /// The same, with a part for each binder.
    CataloguePerBinder,
    Adopt,
    Repair,
    Forget(String),
    Purge(String),
    /// A recovery from the copy at this URL.
    Recover(String),
}

/// The child's task.
pub(super) struct Task {
    pub(super) command: Command,
    /// Whether the file system lacks all abilities that have fallbacks.
    pub(super) fallbacks: bool,
    /// The point at which it kills itself when it gets there for the n-th time.
    pub(super) kill: Option<(Point, usize)>,
}

/// Starts a child and waits for its end. Returns whether it was killed, and which points it passed.
pub(super) fn start(world: &World, task: &Task) -> (bool, Vec<Event>) {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let (command, id) = match &task.command {
        Command::Run => ("run", None),
        Command::Retain => ("retain", None),
        Command::Catalogue => ("catalogue", None),
        Command::CataloguePerBinder => ("catalogue per binder", None),
        Command::Adopt => ("adopt", None),
        Command::Repair => ("repair", None),
        Command::Forget(binder) => ("forget", Some(binder)),
        Command::Purge(document) => ("purge", Some(document)),
        Command::Recover(from) => ("recover", Some(from)),
    };
    let kill = task.kill.map(|(point, nth)| (format!("{point:?}"), nth));
    let order = json!({
        "dest": world.dest(), "command": command, "id": id, "fallbacks": task.fallbacks, "kill": kill,
        "trace": trace,
    });
    let output = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", "matrix::child::the_child", "--ignored", "--nocapture"])
        .env_clear()
        .envs(world.sandbox.environment())
        .env(TASK, order.to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let killed = output.status.signal() == Some(9);
    assert!(killed || output.status.success(), "{order}: {}", String::from_utf8_lossy(&output.stderr));
    (killed, std::fs::read_to_string(trace).unwrap_or_default().lines().map(Event::parse).collect())
}

/// Records every point, and kills the process at one of them.
fn watch(trace: &Path, kill: Option<(String, u64)>) {
    let mut trace = File::create(trace).unwrap();
    let mut passed: BTreeMap<Point, u64> = BTreeMap::new();
    let note = move |point: Point, names: &dyn std::fmt::Display| {
        writeln!(trace, "{point:?}\t{names}").unwrap();
        let nth = passed.entry(point).or_default();
        *nth += 1;
        if kill.as_ref().is_some_and(|(wanted, at)| *wanted == format!("{point:?}") && at == nth) {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
            // The signal arrives before this thread continues, and the lock is held until then.
            loop {
                std::thread::park();
            }
        }
    };
    let note = Mutex::new(note);
    failpoints::watch(Box::new(move |point, names| (*note.lock().unwrap())(point, names)));
}

#[test]
#[ignore = "started by the crash matrix as a process"]
fn the_child() {
    let Some(task) = std::env::var_os(TASK) else { return skip("only another test can start it") };
    let task: Value = serde_json::from_str(task.to_str().unwrap()).unwrap();
    let dest = PathBuf::from(task["dest"].as_str().unwrap());
    let kill = task["kill"].as_array().map(|kill| (kill[0].as_str().unwrap().to_owned(), kill[1].as_u64().unwrap()));
    watch(Path::new(task["trace"].as_str().unwrap()), kill);
    let given = Settings {
        retain_versions: NonZeroU64::new(u64::from(task["command"] == "retain")),
        catalogue: task["command"].as_str().unwrap().starts_with("catalogue"),
        catalogue_per_binder: task["command"] == "catalogue per binder",
        ..harness::given(dest.clone())
    };
    let config = harness::config(given, &|name| std::env::var_os(name));
    let exit = match (task["command"].as_str().unwrap(), task["fallbacks"] == true) {
        ("run", true) => harness::run_on(&config, |mirror| mirror.with_fallbacks_only()).exit(),
        ("run" | "retain" | "catalogue" | "catalogue per binder", false) => {
            commands::run(&config, &Output::new(false, Level::Error, false))
        }
        ("adopt", _) => commands::adopt(&config, &Output::new(false, Level::Error, false)),
        ("repair", _) => {
            let matches = cli::command().get_matches_from(["ibinder-sync", "verify", "--repair"]);
            let command = Cli::from_arg_matches(&matches).unwrap().command;
            let cli::Command::Verify(flags) = &command else { unreachable!() };
            let asked = commands::Verify { dest: &dest, flags, limit: config.limit, notices: &config.notices };
            commands::verify(&asked, || Ok(config.remote), &Output::new(false, Level::Error, false))
        }
        ("forget", _) => commands::forget_binder(&commands::Forget {
            dest: &dest,
            wanted: task["id"].as_str().unwrap(),
            force: true,
            yes: true,
            notices: &ibinder_sync::config::Notices::default(),
        }),
        ("purge", _) => commands::purge(&dest, Path::new(task["id"].as_str().unwrap()), true),
        ("recover", true) => {
            let mirror = Mirror::open(&dest).unwrap().with_fallbacks_only();
            let store = copy::store(task["id"].as_str().unwrap());
            let commit = RecoveryMark::choose(RecoveryMark::at(&dest).as_ref(), &store, None).unwrap();
            let recover =
                Recover { mirror: &mirror, store: &store, commit: &commit, transfers: 4, progress: &Arc::default() };
            assert_eq!(recover.run().unwrap().lacking, []);
            Exit::Complete
        }
        ("recover", false) => {
            let output = Output::new(false, Level::Error, false);
            let from = task["id"].as_str().unwrap().parse().unwrap();
            commands::recover_from(&dest, (&from, None), &CopySettings::default(), &output)
        }
        (other, _) => panic!("no child knows {other}"),
    };
    // What was deleted or erased before the kill is no longer known.
    let is_gone = matches!(task["command"].as_str(), Some("forget" | "purge")) && exit == Exit::Usage;
    assert!(exit == Exit::Complete || is_gone, "{exit:?}");
}
