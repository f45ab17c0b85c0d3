//! The command line program: parses, runs one command, exits with its code.

use std::{path::Path, process::ExitCode};

use clap::error::ErrorKind;
use ibinder_sync::{
    cli::{self, Binders, BindersCommand, Cli, Command, ConfigLocation, ConfigurationCommand, Invocation, Refusal},
    commands,
    config::{self, Config, CopySettings, LogFormat, Notices, Settings, Sources},
    session::{self, Exit, Output, Source},
    systemd::Manager,
    ui,
};

/// The exit code that monitoring reads as "unknown"; 2 would be an alarm about the mirror.
const UNKNOWN: u8 = 3;

fn main() -> ExitCode {
    let unknown = config::unknown_variables(std::env::vars_os());
    match cli::parse(&std::env::args_os().collect::<Vec<_>>(), &|name| std::env::var_os(name)) {
        Ok(invocation) => ExitCode::from(after_output(run(invocation, &unknown)).code()),
        Err(Refusal::Usage(error)) if asks_for_status() && error.use_stderr() => {
            error.print().ok();
            ExitCode::from(UNKNOWN)
        }
        Err(Refusal::Usage(error)) => error.exit(),
        Err(Refusal::Config(error)) => {
            // An unknown variable may be the cause.
            warn(&unknown);
            let code = refused(&error).code();
            ExitCode::from(if asks_for_status() { UNKNOWN } else { code })
        }
    }
}

fn asks_for_status() -> bool {
    cli::command_name(std::env::args_os().collect()).is_some_and(|command| command == "status")
}

/// The exit code of a command, which fails if its output could not be written.
fn after_output(exit: Exit) -> Exit {
    if exit.code() == 0 && ui::is_lost() { Exit::Disk } else { exit }
}

fn run(invocation: Invocation, unknown: &[config::Error]) -> Exit {
    let Invocation { cli: Cli { verbosity, location, command }, name, sources } = invocation;
    let (settings, errors) = Settings::read(&sources, &name);
    let json_log = settings.log_format == LogFormat::Json;
    let start = |json: bool| Output::new(json, level(verbosity.quiet, verbosity.verbose), json_log);
    if has_no_log(&command) {
        warn(unknown);
    }
    if !needs_few_files(&command)
        && let Err(exit) = session::check_limits()
    {
        return exit;
    }
    let is_status = matches!(command, Command::Status(_));
    let refused = |error: &config::Error| {
        let exit = refused(error);
        if is_status { Exit::Other(UNKNOWN) } else { exit }
    };
    if let Some((profiles, json)) = command.of_all() {
        let all = cli::AllProfiles::new(&name, profiles, json, std::env::args_os());
        if !has_no_log(&command) {
            warn(unknown);
        }
        // Told here, once.
        let hidden: Vec<String> = unknown.iter().filter_map(config::Error::unknown_name).collect();
        return config::Error::none(errors).map_or_else(
            |error| refused(&error),
            |()| commands::all(&all, sources.profiles(), &hidden, verbosity.quiet),
        );
    }
    let program = Program { settings: &settings, sources: &sources, location: &location, unknown, start: &start };
    match (command, config::Error::none(errors)) {
        (Command::Run(run), checked) if !run.dry_run => program.mirror(&run, checked),
        // The doctor reports invalid settings itself.
        (command, Err(error)) if !matches!(command, Command::Doctor(_)) => refused(&error),
        (command, _) => program.carry_out(command).unwrap_or_else(|error| refused(&error)),
    }
}

/// The settings and the output that commands use.
struct Program<'p> {
    settings: &'p Settings,
    sources: &'p Sources,
    location: &'p ConfigLocation,
    /// Environment variables that look like settings but aren't.
    unknown: &'p [config::Error],
    start: &'p dyn Fn(bool) -> Output,
}

