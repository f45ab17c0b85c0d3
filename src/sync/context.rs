//! What every task of a run shares.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicU64},
};

use tokio::sync::mpsc;

use crate::{
    mirror::Root,
    model::{BinderId, ClockReading, DocumentId, NameLimit, VersionId},
    pace::Bandwidth,
    remote::{self, OddItem, Remote},
    report::{Change, Failure, FailureCause, Progress, Tally, Warning},
    state::State,
    sync::{
        Fatal, Options, Stop, StopCause,
        commit::operation::Operation,
        decide::planner::Planner,
        fetch::{job::DownloadJob, waiting::Waiting},
        sink::Sink,
        worker::Worker,
    },
};

/// What every task of a run shares.
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

/// The service's side, also for tasks of their own.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) remote: Arc<Remote>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) stop: Arc<Stop>,
}

/// What is mirrored, and who changes it.
pub(crate) struct Record {
    pub(crate) state: Arc<State>,
    pub(crate) root: Arc<Root>,
    /// The longest name that the mirror's file system takes.
    pub(crate) limit: NameLimit,
    /// Dropped before the planner, which the committer asks for names until its queue is empty.
    pub(crate) sink: Sink,
    pub(crate) planner: Worker<Planner>,
    /// The run's number.
    pub(crate) run: i64,
}

/// What the service announced.
#[derive(Default)]
pub(crate) struct Listing {
    /// Every binder that the service listed.
    pub(crate) binders: OnceLock<HashSet<BinderId>>,
    /// How many documents each binder announced, and how many of them a page held.
    pub(crate) announced: Mutex<HashMap<BinderId, (u64, u32)>>,
}

/// Downloads of this run.
pub(crate) struct Transfers {
    /// `None` marks the end of the queue.
    pub(crate) jobs: mpsc::Sender<Option<DownloadJob>>,
    pub(crate) bandwidth: Bandwidth,
    /// Versions of which a partial download was kept when the run began.
    pub(crate) partials: HashSet<VersionId>,
    /// Versions that are acknowledged as missing.
    pub(crate) acknowledged: Arc<HashMap<DocumentId, VersionId>>,
    /// Bytes that downloads in flight have still to write.
    pub(crate) coming: AtomicU64,
    /// Bytes that arrived and are not published yet.
    pub(crate) waiting: Mutex<Waiting>,
}

impl Service {
    /// An answer of the service; `None` once the run is stopping. A service that is given up stops the run.
    pub(crate) async fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, remote::Error>>,
    ) -> Option<Result<T, remote::Error>> {
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

impl RunContext {
    /// Bytes that came and are not published yet.
    pub(crate) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.transfers.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this machine's clock and the service's say.
    pub(crate) fn clocks(&self) -> ClockReading {
        ClockReading {
            ours: jiff::Timestamp::now().as_second(),
            service: self.service.remote.time().map(jiff::Timestamp::as_second),
        }
    }

    /// Whether the version that a job would bring is acknowledged as missing.
    pub(crate) fn acknowledges(&self, job: &DownloadJob) -> bool {
        self.transfers.acknowledged.get(&job.document) == Some(&job.particulars.version)
    }

    /// A version that is acknowledged as missing is still missing.
    pub(crate) fn missing(&self, job: &DownloadJob) {
        self.tally.changed(&job.document, Change::Acknowledged);
        let (name, version) = (&job.particulars.file_name, &job.particulars.version);
        self.tally.warn(Warning::document(Warning::StillMissing, &job.document, name, version));
    }

    /// Whether the service listed a binder.
    pub(crate) fn is_listed(&self, binder: &BinderId) -> bool {
        self.listing.binders.get().is_some_and(|binders| binders.contains(binder))
    }

    /// Submits an operation to the committer, or lists it in the plan.
    pub(crate) async fn submit(&self, operation: impl Into<Operation>) {
        if let Err(error) = self.record.sink.submit(operation.into(), &self.tally).await {
            self.stop.fatal(error);
        }
    }

    /// Queues a job, waiting while too many wait, or lists it in the plan.
    pub(crate) async fn queue(&self, job: DownloadJob) {
        match &self.record.sink {
            Sink::Plan(plan) => plan.download(job, &self.tally),
            Sink::Commit(_) => {
                Progress::add(&self.progress.downloads, 1);
                // The receiver only goes away when the run is over.
                let _ = self.stop.or(self.transfers.jobs.send(Some(job))).await;
            }
        }
    }

    /// Whether a document was erased on request, so that nothing may be said of it.
    pub(crate) async fn leaves_out(&self, document: DocumentId) -> Result<bool, Fatal> {
        self.record.planner.call(move |planner| planner.leaves_out(&document)).await
    }

    /// An item of a page that is not what it should be fails alone.
    pub(crate) async fn odd(&self, binder: &BinderId, odd: &OddItem) -> Result<(), Fatal> {
        let document = odd.id.as_deref().and_then(|id| DocumentId::parse(id).ok());
        if let Some(document) = document.clone()
            && self.leaves_out(document.clone()).await?
        {
            return self.record.planner.call(move |planner| planner.mark(&document)).await?;
        }
        let failure = Failure {
            binder_id: Some(binder.to_string()),
            document_id: odd.id.clone(),
            version_id: None,
            file_name: Some(String::new()),
            cause: FailureCause::Rejected,
            error: format!("the service's answer about it can't be used: {odd}"),
            attempts: 1,
            trace_id: None,
        };
        self.tally.failed(document.as_ref(), failure);
        match document {
            Some(document) => self.record.planner.call(move |planner| planner.mark(&document)).await?,
            None => Ok(()),
        }
    }
}
