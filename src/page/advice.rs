//! How a run ended, and what to do next: decided on the report's counts and on the kinds of its warnings.

use crate::report::{Outcome, RunReport, Warning, format::number_of};

/// How the run ended, in a sentence.
pub(crate) fn headline(report: &RunReport) -> String {
    let documents = &report.documents;
    match report.outcome {
        Outcome::Complete if documents.filtered > 0 => {
            format!("Everything that the filters select is mirrored; {}.", changes(report))
        }
        Outcome::Complete if documents.acknowledged > 0 => format!(
            "Everything is mirrored except {}; {}.",
            number_of(
                documents.acknowledged,
                "document that is acknowledged as missing",
                "documents that are acknowledged as missing"
            ),
            changes(report)
        ),
        Outcome::Complete => format!("Everything that iBinder lists is mirrored; {}.", changes(report)),
        Outcome::Partial => format!("The mirror is incomplete: {}.", gaps(report)),
        Outcome::Failed => "The run failed. What was mirrored before is still there.".to_owned(),
        Outcome::Interrupted => "The run was interrupted. What it downloaded is kept.".to_owned(),
    }
}

fn changes(report: &RunReport) -> String {
    match report.documents.changed() {
        0 => "nothing changed".to_owned(),
        changed => format!("{} changed", number_of(changed, "document", "documents")),
    }
}

/// Why a run is partial.
fn gaps(report: &RunReport) -> String {
    let (d, b) = (&report.documents, &report.binders);
    let counted = [
        (d.failed, "document failed", "documents failed"),
        (d.withheld, "document is missing in iBinder and was kept", "documents are missing in iBinder and were kept"),
        (b.failed, "binder could not be read", "binders could not be read"),
        (b.inaccessible, "binder is no longer accessible", "binders are no longer accessible"),
        (b.uncertified, "listing was not consistent", "listings were not consistent"),
    ];
    let counted = counted.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| number_of(n, one, many));
    let gaps: Vec<String> = counted.collect();
    if gaps.is_empty() { "the run ended early".to_owned() } else { gaps.join(", ") }
}

/// What to do next, the most urgent first; empty if there is nothing to do. Commands are in backquotes.
pub(crate) fn next_steps(report: &RunReport) -> Vec<String> {
    let (d, b) = (&report.documents, &report.binders);
    let mut steps: Vec<String> = Vec::new();
    let mut advise = |when: bool, step: &str| {
        if when {
            steps.push(step.to_owned());
        }
    };
    advise(report.outcome == Outcome::Failed, "Follow the cause under “What failed”, then run again.");
    advise(report.outcome == Outcome::Interrupted, "Nothing to do: the next run continues here.");
    let mut of_warnings: Vec<String> = report.warning_details.iter().filter_map(of_warning).collect();
    of_warnings.dedup();
    for step in &of_warnings {
        advise(true, step);
    }
    advise(
        b.failed > 0,
        "Nothing to do: the next run reads the binders again, and removes nothing until it has read all of them.",
    );
    advise(
        b.uncertified > 0,
        "Nothing to do: the next run reads those listings again, and removes nothing from their binders until they are consistent.",
    );
    advise(
        d.failed > 0,
        "The next run retries what failed; earlier versions stay. If the same documents fail every time, see their causes below.",
    );
    advise(
        report.scrub.is_some_and(|scrub| scrub.damaged > scrub.repaired),
        "Some files are damaged; repair them with `ibinder-sync verify --repair`.",
    );
    if steps.is_empty() && report.outcome == Outcome::Partial {
        steps.push("The next run continues where this one ended; the warnings say why it ended.".to_owned());
    }
    steps
}

