//! Whether bytes that came with a 200 are an error page all the same.
//!
//! Storage, and what stands between, sometimes say 200 and mean an error. Such a page must not replace a document,
//! but a document must not be refused either because it looks odd. An error document of the storage has marks that
//! hardly any document has, so it is suspected whatever the file is called: what is suspected is only fetched again, and
//! kept when it comes the same each time. The other pages count only where the file's name says that the bytes are
//! something else. An HTML page is not unmistakable in an `.xls` or `.doc`: many programs export those as HTML.

/// Formats whose bytes never start with a `<` or a `{`.
const BINARY: &[&str] = &[
    "pdf", "docx", "docm", "dotx", "xlsx", "xlsm", "xlsb", "xltx", "pptx", "pptm", "ppsx", "odt", "ods", "odp", "dwg",
    "dwf", "dwfx", "dwt", "dgn", "rvt", "rfa", "rte", "nwd", "nwc", "nwf", "ifc", "ifczip", "skp", "3dm", "pln", "vsd",
    "vsdx", "mpp", "zip", "7z", "rar", "gz", "tgz", "tar", "bz2", "xz", "jpg", "jpeg", "jfif", "png", "gif", "tif",
    "tiff", "bmp", "webp", "heic", "heif", "psd", "mp4", "mov", "avi", "mkv", "mp3", "wav", "m4a", "msg", "pst", "las",
    "laz", "e57", "rcp", "rcs", "bcfzip", "exe", "dll", "iso",
];

/// Formats that may hold any text, an error page that somebody kept included.
const TEXT: &[&str] = &[
    "xml", "html", "htm", "xhtml", "mht", "mhtml", "json", "geojson", "txt", "text", "log", "md", "eml", "csv",
    "config",
];

/// What the first bytes look like instead of the document, if they do. A few hundred bytes are enough.
pub fn suspicion(file_name: &str, content_type: Option<&str>, first_bytes: &[u8]) -> Option<&'static str> {
    let start = trimmed(first_bytes);
    if is_storage_error(start) {
        return Some("an error document of the storage");
    }
    let extension = extension(file_name)?;
    if TEXT.contains(&extension.as_str()) {
        return None;
    }
    if is_problem(start, content_type) {
        return Some("a problem report of the service");
    }
    (BINARY.contains(&extension.as_str()) && is_html(start)).then_some("an HTML page")
}

/// The extension in lower case; none where the name promises nothing.
fn extension(file_name: &str) -> Option<String> {
    let (stem, extension) = file_name.rsplit_once('.')?;
    let plausible = !stem.is_empty() && (1..=8).contains(&extension.len());
    (plausible && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| extension.to_ascii_lowercase())
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start()
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

fn is_html(start: &[u8]) -> bool {
    let begins = |word: &[u8]| start.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    begins(b"<!doctype html") || begins(b"<html")
}

#[cfg(test)]
mod tests {
    use super::*;

    const AZURE: &str =
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code><Message>";
    const S3: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code>";
    const BARE: &str = "<Error>\n  <Code>NoSuchKey</Code>";
    const SPACED: &str = "<Error xmlns=\"x\"><Code>A</Code>";
    const HTML: &str = "\r\n<!DOCTYPE HTML PUBLIC><html><head>";
    const PROBLEM: &str = r#"{"type":"t","title":"Forbidden","status":403,"traceId":"00"}"#;

    #[test]
    fn error_pages() {
        let xml = Some("an error document of the storage");
        let html = Some("an HTML page");
        let problem = Some("a problem report of the service");
        let table = [
            ("a.pdf", None, AZURE, xml),
            ("a.PDF", None, S3, xml),
            ("a.dwg", Some("application/xml"), BARE, xml),
            ("ritning.v2.dat", None, SPACED, xml),
            ("a.svg", None, S3, xml),
            ("a.xml", None, S3, xml),
            ("a.txt", None, AZURE, xml),
            ("", None, S3, xml),
            ("a.pdf", None, HTML, html),
            ("a.docx", None, "<html lang=sv>", html),
            ("a.pdf", None, PROBLEM, problem),
            ("a.doc", None, PROBLEM, problem),
            ("a.pdf", Some("application/problem+json"), "{}", problem),
        ];
        for (name, kind, bytes, verdict) in table {
            assert_eq!(suspicion(name, kind, bytes.as_bytes()), verdict, "{name}: {bytes}");
        }
    }

    #[test]
    fn documents() {
        let table: [(&str, Option<&str>, &str); 20] = [
            ("a.xml", None, "<?xml version=\"1.0\"?><fel><Error><Code>"),
            ("a.html", None, HTML),
            ("a.HTM", None, HTML),
            ("a.json", None, PROBLEM),
            ("README", None, HTML),
            (".pdf", None, HTML),
            ("Avtal 2024. Bilaga", None, HTML),
            ("a.xls", None, HTML),
            ("a.doc", None, HTML),
            ("a.aspx", None, HTML),
            ("a.svg", None, "<?xml version=\"1.0\"?><svg>"),
            ("a.kml", None, "<?xml version=\"1.0\"?><kml><Error><Code>"),
            ("a.pdf", None, "%PDF-1.7 <html>"),
            ("a.pdf", Some("text/html"), "%PDF-1.7"),
            ("a.pdf", None, ""),
            ("a.pdf", None, "<Errors><Code>"),
            ("a.pdf", None, "<Error>text"),
            ("a.pdf", None, "<?xml"),
            ("a.pdf", None, "<"),
            ("a.dxf", None, r#"{"title":"Plan"}"#),
        ];
        for (name, kind, bytes) in table {
            assert_eq!(suspicion(name, kind, bytes.as_bytes()), None, "{name}: {bytes}");
        }
    }
}
