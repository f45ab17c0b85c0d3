//! The command line, and nothing else: one struct a subcommand.

mod config;
mod doctor;
mod export;
mod history;
mod layers;
mod notices;
mod pacing;
mod pages;
mod recover;
mod run;
#[cfg(feature = "sandbox")]
mod sandbox;
mod status;
mod verify;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use config::{Configuration, ConfigurationCommand};
pub use doctor::Doctor;
pub use export::{Export, ExportFormat};
pub use history::{History, Ls, Restore, Snapshots};
pub use layers::{Refusal, command_name, parse, show};
pub use notices::{Notices, Pinged};
pub use pacing::Pacing;
pub use pages::{Page, pages};
pub use recover::{Adopt, Recover};
pub use run::{Plan, Run, Selection};
#[cfg(feature = "sandbox")]
pub use sandbox::{Demo, Organisation, Sandbox, Store};
pub use status::Status;
pub use verify::Verify;

/// Mirrors every document of an iBinder organisation into a local folder tree.
#[derive(Debug, Parser)]
#[command(
    name = "ibinder-sync",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "Exit codes: 0 complete, 1 unexpected, 2 usage or configuration, 3 credentials refused, \
    4 partial, 5 another command is at work, 6 damage found, 7 removals withheld, 8 the disk, 130 or 143 interrupted.\n\n\
    Try it without an account: ibinder-sync demo --dest ./mirror")]
pub struct Cli {
    /// What is said on the way.
    #[command(flatten)]
    pub voice: Voice,
    /// What else is set, and where.
    #[command(flatten)]
    pub place: Place,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where the help of each command has the flags of all commands, and that they stand behind its own.
const EVERYWHERE: &str = "Everywhere";
const LATE: usize = 1000;

/// What is said on standard error.
#[derive(Debug, Clone, Copy, Args)]
pub struct Voice {
    /// Say more; twice: say everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet", help_heading = EVERYWHERE, display_order = LATE)]
    pub verbose: u8,
    /// Say only what went wrong
    #[arg(short, long, global = true, help_heading = EVERYWHERE, display_order = LATE)]
    pub quiet: bool,
    /// How log lines look [default: text]
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t = LogFormat::Text,
        hide_default_value = true,
        value_name = "FORMAT",
        help_heading = EVERYWHERE,
        display_order = LATE
    )]
    pub log_format: LogFormat,
}

/// Where the settings are.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// The configuration file [default: the first of ~/.config/ibinder-sync/config.toml and
    /// /etc/ibinder-sync/config.toml]
    #[arg(long, value_name = "FILE", global = true, help_heading = EVERYWHERE, display_order = LATE)]
    pub config: Option<PathBuf>,
    /// The profile of the configuration file that is meant
    #[arg(long, value_name = "NAME", global = true, help_heading = EVERYWHERE, display_order = LATE)]
    pub profile: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring over what changed at the service
    Run(Run),
    /// Say what `run` would do, and change nothing
    Plan(Plan),
    /// Begin a configuration file, show what counts, or describe the file to an editor
    Config(Configuration),
    /// Check everything that a run needs, and say what to do about what is wrong
    Doctor(Doctor),
    /// Say whether the mirror is healthy, for people and for monitoring
    Status(Status),
    /// Check every file of the mirror against what is recorded, and repair it
    Verify(Verify),
    /// List the binders that the mirror knows, or let one go
    Binders(Binders),
    /// Put the last good copy of the state in place of one that is damaged or lost
    Recover(Recover),
    /// Take over the files of a tree that has no state, and bring over what is missing
    Adopt(Adopt),
    /// List the runs: the moments that can be gone back to
    Snapshots(Snapshots),
    /// List what was mirrored at a time
    Ls(Ls),
    /// Tell everything that is known of a document
    History(History),
    /// Write what was mirrored at a time into another folder
    Restore(Restore),
    /// Write a catalogue of all documents with their metadata
    Export(Export),
    /// Mirror a made-up organisation, to see how it goes
    #[cfg(feature = "sandbox")]
    Demo(Demo),
    /// Serve a made-up organisation, or a folder, as the service would
    #[cfg(feature = "sandbox")]
    Sandbox(Sandbox),
    /// Accept that one version of a document can't be had
    Acknowledge(Acknowledge),
    /// Erase a document for good, with everything that is known of it
    Purge(Purge),
    /// Run a command while nothing changes the mirror: to copy it elsewhere
    WithLock(WithLock),
    /// Print the completions of a shell
    Completions(Completions),
    /// Print the manual page, or write the pages of all commands
    Man(Man),
}

/// Where the mirror is.
#[derive(Debug, Clone, Args)]
pub struct Destination {
    /// The folder that holds the mirror
    #[arg(long, value_name = "DIR")]
    pub dest: PathBuf,
}

/// List the binders that the mirror knows, or let one go.
#[derive(Debug, Args)]
#[command(
    after_help = "A binder is mirrored when a listing of it was read to its end and was consistent; documents that failed \
    are in the run's report.\n\nExamples:\n  ibinder-sync binders --dest /srv/mirror\n  \
    ibinder-sync binders --dest /srv/mirror --json | jq -r 'select(.inaccessible_since) | .name'\n  \
    ibinder-sync binders forget k3J9x_a2Q --dest /srv/mirror"
)]
pub struct Binders {
    /// What to do with them.
    #[command(subcommand)]
    pub command: Option<BindersCommand>,
    /// Print the list as JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// The folder that holds the mirror
    #[arg(long, value_name = "DIR", global = true)]
    pub dest: Option<PathBuf>,
}

