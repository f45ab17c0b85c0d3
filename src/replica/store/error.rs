//! What a store answered, in words that say what to do.

use std::error::Error as _;

use object_store::Error as Answer;

/// The kinds of refusals and failures of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no such bucket or container.
    NoBucket,
    /// The credentials are unknown, wrong or expired.
    Credentials,
    /// The credentials may not do this.
    Forbidden,
    /// The clock of this machine is wrong.
    Clock,
    /// A variable or a file with credentials has an unusable value.
    Setting,
    /// The store can't put a file only if it is absent.
    Conditions,
    /// It did not answer, or only with failures, however often it was asked.
    Unavailable,
    /// A folder that can't be read or written.
    Disk,
    /// The work was ended.
    Stopped,
    /// Anything else.
    Other,
}

/// A request to a store that failed for good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} failed: {why}{}", self.advice())]
pub struct StoreError {
    /// The kind.
    pub kind: ErrorKind,
    what: String,
    why: String,
}

/// Codes of stores and what they mean. The first that an answer has counts.
const CODES: &[(&str, ErrorKind)] = &[
    ("NoSuchBucket", ErrorKind::NoBucket),
    ("InvalidBucketName", ErrorKind::NoBucket),
    ("ContainerNotFound", ErrorKind::NoBucket),
    ("ContainerBeingDeleted", ErrorKind::NoBucket),
    ("RequestTimeTooSkewed", ErrorKind::Clock),
    ("ExpiredToken", ErrorKind::Credentials),
    ("InvalidAccessKeyId", ErrorKind::Credentials),
    ("InvalidToken", ErrorKind::Credentials),
    ("SignatureDoesNotMatch", ErrorKind::Credentials),
    ("TokenRefreshRequired", ErrorKind::Credentials),
    ("AuthenticationFailed", ErrorKind::Credentials),
    ("InvalidAuthenticationInfo", ErrorKind::Credentials),
    ("AuthorizationFailure", ErrorKind::Forbidden),
    ("AuthorizationPermissionMismatch", ErrorKind::Forbidden),
    ("AccessDenied", ErrorKind::Forbidden),
    ("BlobImmutableDueToPolicy", ErrorKind::Forbidden),
    // In answers to several deletions at once, which have no codes.
    ("immutable due to a policy", ErrorKind::Forbidden),
    ("is not authorized to perform", ErrorKind::Forbidden),
    ("NotImplemented", ErrorKind::Conditions),
    // Another write of the same key was under way; which of the two wins is open.
    ("ConditionalRequestConflict", ErrorKind::Unavailable),
];

impl StoreError {
    /// An error without an answer of a store.
    pub(in crate::replica) fn new(kind: ErrorKind, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { kind, what: what.into(), why: why.into() }
    }

    /// From an answer to a request; `what` is what was asked for, such as `writing objects/…`.
    pub(super) fn of(what: &str, answer: &Answer) -> Self {
        let text = whole_text(answer);
        let code = code_in(&text);
        let kind = match (answer, code) {
            (_, Some(kind)) => kind,
            (Answer::PermissionDenied { .. }, _) => ErrorKind::Forbidden,
            (Answer::Unauthenticated { .. }, _) => ErrorKind::Credentials,
            (Answer::NotImplemented { .. } | Answer::NotSupported { .. }, _) => ErrorKind::Conditions,
            (Answer::NotFound { .. }, _) => ErrorKind::NoBucket,
            (Answer::Generic { store: "LocalFileSystem", .. }, _) => ErrorKind::Disk,
            (Answer::Generic { .. } | Answer::JoinError { .. }, _) => ErrorKind::Unavailable,
            _ => ErrorKind::Other,
        };
        Self::new(kind, what, reason(answer, &text))
    }

    /// From a value that the library refused before anything was sent.
    pub(super) fn of_settings(answer: &Answer) -> Self {
        Self::new(ErrorKind::Setting, "opening the store", reason(answer, &whole_text(answer)))
    }

    /// A text of the library as it may be shown.
    pub(super) fn shown(text: &str) -> String {
        without_addresses(text).chars().take(LONGEST).collect()
    }

    /// What the store said.
    pub fn reason(&self) -> &str {
        &self.why
    }

    /// Whether requests for other files would fail as well.
    pub(in crate::replica) fn concerns_all(&self) -> bool {
        match self.kind {
            ErrorKind::NoBucket
            | ErrorKind::Credentials
            | ErrorKind::Clock
            | ErrorKind::Setting
            | ErrorKind::Conditions
            | ErrorKind::Unavailable => true,
            // One file may have rights of its own, or lie on a damaged part of the disk. Who stopped the work knows of it.
            ErrorKind::Forbidden | ErrorKind::Disk | ErrorKind::Other | ErrorKind::Stopped => false,
        }
    }

