//! Which layer wins, which commands take which settings, and that a setting is declared once.

use std::{fs, path::Path};

use super::*;
use crate::{
    cli,
    config::{Settings, Shown, Value, sample, schema},
};

/// Flags of `run` that make no sense in a file.
const OF_ONE_RUN: &[&str] = &["dry-run", "first", "json", "help", "all", "jobs"];

fn commands() -> Command {
    let mut command = command();
    command.build();
    command
}

#[test]
fn each_flag_of_a_run_is_a_setting() {
    let global: Vec<_> = Cli::command().get_arguments().filter_map(Arg::get_long).map(str::to_owned).collect();
    let program = commands();
    let run = program.find_subcommand("run").unwrap();
    let flags: Vec<&str> = run.get_arguments().filter_map(Arg::get_long).collect();
    for key in KEYS.iter().filter(|key| key.is_for("run")) {
        assert_eq!(key.flag().is_some_and(|flag| flags.contains(&&*flag)), key.flag().is_some(), "{}", key.name);
    }
    for flag in flags.iter().filter(|flag| !OF_ONE_RUN.contains(flag) && !global.iter().any(|other| other == *flag)) {
        assert!(KEYS.iter().any(|key| key.flag().as_deref() == Some(*flag)), "--{flag} is not in config::KEYS");
    }
}

/// A command that is not named in the declaration would have no destination.
#[test]
fn every_command_of_a_mirror_has_a_destination() {
    let without = ["config", "sandbox", "completions", "man", "help"];
    for command in commands().get_subcommands().filter(|command| !without.contains(&command.get_name())) {
        let has = command.get_arguments().any(|argument| argument.get_long() == Some("dest"));
        assert!(has, "{}", command.get_name());
        assert_eq!(Key::named("dest").unwrap().is_for(command.get_name()), command.get_name() != "demo");
    }
}

fn parsed(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Invocation, String> {
    let arguments = ["ibinder-sync"].iter().chain(arguments).map(OsString::from).collect::<Vec<_>>();
    let get = |name: &str| match name {
        "IBINDER_CONFIG" => Some("/dev/null".into()),
        _ => variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v)),
    };
    parse(&arguments, &get).map_err(|refusal| refusal.to_string())
}

