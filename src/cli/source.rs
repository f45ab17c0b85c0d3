//! What commands read that change nothing.

use clap::Args;

use crate::config::{Location, NAMES};

/// A copy instead of a mirror, and which of its commits.
#[derive(Debug, Clone, Args)]
pub struct CopySource {
    /// The copy.
    #[command(flatten)]
    pub place: CopyPlace,
    /// Read this commit of the copy instead of the highest
    #[arg(long, value_name = "N", requires = "from")]
    pub commit: Option<u64>,
}

/// A copy as a whole instead of a mirror.
#[derive(Debug, Clone, Args)]
pub struct CopyPlace {
    /// Where it is.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = NAMES.dest,
        help = "Read this copy instead of a mirror: s3://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER"
    )]
    pub from: Option<Location>,
}
