//! Reads one binder: its folders and its pages.
//!
//! Several pages are requested at once but compared in their order, so that the network doesn't decide which document gets
//! the plain name. A document that any pass lists counts as seen, so downloads go on while an uncertified listing is read
//! again.

use std::{
    cell::Cell,
    hash::BuildHasher as _,
    sync::{Arc, PoisonError},
};

use foldhash::quality::RandomState;
use futures::{StreamExt as _, stream};

use crate::{
    model::{BinderId, DocumentId, FolderId, Listed},
    remote::{self, Direction, SearchPage},
    report::Warning,
    sync::{
        Fatal, Options,
        context::RunContext,
        list::{
            certification::{Ids, Listing, PageFacts, PassLimit},
            failure::failure,
            folders,
            outcome::BinderOutcome,
            pages::{Fetcher, PageRequest, ReadError, page_size},
            sort_order::SortOrder,
        },
    },
};

/// Pages of a binder that are requested at once.
const PAGES: usize = 4;

/// A binder with more tabs than this is not read tab by tab.
const MOST_TABS: usize = 1000;

/// How often an uncertified listing is read.
const PASSES: u32 = 3;

/// A binder that is being read.
struct Reader<'c> {
    ctx: &'c RunContext,
    binder: &'c BinderId,
    /// Whether its folders may still be read in this run, if a document names an unknown one.
    may_refresh: bool,
    page_size: u32,
    /// How many of its documents are mirrored.
    mirrored: u64,
    /// The requested order, and whether the pages have it.
    order: Option<SortOrder>,
    hasher: RandomState,
    without_id: u64,
}

pub(crate) async fn crawl(
    ctx: &RunContext,
    binder: &BinderId,
    segment: &str,
    refresh: bool,
) -> Result<BinderOutcome, Fatal> {
    let (id, segment) = (binder.clone(), segment.to_owned());
    let mirrored = ctx.record.planner.call(move |planner| planner.open_binder(&id, &segment)).await??;
    if refresh {
        folders::refresh(ctx, binder).await?;
    }
    let mut reader = Reader {
        ctx,
        binder,
        may_refresh: !refresh,
        page_size: Options::PAGE_SIZE,
        mirrored,
        order: None,
        hasher: RandomState::default(),
        without_id: 0,
    };
    let read = reader.read().await;
    let id = binder.clone();
    ctx.record.planner.call(move |planner| planner.close_binder(&id)).await?;
    match read {
        Ok(outcome) => Ok(outcome),
        Err(ReadError::Refused(why)) => Ok(BinderOutcome::Inaccessible(why)),
        Err(ReadError::Failed(error)) => {
            ctx.tally.failed(None, failure(binder, &error));
            Ok(BinderOutcome::Failed)
        }
        Err(ReadError::Stopped) => Ok(BinderOutcome::Stopped),
        Err(ReadError::Fatal(error)) => Err(error),
    }
}

