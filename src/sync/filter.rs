//! What a run looks at.
//!
//! Filters limit what is looked at and nothing else: what they leave out is never taken for
//! absent, and what is mirrored of it keeps its file and name.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::{Binder, RelPath};

/// Globs that were checked.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    binders: Option<GlobSet>,
    asked_for: Vec<String>,
    not_binders: Option<GlobSet>,
    paths: Option<GlobSet>,
    not_paths: Option<GlobSet>,
}

/// Why a glob is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; a glob has *, ?, [a-z], {{a,b}} and ** for any number of folders")]
pub struct BadGlob(String);

impl Filter {
    /// Checks globs: binders by id or name, documents by the path they are mirrored at.
    pub fn new(
        binders: &[String],
        not_binders: &[String],
        paths: &[String],
        not_paths: &[String],
    ) -> Result<Self, BadGlob> {
        Ok(Self {
            binders: globs(binders, false)?,
            asked_for: binders.to_vec(),
            not_binders: globs(not_binders, false)?,
            paths: globs(paths, true)?,
            not_paths: globs(not_paths, true)?,
        })
    }

    /// Whether a binder is looked at.
    pub fn wants_binder(&self, binder: &Binder) -> bool {
        let named = |set: &GlobSet| set.is_match(binder.id.as_str()) || set.is_match(&binder.name);
        self.binders.as_ref().is_none_or(named) && !self.not_binders.as_ref().is_some_and(named)
    }

    /// The globs of binders that are asked for which match none of these.
    pub fn unmatched(&self, listed: &[Binder]) -> Vec<&str> {
        let Some(set) = &self.binders else { return Vec::new() };
        let matched = |b: &Binder| [set.matches(b.id.as_str()), set.matches(&b.name)].concat();
        let met: BTreeSet<usize> = listed.iter().flat_map(matched).collect();
        self.asked_for.iter().enumerate().filter(|(n, _)| !met.contains(n)).map(|(_, glob)| glob.as_str()).collect()
    }

    /// Whether a document that belongs at this path is looked at.
    pub fn wants(&self, dir: &RelPath, name: impl FnOnce() -> String) -> bool {
        if self.paths.is_none() && self.not_paths.is_none() {
            return true;
        }
        let path = format!("{dir}/{}", name());
        self.paths.as_ref().is_none_or(|set| set.is_match(&path))
            && !self.not_paths.as_ref().is_some_and(|set| set.is_match(&path))
    }

    /// Whether every document is looked at, so that a complete run has seen them all.
    pub fn wants_all(&self) -> bool {
        self.binders.is_none() && self.not_binders.is_none() && self.paths.is_none() && self.not_paths.is_none()
    }
}

fn globs(patterns: &[String], path: bool) -> Result<Option<GlobSet>, BadGlob> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let bad = |error: globset::Error| BadGlob(error.to_string());
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(GlobBuilder::new(pattern).literal_separator(path).build().map_err(bad)?);
    }
    set.build().map(Some).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BinderId;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn documents_are_filtered_by_path() {
        let filter = Filter::new(&[], &[], &strings(&["**/*.pdf"]), &strings(&["Brf */Avtal/**"])).unwrap();
        let dir = |text: &str| RelPath::new(text).unwrap();
        assert!(filter.wants(&dir("Brf Sjöstaden/Ritningar"), || "a.pdf".to_owned()));
        assert!(!filter.wants(&dir("Brf Sjöstaden/Ritningar"), || "a.dwg".to_owned()));
        assert!(!filter.wants(&dir("Brf Sjöstaden/Avtal/El"), || "a.pdf".to_owned()));
    }

    #[test]
    fn binders_are_filtered_by_id_or_name() {
        let binder = |id: &str, name: &str| Binder { id: BinderId::parse(id).unwrap(), name: name.into() };
        let filter = Filter::new(&strings(&["Kv. *", "abc123456"]), &strings(&["*arkiv*"]), &[], &[]).unwrap();
        assert!(filter.wants_binder(&binder("x", "Kv. Björken")));
        assert!(filter.wants_binder(&binder("abc123456", "Any")));
        assert!(!filter.wants_binder(&binder("x", "Brf Sjöstaden")));
        assert!(!filter.wants_binder(&binder("x", "Kv. Björken, arkiv")));
    }

    #[test]
    fn a_glob_that_matches_no_binder_is_known() {
        let binder = |id: &str, name: &str| Binder { id: BinderId::parse(id).unwrap(), name: name.into() };
        let listed = [binder("abc123456", "Kv. Björken"), binder("x", "Brf Sjöstaden")];
        let filter =
            Filter::new(&strings(&["Kv. *", "abc*", "Brv *", "Brf *"]), &strings(&["none"]), &[], &[]).unwrap();
        assert_eq!(filter.unmatched(&listed), ["Brv *"]);
        assert_eq!(filter.unmatched(&[]), ["Kv. *", "abc*", "Brv *", "Brf *"]);
        assert!(Filter::default().unmatched(&[]).is_empty());
    }

    #[test]
    fn a_broken_glob_is_told() {
        assert!(Filter::new(&[], &[], &strings(&["a[b"]), &[]).is_err());
    }
}
