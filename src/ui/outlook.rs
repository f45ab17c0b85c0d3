//! How much a run has to do, as far as is known.

use std::time::Duration;

use crate::report::{Progress, Share};

/// Fewer downloads than this, or than this share of the documents in percent, hardly take time.
const FEW: u64 = 10;
const FEW_PERCENT: u64 = 1;

/// The documents of one kind: see [`Share`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    announced: u64,
    listed: u64,
    downloads: u64,
}

/// How much a run has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outlook {
    pub(super) listed: u64,
    pub(super) documents: u64,
    /// Whether every binder's number of documents is known.
    pub(super) is_counted: bool,
    pub(super) downloaded: u64,
    /// Downloads, with those that documents which aren't listed yet will need.
    pub(super) downloads: u64,
    /// Downloads that are known to be needed and have not ended.
    pub(super) pending: u64,
}

impl Counts {
    fn of(share: &Share) -> Self {
        let Share { announced, listed, downloads } = share;
        let [announced, listed, downloads] = [announced, listed, downloads].map(Progress::get);
        Self { announced, listed, downloads }
    }

    /// Expects that as many of the others need a download; `untold` says whether all do if none was listed yet.
    fn expected(self, untold: bool) -> u64 {
        let others = u128::from(self.announced.saturating_sub(self.listed));
        let (downloads, listed) = (u128::from(self.downloads), u128::from(self.listed));
        let more = (others * downloads).checked_div(listed).unwrap_or(others * u128::from(untold));
        u64::try_from(downloads + more).unwrap_or(u64::MAX)
    }
}

impl Outlook {
    pub(super) fn of(progress: &Progress) -> Self {
        let (new, mirrored) = (Counts::of(&progress.new), Counts::of(&progress.mirrored));
        let listed = new.listed + mirrored.listed;
        let downloaded = Progress::get(&progress.downloads_done);
        Self {
            listed,
            documents: new.announced.saturating_add(mirrored.announced),
            is_counted: Progress::get(&progress.binders_counted) >= Progress::get(&progress.binders),
            downloaded,
            downloads: new.expected(true).saturating_add(mirrored.expected(false)),
            pending: progress.downloads().saturating_sub(downloaded),
        }
    }

    /// Whether all documents were listed.
    pub(super) fn is_listed(&self) -> bool {
        self.is_counted && self.listed >= self.documents
    }

    /// The remaining time, given those of listing and downloading, which overlap.
    pub(super) fn remaining(&self, listing: Option<Duration>, downloads: Option<Duration>) -> Option<Duration> {
        if self.pending > FEW {
            // Listing waits for the downloads, and shows nothing about its own speed.
            return downloads.filter(|_| self.is_counted);
        }
        let left = self.downloads.saturating_sub(self.downloaded);
        let are_few = left <= FEW.max(self.documents / 100 * FEW_PERCENT) && !self.is_listed();
        let downloads = downloads.or(are_few.then_some(Duration::ZERO))?;
        listing.filter(|_| self.is_counted).map(|listing| listing.max(downloads))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downloads_are_expected_of_documents_that_are_not_listed_yet() {
        #[rustfmt::skip]
        let table = [
            // announced, listed, downloads   untold  expected
            ((3000,       0,      0),         true,   3000),
            ((3000,       0,      0),         false,  0),
            ((3000,       500,    500),       true,   3000),
            ((3000,       500,    400),       true,   2400),  // a filter leaves some out
            ((1000,       100,    5),         false,  50),
            ((1000,       1000,   7),         false,  7),
            ((0,          0,      3),         true,   3),
            ((u64::MAX,   1,      9),         true,   u64::MAX),
        ];
        for ((announced, listed, downloads), untold, expected) in table {
            assert_eq!(Counts { announced, listed, downloads }.expected(untold), expected, "{announced} {listed}");
        }
    }

    #[test]
    fn the_remaining_time_is_that_of_what_takes_longer() {
        let seconds = Duration::from_secs;
        let run = |listed, downloaded, downloads, is_counted| Outlook {
            listed,
            documents: 3000,
            is_counted,
            downloaded,
            downloads,
            pending: 0,
        };
        let busy = |outlook| Outlook { pending: 40, ..outlook };
        #[rustfmt::skip]
        let table = [
            (run(1000, 300, 3000, true),   Some(20), Some(90), Some(90)),
            (busy(run(1000, 300, 3000, true)), Some(200), Some(90), Some(90)),
            (run(1000, 300, 3000, true),   Some(200), Some(90), Some(200)),
            (run(1000, 300, 3000, false),  Some(20), Some(90), None),      // who knows how many there are
            (run(1000, 0, 3000, true),     Some(20), None,     None),      // who knows how long a download takes
            (run(1000, 0, 30, true),       Some(20), None,     Some(20)),  // a quiet night
            (run(3000, 0, 30, true),       Some(0),  None,     None),
            (run(1000, 0, 0, true),        None,     Some(0),  None),
            (run(3000, 3000, 3000, true),  Some(0),  Some(0),  Some(0)),
        ];
        for (outlook, listing, downloads, remaining) in table {
            let [listing, downloads, remaining] = [listing, downloads, remaining].map(|time| time.map(seconds));
            assert_eq!(outlook.remaining(listing, downloads), remaining, "{outlook:?}");
        }
    }
}
