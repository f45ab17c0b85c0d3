//! A page's documents, and the folders that they name.

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};

use crate::model::{FolderId, Listed};

/// A page's documents, each once: of several items of one document the last one counts.
pub(super) fn last_of_each(items: &[Listed]) -> Vec<&Listed> {
    let mut met = HashSet::with_capacity(items.len());
    let mut last: Vec<&Listed> = items.iter().rev().filter(|item| met.insert(&item.id)).collect();
    last.reverse();
    last
}

/// The folder in which a document is listed, and the tab named by its metadata.
pub(super) type ListedIn<'i> = (Option<&'i FolderId>, Option<&'i FolderId>);

/// The folders of a page, so that each is looked up once.
pub(super) struct PageFolders<'i> {
    distinct: Vec<ListedIn<'i>>,
    of_items: Vec<usize>,
}

impl<'i> PageFolders<'i> {
    pub(super) fn of(items: &[&'i Listed]) -> Self {
        let (mut positions, mut distinct) = (HashMap::new(), Vec::new());
        let position = |item: &&'i Listed| {
            let listed_in = (item.folder.as_ref(), item.tab.as_ref());
            *positions.entry(listed_in).or_insert_with(|| {
                distinct.push(listed_in);
                distinct.len() - 1
            })
        };
        let of_items = items.iter().map(position).collect();
        Self { distinct, of_items }
    }

    pub(super) fn distinct(&self) -> &[ListedIn<'i>] {
        &self.distinct
    }

    /// For each document the position of its folder in [`PageFolders::distinct`].
    pub(super) fn of_items(&self) -> impl Iterator<Item = usize> {
        self.of_items.iter().copied()
    }
}
