//! One run: its phases, from the list of binders to retention.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, atomic::AtomicU64},
};

use futures::{StreamExt as _, stream};

use crate::{
    mirror::{Mirror, Root},
    model::BinderId,
    pace::Bandwidth,
    remote::Remote,
    report::{Outcome, Progress, Scrub, Tally, Warning, format::number_of},
    state::{Run, State},
    sync::{
        Fatal, Options, Planned, Stop, StopCause,
        commit::{committer::Committer, names::Names, operation::TreeChange},
        context::{Listing, Record, RunContext, Service, Transfers},
        decide::{
            emptiness, filtered,
            planner::{InitialState, Planner},
            removals,
            renames::Rename,
            reservations::Reservations,
        },
        fetch::{
            backlog::Backlog,
            disk_writes::DiskWrites,
            download_threads::DownloadThreads,
            pending,
            sizes::{self, Sampled},
        },
        list::{binders, crawl, look_ahead, outcome::BinderOutcome, tabs},
        sink::{Plan, Sink, Writing},
        upkeep::{retention, scrub},
        worker::{Pool, Worker},
    },
};

/// Binders that are read at once.
const BINDERS: usize = 4;

/// Threads for what may block for long: hashing, copying, a slow disk.
const WRITERS: usize = 2;

/// What a run needs.
pub struct Parts {
    /// The service.
    pub remote: Arc<Remote>,
    /// The mirror's state, or a temporary copy for a plan.
    pub state: Arc<State>,
    /// The tree, to read.
    pub root: Arc<Root>,
    /// The mirror, to write; `None` for a plan.
    pub mirror: Option<Arc<Mirror>>,
    /// The run's options.
    pub options: Options,
    /// What the progress display shows.
    pub progress: Arc<Progress>,
    /// The signal that ends the run early.
    pub stop: Arc<Stop>,
    /// The run's id and number.
    pub run: Run,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// All phases were carried out.
    Through,
    /// It was stopped; the next run continues.
    Early(StopCause),
    /// None of the known binders is listed, but others are: nothing was written.
    AnotherOrganisation,
    /// An error ended it.
    Fatal(Fatal),
}

/// A finished run.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub ended: Ended,
    /// Whether removals were withheld.
    pub withheld: bool,
    /// Whether absent documents were counted in every binder that the filters include.
    pub counted: bool,
    /// Whether a listing was not certified.
    pub uncertified: bool,
    /// What `--scrub` checked.
    pub scrub: Option<Scrub>,
    /// The counts.
    pub tally: Arc<Tally>,
    /// The changes that a plan lists.
    pub planned: Vec<Planned>,
    /// For a plan, how many requests a run needs if nothing has changed.
    pub unchanged_requests: Option<u64>,
    /// For a plan, what opening a sample of its downloads showed.
    pub sampled: Sampled,
    /// The time at its end in seconds since the epoch, if the clock can be trusted.
    pub now: Option<i64>,
}

impl Finished {
    /// Whether a check found damage that could not be repaired.
    pub fn is_damaged(&self) -> bool {
        self.scrub.is_some_and(|scrub| scrub.damaged > scrub.repaired)
    }

