//! Warnings in the language of the page.

use crate::report::{Language, RunReport, Warning};

/// The warnings of a report. A report of an earlier version has them as English text alone.
pub(crate) fn warnings_in(language: Language, report: &RunReport) -> Vec<String> {
    let is_same = report.warnings.len() == report.warning_details.len();
    let swedish = language == Language::Swedish && is_same;
    let texts = report.warnings.iter().enumerate();
    let of = |at: usize| swedish.then(|| report.warning_details.get(at).and_then(in_swedish)).flatten();
    texts.map(|(at, english)| of(at).unwrap_or_else(|| english.clone())).collect()
}

/// The warning in Swedish; `None` for one that has only its English text.
fn in_swedish(warning: &Warning) -> Option<String> {
    of_document(warning).or_else(|| of_binder(warning)).or_else(|| of_run(warning))
}

fn of_document(warning: &Warning) -> Option<String> {
    Some(match warning {
        Warning::Edited(f) => format!(
            "”{}” är ändrad för hand{}; den lämnas som den är, och sparas när iBinder får en ny version",
            f.path, f.why
        ),
        Warning::EditedAndReplaced(f) => {
            format!("”{}” var ändrad för hand och har en ny version; den ändrade filen är sparad i objects/", f.path)
        }
        Warning::BroughtBack(f) => format!("”{}” saknades i trädet och är återställd", f.path),
        Warning::Repaired(f) => format!("”{}” var skadad och är lagad: {}", f.path, f.why),
        Warning::Unchecked(f) => format!("”{}” kunde inte kontrolleras: {}", f.path, f.why),
        Warning::IdWithoutCase(f) => format!(
            "”{}” listas inte längre, och dess id är sparat utan skillnad på stora och små bokstäver, så det går inte att slå upp; filen finns kvar",
            f.path
        ),
        Warning::PathTaken(f) => {
            format!("”{}” hör inte till spegeln och lämnas; dokumentet ligger bredvid, med sitt id i namnet", f.path)
        }
        Warning::NoVersion(d) => format!(
            "”{}” (dokument {}) har ingen version att hämta; tidigare versioner finns kvar",
            d.file_name, d.document_id
        ),
        Warning::StillMissing(d) => format!(
            "”{}” (dokument {}) saknas fortfarande i version {}, som är godkänt",
            d.file_name, d.document_id, d.why
        ),
        Warning::NotCompared(d) => format!(
            "”{}” (dokument {}) behålls tills vidare, men kunde inte hämtas igen för jämförelse: {}",
            d.file_name, d.document_id, d.why
        ),
        Warning::MetadataTooLarge(d) => {
            format!("dokument {}: dess metadata är för stora och sparades inte", d.document_id)
        }
        _ => return None,
    })
}

fn of_binder(warning: &Warning) -> Option<String> {
    Some(match warning {
        Warning::Withheld(w) => {
            let documents = Language::Swedish.documents(w.count);
            format!(
                "{documents} i pärmen ”{}” ({}) saknas i iBinder och behölls; `ibinder-sync withheld` listar dem",
                w.binder, w.binder_id
            )
        }
        Warning::BinderInaccessible(b) => format!(
            "pärmen ”{}” ({id}): åtkomsten är borta eller pärmen borttagen ({}); filerna finns kvar. Om den verkligen är borta, kör `ibinder-sync binders forget {id}`",
            b.binder,
            b.why,
            id = b.binder_id
        ),
        Warning::ListingInconsistent(b) => format!(
            "pärm {}: listan är motsägelsefull ({}), så inget tas bort ur pärmen; nästa körning läser den igen",
            b.binder_id, b.why
        ),
        Warning::BinderListedTwice(b) => format!(
            "pärmen ”{}” ({}) listas en gång till, som ”{}”; det namnet används inte",
            b.binder, b.binder_id, b.why
        ),
        Warning::FoldersUnread(b) => format!("pärm {}: alla mappar kunde inte läsas: {}", b.binder_id, b.why),
        Warning::FoldersUnnamed(b) => format!(
            "pärm {}: några mappar har inget namn; deras dokument ligger i flikens mapp eller i en mapp som heter som deras id",
            b.binder_id
        ),
        Warning::LabelsUnread(b) => format!("pärm {}: metadatans rubriker kunde inte läsas: {}", b.binder_id, b.why),
        Warning::Unlisted(b) => format!(
            "pärm {}: i listan saknas {} som iBinder ändå har; de finns kvar. Om det upprepas kan även nya dokument saknas: fråga iBinders support",
            b.binder_id, b.why
        ),
        _ => return None,
    })
}

fn of_run(warning: &Warning) -> Option<String> {
    Some(match warning {
        Warning::NoBinders => "iBinder listar ingen pärm för API-klienten; be organisationens ägare ge den åtkomst till pärmarna".to_owned(),
        Warning::EmptyMirror(w) => format!("spegeln är tom: iBinder listar inget dokument i {}; jämför med vad iBinder visar", w.why),
        Warning::BinderUnusable(w) => format!("en pärm i listan går inte att använda: {}", w.why),
        Warning::AnotherOrganisation => "ingen av de kända pärmarna listas, men andra gör det: inget skrevs. Om pärmarna verkligen är utbytta, kör `ibinder-sync binders forget ID --force` för var och en av de gamla".to_owned(),
        Warning::MaxDuration => "körningen slutade i förtid eftersom tiden för --max-duration var slut; nästa körning fortsätter".to_owned(),
        Warning::MinFree => "körningen slutade i förtid eftersom mindre än --min-free skulle bli kvar på disken".to_owned(),
        Warning::GaveUp(w) => format!("körningen slutade i förtid: {}", w.why),
        Warning::RetentionSkipped(w) => format!("inget gallrades: {}", w.why),
        Warning::CheckUnrecorded(w) => format!("hur långt kontrollen kom kunde inte sparas: {}", w.why),
        Warning::Deprecation(w) => format!("iBinder meddelar att ett anrop som programmet gör ska upphöra ({}); se efter om det finns en nyare version av ibinder-sync", w.why),
        Warning::Copy(w) => format!("kopian är inte aktuell: {}; spegeln påverkas inte", w.why),
        Warning::CopyIncomplete { count } => format!("{} kunde inte kopieras, eftersom spegeln själv saknar det; `ibinder-sync verify --repair` hämtar det som finns kvar i iBinder", Language::Swedish.count(*count, ("", ""), ("innehåll", "innehåll"))),
        Warning::CopyUnguarded => "kopians lagring skrev över en fil fast den inte skulle göra det: två speglar som skriver till kopian kan skriva över varandras commits; låt bara en maskin skriva dit".to_owned(),
        Warning::More { count } => format!("ytterligare {} står i loggen", Language::Swedish.count(*count, ("", ""), ("varning", "varningar"))),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Outcome;

    #[test]
    fn a_warning_is_swedish_if_its_kind_is_known() {
        let mut report = RunReport::sample(Outcome::Partial);
        report.set_warnings(vec![Warning::MaxDuration, Warning::other(Warning::Filters, "x matches nothing")]);
        let texts = warnings_in(Language::Swedish, &report);
        assert!(texts[0].starts_with("körningen slutade i förtid") && texts[1] == "x matches nothing", "{texts:?}");
        assert_eq!(warnings_in(Language::English, &report), report.warnings);
        // Nobody knows which text is of which kind.
        report.warning_details.remove(0);
        assert_eq!(warnings_in(Language::Swedish, &report), report.warnings);
    }
}
