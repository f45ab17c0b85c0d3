//! Proves a copy without restoring it: its commits, the manifest and the state of the highest one, and every content that the
//! manifest names.
//!
//! Memory is that of the hashes and sizes, 40 bytes a content. Only if something is wrong the manifest is read once more, to name the
//! documents.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use sha2::{Digest as _, Sha256 as Hasher};

use super::{
    Error, Item, ItemKind, OpenCopy,
    commit::CommitFile,
    commits::{Commit, list_commits, read_commit},
    layout::{commit_key, object_key},
    manifest,
    open_copy::OTHER_NUMBERS,
    store::{ErrorKind, Store, StoreError},
};
use crate::{
    model::Sha256,
    pace::Bandwidth,
    report::{Checked, Finding, FindingKind, Observation, Progress},
    state,
};

/// Objects that are read at once.
const READERS: usize = 16;

/// How a copy is proved.
pub struct VerifyCopy<'v> {
    /// The store.
    pub store: &'v Store,
    /// The limit of reading.
    pub bandwidth: &'v Bandwidth,
    /// Progress for display.
    pub progress: &'v Progress,
    /// An empty folder, in which the state is built.
    pub scratch: &'v Path,
}

/// What was found so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CopyProof {
    /// The highest commit; `None` if it can't be used.
    pub commit: Option<CommitFile>,
    /// Commits that were read.
    pub commits: u64,
    /// What was read.
    pub checked: Checked,
    /// What the manifest names.
    pub named: Checked,
    /// Documents and past versions without bytes, because the mirror lacked them.
    pub lacking: u64,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

/// What is wrong with a file of the copy.
#[derive(Debug, Clone)]
enum Trouble {
    Missing,
    Damaged(Observation),
    Unreadable(String),
}

impl Trouble {
    /// What an error says of one file; the error itself if it says something of all.
    fn of(error: StoreError) -> Result<Self, StoreError> {
        match error.kind {
            ErrorKind::Forbidden => Ok(Self::Unreadable(error.to_string())),
            // The disk has lost it.
            ErrorKind::Disk => Ok(Self::Damaged(Observation::DiskError(error.to_string()))),
            ErrorKind::Other => Ok(Self::Damaged(Observation::Refused(error.to_string()))),
            _ => Err(error),
        }
    }

    /// The same for a file that a commit names, or a commit.
    fn of_own(error: Error) -> Result<Self, Error> {
        let text = match error {
            Error::Store(error) => return Self::of(error).map_err(Error::Store),
            Error::MissingFile(_) => return Ok(Self::Missing),
            Error::DamagedFile { why, .. } | Error::BadCommit { why, .. } => why,
            Error::Manifest(_, why) => why.to_string(),
            Error::State(error) if error.kind() != state::ErrorKind::Disk => error.to_string(),
            other => return Err(other),
        };
        Ok(Self::Damaged(Observation::Refused(text)))
    }

    fn finding(&self, kinds: [FindingKind; 2]) -> (FindingKind, Observation) {
        let [missing, damaged] = kinds;
        match self {
            Self::Missing => (missing, Observation::NoObject),
            Self::Damaged(seen) => (damaged, seen.clone()),
            Self::Unreadable(why) => (FindingKind::Unreadable, Observation::Refused(why.clone())),
        }
    }
}

/// The contents that a manifest names.
#[derive(Debug, Default)]
struct Contents {
    /// Hashes and sizes, in order.
    needed: Vec<(Sha256, u64)>,
    /// Those that the mirror lacked.
    lacking: HashMap<Sha256, u64>,
}

/// What the readers share.
#[derive(Default)]
struct Shared {
    next: AtomicUsize,
    objects: AtomicU64,
    bytes: AtomicU64,
    troubles: Mutex<HashMap<Sha256, Trouble>>,
    failed: Mutex<Option<StoreError>>,
}

