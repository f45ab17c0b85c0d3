//! The names that a document or folder may take, best first.
//!
//! The first is the plain name; whoever comes second shows the first 8 characters of its id, as
//! ` [3f2a91c0]` before the extension; the whole id where that is taken too. Ids may still be
//! equal after folding, and people may name a document just like another one's candidate, so
//! numbers follow without end. The candidates of one name differ pairwise by [`key()`], however
//! the name was chosen: a caller that walks them past n taken names needs at most n + 1.

use std::iter;

use super::{
    cut,
    key::key,
    portable::{characters, clean, plain},
};
use crate::model::{DocumentId, NameLimit};

/// How much of an id tells two names apart, in characters.
const SHORT_ID: usize = 8;

/// Most bytes that an id takes in a name.
const ID_LIMIT: usize = 128;

/// Bytes that an id leaves for a stem, a number and an extension. Ids of 64 characters stay whole in every limit.
const BESIDE_ID: usize = 36;

/// Names for a document, without end. An extension stays at the end.
pub fn document_names(file_name: &str, id: &DocumentId, limit: NameLimit) -> impl Iterator<Item = String> + use<> {
    let name = clean(file_name);
    let (stem, extension) = cut::split_extension(&name);
    candidates(stem.to_owned(), extension.to_owned(), id.as_str(), limit)
}

/// Names for a binder, tab or folder, without end. A folder has no extension: a dot in it is a dot.
pub fn folder_names(name: &str, id: &str, limit: NameLimit) -> impl Iterator<Item = String> + use<> {
    candidates(clean(name), String::new(), id, limit)
}

fn candidates(stem: String, extension: String, id: &str, limit: NameLimit) -> impl Iterator<Item = String> + use<> {
    let id = tag(id, limit);
    let limit = limit.bytes();
    let short: String = id.chars().take(SHORT_ID).collect();
    let first = plain(&stem, &extension, limit);
    let tags = [short, id.clone()].into_iter().chain((2_u64..).map(move |number| format!("{id}-{number}")));
    let tagged = tags.map(move |tag| cut::fit(&stem, &format!(" [{tag}]{extension}"), limit));
    distinct(iter::once(first).chain(tagged))
}

/// An id as it stands in a name.
pub(super) fn tag(id: &str, limit: NameLimit) -> String {
    cut::fit(&characters(id), "", ID_LIMIT.min(limit.bytes() - BESIDE_ID))
}

