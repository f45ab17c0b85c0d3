//! Which bytes become documents, considering all documents of a run.

use std::collections::{HashMap, HashSet};

use super::Fit;
use crate::model::{ClockReading, Sha256, VersionId};

const HOUR: i64 = 3600;

const DAY: i64 = 24 * HOUR;

/// Two runs are independent if they are this many seconds apart.
const INDEPENDENT: i64 = 12 * HOUR;

/// If the service's `Date` differs from this machine's clock by more than this, neither clock is believed alone.
const PLAUSIBLE: u64 = 2 * DAY.unsigned_abs();

/// When bytes that were accepted provisionally are downloaded again, in days after they were accepted.
const CHECKS: [i64; 4] = [1, 3, 7, 30];

/// Downloaded bytes of a version, and the evidence about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The requested version.
    pub version: VersionId,
    /// Their hash.
    pub sha256: Sha256,
    /// Their size.
    pub size: u64,
    /// How they compare with the document's name.
    pub fit: Fit,
    /// Whether storage confirms them, by their MD5 or by headers that only a blob has.
    pub vouched: bool,
    /// Whether an earlier run mirrored these bytes under this kind of name, and not provisionally.
    pub known: bool,
    /// Whether an independent run got the same bytes for this version.
    pub confirmed: bool,
}

/// What happens to downloaded bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They are published.
    Accept,
    /// They are published and checked again later. Until then the bytes that they replace are kept.
    AcceptForNow,
    /// They are held back.
    Hold(Reason),
}

/// Why bytes are held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// They are something else than the name promises: this.
    Contradicts(&'static str),
    /// The same bytes came for this many versions.
    Shared(usize),
}

/// Whether bytes may be published before the other documents of the run are known.
pub fn is_proved(fit: Fit, vouched: bool) -> bool {
    match fit {
        Fit::Fits => true,
        Fit::Open | Fit::Unmarked => vouched,
        Fit::Contradicts(_) => false,
    }
}

/// Judges all unproved bytes of a run. A run that ended early may have missed that other documents get the same bytes, so
/// it accepts provisionally what it can't rule out.
pub fn judge(items: &[Item], ended_early: bool) -> Vec<Verdict> {
    let mut versions: HashMap<Sha256, HashSet<&VersionId>> = HashMap::new();
    for item in items {
        versions.entry(item.sha256).or_default().insert(&item.version);
    }
    let shared = |item: &Item| versions.get(&item.sha256).map_or(1, HashSet::len);
    items.iter().map(|item| verdict(item, shared(item), ended_early)).collect()
}

fn verdict(item: &Item, shared: usize, ended_early: bool) -> Verdict {
    match reason_to_hold(item, shared) {
        None if item.known || item.vouched || item.fit == Fit::Fits => Verdict::Accept,
        None if ended_early || item.fit == Fit::Unmarked => Verdict::AcceptForNow,
        None => Verdict::Accept,
        Some(_) if item.confirmed => Verdict::AcceptForNow,
        Some(reason) => Verdict::Hold(reason),
    }
}

/// The truth table; `None` if nothing speaks against the bytes.
fn reason_to_hold(item: &Item, shared: usize) -> Option<Reason> {
    if item.known {
        return None;
    }
    match (item.fit, item.vouched) {
        (Fit::Fits, _) | (Fit::Open | Fit::Unmarked, true) => None,
        (Fit::Open | Fit::Unmarked, false) => (shared > 1).then_some(Reason::Shared(shared)),
        (Fit::Contradicts(what), false) => Some(Reason::Contradicts(what)),
        // Storage confirms the same bytes of several versions if it was filled with stand-ins, so confirmation proves
        // nothing here. Empty files exist everywhere.
        (Fit::Contradicts(_), true) => (shared > 1 && item.size > 0).then_some(Reason::Shared(shared)),
    }
}

/// Seconds that have certainly passed since an earlier reading, by the service's clock. If its `Date` is far from this
/// machine's clock, one of the two is wrong, and both must have advanced.
fn passed(before: ClockReading, now: ClockReading) -> i64 {
    let is_plausible = |reading: ClockReading| reading.apart().is_some_and(|apart| apart <= PLAUSIBLE);
    match now.since(before) {
        (_, Some(service)) if is_plausible(before) && is_plausible(now) => service,
        (ours, Some(service)) => ours.min(service),
        (ours, None) => ours,
    }
}

