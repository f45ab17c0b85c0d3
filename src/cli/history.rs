//! `snapshots`, `ls`, `history` and `restore`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::source::CopySource;

/// What `--at` takes, in the words of its help.
pub(super) const TIMES: &str = "TIME is a day such as 2026-11-03, yesterday or monday, \"last week\", \"last month\" or 2026-11 (the end of each), a \
    time such as \"2026-11-03 02:00\" or 2026-11-03T02:00:00Z, a time before now such as 7d or 3h, now, or a run as \
    `snapshots` shows it. It selects the last run that had ended by then. \
    Times are in the system's time zone; the time in a run's id is UTC.";

/// List the runs that you can go back to.
#[derive(Debug, Args)]
#[command(after_help = "A run that is `complete` had mirrored everything that iBinder listed. For other runs, \
    `restore --at` gives back what was mirrored by then. Times are in the system's time zone; the time in a run's id is \
    UTC.\n\nExamples:\n  ibinder-sync snapshots --dest /srv/mirror\n  \
    ibinder-sync snapshots --dest /srv/mirror --json | jq 'select(.whole) | .id'")]
pub struct Snapshots {
    /// A copy instead of a mirror.
    #[command(flatten)]
    pub source: CopySource,
    /// Also show runs that changed nothing
    #[arg(long)]
    pub all: bool,
    /// Print every run as JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

/// List the folders and files of the mirror at a time: size in bytes, time and path.
#[derive(Debug, Args)]
#[command(after_help = format!("{TIMES}\n\nExamples:\n  ibinder-sync ls --dest /srv/mirror --at 7d\n  \
    ibinder-sync ls --dest /srv/mirror --at 2026-11-03 -R 'Brf Eken'\n  \
    ibinder-sync ls --dest /srv/mirror 'Brf Eken/**/*.pdf'"))]
pub struct Ls {
    /// A copy instead of a mirror.
    #[command(flatten)]
    pub source: CopySource,
    /// The time [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Files and folders, by their paths at that time; *, ?, [a-z] and {a,b} stand for letters, ** for folders
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Also list everything in the folders
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

/// Show the versions, places and metadata changes of a document.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ibinder-sync history --dest /srv/mirror 'Brf Eken/Avtal/El.pdf'\n  \
    ibinder-sync history --dest /srv/mirror 0f8fad5b-d9cb-469f-a165-70867728950e")]
pub struct History {
    /// A copy instead of a mirror.
    #[command(flatten)]
    pub source: CopySource,
    /// The document's id, a path that it has or had, or the name of its file if no other has it
    #[arg(value_name = "DOCUMENT")]
    pub document: PathBuf,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

/// Copy the files of the mirror at a time into another folder.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["at", "version"]))]
#[command(after_help = format!("{TIMES}\n\nIt compares every file with the recorded hash, and names those that it \
    can't restore. Exit codes: 0 everything, 4 something is missing, 6 damage was found. With --from it needs no mirror, and \
    the same command continues a restore that was interrupted.\n\nExamples:\n  \
    ibinder-sync restore --dest /srv/mirror --at 2026-11-03 --to /tmp/then\n  \
    ibinder-sync restore --profile north --at 7d --to /tmp/then 'Brf Eken/Avtal'\n  \
    ibinder-sync restore --from s3://backup-eken/mirror --at now --to /tmp/all\n  \
    ibinder-sync restore --dest /srv/mirror --to /tmp/one \\\n      --version 7c9e6679-7425-40de-944b-e07fc1f90ae7"))]
pub struct Restore {
    /// A copy instead of a mirror.
    #[command(flatten)]
    pub source: CopySource,
    /// The time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// One version of a document, by its id as `history` shows it
    #[arg(long, value_name = "VERSION_ID", conflicts_with = "paths")]
    pub version: Option<String>,
    /// An empty folder, or one that does not exist yet
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Files and folders by their paths at that time, or documents by id or name [default: everything]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// If a file was edited by hand before it left the tree and no other copy exists, restore the edited one
    #[arg(long)]
    pub edited: bool,
    /// Print the result as JSON on standard output
    #[arg(long)]
    pub json: bool,
}
