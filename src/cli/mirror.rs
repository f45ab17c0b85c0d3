//! `recover`, `acknowledge`, `purge` and `with-lock`: commands that work on the mirror alone.

use std::{ffi::OsString, path::PathBuf};

use clap::Args;

use crate::config::Location;

/// Restore a damaged or lost state, or a lost mirror from its copy.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --from, the present database is kept as state.db.damaged-TIME, and no file of the tree is \
    touched. The next run checks the files that the copy doesn't know.\n\n\
    With --from, the tree, the old versions and the state are downloaded into an empty folder, and every hash is verified. The next \
    run downloads what changed since. If it is interrupted, the same command goes on. Exit code 4: the copy lacks \
    something.\n\nExamples:\n  \
    ibinder-sync recover --dest /srv/mirror && ibinder-sync run --dest /srv/mirror\n  \
    ibinder-sync recover --from s3://brf-copies/eken --dest /srv/mirror"
)]
pub struct Recover {
    /// Recover the whole mirror from the copy at this URL
    #[arg(long, value_name = "URL", conflicts_with = "force")]
    pub from: Option<Location>,
    /// Recover this commit of the copy instead of the highest
    #[arg(long, value_name = "N", requires = "from")]
    pub commit: Option<u64>,
    /// Do it although the state is sound
    #[arg(long)]
    pub force: bool,
}

/// Accept that one version of a document can't be downloaded.
#[derive(Debug, Args)]
#[command(
    after_help = "For a document that iBinder lists but never delivers: its version that failed in the last run no longer \
    makes runs partial. Each run still tries it, counts it as acknowledged and shows it in the report. The \
    acknowledgement ends when the document is mirrored or gets another version. Its older version in the mirror \
    stays.\n\nExample:\n  ibinder-sync acknowledge 3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e77 --profile north"
)]
pub struct Acknowledge {
    /// The document's id, as the report shows it
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Delete a document for good, with everything that is recorded about it.
#[derive(Debug, Args)]
#[command(
    after_help = "It deletes the document's file, its old versions, its names and places, and its entries in reports and \
    manifests. Only the fact that a document was purged, and when, stays on record. If iBinder still lists the document, \
    later runs leave it out. Copies of the mirror elsewhere are not touched: delete it there yourself.\n\nExample:\n  \
    ibinder-sync purge 3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e77 --dest /srv/mirror"
)]
pub struct Purge {
    /// The document's id, a path that it has or had, or the name of its file if no other has it
    #[arg(value_name = "DOCUMENT")]
    pub document: PathBuf,
    /// Don't ask for confirmation
    #[arg(long)]
    pub yes: bool,
}

/// Run a command while the mirror can't change, for example to copy it.
#[derive(Debug, Args)]
#[command(
    after_help = "A run that starts in the meantime ends immediately with exit code 5. The command finds the destination \
    in IBINDER_SYNC_DEST, and its exit code becomes this program's.\n\nExamples:\n  \
    ibinder-sync with-lock --dest /srv/mirror -- \\\n      rsync -a --delete /srv/mirror/ backup:/srv/mirror/\n  \
    ibinder-sync with-lock --profile north -- \\\n      sh -c 'restic backup \"$IBINDER_SYNC_DEST\"'"
)]
pub struct WithLock {
    /// The command and its arguments, after two dashes
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}
