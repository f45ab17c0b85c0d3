//! The paths that a user selected.

use std::path::{Component, Path, PathBuf};

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
    met: bool,
}

impl Selection {
    /// From paths below the destination, or with the destination in front, as a shell completes them. `folder` is the
    /// working folder, and `destinations` has the absolute paths of the destination.
    pub fn new(given: &[PathBuf], destinations: &[PathBuf], folder: &Path) -> Self {
        let read = |given: &PathBuf| Given {
            text: given.display().to_string(),
            names: meanings(given, destinations, folder),
            met: false,
        };
        Self(given.iter().map(read).collect())
    }

    /// Whether any path was given.
    pub fn is_given(&self) -> bool {
        !self.0.is_empty()
    }

    /// What the given paths may mean below the destination; an empty one means all of it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|given| given.names.iter().map(String::as_str))
    }

    /// Whether a path is selected. Remembers which of the given paths matched.
    pub fn wants(&mut self, path: &RelPath) -> bool {
        let mut wanted = self.0.is_empty();
        for given in &mut self.0 {
            if given.names.iter().any(|name| lies_in(path.as_str(), name)) {
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
    fn nothing_given_means_everything() {
        assert!(selection(&[]).wants(&RelPath::new("a").unwrap()));
        assert!(selection(&["A\u{30a}", "x"]).wants(&RelPath::new("\u{c5}/x").unwrap()));
    }
}
