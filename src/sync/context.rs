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
    pub(crate) remote: Arc<Remote>,
    pub(crate) state: Arc<State>,
    pub(crate) root: Arc<Root>,
    /// The longest name that the mirror's file system takes.
    pub(crate) limit: NameLimit,
    pub(crate) options: Arc<Options>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) stop: Arc<Stop>,
    pub(crate) bandwidth: Bandwidth,
    /// Dropped before the planner, which the committer asks for names until its queue is empty.
    pub(crate) sink: Sink,
    pub(crate) planner: Worker<Planner>,
    /// Nothing marks the end of the queue.
    pub(crate) jobs: mpsc::Sender<Option<DownloadJob>>,
    /// Every binder that the service listed.
    pub(crate) binders: OnceLock<HashSet<BinderId>>,
    /// Versions of which a partial download was kept when the run began.
    pub(crate) partials: HashSet<VersionId>,
    /// Versions that are acknowledged as missing.
    pub(crate) acknowledged: Arc<HashMap<DocumentId, VersionId>>,
    /// How many documents each binder that was read announced, and how many of them a page held.
    pub(crate) announced: Mutex<HashMap<BinderId, (u64, u32)>>,
    /// Bytes that downloads in flight have still to write.
    pub(crate) coming: AtomicU64,
    /// Bytes that came and are not published yet.
    pub(crate) waiting: Mutex<Waiting>,
    pub(crate) run: i64,
}

/// An answer of the service; none where the run is ending. A service that is given up ends it.
pub(crate) async fn ask<T>(
    stop: &Stop,
    tally: &Tally,
    call: impl Future<Output = Result<T, remote::Error>>,
) -> Option<Result<T, remote::Error>> {
    match stop.or(call).await {
        Some(Err(error)) if error.kind() == remote::ErrorKind::GivenUp => {
            if !stop.is_set() {
                tally.warn(Warning::other(Warning::GaveUp, &error));
                stop.now(StopCause::GivenUp);
            }
            None
        }
        answer => answer,
    }
}

impl RunContext {
    /// An answer of the service; none where the run is ending.
    pub(crate) async fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, remote::Error>>,
    ) -> Option<Result<T, remote::Error>> {
        ask(&self.stop, &self.tally, call).await
    }

    /// Bytes that came and are not published yet.
    pub(crate) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this machine's clock and the service's say.
    pub(crate) fn clocks(&self) -> ClockReading {
        ClockReading {
            ours: jiff::Timestamp::now().as_second(),
            service: self.remote.time().map(jiff::Timestamp::as_second),
        }
    }

    /// Whether the version that a job would bring is acknowledged as missing.
    pub(crate) fn acknowledges(&self, job: &DownloadJob) -> bool {
        self.acknowledged.get(&job.document) == Some(&job.particulars.version)
    }

    /// A version that is acknowledged as missing is still missing.
    pub(crate) fn missing(&self, job: &DownloadJob) {
        self.tally.changed(&job.document, Change::Acknowledged);
        let (name, version) = (&job.particulars.file_name, &job.particulars.version);
        self.tally.warn(Warning::document(Warning::StillMissing, &job.document, name, version));
    }

    /// Whether the service listed a binder.
    pub(crate) fn is_listed(&self, binder: &BinderId) -> bool {
        self.binders.get().is_some_and(|binders| binders.contains(binder))
    }

    /// Submits an operation to the committer, or lists it in the plan.
    pub(crate) async fn submit(&self, operation: impl Into<Operation>) {
        if let Err(error) = self.sink.submit(operation.into(), &self.tally).await {
            self.stop.fatal(error);
        }
    }

    /// Queues a job, waiting while too many wait, or lists it in the plan.
    pub(crate) async fn queue(&self, job: DownloadJob) {
        match &self.sink {
            Sink::Plan(plan) => plan.download(job, &self.tally),
            Sink::Commit(_) => {
                Progress::add(&self.progress.downloads, 1);
                // The receiver only goes away when the run is over.
                let _ = self.stop.or(self.jobs.send(Some(job))).await;
            }
        }
    }

    /// Whether a document was erased on request, so that nothing may be said of it.
    pub(crate) async fn leaves_out(&self, document: DocumentId) -> Result<bool, Fatal> {
        self.planner.call(move |planner| planner.leaves_out(&document)).await
    }

    /// An item of a page that is not what it should be fails alone.
    pub(crate) async fn odd(&self, binder: &BinderId, odd: &OddItem) -> Result<(), Fatal> {
        let document = odd.id.as_deref().and_then(|id| DocumentId::parse(id).ok());
        if let Some(document) = document.clone()
            && self.leaves_out(document.clone()).await?
        {
            return self.planner.call(move |planner| planner.mark(&document)).await?;
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
            Some(document) => self.planner.call(move |planner| planner.mark(&document)).await?,
            None => Ok(()),
        }
    }
}
