//! Whether listed documents had versions.

/// Counts versions of the documents that the filters include.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ListedVersions {
    any: bool,
    missing: bool,
}

impl ListedVersions {
    pub(crate) fn add(&mut self, has_version: bool) {
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
    fn missing_versions_are_reported_only_if_all_are_missing() {
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
                versions.add(*has);
            }
            assert_eq!(versions.are_all_missing(), missing, "{listed:?}");
        }
    }
}
