//! `demo` and `sandbox`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::sandbox::Fault;

/// The made-up organisation.
#[derive(Debug, Clone, Args)]
pub struct Organisation {
    /// Number of binders
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub binders: usize,
    /// Number of documents on the first day
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub documents: usize,
    /// The same seed makes the same organisation
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The day: from the second on, some documents are revised, renamed, moved, removed or new
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub day: u32,
}

/// Mirror a made-up organisation, to try the program.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ibinder-sync demo --dest ./mirror\n  ibinder-sync demo --dest ./mirror --day 2")]
pub struct Demo {
    /// The folder that holds the mirror
    #[arg(long, value_name = "DIR")]
    pub dest: PathBuf,
    /// What.
    #[command(flatten)]
    pub organisation: Organisation,
    /// Print the run report as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// Serve a made-up organisation, or a folder, like iBinder.
#[derive(Debug, Args)]
#[command(after_help = "It serves on this machine only, prints the environment that makes a client use it, and ends \
    with Ctrl-C.\n\nExamples:\n  ibinder-sync sandbox --documents 20000 --port 8080\n  \
    ibinder-sync sandbox --from ./drawings --fault 429=0.05 --fault drop=0.05\n\n\
    In another shell, with the lines it printed:\n  export IBINDER_ORG_ID=… ; ibinder-sync run --dest ./mirror\n\n\
    The request rate of a client, and how often it was refused:\n  curl http://127.0.0.1:8080/sandbox/meter")]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the command line")]
pub struct Sandbox {
    /// What.
    #[command(flatten)]
    pub organisation: Organisation,
    /// Give every Nth document new content, and remove the first of each binder, so that every page of a listing
    /// differs (may be repeated: once more)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub churn: Vec<u32>,
    /// Serve this folder: its folders are binders, and everything below them tabs, folders and documents
    #[arg(long, value_name = "DIR", conflicts_with_all = ["binders", "documents", "day", "churn", "document_size"])]
    pub from: Option<PathBuf>,
    /// Another server on this machine that has that folder as its root: links point there, and the folder is read once
    #[arg(long, value_name = "URL", requires = "from")]
    pub blobs_from: Option<url::Url>,
    /// Size of every document in bytes
    #[arg(long, value_name = "SIZE")]
    pub document_size: Option<crate::config::Size>,
    /// Port of the API; 0: any free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// Largest search page
    #[arg(long, value_name = "N", default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub page_size_cap: u32,
    /// A fault and its probability, such as 429=0.05 (may be repeated): 429, 500, 502, 503, drop, truncate,
    /// stall, expired-link, garbage, revoke-token, slow
    #[arg(long = "fault", value_name = "NAME=SHARE")]
    pub faults: Vec<Fault>,
    /// Answer more API requests per second than this with 429
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Leave Retry-After out of those answers
    #[arg(long, requires = "limit")]
    pub no_retry_after: bool,
    /// Lifetime of a download link, in seconds
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub link_lifetime: u64,
    /// Lifetime of a token, in seconds
    #[arg(long, value_name = "N", default_value_t = 3600)]
    pub token_lifetime: u64,
    /// The store that links, headers and errors imitate
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Store::Azure)]
    pub store: Store,
    /// Storage ignores range requests
    #[arg(long)]
    pub no_ranges: bool,
    /// Storage sends no MD5
    #[arg(long)]
    pub no_md5: bool,
    /// How far the clock of its answers is ahead, in seconds; negative: behind
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub clock_offset: i64,
    /// Answer requests for sub-folders with 404
    #[arg(long)]
    pub no_subfolders: bool,
}

/// An object store that the sandbox can imitate.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Store {
    /// Azure Blob Storage
    Azure,
    /// Amazon S3
    S3,
}