fn settings(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Settings, String> {
    let Invocation { name, sources, .. } = parsed(arguments, variables)?;
    let (settings, wrong) = Settings::read(&sources, &name);
    config::Error::none(wrong).map(|()| settings).map_err(|error| error.to_string())
}

fn dest(arguments: &[&str], variables: &[(&str, &str)]) -> Option<String> {
    Some(settings(arguments, variables).unwrap().dest?.to_str()?.to_owned())
}

#[test]
fn a_flag_wins_over_a_variable() {
    let variables =
        [("IBINDER_DEST", "/env"), ("IBINDER_EXISTING", "true"), ("IBINDER_BINDER", "a;b"), ("IBINDER_RATE", "7")];
    let plain = settings(&["run"], &variables).unwrap();
    assert_eq!(plain.dest.unwrap().to_str(), Some("/env"));
    assert!(plain.existing);
    assert_eq!(plain.binder, ["a", "b"]);
    let flags = ["run", "--dest", "/flag", "--existing=false", "--binder", "c", "--binder=d;e"];
    let given = settings(&flags, &variables).unwrap();
    assert_eq!(given.dest.unwrap().to_str(), Some("/flag"));
    assert!(!given.existing);
    assert_eq!(given.binder, ["c", "d;e"]);
    assert!(settings(&["run", "--existing"], &[]).unwrap().existing);
    assert!(!settings(&["run"], &[]).unwrap().existing);
}

#[test]
fn global_flags_may_come_before_or_after_the_command() {
    let variables = [("IBINDER_DEST", "/env"), ("IBINDER_MIN_FREE", "-1")];
    for arguments in [
        &["-v", "run"][..],
        &["--log-format", "json", "run"],
        &["--log-format=json", "-vv", "run", "-v"],
        &["binders"],
        &["binders", "list"],
        &["binders", "forget", "list"],
        &["with-lock", "--", "run", "--dest", "/x"],
        &["restore", "--at", "7d", "--to", "run", "run"],
    ] {
        assert_eq!(dest(arguments, &variables[..1]).as_deref(), Some("/env"), "{arguments:?}");
    }
    for arguments in [&["binders", "forget", "x", "--dest", "/flag"], &["binders", "--dest", "/flag", "forget", "x"]] {
        assert_eq!(dest(arguments, &variables).as_deref(), Some("/flag"), "{arguments:?}");
    }
    // A value that looks like a flag is none.
    assert!(settings(&["run"], &variables).unwrap_err().starts_with("IBINDER_MIN_FREE can't be used: \"-1\""));
    // The name of a profile may be that of a command.
    assert!(parsed(&["--profile", "run", "run"], &variables).unwrap_err().contains("no profile \"run\""));
}

#[test]
fn a_command_takes_what_is_declared_for_it_and_nothing_else() {
    let variables = [("IBINDER_DEST", "/env"), ("IBINDER_BANDWIDTH", "5MB"), ("IBINDER_RATE", "5")];
    let of = |arguments: &[&str]| {
        let settings = settings(arguments, &variables).unwrap();
        (settings.bandwidth.is_some(), settings.rate == config::RateSetting::Auto)
    };
    assert_eq!(of(&["run"]), (true, false));
    assert_eq!(of(&["ls"]), (false, true));
    // `verify --bandwidth` limits reading from the disk.
    assert_eq!(of(&["verify"]), (false, false));
    assert_eq!(of(&["verify", "--bandwidth", "1MB"]), (false, false));
    // The demo must not fill the mirror that is configured.
    #[cfg(feature = "sandbox")]
    assert!(parsed(&["demo"], &variables).unwrap_err().contains("--dest"));
    // A flag of all commands counts for each, a variable only where it is declared.
    let is_json = |arguments: &[&str], variables: &[(&str, &str)]| {
        settings(arguments, variables).unwrap().log_format == config::LogFormat::Json
    };
    let variable = [("IBINDER_LOG_FORMAT", "json")];
    assert!(is_json(&["ls", "--log-format", "json"], &[]) && is_json(&["run"], &variable));
    assert!(!is_json(&["ls"], &variable));
}

#[test]
fn a_status_is_that_of_a_mirror_or_of_a_file() {
    let variables = [("IBINDER_DEST", "/env")];
    let from = |arguments: &[&str]| match parsed(arguments, &variables)?.cli.command {
        cli::Command::Status(status) => Ok::<_, String>(status.from.is_some()),
        other => panic!("{other:?}"),
    };
    assert_eq!(from(&["status"]), Ok(false));
    // It then reads no configuration file, not even an unreadable one.
    assert_eq!(from(&["status", "--from", "x", "--config", "/nowhere"]), Ok(true));
    assert!(from(&["status", "--config", "/nowhere"]).is_err());
    assert!(from(&["status", "--from", "x", "--dest", "/a"]).unwrap_err().contains("cannot be used with"));
}

#[test]
fn a_bad_value_is_reported_with_its_place() {
    #[rustfmt::skip]
    let table = [
        ("max_duration", "soon",  "\"soon\" is not a length of time, such as 90s, 30m or 8h"),
        ("concurrency",  "many",  "it is a number from 1 to 256"),
        ("existing",     "maybe", "it is true or false"),
        ("rate",         "-1",    "\"-1\" is not a rate: write auto, or a number of requests per second such as 10, or 0 for no limit"),
    ];
    for (name, value, why) in table {
        let key = Key::named(name).unwrap();
        let error = settings(&["run"], &[(&key.variable(), value)]).unwrap_err();
        assert_eq!(error, format!("{} can't be used: {why}", key.variable()));
        let flag = format!("--{}", key.flag().unwrap());
        let error = settings(&["run", &format!("{flag}={value}")], &[]).unwrap_err();
        assert_eq!(error, format!("{flag} can't be used: {why}"));
    }
    let error = settings(&["run"], &[("IBINDER_LOG_FORMAT", "xml")]).unwrap_err();
    assert_eq!(error, "IBINDER_LOG_FORMAT can't be used: it is one of text, json");
    assert!(parsed(&["run", "--log-format", "xml"], &[]).unwrap_err().contains("[possible values: text, json]"));
}

#[test]
fn a_command_is_known_by_its_name_whatever_else_is_wrong() {
    let name = |line: &str| command_name(format!("ibinder-sync {line}").split(' ').map(OsString::from).collect());
    for line in ["status --nonsense", "--profile run status --max-age soon", "status --log-format xml"] {
        assert_eq!(name(line).as_deref(), Some("status"), "{line}");
    }
    assert_eq!(name("--profile status run").as_deref(), Some("run"));
}

#[test]
fn flags_are_shown_as_they_were_given() {
    let location = ConfigLocation { config: Some("/dev/null".into()), profile: None };
    let sources = show(&location, vec!["--rate".into(), "5".into()], &|_| None).unwrap();
    let Value { values, origin, .. } = sources.get("rate").unwrap();
    assert_eq!((&values[..], origin), (&["5".into()][..], &config::Origin::Flag));
}

/// `docs/configuration.md` has every setting, in this order.
#[test]
fn the_page_has_every_setting() {
    let row = |key: &Key| {
        let flag = key.flag().map(|flag| format!("`--{flag}`")).unwrap_or_default();
        let example = key.example().map(|example| format!("`{example}`")).unwrap_or_default();
        let commands = if key.commands.len() > 5 { "all of a mirror".to_owned() } else { key.commands.join(", ") };
        let (name, variable, help) = (key.in_file(), key.variable(), key.full_help());
        format!("| `{name}` | {example} | {flag} | `{variable}` | {commands} | {help} |\n")
    };
    let table: String = KEYS.iter().map(row).collect();
    let page = include_str!("../../docs/configuration.md");
    assert!(page.contains(&table), "docs/configuration.md should have these rows:\n{table}");
}

/// One declaration gives the flag, the variable, the key, `config show`, the sample, the schema and the table.
#[test]
fn a_declaration_is_all_that_a_setting_needs() {
    let mut program = commands();
    program.build();
    let has_flag = |command: &str, flag: &str| {
        program.find_subcommand(command).unwrap().get_arguments().any(|argument| argument.get_long() == Some(flag))
    };
    let page = include_str!("../../docs/configuration.md");
    let (schema, sample) = (schema(), sample());
    let shown = |sources: &Sources| Shown::of(&Settings::read(sources, "run").0, sources).text(true);
    for key in KEYS {
        let (name, variable, is_secret) = (key.name, key.variable(), key.kind == Kind::Secret);
        for command in key.commands.iter().filter(|_| key.flag().is_some()) {
            assert!(has_flag(command, &key.flag().unwrap()), "{command} has no flag for {name}");
        }
        let example = key.example().map_or("x".to_owned(), |value| value.to_string());
        let text = OsString::from(example.trim_matches(['[', ']', '"']));
        let of_variable = Sources::of_environment(&|asked| (asked == variable).then(|| text.clone())).unwrap();
        assert!(of_variable.get(name).is_some(), "{variable} is not read");
        assert_eq!(Settings::read(&of_variable, key.commands[0]).1.len(), 0, "{name} = {example}");
        assert!(shown(&of_variable).contains(&variable), "config show lacks {name}");
        let in_file = key.in_file();
        assert_eq!(sample.contains(&format!("\n#{in_file} = ")), !is_secret, "config init: {name}");
        let described = format!("/properties/{}/description", in_file.replace('.', "/properties/"));
        assert_eq!(schema.pointer(&described).is_some(), !is_secret, "config schema: {name}");
        assert!(page.contains(&format!("\n| `{in_file}` |")), "docs/configuration.md lacks {name}");
        assert!(key.help().len() > 10 && !key.help().contains("  "), "{name}: {}", key.help());
    }
}

/// Names of settings that are also something else, and what.
const ALSO: &[(&str, &str)] = &[
    ("organisation", "a row of the state; an error of the state names the variable"),
    ("client_id", "a field of a request for a token"),
    ("client_secret", "a field of a request for a token; a credential of systemd; a variable that no command inherits"),
    ("client_secret_command", "a variable that no command inherits"),
    ("mail_password", "a credential of systemd; a way to the password; a variable that no command inherits"),
    ("mail_password_command", "a variable that no command inherits"),
    ("dest", "the head of the sample explains variables"),
    ("binder", "iBinder's word, in sentences and in the catalogue"),
    ("exclude_binder", "a key of the report, which shows the filters as flags"),
    ("include", "a key of the report, which shows the filters as flags"),
    ("exclude", "a key of the report, which shows the filters as flags"),
    ("catalogue", "a command of the same name; a row of the state"),
    ("replicate", "a command of the same name"),
    ("rate", "a row of the state; the head of the sample explains variables"),
];

/// The name of a setting is in its declaration, and then only where its value is used.
#[test]
fn a_setting_is_named_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    collect(&root, &mut sources);
    let declarations = include_str!("../config/settings.rs");
    for key in KEYS {
        let quoted = |name: &str| format!("\"{name}\"");
        let names = [Some(quoted(key.name)), key.flag().map(|flag| quoted(&flag)), Some(key.variable())];
        let found = names.iter().flatten().flat_map(|name| sources.iter().filter(move |(_, code)| code.contains(name)));
        let found: Vec<_> = found.map(|(file, _)| file).collect();
        let also = ALSO.iter().any(|(name, _)| *name == key.name);
        assert_eq!(!found.is_empty(), also, "{} is named in {found:?}", key.name);

        let (_, declaration) = declarations.split_once(&format!("\n    {}: ", key.name)).unwrap();
        let (declaration, _) = declaration.split_once(";\n").unwrap();
        let fields = declaration.split("=> ").skip(1).filter_map(|to| to.trim().split_once('.'));
        let fields: Vec<&str> = fields.map(|(_, field)| field).collect();
        for field in if fields.is_empty() { vec![key.name] } else { fields } {
            let uses = [format!("ettings.{field}"), format!("ptions.{field}"), format!("self.{field}")];
            let is_used = sources.iter().any(|(_, code)| uses.iter().any(|text| code.contains(text)));
            assert!(is_used, "{} is declared and not used", key.name);
        }
    }
}