    /// Its outcome in reports.
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

/// The result of the phases that mirror.
#[derive(Default)]
struct Mirrored {
    withheld: bool,
    scrub: Option<Scrub>,
    another_organisation: bool,
    /// Whether every document was considered, so that partial downloads and failures that didn't occur again are obsolete.
    complete: bool,
    crawled: Vec<(BinderId, BinderOutcome)>,
    /// See [`Finished::now`].
    now: Option<i64>,
}

/// Mirrors, or plans. However it ends, finished work is recorded.
pub async fn run(parts: Parts) -> Finished {
    let tally = Arc::new(Tally::default());
    let stop = Arc::clone(&parts.stop);
    let backlog = Backlog::new(parts.options.concurrency);
    let (result, planned, unchanged_requests, sampled) = match build(parts, Arc::clone(&tally), backlog) {
        Ok(ctx) => {
            let ctx = Arc::new(ctx);
            let result = Box::pin(carry_out(&ctx)).await;
            if let Some(announcement) = ctx.service.remote.deprecation() {
                ctx.tally.warn(Warning::other(Warning::Deprecation, announcement));
            }
            let is_plan = ctx.record.sink.writing().is_none() && !stop.is_set();
            let requests = if is_plan { binders::unchanged_requests(&ctx).ok() } else { None };
            let sampled = match &ctx.record.sink {
                Sink::Plan(plan) if result.is_ok() => Box::pin(sizes::open(&ctx, plan.sample())).await,
                _ => Sampled::default(),
            };
            (result, ctx.record.sink.take_planned(), requests, sampled)
        }
        Err(error) => (Err(error), Vec::new(), None, Sampled::default()),
    };
    let binders = tally.binder_counts();
    let is_certified = |(_, outcome): &(BinderId, BinderOutcome)| matches!(outcome, BinderOutcome::Certified { .. });
    let certified = result.as_ref().is_ok_and(|m| !m.another_organisation && m.crawled.iter().all(is_certified));
    let counted = certified && binders.failed == 0 && !stop.is_set();
    let (ended, mirrored) = match (stop.take_fatal(), result) {
        (Some(error), _) | (None, Err(error)) => (Ended::Fatal(error), Mirrored::default()),
        (None, Ok(mirrored)) if mirrored.another_organisation => {
            (Ended::AnotherOrganisation, Mirrored { now: None, ..mirrored })
        }
        (None, Ok(mirrored)) => (stop.cause().map_or(Ended::Through, Ended::Early), mirrored),
    };
    if matches!(ended, Ended::Through) {
        tally.fail_unfinished();
    }
    let Mirrored { withheld, scrub, now, .. } = mirrored;
    let uncertified = binders.uncertified > 0;
    Finished { ended, withheld, counted, uncertified, scrub, tally, planned, unchanged_requests, sampled, now }
}

pub(super) fn build(parts: Parts, tally: Arc<Tally>, backlog: Backlog) -> Result<RunContext, Fatal> {
    let Parts { remote, state, root, mirror, options, progress, stop, run } = parts;
    let options = Arc::new(options);
    let limit = mirror.as_ref().map_or_else(|| root.name_limit(), |mirror| Ok(mirror.name_limit()))?;
    let partials = state.read(|r| r.partials())?;
    let initial = InitialState::read(&state)?;
    let acknowledged = Arc::clone(&initial.acknowledged);
    let planner = Planner::new(&state, &root, &tally, &options, Reservations::new(limit), initial);
    let planner = Worker::start("planner", planner)?;
    let sink = match mirror {
        None => Sink::Plan(Plan::new(options.sample)),
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
            backlog,
            bandwidth: Bandwidth::new(options.bandwidth),
            partials,
            acknowledged,
            unwritten: AtomicU64::new(0),
            writes: DiskWrites::default(),
            waiting: Mutex::default(),
        },
        options,
        tally,
        progress,
        stop,
    })
}

async fn carry_out(ctx: &Arc<RunContext>) -> Result<Mirrored, Fatal> {
    let _threads = ctx.record.sink.writing().map(|_| DownloadThreads::start(ctx)).transpose()?;
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
        result = mirror(ctx) => result,
        () = deadline => unreachable!("the deadline never ends"),
    };
    let flushed = flush(ctx).await;
    let mut mirrored = result?;
    flushed?;
    let Some(writing) = ctx.record.sink.writing().filter(|_| !ctx.stop.is_set()) else { return Ok(mirrored) };
    if mirrored.complete {
        tidy(ctx, writing)?;
    }
    mirrored.now = retention::trusted_now(ctx)?;
    if let Some(now) = mirrored.now.filter(|_| !mirrored.withheld) {
        retention::delete_due(ctx, writing, &mirrored.crawled, now).await?;
    }
    Ok(mirrored)
}

