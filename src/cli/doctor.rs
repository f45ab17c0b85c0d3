//! `doctor`.

use std::path::PathBuf;

use clap::Args;

use super::profiles::Profiles;

/// Check everything that a run needs, and say how to fix what is wrong.
#[derive(Debug, Args)]
#[command(
    after_help = "It changes nothing, and sends about two dozen requests, one after the other. With the setting `replicate` it also \
    tries the store of the copy, and leaves one small file there, `doctor/probe`. The report contains no \
    secret and names no document, binder or person.\n\nIt ends with 0 if a run can work (perhaps with warnings), with 2 if \
    you must fix the configuration or the destination first, with 3 if the credentials are refused, and with 4 if the \
    service can't be reached or gives unexpected answers. With `--mail` these are about the mail server.\n\nExamples:\n  \
    ibinder-sync doctor --dest /srv/mirror\n  \
    ibinder-sync doctor --dest /srv/mirror --report doctor.txt\n  \
    ibinder-sync doctor --mail --profile north"
)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the command line")]
pub struct Doctor {
    /// Accept a destination that holds no mirror yet, even if `existing` is set
    #[arg(long)]
    pub first: bool,
    /// Write all results to this file, to send it to somebody who helps
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    pub report: Option<PathBuf>,
    /// Send one test mail, as `mail` in the configuration file says, and check nothing else
    #[arg(long, conflicts_with_all = ["report", "json"])]
    pub mail: bool,
    /// With `replicate`: also try to delete a file of the copy, which credentials of a nightly run should not be able to
    #[arg(long, conflicts_with = "mail")]
    pub copy_deletes: bool,
    /// Print all results as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Which profiles.
    #[command(flatten)]
    pub profiles: Profiles,
}

impl Doctor {
    /// `doctor --first`.
    pub fn first() -> Self {
        Self {
            first: true,
            mail: false,
            report: None,
            copy_deletes: false,
            json: false,
            profiles: Profiles { all: false, jobs: 1 },
        }
    }
}
