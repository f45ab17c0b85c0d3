//! Whether bytes fit the kind of file that their name promises.

use super::magic::{FileKind, begins, promised, trimmed};

/// How many of the first bytes are looked at.
pub const SAMPLE: usize = 1024;

/// How the first bytes of a file compare with its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// They begin as files of this kind do.
    Fits,
    /// Nothing speaks for them and nothing against them: a text file, an unknown kind, an unknown beginning.
    Open,
    /// They are something else: what they look like.
    Contradicts(&'static str),
}

/// Names under which a report of a fault may be a document.
const REPORTS: &[&str] = &[
    "xml", "html", "htm", "xhtml", "mht", "mhtml", "json", "geojson", "txt", "text", "log", "md", "eml", "csv",
    "config",
];

impl Fit {
    /// Compares. `sample` are the first [`SAMPLE`] bytes, or all of them where there are fewer.
    pub fn of(file_name: &str, content_type: Option<&str>, sample: &[u8]) -> Self {
        if is_storage_error(trimmed(sample)) {
            return Self::Contradicts("an error document of the storage");
        }
        let Some(extension) = extension(file_name) else { return Self::Open };
        if !REPORTS.contains(&extension.as_str()) && is_problem(trimmed(sample), content_type) {
            return Self::Contradicts("a problem report");
        }
        match promised(&extension) {
            None => Self::Open,
            Some(kind) if kind.has(sample) => Self::Fits,
            Some(kind) => Self::without_magic(kind, sample),
        }
    }

    /// What bytes are that don't begin as their kind does.
    fn without_magic(kind: &FileKind, sample: &[u8]) -> Self {
        if sample.is_empty() {
            return Self::Contradicts("nothing at all");
        }
        if kind.also_text {
            return Self::Open;
        }
        let start = trimmed(sample);
        if begins(sample, "<!doctype html") || begins(sample, "<html") {
            Self::Contradicts("an HTML page")
        } else if start.starts_with(b"<") && is_text(sample) {
            Self::Contradicts("XML")
        } else if (start.starts_with(b"{") || start.starts_with(b"[")) && is_text(sample) {
            Self::Contradicts("JSON")
        } else if is_text(sample) {
            Self::Contradicts("plain text")
        } else {
            Self::Open
        }
    }
}

/// The extension in lower case; `None` where the name promises nothing.
pub fn extension(file_name: &str) -> Option<String> {
    let (stem, extension) = file_name.rsplit_once('.')?;
    let plausible = !stem.is_empty() && (1..=8).contains(&extension.len());
    (plausible && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| extension.to_ascii_lowercase())
}

/// Whether bytes are what a person could read: UTF-8, which may be cut at its end, without control characters.
fn is_text(sample: &[u8]) -> bool {
    let valid = match std::str::from_utf8(sample) {
        Ok(_) => sample,
        Err(error) if error.error_len().is_none() && sample.len() >= SAMPLE => &sample[..error.valid_up_to()],
        Err(_) => return false,
    };
    !valid.iter().any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127))
}

/// `<?xml …?><Error><Code>`, as Azure and S3 write it.
fn is_storage_error(start: &[u8]) -> bool {
    let mut rest = start;
    if rest.starts_with(b"<?xml") {
        let Some(end) = rest.windows(2).position(|pair| pair == b"?>") else { return false };
        rest = rest[end + 2..].trim_ascii_start();
    }
    let Some(inside) = rest.strip_prefix(b"<Error") else { return false };
    let Some(end) = inside.iter().position(|byte| *byte == b'>') else { return false };
    let named = inside[..end].is_empty() || inside[0].is_ascii_whitespace();
    named && inside[end + 1..].trim_ascii_start().starts_with(b"<Code>")
}

/// An object that says it is a problem, or has the members of one.
fn is_problem(start: &[u8], content_type: Option<&str>) -> bool {
    if !start.starts_with(b"{") {
        return false;
    }
    let declared = content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("application/problem+json"));
    let has = |member: &[u8]| start.windows(member.len()).any(|window| window == member);
    declared || (has(b"\"title\"") && has(b"\"status\"") && (has(b"\"traceId\"") || has(b"\"type\"")))
}

#[cfg(test)]
mod tests {
    use super::{Fit::Open, *};

    const AZURE: &str =
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code><Message>";
    const S3: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code>";
    const BARE: &str = "<Error>\n  <Code>NoSuchKey</Code>";
    const SPACED: &str = "<Error xmlns=\"x\"><Code>A</Code>";
    const HTML: &str = "\r\n<!DOCTYPE HTML PUBLIC><html><head>";
    const PROBLEM: &str = r#"{"type":"t","title":"Forbidden","status":403,"traceId":"00"}"#;

    fn fit(name: &str, kind: Option<&str>, bytes: &[u8]) -> Fit {
        Fit::of(name, kind, bytes)
    }

