//! Makes valid JSON text of a response's bytes.
//!
//! A name cut in the middle of an emoji arrives as half a surrogate pair, a proxy adds a byte order mark, an old
//! system sends Latin-1 or raw control characters. None of this may make a document unreadable forever: invalid
//! text becomes U+FFFD and control characters are escaped; naming shows both in the tree.
//!
//! Nearly every response is valid: it is scanned once for backslashes and borrowed. Only a response that can't be
//! parsed is repaired and parsed again.

use std::borrow::Cow;

/// Replaces half a surrogate pair.
const REPLACEMENT: &str = "\\ufffd";

/// Length of `\uXXXX`.
const ESCAPE: usize = 6;

/// Parses a response; if that fails, repairs it and parses again.
pub(super) fn parse_repaired<T, E>(body: &[u8], read: impl Fn(&str) -> Result<T, E>) -> Result<T, E> {
    let text = text(body);
    read(&text).or_else(|error| match repaired(&text) {
        Cow::Owned(text) => read(&text),
        Cow::Borrowed(_) => Err(error),
    })
}

/// The text without a byte order mark, and with U+FFFD for invalid parts.
pub(super) fn text(body: &[u8]) -> Cow<'_, str> {
    match decoded(body) {
        Cow::Borrowed(text) => without_lone_surrogates(text.trim_start_matches('\u{feff}')),
        Cow::Owned(text) => Cow::Owned(without_lone_surrogates(text.trim_start_matches('\u{feff}')).into_owned()),
    }
}

fn decoded(body: &[u8]) -> Cow<'_, str> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match body {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(wide(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(wide(rest, u16::from_be_bytes)),
        // Ten times as fast as the lossy conversion, which looks at each byte.
        _ => str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed),
    }
}

/// Replaces halves of surrogate pairs. In JSON backslashes occur only within strings, so walking from one to the
/// next finds every escape.
fn without_lone_surrogates(text: &str) -> Cow<'_, str> {
    let (mut whole, mut kept, mut at) = (String::new(), 0, 0);
    while let Some(slash) = text[at..].find('\\').map(|found| at + found) {
        at = match unit(text, slash) {
            Some(0xd800..=0xdbff) if matches!(unit(text, slash + ESCAPE), Some(0xdc00..=0xdfff)) => slash + 2 * ESCAPE,
            Some(0xd800..=0xdfff) => {
                whole.push_str(&text[kept..slash]);
                whole.push_str(REPLACEMENT);
                kept = slash + ESCAPE;
                kept
            }
            Some(_) => slash + ESCAPE,
            // Skips an escaped character, which may be another backslash.
            None => slash + 1 + text[slash + 1..].chars().next().map_or(0, char::len_utf8),
        };
    }
    if kept == 0 { Cow::Borrowed(text) } else { Cow::Owned(whole + &text[kept..]) }
}

/// The UTF-16 unit of the escape at this position.
fn unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    // The parser would accept a sign.
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

