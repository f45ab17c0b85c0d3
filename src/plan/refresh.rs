//! Which binders' folders are read again in a run.
//!
//! Renaming a folder changes no document, so only reading the folders shows it, which costs a request per folder. Each
//! binder's folders are read once per period, oldest first, within a tenth of the run's requests (or [`ALWAYS`] of them, so
//! that small organisations don't wait long). With a period of zero every run reads all of them.

use crate::model::BinderId;

/// Requests that a refresh may always use: five seconds at the default rate.
const ALWAYS: u64 = 50;

/// A binder whose folders were read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The binder.
    pub binder: BinderId,
    /// When they were last read, in seconds since the epoch.
    pub refreshed_at: i64,
    /// How many requests that needed.
    pub requests: u32,
}

/// The binders to refresh. `now` and `period` are in seconds; `requests` is the number that the run needs without
/// refreshing.
pub fn due(mut binders: Vec<Due>, now: i64, period: i64, requests: u64) -> Vec<BinderId> {
    // A time in the future comes from a clock that was set back, so a refresh is due.
    binders.retain(|b| now.saturating_sub(b.refreshed_at) >= period || b.refreshed_at > now);
    binders.sort_by(|a, b| (a.refreshed_at, &a.binder).cmp(&(b.refreshed_at, &b.binder)));
    let mut budget = ALWAYS.max(requests / 10);
    let mut chosen = Vec::new();
    for binder in binders {
        let cost = u64::from(binder.requests.max(1));
        // A binder that exceeds every budget is still read when it is the oldest.
        if cost > budget && period > 0 && !chosen.is_empty() {
            break;
        }
        budget = budget.saturating_sub(cost);
        chosen.push(binder.binder);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binder(name: &str, refreshed_at: i64, requests: u32) -> Due {
        Due { binder: BinderId::parse(name).unwrap(), refreshed_at, requests }
    }

    fn names(chosen: &[BinderId]) -> Vec<&str> {
        chosen.iter().map(BinderId::as_str).collect()
    }

    #[test]
    fn the_oldest_are_refreshed_within_the_budget() {
        let all = vec![binder("new", 99, 1), binder("b", 20, 30), binder("a", 10, 30), binder("c", 30, 30)];
        assert_eq!(names(&due(all.clone(), 100, 50, 0)), ["a"]);
        assert_eq!(names(&due(all.clone(), 100, 50, 600)), ["a", "b"]);
        assert_eq!(names(&due(all.clone(), 100, 50, 10_000)), ["a", "b", "c"]);
        assert_eq!(names(&due(all, 1000, 0, 0)), ["a", "b", "c", "new"]);
    }

    #[test]
    fn a_large_binder_has_its_turn() {
        assert_eq!(names(&due(vec![binder("huge", 0, 100_000)], 100, 50, 0)), ["huge"]);
    }

    #[test]
    fn a_clock_that_was_set_back_refreshes() {
        assert_eq!(names(&due(vec![binder("a", 500, 1)], 100, 50, 0)), ["a"]);
    }
}
