//! Brings a copy up to date: contents first, then the manifest and the state, and the commit last, so that whatever a commit
//! names is there.
//!
//! What the copy has is known from a record beside the state, which counts only together with the commit that it was written for: if
//! the highest commit is another one, the record begins anew from that commit's manifest. So other machines may write to the
//! same copy, and the record may be lost.

use std::{fs::File, num::NonZeroU64, path::PathBuf, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    Error,
    commit::{CommitFile, Named, Parent, hash},
    commits::{Commit, highest_commit, list_commits, read_commit},
    layout::{commit_key, manifest_key, state_key},
    manifest::{self, ManifestHeader},
    packed::pack_file,
    store::{PutOutcome, Store},
    transfers::{Transferred, Transfers},
    upload::Uploader,
};
use crate::{
    failpoints::{self, Point},
    mirror::Mirror,
    report::Progress,
    state::{CopyHead, CopyRecord, PastRun, State},
};

/// The note that says whether the store keeps the condition that a file must be absent.
const CONDITION: &str = "condition";

/// The note about how the last commit is listed.
const SEEN: &str = "seen";

/// How a copy is brought up to date.
#[derive(Debug, Clone)]
pub struct ReplicateOptions {
    /// How many uploads run at the same time.
    pub transfers: usize,
    /// The most bytes per second of all uploads together.
    pub bandwidth: Option<NonZeroU64>,
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

/// The state of one moment, in a temporary file that is deleted with it.
struct Snapshot<'r> {
    mirror: &'r Mirror,
    names: Vec<String>,
    path: PathBuf,
    state: State,
}

impl<'r> Snapshot<'r> {
    fn take(mirror: &'r Mirror, state: &State) -> Result<Self, Error> {
        let (name, path) = mirror.staging_path()?;
        let opened = state.copy_to(&path).map_err(Error::from).and_then(|()| {
            State::view_copy(&path)?.ok_or_else(|| Error::Internal("the copy of the state can't be read".to_owned()))
        });
        match opened {
            Ok(state) => Ok(Self { mirror, names: vec![name], path, state }),
            Err(error) => {
                let _ = mirror.discard(&name);
                Err(error)
            }
        }
    }

    /// Another temporary file that is deleted with it.
    fn another(&mut self) -> Result<PathBuf, Error> {
        let (name, path) = self.mirror.staging_path()?;
        self.names.push(name);
        Ok(path)
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        for name in &self.names {
            // The next run deletes what is left below `tmp/`.
            let _ = self.mirror.discard(name);
        }
    }
}

