//! Composes a mail from the report of a run.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use super::{Occasion, problem::Problem};
use crate::report::{Failure, FailureCause, Language, RunReport, bytes, escape_line, format};

/// The most names in a list.
const MOST_NAMES: usize = 20;

/// The longest name of a mirror in a subject, in characters.
const LONGEST_NAME: usize = 60;

/// The longest message of the program that is quoted, in characters.
const LONGEST_QUOTE: usize = 1000;

/// What a mail is about.
#[derive(Debug)]
pub struct Facts<'f> {
    /// The name of the mirror: its profile or its folder.
    pub name: &'f str,
    /// The machine.
    pub machine: &'f str,
    /// The folder of the mirror.
    pub dest: &'f str,
    /// How the run ended.
    pub exit_code: u8,
    /// What it did.
    pub report: &'f RunReport,
    /// When the last complete run ended, if that is known.
    pub last_complete: Option<Timestamp>,
    /// Whether names of documents may be in it.
    pub names: bool,
    /// The time zone of its times.
    pub zone: &'f TimeZone,
}

/// A mail in parts. Everything from outside is one line without control characters.
#[derive(Debug, Default)]
pub struct Letter {
    /// The subject.
    pub subject: String,
    pub(super) language: Language,
    /// Whether somebody should do something.
    pub(super) is_bad: bool,
    pub(super) headline: String,
    pub(super) sentence: String,
    /// A message of the program, which is English.
    pub(super) quote: Option<String>,
    /// What to do. Commands are in backquotes.
    pub(super) advice: Option<&'static str>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) lists: Vec<(&'static str, Vec<String>)>,
    pub(super) foot: String,
}

/// The mail of an occasion.
pub fn compose(occasion: Occasion, language: Language, facts: &Facts<'_>) -> Letter {
    let report = facts.report;
    let documents = report.documents.seen;
    let mut letter = match occasion {
        Occasion::Failing => failing(language, facts),
        Occasion::Recovered => Letter {
            headline: language.pick("works again", "fungerar igen").to_owned(),
            sentence: language
                .pick(
                    "The last run was complete: everything that iBinder lists is mirrored.",
                    "Den senaste körningen var fullständig: allt som iBinder listar är speglat.",
                )
                .to_owned(),
            ..Letter::default()
        },
        Occasion::Well => Letter {
            headline: format!(
                "{}, {}",
                language.pick("all is well", "allt är väl"),
                language.count(documents, ("document", "documents"), ("dokument", "dokument"))
            ),
            sentence: language
                .pick(
                    "The last run was complete: everything that iBinder lists is mirrored. This mail comes once a month; if it stops coming, somebody should look.",
                    "Den senaste körningen var fullständig: allt som iBinder listar är speglat. Det här mejlet kommer en gång i månaden; om det uteblir bör någon se efter.",
                )
                .to_owned(),
            ..Letter::default()
        },
    };
    letter.subject = subject(language, facts.name, &letter.headline);
    letter.language = language;
    letter.facts = rows(language, facts);
    letter.foot = foot(language, facts);
    letter
}

/// A mail that shows that mail works.
pub fn trial(language: Language, name: &str, machine: &str) -> Letter {
    let headline = language.pick("test mail", "provmejl").to_owned();
    Letter {
        subject: subject(language, name, &headline),
        language,
        headline,
        sentence: language
            .pick(
                "Mail works. You will get a mail when a run fails or is incomplete, when it works again, and once a month if all is well; at most one a day.",
                "Mejl fungerar. Du får ett mejl när en körning misslyckas eller är ofullständig, när den fungerar igen, och en gång i månaden om allt är väl; högst ett om dagen.",
            )
            .to_owned(),
        foot: sender(language, machine),
        ..Letter::default()
    }
}

fn subject(language: Language, name: &str, headline: &str) -> String {
    let name: String = escape_line(name).chars().take(LONGEST_NAME).collect();
    format!("{} {name}: {headline}", language.pick("iBinder backup", "iBinder-kopia"))
}

fn failing(language: Language, facts: &Facts<'_>) -> Letter {
    let problem = Problem::of(facts.exit_code);
    // Other messages may name documents.
    let is_quoted = facts.names || matches!(problem, Problem::Settings | Problem::Credentials);
    let of_run = |failure: &&Failure| failure.document_id.is_none() && failure.binder_id.is_none();
    let of_copy = facts.report.copy.as_ref().and_then(|copy| copy.error.as_deref());
    let of_run = facts.report.failures.iter().rev().find(of_run).map(|failure| failure.error.as_str());
    let quote = if problem == Problem::NotCopied { of_copy } else { of_run.filter(|_| is_quoted) };
    Letter {
        is_bad: true,
        headline: problem.short(language, facts.report),
        sentence: problem.sentence(language).to_owned(),
        quote: quote.map(|error| escape_line(error).chars().take(LONGEST_QUOTE).collect()),
        advice: Some(problem.advice(language)),
        lists: lists(language, facts),
        ..Letter::default()
    }
}

