//! What the units, cron and Kubernetes start, and the profiles that the guide and Kubernetes show.

use std::{fs, path::Path};

use crate::program::{Done, Program, finish};

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What stands between two lines.
fn between<'t>(text: &'t str, first: &str, last: &str) -> &'t str {
    text.split_once(first).and_then(|(_, rest)| rest.split_once(last)).unwrap().0
}

/// A profile of the guide or of Kubernetes, written to a file, for a service and a place of ours.
fn run(program: &Program, profile: &str, arguments: &[&str]) -> Done {
    let config = program.beside("config.toml");
    let lines: Vec<&str> = profile.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    fs::write(&config, lines.join("\n")).unwrap();
    let mut command = program.command(arguments);
    command.env("IBINDER_CONFIG", &config).env("IBINDER_DEST", &program.dest).env("IBINDER_RATE", "0");
    finish(command.env("IBINDER_STATUS_FILE", program.beside("status.json")))
}

#[test]
fn what_is_started_every_night_is_a_command_of_the_program() {
    let unit = text("packaging/systemd/ibinder-sync@.service").replace("%i", "eken");
    let night = between(&unit, "\nExecStart=/usr/bin/ibinder-sync ", "\n");
    let cron = text("packaging/cron/ibinder-sync");
    let line = cron.lines().last().unwrap().split_once("exec ibinder-sync ").unwrap().1;
    let kubernetes = text("packaging/kubernetes/cronjob.yaml");
    let job = between(&kubernetes, " args: [", "]").replace("--config, /etc/ibinder-sync/config.toml, ", "");
    let job: Vec<&str> = job.split(", ").collect();
    let guide = text("docs/install.md");
    let profiles = [between(&guide, "```toml\n", "```"), between(&kubernetes, "config.toml: |\n", "---")];
    for profile in profiles {
        let program = Program::with_documents(3);
        for arguments in [night.split(' ').collect(), line.split(' ').collect(), job.clone()] {
            assert!(arguments.contains(&"--profile") && arguments.contains(&"eken"), "{arguments:?}");
            run(&program, profile, &arguments).says(2, "is the disk mounted?");
        }
        run(&program, profile, &["--profile", "eken", "run", "--existing=false"]).expect(0);
        for arguments in [night.split(' ').collect(), line.split(' ').collect(), job.clone()] {
            run(&program, profile, &arguments).expect(0);
        }
    }
}
