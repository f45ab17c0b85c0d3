//! Reads a share of the contents that a copy has, and compares them with their hashes.
//!
//! What is damaged or missing is noted in the record; the next session of [`Replicate`](super::Replicate) uploads it again from the mirror. A
//! share begins where the last one ended, so that each content is read sooner or later.

use std::{
    num::NonZeroU64,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, Sender, sync_channel},
    },
};

use sha2::{Digest as _, Sha256 as Hasher};

use super::{
    Error,
    commits::read_commit,
    doubts::Doubts,
    layout::{commit_key, object_key},
    packed::Unpacking,
    store::{ErrorKind, Store, StoreError},
};
use crate::{
    model::{Sha256, Share},
    pace::Bandwidth,
    report::Progress,
    state::CopyRecord,
};

/// The note with the folder of objects at which the next check begins.
const CHECKED: &str = "checked";

/// Folders of objects that are checked before the note moves on.
const STEP: u16 = 16;

/// All folders of objects.
const FOLDERS: u16 = 256;

/// Findings after which a check ends early: they are mended first.
const MOST: usize = 20_000;

/// Contents that wait for each thread.
const WAITING: usize = 4;

/// Checks a copy. The record must be that of the highest commit.
pub(super) struct Check<'c> {
    /// The store.
    pub(super) store: &'c Store,
    /// What the copy has.
    pub(super) record: &'c CopyRecord,
    /// How much is checked.
    pub(super) share: Share,
    /// How many contents are read at the same time.
    pub(super) threads: usize,
    /// The most bytes per second of all of them together.
    pub(super) bandwidth: Option<NonZeroU64>,
    /// Progress for display.
    pub(super) progress: &'c Progress,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Checked {
    /// The number of contents that were read.
    pub(super) contents: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Contents whose object has other bytes.
    pub(super) damaged: Vec<Sha256>,
    /// Contents whose object is missing.
    pub(super) missing: Vec<Sha256>,
    /// What is wrong with the manifest or the state of the highest commit.
    pub(super) unfit: Vec<String>,
    /// Whether it ended early because of the number of findings.
    pub(super) ended_early: bool,
}

impl Checked {
    /// Whether nothing is wrong.
    pub(super) fn is_clean(&self) -> bool {
        self.damaged.is_empty() && self.missing.is_empty() && self.unfit.is_empty()
    }
}

/// How an object is.
enum Look {
    Whole(u64),
    Damaged(u64),
    Missing,
}

impl Check<'_> {
    /// Checks the files of the highest commit, and the share.
    pub(super) fn run(&self) -> Result<Checked, Error> {
        let doubts = Doubts { store: self.store, record: self.record };
        let mut checked = Checked { unfit: self.own_files()?, ..Checked::default() };
        if !checked.unfit.is_empty() {
            doubts.set_renews(true)?;
        }
        let noted = self.record.note(CHECKED)?.and_then(|note| note.parse::<u16>().ok());
        let (mut folder, mut left) =
            (noted.unwrap_or_default() % FOLDERS, u16::try_from(self.share.of(FOLDERS.into())).unwrap_or(FOLDERS));
        while left > 0 {
            let count = STEP.min(left).min(FOLDERS - folder);
            let before = (checked.damaged.len(), checked.missing.len());
            let ended = self.folders(folder, count, &mut checked);
            doubts.add_again(&checked.damaged[before.0..])?;
            doubts.add_again(&checked.missing[before.1..])?;
            ended?;
            left -= count;
            folder = (folder + count) % FOLDERS;
            self.record.set_note(CHECKED, &folder.to_string())?;
            if left > 0 && checked.damaged.len() + checked.missing.len() > MOST {
                checked.ended_early = true;
                break;
            }
        }
        Ok(checked)
    }

    fn own_files(&self) -> Result<Vec<String>, Error> {
        let Some(head) = self.record.head()? else { return Err(Error::NoCopy(self.store.location().to_string())) };
        let commit =
            read_commit(self.store, head.number)?.ok_or_else(|| Error::MissingFile(commit_key(head.number)))?;
        let mut unfit = Vec::new();
        for named in [&commit.file.manifest, &commit.file.state] {
            match Unpacking::open(self.store, named).and_then(Unpacking::finish) {
                Err(error) if error.is_of_a_file() => unfit.push(error.to_string()),
                other => other?,
            }
        }
        Ok(unfit)
    }

    fn folders(&self, first: u16, count: u16, checked: &mut Checked) -> Result<(), Error> {
        let range = first << 8..=((first + count - 1) << 8) | 0xff;
        let bandwidth = Bandwidth::new(self.bandwidth);
        let (jobs, queue) = sync_channel(self.threads * WAITING);
        let (told, looks) = std::sync::mpsc::channel();
        let queue = Mutex::new(queue);
        let mut failed = None;
        let listed = std::thread::scope(|scope| {
            for _ in 0..self.threads {
                let (told, queue, bandwidth) = (told.clone(), &queue, &bandwidth);
                scope.spawn(move || self.work(queue, bandwidth, &told));
            }
            drop(told);
            let listed = self.record.between(&range, &mut |content| {
                for look in looks.try_iter() {
                    checked.count(look, &mut failed);
                }
                let over = || Error::Internal("the check has ended".to_owned());
                if failed.is_some() { Err(over()) } else { jobs.send(content).map_err(|_| over()) }
            });
            drop(jobs);
            for look in &looks {
                checked.count(look, &mut failed);
            }
            listed
        });
        failed.map_or(listed, |error| Err(error.into()))
    }

    fn work(
        &self,
        queue: &Mutex<Receiver<Sha256>>,
        bandwidth: &Bandwidth,
        told: &Sender<(Sha256, Result<Look, StoreError>)>,
    ) {
        let mut failed = false;
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(content) = next else { return };
            // After an error the queue is only emptied.
            if failed {
                continue;
            }
            let look = self.look(&content, bandwidth);
            failed = look.is_err();
            if told.send((content, look)).is_err() {
                return;
            }
        }
    }

    fn look(&self, content: &Sha256, bandwidth: &Bandwidth) -> Result<Look, StoreError> {
        match self.read(content, bandwidth) {
            // A disk that can't read it has lost it.
            Err(error) if error.kind == ErrorKind::Disk => {
                tracing::debug!("{error}");
                Ok(Look::Damaged(0))
            }
            other => other,
        }
    }

    fn read(&self, content: &Sha256, bandwidth: &Bandwidth) -> Result<Look, StoreError> {
        let Some(mut object) = self.store.read(&object_key(content))? else { return Ok(Look::Missing) };
        let (mut hasher, mut size) = (Hasher::new(), 0);
        while let Some(piece) = object.next_piece()? {
            hasher.update(&piece);
            size += piece.len() as u64;
            Progress::add(&self.progress.checked, piece.len() as u64);
            let wait = bandwidth.charge(piece.len());
            if !wait.is_zero() {
                self.store.sleep(wait);
            }
        }
        let is_whole = Sha256::new(hasher.finalize().into()) == *content;
        Ok(if is_whole { Look::Whole(size) } else { Look::Damaged(size) })
    }
}

impl Checked {
    fn count(&mut self, (content, look): (Sha256, Result<Look, StoreError>), failed: &mut Option<StoreError>) {
        match look {
            Ok(Look::Whole(size)) => self.bytes += size,
            Ok(Look::Damaged(size)) => {
                self.bytes += size;
                self.damaged.push(content);
            }
            Ok(Look::Missing) => self.missing.push(content),
            Err(error) => {
                failed.get_or_insert(error);
                return;
            }
        }
        self.contents += 1;
    }
}
