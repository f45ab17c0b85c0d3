//! Copies of a mirror in object stores: written by [`Replicate`], read by [`OpenCopy`].
//!
//! A copy has each content once, under its hash, and for each night that changed something a manifest, the state and a commit that
//! names them (contract: `docs/copy-format.md`). Files are only ever added, so that a copy works under credentials that
//! can't replace or delete anything. Everything that a commit names is there before the commit is, and the highest commit is the copy.

mod check;
#[cfg(test)]
mod check_tests;
mod commit;
mod commits;
mod contents;
mod doubts;
mod downloads;
mod error;
mod keep;
mod layout;
mod learn;
mod location;
mod manifest;
mod mend;
mod open_copy;
mod packed;
mod proof;
mod prune;
#[cfg(test)]
mod prune_tests;
mod recover;
mod recovery_mark;
mod replicate;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;
mod transfers;
mod unnamed;
mod upload;

pub use commit::{CommitFile, Named, Parent};
pub use commits::{Commit, highest_commit, list_commits, read_commit};
pub use contents::CopyContents;
pub use downloads::{LackCause, Lacking};
pub use error::Error;
pub use layout::{object_key, object_of};
pub use location::{BadLocation, Location, Place};
pub use manifest::{Item, ItemKind, ManifestHeader};
pub use open_copy::OpenCopy;
pub use proof::{CopyProof, VerifyCopy};
pub use prune::{Prune, PruneOptions};
pub use recover::{Recover, Recovered};
pub use recovery_mark::RecoveryMark;
pub use replicate::{CopyOutcome, Replicate, ReplicateOptions, Replicated};
pub use store::{
    Credentials, ErrorKind, Listed, ObjectReader, Protection, PutOutcome, Store, StoreError, StoreSettings, VARIABLES,
};
pub use transfers::Transferred;
