//! The copy in an object store.

use crate::{
    report::{CopyReport, CopyResult, bytes, format::number_of},
    ui::escape,
};

/// What became of the copy, in one sentence.
pub fn copied(copy: &CopyReport) -> String {
    let place = format!("The copy at {}", escape(&copy.location));
    let commit = copy.commit.map(|number| format!("commit {number}")).unwrap_or_default();
    let run = copy.run_id.as_ref().map(|run| format!(" of run {}", escape(run))).unwrap_or_default();
    let added = format!("{} ({}) added", number_of(copy.contents, "content", "contents"), bytes(copy.bytes));
    match (copy.outcome, copy.contents) {
        (CopyResult::Committed, _) => format!("{place} has {commit}{run}: {added}."),
        (CopyResult::Unchanged, 0) => format!("{place} is up to date: nothing changed since {commit}{run}."),
        (CopyResult::Unchanged, _) => format!("{place} is up to date with {commit}{run}: {added}."),
        (CopyResult::Newer, _) => format!("{place} is newer than this mirror, and was left as it is ({commit})."),
        (CopyResult::Stopped, _) => {
            format!("{place} is not up to date yet: {added}, and the next time it continues from there.")
        }
        (CopyResult::Failed, _) => {
            let still = copy.commit.map(|_| format!(" It still has {commit}{run}.")).unwrap_or_default();
            format!("{place} could not be brought up to date.{still}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_is_one_sentence() {
        let copy = |outcome, commit, contents| CopyReport {
            location: "s3://b/eken".to_owned(),
            outcome,
            commit,
            run_id: commit.map(|_| "000012-x".to_owned()),
            contents,
            bytes: contents * 1_000_000,
            ..CopyReport::default()
        };
        #[rustfmt::skip]
        let table = [
            (copy(CopyResult::Committed, Some(12), 34), "has commit 12 of run 000012-x: 34 contents (34.0 MB) added."),
            (copy(CopyResult::Unchanged, Some(12), 0),  "is up to date: nothing changed since commit 12 of run 000012-x."),
            (copy(CopyResult::Unchanged, Some(12), 1),  "is up to date with commit 12 of run 000012-x: 1 content (1.0 MB) added."),
            (copy(CopyResult::Newer, Some(12), 0),      "is newer than this mirror, and was left as it is (commit 12)."),
            (copy(CopyResult::Stopped, None, 2),
             "is not up to date yet: 2 contents (2.0 MB) added, and the next time it continues from there."),
            (copy(CopyResult::Failed, Some(12), 0),     "could not be brought up to date. It still has commit 12 of run 000012-x."),
            (copy(CopyResult::Failed, None, 0),         "could not be brought up to date."),
        ];
        for (report, words) in table {
            assert_eq!(copied(&report), format!("The copy at s3://b/eken {words}"));
        }
    }
}
