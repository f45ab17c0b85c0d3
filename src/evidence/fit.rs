//! Whether bytes are the kind of file that their name promises.

use super::{
    look::{Look, trimmed},
    magic::{FileKind, Unmarked, promised},
    text,
};

/// How many of the first bytes are examined.
pub const SAMPLE: usize = 1024;

/// How the first bytes of a file compare with its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// They begin like files of this kind.
    Fits,
    /// Inconclusive: a text file, an unknown kind, or an unknown beginning.
    Open,
    /// They lack the signature that all files of this kind have.
    Unmarked,
    /// They are something else, which is named.
    Contradicts(&'static str),
}

/// Names of files whose content may be an error report.
const REPORTS: &[&str] = &[
    "xml", "html", "htm", "xhtml", "mht", "mhtml", "json", "geojson", "txt", "text", "log", "md", "eml", "csv",
    "config",
];

impl Fit {
    /// Compares. `sample` is the first [`SAMPLE`] bytes, or everything if the file is shorter.
    pub fn of(file_name: &str, content_type: Option<&str>, sample: &[u8]) -> Self {
        let sample = &sample[..sample.len().min(SAMPLE)];
        let text = text::read(sample);
        let start = text.as_deref().map_or_else(|| trimmed(sample), |text| trimmed(text.as_bytes()));
        if is_storage_error(start) {
            return Self::Contradicts("an error document of the storage");
        }
        let Some(extension) = extension(file_name) else { return Self::Open };
        if !is_report(&extension) && is_problem(start, content_type) {
            return Self::Contradicts("a problem report");
        }
        match promised(&extension) {
            None => Self::Open,
            Some(kind) if kind.has(sample, text.as_deref()) => Self::Fits,
            Some(kind) => Self::without_mark(kind, Look::of(sample, text.as_deref())),
        }
    }

    /// What bytes without a signature of their kind are.
    fn without_mark(kind: &FileKind, look: Look) -> Self {
        match (kind.unmarked, look) {
            (_, Look::Nothing) => Self::Contradicts(look.name()),
            (Unmarked::Text, _) => Self::Open,
            (_, look) if look.is_text() => Self::Contradicts(look.name()),
            (Unmarked::Binary, _) => Self::Open,
            (Unmarked::Never, Look::Gzip | Look::Zeros) => Self::Contradicts(look.name()),
            (Unmarked::Never, _) => Self::Unmarked,
        }
    }

    /// The same, given the previous version: if its bytes fit the name or were not text, and the new bytes are text that
    /// doesn't fit, the kind has changed.
    #[must_use]
    pub fn after(self, file_name: &str, before: &[u8], sample: &[u8]) -> Self {
        let look = look(sample);
        match self {
            Self::Unmarked if Self::of(file_name, None, before) == Self::Fits => Self::Contradicts(look.name()),
            Self::Open if look.is_text() && Self::of(file_name, None, before) == Self::Fits => {
                Self::Contradicts(look.name())
            }
            Self::Open if is_known(file_name) || !changes_kind(self::look(before), look) => self,
            Self::Open => Self::Contradicts(look.name()),
            _ => self,
        }
    }
}

fn look(sample: &[u8]) -> Look {
    let sample = &sample[..sample.len().min(SAMPLE)];
    Look::of(sample, text::read(sample).as_deref())
}

/// Whether the name limits the content: a kind with signatures, or any text.
fn is_known(file_name: &str) -> bool {
    extension(file_name).is_some_and(|extension| is_report(&extension) || promised(&extension).is_some())
}

/// Whether something else became text, or other text became markup.
fn changes_kind(before: Look, now: Look) -> bool {
    now.is_text() && before != now && !(now == Look::PlainText && before.is_text()) && before != Look::Nothing
}

fn is_report(extension: &str) -> bool {
    REPORTS.contains(&extension)
}

