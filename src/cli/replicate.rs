//! `replicate`.

use std::time::Duration;

use clap::Args;

use crate::config::{Location, Share, long_time};

/// What `--to` is for.
const TO: &str = "Where the copy is: s3://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER [default: the setting \
    `replicate`]";

/// Bring the copy of the mirror in an object store up to date.
#[derive(Debug, Args)]
#[command(
    after_help = "Only what the copy lacks is uploaded, and nothing in it is replaced or deleted without --check or --prune. With the setting `replicate`, \
    each run does this at its end. Credentials come from the environment (AWS_ACCESS_KEY_ID, AZURE_STORAGE_ACCOUNT_NAME \
    and so on) or from the file that `replicate_credentials_file` names. If it is interrupted, the next one continues.\n\nExamples:\n  \
    ibinder-sync replicate --dest /srv/mirror --to s3://backup-eken/mirror\n  \
    ibinder-sync replicate --dest /srv/mirror --to file:///mnt/disk/mirror\n  \
    ibinder-sync replicate --profile north --max-duration 6h\n  \
    ibinder-sync replicate --dest /srv/mirror --check=5%   # all in 20 nights\n  \
    ibinder-sync replicate --to s3://backup-eken/mirror --prune --dry-run"
)]
pub struct Replicate {
    /// The place of the copy.
    #[arg(long, value_name = "URL", help = TO)]
    pub to: Option<Location>,
    /// Then read SHARE of the copy, such as 5%, or all of it, and upload again from the mirror what is damaged or missing; the next
    /// check continues there
    #[arg(long, value_name = "SHARE", num_args = 0..=1, require_equals = true, default_missing_value = "100%")]
    pub check: Option<Share>,
    /// Go on although the copy is not as this mirror left it: its commits are gone, or those of another mirror
    #[arg(long, conflicts_with = "prune")]
    pub accept: bool,
    /// Deleting instead.
    #[command(flatten)]
    pub pruning: Pruning,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// What is deleted from a copy.
#[derive(Debug, Args)]
pub struct Pruning {
    /// Upload nothing: delete from the copy old commits, and what no other commit names. Needs no mirror
    #[arg(long, conflicts_with = "check")]
    pub prune: bool,
    /// With --prune: keep all commits of this time
    #[arg(long, value_name = "TIME", value_parser = long_time, default_value = "90d", requires = "prune")]
    pub keep: Duration,
    /// With --prune: delete nothing that was written, or superseded, less than this ago; at least 2d
    #[arg(long, value_name = "TIME", value_parser = long_time, default_value = "7d", requires = "prune")]
    pub grace: Duration,
    /// With --prune: delete nothing, and say what would be deleted
    #[arg(long, requires = "prune")]
    pub dry_run: bool,
}
