//! How a run ended, and what somebody should do, in words.

use crate::report::{Outcome, RunReport, format};

/// The sentence that says it all.
pub(crate) fn headline(report: &RunReport) -> String {
    let documents = &report.documents;
    match report.outcome {
        Outcome::Complete if documents.filtered > 0 => {
            format!("Everything that the filters let through is mirrored; {}.", changes(report))
        }
        Outcome::Complete if documents.acknowledged > 0 => format!(
            "Everything is mirrored but {}; {}.",
            format::number_of(
                documents.acknowledged,
                "document that is acknowledged as missing",
                "documents that are acknowledged as missing"
            ),
            changes(report)
        ),
        Outcome::Complete => format!("Everything that iBinder lists is mirrored; {}.", changes(report)),
        Outcome::Partial => {
            format!("Not everything could be mirrored: {}. What is in the tree is whole.", gaps(report))
        }
        Outcome::Failed => "The run could not do its work. What was mirrored before is still there.".to_owned(),
        Outcome::Interrupted => "The run was stopped from outside. What it had brought over is whole.".to_owned(),
    }
}

fn changes(report: &RunReport) -> String {
    let d = &report.documents;
    let changed = d.adopted + d.added + d.updated + d.moved + d.removed;
    if changed == 0 {
        "nothing changed".to_owned()
    } else {
        format!("{} changed", format::number_of(changed, "document", "documents"))
    }
}

/// Why a run is partial.
fn gaps(report: &RunReport) -> String {
    let (d, b) = (&report.documents, &report.binders);
    let counted = [
        (d.failed, "document failed", "documents failed"),
        (d.withheld, "removal was withheld", "removals were withheld"),
        (b.failed, "binder could not be read", "binders could not be read"),
        (b.inaccessible, "binder is not accessible any more", "binders are not accessible any more"),
        (b.uncertified, "listing was not consistent", "listings were not consistent"),
    ];
    let told: Vec<String> =
        counted.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| format::number_of(n, one, many)).collect();
    if told.is_empty() { "the run ended before its end".to_owned() } else { told.join(", ") }
}

/// What to do next, the most urgent first; nothing where nothing is to be done. A word in backquotes
/// is to be typed.
pub(crate) fn next_steps(report: &RunReport) -> Vec<String> {
    let (d, b) = (&report.documents, &report.binders);
    let mut steps = Vec::new();
    match report.outcome {
        Outcome::Failed => steps.push("Do what the cause under “What failed” says, and run it again.".to_owned()),
        Outcome::Interrupted => steps.push("Nothing is to be done: the next run goes on from here.".to_owned()),
        Outcome::Complete | Outcome::Partial => {}
    }
    if d.withheld > 0 {
        let count = d.withheld;
        steps.push(format!(
            "So many documents that are missing at once look like a fault, so they were kept. Compare the list under \
             “Withheld” with iBinder. If they were really removed there, run once with `--max-removals {count}`: that \
             confirms these, and removes nothing if more are missing by then. `ibinder-sync plan --max-removals {count}` \
             shows what would be removed. For a binder that lists nothing at all, the warning names the command."
        ));
    }
    if b.inaccessible > 0 {
        steps.push(
            "Ask the owner of the organisation to let the API client read the binder again. If it is really gone, \
             `ibinder-sync binders forget ID` lets it go; until then its files stay."
                .to_owned(),
        );
    }
    if b.failed > 0 {
        steps.push(
            "The next run reads the binders again. Until each was read, nothing is removed from the tree.".to_owned(),
        );
    }
    if b.uncertified > 0 {
        steps.push(
            "The next run reads those listings again. Until they are consistent, nothing is removed from their binders."
                .to_owned(),
        );
    }
    if d.failed > 0 {
        steps.push(
            "The next run tries what failed again; the versions that were there before stay. If the same documents fail \
             night after night, look at their causes below."
                .to_owned(),
        );
    }
    if report.scrub.is_some_and(|scrub| scrub.damaged > scrub.repaired) {
        steps.push("Damaged files are left: `ibinder-sync verify --repair` brings them back.".to_owned());
    }
    if steps.is_empty() && report.outcome == Outcome::Partial {
        steps.push("The next run goes on where this one ended; the warnings say why it did.".to_owned());
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Scrub;

    #[test]
    fn every_end_has_its_words() {
        type Change = fn(&mut RunReport);
        #[rustfmt::skip]
        let table: [(Outcome, Change, &str, &[&str]); 12] = [
            (Outcome::Complete,    |_| {},                                   "nothing changed",            &[]),
            (Outcome::Complete,    |r| r.documents.added = 1,                "1\u{a0}document changed",    &[]),
            (Outcome::Complete,    |r| r.documents.filtered = 1,             "filters let through",        &[]),
            (Outcome::Complete,    |r| r.documents.acknowledged = 2,         "acknowledged as missing",    &[]),
            (Outcome::Interrupted, |_| {},                                   "stopped from outside",       &["Nothing is to be done"]),
            (Outcome::Failed,      |_| {},                                   "could not do its work",      &["Do what the cause"]),
            (Outcome::Partial,     |_| {},                                   "before its end",             &["goes on where this one ended"]),
            (Outcome::Partial,     |r| r.documents.failed = 2,               "2\u{a0}documents failed",    &["tries what failed again"]),
            (Outcome::Partial,     |r| { r.documents.withheld = 40; r.documents.failed = 1; },
                                   "1\u{a0}document failed, 40\u{a0}removals were withheld",              &["`--max-removals 40`", "tries what failed"]),
            (Outcome::Partial,     |r| r.binders.inaccessible = 1,           "not accessible any more",    &["`ibinder-sync binders forget ID`"]),
            (Outcome::Partial,     |r| { r.binders.failed = 1; r.binders.uncertified = 2; },
                                   "1\u{a0}binder could not be read, 2\u{a0}listings were not consistent", &["reads the binders again", "reads those listings"]),
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
