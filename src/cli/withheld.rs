//! `withheld` and `confirm-removals`.

use clap::Args;

/// List the documents whose removal waits to be confirmed.
#[derive(Debug, Args)]
#[command(
    after_help = "Too many documents are missing in iBinder at once, so they were kept. The last line is the command that confirms the removal of exactly these documents; its HASH fits no other \
    set. With --csv it is printed on standard error.\n\nExamples:\n  ibinder-sync withheld --dest /srv/mirror\n  \
    ibinder-sync withheld --dest /srv/mirror --csv > missing.csv"
)]
pub struct Withheld {
    /// Only of the binder with this name or id
    #[arg(long, value_name = "BINDER")]
    pub binder: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print comma-separated values
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// Confirm the removal of the documents that `withheld` lists.
#[derive(Debug, Args)]
#[command(
    after_help = "The next run looks each of them up in iBinder and removes those that are gone; their content is kept in the \
    mirror's objects. The cap on removals still holds for every other document. If other documents are withheld by now, \
    nothing is confirmed. The confirmation of a document ends when iBinder lists it again, and with the next complete \
    run.\n\nExample:\n  ibinder-sync confirm-removals --dest /srv/mirror 3f2a91c05e1d4c47"
)]
pub struct ConfirmRemovals {
    /// What `withheld` printed for these documents
    #[arg(value_name = "HASH")]
    pub hash: String,
    /// The binder that was given to `withheld`
    #[arg(long, value_name = "BINDER")]
    pub binder: Option<String>,
}