impl Replicate<'_> {
    /// Brings the copy up to date.
    pub fn run(&self) -> Result<Replicated, Error> {
        let mark = self.state.read(|r| r.copy_mark())?;
        let mut head = self.find_head()?;
        if let Some(known) = head.as_ref().filter(|known| known.mark == mark && known.gaps == 0) {
            return self.result(CopyOutcome::Unchanged, known, Transferred::default());
        }
        let mut snapshot = Snapshot::take(self.mirror, self.state)?;
        let run = last_run(&snapshot.state)?;
        if let Some(known) = self.newer(head.as_ref(), &run)? {
            return self.result(CopyOutcome::Newer, &known, Transferred::default());
        }
        let transferred = self.transfer(&snapshot)?;
        failpoints::point(Point::CopyStep, "contents");
        let same = |known: &CopyHead| known.mark == mark && known.gaps == transferred.missing.len() as u64;
        if let Some(known) = head.as_ref().filter(|known| same(known)) {
            return self.result(CopyOutcome::Unchanged, known, transferred);
        }
        let mut commit = self.describe(&mut snapshot, (&run, &mark), &transferred)?;
        loop {
            commit.number = head.as_ref().map_or(1, |head| head.number + 1);
            commit.parent = head.as_ref().map(|head| Parent { number: head.number, sha256: head.sha256 });
            commit.committed_at = Timestamp::now();
            if let Some(made) = self.commit(&commit)? {
                self.record.keep_only(&snapshot.path)?;
                return self.result(CopyOutcome::Committed, &made, transferred);
            }
            // Somebody else was faster. Everything that ours names is still there, so that only the number changes.
            let highest = highest_commit(self.store)?.ok_or_else(|| Error::MissingFile(commit_key(commit.number)))?;
            self.check_organisation(&highest)?;
            head = Some(head_of(&highest));
            if let Some(known) = self.newer(head.as_ref(), &run)? {
                return self.result(CopyOutcome::Newer, &known, transferred);
            }
        }
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

    /// The highest commit. If it is not the one that the record was written for, the record begins anew.
    fn find_head(&self) -> Result<Option<CopyHead>, Error> {
        let known = self.record.head()?;
        let found = list_commits(self.store, known.as_ref().map_or(0, |known| known.number))?;
        // A copy that lacks our commit was deleted, or is another one.
        let found = if found.is_empty() && known.is_some() { list_commits(self.store, 0)? } else { found };
        let Some((number, listed)) = found.last() else {
            self.record.forget_all()?;
            return Ok(None);
        };
        let seen = format!("{} {} {}", number, listed.size, listed.written_at);
        if let Some(known) = known.filter(|known| known.number == *number)
            && self.record.note(SEEN)?.as_ref() == Some(&seen)
        {
            return Ok(Some(known));
        }
        let commit = read_commit(self.store, *number)?.ok_or_else(|| Error::MissingFile(commit_key(*number)))?;
        self.learn(&commit).inspect(|_| drop(self.record.set_note(SEEN, &seen))).map(Some)
    }

    /// Takes over what a commit has into the record.
    fn learn(&self, commit: &Commit) -> Result<CopyHead, Error> {
        self.check_organisation(commit)?;
        let head = head_of(commit);
        if self.record.head()?.is_some_and(|known| known.sha256 == commit.sha256) {
            return Ok(head);
        }
        self.record.forget_all()?;
        let mut contents = Vec::new();
        manifest::read(self.store, &commit.file.manifest, |item| {
            contents.extend(item.content().map(|(sha256, _)| sha256));
            if contents.len() < LEARNT {
                return Ok(());
            }
            self.record.add(&std::mem::take(&mut contents)).map_err(Error::from)
        })?;
        self.record.add(&contents)?;
        self.record.set_head(&head)?;
        Ok(head)
    }

    fn check_organisation(&self, commit: &Commit) -> Result<(), Error> {
        let ours = self.state.read(|r| r.setting("organisation"))?.unwrap_or_default();
        if ours == commit.file.organisation_id {
            return Ok(());
        }
        let (location, theirs) = (self.store.location().to_string(), commit.file.organisation_id.clone());
        Err(Error::OtherOrganisation { location, theirs, ours })
    }

    /// The commit, if it is of a later moment than this mirror.
    fn newer(&self, head: Option<&CopyHead>, run: &PastRun) -> Result<Option<CopyHead>, Error> {
        let Some(head) = head else { return Ok(None) };
        let Some(commit) = read_commit(self.store, head.number)? else { return Ok(None) };
        let ours = run.finished_at.unwrap_or_default();
        Ok((commit.file.finished_at.as_second() > ours).then(|| head.clone()))
    }

    fn transfer(&self, snapshot: &Snapshot<'_>) -> Result<Transferred, Error> {
        let uploader = Uploader::new(self.store, self.options.bandwidth);
        let totals = self.record.lacking_totals(&snapshot.path)?;
        Progress::add(&self.progress.new.downloads, totals.contents);
        let transfers = Transfers {
            uploader: &uploader,
            root: self.mirror.root(),
            record: self.record,
            progress: self.progress,
            threads: self.options.transfers,
        };
        transfers.run(|each| self.record.lacking(&snapshot.path, each))
    }

    /// Uploads the manifest and the state, and describes them.
    fn describe(
        &self,
        snapshot: &mut Snapshot<'_>,
        (run, mark): (&PastRun, &str),
        transferred: &Transferred,
    ) -> Result<CommitFile, Error> {
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
        self.put_own(&path, &manifest)?;
        failpoints::point(Point::CopyStep, "manifest");
        let path = snapshot.another()?;
        let packed = pack_file(&snapshot.path, &path).map_err(|source| Error::Scratch {
            what: "writing",
            path: path.clone(),
            source,
        })?;
        let state = packed.named(state_key(&run.id, &packed.sha256));
        self.put_own(&path, &state)?;
        failpoints::point(Point::CopyStep, "state");
        Ok(CommitFile {
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
            manifest,
            state,
        })
    }

    fn put_own(&self, path: &std::path::Path, named: &Named) -> Result<(), Error> {
        let mut file =
            File::open(path).map_err(|source| Error::Scratch { what: "reading", path: path.to_owned(), source })?;
        Uploader::new(self.store, self.options.bandwidth).own(&named.key, &mut file, (&named.sha256, named.size))
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
        let head = head_of(&Commit { file: commit.clone(), sha256: ours });
        self.record.set_head(&head)?;
        Ok(Some(head))
    }
}

/// Contents of a manifest that are recorded at once.
const LEARNT: usize = 10_000;

fn head_of(commit: &Commit) -> CopyHead {
    let Commit { file, sha256 } = commit;
    CopyHead {
        number: file.number,
        sha256: *sha256,
        mark: file.mark.clone(),
        committed_at: file.committed_at.as_second(),
        run: file.run_number,
        gaps: file.missing,
    }
}

/// The last run that ended.
fn last_run(state: &State) -> Result<PastRun, Error> {
    let runs = state.read(|r| r.past_runs())?;
    runs.into_iter().filter(|run| run.finished_at.is_some()).max_by_key(|run| run.number).ok_or(Error::NothingMirrored)
}
