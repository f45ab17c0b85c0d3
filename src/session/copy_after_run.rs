//! The copy in an object store, which a run brings up to date when everything else is recorded.
//!
//! Its failure never fails the mirror: the run's outcome and counts stay, and so do worse exit codes.

use jiff::Timestamp;

use crate::{
    report::{CopyReport, CopyResult, RunReport, Warning},
    session::{
        Exit, Output,
        copy::{Copied, Copying},
        finalize::{Finalizer, write_report},
        rank::worst_run,
        signals::Signals,
    },
    sync::{Ended, Fatal, Finished},
};

impl Finalizer<'_> {
    /// Brings the copy up to date after a run that ended with `exit`, and records what became of it. Returns the exit code.
    pub(crate) fn copy(
        &self,
        (finished, exit): (&Finished, Exit),
        report: &mut RunReport,
        (signals, output): (&Signals, &Output),
    ) -> Exit {
        let settings = &self.config.copy;
        let Some(location) = settings.location.as_ref().filter(|_| may_copy(exit, &finished.ended)) else {
            return exit;
        };
        let (mirror, state, root) = (self.mirror, self.state, self.mirror.root());
        if let Err(error) = self.status_file.begin(root, "replicate", &self.run.id, Timestamp::now()) {
            tracing::debug!("that the copy is being made could not be recorded: {error}");
        }
        let stop = &signals.renewed();
        let copied = Copying { mirror, state, location, settings, stop, output }.run();
        let why = reason(&copied.report).map(|why| Warning::other(Warning::Copy, &why));
        for warning in why.into_iter().chain(copied.notes()) {
            finished.tally.warn(warning);
        }
        report.set_warnings(finished.tally.warnings());
        let exit = exit_after(exit, &copied);
        report.copy = Some(copied.report);
        self.tell(report, exit);
        exit
    }

    /// Writes again what was written before the copy was made.
    fn tell(&self, report: &RunReport, exit: Exit) {
        for done in [self.page(report), write_report(self.mirror, report)] {
            if let Err(error) = done {
                tracing::warn!("what became of the copy could not be recorded: {error}");
            }
        }
        if let Some(why) = self.publish(report) {
            tracing::warn!("{why}");
        }
        if let Some(copy) = &report.copy {
            self.status_file.copy_ended(self.mirror.root(), copy, Some((report, exit)));
        }
    }
}

/// Whether what is mirrored can be copied after a run, and somebody waits for it.
fn may_copy(exit: Exit, ended: &Ended) -> bool {
    let is_broken = matches!(ended, Ended::Fatal(Fatal::Mirror(_) | Fatal::State(_) | Fatal::Internal(_)));
    let is_over = matches!(exit, Exit::Disk | Exit::Unexpected | Exit::Locked | Exit::Interrupted | Exit::Terminated);
    !is_broken && !is_over
}

/// Why the copy is not up to date; `None` if it is.
fn reason(copy: &CopyReport) -> Option<String> {
    let location = &copy.location;
    match (copy.outcome, &copy.error) {
        (CopyResult::Failed, Some(error)) => Some(format!("{location}: {error}")),
        (CopyResult::Failed, None) => Some(location.clone()),
        (CopyResult::Stopped, _) => Some(format!("{location}: the work was ended early; the next run continues")),
        (CopyResult::Newer, _) => Some(format!(
            "{location}: the last run in it ended after this mirror's, so nothing was added; it may be another mirror's, or a clock was wrong"
        )),
        (CopyResult::Committed | CopyResult::Unchanged, _) => None,
    }
}

/// The exit code of a run after its copy: the worse one of both.
fn exit_after(exit: Exit, copied: &Copied) -> Exit {
    let of_copy = match (copied.report.is_current(), copied.exit) {
        (true, _) => return exit,
        (false, signal @ (Exit::Interrupted | Exit::Terminated)) => signal,
        (false, _) => Exit::NotCopied,
    };
    if worst_run(&[exit.code(), of_copy.code()]) == exit.code() { exit } else { of_copy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_copy_never_hides_what_is_worse() {
        let copied = |outcome, exit| Copied {
            report: CopyReport { outcome, ..CopyReport::default() },
            exit,
            ignores_condition: false,
        };
        #[rustfmt::skip]
        let table = [
            (Exit::Complete,    CopyResult::Committed, Exit::Complete,    Exit::Complete),
            (Exit::Complete,    CopyResult::Failed,    Exit::Credentials, Exit::NotCopied),
            (Exit::Complete,    CopyResult::Failed,    Exit::Disk,        Exit::NotCopied),
            (Exit::Complete,    CopyResult::Stopped,   Exit::Partial,     Exit::NotCopied),
            (Exit::Complete,    CopyResult::Stopped,   Exit::Terminated,  Exit::Terminated),
            (Exit::Partial,     CopyResult::Failed,    Exit::Partial,     Exit::Partial),
            (Exit::Partial,     CopyResult::Stopped,   Exit::Interrupted, Exit::Interrupted),
            (Exit::Withheld,    CopyResult::Failed,    Exit::Unexpected,  Exit::Withheld),
            (Exit::Credentials, CopyResult::Stopped,   Exit::Interrupted, Exit::Credentials),
        ];
        for (run, outcome, of_copy, exit) in table {
            assert_eq!(exit_after(run, &copied(outcome, of_copy)), exit, "{run:?} {outcome:?}");
        }
    }
}
