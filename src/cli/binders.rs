//! `binders`.

use clap::{Args, Subcommand};

/// List the binders of the mirror, or forget one.
#[derive(Debug, Args)]
#[command(
    after_help = "It shows for each binder how many documents are mirrored, their size, and when its last complete listing \
    was read. Documents that failed are in the run's report.\n\nExamples:\n  ibinder-sync binders --dest /srv/mirror\n  \
    ibinder-sync binders --json | jq -r 'select(.inaccessible_since) | .name'\n  \
    ibinder-sync binders forget 'Brf Eken' --dest /srv/mirror"
)]
pub struct Binders {
    /// What to do with them.
    #[command(subcommand)]
    pub command: Option<BindersCommand>,
    /// Print the list as JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

/// What to do with binders.
#[derive(Debug, Subcommand)]
pub enum BindersCommand {
    /// The same as `binders`, which it was called before
    #[command(hide = true)]
    List {
        /// Print JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    /// Remove the files of a binder that iBinder no longer lists; the mirror keeps their content in its objects
    Forget {
        /// The binder's id or name
        #[arg(value_name = "BINDER")]
        binder: String,
        /// Forget it although the last run could read it
        #[arg(long)]
        force: bool,
        /// Don't ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}
