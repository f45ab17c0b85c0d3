//! Flags over the environment over the configuration file: what the latter two say is given to
//! clap like flags, where the command line has not got the flag. So every flag that has a row in
//! `config::KEYS` works from the file, is checked in one place, and wins where it is given.

use std::ffi::{OsStr, OsString};

use clap::{
    Arg, ArgAction, ArgMatches, Command, CommandFactory as _, FromArgMatches as _,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use super::{Cli, Place};
use crate::config::{self, Environment, KEYS, Key, Kind, Origin, Setting, Settings};

/// Why the program can't begin.
#[derive(Debug)]
pub enum Refusal {
    /// The command line; also what `--help` and `--version` print.
    Usage(clap::Error),
    /// The file or the environment.
    Config(config::Error),
}

impl From<config::Error> for Refusal {
    fn from(error: config::Error) -> Self {
        Self::Config(error)
    }
}

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

/// Reads the command line, the environment and the file.
pub fn parse(arguments: Vec<OsString>, environment: Environment<'_>) -> Result<(Cli, Settings), Refusal> {
    no_line_ends(&arguments)?;
    let (arguments, settings) = supplied(arguments, environment)?;
    let matches = Cli::command().try_get_matches_from(arguments).map_err(|error| explained(error, &settings))?;
    config::check_ambient(environment)?;
    Ok((Cli::from_arg_matches(&matches)?, settings))
}

/// Refuses an argument that ends in a carriage return: a script with the line ends of Windows puts one behind the last
/// argument of each line, and a folder would be made whose name ends in it.
fn no_line_ends(arguments: &[OsString]) -> Result<(), Refusal> {
    let own = arguments.iter().take_while(|argument| *argument != "--");
    match own.map(|argument| argument.to_string_lossy()).find(|argument| argument.ends_with('\r')) {
        None => Ok(()),
        Some(argument) => {
            let why = "it ends in a carriage return; save the script that has it with the line ends of Unix";
            Err(config::Error::Bad { name: format!("{argument:?}").into(), why: why.to_owned() }.into())
        }
    }
}

/// What counts for `run` with these flags, whether or not it is all that a run needs.
pub fn show(place: &Place, flags: Vec<OsString>, environment: Environment<'_>) -> Result<Settings, Refusal> {
    let mut arguments = vec![OsString::from("ibinder-sync")];
    arguments.extend(place.config.iter().flat_map(|file| [OsString::from("--config"), file.into()]));
    arguments.extend(place.profile.iter().flat_map(|name| [OsString::from("--profile"), name.into()]));
    arguments.push("run".into());
    arguments.extend(flags);
    let (mut arguments, settings) = supplied(arguments, environment)?;
    if settings.get("dest").is_none() {
        arguments.extend(["--dest".into(), ".".into()]);
    }
    let matches = Cli::command().try_get_matches_from(arguments).map_err(|error| explained(error, &settings))?;
    if let super::Command::Run(run) = Cli::from_arg_matches(&matches)?.command {
        config::check(&run.given(), &settings)?;
    }
    Ok(settings)
}

/// The command line with what the environment and the file say besides.
fn supplied(mut arguments: Vec<OsString>, environment: Environment<'_>) -> Result<(Vec<OsString>, Settings), Refusal> {
    let full = Cli::command();
    // What the command line alone says, with nothing required that a file may say.
    let told = relaxed(full.clone()).try_get_matches_from(&arguments)?;
    let Some(path) = configured(command_path(&told)) else { return Ok((arguments, Settings::default())) };
    let name = path.join(" ");
    let keys = || KEYS.iter().filter(|key| key.is_for(&name));
    let mut flags: Vec<_> = keys().filter_map(|key| flag(&full, &path, key)).collect();
    flags.retain(|(_, argument)| !is_shut_out(&full, &path, argument, &told));
    let mut settings = if flags.is_empty() && keys().all(|key| key.flag.is_some()) {
        // Nothing can come from the file: whoever may not read it can still ask.
        Settings::default()
    } else {
        let place = Place::from_arg_matches(&told)?;
        Settings::load(place.config.as_deref(), place.profile.as_deref(), environment)?
    };
    for (key, argument) in &flags {
        if let Some(values) = given(&told, argument.get_id().as_str()) {
            settings.put_flag(key, values);
        }
    }
    let supplied = flags.iter().filter_map(|(key, argument)| Some((settings.get(key.name)?, argument)));
    let supplied: Vec<_> = supplied.flat_map(|(setting, argument)| as_arguments(setting, argument)).collect();
    let at = position(&arguments, &full, &path);
    arguments.splice(at..at, supplied);
    Ok((arguments, settings))
}

/// The names of the command and its subcommands.
fn command_path(matches: &ArgMatches) -> Vec<String> {
    let (mut path, mut matches) = (Vec::new(), matches);
    while let Some((name, inner)) = matches.subcommand() {
        path.push(name.to_owned());
        matches = inner;
    }
    path
}

/// The command that the table names: `binders` of `binders forget`. None for a command that takes no setting.
fn configured(mut path: Vec<String>) -> Option<Vec<String>> {
    while !path.is_empty() {
        let name = path.join(" ");
        if KEYS.iter().any(|key| key.is_for(&name)) {
            return Some(path);
        }
        path.pop();
    }
    None
}

/// A command line in which nothing is required that has a row. The demo has a destination of its own.
pub(super) fn relaxed(mut command: Command) -> Command {
    let of_table = |argument: &&Arg| argument.get_long().and_then(Key::of_flag).is_some();
    let ids: Vec<_> = command.get_arguments().filter(of_table).map(|argument| argument.get_id().clone()).collect();
    for id in &ids {
        command = command.mut_arg(id, |argument| argument.required(false));
    }
    let groups = command.get_groups().filter(|group| group.get_args().any(|id| ids.contains(id)));
    for group in groups.map(|group| group.get_id().clone()).collect::<Vec<_>>() {
        command = command.mut_group(group, |group| group.required(false));
    }
    let named = |name: &str| KEYS.iter().any(|key| key.commands.iter().any(|c| c.split(' ').any(|word| word == name)));
    command.mut_subcommands(|inner| if named(inner.get_name()) { relaxed(inner) } else { inner })
}

/// The flag of a key, of the command itself or for all commands.
fn flag<'c>(root: &'c Command, path: &[String], key: &'static Key) -> Option<(&'static Key, &'c Arg)> {
    let mut levels = vec![root];
    for name in path {
        levels.extend(levels.last().and_then(|level| level.find_subcommand(name)));
    }
    let wanted = key.flag?;
    let mut arguments = levels.into_iter().rev().flat_map(Command::get_arguments);
    arguments.find(|argument| argument.get_long() == Some(wanted)).map(|argument| (key, argument))
}

