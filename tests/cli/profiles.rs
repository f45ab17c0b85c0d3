//! Commands that go over all profiles.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, process::Stdio};

use ibinder_sync::sandbox::{Reply, Route};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Done, Program, bare, finish};

/// A file with the profiles a, b and c, of which `b` has more lines.
fn file(program: &Program, b: &str) -> PathBuf {
    let (path, secret) = (program.beside("config.toml"), program.beside("secret"));
    let mut text = "rate = 0\nclient_secret_file = \"secret\"\n".to_owned();
    for (name, value) in program.sandbox.environment() {
        if name == "IBINDER_CLIENT_SECRET" {
            fs::write(&secret, value).unwrap();
            fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        } else {
            let key = name.trim_start_matches("IBINDER_").to_lowercase().replace("org_id", "organisation");
            text.push_str(&format!("{key} = {value:?}\n"));
        }
    }
    for name in ["a", "b", "c"] {
        let more = if name == "b" { b } else { "" };
        text.push_str(&format!("[profiles.{name}]\ndest = \"mirror-{name}\"\n{more}\n"));
    }
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_profile_that_fails_keeps_no_other_from_running() {
    let program = Program::with_documents(2);
    let path = file(&program, "client_secret_file = \"none\"");
    for jobs in ["1", "3"] {
        let done = finish(bare(&["run", "--all", "--jobs", jobs]).env("IBINDER_CONFIG", &path)).expect(2);
        assert!(
            done.out.contains("2 of 3 profiles ended with exit code 0.\n  a  exit 0    complete\n"),
            "{}",
            done.out
        );
        assert!(done.out.contains("\na: Complete: ") || done.out.starts_with("a: Complete: "), "{}", done.out);
        assert!(done.err.contains("b: error: "), "{}", done.err);
    }
    let json = finish(bare(&["run", "--all", "--json"]).env("IBINDER_CONFIG", &path)).expect(2).json();
    assert_eq!(json["exit_code"], 2);
    assert_eq!(json["profiles"][2]["result"]["documents"]["unchanged"], 2);
    assert_eq!((&json["profiles"][1]["profile"], &json["profiles"][1]["exit_code"]), (&"b".into(), &2.into()));
    let status = finish(bare(&["status", "--all"]).env("IBINDER_CONFIG", &path));
    assert!(status.out.contains(" 2 of 3 mirrors OK; b: "), "{}", status.out);
    let json = finish(bare(&["status", "--all", "--json"]).env("IBINDER_CONFIG", &path)).json();
    assert_eq!(json["profiles"][0]["result"]["level"], "OK");
    let doctor = finish(bare(&["doctor", "--all"]).env("IBINDER_CONFIG", &path)).expect(2);
    assert!(doctor.out.contains("b  exit 2    fix the configuration"), "{}", doctor.out);
}

#[test]
fn a_mistake_in_a_profile_keeps_no_other_from_running() {
    let program = Program::with_documents(2);
    for mistake in ["max_duratoin = \"6h\"", "concurrency = 0", "max_duration = 6h"] {
        let path = file(&program, mistake);
        let line = fs::read_to_string(&path).unwrap().lines().position(|line| line == mistake).unwrap() + 1;
        let with_file = |arguments: &[&str]| finish(bare(arguments).env("IBINDER_CONFIG", &path));
        let done = with_file(&["run", "--all"]).expect(2);
        assert!(done.out.contains("2 of 3 profiles ended with exit code 0.\n  a  exit 0    complete\n  b  exit 2    usage or configuration\n  c  exit 0 "), "{}", done.out);
        assert_eq!(done.err.matches(&format!("config.toml:{line}")).count(), 1, "{}", done.err);
        assert!(done.err.contains("b: error: "), "{}", done.err);
        with_file(&["run", "--profile", "a"]).expect(0);
        with_file(&["run", "--profile", "b"]).says(2, &format!("config.toml:{line}"));
        // Without a profile, every mistake of the file is told.
        with_file(&["config", "show"]).says(2, &format!("config.toml:{line}"));
        assert!(with_file(&["status", "--all"]).out.contains("2 of 3 mirrors OK; b: error: "));
    }
    let path = file(&program, "");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("max_duratoin = 1\n{text}")).unwrap();
    finish(bare(&["run", "--all"]).env("IBINDER_CONFIG", &path)).says(2, "config.toml:1");
}

#[test]
fn what_all_profiles_would_share_is_refused() {
    let program = Program::with_documents(1);
    let path = file(&program, "");
    let refused = |arguments: &[&str]| finish(bare(arguments).env("IBINDER_CONFIG", &path));
    refused(&["run", "--all", "--dest", "/x"]).says(2, "set it in the profiles");
    refused(&["run", "--all", "--profile", "a"]).says(2, "leave one of the two out");
    refused(&["--profile", "a", "status", "--all"]).says(3, "leave one of the two out");
    refused(&["run", "--jobs", "2"]).says(2, "--all");
    finish(bare(&["run", "--all"]).env("IBINDER_CONFIG", &path).env("IBINDER_DEST", "/x")).says(2, "IBINDER_DEST");
    finish(&mut bare(&["run", "--all"])).says(2, "no profiles");
}

#[test]
fn a_signal_ends_all_profiles_cleanly() {
    let program = Program::with_documents(3);
    let path = file(&program, "");
    let (tell, told) = std::sync::mpsc::channel();
    let hang = Reply::Run(Box::new(move |_| {
        tell.send(()).unwrap();
        Reply::HangHead
    }));
    program.sandbox.script(Route::DownloadLink, vec![hang]);
    let mut command = bare(&["run", "--all", "--json", "--concurrency", "1"]);
    let child = command.env("IBINDER_CONFIG", &path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    told.recv().unwrap();
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), Signal::INT).unwrap();
    let json = Done::of(&child.wait_with_output().unwrap()).expect(130).json();
    assert_eq!(json["profiles"][0]["result"]["outcome"], "interrupted");
    assert_eq!(
        (&json["profiles"][2]["exit_code"], &json["profiles"][2]["result"]),
        (&130.into(), &serde_json::Value::Null)
    );
}

#[test]
fn a_missing_profile_is_answered_by_those_that_are_there() {
    let program = Program::with_documents(1);
    let path = file(&program, "");
    for command in [
        &["run"][..],
        &["plan"],
        &["doctor"],
        &["status"],
        &["verify"],
        &["binders"],
        &["recover"],
        &["adopt"],
        &["snapshots"],
        &["changes"],
        &["ls"],
        &["history", "x"],
        &["restore", "--at", "1", "--to", "/x"],
        &["export", "--format", "csv"],
        &["handover", "--to", "/x"],
        &["acknowledge", "x"],
        &["purge", "x"],
        &["with-lock", "--", "true"],
        &["config", "show"],
    ] {
        let mut asked = bare(command);
        asked.args(if command[0] == "with-lock" { &[][..] } else { &["--profile", "x"] }).env("IBINDER_PROFILE", "x");
        let done = finish(asked.env("IBINDER_CONFIG", &path));
        assert!(done.code != 0 && done.err.contains("a, b, c"), "{command:?}: {}", done.err);
    }
}