impl Reader<'_> {
    async fn read(&mut self) -> Result<BinderOutcome, ReadError> {
        let listing = self.passes(None).await?;
        let cap = self.ctx.options.max_removals.of(self.mirrored);
        let short = listing.total().saturating_add(cap) < self.mirrored;
        if listing.certified() && !listing.is_capped() && !short {
            return Ok(BinderOutcome::Certified { total: listing.total() });
        }
        if listing.certified() && !short && self.is_complete_in_both_orders(&listing).await? {
            return Ok(BinderOutcome::Certified { total: listing.total() });
        }
        if (listing.is_capped() || short) && !listing.is_cut_off() {
            return self.read_by_tab(&listing).await;
        }
        Ok(BinderOutcome::Uncertified { why: listing.why() })
    }

    /// Whether a listing whose total may be capped lists the same documents in both orders, which proves it complete. If
    /// the service doesn't sort, that stays unknown.
    async fn is_complete_in_both_orders(&mut self, unsorted: &Listing) -> Result<bool, ReadError> {
        let mut sets: Vec<Ids> = Vec::new();
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut listing = Listing::default();
            listing.begin_pass();
            self.order = Some(SortOrder::new(direction));
            let without_id = self.without_id;
            let passed = self.pass(None, &mut listing).await;
            self.without_id = without_id;
            let is_sorted = self.order.take().is_some_and(|order| order.holds());
            if let Err(fatal @ ReadError::Fatal(_)) = passed {
                return Err(fatal);
            }
            if passed.is_err() || !is_sorted || !listing.certified() || listing.total() != unsorted.total() {
                return Ok(false);
            }
            sets.push(listing.ids().collect());
        }
        Ok(sets[0] == sets[1] && sets[0].len() as u64 == unsorted.total())
    }

    /// Reads the binder tab by tab, because its own listing may be cut off.
    async fn read_by_tab(&mut self, unfiltered: &Listing) -> Result<BinderOutcome, ReadError> {
        let binder = self.binder.clone();
        let tabs: Vec<FolderId> = self.ctx.record.planner.call(move |planner| planner.tabs(&binder)).await?;
        if tabs.len() > MOST_TABS {
            return Ok(BinderOutcome::Uncertified {
                why: "it may be cut off, and it has too many tabs to read each of them",
            });
        }
        let mut certified = true;
        let mut union: Ids = unfiltered.ids().collect();
        for tab in &tabs {
            let listing = self.passes(Some(tab)).await?;
            certified &= listing.certified() && !listing.is_capped();
            union.extend(listing.ids());
        }
        let distinct = union.len() as u64 + self.without_id;
        let enough = distinct >= unfiltered.total() && (unfiltered.certified() || !tabs.is_empty());
        // Without tabs nothing shows whether a round total is a cap.
        let certified = certified && enough && (!unfiltered.is_capped() || !tabs.is_empty());
        Ok(if certified {
            BinderOutcome::Certified { total: distinct }
        } else {
            BinderOutcome::Uncertified { why: "it may be cut off, and its tabs don't add up either" }
        })
    }

    /// Reads a listing until it is certified, at most `PASSES` times.
    async fn passes(&mut self, tab: Option<&FolderId>) -> Result<Listing, ReadError> {
        let mut listing = Listing::default();
        for _ in 0..PASSES {
            listing.begin_pass();
            self.pass(tab, &mut listing).await?;
            if listing.certified() || listing.is_cut_off() {
                break;
            }
        }
        Ok(listing)
    }

    /// Reads all pages once.
    async fn pass(&mut self, tab: Option<&FolderId>, listing: &mut Listing) -> Result<(), ReadError> {
        let first = self.fetcher(tab).page(1).await?;
        let size = page_size(&first, self.page_size);
        self.page_size = u32::try_from(size).unwrap_or(u32::MAX).clamp(1, self.page_size);
        let total = first.total;
        if tab.is_none() {
            self.announce(total);
        }
        self.take(1, first, listing).await?;
        let limit = PassLimit::of(self.mirrored, self.page_size);
        let last = limit.last_page(total, self.page_size);
        let fetcher = self.fetcher(tab);
        let numbers = 2..=u32::try_from(last).unwrap_or(u32::MAX);
        // After an empty page, and after pages that repeat, nothing follows, whatever the total says.
        let ended = Cell::new(false);
        let numbers = stream::iter(numbers).take_while(|_| std::future::ready(!ended.get()));
        let requests = numbers.map(|number| PageRequest::start(fetcher.clone(), number));
        let mut pages = std::pin::pin!(requests.buffered(PAGES));
        let mut failed = None;
        while let Some((number, page)) = pages.next().await {
            match page {
                Ok(page) => {
                    let empty = page.items.is_empty();
                    self.take(u64::from(number), page, listing).await?;
                    ended.set(ended.get() || empty || listing.pass_ends(limit));
                }
                // The other pages are still read: documents that are seen are not absent.
                Err(ReadError::Failed(error)) => failed = Some(error),
                Err(error) => return Err(error),
            }
        }
        if !ended.get() && last < total.div_ceil(u64::from(self.page_size)) {
            listing.cut_off();
        }
        failed.map_or(Ok(()), |error| {
            listing.page_failed();
            Err(ReadError::Failed(error))
        })
    }

    /// Notes how many documents the binder announces, for the progress and the cost of an unchanged run.
    fn announce(&mut self, total: u64) {
        let mut announced = self.ctx.listing.announced.lock().unwrap_or_else(PoisonError::into_inner);
        announced.insert(self.binder.clone(), (total, self.page_size));
        self.ctx.listing.forecasts.announce(&self.ctx.progress, self.binder, (total, self.mirrored));
    }

    fn fetcher(&self, tab: Option<&FolderId>) -> Fetcher {
        Fetcher {
            service: self.ctx.service.clone(),
            binder: self.binder.clone(),
            tab: tab.cloned(),
            order: self.order.as_ref().map(SortOrder::direction),
            page_size: self.page_size,
        }
    }

    /// Adds a page to the listing, and gives its documents to the planner.
    async fn take(&mut self, requested: u64, page: SearchPage, listing: &mut Listing) -> Result<(), Fatal> {
        let mut facts = PageFacts {
            number: page.page_number,
            requested,
            total: page.total,
            size: u64::from(self.page_size),
            ids: Vec::with_capacity(page.items.len()),
            without_id: 0,
        };
        self.check_order(&page);
        let mut items: Vec<Listed> = Vec::with_capacity(page.items.len());
        for item in page.items {
            match item {
                Ok(mut item) => {
                    facts.ids.push(self.hasher.hash_one(item.id.as_str()));
                    if item.binder != *self.binder && self.ctx.is_listed(&item.binder) {
                        listing.add_foreign();
                        self.ctx.record.planner.call(move |planner| planner.mark(&item.id)).await??;
                        continue;
                    }
                    item.binder = self.binder.clone();
                    items.push(item);
                }
                Err(unusable) => {
                    match &unusable.id {
                        Some(id) => facts.ids.push(self.hasher.hash_one(id.as_str())),
                        None => facts.without_id += 1,
                    }
                    self.ctx.unusable_item(self.binder, &unusable).await?;
                }
            }
        }
        for large in page.oddities {
            self.warn_of_large_metadata(large.document).await?;
        }
        self.without_id += facts.without_id;
        listing.add_page(&facts);
        self.plan(items).await
    }

    fn check_order(&mut self, page: &SearchPage) {
        if let Some(order) = &mut self.order {
            page.items.iter().for_each(|item| order.next(item.as_ref().ok().and_then(remote::sort_key)));
        }
    }

    async fn warn_of_large_metadata(&self, document: DocumentId) -> Result<(), Fatal> {
        if !self.ctx.skips_purged(document.clone()).await? {
            self.ctx.tally.warn(Warning::document(Warning::MetadataTooLarge, &document, "", ""));
        }
        Ok(())
    }

    /// Lets the planner compare a page's documents, and submits what it decides.
    async fn plan(&mut self, items: Vec<Listed>) -> Result<(), Fatal> {
        let items = Arc::new(items);
        loop {
            let (binder, shared, assign_paths) = (self.binder.clone(), Arc::clone(&items), !self.may_refresh);
            let decisions = self
                .ctx
                .record
                .planner
                .call(move |planner| planner.compare_page(&binder, &shared, assign_paths))
                .await??;
            if !decisions.unknown_folders {
                for change in decisions.rows {
                    self.ctx.submit(change).await;
                }
                let (new, progress) = (decisions.new, &self.ctx.progress);
                let mirrored = (items.len() as u64).saturating_sub(new);
                self.ctx.listing.forecasts.list(progress, self.binder, (new, mirrored));
                self.ctx.queue(decisions.jobs).await;
                return Ok(());
            }
            folders::refresh(self.ctx, self.binder).await?;
            self.may_refresh = false;
        }
    }
}
