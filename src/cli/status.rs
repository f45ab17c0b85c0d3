//! `status`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::profiles::Profiles;
use crate::config::{NAMES, long_time};

/// Report whether the mirror is healthy, for people and for monitoring.
#[derive(Debug, Args)]
#[command(
    after_help = "It ends with 0 if all is well, with 1 for a warning, with 2 if it is critical, and with 3 if it is unknown: \
    what Nagios, Icinga and others expect of a plug-in. It takes no lock and sends no request, so you can call it at any \
    time.\n\nExamples:\n  ibinder-sync status --dest /srv/mirror\n  \
    ibinder-sync status --from /var/lib/ibinder-sync/status.json --max-age 26h\n  \
    ibinder-sync status --dest /srv/mirror --json | jq .status.waiting"
)]
pub struct Status {
    /// Read this copy of the status, as `run --status-file` writes it, instead of the mirror
    #[arg(long, value_name = "FILE", conflicts_with_all = [NAMES.dest, "all"])]
    pub from: Option<PathBuf>,
    /// Critical if no run was complete for this long
    #[arg(long, value_name = "TIME", value_parser = long_time, default_value = "26h")]
    pub max_age: Duration,
    /// Print the result and the whole status as JSON
    #[arg(long)]
    pub json: bool,
    /// Which profiles.
    #[command(flatten)]
    pub profiles: Profiles,
}
