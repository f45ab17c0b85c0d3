//! Which layer wins, and that every flag has its row.

use std::collections::BTreeSet;

use super::*;
use crate::cli;

/// Flags of `run` that make no sense in a file.
const OF_ONE_RUN: &[&str] = &["dry-run", "json", "help"];

fn command(name: &str) -> Command {
    let mut command = Cli::command();
    command.build();
    name.split(' ').fold(command, |command, name| command.find_subcommand(name).unwrap().clone())
}

#[test]
fn each_row_is_the_flag_of_its_commands() {
    for key in KEYS {
        for name in key.commands.iter().filter(|_| key.flag.is_some()) {
            let command = command(name);
            let argument = command.get_arguments().find(|argument| argument.get_long() == key.flag);
            let argument = argument.unwrap_or_else(|| panic!("{name} has no --{}", key.flag.unwrap()));
            assert_eq!(argument.get_help().unwrap().to_string(), key.help, "{}", key.name);
        }
    }
}

#[test]
fn every_command_that_has_a_destination_takes_it_from_the_settings() {
    let mut root = Cli::command();
    root.build();
    let dest = Key::of_flag("dest").unwrap();
    for command in root.get_subcommands().filter(|command| command.get_name() != "demo") {
        let has = command.get_arguments().any(|argument| argument.get_long() == dest.flag);
        assert_eq!(dest.is_for(command.get_name()), has, "{}", command.get_name());
    }
}

#[test]
fn every_flag_of_run_has_a_row() {
    let global: BTreeSet<_> = Cli::command().get_arguments().filter_map(|a| a.get_long().map(str::to_owned)).collect();
    let run = command("run");
    let flags = run.get_arguments().filter_map(Arg::get_long);
    for flag in flags.filter(|flag| !OF_ONE_RUN.contains(flag) && !global.contains(*flag)) {
        let key = Key::of_flag(flag).unwrap_or_else(|| panic!("--{flag} has no row in config::KEYS"));
        assert!(key.is_for("run"), "{flag}");
    }
}

#[test]
fn every_command_of_a_mirror_takes_its_place_from_the_file() {
    let dest = Key::of_flag("dest").unwrap();
    let has_dest = |command: &&Command| command.get_arguments().any(|argument| argument.get_long() == Some("dest"));
    let mut program = Cli::command();
    program.build();
    let names: Vec<_> = program.get_subcommands().filter(has_dest).map(Command::get_name).collect();
    assert!(names.len() > 10);
    for name in names {
        assert_eq!(dest.is_for(name), name != "demo", "{name}");
    }
}

#[test]
fn every_example_is_taken() {
    for key in KEYS.iter().filter(|key| key.flag.is_some()) {
        let example = key.example.trim_matches(['[', ']', '"']);
        let cli = parsed(&["run"], &[(key.variable, example), ("IBINDER_DEST", "/a")]);
        assert!(cli.is_ok(), "{} = {example}: {:?}", key.name, cli.unwrap_err());
    }
}

