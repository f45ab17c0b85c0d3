//! An organisation in memory: binders, folders, documents and their versions.
//!
//! It can have a million documents, so a document takes a few dozen bytes: generated versions are numbers whose
//! ids and bytes are made on demand, and only what a test adds is stored.
//!
//! Invariants: positions in the vectors never change and are never reused (removed entries are marked); a binder's
//! `listed` has the positions of exactly its visible documents in ascending order, which is the order of every
//! listing. So an addition or a removal shifts later pages, as in a service that counts offsets.

mod changes;
mod edit;
mod entry;
mod find;
mod view;

use std::collections::HashMap;

use super::folder_source::Source;
use super::generated::Generator;
use super::id::{Guid, GuidMap, nano_id, position};

pub use changes::DayChanges;
pub use edit::UnknownId;
pub(super) use entry::{Binder, Document, Folder, NO_FOLDER, State, Stored};
pub(super) use find::{Access, Filter, Query};
pub use view::DocumentView;

/// The documents that a sandbox serves.
#[derive(Debug)]
pub struct Organisation {
    pub(super) id: Guid,
    pub(super) binders: Vec<Binder>,
    pub(super) folders: Vec<Folder>,
    pub(super) documents: Vec<Document>,
    binder_positions: HashMap<String, u32>,
    folder_positions: GuidMap<u32>,
    document_positions: GuidMap<u32>,
    pub(super) generator: Option<Generator>,
    pub(super) source: Option<Source>,
    pub(super) changes: DayChanges,
}

impl Organisation {
    /// An organisation without binders.
    pub fn empty() -> Self {
        Self::new(Guid::mixed(&[0, 1]))
    }

    pub(super) fn new(id: Guid) -> Self {
        Self {
            id,
            binders: Vec::new(),
            folders: Vec::new(),
            documents: Vec::new(),
            binder_positions: HashMap::new(),
            folder_positions: GuidMap::default(),
            document_positions: GuidMap::default(),
            generator: None,
            source: None,
            changes: DayChanges::default(),
        }
    }

    /// The organisation's id, which clients send as the tenant.
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    /// What the last day of a generated organisation changed; all zero for day 1 and other organisations.
    pub fn day_changes(&self) -> DayChanges {
        self.changes
    }

    pub(super) fn reserve(&mut self, documents: usize) {
        self.documents.reserve_exact(documents);
        self.document_positions.reserve(documents);
    }

    pub(super) fn next_guid(&self, kind: u64, position: usize) -> Guid {
        Guid::mixed(&[self.id.high(), kind, position as u64])
    }

    pub(super) fn next_nano_id(&self) -> String {
        nano_id(self.next_guid(1, self.binders.len()).high())
    }

    pub(super) fn push_binder(&mut self, id: String, name: String) -> u32 {
        let position = position(self.binders.len());
        self.binder_positions.insert(id.clone(), position);
        self.binders.push(Binder::new(id, name, position));
        position
    }

    pub(super) fn push_folder(&mut self, id: Guid, binder: u32, parent: u32, name: String) -> u32 {
        let position = position(self.folders.len());
        self.folder_positions.insert(id, position);
        self.folders.push(Folder { id, binder, parent, name, removed: false });
        self.binders[binder as usize].folders.push(position);
        position
    }

    /// Adds a document without listing it.
    pub(super) fn push_document(&mut self, document: Document) -> u32 {
        let position = position(self.documents.len());
        self.document_positions.insert(document.id, position);
        self.documents.push(document);
        position
    }
}
