//! Finds the run that a user means by a time.
//!
//! That is the run with the highest number that had ended by then, since runs are ordered by number. If an end contradicts
//! the order of most other ends, the clock was wrong, ahead or behind, and that end is ignored; the run can still be given
//! by its number. Active and killed runs don't count, because they left the tree between two states.

use jiff::{Span, Timestamp, ZonedDateTime, civil, tz::TimeZone};

use crate::{history::named_days::named_time, state::PastRun};

/// Why no run can be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchTime {
    /// The text is not a time or run.
    #[error(
        "{0:?} is not a time: give one such as 2026-11-03, \"2026-11-03 02:00\", 7d (ago), yesterday, monday, \"last week\" or now, or a run as `snapshots` shows it"
    )]
    Invalid(String),
    /// No run had ended by that time.
    #[error("no run had ended by {wanted}: the first one that is known ended {first}, the last one {last}")]
    Before {
        /// The requested time.
        wanted: String,
        /// The first possible time.
        first: String,
        /// The last possible time.
        last: String,
    },
    /// No run has this number or id.
    #[error("no run {wanted:?} has ended: the first one that is known is {first}, the last one {last}")]
    NoRun {
        /// The requested run.
        wanted: String,
        /// The first run.
        first: String,
        /// The last run.
        last: String,
    },
    /// No run has ended at all.
    #[error("no run has ended yet: there is nothing to restore")]
    Never,
}

/// The meaning of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// The last run, whatever the clock says.
    Now,
    By(Timestamp),
    Number(i64),
    Id(String),
}

/// The run that a user means by a text.
pub fn run_at<'r>(text: &str, runs: &'r [PastRun], now: &ZonedDateTime) -> Result<&'r PastRun, NoSuchTime> {
    let wanted = read(text.trim(), now).ok_or_else(|| NoSuchTime::Invalid(text.to_owned()))?;
    let ended = || runs.iter().filter(|run| run.finished_at.is_some());
    let (Some(first), Some(last)) = (ended().next(), ended().next_back()) else { return Err(NoSuchTime::Never) };
    let found = match &wanted {
        Wanted::Now => Some(last),
        Wanted::By(time) => {
            let by = |run: &&PastRun| run.finished_at.is_some_and(|at| at <= time.as_second());
            in_order(&ended().collect::<Vec<_>>()).into_iter().rev().find(by)
        }
        Wanted::Number(number) => ended().find(|run| run.number == *number),
        Wanted::Id(id) => ended().find(|run| run.id.eq_ignore_ascii_case(id)),
    };
    let zone = now.time_zone();
    found.ok_or_else(|| match wanted {
        Wanted::By(time) => NoSuchTime::Before {
            wanted: clock(time.as_second(), zone),
            // The first run to end, which may not have the lowest number.
            first: clock(ended().filter_map(|run| run.finished_at).min().unwrap_or_default(), zone),
            last: clock(last.finished_at.unwrap_or_default(), zone),
        },
        Wanted::Now | Wanted::Number(_) | Wanted::Id(_) => {
            NoSuchTime::NoRun { wanted: text.to_owned(), first: first.id.clone(), last: last.id.clone() }
        }
    })
}

/// The number of the run after which changes since a time came; 0 if none had ended by then. Of a day, week or month it is
/// the beginning that counts.
pub fn run_before(text: &str, runs: &[PastRun], now: &ZonedDateTime) -> Result<i64, NoSuchTime> {
    let begin = named_time(text, now).map(|(first, _)| first.timestamp().to_string());
    match run_at(begin.as_deref().unwrap_or(text), runs, now) {
        Ok(run) => Ok(run.number),
        Err(NoSuchTime::Before { .. }) => Ok(0),
        Err(error) => Err(error),
    }
}

