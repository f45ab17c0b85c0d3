//! `handover`.

use std::path::PathBuf;

use clap::Args;

/// Hand over binders: a folder or zip file with their documents, old versions, metadata and changes, and a receipt.
#[derive(Debug, Args)]
#[command(
    after_help = "The folder is a BagIt bag (RFC 8493): `sha256sum -c manifest-sha256.txt` or any program for BagIt \
    checks it. Its receipt (receipt.html, kvitto.html) says what is in it, as of which complete run, and what is missing and \
    why. If it is stopped, the same command continues. Exit codes: 0 everything that iBinder listed is in it, 4 something is \
    missing, 6 damage was found.\n\nExamples:\n  \
    ibinder-sync handover --dest /srv/mirror --binder 'Brf Eken' --to /srv/eken\n  \
    ibinder-sync handover --dest /srv/mirror --to /srv/handover/all.zip --zip"
)]
pub struct Handover {
    /// The binder with this name or id; may be repeated [default: all]
    #[arg(long, value_name = "BINDER")]
    pub binder: Vec<String>,
    /// A folder that is empty, does not exist yet, or has the same bag unfinished; with --zip a new file
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Write one zip file instead of a folder
    #[arg(long)]
    pub zip: bool,
    /// Print the result as JSON on standard output
    #[arg(long)]
    pub json: bool,
}
