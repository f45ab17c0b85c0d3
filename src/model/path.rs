//! Relative paths of the tree.

use std::{fmt, sync::Arc};

/// The name of the folder that holds the state, below the destination.
pub const STATE_FOLDER: &str = ".ibinder-sync";

/// Longest name of one path step in bytes: the limit of common file systems.
pub const SEGMENT_LIMIT: usize = 255;

/// Why a text is not a path in the tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a path inside the tree")]
pub struct BadPath(String);

/// A path below the destination: steps separated by `/`, none of them empty, `.`, `..` or longer than 255 bytes, and
/// never inside the state folder.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RelPath(Arc<str>);

impl RelPath {
    /// Checks a path.
    pub fn new(text: &str) -> Result<Self, BadPath> {
        let mut steps = text.split('/');
        let first_ok = steps.clone().next().is_some_and(|s| !s.eq_ignore_ascii_case(STATE_FOLDER));
        if first_ok && steps.all(is_step) { Ok(Self(Arc::from(text))) } else { Err(BadPath(text.to_owned())) }
    }

    /// This path with one more step.
    pub fn join(&self, step: &str) -> Result<Self, BadPath> {
        Self::new(&format!("{}/{step}", self.0))
    }

    /// The path as text, steps separated by `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without its last step; `None` for a path of one step.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(Arc::from(parent)))
    }

    /// The last step.
    pub fn leaf(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, leaf)| leaf)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0.as_ref().to_owned()
    }
}

impl TryFrom<String> for RelPath {
    type Error = BadPath;

    fn try_from(text: String) -> Result<Self, BadPath> {
        Self::new(&text)
    }
}

fn is_step(step: &str) -> bool {
    !step.is_empty() && step != "." && step != ".." && step.len() <= SEGMENT_LIMIT && !step.contains('\0')
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_tree() {
        for bad in ["", "/", "/a", "a/", "a//b", "../a", "a/..", "a/./b", "a\0", ".ibinder-sync", ".IBINDER-SYNC/x"] {
            assert!(RelPath::new(bad).is_err(), "{bad:?}");
        }
        assert!(RelPath::new(&"x".repeat(256)).is_err());
        for good in ["a", "a/b", "a/.ibinder-sync", "...", "a\\b"] {
            assert!(RelPath::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn parent_and_leaf() {
        let path = RelPath::new("a/b/c.pdf").unwrap();
        assert_eq!(path.leaf(), "c.pdf");
        assert_eq!(path.parent().unwrap().as_str(), "a/b");
        assert_eq!(RelPath::new("a").unwrap().parent(), None);
    }
}
