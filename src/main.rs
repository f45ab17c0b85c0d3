//! The command line program: parse, run, exit with its code.

use std::process::ExitCode;

use clap::{CommandFactory as _, error::ErrorKind};
use ibinder_sync::{
    cli::{self, BindersCommand, Cli, Command, ConfigurationCommand, LogFormat, Place, Refusal},
    commands,
    config::{self, Config, Given, Settings},
    session::{self, Exit, Output},
    systemd::Manager,
    ui,
};

/// What monitoring takes for "can't be told"; 2 would be an alarm about the mirror.
const UNKNOWN: u8 = 3;

fn asks_for_status() -> bool {
    cli::command_name(&std::env::args_os().collect::<Vec<_>>()).is_some_and(|command| command == "status")
}

fn main() -> ExitCode {
    let slips = config::unknown_variables(std::env::vars_os());
    match cli::parse(std::env::args_os().collect(), &|name| std::env::var_os(name)) {
        Ok((cli, settings)) => ExitCode::from(told(run(cli, &settings, &slips)).code()),
        Err(Refusal::Usage(error)) if asks_for_status() && error.use_stderr() => {
            error.print().ok();
            ExitCode::from(UNKNOWN)
        }
        Err(Refusal::Usage(error)) => error.exit(),
        Err(Refusal::Config(error)) => {
            // One of them may be why.
            warn(&slips);
            let code = refused(&error).code();
            ExitCode::from(if asks_for_status() { UNKNOWN } else { code })
        }
    }
}

fn run(cli: Cli, settings: &Settings, slips: &[config::Error]) -> Exit {
    let Cli { voice, place, command } = cli;
    let start = |json: bool| Output::new(json, level(voice.quiet, voice.verbose), voice.log_format == LogFormat::Json);
    let speak = |json: bool| {
        let voice = start(json);
        for slip in slips {
            tracing::warn!("{slip}");
        }
        voice.reporting_to(Manager::of(&|name| std::env::var_os(name)))
    };
    if has_no_log(&command) {
        warn(slips);
    }
    if !needs_little(&command)
        && let Err(exit) = session::check_limits()
    {
        return exit;
    }
    match command {
        Command::Run(run) => {
            let voice = speak(run.selection.json);
            mirror(run, settings, &voice)
        }
        Command::Plan(plan) => {
            let json = plan.selection.json;
            with_config(plan.selection.given(plan.destination), settings, &speak(json), commands::plan)
        }
        Command::Status(status) => commands::status(&status),
        Command::Verify(verify) => {
            if let Err(error) = verify.pacing.given().check() {
                return refused(&settings.explain(error));
            }
            let dest = &verify.destination.dest;
            let notices = match verify.notices.clone().given().check(Some(dest), settings) {
                Ok(notices) => notices,
                Err(error) => return refused(&error),
            };
            commands::verify(&verify, &notices, || config::remote_settings(settings), &speak(verify.json))
        }
        Command::Config(given) => configuration(given.command, &place, slips),
        Command::Doctor(doctor) => {
            start(false);
            commands::doctor(&doctor, settings, slips, &|name| std::env::var_os(name))
        }
        Command::Binders(given) => binders(given, settings),
        Command::Recover(recover) => {
            speak(false);
            commands::recover(&recover.destination.dest, recover.force)
        }
        Command::Adopt(adopt) => {
            let json = adopt.selection.json;
            with_config(adopt.given(), settings, &speak(json), commands::adopt)
        }
        Command::Snapshots(snapshots) => commands::snapshots(&snapshots),
        Command::Ls(ls) => {
            speak(false);
            commands::ls(&ls)
        }
        Command::History(history) => commands::history(&history),
        Command::Restore(restore) => {
            let voice = speak(restore.json);
            commands::restore(&restore, &voice)
        }
        Command::Export(export) => {
            let voice = speak(false);
            commands::export(&export, &voice)
        }
        #[cfg(feature = "sandbox")]
        Command::Demo(demo) => {
            let voice = speak(demo.json);
            commands::demo(demo, &voice)
        }
        #[cfg(feature = "sandbox")]
        Command::Sandbox(sandbox) => {
            speak(false);
            commands::sandbox(&sandbox)
        }
        Command::Acknowledge(acknowledge) => {
            speak(false);
            let dest = &acknowledge.destination.dest;
            commands::acknowledge(dest, &acknowledge.id, &config::files_of(settings).usable(dest, settings))
        }
        Command::Purge(purge) => {
            speak(false);
            commands::purge(&purge.destination.dest, &purge.id, purge.yes)
        }
        Command::WithLock(with) => {
            speak(false);
            commands::with_lock(&with.destination.dest, &with.command)
        }
        Command::Completions(completions) => {
            let mut script = Vec::new();
            clap_complete::generate(completions.shell, &mut Cli::command(), "ibinder-sync", &mut script);
            ui::print(&String::from_utf8_lossy(&script));
            Exit::Complete
        }
        Command::Man(man) => commands::man(man.to.as_deref()),
    }
}

