//! Deletes from a copy what no kept commit names.
//!
//! # Why nothing is deleted that a commit needs
//!
//! What may go: commits that the rules don't keep (`keep`); then manifests and states that no remaining commit names, and
//! objects that no remaining manifest names, if they are older than the grace time. The remaining manifests are read completely first, so
//! one that can't be read stops it all. A commit that the store refuses to delete remains, with all that it names.
//!
//! A writer (`Replicate`) may be at work. It relies on what its head names, which is the highest commit, or was superseded less than
//! the grace time ago, and so is kept; and on what it uploaded itself, which is younger than the grace time. Three things are neither:
//! contents that it uploaded long before its commit, contents that it found in the store though its head doesn't name them, and
//! what its head named if another writer has committed meanwhile. They may be deleted between the moment at which the writer
//! found them and its commit. Therefore
//! - the commits are listed again before each request to delete, and what a new one names stays;
//! - after its commit the writer lists the folders of these contents, and uploads again what is gone (`doubts`). What was deleted before
//!   the commit is found then; what would be deleted after it is not, because the commit is seen here;
//! - only a request to delete that is sent right before a commit and carried out right after it passes both. The writer's next session lists the folders
//!   once more.
//!
//! Two prunes at the same time are one: both delete only what no kept commit names, and what is gone already counts as deleted. If
//! one with stricter rules deletes a commit that the other one keeps, the other one can't read its manifest, and stops.
//!
//! A prune that is interrupted leaves files that no commit names; the next one deletes them.

use std::time::Duration;

use super::{
    Error,
    commits::{list_commits, read_commit},
    keep::{Dated, Rules},
    layout::{MANIFESTS, OBJECTS, STATES, commit_key, is_in, object_of},
    manifest,
    open_copy::{OTHER_NUMBERS, OpenCopy},
    store::{Listed, Store},
};
use crate::{
    model::Sha256,
    report::{FileCount, PruneReport},
};

/// Files that are deleted before the commits are listed again.
const BATCH: usize = 1000;

/// Hashes that are collected before they are sorted in.
const UNSORTED: usize = 1 << 16;

/// The most that the store's clock may differ from ours, in seconds.
const CLOCKS: i64 = 24 * 3600;

/// How a copy is pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneOptions {
    /// The age up to which commits are kept.
    pub keep: Duration,
    /// How long a commit is kept after another one came, and every other file after it was written.
    pub grace: Duration,
    /// Whether nothing is deleted.
    pub dry_run: bool,
}

impl PruneOptions {
    /// The least grace time: writers rely on uploads of this age.
    pub const LEAST_GRACE: Duration = Duration::from_secs(2 * super::doubts::DOUBTFUL_AGE.unsigned_abs());
}

/// Deletes what no kept commit names.
pub struct Prune<'p> {
    /// The store.
    pub store: &'p Store,
    /// How.
    pub options: PruneOptions,
}

/// What the remaining commits name.
#[derive(Debug, Default)]
struct Named {
    /// The highest commit that was read.
    highest: u64,
    /// Keys of manifests and states.
    keys: Vec<String>,
    /// Hashes of contents, sorted. 32 MB for a million; a set would take twice as much.
    contents: Vec<Sha256>,
}

impl Named {
    /// Adds what a commit names.
    fn read(&mut self, store: &Store, number: u64) -> Result<(), Error> {
        let commit = read_commit(store, number)?.ok_or_else(|| Error::MissingFile(commit_key(number)))?.file;
        let mut new = Vec::new();
        manifest::read(store, &commit.manifest, |item| {
            // One that the copy lacks counts, too: another commit may have brought it.
            if self.contents.binary_search(&item.sha256).is_err() {
                new.push(item.sha256);
            }
            if new.len() >= UNSORTED.max(self.contents.len() / 4) {
                self.sort_in(&mut new);
            }
            Ok::<_, Error>(())
        })?;
        self.sort_in(&mut new);
        self.keys.extend([commit.manifest.key, commit.state.key]);
        self.highest = self.highest.max(number);
        Ok(())
    }

    fn sort_in(&mut self, new: &mut Vec<Sha256>) {
        self.contents.append(new);
        self.contents.sort();
        self.contents.dedup();
    }
}

impl Prune<'_> {
    /// Deletes what no kept commit names. `each` gets the key of every file that is deleted, or would be.
    pub fn run(&self, each: &mut dyn FnMut(&str)) -> Result<PruneReport, Error> {
        let mut pruning = self.begin()?;
        pruning.each = Some(each);
        pruning.commits()?;
        pruning.descriptions()?;
        pruning.objects()?;
        Ok(pruning.done)
    }

    /// Reads what the kept commits name.
    pub(super) fn begin<'e>(&self) -> Result<Pruning<'_, 'e>, Error> {
        let store = self.store;
        let commits = list_commits(store, 0)?;
        let newest = commits.iter().map(|(_, listed)| listed.written_at).max();
        let newest = newest.ok_or_else(|| Error::NoCopy(store.location().to_string()))?;
        let rules = self.rules(newest)?;
        let dated: Vec<_> =
            commits.iter().map(|(number, listed)| Dated { number: *number, written_at: listed.written_at }).collect();
        let first = rules.first_kept(&dated);
        if let Some(highest) = dated.last() {
            check_state(store, highest.number)?;
        }
        let mut named = Named::default();
        dated[first..].iter().try_for_each(|commit| named.read(store, commit.number))?;
        let done = PruneReport {
            location: store.location().to_string(),
            dry_run: self.options.dry_run,
            kept_commits: (dated.len() - first) as u64,
            first_kept_commit: dated.get(first).map_or(0, |commit| commit.number),
            ..PruneReport::default()
        };
        let old = commits.into_iter().take(first).collect();
        Ok(Pruning { store, dry_run: self.options.dry_run, rules, old, named, done, each: None })
    }

    fn rules(&self, newest: i64) -> Result<Rules, Error> {
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 4);
        let (now, behind) = (self.store.now(), self.store.clock_difference());
        let ahead = if behind.abs() > CLOCKS { behind } else { now - newest };
        if behind.abs() > CLOCKS || ahead < -CLOCKS {
            return Err(Error::Clocks { hours: ahead.abs() / 3600 });
        }
        let grace = self.options.grace.max(PruneOptions::LEAST_GRACE);
        Ok(Rules { keep: seconds(self.options.keep), grace: seconds(grace), now })
    }
}

