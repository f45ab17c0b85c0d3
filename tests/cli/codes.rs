//! Exit codes; failures change nothing.

use std::{fs, os::unix::fs::PermissionsExt as _};

use ibinder_sync::{
    mirror::{Mirror, NEEDED_DESCRIPTORS},
    sandbox::{Generated, Organisation, Reply, Route},
};

use crate::program::{Done, Program, bare, finish, snapshot};

#[test]
fn complete_is_0() {
    let program = Program::with_documents(3);
    let done = program.run(&[]).expect(0);
    assert!(done.out.starts_with("Complete: 3 added."), "{}", done.out);
    let done = program.run(&["--existing"]).expect(0);
    assert!(done.out.starts_with("Complete: nothing changed."), "{}", done.out);
    assert_eq!(fs::read(program.dest.join("Brf Eken/2.txt")).unwrap(), b"bytes 2");
}

#[test]
fn quiet_says_nothing() {
    let done = Program::with_documents(3).run(&["-q"]).expect(0);
    assert_eq!((done.out.as_str(), done.err.as_str()), ("", ""));
}

#[test]
fn wrong_usage_is_2_and_touches_nothing() {
    let program = Program::with_documents(1);
    for flags in [
        &["--unknown"][..],
        &["-q", "-v"],
        &["--concurrency", "0"],
        &["--concurrency", "many"],
        &["--rate", "-1"],
        &["--max-removals", "101%"],
        &["--max-duration", "soon"],
        &["--max-duration", "0s"],
        &["--min-free", "a lot"],
        &["--bandwidth", "0"],
        &["--stall-timeout", "0s"],
        &["--include", "a["],
        &["--secret", "s"],
    ] {
        let mut command = program.command(&["run"]);
        let done = finish(command.arg("--dest").arg(&program.dest).args(flags)).expect(2);
        assert!(!done.err.is_empty() && done.out.is_empty(), "{flags:?}");
        assert!(!program.dest.exists(), "{flags:?}");
    }
    finish(&mut bare(&[])).expect(2);
    finish(&mut bare(&["run"])).says(2, "--dest");
    finish(&mut bare(&["walk"])).expect(2);
}

#[test]
fn missing_settings_are_named() {
    let program = Program::with_documents(1);
    // Without the URLs it would contact the real service.
    for (name, _) in program.sandbox.environment().into_iter().filter(|(name, _)| !name.ends_with("_URL")) {
        let done = finish(program.run_command(&["--json"]).env_remove(name)).says(2, name);
        assert!(done.out.is_empty());
        assert!(!program.dest.exists(), "{name}");
    }
    finish(program.run_command(&[]).env("IBINDER_CLIENT_SECRET_FILE", "/nowhere")).says(2, "IBINDER_CLIENT_SECRET");
    finish(program.run_command(&[]).env("IBINDER_API_URL", "http://api.example.com/api")).says(2, "IBINDER_API_URL");
    finish(program.run_command(&[]).env("IBINDER_API_URL", "not a url")).says(2, "IBINDER_API_URL");
}

