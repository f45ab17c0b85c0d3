//! What storage announces about the whole of a version.
//!
//! A version is immutable, so two answers about it must not contradict each other. One that does is about other bytes, or
//! is wrong about its own: a slice that is called the whole has another length under the same `ETag`.

/// What was announced about the whole of a version; what was not is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announced {
    /// A strong `ETag`; a weak one says that two bodies mean the same, not that they are the same.
    pub etag: Option<String>,
    /// How many bytes it has.
    pub total: Option<u64>,
    /// Its MD5.
    pub md5: Option<[u8; 16]>,
    /// What its bytes are said to be.
    pub content_type: Option<String>,
}

impl Announced {
    /// The MD5 that the `ETag` may be: S3 and its like use it for blobs that were uploaded in one piece. One that is not the
    /// bytes' own says nothing, because other uploads have other tags of the same form.
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

    /// How a later answer about the same version contradicts this one.
    pub fn contradicted_by(&self, later: &Self) -> Option<&'static str> {
        fn differ<T: PartialEq>(before: Option<&T>, later: Option<&T>) -> bool {
            before.zip(later).is_some_and(|(before, later)| before != later)
        }
        if differ(self.etag.as_ref(), later.etag.as_ref()) {
            Some("the ETag is another one than before")
        } else if differ(self.total.as_ref(), later.total.as_ref()) {
            Some("the size is another one than before")
        } else if differ(self.md5.as_ref(), later.md5.as_ref()) {
            Some("the MD5 is another one than before")
        } else if self.content_type != later.content_type && later.content_type.as_deref().is_some_and(is_of_pages) {
            Some("the content type is another one than before")
        } else {
            None
        }
    }
}

/// Whether a content type is one that error pages and reports have. A store may call the same bytes this and that; a proxy that
/// puts a page into a download calls it what it is.
fn is_of_pages(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = essence.rsplit(['/', '+']).next().unwrap_or_default();
    matches!(subtype, "html" | "xml" | "json" | "xhtml")
}

/// Whether an `ETag` is strong, and says anything.
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
    fn what_contradicts() {
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
    fn a_page_in_the_place_of_other_bytes_contradicts() {
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
