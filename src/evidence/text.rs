//! Decodes bytes as text, in any encoding that a notice may have.

/// How many of the first code units are examined to recognise UTF-16 and UTF-32 without a byte order mark.
const UNITS: usize = 16;

/// The bytes as text; `None` if they contain control characters that text doesn't have. Knows UTF-8, UTF-16 and UTF-32.
/// Everything else is read as Windows-1252: in other encodings that extend ASCII letters come out wrong, but markup
/// doesn't.
pub(super) fn read(bytes: &[u8]) -> Option<String> {
    let text = match unit_of(bytes) {
        Unit::Utf16(is_little) => utf16(&bytes[..bytes.len() & !1], is_little)?,
        Unit::Utf32(is_little) => utf32(bytes, is_little)?,
        // In both, these bytes are control characters. Most files have one early on.
        Unit::Byte if bytes.iter().any(|byte| is_control(u32::from(*byte))) => return None,
        Unit::Byte => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().copied().map(char::from).collect(),
        },
    };
    (!text.contains(|c| is_control(u32::from(c)))).then(|| text.trim_start_matches('\u{feff}').to_owned())
}

/// Whether text never has this character.
fn is_control(character: u32) -> bool {
    matches!(character, 0..=0x8 | 0xe..=0x1a | 0x1c..=0x1f | 0x7f)
}

/// Code units; `true` means little endian.
enum Unit {
    Byte,
    Utf16(bool),
    Utf32(bool),
}

fn unit_of(bytes: &[u8]) -> Unit {
    // The byte order mark of UTF-32 begins with that of UTF-16.
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => Unit::Utf32(true),
        [0, 0, 0xfe, 0xff, ..] => Unit::Utf32(false),
        [0xff, 0xfe, ..] => Unit::Utf16(true),
        [0xfe, 0xff, ..] => Unit::Utf16(false),
        _ if pads(bytes, 4, 0) => Unit::Utf32(true),
        _ if pads(bytes, 4, 3) => Unit::Utf32(false),
        _ if pads(bytes, 2, 0) => Unit::Utf16(true),
        _ if pads(bytes, 2, 1) => Unit::Utf16(false),
        _ => Unit::Byte,
    }
}

/// Whether each of the first units has one non-zero byte, at this index.
fn pads(bytes: &[u8], width: usize, index: usize) -> bool {
    let mut units = bytes.chunks_exact(width).take(UNITS);
    let is_padded = |unit: &[u8]| unit.iter().enumerate().all(|(at, byte)| (*byte == 0) != (at == index));
    bytes.len() >= 2 * width && units.all(is_padded)
}

fn utf16(bytes: &[u8], is_little: bool) -> Option<String> {
    let unit = |pair: &[u8]| {
        if is_little { u16::from_le_bytes([pair[0], pair[1]]) } else { u16::from_be_bytes([pair[0], pair[1]]) }
    };
    let mut units: Vec<u16> = bytes.chunks_exact(2).map(unit).collect();
    // A sample may end within a surrogate pair.
    if units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
        units.pop();
    }
    String::from_utf16(&units).ok()
}

fn utf32(bytes: &[u8], is_little: bool) -> Option<String> {
    let unit = |four: &[u8]| {
        let four = [four[0], four[1], four[2], four[3]];
        char::from_u32(if is_little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    };
    bytes.chunks_exact(4).map(unit).collect()
}

/// The local name of the root element in lower case. Skips comments, processing instructions and document types.
pub(super) fn root_element(text: &str) -> Option<String> {
    let mut rest = text.trim_start();
    loop {
        let end = if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<!") {
            let is_long = rest.find('[').is_some_and(|subset| rest.find('>').is_none_or(|end| subset < end));
            if is_long { "]>" } else { ">" }
        } else {
            break;
        };
        rest = rest[rest.find(end)? + end.len()..].trim_start();
    }
    let name = rest.strip_prefix('<')?.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next()?;
    Some(name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_any_encoding() {
        let notice = "<p>Tj\u{e4}nsten \u{e4}r nere \u{1f6a7}</p>";
        let latin = "<p>Tj\u{e4}nsten \u{e4}r nere</p>";
        let (le, be): (Vec<u8>, Vec<u8>) = (
            notice.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            notice.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        );
        let long: Vec<u8> = notice.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        let long_be: Vec<u8> = notice.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
        for (bytes, text) in [
            (notice.as_bytes().to_vec(), notice),
            ([b"\xef\xbb\xbf", notice.as_bytes()].concat(), notice),
            (latin.chars().map(|c| c as u8).collect(), latin),
            ([b"\xff\xfe", &le[..]].concat(), notice),
            ([b"\xfe\xff", &be[..]].concat(), notice),
            (le, notice),
            (be, notice),
            ([b"\xff\xfe\0\0", &long[..]].concat(), notice),
            ([b"\0\0\xfe\xff", &long_be[..]].concat(), notice),
            (long, notice),
            (long_be, notice),
        ] {
            assert_eq!(read(&bytes).as_deref(), Some(text), "{bytes:?}");
        }
    }

    #[test]
    fn binary_data_is_not_text() {
        for bytes in [&b"\0"[..], b"\x01\x02", b"AC1032\0\0", b"\xff\xfe\0\xd8\0\xd8a\0", b"PK\x03\x04", b"\0\0\0\0"] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn the_first_element() {
        for (text, root) in [
            ("<svg xmlns=", Some("svg")),
            ("<?xml version=\"1.0\"?>\n<!-- <html> -->\n<svg:svg>", Some("svg")),
            ("<!DOCTYPE svg [ <!ENTITY a \"<html>\"> ]><SVG/>", Some("svg")),
            ("<!DOCTYPE html><html lang=sv>", Some("html")),
            ("<!-- without end", None),
            ("text <svg>", None),
            ("", None),
        ] {
            assert_eq!(root_element(text).as_deref(), root, "{text}");
        }
    }
}
