//! `replicate`.

use clap::Args;

use crate::config::Location;

/// What `--to` is for.
const TO: &str = "Where the copy is: s3://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER [default: the setting \
    `replicate`]";

/// Bring the copy of the mirror in an object store up to date.
#[derive(Debug, Args)]
#[command(
    after_help = "Only what the copy lacks is uploaded, and nothing in it is ever replaced or deleted. With the setting `replicate`, \
    each run does this at its end. Credentials come from the environment (AWS_ACCESS_KEY_ID, AZURE_STORAGE_ACCOUNT_NAME \
    and so on) or from the file that `replicate_credentials_file` names. If it is interrupted, the next one continues.\n\nExamples:\n  \
    ibinder-sync replicate --dest /srv/mirror --to s3://backup-eken/mirror\n  \
    ibinder-sync replicate --dest /srv/mirror --to file:///mnt/disk/mirror\n  \
    ibinder-sync replicate --profile north --max-duration 6h"
)]
pub struct Replicate {
    /// The place of the copy.
    #[arg(long, value_name = "URL", help = TO)]
    pub to: Option<Location>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}
