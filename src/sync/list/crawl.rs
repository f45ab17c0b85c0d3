//! Reading one binder: its folders, its pages, and whether they add up.
//!
//! Pages are asked for several at once and compared in their order, so that who came first, and
//! has the plain name, does not depend on the network. What any pass saw counts as seen, so
//! downloads go on while an uncertified listing is read again.

use std::{
    cell::Cell,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, PoisonError},
};

use futures::{StreamExt as _, stream};

use crate::{
    model::{BinderId, FolderId, Listed},
    remote::{self, Direction, SearchPage},
    report::{Progress, Warning},
    sync::{
        Fatal, Options,
        context::RunContext,
        list::{
            certification::{Ids, Listing, PageFacts, Reach},
            failure::failure,
            folders,
            outcome::BinderOutcome,
            pages::{Broken, Fetcher, Fetching, page_size},
            sort_order::SortOrder,
        },
    },
};

/// Pages of a binder that are asked for at once.
const PAGES: usize = 4;

/// Most tabs of a binder that are listed one by one.
const MOST_TABS: usize = 1000;

/// How often a listing is read before it stays uncertified.
const PASSES: u32 = 3;

/// A binder that is being read.
struct Reader<'c> {
    ctx: &'c RunContext,
    binder: &'c BinderId,
    /// Whether its folders may still be asked for because a document names an unknown one.
    may_refresh: bool,
    page_size: u32,
    /// How many of its documents are mirrored.
    mirrored: u64,
    /// The order that is asked for, and the keys that came so far.
    order: Option<SortOrder>,
    hasher: RandomState,
    nameless: u64,
    announced: u64,
}

/// Reads a binder.
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
        hasher: RandomState::new(),
        nameless: 0,
        announced: 0,
    };
    match reader.read().await {
        Ok(outcome) => Ok(outcome),
        Err(Broken::Refused(why)) => Ok(BinderOutcome::Inaccessible(why)),
        Err(Broken::Failed(error)) => {
            ctx.tally.failed(None, failure(binder, &error));
            Ok(BinderOutcome::Failed)
        }
        Err(Broken::Stopped) => Ok(BinderOutcome::Stopped),
        Err(Broken::Fatal(error)) => Err(error),
    }
}

