//! The parts of a page, from top to bottom.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    page::{
        ChartPoint, PageLocation, ReportPage, RunReport, advice, chart,
        escape::{href, text},
        failures::{FailureGroup, causes},
    },
    report::{Failure, Filters, Withheld, format},
};

/// Causes that are shown, and failures of each.
const MOST_CAUSES: usize = 50;
const MOST_OF_A_CAUSE: usize = 100;

/// Documents of a binder whose removal was withheld that are shown.
const MOST_WITHHELD: usize = 1000;

/// Binders with tabs that hold no documents that are shown.
const MOST_BINDERS: usize = 1000;

pub(crate) fn head(page: &ReportPage<'_>) -> String {
    let report = page.report;
    let outcome = Some(report.outcome);
    let mut out = format!(
        "<header class=\"{}\">\n<span class=\"badge\">{} {}</span>\n<h1>{}</h1>\n<p class=\"meta\">Run {} of organisation {}<br>Began {}, took {}</p>\n",
        chart::class(outcome),
        chart::small_mark(outcome),
        capital(report.outcome.word()),
        text(&advice::headline(report)),
        text(&report.run_id),
        text(&report.organisation_id),
        report.started_at.to_zoned_datetime(page.zone.clone()).strftime("%-d %b %Y %H:%M %Z"),
        format::time(report.duration_seconds),
    );
    let steps = advice::next_steps(report);
    if !steps.is_empty() {
        out.push_str("<div class=\"next\"><b>What to do next</b>\n<ul>\n");
        for step in steps {
            out.push_str(&format!("<li>{}</li>\n", coded(&step)));
        }
        out.push_str("</ul></div>\n");
    }
    out.push_str("</header>\n");
    out
}

pub(crate) fn tiles(report: &RunReport) -> String {
    let d = &report.documents;
    let mut out = String::from("<ul class=\"tiles\">\n");
    for (count, label, class, always) in [
        (d.failed, "failed", "bad", false),
        (d.withheld, "withheld", "some", false),
        (d.added, "added", "", true),
        (d.updated, "updated", "", true),
        (d.moved, "moved", "", true),
        (d.removed, "removed", "", true),
        (d.adopted, "taken over", "", false),
        (d.unchanged, "unchanged", "", true),
        (d.filtered, "left out", "", false),
        (d.acknowledged, "acknowledged as missing", "some", false),
        (d.without_version, "without a version", "", false),
        (d.purged, "erased, still listed", "", false),
    ] {
        if always || count > 0 {
            let class = if count == 0 { "none" } else { class };
            out.push_str(&format!("<li class=\"{class}\"><b>{}</b><span>{label}</span></li>\n", format::count(count)));
        }
    }
    out.push_str("</ul>\n");
    out
}

pub(crate) fn failures(page: &ReportPage<'_>) -> String {
    let failures = &page.report.failures;
    if failures.is_empty() {
        return String::new();
    }
    let causes = causes(failures);
    let mut out = format!(
        "<section>\n<h2>What failed <span class=\"counts\">{}</span></h2>\n",
        format::count(failures.len() as u64)
    );
    for cause in causes.iter().take(MOST_CAUSES) {
        out.push_str(&one_cause(page, cause, causes.len() <= 3 && cause.failures.len() <= 20));
    }
    more(&mut out, causes.len().saturating_sub(MOST_CAUSES), "cause", "causes");
    out.push_str("</section>\n");
    out
}

fn one_cause(page: &ReportPage<'_>, cause: &FailureGroup<'_>, open: bool) -> String {
    let count = cause.failures.len();
    let mut out = format!(
        "<details{}>\n<summary class=\"cause\"><b>{}</b> <span class=\"counts\">{}</span><span class=\"from\">{}</span></summary>\n<ul class=\"docs\">\n",
        if open { " open" } else { "" },
        text(&capital(cause.kind.meaning())),
        if count == 1 { "once".to_owned() } else { format!("{}\u{a0}times", format::count(count as u64)) },
        text(&cause.text)
    );
    for failure in cause.failures.iter().take(MOST_OF_A_CAUSE) {
        out.push_str(&one_failure(page, failure, &cause.text));
    }
    out.push_str("</ul>\n");
    more(&mut out, count.saturating_sub(MOST_OF_A_CAUSE), "in the JSON report", "in the JSON report");
    out.push_str("</details>\n");
    out
}