/// What to do with binders.
#[derive(Debug, Subcommand)]
pub enum BindersCommand {
    /// List them: how many documents are mirrored, their size, and when a listing of theirs was last read to its
    /// end and found consistent
    List {
        /// Print JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    /// Let a binder go that iBinder no longer shows: its files leave the tree, their bytes stay in the
    /// mirror's objects
    Forget {
        /// The binder's id
        #[arg(value_name = "ID")]
        id: String,
        /// Let it go although the last run could read it
        #[arg(long)]
        force: bool,
        /// Ask nothing
        #[arg(long)]
        yes: bool,
    },
}

/// Accept that one version of a document can't be had.
#[derive(Debug, Args)]
#[command(
    after_help = "For a document that iBinder lists and does not give out, night after night: its version that failed in \
    the last run no longer makes runs partial. Each run still tries it, counts it as acknowledged and shows it in the \
    report. The acknowledgement ends when the document is mirrored or has another version. What is mirrored of it \
    stays.\n\nExample:\n  ibinder-sync acknowledge 3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e77 --dest /srv/mirror"
)]
pub struct Acknowledge {
    /// The document's id, as the report shows it
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where.
    #[command(flatten)]
    pub destination: Destination,
}

/// Erase a document for good, with everything that is known of it.
#[derive(Debug, Args)]
#[command(
    after_help = "Its file, its earlier versions, its names and places, and what reports and manifests say of it are \
    deleted; that something was erased, and when, stays on record. A document that the service still lists is left out \
    of later runs. Copies of the mirror elsewhere are yours to clean.\n\nExample:\n  \
    ibinder-sync purge 3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e77 --dest /srv/mirror"
)]
pub struct Purge {
    /// The document's id
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where.
    #[command(flatten)]
    pub destination: Destination,
    /// Ask nothing
    #[arg(long)]
    pub yes: bool,
}

/// Run a command while nothing changes the mirror: to copy it elsewhere.
#[derive(Debug, Args)]
#[command(after_help = "A run that starts meanwhile ends at once with exit 5. The command finds the destination in \
    IBINDER_SYNC_DEST, and its exit code becomes this program's.\n\nExamples:\n  \
    ibinder-sync with-lock --dest /srv/mirror -- rsync -a --delete /srv/mirror/ backup:/srv/mirror/\n  \
    ibinder-sync with-lock --dest /srv/mirror -- sh -c 'restic backup \"$IBINDER_SYNC_DEST\"'")]
pub struct WithLock {
    /// Where.
    #[command(flatten)]
    pub destination: Destination,
    /// The command and its arguments, behind two dashes
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<std::ffi::OsString>,
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

/// Reads a length of time that may be days or weeks; a day has 24 hours.
fn long_time(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let told = || format!("{text:?} is not a length of time, such as 36h, 90d or 26w");
    let (number, unit) = text.split_at(text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len());
    let hours = match unit {
        "d" => 24,
        "w" => 7 * 24,
        _ if unit.starts_with("mo") || unit.starts_with('y') => {
            return Err(format!(
                "{text:?}: months and years are not known; write hours, days or weeks: 36h, 180d, 26w"
            ));
        }
        // Months and minutes begin with one letter, and a slip would let years of versions go.
        _ if unit.starts_with(['m', 's']) => {
            return Err(format!("{text:?} would be less than an hour; write hours, days or weeks: 36h, 180d, 26w"));
        }
        _ => return duration(text).map_err(|_| told()),
    };
    let count: u64 = number.trim().parse().map_err(|_| told())?;
    let seconds = count.checked_mul(hours * 3600).filter(|seconds| i64::try_from(*seconds).is_ok());
    seconds.map(Duration::from_secs).ok_or_else(told)
}

/// Reads a length of time.
fn duration(text: &str) -> Result<Duration, String> {
    let told = || format!("{text:?} is not a length of time, such as 90s, 30m or 8h");
    let span: jiff::SignedDuration = text.trim().parse().map_err(|_| told())?;
    Duration::try_from(span).map_err(|_| told())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_slip_lets_years_go() {
        for (text, days) in [("90d", Some(90)), ("26w", Some(182)), ("48h", Some(2)), ("6m", None), ("90s", None)] {
            assert_eq!(long_time(text).ok(), days.map(|days| Duration::from_hours(24 * days)), "{text}");
        }
    }

    #[test]
    fn days_and_weeks_are_lengths_of_time() {
        for (text, hours) in [("90d", Some(90 * 24)), ("26w", Some(26 * 168)), ("36h", Some(36)), (" 1d ", Some(24))] {
            assert_eq!(long_time(text).ok(), hours.map(Duration::from_hours), "{text}");
        }
        for text in ["3 months", "6mo", "1month", "2 years", "1y"] {
            assert!(long_time(text).unwrap_err().contains("months and years are not known"), "{text}");
        }
        for bad in ["", "d", "90", "-1d", "1.5d", "ö", "99999999999999999d"] {
            assert!(long_time(bad).is_err(), "{bad}");
        }
    }
}