    #[test]
    fn what_contradicts_a_name() {
        let xml = "an error document of the storage";
        let table: &[(&str, Option<&str>, &str, &str)] = &[
            ("a.pdf", None, AZURE, xml),
            ("a.PDF", None, S3, xml),
            ("a.dwg", Some("application/xml"), BARE, xml),
            ("ritning.v2.dat", None, SPACED, xml),
            ("a.svg", None, S3, xml),
            ("a.xml", None, S3, xml),
            ("a.txt", None, AZURE, xml),
            ("", None, S3, xml),
            ("a.pdf", None, HTML, "an HTML page"),
            ("a.docx", None, "<html lang=sv>", "an HTML page"),
            ("a.jpg", None, "<h1>Sign in</h1>", "XML"),
            ("a.pdf", None, PROBLEM, "a problem report"),
            ("a.doc", None, PROBLEM, "a problem report"),
            ("a.dat", None, PROBLEM, "a problem report"),
            ("a.pdf", Some("application/problem+json"), "{}", "a problem report"),
            ("a.dwg", None, r#"{"message":"throttled"}"#, "JSON"),
            ("a.ifc", None, "temporarily unavailable", "plain text"),
            ("a.dxf", None, "Service is down\nfor maintenance", "plain text"),
            ("a.dxf", None, "503\n", "plain text"),
            ("a.zip", None, "temporarily unavailable", "plain text"),
            ("a.pdf", None, "", "nothing at all"),
            ("a.xls", None, "", "nothing at all"),
        ];
        for (name, kind, bytes, what) in table {
            assert_eq!(fit(name, *kind, bytes.as_bytes()), Fit::Contradicts(what), "{name}: {bytes}");
        }
    }

    #[test]
    fn what_says_nothing() {
        let table: &[(&str, Option<&str>, &[u8])] = &[
            ("a.xml", None, b"<?xml version=\"1.0\"?><fel><Error><Code>"),
            ("a.html", None, HTML.as_bytes()),
            ("a.json", None, PROBLEM.as_bytes()),
            ("README", None, HTML.as_bytes()),
            (".pdf", None, HTML.as_bytes()),
            ("Avtal 2024. Bilaga", None, HTML.as_bytes()),
            ("a.xls", None, HTML.as_bytes()),
            ("a.doc", None, b"plain"),
            ("a.aspx", None, HTML.as_bytes()),
            ("a.txt", None, b""),
            ("a.txt", None, b"temporarily unavailable"),
            ("a.bin", None, b"\0\x01"),
            ("a.pdf", None, b"\x89PNG\r\n\x1a\n"),
            ("a.dwg", None, b"\xff\xfe\0\0"),
            ("a.skp", None, b"\xff\xfe\xff\x0e"),
        ];
        for (name, kind, bytes) in table {
            assert_eq!(fit(name, *kind, bytes), Open, "{name}: {bytes:?}");
        }
    }

    #[test]
    fn what_fits() {
        let tar = [&[b'n'; 257][..], b"ustar\0"].concat();
        let table: &[(&str, &[u8])] = &[
            ("a.pdf", b"%PDF-1.7"),
            ("a.PDF", b"junk before\n%PDF-1.4 <html>"),
            ("a.dwg", b"AC1032\0\0"),
            ("a.dxf", b"  0\r\nSECTION\r\n"),
            ("a.dxf", b"999\nmade by a program\n"),
            ("a.dxf", b"AutoCAD Binary DXF\r\n\x1a\0"),
            ("a.ifc", b"ISO-10303-21;\nHEADER;"),
            ("a.docx", b"PK\x03\x04\x14\0"),
            ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
            ("a.doc", b"{\\rtf1\\ansi"),
            ("a.rtf", b"{\\rtf1"),
            ("a.jpg", b"\x89PNG\r\n\x1a\n"),
            ("a.png", b"\xff\xd8\xff\xe0"),
            ("a.heic", b"\0\0\0\x18ftypheic"),
            ("a.zip", b"PK\x05\x06"),
            ("a.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
            ("a.eml", b"Received: from x by y\r\n"),
            ("a.eml", b"X-Mailer: z\r\n"),
            ("a.svg", b"<?xml version=\"1.0\"?>\n<!-- drawn --><svg xmlns="),
            ("a.tar", &tar),
            ("a.mp4", b"\0\0\0\x20ftypisom"),
        ];
        for (name, bytes) in table {
            assert_eq!(fit(name, None, bytes), Fit::Fits, "{name}: {bytes:?}");
        }
    }

    #[test]
    fn text_that_is_cut_within_a_character_is_text() {
        let mut page = "ä".repeat(SAMPLE);
        page.insert(0, 'x');
        assert_eq!(fit("a.pdf", None, &page.as_bytes()[..SAMPLE]), Fit::Contradicts("plain text"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_judged(name in "[a-z]{0,4}(\\.[a-z0-9]{0,5})?", bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..SAMPLE)) {
            let _ = Fit::of(&name, None, &bytes);
        }
    }
}
