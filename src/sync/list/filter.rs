//! Which binders and documents a run mirrors.
//!
//! A document that the filters exclude is never treated as absent; if it is mirrored, its file and name stay as they are.
//! `docs/filters.md` has the rules.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::{
    model::{Binder, RelPath},
    naming,
    report::Filters,
};

/// Valid globs.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    binders: Option<BinderNames>,
    not_binders: Option<BinderNames>,
    paths: Option<Paths>,
    not_paths: Option<Paths>,
}

/// An invalid glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; a glob has *, ?, [a-z], {{a,b}} and ** for any number of folders")]
pub struct BadGlob(String);

/// Which globs matched a document, and whether any document was included or excluded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterHits {
    paths: BTreeSet<usize>,
    not_paths: BTreeSet<usize>,
    included: bool,
    excluded: bool,
}

/// Globs for the id or the name of a binder.
#[derive(Debug, Clone)]
struct BinderNames {
    patterns: Vec<String>,
    set: GlobSet,
}

/// Patterns for documents. One pattern may need two globs: for the document itself, and for all documents in a folder.
#[derive(Debug, Clone)]
struct Paths {
    patterns: Vec<String>,
    set: GlobSet,
    /// The index of the pattern that each glob of the set belongs to.
    owners: Vec<usize>,
}

impl Filter {
    /// A filter for binders by id or name, and for documents by their path in the mirror.
    pub fn new(
        binders: &[String],
        not_binders: &[String],
        paths: &[String],
        not_paths: &[String],
    ) -> Result<Self, BadGlob> {
        Ok(Self {
            binders: BinderNames::new(binders)?,
            not_binders: BinderNames::new(not_binders)?,
            paths: Paths::new(paths)?,
            not_paths: Paths::new(not_paths)?,
        })
    }

    /// Whether a binder is included.
    pub fn wants_binder(&self, binder: &Binder) -> bool {
        self.binders.as_ref().is_none_or(|names| names.has(binder))
            && !self.not_binders.as_ref().is_some_and(|names| names.has(binder))
    }

    /// The globs of included binders that match none of these.
    pub fn unmatched(&self, listed: &[Binder]) -> Vec<&str> {
        self.binders.as_ref().map_or_else(Vec::new, |names| names.unmatched(listed))
    }

    /// The globs of excluded binders that match none of these.
    pub fn unmatched_exclusions(&self, listed: &[Binder]) -> Vec<&str> {
        self.not_binders.as_ref().map_or_else(Vec::new, |names| names.unmatched(listed))
    }

    /// Whether a document with this path is included.
    pub fn wants(&self, dir: &RelPath, name: impl FnOnce() -> String) -> bool {
        if !self.filters_paths() {
            return true;
        }
        let path = format!("{dir}/{}", name());
        self.paths.as_ref().is_none_or(|globs| globs.set.is_match(&path))
            && !self.not_paths.as_ref().is_some_and(|globs| globs.set.is_match(&path))
    }

    /// Like [`Filter::wants`], and records which globs matched.
    pub fn wants_recording(&self, dir: &RelPath, name: impl FnOnce() -> String, hits: &mut FilterHits) -> bool {
        if !self.filters_paths() {
            return true;
        }
        let path = format!("{dir}/{}", name());
        let included = self.paths.as_ref().is_none_or(|globs| globs.record(&path, &mut hits.paths));
        let excluded = self.not_paths.as_ref().is_some_and(|globs| globs.record(&path, &mut hits.not_paths));
        let wanted = included && !excluded;
        hits.included |= wanted;
        hits.excluded |= !wanted;
        wanted
    }

    /// The patterns for documents that matched nothing, with their flags.
    pub fn unused(&self, hits: &FilterHits) -> Vec<(&'static str, &str)> {
        let lists = [("--include", &self.paths, &hits.paths), ("--exclude", &self.not_paths, &hits.not_paths)];
        let unused = lists.into_iter().flat_map(|(flag, globs, hits)| {
            let patterns = globs.iter().flat_map(|globs| &globs.patterns).enumerate();
            patterns.filter(|(n, _)| !hits.contains(n)).map(move |(_, pattern)| (flag, pattern.as_str()))
        });
        unused.collect()
    }

    /// Whether every document is included.
    pub fn wants_all(&self) -> bool {
        self.binders.is_none() && self.not_binders.is_none() && !self.filters_paths()
    }

    /// The filters as a report shows them; `None` without filters.
    pub fn shown(&self) -> Option<Filters> {
        let names = |names: &Option<BinderNames>| names.as_ref().map_or_else(Vec::new, |n| n.patterns.clone());
        let paths = |paths: &Option<Paths>| paths.as_ref().map_or_else(Vec::new, |p| p.patterns.clone());
        (!self.wants_all()).then(|| Filters {
            binder: names(&self.binders),
            exclude_binder: names(&self.not_binders),
            include: paths(&self.paths),
            exclude: paths(&self.not_paths),
        })
    }

    fn filters_paths(&self) -> bool {
        self.paths.is_some() || self.not_paths.is_some()
    }
}

