//! How the committer gets another name for a file.

use crate::{
    model::DocumentId,
    state::State,
    sync::{
        Fatal,
        decide::{planner::Planner, reservations::Reservations},
        worker::Mailbox,
    },
};

/// The owner of the reservations.
pub(crate) enum Names {
    /// In a run, the planner. It never waits for the committer.
    Planner(Mailbox<Planner>),
    /// Outside of a run, the committer itself.
    Own(Reservations),
}

impl Names {
    /// Calls the owner and waits for the result.
    pub(super) fn ask<R: Send + 'static>(
        &mut self,
        state: &State,
        work: impl FnOnce(&mut Reservations, &State) -> Result<R, Fatal> + Send + 'static,
    ) -> Result<R, Fatal> {
        match self {
            Self::Planner(planner) => planner.ask(|planner| work(&mut planner.reservations, &planner.state))?,
            Self::Own(reservations) => work(reservations, state),
        }
    }

    /// Ends the reservations of documents whose rows are committed.
    pub(super) fn release(&mut self, documents: Vec<DocumentId>) -> Result<(), Fatal> {
        let release = move |reservations: &mut Reservations| documents.iter().for_each(|id| reservations.release(id));
        match self {
            Self::Planner(planner) => planner.post(move |planner| release(&mut planner.reservations)),
            Self::Own(reservations) => {
                release(reservations);
                Ok(())
            }
        }
    }
}
