//! One check: what is read, in which order, and what looked wrong.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, PoisonError, mpsc::SyncSender},
};

use super::{
    CheckScope, Cursor, Error, Verdict,
    quota::Quota,
    reader::{look_at_document, look_at_object, spread},
};
use crate::{
    mirror::{OnDisk, Root, WalkEntry},
    model::{RelPath, Sha256},
    pace::Bandwidth,
    report::{Checked, Progress},
    state::{Extent, Known, NeededObject, Restamp, State},
};

/// Rows per query.
const PAGE: usize = 1024;

/// Most extra files and unneeded objects in the report; further ones are only counted.
const MAX_EXTRA_FILES: usize = 10_000;

/// The parameters of a check.
#[derive(Debug, Clone)]
pub struct Task {
    /// How much is read.
    pub part: CheckScope,
    /// Where the last check of the round stopped.
    pub cursor: Cursor,
    /// Whether unread files are examined without reading them, and extra files are searched for.
    pub survey: bool,
}

/// The surroundings of a check.
#[derive(Clone, Copy)]
pub struct Watch<'w> {
    /// Progress for display.
    pub progress: &'w Progress,
    /// The limit on reading.
    pub bandwidth: &'w Bandwidth,
    /// Whether the check should end.
    pub stop: &'w (dyn Fn() -> bool + Sync),
}

/// A file in the tree that belongs to no document.
#[derive(Debug)]
pub(super) struct Foreign {
    pub(super) path: String,
    pub(super) found: OnDisk,
}

/// Everything that looked wrong.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    pub(super) documents: Vec<Known>,
    pub(super) objects: Vec<NeededObject>,
    pub(super) foreign: Vec<Foreign>,
    pub(super) unclaimed: Vec<(String, Option<Sha256>)>,
    pub(super) unreadable: Vec<(String, String)>,
    pub(super) unlisted: u64,
}

/// The result of a check, before suspects are confirmed.
#[derive(Debug)]
pub struct CheckResult {
    pub(super) suspects: Suspects,
    /// Files with the right bytes but other stamps than recorded.
    pub moved: Vec<Restamp>,
    /// What was read.
    pub checked: Checked,
    /// How much there is.
    pub extent: Extent,
    /// How far the round came.
    pub cursor: Cursor,
    /// Whether the round is complete.
    pub done: bool,
    /// Whether the check was interrupted; then the cursor stays unchanged.
    pub stopped: bool,
}

/// A file to read.
enum Job {
    Document(Known),
    Object(NeededObject),
}

/// The findings of the reading threads.
#[derive(Default)]
struct Results {
    suspects: Suspects,
    moved: Vec<Restamp>,
    checked: Checked,
}

/// The thread that produces jobs.
struct Feed<'f> {
    root: &'f Root,
    state: &'f State,
    task: Task,
    quota: Quota,
    /// Whether the quota has room.
    open: bool,
    stopped: bool,
    /// Paths of documents, as hashes: 16 bytes per document.
    paths: HashSet<u64>,
    hasher: RandomState,
    watch: &'f Watch<'f>,
    looked: Suspects,
}

/// Reads a part of the mirror, and collects what looks wrong.
pub fn check(root: &Root, state: &State, mut task: Task, watch: &Watch<'_>) -> Result<CheckResult, Error> {
    let extent = state.read(|r| r.checkable())?;
    task.cursor.began_at.get_or_insert_with(jiff::Timestamp::now);
    let weight = task.cursor.weight;
    let quota = Quota::new(task.part, &mut task.cursor, extent.bytes, extent.documents + extent.objects);
    let expected = match task.part {
        CheckScope::All | CheckScope::Time(_) => extent.bytes,
        CheckScope::Share(_) => task.cursor.mark.saturating_sub(weight).min(extent.bytes),
    };
    Progress::add(&watch.progress.to_check, expected);
    let (open, stopped, looked) = (true, false, Suspects::default());
    let (paths, hasher) = (HashSet::new(), RandomState::new());
    let mut feed = Feed { root, state, task, quota, open, stopped, paths, hasher, watch, looked };
    let results = Mutex::new(Results::default());
    spread(|jobs| feed.all(jobs), |job, buffer| work(root, job, buffer, watch, &results))?;
    let Results { mut suspects, moved, checked } = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    suspects.join(feed.looked);
    let mut cursor = feed.task.cursor;
    cursor.checked.documents += checked.documents;
    cursor.checked.objects += checked.objects;
    cursor.checked.bytes += checked.bytes;
    let stopped = feed.stopped || watch.is_over();
    Ok(CheckResult { suspects, moved, checked, extent, cursor, done: feed.open && !stopped, stopped })
}

fn work(root: &Root, job: Job, buffer: &mut [u8], watch: &Watch<'_>, results: &Mutex<Results>) {
    let verdict = match &job {
        Job::Document(known) => look_at_document(root, known, buffer, watch),
        Job::Object(object) => look_at_object(root, object, buffer, watch),
    };
    if verdict == Verdict::Unknown {
        return;
    }
    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
    let (wrong, checked) = (matches!(verdict, Verdict::Wrong(..)), &mut results.checked);
    match job {
        Job::Document(known) => {
            checked.documents += 1;
            checked.bytes += known.stamp.size;
            if let Verdict::Moved(new) = verdict {
                results.moved.push(Restamp { number: known.number, old: known.stamp, new });
            } else if wrong {
                results.suspects.documents.push(known);
            }
        }
        Job::Object(object) => {
            checked.objects += 1;
            checked.bytes += object.size;
            if wrong {
                results.suspects.objects.push(object);
            }
        }
    }
}

