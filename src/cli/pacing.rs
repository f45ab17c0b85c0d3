//! How fast the service is asked, for every command that asks it.

use std::time::Duration;

use clap::Args;

use super::duration;
use crate::config::{self, Tempo};

/// How fast the service is asked.
#[derive(Debug, Clone, Copy, Args)]
pub struct Pacing {
    /// API requests per second, with a burst of at most a quarter of that; auto: as many as the service answers
    /// well, beginning with what held in the last run; 0: no limit [default: auto]
    #[arg(long, value_name = "N|auto", help_heading = "How fast", allow_negative_numbers = true)]
    pub rate: Option<Tempo>,
    /// API requests per second that --rate auto never goes above, whatever the service would grant [default: 50]
    #[arg(long, value_name = "N", help_heading = "How fast", allow_negative_numbers = true)]
    pub rate_max: Option<f64>,
    /// End early when the service has been down for so long; until then one request asks now and then whether it
    /// is back [default: 30m]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "When it stops")]
    pub give_up: Option<Duration>,
}

impl Pacing {
    /// The flags' values.
    pub fn given(self) -> config::Pacing {
        config::Pacing { rate: self.rate, rate_max: self.rate_max, give_up: self.give_up }
    }
}