/// Sources without their tests, and without the declaration.
fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        // The sandbox shares nothing with its client, not even a name.
        if path.is_dir() && !path.ends_with("sandbox") {
            collect(&path, found);
        } else if path.is_file() && !["_tests.rs", "config/settings.rs"].iter().any(|end| name.ends_with(end)) {
            let text = fs::read_to_string(&path).unwrap();
            found.push((name, text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()));
        }
    }
}

/// An example that wraps can't be pasted.
#[test]
fn examples_fit_into_80_columns() {
    fn check(mut command: Command) {
        let name = command.get_name().to_owned();
        let text = command.clone().term_width(80).render_long_help().to_string();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in help.lines().filter(|line| line.starts_with("  ")) {
            assert!(text.lines().any(|shown| shown == line), "{name}: {line:?} wraps in {text}");
        }
        command.build();
        command.get_subcommands().cloned().for_each(check);
    }
    check(command());
}

#[test]
fn a_command_without_dashes_is_told_where_they_belong() {
    let told = |line: &[&str]| {
        let line = line.iter().map(OsString::from).collect::<Vec<_>>();
        parse(&line, &|_| None).unwrap_err().to_string()
    };
    for (line, words) in [
        (&["ibinder-sync", "with-lock", "ls"][..], "`ibinder-sync with-lock -- ls`"),
        (
            &["ibinder-sync", "with-lock", "--dest", "/a b", "rsync", "-a", "/x"],
            "`ibinder-sync with-lock --dest '/a b' -- rsync -a /x`",
        ),
        (&["ibinder-sync", "with-lock"], "ibinder-sync with-lock -- <COMMAND>..."),
        (&["ibinder-sync", "with-lock", "--dset", "/x"], "'--dset'"),
        (&["ibinder-sync", "binders", "lits"], "'lits'"),
    ] {
        let told = told(line);
        assert!(told.contains(words), "{words} is not in: {told}");
    }
}
