//! The flags of the settings, and reading a command line: flags over the environment over the configuration file.

use std::ffi::OsString;

use clap::{
    Arg, ArgAction, ArgMatches, Command, CommandFactory as _, FromArgMatches as _, ValueHint,
    builder::PossibleValuesParser,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
    value_parser,
};

use super::{
    program::{Cli, Command as CliCommand, ConfigLocation, LAST},
    status::Status,
};
use crate::config::{self, Environment, KEYS, Key, Kind, Location, Sources};

/// The order of a command's own flags in its help: after its settings.
const OWN: usize = 100;

/// Why the program can't start.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The command line; also what `--help` and `--version` print.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// The file or the environment.
    #[error(transparent)]
    Config(#[from] config::Error),
}

/// A parsed command line.
#[derive(Debug)]
pub struct Invocation {
    /// The command with its own flags.
    pub cli: Cli,
    /// The command's name.
    pub name: String,
    /// The settings that were given, and where.
    pub sources: Sources,
}

/// All commands, each with the flags of the settings that it takes.
pub fn command() -> Command {
    let global = KEYS.iter().filter(|key| key.is_global()).filter_map(|key| flag(key, LAST, true));
    Cli::command().args(global).mut_subcommands(with_settings)
}

fn with_settings(command: Command) -> Command {
    let (name, global, mut own) = (command.get_name().to_owned(), command.has_subcommands(), OWN..);
    let keys = KEYS.iter().enumerate().filter(|(_, key)| key.is_for(&name) && !key.is_global());
    let flags: Vec<Arg> = keys.filter_map(|(order, key)| flag(key, order, global)).collect();
    command.mut_args(|argument| argument.display_order(own.next().unwrap_or(OWN))).args(flags)
}

/// The flag of a setting. The values are checked with those of the file and the environment.
fn flag(key: &'static Key, order: usize, global: bool) -> Option<Arg> {
    let flag = Arg::new(key.name)
        .long(key.flag()?)
        .help(key.full_help())
        .help_heading(key.heading)
        .value_name(key.placeholder)
        .value_parser(value_parser!(OsString))
        .display_order(order)
        .global(global);
    Some(match key.kind {
        Kind::List => flag.action(ArgAction::Append),
        // With a value, so that the command line can overrule a file.
        Kind::Switch => flag.num_args(0..=1).require_equals(true).default_missing_value("true"),
        Kind::Path => flag.value_hint(ValueHint::AnyPath),
        Kind::Rate | Kind::Number => flag.allow_negative_numbers(true),
        _ if !key.values.is_empty() => flag.value_parser(PossibleValuesParser::new(key.values)),
        _ => flag,
    })
}

/// Reads the command line, the environment and the file.
pub fn parse(arguments: &[OsString], environment: Environment<'_>) -> Result<Invocation, Refusal> {
    refuse_line_ends(arguments)?;
    let matches =
        command().try_get_matches_from(arguments).map_err(|error| with_dashes(without_secrets(error), arguments))?;
    let cli = Cli::from_arg_matches(&matches)?;
    let name = matches.subcommand_name().unwrap_or_default().to_owned();
    // A copy of the status says everything by itself.
    let is_copy = matches!(cli.command, CliCommand::Status(Status { from: Some(_), .. }));
    let is_for_all = cli.command.of_all().is_some();
    let mut sources = if is_for_all {
        Sources::of_all(cli.location.config.as_deref(), cli.location.profile.as_deref(), environment)?
    } else if KEYS.iter().any(|key| key.is_for(&name)) && !is_copy {
        Sources::load(cli.location.config.as_deref(), cli.location.profile.as_deref(), environment)?
    } else {
        Sources::default()
    };
    for key in KEYS.iter().filter(|key| key.is_for(&name) || key.is_global()) {
        if let Some(values) = given(&matches, key.name) {
            sources.put_flag(key, values);
        }
    }
    if is_for_all {
        sources.check_all()?;
    }
    config::check_ambient(environment)?;
    Ok(Invocation { cli, name, sources })
}

/// The error without what may be a secret in an address that was given.
fn without_secrets(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidValue)
        && given.contains("://")
    {
        let shown = Location::shown(given);
        error.insert(ContextKind::InvalidValue, ContextValue::String(shown));
    }
    error
}

/// The error for the command of `with-lock` without two dashes before it.
fn with_dashes(error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(unexpected)) = error.get(ContextKind::InvalidArg) else { return error };
    let at = arguments.iter().position(|argument| argument == unexpected.as_str());
    let is_locked = |at: &usize| arguments.iter().take(*at).any(|argument| argument == "with-lock");
    let (Some(at), false) = (at.filter(is_locked), unexpected.starts_with('-')) else { return error };
    let quoted = |argument: &OsString| {
        let text = argument.to_string_lossy();
        let is_plain = text.chars().all(|c| c.is_alphanumeric() || "-_./:=@,+%".contains(c));
        if is_plain { text.into_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
    };
    let mut words: Vec<String> = arguments.iter().skip(1).map(quoted).collect();
    words.insert(at - 1, "--".to_owned());
    let line = format!("write two dashes before the command: `ibinder-sync {}`", words.join(" "));
    command().error(ErrorKind::UnknownArgument, line)
}

/// Refuses an argument that ends in a carriage return: a script with Windows line ends adds one to the last argument of each
/// line, which would become part of a folder's name.
fn refuse_line_ends(arguments: &[OsString]) -> Result<(), Refusal> {
    let own = arguments.iter().take_while(|argument| *argument != "--");
    match own.map(|argument| argument.to_string_lossy()).find(|argument| argument.ends_with('\r')) {
        None => Ok(()),
        Some(argument) => {
            let why = "it ends in a carriage return; save the script that has it with the line ends of Unix";
            Err(config::Error::Bad { name: format!("{argument:?}").into(), why: why.to_owned() }.into())
        }
    }
}

/// The settings of `run` with these flags, even if some are missing.
pub fn show(location: &ConfigLocation, flags: Vec<OsString>, environment: Environment<'_>) -> Result<Sources, Refusal> {
    let mut arguments = vec![OsString::from("ibinder-sync")];
    arguments.extend(location.config.iter().flat_map(|file| [OsString::from("--config"), file.into()]));
    arguments.extend(location.profile.iter().flat_map(|name| [OsString::from("--profile"), name.into()]));
    arguments.push("run".into());
    arguments.extend(flags);
    parse(&arguments, environment).map(|invocation| invocation.sources)
}

/// The values of a flag, given before or after the name of the command.
fn given(matches: &ArgMatches, id: &str) -> Option<Vec<OsString>> {
    let inner = matches.subcommand().and_then(|(_, inner)| given(inner, id));
    inner.or_else(|| {
        // Only some levels have the flag.
        let is_known = matches.try_contains_id(id).is_ok_and(|is_there| is_there);
        let is_given = is_known && matches.value_source(id) == Some(ValueSource::CommandLine);
        is_given.then(|| matches.get_raw(id).into_iter().flatten().map(OsString::from).collect())
    })
}

/// The command of a command line, even if the rest can't be parsed.
pub fn command_name(arguments: Vec<OsString>) -> Option<String> {
    let matches = command().ignore_errors(true).try_get_matches_from(arguments).ok()?;
    matches.subcommand_name().map(str::to_owned)
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
