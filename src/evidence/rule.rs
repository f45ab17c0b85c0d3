//! Which bytes become documents, over all documents of a run.

use std::collections::{HashMap, HashSet};

use super::Fit;
use crate::model::{Sha256, VersionId};

/// A night is independent of another one that lies this many seconds before it, by the service's clock.
pub const INDEPENDENT_SECONDS: i64 = 12 * 3600;

/// When bytes that were published for now are fetched again: days after they were accepted.
const CHECKS: [i64; 4] = [1, 3, 7, 30];

const DAY: i64 = 24 * 3600;

/// Bytes that came for a version, and what speaks for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The version that was asked for.
    pub version: VersionId,
    /// The hash of what came.
    pub sha256: Sha256,
    /// How many bytes came.
    pub size: u64,
    /// How they compare with the document's name.
    pub fit: Fit,
    /// Whether storage vouches for them: by their MD5, or by marks that only a blob has.
    pub vouched: bool,
    /// Whether an earlier run mirrored these bytes under such a name, and not only for now.
    pub known: bool,
    /// Whether an independent night gave the same bytes for this version.
    pub confirmed: bool,
}

/// What happens to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They are the document.
    Accept,
    /// They are the document for now: they are fetched again later, and what they replace is kept until then.
    AcceptForNow,
    /// They are kept back.
    Hold(Reason),
}

/// Why bytes are kept back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// They are not what the name promises, but this.
    Contradicts(&'static str),
    /// The same bytes came for this many versions.
    Shared(usize),
}

/// Whether bytes may be published before the run's other documents are seen.
pub fn is_proved(fit: Fit, vouched: bool) -> bool {
    match fit {
        Fit::Fits => true,
        Fit::Open => vouched,
        Fit::Contradicts(_) => false,
    }
}

/// Judges all bytes of a run that are not proved. A run that ends early has not seen who else gets the same bytes:
/// what it can't rule out is accepted for now.
pub fn judge(items: &[Item], ended_early: bool) -> Vec<Verdict> {
    let mut versions: HashMap<Sha256, HashSet<&VersionId>> = HashMap::new();
    for item in items {
        versions.entry(item.sha256).or_default().insert(&item.version);
    }
    let shared = |item: &Item| versions.get(&item.sha256).map_or(1, HashSet::len);
    items.iter().map(|item| verdict(item, shared(item), ended_early)).collect()
}

fn verdict(item: &Item, shared: usize, ended_early: bool) -> Verdict {
    match suspicion(item, shared) {
        None if ended_early && !item.known && !item.vouched && item.fit != Fit::Fits => Verdict::AcceptForNow,
        None => Verdict::Accept,
        Some(_) if item.confirmed => Verdict::AcceptForNow,
        Some(reason) => Verdict::Hold(reason),
    }
}

/// The truth table.
fn suspicion(item: &Item, shared: usize) -> Option<Reason> {
    if item.known {
        return None;
    }
    match (item.fit, item.vouched) {
        (Fit::Fits, _) | (Fit::Open, true) => None,
        (Fit::Open, false) => (shared > 1).then_some(Reason::Shared(shared)),
        (Fit::Contradicts(what), false) => Some(Reason::Contradicts(what)),
        // Storage vouches for a page under several names: so would a store that was filled with stand-ins. Empty files
        // are made everywhere.
        (Fit::Contradicts(_), true) => (shared > 1 && item.size > 0).then_some(Reason::Shared(shared)),
    }
}

/// Whether a time is independent of an earlier one; both in seconds since the epoch, by the service's clock.
pub fn is_independent(before: i64, now: i64) -> bool {
    now.saturating_sub(before) >= INDEPENDENT_SECONDS
}

/// When bytes that were accepted for now at a time are fetched again, after so many checks that found them the same;
/// `None` once they have passed all. Seconds since the epoch.
pub fn next_check(accepted_at: i64, passed: usize) -> Option<i64> {
    CHECKS.get(passed).map(|days| accepted_at.saturating_add(days * DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Fit = Fit::Contradicts("an HTML page");

    fn item(version: &str, sha256: u8, fit: Fit, vouched: bool) -> Item {
        let version = VersionId::parse(version).unwrap();
        Item { version, sha256: Sha256::new([sha256; 32]), size: 9, fit, vouched, known: false, confirmed: false }
    }

    /// What the page calls a verdict.
    fn word(verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Accept => "kept",
            Verdict::AcceptForNow => "kept for now",
            Verdict::Hold(_) => "held back",
        }
    }

    /// The table of docs/reliability.md, row by row.
    #[test]
    fn the_truth_table_is_the_one_on_the_page() {
        let page = include_str!("../../docs/reliability.md");
        let rows: Vec<Vec<&str>> = page
            .lines()
            .skip_while(|line| !line.starts_with("| bytes | vouched for |"))
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        let fits = [("fit their name", Fit::Fits), ("say nothing", Fit::Open), ("contradict their name", PAGE)];
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
    fn why_bytes_are_held_back() {
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
    fn what_is_proved_at_once() {
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

    #[test]
    fn when_a_night_is_independent() {
        for (before, now, independent) in
            [(0, 43_199, false), (0, 43_200, true), (100, 50, false), (i64::MIN, i64::MAX, true)]
        {
            assert_eq!(is_independent(before, now), independent, "{before} {now}");
        }
    }

    #[test]
    fn checks_come_after_1_3_7_and_30_days() {
        let days: Vec<_> = (0..5).map(|passed| next_check(0, passed).map(|at| at / DAY)).collect();
        assert_eq!(days, [Some(1), Some(3), Some(7), Some(30), None]);
    }
}
