//! A document's line: a head of fixed length, then the folded texts, the path first.

use std::io::Write as _;

use super::fold::fold_into;
use crate::state::{DocumentKey, Searchable};

/// The length of the head: the kind, the row's number, the binder's checksum, and the run of the last change.
const HEAD: usize = 1 + 10 + 8 + 6;

/// Stands between texts, so that no word is found across them. Folded text has no control characters.
const BETWEEN: u8 = 0x1f;

/// A line that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'l> {
    pub(super) key: DocumentKey,
    pub(super) binder: u32,
    pub(super) run: i64,
    /// The texts.
    pub(super) text: &'l [u8],
}

impl<'l> Line<'l> {
    /// From its bytes; `None` if it is no document's line.
    pub(super) fn read(line: &'l [u8]) -> Option<Self> {
        let (head, text) = line.split_at_checked(HEAD)?;
        let head = std::str::from_utf8(head).ok()?;
        let number = |from: usize, to: usize| i64::from_str_radix(head.get(from..to)?, 16).ok();
        let row = number(1, 11)?;
        let key = match head.as_bytes()[0] {
            b'd' => DocumentKey::Present(row),
            b'r' => DocumentKey::Removed(row),
            _ => return None,
        };
        Some(Self { key, binder: u32::try_from(number(11, 19)?).ok()?, run: number(19, HEAD)?, text })
    }

    /// The folded path.
    pub(super) fn path(&self) -> &'l [u8] {
        let end = memchr::memchr(BETWEEN, self.text).unwrap_or(self.text.len());
        &self.text[..end]
    }

    /// The folded texts that the path doesn't contain.
    pub(super) fn others(&self) -> impl Iterator<Item = &'l [u8]> {
        self.text.split(|byte| *byte == BETWEEN).skip(1)
    }
}

/// Whether a line's bytes contain the texts of a document in the tree, before all of it is read.
pub(super) fn texts(line: &[u8]) -> &[u8] {
    line.get(HEAD..).unwrap_or_default()
}

/// Appends a document's line without its end. Texts that others contain are left out.
pub(super) fn write(document: &Searchable<'_>, texts: &[String], folded: &mut String, line: &mut Vec<u8>) {
    let (kind, row) = match document.row {
        DocumentKey::Present(row) => ('d', row),
        DocumentKey::Removed(row) => ('r', row),
    };
    // Writing to memory can't fail.
    let _ = write!(line, "{kind}{row:010x}{:08x}{:06x}", binder_checksum(document.binder), document.run);
    let start = line.len();
    for text in [document.path, document.file_name].into_iter().chain(texts.iter().map(String::as_str)) {
        folded.clear();
        fold_into(text, folded);
        if line.len() == start {
            line.extend_from_slice(folded.as_bytes());
        } else if memchr::memmem::find(&line[start..], folded.as_bytes()).is_none() {
            line.push(BETWEEN);
            line.extend_from_slice(folded.as_bytes());
        }
    }
}

/// A short form of a binder's id. Of two binders with the same one, more is found than there is.
pub(super) fn binder_checksum(binder: &str) -> u32 {
    crc32fast::hash(binder.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_each_text_once() {
        for key in [DocumentKey::Present(1), DocumentKey::Removed(0xff_ffff_ffff)] {
            let document = Searchable {
                row: key,
                binder: "b",
                path: "Brf Eken/Avtal/El.pdf",
                file_name: "El.pdf",
                run: 0xff_ffff,
                metadata: None,
            };
            let (mut line, mut folded) = (Vec::new(), String::new());
            write(&document, &["Brf Eken".into(), "Gällande\n".into(), "gällande".into()], &mut folded, &mut line);
            let read = Line::read(&line).unwrap();
            assert_eq!((read.key, read.binder, read.run), (key, binder_checksum("b"), 0xff_ffff));
            assert_eq!(read.text, "brf eken/avtal/el.pdf\u{1f}gällande ".as_bytes());
            assert_eq!(read.path(), b"brf eken/avtal/el.pdf");
            assert_eq!(texts(&line), read.text);
        }
        for odd in ["", "d", "end 1", &"x".repeat(40), &"d".repeat(20)] {
            assert_eq!(Line::read(odd.as_bytes()), None, "{odd}");
        }
    }
}
