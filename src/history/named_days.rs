//! Days and longer times as people name them.

use jiff::{
    Span, ZonedDateTime,
    civil::{Date, Weekday},
};

/// The days that a text names: the first one, and the day after the last one. `today` is in the user's time zone.
///
/// | text | days |
/// | --- | --- |
/// | `today`, `yesterday` | that day |
/// | `monday`, `last monday`, `mon` | the last day of that name before today |
/// | `this week`, `last week` | from Monday to Sunday |
/// | `this month`, `last month`, `2026-11` | the month |
/// | `2026-11-03` | that day |
pub(super) fn named_days(text: &str, today: Date) -> Option<(Date, Date)> {
    let lower = text.trim().to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let monday = || today.checked_sub(days(today.weekday().since(Weekday::Monday))).ok();
    match words.as_slice() {
        ["today"] => span(today, Span::new().days(1)),
        ["yesterday"] => span(today.yesterday().ok()?, Span::new().days(1)),
        ["this", "week"] => span(monday()?, Span::new().weeks(1)),
        ["last", "week"] => span(monday()?.checked_sub(Span::new().weeks(1)).ok()?, Span::new().weeks(1)),
        ["this", "month"] => span(today.first_of_month(), Span::new().months(1)),
        ["last", "month"] => {
            span(today.first_of_month().checked_sub(Span::new().months(1)).ok()?, Span::new().months(1))
        }
        [name] | ["last", name] if let Some(day) = weekday(name) => {
            let since = match today.weekday().since(day) {
                0 => 7,
                since => since,
            };
            span(today.checked_sub(days(since)).ok()?, Span::new().days(1))
        }
        [day] => dated(day),
        _ => None,
    }
}

/// The first moment of the first day, and the first moment after the last one, in the time zone of `now`.
pub(super) fn named_time(text: &str, now: &ZonedDateTime) -> Option<(ZonedDateTime, ZonedDateTime)> {
    let (first, next) = named_days(text, now.date())?;
    let begin = |day: Date| day.to_zoned_datetime(now.time_zone().clone()).ok();
    Some((begin(first)?, begin(next)?))
}

fn span(first: Date, length: Span) -> Option<(Date, Date)> {
    Some((first, first.checked_add(length).ok()?))
}

fn days(count: i8) -> Span {
    Span::new().days(i64::from(count))
}

/// A day or a month in digits. A time with a date would also parse as a day.
fn dated(text: &str) -> Option<(Date, Date)> {
    if let Ok(day) = Date::strptime("%Y-%m-%d", text) {
        return span(day, Span::new().days(1));
    }
    let (year, month) = text.split_once('-')?;
    let month = Date::new(digits(year, 4)?, i8::try_from(digits(month, 2)?).ok()?, 1).ok()?;
    span(month, Span::new().months(1))
}

fn digits(text: &str, count: usize) -> Option<i16> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// A weekday by its name or its first three letters.
fn weekday(name: &str) -> Option<Weekday> {
    const NAMES: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    NAMES.iter().find(|(full, _)| name == *full || name == &full[..3]).map(|(_, day)| *day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_as_people_name_them() {
        // A Thursday.
        let today = Date::new(2026, 11, 5).unwrap();
        for (text, first, next) in [
            ("today", "2026-11-05", "2026-11-06"),
            (" Yesterday ", "2026-11-04", "2026-11-05"),
            ("wednesday", "2026-11-04", "2026-11-05"),
            ("last Monday", "2026-11-02", "2026-11-03"),
            ("mon", "2026-11-02", "2026-11-03"),
            ("thursday", "2026-10-29", "2026-10-30"),
            ("fri", "2026-10-30", "2026-10-31"),
            ("this week", "2026-11-02", "2026-11-09"),
            ("last  week", "2026-10-26", "2026-11-02"),
            ("this month", "2026-11-01", "2026-12-01"),
            ("last month", "2026-10-01", "2026-11-01"),
            ("2026-02", "2026-02-01", "2026-03-01"),
            ("2026-11-03", "2026-11-03", "2026-11-04"),
        ] {
            let found = named_days(text, today).map(|(first, next)| (first.to_string(), next.to_string()));
            assert_eq!(found, Some((first.to_owned(), next.to_owned())), "{text}");
        }
        for text in
            ["", "last", "mondays", "m", "week", "2026-13", "2026-1", "202-11", "2026-11-31", "2026-11-03 02:00"]
        {
            assert_eq!(named_days(text, today), None, "{text}");
        }
    }

    #[test]
    fn a_day_begins_in_its_zone() {
        // In Stockholm it is the day after.
        let now: ZonedDateTime = "2026-11-02T00:30:00+01:00[+01:00]".parse().unwrap();
        let (first, next) = named_time("yesterday", &now).unwrap();
        assert_eq!(first.timestamp().to_string(), "2026-10-31T23:00:00Z");
        assert_eq!(next.timestamp().to_string(), "2026-11-01T23:00:00Z");
    }
}
