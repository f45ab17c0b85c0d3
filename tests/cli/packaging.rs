//! The commands of the units, cron and Kubernetes, and the profiles in the guide and for Kubernetes.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use crate::program::{Done, Program, finish};

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The text between two lines.
fn between<'t>(text: &'t str, first: &str, last: &str) -> &'t str {
    text.split_once(first).and_then(|(_, rest)| rest.split_once(last)).unwrap().0
}

/// Writes a profile of the guide or of Kubernetes to a file, for a test service and folder.
fn run(program: &Program, profile: &str, arguments: &[&str]) -> Done {
    let config = program.beside("config.toml");
    let lines: Vec<&str> = profile.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    fs::write(&config, lines.join("\n")).unwrap();
    let mut command = program.command(arguments);
    command.env("IBINDER_CONFIG", &config).env("IBINDER_DEST", &program.dest).env("IBINDER_RATE", "0");
    finish(command.env("IBINDER_STATUS_FILE", program.beside("status.json")))
}

#[test]
fn scheduled_commands_exist() {
    let unit = text("packaging/systemd/ibinder-sync@.service").replace("%i", "eken");
    let night = between(&unit, "\nExecStart=/usr/bin/ibinder-sync ", "\n");
    let cron = text("packaging/cron/ibinder-sync");
    let line = cron.lines().last().unwrap().split_once("exec ibinder-sync ").unwrap().1;
    let kubernetes = text("packaging/kubernetes/cronjob.yaml");
    let job = between(&kubernetes, " args: [", "]").replace("--config, /etc/ibinder-sync/config.toml, ", "");
    let job: Vec<&str> = job.split(", ").collect();
    let guide = text("docs/guide.md");
    let profiles = [between(&guide, "```toml\n", "```"), between(&kubernetes, "config.toml: |\n", "---")];
    for profile in profiles {
        let program = Program::with_documents(3);
        for arguments in [night.split(' ').collect(), line.split(' ').collect(), job.clone()] {
            assert!(arguments.contains(&"--profile") && arguments.contains(&"eken"), "{arguments:?}");
            run(&program, profile, &arguments).says(2, "is the disk mounted?");
        }
        run(&program, profile, &["--profile", "eken", "run", "--first"]).expect(0);
        for arguments in [night.split(' ').collect(), line.split(' ').collect(), job.clone()] {
            run(&program, profile, &arguments).expect(0);
        }
    }
}

/// Runs the package's purge script on a machine below a folder.
fn purge(machine: &Path) {
    let at = |folder: &str| format!(" {}/{folder}/", machine.display());
    let script = ["etc", "var", "run"]
        .iter()
        .fold(text("packaging/debian/postrm"), |script, folder| script.replace(&format!(" /{folder}/"), &at(folder)));
    let places = script.replace(&machine.display().to_string(), "").replace("#!/bin/sh", "");
    assert!(!["'/", "\"/", "=/", "(/"].iter().any(|place| places.contains(place)), "{places}");
    let path = machine.join("postrm");
    fs::write(&path, script).unwrap();
    let done = Command::new("sh").arg(&path).arg("purge").output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn purging_the_package_deletes_statuses_and_no_mirror() {
    let machine = tempfile::tempdir().unwrap();
    let status = machine.path().join("var/lib/ibinder-sync/status");
    let own = ["eken.json", ".ibinder-sync-aB3x.tmp"];
    let made = |files: &[&str]| {
        fs::create_dir_all(&status).unwrap();
        for name in files {
            fs::write(status.join(name), "{}").unwrap();
        }
    };
    made(&own);
    purge(machine.path());
    assert!(!machine.path().join("var/lib/ibinder-sync").exists());
    // A foreign file.
    made(&[&own[..], &["told"]].concat());
    purge(machine.path());
    let left: Vec<_> = fs::read_dir(&status).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["told"]);
    // A mirror with that name.
    let program = Program::mirrored(2);
    fs::remove_dir_all(&status).unwrap();
    fs::rename(&program.dest, &status).unwrap();
    fs::write(status.join("eken.json"), "a document").unwrap();
    purge(machine.path());
    assert!(status.join("eken.json").is_file() && status.join("Brf Eken/0.txt").is_file());
    // A link with that name.
    fs::rename(&status, &program.dest).unwrap();
    symlink(&program.dest, &status).unwrap();
    purge(machine.path());
    assert!(program.dest.join(".ibinder-sync/state.db").is_file() && status.is_symlink());
}

#[test]
fn no_profile_has_the_name_of_the_folder_of_statuses() {
    for profile in ["status", "../x", ".x", "-x"] {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/debian/ibinder-sync-as");
        let done = Command::new("sh").arg(script).args([profile, "--version"]).output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!((done.status.code(), said), (Some(2), format!("error: {profile} is no name of a profile\n")));
    }
}