/// The longest sequence of runs whose ends are in the order of their numbers.
fn in_order<'r>(runs: &[&'r PastRun]) -> Vec<&'r PastRun> {
    // For each length, the run that ends an increasing sequence of that length earliest, and each run's predecessor.
    let (mut tails, mut before): (Vec<usize>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
    for (at, run) in runs.iter().enumerate() {
        let longer = tails.partition_point(|tail| runs[*tail].finished_at <= run.finished_at);
        before.push(longer.checked_sub(1).map(|shorter| tails[shorter]));
        if longer == tails.len() {
            tails.push(at);
        } else {
            tails[longer] = at;
        }
    }
    let mut rising: Vec<&PastRun> =
        std::iter::successors(tails.last().copied(), |at| before[*at]).map(|at| runs[at]).collect();
    rising.reverse();
    rising
}

/// The nearest complete run before another one.
pub fn complete_before<'r>(run: &PastRun, runs: &'r [PastRun]) -> Option<&'r PastRun> {
    runs.iter().rev().find(|other| other.number < run.number && other.whole)
}

/// A time for display in a time zone; `seconds` since the epoch.
pub fn clock(seconds: i64, zone: &TimeZone) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default().to_zoned_datetime(zone.clone());
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Whether a text means the current mirror.
pub fn is_now(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("now")
}

fn read(text: &str, now: &ZonedDateTime) -> Option<Wanted> {
    if is_now(text) {
        return Some(Wanted::Now);
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Wanted::Number);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(Wanted::By(time));
    }
    let local = |time: civil::DateTime| time.to_zoned_datetime(now.time_zone().clone()).ok();
    // A day, week or month without a time means its end.
    if let Some((_, next)) = named_time(text, now) {
        return Some(Wanted::By(next.timestamp().checked_sub(Span::new().seconds(1)).ok()?));
    }
    if let Some(id) = run_id(text) {
        return Some(Wanted::Id(id));
    }
    if let Ok(time) = text.parse::<civil::DateTime>() {
        return Some(Wanted::By(end_of_what_is_named(text, &local(time)?)?));
    }
    let span = text.parse::<Span>().ok()?.abs();
    Some(Wanted::By(now.checked_sub(span).ok()?.timestamp()))
}

/// A minute without seconds means its end.
fn end_of_what_is_named(text: &str, time: &ZonedDateTime) -> Option<Timestamp> {
    let seconds = if text.matches(':').count() == 1 { 59 } else { 0 };
    time.timestamp().checked_add(Span::new().seconds(seconds)).ok()
}