/// Escapes raw control characters and invalid backslashes in strings, and drops control characters elsewhere.
fn repaired(text: &str) -> Cow<'_, str> {
    let (mut repaired, mut in_string, mut changed) = (String::with_capacity(text.len()), false, false);
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        match c {
            '"' => in_string = !in_string,
            '\\' if in_string => match text[at + 1..].chars().next() {
                Some(next @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {
                    rest.next();
                    repaired.extend([c, next]);
                    continue;
                }
                Some('u') if unit(text, at).is_some() => {}
                _ => {
                    repaired.push('\\');
                    changed = true;
                }
            },
            c if c < ' ' && in_string => {
                repaired.push_str(&format!("\\u{:04x}", u32::from(c)));
                changed = true;
                continue;
            }
            '\0'..'\t' | '\u{b}' | '\u{c}' | '\u{e}'..' ' => {
                changed = true;
                continue;
            }
            _ => {}
        }
        repaired.push(c);
    }
    if changed { Cow::Owned(repaired) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn name(body: &[u8]) -> Result<String, serde_json::Error> {
        parse_repaired(body, |text| serde_json::from_str(text))
    }

    #[test]
    fn invalid_bytes_are_read() {
        let wide = |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(unit).collect()
        };
        let table: [(&[u8], &str); 17] = [
            (br#""bild \ud83d.pdf""#, "bild \u{fffd}.pdf"),
            (br#""\uDE00x""#, "\u{fffd}x"),
            (br#""\ud83d\ude00""#, "😀"),
            (br#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (br#""\ud83d\u0041""#, "\u{fffd}A"),
            (br#""\\ud83d""#, "\\ud83d"),
            (br#""\\\ud83d""#, "\\\u{fffd}"),
            (b"\"\xc5rsm\xf6te\"", "\u{fffd}rsm\u{fffd}te"),
            (b"\xef\xbb\xbf\"a\"", "a"),
            (b"\xef\xbb\xbf\xef\xbb\xbf \"a\"", "a"),
            (b"\"a\nb\tc\x00d\x1f\"", "a\nb\tc\0d\u{1f}"),
            (b"\x01\"a\"\x00\x00\n", "a"),
            (br#""C:\Hus \x \u12""#, "C:\\Hus \\x \\u12"),
            (br#""C:\\Hus \"\n""#, "C:\\Hus \"\n"),
            (br#""\u+123""#, "\\u+123"),
            (&wide("\"Åå\"", u16::to_le_bytes), "Åå"),
            (&wide("\"Åå\"", u16::to_be_bytes), "Åå"),
        ];
        for (body, text) in table {
            assert_eq!(name(body).unwrap(), text, "{:?}", String::from_utf8_lossy(body));
        }
        for body in [&b"<html>\n\\</html>"[..], b"", b"\"a", b"\\", b"\"\\", b"\"\\ud8", b"\xff\xfe\x22"] {
            assert!(name(body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn a_plain_answer_is_borrowed() {
        for plain in [r#"{"a":"\u00e5\n\\\ud83d\ude00"}"#, "{\n}", ""] {
            assert!(matches!(text(plain.as_bytes()), Cow::Borrowed(same) if same == plain), "{plain}");
        }
    }

    proptest! {
        #[test]
        fn any_units_are_a_name(units in vec(prop_oneof![any::<u16>(), 0xd7f0..0xe010_u16], 0..40), raw in vec(any::<bool>(), 40)) {
            let wanted = String::from_utf16_lossy(&units);
            let escaped = units.iter().map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>().concat();
            prop_assert_eq!(&name(format!("\"{escaped}\"").as_bytes()).unwrap(), &wanted);
            // The same with raw characters, control characters too.
            let mixed: String = wanted.chars().zip(raw.iter().cycle()).map(|(c, raw)| match c {
                '"' | '\\' => format!("\\{c}"),
                c if *raw => c.to_string(),
                c => serde_json::to_string(&c.to_string()).unwrap().trim_matches('"').to_owned(),
            }).collect();
            prop_assert_eq!(&name(format!("\u{feff}\"{mixed}\"").as_bytes()).unwrap(), &wanted);
        }

        #[test]
        fn any_bytes_in_a_name_leave_the_rest_readable(bytes in vec(any::<u8>().prop_filter("ends the text", |b| !b"\"\\".contains(b)), 0..60)) {
            let body = [b"{\"n\":\"", &bytes[..], b"\",\"m\":[\"\\ud800\"]}"].concat();
            let value: serde_json::Value = parse_repaired(&body, |text| serde_json::from_str(text)).unwrap();
            prop_assert_eq!(&value["m"][0], "\u{fffd}");
            prop_assert_eq!(value["n"].as_str().unwrap(), String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn any_body_becomes_text(body in vec(any::<u8>(), 0..200)) {
            let text = text(&body).into_owned();
            let _ = repaired(&text);
        }
    }
}
