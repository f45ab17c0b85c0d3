//! Deletes manifests that lie too close together: the older they are, the fewer are kept.
//!
//! Nothing reads an old manifest but people, so a killed deletion leaves a few more, which the next run deletes.

use jiff::{Timestamp, civil::Date};

use super::{Error, manifest::SUFFIX};
use crate::{mirror::Mirror, model::ManifestAges, state::State};

/// Manifests younger than this are all kept, in seconds.
const ALL: i64 = 24 * 3600;

/// Deletes manifests that the ages don't keep, and returns how many. Always kept are the newest one, and the newest one at or before
/// `oldest` (seconds since the epoch), up to which versions are kept; or the first one, if that is how far they go back.
pub fn thin_manifests(
    mirror: &Mirror,
    state: &State,
    ages: ManifestAges,
    oldest: Option<i64>,
    now: i64,
) -> Result<usize, Error> {
    let names = mirror.state_files("runs")?;
    let manifests: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(SUFFIX)).collect();
    if manifests.len() < 3 {
        return Ok(0);
    }
    let starts = state.read(|r| r.starts())?;
    let dated = starts.iter().filter(|start| manifests.binary_search(&start.run.id.as_str()).is_ok());
    let dated: Vec<(i64, &str)> = dated.map(|start| (start.at, start.run.id.as_str())).collect();
    let superfluous = superfluous(&dated, ages, oldest, now);
    superfluous.iter().try_for_each(|id| mirror.remove_state_file(&format!("runs/{id}{SUFFIX}")))?;
    Ok(superfluous.len())
}

/// A time of which only the newest manifest stays.
#[derive(PartialEq, Eq)]
enum Period {
    Own(usize),
    Day(Date),
    Week(i16, i8),
    Month(i16, i8),
}

impl Period {
    fn of(index: usize, at: i64, ages: ManifestAges, now: i64) -> Self {
        let age = now.saturating_sub(at);
        // A time that is no date belongs to no period.
        let date = Timestamp::from_second(at).map(|time| time.to_zoned_datetime(jiff::tz::TimeZone::UTC).date());
        match date {
            Ok(date) if age > ages.weekly() => Self::Month(date.year(), date.month()),
            Ok(date) if age > ages.daily() => {
                let week = date.iso_week_date();
                Self::Week(week.year(), week.week())
            }
            Ok(date) if age > ALL => Self::Day(date),
            _ => Self::Own(index),
        }
    }
}

/// The manifests to delete; they come in the order of their times.
fn superfluous<'i>(manifests: &[(i64, &'i str)], ages: ManifestAges, oldest: Option<i64>, now: i64) -> Vec<&'i str> {
    let base = oldest.and_then(|oldest| manifests.iter().rposition(|(at, _)| *at <= oldest)).unwrap_or(0);
    let period = |index: usize| manifests.get(index).map(|(at, _)| Period::of(index, *at, ages, now));
    let goes = |index: &usize| *index != base && period(*index) == period(index + 1);
    (0..manifests.len()).filter(goes).filter_map(|index| Some(manifests.get(index)?.1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn ages() -> ManifestAges {
        ManifestAges::new(31 * DAY, 366 * DAY).unwrap()
    }

    fn at(date: &str) -> i64 {
        format!("{date}T02:00:00Z").parse::<Timestamp>().unwrap().as_second()
    }

    fn kept(dates: &[&str], oldest: Option<&str>) -> Vec<String> {
        let all: Vec<(i64, &str)> = dates.iter().map(|date| (at(date), *date)).collect();
        let gone = superfluous(&all, ages(), oldest.map(at), at("2026-11-29"));
        dates.iter().filter(|date| !gone.contains(date)).map(|date| (*date).to_owned()).collect()
    }

    #[test]
    fn the_newest_of_each_period_stays() {
        // The first one stays as well, because versions may be kept from then on.
        for (dates, left) in [
            (&["2026-11-01", "2026-11-28", "2026-11-29"][..], &["2026-11-01", "2026-11-28", "2026-11-29"][..]),
            // Sunday, and Monday to Wednesday of the next week.
            (&["2026-08-30", "2026-08-31", "2026-09-01", "2026-09-02"], &["2026-08-30", "2026-09-02"]),
            // The last week of 2025 by its number goes on in 2026.
            (&["2025-12-28", "2025-12-29", "2025-12-31", "2026-01-04"], &["2025-12-28", "2026-01-04"]),
            (&["2024-01-01", "2024-03-02", "2024-03-30", "2024-04-01"], &["2024-01-01", "2024-03-30", "2024-04-01"]),
            // 31 days ago is daily, 32 is weekly.
            (
                &["2026-10-26", "2026-10-27", "2026-10-28", "2026-10-29", "2026-10-30"],
                &["2026-10-26", "2026-10-28", "2026-10-29", "2026-10-30"],
            ),
            (&[], &[]),
        ] {
            assert_eq!(kept(dates, None), left, "{dates:?}");
        }
    }

    #[test]
    fn several_of_a_day_are_kept_until_it_is_over() {
        let now = at("2026-11-29");
        let all =
            [(now - 3 * DAY, "a"), (now - 3 * DAY + 60, "b"), (now - 3 * DAY + 120, "c"), (now - 60, "d"), (now, "e")];
        assert_eq!(superfluous(&all, ages(), None, now), ["b"]);
        // A clock that was ahead makes none superfluous.
        let ahead = all.map(|(at, id)| (at + 1000 * DAY, id));
        assert_eq!(superfluous(&ahead, ages(), None, now), [""; 0]);
    }

    #[test]
    fn the_last_one_that_a_restore_within_retention_needs_stays() {
        let dates = ["2026-06-01", "2026-06-02", "2026-06-03", "2026-06-04", "2026-06-05"];
        assert_eq!(kept(&dates, Some("2026-06-03")), ["2026-06-03", "2026-06-05"]);
        assert_eq!(kept(&dates, Some("2026-07-01")), ["2026-06-05"]);
        assert_eq!(kept(&dates, Some("2026-05-01")), ["2026-06-01", "2026-06-05"]);
    }

    #[test]
    fn ten_years_of_nights_are_bounded() {
        let now = at("2026-11-29");
        let names: Vec<String> = (0..3653).map(|n| n.to_string()).collect();
        let all: Vec<(i64, &str)> = names.iter().zip(0..).map(|(n, i)| (now - (3652 - i) * DAY, n.as_str())).collect();
        let left = all.len() - superfluous(&all, ages(), None, now).len();
        assert!((180..=195).contains(&left), "{left}");
    }

    proptest::proptest! {
        #[test]
        fn a_deletion_that_was_cut_off_ends_alike(
            mut times in proptest::collection::vec(0..800 * DAY, 0..80),
            cut in 0..80_usize,
            oldest in proptest::option::of(0..800 * DAY),
        ) {
            times.sort_unstable();
            let names: Vec<String> = (0..times.len()).map(|n| n.to_string()).collect();
            let all: Vec<(i64, &str)> = times.iter().copied().zip(names.iter().map(String::as_str)).collect();
            let whole = superfluous(&all, ages(), oldest, 800 * DAY);
            let begun = &whole[..cut.min(whole.len())];
            let rest: Vec<_> = all.iter().copied().filter(|(_, name)| !begun.contains(name)).collect();
            proptest::prop_assert_eq!(superfluous(&rest, ages(), oldest, 800 * DAY), &whole[begun.len()..]);
        }
    }
}
