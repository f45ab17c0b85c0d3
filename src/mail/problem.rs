//! What was wrong with a run: in a few words for the subject, in a sentence, and what to do.

use crate::report::{Language, RunReport};

/// What was wrong with a run, by its exit code (contract: `docs/reference.md`, "Exit codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    Settings,
    Credentials,
    Partial,
    Damaged,
    Withheld,
    Disk,
    NotCopied,
    Stopped,
    Unexpected,
}

impl Problem {
    pub(super) fn of(exit_code: u8) -> Self {
        match exit_code {
            2 => Self::Settings,
            3 => Self::Credentials,
            4 => Self::Partial,
            6 => Self::Damaged,
            7 => Self::Withheld,
            8 => Self::Disk,
            9 => Self::NotCopied,
            130 | 143 => Self::Stopped,
            _ => Self::Unexpected,
        }
    }

    /// For a list of mails.
    pub(super) fn short(self, language: Language, report: &RunReport) -> String {
        let said = |english, swedish| language.pick(english, swedish).to_owned();
        match self {
            Self::Settings => said(
                "no backup: a setting or the disk needs attention",
                "ingen kopia: en inställning eller disken behöver ses över",
            ),
            Self::Credentials => {
                said("no backup: iBinder refuses the login", "ingen kopia: iBinder nekar inloggningen")
            }
            Self::Partial | Self::Withheld => gaps(language, report),
            Self::Damaged => said("damaged files", "skadade filer"),
            Self::Disk => said("the disk is full or can't be written", "disken är full eller går inte att skriva till"),
            Self::NotCopied => said("the copy elsewhere is not up to date", "kopian på annan plats är inte aktuell"),
            Self::Stopped => said("stopped before the end", "avbruten före slutet"),
            Self::Unexpected => said("unexpected error", "oväntat fel"),
        }
    }

    /// What it means.
    pub(super) fn sentence(self, language: Language) -> &'static str {
        match self {
            Self::Settings => language.pick(
                "The run could not begin, because a setting is wrong or missing, or because the disk of the mirror is not there. What was mirrored before is unchanged.",
                "Körningen kunde inte börja, eftersom en inställning är fel eller saknas, eller för att spegelns disk inte är på plats. Det som redan är speglat är oförändrat.",
            ),
            Self::Credentials => language.pick(
                "iBinder refuses the login of the API client. What was mirrored before is unchanged.",
                "iBinder nekar API-klientens inloggning. Det som redan är speglat är oförändrat.",
            ),
            Self::Partial => language.pick(
                "The mirror is incomplete. What failed is tried again in the next run; earlier versions stay.",
                "Spegeln är ofullständig. Det som misslyckades försöks igen vid nästa körning; tidigare versioner finns kvar.",
            ),
            Self::Damaged => language.pick(
                "Files of the mirror are damaged or missing.",
                "Filer i spegeln är skadade eller saknas.",
            ),
            Self::Withheld => language.pick(
                "Too much is missing in iBinder at once, so everything was kept until somebody has looked at it.",
                "För mycket saknas i iBinder på en gång, så allt behölls tills någon har sett efter.",
            ),
            Self::Disk => language.pick(
                "The disk of the mirror is full or can't be written. What was mirrored before is still there.",
                "Spegelns disk är full eller går inte att skriva till. Det som redan är speglat finns kvar.",
            ),
            Self::NotCopied => language.pick(
                "The mirror is complete, but its copy in the object store could not be brought up to date. What the copy had before is unchanged.",
                "Spegeln är fullständig, men dess kopia i objektlagringen kunde inte göras aktuell. Det som kopian redan hade är oförändrat.",
            ),
            Self::Stopped => language.pick(
                "The run was stopped. What it downloaded is kept, and the next run continues.",
                "Körningen avbröts. Det som hämtades finns kvar, och nästa körning fortsätter.",
            ),
            Self::Unexpected => language.pick(
                "The run failed. What was mirrored before is still there.",
                "Körningen misslyckades. Det som redan är speglat finns kvar.",
            ),
        }
    }

    /// What to do. Commands are in backquotes.
    pub(super) fn advice(self, language: Language) -> &'static str {
        match self {
            Self::Settings | Self::Credentials => language.pick(
                "`ibinder-sync doctor` checks all settings, the disk and the login, and says what to change.",
                "`ibinder-sync doctor` prövar inställningar, disk och inloggning, och säger vad som ska ändras.",
            ),
            Self::Partial => language.pick(
                "Nothing, if this is the first mail about it. If it comes back, the page of the run names what failed and why: `.ibinder-sync/last-run.html` in the mirror.",
                "Ingenting, om det är första mejlet om saken. Om det återkommer står på körningens sida vad som misslyckades och varför: `.ibinder-sync/last-run.html` i spegeln.",
            ),
            Self::Damaged => language.pick(
                "`ibinder-sync verify --repair` downloads them again. If it happens again, have the disk examined.",
                "`ibinder-sync verify --repair` hämtar dem på nytt. Om det händer igen bör disken undersökas.",
            ),
            Self::Withheld => language.pick(
                "Compare the list in `.ibinder-sync/last-run.html` of the mirror with iBinder. The page says how to confirm the removal.",
                "Jämför listan i spegelns `.ibinder-sync/last-run.html` med iBinder. Sidan säger hur borttagningen bekräftas.",
            ),
            Self::Disk => language.pick(
                "Free some space, or check that the disk is mounted and can be written.",
                "Frigör utrymme, eller se efter att disken är monterad och går att skriva till.",
            ),
            Self::NotCopied => language.pick(
                "Nothing, if this is the first mail about it: the next run tries again. `ibinder-sync replicate` tries now, and `ibinder-sync doctor` checks the store and its credentials.",
                "Ingenting, om det är första mejlet om saken: nästa körning försöker igen. `ibinder-sync replicate` försöker nu, och `ibinder-sync doctor` prövar lagringen och dess inloggning.",
            ),
            Self::Stopped => language.pick(
                "Nothing, unless it happens every night: then give the run more time.",
                "Ingenting, om det inte händer varje natt: ge i så fall körningen mer tid.",
            ),
            Self::Unexpected => language.pick(
                "The log of the run says what happened; `docs/troubleshooting.md` explains each message.",
                "Körningens logg säger vad som hände; `docs/troubleshooting.md` förklarar varje meddelande.",
            ),
        }
    }
}

/// What is missing from a run, in counts.
fn gaps(language: Language, report: &RunReport) -> String {
    let (d, b) = (&report.documents, &report.binders);
    #[rustfmt::skip]
    let counted = [
        (d.failed, ("document failed", "documents failed"), ("dokument misslyckades", "dokument misslyckades")),
        (d.withheld, ("document is missing in iBinder", "documents are missing in iBinder"), ("dokument saknas i iBinder", "dokument saknas i iBinder")),
        (b.failed, ("binder could not be read", "binders could not be read"), ("pärm kunde inte läsas", "pärmar kunde inte läsas")),
        (b.inaccessible, ("binder is no longer accessible", "binders are no longer accessible"), ("pärm är inte längre åtkomlig", "pärmar är inte längre åtkomliga")),
        (b.uncertified, ("listing was not consistent", "listings were not consistent"), ("lista var motsägelsefull", "listor var motsägelsefulla")),
    ];
    let counted = counted.into_iter().filter(|(number, ..)| *number > 0);
    let gaps: Vec<String> = counted.map(|(number, en, sv)| language.count(number, en, sv)).collect();
    if gaps.is_empty() {
        language.pick("the run ended early", "körningen slutade i förtid").to_owned()
    } else {
        gaps.join(", ")
    }
}
