//! Changes that a test makes to an organisation while it is served.
//!
//! They are deterministic: the same changes in the same order create the same ids.

use bytes::Bytes;
use serde_json::Value;

use super::{Document, NO_FOLDER, Organisation, State};
use crate::sandbox::id::{Guid, position};

/// An id that doesn't exist in the organisation.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no {kind} has the id `{id}`")]
pub struct UnknownId {
    /// Binder, folder or document.
    pub kind: &'static str,
    /// The id.
    pub id: String,
}

impl Organisation {
    /// Adds a binder and returns its id.
    pub fn add_binder(&mut self, name: &str) -> String {
        let id = self.next_nano_id();
        self.push_binder(id.clone(), name.to_owned());
        id
    }

    /// Hides a binder from the client: not listed, and 403 by id.
    pub fn hide_binder(&mut self, binder: &str) -> Result<(), UnknownId> {
        self.set_binder_state(binder, State::Hidden)
    }

    /// Shows a hidden or removed binder again.
    pub fn show_binder(&mut self, binder: &str) -> Result<(), UnknownId> {
        self.set_binder_state(binder, State::Shown)
    }

    /// Removes a binder with everything in it: 404 by id.
    pub fn remove_binder(&mut self, binder: &str) -> Result<(), UnknownId> {
        self.set_binder_state(binder, State::Removed)
    }

    /// Gives a binder another name.
    pub fn rename_binder(&mut self, binder: &str, name: &str) -> Result<(), UnknownId> {
        let at = self.binder_at(binder)?;
        name.clone_into(&mut self.binders[at as usize].name);
        Ok(())
    }

    /// Adds a folder and returns its id; without a parent it is a tab.
    pub fn add_folder(&mut self, binder: &str, parent: Option<&str>, name: &str) -> Result<String, UnknownId> {
        let binder = self.binder_at(binder)?;
        let parent = self.parent_at(parent)?;
        let id = self.next_guid(2, self.folders.len());
        self.push_folder(id, binder, parent, name.to_owned());
        Ok(id.to_string())
    }

    /// Gives a folder another name.
    pub fn rename_folder(&mut self, folder: &str, name: &str) -> Result<(), UnknownId> {
        let at = self.folder_at(folder)?;
        name.clone_into(&mut self.folders[at as usize].name);
        Ok(())
    }

    /// Moves a folder below another one of its binder, or makes it a tab. A folder can't move below itself.
    pub fn move_folder(&mut self, folder: &str, parent: Option<&str>) -> Result<(), UnknownId> {
        let at = self.folder_at(folder)?;
        let target = self.parent_at(parent)?;
        if self.ancestry(target).any(|above| above == at) {
            return Err(UnknownId { kind: "folder outside of the moved one", id: folder.to_owned() });
        }
        self.folders[at as usize].parent = target;
        Ok(())
    }

    /// Removes a folder with the folders and documents below it.
    pub fn remove_folder(&mut self, folder: &str) -> Result<(), UnknownId> {
        let at = self.folder_at(folder)?;
        let binder = self.folders[at as usize].binder;
        let gone = |organisation: &Self, from: u32| organisation.ancestry(from).any(|above| above == at);
        for document in self.binders[binder as usize].listed.clone() {
            if gone(self, self.documents[document as usize].folder) {
                self.set_state(document, State::Removed);
            }
        }
        let below: Vec<u32> =
            self.binders[binder as usize].folders.iter().copied().filter(|&f| gone(self, f)).collect();
        for folder in below {
            self.folders[folder as usize].removed = true;
        }
        Ok(())
    }

