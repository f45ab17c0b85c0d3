//! Who is told how it went.

use std::path::PathBuf;

use clap::Args;

use crate::config::{GivenNotices, Hidden};

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
    /// Send the report of a run that is not complete here, by POST, as JSON; rather set in the file or the
    /// environment: flags are seen by everybody on the machine
    #[arg(long, value_name = "URL", value_parser = hidden)]
    pub webhook: Option<Hidden>,
    /// Give the report of a run that is not complete to a command of the shell, on its standard input
    #[arg(long, value_name = "COMMAND")]
    pub on_failure: Option<String>,
}

/// What is pinged.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Who is told")]
pub struct Pinged {
    /// Ping this at the start and at the end, as healthchecks.io has it: success only for a complete run; rather set
    /// in the file or the environment: flags are seen by everybody on the machine
    #[arg(long, value_name = "URL", value_parser = hidden)]
    pub ping_url: Option<Hidden>,
}

#[expect(clippy::unnecessary_wraps, reason = "clap wants a result")]
fn hidden(text: &str) -> Result<Hidden, String> {
    Ok(Hidden(text.to_owned()))
}

impl Notices {
    /// The flags' values.
    pub fn given(self) -> GivenNotices {
        GivenNotices {
            status_file: self.status_file,
            metrics_file: self.metrics_file,
            ping_url: None,
            webhook: self.webhook,
            on_failure: self.on_failure,
        }
    }
}
