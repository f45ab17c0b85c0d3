//! Documents whose removal the cap withheld, and a hash that names exactly these.

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256 as Hasher};

use crate::{
    model::Sha256,
    state::{self, Reader, WithheldDocument},
};

/// What is hashed first. Another format gets another number, so that an old hash fits nothing.
const FORMAT: &str = "ibinder-sync withheld removals 1";

/// Digits of the hash that are shown.
const SHOWN: usize = 16;

/// The withheld documents of the mirror, or of one binder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withheld {
    /// Names the documents that can be confirmed; `None` if there are none.
    pub hash: Option<String>,
    /// The documents, by binder and path.
    pub documents: Vec<WithheldEntry>,
}

/// A document whose removal waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WithheldEntry {
    /// Its id.
    pub document_id: String,
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: String,
    /// Its binder.
    pub binder_id: String,
    /// The binder's name.
    pub binder: String,
    /// When the run began that withheld it first.
    pub since: Option<Timestamp>,
    /// That run.
    pub since_run: Option<String>,
    /// Whether its removal can be confirmed: its binder lists other documents.
    pub confirmable: bool,
    /// Whether its removal is confirmed, so that the next run looks it up.
    pub confirmed: bool,
}

impl Withheld {
    /// The withheld documents, of one binder if its id is given.
    pub fn read(reader: &Reader<'_>, binder: Option<&str>) -> Result<Self, state::Error> {
        let mut documents = reader.withheld()?;
        documents.retain(|document| binder.is_none_or(|binder| document.binder.as_str() == binder));
        let organisation = reader.setting("organisation")?.unwrap_or_default();
        let hash = hash(&organisation, documents.iter().filter(|document| !document.lists_nothing));
        Ok(Self { hash, documents: documents.into_iter().map(entry).collect() })
    }

    /// The documents whose removal can be confirmed.
    pub fn confirmable(&self) -> impl Iterator<Item = &WithheldEntry> {
        self.documents.iter().filter(|document| document.confirmable)
    }

    /// Whether a text is the hash of these documents.
    pub fn is_named(&self, text: &str) -> bool {
        self.hash.as_deref().is_some_and(|hash| hash.eq_ignore_ascii_case(text.trim()))
    }
}

fn entry(document: WithheldDocument) -> WithheldEntry {
    let (since_run, since) = document.since.unzip();
    WithheldEntry {
        document_id: document.document.to_string(),
        name: document.path.rsplit('/').next().unwrap_or_default().to_owned(),
        path: document.path,
        binder_id: document.binder.to_string(),
        binder: document.binder_name,
        since: since.and_then(|second| Timestamp::from_second(second).ok()),
        since_run,
        confirmable: !document.lists_nothing,
        confirmed: document.confirmed,
    }
}

/// The hash of an organisation's documents and their binders, in any order; `None` for none.
fn hash<'d>(organisation: &str, documents: impl Iterator<Item = &'d WithheldDocument>) -> Option<String> {
    let mut ids: Vec<[&str; 2]> = documents.map(|one| [one.binder.as_str(), one.document.as_str()]).collect();
    ids.sort_unstable();
    let mut hasher = Hasher::new();
    // Each text begins with its length, so that no two lists are the same bytes.
    for text in [FORMAT, organisation].into_iter().chain(ids.iter().copied().flatten()) {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    (!ids.is_empty()).then(|| Sha256::new(hasher.finalize().into()).to_string().chars().take(SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{BinderId, DocumentId};

    fn document((binder, id): &(String, String)) -> WithheldDocument {
        WithheldDocument {
            document: DocumentId::parse(id).unwrap(),
            binder: BinderId::parse(binder).unwrap(),
            binder_name: "Brf Eken".to_owned(),
            path: "Brf Eken/a".to_owned(),
            since: None,
            lists_nothing: false,
            confirmed: false,
        }
    }

    fn hash_of<'i>(organisation: &str, ids: impl IntoIterator<Item = &'i (String, String)>) -> Option<String> {
        let documents: Vec<_> = ids.into_iter().map(document).collect();
        hash(organisation, documents.iter())
    }

    #[test]
    fn the_hash_stays_the_same_from_version_to_version() {
        let ids = [("k".to_owned(), "3f2a".to_owned()), ("k".to_owned(), "3f2b".to_owned())];
        assert_eq!(hash_of("o", &ids).as_deref(), Some("628e3af91f1a5c23"));
        assert_eq!(hash_of("o", []), None);
    }

    #[test]
    fn texts_are_not_joined() {
        let one = |binder: &str, id: &str| hash_of("o", &[(binder.to_owned(), id.to_owned())]);
        assert_ne!(one("ab", "c"), one("a", "bc"));
        let two = |a: (&str, &str), b: (&str, &str)| {
            hash_of("o", &[(a.0.to_owned(), a.1.to_owned()), (b.0.to_owned(), b.1.to_owned())])
        };
        // The same documents in each other's binders.
        assert_ne!(two(("a", "x"), ("b", "y")), two(("a", "y"), ("b", "x")));
        assert_ne!(one("a", "x"), hash_of("p", &[("a".to_owned(), "x".to_owned())]));
    }

    proptest! {
        #[test]
        fn only_the_same_documents_have_the_same_hash(
            first in prop::collection::btree_set(("[ab]", "[abc]{1,2}"), 0..6),
            second in prop::collection::btree_set(("[ab]", "[abc]{1,2}"), 0..6),
            turn in 0_usize..6,
        ) {
            let hash = |set: &BTreeSet<(String, String)>| hash_of("o", set);
            prop_assert_eq!(hash(&first) == hash(&second), first == second);
            let mut turned: Vec<_> = first.iter().collect();
            if !turned.is_empty() {
                let by = turn % turned.len();
                turned.rotate_left(by);
            }
            prop_assert_eq!(hash_of("o", turned), hash(&first));
        }
    }
}
