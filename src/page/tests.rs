use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use super::{markup::href, *};
use crate::model::LinkBase;
use crate::report::{
    ChangeKind, ChangeLog, ChangedDocument, CopyReport, CopyResult, Failure, FailureCause, Outcome, RunReport, Scrub,
    Warning, WithheldWarning,
};

/// What a hostile service may call a document.
const HOSTILE: [&str; 5] = [
    "<script>alert(1)</script>.pdf",
    "\"><img src=x onerror=alert(1)>.pdf",
    "</title></style><svg onload=x>'.pdf",
    "a\u{202e}fdp.exe",
    "two\nlines\r.pdf",
];

fn entry(kind: ChangeKind, path: &str, from: Option<&str>) -> ChangedDocument {
    ChangedDocument {
        kind,
        document_id: "3f2a91c0".to_owned(),
        path: path.to_owned(),
        from: from.map(str::to_owned),
        size: 1_200,
    }
}

fn failure(name: &str, error: &str) -> Failure {
    Failure {
        binder_id: Some("k3J9x_a2Q".to_owned()),
        document_id: Some(format!("id of {name}")),
        version_id: Some("v".to_owned()),
        file_name: Some(name.to_owned()),
        attempts: 5,
        trace_id: Some("0af7651916cd43dd".to_owned()),
        ..Failure::of_nobody(FailureCause::Unavailable, error.to_owned())
    }
}

fn point(number: i64, outcome: Option<Outcome>) -> ChartPoint {
    ChartPoint {
        id: format!("{number:06}-20261103T003000Z"),
        started_at: Timestamp::from_second(1_793_000_000 + number * 86_400).unwrap(),
        outcome,
        changed: outcome.map(|_| 3),
        failed: outcome.map(|_| 0),
        bytes: outcome.map(|_| 40_000),
        seconds: outcome.map(|_| 12.5),
        page: number > 1,
    }
}

/// A page with something in each of its parts.
fn page_with(names: &[&str], binder: &str, place: PageLocation<'_>) -> String {
    page_in(Language::English, names, binder, place)
}

fn page_in(language: Language, names: &[&str], binder: &str, place: PageLocation<'_>) -> String {
    let mut report = RunReport::sample(Outcome::Partial);
    report.documents.failed = 2;
    report.documents.withheld = 40;
    report.scrub = Some(Scrub { documents: 2, ..Scrub::default() });
    report.freed.versions = 1;
    report.set_warnings(vec![Warning::Withheld(WithheldWarning {
        binder_id: "k3J9x_a2Q".to_owned(),
        binder: binder.to_owned(),
        count: 40,
        document_ids: Vec::new(),
        paths: Vec::new(),
        confirm: Some(40),
    })]);
    report.warnings = names.iter().map(|name| format!("{name:?} ({name}) stays; run `x --y`")).collect();
    report.failures = names.iter().map(|name| failure(name, &format!("{name}: storage answered 500"))).collect();
    let mut changes = ChangeLog::default();
    for name in names {
        changes.add(entry(ChangeKind::Added, &format!("Brf Eken/Avtal 100 %/{name}"), None));
        changes.add(entry(ChangeKind::Moved, &format!("Brf Eken/{name}"), Some(&format!("Brf Eken/Avtal/{name}"))));
        changes.add(entry(ChangeKind::Updated, &format!("{name}/{name}/{name}"), Some(name)));
        changes.add(entry(ChangeKind::Removed, &format!("Brf Eken/{name}"), None));
    }
    report.changes = Some(changes);
    let runs = [point(1, None), point(2, Some(Outcome::Complete)), point(12, Some(Outcome::Partial))];
    let binders = BTreeMap::from([("k3J9x_a2Q".to_owned(), binder.to_owned())]);
    let organisation = match place {
        PageLocation::Outside(_) => Some(binder),
        PageLocation::Runs | PageLocation::State => None,
    };
    let (report, runs, binders, zone) = (&report, &runs[..], &binders, &TimeZone::UTC);
    let page = ReportPage { report, runs, binders, zone, language, organisation };
    render(&page, place)
}

#[test]
fn a_small_page() {
    let page = page_with(&["Plan 1.pdf"], "Brf Eken", PageLocation::Runs);
    let page = page.replace(STYLE, "(style)").replace(env!("CARGO_PKG_VERSION"), "(version)");
    insta::assert_snapshot!(page.replace("><", ">\n<"));
}

#[test]
fn a_swedish_page_for_readers_elsewhere() {
    let base = LinkBase::parse("mirror").unwrap();
    let page = page_in(Language::Swedish, &["Plan 1.pdf"], "Brf Eken", PageLocation::Outside(&base));
    let page = page.replace(STYLE, "(style)").replace(env!("CARGO_PKG_VERSION"), "(version)");
    assert_eq!(language_of(page.as_bytes()), Language::Swedish);
    insta::assert_snapshot!(page.replace("><", ">\n<"));
}

