//! How fast requests come to the API, and how many of them are refused: what a client is measured
//! by that has a rate to keep to, or a limit to find out.
//!
//! It is read at [`PATH`], which is no part of the service: `GET` answers with what came since the
//! start, `DELETE` with the same, and begins anew. Requests for a token don't count.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::Method;

use super::answer::{self, Answered};
use super::json::Json;

/// Where it is read, on the origin of the API.
pub(super) const PATH: &str = "/sandbox/meter";

const SECOND: Duration = Duration::from_secs(1);

/// Seconds that are told one by one; what comes later is counted with the last of them.
const SECONDS: usize = 100_000;

#[derive(Default)]
pub(super) struct Meter(Mutex<Came>);

#[derive(Default)]
struct Came {
    first: Option<Instant>,
    /// What arrived within the last second.
    window: VecDeque<Instant>,
    /// The most that ever arrived within a second.
    worst_second: usize,
    /// Served and refused, second by second.
    seconds: Vec<[u64; 2]>,
}

impl Meter {
    /// A request arrives; returns in which second.
    pub(super) fn arrived(&self) -> usize {
        self.arrived_at(Instant::now())
    }

    fn arrived_at(&self, now: Instant) -> usize {
        let mut came = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = *came.first.get_or_insert(now);
        while came.window.front().is_some_and(|at| now.duration_since(*at) >= SECOND) {
            came.window.pop_front();
        }
        came.window.push_back(now);
        came.worst_second = came.worst_second.max(came.window.len());
        usize::try_from(now.duration_since(first).as_secs()).unwrap_or(SECONDS).min(SECONDS - 1)
    }

    /// A request that arrived in a second was served, or told that there are too many.
    pub(super) fn answered(&self, second: usize, refused: bool) {
        let mut came = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if came.seconds.len() <= second {
            came.seconds.resize(second + 1, [0; 2]);
        }
        came.seconds[second][usize::from(refused)] += 1;
    }

    /// Answers a request to [`PATH`].
    pub(super) fn serve(&self, method: &Method) -> Answered {
        let mut came = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let json = came.json();
        if method == Method::DELETE {
            *came = Came::default();
        }
        answer::json(json.into_bytes())
    }
}

impl Came {
    fn json(&self) -> Json {
        let total = |of: usize| self.seconds.iter().map(|second| second[of]).sum();
        let mut json = Json::with_capacity(256);
        json.raw("{\"served\":").number(total(0)).raw(",\"refused\":").number(total(1));
        json.raw(",\"worst_second\":").number(self.worst_second as u64);
        json.raw(",\"seconds\":").value(&self.seconds).raw("}");
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_second_is_any_and_not_one_of_the_clock() {
        let (meter, start) = (Meter::default(), Instant::now());
        for (millis, refused) in [(0, false), (700, false), (900, true), (1200, false), (1699, false), (3000, false)] {
            let second = meter.arrived_at(start + Duration::from_millis(millis));
            meter.answered(second, refused);
        }
        let text = |meter: &Meter| String::from_utf8(meter.0.lock().unwrap().json().into_bytes().to_vec()).unwrap();
        let told = r#"{"served":5,"refused":1,"worst_second":4,"seconds":[[2,1],[2,0],[0,0],[1,0]]}"#;
        assert_eq!(text(&meter), told);
        let _ = meter.serve(&Method::GET);
        assert_eq!(text(&meter), told);
        let _ = meter.serve(&Method::DELETE);
        assert_eq!(text(&meter), r#"{"served":0,"refused":0,"worst_second":0,"seconds":[]}"#);
    }
}
