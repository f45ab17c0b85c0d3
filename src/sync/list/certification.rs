//! Whether a listing is consistent.
//!
//! Offset pages over live data shift while they are read, and nothing in the API proves that a listing is complete. A
//! listing is certified if all pages of a pass agree on the total, no document comes twice, only the last page is short, and
//! the distinct documents add up to the total; or if several passes with the same total have that many between them.
//! Certified means consistent, not proved: absent documents are looked up one by one all the same.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
};

/// A total that is a multiple of this may be where the service stops counting.
const ROUND: u64 = 10_000;

/// Consecutive pages without a new document that end a pass. One page may repeat documents because pages shift.
const REPEATED_PAGES: u32 = 3;

/// Documents and pages that a pass may always read.
const MOST: u64 = 500_000;
const MOST_PAGES: u64 = 10_000;

/// A pass may also read this many times what is mirrored.
const GROWTH: u64 = 4;

/// How many documents and pages a pass may read. It depends on what is mirrored of the binder, never on the total that the
/// service claims; each run reads further into a larger binder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PassLimit {
    documents: u64,
    pages: u64,
}

impl PassLimit {
    pub(crate) fn of(mirrored: u64, page_size: u32) -> Self {
        let grown = mirrored.saturating_mul(GROWTH);
        Self { documents: MOST.max(grown), pages: MOST_PAGES.max(grown / u64::from(page_size.max(1))) }
    }

    /// The last page to request of a listing with this total.
    pub(crate) fn last_page(self, total: u64, page_size: u32) -> u64 {
        total.div_ceil(u64::from(page_size.max(1))).max(1).min(self.pages)
    }
}

/// Hashes of ids.
pub(crate) type Ids = HashSet<u64, BuildHasherDefault<IdentityHasher>>;

/// Uses a hash as it is.
#[derive(Debug, Default)]
pub(crate) struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are hashed");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What certification needs of a page. Ids are hashed: a collision can make a listing look short, never complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageFacts {
    /// The page number in the answer.
    pub(crate) number: u64,
    pub(crate) requested: u64,
    pub(crate) total: u64,
    /// How many documents a full page has.
    pub(crate) size: u64,
    /// Hashes of the ids.
    pub(crate) ids: Vec<u64>,
    /// How many items have no id. They count towards the total, and may be duplicates.
    pub(crate) without_id: u64,
}

/// The passes over a binder's or a tab's pages so far.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// The total of the last page.
    total: Option<u64>,
    /// Whether all pages of all passes had the same total.
    agreed: bool,
    /// The documents of this pass, and those of earlier passes.
    pass: Ids,
    earlier: Ids,
    without_id: u64,
    consistent: bool,
    /// How many documents of another binder were listed.
    foreign: u64,
    /// Consecutive pages without a new document.
    repeated_pages: u32,
    /// Whether a pass ended at its limit, before the last page.
    cut_off: bool,
    why: Option<&'static str>,
}

impl Listing {
    pub(crate) fn begin_pass(&mut self) {
        self.earlier.extend(self.pass.drain());
        self.without_id = 0;
        self.consistent = true;
        self.repeated_pages = 0;
        self.why = None;
        if self.total.is_none() {
            self.agreed = true;
        }
    }

    fn fault(&mut self, why: &'static str) {
        self.consistent = false;
        self.why.get_or_insert(why);
    }

    /// Records a fault that explains more than earlier ones.
    fn main_fault(&mut self, why: &'static str) {
        self.consistent = false;
        self.why = Some(why);
    }