impl VerifyCopy<'_> {
    /// Reads everything. What was found before an error is in `proof`.
    pub fn run(&self, proof: &mut CopyProof) -> Result<(), Error> {
        let Some(commit) = self.chain(proof)? else { return Ok(()) };
        let file = commit.file.clone();
        proof.commit = Some(file.clone());
        match OpenCopy::of_commit(self.store, commit, self.scratch) {
            Err(error) => proof.add_own(&file.state.key, &Trouble::of_own(error)?),
            Ok(copy) if copy.has_its_numbers()? => {}
            Ok(_) => proof.add_own(&file.state.key, &Trouble::Damaged(Observation::Refused(OTHER_NUMBERS.to_owned()))),
        }
        let contents = self.contents(&file, proof)?;
        let troubles = self.read_all(&contents.needed, proof)?;
        if troubles.values().any(|trouble| matches!(trouble, Trouble::Missing)) {
            // If the whole bucket is gone, it is not the objects that are missing.
            read_commit(self.store, file.number)?.ok_or_else(|| Error::MissingFile(commit_key(file.number)))?;
        }
        self.name(&file, (&contents.lacking, &troubles), proof)
    }

    /// Reads all commits. Each names the hash of the one before, so that none was changed later.
    fn chain(&self, proof: &mut CopyProof) -> Result<Option<Commit>, Error> {
        let listed = list_commits(self.store, 0)?;
        if listed.is_empty() {
            return Err(Error::NoCopy(self.store.location().to_string()));
        }
        let mut last: Option<Commit> = None;
        for (number, _) in listed {
            let commit = match read_commit(self.store, number) {
                Ok(Some(commit)) => commit,
                // It was deleted in between.
                Ok(None) => continue,
                Err(error) => {
                    proof.add_own(&commit_key(number), &Trouble::of_own(error)?);
                    last = None;
                    continue;
                }
            };
            proof.commits += 1;
            if let (Some(parent), Some(before)) = (&commit.file.parent, &last)
                && parent.number == before.file.number
                && parent.sha256 != before.sha256
            {
                let text = format!("commit {number} was made when it had other bytes");
                proof.add_own(&commit_key(parent.number), &Trouble::Damaged(Observation::Refused(text)));
            }
            last = Some(commit);
        }
        Ok(last)
    }

    /// Reads the manifest.
    fn contents(&self, commit: &CommitFile, proof: &mut CopyProof) -> Result<Contents, Error> {
        let (mut contents, mut documents) = (Contents::default(), 0);
        let read = manifest::read(self.store, &commit.manifest, |item| {
            documents += u64::from(item.kind == ItemKind::Document && !item.missing);
            match item.content() {
                Some(content) => contents.needed.push(content),
                None => drop(contents.lacking.insert(item.sha256, item.size)),
            }
            Ok::<_, Error>(())
        });
        match read {
            Ok(header) if (header.documents, header.past_versions) == (commit.documents, commit.past_versions) => {}
            Ok(_) => {
                let seen = Observation::Refused(OTHER_NUMBERS.to_owned());
                proof.add_own(&commit.manifest.key, &Trouble::Damaged(seen));
            }
            Err(error) => proof.add_own(&commit.manifest.key, &Trouble::of_own(error)?),
        }
        contents.put_in_order();
        self.find_lacking(&mut contents)?;
        proof.named = Checked {
            documents,
            objects: contents.needed.len() as u64,
            bytes: contents.needed.iter().fold(0, |sum: u64, (_, size)| sum.saturating_add(*size)),
        };
        Ok(contents)
    }

    /// Looks for contents that the mirror lacked: another commit may have them.
    fn find_lacking(&self, contents: &mut Contents) -> Result<(), Error> {
        let mut found = Vec::new();
        for (sha256, size) in &contents.lacking {
            let is_needed = contents.needed.binary_search_by_key(sha256, |(needed, _)| *needed).is_ok();
            if is_needed || self.store.size(&object_key(sha256))? == Some(*size) {
                found.push((*sha256, *size));
            }
        }
        for (sha256, _) in &found {
            contents.lacking.remove(sha256);
        }
        contents.needed.extend(found);
        contents.put_in_order();
        Ok(())
    }

    fn read_all(&self, needed: &[(Sha256, u64)], proof: &mut CopyProof) -> Result<HashMap<Sha256, Trouble>, Error> {
        Progress::add(&self.progress.to_check, proof.named.bytes);
        let shared = Shared::default();
        std::thread::scope(|scope| {
            for _ in 0..READERS.min(needed.len()) {
                scope.spawn(|| self.work(needed, &shared));
            }
        });
        let Shared { objects, bytes, troubles, failed, .. } = shared;
        (proof.checked.objects, proof.checked.bytes) = (objects.into_inner(), bytes.into_inner());
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error.into());
        }
        proof.checked.documents = proof.named.documents;
        Ok(troubles.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn work(&self, needed: &[(Sha256, u64)], shared: &Shared) {
        while let Some((sha256, size)) = needed.get(shared.next.fetch_add(1, Relaxed)) {
            if lock(&shared.failed).is_some() {
                return;
            }
            let looked = self.look(sha256, *size, &shared.bytes).or_else(|error| Trouble::of(error).map(Some));
            match looked {
                Ok(found) => {
                    shared.objects.fetch_add(1, Relaxed);
                    found.map(|trouble| lock(&shared.troubles).insert(*sha256, trouble));
                }
                Err(error) => {
                    lock(&shared.failed).get_or_insert(error);
                }
            }
        }
    }

    /// Reads an object, and not more of it than its size.
    fn look(&self, sha256: &Sha256, size: u64, bytes: &AtomicU64) -> Result<Option<Trouble>, StoreError> {
        let other_size = |found| Ok(Some(Trouble::Damaged(Observation::OtherSize { found, recorded: size })));
        let Some(mut object) = self.store.read(&object_key(sha256))? else { return Ok(Some(Trouble::Missing)) };
        if object.size() != size {
            return other_size(object.size());
        }
        let (mut hasher, mut read) = (Hasher::new(), 0);
        while let Some(piece) = object.next_piece()? {
            read += piece.len() as u64;
            if read > size {
                return other_size(read);
            }
            hasher.update(&piece);
            bytes.fetch_add(piece.len() as u64, Relaxed);
            Progress::add(&self.progress.checked, piece.len() as u64);
            let wait = self.bandwidth.charge(piece.len());
            if !wait.is_zero() {
                self.store.sleep(wait);
            }
        }
        let found = Sha256::new(hasher.finalize().into());
        Ok((found != *sha256).then_some(Trouble::Damaged(Observation::OtherBytes(found))))
    }

    /// Names the documents and past versions that something is wrong with.
    fn name(
        &self,
        commit: &CommitFile,
        (lacking, troubles): (&HashMap<Sha256, u64>, &HashMap<Sha256, Trouble>),
        proof: &mut CopyProof,
    ) -> Result<(), Error> {
        if lacking.is_empty() && troubles.is_empty() {
            return Ok(());
        }
        let read = manifest::read(self.store, &commit.manifest, |item| {
            if let Some(trouble) = troubles.get(&item.sha256) {
                proof.add_item(item, trouble);
            } else if lacking.contains_key(&item.sha256) {
                proof.lacking += 1;
                proof.findings.push(finding(item, FindingKind::Lacking, Observation::Lacked));
            }
            Ok::<_, Error>(())
        });
        // If it is damaged, that was told.
        read.map(drop).or_else(|error| Trouble::of_own(error).map(drop))
    }
}

