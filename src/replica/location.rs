//! Where a copy is: a bucket, a container or a folder, and a prefix in it.

use std::{fmt, path::PathBuf, str::FromStr};

/// The kind of store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A bucket of S3, or of a store that speaks its protocol.
    S3 {
        /// Its name.
        bucket: String,
    },
    /// A container of Azure Blob Storage.
    Azure {
        /// Its name.
        container: String,
    },
    /// A folder, as of another disk.
    Folder(PathBuf),
}

/// Where a copy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The store.
    pub place: Place,
    /// The part of each key before `objects/` and the others, without a slash at its end; it may be empty.
    pub prefix: String,
}

/// Why a text is not a place for a copy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLocation {
    /// Another scheme, or none.
    #[error("{0:?} is no place for a copy: give s3://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER")]
    Scheme(String),
    /// No bucket.
    #[error("{0:?} names no bucket or container; give s3://BUCKET/PREFIX or az://CONTAINER/PREFIX")]
    NoBucket(String),
    /// A relative folder or another host's.
    #[error("{0:?} names no folder of this machine; give three slashes and the whole path: file:///FOLDER")]
    Relative(String),
    /// A part of the path that stores treat in different ways.
    #[error(
        "{text:?} has {part:?} in its prefix; use names of letters, digits, '.', '_' and '-', with one slash between them"
    )]
    Part {
        /// The whole text.
        text: String,
        /// The part.
        part: String,
    },
}

impl FromStr for Location {
    type Err = BadLocation;

    fn from_str(text: &str) -> Result<Self, BadLocation> {
        let trimmed = text.trim();
        let (scheme, rest) = trimmed.split_once("://").ok_or_else(|| BadLocation::Scheme(Self::shown(text)))?;
        if scheme == "file" {
            return folder(text, rest);
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let place = match scheme {
            "s3" => Place::S3 { bucket: bucket.to_owned() },
            "az" => Place::Azure { container: bucket.to_owned() },
            _ => return Err(BadLocation::Scheme(Self::shown(text))),
        };
        if !is_name(bucket) {
            return Err(BadLocation::NoBucket(Self::shown(text)));
        }
        let prefix = prefix.trim_end_matches('/');
        let bad = |part: &&str| !is_name(part);
        match prefix.split('/').find(bad).filter(|_| !prefix.is_empty()) {
            Some(part) => Err(BadLocation::Part { text: Self::shown(text), part: Self::shown(part) }),
            None => Ok(Self { place, prefix: prefix.to_owned() }),
        }
    }
}

fn folder(text: &str, path: &str) -> Result<Location, BadLocation> {
    let path = PathBuf::from(path);
    if !path.is_absolute() {
        return Err(BadLocation::Relative(Location::shown(text)));
    }
    Ok(Location { place: Place::Folder(path.components().collect()), prefix: String::new() })
}

fn is_name(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !part.is_empty() && part.chars().all(plain) && !matches!(part, "." | "..")
}

impl Location {
    /// A text that is no place, without what may be a secret in it: what follows `?`, and a user's name and password.
    pub fn shown(text: &str) -> String {
        let (before, query) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
        let kept = match before.rsplit_once('@') {
            Some((user, host)) => {
                format!("{}…@{host}", user.split_inclusive("://").next().filter(|s| s.ends_with("://")).unwrap_or(""))
            }
            None => before.to_owned(),
        };
        if query.is_empty() { kept } else { format!("{kept}{}…", &query[..1]) }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, name) = match &self.place {
            Place::S3 { bucket } => ("s3", bucket),
            Place::Azure { container } => ("az", container),
            Place::Folder(path) => return write!(f, "file://{}", path.display()),
        };
        write!(f, "{scheme}://{name}")?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_shown() {
        for (text, shown) in [
            ("s3://bucket", "s3://bucket"),
            ("s3://bucket/", "s3://bucket"),
            (" s3://brf.eken/a/b-c/ ", "s3://brf.eken/a/b-c"),
            ("az://copies/eken", "az://copies/eken"),
            ("file:///mnt/disk/copy/", "file:///mnt/disk/copy"),
            ("file:///mnt//disk", "file:///mnt/disk"),
        ] {
            let location: Location = text.parse().unwrap();
            assert_eq!(location.to_string(), shown, "{text}");
            assert_eq!(shown.parse(), Ok(location), "{text}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused_with_advice() {
        for (text, advice) in [
            ("bucket/prefix", "give s3://"),
            ("", "give s3://"),
            ("gs://bucket", "give s3://"),
            ("S3://bucket", "give s3://"),
            ("s3://", "names no bucket"),
            ("s3:///prefix", "names no bucket"),
            ("az://?x/prefix", "names no bucket"),
            ("s3://bucket//a", "one slash"),
            ("s3://bucket/../other", "one slash"),
            ("s3://bucket/å", "letters, digits"),
            ("file://folder", "three slashes"),
            ("file://", "three slashes"),
        ] {
            let refused = text.parse::<Location>().unwrap_err().to_string();
            assert!(refused.contains(advice), "{text}: {refused}");
        }
    }

    #[test]
    fn no_secret_in_a_pasted_address_is_shown() {
        for (text, shown) in [
            ("az://copies/eken?sig=SECRET", "az://copies/eken?…"),
            ("https://b.s3.net/k?X-Amz-Signature=SECRET", "https://b.s3.net/k?…"),
            ("s3://user:SECRET@bucket/a", "s3://…@bucket/a"),
            ("SECRET@bucket", "…@bucket"),
            ("s3://bucket/å", "s3://bucket/å"),
        ] {
            assert_eq!(Location::shown(text), shown);
            assert!(!text.parse::<Location>().unwrap_err().to_string().contains("SECRET"), "{text}");
        }
    }
}