fn lists(language: Language, facts: &Facts<'_>) -> Vec<(&'static str, Vec<String>)> {
    let report = facts.report;
    let of_documents = report.failures.iter().filter(|failure| failure.cause != FailureCause::Run);
    let mut causes: BTreeMap<FailureCause, u64> = BTreeMap::new();
    for failure in of_documents.clone() {
        *causes.entry(failure.cause).or_default() += 1;
    }
    let causes =
        causes.into_iter().map(|(cause, count)| format!("{} × {}", language.number(count), language.cause(cause)));
    let mut lists = vec![(language.pick("Causes", "Orsaker"), causes.collect::<Vec<_>>())];
    if facts.names {
        let failed = of_documents.filter_map(|failure| failure.file_name.as_deref());
        lists.push((language.pick("Failed", "Misslyckades"), named(language, failed)));
        let withheld = report.withheld.iter().map(|document| document.path.as_str());
        lists.push((language.pick("Missing in iBinder, kept", "Saknas i iBinder, behölls"), named(language, withheld)));
    }
    lists.retain(|(_, lines)| !lines.is_empty());
    lists
}

fn named<'n>(language: Language, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut lines: Vec<String> = names.map(escape_line).collect();
    let more = lines.len().saturating_sub(MOST_NAMES);
    if more > 0 {
        lines.truncate(MOST_NAMES);
        lines.push(format!("{} {}", language.pick("and more:", "och fler:"), language.number(more as u64)));
    }
    lines
}

fn rows(language: Language, facts: &Facts<'_>) -> Vec<(&'static str, String)> {
    let (report, d) = (facts.report, &facts.report.documents);
    let time = |at: Timestamp| at.to_zoned_datetime(facts.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
    let mut rows = vec![(language.pick("Began", "Började"), time(report.started_at))];
    let began = !report.run_id.is_empty();
    if began {
        rows.push((language.pick("Took", "Tog"), format::time(report.duration_seconds)));
        #[rustfmt::skip]
        let counts = [
            (d.seen,      "Documents in iBinder",     "Dokument i iBinder",       true),
            (d.unchanged, "Unchanged",                "Oförändrade",              false),
            (d.added,     "Added",                    "Tillkomna",                false),
            (d.updated,   "Updated",                  "Uppdaterade",              false),
            (d.moved,     "Moved",                    "Flyttade",                 false),
            (d.removed,   "Removed",                  "Borttagna",                false),
            (d.failed,    "Failed",                   "Misslyckade",              false),
            (d.withheld,  "Missing in iBinder, kept", "Saknas i iBinder, behölls", false),
        ];
        let counts = counts.into_iter().filter(|(count, .., always)| *always || *count > 0);
        rows.extend(counts.map(|(count, en, sv, _)| (language.pick(en, sv), language.number(count))));
        if report.bytes.downloaded > 0 {
            rows.push((language.pick("Downloaded", "Hämtat"), bytes(report.bytes.downloaded)));
        }
    }
    if let Some(copy) = &report.copy {
        let words = if copy.is_current() { ("up to date", "aktuell") } else { ("not up to date", "inte aktuell") };
        let state = language.pick(words.0, words.1);
        let commit = copy.commit.map(|number| format!(", commit {}", language.number(number))).unwrap_or_default();
        rows.push((language.pick("Copy", "Kopia"), format!("{state}{commit}")));
    }
    rows.extend(
        facts.last_complete.map(|at| (language.pick("Last complete run", "Senaste fullständiga körning"), time(at))),
    );
    rows
}

fn foot(language: Language, facts: &Facts<'_>) -> String {
    let place = language.pick("Mirror", "Spegel");
    let run = match facts.report.run_id.as_str() {
        "" => String::new(),
        run => format!(", {} {}", language.pick("run", "körning"), escape_line(run)),
    };
    format!("{place}: {}{run}. {}", escape_line(facts.dest), sender(language, facts.machine))
}

fn sender(language: Language, machine: &str) -> String {
    format!(
        "{} {} {} {}.",
        language.pick("Sent by ibinder-sync", "Skickat av ibinder-sync"),
        env!("CARGO_PKG_VERSION"),
        language.pick("on", "på"),
        escape_line(machine)
    )
}
