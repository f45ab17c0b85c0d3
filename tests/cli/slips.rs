//! Mistakes in settings: line ends of Windows, and numbers without a unit.

use std::{fs, os::unix::fs::PermissionsExt as _};

use ibinder_sync::sandbox::Route;

use crate::program::{Program, finish};

#[test]
fn a_size_that_lacks_its_unit_is_refused() {
    let program = Program::with_documents(1);
    for (flags, meant) in [
        (["--bandwidth", "5"], "did you mean 5MB?"),
        (["--bandwidth", "500"], "did you mean 500MB?"),
        (["--min-free", "10"], "did you mean 10GB?"),
    ] {
        let done = program.run(&flags).says(2, meant);
        assert!(done.err.contains(flags[0]), "{}", done.err);
    }
    let done = finish(program.run_command(&[]).env("IBINDER_BANDWIDTH", "5")).says(2, "did you mean 5MB?");
    assert!(done.err.contains("IBINDER_BANDWIDTH"), "{}", done.err);
    let config = program.beside("c.toml");
    fs::write(&config, "bandwidth = 5\n").unwrap();
    program.run(&["--config", config.to_str().unwrap()]).says(2, "did you mean 5MB?");
    finish(program.command(&["verify", "--bandwidth", "5", "--dest"]).arg(&program.dest)).says(2, "did you mean 5MB?");
    for flags in [["--bandwidth", "5000000"], ["--bandwidth", "50000B"], ["--min-free", "0"], ["--min-free", "7B"]] {
        program.run(&flags).expect(0);
    }
}

#[test]
fn windows_line_ends_are_not_part_of_a_setting() {
    let program = Program::mirrored(1);
    let mut run = program.command(&["run"]);
    run.envs(program.sandbox.environment().into_iter().map(|(name, value)| (name, format!("{value}\r"))));
    run.env("IBINDER_RATE", "0\r").env("IBINDER_CONFIG", "/dev/null\r").arg("--dest").arg(&program.dest);
    finish(&mut run).expect(0);
    // A path may really end in one, so it can't be repaired.
    let mut run = program.command(&["run"]);
    let done = finish(run.env("IBINDER_DEST", format!("{}\r", program.dest.display()))).says(2, "line ends of Unix");
    assert!(done.err.contains("IBINDER_DEST"), "{}", done.err);
    let names = fs::read_dir(program.beside("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["mirror"], "no folder with a carriage return");
    let mut script = program.command(&["run", "--rate", "0", "--dest"]);
    finish(script.arg(format!("{}\r", program.dest.display()))).says(2, "carriage return");
    finish(program.run_command(&[]).env("IBINDER_CLIENT_ID", "a\nb")).says(2, "IBINDER_CLIENT_ID");
}

#[test]
fn an_invalid_secret_is_never_sent() {
    let program = Program::with_documents(1);
    let file = program.beside("secret");
    let secret =
        program.sandbox.environment().into_iter().find(|(name, _)| *name == "IBINDER_CLIENT_SECRET").unwrap().1;
    for (text, code) in [
        (format!("\u{feff}{secret}\r\n"), 0),
        (format!("{secret}\r"), 0),
        (format!("{secret}\nsecond\n"), 2),
        (format!("{secret}\u{1a}"), 2),
    ] {
        fs::write(&file, &text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let before = program.sandbox.count(Route::Token);
        let mut run = program.run_command(&[]);
        let done = finish(run.env("IBINDER_CLIENT_SECRET", "").env("IBINDER_CLIENT_SECRET_FILE", &file)).expect(code);
        assert!(!done.err.contains(&secret), "{}", done.err);
        if code == 2 {
            assert!(done.err.contains(file.to_str().unwrap()), "{}", done.err);
            assert_eq!(program.sandbox.count(Route::Token), before, "{text:?}");
        }
    }
}
