//! The parts of a page, from top to bottom.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::{
    page::{
        advice,
        chart::{self, Words},
        data::{ChartPoint, PageLocation, ReportPage},
        failures::{FailureGroup, groups},
        markup::{href, local_time, more, parts},
        warnings::warnings_in,
    },
    report::{Failure, Filters, Language, RunReport, TabsWithoutDocuments, Withheld},
};

/// Causes that are shown, and failures of each.
const MOST_CAUSES: usize = 50;
const MOST_OF_A_CAUSE: usize = 100;

/// Documents of a binder whose removal was withheld that are shown.
const MOST_WITHHELD: usize = 1000;

/// Binders with tabs that hold no documents that are shown.
const MOST_BINDERS: usize = 1000;

pub(crate) fn head(page: &ReportPage<'_>) -> Markup {
    let (report, outcome, language) = (page.report, Some(page.report.outcome), page.language);
    let steps = advice::next_steps(report, language);
    let began = format!("{} %Z", language.time_pattern());
    html! {
        header.(chart::class(outcome)) {
            @if let Some(name) = page.organisation { p.organisation { bdi { (name) } } }
            span.badge { (chart::small_mark(outcome)) " " (capital(chart::word(outcome, language))) }
            h1 { (advice::headline(report, language)) }
            p.meta {
                (run(report, language)) br;
                (language.pick("Began ", "Började ")) (local_time(report.started_at, page.zone, &began))
                @if !report.run_id.is_empty() { (language.pick(", took ", ", tog ")) (language.time(report.duration_seconds)) }
            }
            @if !steps.is_empty() {
                div.next {
                    b { (language.pick("What to do next", "Att göra")) }
                    ul { @for step in &steps { li { (coded(step)) } } }
                }
            }
        }
    }
}

/// The run and its organisation. A run that could not begin has no id.
fn run(report: &RunReport, language: Language) -> Markup {
    html! {
        @if report.run_id.is_empty() { (language.pick("A run that could not begin or continue", "En körning som inte kunde börja eller fortsätta")) }
        @else { (language.pick("Run ", "Körning ")) (report.run_id) }
        @if !report.organisation_id.is_empty() { (language.pick(" of organisation ", " av organisation ")) (report.organisation_id) }
    }
}

pub(crate) fn tiles(report: &RunReport, language: Language) -> Markup {
    let d = &report.documents;
    #[rustfmt::skip]
    let tiles = [
        (d.failed, "failed", "misslyckade", "bad", false),
        (d.withheld, "missing, kept", "saknas, behölls", "some", false),
        (d.added, "added", "tillagda", "", true),
        (d.updated, "updated", "uppdaterade", "", true),
        (d.moved, "moved", "flyttade", "", true),
        (d.removed, "removed", "borttagna", "", true),
        (d.adopted, "adopted", "övertagna", "", false),
        (d.unchanged, "unchanged", "oförändrade", "", true),
        (d.filtered, "filtered", "bortvalda", "", false),
        (d.acknowledged, "acknowledged as missing", "godkända som saknade", "some", false),
        (d.without_version, "without a version", "utan version", "", false),
        (d.purged, "purged, still listed", "raderade, listas ännu", "", false),
    ];
    html! {
        ul.tiles {
            @for (count, en, sv, class, _) in tiles.into_iter().filter(|(count, .., always)| *always || *count > 0) {
                li class=(if count == 0 { "none" } else { class }) {
                    b { (language.number(count)) } span { (language.pick(en, sv)) }
                }
            }
        }
    }
}

pub(crate) fn failures(page: &ReportPage<'_>) -> Markup {
    let (groups, language) = (groups(&page.report.failures), page.language);
    section(
        language,
        language.pick("What failed", "Det som misslyckades"),
        page.report.failures.len() as u64,
        &html! {
            @for group in groups.iter().take(MOST_CAUSES) {
                (one_cause(page, group, groups.len() <= 3 && group.failures.len() <= 20))
            }
            (more(language, groups.len().saturating_sub(MOST_CAUSES) as u64, ("more cause", "more causes"), ("orsak till", "orsaker till")))
        },
    )
}

