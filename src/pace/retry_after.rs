//! The `Retry-After` header (RFC 9110, section 10.2.3): seconds, or an HTTP date in any of the three forms of
//! section 5.6.7.

use std::time::Duration;

use jiff::{Timestamp, fmt::strtime::BrokenDownTime, tz::Offset};

/// The longest delay that a response can ask for.
pub const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// IMF-fixdate, then the obsolete forms of RFC 850 and asctime.
const DATES: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The delay that a `Retry-After` asks for, not yet capped to [`LONGEST_WAIT`]. Zero for a date in the past;
/// `None` if the value has neither form.
pub fn parse(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Only an overflow fails here.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let then = DATES.iter().find_map(|form| date(form, value))?;
    Some(Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO))
}

fn date(form: &str, value: &str) -> Option<Timestamp> {
    let mut parsed = BrokenDownTime::parse(form, value).ok()?;
    // A wrong weekday doesn't make the date wrong.
    parsed.set_weekday(None);
    Offset::UTC.to_timestamp(parsed.to_datetime().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "1994-11-06T08:49:07.5Z".parse().unwrap()
    }

    #[test]
    fn seconds_and_dates() {
        for (value, wait) in [
            ("0", 0.0),
            ("120", 120.0),
            (" 7\t", 7.0),
            ("007", 7.0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 29.5),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 29.5),
            ("Sun Nov  6 08:49:37 1994", 29.5),
            ("Sun Nov 16 08:49:07 1994", 863_999.5),
            ("Tue, 06 Nov 1994 08:49:37 GMT", 29.5),
            ("Sun, 06 Nov 1994 08:49:07 GMT", 0.0),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ] {
            assert_eq!(parse(value, now()), Some(Duration::from_secs_f64(wait)), "{value:?}");
        }
        assert_eq!(parse(&"9".repeat(400), now()), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn anything_else_is_none() {
        for value in [
            "",
            " ",
            "soon",
            "-1",
            "+1",
            "1.5",
            "1 s",
            "٣",
            "06 Nov 1994",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT and so on",
            "1994-11-06T08:49:37Z",
        ] {
            assert_eq!(parse(value, now()), None, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(value in any::<String>(), at in Timestamp::MIN.as_second()..=Timestamp::MAX.as_second()) {
            let _ = parse(&value, Timestamp::from_second(at).unwrap());
        }

        #[test]
        fn dates_of_any_year_never_panic(
            value in "(Sun|Monday|Fri)(, | )([0-9]{1,3}|Nov)( |-)([A-Z][a-z]{2}| ?[0-9]{1,2})( |-)([0-9:]{2,9})( [0-9:]{4,9})( GMT)?",
            at in Timestamp::MIN.as_second()..=Timestamp::MAX.as_second(),
        ) {
            let _ = parse(&value, Timestamp::from_second(at).unwrap());
        }

        #[test]
        fn a_printed_date_is_read_back(at in 0_i64..4_000_000_000, wait in 0_i64..1_000_000) {
            let (now, then) = (Timestamp::from_second(at).unwrap(), Timestamp::from_second(at + wait).unwrap());
            for form in [DATES[0], DATES[2]] {
                let printed = then.strftime(form).to_string();
                prop_assert_eq!(parse(&printed, now), Some(Duration::from_secs(wait.unsigned_abs())));
            }
        }
    }
}
