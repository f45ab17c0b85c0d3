//! The paths that a user selected.

use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use unicode_normalization::UnicodeNormalization as _;

use crate::model::RelPath;

/// Files and folders of the tree that a user selected; everything if no path was given.
#[derive(Debug, Clone)]
pub struct Selection(Vec<Given>);

/// A path as given, and what it may mean below the destination.
#[derive(Debug, Clone)]
struct Given {
    text: String,
    names: Vec<String>,
    globs: Vec<Glob>,
    met: bool,
}

/// A name with wildcards.
#[derive(Debug, Clone)]
struct Glob {
    /// The folder in which all that it matches is.
    folder: String,
    matcher: GlobMatcher,
}

impl Glob {
    fn new(name: &str) -> Option<Self> {
        let folder = &name[..name.find(['*', '?', '[', '{'])?];
        let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let glob = GlobBuilder::new(name).literal_separator(true).build().ok()?;
        Some(Self { folder, matcher: glob.compile_matcher() })
    }

    /// The shortest part of a path that it matches: the path itself or a folder.
    fn part<'p>(&self, path: &'p str) -> Option<&'p str> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.map(|end| &path[..end]).find(|part| self.matcher.is_match(part))
    }
}

impl Selection {
    /// From paths below the destination, or with the destination in front, as a shell completes them. `folder` is the
    /// working folder, and `destinations` has the absolute paths of the destination.
    pub fn new(given: &[PathBuf], destinations: &[PathBuf], folder: &Path) -> Self {
        let read = |given: &PathBuf| Given {
            text: given.display().to_string(),
            names: meanings(given, destinations, folder),
            globs: Vec::new(),
            met: false,
        };
        Self(given.iter().map(read).collect())
    }

    /// The same, in which the paths may have wildcards. A name that has such letters itself is still found.
    #[must_use]
    pub fn with_globs(mut self) -> Self {
        for given in &mut self.0 {
            given.globs = given.names.iter().filter_map(|name| Glob::new(name)).collect();
        }
        self
    }

    /// Whether any path was given.
    pub fn is_given(&self) -> bool {
        !self.0.is_empty()
    }

    /// What the given paths may mean below the destination; an empty one means all of it.
    pub fn names<'s>(&'s self) -> impl Iterator<Item = &'s str> {
        let folders = |globs: &'s [Glob]| globs.iter().map(|glob| &*glob.folder);
        self.0.iter().flat_map(move |given| given.names.iter().map(String::as_str).chain(folders(&given.globs)))
    }

    /// The part of a selected path that is shown at one level: the path itself, or the folder that it is in.
    pub fn shown<'p>(&self, path: &'p RelPath) -> &'p str {
        let path = path.as_str();
        if self.0.is_empty() {
            return level_below(path, "");
        }
        let parts = self.0.iter().filter_map(|given| {
            let name = given.names.iter().find(|name| lies_in(path, name));
            name.map(|name| level_below(path, name)).or_else(|| given.globs.iter().find_map(|glob| glob.part(path)))
        });
        parts.max_by_key(|part| part.len()).unwrap_or(path)
    }

    /// Whether a path is selected. Remembers which of the given paths matched.
    pub fn wants(&mut self, path: &RelPath) -> bool {
        let mut wanted = self.0.is_empty();
        for given in &mut self.0 {
            let path = path.as_str();
            if given.names.iter().any(|name| lies_in(path, name))
                || given.globs.iter().any(|glob| glob.part(path).is_some())
            {
                given.met = true;
                wanted = true;
            }
        }
        wanted
    }

    /// The given paths that matched nothing so far.
    pub fn unmatched(&self) -> Vec<String> {
        self.0.iter().filter(|given| !given.met).map(|given| given.text.clone()).collect()
    }
}

/// The part of a path that is one level below a folder; all of it if it is the named file.
fn level_below<'p>(path: &'p str, folder: &str) -> &'p str {
    let start = if folder.is_empty() { 0 } else { (folder.len() + 1).min(path.len()) };
    path[start..].find('/').map_or(path, |at| &path[..start + at])
}

