//! What commands read that change nothing.

use clap::Args;

use crate::config::{Location, NAMES};

/// A copy instead of a mirror.
#[derive(Debug, Clone, Args)]
pub struct CopySource {
    /// Where it is.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = NAMES.dest,
        help = "Read this copy instead of a mirror: s3://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER"
    )]
    pub from: Option<Location>,
}
