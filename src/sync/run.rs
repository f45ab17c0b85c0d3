//! One run, from the list of binders to the report.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, atomic::AtomicU64},
};

use futures::{StreamExt as _, stream};
use tokio::sync::mpsc;

use crate::{
    mirror::{Mirror, Root},
    model::BinderId,
    pace::Bandwidth,
    remote::Remote,
    report::{Outcome, Progress, Scrub, Tally, Warning},
    state::{Run, State},
    sync::{
        Fatal, Options, Planned, Stop, StopCause,
        commit::{committer::Committer, names::Names, operation::TreeChange},
        context::{Listing, Record, RunContext, Service, Transfers},
        decide::{
            emptiness, filtered,
            planner::{Planner, Start},
            removals,
            renames::Rename,
            reservations::Reservations,
        },
        fetch::{downloads, job::DownloadJob, pending},
        list::{binders, crawl, outcome::BinderOutcome, tabs},
        sink::{Plan, Sink, Writing},
        upkeep::{retention, scrub},
        worker::{Pool, Worker},
    },
};

/// Binders that are read at once.
const BINDERS: usize = 4;

/// Threads that hash and write.
const WRITERS: usize = 2;

/// What a run is made of.
pub struct Parts {
    /// The service.
    pub remote: Arc<Remote>,
    /// The state: the mirror's own, or a scratch copy for a plan.
    pub state: Arc<State>,
    /// The tree, to look at.
    pub root: Arc<Root>,
    /// The mirror, to write; none for a plan.
    pub mirror: Option<Arc<Mirror>>,
    /// What the run is told.
    pub options: Options,
    /// What a screen reads.
    pub progress: Arc<Progress>,
    /// What ends it early.
    pub stop: Arc<Stop>,
    /// Which run it is.
    pub run: Run,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// It came to its end.
    Through,
    /// It ended early, and the next run goes on.
    Early(StopCause),
    /// None of the known binders is listed, but others are: nothing was written.
    AnotherOrganisation,
    /// It could not go on.
    Fatal(Fatal),
}

/// A finished run.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub ended: Ended,
    /// Whether removals were withheld.
    pub withheld: bool,
    /// Whether absence was counted in every binder that the filters want.
    pub counted: bool,
    /// Whether a listing was not consistent.
    pub uncertified: bool,
    /// What was checked with `--scrub`.
    pub scrub: Option<Scrub>,
    /// The counts.
    pub tally: Arc<Tally>,
    /// What it would do, for a plan.
    pub planned: Vec<Planned>,
    /// How many requests a night takes on which nothing has changed, for a plan that came to its end.
    pub night: Option<u64>,
    /// The time at its end in seconds since the epoch, if retention is asked for and the clock can be trusted.
    pub now: Option<i64>,
}

impl Finished {
    /// Whether a check found damage that could not be repaired.
    pub fn is_damaged(&self) -> bool {
        self.scrub.is_some_and(|scrub| scrub.damaged > scrub.repaired)
    }

    /// The word for it.
    pub fn outcome(&self) -> Outcome {
        let binders = self.tally.binder_counts();
        let unread = binders.failed + binders.inaccessible + binders.uncertified;
        let short = unread > 0 || self.is_damaged() || self.withheld || self.tally.is_short();
        match &self.ended {
            Ended::Fatal(_) => Outcome::Failed,
            Ended::Early(StopCause::Interrupt | StopCause::Terminate) => Outcome::Interrupted,
            Ended::Early(_) | Ended::AnotherOrganisation => Outcome::Partial,
            Ended::Through if short => Outcome::Partial,
            Ended::Through => Outcome::Complete,
        }
    }
}

/// What came of the run proper.
struct Came {
    withheld: bool,
    scrub: Option<Scrub>,
    another: bool,
    /// Whether everything was looked at, so that what nobody asked for is wanted by nobody.
    whole: bool,
    crawled: Vec<(BinderId, BinderOutcome)>,
}

/// Mirrors, or plans. Whatever happens, what was finished is recorded.
pub async fn run(parts: Parts) -> Finished {
    let tally = Arc::new(Tally::default());
    let stop = Arc::clone(&parts.stop);
    let (jobs, queue) = mpsc::channel(parts.options.concurrency * 4);
    let (result, planned, night) = match build(parts, Arc::clone(&tally), jobs) {
        Ok(ctx) => {
            let result = Box::pin(go(&ctx, queue)).await;
            if let Some(announcement) = ctx.service.remote.farewell() {
                ctx.tally.warn(Warning::other(Warning::Deprecation, announcement));
            }
            let night =
                if ctx.record.sink.writing().is_none() && !stop.is_set() { binders::night(&ctx).ok() } else { None };
            (result, ctx.record.sink.take_planned(), night)
        }
        Err(error) => (Err(error), Vec::new(), None),
    };
    let binders = tally.binder_counts();
    let certain = |(_, crawled): &(BinderId, BinderOutcome)| matches!(crawled, BinderOutcome::Certified { .. });
    let certified = result.as_ref().is_ok_and(|(came, _)| !came.another && came.crawled.iter().all(certain));
    let counted = certified && binders.failed == 0 && !stop.is_set();
    let (ended, withheld, scrub, now) = match (stop.take_fatal(), result) {
        (Some(error), _) | (None, Err(error)) => (Ended::Fatal(error), false, None, None),
        (None, Ok((came, _))) if came.another => (Ended::AnotherOrganisation, true, None, None),
        (None, Ok((came, now))) => (stop.cause().map_or(Ended::Through, Ended::Early), came.withheld, came.scrub, now),
    };
    if matches!(ended, Ended::Through) {
        tally.settle();
    }
    let uncertified = binders.uncertified > 0;
    Finished { ended, withheld, counted, uncertified, scrub, tally, planned, night, now }
}