/// A run's id: its number, `-`, and its start.
fn run_id(text: &str) -> Option<String> {
    let (number, start) = text.split_once('-')?;
    let digits = number.len() >= 6 && number.bytes().all(|b| b.is_ascii_digit());
    (digits && start.len() == 16 && start.ends_with(['Z', 'z'])).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zoned(text: &str) -> ZonedDateTime {
        text.parse().unwrap()
    }

    fn seconds(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    fn run(number: i64, ended: Option<&str>) -> PastRun {
        PastRun {
            number,
            id: format!("{number:06}-20261101T010000Z"),
            started_at: 0,
            finished_at: ended.map(seconds),
            outcome: ended.map(|_| "complete".to_owned()),
            command: "run".to_owned(),
            whole: number != 3,
            changes: None,
        }
    }

    /// Runs at 02:00 UTC. By a wrong clock the third ended an hour before the second; the last one is active.
    fn runs() -> Vec<PastRun> {
        vec![
            run(1, Some("2026-11-01T02:00:00Z")),
            run(2, Some("2026-11-02T02:00:00Z")),
            run(3, Some("2026-11-02T01:00:00Z")),
            run(4, Some("2026-11-03T02:00:30Z")),
            run(5, None),
        ]
    }

    #[test]
    fn a_run_with_a_wrong_clock_hides_no_other_run() {
        let now = zoned("2026-11-09T12:00:00+00:00[UTC]");
        let ended = |odd: &str| {
            let ends = (1..=7).map(|n| if n == 5 { odd.to_owned() } else { format!("2026-11-0{n}T02:00:00Z") });
            (1..).zip(ends).map(|(n, at)| run(n, Some(&at))).collect::<Vec<_>>()
        };
        // The last run also remains the last.
        let mut ahead = runs();
        ahead[3] = run(4, Some("2099-01-01T00:00:00Z"));
        assert_eq!(run_at("now", &ahead, &now).unwrap().number, 4);
        for odd in ["1970-01-01T00:00:10Z", "2099-01-01T00:00:00Z"] {
            let runs = ended(odd);
            for (text, number) in [("2026-11-03", 3), ("2026-11-05", 4), ("2026-11-06", 6), ("2026-11-09", 7), ("5", 5)]
            {
                assert_eq!(run_at(text, &runs, &now).unwrap().number, number, "{text} {odd}");
            }
        }
    }

    #[test]
    fn a_text_means_a_run() {
        // Berlin is an hour ahead of UTC in November.
        let now = zoned("2026-11-04T12:00:00+01:00[+01:00]");
        for (text, number) in [
            ("2026-11-01", 1),
            ("2026-11-02", 3),
            ("2026-11-03", 4),
            ("2026-11-03 02:59", 3),
            ("2026-11-03 03:00", 4),
            ("2026-11-03 03:00:29", 3),
            ("2026-11-03T03:00:30", 4),
            ("2026-11-03T02:00:30Z", 4),
            ("2026-11-03T02:00:29Z", 3),
            ("2026-11-03T03:00:30+01:00", 4),
            ("2026-11-02T01:30:00Z", 3),
            ("2026-11-02T00:30:00Z", 1),
            ("1d", 4),
            ("36h", 3),
            ("2d", 3),
            ("3 days ago", 1),
            ("-36h", 3),
            ("yesterday", 4),
            ("monday", 3),
            ("last week", 1),
            ("1", 1),
            ("000002", 2),
            ("000003-20261101T010000Z", 3),
            ("2030-01-01", 4),
            ("now", 4),
            (" Now ", 4),
        ] {
            assert_eq!(run_at(text, &runs(), &now).map(|run| run.number), Ok(number), "{text}");
        }
    }

    #[test]
    fn changes_since_a_day_begin_with_it() {
        let now = zoned("2026-11-04T12:00:00+01:00[+01:00]");
        for (text, number) in [
            ("yesterday", 3),
            ("2026-11-03", 3),
            ("today", 4),
            ("last week", 0),
            ("2026-11", 0),
            ("36h", 3),
            ("2026-11-02 02:30", 3),
            ("4", 4),
        ] {
            assert_eq!(run_before(text, &runs(), &now), Ok(number), "{text}");
        }
        assert!(run_before("soon", &runs(), &now).is_err());
    }

    #[test]
    fn an_invalid_time_is_refused_with_an_example() {
        let now = zoned("2026-11-04T12:00:00+00:00[UTC]");
        let error = |text: &str, runs: &[PastRun]| run_at(text, runs, &now).unwrap_err().to_string();
        for text in ["", "someday", "2026-13-01", "7x", "-", "../1"] {
            assert!(error(text, &runs()).contains("is not a time"), "{text}");
        }
        let early = error("2026-10-31", &runs());
        assert!(early.contains("2026-11-01 02:00:00") && early.contains("2026-11-03 02:00:30"), "{early}");
        for text in ["5", "9", "000009-20261101T010000Z"] {
            let none = error(text, &runs());
            assert!(none.contains("000001-") && none.contains("000004-"), "{none}");
        }
        assert!(error("7d", &[run(1, None)]).contains("no run has ended"));
    }

    #[test]
    fn the_nearest_complete_run_before() {
        let runs = runs();
        assert_eq!(complete_before(&runs[3], &runs).map(|r| r.number), Some(2));
        assert_eq!(complete_before(&runs[0], &runs), None);
    }

    #[test]
    fn a_local_day_ends_with_its_zone() {
        // The run ended at 23:30 UTC on the first of November, which is the second in Stockholm.
        let runs = [run(1, Some("2026-11-01T23:30:00Z"))];
        let in_zone = |zone: &str| zoned(&format!("2026-11-04T12:00:00{zone}[{zone}]"));
        assert!(run_at("2026-11-01", &runs, &in_zone("+01:00")).is_err());
        assert!(run_at("2026-11-01", &runs, &in_zone("+00:00")).is_ok());
    }
}