fn of_warning(warning: &Warning) -> Option<String> {
    Some(match warning {
        Warning::Withheld(withheld) => match withheld.confirm {
            Some(_) => "Too many documents are missing at once, so they were kept. Compare the list under “Missing in iBinder” \
                 with iBinder. If they were removed there, `ibinder-sync withheld` shows the command that confirms the removal \
                 of exactly these documents."
                .to_owned(),
            None => format!(
                "Binder {:?} lists no documents at all, so its files were kept. If it is really empty, remove them with \
                 `ibinder-sync binders forget {} --force`.",
                withheld.binder, withheld.binder_id
            ),
        },
        Warning::BinderInaccessible(binder) => format!(
            "Give the API client access to binder {} again, or, if it was deleted, remove its files with \
             `ibinder-sync binders forget {}`; they stay until then.",
            binder.binder_id, binder.binder_id
        ),
        Warning::AnotherOrganisation => {
            "iBinder lists none of the known binders; check the organisation's id and credentials.".to_owned()
        }
        Warning::MaxDuration => {
            "Nothing to do: the next run continues. If every run ends at `--max-duration`, raise it.".to_owned()
        }
        Warning::MinFree => "Free some disk space, or lower `--min-free`.".to_owned(),
        Warning::GaveUp(_) => {
            "iBinder did not answer; the next run continues. If this lasts, run `ibinder-sync doctor`.".to_owned()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Scrub, WithheldWarning};

    fn withheld(confirm: Option<u64>) -> Warning {
        Warning::Withheld(WithheldWarning {
            binder_id: "k".to_owned(),
            binder: "Brf".to_owned(),
            count: 40,
            document_ids: Vec::new(),
            paths: Vec::new(),
            confirm,
        })
    }

    #[test]
    fn every_outcome_has_a_headline_and_next_steps() {
        type Change = fn(&mut RunReport);
        #[rustfmt::skip]
        let table: [(Outcome, Change, &str, &[&str]); 16] = [
            (Outcome::Complete,    |_| {},                                   "nothing changed",            &[]),
            (Outcome::Complete,    |r| r.documents.added = 1,                "1 document changed",    &[]),
            (Outcome::Complete,    |r| r.documents.filtered = 1,             "filters select",             &[]),
            (Outcome::Complete,    |r| r.documents.acknowledged = 2,         "acknowledged as missing",    &[]),
            (Outcome::Interrupted, |_| {},                                   "was interrupted",            &["Nothing to do"]),
            (Outcome::Failed,      |_| {},                                   "The run failed",             &["Follow the cause"]),
            (Outcome::Partial,     |_| {},                                   "ended early",                &["continues where this one ended"]),
            (Outcome::Partial,     |r| r.documents.failed = 2,               "2 documents failed",    &["retries what failed"]),
            (Outcome::Partial,     |r| { r.documents.withheld = 40; r.documents.failed = 1; r.set_warnings(vec![withheld(Some(41)), withheld(Some(41)), withheld(None)]); },
                                   "1 document failed, 40 documents are missing in iBinder and were kept",
                                   &["`ibinder-sync withheld` shows the command", "`ibinder-sync binders forget k --force`", "retries what failed"]),
            (Outcome::Partial,     |r| { r.binders.inaccessible = 1; r.set_warnings(vec![Warning::binder(Warning::BinderInaccessible, "k", "", "gone")]); },
                                   "no longer accessible",                                                &["`ibinder-sync binders forget k`"]),
            (Outcome::Partial,     |r| { r.binders.failed = 1; r.binders.uncertified = 2; },
                                   "1 binder could not be read, 2 listings were not consistent", &["reads the binders again", "reads those listings"]),
            (Outcome::Partial,     |r| r.set_warnings(vec![Warning::MaxDuration]), "ended early",           &["`--max-duration`"]),
            (Outcome::Partial,     |r| r.set_warnings(vec![Warning::MinFree]),     "ended early",           &["`--min-free`"]),
            (Outcome::Partial,     |r| r.set_warnings(vec![Warning::other(Warning::GaveUp, "x")]), "ended early", &["`ibinder-sync doctor`"]),
            (Outcome::Failed,      |r| r.set_warnings(vec![Warning::AnotherOrganisation]), "The run failed", &["Follow the cause", "organisation's id"]),
            (Outcome::Complete,    |r| r.scrub = Some(Scrub { damaged: 2, repaired: 1, ..Scrub::default() }),
                                   "nothing changed",                                                     &["`ibinder-sync verify --repair`"]),
        ];
        for (outcome, change, head, steps) in table {
            let mut report = RunReport::sample(outcome);
            change(&mut report);
            let said = headline(&report);
            assert!(said.contains(head), "{head:?} is not in {said:?}");
            let next = next_steps(&report);
            assert_eq!(next.len(), steps.len(), "{next:?}");
            for (said, step) in next.iter().zip(steps) {
                assert!(said.contains(step), "{step:?} is not in {said:?}");
            }
        }
    }
}
