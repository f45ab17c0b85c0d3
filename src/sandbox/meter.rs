//! Measures the request rate at the API and the share of refusals, to test a client's rate limiter.
//!
//! It is served at [`PATH`], which is not part of the service: `GET` returns the counts since the start, `DELETE`
//! also resets them. Token requests don't count.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::Method;

use super::answer::{self, Answered};
use super::json::Json;

/// Its path on the API origin.
pub(super) const PATH: &str = "/sandbox/meter";

const SECOND: Duration = Duration::from_secs(1);

/// Seconds that are counted separately; later ones are added to the last.
const SECONDS: usize = 100_000;

#[derive(Default)]
pub(super) struct Meter(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    first: Option<Instant>,
    /// Requests within the last second.
    window: VecDeque<Instant>,
    /// The most requests within any second.
    worst_second: usize,
    /// Served and refused, by second.
    seconds: Vec<[u64; 2]>,
}

impl Meter {
    /// Counts a request; returns its second.
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

    /// Counts the response to a request that arrived in `second`.
    pub(super) fn answered(&self, second: usize, refused: bool) {
        let mut came = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if came.seconds.len() <= second {
            came.seconds.resize(second + 1, [0; 2]);
        }
        came.seconds[second][usize::from(refused)] += 1;
    }

    /// Handles a request to [`PATH`].
    pub(super) fn serve(&self, method: &Method) -> Answered {
        let mut came = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let json = came.json();
        if method == Method::DELETE {
            *came = Counts::default();
        }
        answer::json(json.into_bytes())
    }
}

impl Counts {
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
    fn the_peak_is_over_any_second() {
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