impl Program<'_> {
    fn dest(&self) -> Result<&Path, config::Error> {
        self.settings.destination(self.sources)
    }

    fn config(&self) -> Result<Config, config::Error> {
        Config::new(self.settings, self.sources)
    }

    fn output(&self, json: bool) -> Output {
        let output = (self.start)(json);
        for error in self.unknown {
            tracing::warn!("{error}");
        }
        output.reporting_to(Manager::of(&|name| std::env::var_os(name)))
    }

    /// Runs even with invalid settings, in order to report them.
    fn mirror(&self, run: &cli::Run, checked: Result<(), config::Error>) -> Exit {
        let output = self.output(run.json);
        match (checked.and_then(|()| self.config()), self.dest()) {
            (Ok(config), _) => commands::run(&Config { first: run.first, ..config }, &output),
            (Err(error), Err(_)) => refused(&error),
            (Err(error), Ok(dest)) => {
                let notices = Notices::usable(self.settings, self.sources);
                commands::refused(dest, self.settings.organisation.as_ref(), &notices, error)
            }
        }
    }

    fn carry_out(&self, command: Command) -> Result<Exit, config::Error> {
        Ok(match command {
            // Here a run is a dry run.
            Command::Plan(cli::Plan { first, sample, json }) => self.plan(first, sample, json)?,
            Command::Run(cli::Run { first, json, .. }) => self.plan(first, 0, json)?,
            Command::Adopt(adopt) => self.adopt(&adopt)?,
            Command::Verify(flags) => self.verify(&flags)?,
            Command::Status(status) if status.from.is_some() => commands::status(None, &status),
            Command::Status(status) => commands::status(Some(self.dest()?), &status),
            Command::Binders(binders) => self.binders(binders)?,
            Command::Snapshots(given) => self.show(&given.source, |source| commands::snapshots(source, &given))?,
            Command::Changes(given) => self.show(&given.source, |source| commands::changes(source, &given))?,
            Command::Withheld(withheld) => commands::withheld(self.dest()?, &withheld),
            Command::ConfirmRemovals(given) => commands::confirm_removals(self.logged_dest()?, &given),
            Command::Find(given) => self.show(&given.source, |source| commands::find(source, &given))?,
            Command::History(given) => self.show(&given.source, |source| commands::history(source, &given))?,
            Command::Restore(given) => {
                let output = self.output(given.json);
                self.read(&given.source, |source| commands::restore(&source, &given, &output))?
            }
            Command::Export(export) => commands::export(self.dest()?, &export, self.settings, &self.output(false)),
            Command::Catalogue(given) => {
                let output = self.output(false);
                commands::catalogue(self.dest()?, &given, &self.settings.site(), &output)
            }
            Command::Handover(given) => {
                commands::handover(self.dest()?, &given, &self.settings.site(), &self.output(given.json))
            }
            Command::Ls(given) => {
                self.output(false);
                self.show(&given.source, |source| commands::ls(source, &given))?
            }
            Command::Recover(cli::Recover { from: Some(from), commit, .. }) => {
                let copy = CopySettings::new(self.settings, self.sources)?;
                commands::recover_from(self.dest()?, (&from, commit), &copy, &self.output(false))
            }
            Command::Recover(recover) => commands::recover(self.logged_dest()?, recover.force),
            Command::Acknowledge(document) => commands::acknowledge(self.logged_dest()?, &document.id, &self.notices()),
            Command::Purge(purge) => commands::purge(self.logged_dest()?, &purge.document, purge.yes),
            Command::Replicate(given) => self.replicate(&given)?,
            Command::WithLock(with) => commands::with_lock(self.logged_dest()?, &with.command),
            #[cfg(feature = "sandbox")]
            Command::Demo(demo) => {
                let output = self.output(demo.json);
                commands::demo(demo, &output)
            }
            #[cfg(feature = "sandbox")]
            Command::Sandbox(sandbox) => {
                self.output(false);
                commands::sandbox(&sandbox)
            }
            Command::Completions(completions) => completions_of(completions.shell),
            Command::Man(man) => commands::man(man.to.as_deref()),
            Command::Config(config) => configuration(config.command, self.location, self.unknown),
            Command::Doctor(doctor) => {
                (self.start)(false);
                commands::doctor(&doctor, self.sources, self.unknown, &|name| std::env::var_os(name))
            }
        })
    }

    /// A command that reads a mirror, or a copy of one.
    fn read(&self, from: &cli::CopySource, command: impl FnOnce(Source) -> Exit) -> Result<Exit, config::Error> {
        let Some(location) = &from.place.from else { return Ok(command(Source::Mirror(self.dest()?.to_owned()))) };
        let settings = CopySettings::new(self.settings, self.sources)?;
        Ok(Source::of_copy((location, from.commit), &settings).map_or_else(|exit| exit, command))
    }

    /// A command that only shows what it reads.
    fn show(&self, from: &cli::CopySource, command: impl FnOnce(&Source) -> Exit) -> Result<Exit, config::Error> {
        self.read(from, |source| command(&source.only_shown()))
    }

    fn plan(&self, first: bool, sample: usize, json: bool) -> Result<Exit, config::Error> {
        let (output, mut config) = (self.output(json), self.config()?);
        config.first = first || sample > 0;
        config.options.sample = sample;
        Ok(commands::plan(&config, &output))
    }

    fn adopt(&self, adopt: &cli::Adopt) -> Result<Exit, config::Error> {
        let (output, mut config) = (self.output(adopt.json), self.config()?);
        config.options.trust_times = adopt.trust_times;
        Ok(commands::adopt(&config, &output))
    }

    /// The destination, for a command that writes a log.
    fn logged_dest(&self) -> Result<&Path, config::Error> {
        self.output(false);
        self.dest()
    }

    fn verify(&self, flags: &cli::Verify) -> Result<Exit, config::Error> {
        if let Some(location) = &flags.source.from {
            let settings = CopySettings::new(self.settings, self.sources)?;
            return Ok(commands::verify_copy(location, &settings, flags, &self.output(flags.json)));
        }
        let limit = self.settings.limit(self.sources)?;
        let notices = Notices::new(self.settings, self.sources)?;
        let verify = commands::Verify { dest: self.dest()?, flags, limit, notices: &notices };
        let service = || config::remote_settings(self.settings, self.sources);
        Ok(commands::verify(&verify, service, &self.output(flags.json)))
    }

    fn replicate(&self, given: &cli::Replicate) -> Result<Exit, config::Error> {
        let output = self.output(given.json);
        let (location, mut copy) = CopySettings::needed(self.settings, self.sources, given.to.clone())?;
        if given.pruning.prune {
            return Ok(commands::prune(&location, &copy, given, &output));
        }
        copy.check = given.check;
        copy.accept = given.accept;
        let dest = self.dest()?;
        // Another place, as of a disk that is attached now and then, says nothing about the copy that is to be kept.
        let notices = (self.settings.replicate.as_ref() == Some(&location)).then(|| self.notices());
        Ok(commands::replicate((dest, notices.as_ref()), &location, &copy, &output))
    }

    fn binders(&self, binders: Binders) -> Result<Exit, config::Error> {
        let dest = self.dest()?;
        Ok(match binders.command {
            None => commands::list_binders(dest, binders.json),
            Some(BindersCommand::List { json }) => commands::list_binders(dest, json || binders.json),
            Some(BindersCommand::Forget { .. }) if binders.json => {
                let _ = cli::command().error(ErrorKind::ArgumentConflict, "--json is for the list of binders").print();
                Exit::Usage
            }
            Some(BindersCommand::Forget { binder, force, yes }) => commands::forget_binder(&commands::Forget {
                dest,
                wanted: &binder,
                force,
                yes,
                notices: &self.notices(),
            }),
        })
    }

    /// The notification settings, for a command without flags for them.
    fn notices(&self) -> Notices {
        Notices::usable(&Settings::read(self.sources, "run").0, self.sources)
    }
}

