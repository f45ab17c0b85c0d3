//! `run`, `plan` and `adopt`.

use clap::Args;

use super::profiles::Profiles;

/// What `plan` and `run --dry-run` do.
pub(super) const DRY_RUN: &str = "Show what a run would do, and change nothing";

/// Download what changed in iBinder.
#[derive(Debug, Args)]
#[command(
    after_help = "Put the settings of a nightly run into the configuration file, which takes every flag shown here: \
    `ibinder-sync config init` writes one to start with. Organisation, client and secret come from the configuration \
    file or the environment, and never from a flag: `ibinder-sync config show` says which. `-h` is shorter.\n\nExamples:\n  \
    ibinder-sync run --profile north\n  \
    ibinder-sync run --profile north --first\n  \
    ibinder-sync run --all\n  \
    ibinder-sync run --dest /srv/mirror\n  \
    ibinder-sync run --dest /srv/mirror --max-duration 6h --min-free 20GB\n  \
    ibinder-sync run --dest /srv/mirror --retain 90d --retain-versions 10\n  \
    ibinder-sync run --dest /srv/mirror --binder 'Brf *' --exclude '*.mp4'"
)]
pub struct Run {
    /// The same as `plan`
    #[arg(long, help = format!("{DRY_RUN}; the same as `plan`"))]
    pub dry_run: bool,
    /// Begin a mirror at a destination that holds none, even if `existing` is set; refused where a mirror is
    #[arg(long)]
    pub first: bool,
    /// Print the run report as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Which profiles.
    #[command(flatten)]
    pub profiles: Profiles,
}

/// Show what a run would do.
#[derive(Debug, Args)]
#[command(about = DRY_RUN, after_help = "It is `run --dry-run`: it lists the documents in iBinder as `run` does, and takes the \
    same settings.\n\nExamples:\n  \
    ibinder-sync plan --dest /srv/mirror\n  ibinder-sync plan --dest /srv/mirror --sample 50\n  ibinder-sync plan --dest /srv/mirror --json | jq .documents")]
pub struct Plan {
    /// Plan the first run, even if `existing` is set; refused where a mirror is
    #[arg(long)]
    pub first: bool,
    /// Open N documents, without their bytes, to estimate the size of the first run; implies --first
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub sample: usize,
    /// Print the run report as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// Take over the files of a tree that has no state, and download what is missing.
#[derive(Debug, Args)]
#[command(
    after_help = "It is a run that compares each file in the place of a document with the hash that the service \
    announces, without a download. A file that differs, or has no announced hash, is downloaded, and the old one is kept \
    in .ibinder-sync/objects. Files that belong to no document stay.\n\nIt takes the settings of `run`. Organisation, \
    client and secret come from the configuration file or the environment: `ibinder-sync config show` says which.\n\n\
    Examples:\n  \
    ibinder-sync adopt --dest /srv/mirror\n  \
    ibinder-sync adopt --dest /srv/mirror --trust-times --rate 5"
)]
pub struct Adopt {
    /// Where the service announces no hash, accept a file that has the document's size and time
    #[arg(long)]
    pub trust_times: bool,
    /// Print the run report as JSON on standard output
    #[arg(long)]
    pub json: bool,
}
