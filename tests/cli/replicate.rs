//! `replicate`: the copy of a mirror.

use std::{
    fs,
    io::Read as _,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use ibinder_sync::sandbox::Organisation;
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Done, Program, bare, finish, snapshot};

const SECRET: &str = "5ecretKey";

/// `replicate` of a mirror.
fn command(program: &Program, to: &str) -> Command {
    let mut command = bare(&["replicate", "--to", to, "--dest"]);
    command.arg(&program.dest);
    command
}

/// An empty folder for the copy beside the mirror, and its URL.
fn folder(program: &Program) -> (PathBuf, String) {
    let folder = program.beside("copy");
    fs::create_dir(&folder).unwrap();
    let url = format!("file://{}", folder.display());
    (folder, url)
}

/// `replicate` to a store on this machine, with credentials.
fn to_store(program: &Program, endpoint: &str) -> Command {
    let mut command = command(program, "s3://bucket/eken");
    command.env("AWS_ENDPOINT_URL", endpoint).env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", SECRET);
    command
}

#[test]
fn a_copy_is_made_and_only_what_is_new_is_added() {
    let program = Program::mirrored(3);
    let (copy, url) = folder(&program);
    let (dest, runs) = (program.dest.to_str().unwrap(), ["snapshots", "--json", "--dest"]);
    let before = finish(bare(&runs).arg(dest)).expect(0).out;
    let done = finish(&mut command(&program, &url)).expect(0);
    assert!(done.out.starts_with(&format!("The copy at {url} has commit 1 of run 0")), "{}", done.out);
    assert!(done.out.ends_with(": 3 contents (21 bytes) added.\n") && done.err.is_empty(), "{} {}", done.out, done.err);
    let written = snapshot(&copy);
    let again = finish(command(&program, &url).arg("--json")).expect(0).json();
    assert_eq!((&again["outcome"], &again["commit"], &again["contents"]), (&"unchanged".into(), &1.into(), &0.into()));
    assert!(snapshot(&copy) == written && again["error"].is_null());
    let done = finish(&mut command(&program, &url)).expect(0);
    assert!(done.out.contains(" is up to date: nothing changed since commit 1 of run 0"), "{}", done.out);
    assert_eq!(finish(bare(&runs).arg(dest)).expect(0).out, before, "it is no run");
    program.sandbox.with_organisation(|o| {
        let binder = o.binders()[0].0.clone();
        o.add_document(&binder, None, "new.txt", "new").unwrap();
    });
    program.run(&[]).expect(0);
    let mut of_setting = bare(&["replicate", "--json", "--dest"]);
    let third = finish(of_setting.arg(dest).env("IBINDER_REPLICATE", &url)).expect(0).json();
    assert_eq!((&third["outcome"], &third["commit"], &third["contents"]), (&"committed".into(), &2.into(), &1.into()));
    let quiet = finish(command(&program, &url).arg("-q")).expect(0);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
}

#[test]
fn what_the_mirror_lacks_is_said() {
    let program = Program::mirrored(3);
    let (_, url) = folder(&program);
    fs::write(program.dest.join("Brf Eken/1.txt"), "BYTES 1").unwrap();
    let done = finish(&mut command(&program, &url)).expect(0);
    assert!(done.out.contains("2 contents (14 bytes) added"), "{}", done.out);
    let advice = "1 content could not be copied, because the mirror itself lacks it; `ibinder-sync verify --repair`";
    assert!(done.err.contains(advice), "{}", done.err);
}