/// Since when bytes have been held back. A time in the future comes from a wrong clock, so the wait starts again.
pub fn held_since(noted: Option<ClockReading>, now: ClockReading) -> ClockReading {
    noted.filter(|noted| passed(*noted, now) >= 0).unwrap_or(now)
}

/// Whether a run is independent of the one that first held the bytes back.
pub fn is_independent(held_since: ClockReading, now: ClockReading) -> bool {
    passed(held_since, now) >= INDEPENDENT
}

/// Whether provisionally accepted bytes have passed all checks.
pub fn has_passed_all_checks(checks: usize) -> bool {
    checks >= CHECKS.len()
}

/// Whether provisionally accepted bytes must be downloaded again, after a number of checks that found the same bytes. One
/// clock is enough, because a check too early only costs a download, while no check could cost the document. A time in the
/// future comes from a wrong clock, so a check is due.
pub fn is_check_due(accepted_at: ClockReading, checks: usize, now: ClockReading) -> bool {
    let (ours, service) = now.since(accepted_at);
    let longest = service.map_or(ours, |service| service.max(ours));
    CHECKS.get(checks).is_some_and(|days| longest >= days * DAY || passed(accepted_at, now) < 0)
}

/// When bytes were accepted and how many checks they have passed, after another check found the same bytes. A time in the
/// future starts the checks again.
pub fn after_check(accepted_at: ClockReading, checks: usize, now: ClockReading) -> (ClockReading, usize) {
    if passed(accepted_at, now) < 0 { (now, 0) } else { (accepted_at, checks + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Fit = Fit::Contradicts("an HTML page");

    fn item(version: &str, sha256: u8, fit: Fit, vouched: bool) -> Item {
        let version = VersionId::parse(version).unwrap();
        Item { version, sha256: Sha256::new([sha256; 32]), size: 9, fit, vouched, known: false, confirmed: false }
    }

    /// The verdict's name in docs/reliability.md.
    fn word(verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Accept => "kept",
            Verdict::AcceptForNow => "kept for now",
            Verdict::Hold(_) => "held back",
        }
    }

    /// The table in docs/reliability.md, row by row.
    #[test]
    fn the_truth_table_matches_its_documentation() {
        let page = include_str!("../../docs/reliability.md");
        let rows: Vec<Vec<&str>> = page
            .lines()
            .skip_while(|line| !line.starts_with("| bytes | vouched for |"))
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        let fits = [
            ("fit their name", Fit::Fits),
            ("say nothing", Fit::Open),
            ("lack a mark", Fit::Unmarked),
            ("contradict their name", PAGE),
        ];
        let all: Vec<_> = fits.iter().flat_map(|(text, fit)| [(*text, *fit, "no"), (*text, *fit, "yes")]).collect();
        assert_eq!(rows.len(), all.len());
        for (row, (text, fit, vouched)) in rows.iter().zip(all) {
            assert_eq!(row[..2], [text, vouched]);
            let one = item("v1", 1, fit, vouched == "yes");
            let pair =
                |of: Item| judge(&[of.clone(), Item { version: VersionId::parse("v2").unwrap(), ..of }], false)[0];
            let early = judge(std::slice::from_ref(&one), true)[0];
            let verdicts = [
                judge(std::slice::from_ref(&one), false)[0],
                pair(one.clone()),
                early,
                pair(Item { known: true, ..one.clone() }),
                pair(Item { confirmed: true, ..one }),
            ];
            assert_eq!(row[2..], verdicts.map(word), "{text} {vouched}");
        }
    }

    #[test]
    fn reasons_for_holding_bytes_back() {
        let alone = judge(&[item("v1", 1, PAGE, false)], false);
        assert_eq!(alone, [Verdict::Hold(Reason::Contradicts("an HTML page"))]);
        let several = judge(&[item("v1", 1, Fit::Open, false), item("v2", 1, Fit::Open, false)], false);
        assert_eq!(several, [Verdict::Hold(Reason::Shared(2)); 2]);
    }

    #[test]
    fn one_version_of_two_documents_is_not_shared() {
        let same = item("v1", 1, Fit::Open, false);
        assert_eq!(judge(&[same.clone(), same], false), [Verdict::Accept; 2]);
    }

    #[test]
    fn empty_files_that_storage_vouches_for_are_documents() {
        let empty = |version| Item { size: 0, ..item(version, 0, Fit::Contradicts("nothing at all"), true) };
        assert_eq!(judge(&[empty("v1"), empty("v2")], false), [Verdict::Accept; 2]);
        let unvouched = Item { vouched: false, ..empty("v1") };
        assert_eq!(judge(&[unvouched], false), [Verdict::Hold(Reason::Contradicts("nothing at all"))]);
    }

    #[test]
    fn bytes_that_are_proved_at_once() {
        for (fit, vouched, proved) in [
            (Fit::Fits, false, true),
            (Fit::Fits, true, true),
            (Fit::Open, true, true),
            (Fit::Open, false, false),
            (PAGE, true, false),
            (PAGE, false, false),
        ] {
            assert_eq!(is_proved(fit, vouched), proved, "{fit:?} {vouched}");
        }
    }

    /// Hours by this machine's clock and by the service's.
    fn at(ours: i64, service: impl Into<Option<i64>>) -> ClockReading {
        ClockReading { ours: ours * HOUR, service: service.into().map(|hours: i64| hours * HOUR) }
    }

    const YEARS: i64 = 10 * 365 * 24;

    #[test]
    fn runs_are_independent_after_twelve_hours() {
        for (before, now, independent) in [
            (at(0, 0), at(11, 11), false),
            (at(0, 0), at(12, 12), true),
            // The service's clock counts; ours only without a `Date`.
            (at(0, 0), at(0, 12), true),
            (at(0, 0), at(12, 11), false),
            (at(0, None), at(12, None), true),
            (at(0, None), at(11, 12), false),
            (at(0, 0), at(12, None), true),
            // If the `Date` is far from our clock, both must agree.
            (at(0, 0), at(0, 48), true),
            (at(0, 0), at(0, 49), false),
            (at(0, 0), at(1, YEARS), false),
            (at(0, -YEARS), at(1, 1), false),
            (at(0, -YEARS), at(24, 24), true),
            (at(0, YEARS), at(24, 24), false),
            // Our clock is wrong all the time, or was corrected.
            (at(-YEARS, 0), at(12 - YEARS, 12), true),
            (at(-YEARS, 0), at(1, 1), false),
        ] {
            assert_eq!(is_independent(before, now), independent, "{before:?} {now:?}");
        }
        assert!(!is_independent(at(0, 0), ClockReading { ours: i64::MAX, service: Some(i64::MIN) }));
    }

    #[test]
    fn a_wait_that_began_in_the_future_starts_again() {
        for (noted, now, since) in [
            (None, at(5, 5), at(5, 5)),
            (Some(at(0, 0)), at(5, 5), at(0, 0)),
            (Some(at(0, YEARS)), at(24, 24), at(24, 24)),
            (Some(at(YEARS, None)), at(24, None), at(24, None)),
            (Some(at(0, 0)), at(1, YEARS), at(0, 0)),
        ] {
            assert_eq!(held_since(noted, now), since, "{noted:?} {now:?}");
        }
    }

    #[test]
    fn checks_come_after_1_3_7_and_30_days_by_either_clock() {
        for (checks, days) in [1, 3, 7, 30].into_iter().enumerate() {
            let hours = days * 24;
            for (now, due) in [
                (at(hours, hours), true),
                (at(hours - 1, hours - 1), false),
                (at(hours, 0), true),
                (at(0, hours), true),
                (at(hours, None), true),
            ] {
                assert_eq!(is_check_due(at(0, 0), checks, now), due, "{checks} {now:?}");
            }
            assert!(!has_passed_all_checks(checks));
        }
        assert!(has_passed_all_checks(4) && !is_check_due(at(0, 0), 4, at(YEARS, YEARS)));
    }

    #[test]
    fn bytes_accepted_in_the_future_are_checked_at_once_and_start_again() {
        for accepted in [at(YEARS, None), at(YEARS, YEARS), at(0, YEARS)] {
            let now = at(30, accepted.service.map(|_| 30));
            assert!(is_check_due(accepted, 2, now), "{accepted:?}");
            assert_eq!(after_check(accepted, 2, now), (now, 0));
            assert!(!is_check_due(now, 0, now));
        }
        assert_eq!(after_check(at(0, 0), 2, at(200, 200)), (at(0, 0), 3));
    }
}
