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
}

impl Announced {
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
        } else {
            None
        }
    }
}

/// Whether an `ETag` is strong, and says anything.
pub(super) fn is_strong(etag: &str) -> bool {
    etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_contradicts() {
        let of = |etag: Option<&str>, total, md5: Option<u8>| Announced {
            etag: etag.map(str::to_owned),
            total,
            md5: md5.map(|byte| [byte; 16]),
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
}