    /// Adds a document and returns its id; without a folder it is directly below the binder.
    pub fn add_document(
        &mut self,
        binder: &str,
        folder: Option<&str>,
        name: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<String, UnknownId> {
        let binder = self.binder_at(binder)?;
        let folder = self.parent_at(folder)?;
        let id = self.next_guid(3, self.documents.len());
        let mut document = Document::new(id, name, binder, folder);
        document.push_bytes(bytes.into());
        let at = self.push_document(document);
        self.list(at);
        Ok(id.to_string())
    }

    /// Gives a document a new version and returns the version's id. Older versions stay readable.
    pub fn revise(&mut self, document: &str, bytes: impl Into<Bytes>) -> Result<String, UnknownId> {
        let at = self.document_at(document)?;
        Ok(self.documents[at as usize].push_bytes(bytes.into()).to_string())
    }

    /// Renames a document.
    pub fn rename_document(&mut self, document: &str, name: &str) -> Result<(), UnknownId> {
        let at = self.document_at(document)?;
        self.documents[at as usize].name = name.into();
        Ok(())
    }

    /// Moves a document to another folder, or directly below a binder.
    pub fn move_document(&mut self, document: &str, binder: &str, folder: Option<&str>) -> Result<(), UnknownId> {
        let at = self.document_at(document)?;
        let (binder, folder) = (self.binder_at(binder)?, self.parent_at(folder)?);
        self.place(at, binder, folder);
        Ok(())
    }

    /// Removes a document: not listed, and 404 by id.
    pub fn remove_document(&mut self, document: &str) -> Result<(), UnknownId> {
        let at = self.document_at(document)?;
        self.set_state(at, State::Removed);
        Ok(())
    }

    /// Restores a removed or hidden document, with the same id, versions and place in the listing.
    pub fn restore_document(&mut self, document: &str) -> Result<(), UnknownId> {
        let at = self.document_at(document)?;
        self.set_state(at, State::Shown);
        Ok(())
    }

    /// Hides a document from the client: not listed, and 403 by id.
    pub fn hide_document(&mut self, document: &str) -> Result<(), UnknownId> {
        let at = self.document_at(document)?;
        self.set_state(at, State::Hidden);
        Ok(())
    }

    /// Sets a document's `metadata` besides the service's own keys.
    ///
    /// An array contains elements as the API shows them, an object's entries become elements with a `value`; both
    /// replace the service's elements of the same key. Any other value replaces the whole array, as a faulty
    /// service might do.
    pub fn set_metadata(&mut self, document: &str, metadata: Value) -> Result<(), UnknownId> {
        let at = self.document_at(document)?;
        let elements = match metadata {
            Value::Object(entries) => entries
                .into_iter()
                .map(|(key, value)| serde_json::json!({"metadataElementId": key, "value": value}))
                .collect(),
            other => other,
        };
        self.documents[at as usize].extra().metadata = Some(elements);
        Ok(())
    }

    /// Inserts a document into the listing of its binder.
    pub(in crate::sandbox) fn list(&mut self, document: u32) {
        let listed = &mut self.binders[self.documents[document as usize].binder as usize].listed;
        if let Err(place) = listed.binary_search(&document) {
            listed.insert(place, document);
        }
    }

    fn unlist(&mut self, document: u32) {
        let listed = &mut self.binders[self.documents[document as usize].binder as usize].listed;
        if let Ok(place) = listed.binary_search(&document) {
            listed.remove(place);
        }
    }

    pub(in crate::sandbox) fn set_state(&mut self, document: u32, state: State) {
        self.documents[document as usize].state = state;
        if state == State::Shown { self.list(document) } else { self.unlist(document) }
    }

    pub(in crate::sandbox) fn place(&mut self, document: u32, binder: u32, folder: u32) {
        self.unlist(document);
        let moved = &mut self.documents[document as usize];
        (moved.binder, moved.folder) = (binder, folder);
        if moved.state == State::Shown {
            self.list(document);
        }
    }

    fn set_binder_state(&mut self, binder: &str, state: State) -> Result<(), UnknownId> {
        let at = self.binder_at(binder)?;
        self.binders[at as usize].state = state;
        Ok(())
    }

    fn binder_at(&self, id: &str) -> Result<u32, UnknownId> {
        self.binder_position(id).ok_or_else(|| UnknownId { kind: "binder", id: id.to_owned() })
    }

    fn folder_at(&self, id: &str) -> Result<u32, UnknownId> {
        let at = Guid::parse(id).and_then(|guid| self.folder_position(guid));
        at.ok_or_else(|| UnknownId { kind: "folder", id: id.to_owned() })
    }

    fn parent_at(&self, id: Option<&str>) -> Result<u32, UnknownId> {
        id.map_or(Ok(NO_FOLDER), |id| self.folder_at(id))
    }

    fn document_at(&self, id: &str) -> Result<u32, UnknownId> {
        let at = Guid::parse(id).and_then(|guid| self.document_position(guid));
        at.ok_or_else(|| UnknownId { kind: "document", id: id.to_owned() })
    }

    /// Rebuilds the listings, after changes that did not update them.
    pub(in crate::sandbox) fn list_all(&mut self) {
        for binder in &mut self.binders {
            binder.listed.clear();
        }
        for (at, document) in self.documents.iter().enumerate() {
            if document.state == State::Shown {
                self.binders[document.binder as usize].listed.push(position(at));
            }
        }
    }
}
