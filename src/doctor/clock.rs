//! Compares this machine's clock with the service's.

use std::time::Duration;

use jiff::Timestamp;

use crate::report::{Area, Check};

/// A larger difference is a warning: links would seem to have expired, and the history would have wrong times.
const OFF: Duration = Duration::from_mins(1);

pub(super) fn clock((theirs, ours): (Timestamp, Timestamp)) -> Check {
    let off = ours.duration_since(theirs);
    let seconds = off.unsigned_abs().as_secs();
    if off.unsigned_abs() <= OFF {
        return Check::ok(Area::Network, format!("this machine's clock agrees with the service's ({seconds} s apart)"));
    }
    let way = if off.is_negative() { "behind" } else { "ahead of" };
    let next = "set the clock (`timedatectl set-ntp true`): times in the history would be wrong, and retention waits";
    Check::warning(Area::Network, format!("this machine's clock is {seconds} s {way} the service's"), next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Verdict;

    #[test]
    fn clocks() {
        let noon: Timestamp = "2026-11-03T12:00:00Z".parse().unwrap();
        for (ours, verdict, words) in [
            ("2026-11-03T12:00:59Z", Verdict::Ok, "59 s apart"),
            ("2026-11-03T11:59:30Z", Verdict::Ok, "30 s apart"),
            ("2026-11-03T12:02:00Z", Verdict::Warning, "120 s ahead of"),
            ("2026-11-03T11:00:00Z", Verdict::Warning, "3600 s behind"),
        ] {
            let check = clock((noon, ours.parse().unwrap()));
            assert_eq!(check.verdict, verdict, "{ours}");
            assert!(check.found.contains(words), "{}", check.found);
        }
    }
}