fn parsed(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Cli, String> {
    let arguments = ["ibinder-sync"].iter().chain(arguments).map(OsString::from).collect();
    let get = |name: &str| match name {
        "IBINDER_CONFIG" => Some("/dev/null".into()),
        _ => variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v)),
    };
    parse(arguments, &get).map(|(cli, _)| cli).map_err(|refusal| match refusal {
        Refusal::Usage(error) => error.to_string(),
        Refusal::Config(error) => error.to_string(),
    })
}

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Result<cli::Run, String> {
    match parsed(arguments, variables)?.command {
        cli::Command::Run(run) => Ok(run),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_flag_wins_over_a_variable() {
    let variables =
        [("IBINDER_DEST", "/env"), ("IBINDER_EXISTING", "true"), ("IBINDER_BINDER", "a;b"), ("IBINDER_RATE", "7")];
    let plain = run(&["run"], &variables).unwrap();
    assert_eq!(plain.destination.dest.to_str(), Some("/env"));
    assert!(plain.selection.existing);
    assert_eq!(plain.selection.binders, ["a", "b"]);
    let flags = ["run", "--dest", "/flag", "--existing=false", "--binder", "c"];
    let told = run(&flags, &variables).unwrap();
    assert_eq!(told.destination.dest.to_str(), Some("/flag"));
    assert!(!told.selection.existing);
    assert_eq!(told.selection.binders, ["c"]);
    assert!(run(&["run", "--dest", "/a", "--existing"], &[]).unwrap().selection.existing);
    assert!(!run(&["run", "--dest", "/a"], &[]).unwrap().selection.existing);
}

#[test]
fn it_does_not_matter_where_the_command_stands() {
    let variables = [("IBINDER_DEST", "/env"), ("IBINDER_MIN_FREE", "-1")];
    for arguments in [&["-v", "run"][..], &["--log-format", "json", "run"], &["--log-format=json", "-vv", "run", "-v"]]
    {
        assert_eq!(run(arguments, &variables[..1]).unwrap().destination.dest.to_str(), Some("/env"), "{arguments:?}");
    }
    // A value that looks like a flag is none.
    assert!(run(&["run"], &variables).unwrap_err().starts_with("IBINDER_MIN_FREE can't be used: \"-1\""));
    // The name of a profile may be that of a command.
    assert!(parsed(&["--profile", "run", "run"], &variables).unwrap_err().contains("no profile \"run\""));
    for arguments in [
        &["binders"][..],
        &["binders", "list"],
        &["binders", "forget", "list"],
        &["with-lock", "--", "run", "--dest", "/x"],
        &["restore", "--at", "7d", "--to", "run", "run"],
    ] {
        let cli = parsed(arguments, &variables).unwrap();
        assert!(format!("{cli:?}").contains("dest: ") && format!("{cli:?}").contains("\"/env\""), "{cli:?}");
    }
}

#[test]
fn a_command_takes_what_its_row_says_and_nothing_else() {
    let variables = [("IBINDER_DEST", "/env"), ("IBINDER_BANDWIDTH", "5MB"), ("IBINDER_RATE", "5")];
    let cli::Command::Verify(verify) = parsed(&["verify"], &variables).unwrap().command else { panic!() };
    assert!(verify.bandwidth.is_none() && verify.pacing.rate.is_some());
    assert!(run(&["run"], &variables).unwrap().selection.bandwidth.is_some());
    // The demo must not fill the mirror that is configured.
    #[cfg(feature = "sandbox")]
    assert!(parsed(&["demo"], &variables).unwrap_err().contains("--dest"));
}

#[test]
fn one_of_a_group_shuts_the_other_out() {
    let variables = [("IBINDER_DEST", "/env")];
    let status = |arguments: &[&str], variables: &[(&str, &str)]| match parsed(arguments, variables)?.command {
        cli::Command::Status(status) => Ok::<_, String>((status.dest.is_some(), status.from.is_some())),
        other => panic!("{other:?}"),
    };
    assert_eq!(status(&["status"], &variables), Ok((true, false)));
    assert_eq!(status(&["status", "--from", "x"], &variables), Ok((false, true)));
    // A file that can't be read is then none of its business.
    assert_eq!(status(&["status", "--from", "x", "--config", "/nowhere"], &variables), Ok((false, true)));
    assert!(status(&["status", "--config", "/nowhere"], &variables).is_err());
    assert!(status(&["status"], &[]).unwrap_err().contains("--from"));
}

#[test]
fn a_bad_value_is_told_with_its_place() {
    let dest = ("IBINDER_DEST", "/env");
    #[rustfmt::skip]
    let table = [
        ("IBINDER_MAX_DURATION", "soon",  "IBINDER_MAX_DURATION can't be used: \"soon\" is not a length of time, such as 90s, 30m or 8h"),
        ("IBINDER_CONCURRENCY",  "many",  "IBINDER_CONCURRENCY can't be used: it is a number, such as 8"),
        ("IBINDER_LOG_FORMAT",   "xml",   "IBINDER_LOG_FORMAT can't be used: it is one of text, json"),
        ("IBINDER_EXISTING",     "maybe", "IBINDER_EXISTING can't be used: it is true or false"),
    ];
    for (name, value, error) in table {
        assert_eq!(run(&["run"], &[dest, (name, value)]).unwrap_err(), error);
    }
    let error = run(&["run", "--max-duration", "soon"], &[dest]).unwrap_err();
    assert!(error.contains("'--max-duration <TIME>'"), "{error}");
    let error = run(&["run"], &[]).unwrap_err();
    assert!(error.starts_with("dest is not set; give --dest, or set IBINDER_DEST, or write dest ="), "{error}");
}
