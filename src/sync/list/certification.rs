//! Whether a listing is consistent.
//!
//! Offset pages over live data shift under the reader, and nothing in the API proves that a
//! listing is complete. A listing is certified when every page of a pass agreed on the total,
//! no document came twice, no page but the last was short, and the distinct documents add up
//! to the total; or when the passes under one unchanged total have that many between them.
//! Certified means consistent, not proved: absences are asked for one by one all the same.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
};

/// A total that is a multiple of this may be where the service stops counting.
const ROUND: u64 = 10_000;

/// Pages in a row without a new document that end a pass. A page that shifts under the reader can repeat one.
const BARREN: u32 = 3;

/// Documents and pages of one pass that are read of any binder.
const MOST: u64 = 500_000;
const MOST_PAGES: u64 = 10_000;

/// How often more documents than are mirrored may be listed.
const GROWTH: u64 = 4;

/// How far a pass may go: by what is mirrored of the binder, never by the total that the service claims. A larger
/// binder is read further by each run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    documents: u64,
    pages: u64,
}

impl Reach {
    /// Of a binder with so many mirrored documents, read in pages of this size.
    pub(crate) fn of(mirrored: u64, page_size: u32) -> Self {
        let grown = mirrored.saturating_mul(GROWTH);
        Self { documents: MOST.max(grown), pages: MOST_PAGES.max(grown / u64::from(page_size.max(1))) }
    }

    /// The last page of a listing with this total that is asked for.
    pub(crate) fn last_page(self, total: u64, page_size: u32) -> u64 {
        total.div_ceil(u64::from(page_size.max(1))).max(1).min(self.pages)
    }
}

/// Ids that were hashed already.
pub(crate) type Ids = HashSet<u64, BuildHasherDefault<AsIs>>;

/// Hashes nothing again.
#[derive(Debug, Default)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
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

/// One page, as far as certifying goes. Ids are hashed: two that collide make a listing look
/// short, never whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageFacts {
    /// Which page it says it is.
    pub(crate) number: u64,
    /// Which page was asked for.
    pub(crate) asked: u64,
    /// The total that it tells.
    pub(crate) total: u64,
    /// How many documents a page holds.
    pub(crate) size: u64,
    /// Its documents' ids, hashed.
    pub(crate) ids: Vec<u64>,
    /// Items without an id, which count towards the total and can't be told apart.
    pub(crate) nameless: u64,
}

/// What is known of a binder's (or a tab's) documents after some passes.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// The total of every page so far; none once two disagreed.
    total: Option<u64>,
    agreed: bool,
    /// The documents of this pass, and those of the passes before.
    pass: Ids,
    before: Ids,
    nameless: u64,
    sound: bool,
    strayed: bool,
    /// Pages in a row that brought no new document.
    barren: u32,
    /// How many documents were read when a pass ended before its pages did.
    cut_at: Option<usize>,
    why: Option<&'static str>,
}

impl Listing {
    /// Begins a pass.
    pub(crate) fn begin(&mut self) {
        self.before.extend(self.pass.drain());
        self.nameless = 0;
        self.sound = true;
        self.barren = 0;
        self.why = None;
        if self.total.is_none() {
            self.agreed = true;
        }
    }

    fn fault(&mut self, why: &'static str) {
        self.sound = false;
        self.why.get_or_insert(why);
    }

    /// A fault that says more than those before it.
    fn fault_above_all(&mut self, why: &'static str) {
        self.sound = false;
        self.why = Some(why);
    }

    /// Takes a page of the pass.
    pub(crate) fn page(&mut self, page: &PageFacts) {
        match self.total {
            None => self.total = Some(page.total),
            Some(total) if total != page.total => {
                self.fault("the total changed while it was read");
                self.agreed = false;
                self.total = Some(page.total);
            }
            Some(_) => {}
        }
        if page.number != page.asked {
            self.fault("a page answered for another one");
        }
        let expected = page.size.min(page.total.saturating_sub((page.asked - 1).saturating_mul(page.size)));
        if (page.ids.len() as u64 + page.nameless) < expected {
            self.fault("a page was shorter than it should be");
        }
        let before = self.pass.len();
        for id in &page.ids {
            if !self.pass.insert(*id) {
                self.fault("a document came twice");
            }
        }
        self.nameless += page.nameless;
        self.barren = if self.pass.len() > before { 0 } else { self.barren + 1 };
        if self.barren == BARREN {
            self.fault_above_all("its pages repeat what earlier ones showed");
        }
    }

    /// Whether the pass ends here, although the service may have more pages to show.
    pub(crate) fn is_over(&mut self, reach: Reach) -> bool {
        let read = self.pass.len() as u64;
        if read >= reach.documents && self.total() > read {
            self.goes_on();
        }
        self.is_endless() || self.barren >= BARREN
    }

    /// The pass ends before the pages do.
    pub(crate) fn goes_on(&mut self) {
        self.cut_at = Some(self.pass.len());
        self.fault_above_all("it is far longer than what is mirrored of it");
    }

    /// Whether there were more pages than are read: another pass would end at the same place.
    pub(crate) fn is_endless(&self) -> bool {
        self.cut_at.is_some()
    }

    /// A document came that says it lies in another binder: the filter was not kept.
    pub(crate) fn strays(&mut self) {
        self.strayed = true;
        self.why.get_or_insert("documents of another binder were listed in it");
    }

    /// A page of the pass could not be read.
    pub(crate) fn missed(&mut self) {
        self.fault("a page could not be read");
    }