fn one_cause(page: &ReportPage<'_>, group: &FailureGroup<'_>, open: bool) -> Markup {
    let count = group.failures.len();
    let times = times(count as u64, page.language);
    html! {
        details open[open] {
            summary {
                b { (capital(page.language.cause(group.first.cause))) } " " span.counts { (times) }
                span.from lang=[foreign(page.language)] { (group.first.error) }
            }
            (list(page.language, &group.failures, MOST_OF_A_CAUSE, |failure| one_failure(page, failure, group.has_more(failure))))
        }
    }
}

fn times(count: u64, language: Language) -> String {
    match count {
        1 => language.pick("once", "en gång").to_owned(),
        _ => format!("{}\u{a0}{}", language.number(count), language.pick("times", "gånger")),
    }
}

/// The language of the program's messages, where it is not that of the page.
pub(super) fn foreign(language: Language) -> Option<&'static str> {
    (language != Language::English).then_some("en")
}

fn one_failure(page: &ReportPage<'_>, failure: &Failure, has_more: bool) -> Markup {
    let language = page.language;
    let binder = failure.binder_id.as_deref().map(|id| page.binders.get(id).map_or(id, String::as_str));
    let name = match (&failure.file_name, &failure.document_id, binder) {
        (Some(name), ..) if !name.is_empty() => name.as_str(),
        (_, Some(id), _) => id.as_str(),
        (_, None, Some(_)) => language.pick("the binder itself", "pärmen själv"),
        (_, None, None) => language.pick("the run itself", "körningen själv"),
    };
    let mut details = Vec::new();
    details.extend(binder.map(|binder| html! { (language.pick("binder ", "pärm ")) bdi { (binder) } }));
    if failure.attempts > 1 {
        details.push(html! { (language.pick("tried ", "försökt ")) (times(failure.attempts.into(), language)) });
    }
    details.extend(failure.trace_id.as_deref().map(|trace| html! { "trace " (trace) }));
    html! {
        li data-id=(failure.document_id.as_deref().unwrap_or_default()) {
            bdi { (name) } " "
            span.soft { @for (n, detail) in details.iter().enumerate() { @if n > 0 { " · " } (detail) } }
            @if has_more { span.from lang=[foreign(language)] { (failure.error) } }
        }
    }
}

/// Documents that are missing in iBinder and were kept, by binder.
pub(crate) fn withheld(report: &RunReport, language: Language) -> Markup {
    let mut binders: BTreeMap<(&str, &str), Vec<&Withheld>> = BTreeMap::new();
    for one in &report.withheld {
        binders.entry((&one.binder, &one.binder_id)).or_default().push(one);
    }
    section(
        language,
        language.pick("Missing in iBinder, kept", "Saknas i iBinder, behölls"),
        report.withheld.len() as u64,
        &html! {
            @for ((name, id), documents) in &binders {
                details open[documents.len() <= 100] {
                    summary {
                        b { bdi { (name) } } " "
                        span.counts { (language.documents(documents.len() as u64)) } " " span.soft { (id) }
                    }
                    (list(language, documents, MOST_WITHHELD, |one| html! { li data-id=(one.document_id) { bdi { (one.path) } } }))
                }
            }
        },
    )
}

pub(crate) fn warnings(report: &RunReport, language: Language) -> Markup {
    let warnings = warnings_in(language, report);
    let count = warnings.len();
    section(
        language,
        language.pick("Warnings", "Varningar"),
        count as u64,
        &html! {
            details open[count <= 10] {
                summary { (language.count(count as u64, ("warning", "warnings"), ("varning", "varningar"))) }
                (list(language, &warnings, count, |warning| html! { li { (coded(warning)) } }))
            }
        },
    )
}