/// Whether the command line has another of a group of which there can only be one.
fn is_shut_out(root: &Command, path: &[String], argument: &Arg, told: &ArgMatches) -> bool {
    let command = path.iter().try_fold(root, |level, name| level.find_subcommand(name)).unwrap_or(root);
    let id = argument.get_id();
    let groups = command.get_groups().filter(|group| group.get_args().any(|member| member == id));
    let mut only_one = groups.filter(|group| !(*group).clone().is_multiple());
    only_one.any(|group| group.get_args().any(|other| other != id && given(told, other.as_str()).is_some()))
}

/// What the command line says for a flag, at whatever level.
fn given(matches: &ArgMatches, id: &str) -> Option<Vec<OsString>> {
    let (mut level, mut found) = (Some(matches), None);
    while let Some(matches) = level {
        // A flag for all commands shows up at levels that don't know it.
        let known = matches.try_contains_id(id).is_ok_and(|there| there);
        if known && matches.value_source(id) == Some(ValueSource::CommandLine) {
            found = matches.get_raw(id).map(|values| values.map(OsString::from).collect());
        }
        level = matches.subcommand().map(|(_, inner)| inner);
    }
    found
}

/// A setting as the command line would have it; nothing for what the command line has.
fn as_arguments(setting: &Setting, argument: &Arg) -> Vec<OsString> {
    let flag = format!("--{}", argument.get_long().unwrap_or_default());
    if setting.origin == Origin::Flag {
        return Vec::new();
    }
    if matches!(argument.get_action(), ArgAction::SetTrue) {
        return if setting.is("true") { vec![flag.into()] } else { Vec::new() };
    }
    let with = |value: &OsString| {
        let mut argument = OsString::from(format!("{flag}="));
        argument.push(value);
        argument
    };
    setting.values.iter().map(with).collect()
}

/// Behind the name of the command.
fn position(arguments: &[OsString], root: &Command, path: &[String]) -> usize {
    let (mut at, mut level) = (1, root);
    let mut levels = vec![root];
    for name in path {
        at = word(arguments, at, &levels).map_or(arguments.len(), |found| found + 1);
        level = level.find_subcommand(name).unwrap_or(level);
        levels.push(level);
    }
    at
}

/// Where the next word stands. What stands before it is a flag, or the value of one.
fn word(arguments: &[OsString], mut at: usize, levels: &[&Command]) -> Option<usize> {
    loop {
        let argument = arguments.get(at)?.to_string_lossy();
        if !argument.starts_with('-') {
            return Some(at);
        }
        let takes = |flag: &Arg| argument.strip_prefix("--") == flag.get_long() && flag.get_action().takes_values();
        at += if levels.iter().flat_map(|level| level.get_arguments()).any(takes) { 2 } else { 1 };
    }
}

/// The command that a command line means, whether or not the rest of it can be understood.
pub fn command_name(arguments: &[OsString]) -> Option<&OsStr> {
    word(arguments, 1, &[&Cli::command()]).and_then(|at| arguments.get(at)).map(OsString::as_os_str)
}

/// Says where a value was set that is no good, and where one can be set that is missing.
fn explained(error: clap::Error, settings: &Settings) -> Refusal {
    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::InvalidValue | ErrorKind::ValueValidation, Some(ContextValue::String(usage))) => {
            match key_of(usage).and_then(|key| settings.get(key.name)) {
                Some(setting) if setting.origin != Origin::Flag => {
                    Refusal::Config(config::Error::Bad { name: setting.name().into(), why: why(&error, setting.key) })
                }
                _ => Refusal::Usage(error),
            }
        }
        (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(missing))) => {
            match missing.iter().map(|usage| key_of(usage)).collect::<Option<Vec<_>>>().as_deref() {
                Some([key, ..]) => Refusal::Config(settings.missing(key.name)),
                _ => Refusal::Usage(error),
            }
        }
        _ => Refusal::Usage(error),
    }
}

/// The key of `--max-duration <TIME>`.
fn key_of(usage: &str) -> Option<&'static Key> {
    let flag = usage.strip_prefix("--")?;
    Key::of_flag(flag.split(['=', '[', ' ']).next()?)
}

fn why(error: &clap::Error, key: &Key) -> String {
    if matches!(key.kind, Kind::Count | Kind::Number) {
        return format!("it is a number, such as {}", key.example);
    }
    match (std::error::Error::source(error), error.get(ContextKind::ValidValue)) {
        (Some(source), _) => source.to_string(),
        (None, Some(ContextValue::Strings(values))) => format!("it is one of {}", values.join(", ")),
        (None, _) => "its value makes no sense".to_owned(),
    }
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