    /// Whether the listing is consistent.
    pub(crate) fn certified(&self) -> bool {
        let Some(total) = self.total.filter(|_| !self.strayed && self.cut_at.is_none()) else { return false };
        let one_pass = self.sound && self.pass.len() as u64 + self.nameless == total;
        one_pass || (self.agreed && self.ids().count() as u64 + self.nameless == total)
    }

    /// The distinct documents of all passes.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u64> {
        self.before.union(&self.pass).copied()
    }

    /// The total that it tells.
    pub(crate) fn total(&self) -> u64 {
        self.total.unwrap_or(0)
    }

    /// Whether the total may be where the service stops counting.
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

    fn page(asked: u64, total: u64, size: u64, ids: &[u64]) -> PageFacts {
        PageFacts { number: asked, asked, total, size, ids: ids.to_vec(), nameless: 0 }
    }

    fn read(passes: &[&[PageFacts]]) -> bool {
        let mut listing = Listing::default();
        for pass in passes {
            listing.begin();
            pass.iter().for_each(|page| listing.page(page));
        }
        listing.certified()
    }

    #[test]
    fn the_table_of_listings() {
        let whole: &[PageFacts] = &[page(1, 5, 2, &[1, 2]), page(2, 5, 2, &[3, 4]), page(3, 5, 2, &[5])];
        let repeated: &[PageFacts] = &[page(1, 5, 2, &[1, 2]), page(2, 5, 2, &[2, 3]), page(3, 5, 2, &[5])];
        let missed_four: &[PageFacts] = &[page(1, 5, 2, &[1, 2]), page(2, 5, 2, &[3, 2]), page(3, 5, 2, &[5])];
        let missed_one: &[PageFacts] = &[page(1, 5, 2, &[2, 4]), page(2, 5, 2, &[3, 4]), page(3, 5, 2, &[5])];
        let shrank: &[PageFacts] = &[page(1, 5, 2, &[1, 2]), page(2, 4, 2, &[3, 4])];
        let short: &[PageFacts] = &[page(1, 5, 2, &[1, 2]), page(2, 5, 2, &[3]), page(3, 5, 2, &[5])];
        let after: &[PageFacts] = &[page(1, 4, 2, &[1, 2]), page(2, 4, 2, &[3, 4])];
        let empty: &[PageFacts] = &[page(1, 0, 2, &[])];
        for (name, passes, certified) in [
            ("one whole pass", &[whole][..], true),
            ("an empty binder", &[empty][..], true),
            ("a page that repeats", &[repeated][..], false),
            ("the union of two passes", &[missed_four, missed_one][..], true),
            ("two passes that miss the same", &[missed_four, missed_four][..], false),
            ("a total that changes", &[shrank][..], false),
            ("a whole pass after that", &[shrank, after][..], true),
            ("a short page", &[short][..], false),
            ("nothing read", &[][..], false),
        ] {
            assert_eq!(read(passes), certified, "{name}");
        }
    }

    #[test]
    fn the_union_counts_only_under_one_total() {
        // Two passes that miss something each, with the total in between being another.
        let one: &[PageFacts] = &[page(1, 3, 2, &[1, 2]), page(2, 3, 2, &[2])];
        let other: &[PageFacts] = &[page(1, 4, 2, &[1, 2]), page(2, 3, 2, &[3])];
        assert!(!read(&[one, other]));
    }

    #[test]
    fn three_pages_without_a_new_document_end_a_pass() {
        let reach = Reach::of(0, 2);
        let mut listing = Listing::default();
        listing.begin();
        let mut over = Vec::new();
        for (number, ids) in [[1, 2], [1, 2], [1, 2], [3, 4], [1, 2], [2, 1], [4, 3], [5, 6]].iter().enumerate() {
            listing.page(&page(number as u64 + 1, 1 << 53, 2, ids));
            over.push(listing.is_over(reach));
        }
        // One that brings something new begins the count again.
        assert_eq!(over, [false, false, false, false, false, false, true, false]);
        assert!(!listing.certified());
    }

    #[test]
    fn a_pass_reaches_as_far_as_what_is_mirrored_says() {
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
            assert_eq!(Reach::of(mirrored, size).last_page(total, size), last, "{mirrored} {size} {total}");
        }
        let mut listing = Listing::default();
        listing.begin();
        listing.page(&page(1, 1 << 53, 500_000, &(0..500_000).collect::<Vec<_>>()));
        assert!(listing.is_over(Reach::of(0, 250)) && listing.is_endless() && !listing.certified());
        assert!(!Listing::default().is_over(Reach::of(0, 250)));
    }

    #[test]
    fn items_without_an_id_count() {
        let mut listing = Listing::default();
        listing.begin();
        listing.page(&PageFacts { nameless: 1, ..page(1, 3, 5, &[1, 2]) });
        assert!(listing.certified());
    }

    #[test]
    fn a_round_total_may_be_a_cap() {
        for (total, capped) in [(0, false), (9_999, false), (10_000, true), (20_000, true), (10_001, false)] {
            let mut listing = Listing::default();
            listing.begin();
            listing.page(&page(1, total, 1, &[1]));
            assert_eq!(listing.is_capped(), capped, "{total}");
        }
    }

    #[test]
    fn a_page_that_answers_for_another_is_a_fault() {
        let mut listing = Listing::default();
        listing.begin();
        listing.page(&PageFacts { number: 2, ..page(1, 1, 5, &[1]) });
        assert!(!listing.sound);
        assert_eq!(listing.why(), "a page answered for another one");
    }
}
