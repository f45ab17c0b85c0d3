//! Where decisions go: into the mirror, or into a plan that only lists them.

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
        fetch::job::DownloadJob,
        worker::Pool,
    },
};

/// One thing that a run would do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Planned {
    /// Prove a file that is there to be a document's, or else replace it.
    Adopt(RelPath),
    /// Bring a document over.
    Add(RelPath),
    /// Bring a new version over.
    Update(RelPath),
    /// Rename a file.
    Move(RelPath, RelPath),
    /// Take a file out of the tree.
    Remove(RelPath),
}

/// The parts that only a run has which changes something.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) committer: Committer,
    pub(crate) pool: Pool,
}

/// What a run would do.
#[derive(Debug, Default)]
pub(crate) struct Plan(Mutex<Vec<Planned>>);

/// Where decisions go.
#[derive(Debug)]
pub(crate) enum Sink {
    /// They are listed, and nothing changes.
    Plan(Plan),
    /// They are carried out.
    Commit(Writing),
}

impl Plan {
    fn add(&self, planned: Planned) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(planned);
    }

    /// Lists a download.
    pub(crate) fn download(&self, job: DownloadJob, tally: &Tally) {
        tally.changed(&job.document, job.change);
        self.add(match job.change {
            _ if job.found => Planned::Adopt(job.path),
            Change::Updated => Planned::Update(job.path),
            _ => Planned::Add(job.path),
        });
    }

    /// Lists a change of the tree; rows alone are of no interest.
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
    /// The mirror to change; `None` for a plan.
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

    /// Waits until everything so far is carried out and recorded.
    pub(crate) async fn flush(&self) -> Result<(), Fatal> {
        match self {
            Self::Plan(_) => Ok(()),
            Self::Commit(writing) => writing.committer.flush().await,
        }
    }

    /// What the plan lists; empty where the mirror was changed.
    pub(crate) fn take_planned(&self) -> Vec<Planned> {
        match self {
            Self::Plan(plan) => std::mem::take(&mut *plan.0.lock().unwrap_or_else(PoisonError::into_inner)),
            Self::Commit(_) => Vec::new(),
        }
    }
}
