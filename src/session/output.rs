//! How a command talks.

use std::sync::Arc;

use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::{
    session::{Error, Exit},
    systemd::Manager,
    ui::{Level, complain, start_log},
};

/// How a command ended; one that could not do its work says why.
pub(crate) fn ended(result: Result<Exit, Error>) -> Exit {
    result.unwrap_or_else(|error| {
        complain(&error);
        error.exit()
    })
}

/// How a command talks: chosen once, from the flags.
#[derive(Debug, Clone)]
pub struct Output {
    /// Whether results are JSON on standard output.
    pub json: bool,
    /// Whether only what went wrong is said.
    pub quiet: bool,
    /// Whether log lines are JSON, so that bars would be in their way.
    pub json_log: bool,
    /// The bars.
    pub bars: MultiProgress,
    /// The service manager, which is told how a run goes.
    pub manager: Arc<Manager>,
}

impl Output {
    /// Starts logging.
    pub fn new(json: bool, level: Level, json_log: bool) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        start_log(level, json_log, &bars);
        Self { json, quiet: level == Level::Error, json_log, bars, manager: Arc::default() }
    }

    /// The same, telling a service manager as well.
    #[must_use]
    pub fn reporting_to(self, manager: Manager) -> Self {
        Self { manager: Arc::new(manager), ..self }
    }
}