    /// Whether an answer says that there is no file with this key. Without a bucket there is none either, but that is an error.
    pub(super) fn is_absence(answer: &Answer) -> bool {
        matches!(answer, Answer::NotFound { .. }) && code_in(&whole_text(answer)) != Some(ErrorKind::NoBucket)
    }

    /// What to do about it.
    fn advice(&self) -> &'static str {
        match self.kind {
            ErrorKind::NoBucket => "; the bucket or container must exist: check its name, the region and the endpoint",
            ErrorKind::Credentials => "; check the key, its secret and the region",
            ErrorKind::Forbidden => "; the credentials must be allowed to list, to read and to add files there",
            ErrorKind::Clock => "; set this machine's clock",
            ErrorKind::Conditions => {
                "; the store must support writing a file only if it is absent (If-None-Match), or it can't keep a copy"
            }
            ErrorKind::Unavailable => "; what was copied so far counts, and the next try goes on from there",
            ErrorKind::Setting => "; docs/off-site.md has the variables of each store",
            ErrorKind::Disk | ErrorKind::Stopped | ErrorKind::Other => "",
        }
    }
}

/// An answer with all its causes.
fn whole_text(answer: &Answer) -> String {
    let mut text = answer.to_string();
    let mut cause = answer.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// The reason in a store's answer, without addresses: these may have signatures.
fn reason(answer: &Answer, text: &str) -> String {
    let told = element(text, "Code").map(|code| match element(text, "Message") {
        Some(message) => format!("{code}, {}", message.trim_end_matches('.')),
        None => code.to_owned(),
    });
    let innermost = || {
        let mut cause: &dyn std::error::Error = answer;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        without_addresses(&cause.to_string())
    };
    told.unwrap_or_else(innermost).lines().next().unwrap_or_default().chars().take(LONGEST).collect()
}

/// The most of a store's own words that is shown, in characters.
const LONGEST: usize = 300;

/// What the code in an answer means. Keys and prefixes may look like codes, so that its element counts if there is one.
fn code_in(text: &str) -> Option<ErrorKind> {
    let told = element(text, "Code");
    let is_told = |code: &str| told.map_or_else(|| text.contains(code), |told| told == code);
    CODES.iter().find(|(code, _)| is_told(code)).map(|(_, kind)| *kind)
}

/// The text of an element of XML.
pub(super) fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0)
}

/// A text in which addresses have lost what follows their host.
fn without_addresses(text: &str) -> String {
    let shorten = |word: &str| match word.find("://") {
        Some(at) => {
            let host = &word[at + 3..];
            let end = host.find(['/', '?']).unwrap_or(host.len());
            format!("{}{}", &word[..at + 3 + end], if end < host.len() { "/…" } else { "" })
        }
        None => word.to_owned(),
    };
    text.split(' ').map(shorten).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Answer {
        Answer::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        for (text, kind, advice) in [
            (
                "… 404: <Error><Code>NoSuchBucket</Code><Message>No.</Message></Error>",
                ErrorKind::NoBucket,
                "must exist",
            ),
            ("<Error><Code>RequestTimeTooSkewed</Code></Error>", ErrorKind::Clock, "clock"),
            ("<Code>ExpiredToken</Code>", ErrorKind::Credentials, "check the key"),
            ("<Code>AccessDenied</Code>", ErrorKind::Forbidden, "must be allowed"),
            ("at /NoSuchBucket/x: <Code>AccessDenied</Code>", ErrorKind::Forbidden, "must be allowed"),
            ("<Code>SlowDown</Code>", ErrorKind::Unavailable, "goes on from there"),
            ("501 <Code>NotImplemented</Code>", ErrorKind::Conditions, "If-None-Match"),
        ] {
            let error = StoreError::of("writing x", &answer(text));
            assert_eq!(error.kind, kind, "{text}");
            assert!(error.to_string().contains(advice), "{error}");
        }
        let told = StoreError::of("writing x", &answer("<Code>NoSuchBucket</Code><Message>No.</Message>"));
        assert!(told.to_string().starts_with("writing x failed: NoSuchBucket, No; the bucket"), "{told}");
    }

    #[test]
    fn no_signature_is_shown() {
        let text = "error for url (https://x.blob.core.windows.net/c/k?sig=SECRET) and https://y/?sig=SECRET";
        let shown = StoreError::of("reading x", &answer(text)).to_string();
        assert!(!shown.contains("SECRET") && shown.contains("https://x.blob.core.windows.net/…"), "{shown}");
    }
}
