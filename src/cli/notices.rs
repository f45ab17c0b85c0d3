//! Who is told how it went.

use std::path::PathBuf;

use clap::Args;

use crate::config;

/// Who is told how it went.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Who is told")]
pub struct Notices {
    /// Write a copy of the mirror's status here, which every user may read: see `status`
    #[arg(long, value_name = "FILE")]
    pub status_file: Option<PathBuf>,
    /// Write metrics here at the end, as node exporter's textfile collector reads them: its name ends in .prom
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
}

impl Notices {
    /// The flags' values.
    pub fn given(self) -> config::Notices {
        config::Notices { profile: None, status_file: self.status_file, metrics_file: self.metrics_file }
    }
}
