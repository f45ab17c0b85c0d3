//! The path of a folder, within the system's limit.
//!
//! Folders nest as deep as people like, and a path that is too long can't be opened. Such a path
//! is shortened from its deepest folder upwards: a few characters and the whole id stand for a
//! name until the path fits, and where hundreds of levels do not fit even so, the deepest are
//! left out and their documents lie in the last folder that fits.
//!
//! - Room for the longest leaf is set aside, so whether a folder is shortened depends on its own
//!   chain, never on a document in it or on a neighbour.
//! - A short form holds the whole id, so that shortening alone never gives two folders one path.
//!   Folders that were left out share the path of the one above them; their documents are told
//!   apart like any others of one folder.
//! - A folder's path need not begin with its parent's: below a parent that fits in full, a deeper
//!   chain may need the parent's short form.
//! - Somebody may name a folder just like another one's short form. Who hands out paths checks
//!   every one for being taken, by [`key()`](super::key()), as for any other name.

use super::{candidates::tag, cut};
use crate::model::{NameLimit, SEGMENT_LIMIT};

/// Longest path that the system opens, with its closing NUL.
const SYSTEM_LIMIT: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 4096 } else { 1024 };

/// Room for the destination itself and the `/` behind it.
const DESTINATION: usize = 256;

/// Longest path below the destination, in bytes.
pub const PATH_LIMIT: usize = SYSTEM_LIMIT - 1 - DESTINATION;

/// Longest chain of folders, in bytes, with a `/` behind each: the rest of the path is the leaf's.
const CHAIN_LIMIT: usize = PATH_LIMIT - SEGMENT_LIMIT;

/// How much of a shortened name stays in front of the id, in bytes.
const FEW: usize = 24;

/// A binder, tab or folder of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// The name that it was given: portable, and told apart from its siblings.
    pub name: &'a str,
    /// Its id.
    pub id: &'a str,
}