/// Binders with tabs that hold no documents.
pub(crate) fn tabs(report: &RunReport, language: Language) -> Markup {
    let binders = &report.tabs_without_documents;
    let row = |one: &TabsWithoutDocuments| {
        let tabs = language.count(one.tabs, ("tab holds", "tabs hold"), ("flik har", "flikar har"));
        html! {
            li {
                b { bdi { (one.binder) } } ": " (tabs)
                (language.pick(
                    " no documents: checklists and content tabs are not mirrored ",
                    " inga dokument: checklistor och innehållsflikar speglas inte ",
                ))
                span.soft { (one.binder_id) }
            }
        }
    };
    section(
        language,
        language.pick("Tabs without documents", "Flikar utan dokument"),
        binders.iter().map(|binder| binder.tabs).sum(),
        &html! {
            details open[binders.len() <= 10] {
                summary { (language.pick("By binder", "Per pärm")) } (list(language, binders, MOST_BINDERS, row))
            }
        },
    )
}

/// A section with a count in its title; nothing if the count is 0.
fn section(language: Language, title: &str, count: u64, content: &Markup) -> Markup {
    html! {
        @if count > 0 { section { h2 { (title) " " span.counts { (language.number(count)) } } (content) } }
    }
}

/// The first items of a list.
fn list<T>(language: Language, items: &[T], most: usize, row: impl Fn(&T) -> Markup) -> Markup {
    const ENGLISH: &str = "more in the JSON report";
    const SWEDISH: &str = "till i JSON-rapporten";
    html! {
        ul.docs { @for item in items.iter().take(most) { (row(item)) } }
        (more(language, items.len().saturating_sub(most) as u64, (ENGLISH, ENGLISH), (SWEDISH, SWEDISH)))
    }
}

pub(crate) fn runs(page: &ReportPage<'_>, location: PageLocation<'_>) -> Markup {
    let language = page.language;
    let pick = |(english, swedish)| language.pick(english, swedish);
    let texts = [("Run", "Körning"), ("Began", "Började"), ("Ended", "Slut")];
    let numbers = [("Changed", "Ändrade"), ("Failed", "Misslyckade"), ("Downloaded", "Hämtat"), ("Duration", "Tid")];
    html! {
        @if page.runs.len() > 1 {
            section {
                h2 { (language.pick("The last ", "De senaste ")) (page.runs.len()) (language.pick(" runs", " körningarna")) }
                (chart::charts(page.runs, Words { language, zone: page.zone }))
                details {
                    summary { (language.pick("The same as a table", "Samma som tabell")) }
                    div.wide { table {
                        tr { @for name in texts { th { (pick(name)) } } @for name in numbers { th.n { (pick(name)) } } }
                        @for point in page.runs.iter().rev() { (row(page, point, location)) }
                    } }
                }
            }
        }
    }
}

fn row(page: &ReportPage<'_>, point: &ChartPoint, location: PageLocation<'_>) -> Markup {
    let (number, language) = (point.id.split('-').next().unwrap_or_default(), page.language);
    let cells = [
        point.changed.map(|count| language.number(count)),
        point.failed.map(|count| language.number(count)),
        point.bytes.map(|bytes| language.bytes(bytes)),
        point.seconds.map(|seconds| language.time(seconds)),
    ];
    let runs = location.runs().filter(|_| point.page);
    html! {
        tr {
            td { @if let Some(runs) = runs { a href={ (runs) (href(&point.id)) ".html" } { (number) } } @else { (number) } }
            td { (local_time(point.started_at, page.zone, language.time_pattern())) }
            td { (chart::small_mark(point.outcome)) " " (chart::word(point.outcome, language)) }
            @for cell in cells { td.n { (cell.unwrap_or_else(|| "–".to_owned())) } }
        }
    }
}

