//! How long a name may be.

use super::SEGMENT_LIMIT;

/// The longest name that a mirror's file system takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameLimit(usize);

impl NameLimit {
    /// The limit of the common file systems, and the most that a name of the tree ever has.
    pub const USUAL: Self = Self(SEGMENT_LIMIT);

    /// The least that a mirror needs: a partial download's name has up to 98 bytes.
    pub const LEAST: Self = Self(100);

    /// The limit of a file system that takes names of this many bytes; `None` if a mirror needs more.
    pub fn of(bytes: usize) -> Option<Self> {
        (bytes >= Self::LEAST.0).then(|| Self(bytes.min(SEGMENT_LIMIT)))
    }

    /// The limit in bytes.
    pub fn bytes(self) -> usize {
        self.0
    }

    /// Whether every step of a path is short enough.
    pub fn takes(self, path: &str) -> bool {
        path.split('/').all(|step| step.len() <= self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_what_they_take() {
        assert_eq!(NameLimit::of(99), None);
        assert_eq!([100, 143, 255, 1530].map(|bytes| NameLimit::of(bytes).unwrap().bytes()), [100, 143, 255, 255]);
        let (fits, long) = ("x".repeat(143), "x".repeat(144));
        let limit = NameLimit::of(143).unwrap();
        assert!(limit.takes(&fits) && limit.takes(&format!("{fits}/{fits}")));
        assert!(!limit.takes(&long) && !limit.takes(&format!("{long}/a")) && !limit.takes(&format!("a/{long}/a")));
    }
}
