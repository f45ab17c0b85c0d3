//! What bytes look like, whatever their name.

use super::text;

/// What the first bytes of a file look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Nothing,
    Page,
    Xml,
    Json,
    PlainText,
    Gzip,
    Zeros,
    /// Some binary format.
    Binary,
}

impl Look {
    /// `text` is the sample as text, if it is text.
    pub(super) fn of(sample: &[u8], text: Option<&str>) -> Self {
        let start = text.map_or_else(|| trimmed(sample), |text| trimmed(text.as_bytes()));
        if sample.is_empty() {
            Self::Nothing
        } else if is_page(start, text) {
            Self::Page
        } else if text.is_some() {
            match start.first() {
                Some(b'<') => Self::Xml,
                Some(b'{' | b'[') => Self::Json,
                _ => Self::PlainText,
            }
        } else if sample.starts_with(b"\x1f\x8b") {
            Self::Gzip
        } else if sample.iter().all(|byte| *byte == 0) {
            Self::Zeros
        } else {
            Self::Binary
        }
    }

    /// Whether it is text, for people or programs.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Page | Self::Xml | Self::Json | Self::PlainText)
    }

    /// The name for messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing at all",
            Self::Page => "an HTML page",
            Self::Xml => "XML",
            Self::Json => "JSON",
            Self::PlainText => "plain text",
            Self::Gzip => "gzip data",
            Self::Zeros => "nothing but zeros",
            Self::Binary => "another kind of data",
        }
    }
}

/// An HTML page may continue with binary garbage.
fn is_page(start: &[u8], text: Option<&str>) -> bool {
    let begins = |what: &str| start.get(..what.len()).is_some_and(|s| s.eq_ignore_ascii_case(what.as_bytes()));
    begins("<!doctype html") || begins("<html") || text.and_then(text::root_element).is_some_and(|root| root == "html")
}

/// Without leading byte order mark and white space.
pub(super) fn trimmed(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bytes_look_like() {
        let page = "<html><body>Tj\u{e4}nsten \u{e4}r nere</body></html>";
        let utf16: Vec<u8> = page.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, look) in [
            (&b""[..], Look::Nothing),
            (page.as_bytes(), Look::Page),
            (&utf16, Look::Page),
            (b" \r\n<!DOCTYPE HTML PUBLIC", Look::Page),
            (b"<html>\0\x01", Look::Page),
            (b"<?xml version=\"1.0\"?>\n<!-- x -->\n<html xmlns=", Look::Page),
            (b"<h1>Sign in</h1>", Look::Xml),
            (b"\xef\xbb\xbf{\"message\":1}", Look::Json),
            (b"temporarily unavailable", Look::PlainText),
            (b"Tj\xe4nsten \xe4r tillf\xe4lligt otillg\xe4nglig", Look::PlainText),
            (b" \n \n", Look::PlainText),
            (b"\x1f\x8b\x08\0", Look::Gzip),
            (&[0; 64], Look::Zeros),
            (b"\x01\x02", Look::Binary),
        ] {
            let text = text::read(bytes);
            assert_eq!(Look::of(bytes, text.as_deref()), look, "{bytes:?}");
        }
    }
}