impl FilterHits {
    /// Whether documents were listed, and the filters excluded all of them.
    pub fn are_all_excluded(&self) -> bool {
        self.excluded && !self.included
    }

    /// Whether any document was filtered.
    pub fn any(&self) -> bool {
        self.excluded || self.included
    }
}

impl BinderNames {
    fn new(patterns: &[String]) -> Result<Option<Self>, BadGlob> {
        let checked = patterns.iter().map(|pattern| checked(pattern)).collect::<Result<Vec<_>, _>>()?;
        let set = globs(checked.iter().map(String::as_str), false)?;
        Ok((!patterns.is_empty()).then(|| Self { patterns: patterns.to_vec(), set }))
    }

    fn has(&self, binder: &Binder) -> bool {
        self.set.is_match(binder.id.as_str()) || self.set.is_match(naming::composed(&binder.name).as_ref())
    }

    fn unmatched(&self, listed: &[Binder]) -> Vec<&str> {
        let matched = |b: &Binder| {
            [self.set.matches(b.id.as_str()), self.set.matches(naming::composed(&b.name).as_ref())].concat()
        };
        let met: BTreeSet<usize> = listed.iter().flat_map(matched).collect();
        self.patterns.iter().enumerate().filter(|(n, _)| !met.contains(n)).map(|(_, glob)| glob.as_str()).collect()
    }
}

impl Paths {
    fn new(patterns: &[String]) -> Result<Option<Self>, BadGlob> {
        let mut all = Vec::new();
        for (owner, pattern) in patterns.iter().enumerate() {
            all.extend(anywhere(&checked(pattern)?).into_iter().map(|glob| (owner, glob)));
        }
        let set = globs(all.iter().map(|(_, glob)| glob.as_str()), true)?;
        let owners = all.into_iter().map(|(owner, _)| owner).collect();
        Ok((!patterns.is_empty()).then(|| Self { patterns: patterns.to_vec(), set, owners }))
    }

    /// Whether a pattern matches; records each that does.
    fn record(&self, path: &str, hits: &mut BTreeSet<usize>) -> bool {
        let matched = self.set.matches(path);
        hits.extend(matched.iter().filter_map(|n| self.owners.get(*n)));
        !matched.is_empty()
    }
}

/// The globs for full paths that a pattern stands for: one for a document, one for all documents in a folder. A pattern
/// without a slash matches at any depth, one with a slash from the top; one that ends in a slash only matches folders.
fn anywhere(pattern: &str) -> Vec<String> {
    let body = pattern.trim_start_matches('/').trim_end_matches('/');
    let anchored = pattern.starts_with('/') || body.contains('/');
    let body = if anchored { body.to_owned() } else { format!("**/{body}") };
    let only_folders = pattern.ends_with('/');
    let below = (!body.ends_with("/**")).then(|| format!("{body}/**"));
    (!only_folders || below.is_none()).then_some(body).into_iter().chain(below).collect()
}

/// A valid pattern in Unicode's composed form, in which names are compared.
fn checked(pattern: &str) -> Result<String, BadGlob> {
    if pattern.trim().trim_matches('/').is_empty() {
        return Err(BadGlob(format!("{pattern:?} names no folder and no document")));
    }
    // Built before it is composed, so that an error shows the pattern as it was written.
    GlobBuilder::new(pattern).build().map_err(|error| BadGlob(error.to_string()))?;
    Ok(naming::composed(pattern).into_owned())
}

