//! Reads an organisation, for a test to compare with a mirror.

use std::io;

use super::{Organisation, State};
use crate::sandbox::id::Guid;

/// A document as a client should see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentView {
    /// The document's id, in lower case.
    pub id: String,
    /// The id of its binder.
    pub binder: String,
    /// The name of its binder.
    pub binder_name: String,
    /// The names from its tab to its folder.
    pub folders: Vec<String>,
    /// Its name.
    pub file_name: String,
    /// The id of its latest version, in lower case.
    pub version: String,
    /// The size of that version in bytes.
    pub size: u64,
}

impl Organisation {
    /// The visible documents, in the order of the listings.
    pub fn documents(&self) -> Vec<DocumentView> {
        let shown = self.binders.iter().filter(|binder| binder.state == State::Shown);
        shown.flat_map(|binder| binder.listed.iter().map(|&at| self.view(at))).collect()
    }

    /// Ids and names of the visible binders.
    pub fn binders(&self) -> Vec<(String, String)> {
        let shown = self.binders.iter().filter(|binder| binder.state == State::Shown);
        shown.map(|binder| (binder.id.clone(), binder.name.clone())).collect()
    }

    /// Ids and names of the folders of a binder, with their parents.
    pub fn folders(&self, binder: &str) -> Vec<(String, String, Option<String>)> {
        let Ok(at) = self.visible_binder(binder) else { return Vec::new() };
        let there = self.binders[at as usize].folders.iter().map(|&at| &self.folders[at as usize]);
        let parent = |at: u32| self.folders.get(at as usize).map(|folder| folder.id.to_string());
        there
            .filter(|folder| !folder.removed)
            .map(|folder| (folder.id.to_string(), folder.name.clone(), parent(folder.parent)))
            .collect()
    }

    /// The bytes of a version, also of an old one or of a hidden document.
    pub fn bytes(&self, document: &str, version: &str) -> io::Result<Vec<u8>> {
        let at = Guid::parse(document).and_then(|id| self.document_position(id)).ok_or(io::ErrorKind::NotFound)?;
        let number = Guid::parse(version).and_then(|id| self.documents[at as usize].version_number(id));
        let content = self.content(at, number.ok_or(io::ErrorKind::NotFound)?);
        content.read(&(0..content.len())).map(Into::into)
    }

    fn view(&self, at: u32) -> DocumentView {
        let document = &self.documents[at as usize];
        let binder = &self.binders[document.binder as usize];
        let mut folders: Vec<String> =
            self.ancestry(document.folder).map(|folder| self.folders[folder as usize].name.clone()).collect();
        folders.reverse();
        DocumentView {
            id: document.id.to_string(),
            binder: binder.id.clone(),
            binder_name: binder.name.clone(),
            folders,
            file_name: document.name.to_string(),
            version: document.version_id(document.latest()).to_string(),
            size: self.content(at, document.latest()).len(),
        }
    }
}
