//! The result of a check, in words.

use super::{bytes, escape};
use crate::report::{
    CopyVerifyReport, Finding, VerifyOutcome, VerifyReport,
    format::{count, number_of},
};

/// The most findings shown; `--json` has them all.
const SHOWN: usize = 50;

/// The end of a check.
pub fn verify_summary(report: &VerifyReport) -> String {
    let (checked, all) = (&report.checked, &report.mirrored);
    let mut text = format!(
        "{}: {} of {} and {} of {} were read, {} of {}, in {:.1} s.\n",
        head(report),
        count(checked.documents),
        number_of(all.documents, "document", "documents"),
        count(checked.objects),
        number_of(all.objects, "object", "objects"),
        bytes(checked.bytes),
        bytes(all.bytes),
        report.duration_seconds
    );
    text.push_str(&findings(report));
    for (number, one, many) in [
        (report.unlisted, "extra file or unused object is not listed", "extra files and unused objects are not listed"),
        (
            report.unfinished,
            "document or object was being changed by a run and was skipped",
            "documents or objects were being changed by a run and were skipped",
        ),
        (
            report.restamped,
            "file had another time or inode but the right bytes; this is now recorded",
            "files had another time or inode but the right bytes; this is now recorded",
        ),
    ] {
        if number > 0 {
            text.push_str(&format!("{}\n", number_of(number, one, many)));
        }
    }
    text
}

/// The end of a check of a copy.
pub fn verify_copy_summary(CopyVerifyReport { report, copy }: &CopyVerifyReport) -> String {
    let commit = match (copy.commit, &copy.run_id) {
        (Some(commit), Some(run)) => format!("commit {commit} of the copy at {}, of run {run}", copy.location),
        _ => format!("the copy at {}", copy.location),
    };
    let (checked, all) = (&report.checked, &report.mirrored);
    let mut text = format!(
        "{}: {}.\n{} of {} of {} were read, {} of {}, in {:.1} s.\n",
        head(report),
        escape(&commit),
        count(checked.objects),
        number_of(all.objects, "object", "objects"),
        number_of(all.documents, "document", "documents"),
        bytes(checked.bytes),
        bytes(all.bytes),
        report.duration_seconds
    );
    text.push_str(&findings(report));
    if copy.lacking > 0 {
        text.push_str(&format!(
            "{} not in the copy because the mirror lacked their bytes; `verify --repair` on the mirror may bring them back\n",
            number_of(copy.lacking, "document or old version is", "documents and old versions are")
        ));
    }
    if report.damaged > 0 {
        text.push_str("`replicate --check` uploads again what the mirror still has\n");
    }
    text
}

fn findings(report: &VerifyReport) -> String {
    let mut text: String = report.findings.iter().take(SHOWN).map(line).collect();
    if report.findings.len() > SHOWN {
        text.push_str(&format!("and {} more; --json shows them all\n", count((report.findings.len() - SHOWN) as u64)));
    }
    text
}

fn head(report: &VerifyReport) -> String {
    let findings = number_of(report.damaged, "finding", "findings");
    match report.outcome {
        VerifyOutcome::Sound if report.damaged > 0 => format!("Repaired, {findings}"),
        VerifyOutcome::Sound => "Sound".to_owned(),
        VerifyOutcome::Damaged if report.repaired > 0 => {
            format!("Damaged, {findings}, {} repaired", count(report.repaired))
        }
        VerifyOutcome::Damaged => format!("Damaged, {findings}"),
        VerifyOutcome::Partial => "Something could not be read".to_owned(),
        VerifyOutcome::Interrupted => "Interrupted".to_owned(),
    }
}

fn line(finding: &Finding) -> String {
    let repair = match (&finding.repair, finding.repaired) {
        (Some(from), true) => format!("; repaired from {from}"),
        (Some(why), false) => format!("; not repaired: {why}"),
        (None, _) => String::new(),
    };
    let text = format!("{}: {}: {}{repair}", finding.kind.word(), finding.path, finding.detail);
    // A name may contain a line feed, which only ends a line here.
    escape(&text).replace('\n', "\\n") + "\n"
}
