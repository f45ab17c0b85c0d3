//! Links of cells. They are a cell's property and no formula.

use rust_xlsxwriter::Url;

use crate::model::{LinkBase, escaped};

/// UTF-16 units of a link in a workbook.
const LONGEST: usize = 2080;

/// What the library takes for the sign that a link is escaped. It escapes the `%` of any other link again.
const ESCAPED: [&str; 11] = ["%20", "%25", "%22", "%60", "%3C", "%3E", "%5B", "%5D", "%5E", "%7B", "%7D"];

/// A step into a folder and out again, which every reader of links drops.
const NOWHERE: &str = "%5B/../";

/// The link to a file of the tree; `None` if it is too long for a cell.
pub(super) fn to_file(base: &LinkBase, path: &str) -> Option<Url> {
    let (base, path) = (base.as_str(), escaped(path));
    let whole = format!("{base}{path}");
    let is_seen = !whole.contains('%') || ESCAPED.iter().any(|sign| whole.contains(sign));
    let whole = if is_seen { whole } else { format!("{base}{NOWHERE}{path}") };
    let link = match whole.strip_prefix("file://") {
        // As Excel writes shares, and drives.
        Some(rest) if !rest.starts_with('/') => format!("file:///\\\\{}", rest.replace('/', "\\")),
        Some(rest) if rest.as_bytes().get(2) == Some(&b':') => format!("file:///{}", rest[1..].replace('/', "\\")),
        Some(rest) => format!("file:///{rest}"),
        None if whole.starts_with("http") && whole.contains("://") => whole,
        // The library writes these without `file:///`: relative ones.
        None => format!("file:///{whole}"),
    };
    (link.encode_utf16().count() <= LONGEST).then(|| Url::new(link))
}

/// The link to another sheet.
pub(super) fn to_sheet(name: &str) -> Url {
    Url::new(format!("internal:'{}'!A1", name.replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use rust_xlsxwriter::Workbook;

    use super::*;

    /// The target of a link in a finished workbook.
    fn target(base: &str, path: &str) -> Option<String> {
        let mut workbook = Workbook::new();
        let url = to_file(&LinkBase::parse(base).unwrap(), path)?;
        workbook.add_worksheet().write_url_with_text(0, 0, url, "x").unwrap();
        let bytes = workbook.save_to_buffer().unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        archive.by_name("xl/worksheets/_rels/sheet1.xml.rels").unwrap().read_to_string(&mut text).unwrap();
        text.split("Target=\"").nth(1)?.split('"').next().map(str::to_owned)
    }

    #[test]
    fn targets_are_escaped_once() {
        for (base, path, expected) in [
            ("mirror", "Brf Eken/Ritning å.pdf", "mirror/Brf%20Eken/Ritning%20å.pdf"),
            ("../mirror", "B/a.pdf", "../mirror/B/a.pdf"),
            ("mirror", "B/100%.pdf", "mirror/B/100%25.pdf"),
            ("mirror", "B/a#1 & 2.pdf", "mirror/B/a%231%20&amp;%202.pdf"),
            ("mirror", "B/a#1.pdf", "mirror/%5B/../B/a%231.pdf"),
            ("mirror", "B/..%2f.pdf", "mirror/B/..%252f.pdf"),
            ("mirror", "B/[a]{b}^`.pdf", "mirror/B/%5Ba%5D%7Bb%7D%5E%60.pdf"),
            ("mirror", "B/javascript:x.pdf", "mirror/B/javascript:x.pdf"),
            ("/srv/mirror", "B/a b.pdf", "/srv/mirror/B/a%20b.pdf"),
            ("file:///srv/mirror", "B/a.pdf", "/srv/mirror/B/a.pdf"),
            ("https://files.example.com/%C3%A5", "B/a#b.pdf", "https://files.example.com/%C3%A5/%5B/../B/a%23b.pdf"),
            ("https://files.example.com", "B/a b.pdf", "https://files.example.com/B/a%20b.pdf"),
            (r"\\server\ritningar", "B/a b.pdf", r"file:///\\server\ritningar\B\a%20b.pdf"),
            (r"S:\", "B/a.pdf", r"file:///S:\B\a.pdf"),
        ] {
            assert_eq!(target(base, path).as_deref(), Some(expected), "{base} {path}");
        }
        assert_eq!(target("mirror", &"å".repeat(2080)), None);
    }

    #[test]
    fn sheets_are_quoted() {
        let mut workbook = Workbook::new();
        workbook.add_worksheet().write_url(0, 0, to_sheet("Anna's")).unwrap();
        assert!(workbook.save_to_buffer().is_ok());
    }
}
