//! A run with the restricted `/proc` of the shipped systemd unit, observed by a user who may not read the mirror.

use std::{
    fs,
    os::unix::{
        fs::PermissionsExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
};

use ibinder_sync::sandbox::{Reply, Route};
use serde_json::Value;

use crate::{
    program::{Done, Program, finish},
    skip::skip,
};

/// The effect of `ProtectProc=invisible` and `ProcSubset=pid` on `/proc`.
const VIEW: &str = "mount -t proc -o subset=pid,hidepid=invisible proc /proc && ! test -e /proc/sys";

/// Runs with a `/proc` of its own.
fn unseen(command: &Command) -> Command {
    let mut within = Command::new("unshare");
    within.args(["--mount", "sh", "-c", &format!("{VIEW} && exec \"$@\""), "sh"]);
    within.arg(command.get_program()).args(command.get_args()).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    within.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    within
}

/// `status` as another user.
fn asked_by_nobody(program: &Path, copy: &Path) -> Done {
    let mut command = Command::new(program);
    command.args(["status", "--from"]).arg(copy).env_clear().env("IBINDER_CONFIG", "/dev/null");
    finish(command.uid(65534).gid(65534).stdin(Stdio::null()))
}

#[test]
fn a_run_under_the_unit_is_active_until_it_is_killed() {
    let program = Program::mirrored(1);
    if !unseen(&Command::new("true")).output().is_ok_and(|output| output.status.success()) {
        return skip("no /proc can be mounted: run as root");
    }
    let folder = program.beside("");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let (binary, copy) = (program.beside("ibinder-sync"), program.beside("status.json"));
    fs::copy(env!("CARGO_BIN_EXE_ibinder-sync"), &binary).unwrap();
    let (sender, receiver) = mpsc::channel();
    let hang = Reply::Run(Box::new(move |_| {
        sender.send(()).unwrap();
        Reply::HangHead
    }));
    program.sandbox.script(Route::Search, vec![hang]);
    let run = program.run_command(&["--status-file", copy.to_str().unwrap()]);
    let mut child = unseen(&run).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    receiver.recv().unwrap();
    let status = || -> Value { serde_json::from_slice(&fs::read(&copy).unwrap()).unwrap() };
    assert_eq!(status()["at_work"][0]["process"]["boot"], "", "the boot id is hidden");
    let done = asked_by_nobody(&binary, &copy).expect(0);
    assert!(done.out.contains("at work:          run since "), "{}", done.out);
    // The machine was restarted, and another program has the id: this test.
    let whole = fs::read(&copy).unwrap();
    let mut other = status();
    other["at_work"][0]["process"]["pid"] = std::process::id().into();
    fs::write(&copy, other.to_string()).unwrap();
    asked_by_nobody(&binary, &copy).expect(1);
    fs::write(&copy, whole).unwrap();
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    let done = asked_by_nobody(&binary, &copy).expect(1);
    assert!(done.out.contains("never finished"), "{}", done.out);
}
