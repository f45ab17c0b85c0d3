//! A command's output.

use std::sync::Arc;

use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::{
    session::{Error, Exit},
    systemd::Manager,
    ui::{Level, print_error, start_log},
};

/// The exit code of a command; one that failed prints why.
pub(crate) fn ended(result: Result<Exit, Error>) -> Exit {
    result.unwrap_or_else(|error| {
        print_error(&error);
        error.exit()
    })
}

/// A command's output, chosen once from the flags.
#[derive(Debug, Clone)]
pub struct Output {
    /// Whether results are JSON on standard output.
    pub json: bool,
    /// Whether only errors are shown.
    pub quiet: bool,
    /// Whether log lines are JSON, so that there are no progress bars.
    pub json_log: bool,
    /// The progress bars.
    pub bars: MultiProgress,
    /// The service manager.
    pub manager: Arc<Manager>,
}

impl Output {
    /// Starts logging.
    pub fn new(json: bool, level: Level, json_log: bool) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        start_log(level, json_log, &bars);
        Self { json, quiet: level == Level::Error, json_log, bars, manager: Arc::default() }
    }

    /// Adds a service manager.
    #[must_use]
    pub fn reporting_to(self, manager: Manager) -> Self {
        Self { manager: Arc::new(manager), ..self }
    }
}
