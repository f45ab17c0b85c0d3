//! Whether listed documents had versions.

/// Whether listed documents had versions; those that are left out don't count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ListedVersions {
    any: bool,
    missing: bool,
}

impl ListedVersions {
    /// Takes a listed document.
    pub(crate) fn take(&mut self, has_version: bool) {
        self.any |= has_version;
        self.missing |= !has_version;
    }

    /// Whether documents were listed, and none had a version.
    pub(crate) fn are_all_missing(self) -> bool {
        self.missing && !self.any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_without_a_version_are_excused_unless_they_are_all() {
        for (listed, missing) in [
            (&[][..], false),
            (&[true], false),
            (&[false], true),
            (&[false, false, false], true),
            (&[false, true, false], false),
            (&[true, false], false),
        ] {
            let mut versions = ListedVersions::default();
            for has in listed {
                versions.take(*has);
            }
            assert_eq!(versions.are_all_missing(), missing, "{listed:?}");
        }
    }
}
