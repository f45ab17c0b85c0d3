//! What a bag lacks, and why.

use crate::{
    history::{Missing, MissingReason},
    state::{self, BinderSummary, LastRun, Reader},
};

/// What is missing from a bag.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// Why the last run was not complete.
    pub(super) run: Option<RunGap>,
    /// Binders whose contents are not certified, by name.
    pub(super) binders: Vec<(String, BinderGap)>,
    /// Single versions.
    pub(super) versions: Vec<Lost>,
    /// Documents that iBinder no longer lists, and that are in the bag because nobody confirmed their removal.
    pub(super) withheld: u64,
    /// Old versions whose bytes the mirror does not have.
    pub(super) unkept: Unkept,
}

/// Why the last run was not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunGap {
    /// There was none.
    Never,
    /// It has not ended, or was killed.
    Unfinished(String),
    /// Filters left something out.
    Filtered(String),
    /// It did not get everything.
    Partial(String),
}

/// Why a binder's contents are not certified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BinderGap {
    /// It has not been accessible since then, in seconds since the epoch.
    Inaccessible(i64),
    /// No listing was consistent yet.
    Never,
    /// The last run did not read it to the end; an earlier one did then.
    Older(i64),
}

/// A version that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    /// The path in the bag, or the document's name.
    pub(super) name: String,
    pub(super) document: String,
    pub(super) version: String,
    pub(super) why: Why,
}

/// Why a version is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// It could not be downloaded.
    Failed(String),
    /// It could not be downloaded, and somebody accepted that.
    Acknowledged,
    /// The mirror does not have its bytes any more, or they are damaged.
    NotCopied(MissingReason),
}

/// Numbers of old versions without bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Unkept {
    /// Deleted by retention.
    pub(super) freed: u64,
    /// Only an edited file is kept, which is in the bag.
    pub(super) edited: u64,
    /// Missing when they ended.
    pub(super) gone: u64,
}

impl Gaps {
    /// Whether the bag has everything that the service listed, except for what somebody accepted as missing.
    pub(super) fn is_complete(&self) -> bool {
        let accepted = |lost: &Lost| lost.why == Why::Acknowledged;
        self.run.is_none() && self.binders.is_empty() && self.versions.iter().all(accepted)
    }

    /// What the record says, and what could not be copied.
    pub(super) fn of(
        reader: &Reader<'_>,
        binders: &[BinderSummary],
        last: Option<&LastRun>,
        missing: &[Missing],
    ) -> Result<Self, state::Error> {
        let failed = reader.unresolved_failures()?.into_iter().map(|failure| Lost {
            name: failure.file_name.unwrap_or_default(),
            document: failure.document_id.unwrap_or_default(),
            version: failure.version_id.unwrap_or_default(),
            why: Why::Failed(failure.error),
        });
        let accepted = reader.acknowledged_versions()?.into_iter().map(|one| Lost {
            name: one.path.unwrap_or_else(|| one.document.to_string()),
            document: one.document.to_string(),
            version: one.version.to_string(),
            why: Why::Acknowledged,
        });
        let missing = missing.iter().map(|missing| Lost {
            name: missing.path.to_string(),
            document: missing.document.to_string(),
            version: missing.version.to_string(),
            why: Why::NotCopied(missing.reason.clone()),
        });
        let run = run_gap(last);
        Ok(Self {
            binders: binders
                .iter()
                .filter_map(|binder| Some((binder.name.clone(), binder_gap(binder, last, run.is_some())?)))
                .collect(),
            run,
            versions: missing.chain(failed).chain(accepted).collect(),
            withheld: reader.withheld()?.len() as u64,
            unkept: Unkept::default(),
        })
    }
}

fn run_gap(last: Option<&LastRun>) -> Option<RunGap> {
    let Some(last) = last else { return Some(RunGap::Never) };
    let id = last.id.clone();
    match (last.finished_at, last.whole, last.outcome.as_deref()) {
        (None, ..) => Some(RunGap::Unfinished(id)),
        (Some(_), true, _) => None,
        (Some(_), false, Some("complete")) => Some(RunGap::Filtered(id)),
        (Some(_), false, _) => Some(RunGap::Partial(id)),
    }
}

/// If the last run was not complete, an older certificate is no news.
fn binder_gap(binder: &BinderSummary, last: Option<&LastRun>, is_known: bool) -> Option<BinderGap> {
    match (&binder.lost, &binder.certified) {
        (Some((_, since)), _) => Some(BinderGap::Inaccessible(*since)),
        (None, None) => Some(BinderGap::Never),
        (None, Some((run, at))) if !is_known && last.is_some_and(|last| last.id != *run) => Some(BinderGap::Older(*at)),
        (None, Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(finished_at: Option<i64>, outcome: &str, whole: bool) -> LastRun {
        let outcome = finished_at.map(|_| outcome.to_owned());
        LastRun { number: 7, id: "000007-x".to_owned(), finished_at, outcome, whole }
    }

    fn binder(certified: Option<&str>, lost: Option<i64>) -> BinderSummary {
        BinderSummary {
            id: "k".to_owned(),
            name: "Brf Eken".to_owned(),
            folder: "Brf Eken".to_owned(),
            documents: 1,
            bytes: 1,
            certified: certified.map(|run| (run.to_owned(), 5)),
            lost: lost.map(|at| ("000006-x".to_owned(), at)),
        }
    }

    #[test]
    fn only_a_run_that_got_everything_leaves_no_gap() {
        let id = || "000007-x".to_owned();
        for (run, gap) in [
            (None, Some(RunGap::Never)),
            (Some(last(None, "complete", false)), Some(RunGap::Unfinished(id()))),
            (Some(last(Some(1), "complete", true)), None),
            (Some(last(Some(1), "complete", false)), Some(RunGap::Filtered(id()))),
            (Some(last(Some(1), "partial", false)), Some(RunGap::Partial(id()))),
            (Some(last(Some(1), "interrupted", false)), Some(RunGap::Partial(id()))),
        ] {
            assert_eq!(run_gap(run.as_ref()), gap, "{run:?}");
        }
    }

    #[test]
    fn a_binder_is_certified_by_the_last_run_or_has_a_gap() {
        let run = last(Some(1), "complete", true);
        for (binder, gap) in [
            (binder(Some("000007-x"), None), None),
            (binder(Some("000005-x"), None), Some(BinderGap::Older(5))),
            (binder(Some("000007-x"), Some(6)), Some(BinderGap::Inaccessible(6))),
            (binder(None, None), Some(BinderGap::Never)),
        ] {
            assert_eq!(binder_gap(&binder, Some(&run), false), gap, "{binder:?}");
        }
        assert_eq!(binder_gap(&binder(Some("000005-x"), None), Some(&run), true), None);
    }

    #[test]
    fn what_somebody_accepted_is_no_gap() {
        let lost = |why| Lost { name: "a".to_owned(), document: String::new(), version: String::new(), why };
        let with = |why| Gaps { versions: vec![lost(why)], ..Gaps::default() }.is_complete();
        assert!(with(Why::Acknowledged));
        assert!(!with(Why::Failed(String::new())));
        assert!(!with(Why::NotCopied(MissingReason::Damaged)));
        assert!(
            Gaps { withheld: 1, unkept: Unkept { freed: 1, ..Unkept::default() }, ..Gaps::default() }.is_complete()
        );
    }
}
