//! Brings a copy up to date: contents first, then the manifest and the state, and the commit last, so that whatever a commit
//! names is there.
//!
//! What the copy has is known from a record beside the state, which counts only together with the commit that it was written for: if
//! the highest commit is another one, the record begins anew from that commit's manifest (`learn`). So other machines may write to
//! the same copy, and the record may be lost.

use std::{
    collections::HashSet,
    fs::File,
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    Error,
    commit::{CommitFile, Named, Parent, hash},
    commits::{Commit, highest_commit, read_commit},
    doubts::Doubts,
    layout::{HIGHEST, commit_key, manifest_key, state_key},
    manifest::{self, ManifestHeader},
    packed::pack_file,
    snapshot::Snapshot,
    store::{PutOutcome, Store},
    transfers::{Transferred, Transfers},
    upload::{Existing, Uploaded, Uploader},
};
use crate::{
    failpoints::{self, Point},
    mirror::Mirror,
    model::Sha256,
    report::Progress,
    state::{CopyHead, CopyRecord, PastRun, State},
};

/// The note that says whether the store keeps the condition that a file must be absent.
const CONDITION: &str = "condition";

/// How a copy is brought up to date.
#[derive(Debug, Clone)]
pub struct ReplicateOptions {
    /// How many uploads run at the same time.
    pub transfers: usize,
    /// The most bytes per second of all uploads together.
    pub bandwidth: Option<NonZeroU64>,
    /// Whether to go on although the copy is not as this mirror left it: its commits are gone, or those of another mirror.
    pub accept: bool,
}

/// What became of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyOutcome {
    /// A commit was made.
    Committed,
    /// The copy had everything.
    Unchanged,
    /// The copy is newer than this mirror, and was left as it is.
    Newer,
}

/// The result of bringing a copy up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replicated {
    /// What became of it.
    pub outcome: CopyOutcome,
    /// The highest commit.
    pub commit: u64,
    /// The run in it.
    pub run: i64,
    /// When it was made, in seconds since the epoch.
    pub committed_at: i64,
    /// What was uploaded.
    pub transferred: Transferred,
    /// Contents that it lacks, because the mirror itself lacks them.
    pub missing: u64,
    /// Whether the store was seen to refuse a second file with the same key; `None` if that is not known yet.
    pub keeps_condition: Option<bool>,
}

/// Brings a copy up to date. The mirror's lock must be held.
pub struct Replicate<'r> {
    /// The mirror.
    pub mirror: &'r Mirror,
    /// Its state.
    pub state: &'r State,
    /// The store.
    pub store: &'r Store,
    /// What the copy has, as far as is known.
    pub record: &'r CopyRecord,
    /// Options.
    pub options: &'r ReplicateOptions,
    /// Progress for display.
    pub progress: &'r Arc<Progress>,
}

