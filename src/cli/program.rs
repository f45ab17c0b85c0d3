//! The program and its commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

#[cfg(feature = "sandbox")]
use super::sandbox::{Demo, Sandbox};
use super::{
    binders::Binders,
    catalogue::Catalogue,
    changes::Changes,
    config::Configuration,
    doctor::Doctor,
    export::Export,
    find::Find,
    handover::Handover,
    history::{History, Ls, Restore, Snapshots},
    mirror::{Acknowledge, Purge, Recover, WithLock},
    profiles::Profiles,
    replicate::Replicate,
    run::{self, Adopt, Plan, Run},
    status::Status,
    verify::Verify,
    withheld::{ConfirmRemovals, Withheld},
};
use crate::config::EVERYWHERE;

/// The order of global flags in a help text: at the end.
pub(super) const LAST: usize = 1000;

/// Mirrors every document of an iBinder organisation into a local folder tree.
#[derive(Debug, Parser)]
#[command(
    name = "ibinder-sync",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "Exit codes: 0 complete, 1 internal error, 2 usage or configuration, 3 credentials refused, \
    4 partial, 5 another command is running, 6 damage found, 7 removals withheld, 8 disk error, \
    9 copy not up to date, 130 or 143 interrupted.\n\n\
    Try it without an account: ibinder-sync demo --dest ./mirror")]
pub struct Cli {
    /// What is printed on standard error.
    #[command(flatten)]
    pub verbosity: Verbosity,
    /// Where the settings are.
    #[command(flatten)]
    pub location: ConfigLocation,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What is printed on standard error.
#[derive(Debug, Clone, Copy, Args)]
pub struct Verbosity {
    /// Print more; twice: print everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet", help_heading = EVERYWHERE, display_order = LAST)]
    pub verbose: u8,
    /// Print only errors
    #[arg(short, long, global = true, help_heading = EVERYWHERE, display_order = LAST)]
    pub quiet: bool,
}

/// Where the settings are.
#[derive(Debug, Clone, Args)]
pub struct ConfigLocation {
    /// The configuration file [default: the first of ~/.config/ibinder-sync/config.toml and
    /// /etc/ibinder-sync/config.toml]
    #[arg(long, value_name = "FILE", global = true, help_heading = EVERYWHERE, display_order = LAST)]
    pub config: Option<PathBuf>,
    /// The profile of the configuration file to use
    #[arg(long, value_name = "NAME", global = true, help_heading = EVERYWHERE, display_order = LAST)]
    pub profile: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Download what changed in iBinder
    Run(Run),
    /// Show what a run would do
    #[command(about = run::DRY_RUN)]
    Plan(Plan),
    /// Write a configuration file, show the settings, or describe the file to an editor
    Config(Configuration),
    /// Check everything that a run needs, and say how to fix what is wrong
    Doctor(Doctor),
    /// Report whether the mirror is healthy, for people and for monitoring
    Status(Status),
    /// Check every file of the mirror against the recorded hashes, and repair it
    Verify(Verify),
    /// List the binders of the mirror, or forget one
    Binders(Binders),
    /// Restore a damaged or lost state, or a lost mirror from its copy
    Recover(Recover),
    /// Take over the files of a tree that has no state, and download what is missing
    Adopt(Adopt),
    /// List the runs that you can go back to
    Snapshots(Snapshots),
    /// List the documents that were added, updated, moved or removed
    Changes(Changes),
    /// List the documents whose removal waits to be confirmed
    Withheld(Withheld),
    /// Confirm the removal of the documents that `withheld` lists
    ConfirmRemovals(ConfirmRemovals),
    /// Find documents by name, path and metadata
    Find(Find),
    /// List the folders and files of the mirror at a time
    Ls(Ls),
    /// Show the versions, places and metadata changes of a document
    History(History),
    /// Copy the files of the mirror at a time into another folder
    Restore(Restore),
    /// Write a catalogue of all documents with their metadata
    Export(Export),
    /// Write the catalogue that opens in a browser
    Catalogue(Catalogue),
    /// Hand over binders with everything about them, and a receipt
    Handover(Handover),
    /// Mirror a made-up organisation, to try the program
    #[cfg(feature = "sandbox")]
    Demo(Demo),
    /// Serve a made-up organisation, or a folder, like iBinder
    #[cfg(feature = "sandbox")]
    Sandbox(Sandbox),
    /// Accept that one version of a document can't be downloaded
    Acknowledge(Acknowledge),
    /// Delete a document for good, with everything that is recorded about it
    Purge(Purge),
    /// Bring the copy of the mirror in an object store up to date
    Replicate(Replicate),
    /// Run a command while the mirror can't change, for example to copy it
    WithLock(WithLock),
    /// Print the completions of a shell
    Completions(Completions),
    /// Print the manual page, or write the pages of all commands
    Man(Man),
}

impl Command {
    /// Whether it is for all profiles, and prints JSON.
    pub fn of_all(&self) -> Option<(Profiles, bool)> {
        let found = match self {
            Self::Run(run) => (run.profiles, run.json),
            Self::Doctor(doctor) => (doctor.profiles, doctor.json),
            Self::Status(status) => (status.profiles, status.json),
            _ => return None,
        };
        Some(found).filter(|(profiles, _)| profiles.all)
    }
}

/// Print the completions of a shell.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ibinder-sync completions bash > /etc/bash_completion.d/ibinder-sync")]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Print the manual page, or write the pages of all commands.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ibinder-sync man | man -l -\n  \
    ibinder-sync man --to /usr/local/share/man/man1")]
pub struct Man {
    /// Write a page for the program and one for each command into this folder
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}