async fn mirror(ctx: &RunContext) -> Result<Mirrored, Fatal> {
    let Some(survey) = binders::list(ctx).await? else {
        return Ok(Mirrored { withheld: true, another_organisation: true, ..Mirrored::default() });
    };
    let (documents, _) = ctx.record.state.read(|r| r.extent())?;
    look_ahead::from_record(ctx, &survey.listed)?;
    // Few binders are all read at once.
    let unknown = if survey.listed.len() > BINDERS { survey.listed.as_slice() } else { &[] };
    let crawled = tokio::select! {
        biased;
        crawled = read_all(ctx, &survey) => crawled,
        () = look_ahead::ask(ctx, unknown) => unreachable!("it never ends"),
    };
    ctx.transfers.backlog.idle().await;
    decide_pending(ctx).await?;
    for (binder, outcome) in &crawled {
        binders::count(ctx, binder, outcome);
    }
    tabs::count(ctx, &crawled).await?;
    binders::record(ctx, &survey, &crawled)?;
    removals::forget_seen(ctx).await?;
    let is_unread = |outcome: &BinderOutcome| matches!(outcome, BinderOutcome::Failed | BinderOutcome::Stopped);
    let all_read = survey.complete && !crawled.iter().any(|(_, outcome)| is_unread(outcome));
    let (mut withheld, mut scrub) = (false, None);
    if !ctx.stop.is_set() {
        flush(ctx).await?;
        // Absent documents are only known once every binder was read, because a document may have moved to any of them.
        if all_read {
            filtered::documents(ctx).await?;
            emptiness::check_versions(ctx).await?;
            withheld = removals::remove_absent(ctx, &crawled, documents).await?;
        }
        follow_up(ctx).await?;
        // Before the renames, because a row that moves takes over the file's inode.
        scrub::prove(ctx).await?;
        rename(ctx).await?;
        emptiness::warn(ctx)?;
        scrub = scrub::scrub(ctx).await?;
    }
    let complete = all_read && ctx.options.filter.wants_all();
    Ok(Mirrored { withheld, scrub, complete, crawled, ..Mirrored::default() })
}

async fn read_all(ctx: &RunContext, survey: &binders::BinderSurvey) -> Vec<(BinderId, BinderOutcome)> {
    let crawls = stream::iter(&survey.listed).map(|binder| async move {
        let outcome = if ctx.stop.is_set() {
            Ok(BinderOutcome::Stopped)
        } else {
            crawl::crawl(ctx, &binder.id, &binder.segment, binder.refresh).await
        };
        ctx.listing.forecasts.end(&ctx.progress, &binder.id);
        Progress::add(&ctx.progress.binders_done, 1);
        if let Ok(outcome) = &outcome {
            let [done, all] = [&ctx.progress.binders_done, &ctx.progress.binders].map(Progress::get);
            tracing::debug!("{}: {outcome} ({done} of {})", binder.segment, number_of(all, "binder", "binders"));
        }
        outcome.map(|outcome| (binder.id.clone(), outcome))
    });
    let mut crawls = std::pin::pin!(crawls.buffer_unordered(BINDERS));
    let mut all = Vec::new();
    while let Some(crawled) = crawls.next().await {
        match crawled {
            Ok(crawled) => all.push(crawled),
            // The other binders see the stop signal and end by themselves.
            Err(error) => ctx.stop.fatal(error),
        }
    }
    all
}

/// Downloads versions that appeared while others were in flight, and compares those that were accepted for now.
async fn follow_up(ctx: &RunContext) -> Result<(), Fatal> {
    flush(ctx).await?;
    let mut decisions = ctx.record.planner.call(Planner::follow_up_downloads).await??;
    if ctx.record.sink.writing().is_some() {
        let now = ctx.clocks();
        decisions.jobs.extend(ctx.record.planner.call(move |planner| planner.checks(now)).await??);
    }
    for change in decisions.rows {
        ctx.submit(change).await;
    }
    ctx.queue(decisions.jobs).await;
    ctx.transfers.backlog.idle().await;
    decide_pending(ctx).await?;
    flush(ctx).await
}

/// Decides on unproved downloads.
async fn decide_pending(ctx: &RunContext) -> Result<(), Fatal> {
    match ctx.record.sink.writing() {
        Some(writing) => pending::decide(ctx, writing).await,
        None => Ok(()),
    }
}

/// Carries out all renames as a set. If the run stops in between, the next run plans the rest.
async fn rename(ctx: &RunContext) -> Result<(), Fatal> {
    let plan = ctx.record.planner.call(Planner::plan_renames).await??;
    for change in plan.rows {
        ctx.submit(change).await;
    }
    let mut aside = HashSet::new();
    for Rename { leg, particulars } in plan.renames {
        if ctx.stop.is_set() {
            break;
        }
        if leg.after_folder {
            // Recording the batch removes empty folders.
            flush(ctx).await?;
        }
        let mut from = leg.from;
        if aside.contains(&leg.document) {
            // The committer may have chosen another path for it than the planned one; the row has the real one.
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

/// After a complete run: forgets failures that didn't occur again, and deletes unused files below `tmp/`.
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