impl Contents {
    /// Sorts the hashes, each once.
    fn put_in_order(&mut self) {
        self.needed.sort_unstable();
        self.needed.dedup_by_key(|(sha256, _)| *sha256);
    }
}

impl CopyProof {
    /// A file of the copy itself.
    fn add_own(&mut self, key: &str, trouble: &Trouble) {
        let (kind, detail) = trouble.finding([FindingKind::ObjectMissing, FindingKind::ObjectDamaged]);
        self.findings.push(Finding {
            kind,
            document_id: None,
            version_id: None,
            path: key.to_owned(),
            found_at: None,
            sha256: None,
            detail,
            repaired: false,
            repair: None,
            stamp: None,
        });
    }

    fn add_item(&mut self, item: Item, trouble: &Trouble) {
        let kinds = match item.kind {
            ItemKind::Document => [FindingKind::Missing, FindingKind::Damaged],
            ItemKind::Past => [FindingKind::ObjectMissing, FindingKind::ObjectDamaged],
        };
        let (kind, detail) = trouble.finding(kinds);
        self.findings.push(finding(item, kind, detail));
    }
}

fn finding(item: Item, kind: FindingKind, detail: Observation) -> Finding {
    Finding {
        kind,
        document_id: Some(item.id),
        version_id: Some(item.version_id),
        path: item.path.to_string(),
        found_at: None,
        sha256: Some(item.sha256),
        detail,
        repaired: false,
        repair: None,
        stamp: None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
