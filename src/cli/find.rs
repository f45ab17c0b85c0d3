//! `find`.

use clap::Args;

use super::{history::TIMES, source::CopySource};

/// Find documents by name, path and metadata.
#[derive(Debug, Args)]
#[command(after_help = format!("A document is found if its name, its path or a value of its metadata contains each TEXT. \
    Words in quotes must stand together. Case and accents don't count: a finds å and ä, too, and o finds ö, but å, ä and ö find only \
    themselves.\n\n{TIMES} --changed-since takes the beginning of a day, week or month instead.\n\nExamples:\n  \
    ibinder-sync find --dest /srv/mirror hissavtal 2026\n  \
    ibinder-sync find --dest /srv/mirror 'brf eken' --type pdf\n  \
    ibinder-sync find --dest /srv/mirror --changed-since monday --json"))]
pub struct Find {
    /// A copy instead of a mirror.
    #[command(flatten)]
    pub source: CopySource,
    /// What to find
    #[arg(value_name = "TEXT", required_unless_present_any = ["binder", "types", "changed_since", "removed"])]
    pub texts: Vec<String>,
    /// Only in the binder with this name or id
    #[arg(long, value_name = "BINDER")]
    pub binder: Option<String>,
    /// Only files of this type, such as pdf (may be repeated)
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// Only documents that were added, updated or moved since then, or whose metadata changed
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub changed_since: Option<String>,
    /// Documents that were removed from the tree, by their last paths
    #[arg(long)]
    pub removed: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}