    pub(crate) fn add_page(&mut self, page: &PageFacts) {
        match self.total {
            None => self.total = Some(page.total),
            Some(total) if total != page.total => {
                self.fault("the total changed while it was read");
                self.agreed = false;
                self.total = Some(page.total);
            }
            Some(_) => {}
        }
        if page.number != page.requested {
            self.fault("a page answered for another one");
        }
        let expected = page.size.min(page.total.saturating_sub((page.requested - 1).saturating_mul(page.size)));
        if (page.ids.len() as u64 + page.without_id) < expected {
            self.fault("a page was shorter than it should be");
        }
        let before = self.pass.len();
        for id in &page.ids {
            if !self.pass.insert(*id) {
                self.fault("a document came twice");
            }
        }
        self.without_id += page.without_id;
        self.repeated_pages = if self.pass.len() > before { 0 } else { self.repeated_pages + 1 };
        if self.repeated_pages == REPEATED_PAGES {
            self.main_fault("its pages repeat what earlier ones showed");
        }
    }

    /// Whether the pass ends here, although the service may have more pages.
    pub(crate) fn pass_ends(&mut self, limit: PassLimit) -> bool {
        let read = self.pass.len() as u64;
        if read >= limit.documents && self.total() > read {
            self.cut_off();
        }
        self.cut_off || self.repeated_pages >= REPEATED_PAGES
    }

    /// The pass ends at its limit, before the last page.
    pub(crate) fn cut_off(&mut self) {
        self.cut_off = true;
        self.main_fault("it is far longer than what is mirrored of it");
    }

    /// Whether a pass ended at its limit: another pass would end at the same page.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// A document of another binder was listed: the service ignored the filter.
    pub(crate) fn add_foreign(&mut self) {
        self.foreign += 1;
        self.why.get_or_insert("documents of another binder were listed in it");
    }

    pub(crate) fn page_failed(&mut self) {
        self.fault("a page could not be read");
    }

    /// Whether the listing is consistent.
    pub(crate) fn certified(&self) -> bool {
        let Some(total) = self.total.filter(|_| self.foreign == 0 && !self.cut_off) else { return false };
        let one_pass = self.consistent && self.pass.len() as u64 + self.without_id == total;
        one_pass || (self.agreed && self.ids().count() as u64 + self.without_id == total)
    }