pub(crate) fn numbers(report: &RunReport, language: Language) -> Markup {
    let (b, r, freed) = (&report.binders, &report.requests, &report.freed);
    let pick = |english, swedish| language.pick(english, swedish);
    let binders = [
        (b.listed, "listed", "listade"),
        (b.filtered, "filtered", "bortvalda"),
        (b.crawled, "read", "lästa"),
        (b.uncertified, "not consistent", "motsägelsefulla"),
        (b.inaccessible, "not accessible", "inte åtkomliga"),
        (b.failed, "failed", "misslyckade"),
    ];
    let requests = [
        (r.api, "to the API", "till API:et"),
        (r.storage, "to storage", "till lagringen"),
        (r.token, "for a token", "om inloggning"),
        (r.retried, "repeated", "upprepade"),
        (r.throttled, "refused as too many", "avvisade som för många"),
    ];
    html! {
        section {
            h2 { (pick("In numbers", "I siffror")) }
            dl {
                dt { (pick("Documents", "Dokument")) } dd { (language.number(report.documents.seen)) (pick(" listed", " listade")) }
                dt { (pick("Binders", "Pärmar")) } dd { (parts(language, &binders)) }
                dt { (pick("Downloaded", "Hämtat")) } dd { (language.bytes(report.bytes.downloaded)) }
                dt { (pick("Requests", "Anrop")) } dd { (parts(language, &requests)) }
                @if let Some(filters) = &report.filters {
                    dt { (pick("Filters", "Filter")) }
                    dd { (left_out(report, language)) (pick(" left out by ", " bortvalda av ")) (filters.flags().join(" ")) }
                }
                @if let Some(s) = &report.scrub {
                    dt { (pick("Checked", "Kontrollerat")) }
                    dd {
                        (language.bytes(s.bytes)) ", "
                        (parts(language, &[
                            (s.documents, "documents", "dokument"), (s.objects, "objects", "objekt"),
                            (s.damaged, "damaged", "skadade"), (s.repaired, "repaired", "lagade"),
                        ]))
                    }
                }
                @if freed.versions + freed.objects > 0 {
                    dt { (pick("Deleted by retention", "Gallrat")) }
                    dd {
                        (language.bytes(freed.bytes)) ", "
                        (parts(language, &[(freed.versions, "old versions", "gamla versioner"), (freed.objects, "objects", "objekt")]))
                    }
                }
            }
        }
    }
}

/// What the filters left out.
fn left_out(report: &RunReport, language: Language) -> String {
    let (binders, documents) = (report.binders.filtered, report.documents.filtered);
    match language {
        Language::English => Filters::left_out(binders, documents),
        Language::Swedish if binders == 0 => language.documents(documents),
        Language::Swedish => {
            format!("{} och {}", language.count(binders, ("", ""), ("pärm", "pärmar")), language.documents(documents))
        }
    }
}

pub(crate) fn foot(report: &RunReport, location: PageLocation<'_>, language: Language) -> Markup {
    let json = match location {
        PageLocation::Runs => Some(format!("{}.json", href(&report.run_id))),
        PageLocation::State => Some("last-run.json".to_owned()),
        PageLocation::Outside(_) => None,
    };
    html! {
        footer {
            (language.pick("Made by ibinder-sync ", "Skapad av ibinder-sync ")) (env!("CARGO_PKG_VERSION")) ". "
            @if let Some(json) = json {
                a href=(json) { (language.pick("The same report as JSON", "Samma rapport som JSON")) } ". "
            } @else {
                (language.pick(
                    "Each run replaces this page: if the day at the top is some days ago, tell whoever looks after the backup. ",
                    "Varje körning ersätter den här sidan: om dagen högst upp är flera dagar gammal, säg till den som sköter säkerhetskopian. ",
                ))
            }
            (language.pick("Links lead into the mirror as it is now.", "Länkarna leder in i spegeln som den är nu."))
        }
    }
}

/// A text in which words in backquotes are commands.
fn coded(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    let closed = parts.len() % 2 == 1;
    html! {
        @for (n, part) in parts.iter().enumerate() {
            @if n % 2 == 0 { (part) } @else if closed || n + 1 < parts.len() { code { (part) } } @else { "`" (part) }
        }
    }
}

fn capital(word: &str) -> String {
    if word.starts_with("iBinder") {
        return word.to_owned();
    }
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
