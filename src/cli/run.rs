//! `run` and `plan`.

use std::time::Duration;

use clap::Args;

use super::{Destination, Notices, Pacing, Pinged, duration, long_time};
use crate::{
    config::{Given, GivenNotices, Share, Size},
    plan::RemovalCap,
};

/// Which documents, and how fast.
#[derive(Debug, Clone, Args)]
pub struct Selection {
    /// Refuse a destination that holds no mirror yet: a disk that is not mounted, say
    // With a value, so that the command line can overrule a file.
    #[arg(
        long,
        value_name = "BOOL",
        action = clap::ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub existing: bool,
    /// Look only at binders with this id or name (a glob; may be repeated)
    #[arg(long = "binder", value_name = "GLOB", help_heading = "What is looked at")]
    pub binders: Vec<String>,
    /// Leave binders with this id or name out
    #[arg(long = "exclude-binder", value_name = "GLOB", help_heading = "What is looked at")]
    pub not_binders: Vec<String>,
    /// Mirror only documents that match, at any depth; a pattern with a slash starts at the binder's name
    #[arg(long = "include", value_name = "GLOB", help_heading = "What is looked at")]
    pub paths: Vec<String>,
    /// Leave out documents that match, and everything in folders that match
    #[arg(long = "exclude", value_name = "GLOB", help_heading = "What is looked at")]
    pub not_paths: Vec<String>,
    /// Downloads at once [default: 8]
    #[arg(long, value_name = "N", help_heading = "How fast")]
    pub concurrency: Option<usize>,
    /// How fast the service is asked.
    #[command(flatten)]
    pub pacing: Pacing,
    /// Bytes per second over all downloads, such as 5MB
    #[arg(long, value_name = "SIZE", help_heading = "How fast")]
    pub bandwidth: Option<Size>,
    /// Abort a download that stalls for so long [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "How fast")]
    pub stall_timeout: Option<Duration>,
    /// Abort a download or an answer that brings fewer bytes per second over --stall-timeout; 0: never [default: 1kB]
    #[arg(long, value_name = "SIZE", help_heading = "How fast")]
    pub min_speed: Option<Size>,
    /// Believe at most so many absences, instead of the larger of 10 documents and 10 % of them
    #[arg(long, value_name = "N|P%", help_heading = "When it stops")]
    pub max_removals: Option<RemovalCap>,
    /// End early after so long; the next run goes on
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "When it stops")]
    pub max_duration: Option<Duration>,
    /// End early when less than this would be left on the disk, such as 10GB
    #[arg(long, value_name = "SIZE", help_heading = "When it stops")]
    pub min_free: Option<Size>,
    /// Let the bytes go of what was superseded or removed longer ago than this, such as 90d; with both rules
    /// a version is kept if either keeps it [default: keep everything]
    #[arg(long, value_name = "TIME", value_parser = long_time, help_heading = "What is kept")]
    pub retain: Option<Duration>,
    /// Let the bytes go of all but the newest N past versions of each document
    #[arg(long, value_name = "N", help_heading = "What is kept")]
    pub retain_versions: Option<u64>,
    /// Delete reports and manifests of runs longer ago than this, except the last 3 runs' and the newest manifest
    #[arg(long, value_name = "TIME", value_parser = long_time, help_heading = "What is kept")]
    pub retain_runs: Option<Duration>,
    /// Read folder names again after so long [default: 20h]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "How fast")]
    pub refresh_folders: Option<Duration>,
    /// When everything else is done, check the bytes of the next share of the mirror, such as 2%, and
    /// repair what is missing or damaged
    #[arg(long, value_name = "P%")]
    pub scrub: Option<Share>,
    /// Print the run report as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// Bring over what changed at the service.
#[derive(Debug, Args)]
#[command(after_help = "What is asked for every night belongs in the configuration file, as every flag here may: \
    `ibinder-sync config init` begins one. Organisation, client and secret come from the configuration file or the \
    environment, and never from a flag: `ibinder-sync config show` says which. `-h` is shorter.\n\nExamples:\n  \
    ibinder-sync run --profile north\n  \
    ibinder-sync run --dest /srv/mirror\n  \
    ibinder-sync run --dest /srv/mirror --existing --max-duration 6h --min-free 20GB\n  \
    ibinder-sync run --dest /srv/mirror --retain 90d --retain-versions 10\n  \
    ibinder-sync run --dest /srv/mirror --binder 'Brf *' --exclude '*.mp4'")]
pub struct Run {
    /// Where.
    #[command(flatten)]
    pub destination: Destination,
    /// What and how.
    #[command(flatten)]
    pub selection: Selection,
    /// Change nothing; the same as `plan`
    #[arg(long)]
    pub dry_run: bool,
    /// Who is told how it went.
    #[command(flatten)]
    pub notices: Notices,
    /// What is pinged.
    #[command(flatten)]
    pub pinged: Pinged,
}

/// Say what `run` would do, and change nothing.
#[derive(Debug, Args)]
#[command(after_help = "It lists the service's documents as `run` does, and takes the same flags.\n\nExamples:\n  \
    ibinder-sync plan --dest /srv/mirror\n  ibinder-sync plan --dest /srv/mirror --json | jq .documents")]
pub struct Plan {
    /// Where.
    #[command(flatten)]
    pub destination: Destination,
    /// What and how.
    #[command(flatten)]
    pub selection: Selection,
}

impl Run {
    /// The flags' values.
    pub fn given(self) -> Given {
        let notices = GivenNotices { ping_url: self.pinged.ping_url, ..self.notices.given() };
        Given { notices, ..self.selection.given(self.destination) }
    }
}

impl Selection {
    /// The flags' values.
    pub fn given(self, destination: Destination) -> Given {
        Given {
            dest: destination.dest,
            existing: self.existing,
            binders: self.binders,
            not_binders: self.not_binders,
            paths: self.paths,
            not_paths: self.not_paths,
            concurrency: self.concurrency,
            pacing: self.pacing.given(),
            bandwidth: self.bandwidth,
            max_removals: self.max_removals,
            max_duration: self.max_duration,
            min_free: self.min_free,
            stall_timeout: self.stall_timeout,
            min_speed: self.min_speed,
            refresh_folders: self.refresh_folders,
            trust_times: false,
            scrub: self.scrub,
            retain: self.retain,
            retain_versions: self.retain_versions,
            retain_runs: self.retain_runs,
            notices: GivenNotices::default(),
        }
    }
}
