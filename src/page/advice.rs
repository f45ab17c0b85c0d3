//! How a run ended, and what to do next: decided on the report's counts and on the kinds of its warnings.

use crate::report::{Language, Outcome, RunReport, Warning};

/// How the run ended, in a sentence.
pub(crate) fn headline(report: &RunReport, language: Language) -> String {
    let (documents, swedish) = (&report.documents, language == Language::Swedish);
    let acknowledged = documents.acknowledged;
    match report.outcome {
        Outcome::Complete if documents.filtered > 0 => {
            let all =
                language.pick("Everything that the filters select is mirrored", "Allt som filtren väljer är speglat");
            format!("{all}; {}.", changes(report, language))
        }
        Outcome::Complete if acknowledged > 0 => {
            let missing = language.count(
                acknowledged,
                ("document that is acknowledged as missing", "documents that are acknowledged as missing"),
                ("dokument som är godkänt som saknat", "dokument som är godkända som saknade"),
            );
            let all = language.pick("Everything is mirrored except", "Allt är speglat utom");
            format!("{all} {missing}; {}.", changes(report, language))
        }
        Outcome::Complete => {
            let all = language.pick("Everything that iBinder lists is mirrored", "Allt som iBinder listar är speglat");
            format!("{all}; {}.", changes(report, language))
        }
        Outcome::Partial if swedish => format!("Spegeln är ofullständig: {}.", gaps(report, language)),
        Outcome::Partial => format!("The mirror is incomplete: {}.", gaps(report, language)),
        Outcome::Failed => language
            .pick(
                "The run failed. What was mirrored before is still there.",
                "Körningen misslyckades. Det som redan är speglat finns kvar.",
            )
            .to_owned(),
        Outcome::Interrupted => language
            .pick(
                "The run was interrupted. What it downloaded is kept.",
                "Körningen avbröts. Det som den hämtade finns kvar.",
            )
            .to_owned(),
    }
}

fn changes(report: &RunReport, language: Language) -> String {
    match report.documents.changed() {
        0 => language.pick("nothing changed", "ingenting har ändrats").to_owned(),
        changed => format!("{} {}", language.documents(changed), language.pick("changed", "har ändrats")),
    }
}

/// Why a run is partial.
pub(crate) fn gaps(report: &RunReport, language: Language) -> String {
    let (d, b) = (&report.documents, &report.binders);
    #[rustfmt::skip]
    let counted = [
        (d.failed, ("document failed", "documents failed"), ("dokument misslyckades", "dokument misslyckades")),
        (d.withheld, ("document is missing in iBinder and was kept", "documents are missing in iBinder and were kept"), ("dokument saknas i iBinder och behölls", "dokument saknas i iBinder och behölls")),
        (b.failed, ("binder could not be read", "binders could not be read"), ("pärm kunde inte läsas", "pärmar kunde inte läsas")),
        (b.inaccessible, ("binder is no longer accessible", "binders are no longer accessible"), ("pärm är inte längre åtkomlig", "pärmar är inte längre åtkomliga")),
        (b.uncertified, ("listing was not consistent", "listings were not consistent"), ("lista var motsägelsefull", "listor var motsägelsefulla")),
    ];
    let counted = counted.into_iter().filter(|(n, ..)| *n > 0).map(|(n, en, sv)| language.count(n, en, sv));
    let gaps: Vec<String> = counted.collect();
    if gaps.is_empty() {
        language.pick("the run ended early", "körningen slutade i förtid").to_owned()
    } else {
        gaps.join(", ")
    }
}