pub(super) fn build(
    parts: Parts,
    tally: Arc<Tally>,
    jobs: mpsc::Sender<Option<DownloadJob>>,
) -> Result<RunContext, Fatal> {
    let Parts { remote, state, root, mirror, options, progress, stop, run } = parts;
    let options = Arc::new(options);
    let limit = mirror.as_ref().map_or_else(|| root.name_limit(), |mirror| Ok(mirror.name_limit()))?;
    let partials = state.read(|r| r.partials())?;
    let start = Start::read(&state)?;
    let acknowledged = Arc::clone(&start.acknowledged);
    let planner = Planner::new(
        Arc::clone(&state),
        Arc::clone(&root),
        Reservations::new(limit),
        Arc::clone(&tally),
        Arc::clone(&options),
        start,
    );
    let planner = Worker::start("planner", planner)?;
    let sink = match mirror {
        None => Sink::Plan(Plan::default()),
        Some(mirror) => {
            let (m, s, t) = (Arc::clone(&mirror), Arc::clone(&state), Arc::clone(&tally));
            let names = Names::Planner(planner.mailbox());
            let committer = Committer::start(m, s, names, t, Arc::clone(&stop), run.number)?;
            Sink::Commit(Writing { mirror, committer, pool: Pool::start("writer", WRITERS)? })
        }
    };
    Ok(RunContext {
        service: Service { remote, tally: Arc::clone(&tally), stop: Arc::clone(&stop) },
        record: Record { state, root, limit, sink, planner, run: run.number },
        listing: Listing::default(),
        transfers: Transfers {
            jobs,
            bandwidth: Bandwidth::new(options.bandwidth),
            partials,
            acknowledged,
            coming: AtomicU64::new(0),
            waiting: Mutex::default(),
        },
        options,
        tally,
        progress,
        stop,
    })
}

async fn go(ctx: &RunContext, mut queue: mpsc::Receiver<Option<DownloadJob>>) -> Result<(Came, Option<i64>), Fatal> {
    let deadline = async {
        if let Some(limit) = ctx.options.max_duration {
            tokio::time::sleep(limit).await;
            ctx.tally.warn(Warning::MaxDuration);
            ctx.stop.now(StopCause::Duration);
        }
        std::future::pending::<()>().await;
    };
    let result = tokio::select! {
        biased;
        result = mirror(ctx, &mut queue) => result,
        () = deadline => unreachable!("the deadline never ends"),
    };
    let flushed = flush(ctx).await;
    let came = result?;
    flushed?;
    let Some(writing) = ctx.record.sink.writing().filter(|_| !ctx.stop.is_set()) else { return Ok((came, None)) };
    if came.whole {
        tidy(ctx, writing)?;
    }
    let now = retention::trusted_now(ctx)?;
    if let Some(now) = now.filter(|_| !came.withheld) {
        retention::free(ctx, writing, &came.crawled, now).await?;
    }
    Ok((came, now))
}

async fn mirror(ctx: &RunContext, queue: &mut mpsc::Receiver<Option<DownloadJob>>) -> Result<Came, Fatal> {
    let Some(survey) = binders::list(ctx).await? else {
        return Ok(Came { withheld: true, scrub: None, another: true, whole: false, crawled: Vec::new() });
    };
    let (mirrored, _) = ctx.record.state.read(|r| r.extent())?;
    // Transfers end when the crawl has ended and the queue is empty.
    let crawl = async {
        let crawled = read_all(ctx, &survey).await;
        let _ = ctx.transfers.jobs.send(None).await;
        crawled
    };
    let (crawled, ()) = tokio::join!(crawl, transfers(ctx, queue));
    judge(ctx).await?;
    let crawled = crawled?;
    for (binder, crawled) in &crawled {
        binders::count(ctx, binder, crawled);
    }
    tabs::count(ctx, &crawled).await?;
    binders::record(ctx, &survey, &crawled)?;
    let whole =
        survey.whole && !crawled.iter().any(|(_, c)| matches!(c, BinderOutcome::Failed | BinderOutcome::Stopped));
    let (mut withheld, mut scrub) = (false, None);
    if !ctx.stop.is_set() {
        flush(ctx).await?;
        // Absence is counted once every binder was read: a document may have gone to any of them.
        if whole {
            filtered::documents(ctx).await?;
            emptiness::versions(ctx).await?;
            withheld = removals::settle(ctx, &crawled, mirrored).await?;
        }
        late(ctx, queue).await?;
        // Before the renames: a row that moves takes the file's inode over.
        scrub::prove(ctx).await?;
        rename(ctx).await?;
        emptiness::warn(ctx)?;
        scrub = scrub::scrub(ctx).await?;
    }
    let whole = whole && ctx.options.filter.wants_all();
    Ok(Came { withheld, scrub, another: false, whole, crawled })
}

