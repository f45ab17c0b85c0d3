//! The request target, exactly as a link has it.
//!
//! The URL parser decides which host is checked and connected to. But it normalizes paths and queries, and a
//! signature covers the original. So path and query are taken from the text; only what a request line can't
//! contain is percent-encoded.

use http::Uri;
use url::{Position, Url};

use super::cause::Cause;

/// A URL's host with path and query of the original text.
pub(super) fn exact(text: &str, url: &Url) -> Result<Uri, Cause> {
    let parsed = &url[Position::BeforePath..Position::AfterQuery];
    let target = encoded(as_written(text).unwrap_or(parsed));
    let slash = if target.starts_with('/') { "" } else { "/" };
    let authority = &url[Position::BeforeHost..Position::AfterPort];
    let uri = Uri::builder().scheme(url.scheme()).authority(authority).path_and_query(format!("{slash}{target}"));
    uri.build().map_err(|_| Cause::BadLink("contains characters that can't be sent"))
}

/// Path and query of an absolute link, or of one that starts with its host or path; `None` if the parser would
/// resolve it or read it differently.
fn as_written(text: &str) -> Option<&str> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let text = text.split('#').next()?;
    if text.contains(['\t', '\r', '\n']) {
        return None;
    }
    let start = text.find(['/', '?', '\\'])?;
    let rest = match (&text[..start], &text[start..]) {
        ("", path) if path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\") => {
            return Some(path);
        }
        (scheme, rest) if scheme.is_empty() || scheme.ends_with(':') => rest.strip_prefix("//")?,
        _ => return None,
    };
    let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
    let (host, target) = rest.split_at(end);
    (!host.is_empty() && !target.starts_with('\\')).then_some(target)
}

/// Percent-encodes what a request line can't contain.
fn encoded(target: &str) -> String {
    let mut encoded = String::with_capacity(target.len());
    let mut is_path = true;
    for byte in target.bytes() {
        is_path &= byte != b'?';
        match byte {
            0..=b' ' | 0x7f.. | b'"' | b'<' | b'>' | b'\\' => encoded.push_str(&format!("%{byte:02X}")),
            // `http` accepts these in a query only.
            b'`' if is_path => encoded.push_str("%60"),
            _ => encoded.push(char::from(byte)),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> String {
        exact(text, &Url::parse(text).unwrap()).unwrap().to_string()
    }

    #[test]
    fn a_link_is_sent_byte_for_byte() {
        for text in [
            "https://a.example/x",
            "https://a.example:8443//x//y",
            "https://a.example/%2E%2E/x/%2f/../y",
            "https://a.example/~'(1)*!/%7e/$a@b/c:d;e=f,g",
            "https://a.example/x?f='x'&a&b=&c=a+b%2B",
            "https://a.example/x?x={1}|2&y=^`&z=[1]&q=%zz&q=%",
            "https://a.example/x?u=http://b.example/a?c=d",
        ] {
            assert_eq!(sent(text), text);
        }
        assert_eq!(sent("https://a.example/x?sig=1#frag"), "https://a.example/x?sig=1");
        assert_eq!(sent("https://a.example?sig=1"), "https://a.example/?sig=1");
        assert_eq!(sent("https://a.example"), "https://a.example/");
    }

    #[test]
    fn only_invalid_characters_are_encoded() {
        assert_eq!(
            sent("https://a.example/å b?x=\"q\"<y>\\ä"),
            "https://a.example/%C3%A5%20b?x=%22q%22%3Cy%3E%5C%C3%A4"
        );
    }

    #[test]
    fn the_host_is_the_one_that_was_checked() {
        for (text, uri) in [
            ("https:\\\\a.example\\x", "https://a.example/x"),
            ("https:/a.example/x", "https://a.example/x"),
            ("https:a.example/x", "https://a.example/x"),
            ("HTTPS://A.Example:443/X", "https://a.example/X"),
            ("https://a.example\\@b.example/x", "https://a.example/@b.example/x"),
            ("ht\ntps://a.exa\tmple/x", "https://a.example/x"),
            ("https:///a.example/x", "https://a.example/x"),
            ("  https://a.example/x ", "https://a.example/x"),
        ] {
            assert_eq!(sent(text), uri, "{text:?}");
        }
    }

    #[test]
    fn redirects_are_resolved() {
        let from = Url::parse("https://a.example/x/y?sig=1").unwrap();
        for (location, uri) in [
            ("/z/%2E%2E?f='x'", "https://a.example/z/%2E%2E?f='x'"),
            ("//b.example/%7e", "https://b.example/%7e"),
            ("https://b.example/'", "https://b.example/'"),
            ("../z?t=2", "https://a.example/z?t=2"),
            ("?t=2", "https://a.example/x/y?t=2"),
            ("/å", "https://a.example/%C3%A5"),
        ] {
            assert_eq!(exact(location, &from.join(location).unwrap()).unwrap().to_string(), uri, "{location}");
        }
    }
}
