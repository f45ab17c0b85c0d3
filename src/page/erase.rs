//! One document, taken out of a page that was written.
//!
//! A document is spoken of in lines of their own: list items with its id, warnings, and the cause
//! above what failed. Headings name binders and folders, which others lie in, and stay; so do counts.

use crate::page::escape::{text, undo};

/// Lines that speak of a single document begin like this; the second kind may speak of one.
const ITEM: &str = "<li data-id=\"";
const SAID: &str = "<li class=\"said\">";
const CAUSE: &str = "<summary class=\"cause\">";

/// A page without what says one of the texts that tell a document; none where nothing does.
pub fn without<'n>(page: &str, needles: impl IntoIterator<Item = &'n str>) -> Option<String> {
    // What commands or reorders text stands in a page as an escape.
    let needles: Vec<String> = needles.into_iter().map(|needle| undo(&text(needle))).collect();
    let speaks = |said: &str| needles.iter().any(|needle| said.contains(needle.as_str()));
    let mut out = String::with_capacity(page.len());
    for line in page.split_inclusive('\n') {
        let is_one = [ITEM, SAID, CAUSE].iter().any(|start| line.starts_with(start));
        if !is_one || !said(line).iter().any(|text| speaks(text)) {
            out.push_str(line);
        } else if line.starts_with(CAUSE) {
            out.push_str("<summary class=\"cause\">[erased]</summary>\n");
        }
    }
    (out.len() != page.len() || out != page).then_some(out)
}

/// What a line says: its text without markup, and the id that it bears.
fn said(line: &str) -> Vec<String> {
    // A name's own backquotes are markup where a warning was told.
    let line = &line.replace("<code>", "`").replace("</code>", "`");
    let mut visible = String::with_capacity(line.len());
    // Whatever comes from outside has no angle brackets any more: each one is markup.
    for piece in line.split('<') {
        visible.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
    }
    let id = line.strip_prefix(ITEM).and_then(|rest| rest.split('"').next());
    id.into_iter().map(undo).chain([undo(&visible)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_one_document_go() {
        let page = "<style>\n.docs{}\n</style>\n<summary><b>Anna</b></summary>\n\
            <li data-id=\"3f2a\"><a href=\"../x%20y\">x &amp; y</a></li>\n<li data-id=\"b\">docs</li>\n\
            <li class=\"said\">&quot;x &amp; y&quot; stays</li>\n<summary class=\"cause\">3f2a is odd</summary>\n<li>docs</li>\n";
        let without = |needle| without(page, [needle]);
        assert_eq!(without("nothing of it"), None);
        assert_eq!(without("Anna"), None);
        assert_eq!(without("<li"), None);
        let rest = without("3f2a").unwrap();
        assert!(!rest.contains("3f2a") && rest.contains("[erased]") && rest.contains("stays"), "{rest}");
        let rest = without("x & y").unwrap();
        assert!(!rest.contains("x &amp; y") && rest.contains("<li data-id=\"b\">"), "{rest}");
        // What looks like a part of the markup is only found in what is said.
        let rest = without("docs").unwrap();
        assert_eq!(rest, page.replace("<li data-id=\"b\">docs</li>\n", ""));
    }
}