/// The steps of a folder's path below the destination, from the binder (first) down to the folder.
/// With any leaf it is at most [`PATH_LIMIT`] bytes long.
pub fn folder_path(chain: &[Step<'_>], longest: NameLimit) -> Vec<String> {
    within(chain, CHAIN_LIMIT, longest)
}

fn within(chain: &[Step<'_>], limit: usize, longest: NameLimit) -> Vec<String> {
    let mut names: Vec<String> = chain.iter().map(|step| step.name.to_owned()).collect();
    let mut length: usize = names.iter().map(|name| name.len() + 1).sum();
    for (name, step) in names.iter_mut().zip(chain).rev() {
        if length <= limit {
            return names;
        }
        let short = shortened(step, longest);
        if short.len() < name.len() {
            length -= name.len() - short.len();
            *name = short;
        }
    }
    while length > limit && names.len() > 1 {
        length -= names.pop().map_or(0, |name| name.len() + 1);
    }
    names
}

fn shortened(step: &Step<'_>, longest: NameLimit) -> String {
    let tail = format!(" [{}]", tag(step.id, longest));
    cut::fit(step.name, &tail, longest.bytes().min(FEW + tail.len()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        model::RelPath,
        naming::{folder_names, portable},
    };

    const LONG: &str = "Entreprenadhandlingar och relationsritningar för hus 12";

    fn chain<'a>(names: &[&'a str], ids: &'a [String]) -> Vec<Step<'a>> {
        names.iter().zip(ids).map(|(name, id)| Step { name, id }).collect()
    }

    fn ids(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("00000000-{n:04}")).collect()
    }

    #[test]
    fn a_path_that_fits_stays() {
        let ids = ids(3);
        assert_eq!(folder_path(&chain(&["Hus 12", "El", LONG], &ids), NameLimit::USUAL), ["Hus 12", "El", LONG]);
        assert_eq!(folder_path(&[], NameLimit::USUAL), [""; 0]);
    }

    #[test]
    fn the_deepest_are_shortened_first() {
        let ids = ids(3);
        let chain = chain(&[LONG, LONG, LONG], &ids);
        let full = 3 * (LONG.len() + 1);
        let short = |n| format!("Entreprenadhandlingar oc [00000000-000{n}]");
        assert_eq!(within(&chain, full, NameLimit::USUAL), [LONG, LONG, LONG]);
        assert_eq!(within(&chain, full - 1, NameLimit::USUAL), [LONG, LONG, &short(2)]);
        assert_eq!(within(&chain, 150, NameLimit::USUAL), [LONG, &short(1), &short(2)]);
        assert_eq!(within(&chain, 123, NameLimit::USUAL), [short(0), short(1), short(2)]);
    }

    #[test]
    fn short_names_are_not_made_longer_and_the_deepest_left_out() {
        let ids = ids(4);
        let chain = chain(&["Hus", LONG, "El", "Tak"], &ids);
        let short = "Entreprenadhandlingar oc [00000000-0001]";
        assert_eq!(within(&chain, 60, NameLimit::USUAL), ["Hus", short, "El", "Tak"]);
        assert_eq!(within(&chain, 51, NameLimit::USUAL), ["Hus", short, "El"]);
        assert_eq!(within(&chain, 46, NameLimit::USUAL), ["Hus", short]);
        assert_eq!(within(&chain, 1, NameLimit::USUAL), ["Hus"]);
    }

    #[test]
    fn a_thousand_levels_still_have_a_path() {
        let ids = ids(1000);
        let chain = chain(&[LONG; 1000], &ids);
        let steps = folder_path(&chain, NameLimit::USUAL);
        assert!(steps.len() > 10 && steps.join("/").len() < CHAIN_LIMIT);
    }

    #[test]
    fn a_short_form_is_within_the_limit_of_names() {
        let id = "0".repeat(200);
        let short = |longest| shortened(&Step { name: LONG, id: &id }, longest);
        assert_eq!(short(NameLimit::USUAL).len(), 24 + 131);
        assert!(NameLimit::LEAST.takes(&short(NameLimit::LEAST)));
    }

    #[test]
    fn a_short_form_ends_neither_in_a_space_nor_within_a_letter() {
        let short = |name| shortened(&Step { name, id: "1" }, NameLimit::USUAL);
        assert_eq!(short("Entreprenadhandlingar . handlingar"), "Entreprenadhandlingar [1]");
        assert_eq!(short("Entreprenadhandlingar ööö"), "Entreprenadhandlingar ö [1]");
    }

    proptest! {
        #[test]
        fn paths_are_within_the_limit_and_differ(
            names in prop::collection::vec("[a-c]{1,3}|[a-b]{20,30}|[ab]ö{100,150}|[aö .]{30,250}", 1..60),
            limit in 300..CHAIN_LIMIT,
            longest in prop_oneof![Just(255_usize), 100..255_usize],
        ) {
            let longest = NameLimit::of(longest).unwrap();
            let ids = ids(names.len());
            let given = |(name, id): (&String, &String)| folder_names(name, id, longest).next().unwrap();
            let names: Vec<_> = names.iter().zip(&ids).map(given).collect();
            let steps = chain(&names.iter().map(String::as_str).collect::<Vec<_>>(), &ids);
            let mut seen = HashSet::new();
            for depth in 1..=steps.len() {
                let path = within(&steps[..depth], limit, longest);
                prop_assert!(path.iter().map(|step| step.len() + 1).sum::<usize>() <= limit);
                prop_assert!(RelPath::new(&path.join("/")).is_ok() && longest.takes(&path.join("/")));
                prop_assert!(path.iter().all(|step| portable(step) == *step));
                prop_assert!(path.len() < depth || seen.insert(path.join("/")));
            }
        }

        #[test]
        fn siblings_keep_different_paths(name in "[a-zö .]{1,250}", count in 2..6_usize, limit in 300..900_usize) {
            let ids = ids(8 + count);
            let given: Vec<_> = (0..count)
                .map(|n| folder_names(&name, &ids[8 + n], NameLimit::USUAL).nth(if n == 0 { 0 } else { 2 }).unwrap())
                .collect();
            let above = chain(&[LONG; 8], &ids);
            let mut seen = HashSet::new();
            for (name, id) in given.iter().zip(&ids[8..]) {
                let path = within(&[&above[..], &[Step { name, id }]].concat(), limit, NameLimit::USUAL);
                prop_assert!(path.len() < 9 || seen.insert(path.join("/")));
            }
        }
    }
}
