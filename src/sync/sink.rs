//! Where decisions go: to the committer, or into a plan that only lists them.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    mirror::Mirror,
    model::RelPath,
    report::{Change, Tally},
    sync::{
        Fatal,
        commit::{
            committer::Committer,
            operation::{Operation, TreeChange},
        },
        fetch::{job::DownloadJob, sample::Sample},
        worker::Pool,
    },
};

/// A planned change of one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Planned {
    /// Prove that an untracked file is a document's, or replace it.
    Adopt(RelPath),
    /// Download a new document.
    Add(RelPath),
    /// Download a new version.
    Update(RelPath),
    /// Rename a file.
    Move(RelPath, RelPath),
    /// Remove a file from the tree.
    Remove(RelPath),
}

/// What a run needs to change the mirror.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) committer: Committer,
    pub(crate) pool: Pool,
}

/// The changes that a run would make, and a sample of its downloads.
#[derive(Debug)]
pub(crate) struct Plan {
    planned: Mutex<Vec<Planned>>,
    sample: Mutex<Sample>,
}

/// Where decisions go.
#[derive(Debug)]
pub(crate) enum Sink {
    Plan(Plan),
    Commit(Writing),
}

impl Plan {
    /// A plan with a sample of so many downloads.
    pub(crate) fn new(sample: usize) -> Self {
        Self { planned: Mutex::default(), sample: Mutex::new(Sample::of(sample)) }
    }

    pub(crate) fn sample(&self) -> Sample {
        self.sample.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, planned: Planned) {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).push(planned);
    }

    pub(crate) fn download(&self, job: DownloadJob, tally: &Tally) {
        tally.changed(&job.document, job.change);
        self.sample.lock().unwrap_or_else(PoisonError::into_inner).add(&job);
        self.add(match job.change {
            _ if job.found => Planned::Adopt(job.path),
            Change::Updated => Planned::Update(job.path),
            _ => Planned::Add(job.path),
        });
    }

    /// Lists a change of the tree. Changes of rows alone are left out.
    fn operation(&self, operation: Operation, tally: &Tally) {
        match operation {
            Operation::Tree(TreeChange::Move { document, from, path, aside: false, .. }) => {
                tally.changed(&document, Change::Moved);
                self.add(Planned::Move(from, path));
            }
            Operation::Tree(TreeChange::Remove { path, .. }) => {
                tally.removed();
                self.add(Planned::Remove(path));
            }
            Operation::Tree(_) | Operation::Row(_) => {}
        }
    }
}

impl Sink {
    /// What changes the mirror; `None` for a plan.
    pub(crate) fn writing(&self) -> Option<&Writing> {
        match self {
            Self::Plan(_) => None,
            Self::Commit(writing) => Some(writing),
        }
    }

    /// Submits an operation to the committer, or lists it.
    pub(crate) async fn submit(&self, operation: Operation, tally: &Tally) -> Result<(), Fatal> {
        match self {
            Self::Plan(plan) => plan.operation(operation, tally),
            Self::Commit(writing) => writing.committer.submit(operation).await?,
        }
        Ok(())
    }

    /// Waits until all operations so far are carried out and recorded.
    pub(crate) async fn flush(&self) -> Result<(), Fatal> {
        match self {
            Self::Plan(_) => Ok(()),
            Self::Commit(writing) => writing.committer.flush().await,
        }
    }

    /// The planned changes; empty unless this is a plan.
    pub(crate) fn take_planned(&self) -> Vec<Planned> {
        match self {
            Self::Plan(plan) => std::mem::take(&mut *plan.planned.lock().unwrap_or_else(PoisonError::into_inner)),
            Self::Commit(_) => Vec::new(),
        }
    }
}
