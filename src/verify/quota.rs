//! How much one check covers.

use std::time::{Duration, Instant};

use super::cursor::Cursor;
use crate::model::Share;

/// The cost of a file besides its bytes, so that empty files count, too.
const FILE_COST: u64 = 4096;

/// How much of the mirror is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckScope {
    /// All of it.
    All,
    /// The next share of its bytes.
    Share(Share),
    /// The next files, for this long.
    Time(Duration),
}

/// What one check may still read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Quota {
    All,
    /// Files that begin before a mark of the round. A file larger than a share is read completely, and the next checks read
    /// less, so a round has as many checks as shares.
    Mark {
        mark: u64,
        /// Whether the mark is the end of the round, including everything that was added since it began.
        last: bool,
    },
    Until(Instant),
}

impl Quota {
    /// For a part of this many bytes in this many files, at a point of a round.
    pub(super) fn new(part: CheckScope, cursor: &mut Cursor, bytes: u64, files: u64) -> Self {
        match part {
            CheckScope::All => Self::All,
            CheckScope::Time(budget) => Self::Until(Instant::now() + budget),
            CheckScope::Share(share) => {
                let whole = bytes.saturating_add(files.saturating_mul(FILE_COST));
                cursor.mark = cursor.mark.saturating_add(share.of(whole));
                Self::Mark { mark: cursor.mark, last: cursor.mark >= whole }
            }
        }
    }

    /// Whether the check covers the next file of the round; if so, advances the cursor.
    pub(super) fn takes(&self, cursor: &mut Cursor, bytes: u64) -> bool {
        let takes = match self {
            Self::All => true,
            Self::Mark { mark, last } => *last || cursor.weight < *mark,
            Self::Until(end) => Instant::now() < *end,
        };
        if takes {
            cursor.weight = cursor.weight.saturating_add(bytes).saturating_add(FILE_COST);
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many files each check of a round covers.
    fn round(share: &str, sizes: &[u64]) -> Vec<usize> {
        let part = CheckScope::Share(share.parse().unwrap());
        let (mut cursor, mut next, mut taken) = (Cursor::default(), 0, Vec::new());
        while next < sizes.len() {
            let quota = Quota::new(part, &mut cursor, sizes.iter().sum(), sizes.len() as u64);
            let from = next;
            while next < sizes.len() && quota.takes(&mut cursor, sizes[next]) {
                next += 1;
            }
            taken.push(next - from);
            assert!(taken.len() <= 1000, "{share}: it never ends");
        }
        taken
    }

    #[test]
    fn a_round_needs_as_many_checks_as_shares() {
        assert_eq!(round("5%", &[1000; 100]), [5; 20]);
        assert_eq!(round("100%", &[1000; 100]), [100]);
        assert_eq!(round("33%", &[1000; 100]), [33, 33, 33, 1]);
        // Empty files have a cost, too.
        assert_eq!(round("25%", &[0; 8]), [2; 4]);
        for sizes in [vec![1, 1_000_000_000, 1, 1, 1], vec![7; 3], (0..1000).map(|n| n * n % 9973).collect()] {
            let taken = round("5%", &sizes);
            assert!(taken.len() <= 20, "{taken:?}");
        }
    }

    #[test]
    fn a_large_file_shortens_the_next_checks() {
        let mut sizes = vec![0; 10];
        sizes[0] = 10 * FILE_COST;
        // It costs 11 of 20 units; each check has 4.
        assert_eq!(round("20%", &sizes), [1, 0, 1, 4, 4]);
    }
}