fn one_failure(page: &ReportPage<'_>, failure: &Failure, cause: &str) -> String {
    let binder = failure.binder_id.as_deref().map(|id| page.binders.get(id).map_or(id, String::as_str));
    let name = match (&failure.file_name, &failure.document_id, binder) {
        (Some(name), ..) if !name.is_empty() => name.as_str(),
        (_, Some(id), _) => id.as_str(),
        (_, None, Some(_)) => "the binder itself",
        (_, None, None) => "the run itself",
    };
    let mut details = Vec::new();
    details.extend(binder.map(|binder| format!("binder <bdi>{}</bdi>", text(binder))));
    if failure.attempts > 1 {
        details.push(format!("tried {}\u{a0}times", failure.attempts));
    }
    details.extend(failure.trace_id.as_deref().map(|trace| format!("trace {}", text(trace))));
    // What the cause leaves out is the name and ids, which stand here, and what is in quotes.
    let own = if failure.error.contains('"') && failure.error != cause {
        format!("<span class=\"from\">{}</span>", text(&failure.error))
    } else {
        String::new()
    };
    format!(
        "<li data-id=\"{}\"><bdi>{}</bdi> <span class=\"soft\">{}</span>{own}</li>\n",
        text(failure.document_id.as_deref().unwrap_or_default()),
        text(name),
        details.join(" · ")
    )
}

/// Documents that are missing in iBinder and were kept, by binder.
pub(crate) fn withheld(report: &RunReport) -> String {
    if report.withheld.is_empty() {
        return String::new();
    }
    let mut binders: BTreeMap<(&str, &str), Vec<&Withheld>> = BTreeMap::new();
    for one in &report.withheld {
        binders.entry((&one.binder, &one.binder_id)).or_default().push(one);
    }
    let all = format::count(report.withheld.len() as u64);
    let mut out = format!("<section>\n<h2>Withheld <span class=\"counts\">{all}</span></h2>\n");
    for ((name, id), documents) in binders {
        let count = documents.len();
        out.push_str(&format!(
            "<details{}>\n<summary><b><bdi>{}</bdi></b> <span class=\"counts\">{}</span> <span class=\"soft\">{}</span></summary>\n<ul class=\"docs\">\n",
            if count <= 100 { " open" } else { "" },
            text(name),
            format::number_of(count as u64, "document", "documents"),
            text(id)
        ));
        for one in documents.iter().take(MOST_WITHHELD) {
            out.push_str(&format!("<li data-id=\"{}\"><bdi>{}</bdi></li>\n", text(&one.document_id), text(&one.path)));
        }
        out.push_str("</ul>\n");
        more(&mut out, count.saturating_sub(MOST_WITHHELD), "in the JSON report", "in the JSON report");
        out.push_str("</details>\n");
    }
    out.push_str("</section>\n");
    out
}

pub(crate) fn warnings(report: &RunReport) -> String {
    if report.warnings.is_empty() {
        return String::new();
    }
    let count = report.warnings.len();
    let mut out = format!(
        "<section>\n<h2>Warnings <span class=\"counts\">{count}</span></h2>\n<details{}>\n<summary>What somebody should know</summary>\n<ul class=\"docs\">\n",
        if count <= 10 { " open" } else { "" }
    );
    for warning in &report.warnings {
        out.push_str(&format!("<li class=\"said\">{}</li>\n", coded(warning)));
    }
    out.push_str("</ul>\n</details>\n</section>\n");
    out
}

/// Binders with tabs that hold no documents.
pub(crate) fn tabs(report: &RunReport) -> String {
    let binders = &report.tabs_without_documents;
    if binders.is_empty() {
        return String::new();
    }
    let all = format::count(binders.iter().map(|binder| binder.tabs).sum());
    let mut out = format!(
        "<section>\n<h2>Tabs without documents <span class=\"counts\">{all}</span></h2>\n<details{}>\n<summary>By binder</summary>\n<ul class=\"docs\">\n",
        if binders.len() <= 10 { " open" } else { "" }
    );
    for one in binders.iter().take(MOST_BINDERS) {
        let tabs = format::number_of(one.tabs, "tab holds", "tabs hold");
        out.push_str(&format!(
            "<li><b><bdi>{}</bdi></b>: {tabs} no documents: checklists and content tabs are not mirrored <span class=\"soft\">{}</span></li>\n",
            text(&one.binder),
            text(&one.binder_id)
        ));
    }
    out.push_str("</ul>\n");
    more(&mut out, binders.len().saturating_sub(MOST_BINDERS), "in the JSON report", "in the JSON report");
    out.push_str("</details>\n</section>\n");
    out
}