    /// The distinct documents of all passes.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u64> {
        self.earlier.union(&self.pass).copied()
    }

    pub(crate) fn total(&self) -> u64 {
        self.total.unwrap_or(0)
    }

    /// Whether the service may have stopped counting at this total.
    pub(crate) fn is_capped(&self) -> bool {
        self.total.is_some_and(|total| total > 0 && total.is_multiple_of(ROUND))
    }

    /// Why it is not certified.
    pub(crate) fn why(&self) -> &'static str {
        self.why.unwrap_or("the documents don't add up to the total")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(requested: u64, total: u64, size: u64, ids: &[u64]) -> PageFacts {
        PageFacts { number: requested, requested, total, size, ids: ids.to_vec(), without_id: 0 }
    }

    fn read(passes: &[&[PageFacts]]) -> bool {
        let mut listing = Listing::default();
        for pass in passes {
            listing.begin_pass();
            pass.iter().for_each(|page| listing.add_page(page));
        }
        listing.certified()
    }

    #[test]
    fn only_consistent_listings_are_certified() {
        let complete: &[PageFacts] = &[page(1, 5, 2, &[1, 2]), page(2, 5, 2, &[3, 4]), page(3, 5, 2, &[5])];
        let repeated: &[PageFacts] = &[page(1, 5, 2, &[1, 2]), page(2, 5, 2, &[2, 3]), page(3, 5, 2, &[5])];
        let missed_four: &[PageFacts] = &[page(1, 5, 2, &[1, 2]), page(2, 5, 2, &[3, 2]), page(3, 5, 2, &[5])];
        let missed_one: &[PageFacts] = &[page(1, 5, 2, &[2, 4]), page(2, 5, 2, &[3, 4]), page(3, 5, 2, &[5])];
        let shrank: &[PageFacts] = &[page(1, 5, 2, &[1, 2]), page(2, 4, 2, &[3, 4])];
        let short: &[PageFacts] = &[page(1, 5, 2, &[1, 2]), page(2, 5, 2, &[3]), page(3, 5, 2, &[5])];
        let after: &[PageFacts] = &[page(1, 4, 2, &[1, 2]), page(2, 4, 2, &[3, 4])];
        let empty: &[PageFacts] = &[page(1, 0, 2, &[])];
        for (name, passes, certified) in [
            ("one complete pass", &[complete][..], true),
            ("an empty binder", &[empty][..], true),
            ("a page that repeats", &[repeated][..], false),
            ("the union of two passes", &[missed_four, missed_one][..], true),
            ("two passes that miss the same", &[missed_four, missed_four][..], false),
            ("a total that changes", &[shrank][..], false),
            ("a complete pass after that", &[shrank, after][..], true),
            ("a short page", &[short][..], false),
            ("nothing read", &[][..], false),
        ] {
            assert_eq!(read(passes), certified, "{name}");
        }
    }

    #[test]
    fn the_union_counts_only_under_one_total() {
        // Each pass misses a document, and the total changed in between.
        let one: &[PageFacts] = &[page(1, 3, 2, &[1, 2]), page(2, 3, 2, &[2])];
        let other: &[PageFacts] = &[page(1, 4, 2, &[1, 2]), page(2, 3, 2, &[3])];
        assert!(!read(&[one, other]));
    }

    #[test]
    fn three_pages_without_a_new_document_end_a_pass() {
        let limit = PassLimit::of(0, 2);
        let mut listing = Listing::default();
        listing.begin_pass();
        let mut ends = Vec::new();
        for (number, ids) in [[1, 2], [1, 2], [1, 2], [3, 4], [1, 2], [2, 1], [4, 3], [5, 6]].iter().enumerate() {
            listing.add_page(&page(number as u64 + 1, 1 << 53, 2, ids));
            ends.push(listing.pass_ends(limit));
        }
        // A page with a new document restarts the count.
        assert_eq!(ends, [false, false, false, false, false, false, true, false]);
        assert!(!listing.certified());
    }

    #[test]
    fn a_pass_is_limited_by_what_is_mirrored() {
        for (mirrored, size, total, last) in [
            (0, 250, 0, 1),
            (0, 250, 1000, 4),
            (0, 250, 1 << 53, 10_000),
            (0, 3, u64::MAX, 10_000),
            (0, 250, 500_000, 2_000),
            (2_000_000, 250, 1 << 53, 32_000),
            (u64::MAX, 0, u64::MAX, u64::MAX),
        ] {
            let size: u32 = size;
            assert_eq!(PassLimit::of(mirrored, size).last_page(total, size), last, "{mirrored} {size} {total}");
        }
        let mut listing = Listing::default();
        listing.begin_pass();
        listing.add_page(&page(1, 1 << 53, 500_000, &(0..500_000).collect::<Vec<_>>()));
        assert!(listing.pass_ends(PassLimit::of(0, 250)) && listing.is_cut_off() && !listing.certified());
        assert!(!Listing::default().pass_ends(PassLimit::of(0, 250)));
    }

    #[test]
    fn items_without_an_id_count() {
        let mut listing = Listing::default();
        listing.begin_pass();
        listing.add_page(&PageFacts { without_id: 1, ..page(1, 3, 5, &[1, 2]) });
        assert!(listing.certified());
    }

    #[test]
    fn a_round_total_may_be_a_cap() {
        for (total, capped) in [(0, false), (9_999, false), (10_000, true), (20_000, true), (10_001, false)] {
            let mut listing = Listing::default();
            listing.begin_pass();
            listing.add_page(&page(1, total, 1, &[1]));
            assert_eq!(listing.is_capped(), capped, "{total}");
        }
    }

    #[test]
    fn a_page_that_answers_for_another_is_a_fault() {
        let mut listing = Listing::default();
        listing.begin_pass();
        listing.add_page(&PageFacts { number: 2, ..page(1, 1, 5, &[1]) });
        assert!(!listing.consistent);
        assert_eq!(listing.why(), "a page answered for another one");
    }
}
