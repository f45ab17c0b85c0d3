//! The parts of a page, from top to bottom.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::{
    page::{
        advice, chart,
        data::{ChartPoint, PageLocation, ReportPage},
        failures::{FailureGroup, groups},
        markup::{href, local_time, more, parts},
    },
    report::{Failure, Filters, RunReport, TabsWithoutDocuments, Withheld, format},
};

/// Causes that are shown, and failures of each.
const MOST_CAUSES: usize = 50;
const MOST_OF_A_CAUSE: usize = 100;

/// Documents of a binder whose removal was withheld that are shown.
const MOST_WITHHELD: usize = 1000;

/// Binders with tabs that hold no documents that are shown.
const MOST_BINDERS: usize = 1000;

pub(crate) fn head(page: &ReportPage<'_>) -> Markup {
    let (report, outcome) = (page.report, Some(page.report.outcome));
    let steps = advice::next_steps(report);
    html! {
        header.(chart::class(outcome)) {
            span.badge { (chart::small_mark(outcome)) " " (capital(report.outcome.word())) }
            h1 { (advice::headline(report)) }
            p.meta {
                "Run " (report.run_id) " of organisation " (report.organisation_id) br;
                "Began " (local_time(report.started_at, page.zone, "%-d %b %Y %H:%M %Z")) ", took " (format::time(report.duration_seconds))
            }
            @if !steps.is_empty() {
                div.next { b { "What to do next" } ul { @for step in &steps { li { (coded(step)) } } } }
            }
        }
    }
}

pub(crate) fn tiles(report: &RunReport) -> Markup {
    let d = &report.documents;
    let tiles = [
        (d.failed, "failed", "bad", false),
        (d.withheld, "missing, kept", "some", false),
        (d.added, "added", "", true),
        (d.updated, "updated", "", true),
        (d.moved, "moved", "", true),
        (d.removed, "removed", "", true),
        (d.adopted, "adopted", "", false),
        (d.unchanged, "unchanged", "", true),
        (d.filtered, "filtered", "", false),
        (d.acknowledged, "acknowledged as missing", "some", false),
        (d.without_version, "without a version", "", false),
        (d.purged, "purged, still listed", "", false),
    ];
    html! {
        ul.tiles {
            @for (count, label, class, _) in tiles.into_iter().filter(|(count, .., always)| *always || *count > 0) {
                li class=(if count == 0 { "none" } else { class }) { b { (format::count(count)) } span { (label) } }
            }
        }
    }
}

pub(crate) fn failures(page: &ReportPage<'_>) -> Markup {
    let groups = groups(&page.report.failures);
    section(
        "What failed",
        page.report.failures.len() as u64,
        &html! {
            @for group in groups.iter().take(MOST_CAUSES) {
                (one_cause(page, group, groups.len() <= 3 && group.failures.len() <= 20))
            }
            (more(groups.len().saturating_sub(MOST_CAUSES) as u64, "cause", "causes"))
        },
    )
}

fn one_cause(page: &ReportPage<'_>, group: &FailureGroup<'_>, open: bool) -> Markup {
    let count = group.failures.len();
    let times = if count == 1 { "once".to_owned() } else { format!("{}\u{a0}times", format::count(count as u64)) };
    html! {
        details open[open] {
            summary { b { (capital(group.first.cause.meaning())) } " " span.counts { (times) } span.from { (group.first.error) } }
            (list(&group.failures, MOST_OF_A_CAUSE, |failure| one_failure(page, failure, group.has_more(failure))))
        }
    }
}

fn one_failure(page: &ReportPage<'_>, failure: &Failure, has_more: bool) -> Markup {
    let binder = failure.binder_id.as_deref().map(|id| page.binders.get(id).map_or(id, String::as_str));
    let name = match (&failure.file_name, &failure.document_id, binder) {
        (Some(name), ..) if !name.is_empty() => name.as_str(),
        (_, Some(id), _) => id.as_str(),
        (_, None, Some(_)) => "the binder itself",
        (_, None, None) => "the run itself",
    };
    let mut details = Vec::new();
    details.extend(binder.map(|binder| html! { "binder " bdi { (binder) } }));
    if failure.attempts > 1 {
        details.push(html! { "tried " (failure.attempts) "\u{a0}times" });
    }
    details.extend(failure.trace_id.as_deref().map(|trace| html! { "trace " (trace) }));
    html! {
        li data-id=(failure.document_id.as_deref().unwrap_or_default()) {
            bdi { (name) } " "
            span.soft { @for (n, detail) in details.iter().enumerate() { @if n > 0 { " · " } (detail) } }
            @if has_more { span.from { (failure.error) } }
        }
    }
}

/// Documents that are missing in iBinder and were kept, by binder.
pub(crate) fn withheld(report: &RunReport) -> Markup {
    let mut binders: BTreeMap<(&str, &str), Vec<&Withheld>> = BTreeMap::new();
    for one in &report.withheld {
        binders.entry((&one.binder, &one.binder_id)).or_default().push(one);
    }
    section(
        "Missing in iBinder, kept",
        report.withheld.len() as u64,
        &html! {
            @for ((name, id), documents) in &binders {
                details open[documents.len() <= 100] {
                    summary {
                        b { bdi { (name) } } " "
                        span.counts { (format::number_of(documents.len() as u64, "document", "documents")) } " " span.soft { (id) }
                    }
                    (list(documents, MOST_WITHHELD, |one| html! { li data-id=(one.document_id) { bdi { (one.path) } } }))
                }
            }
        },
    )
}