/// Only the first three can equal another one (a name may hold its own tag, an id may be short):
/// the others end in different numbers.
fn distinct(names: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut first = Vec::with_capacity(3);
    names.filter(move |name| {
        let key = key(name);
        let is_new = !first.contains(&key);
        if is_new && first.len() < 3 {
            first.push(key);
        }
        is_new
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        model::RelPath,
        naming::{cut::tests::odd_name, portable},
    };

    fn document(name: &str, id: &str) -> Vec<String> {
        document_names(name, &DocumentId::parse(id).unwrap(), NameLimit::USUAL).take(5).collect()
    }

    #[test]
    fn a_document_is_told_apart_before_its_extension() {
        assert_eq!(
            document("Plan 1.pdf", "3f2a91c0-0001"),
            [
                "Plan 1.pdf",
                "Plan 1 [3f2a91c0].pdf",
                "Plan 1 [3f2a91c0-0001].pdf",
                "Plan 1 [3f2a91c0-0001-2].pdf",
                "Plan 1 [3f2a91c0-0001-3].pdf",
            ]
        );
        assert_eq!(document(".pdf", "3f2a91c0-0001")[1], ".pdf [3f2a91c0]");
        assert_eq!(document("", "3f2a91c0-0001")[..2], ["_", "_ [3f2a91c0]"]);
        assert_eq!(document("CON.pdf", "3f2a91c0-0001")[..2], ["CON_.pdf", "CON_ [3f2a91c0].pdf"]);
        assert_eq!(document("...pdf", "3f2a91c0-0001")[..2], ["...pdf", ".. [3f2a91c0].pdf"]);
    }

    #[test]
    fn a_folder_is_told_apart_at_its_end() {
        let names: Vec<_> = folder_names("Hus 2.1", "aB3-x_Z9q", NameLimit::USUAL).take(4).collect();
        assert_eq!(names, ["Hus 2.1", "Hus 2.1 [aB3-x_Z9]", "Hus 2.1 [aB3-x_Z9q]", "Hus 2.1 [aB3-x_Z9q-2]"]);
    }

    #[test]
    fn a_short_id_is_not_offered_twice() {
        assert_eq!(document("a.pdf", "77")[..4], ["a.pdf", "a [77].pdf", "a [77-2].pdf", "a [77-3].pdf"]);
    }

    #[test]
    fn ids_are_made_portable() {
        assert_eq!(document("a.pdf", "../../x:y")[1..3], ["a [.._.._x_].pdf", "a [.._.._x_y].pdf"]);
        // NFC makes some ids three times as long.
        assert_eq!(document(&"x".repeat(300), &"\u{1d160}".repeat(32))[2].len(), 255);
    }

    #[test]
    fn short_limits_keep_ids_whole_and_names_apart() {
        let limit = NameLimit::of(143).unwrap();
        let long = "ö".repeat(100);
        let names: Vec<_> = folder_names(&long, "3f2a91c0-0001", limit).take(3).collect();
        let cut = |letters, tail: &str| format!("{}{tail}", "ö".repeat(letters));
        assert_eq!(names, [cut(71, ""), cut(66, " [3f2a91c0]"), cut(63, " [3f2a91c0-0001]")]);
        let id = "0".repeat(64);
        let least = folder_names(&long, &id, NameLimit::LEAST).nth(2).unwrap();
        assert!(least.ends_with(&format!("ö [{id}]")) && NameLimit::LEAST.takes(&least), "{least:?}");
    }

    #[test]
    fn a_long_name_keeps_tag_and_extension() {
        let names = document(&format!("{}.pdf", "ö".repeat(200)), "3f2a91c0-0001");
        assert_eq!(names[1], format!("{} [3f2a91c0].pdf", "ö".repeat(120)));
    }

    #[test]
    fn a_name_that_holds_its_own_tag_is_not_offered_twice() {
        for tag in ["3f2a91c0", "3F2A91C0"] {
            let own = format!("{} [{tag}].pdf", "x".repeat(240));
            assert_eq!(document(&own, "3f2a91c0-0001")[1], format!("{} [3f2a91c0-0001].pdf", "x".repeat(235)));
        }
        let numbered = format!("{} [3f2a91c0-0001-2].pdf", "x".repeat(233));
        assert_eq!(document(&numbered, "3f2a91c0-0001")[3], format!("{} [3f2a91c0-0001-3].pdf", "x".repeat(233)));
    }

    fn odd_id() -> impl Strategy<Value = String> {
        prop_oneof!["[0-9a-f]{8}-[0-9a-f]{4}", "[a-zA-Z0-9_-]{9}", "\\PC{1,40}", "[ .\u{1d160}\u{301}]{1,40}"]
    }

    fn limit() -> impl Strategy<Value = NameLimit> {
        prop_oneof![Just(255_usize), Just(143), Just(100), 100..255_usize]
            .prop_map(|bytes| NameLimit::of(bytes).unwrap())
    }

    fn check(names: &[String], limit: NameLimit) -> Result<(), TestCaseError> {
        for name in names {
            prop_assert!(RelPath::new(name).is_ok() && limit.takes(name), "{name:?}");
            prop_assert_eq!(&portable(name), name);
        }
        let keys: HashSet<_> = names.iter().map(|name| key(name)).collect();
        prop_assert_eq!(keys.len(), names.len());
        Ok(())
    }

    proptest! {
        #[test]
        fn candidates_are_portable_and_differ(name in odd_name(), id in odd_id(), limit in limit()) {
            check(&folder_names(&name, &id, limit).take(12).collect::<Vec<_>>(), limit)?;
            if let Ok(id) = DocumentId::parse(&id) {
                let names: Vec<_> = document_names(&name, &id, limit).take(12).collect();
                check(&names, limit)?;
                prop_assert!(names[0] == portable(&name) || !limit.takes(&portable(&name)), "{:?}", names[0]);
                let cleaned = clean(&name);
                let (_, extension) = cut::split_extension(&cleaned);
                // The first may lose its dot where a cut leaves joiners and `.ibinder-sync`.
                prop_assert!(names[1..].iter().all(|name| name.ends_with(extension)));
            }
        }

        #[test]
        fn names_chosen_to_collide_do_not(stem in "[a-zö]{225,245}", id in "[0-9a-f]{8}-[0-9]", pick in 0..6_usize) {
            let id = DocumentId::parse(&id).unwrap();
            let own = document_names(&format!("{stem}.pdf"), &id, NameLimit::USUAL).nth(pick).unwrap();
            check(&document_names(&own, &id, NameLimit::USUAL).take(12).collect::<Vec<_>>(), NameLimit::USUAL)?;
        }
    }
}
