//! What the tasks of a run share.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicU64},
};

use crate::{
    mirror::Root,
    model::{BinderId, ClockReading, DocumentId, NameLimit, VersionId},
    pace::Bandwidth,
    remote::{self, OddItem, Remote},
    report::{Change, Failure, FailureCause, FailureStep, Progress, Tally, Warning},
    state::State,
    sync::{
        Fatal, Options, Stop, StopCause,
        commit::operation::Operation,
        decide::planner::Planner,
        fetch::{backlog::Backlog, disk_writes::DiskWrites, job::DownloadJob, waiting::Waiting},
        list::forecast::Forecasts,
        sink::Sink,
        worker::Worker,
    },
};

/// What the tasks of a run share.
pub(crate) struct RunContext {
    pub(crate) service: Service,
    pub(crate) record: Record,
    pub(crate) listing: Listing,
    pub(crate) transfers: Transfers,
    pub(crate) options: Arc<Options>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) stop: Arc<Stop>,
}

/// Requests to the service. A task of its own has a clone.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) remote: Arc<Remote>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) stop: Arc<Stop>,
}

/// The mirror: its state, its tree, and the threads that change them.
pub(crate) struct Record {
    pub(crate) state: Arc<State>,
    pub(crate) root: Arc<Root>,
    /// The longest name that the mirror's file system accepts.
    pub(crate) limit: NameLimit,
    /// Declared before the planner, so that it is dropped first: the committer asks the planner for names until its queue is
    /// empty.
    pub(crate) sink: Sink,
    pub(crate) planner: Worker<Planner>,
    /// The run's number.
    pub(crate) run: i64,
}

/// What the service listed.
#[derive(Default)]
pub(crate) struct Listing {
    pub(crate) binders: OnceLock<HashSet<BinderId>>,
    /// What the progress expects of each binder.
    pub(crate) forecasts: Forecasts,
    /// The total and the page size of each binder.
    pub(crate) announced: Mutex<HashMap<BinderId, (u64, u32)>>,
}

/// The downloads of a run.
pub(crate) struct Transfers {
    pub(crate) backlog: Backlog,
    pub(crate) bandwidth: Bandwidth,
    /// Versions with a partial download when the run began.
    pub(crate) partials: HashSet<VersionId>,
    /// Versions that are acknowledged as missing.
    pub(crate) acknowledged: Arc<HashMap<DocumentId, VersionId>>,
    /// Bytes that downloads in flight still have to write.
    pub(crate) unwritten: AtomicU64,
    pub(crate) writes: DiskWrites,
    /// Downloads that are not published yet.
    pub(crate) waiting: Mutex<Waiting>,
}

impl Service {
    /// Sends a request; `None` once the run is stopping. If the client gave up on the service, the run stops.
    pub(crate) fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, remote::Error>>,
    ) -> impl Future<Output = Option<Result<T, remote::Error>>> {
        // An `async fn` keeps room for its argument twice, and so does each of its callers. Calls are large.
        let call = Box::pin(call);
        async move {
            match self.stop.or(call).await {
                Some(Err(error)) if error.kind() == remote::ErrorKind::GivenUp => {
                    if !self.stop.is_set() {
                        self.tally.warn(Warning::other(Warning::GaveUp, &error));
                        self.stop.now(StopCause::GivenUp);
                    }
                    None
                }
                answer => answer,
            }
        }
    }
}

impl RunContext {
    /// Downloads that are not published yet.
    pub(crate) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.transfers.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This machine's time and the service's.
    pub(crate) fn clocks(&self) -> ClockReading {
        ClockReading {
            ours: jiff::Timestamp::now().as_second(),
            service: self.service.remote.time().map(jiff::Timestamp::as_second),
        }
    }

    /// Whether a job's version is acknowledged as missing.
    pub(crate) fn acknowledges(&self, job: &DownloadJob) -> bool {
        self.transfers.acknowledged.get(&job.document) == Some(&job.particulars.version)
    }

    /// Warns that a version which is acknowledged as missing is still missing.
    pub(crate) fn missing(&self, job: &DownloadJob) {
        self.tally.changed(&job.document, Change::Acknowledged);
        let (name, version) = (&job.particulars.file_name, &job.particulars.version);
        self.tally.warn(Warning::document(Warning::StillMissing, &job.document, name, version));
    }

    pub(crate) fn is_listed(&self, binder: &BinderId) -> bool {
        self.listing.binders.get().is_some_and(|binders| binders.contains(binder))
    }

    /// Submits an operation to the committer, or lists it in the plan.
    pub(crate) async fn submit(&self, operation: impl Into<Operation>) {
        if let Err(error) = self.record.sink.submit(operation.into(), &self.tally).await {
            self.stop.fatal(error);
        }
    }

    /// Queues jobs, waiting while the queue is full, or lists them in the plan.
    pub(crate) async fn queue(&self, jobs: Vec<DownloadJob>) {
        if let Sink::Plan(plan) = &self.record.sink {
            for job in jobs {
                plan.download(job, &self.tally);
            }
            return;
        }
        // All at once, because the queue may be full for long.
        let replacing = jobs.iter().filter(|job| job.replaces).count() as u64;
        Progress::add(&self.progress.mirrored.downloads, replacing);
        Progress::add(&self.progress.new.downloads, jobs.len() as u64 - replacing);
        for job in jobs {
            // The receiver only closes at the end of the run.
            let _ = self.stop.or(self.transfers.backlog.push(job)).await;
        }
    }

    /// Whether a document was purged on request, so that no report may name it.
    pub(crate) async fn skips_purged(&self, document: DocumentId) -> Result<bool, Fatal> {
        self.record.planner.call(move |planner| planner.skips_purged(&document)).await
    }

    /// Records a failure for an item of a page that can't be used.
    pub(crate) async fn unusable_item(&self, binder: &BinderId, item: &OddItem) -> Result<(), Fatal> {
        let document = item.id.as_deref().and_then(|id| DocumentId::parse(id).ok());
        if let Some(document) = document.clone()
            && self.skips_purged(document.clone()).await?
        {
            return self.record.planner.call(move |planner| planner.mark(&document)).await?;
        }
        let failure = Failure {
            binder_id: Some(binder.to_string()),
            document_id: item.id.clone(),
            file_name: Some(String::new()),
            step: FailureStep::List,
            ..Failure::of_nobody(FailureCause::Rejected, format!("the service's answer about it can't be used: {item}"))
        };
        self.tally.failed(document.as_ref(), failure);
        match document {
            Some(document) => self.record.planner.call(move |planner| planner.mark(&document)).await?,
            None => Ok(()),
        }
    }
}
