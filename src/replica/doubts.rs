//! What a copy may lack although the record says that it has it. Kept as notes in the record, so that a kill loses none of it.
//!
//! - Objects that a check found damaged or missing, or that a prune deleted: they are uploaded again, over what is there.
//! - Folders of objects that a prune elsewhere may be deleting from, because no commit named these contents when they
//!   were uploaded or found ([`Prune`](super::Prune) says why): they are looked at after the commit, and once more by the next session.
//! - A manifest or a state of the highest commit that can't be read: the next session makes a new commit.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;

use super::{
    Error,
    commits::read_commit,
    layout::{OBJECTS, object_of},
    store::Store,
};
use crate::{
    model::Sha256,
    state::{CopyHead, CopyRecord},
};

/// The note with the objects that are uploaded again.
const AGAIN: &str = "again";

/// The note that says that the highest commit's manifest or state can't be read.
const RENEW: &str = "renew";

/// The note with the folders of objects to look at, behind the number of looks.
const LOOK: &str = "look";

/// The note about when the first content was uploaded that no commit names yet, in seconds since the epoch.
const SINCE: &str = "since";

/// How often a folder is looked at after a commit.
const LOOKS: u8 = 2;

/// From this age on, in seconds, uploads that no commit names are in doubt. Half of the least grace time of a prune.
pub(super) const DOUBTFUL_AGE: i64 = 24 * 3600;

/// The notes of a record about a store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubts<'d> {
    pub(super) store: &'d Store,
    pub(super) record: &'d CopyRecord,
}

impl Doubts<'_> {
    /// The objects that are uploaded again. The record counts them as lacking.
    pub(super) fn again(&self) -> Result<HashSet<Sha256>, Error> {
        let note = self.record.note(AGAIN)?.unwrap_or_default();
        let again: HashSet<_> = note.split(' ').filter_map(|hex| Sha256::try_from(hex.to_owned()).ok()).collect();
        // A record that began anew has learnt them from a commit.
        again.iter().try_for_each(|content| self.record.forget(content))?;
        Ok(again)
    }

    /// Notes objects that must be uploaded again.
    pub(super) fn add_again(&self, contents: &[Sha256]) -> Result<(), Error> {
        let mut again = self.again()?;
        again.extend(contents);
        self.set_again(&again)?;
        contents.iter().try_for_each(|content| Ok(self.record.forget(content)?))
    }

    /// Notes the objects that still have to be uploaded again.
    pub(super) fn set_again(&self, contents: &HashSet<Sha256>) -> Result<(), Error> {
        let text: Vec<String> = contents.iter().map(Sha256::hex).collect();
        Ok(self.record.set_note(AGAIN, &text.join(" "))?)
    }

    /// Whether the highest commit's manifest or state can't be read.
    pub(super) fn renews(&self) -> Result<bool, Error> {
        Ok(self.record.note(RENEW)?.is_some_and(|note| !note.is_empty()))
    }

    /// Notes whether the highest commit's manifest or state can't be read.
    pub(super) fn set_renews(&self, renews: bool) -> Result<(), Error> {
        Ok(self.record.set_note(RENEW, if renews { "yes" } else { "" })?)
    }

    /// Called before contents are uploaded that no commit names.
    pub(super) fn begin(&self) -> Result<(), Error> {
        if self.record.note(SINCE)?.is_none_or(|note| note.is_empty()) {
            self.record.set_note(SINCE, &Timestamp::now().as_second().to_string())?;
        }
        Ok(())
    }

    /// Called when a commit names all contents in the record.
    pub(super) fn committed(&self) -> Result<(), Error> {
        Ok(self.record.set_note(SINCE, "")?)
    }

    /// Called before a commit: a long session, or one that goes on from others, may have uploaded contents long ago.
    pub(super) fn before_commit(&self) -> Result<(), Error> {
        let since: Option<i64> = self.record.note(SINCE)?.and_then(|note| note.parse().ok());
        let age = since.map(|since| Timestamp::now().as_second() - since);
        // A clock that was set back says nothing.
        if age.is_some_and(|age| !(0..DOUBTFUL_AGE).contains(&age)) { self.suspect_all() } else { Ok(()) }
    }

    /// Notes folders to look at.
    pub(super) fn suspect(&self, folders: impl IntoIterator<Item = u8>) -> Result<(), Error> {
        let (_, mut noted) = self.noted()?;
        noted.extend(folders);
        self.note(LOOKS, &noted)
    }

    /// Notes all folders to look at.
    pub(super) fn suspect_all(&self) -> Result<(), Error> {
        self.suspect(0..=u8::MAX)
    }

    /// Looks at the noted folders. Contents that are gone are noted as objects to upload again; returns whether any are.
    pub(super) fn look(&self, head: &CopyHead) -> Result<bool, Error> {
        let (looks, folders) = self.noted()?;
        if folders.is_empty() {
            return Ok(false);
        }
        if !self.has_own_files(head)? {
            self.set_renews(true)?;
        }
        let mut any = false;
        for folder in &folders {
            let gone = self.gone(*folder)?;
            if !gone.is_empty() {
                tracing::warn!(
                    "{} of the copy were deleted and are uploaded again",
                    crate::report::format::number_of(gone.len() as u64, "object", "objects")
                );
                self.add_again(&gone)?;
                any = true;
            }
        }
        match looks.saturating_sub(1) {
            0 => self.record.set_note(LOOK, "")?,
            left => self.note(left, &folders)?,
        }
        Ok(any)
    }

    fn has_own_files(&self, head: &CopyHead) -> Result<bool, Error> {
        let commit = match read_commit(self.store, head.number) {
            Ok(Some(commit)) => commit,
            Ok(None) => return Ok(true),
            Err(Error::BadCommit { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        for key in [&commit.file.manifest.key, &commit.file.state.key] {
            if self.store.size(key)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The contents of a folder that the record has and the store doesn't.
    fn gone(&self, folder: u8) -> Result<Vec<Sha256>, Error> {
        let (mut there, mut gone) = (Vec::new(), Vec::new());
        self.store.list(&format!("{OBJECTS}/{folder:02x}"), None, |listed| {
            there.extend(object_of(&listed.key));
            Ok::<_, Error>(())
        })?;
        there.sort_unstable();
        let first = u16::from_be_bytes([folder, 0]);
        self.record.between(&(first..=first | 0xff), &mut |content| {
            if there.binary_search(&content).is_err() {
                gone.push(content);
            }
            Ok::<_, Error>(())
        })?;
        Ok(gone)
    }

    fn noted(&self) -> Result<(u8, BTreeSet<u8>), Error> {
        let note = self.record.note(LOOK)?.unwrap_or_default();
        let (looks, folders) = note.split_once(' ').unwrap_or_default();
        let folders = folders.split(' ').filter_map(|hex| u8::from_str_radix(hex, 16).ok()).collect();
        Ok((looks.parse().unwrap_or_default(), folders))
    }

    fn note(&self, looks: u8, folders: &BTreeSet<u8>) -> Result<(), Error> {
        let text: Vec<String> = folders.iter().map(|folder| format!("{folder:02x}")).collect();
        Ok(self.record.set_note(LOOK, &format!("{looks} {}", text.join(" ")))?)
    }
}
