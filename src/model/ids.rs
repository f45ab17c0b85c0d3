//! Identifiers of the service.
//!
//! GUIDs are compared case-insensitively, so they are stored in lower case. Everything else (the `NanoIds` of binders, and
//! whatever may replace GUIDs one day) is case-sensitive and stored verbatim. The service may change the form of its ids,
//! so only values that can't be an id (empty, overlong, with control characters, or `.` and `..`) are rejected.

use std::{fmt, sync::Arc};

use super::guid::{Guid, is_guid};

/// Longest id that is accepted, in bytes.
const LONGEST: usize = 128;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// The text is empty.
    #[error("an id is empty")]
    Empty,
    /// The text is longer than any id.
    #[error("an id is {0} bytes long, more than {LONGEST}")]
    TooLong(usize),
    /// The text has a control character, or is `.` or `..`.
    #[error("an id contains invalid characters: {0:?}")]
    Odd(String),
}

fn check(text: &str) -> Result<(), BadId> {
    match text {
        "" => Err(BadId::Empty),
        "." | ".." => Err(BadId::Odd(text.to_owned())),
        _ if text.len() > LONGEST => Err(BadId::TooLong(text.len())),
        _ if has_control(text) => Err(BadId::Odd(text.to_owned())),
        _ => Ok(()),
    }
}

fn has_control(text: &str) -> bool {
    any(text, |byte| byte.is_ascii_control()) || (!text.is_ascii() && text.chars().any(char::is_control))
}

/// Whether any byte is like this. Looks at all of them, many at once.
fn any(text: &str, is: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |found, byte| found | is(byte))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $keep:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks an id from the service and normalises it.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                // Nearly every id is one, and nothing else is to be checked of it.
                if Guid::parse(text).is_some() {
                    return Ok(Self(Arc::from(text)));
                }
                check(text)?;
                let keep: fn(&str) -> Arc<str> = $keep;
                Ok(Self(keep(text)))
            }

            /// The id as it is compared, stored and sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                Self::parse(&text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn verbatim(text: &str) -> Arc<str> {
    Arc::from(text)
}

fn guid_in_lower_case(text: &str) -> Arc<str> {
    let folds = any(text, |byte| byte.is_ascii_uppercase()) && is_guid(text.as_bytes());
    if folds { Arc::from(text.to_ascii_lowercase()) } else { Arc::from(text) }
}

id!(
    /// A tenant of the service (a GUID).
    OrganisationId,
    guid_in_lower_case
);
id!(
    /// A binder (a 9-character `NanoId`, case matters).
    BinderId,
    verbatim
);
id!(
    /// A tab or folder (a GUID).
    FolderId,
    guid_in_lower_case
);
id!(
    /// A document (a GUID). It stays the same across versions, names, folders and binders.
    DocumentId,
    guid_in_lower_case
);
id!(
    /// One immutable version of a document (a GUID).
    VersionId,
    guid_in_lower_case
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_ignore_case_and_nano_ids_do_not() {
        let guid = "3F2A91C0-5a5f-4d1e-8f7a-3f2a91c05e1D";
        assert_eq!(DocumentId::parse(guid).unwrap().as_str(), guid.to_ascii_lowercase());
        // What only resembles a GUID keeps its case.
        for other in ["AB-1", "3F2A91C05a5f4d1e8f7a3f2a91c05e1D", &guid.replace('-', "_"), &guid.replace('D', "G")] {
            assert_eq!(DocumentId::parse(other).unwrap().as_str(), other);
        }
        assert_ne!(BinderId::parse("AB_1"), BinderId::parse("ab_1"));
    }

    #[test]
    fn invalid_ids_are_rejected() {
        for bad in ["", ".", "..", "a\nb", "a\0", &"x".repeat(129)] {
            assert!(DocumentId::parse(bad).is_err(), "{bad:?}");
        }
        for odd in ["a/b", "å", "a b", "..a", "%2e"] {
            assert!(DocumentId::parse(odd).is_ok(), "{odd:?}");
        }
    }
}