/// What to do next, the most urgent first; empty if there is nothing to do. Commands are in backquotes.
pub(crate) fn next_steps(report: &RunReport, language: Language) -> Vec<String> {
    let (d, b) = (&report.documents, &report.binders);
    let mut of_warnings: Vec<String> =
        report.warning_details.iter().filter_map(|warning| of_warning(warning, language)).collect();
    of_warnings.dedup();
    #[rustfmt::skip]
    let before = [
        (report.outcome == Outcome::Failed, "Follow the cause under “What failed”, then run again.",
            "Åtgärda orsaken under ”Det som misslyckades” och kör igen."),
        (report.outcome == Outcome::Interrupted, "Nothing to do: the next run continues here.",
            "Ingenting behöver göras: nästa körning fortsätter här."),
    ];
    #[rustfmt::skip]
    let after = [
        (b.failed > 0,
            "Nothing to do: the next run reads the binders again, and removes nothing until it has read all of them.",
            "Ingenting behöver göras: nästa körning läser pärmarna igen, och tar inte bort något förrän alla är lästa."),
        (b.uncertified > 0,
            "Nothing to do: the next run reads those listings again, and removes nothing from their binders until they are consistent.",
            "Ingenting behöver göras: nästa körning läser listorna igen, och tar inte bort något ur deras pärmar förrän de stämmer."),
        (d.failed > 0,
            "The next run retries what failed; earlier versions stay. If the same documents fail every time, see their causes below.",
            "Nästa körning försöker igen med det som misslyckades; tidigare versioner finns kvar. Om samma dokument misslyckas varje gång, se orsakerna nedan."),
        (report.lacks_copy(),
            "The copy elsewhere is not up to date. The next run tries again; `ibinder-sync replicate` tries now, and says what is wrong.",
            "Kopian på annan plats är inte aktuell. Nästa körning försöker igen; `ibinder-sync replicate` försöker nu, och säger vad som är fel."),
        (report.scrub.is_some_and(|scrub| scrub.damaged > scrub.repaired),
            "Some files are damaged; repair them with `ibinder-sync verify --repair`.",
            "Några filer är skadade; laga dem med `ibinder-sync verify --repair`."),
    ];
    let of = |steps: &[(bool, &'static str, &'static str)]| -> Vec<String> {
        let due = steps.iter().filter(|(is_due, ..)| *is_due);
        due.map(|(_, english, swedish)| language.pick(english, swedish).to_owned()).collect()
    };
    let mut steps = [of(&before), of_warnings, of(&after)].concat();
    if steps.is_empty() && report.outcome == Outcome::Partial {
        let step = language.pick(
            "The next run continues where this one ended; the warnings say why it ended.",
            "Nästa körning fortsätter där den här slutade; varningarna säger varför den slutade.",
        );
        steps.push(step.to_owned());
    }
    steps
}

fn of_warning(warning: &Warning, language: Language) -> Option<String> {
    let swedish = language == Language::Swedish;
    Some(match warning {
        Warning::Withheld(withheld) if withheld.confirm.is_some() => language
            .pick(
                "Too many documents are missing at once, so they were kept. Compare the list under “Missing in iBinder” with iBinder. \
                 If they were removed there, `ibinder-sync withheld` shows the command that confirms the removal of exactly these \
                 documents.",
                "För många dokument saknas på en gång, så de behölls. Jämför listan under ”Saknas i iBinder” med iBinder. Om de \
                 är borttagna där visar `ibinder-sync withheld` kommandot som bekräftar att just dessa dokument tas bort.",
            )
            .to_owned(),
        Warning::Withheld(withheld) if swedish => format!(
            "Pärmen ”{}” listar inga dokument alls, så filerna behölls. Om den verkligen är tom, ta bort dem med \
             `ibinder-sync binders forget {} --force`.",
            withheld.binder, withheld.binder_id
        ),
        Warning::Withheld(withheld) => format!(
            "Binder {:?} lists no documents at all, so its files were kept. If it is really empty, remove them with \
             `ibinder-sync binders forget {} --force`.",
            withheld.binder, withheld.binder_id
        ),
        Warning::BinderInaccessible(binder) if swedish => format!(
            "Ge API-klienten åtkomst till pärmen {} igen, eller ta bort filerna med `ibinder-sync binders forget {}` om \
             pärmen är borttagen; de finns kvar tills dess.",
            binder.binder_id, binder.binder_id
        ),
        Warning::BinderInaccessible(binder) => format!(
            "Give the API client access to binder {} again, or, if it was deleted, remove its files with \
             `ibinder-sync binders forget {}`; they stay until then.",
            binder.binder_id, binder.binder_id
        ),
        other => plain_step(other, language)?.to_owned(),
    })
}

/// The steps that name nothing.
fn plain_step(warning: &Warning, language: Language) -> Option<&'static str> {
    Some(match warning {
        Warning::AnotherOrganisation => language.pick(
            "iBinder lists none of the known binders; check the organisation's id and credentials.",
            "iBinder listar ingen av de kända pärmarna; kontrollera organisationens id och inloggning.",
        ),
        Warning::MaxDuration => language.pick(
            "Nothing to do: the next run continues. If every run ends at `--max-duration`, raise it.",
            "Ingenting behöver göras: nästa körning fortsätter. Om varje körning slutar vid `--max-duration`, höj den.",
        ),
        Warning::MinFree => language
            .pick("Free some disk space, or lower `--min-free`.", "Frigör utrymme på disken, eller sänk `--min-free`."),
        Warning::GaveUp(_) => language.pick(
            "iBinder did not answer; the next run continues. If this lasts, run `ibinder-sync doctor`.",
            "iBinder svarade inte; nästa körning fortsätter. Om det består, kör `ibinder-sync doctor`.",
        ),
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
            let said = headline(&report, Language::English);
            assert!(said.contains(head), "{head:?} is not in {said:?}");
            let next = next_steps(&report, Language::English);
            assert_eq!(next.len(), steps.len(), "{next:?}");
            assert_eq!(next_steps(&report, Language::Swedish).len(), steps.len());
            assert_ne!(headline(&report, Language::Swedish), said);
            for (said, step) in next.iter().zip(steps) {
                assert!(said.contains(step), "{step:?} is not in {said:?}");
            }
        }
    }
}