async fn read_all(ctx: &RunContext, survey: &binders::BinderSurvey) -> Result<Vec<(BinderId, BinderOutcome)>, Fatal> {
    let crawls = stream::iter(&survey.listed).map(|binder| async move {
        let crawled = if ctx.stop.is_set() {
            Ok(BinderOutcome::Stopped)
        } else {
            crawl::crawl(ctx, &binder.id, &binder.segment, binder.refresh).await
        };
        Progress::add(&ctx.progress.binders_done, 1);
        crawled.map(|crawled| (binder.id.clone(), crawled))
    });
    let mut crawls = std::pin::pin!(crawls.buffer_unordered(BINDERS));
    let mut all = Vec::new();
    while let Some(crawled) = crawls.next().await {
        match crawled {
            Ok(crawled) => all.push(crawled),
            // The others see the switch and end by themselves.
            Err(error) => ctx.stop.fatal(error),
        }
    }
    Ok(all)
}

/// Works through the queue until the end is met.
async fn transfers(ctx: &RunContext, queue: &mut mpsc::Receiver<Option<DownloadJob>>) {
    match ctx.record.sink.writing() {
        Some(writing) => downloads::all(ctx, writing, queue).await,
        None => while queue.recv().await.flatten().is_some() {},
    }
}

/// Versions that came up while others were brought over.
async fn late(ctx: &RunContext, queue: &mut mpsc::Receiver<Option<DownloadJob>>) -> Result<(), Fatal> {
    flush(ctx).await?;
    let mut late = ctx.record.planner.call(Planner::late_versions).await??;
    if ctx.record.sink.writing().is_some() {
        let now = ctx.clocks();
        late.jobs.extend(ctx.record.planner.call(move |planner| planner.checks(now)).await??);
    }
    let feed = async {
        for change in late.rows {
            ctx.submit(change).await;
        }
        for job in late.jobs {
            ctx.queue(job).await;
        }
        let _ = ctx.transfers.jobs.send(None).await;
    };
    tokio::join!(feed, transfers(ctx, queue));
    judge(ctx).await?;
    flush(ctx).await
}

/// Decides on bytes that waited for the others.
async fn judge(ctx: &RunContext) -> Result<(), Fatal> {
    match ctx.record.sink.writing() {
        Some(writing) => pending::judge(ctx, writing).await,
        None => Ok(()),
    }
}

/// Renames as a set. One that a signal cuts off is gone on with by the next run.
async fn rename(ctx: &RunContext) -> Result<(), Fatal> {
    let settlement = ctx.record.planner.call(Planner::settle).await??;
    for change in settlement.rows {
        ctx.submit(change).await;
    }
    let mut aside = HashSet::new();
    for Rename { leg, particulars } in settlement.renames {
        if ctx.stop.is_set() {
            break;
        }
        if leg.after_folder {
            // Folders that are empty now are removed when what was done is recorded.
            flush(ctx).await?;
        }
        let mut from = leg.from;
        if aside.contains(&leg.document) {
            // Where it stepped aside to may have been taken by somebody: its row knows.
            flush(ctx).await?;
            if ctx.record.sink.writing().is_some() {
                let Some(known) = ctx.record.state.read(|r| r.document(&leg.document))? else { continue };
                from = known.path;
            }
        }
        if leg.aside {
            aside.insert(leg.document.clone());
        }
        ctx.submit(TreeChange::Move { document: leg.document, from, path: leg.to, particulars, aside: leg.aside })
            .await;
    }
    flush(ctx).await
}

pub(crate) async fn flush(ctx: &RunContext) -> Result<(), Fatal> {
    ctx.record.sink.flush().await
}

/// After a run that saw everything: forgets failures that were not met again, and deletes what
/// lies below `tmp/` and nobody wants.
fn tidy(ctx: &RunContext, writing: &Writing) -> Result<(), Fatal> {
    ctx.record.state.write(|w| {
        w.forget_failures_before(ctx.record.run)?;
        w.tidy_evidence(ctx.record.run)
    })?;
    let failed = ctx.tally.documents().failed > 0;
    if !failed {
        ctx.record.state.write(|w| w.drop_partials())?;
    }
    let wanted: HashSet<String> = ctx.record.state.read(|r| r.partial_names())?.into_iter().collect();
    Ok(writing.mirror.sweep(&wanted)?)
}
