//! The parts of an organisation in memory.

use bytes::Bytes;
use serde_json::Value;

use crate::sandbox::{content::Content, id::Guid};

/// The position of no folder.
pub(in crate::sandbox) const NO_FOLDER: u32 = u32::MAX;

/// 2024-03-01T06:00:00Z: the start of the sandbox's calendar.
const EPOCH: i64 = 1_709_272_800;
const DAY: i64 = 86_400;

/// Whether the client can see something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum State {
    Shown,
    /// It exists, but not for this client.
    Hidden,
    Removed,
}

#[derive(Debug)]
pub(in crate::sandbox) struct Binder {
    pub(in crate::sandbox) id: String,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) state: State,
    pub(in crate::sandbox) created: i64,
    pub(in crate::sandbox) folders: Vec<u32>,
    /// The visible documents, ascending.
    pub(in crate::sandbox) listed: Vec<u32>,
}

impl Binder {
    pub(super) fn new(id: String, name: String, position: u32) -> Self {
        let created = EPOCH - 2000 * DAY + i64::from(position) * 3 * DAY;
        Self { id, name, state: State::Shown, created, folders: Vec::new(), listed: Vec::new() }
    }
}

#[derive(Debug)]
pub(in crate::sandbox) struct Folder {
    pub(in crate::sandbox) id: Guid,
    pub(in crate::sandbox) binder: u32,
    /// [`NO_FOLDER`] for a tab.
    pub(in crate::sandbox) parent: u32,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) removed: bool,
}

#[derive(Debug)]
pub(in crate::sandbox) struct Document {
    pub(in crate::sandbox) id: Guid,
    pub(in crate::sandbox) name: Box<str>,
    pub(in crate::sandbox) binder: u32,
    /// [`NO_FOLDER`] directly below the binder.
    pub(in crate::sandbox) folder: u32,
    /// The number of generated versions, which come first.
    pub(in crate::sandbox) generated: u16,
    pub(in crate::sandbox) state: State,
    pub(in crate::sandbox) extra: Option<Box<Extra>>,
}

/// Data that only a few documents have.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Extra {
    pub(in crate::sandbox) metadata: Option<Value>,
    /// The versions after the generated ones.
    pub(in crate::sandbox) versions: Vec<Stored>,
}

/// A version that is stored instead of generated.
#[derive(Debug)]
pub(in crate::sandbox) struct Stored {
    pub(in crate::sandbox) id: Guid,
    pub(in crate::sandbox) content: Content,
    pub(in crate::sandbox) modified: i64,
}

impl Document {
    pub(in crate::sandbox) fn new(id: Guid, name: &str, binder: u32, folder: u32) -> Self {
        Self { id, name: name.into(), binder, folder, generated: 0, state: State::Shown, extra: None }
    }

    pub(in crate::sandbox) fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    fn stored(&self) -> &[Stored] {
        self.extra.as_ref().map_or(&[], |extra| &extra.versions)
    }

    /// The number of versions, at least one.
    pub(in crate::sandbox) fn versions(&self) -> usize {
        usize::from(self.generated) + self.stored().len()
    }

    pub(in crate::sandbox) fn latest(&self) -> usize {
        self.versions().saturating_sub(1)
    }

    pub(in crate::sandbox) fn stored_version(&self, number: usize) -> Option<&Stored> {
        self.stored().get(number.checked_sub(usize::from(self.generated))?)
    }

    pub(in crate::sandbox) fn version_id(&self, number: usize) -> Guid {
        self.stored_version(number).map_or_else(|| self.made_version_id(number), |stored| stored.id)
    }

    fn made_version_id(&self, number: usize) -> Guid {
        Guid::mixed(&[self.id.high(), self.id.low(), number as u64])
    }

    /// The number of a version; the latest ones are tried first.
    pub(in crate::sandbox) fn version_number(&self, id: Guid) -> Option<usize> {
        (0..self.versions()).rev().find(|&number| self.version_id(number) == id)
    }

    /// When a version was made, in seconds since 1970.
    pub(in crate::sandbox) fn modified(&self, number: usize) -> i64 {
        self.stored_version(number).map_or_else(|| self.made_at(number), |stored| stored.modified)
    }

    fn made_at(&self, number: usize) -> i64 {
        let spread = i64::try_from(self.id.low() % (1500 * 86_400)).unwrap_or(0);
        EPOCH - spread + i64::try_from(number).unwrap_or(0) * 41 * DAY
    }

    /// Adds a version with these bytes.
    pub(in crate::sandbox) fn push_bytes(&mut self, bytes: Bytes) -> Guid {
        let number = self.versions();
        let (id, modified) = (self.made_version_id(number), self.made_at(number));
        self.extra().versions.push(Stored { id, content: Content::in_memory(bytes), modified });
        id
    }
}