#[test]
fn the_secret_may_come_from_a_file_or_from_systemd() {
    let program = Program::with_documents(1);
    let environment = program.sandbox.environment();
    let secret = &environment.iter().find(|(name, _)| *name == "IBINDER_CLIENT_SECRET").unwrap().1;
    let file = program.beside("ibinder-client-secret");
    fs::write(&file, format!("{secret}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let folder = file.parent().unwrap();
    for (name, value) in [("IBINDER_CLIENT_SECRET_FILE", file.as_path()), ("CREDENTIALS_DIRECTORY", folder)] {
        finish(program.run_command(&[]).env_remove("IBINDER_CLIENT_SECRET").env(name, value)).expect(0);
    }
}

#[test]
fn a_destination_that_is_not_a_mirror_is_2() {
    let program = Program::with_documents(1);
    fs::create_dir(&program.dest).unwrap();
    fs::write(program.dest.join("thesis.txt"), "mine").unwrap();
    let before = snapshot(&program.dest);
    program.run(&["--json"]).says(2, "not a mirror");
    program.plan(&[]).says(2, "not a mirror");
    assert_eq!(snapshot(&program.dest), before);
    fs::remove_dir_all(&program.dest).unwrap();
    fs::write(&program.dest, "a file").unwrap();
    program.run(&[]).expect(2);
    assert_eq!(fs::read(&program.dest).unwrap(), b"a file");
}

#[test]
fn existing_refuses_a_disk_that_is_not_mounted() {
    let program = Program::with_documents(1);
    program.run(&["--existing"]).says(2, "is the disk mounted?");
    assert!(!program.dest.exists());
    fs::create_dir(&program.dest).unwrap();
    program.run(&["--existing"]).expect(2);
    assert_eq!(fs::read_dir(&program.dest).unwrap().count(), 0);
    program.run(&["--existing=false"]).expect(0);
}

#[test]
fn a_wrong_secret_changes_nothing_and_names_its_place() {
    let program = Program::mirrored(3);
    let secret = program.beside("secret");
    fs::write(&secret, "wrong").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let config = program.beside("config.toml");
    fs::write(&config, "# mine\nclient_secret_file = \"secret\"\n").unwrap();
    let mut run = program.run_command(&[]);
    let done = finish(run.env_remove("IBINDER_CLIENT_SECRET").env("IBINDER_CONFIG", &config)).expect(3);
    assert!(done.out.starts_with("Failed: nothing changed; the mirror still holds 3 documents.\n"), "{}", done.out);
    assert!(!done.out.contains("invalid_client"), "told twice: {}", done.out);
    let place = format!("check IBINDER_CLIENT_ID and client_secret_file in {}:2 with the owner", config.display());
    assert!(done.err.contains(&place), "{}", done.err);
    let other = program.beside("other");
    let mut first = program.command(&["run", "--rate", "0", "--dest"]);
    let done = finish(first.arg(other).env("IBINDER_CLIENT_SECRET", "wrong")).expect(3);
    assert!(done.out.contains("nothing changed; the mirror still holds 0 documents."), "{}", done.out);
}

#[test]
fn the_first_run_is_refused_where_a_mirror_is() {
    let program = Program::with_documents(2);
    program.plan(&["--existing", "--first"]).expect(0);
    assert!(!program.dest.exists());
    program.run(&["--existing", "--first"]).expect(0);
    let before = snapshot(&program.dest.join("Brf Eken"));
    let status = || fs::read(program.state("status.json")).unwrap();
    let healthy = status();
    program.run(&["--first"]).says(2, "already contains a mirror; --first and --sample are for the first run");
    assert_eq!(status(), healthy, "a slip says nothing about the mirror");
    program.plan(&["--first"]).says(2, "already contains a mirror");
    assert_eq!(snapshot(&program.dest.join("Brf Eken")), before);
    program.run(&["--existing"]).expect(0);
    // It lifts no other guard.
    let other = Program::with_documents(1);
    fs::create_dir(&other.dest).unwrap();
    fs::write(other.dest.join("thesis.txt"), "mine").unwrap();
    other.run(&["--first"]).says(2, "not a mirror");
    fs::remove_dir_all(program.state("")).unwrap();
    program.run(&["--first"]).says(2, "not a mirror");
}

#[test]
fn a_mirror_of_another_organisation_is_2() {
    let program = Program::mirrored(3);
    let other = Program::new(Organisation::generated(&Generated { seed: 9, ..Generated::default() }));
    let before = snapshot(&program.dest.join("Brf Eken"));
    for command in ["run", "plan"] {
        let mut command = other.command(&[command, "--rate", "0", "--json"]);
        let done = finish(command.arg("--dest").arg(&program.dest)).says(2, "mirrors organisation");
        assert!(done.out.is_empty());
    }
    assert_eq!(snapshot(&program.dest.join("Brf Eken")), before);
    program.run(&[]).expect(0);
}

#[test]
fn a_state_of_a_newer_version_is_2() {
    let program = Program::mirrored(1);
    let connection = rusqlite::Connection::open(program.state("state.db")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    program.run(&[]).says(2, "newer ibinder-sync");
    program.plan(&[]).says(2, "newer ibinder-sync");
}

#[test]
fn a_damaged_state_is_1_with_advice() {
    let program = Program::mirrored(1);
    let whole = fs::read(program.state("state.db")).unwrap();
    for damage in [b"this is no database, and is longer than its head, ".repeat(200), {
        let mut damaged = whole.clone();
        damaged[100..].fill(0xA5);
        damaged
    }] {
        fs::write(program.state("state.db"), &damage).unwrap();
        program.run(&[]).says(1, "ibinder-sync recover");
        program.plan(&[]).says(1, "ibinder-sync recover");
        assert!(program.dest.join("Brf Eken/0.txt").exists());
    }
    fs::remove_file(program.state("state.db")).unwrap();
    program.run(&[]).says(1, "state was lost");
    // After restoring the copy, it continues.
    fs::write(program.state("state.db"), &whole).unwrap();
    program.run(&[]).expect(0);
}

#[test]
fn refused_credentials_are_3() {
    let program = Program::with_documents(1);
    let done = finish(program.run_command(&["--json"]).env("IBINDER_CLIENT_SECRET", "wrong")).expect(3);
    assert_eq!(done.json()["outcome"], "failed");
    assert_eq!(program.sandbox.count(Route::Token), 2);
}

#[test]
fn a_failed_document_is_4() {
    let program = Program::with_documents(3);
    program.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    let done = program.run(&["--json"]).expect(4);
    let report = done.json();
    assert_eq!((&report["outcome"], &report["documents"]["failed"]), (&"partial".into(), &1.into()));
    assert!(report["failures"][0]["error"].as_str().unwrap().contains("404"));
    program.run(&[]).expect(0);
}

#[test]
fn a_lock_that_is_held_is_5() {
    let program = Program::mirrored(1);
    let held = Mirror::open(&program.dest).unwrap();
    let done = program.run(&["--json"]).says(5, "another command is at work");
    assert!(done.out.is_empty());
    assert!(done.err.contains(&std::process::id().to_string()), "{}", done.err);
    let id = program.sandbox.with_organisation(|o| o.binders()[0].0.clone());
    let mut forget = bare(&["binders", "forget", &id, "--force", "--yes", "--dest"]);
    finish(forget.arg(&program.dest)).expect(5);
    // Another set is refused whether the lock is held or not.
    finish(bare(&["confirm-removals", "3f2a", "--dest"]).arg(&program.dest)).expect(2);
    // Reading is allowed.
    program.plan(&[]).expect(0);
    drop(held);
    program.run(&[]).expect(0);
}

#[test]
fn withheld_removals_are_7() {
    let program = Program::mirrored(30);
    program.sandbox.with_organisation(|o| {
        let documents = o.documents();
        documents.iter().take(20).for_each(|d| o.remove_document(&d.id).unwrap());
    });
    let done = program.run(&["--json"]).expect(7);
    let report = done.json();
    assert_eq!((&report["outcome"], &report["documents"]["withheld"]), (&"partial".into(), &20.into()));
    assert!(done.err.contains("`ibinder-sync withheld`"), "{}", done.err);
    program.run(&["--max-removals", "20"]).expect(0);
}

#[test]
fn an_early_end_is_4_and_resumable() {
    let program = Program::with_documents(3);
    let done = program.run(&["--json", "--min-free", "1000TB"]).expect(4);
    assert!(done.err.contains("--min-free"), "{}", done.err);
    assert_eq!(done.json()["documents"]["added"], 0);
    program.run(&[]).expect(0);
    // Longer than --max-duration: the service does not answer.
    program.sandbox.script(Route::Search, Reply::HangHead.times(1));
    let done = program.run(&["--max-duration", "1s"]).expect(4);
    assert!(done.err.contains("--max-duration"), "{}", done.err);
    program.run(&[]).expect(0);
}

#[test]
fn too_few_files_are_refused_before_anything_is_fetched() {
    for limit in [8, 12, 32, 64] {
        let program = Program::with_documents(3);
        limited(&program, "-n", limit).says(2, "LimitNOFILE=");
        assert!(!program.dest.exists(), "{limit}");
    }
}

#[test]
fn the_least_limit_of_files_suffices() {
    let mut o = Organisation::empty();
    for binder in ["Brf Eken", "Brf Linden", "Brf Alen", "Brf Granen"] {
        let binder = o.add_binder(binder);
        for tab in 0..10 {
            let tab = o.add_folder(&binder, None, &tab.to_string()).unwrap();
            for n in 0..60 {
                o.add_document(&binder, Some(&tab), &format!("{n}.txt"), format!("bytes {n}")).unwrap();
            }
        }
    }
    let program = Program::new(o);
    for said in ["Complete: 2,400 added.", "Complete: nothing changed."] {
        let done = limited(&program, "-n", NEEDED_DESCRIPTORS).expect(0);
        assert!(done.out.starts_with(said), "{}", done.out);
    }
}

/// A run under a limit of the shell's `ulimit`.
fn limited(program: &Program, flag: &str, limit: u64) -> Done {
    let inner = program.run_command(&[]);
    let mut command = std::process::Command::new("bash");
    command.args(["-c", "ulimit \"$0\" \"$1\"; shift; exec \"$@\"", flag, &limit.to_string()]);
    command.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    finish(&mut command)
}

#[test]
fn a_limit_on_the_size_of_files_is_8_and_loses_nothing() {
    let program = Program::mirrored(3);
    let id = program.sandbox.with_organisation(|o| o.documents()[0].id.clone());
    program.sandbox.with_organisation(|o| o.revise(&id, vec![b'x'; 4_000_000]).unwrap());
    let files = || [0, 1, 2].map(|n| std::fs::read(program.dest.join(format!("Brf Eken/{n}.txt"))).unwrap());
    let before = files();
    // In KiB: the first limit stops the state, the second the document.
    for limit in [4, 2048] {
        limited(&program, "-f", limit).says(8, "`ulimit -f`");
        assert_eq!(files(), before, "{limit}");
        assert_eq!(std::fs::read_dir(program.dest.join("Brf Eken")).unwrap().count(), 3);
    }
    program.run(&[]).expect(0);
    assert_eq!(files().iter().filter(|bytes| bytes.len() == 4_000_000).count(), 1);
    finish(bare(&["verify", "--dest"]).arg(&program.dest)).expect(0);
}
