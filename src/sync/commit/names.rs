//! Where the committer gets another name for a file.

use crate::{
    model::DocumentId,
    state::State,
    sync::{
        Fatal,
        decide::{planner::Planner, reservations::Reservations},
        worker::Mailbox,
    },
};

/// The owner of names.
pub(crate) enum Names {
    /// In a run it is the planner. It never waits for the committer.
    Planner(Mailbox<Planner>),
    /// Outside of a run nobody else names files.
    Own(Reservations),
}

impl Names {
    /// Asks the owner for something, and waits for it.
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

    /// Rows are committed: their documents need no reservation any more.
    pub(super) fn arrived(&mut self, documents: Vec<DocumentId>) -> Result<(), Fatal> {
        let end = move |reservations: &mut Reservations| documents.iter().for_each(|id| reservations.arrived(id));
        match self {
            Self::Planner(planner) => planner.post(move |planner| end(&mut planner.reservations)),
            Self::Own(reservations) => {
                end(reservations);
                Ok(())
            }
        }
    }
}