pub(crate) fn runs(page: &ReportPage<'_>, place: PageLocation) -> String {
    if page.runs.len() < 2 {
        return String::new();
    }
    let mut out = format!("<section>\n<h2>The last {} runs</h2>\n", page.runs.len());
    out.push_str(&chart::charts(page.runs, page.zone));
    out.push_str(
        "<details>\n<summary>The same as a table</summary>\n<div class=\"wide\"><table>\n\
         <tr><th>Run</th><th>Began</th><th>Ended</th><th class=\"n\">Changed</th><th class=\"n\">Failed</th><th class=\"n\">Bytes</th><th class=\"n\">Time</th></tr>\n",
    );
    for point in page.runs.iter().rev() {
        out.push_str(&row(point, page.zone, place));
    }
    out.push_str("</table></div>\n</details>\n</section>\n");
    out
}

fn row(point: &ChartPoint, zone: &TimeZone, place: PageLocation) -> String {
    let number = point.id.split('-').next().unwrap_or_default();
    let name = if point.page {
        format!("<a href=\"{}{}.html\">{}</a>", place.runs(), href(&point.id), text(number))
    } else {
        text(number)
    };
    let dash = || "–".to_owned();
    format!(
        "<tr><td>{name}</td><td>{}</td><td>{} {}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
        moment(point.started_at, zone),
        chart::small_mark(point.outcome),
        chart::word(point.outcome),
        point.changed.map_or_else(dash, format::count),
        point.failed.map_or_else(dash, format::count),
        point.bytes.map_or_else(dash, format::bytes),
        point.seconds.map_or_else(dash, format::time),
    )
}

pub(crate) fn numbers(report: &RunReport) -> String {
    let (b, r) = (&report.binders, &report.requests);
    let mut rows = vec![
        ("Documents", format!("{} listed", format::count(report.documents.seen))),
        (
            "Binders",
            parts(&[
                (b.listed, "listed"),
                (b.filtered, "left out"),
                (b.crawled, "read"),
                (b.uncertified, "not consistent"),
                (b.inaccessible, "not accessible"),
                (b.failed, "failed"),
            ]),
        ),
        ("Downloaded", format::bytes(report.bytes.downloaded)),
        (
            "Requests",
            parts(&[
                (r.api, "to the API"),
                (r.storage, "to storage"),
                (r.token, "for a token"),
                (r.retried, "repeated"),
                (r.throttled, "refused as too many"),
            ]),
        ),
    ];
    if let Some(filters) = &report.filters {
        let left_out = Filters::left_out(b.filtered, report.documents.filtered);
        rows.push(("Filters", format!("{left_out} left out by {}", text(&filters.flags().join(" ")))));
    }
    if let Some(scrub) = &report.scrub {
        rows.push((
            "Checked",
            format!(
                "{}, {}",
                format::bytes(scrub.bytes),
                parts(&[
                    (scrub.documents, "documents"),
                    (scrub.objects, "objects"),
                    (scrub.damaged, "damaged"),
                    (scrub.repaired, "repaired")
                ])
            ),
        ));
    }
    let freed = &report.freed;
    if freed.versions + freed.objects > 0 {
        rows.push((
            "Let go by retention",
            format!(
                "{}, {}",
                format::bytes(freed.bytes),
                parts(&[(freed.versions, "past versions"), (freed.objects, "objects")])
            ),
        ));
    }
    let mut out = String::from("<section>\n<h2>In numbers</h2>\n<dl>\n");
    for (name, value) in rows {
        let _ = writeln!(out, "<dt>{name}</dt><dd>{value}</dd>");
    }
    out.push_str("</dl>\n</section>\n");
    out
}

pub(crate) fn foot(report: &RunReport, place: PageLocation) -> String {
    let json = match place {
        PageLocation::Runs => format!("{}.json", href(&report.run_id)),
        PageLocation::State => "last-run.json".to_owned(),
    };
    format!(
        "<footer>Made by ibinder-sync {}. <a href=\"{json}\">The same report as JSON</a>. Links lead into the mirror as it is now.</footer>\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// Those that are not nothing.
pub(crate) fn parts(counted: &[(u64, &str)]) -> String {
    let told: Vec<String> =
        counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{}\u{a0}{what}", format::count(*n))).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

pub(crate) fn more(out: &mut String, count: usize, one: &str, many: &str) {
    if count > 0 {
        let what = if count == 1 { one } else { many };
        out.push_str(&format!("<p class=\"soft\">and {} more {what}</p>\n", format::count(count as u64)));
    }
}

/// A text whose words in backquotes are to be typed.
fn coded(said: &str) -> String {
    let mut parts = said.split('`');
    let mut out = text(parts.next().unwrap_or_default());
    while let Some(code) = parts.next() {
        match parts.next() {
            Some(rest) => out.push_str(&format!("<code>{}</code>{}", text(code), text(rest))),
            None => out.push_str(&format!("`{}", text(code))),
        }
    }
    out
}

fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%-d %b %Y %H:%M").to_string()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
