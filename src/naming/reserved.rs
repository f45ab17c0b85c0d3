//! Names that only the catalogue may have: at the top of the tree, and in each binder's folder.
//!
//! They are reserved whether or not there is a catalogue, so that no name depends on a setting.

use super::portable::JOINERS;
use crate::model::{CATALOGUE_DATA, CATALOGUE_PAGE};

/// Whether a path, by its [`key`](super::key()), is reserved for the catalogue.
pub fn is_reserved(path_key: &str) -> bool {
    let (folder, leaf) = path_key.rsplit_once('/').unwrap_or(("", path_key));
    let is = |leaf: &str| matches!(leaf, CATALOGUE_PAGE | CATALOGUE_DATA);
    !folder.contains('/') && (is(leaf) || (!leaf.is_ascii() && is(&leaf.replace(JOINERS, ""))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naming::key;

    #[test]
    fn names_are_reserved_at_the_top_and_in_binders() {
        for (path, reserved) in [
            ("index.html", true),
            ("INDEX-Data", true),
            ("Brf Eken/Index.HTML", true),
            ("Brf Eken/index-data", true),
            ("Brf Eken/\u{200d}index.html", true),
            ("Brf Eken/index.htm", false),
            ("Brf Eken/Avtal/index.html", false),
            ("index.html/Avtal", false),
            ("\u{200d}index", false),
        ] {
            assert_eq!(is_reserved(&key(path)), reserved, "{path:?}");
        }
    }
}