pub(crate) fn warnings(report: &RunReport) -> Markup {
    let count = report.warnings.len();
    section(
        "Warnings",
        count as u64,
        &html! {
            details open[count <= 10] {
                summary { (format::number_of(count as u64, "warning", "warnings")) }
                (list(&report.warnings, count, |warning| html! { li { (coded(warning)) } }))
            }
        },
    )
}

/// Binders with tabs that hold no documents.
pub(crate) fn tabs(report: &RunReport) -> Markup {
    let binders = &report.tabs_without_documents;
    let row = |one: &TabsWithoutDocuments| {
        html! {
            li {
                b { bdi { (one.binder) } } ": " (format::number_of(one.tabs, "tab holds", "tabs hold"))
                " no documents: checklists and content tabs are not mirrored " span.soft { (one.binder_id) }
            }
        }
    };
    section(
        "Tabs without documents",
        binders.iter().map(|binder| binder.tabs).sum(),
        &html! {
            details open[binders.len() <= 10] { summary { "By binder" } (list(binders, MOST_BINDERS, row)) }
        },
    )
}

/// A section with a count in its title; nothing if the count is 0.
fn section(title: &str, count: u64, content: &Markup) -> Markup {
    html! {
        @if count > 0 { section { h2 { (title) " " span.counts { (format::count(count)) } } (content) } }
    }
}

/// The first items of a list.
fn list<T>(items: &[T], most: usize, row: impl Fn(&T) -> Markup) -> Markup {
    html! {
        ul.docs { @for item in items.iter().take(most) { (row(item)) } }
        (more(items.len().saturating_sub(most) as u64, "in the JSON report", "in the JSON report"))
    }
}

pub(crate) fn runs(page: &ReportPage<'_>, location: PageLocation) -> Markup {
    html! {
        @if page.runs.len() > 1 {
            section {
                h2 { "The last " (page.runs.len()) " runs" }
                (chart::charts(page.runs, page.zone))
                details {
                    summary { "The same as a table" }
                    div.wide { table {
                        tr {
                            @for name in ["Run", "Began", "Ended"] { th { (name) } }
                            @for name in ["Changed", "Failed", "Downloaded", "Duration"] { th.n { (name) } }
                        }
                        @for point in page.runs.iter().rev() { (row(page, point, location)) }
                    } }
                }
            }
        }
    }
}

fn row(page: &ReportPage<'_>, point: &ChartPoint, location: PageLocation) -> Markup {
    let number = point.id.split('-').next().unwrap_or_default();
    let cells = [
        point.changed.map(format::count),
        point.failed.map(format::count),
        point.bytes.map(format::bytes),
        point.seconds.map(format::time),
    ];
    html! {
        tr {
            td { @if point.page { a href={ (location.runs()) (href(&point.id)) ".html" } { (number) } } @else { (number) } }
            td { (local_time(point.started_at, page.zone, "%-d %b %Y %H:%M")) }
            td { (chart::small_mark(point.outcome)) " " (chart::word(point.outcome)) }
            @for cell in cells { td.n { (cell.unwrap_or_else(|| "–".to_owned())) } }
        }
    }
}

pub(crate) fn numbers(report: &RunReport) -> Markup {
    let (b, r, freed) = (&report.binders, &report.requests, &report.freed);
    let binders = [
        (b.listed, "listed"),
        (b.filtered, "filtered"),
        (b.crawled, "read"),
        (b.uncertified, "not consistent"),
        (b.inaccessible, "not accessible"),
        (b.failed, "failed"),
    ];
    let requests = [
        (r.api, "to the API"),
        (r.storage, "to storage"),
        (r.token, "for a token"),
        (r.retried, "repeated"),
        (r.throttled, "refused as too many"),
    ];
    html! {
        section {
            h2 { "In numbers" }
            dl {
                dt { "Documents" } dd { (format::count(report.documents.seen)) " listed" }
                dt { "Binders" } dd { (parts(&binders)) }
                dt { "Downloaded" } dd { (format::bytes(report.bytes.downloaded)) }
                dt { "Requests" } dd { (parts(&requests)) }
                @if let Some(filters) = &report.filters {
                    dt { "Filters" }
                    dd { (Filters::left_out(b.filtered, report.documents.filtered)) " left out by " (filters.flags().join(" ")) }
                }
                @if let Some(s) = &report.scrub {
                    dt { "Checked" }
                    dd {
                        (format::bytes(s.bytes)) ", "
                        (parts(&[(s.documents, "documents"), (s.objects, "objects"), (s.damaged, "damaged"), (s.repaired, "repaired")]))
                    }
                }
                @if freed.versions + freed.objects > 0 {
                    dt { "Deleted by retention" }
                    dd { (format::bytes(freed.bytes)) ", " (parts(&[(freed.versions, "old versions"), (freed.objects, "objects")])) }
                }
            }
        }
    }
}

pub(crate) fn foot(report: &RunReport, location: PageLocation) -> Markup {
    let json = match location {
        PageLocation::Runs => format!("{}.json", href(&report.run_id)),
        PageLocation::State => "last-run.json".to_owned(),
    };
    html! {
        footer {
            "Made by ibinder-sync " (env!("CARGO_PKG_VERSION")) ". " a href=(json) { "The same report as JSON" }
            ". Links lead into the mirror as it is now."
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
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
