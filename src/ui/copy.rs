//! The copy in an object store.

use std::fmt::Write as _;

use crate::{
    report::{
        CopyCheck, CopyFinding, CopyRepair, CopyReport, CopyResult, FileCount, PruneReport, bytes, escape_line,
        format::number_of,
    },
    ui::escape,
};

/// Findings that are shown one by one.
const SHOWN: usize = 100;

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

/// What a check of the copy found.
pub fn copy_check(check: &CopyCheck) -> String {
    let read = format!("{} ({}) of the copy", number_of(check.contents, "content", "contents"), bytes(check.bytes));
    let mut text = match check.findings.len() as u64 {
        0 if check.descriptions.is_empty() => return format!("Checked {read}: no damage.\n"),
        found => format!(
            "Checked {read}: {}.\n",
            number_of(found, "content is damaged or missing", "contents are damaged or missing")
        ),
    };
    for description in &check.descriptions {
        let _ = writeln!(text, "replaced by a new commit: {}", escape(description));
    }
    for finding in check.findings.iter().take(SHOWN) {
        text.push_str(&line(finding));
    }
    if check.findings.len() > SHOWN {
        let _ = writeln!(text, "and {} more; --json names all of them", check.findings.len() - SHOWN);
    }
    for (repair, advice) in [
        (
            CopyRepair::Lost,
            "the mirror lacks these bytes, too; `ibinder-sync verify --repair` downloads what iBinder still has",
        ),
        (CopyRepair::Refused, "these credentials may not replace files; check with credentials that may"),
        (CopyRepair::Waiting, "the copy is newer than this mirror; check it from the mirror that wrote it"),
    ] {
        let count = check.count(repair);
        if count > 0 {
            let _ = writeln!(text, "{} not mended: {advice}.", number_of(count, "content was", "contents were"));
        }
    }
    if check.ended_early {
        text.push_str("The check ended early, because there is so much damage. Check again.\n");
    }
    text
}

fn line(finding: &CopyFinding) -> String {
    let found = if finding.is_missing { "missing" } else { "damaged" };
    let repair = match finding.repair {
        CopyRepair::Mended => "uploaded again",
        CopyRepair::Lost => "LOST",
        CopyRepair::Refused | CopyRepair::Waiting => "not mended",
    };
    let name =
        |path: &str, is_current| format!("{}{}", escape_line(path), if is_current { "" } else { " (old version)" });
    let mut names: Vec<String> = finding.documents.iter().map(|used| name(&used.path, used.is_current)).collect();
    if names.is_empty() {
        names.push(format!("object {}", finding.sha256));
    }
    format!("{found}, {repair}: {}\n", names.join(", "))
}

/// What a purge can't erase: the document in commits of a copy.
pub fn purged_from_copy(place: &str, commit: u64) -> String {
    let place = escape(place);
    format!(
        "The copy at {place} keeps it in commits up to number {commit}. The next commit doesn't name it; then `ibinder-sync \
         replicate --prune --to {place}` deletes its bytes when those commits are old enough (--keep, --grace), and not before the \
         end of any retention that the store enforces.\n"
    )
}

/// What was deleted from a copy.
pub fn pruned(report: &PruneReport) -> String {
    let place = escape(&report.location);
    let FileCount { count, bytes: size } = report.deleted();
    let will = if report.dry_run { "Would delete" } else { "Deleted" };
    let mut text = if count == 0 {
        format!("There is nothing to delete from the copy at {place}.\n")
    } else {
        format!(
            "{will} from the copy at {place}: {}, {} and {} ({}).\n",
            number_of(report.commits.count, "commit", "commits"),
            number_of(report.descriptions.count, "manifest or state", "manifests and states"),
            number_of(report.objects.count, "object", "objects"),
            bytes(size),
        )
    };
    let kept = number_of(report.kept_commits, "commit remains", "commits remain");
    let _ = writeln!(text, "{kept}, from number {} on.", report.first_kept_commit);
    if report.young_objects.count > 0 {
        let young = number_of(report.young_objects.count, "object", "objects");
        let _ = writeln!(text, "{young} that no commit names: too young to delete (see --grace).");
    }
    if let Some(why) = &report.refusal {
        let refused = number_of(report.refused.count, "file", "files");
        let _ = writeln!(
            text,
            "The store refused to delete {refused}: {}. Either these credentials may not delete, or the files are \
             protected until the end of their retention: prune with other credentials, or later.",
            escape(why)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_says_what_became_of_each_finding() {
        use crate::report::CopyUse;
        let document = |path: &str, is_current| CopyUse { id: "1".to_owned(), path: path.to_owned(), is_current };
        let finding = |repair, documents| CopyFinding { sha256: "ab".to_owned(), is_missing: false, repair, documents };
        let clean = CopyCheck { contents: 2, bytes: 5, ..CopyCheck::default() };
        assert_eq!(copy_check(&clean), "Checked 2 contents (5 bytes) of the copy: no damage.\n");
        let check = CopyCheck {
            findings: vec![
                finding(CopyRepair::Mended, vec![document("B/a\n.pdf", true), document("B/b.pdf", false)]),
                finding(CopyRepair::Lost, vec![]),
                finding(CopyRepair::Refused, vec![document("B/c.pdf", true)]),
            ],
            ..clean
        };
        let text = copy_check(&check);
        for line in [
            "Checked 2 contents (5 bytes) of the copy: 3 contents are damaged or missing.",
            "damaged, uploaded again: B/a\\u{a}.pdf, B/b.pdf (old version)",
            "damaged, LOST: object ab",
            "damaged, not mended: B/c.pdf",
            "1 content was not mended: the mirror lacks these bytes, too; `ibinder-sync verify --repair` downloads what iBinder \
             still has.",
            "1 content was not mended: these credentials may not replace files; check with credentials that may.",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        let many = CopyCheck { findings: vec![finding(CopyRepair::Mended, vec![]); 101], ..CopyCheck::default() };
        assert!(copy_check(&many).contains("and 1 more; --json"));
    }

    #[test]
    fn a_prune_says_what_it_deleted_and_what_it_could_not() {
        let files = |count| FileCount { count, bytes: count * 1000 };
        let report = PruneReport {
            location: "s3://b/eken".to_owned(),
            commits: files(1),
            descriptions: files(2),
            objects: files(3),
            kept_commits: 1,
            first_kept_commit: 12,
            ..PruneReport::default()
        };
        let done = "Deleted from the copy at s3://b/eken: 1 commit, 2 manifests and states and 3 objects (6.0 kB).\n\
            1 commit remains, from number 12 on.\n";
        assert_eq!(pruned(&report), done);
        let dry = pruned(&PruneReport { dry_run: true, young_objects: files(1), ..report });
        assert!(
            dry.starts_with("Would delete from") && dry.contains("1 object that no commit names: too young"),
            "{dry}"
        );
        let refused =
            PruneReport { refused: files(2), refusal: Some("AccessDenied".to_owned()), ..PruneReport::default() };
        let text = pruned(&refused);
        assert!(
            text.contains("nothing to delete") && text.contains("refused to delete 2 files: AccessDenied."),
            "{text}"
        );
    }

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