impl Reader<'_> {
    async fn read(&mut self) -> Result<BinderOutcome, Broken> {
        let listing = self.passes(None).await?;
        let cap = self.ctx.options.max_removals.of(self.mirrored);
        let short = listing.total().saturating_add(cap) < self.mirrored;
        if listing.certified() && !listing.is_capped() && !short {
            return Ok(BinderOutcome::Certified { total: listing.total() });
        }
        if listing.certified() && !short && self.is_whole_both_ways(&listing).await? {
            return Ok(BinderOutcome::Certified { total: listing.total() });
        }
        if (listing.is_capped() || short) && !listing.is_endless() {
            return self.read_by_tab(&listing).await;
        }
        Ok(BinderOutcome::Uncertified { why: listing.why() })
    }

    /// Whether a listing that ends at a round number is whole: read in either order it shows the same documents. A
    /// service that does not sort leaves it open.
    async fn is_whole_both_ways(&mut self, whole: &Listing) -> Result<bool, Broken> {
        let mut sets: Vec<Ids> = Vec::new();
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut listing = Listing::default();
            listing.begin();
            self.order = Some(SortOrder::new(direction));
            let nameless = self.nameless;
            let passed = self.pass(None, &mut listing).await;
            self.nameless = nameless;
            let order = self.order.take();
            let kept = order.is_some_and(|order| order.holds());
            if let Err(fatal @ Broken::Fatal(_)) = passed {
                return Err(fatal);
            }
            if passed.is_err() || !kept || !listing.certified() || listing.total() != whole.total() {
                return Ok(false);
            }
            sets.push(listing.ids().collect());
        }
        Ok(sets[0] == sets[1] && sets[0].len() as u64 == whole.total())
    }

    /// Lists again tab by tab, where the binder's own listing may be cut off.
    async fn read_by_tab(&mut self, whole: &Listing) -> Result<BinderOutcome, Broken> {
        let binder = self.binder.clone();
        let tabs: Vec<FolderId> = self.ctx.record.planner.call(move |planner| planner.tabs(&binder)).await?;
        if tabs.len() > MOST_TABS {
            return Ok(BinderOutcome::Uncertified {
                why: "it may be cut off, and it has too many tabs to read each of them",
            });
        }
        let mut certified = true;
        let mut union: Ids = whole.ids().collect();
        for tab in &tabs {
            let listing = self.passes(Some(tab)).await?;
            certified &= listing.certified() && !listing.is_capped();
            union.extend(listing.ids());
        }
        let distinct = union.len() as u64 + self.nameless;
        let enough = distinct >= whole.total() && (whole.certified() || !tabs.is_empty());
        // A total that may be a cap needs tabs to look behind it.
        let certified = certified && enough && (!whole.is_capped() || !tabs.is_empty());
        Ok(if certified {
            BinderOutcome::Certified { total: distinct }
        } else {
            BinderOutcome::Uncertified { why: "it may be cut off, and its tabs don't add up either" }
        })
    }

    /// Reads a listing until it is certified, a few times at most.
    async fn passes(&mut self, tab: Option<&FolderId>) -> Result<Listing, Broken> {
        let mut listing = Listing::default();
        for _ in 0..PASSES {
            listing.begin();
            self.pass(tab, &mut listing).await?;
            if listing.certified() || listing.is_endless() {
                break;
            }
        }
        Ok(listing)
    }

    /// Reads all pages once.
    async fn pass(&mut self, tab: Option<&FolderId>, listing: &mut Listing) -> Result<(), Broken> {
        let first = self.fetcher(tab).page(1).await?;
        let size = page_size(&first, self.page_size);
        self.page_size = u32::try_from(size).unwrap_or(u32::MAX).clamp(1, self.page_size);
        let reach = Reach::of(self.mirrored, self.page_size);
        let total = first.total;
        let last = reach.last_page(total, self.page_size);
        if tab.is_none() {
            let mut announced = self.ctx.listing.announced.lock().unwrap_or_else(PoisonError::into_inner);
            announced.insert(self.binder.clone(), (first.total, self.page_size));
        }
        if self.announced == 0 && tab.is_none() {
            self.announced = first.total;
            Progress::add(&self.ctx.progress.documents, first.total);
        }
        self.take(1, first, listing).await?;
        let fetcher = self.fetcher(tab);
        let numbers = 2..=u32::try_from(last).unwrap_or(u32::MAX);
        // Behind an empty page nothing comes, whatever the total says, and behind pages that repeat neither.
        let ended = Cell::new(false);
        let numbers = stream::iter(numbers).take_while(|_| std::future::ready(!ended.get()));
        let fetched = numbers.map(|number| Fetching::start(fetcher.clone(), number));
        let mut fetched = std::pin::pin!(fetched.buffered(PAGES));
        let mut missed = None;
        while let Some((number, page)) = fetched.next().await {
            match page {
                Ok(page) => {
                    let empty = page.items.is_empty();
                    self.take(u64::from(number), page, listing).await?;
                    ended.set(ended.get() || empty || listing.is_over(reach));
                }
                // The others may still be read: what is seen is never taken for absent.
                Err(Broken::Failed(error)) => missed = Some(error),
                Err(broken) => return Err(broken),
            }
        }
        if !ended.get() && last < total.div_ceil(u64::from(self.page_size)) {
            listing.goes_on();
        }
        missed.map_or(Ok(()), |error| {
            listing.missed();
            Err(Broken::Failed(error))
        })
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

    /// Hands a page's documents to the planner, and what they need to the queue.
    async fn take(&mut self, asked: u64, page: SearchPage, listing: &mut Listing) -> Result<(), Fatal> {
        let mut facts = PageFacts {
            number: page.page_number,
            asked,
            total: page.total,
            size: u64::from(self.page_size),
            ids: Vec::with_capacity(page.items.len()),
            nameless: 0,
        };
        if let Some(order) = &mut self.order {
            page.items.iter().for_each(|item| order.next(item.as_ref().ok().and_then(remote::sort_key)));
        }
        let mut items: Vec<Listed> = Vec::with_capacity(page.items.len());
        for item in page.items {
            match item {
                Ok(mut item) => {
                    facts.ids.push(self.hasher.hash_one(item.id.as_str()));
                    if item.binder != *self.binder && self.ctx.is_listed(&item.binder) {
                        listing.strays();
                        self.ctx.record.planner.call(move |planner| planner.mark(&item.id)).await??;
                        continue;
                    }
                    item.binder = self.binder.clone();
                    items.push(item);
                }
                Err(odd) => {
                    match &odd.id {
                        Some(id) => facts.ids.push(self.hasher.hash_one(id.as_str())),
                        None => facts.nameless += 1,
                    }
                    self.ctx.odd(self.binder, &odd).await?;
                }
            }
        }
        for oddity in page.oddities {
            if self.ctx.leaves_out(oddity.document.clone()).await? {
                continue;
            }
            self.ctx.tally.warn(Warning::document(Warning::MetadataTooLarge, &oddity.document, "", ""));
        }
        self.nameless += facts.nameless;
        Progress::add(&self.ctx.progress.listed, items.len() as u64);
        listing.page(&facts);
        self.absorb(items).await
    }

    async fn absorb(&mut self, items: Vec<Listed>) -> Result<(), Fatal> {
        let items = Arc::new(items);
        let mut last_word = !self.may_refresh;
        loop {
            let (binder, shared) = (self.binder.clone(), Arc::clone(&items));
            let absorbed =
                self.ctx.record.planner.call(move |planner| planner.absorb(&binder, &shared, last_word)).await??;
            if !absorbed.unknown_folders {
                for change in absorbed.rows {
                    self.ctx.submit(change).await;
                }
                for job in absorbed.jobs {
                    self.ctx.queue(job).await;
                }
                return Ok(());
            }
            folders::refresh(self.ctx, self.binder).await?;
            self.may_refresh = false;
            last_word = true;
        }
    }
}
