//! `status`.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args};

use super::long_time;

/// Say whether the mirror is healthy, for people and for monitoring.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("where").required(true).args(["dest", "from"])),
    after_help = "It ends with 0 if all is well, with 1 for a warning, with 2 if it is critical, and with 3 if nothing can be \
    told: what Nagios, Icinga and others expect of a plug-in. It takes no lock, asks nobody, and may be called at any time.\n\n\
    Examples:\n  ibinder-sync status --dest /srv/mirror\n  \
    ibinder-sync status --from /var/lib/ibinder-sync/status.json --max-age 26h\n  \
    ibinder-sync status --dest /srv/mirror --json | jq .status.waiting"
)]
pub struct Status {
    /// The folder that holds the mirror
    #[arg(long, value_name = "DIR")]
    pub dest: Option<PathBuf>,
    /// A copy of its status, as `run --status-file` writes it
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// It is critical if no run was complete for so long
    #[arg(long, value_name = "TIME", value_parser = long_time, default_value = "26h")]
    pub max_age: Duration,
    /// Print the judgement and the whole status as JSON
    #[arg(long)]
    pub json: bool,
}