#[test]
fn what_can_not_work_is_refused_and_nothing_is_written() {
    let program = Program::mirrored(1);
    let missing = program.beside("unmounted");
    let inside = program.dest.join("Brf Eken");
    let above = program.dest.parent().unwrap();
    for (to, code, words) in [
        ("backup", 2, "give s3://BUCKET/PREFIX"),
        ("s3://b", 3, "no credentials are known"),
        (&format!("file://{}", missing.display()), 8, "is the disk mounted?"),
        (&format!("file://{}", inside.display()), 2, "lies inside the mirror"),
        (&format!("file://{}", above.display()), 2, "contains the mirror"),
    ] {
        finish(&mut command(&program, to)).says(code, words);
    }
    assert!(!missing.exists() && fs::read_dir(inside).unwrap().count() == 1);
    let mut none = bare(&["replicate", "--dest"]);
    finish(none.arg(&program.dest)).says(2, "replicate is not set; give --to URL, or set IBINDER_REPLICATE");
    let unmirrored = Program::new(Organisation::empty());
    let (copy, url) = folder(&unmirrored);
    finish(&mut command(&unmirrored, &url)).says(2, "contains no mirror");
    assert!(!unmirrored.dest.exists() && fs::read_dir(copy).unwrap().count() == 0);
}

#[test]
fn another_organisations_copy_is_left_alone() {
    let (program, other) = (Program::mirrored(1), Program::mirrored(1));
    let (copy, url) = folder(&program);
    finish(&mut command(&program, &url)).expect(0);
    rusqlite::Connection::open(other.state("state.db"))
        .unwrap()
        .execute("UPDATE settings SET value = 'another' WHERE key = 'organisation'", [])
        .unwrap();
    let before = snapshot(&copy);
    finish(&mut command(&other, &url)).says(2, "give each mirror its own prefix");
    assert!(snapshot(&copy) == before);
}

#[test]
fn credentials_of_a_file_are_read_when_needed_and_never_shown() {
    let program = Program::mirrored(1);
    let (_, url) = folder(&program);
    let file = program.beside("store");
    fs::write(&file, format!("AWS_ACCESS_KEY_ID=id\nAWS_SECRET={SECRET}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let with = |mut command: Command| {
        let done = finish(command.env("IBINDER_REPLICATE_CREDENTIALS_FILE", &file).arg("-vv"));
        assert!(!done.err.contains(SECRET) && !done.out.contains(SECRET), "{}{}", done.out, done.err);
        done
    };
    let words = "store: line 2 has a name that no store has; did you mean AWS_SECRET_ACCESS_KEY?";
    with(command(&program, "s3://bucket")).says(2, words);
    with(command(&program, &url)).expect(0);
    fs::write(&file, format!("AWS_ACCESS_KEY_ID=id\nAWS_SECRET_ACCESS_KEY={SECRET}\n")).unwrap();
    let mut refused = command(&program, "s3://bucket");
    refused.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").args(["--max-duration", "1s"]);
    with(refused).expect(4);
    let mut shown = bare(&["config", "show", "--all"]);
    shown.env("IBINDER_REPLICATE_CREDENTIALS_FILE", &file).env("AWS_SECRET_ACCESS_KEY", SECRET);
    let shown = finish(&mut shown).expect(2);
    assert!(!shown.out.contains(SECRET) && shown.out.contains("replicate_credentials_file = "), "{}", shown.out);
}

#[test]
fn a_store_that_does_not_answer_is_waited_for_until_a_signal_or_the_end_of_the_time() {
    let program = Program::mirrored(1);
    let silent = || {
        let store = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", store.local_addr().unwrap());
        (store, endpoint)
    };
    let (_store, endpoint) = silent();
    let late = finish(to_store(&program, &endpoint).args(["--json", "--max-duration", "1s"])).expect(4);
    assert_eq!(late.json()["outcome"], "stopped");
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (store, endpoint) = silent();
        let mut command = to_store(&program, &endpoint);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A request is under way: the mirror is open.
        let mut request = [0];
        while store.accept().unwrap().0.read(&mut request).unwrap() == 0 {}
        kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
        let done = Done::of(&child.wait_with_output().unwrap()).expect(code);
        assert!(done.out.contains("is not up to date yet: 0 contents"), "{}", done.out);
    }
    // The lock is free again.
    program.run(&[]).expect(0);
}