/// Refuses a highest commit whose state names other documents than its manifest: they would be lost.
fn check_state(store: &Store, number: u64) -> Result<(), Error> {
    let folder =
        tempfile::tempdir().map_err(|source| Error::Scratch { what: "writing", path: std::env::temp_dir(), source })?;
    let copy = OpenCopy::open(store, Some(number), folder.path())?;
    let why = OTHER_NUMBERS.to_owned();
    if copy.has_its_numbers()? { Ok(()) } else { Err(Error::DamagedFile { key: copy.commit.file.state.key, why }) }
}

/// A prune under way.
pub(super) struct Pruning<'p, 'e> {
    store: &'p Store,
    dry_run: bool,
    rules: Rules,
    /// The commits to delete.
    old: Vec<(u64, Listed)>,
    named: Named,
    pub(super) done: PruneReport,
    each: Option<&'e mut dyn FnMut(&str)>,
}

impl Pruning<'_, '_> {
    /// Deletes commits, oldest first. What those name that the store keeps stays, too.
    pub(super) fn commits(&mut self) -> Result<(), Error> {
        for (number, listed) in std::mem::take(&mut self.old) {
            if self.delete(&[listed], |done| &mut done.commits)? > 0 {
                self.done.kept_commits += 1;
                self.done.first_kept_commit = self.done.first_kept_commit.min(number);
                self.named.read(self.store, number)?;
            }
        }
        Ok(())
    }

    /// Deletes manifests and states.
    pub(super) fn descriptions(&mut self) -> Result<(), Error> {
        for (folder, suffix) in [(MANIFESTS, ".jsonl.zst"), (STATES, ".db.zst")] {
            let mut found = Vec::new();
            self.store.list(folder, None, |listed| {
                if is_in(folder, &listed.key) && listed.key.ends_with(suffix) {
                    found.push(listed);
                }
                Ok::<_, Error>(())
            })?;
            found.retain(|listed| self.rules.is_old(listed.written_at));
            self.delete_unnamed(
                found,
                |named, key| named.keys.iter().any(|kept| kept == key),
                |done| &mut done.descriptions,
            )?;
        }
        Ok(())
    }

    /// Deletes objects.
    pub(super) fn objects(&mut self) -> Result<(), Error> {
        let is_named = |named: &Named, key: &str| {
            object_of(key).is_none_or(|content| named.contents.binary_search(&content).is_ok())
        };
        let (store, mut batch) = (self.store, Vec::new());
        store.list(OBJECTS, None, |listed| {
            if is_named(&self.named, &listed.key) {
                return Ok(());
            }
            if !self.rules.is_old(listed.written_at) {
                self.done.young_objects.add(listed.size);
                return Ok(());
            }
            batch.push(listed);
            if batch.len() < BATCH {
                return Ok(());
            }
            self.delete_unnamed(std::mem::take(&mut batch), is_named, |done| &mut done.objects)
        })?;
        self.delete_unnamed(batch, is_named, |done| &mut done.objects)
    }

    /// Deletes files, unless a commit that came meanwhile names them.
    fn delete_unnamed(
        &mut self,
        mut files: Vec<Listed>,
        is_named: impl Fn(&Named, &str) -> bool,
        counter: impl Fn(&mut PruneReport) -> &mut FileCount,
    ) -> Result<(), Error> {
        files.retain(|file| !is_named(&self.named, &file.key));
        if files.is_empty() {
            return Ok(());
        }
        let last = self.named.highest;
        for (number, _) in list_commits(self.store, last + 1)? {
            self.named.read(self.store, number)?;
            self.done.kept_commits += 1;
        }
        files.retain(|file| !is_named(&self.named, &file.key));
        self.delete(&files, counter).map(drop)
    }

    /// Deletes files; returns how many the store kept.
    fn delete(&mut self, files: &[Listed], counter: impl Fn(&mut PruneReport) -> &mut FileCount) -> Result<u64, Error> {
        let keys: Vec<String> = files.iter().map(|file| file.key.clone()).collect();
        let results = if self.dry_run { vec![Ok(()); keys.len()] } else { self.store.delete(&keys)? };
        let mut refused = 0;
        for (file, result) in files.iter().zip(results) {
            match result {
                Ok(()) => {
                    counter(&mut self.done).add(file.size);
                    if let Some(each) = &mut self.each {
                        each(&file.key);
                    }
                }
                Err(error) => {
                    refused += 1;
                    self.done.refused.add(file.size);
                    self.done.refusal.get_or_insert_with(|| error.reason().to_owned());
                }
            }
        }
        Ok(refused)
    }
}
