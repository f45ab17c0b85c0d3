//! Generated documents that can be opened: a page with the document's name and version.
//!
//! A document has exactly the given size, if possible: the filling of [`Content`] is placed where readers of the
//! format ignore it. PDFs of one size are equal up to a tail of fixed length, which makes hashing cheap.

use bytes::Bytes;

use crate::sandbox::content::Content;

/// The length of the part of a PDF that differs between documents.
const TAIL: usize = 2048;

/// A generated document; the extension of `name` decides its format, PDF by default.
pub(super) fn make(name: &str, version: u32, size: Option<u64>) -> Content {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let name: String = name.chars().filter(|char| !char.is_control()).take(300).collect();
    match extension.to_ascii_lowercase().as_str() {
        "txt" => filled(&format!("{name}\nVersion {version}\n{NOTE}\n"), "", size),
        "csv" => {
            let (head, tail) =
                (format!("namn;version;anmärkning\n\"{}\";{version};\"", name.replace('"', "'")), "\"\n");
            filled(&head, tail, size)
        }
        "svg" => filled(&svg(&name, version), "--></svg>\n", size),
        _ => pdf(&name, version, size),
    }
}

const NOTE: &str = "Påhittad handling ur provmiljön.";

fn filled(head: &str, tail: &str, size: Option<u64>) -> Content {
    let bare = (head.len() + tail.len()) as u64;
    let fill = size.unwrap_or(0).saturating_sub(bare);
    Content::Parts { head: Bytes::from(head.to_owned()), fill, tail: Bytes::from(tail.to_owned()) }
}

fn svg(name: &str, version: u32) -> String {
    let name = name.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800\" height=\"300\">\
         <rect width=\"800\" height=\"300\" fill=\"#f4f1ea\"/>\
         <text x=\"40\" y=\"90\" font-size=\"22\">{name}</text>\
         <text x=\"40\" y=\"140\" font-size=\"22\">Version {version}</text><!--"
    )
}

fn pdf(name: &str, version: u32, size: Option<u64>) -> Content {
    let bare = pdf_head(0).len() + TAIL;
    let fill = size.unwrap_or(0).saturating_sub(bare as u64);
    let head = pdf_head(fill);
    let tail = pdf_tail(name, version, head.len() as u64 + fill);
    Content::Parts { head: head.into(), fill, tail: tail.into() }
}

/// Everything up to the filling, a stream that no page uses. Its length has a fixed width.
fn pdf_head(fill: u64) -> Vec<u8> {
    let mut head = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    head.extend_from_slice(format!("1 0 obj\n<< /Length {fill:010} >>\nstream\n").as_bytes());
    head
}

/// Everything after the filling; `at` is its offset.
fn pdf_tail(name: &str, version: u32, at: u64) -> Vec<u8> {
    let text = page(name, version);
    let shortest = assemble(&text, 0, at).len();
    assemble(&text, TAIL.saturating_sub(shortest), at)
}

fn assemble(text: &[u8], spare: usize, at: u64) -> Vec<u8> {
    let stream = text.len() + spare;
    let mut tail = b"\nendstream\nendobj\n".to_vec();
    let mut offsets = vec![15];
    let mut object = |tail: &mut Vec<u8>, body: &str| {
        offsets.push(at + tail.len() as u64);
        tail.extend_from_slice(body.as_bytes());
    };
    object(&mut tail, "2 0 obj\n<< /Type /Catalog /Pages 3 0 R >>\nendobj\n");
    object(&mut tail, "3 0 obj\n<< /Type /Pages /Kids [4 0 R] /Count 1 >>\nendobj\n");
    object(
        &mut tail,
        "4 0 obj\n<< /Type /Page /Parent 3 0 R /MediaBox [0 0 595 842] /Contents 6 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>\nendobj\n",
    );
    object(
        &mut tail,
        "5 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>\nendobj\n",
    );
    object(&mut tail, &format!("6 0 obj\n<< /Length {stream:010} >>\nstream\n"));
    tail.extend_from_slice(text);
    tail.resize(tail.len() + spare, b' ');
    tail.extend_from_slice(b"\nendstream\nendobj\n");
    let xref = at + tail.len() as u64;
    tail.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1).as_bytes());
    for offset in &offsets {
        tail.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let trailer = format!("trailer\n<< /Size {} /Root 2 0 R >>\nstartxref\n{xref:010}\n%%EOF\n", offsets.len() + 1);
    tail.extend_from_slice(trailer.as_bytes());
    tail
}

/// The drawing operators of the page: the name in lines, the version, and a note.
fn page(name: &str, version: u32) -> Vec<u8> {
    let mut text = b"BT /F1 16 Tf 22 TL 60 760 Td\n".to_vec();
    let letters: Vec<char> = name.chars().collect();
    for line in letters.chunks(52).take(6) {
        show(&mut text, &line.iter().collect::<String>());
    }
    show(&mut text, &format!("Version {version}"));
    show(&mut text, NOTE);
    text.extend_from_slice(b"ET\n");
    text
}

/// One line of text in the font's encoding.
fn show(text: &mut Vec<u8>, line: &str) {
    text.push(b'(');
    for char in line.chars() {
        match char {
            '(' | ')' | '\\' => text.extend_from_slice(&[b'\\', u8::try_from(char).unwrap_or(b'?')]),
            '–' => text.push(0x96),
            _ => text.push(u8::try_from(char).unwrap_or(b'?')),
        }
    }
    text.extend_from_slice(b") Tj T*\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_exactly_the_requested_size() {
        for name in ["a.pdf", "b.txt", "c.csv", "d.svg", "Brandskydd.", "(x\\y).pdf"] {
            for size in [4096, 16 * 1024, 1_000_003] {
                assert_eq!(make(name, 1, Some(size)).len(), size, "{name}");
            }
        }
    }

    #[test]
    fn the_longest_name_fits_into_the_tail() {
        let content = make(&"(".repeat(400), u32::MAX, None);
        let Content::Parts { head, tail, .. } = content else { panic!("made of parts") };
        assert_eq!(tail.len(), TAIL);
        assert_eq!(head.len(), pdf_head(0).len());
    }

    #[test]
    fn offsets_of_a_pdf_point_at_its_objects() {
        let content = make("Hissavtal 2023–2026.pdf", 2, Some(50_000));
        let bytes = content.read(&(0..content.len())).unwrap();
        let tail = &bytes[bytes.len() - TAIL..];
        let xref = tail.windows(5).position(|window| window == b"xref\n").unwrap();
        for object in 1..=6 {
            let row = &tail[xref + 9 + object * 20..][..10];
            let offset: usize = std::str::from_utf8(row).unwrap().parse().unwrap();
            assert!(bytes[offset..].starts_with(format!("{object} 0 obj").as_bytes()), "object {object}");
        }
    }
}
