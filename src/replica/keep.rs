//! Decides which commits of a copy a prune keeps. Pure.

/// A commit in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dated {
    /// Its number.
    pub(super) number: u64,
    /// When it was written, by the store's clock, in seconds since the epoch.
    pub(super) written_at: i64,
}

/// The rules, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    /// The age up to which commits are kept.
    pub(super) keep: i64,
    /// How long a commit is kept after another one came, and every other file after it was written.
    pub(super) grace: i64,
    /// The time by the store's clock.
    pub(super) now: i64,
}

impl Rules {
    /// Whether a file that no commit names may be deleted.
    pub(super) fn is_old(&self, written_at: i64) -> bool {
        written_at < self.now - self.grace
    }

    /// How many of the commits, which are in the order of their numbers, may be deleted. What is kept has no gaps: each commit
    /// names its parent.
    pub(super) fn first_kept(&self, commits: &[Dated]) -> usize {
        let is_kept = |at: usize| match commits.get(at + 1) {
            None => true,
            Some(next) => commits[at].written_at >= self.now - self.keep || !self.is_old(next.written_at),
        };
        (0..commits.len()).find(|at| is_kept(*at)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600;

    #[test]
    fn the_highest_the_young_and_the_lately_superseded_are_kept() {
        let now = 1000 * DAY;
        // Ages in days of commits 1, 2, …; how many of them go with --keep 90d and --grace 7d.
        for (ages, gone) in [
            (&[][..], 0),
            (&[500], 0),
            (&[500, 400], 1),
            (&[500, 400, 300], 2),
            (&[500, 91, 89], 2),
            (&[500, 90, 89], 1),
            // Superseded 6 days ago, however old it is.
            (&[500, 6], 0),
            (&[500, 7], 0),
            (&[500, 8], 1),
            (&[500, 400, 6], 1),
            // A store whose clock jumped: whatever comes after a kept one is kept.
            (&[500, 10, 300, 200], 1),
            (&[500, 300, 10, 200], 2),
            // The future is young.
            (&[-5, -6], 0),
        ] {
            let commits: Vec<Dated> =
                (1..).zip(ages).map(|(number, age)| Dated { number, written_at: now - age * DAY }).collect();
            let rules = Rules { keep: 90 * DAY, grace: 7 * DAY, now };
            assert_eq!(rules.first_kept(&commits), gone, "{ages:?}");
        }
    }

    #[test]
    fn without_a_time_to_keep_only_the_highest_stays_after_the_grace() {
        let rules = Rules { keep: 0, grace: 2, now: 100 };
        let commits = [(1, 10), (2, 20), (3, 30)].map(|(number, written_at)| Dated { number, written_at });
        assert_eq!(rules.first_kept(&commits), 2);
        assert!(rules.is_old(97) && !rules.is_old(98));
    }
}
