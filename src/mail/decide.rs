//! When a mail is due: after each run that is not complete, when runs are complete again, and once a month if all is
//! well; at most one a day.

use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Why a mail is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The run is not complete.
    Failing,
    /// The run is complete, and the last mail said that one was not.
    Recovered,
    /// The run is complete, and this month no mail said so yet.
    Well,
}

/// What was told so far; kept between runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The number of mails. Of two records the one with more is the newer one, whatever the clock says.
    pub mails: u64,
    /// Whether the last mail said that a run was not complete.
    pub failing: bool,
    /// When the last mail was sent.
    pub last: Option<Timestamp>,
    /// When a mail last said that a run was complete.
    pub well: Option<Timestamp>,
}

impl Told {
    /// With one more mail.
    #[must_use]
    pub fn after(self, occasion: Occasion, now: Timestamp) -> Self {
        let failing = occasion == Occasion::Failing;
        Self {
            mails: self.mails.saturating_add(1),
            failing,
            last: Some(now),
            well: if failing { self.well } else { Some(now) },
        }
    }
}

/// Whether a mail is due after a run. Days and months are those of the calendar and are only compared for equality: a
/// run that ends some minutes earlier than yesterday's still gets its mail, and a clock that was wrong silences nobody.
pub fn decide(told: &Told, complete: bool, now: Timestamp, zone: &TimeZone) -> Option<Occasion> {
    let at = |time: Timestamp| time.to_zoned_datetime(zone.clone());
    let month = |time: &ZonedDateTime| (time.year(), time.month());
    let now = at(now);
    if told.last.is_some_and(|last| at(last).date() == now.date()) {
        return None;
    }
    match (complete, told.failing) {
        (false, _) => Some(Occasion::Failing),
        (true, true) => Some(Occasion::Recovered),
        (true, false) => told.well.is_none_or(|well| month(&at(well)) != month(&now)).then_some(Occasion::Well),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-03T02:30:00Z";

    fn time(text: &str) -> Option<Timestamp> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    #[test]
    fn a_mail_is_due_when_somebody_should_know() {
        use Occasion::{Failing, Recovered, Well};
        #[rustfmt::skip]
        let table = [
            // the last mail          said failing  the last good one        complete  due
            ("",                      false,        "",                      true,     Some(Well)),
            ("",                      false,        "",                      false,    Some(Failing)),
            // The same day.
            ("2026-11-03T00:10:00Z",  false,        "2026-10-03T00:10:00Z",  true,     None),
            ("2026-11-03T00:10:00Z",  false,        "2026-11-03T00:10:00Z",  false,    None),
            ("2026-11-03T00:10:00Z",  true,         "",                      false,    None),
            ("2026-11-03T00:10:00Z",  true,         "",                      true,     None),
            // Another day, although less than 24 hours ago.
            ("2026-11-02T23:50:00Z",  true,         "",                      false,    Some(Failing)),
            ("2026-11-02T02:50:00Z",  true,         "2026-11-01T02:50:00Z",  true,     Some(Recovered)),
            ("2026-11-02T02:50:00Z",  false,        "2026-11-02T02:50:00Z",  false,    Some(Failing)),
            // Once a month.
            ("2026-11-01T02:30:00Z",  false,        "2026-11-01T02:30:00Z",  true,     None),
            ("2026-10-31T02:30:00Z",  false,        "2026-10-31T02:30:00Z",  true,     Some(Well)),
            ("2025-11-03T02:30:00Z",  false,        "2025-11-03T02:30:00Z",  true,     Some(Well)),
            // The clock was ahead when the last mail was sent.
            ("2027-06-01T02:30:00Z",  true,         "2027-05-01T02:30:00Z",  false,    Some(Failing)),
            ("2027-06-01T02:30:00Z",  true,         "2027-05-01T02:30:00Z",  true,     Some(Recovered)),
            ("2027-06-01T02:30:00Z",  false,        "2027-06-01T02:30:00Z",  true,     Some(Well)),
        ];
        for (last, failing, well, complete, due) in table {
            let told = Told { mails: 3, failing, last: time(last), well: time(well) };
            let decided = decide(&told, complete, NOW.parse().unwrap(), &TimeZone::UTC);
            assert_eq!(decided, due, "{last} {failing} {well} {complete}");
        }
    }

    #[test]
    fn days_are_those_of_the_time_zone() {
        let told = Told { last: time("2026-11-02T23:30:00Z"), ..Told::default() };
        for (hours, due) in [(0, Some(Occasion::Failing)), (1, None), (-3, None)] {
            let zone = TimeZone::fixed(jiff::tz::offset(hours));
            assert_eq!(decide(&told, false, time("2026-11-03T00:30:00Z").unwrap(), &zone), due, "{hours}");
        }
    }

    #[test]
    fn a_year_of_nights_has_few_mails() {
        let start: Timestamp = "2026-01-01T02:30:00Z".parse().unwrap();
        let mut told = Told::default();
        let mut sent = Vec::new();
        for night in 0..365_u32 {
            let complete = !(100..103).contains(&night);
            // Twice a night: a second run adds no mail.
            for again in 0..2 {
                let now = start + jiff::SignedDuration::from_hours(i64::from(night) * 24 + again);
                if let Some(occasion) = decide(&told, complete, now, &TimeZone::UTC) {
                    told = told.after(occasion, now);
                    sent.push((night, occasion));
                }
            }
        }
        assert_eq!(told.mails, sent.len() as u64);
        let count = |wanted| sent.iter().filter(|(_, occasion)| *occasion == wanted).count();
        assert_eq!((count(Occasion::Well), count(Occasion::Failing), count(Occasion::Recovered)), (12, 3, 1));
    }
}