fn completions_of(shell: clap_complete::Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "ibinder-sync", &mut script);
    ui::print(&String::from_utf8_lossy(&script));
    Exit::Complete
}

fn configuration(command: ConfigurationCommand, location: &ConfigLocation, unknown: &[config::Error]) -> Exit {
    let environment = |name: &str| std::env::var_os(name);
    match command {
        ConfigurationCommand::Init { to, non_interactive } => {
            let to = to.or_else(|| location.config.clone());
            commands::begin_configuration(to, !non_interactive, unknown, &environment)
        }
        ConfigurationCommand::Schema => commands::show_schema(),
        ConfigurationCommand::Show { .. } if !unknown.is_empty() => {
            for error in unknown {
                ui::print_error(error);
            }
            Exit::Usage
        }
        ConfigurationCommand::Show { json, all, flags } => {
            let shown = cli::show(location, flags, &environment).and_then(|sources| {
                let (settings, errors) = Settings::read(&sources, "run");
                let checked = config::check(&settings, &sources);
                config::Error::none(errors.into_iter().chain(checked.err()))?;
                Ok(commands::show_configuration(&settings, &sources, json, all))
            });
            shown.unwrap_or_else(|refusal| match refusal {
                Refusal::Config(error) => refused(&error),
                Refusal::Usage(error) => {
                    error.print().ok();
                    Exit::Usage
                }
            })
        }
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

/// Whether a command opens few files and writes no large ones, so that system limits don't matter.
fn needs_few_files(command: &Command) -> bool {
    use Command::{Binders, Changes, Completions, Config, Find, History, Ls, Man, Snapshots, Status};
    matches!(
        command,
        Status(_)
            | Binders(_)
            | Changes(_)
            | Find(_)
            | Snapshots(_)
            | History(_)
            | Ls(_)
            | Config(_)
            | Completions(_)
            | Man(_)
    )
}

/// Whether a command prints only results and errors.
fn has_no_log(command: &Command) -> bool {
    use Command::{Binders, Changes, Find, History, Snapshots, Status, Withheld};
    matches!(command, Status(_) | Binders(_) | Changes(_) | Find(_) | Snapshots(_) | History(_) | Withheld(_))
}

fn warn(unknown: &[config::Error]) {
    for error in unknown {
        ui::warn(error);
    }
}

fn refused(error: &config::Error) -> Exit {
    ui::print_error(error);
    Exit::Usage
}
