//! `recover` and `adopt`.

use clap::Args;

use super::{Destination, Selection};
use crate::config::Given;

/// Put the last good copy of the state in place of one that is damaged or lost.
#[derive(Debug, Args)]
#[command(after_help = "The database that is there is kept as state.db.damaged-TIME, and no file of the tree is \
    touched. The next run proves what the tree has and the copy doesn't know.\n\nExample:\n  \
    ibinder-sync recover --dest /srv/mirror && ibinder-sync run --dest /srv/mirror")]
pub struct Recover {
    /// Where.
    #[command(flatten)]
    pub destination: Destination,
    /// Do so although the state is sound
    #[arg(long)]
    pub force: bool,
}

/// Take over the files of a tree that has no state, and bring over what is missing.
#[derive(Debug, Args)]
#[command(
    after_help = "It is a run in which a file that lies where a document belongs is proved: by the hash that the \
    service announces, without a download. What can't be proved is downloaded, and what was there is kept in \
    .ibinder-sync/objects. Files that no document claims stay.\n\nIt takes the settings of `run`. Organisation, \
    client and secret come from the configuration file or the environment: `ibinder-sync config show` says which.\n\n\
    Examples:\n  \
    ibinder-sync adopt --dest /srv/mirror\n  \
    ibinder-sync adopt --dest /srv/mirror --trust-times --rate 5"
)]
pub struct Adopt {
    /// Where.
    #[command(flatten)]
    pub destination: Destination,
    /// What and how.
    #[command(flatten)]
    pub selection: Selection,
    /// Where the service announces no hash, believe a file whose size and time are those of the document
    #[arg(long)]
    pub trust_times: bool,
}

impl Adopt {
    /// The flags' values.
    pub fn given(self) -> Given {
        Given { trust_times: self.trust_times, ..self.selection.given(self.destination) }
    }
}
