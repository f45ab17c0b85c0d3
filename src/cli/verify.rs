//! `verify`.

use std::{num::NonZeroU64, time::Duration};

use clap::Args;

use super::source::CopyPlace;
use crate::config::{Share, bandwidth, timeout};

/// Check every file of the mirror, and every object in it, against the recorded hashes.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --repair it changes nothing, takes no lock, and can work during a run. With --repair it \
    restores each damaged file from the mirror itself or from the service, and keeps the damaged one; only the service \
    needs the credentials.\n\nOrganisation, client and secret come from the configuration file or the environment: \
    `ibinder-sync config show` says which.\n\n\
    With --from it proves a copy without a mirror: every commit, and everything that the highest one names.\n\n\
    It ends with 0 if everything is as recorded, and with 6 if damage is found (with --repair: if some is left).\n\nExamples:\n  \
    ibinder-sync verify --dest /srv/mirror\n  \
    ibinder-sync verify --dest /srv/mirror --repair\n  \
    ibinder-sync verify --dest /srv/mirror --sample 5%   # all in 20 nights\n  \
    ibinder-sync verify --from s3://backup-eken/mirror\n  \
    ibinder-sync verify --dest /srv/mirror --budget 10m --bandwidth 50MB\n  \
    ibinder-sync verify --json | jq '.findings[] | select(.kind == \"damaged\")'"
)]
pub struct Verify {
    /// A copy instead of a mirror.
    #[command(flatten)]
    pub source: CopyPlace,
    /// Restore what is missing or damaged
    #[arg(long, conflicts_with = "from")]
    pub repair: bool,
    /// Read only the next P% of the content; the next call continues there
    #[arg(long, value_name = "P%", conflicts_with_all = ["budget", "from"])]
    pub sample: Option<Share>,
    /// Stop reading after this time; the next call continues there
    #[arg(long, value_name = "TIME", value_parser = timeout, conflicts_with = "from")]
    pub budget: Option<Duration>,
    /// Read at most this many bytes per second, such as 50MB
    #[arg(long, value_name = "SIZE", value_parser = bandwidth)]
    pub bandwidth: Option<NonZeroU64>,
    /// Print the result as JSON on standard output
    #[arg(long)]
    pub json: bool,
}