fn globs<'g>(patterns: impl Iterator<Item = &'g str>, path: bool) -> Result<GlobSet, BadGlob> {
    let bad = |error: globset::Error| BadGlob(error.to_string());
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(GlobBuilder::new(pattern).literal_separator(path).build().map_err(bad)?);
    }
    set.build().map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BinderId;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    fn included(pattern: &str) -> Filter {
        Filter::new(&[], &[], &strings(&[pattern]), &[]).unwrap()
    }

    fn wants(filter: &Filter, path: &str) -> bool {
        let (dir, name) = path.rsplit_once('/').unwrap();
        filter.wants(&RelPath::new(dir).unwrap(), || name.to_owned())
    }

    const PATHS: [&str; 7] = [
        "Brf Eken/a.pdf",
        "Brf Eken/Ritningar/b.pdf",
        "Brf Eken/Ritningar/El/c.dwg",
        "Brf Eken/El/Ritningar/d.pdf",
        "Kv. Björken/Avtal/El.pdf",
        "Kv. Björken/Avtal/Ritningar",
        "Kv. Björken/x.pdf/e.dwg",
    ];

    /// The table of `docs/filters.md`.
    #[test]
    fn a_pattern_matches_these_paths() {
        #[rustfmt::skip]
        let table = [
            // pattern                    the paths, in the order of PATHS
            ("*.pdf",                     "1101101"), // at any depth, and all documents in a folder of that name
            ("**/*.pdf",                  "1101101"),
            ("a.pdf",                     "1000000"),
            ("/*.pdf",                    "0000000"), // from the top, where only binders are
            ("*/*.pdf",                   "1000001"), // directly below a binder
            ("Ritningar",                 "0111010"),
            ("Ritningar/",                "0111000"), // only a folder
            ("Brf Eken",                  "1111000"),
            ("/Brf Eken",                 "1111000"),
            ("/Ritningar",                "0000000"),
            ("Brf Eken/Ritningar",        "0110000"),
            ("Brf Eken/Ritningar/",       "0110000"),
            ("Brf Eken/Ritningar/*",      "0110000"), // El is a folder, and its documents match
            ("Brf Eken/Ritningar/**",     "0110000"),
            ("Brf Eken/*/b.pdf",          "0100000"),
            ("Brf */El",                  "0001000"),
            ("**/El/**",                  "0011000"),
            ("El",                        "0011000"),
            ("El*",                       "0011100"),
            ("?.dwg",                     "0010001"),
            ("[a-b].pdf",                 "1100000"),
            ("*.{dwg,pdf}",               "1111101"),
            ("*",                         "1111111"),
            ("**",                        "1111111"),
            ("*.PDF",                     "0000000"), // patterns are case-sensitive
            ("*.[pP][dD][fF]",            "1101101"),
            ("Kv. Bjo\u{308}rken",        "0000111"), // however the letter is composed
            ("nothing",                   "0000000"),
        ];
        for (pattern, expected) in table {
            let found = |filter: &Filter, yes| PATHS.map(|path| if wants(filter, path) == yes { '1' } else { '0' });
            let excluded = Filter::new(&[], &[], &[], &strings(&[pattern])).unwrap();
            assert_eq!(String::from_iter(found(&included(pattern), true)), expected, "--include {pattern}");
            assert_eq!(String::from_iter(found(&excluded, false)), expected, "--exclude {pattern}");
        }
    }

    #[test]
    fn documents_are_filtered_by_path() {
        let filter = Filter::new(&[], &[], &strings(&["*.pdf", "*.dwg"]), &strings(&["Brf */Ritningar"])).unwrap();
        assert_eq!(PATHS.map(|path| wants(&filter, path)), [true, false, false, true, true, false, true]);
    }

    #[test]
    fn patterns_that_match_nothing_are_reported() {
        let filter =
            Filter::new(&[], &[], &strings(&["*.pdf", "*.rvt"]), &strings(&["*.tmp", "a.*", "*.dwg"])).unwrap();
        let mut hits = FilterHits::default();
        for path in PATHS {
            let (dir, name) = path.rsplit_once('/').unwrap();
            let wanted = filter.wants_recording(&RelPath::new(dir).unwrap(), || name.to_owned(), &mut hits);
            assert_eq!(wanted, wants(&filter, path), "{path}");
        }
        assert_eq!(filter.unused(&hits), [("--include", "*.rvt"), ("--exclude", "*.tmp")]);
        assert!(hits.any() && !hits.are_all_excluded());
    }

    #[test]
    fn a_filter_that_excludes_everything_is_noticed() {
        let filter = Filter::new(&[], &[], &strings(&["*.rvt"]), &[]).unwrap();
        let mut hits = FilterHits::default();
        assert!(!hits.any() && !hits.are_all_excluded());
        assert!(!filter.wants_recording(&RelPath::new("A").unwrap(), || "a.pdf".to_owned(), &mut hits));
        assert!(hits.any() && hits.are_all_excluded());
        assert!(filter.wants_recording(&RelPath::new("A").unwrap(), || "a.rvt".to_owned(), &mut hits));
        assert!(!hits.are_all_excluded());
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
    fn a_glob_that_matches_no_binder_is_reported() {
        let binder = |id: &str, name: &str| Binder { id: BinderId::parse(id).unwrap(), name: name.into() };
        let listed = [binder("abc123456", "Kv. Björken"), binder("x", "Brf Sjöstaden")];
        let filter =
            Filter::new(&strings(&["Kv. *", "abc*", "Brv *", "Brf *"]), &strings(&["none", "x"]), &[], &[]).unwrap();
        assert_eq!(filter.unmatched(&listed), ["Brv *"]);
        assert_eq!(filter.unmatched_exclusions(&listed), ["none"]);
        assert_eq!(filter.unmatched(&[]), ["Kv. *", "abc*", "Brv *", "Brf *"]);
        assert!(Filter::default().unmatched(&[]).is_empty());
    }

    #[test]
    fn an_invalid_glob_is_refused() {
        for bad in ["a[b", "", " ", "/", "//"] {
            assert!(Filter::new(&[], &[], &strings(&[bad]), &[]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn filters_are_shown_as_they_were_given() {
        let filter = Filter::new(&strings(&["Kv. *"]), &[], &strings(&["*.pdf"]), &strings(&["El/"])).unwrap();
        let shown = filter.shown().unwrap();
        assert_eq!(shown.flags(), ["--binder \"Kv. *\"", "--include \"*.pdf\"", "--exclude \"El/\""]);
        assert_eq!(Filter::default().shown(), None);
    }
}
