//! The command line program: parse, run, exit with its code.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use ibinder_sync::{
    app::{self, Exit, Voice},
    cli::{BindersCommand, Cli, Command, LogFormat},
    config::{self, Config, Given},
    manager::Manager,
    ui,
};

fn main() -> ExitCode {
    let Cli { voice, command } = Cli::parse();
    let level = match (voice.quiet, voice.verbose) {
        (true, _) => ui::Level::Error,
        (false, 0) => ui::Level::Normal,
        (false, 1) => ui::Level::Debug,
        (false, _) => ui::Level::Trace,
    };
    let speak = |json: bool| {
        let voice = Voice::new(json, level, voice.log_format == LogFormat::Json);
        voice.reporting_to(Manager::of(&|name| std::env::var_os(name)))
    };
    let exit = match command {
        Command::Run(run) => {
            let (json, dry) = (run.selection.json, run.dry_run);
            let command = if dry { app::plan } else { app::run };
            with_config(run.given(), &speak(json), command)
        }
        Command::Plan(plan) => {
            let json = plan.selection.json;
            with_config(plan.selection.given(plan.destination), &speak(json), app::plan)
        }
        Command::Status(status) => app::status(&status),
        Command::Verify(verify) => {
            let service = config::remote_settings(&|name| std::env::var_os(name));
            app::verify(&verify, service, &speak(verify.json))
        }
        Command::Doctor(doctor) => {
            speak(false);
            let environment = |name: &str| std::env::var_os(name);
            app::doctor(&doctor, config::remote_settings(&environment), &environment)
        }
        Command::Binders(binders) => match (binders.dest, binders.command) {
            (None, _) => usage("--dest DIR is needed; it says which mirror is meant"),
            (Some(dest), None | Some(BindersCommand::List)) => app::list_binders(&dest),
            (Some(dest), Some(BindersCommand::Forget { id })) => app::forget_binder(&dest, &id),
        },
        Command::Recover(recover) => {
            speak(false);
            app::recover(&recover.destination.dest, recover.force)
        }
        Command::Adopt(adopt) => {
            let json = adopt.selection.json;
            with_config(adopt.given(), &speak(json), app::adopt)
        }
        Command::Snapshots(snapshots) => app::snapshots(&snapshots),
        Command::Ls(ls) => {
            speak(false);
            app::ls(&ls)
        }
        Command::History(history) => app::history(&history),
        Command::Restore(restore) => {
            let voice = speak(restore.json);
            app::restore(&restore, &voice)
        }
        #[cfg(feature = "sandbox")]
        Command::Demo(demo) => {
            let voice = speak(demo.json);
            app::demo(demo, &voice)
        }
        #[cfg(feature = "sandbox")]
        Command::Sandbox(sandbox) => {
            speak(false);
            app::sandbox(&sandbox)
        }
        Command::Purge(purge) => {
            speak(false);
            app::purge(&purge.destination.dest, &purge.id, purge.yes)
        }
        Command::WithLock(with) => {
            speak(false);
            app::with_lock(&with.destination.dest, &with.command)
        }
        Command::Completions(completions) => {
            let mut script = Vec::new();
            clap_complete::generate(completions.shell, &mut Cli::command(), "ibinder-sync", &mut script);
            ui::print(&String::from_utf8_lossy(&script));
            Exit::Complete
        }
        Command::Man(man) => app::man(man.to.as_deref()),
    };
    ExitCode::from(exit.code())
}

fn with_config(given: Given, voice: &Voice, command: fn(&Config, &Voice) -> Exit) -> Exit {
    match Config::new(given, &|name| std::env::var_os(name)) {
        Ok(config) => command(&config, voice),
        Err(error) => {
            ui::complain(&error);
            Exit::Usage
        }
    }
}

fn usage(text: &str) -> Exit {
    Cli::command().error(clap::error::ErrorKind::MissingRequiredArgument, text).print().ok();
    Exit::Usage
}
