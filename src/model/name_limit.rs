//! How long a name may be.

use super::SEGMENT_LIMIT;

/// The longest name that a mirror's file system takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameLimit(usize);

impl NameLimit {
    /// The limit of common file systems, and of every name in the tree.
    pub const USUAL: Self = Self(SEGMENT_LIMIT);

    /// The smallest limit that a mirror works with: the name of a partial download has up to 98 bytes.
    pub const LEAST: Self = Self(100);

    /// The limit for a file system whose names have at most this many bytes; `None` if that is too few for a mirror.
    pub fn of(bytes: usize) -> Option<Self> {
        (bytes >= Self::LEAST.0).then(|| Self(bytes.min(SEGMENT_LIMIT)))
    }

    /// The limit in bytes.
    pub fn bytes(self) -> usize {
        self.0
    }

    /// Whether every step of a path is within the limit.
    pub fn takes(self, path: &str) -> bool {
        path.split('/').all(|step| step.len() <= self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_checked_step_by_step() {
        assert_eq!(NameLimit::of(99), None);
        assert_eq!([100, 143, 255, 1530].map(|bytes| NameLimit::of(bytes).unwrap().bytes()), [100, 143, 255, 255]);
        let (fits, long) = ("x".repeat(143), "x".repeat(144));
        let limit = NameLimit::of(143).unwrap();
        assert!(limit.takes(&fits) && limit.takes(&format!("{fits}/{fits}")));
        assert!(!limit.takes(&long) && !limit.takes(&format!("{long}/a")) && !limit.takes(&format!("a/{long}/a")));
    }
}