impl Replicate<'_> {
    /// Brings the copy up to date.
    pub fn run(&self) -> Result<Replicated, Error> {
        let (mark, doubts) = (self.state.read(|r| r.copy_mark())?, self.doubts());
        let head = self.find_head()?;
        if let Some(known) = &head {
            doubts.look(known)?;
        }
        let (again, renews) = (doubts.again()?, doubts.renews()?);
        let is_current = |known: &&CopyHead| known.mark == mark && known.gaps == 0 && again.is_empty() && !renews;
        if let Some(known) = head.as_ref().filter(is_current)
            && !self.is_unproved(known)?
        {
            return self.result(CopyOutcome::Unchanged, known, Transferred::default());
        }
        let mut snapshot = Snapshot::take(self.mirror, self.state)?;
        let run = last_run(&snapshot.state)?;
        if let Some(known) = self.newer(head.as_ref(), &run)? {
            return self.result(CopyOutcome::Newer, &known, Transferred::default());
        }
        let transferred = self.transfer(&snapshot, head.as_ref(), &again)?;
        failpoints::point(Point::CopyStep, "contents");
        // A commit that lacked something does not name it, whatever its mark says.
        let is_whole = transferred.sent + transferred.known == again.len() as u64;
        let is_same =
            |known: &&CopyHead| known.mark == mark && known.gaps == transferred.missing.len() as u64 && is_whole;
        if let Some(known) = head.as_ref().filter(|known| is_same(known) && !renews) {
            doubts.committed()?;
            self.set_proved()?;
            return self.result(CopyOutcome::Unchanged, known, transferred);
        }
        let (commit, own) = self.describe(&mut snapshot, (&run, &mark), &transferred)?;
        self.commit_next(&snapshot, head, (commit, &own), transferred)
    }

    /// Writes the commit with the next free number.
    fn commit_next(
        &self,
        snapshot: &Snapshot<'_>,
        mut head: Option<CopyHead>,
        (mut commit, own): (CommitFile, &[OwnFile]),
        mut transferred: Transferred,
    ) -> Result<Replicated, Error> {
        let doubts = self.doubts();
        if head.is_some() {
            doubts.before_commit()?;
        }
        let made = loop {
            commit.number = next_number(head.as_ref())?;
            commit.parent = head.as_ref().map(|head| Parent { number: head.number, sha256: head.sha256 });
            commit.committed_at = Timestamp::now();
            if let Some(made) = self.commit(&commit)? {
                break made;
            }
            // Somebody else was faster. Only the number changes, but what their commit doesn't name may be pruned.
            doubts.suspect_all()?;
            let highest = highest_commit(self.store)?.ok_or_else(|| Error::MissingFile(commit_key(commit.number)))?;
            self.check_organisation(&highest)?;
            head = Some(highest.head());
            if let Some(known) = self.newer(head.as_ref(), &last_run(&snapshot.state)?)? {
                return self.result(CopyOutcome::Newer, &known, transferred);
            }
        };
        doubts.committed()?;
        doubts.set_renews(false)?;
        self.record.keep_only(&snapshot.path)?;
        for file in own.iter().filter(|file| file.was_there) {
            self.put_own(&file.path, &file.named, Existing::Keep)?;
        }
        if doubts.look(&made)? {
            transferred.add(self.transfer(snapshot, Some(&made), &doubts.again()?)?);
        }
        self.result(CopyOutcome::Committed, &made, transferred)
    }

    /// What the copy may lack although the record says otherwise.
    pub(super) fn doubts(&self) -> Doubts<'_> {
        Doubts { store: self.store, record: self.record }
    }

    fn result(&self, outcome: CopyOutcome, head: &CopyHead, transferred: Transferred) -> Result<Replicated, Error> {
        Ok(Replicated {
            outcome,
            commit: head.number,
            run: head.run,
            committed_at: head.committed_at,
            transferred,
            missing: head.gaps,
            keeps_condition: self.record.note(CONDITION)?.map(|kept| kept == "kept"),
        })
    }

    /// The commit, if it is of a later moment than this mirror.
    fn newer(&self, head: Option<&CopyHead>, run: &PastRun) -> Result<Option<CopyHead>, Error> {
        let Some(head) = head else { return Ok(None) };
        let commit = match read_commit(self.store, head.number) {
            Ok(Some(commit)) => commit,
            Ok(None) | Err(Error::BadCommit { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        // A run of ours is not later than ours, whatever a clock said.
        if self.is_own(&commit.file)? {
            return Ok(None);
        }
        let ours = run.finished_at.unwrap_or_default();
        Ok((commit.file.finished_at.as_second() > ours).then(|| head.clone()))
    }

    /// Uploads what the copy lacks. Objects that are uploaded again are done when they were sent.
    fn transfer(
        &self,
        snapshot: &Snapshot<'_>,
        head: Option<&CopyHead>,
        again: &HashSet<Sha256>,
    ) -> Result<Transferred, Error> {
        let doubts = self.doubts();
        doubts.begin()?;
        let uploader = Uploader::new(self.store, self.options.bandwidth);
        let totals = self.record.lacking_totals(&snapshot.path)?;
        Progress::add(&self.progress.new.downloads, totals.contents);
        let transfers = Transfers {
            uploader: &uploader,
            root: self.mirror.root(),
            record: self.record,
            progress: self.progress,
            threads: self.options.transfers,
            again,
            doubts: head.map(|_| doubts),
        };
        let transferred = transfers.run(|each| self.record.lacking(&snapshot.path, each))?;
        if !again.is_empty() {
            doubts.set_again(&again.intersection(&transferred.missing).copied().collect())?;
        }
        Ok(transferred)
    }

    /// Uploads the manifest and the state, and describes them.
    fn describe(
        &self,
        snapshot: &mut Snapshot<'_>,
        (run, mark): (&PastRun, &str),
        transferred: &Transferred,
    ) -> Result<(CommitFile, [OwnFile; 2]), Error> {
        let existing = if self.doubts().renews()? { Existing::Replace } else { Existing::Keep };
        let finished_at = Timestamp::from_second(run.finished_at.unwrap_or_default()).unwrap_or_default();
        let organisation_id = snapshot.state.read(|r| r.setting("organisation"))?.unwrap_or_default();
        let past_versions = snapshot.state.read(|r| r.held_count())?;
        let documents = snapshot.state.read(|r| r.totals())?.documents;
        let header = ManifestHeader {
            format: ManifestHeader::FORMAT,
            organisation_id: organisation_id.clone(),
            run_id: run.id.clone(),
            finished_at,
            documents,
            past_versions,
        };
        let path = snapshot.another()?;
        let (packed, totals) = manifest::write(&snapshot.state, &header, &transferred.missing, &path)?;
        let manifest = packed.named(manifest_key(&run.id, &packed.sha256));
        let manifest = self.put_own(&path, &manifest, existing)?;
        failpoints::point(Point::CopyStep, "manifest");
        let path = snapshot.another()?;
        let packed = pack_file(&snapshot.path, &path).map_err(|source| Error::Scratch {
            what: "writing",
            path: path.clone(),
            source,
        })?;
        let state = packed.named(state_key(&run.id, &packed.sha256));
        let state = self.put_own(&path, &state, existing)?;
        failpoints::point(Point::CopyStep, "state");
        let commit = CommitFile {
            format: CommitFile::FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            number: 0,
            parent: None,
            organisation_id,
            run_id: run.id.clone(),
            run_number: run.number,
            finished_at,
            committed_at: finished_at,
            documents: totals.documents,
            bytes: totals.bytes,
            past_versions: totals.past_versions,
            missing: transferred.missing.len() as u64,
            mark: mark.to_owned(),
            manifest: manifest.named.clone(),
            state: state.named.clone(),
        };
        Ok((commit, [manifest, state]))
    }

    fn put_own(&self, path: &Path, named: &Named, existing: Existing) -> Result<OwnFile, Error> {
        let mut file =
            File::open(path).map_err(|source| Error::Scratch { what: "reading", path: path.to_owned(), source })?;
        let uploader = Uploader::new(self.store, self.options.bandwidth);
        let put = uploader.own(&named.key, &mut file, (&named.sha256, named.size), existing)?;
        Ok(OwnFile { path: path.to_owned(), named: named.clone(), was_there: put == Uploaded::Was })
    }

    /// Writes the commit unless its number is taken; `None` if it is.
    fn commit(&self, commit: &CommitFile) -> Result<Option<CopyHead>, Error> {
        let bytes = Bytes::from(commit.to_bytes()?);
        let key = commit_key(commit.number);
        let put = self.store.put_new(&key, &bytes)?;
        failpoints::point(Point::CopyStep, "commit");
        let ours = hash(&bytes);
        if put == PutOutcome::Exists {
            // It is ours if the answer to an earlier try was lost.
            let there = read_commit(self.store, commit.number)?;
            if there.is_none_or(|there| there.sha256 != ours) {
                return Ok(None);
            }
        } else if self.record.note(CONDITION)?.is_none() {
            let again = self.store.put_new(&key, &bytes)?;
            self.record.set_note(CONDITION, if again == PutOutcome::Exists { "kept" } else { "ignored" })?;
        }
        let head = Commit { file: commit.clone(), sha256: ours }.head();
        self.record.set_head(&head)?;
        Ok(Some(head))
    }
}

/// A manifest or a state that was uploaded.
struct OwnFile {
    path: PathBuf,
    named: Named,
    /// An earlier session had uploaded it, and no commit names it.
    was_there: bool,
}

/// The number of the next commit.
fn next_number(head: Option<&CopyHead>) -> Result<u64, Error> {
    let Some(head) = head else { return Ok(1) };
    if head.number < HIGHEST {
        return Ok(head.number + 1);
    }
    let why = "no number is free after it; delete it with credentials that may".to_owned();
    Err(Error::BadCommit { number: head.number, why })
}

/// The last run that ended.
fn last_run(state: &State) -> Result<PastRun, Error> {
    let runs = state.read(|r| r.past_runs())?;
    runs.into_iter().filter(|run| run.finished_at.is_some()).max_by_key(|run| run.number).ok_or(Error::NothingMirrored)
}
