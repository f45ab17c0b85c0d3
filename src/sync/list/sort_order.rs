//! Whether a listing has the requested order.
//!
//! A service that caps its total lists only the first N documents, and in the opposite order only the last N. If both orders
//! list the same documents, the listing is complete. That only holds if the service really sorted: every document must have
//! a key, the keys must run one way, and they must not all be equal, because that is what an ignored sort looks like.

use std::cmp::Ordering;

use crate::remote::Direction;

/// A sort key. Times are compared as times, in whatever format or zone they are written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Time(jiff::Timestamp),
    Text(String),
}

/// The keys of one pass.
#[derive(Debug)]
pub(crate) struct SortOrder {
    direction: Direction,
    last: Option<Key>,
    /// Whether two keys differed.
    differ: bool,
    broken: bool,
}

impl SortOrder {
    pub(crate) fn new(direction: Direction) -> Self {
        Self { direction, last: None, differ: false, broken: false }
    }

    pub(crate) fn direction(&self) -> Direction {
        self.direction
    }

    /// Adds the key of the next document, if it has one.
    pub(crate) fn next(&mut self, key: Option<String>) {
        let Some(key) = key.map(|text| text.parse().map_or(Key::Text(text), Key::Time)) else {
            self.broken = true;
            return;
        };
        match self.last.as_ref().map_or(Ordering::Equal, |last| last.cmp(&key)) {
            Ordering::Equal => {}
            found => {
                self.differ = true;
                let wanted = if self.direction == Direction::Ascending { Ordering::Less } else { Ordering::Greater };
                self.broken |= found != wanted;
            }
        }
        self.last = Some(key);
    }

    /// Whether the service sorted the listing.
    pub(crate) fn holds(&self) -> bool {
        self.differ && !self.broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_listings() {
        use Direction::{Ascending, Descending};
        let (early, late, zone) = ("2024-01-01T23:30:00Z", "2024-01-02T00:00:00Z", "2024-01-02T00:15:00+01:00");
        for (name, direction, keys, holds) in [
            ("ascending", Ascending, vec![Some("a"), Some("a"), Some("b")], true),
            ("descending", Descending, vec![Some("b"), Some("a"), Some("a")], true),
            ("the other way round", Ascending, vec![Some("b"), Some("a")], false),
            ("all equal", Ascending, vec![Some("a"), Some("a")], false),
            ("one turns back", Descending, vec![Some("c"), Some("a"), Some("b")], false),
            ("one shows no key", Ascending, vec![Some("a"), None, Some("b")], false),
            ("nothing", Ascending, vec![], false),
            ("times", Ascending, vec![Some(zone), Some(early), Some(late)], true),
        ] {
            let mut order = SortOrder::new(direction);
            for key in keys {
                order.next(key.map(str::to_owned));
            }
            assert_eq!(order.holds(), holds, "{name}");
        }
    }
}
