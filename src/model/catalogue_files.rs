//! The catalogue's files in the tree: which names they have, and how each begins.
//!
//! A file of the catalogue is known by its name and its first bytes. Anything else under these names is somebody else's, and
//! is neither replaced nor deleted.

/// The catalogue's page, at the top of the tree and in the folders of binders.
pub const CATALOGUE_PAGE: &str = "index.html";

/// The folder of the catalogue's data, beside its page.
pub const CATALOGUE_DATA: &str = "index-data";

/// The first file of the data.
pub const CATALOGUE_START: &str = "start.js";

/// How a page begins.
const PAGE_HEAD: &str = "<!doctype html>\n<!-- A catalogue by ibinder-sync";

/// How the other files of the data begin, by the first word of their names.
const KINDS: [(&str, &str); 4] = [
    ("binders", "ibinder.binders("),
    ("changes", "ibinder.changes("),
    ("details", "ibinder.details("),
    ("search", "ibinder.search("),
];

/// Enough of a file to see how it begins.
pub const CATALOGUE_HEAD: usize = 64;

/// How a file of the catalogue at this path begins; `None` if the catalogue has no file there.
pub fn catalogue_head(path: &str) -> Option<&'static str> {
    let steps: Vec<&str> = path.split('/').collect();
    match steps[..] {
        [CATALOGUE_PAGE] | [_, CATALOGUE_PAGE] => Some(PAGE_HEAD),
        [CATALOGUE_DATA, name] | [_, CATALOGUE_DATA, name] => data_head(name),
        _ => None,
    }
}

/// How a file of the data with this name begins.
fn data_head(name: &str) -> Option<&'static str> {
    if name == CATALOGUE_START {
        return Some("ibinder.start(");
    }
    let (stem, hash) = name.strip_suffix(".js")?.rsplit_once('-')?;
    let is_hash = hash.len() == 12 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let kind = stem.split('-').next()?;
    KINDS.iter().find(|(word, _)| is_hash && *word == kind).map(|(_, head)| *head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_catalogue_have_a_head() {
        for (path, head) in [
            ("index.html", Some(PAGE_HEAD)),
            ("Brf Eken/index.html", Some(PAGE_HEAD)),
            ("index-data/start.js", Some("ibinder.start(")),
            ("Brf Eken/index-data/start.js", Some("ibinder.start(")),
            ("index-data/binders-0123456789ab.js", Some("ibinder.binders(")),
            ("index-data/search-aB3-0-0123456789ab.js", Some("ibinder.search(")),
            ("index-data/details-aB3-12-0123456789ab.js", Some("ibinder.details(")),
            ("Brf Eken/Avtal/index.html", None),
            ("Brf Eken/Avtal/index-data/start.js", None),
            ("index-data", None),
            ("index-data/start.js.bak", None),
            ("index-data/binders-0123456789AB.js", None),
            ("index-data/binders-0123456789ab0.js", None),
            ("index-data/notes-0123456789ab.js", None),
            ("Index.html", None),
        ] {
            assert_eq!(catalogue_head(path), head, "{path}");
        }
        assert!(KINDS.iter().all(|(_, head)| head.len() <= CATALOGUE_HEAD) && PAGE_HEAD.len() <= CATALOGUE_HEAD);
    }
}
