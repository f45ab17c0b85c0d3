//! Lengths of time, with units.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// Reads a length of time, which may be nothing.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is not a length of time, such as 90s, 30m or 8h");
    let duration: SignedDuration = text.trim().parse().map_err(|_| bad())?;
    Duration::try_from(duration).map_err(|_| bad())
}

/// Reads a length of time that is more than nothing.
pub fn timeout(text: &str) -> Result<Duration, String> {
    positive(duration(text)?)
}

/// Reads a length of time in hours, days and weeks; a day has 24 hours.
pub fn long_time(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is not a length of time, such as 36h, 90d or 26w");
    let span: Span = text.trim().parse().map_err(|_| bad())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(format!(
            "{text:?}: months and years have no fixed length; write hours, days or weeks: 36h, 180d, 26w"
        ));
    }
    // Months and minutes start with the same letter, and a mistake would delete years of versions.
    let small = [span.get_minutes(), span.get_seconds(), span.get_milliseconds(), span.get_microseconds()];
    if small.iter().any(|part| *part != 0) || span.get_nanoseconds() != 0 {
        return Err(format!("{text:?} is in minutes or less; write hours, days or weeks: 36h, 180d, 26w"));
    }
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| bad())?;
    positive(Duration::try_from(duration).map_err(|_| bad())?)
}

fn positive(duration: Duration) -> Result<Duration, String> {
    if duration.is_zero() { Err("it must be more than nothing".to_owned()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_times_are_in_hours_days_and_weeks() {
        #[rustfmt::skip]
        let table = [
            ("90d",    Some(90 * 24)),
            ("26w",    Some(26 * 168)),
            ("36h",    Some(36)),
            (" 1d ",   Some(24)),
            ("1d 12h", Some(36)),
            ("6m",     None),
            ("90s",    None),
            ("1h30m",  None),
            ("0d",     None),
        ];
        for (text, hours) in table {
            assert_eq!(long_time(text).ok(), hours.map(Duration::from_hours), "{text}");
        }
        for text in ["3 months", "6mo", "1month", "2 years", "1y"] {
            assert!(long_time(text).unwrap_err().contains("months and years"), "{text}");
        }
        for bad in ["", "d", "90", "-1d", "1.5d", "ö", "99999999999999999d"] {
            assert!(long_time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_durations_may_be_zero() {
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert_eq!(timeout(" 30m"), Ok(Duration::from_mins(30)));
        for bad in ["0s", "soon", "-1s", "5"] {
            assert!(timeout(bad).is_err(), "{bad}");
        }
    }
}
