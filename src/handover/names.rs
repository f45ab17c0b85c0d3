//! Names in a bag.
//!
//! Programs that check bags disagree about `%`, line breaks and other characters in the names of a manifest, some drop
//! spaces at the end, and `sha256sum` writes `\` in its own way. A name without them stays as it is; in others `_` stands
//! for each of them, as everywhere in the tree, and names that then are equal are told apart as in the tree.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};

use sha2::{Digest as _, Sha256 as Hasher};

use crate::{
    model::{DocumentId, NameLimit},
    naming::{document_names, folder_names, key},
};

/// The longest id of a document, in bytes.
const LONGEST_ID: usize = 128;

/// The names that are taken in one part of a bag.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// Hashes of normalised paths. Two paths with one hash only give a name an id that it could do without.
    taken: HashSet<u64>,
    /// Folders with other names in the bag, by their paths in the mirror.
    folders: HashMap<String, String>,
}

impl Names {
    /// Marks a path and the folders above it as taken, as far as they keep their names.
    pub(super) fn take(&mut self, path: &str) {
        for end in path.match_indices('/').map(|(at, _)| at).chain([path.len()]) {
            if !is_plain(&path[..end]) {
                return;
            }
            self.taken.insert(hash(&path[..end]));
        }
    }

    /// Gives names to the documents and folders whose paths change, after all others were taken. A folder comes without an
    /// id. Returns the paths of the documents in the bag, by their paths in the mirror.
    pub(super) fn assign(
        &mut self,
        paths: impl IntoIterator<Item = (String, Option<DocumentId>)>,
    ) -> HashMap<String, String> {
        // From the top down. On each level names that stay come first, then those of folders.
        let mut levels = BTreeSet::new();
        for (path, id) in paths {
            for (at, _) in path.match_indices('/') {
                levels.insert((
                    path[..at].matches('/').count(),
                    !is_plain(split(&path[..at]).1),
                    None,
                    path[..at].to_owned(),
                ));
            }
            levels.insert((path.matches('/').count(), !is_plain(split(&path).1), id, path));
        }
        let mut documents = HashMap::new();
        for (_, changes, id, path) in levels {
            if is_plain(&path) {
                continue;
            }
            let (above, name) = split(&path);
            let folder = self.folder(above).to_owned();
            let given = match &id {
                _ if !changes => {
                    let given = join(&folder, name);
                    self.taken.insert(hash(&given));
                    given
                }
                Some(id) => self.give(&folder, document_names(&replaced(name), id, NameLimit::USUAL)),
                None => {
                    // The path tells folders apart, since two with equal names may have come from anywhere.
                    let id = format!("{:016x}", hash(&path));
                    self.give(&folder, folder_names(&replaced(name), &id, NameLimit::USUAL))
                }
            };
            let known = if id.is_some() { &mut documents } else { &mut self.folders };
            known.insert(path, given);
        }
        documents
    }

    /// The path in the bag of a folder in the mirror; empty for the top.
    fn folder<'f>(&'f self, folder: &'f str) -> &'f str {
        self.folders.get(folder).map_or(folder, String::as_str)
    }

    /// The path in the bag of an old version: `Plan [20261103].pdf` with the day from which its file is.
    pub(super) fn version(&mut self, path: &str, day: &str, version: &str) -> String {
        let (above, name) = split(path);
        let folder = self.folder(above).to_owned();
        let tag = format!("{day}-{version}");
        let tag = DocumentId::parse(&tag[..tag.floor_char_boundary(LONGEST_ID)]);
        let names = tag.map(|tag| document_names(&replaced(name), &tag, NameLimit::USUAL));
        // The first one has no tag.
        self.give(&folder, names.into_iter().flatten().skip(1))
    }

    fn give(&mut self, folder: &str, names: impl Iterator<Item = String>) -> String {
        let mut paths = names.map(|name| join(folder, &name));
        let free = paths.find(|path| self.taken.insert(hash(path)));
        // There are candidates without end.
        free.unwrap_or_default()
    }
}

/// Whether a path keeps its name in a bag.
pub(super) fn is_plain(path: &str) -> bool {
    !path.contains(is_replaced) && path.split('/').all(|name| name.trim_end() == name)
}

fn is_replaced(c: char) -> bool {
    c.is_control() || matches!(c, '%' | '\\' | '\u{2028}' | '\u{2029}')
}

fn replaced(name: &str) -> Cow<'_, str> {
    if is_plain(name) {
        return Cow::Borrowed(name);
    }
    let end = name.trim_end().len();
    let of = |(at, c): (usize, char)| if at >= end || is_replaced(c) { '_' } else { c };
    name.char_indices().map(of).collect()
}

