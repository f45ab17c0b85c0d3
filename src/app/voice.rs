//! How a command talks.

use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::ui::{Level, start_log};

/// How a command talks: chosen once, from the flags.
#[derive(Debug, Clone)]
pub struct Voice {
    /// Whether results are JSON on standard output.
    pub json: bool,
    /// Whether only what went wrong is said.
    pub quiet: bool,
    /// Whether log lines are JSON, so that bars would be in their way.
    pub json_log: bool,
    /// The bars.
    pub bars: MultiProgress,
}

impl Voice {
    /// Starts logging.
    pub fn new(json: bool, level: Level, json_log: bool) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        start_log(level, json_log, &bars);
        Self { json, quiet: level == Level::Error, json_log, bars }
    }
}