fn level(quiet: bool, verbose: u8) -> ui::Level {
    match (quiet, verbose) {
        (true, _) => ui::Level::Error,
        (false, 0) => ui::Level::Normal,
        (false, 1) => ui::Level::Debug,
        (false, _) => ui::Level::Trace,
    }
}

/// Whether a command opens few files and writes none that may get large.
fn needs_little(command: &Command) -> bool {
    use Command::{Binders, Completions, Config, History, Ls, Man, Snapshots, Status};
    matches!(command, Status(_) | Binders(_) | Snapshots(_) | History(_) | Ls(_) | Config(_) | Completions(_) | Man(_))
}

/// Whether a command prints results and errors, and nothing on the way.
fn has_no_log(command: &Command) -> bool {
    use Command::{Binders, History, Snapshots, Status};
    matches!(command, Status(_) | Binders(_) | Snapshots(_) | History(_))
}

fn mirror(run: cli::Run, settings: &Settings, voice: &Output) -> Exit {
    if run.dry_run {
        return with_config(run.selection.given(run.destination), settings, voice, commands::plan);
    }
    let given = run.given();
    let (dest, notices) = (given.dest.clone(), given.notices.clone());
    match Config::new(given, settings) {
        Ok(config) => commands::run(&config, voice),
        Err(error) => {
            commands::refused(&dest, config::organisation(settings).as_ref(), &notices.usable(&dest, settings), error)
        }
    }
}

fn configuration(command: ConfigurationCommand, place: &Place, slips: &[config::Error]) -> Exit {
    let environment = |name: &str| std::env::var_os(name);
    match command {
        ConfigurationCommand::Init { to } => {
            commands::begin_configuration(to.or_else(|| place.config.clone()), &environment)
        }
        ConfigurationCommand::Schema => commands::show_schema(),
        ConfigurationCommand::Show { .. } if !slips.is_empty() => {
            for slip in slips {
                ui::complain(slip);
            }
            Exit::Usage
        }
        ConfigurationCommand::Show { json, flags } => match cli::show(place, flags, &environment) {
            Ok(settings) => commands::show_configuration(&settings, json),
            Err(Refusal::Usage(error)) => {
                error.print().ok();
                Exit::Usage
            }
            Err(Refusal::Config(error)) => refused(&error),
        },
    }
}

/// The end of a command of which everything was said, or not.
fn told(exit: Exit) -> Exit {
    if exit.code() == 0 && ui::is_lost() { Exit::Disk } else { exit }
}

fn with_config(given: Given, settings: &Settings, voice: &Output, command: fn(&Config, &Output) -> Exit) -> Exit {
    match Config::new(given, settings) {
        Ok(config) => command(&config, voice),
        Err(error) => refused(&error),
    }
}

fn binders(given: cli::Binders, settings: &Settings) -> Exit {
    match (given.dest, given.command) {
        (None, _) => refused(&settings.missing("dest")),
        (Some(dest), None) => commands::list_binders(&dest, given.json),
        (Some(dest), Some(BindersCommand::List { json })) => commands::list_binders(&dest, json || given.json),
        (_, Some(BindersCommand::Forget { .. })) if given.json => {
            let _ = Cli::command().error(ErrorKind::ArgumentConflict, "--json is for the list of binders").print();
            Exit::Usage
        }
        (Some(dest), Some(BindersCommand::Forget { id, force, yes })) => {
            let notices = config::files_of(settings).usable(&dest, settings);
            commands::forget_binder(&commands::Forget { dest: &dest, id: &id, force, yes, notices: &notices })
        }
    }
}

fn warn(slips: &[config::Error]) {
    for slip in slips {
        ui::warn(slip);
    }
}

fn refused(error: &config::Error) -> Exit {
    ui::complain(error);
    Exit::Usage
}
