//! Lookups by id, and by a search's filters.

use serde_json::Value;

use super::{Document, NO_FOLDER, Organisation, State};
use crate::sandbox::{content::Content, id::Guid, metadata};

/// Why something can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Access {
    Forbidden,
    Missing,
}

/// One condition of a search.
#[derive(Debug)]
pub(in crate::sandbox) enum Filter {
    Binder(String),
    Tab(Option<Guid>),
    /// Any other key, by the id of its value.
    Value {
        key: String,
        value: Value,
    },
}

/// The conditions of a search, combined with "and".
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Query {
    pub(in crate::sandbox) filters: Vec<Filter>,
    /// In lower case; empty matches every name.
    pub(in crate::sandbox) term: String,
    /// The key to sort by, and whether the largest comes first.
    pub(in crate::sandbox) order: Option<(String, bool)>,
    /// The most documents that are counted and shown.
    pub(in crate::sandbox) most: Option<u64>,
}

impl Organisation {
    pub(in crate::sandbox) fn binder_position(&self, id: &str) -> Option<u32> {
        self.binder_positions.get(id).copied()
    }

    pub(in crate::sandbox) fn folder_position(&self, id: Guid) -> Option<u32> {
        self.folder_positions.get(&id).copied()
    }

    pub(in crate::sandbox) fn document_position(&self, id: Guid) -> Option<u32> {
        self.document_positions.get(&id).copied()
    }

    pub(in crate::sandbox) fn visible_binder(&self, id: &str) -> Result<u32, Access> {
        let at = self.binder_position(id).ok_or(Access::Missing)?;
        permit(self.binders[at as usize].state).map(|()| at)
    }

    pub(in crate::sandbox) fn visible_document(&self, id: &str) -> Result<u32, Access> {
        let at = Guid::parse(id).and_then(|guid| self.document_position(guid)).ok_or(Access::Missing)?;
        let document = &self.documents[at as usize];
        if document.state == State::Removed {
            return Err(Access::Missing);
        }
        permit(self.binders[document.binder as usize].state)?;
        permit(document.state).map(|()| at)
    }

    /// A folder and its ancestors, up to the tab.
    pub(in crate::sandbox) fn ancestry(&self, folder: u32) -> impl Iterator<Item = u32> {
        let start = (folder != NO_FOLDER).then_some(folder);
        std::iter::successors(start, |&at| {
            let parent = self.folders[at as usize].parent;
            (parent != NO_FOLDER).then_some(parent)
        })
    }

    /// The tab above a document; `None` directly below the binder.
    pub(in crate::sandbox) fn tab(&self, document: &Document) -> Option<u32> {
        self.ancestry(document.folder).last()
    }

    /// The number of matches, and the page of them that skips `skip`.
    pub(in crate::sandbox) fn search(&self, query: &Query, skip: u64, size: u32) -> Result<(u64, Vec<u32>), Access> {
        let (mut binders, mut rest) = (Vec::new(), Vec::new());
        for filter in &query.filters {
            match filter {
                Filter::Binder(id) => binders.push(self.visible_binder(id)?),
                other => rest.push(other),
            }
        }
        let all = self.binders.iter().enumerate().filter(|(_, binder)| binder.state == State::Shown);
        let chosen: Vec<&[u32]> = match binders.as_slice() {
            [] => all.map(|(_, binder)| binder.listed.as_slice()).collect(),
            [first, others @ ..] if others.iter().all(|other| other == first) => {
                vec![&self.binders[*first as usize].listed]
            }
            _ => Vec::new(),
        };
        if query.order.is_some() || query.most.is_some() {
            return Ok(self.sorted(&chosen, &rest, query, skip, size));
        }
        if rest.is_empty() && query.term.is_empty() {
            return Ok(page(&chosen, skip, size));
        }
        let mut total = 0;
        let mut items = Vec::new();
        for &at in chosen.iter().copied().flatten() {
            if self.matches(&self.documents[at as usize], &rest, &query.term) {
                if total >= skip && items.len() < size as usize {
                    items.push(at);
                }
                total += 1;
            }
        }
        Ok((total, items))
    }

    /// A page of sorted matches, of which only some may be shown.
    fn sorted(&self, chosen: &[&[u32]], rest: &[&Filter], query: &Query, skip: u64, size: u32) -> (u64, Vec<u32>) {
        let found = chosen.iter().copied().flatten().copied();
        let mut found: Vec<u32> =
            found.filter(|&at| self.matches(&self.documents[at as usize], rest, &query.term)).collect();
        if let Some((key, descending)) = &query.order {
            found.sort_by_cached_key(|&at| metadata::sort_key(&self.documents[at as usize], key));
            if *descending {
                found.reverse();
            }
        }
        found.truncate(query.most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX));
        page(&[&found], skip, size)
    }

    fn matches(&self, document: &Document, filters: &[&Filter], term: &str) -> bool {
        (term.is_empty() || document.name.to_lowercase().contains(term))
            && filters.iter().all(|filter| match filter {
                Filter::Binder(_) => true,
                Filter::Tab(tab) => tab.is_some() && self.tab(document).map(|at| self.folders[at as usize].id) == *tab,
                Filter::Value { key, value } => metadata::has_value(self, document, key, value),
            })
    }

    /// The bytes of a version, also of hidden documents, and when it was made.
    pub(in crate::sandbox) fn content(&self, document: u32, number: usize) -> Content {
        let entry = &self.documents[document as usize];
        match (entry.stored_version(number), &self.generator) {
            (Some(stored), _) => stored.content.clone(),
            (None, Some(generator)) => generator.content(document as usize, number),
            (None, None) => Content::in_memory(bytes::Bytes::new()),
        }
    }
}

/// A page of concatenated listings, without visiting what comes before it.
fn page(listings: &[&[u32]], skip: u64, size: u32) -> (u64, Vec<u32>) {
    let total = listings.iter().map(|listing| listing.len() as u64).sum();
    let mut skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let mut items = Vec::new();
    for listing in listings {
        let from = skip.min(listing.len());
        let until = (from + (size as usize - items.len())).min(listing.len());
        items.extend_from_slice(&listing[from..until]);
        skip -= from;
    }
    (total, items)
}

fn permit(state: State) -> Result<(), Access> {
    match state {
        State::Shown => Ok(()),
        State::Hidden => Err(Access::Forbidden),
        State::Removed => Err(Access::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cross_the_border_of_two_listings() {
        let (first, second) = ([1, 2, 3], [4, 5]);
        assert_eq!(page(&[&first, &second], 2, 2), (5, vec![3, 4]));
        assert_eq!(page(&[&first, &second], 4, 10), (5, vec![5]));
        assert_eq!(page(&[&first, &second], 9, 10), (5, vec![]));
    }

    #[test]
    fn hidden_is_not_missing() {
        let mut organisation = Organisation::empty();
        let binder = organisation.add_binder("Brf Eken");
        let document = organisation.add_document(&binder, None, "a.txt", "a").unwrap();
        assert!(organisation.visible_document(&document.to_uppercase()).is_ok());
        organisation.hide_document(&document).unwrap();
        assert_eq!(organisation.visible_document(&document), Err(Access::Forbidden));
        organisation.hide_binder(&binder).unwrap();
        assert_eq!(organisation.visible_binder(&binder), Err(Access::Forbidden));
        organisation.remove_document(&document).unwrap();
        assert_eq!(organisation.visible_document(&document), Err(Access::Missing));
        assert_eq!(organisation.visible_binder("nobinder1"), Err(Access::Missing));
    }
}