#[test]
fn names_from_outside_are_text() {
    let tame = page_with(&["a.pdf"], "B", PageLocation::Runs);
    let tags = |page: &str| {
        let names = page.split('<').skip(1).map(|piece| piece.split([' ', '>', '\n']).next().unwrap_or("").to_owned());
        names.collect::<std::collections::BTreeSet<String>>()
    };
    for name in HOSTILE {
        let base = LinkBase::parse("https://x").unwrap();
        let outside = page_in(Language::Swedish, &[name], name, PageLocation::Outside(&base));
        assert!(!outside.contains(['\u{202e}', '\r']) && !outside.contains("<script"), "{name:?}");
        let page = page_with(&[name], name, PageLocation::State);
        assert_eq!(tags(&page), tags(&tame), "{name:?}");
        assert_eq!(page.lines().count(), tame.lines().count(), "{name:?}");
        assert!(!page.contains(['\u{202e}', '\r']), "{name:?}");
    }
    // All of it is inside of the page: no other file is named but the mirror's own and the reports.
    assert!(!tame.contains("http:") && !tame.contains("https:") && !tame.contains("<script"));
    assert!(tame.contains("content=\"default-src 'none'; style-src 'unsafe-inline';"));
}

#[test]
fn links_lead_into_the_tree_from_both_places() {
    for (place, tree, run, json) in [
        (PageLocation::Runs, "../../", "000002-20261103T003000Z.html", "000012-20261103T003000Z.json"),
        (PageLocation::State, "../", "runs/000002-20261103T003000Z.html", "last-run.json"),
    ] {
        let page = page_with(&["a#b.pdf"], "B", place);
        let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.contains(&format!("{tree}Brf%20Eken/Avtal%20100%20%25/a%23b.pdf").as_str()), "{links:?}");
        assert!(links.contains(&run) && links.contains(&json), "{links:?}");
        // The first run has no page, and what was removed no link; there are three folders and three files.
        assert_eq!(links.iter().filter(|link| link.contains(".html")).count(), 2);
        assert_eq!(links.iter().filter(|link| link.starts_with(tree)).count(), 6);
    }
}

#[test]
fn a_page_elsewhere_links_only_into_the_tree() {
    let base = LinkBase::parse(r"\\server\ritningar").unwrap();
    let page = page_with(&["a#b.pdf"], "B", PageLocation::Outside(&base));
    let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.contains(&"file://server/ritningar/Brf%20Eken/a%23b.pdf"), "{links:?}");
    assert!(links.len() == 6 && links.iter().all(|link| link.starts_with("file://server/ritningar/")), "{links:?}");
}

#[test]
fn a_run_that_could_not_begin_has_nothing_to_count() {
    let base = LinkBase::parse("mirror").unwrap();
    let failures = vec![Failure::of_nobody(FailureCause::Run, "no disk".to_owned())];
    let report = &RunReport { failures, ..RunReport::default() };
    let (binders, zone) = (&BTreeMap::new(), &TimeZone::UTC);
    for (language, began) in [(Language::English, "In numbers"), (Language::Swedish, "I siffror")] {
        let page = ReportPage { report, runs: &[], binders, zone, language, organisation: Some("Eken") };
        let page = render(&page, PageLocation::Outside(&base));
        assert!(page.contains("no disk") && page.contains("Eken</bdi>") && !page.contains(began), "{page}");
    }
}

#[test]
fn the_copy_is_shown_and_one_that_is_not_up_to_date_is_something_to_do() {
    let (binders, zone) = (&BTreeMap::new(), &TimeZone::UTC);
    let page = |copy: Option<CopyReport>, language| {
        let report = &RunReport { copy, ..RunReport::sample(Outcome::Complete) };
        render(&ReportPage { report, runs: &[], binders, zone, language, organisation: None }, PageLocation::State)
    };
    let failed = CopyReport {
        location: "s3://b/<eken>".to_owned(),
        commit: Some(1200),
        error: Some("no <bucket>".to_owned()),
        ..CopyReport::default()
    };
    let current = CopyReport { outcome: CopyResult::Unchanged, error: None, ..failed.clone() };
    for (language, title, good, bad) in [
        (Language::English, "<h2>Copy</h2>", "<dd>up to date</dd>", "<b>not up to date</b>: "),
        (Language::Swedish, "<h2>Kopia</h2>", "<dd>aktuell</dd>", "<b>inte aktuell</b>: "),
    ] {
        let (shown, told) = (page(Some(current.clone()), language), page(Some(failed.clone()), language));
        assert!(shown.contains(title) && shown.contains(good) && shown.contains("b/&lt;eken&gt;"), "{shown}");
        assert!(!shown.contains("class=\"next\"") && told.contains("class=\"next\""), "{told}");
        assert!(told.contains(bad) && told.contains("no &lt;bucket&gt;"), "{told}");
        assert!(!page(None, language).contains(title));
    }
}

#[test]
fn commands_in_a_text_are_code() {
    let page = page_with(&["a`b`c.pdf"], "B", PageLocation::Runs);
    assert!(page.contains("<code>x --y</code>") && page.contains("a<code>b</code>c.pdf"), "{page}");
    assert!(page_with(&["a`b.pdf"], "B", PageLocation::Runs).contains("a`b.pdf</bdi>"));
}

#[test]
fn links_lead_to_the_path_alone() {
    for (path, link) in [
        ("Brf Eken/a.pdf", "Brf%20Eken/a.pdf"),
        ("100 %/#1?.pdf", "100%20%25/%231%3F.pdf"),
        ("javascript:x", "javascript%3Ax"),
        ("å\"'<&>", "%C3%A5%22%27%3C%26%3E"),
        ("-_.~()", "-_.~%28%29"),
    ] {
        assert_eq!(href(path), link);
    }
}
