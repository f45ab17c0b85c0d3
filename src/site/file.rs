//! Files of the data, and their names.

use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256 as Hasher};

use super::json;
use crate::model::Sha256;

/// How many digits of a content's hash are in a name.
const DIGITS: usize = 12;

/// How much of a binder's id is in a name.
const ID: usize = 40;

/// What a file contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'c> {
    /// The binders.
    Binders,
    /// What changed.
    Changes,
    /// What is searched, of a binder's part.
    Search(&'c str, usize),
    /// The versions of the same documents.
    Details(&'c str, usize),
}

/// A file of the data: it has this content as long as it has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Its name, in the folder of the data.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl DataFile {
    /// Names a file.
    pub(super) fn new(content: Content<'_>, bytes: Vec<u8>) -> Self {
        let hash = Sha256::new(Hasher::digest(&bytes).into()).hex();
        let hash = &hash[..DIGITS];
        let name = match content {
            Content::Binders => format!("binders-{hash}.js"),
            Content::Changes => format!("changes-{hash}.js"),
            Content::Search(binder, number) => format!("search-{}-{number}-{hash}.js", id(binder)),
            Content::Details(binder, number) => format!("details-{}-{number}-{hash}.js", id(binder)),
        };
        Self { name, bytes }
    }
}

/// An id as part of a name. Equal results do no harm, because the hash differs.
fn id(binder: &str) -> String {
    binder.chars().take(ID).map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// The data in a file, if it is one that `function` gets.
pub fn read<T: DeserializeOwned>(function: &str, bytes: &[u8]) -> Option<T> {
    json::argument(function, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CATALOGUE_DATA, catalogue_head};

    #[test]
    fn names_show_content_and_lead_nowhere() {
        let name = |content| DataFile::new(content, b"x".to_vec()).name;
        assert_eq!(name(Content::Binders), "binders-2d711642b726.js");
        assert_eq!(name(Content::Search("aB3-x_Z9q", 2)), "search-aB3-x-Z9q-2-2d711642b726.js");
        assert_eq!(name(Content::Details("../../å%2f", 0)), "details---------2f-0-2d711642b726.js");
        for content in [Content::Binders, Content::Changes, Content::Search("../x", 1), Content::Details("\u{2028}", 7)]
        {
            assert!(catalogue_head(&format!("{CATALOGUE_DATA}/{}", name(content))).is_some(), "{content:?}");
        }
    }
}
