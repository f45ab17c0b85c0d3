//! Tabs without documents: checklists, content tabs, and empty ones. The mirror doesn't show them.

use std::collections::{HashMap, HashSet};

use super::Tree;
use crate::model::FolderId;

/// The folder in which a document was listed, and the tab named by its metadata.
pub type ListedIn = (Option<FolderId>, Option<FolderId>);

/// Counts the tabs that contain no listed document. `None` if the tab of some document is unknown, because that tab would
/// count as empty.
pub fn tabs_without_documents<'d>(tree: &Tree, documents: impl IntoIterator<Item = &'d ListedIn>) -> Option<u64> {
    let mut tops = HashMap::new();
    let mut holding = HashSet::new();
    for (folder, tab) in documents {
        let above = folder.as_ref().and_then(|folder| tab_above(tree, folder, &mut tops));
        let named = tab.as_ref().and_then(|tab| tab_above(tree, tab, &mut tops));
        if folder.is_some() && above.is_none() && named.is_none() {
            return None;
        }
        holding.extend(above);
        holding.extend(named);
    }
    Some(tree.tabs().iter().filter(|tab| !holding.contains(tab)).count() as u64)
}

/// The listed tab above a folder. `tops` caches results, so each folder is visited once.
fn tab_above<'t>(
    tree: &'t Tree,
    folder: &FolderId,
    tops: &mut HashMap<&'t FolderId, Option<&'t FolderId>>,
) -> Option<&'t FolderId> {
    let mut passed = Vec::new();
    let mut next = tree.folder(folder);
    let mut top = None;
    while let Some(folder) = next {
        if let Some(known) = tops.get(&folder.id) {
            top = *known;
            break;
        }
        // A loop ends here, too.
        tops.insert(&folder.id, None);
        passed.push(&folder.id);
        top = (folder.known && folder.parent.is_none()).then_some(&folder.id);
        next = folder.parent.as_ref().and_then(|parent| tree.folder(parent));
    }
    tops.extend(passed.into_iter().map(|folder| (folder, top)));
    top
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BinderId, Folder, KnownFolder, NameLimit};

    fn id(text: &str) -> FolderId {
        FolderId::parse(text).unwrap()
    }

    /// The tabs 1, 2 and 3, a folder 11 in 1, a folder 111 in 11, and a folder x that was never listed.
    fn tree() -> Tree {
        let folder =
            |text: &str, parent: Option<&str>| Folder { id: id(text), parent: parent.map(id), name: text.to_owned() };
        let unlisted =
            KnownFolder { id: id("x"), parent: None, name: "x".into(), segment: None, known: false, asked_at: 0 };
        let mut tree = Tree::new(BinderId::parse("b").unwrap(), "B".into(), vec![unlisted], NameLimit::USUAL).unwrap();
        let listed = [("1", None), ("2", None), ("3", None), ("11", Some("1")), ("111", Some("11"))];
        tree.refresh(listed.into_iter().map(|(id, parent)| folder(id, parent)).collect(), 1, |_| false);
        tree
    }

    #[test]
    fn a_tab_contains_documents_at_any_depth() {
        type Case = (&'static [(Option<&'static str>, Option<&'static str>)], Option<u64>);
        #[rustfmt::skip]
        let table: [Case; 9] = [
            (&[],                                                Some(3)),
            (&[(Some("1"), None)],                               Some(2)),
            (&[(Some("111"), None), (Some("11"), None)],         Some(2)),
            (&[(Some("111"), None), (Some("2"), None), (Some("3"), Some("3"))], Some(0)),
            // Directly below the binder: in no tab, unless the metadata name one.
            (&[(None, None)],                                    Some(3)),
            (&[(None, Some("2"))],                               Some(2)),
            // In an unknown folder: the metadata may still name the tab.
            (&[(Some("x"), Some("1"))],                          Some(2)),
            (&[(Some("x"), None)],                               None),
            (&[(Some("y"), Some("z"))],                          None),
        ];
        for (documents, empty) in table {
            let documents =
                documents.iter().map(|(folder, tab)| (folder.map(id), tab.map(id))).collect::<Vec<ListedIn>>();
            assert_eq!(tabs_without_documents(&tree(), &documents), empty, "{documents:?}");
        }
    }
}
