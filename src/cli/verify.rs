//! `verify`.

use std::time::Duration;

use clap::Args;

use super::{Destination, Notices, Pacing, duration};
use crate::config::{Share, Size};

/// Check every file of the mirror, and what it holds besides, against what is recorded.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --repair it changes nothing, takes no lock, and may go on while a run is at work. With it, \
    each damaged file comes back from the mirror itself or from the service; the credentials \
    are needed only for the latter. What was in its place is kept.\n\nOrganisation, client and secret come from the \
    configuration file or the environment: `ibinder-sync config show` says which.\n\n\
    It ends with 0 if all is as recorded, with 6 if damage is found (with --repair: left).\n\nExamples:\n  \
    ibinder-sync verify --dest /srv/mirror\n  \
    ibinder-sync verify --dest /srv/mirror --repair\n  \
    ibinder-sync verify --dest /srv/mirror --sample 5%        # nightly: all of it in 20 nights\n  \
    ibinder-sync verify --dest /srv/mirror --budget 10m --bandwidth 50MB\n  \
    ibinder-sync verify --dest /srv/mirror --json | jq '.findings[] | select(.kind == \"damaged\")'"
)]
pub struct Verify {
    /// Where.
    #[command(flatten)]
    pub destination: Destination,
    /// Bring back what is missing or damaged
    #[arg(long)]
    pub repair: bool,
    /// Read only the next share of the bytes; the next time goes on from there
    #[arg(long, value_name = "P%", conflicts_with = "budget")]
    pub sample: Option<Share>,
    /// Read only for so long; the next time goes on from there
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub budget: Option<Duration>,
    /// Bytes per second that are read at most, such as 50MB
    #[arg(long, value_name = "SIZE")]
    pub bandwidth: Option<Size>,
    /// How fast the service is asked.
    #[command(flatten)]
    pub pacing: Pacing,
    /// Print what was found as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Who is told how it went.
    #[command(flatten)]
    pub notices: Notices,
}
