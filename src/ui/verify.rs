//! The result of a check, in words.

use super::{bytes, escape};
use crate::report::{Finding, VerifyOutcome, VerifyReport};

/// The most findings shown; `--json` has them all.
const SHOWN: usize = 50;

/// The end of a check.
pub fn verify_summary(report: &VerifyReport) -> String {
    let (checked, all) = (&report.checked, &report.mirrored);
    let mut text = format!(
        "{}: {} of {} documents and {} of {} objects were read, {} of {}, in {:.1} s.\n",
        head(report),
        checked.documents,
        all.documents,
        checked.objects,
        all.objects,
        bytes(checked.bytes),
        bytes(all.bytes),
        report.duration_seconds
    );
    for finding in report.findings.iter().take(SHOWN) {
        text.push_str(&line(finding));
    }
    if report.findings.len() > SHOWN {
        text.push_str(&format!("and {} more; --json shows them all\n", report.findings.len() - SHOWN));
    }
    for (count, what) in [
        (report.unlisted, "foreign files and unused objects are not listed"),
        (report.unfinished, "documents or objects were being changed by a run and were skipped"),
        (report.restamped, "files had another time or inode but the right bytes; this is now recorded"),
    ] {
        if count > 0 {
            text.push_str(&format!("{count} {what}\n"));
        }
    }
    text
}

fn head(report: &VerifyReport) -> String {
    match report.outcome {
        VerifyOutcome::Sound if report.damaged > 0 => format!("Repaired, {} findings", report.damaged),
        VerifyOutcome::Sound => "Sound".to_owned(),
        VerifyOutcome::Damaged if report.repaired > 0 => {
            format!("Damaged, {} findings, {} repaired", report.damaged, report.repaired)
        }
        VerifyOutcome::Damaged => format!("Damaged, {} findings", report.damaged),
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
