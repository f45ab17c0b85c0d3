//! What storage announced about a whole version.
//!
//! A version is immutable, so two responses about it must agree. If they don't, one is about other bytes, or is
//! wrong about its own: a part presented as the whole has another length under the same `ETag`.

/// What was announced about a whole version; `None` for what wasn't.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announced {
    /// A strong `ETag`; a weak one only says that two bodies are equivalent.
    pub etag: Option<String>,
    /// Its size in bytes.
    pub total: Option<u64>,
    /// Its MD5.
    pub md5: Option<[u8; 16]>,
    /// Its content type.
    pub content_type: Option<String>,
}

impl Announced {
    /// The MD5 that the `ETag` may be: S3 uses it for blobs uploaded in one piece. A mismatch proves nothing,
    /// because other uploads have tags of the same form.
    pub fn md5_by_etag(&self) -> Option<[u8; 16]> {
        let digits = self.etag.as_deref()?.trim_matches('"');
        let mut md5 = [0; 16];
        if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, at) in md5.iter_mut().zip((0..32).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
        }
        Some(md5)
    }

    /// How a later response about the same version contradicts this one.
    pub fn contradicted_by(&self, later: &Self) -> Option<&'static str> {
        fn differ<T: PartialEq>(before: Option<&T>, later: Option<&T>) -> bool {
            before.zip(later).is_some_and(|(before, later)| before != later)
        }
        if differ(self.etag.as_ref(), later.etag.as_ref()) {
            Some("the ETag has changed")
        } else if differ(self.total.as_ref(), later.total.as_ref()) {
            Some("the size has changed")
        } else if differ(self.md5.as_ref(), later.md5.as_ref()) {
            Some("the MD5 has changed")
        } else if self.content_type != later.content_type && later.content_type.as_deref().is_some_and(is_page_type) {
            Some("the content type has changed")
        } else {
            None
        }
    }
}

/// Whether a content type is one of error pages and reports. Stores name the same bytes differently; a proxy that
/// injects a page names it correctly.
fn is_page_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = essence.rsplit(['/', '+']).next().unwrap_or_default();
    matches!(subtype, "html" | "xml" | "json" | "xhtml")
}

/// Whether an `ETag` is strong and not empty.
pub(super) fn is_strong(etag: &str) -> bool {
    etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_that_may_be_an_md5() {
        let of = |etag: &str| Announced { etag: Some(etag.to_owned()), ..Announced::default() }.md5_by_etag();
        assert_eq!(of("\"5d41402abc4b2a76b9719d911017c592\"").unwrap()[..3], [0x5d, 0x41, 0x40]);
        for etag in
            ["\"5d41402abc4b2a76b9719d911017c592-2\"", "\"0x8DC0\"", "\"zz41402abc4b2a76b9719d911017c592\"", "\"å\""]
        {
            assert_eq!(of(etag), None, "{etag}");
        }
        assert_eq!(Announced::default().md5_by_etag(), None);
    }

    #[test]
    fn contradictions() {
        let of = |etag: Option<&str>, total, md5: Option<u8>| Announced {
            etag: etag.map(str::to_owned),
            total,
            md5: md5.map(|byte| [byte; 16]),
            content_type: None,
        };
        let before = of(Some("\"a\""), Some(10), Some(1));
        let silent = of(None, None, None);
        for (before, later, contradicts) in [
            (&before, before.clone(), false),
            (&before, silent.clone(), false),
            (&silent, before.clone(), false),
            (&before, of(Some("\"a\""), Some(10), None), false),
            (&before, of(Some("\"b\""), Some(10), Some(1)), true),
            (&before, of(Some("\"a\""), Some(9), Some(1)), true),
            (&before, of(None, Some(9), None), true),
            (&before, of(Some("\"a\""), Some(10), Some(2)), true),
        ] {
            assert_eq!(before.contradicted_by(&later).is_some(), contradicts, "{later:?}");
        }
    }
    #[test]
    fn an_error_page_instead_of_a_document_contradicts() {
        let of = |kind: Option<&str>| Announced { content_type: kind.map(str::to_owned), ..Announced::default() };
        for (before, later, contradicts) in [
            (Some("application/pdf"), Some("text/html; charset=utf-8"), true),
            (Some("application/pdf"), Some("application/xhtml+xml"), true),
            (Some("application/pdf"), Some("Application/Problem+JSON"), true),
            (None, Some("application/xml"), true),
            (Some("text/html"), Some("text/html"), false),
            (Some("application/pdf"), Some("application/octet-stream"), false),
            (Some("application/pdf"), None, false),
            (None, Some("application/vnd.openxmlformats-officedocument.wordprocessingml.document"), false),
        ] {
            assert_eq!(of(before).contradicted_by(&of(later)).is_some(), contradicts, "{before:?} {later:?}");
        }
    }
}
