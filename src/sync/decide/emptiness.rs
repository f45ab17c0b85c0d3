//! A mirror that gets nothing must not look healthy.
//!
//! A document that is listed without a version is left out, because nothing of it can be fetched. That excuses single
//! documents: where none of those that are listed has a version, it is the service's answer that lacks them, and the run is
//! partial. An organisation without binders or documents may be a new one: the run only warns.

use crate::{
    report::{Failure, FailureCause, Warning, format},
    sync::{Fatal, context::RunContext, decide::planner::Planner},
};

/// Whether listed documents had versions; those that are left out don't count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ListedVersions {
    any: bool,
    missing: bool,
}

impl ListedVersions {
    /// Takes a listed document.
    pub(crate) fn take(&mut self, has_version: bool) {
        self.any |= has_version;
        self.missing |= !has_version;
    }

    /// Whether documents were listed, and none had a version.
    fn are_all_missing(self) -> bool {
        self.missing && !self.any
    }
}

/// Fails the run if no listed document has a version.
pub(crate) async fn versions(ctx: &RunContext) -> Result<(), Fatal> {
    if ctx.planner.call(|planner: &mut Planner| planner.versions).await?.are_all_missing() {
        let why = "none of the documents that iBinder lists has a version, so nothing can be fetched, and what is mirrored stays; the next run tries again. If it stays, ask the support of iBinder";
        ctx.tally.failed(None, Failure::of_nobody(FailureCause::Rejected, why.to_owned()));
    }
    Ok(())
}

/// Warns of a mirror that is empty after a run to which nothing else happened.
pub(crate) fn warn(ctx: &RunContext) -> Result<(), Fatal> {
    let (binders, (documents, _)) = (ctx.tally.binder_counts(), ctx.state.read(|r| r.extent())?);
    if ctx.tally.is_short() || ctx.stop.is_set() {
        return Ok(());
    }
    if binders.listed + binders.filtered + binders.inaccessible == 0 {
        ctx.tally.warn(Warning::NoBinders);
    } else if documents == 0 && ctx.sink.writing().is_some() {
        let binders = format::number_of(binders.listed, "binder", "binders").replace('\u{a0}', " ");
        ctx.tally.warn(Warning::other(Warning::EmptyMirror, &binders));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_without_a_version_are_excused_unless_they_are_all() {
        for (listed, missing) in [
            (&[][..], false),
            (&[true], false),
            (&[false], true),
            (&[false, false, false], true),
            (&[false, true, false], false),
            (&[true, false], false),
        ] {
            let mut versions = ListedVersions::default();
            for has in listed {
                versions.take(*has);
            }
            assert_eq!(versions.are_all_missing(), missing, "{listed:?}");
        }
    }
}
