//! Composes a receipt.

use jiff::Timestamp;

use super::{Fact, Facts, Receipt, lists::missing, names};
use crate::{
    report::Language,
    report::{bytes, escape_line},
};

/// The receipt in a language.
pub(crate) fn compose(language: Language, facts: &Facts<'_>) -> Receipt {
    let time = |at: Timestamp| at.to_zoned_datetime(facts.zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string();
    let second = |at: i64| time(Timestamp::from_second(at).unwrap_or_default());
    let is_complete = facts.gaps.is_complete();
    let other = match language {
        Language::English => Language::Swedish,
        Language::Swedish => Language::English,
    };
    Receipt {
        language,
        is_complete,
        title: language.pick("Receipt of a handover", "Kvitto på överlämning"),
        headline: if is_complete {
            language.pick("Complete", "Fullständig")
        } else {
            language.pick("Not complete", "Inte fullständig")
        },
        sentence: sentence(language, facts, &second),
        facts: summary(language, facts, &time, &second),
        binders: binders(language, facts, &second),
        missing: missing(language, facts, &second),
        notes: notes(language, facts),
        check: check(language),
        contents: contents(language),
        other: (other.pick("The same in English", "Samma på svenska"), names(other)[0]),
    }
}

fn sentence(language: Language, facts: &Facts<'_>, time: &dyn Fn(i64) -> String) -> String {
    match facts.complete {
        Some((_, at)) if facts.gaps.is_complete() => language
            .pick(
                "Every document that iBinder listed in these binders on {} is in this folder, in the version that was current then.",
                "Alla dokument som iBinder listade i de här pärmarna {} finns i den här mappen, i den version som gällde då.",
            )
            .replace("{}", &time(at)),
        _ => language
            .pick(
                "Something is missing; the list below says what, and why. Everything else is in this folder and was compared with its recorded hash.",
                "Något saknas; listan nedan säger vad och varför. Allt annat finns i den här mappen och har jämförts med sin antecknade kontrollsumma.",
            )
            .to_owned(),
    }
}

fn summary(
    language: Language,
    facts: &Facts<'_>,
    time: &dyn Fn(Timestamp) -> String,
    second: &dyn Fn(i64) -> String,
) -> Vec<Fact> {
    let plain = |english, swedish, value| Fact { label: language.pick(english, swedish), value, is_code: false };
    let number = |(count, size): (u64, u64)| format!("{}, {}", language.number(count), shown(language, size));
    let exact = |(count, size): (u64, u64)| {
        format!("{}, {} {}", language.number(count), language.number(size), language.pick("bytes", "byte"))
    };
    let complete = facts.complete.map_or_else(
        || language.pick("never", "aldrig").to_owned(),
        |(run, at)| format!("{}, {} {}", second(at), language.pick("run", "körning"), escape_line(run)),
    );
    vec![
        plain("Organisation", "Organisation", escape_line(facts.organisation)),
        plain("Last complete mirroring", "Senaste fullständiga spegling", complete),
        plain("Mirror read at", "Spegeln läst", time(facts.as_of)),
        plain("Documents", "Dokument", number(facts.documents)),
        plain("Old versions", "Äldre versioner", number(facts.versions)),
        plain("All files in data/", "Alla filer i data/", exact(facts.payload)),
        plain("Finished", "Färdig", format!("{}, ibinder-sync {}", time(facts.finished), env!("CARGO_PKG_VERSION"))),
        Fact {
            label: language.pick("SHA-256 of manifest-sha256.txt", "SHA-256 för manifest-sha256.txt"),
            value: facts.manifest.to_string(),
            is_code: true,
        },
    ]
}

fn binders(
    language: Language,
    facts: &Facts<'_>,
    time: &dyn Fn(i64) -> String,
) -> ([&'static str; 5], Vec<[String; 5]>) {
    let titles = [
        language.pick("Binder", "Pärm"),
        language.pick("Id", "Id"),
        language.pick("Documents", "Dokument"),
        language.pick("Size", "Storlek"),
        language.pick("Contents certified by the listing of", "Innehållet intygat av listningen"),
    ];
    let rows = facts.binders.iter().map(|binder| {
        let certified = binder.certified.as_ref().map_or_else(
            || language.pick("never", "aldrig").to_owned(),
            |(run, at)| format!("{}, {} {}", time(*at), language.pick("run", "körning"), escape_line(run)),
        );
        [
            escape_line(&binder.name),
            escape_line(&binder.id),
            language.number(binder.documents),
            shown(language, binder.bytes),
            certified,
        ]
    });
    (titles, rows.collect())
}

/// A size, with the decimal sign of the language.
fn shown(language: Language, size: u64) -> String {
    match language {
        Language::English => bytes(size),
        Language::Swedish => bytes(size).replace('.', ",").replace("bytes", "byte"),
    }
}

fn notes(language: Language, facts: &Facts<'_>) -> Vec<String> {
    let unkept = facts.gaps.unkept;
    #[rustfmt::skip]
    let counted = [
        (facts.gaps.withheld, ("document is in the tree although iBinder did not list it any more, since nobody has confirmed its removal", "documents are in the tree although iBinder did not list them any more, since nobody has confirmed their removal"),
            ("dokument finns i trädet fast iBinder inte längre listade det, eftersom ingen har bekräftat borttagningen", "dokument finns i trädet fast iBinder inte längre listade dem, eftersom ingen har bekräftat borttagningen")),
        (unkept.freed, ("old version was deleted from the mirror by its rules of retention", "old versions were deleted from the mirror by its rules of retention"),
            ("äldre version har gallrats ur spegeln enligt dess regler", "äldre versioner har gallrats ur spegeln enligt dess regler")),
        (unkept.edited, ("old version had been edited in the mirror; the edited file is in the folder", "old versions had been edited in the mirror; the edited files are in the folder"),
            ("äldre version hade ändrats i spegeln; den ändrade filen finns i mappen", "äldre versioner hade ändrats i spegeln; de ändrade filerna finns i mappen")),
        (unkept.gone, ("old version is known, but its file was missing when it ended", "old versions are known, but their files were missing when they ended"),
            ("äldre version är känd, men filen saknades när den upphörde", "äldre versioner är kända, men filerna saknades när de upphörde")),
    ];
    let counted = counted.into_iter().filter(|(number, ..)| *number > 0);
    let mut notes: Vec<String> = counted.map(|(number, en, sv)| language.count(number, en, sv) + ".").collect();
    notes.push(
        language
            .pick(
                "A mirror has what its API client can see. Checklists and content tabs are no documents, and whether the client sees hidden tabs has to be tested.",
                "En spegel har det som dess API-klient kan se. Checklistor och innehållsflikar är inga dokument, och om klienten ser dolda flikar måste prövas.",
            )
            .to_owned(),
    );
    notes
}

fn check(language: Language) -> (&'static str, [&'static str; 2]) {
    let intro = language.pick(
        "In this folder, the first command prints the hash above, and the second one nothing if all files are as they were handed over. Any program for BagIt (RFC 8493) checks the same.",
        "I den här mappen skriver det första kommandot ut kontrollsumman ovan, och det andra ingenting om alla filer är som de lämnades över. Alla program för BagIt (RFC 8493) kontrollerar samma sak.",
    );
    (intro, ["sha256sum manifest-sha256.txt", "sha256sum --quiet -c manifest-sha256.txt"])
}

fn contents(language: Language) -> Vec<(&'static str, &'static str)> {
    [
        (
            "data/index.html",
            "the catalogue: open it in a browser, and search for documents and old versions",
            "katalogen: öppna den i en webbläsare och sök bland dokument och äldre versioner",
        ),
        ("data/tree/", "the documents, in the folders of iBinder", "dokumenten, i mappar som i iBinder"),
        (
            "data/versions/",
            "old versions and removed documents, with the day of each file in its name",
            "äldre versioner och borttagna dokument, med filens dag i namnet",
        ),
        ("data/metadata/documents.csv, .jsonl", "every document with its metadata", "alla dokument med metadata"),
        (
            "data/metadata/versions.csv, .jsonl",
            "every version: its file here, its path and name in iBinder, its time and hash",
            "alla versioner: filen här, sökväg och namn i iBinder, tid och kontrollsumma",
        ),
        (
            "data/metadata/history.jsonl",
            "places, names and metadata of each document over time",
            "platser, namn och metadata för varje dokument över tid",
        ),
        ("data/metadata/changes.csv, .jsonl", "what each run changed", "vad varje körning ändrade"),
        ("data/metadata/missing.csv", "every file that is missing, and why", "alla filer som saknas, och varför"),
        ("manifest-sha256.txt", "the hash of each file in data/", "kontrollsumman för varje fil i data/"),
    ]
    .map(|(path, english, swedish)| (path, language.pick(english, swedish)))
    .to_vec()
}