/// A path without its last name, and that name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn hash(path: &str) -> u64 {
    let digest = Hasher::digest(key(path));
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> DocumentId {
        DocumentId::parse(text).unwrap()
    }

    #[test]
    fn what_programs_disagree_about_is_replaced() {
        for (name, shown) in [
            ("Ritning å (1).pdf", "Ritning å (1).pdf"),
            ("50% klart.pdf", "50_ klart.pdf"),
            ("..%2f..%2fetc", ".._2f.._2fetc"),
            ("a\r\nb\u{b}\u{85}\u{2028}c", "a__b___c"),
            ("a\\b", "a_b"),
            ("a\u{3000}\u{a0}", "a__"),
            ("a  b", "a  b"),
        ] {
            assert_eq!(replaced(name), shown);
            assert_eq!(is_plain(name), name == shown);
        }
    }

    fn assigned(names: &mut Names, paths: &[(&str, Option<&str>)]) -> Vec<String> {
        let given = names.assign(paths.iter().map(|(path, id)| ((*path).to_owned(), id.map(super::tests::id))));
        paths
            .iter()
            .map(|(path, id)| if id.is_some() { given[*path].clone() } else { names.folder(path).to_owned() })
            .collect()
    }

    #[test]
    fn a_name_that_stays_has_priority() {
        let mut names = Names::default();
        for taken in ["B/50_.pdf", "B/X_/a"] {
            names.take(taken);
        }
        let given = assigned(
            &mut names,
            &[
                ("B/50%.pdf", Some("3f2a91c0-1")),
                ("B/50\r.pdf", Some("3f2a91c0-2")),
                ("B/é%.pdf", Some("1")),
                ("C%/y%", None),
                ("C%/y_", None),
                ("C%/z%", None),
                ("C%/z_", Some("2")),
                ("C%/y%/a%", Some("3")),
                ("C%/y_/a_", Some("4")),
                ("B/X%/y/z", None),
                ("B/x\\", None),
                ("D", None),
            ],
        );
        let folder = |name: &str, path: &str| format!("{name} [{}]", &format!("{:016x}", hash(path))[..8]);
        let expected = [
            "B/50_ [3f2a91c0].pdf".to_owned(),
            "B/50_ [3f2a91c0-2].pdf".to_owned(),
            "B/é_.pdf".to_owned(),
            folder("C_/y_", "C%/y%"),
            "C_/y_".to_owned(),
            folder("C_/z_", "C%/z%"),
            "C_/z_".to_owned(),
            folder("C_/y_", "C%/y%") + "/a_",
            "C_/y_/a_".to_owned(),
            folder("B/X_", "B/X%") + "/y/z",
            folder("B/x_", "B/x\\"),
            "D".to_owned(),
        ];
        assert_eq!(given, expected);
    }

    proptest::proptest! {
        #[test]
        fn no_two_documents_get_one_path(paths in proptest::collection::hash_set("[ab_%\\\\]{1,2}(/[ab_%]{1,2}){0,3}", 1..12)) {
            // A document is no folder above another one.
            let is_above = |one: &String| paths.iter().any(|other| other.starts_with(&format!("{one}/")));
            let documents: Vec<String> = paths.iter().filter(|path| !is_above(path)).cloned().collect();
            let mut names = Names::default();
            for path in &documents {
                names.take(path);
            }
            let given = names.assign(documents.iter().map(|path| (path.clone(), Some(id(&format!("{:x}", hash(path)))))));
            let all: Vec<String> =
                documents.iter().map(|path| given.get(path).map_or_else(|| key(path), |given| key(given))).collect();
            for one in &all {
                let meets = |other: &&String| *other == one || other.starts_with(&format!("{one}/"));
                proptest::prop_assert_eq!(all.iter().filter(meets).count(), 1, "{:?} {:?}", documents, all);
                proptest::prop_assert!(is_plain(one));
            }
        }
    }

    #[test]
    fn versions_have_the_day_in_their_names() {
        let mut names = Names::default();
        names.take("B/X");
        let mut version = |path: &str, version: &str| names.version(path, "20261103", version);
        assert_eq!(version("B/Plan.pdf", "aa"), "B/Plan [20261103].pdf");
        assert_eq!(version("B/Plan.pdf", "bb"), "B/Plan [20261103-bb].pdf");
        assert_eq!(version("B/plan.pdf", "bb"), "B/plan [20261103-bb-2].pdf");
        assert_eq!(version("B/%", "aa"), "B/_ [20261103]");
        let long = version(&format!("B/{}.pdf", "ö".repeat(125)), &"x".repeat(128));
        assert!(long.ends_with("ö [20261103].pdf") && long.len() <= 2 + 255, "{long}");
        let again = version(&format!("B/{}.pdf", "ö".repeat(125)), &"x".repeat(128));
        assert!(again.ends_with("x].pdf") && again.len() <= 2 + 255, "{again}");
        assert_eq!(version("B/Plan [20261103].pdf", "cc"), "B/Plan [20261103] [20261103].pdf");
    }
}