/// Whether a path is the named file or folder, or below it.
fn lies_in(path: &str, name: &str) -> bool {
    name.is_empty() || path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn meanings(given: &Path, destinations: &[PathBuf], folder: &Path) -> Vec<String> {
    let absolute: PathBuf = folder.join(given).components().collect();
    let below = destinations.iter().filter_map(|destination| absolute.strip_prefix(destination).ok());
    let plain = given.is_relative().then_some(given);
    let mut names: Vec<String> = below.chain(plain).filter_map(steps).collect();
    names.sort();
    names.dedup();
    names
}

/// The steps of a path as in the tree: normalised, without `.` and `..`.
fn steps(path: &Path) -> Option<String> {
    let mut names = Vec::new();
    for step in path.components() {
        match step {
            Component::CurDir => {}
            Component::Normal(name) => names.push(name.to_str()?.nfc().collect::<String>()),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(given: &[&str]) -> Selection {
        let given: Vec<PathBuf> = given.iter().map(PathBuf::from).collect();
        Selection::new(&given, &["/srv/mirror".into(), "/mnt/disk/mirror".into()], Path::new("/srv"))
    }

    #[test]
    fn a_path_can_be_given_in_many_ways() {
        for given in [
            "Brf Eken",
            "Brf Eken/",
            "./Brf Eken/a.pdf",
            "Brf Eken//a.pdf",
            "mirror/Brf Eken",
            "./mirror/Brf Eken/a.pdf",
            "/srv/mirror/Brf Eken/a.pdf",
            "/mnt/disk/mirror/Brf Eken",
            "/srv/./mirror/",
            ".",
        ] {
            let mut selection = selection(&[given]);
            assert!(selection.wants(&RelPath::new("Brf Eken/a.pdf").unwrap()), "{given}");
            assert!(selection.unmatched().is_empty(), "{given}");
        }
        for given in
            ["Brf", "Brf Eken/a", "a.pdf", "/Brf Eken", "../mirror/Brf Eken", "/srv/other/Brf Eken", "Brf Eken/.."]
        {
            let mut selection = selection(&[given]);
            assert!(!selection.wants(&RelPath::new("Brf Eken/a.pdf").unwrap()), "{given}");
            assert_eq!(selection.unmatched(), [given]);
        }
    }

    #[test]
    fn a_level_shows_files_and_folders() {
        for (given, path, shown) in [
            (&[][..], "Brf Eken/Avtal/a.pdf", Some("Brf Eken")),
            (&["."], "Brf Eken/Avtal/a.pdf", Some("Brf Eken")),
            (&["Brf Eken"], "Brf Eken/Avtal/a.pdf", Some("Brf Eken/Avtal")),
            (&["Brf Eken", "Brf Eken/Avtal"], "Brf Eken/Avtal/a.pdf", Some("Brf Eken/Avtal/a.pdf")),
            (&["Brf Eken/a.pdf"], "Brf Eken/a.pdf", Some("Brf Eken/a.pdf")),
            (&["Brf *"], "Brf Eken/Avtal/a.pdf", Some("Brf Eken")),
            (&["Brf */A*"], "Brf Eken/Avtal/a.pdf", Some("Brf Eken/Avtal")),
            (&["*/*.pdf"], "Brf Eken/a.pdf", Some("Brf Eken/a.pdf")),
            (&["*.pdf"], "Brf Eken/a.pdf", None),
            (&["**/*.pdf"], "Brf Eken/Avtal/a.pdf", Some("Brf Eken/Avtal/a.pdf")),
            (&["Brf Eken/{a,b}.pdf"], "Brf Eken/b.pdf", Some("Brf Eken/b.pdf")),
            (&["Brf Eken [1a2b]"], "Brf Eken [1a2b]/a.pdf", Some("Brf Eken [1a2b]/a.pdf")),
            (&["Brf Eken [1a2b"], "Brf Eken/a.pdf", None),
        ] {
            let (mut selection, path) = (selection(given).with_globs(), RelPath::new(path).unwrap());
            assert_eq!(selection.wants(&path).then(|| selection.shown(&path)), shown, "{given:?} {path}");
        }
        assert!(selection(&["Brf Eken/Av*/x"]).with_globs().names().any(|name| name == "Brf Eken"));
        assert!(!selection(&["Brf *"]).wants(&RelPath::new("Brf Eken/a.pdf").unwrap()), "only on request");
    }

    #[test]
    fn nothing_given_means_everything() {
        assert!(selection(&[]).wants(&RelPath::new("a").unwrap()));
        assert!(selection(&["A\u{30a}", "x"]).wants(&RelPath::new("\u{c5}/x").unwrap()));
    }
}
