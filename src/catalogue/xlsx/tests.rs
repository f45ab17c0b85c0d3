use std::io::{Cursor, Read as _};

use zip::ZipArchive;

use super::*;
use crate::{catalogue::metadata_elements::Element, model::Sha256, report::ChangeKind, state::Catalogued};

fn document(binder: &str, name: &str) -> Catalogued {
    Catalogued {
        document: "d".to_owned(),
        version: "v".to_owned(),
        binder: binder.to_owned(),
        file_name: name.to_owned(),
        path: format!("{binder}/Plan/{name}"),
        size: 7,
        sha256: Sha256::new([0; 32]),
        mtime: -5_000_000_000_000_000_000,
        mirrored_at: 1_793_669_400,
        metadata: None,
    }
}

fn element(id: &str, label: &str) -> Element {
    Element { id: id.to_owned(), label: label.to_owned(), is_date: false, values: HashMap::new() }
}

fn options(sheets: Option<Sheets>) -> WorkbookOptions {
    let changed = |kind, path: &str| {
        let (document_id, path) = ("d".to_owned(), path.to_owned());
        (ChangedDocument { kind, document_id, path, from: None, size: 7 }, "b".to_owned())
    };
    let documents = vec![changed(ChangeKind::Added, "B/a"), changed(ChangeKind::Removed, "B/b")];
    WorkbookOptions {
        zone: TimeZone::UTC,
        language: Language::English,
        sheets,
        links: LinkBase::parse("mirror").ok(),
        changes: Some(RecentChanges { since: Timestamp::from_second(1_793_669_400).ok(), documents }),
    }
}

/// The parts of a workbook of documents, each of a binder, with this many rows per sheet.
fn parts(documents: &[(&str, &str)], options: &WorkbookOptions, rows: u32) -> ZipArchive<Cursor<Vec<u8>>> {
    let elements = [
        ("a".to_owned(), vec![element("1", "Datum"), element("2", "=x")]),
        ("b".to_owned(), vec![element("3", "Size (bytes)"), element("2", "=x"), element("1", "Datum")]),
    ];
    let names = HashMap::from([("a".to_owned(), "Brf: A".to_owned()), ("b".to_owned(), "B".to_owned())]);
    let columns = Columns::new(&elements, &BTreeSet::new());
    let source = Source { columns: &columns, names: &names, known: Vec::new() };
    let binders = documents.iter().map(|(binder, _)| (*binder).to_owned()).collect();
    let mut workbook = WorkbookWriter::with_rows(source, options, &binders, rows).unwrap();
    for (binder, name) in documents {
        let document = document(binder, name);
        let day = Value::Day("2026-11-03".parse().unwrap(), "2026-11-03".to_owned());
        let place = |id| columns.place(binder, id).unwrap();
        let metadata = vec![(place("2"), vec![Value::Text("=1+1".to_owned())]), (place("1"), vec![day])];
        let name = &names[*binder];
        workbook.row(&Record { document: &document, binder: name, version_label: None, metadata }).unwrap();
    }
    let mut bytes = Vec::new();
    workbook.end(&mut bytes).unwrap();
    ZipArchive::new(Cursor::new(bytes)).unwrap()
}

fn part(archive: &mut ZipArchive<Cursor<Vec<u8>>>, name: &str) -> Option<String> {
    let mut text = String::new();
    archive.by_name(name).ok()?.read_to_string(&mut text).unwrap();
    Some(text)
}

fn sheet(archive: &mut ZipArchive<Cursor<Vec<u8>>>, number: u32) -> String {
    part(archive, &format!("xl/worksheets/sheet{number}.xml")).unwrap()
}

