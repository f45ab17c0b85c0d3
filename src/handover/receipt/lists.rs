//! What is missing, in sentences.

use super::{Facts, List};
use crate::{
    handover::gaps::{BinderGap, Lost, RunGap, Why},
    history::MissingReason,
    report::Language,
    report::escape_line,
};

/// The most lines of a list; `data/metadata/missing.csv` has them all.
const MOST: usize = 200;

/// Everything that is missing.
pub(super) fn missing(language: Language, facts: &Facts<'_>, time: &dyn Fn(i64) -> String) -> Vec<List> {
    let gaps = facts.gaps;
    let mut lists: Vec<List> =
        gaps.run.iter().map(|gap| List { sentence: run(language, gap), lines: vec![] }).collect();
    if !gaps.binders.is_empty() {
        let lines =
            gaps.binders.iter().map(|(name, gap)| format!("{}: {}", escape_line(name), binder(language, gap, time)));
        let sentence = language.pick(
            "The contents of these binders are not certified as of the last run:",
            "Innehållet i de här pärmarna är inte intygat av den senaste körningen:",
        );
        lists.push(List { sentence: sentence.to_owned(), lines: lines.collect() });
    }
    for (is_of, sentence) in kinds(language) {
        let lines: Vec<String> =
            gaps.versions.iter().filter(|lost| is_of(&lost.why)).map(|lost| line(language, lost)).collect();
        if !lines.is_empty() {
            lists.push(List { sentence: sentence.to_owned(), lines: shortened(language, lines) });
        }
    }
    lists
}

type Kind = (fn(&Why) -> bool, &'static str);

fn kinds(language: Language) -> [Kind; 3] {
    [
        (
            |why| matches!(why, Why::NotCopied(_)),
            language.pick(
                "These files could not be handed over:",
                "De här filerna kunde inte lämnas över:",
            ),
        ),
        (
            |why| matches!(why, Why::Failed(_)),
            language.pick(
                "These documents could not be downloaded from iBinder in the version that it lists. If an earlier version is mirrored, that is in the tree:",
                "De här dokumenten kunde inte hämtas från iBinder i den version som listas där. Om en tidigare version är speglad finns den i trädet:",
            ),
        ),
        (
            |why| matches!(why, Why::Acknowledged),
            language.pick(
                "iBinder lists these versions but can't deliver them. Whoever runs the mirror accepted that they are missing:",
                "iBinder listar de här versionerna men kan inte leverera dem. Den som sköter spegeln har godtagit att de saknas:",
            ),
        ),
    ]
}

fn shortened(language: Language, mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST);
    if more > 0 {
        lines.truncate(MOST);
        lines.push(format!(
            "{} {}: data/metadata/missing.csv",
            language.pick("and more:", "och fler:"),
            language.number(more as u64)
        ));
    }
    lines
}

fn run(language: Language, gap: &RunGap) -> String {
    let of = |id: &str, english: &'static str, swedish: &'static str| language.pick(english, swedish).replace("{}", id);
    match gap {
        RunGap::Never => language.pick("Nothing was ever mirrored.", "Ingenting har speglats.").to_owned(),
        RunGap::Unfinished(id) => of(
            id,
            "The last run, {}, had not ended when this was recorded. What it had not reached is as the run before left it.",
            "Den senaste körningen, {}, hade inte slutat när detta antecknades. Det den inte hunnit till är som körningen före lämnade det.",
        ),
        RunGap::Filtered(id) => of(
            id,
            "The last run, {}, had filters: what they leave out was not mirrored.",
            "Den senaste körningen, {}, hade filter: det som de utesluter speglades inte.",
        ),
        RunGap::Partial(id) => {
            of(id, "The last run, {}, was not complete.", "Den senaste körningen, {}, var inte fullständig.")
        }
    }
}

fn binder(language: Language, gap: &BinderGap, time: &dyn Fn(i64) -> String) -> String {
    match gap {
        BinderGap::Inaccessible(since) => {
            format!("{} {}", language.pick("not accessible since", "inte åtkomlig sedan"), time(*since))
        }
        BinderGap::Never => language.pick("never read to the end", "aldrig läst till slutet").to_owned(),
        BinderGap::Older(at) => {
            format!("{} {}", language.pick("last read to the end", "senast läst till slutet"), time(*at))
        }
    }
}

fn line(language: Language, lost: &Lost) -> String {
    let name = escape_line(&lost.name);
    match &lost.why {
        Why::Failed(error) => format!("{name}: {}", escape_line(error)),
        Why::Acknowledged => format!("{name} ({})", escape_line(&lost.version)),
        Why::NotCopied(reason) => format!("{name}: {}", not_copied(language, reason)),
    }
}

fn not_copied(language: Language, reason: &MissingReason) -> String {
    let said = |english, swedish| language.pick(english, swedish).to_owned();
    match reason {
        MissingReason::NotHeld => said("the mirror does not have its bytes", "spegeln har inte kvar innehållet"),
        MissingReason::Freed => said("deleted by the retention", "borttaget av gallringen"),
        MissingReason::Edited => said("only an edited file is kept", "bara en ändrad fil finns kvar"),
        MissingReason::Changed => {
            said("its file in the mirror was changed by hand", "filen i spegeln har ändrats för hand")
        }
        MissingReason::Damaged => said("its file in the mirror is damaged", "filen i spegeln är skadad"),
        MissingReason::Failed(error) => escape_line(error),
    }
}