impl Feed<'_> {
    fn all(&mut self, jobs: &SyncSender<Job>) -> Result<(), Error> {
        self.documents(jobs)?;
        self.objects(jobs)?;
        if self.task.survey && !self.stopped {
            self.extra_files()?;
        }
        Ok(())
    }

    /// Sends a job if it is due and fits into this check.
    fn take(&mut self, job: Job, bytes: u64, jobs: &SyncSender<Job>) -> Option<Job> {
        self.open = self.open && self.quota.takes(&mut self.task.cursor, bytes);
        if !self.open {
            return Some(job);
        }
        match &job {
            Job::Document(known) => self.task.cursor.position.document = known.number,
            Job::Object(object) => self.task.cursor.position.object = Some(object.sha256),
        }
        // The readers live as long as the queue.
        let _ = jobs.send(job);
        None
    }

    fn documents(&mut self, jobs: &SyncSender<Job>) -> Result<(), Error> {
        let from = self.task.cursor.position.document;
        let mut after = if self.task.survey { 0 } else { from };
        while self.task.survey || (self.open && !self.task.cursor.documents_done) {
            let mut page = self.state.read(|r| r.documents_after(after, PAGE))?;
            let Some(last) = page.last() else { break };
            after = last.number;
            if self.task.part == CheckScope::All {
                // No later check continues from here, so the order that suits the disk is as good as any.
                page.sort_unstable_by_key(|known| known.stamp.inode);
            }
            let mut others = Vec::new();
            for known in page {
                if self.watch.is_over() {
                    self.stopped = true;
                    return Ok(());
                }
                if self.task.survey {
                    self.paths.insert(self.hasher.hash_one(known.path.as_str()));
                }
                let its_turn = self.task.part == CheckScope::All || known.number > from;
                if self.task.cursor.documents_done || !its_turn {
                    others.push(known);
                } else {
                    let bytes = known.stamp.size;
                    if let Some(Job::Document(known)) = self.take(Job::Document(known), bytes, jobs) {
                        others.push(known);
                    }
                }
            }
            self.look_at(others)?;
        }
        self.task.cursor.documents_done |= self.open;
        Ok(())
    }

    /// Examines files that are not read: whether they exist with the recorded size.
    fn look_at(&mut self, mut others: Vec<Known>) -> Result<(), Error> {
        if !self.task.survey {
            return Ok(());
        }
        others.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let found = self.root.look_at_all(others.iter().map(|known| known.path.as_str()))?;
        let wrong =
            |known: &Known, found: OnDisk| !matches!(found, OnDisk::File(stamp) if stamp.size == known.stamp.size);
        let suspects = others.into_iter().zip(found).filter(|(known, found)| wrong(known, *found));
        self.looked.documents.extend(suspects.map(|(known, _)| known));
        Ok(())
    }

    fn objects(&mut self, jobs: &SyncSender<Job>) -> Result<(), Error> {
        let from = self.task.cursor.position.object;
        let mut after = if self.task.survey { None } else { from };
        while self.task.survey || self.open {
            let page = self.state.read(|r| r.objects_after(after.as_ref(), PAGE))?;
            let Some(last) = page.last() else { break };
            after = Some(last.sha256);
            for object in page {
                if self.stopped || self.watch.is_over() {
                    self.stopped = true;
                    return Ok(());
                }
                let bytes = object.size;
                let other = if Some(object.sha256) > from {
                    self.take(Job::Object(object), bytes, jobs)
                } else {
                    Some(Job::Object(object))
                };
                let Some(Job::Object(object)) = other.filter(|_| self.task.survey) else { continue };
                let found = self.root.look_at_object(&object.sha256)?;
                if !matches!(found, OnDisk::File(stamp) if stamp.size == object.size) {
                    self.looked.objects.push(object);
                }
            }
        }
        Ok(())
    }

    /// Finds files that belong to no document, and objects that no row needs.
    fn extra_files(&mut self) -> Result<(), Error> {
        let Self { root, state, paths, hasher, watch, looked, .. } = self;
        root.walk(|met| {
            match met {
                WalkEntry::Found { path, .. } if paths.contains(&hasher.hash_one(path.as_str())) => {}
                WalkEntry::Found { path, .. } if RelPath::new(&path).is_ok_and(|path| root.is_of_catalogue(&path)) => {}
                WalkEntry::Found { path, found } if looked.foreign.len() < MAX_EXTRA_FILES => {
                    looked.foreign.push(Foreign { path, found });
                }
                WalkEntry::Found { .. } => looked.unlisted += 1,
                WalkEntry::Unreadable { path, why } => looked.unreadable.push((path, why)),
            }
            !watch.is_over()
        })?;
        root.objects(|path, hash| -> Result<(), Error> {
            let claimed = hash.map_or(Ok(false), |hash| state.read(|r| r.is_needed(&hash)))?;
            if !claimed && looked.unclaimed.len() < MAX_EXTRA_FILES {
                looked.unclaimed.push((path, hash));
            } else {
                looked.unlisted += u64::from(!claimed);
            }
            Ok(())
        })
    }
}

impl Suspects {
    fn join(&mut self, other: Self) {
        self.documents.extend(other.documents);
        self.objects.extend(other.objects);
        self.foreign.extend(other.foreign);
        self.unclaimed.extend(other.unclaimed);
        self.unreadable.extend(other.unreadable);
        self.unlisted += other.unlisted;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.objects.is_empty() && self.foreign.is_empty() && self.unclaimed.is_empty()
    }
}