/// The names of the sheets, in order.
fn names(archive: &mut ZipArchive<Cursor<Vec<u8>>>) -> Vec<String> {
    let text = part(archive, "xl/workbook.xml").unwrap();
    let names = text.split("<sheet name=\"").skip(1).filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

/// The texts of a row, in order.
fn texts(sheet: &str, row: usize) -> Vec<String> {
    let row = sheet.split("<row ").nth(row).unwrap();
    row.split("</t>")
        .filter_map(|cell| cell.rsplit_once('>').map(|(_, text)| text.to_owned()))
        .filter(|t| !t.is_empty())
        .collect()
}

#[test]
fn texts_are_texts_links_are_links_and_times_are_times() {
    let mut archive = parts(&[("a", "=1+1.txt")], &options(None), ROWS);
    assert_eq!(names(&mut archive), ["Binders", "Changes", "Brf_ A"]);
    let sheet = sheet(&mut archive, 3);
    assert!(!sheet.contains("<f>") && sheet.contains("=1+1.txt</t>") && sheet.contains("=1+1</t>"), "{sheet}");
    // A date is a number with a format; a time before 1900 is a text.
    assert!(sheet.contains("<v>46329</v>") && sheet.contains("1811-07-23T15:06:40Z</t>"), "{sheet}");
    assert!(sheet.contains("state=\"frozen\"") && sheet.contains("<autoFilter ref=\"A1:M2\"/>"), "{sheet}");
    assert!(sheet.contains("<hyperlink ref=\"A2\" r:id=\"rId1\"/>"), "{sheet}");
    let targets = part(&mut archive, "xl/worksheets/_rels/sheet3.xml.rels").unwrap();
    assert!(targets.contains("Target=\"mirror/a/Plan/=1+1.txt\" TargetMode=\"External\""), "{targets}");
}

#[test]
fn each_binder_has_a_sheet_with_its_own_labels_and_ids_at_the_end() {
    let mut archive = parts(&[("a", "1"), ("b", "2"), ("a", "3")], &options(None), ROWS);
    assert_eq!(names(&mut archive), ["Binders", "Changes", "Brf_ A", "B"]);
    let after = ["File changed", "Mirrored", "Path", "SHA-256", "Document id", "Version id", "Binder id"];
    let heading =
        |labels: &[&'static str]| [&["Document", "Folder", "Version"], labels, &["Size (bytes)"], &after].concat();
    assert_eq!(texts(&sheet(&mut archive, 3), 1), heading(&["Datum", "=x"]));
    assert_eq!(texts(&sheet(&mut archive, 4), 1), heading(&["Datum", "=x", "Size (bytes) (iBinder)"]));
    assert_eq!(texts(&sheet(&mut archive, 3), 3)[..3], ["3", "Plan", "=1+1"]);
    let binders = sheet(&mut archive, 1);
    assert_eq!(texts(&binders, 2), ["Brf: A", "a"]);
    assert!(binders.contains("<v>14</v>") && binders.contains("location=\"'Brf_ A'!A1\""), "{binders}");
}

#[test]
fn one_sheet_holds_all_binders() {
    let mut archive = parts(&[("a", "1"), ("b", "2")], &options(Some(Sheets::One)), ROWS);
    assert_eq!(names(&mut archive), ["Documents", "Binders", "Changes"]);
    let sheet = sheet(&mut archive, 1);
    assert_eq!(texts(&sheet, 1)[..5], ["Document", "Binder", "Folder", "Version", "Datum"]);
    assert_eq!(texts(&sheet, 3)[..3], ["2", "B", "Plan"]);
}

#[test]
fn many_binders_share_a_sheet_unless_each_shall_have_one() {
    let documents: Vec<(String, &str)> = (0..=MANY).map(|n| (format!("b{n}"), "1")).collect();
    let binders: BTreeSet<String> = documents.iter().map(|(binder, _)| binder.clone()).collect();
    let (columns, names) = (Columns::default(), HashMap::new());
    for (sheets, one) in [(None, true), (Some(Sheets::OfBinders), false), (Some(Sheets::One), true)] {
        let options = options(sheets);
        let source = Source { columns: &columns, names: &names, known: Vec::new() };
        assert_eq!(WorkbookWriter::new(source, &options, &binders).unwrap().one, one, "{sheets:?}");
    }
}

#[test]
fn rows_beyond_the_limit_continue_in_the_next_sheet() {
    for (sheets, expected) in [
        (None, ["Binders", "Changes", "B", "B (2)"]),
        (Some(Sheets::One), ["Documents", "Binders", "Changes", "Documents (2)"]),
    ] {
        let mut archive = parts(&[("b", "1"), ("b", "2"), ("b", "3")], &options(sheets), 3);
        assert_eq!(names(&mut archive), expected);
        let last = sheet(&mut archive, 4);
        assert_eq!((last.matches("<row ").count(), texts(&last, 1)[0].as_str()), (2, "Document"));
    }
}

#[test]
fn changes_say_since_when_and_link_to_what_is_there() {
    let mut archive = parts(&[("b", "1")], &options(None), 3);
    let changes = sheet(&mut archive, 2);
    assert_eq!(texts(&changes, 1)[..2], ["Change since 2026-11-03", "Document"]);
    assert_eq!(texts(&changes, 2)[..3], ["added", "a", "B"]);
    // There is room for no more.
    assert_eq!(texts(&changes, 3), ["+ 1 document"]);
    let mut archive = parts(&[("b", "1")], &options(None), ROWS);
    let changes = sheet(&mut archive, 2);
    assert_eq!((texts(&changes, 3)[0].as_str(), changes.matches("<hyperlink ").count()), ("removed", 1));
}

#[test]
fn words_are_swedish_if_asked_for() {
    let mut archive = parts(&[("b", "1")], &WorkbookOptions { language: Language::Swedish, ..options(None) }, ROWS);
    assert_eq!(names(&mut archive), ["Pärmar", "Ändringar", "B"]);
    assert_eq!(texts(&sheet(&mut archive, 2), 1)[..2], ["Ändring sedan 2026-11-03", "Dokument"]);
    assert_eq!(texts(&sheet(&mut archive, 2), 2)[0], "tillagt");
    assert_eq!(texts(&sheet(&mut archive, 3), 1)[..2], ["Dokument", "Mapp"]);
}

#[test]
fn links_are_limited_because_they_stay_in_memory() {
    let (columns, names, options) = (Columns::default(), HashMap::new(), options(None));
    let source = Source { columns: &columns, names: &names, known: Vec::new() };
    let mut workbook = WorkbookWriter::new(source, &options, &BTreeSet::new()).unwrap();
    workbook.links = 2;
    assert_eq!([(); 3].map(|()| workbook.link("B/a").is_some()), [true, true, false]);
}

#[test]
fn names_stay_texts_beyond_the_links_of_a_sheet() {
    let mut workbook = Workbook::new();
    let styles = Styles::new(TimeZone::UTC);
    let mut table = Table::begin(&mut workbook, &styles, "x", &["Document".to_owned()]).unwrap();
    let url = links::to_file(&LinkBase::parse("mirror").unwrap(), "B/a");
    for _ in 0..65_532 {
        table.row(&mut workbook, &styles).unwrap().link("a", url.clone()).unwrap();
    }
    table.end(&mut workbook).unwrap();
    let mut archive = ZipArchive::new(Cursor::new(workbook.save_to_buffer().unwrap())).unwrap();
    let sheet = sheet(&mut archive, 1);
    assert_eq!((sheet.matches("<hyperlink ").count(), sheet.matches(">a</t>").count()), (65_530, 65_532));
}
