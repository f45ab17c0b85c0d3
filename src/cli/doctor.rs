//! `doctor`.

use std::path::PathBuf;

use clap::Args;

/// Check everything that a run needs, and say what is wrong and what to do about it.
#[derive(Debug, Args)]
#[command(
    after_help = "It changes nothing, and asks the service for two dozen things, one after the other. The report has no \
    secret in it and names no document, binder or person.\n\nIt ends with 0 if a run can work (warnings aside), with 2 if \
    the configuration or the destination must be mended first, with 3 if the credentials are refused, and with 4 if the \
    service can't be reached or answers otherwise than it should.\n\nExamples:\n  \
    ibinder-sync doctor --dest /srv/mirror\n  \
    ibinder-sync doctor --dest /srv/mirror --report doctor.txt"
)]
pub struct Doctor {
    /// The folder that holds the mirror
    #[arg(long, value_name = "DIR")]
    pub dest: Option<PathBuf>,
    /// Refuse a destination that holds no mirror yet: a disk that is not mounted, say
    // With a value, so that the command line can overrule a file.
    #[arg(
        long,
        value_name = "BOOL",
        action = clap::ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub existing: bool,
    /// Write everything that was found to this file, to be sent to somebody who helps
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print everything that was found as JSON on standard output
    #[arg(long)]
    pub json: bool,
}
