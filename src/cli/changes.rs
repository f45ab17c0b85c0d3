//! `changes`.

use clap::Args;

use super::{history::TIMES, source::CopySource};

/// List the documents that were added, updated, moved or removed.
#[derive(Debug, Args)]
#[command(after_help = format!("Without --since and --run it lists what the last run changed. Only the two ends are compared: \
    a document that was changed and changed back is not listed.\n\n{TIMES} --since takes the beginning of a day, week or \
    month instead.\n\nExamples:\n  ibinder-sync changes --dest /srv/mirror --since yesterday\n  \
    ibinder-sync changes --profile north --since 'last month' --binder 'Brf Eken'\n  \
    ibinder-sync changes --dest /srv/mirror --since 2026-11 --csv > november.csv"))]
pub struct Changes {
    /// A copy instead of a mirror.
    #[command(flatten)]
    pub source: CopySource,
    /// Since this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Up to this time [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// What this run changed, as `snapshots` shows it
    #[arg(long, value_name = "RUN", conflicts_with_all = ["since", "until"])]
    pub run: Option<String>,
    /// Only in the binder with this name or id
    #[arg(long, value_name = "BINDER")]
    pub binder: Option<String>,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// Print comma-separated values
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}