/// The extension in lower case; `None` if the name promises nothing.
pub fn extension(file_name: &str) -> Option<String> {
    let (stem, extension) = file_name.rsplit_once('.')?;
    let plausible = !stem.is_empty() && (1..=8).contains(&extension.len());
    (plausible && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| extension.to_ascii_lowercase())
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

/// A JSON object that is declared as a problem report, or has its members.
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
    fn contradictions() {
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
            // Signatures that a notice quotes, or begins with by chance.
            ("a.pdf", None, "<!DOCTYPE html><p>no %PDF- header was found", "an HTML page"),
            ("a.pdf", None, "<html><pre>\n%PDF-1.7\n1 0 obj</pre>", "an HTML page"),
            ("a.pdf", None, r#"{"message":"throttled","expected":"%PDF-1.7"}"#, "JSON"),
            ("a.pdf", None, "temporarily unavailable (%PDF-1.7)", "plain text"),
            ("a.pdf", None, "expected\n%PDF-1.7\nand got nothing", "plain text"),
            ("a.ifc", None, "/* ISO-10303-21 expected */ try later", "plain text"),
            ("a.bmp", None, "BM gateway timeout", "plain text"),
            ("a.exe", None, "MZ is down", "plain text"),
            ("a.dwg", None, "AC1 is down", "plain text"),
            ("a.mp4", None, "the ftyp box is missing", "plain text"),
            ("a.dxf", None, "503\nService Unavailable", "plain text"),
            ("a.eps", None, r#"{"message":"x"}"#, "JSON"),
            ("a.ics", None, HTML, "an HTML page"),
            ("a.mpp", None, HTML, "an HTML page"),
        ];
        for (name, kind, bytes, what) in table {
            assert_eq!(fit(name, *kind, bytes.as_bytes()), Fit::Contradicts(what), "{name}: {bytes}");
            if kind.is_none() && !bytes.is_empty() {
                let utf16: Vec<u8> = bytes.encode_utf16().flat_map(u16::to_le_bytes).collect();
                assert_eq!(fit(name, None, &utf16), Fit::Contradicts(what), "{name}, UTF-16: {bytes}");
            }
        }
    }

    #[test]
    fn notices_in_other_encodings_and_impossible_data_contradict() {
        for extension in ["pdf", "dwg", "docx", "jpg", "zip", "ifc"] {
            for (bytes, what) in [
                (&b"Tj\xe4nsten \xe4r tillf\xe4lligt otillg\xe4nglig. F\xf6rs\xf6k igen"[..], "plain text"),
                (b"\x93busy\x94 \x96 try later", "plain text"),
                (b"\x8f\xf3\x93c\x82\xaa", "plain text"), // Shift JIS
                (b"\x1f\x8b\x08\0\0\0\0\0", "gzip data"),
                (&[0; 100], "nothing but zeros"),
            ] {
                assert_eq!(
                    fit(&format!("a.{extension}"), None, bytes),
                    Fit::Contradicts(what),
                    "{extension} {bytes:?}"
                );
            }
            assert_eq!(fit(&format!("a.{extension}"), None, b"\x01\x02\x03"), Fit::Unmarked, "{extension}");
        }
        assert_eq!(fit("a.iso", None, &[0; 100]), Open);
    }

    #[test]
    fn a_change_of_kind_since_the_previous_version_contradicts() {
        const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
        let changed = |what| Fit::Contradicts(what);
        for (name, before, now, fit) in [
            ("a.doc", OLE, HTML.as_bytes(), changed("an HTML page")),
            ("a.doc", OLE, b"unavailable", changed("plain text")),
            ("a.doc", OLE, b"{\\rtf1", Fit::Fits),
            ("a.doc", OLE, b"\x31\xbe\0\0", Open), // an older Word
            ("a.xls", HTML.as_bytes(), b"<html><table>", Open),
            ("a.eml", b"From: a\r\n", HTML.as_bytes(), changed("an HTML page")),
            ("a.svg", b"<svg xmlns=", b"<html><svg>", changed("an HTML page")),
            ("a.pdf", b"%PDF-1.4\n", b"\x01\x02", changed("another kind of data")),
            ("a.pdf", b"\x03\x04", b"\x01\x02", Fit::Unmarked),
            // Names that promise nothing.
            ("a.xyz", b"\x01\x02", b"unavailable", changed("plain text")),
            ("a.xyz", b"\x01\x02", b"\x03\x04", Open),
            ("a.xyz", b"solid x", HTML.as_bytes(), changed("an HTML page")),
            ("a.xyz", b"solid x", b"facet", Open),
            ("a.xyz", HTML.as_bytes(), b"<p>", changed("XML")),
            ("a.xyz", b"solid x", b"\x01", Open),
            ("a.xyz", b"\x01", b"", Open),
            ("a.xyz", b"", HTML.as_bytes(), Open),
            ("README", b"plain", HTML.as_bytes(), changed("an HTML page")),
            ("a.txt", b"plain", HTML.as_bytes(), Open),
            ("a.html", b"\x01", HTML.as_bytes(), Open),
        ] {
            assert_eq!(self::fit(name, None, now).after(name, before, now), fit, "{name} {before:?} {now:?}");
        }
    }

    #[test]
    fn inconclusive_bytes() {
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
            ("a.dgn", None, b"\x08\x09\xfe\x02"),
            ("a.mpg", None, b"\x47\0"),
            ("a.svg", None, b"<!-- a comment without end"),
        ];
        for (name, kind, bytes) in table {
            assert_eq!(fit(name, *kind, bytes), Open, "{name}: {bytes:?}");
        }
    }

    #[test]
    fn fitting_bytes() {
        let tar = [&b"n"[..], &[0; 256], b"ustar\0"].concat();
        let long_comment = [&b"/*"[..], &[b'x'; 1100]].concat();
        let table: &[(&str, &[u8])] = &[
            ("a.pdf", b"%PDF-1.7"),
            ("a.PDF", b"junk before\n%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj"),
            ("a.pdf", b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.4\r\n1 0 obj"),
            ("a.pdf", b"<br />\n<b>Warning</b>: x in y\n%PDF-1.4\n1 0 obj"),
            ("a.pdf", b"\0\x05name\0\0\0%PDF-1.3\r"),
            ("a.pdf", b"\xef\xbb\xbf\n%PDF-1.7"),
            ("a.pdf", b"%!PS-Adobe-3.0 PDF-1.4\n"),
            ("a.dwg", b"AC1032\0\0"),
            ("a.dxf", b"  0\r\nSECTION\r\n"),
            ("a.dxf", b"999\nmade by a program\n"),
            ("a.dxf", b"AutoCAD Binary DXF\r\n\x1a\0"),
            ("a.ifc", b"ISO-10303-21;\nHEADER;"),
            ("a.stp", b"/* made by a program */\n/* 2 */ ISO-10303-21;"),
            ("a.ifc", &long_comment),
            ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0"),
            ("a.ai", b"%PDF-1.5"),
            ("a.ics", b"\xef\xbb\xbfBEGIN:VCALENDAR\r\n"),
            ("a.p7m", b"-----BEGIN PKCS7-----"),
            ("a.skp", b"\xff\xfe\xff\x0eS\0k\0e\0t\0c\0h\0"),
            ("a.bmp", b"BM\x36\0\0\0"),
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
