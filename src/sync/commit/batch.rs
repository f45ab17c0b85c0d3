//! One batch of operations: intents, changes of the tree, rows.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    failpoints::{self, Point},
    mirror::{self, ErrorKind, Mirror, OnDisk, Outcome},
    model::{DocumentId, Intent, NameLimit, Particulars, RelPath, Step},
    naming,
    report::{Failure, FailureCause, FailureStep, Tally, Warning},
    state::State,
    sync::{
        Fatal,
        commit::{
            names::Names,
            operation::{Operation, RowChange, TreeChange},
            publication::Publication,
            record::{is_in_manifest, record_entry, record_row},
        },
        decide::reservations::Reservations,
    },
};

const NO_NAME_LEFT: &str =
    "files that are not the mirror's have all of its names; move them out of its folder, then run again";

const NO_NAME_FITS: &str = "the disk refuses its name, however short; check which names this file system accepts";

/// Name lengths in bytes to try if the disk accepts less than it stated when the mirror was opened, as encrypted file systems
/// do.
const SHORTER: [usize; 4] = [200, 143, 127, 100];

/// What was published and is not recorded yet.
pub(crate) struct Batch {
    mirror: Arc<Mirror>,
    state: Arc<State>,
    names: Names,
    tally: Arc<Tally>,
    run: i64,
    /// Carried out. Their names become durable with the next barrier.
    done: Vec<Publication>,
    /// Changes of rows for the next transaction.
    rows: Vec<RowChange>,
}

impl Batch {
    pub(crate) fn new(mirror: Arc<Mirror>, state: Arc<State>, names: Names, tally: Arc<Tally>, run: i64) -> Self {
        Self { mirror, state, names, tally, run, done: Vec::new(), rows: Vec::new() }
    }

    /// Carries out a batch. Operations whose path turns out to be taken get another one and an intent of their own, in
    /// another round.
    pub(crate) fn publish(&mut self, operations: Vec<Operation>) -> Result<(), Fatal> {
        let mut entries = Vec::new();
        for operation in operations {
            match operation {
                Operation::Tree(change) => entries.extend(self.prepare(change)?),
                Operation::Row(change) => self.rows.push(change),
            }
        }
        while !entries.is_empty() {
            entries = self.round(entries)?;
        }
        Ok(())
    }

    fn round(&mut self, mut entries: Vec<Publication>) -> Result<Vec<Publication>, Fatal> {
        failpoints::point(Point::Grouped, entries.len());
        self.mirror.barrier()?;
        self.record(&mut entries)?;
        let mut again = Vec::new();
        for mut entry in entries {
            entry.outcome = self.carry_out(&entry.intent)?;
            if entry.outcome == Ok(Outcome::Occupied) {
                match entry.intent.step {
                    // The file was missing when the batch began; the next run compares again.
                    Step::Replace { .. } => entry.outcome = Err("a file appeared at its path just now".to_owned()),
                    _ => match self.renamed(&entry)? {
                        Some(renamed) => again.push(renamed),
                        None => entry.outcome = Err(NO_NAME_LEFT.to_owned()),
                    },
                }
            }
            if entry.outcome == Ok(Outcome::TooLong) {
                match self.shortened(&entry)? {
                    Some(shortened) => again.push(shortened),
                    None => entry.outcome = Err(NO_NAME_FITS.to_owned()),
                }
            }
            if let (Err(_) | Ok(Outcome::Lost), Step::Add { staged } | Step::Replace { staged, .. }) =
                (&entry.outcome, &entry.intent.step)
            {
                self.mirror.discard_unnamed(staged);
            }
            failpoints::point(Point::CarriedOut, &entry.intent.path);
            self.done.push(entry);
        }
        Ok(again)
    }

    /// Carries out an intent. An error of this document alone is an outcome.
    fn carry_out(&self, intent: &Intent) -> Result<Result<Outcome, String>, Fatal> {
        if matches!(intent.step, Step::Move { .. }) && self.is_taken(intent)? {
            return Ok(Ok(Outcome::Occupied));
        }
        match self.mirror.apply(intent) {
            Ok(outcome) => Ok(Ok(outcome)),
            Err(error) if error.kind() == ErrorKind::Document => Ok(Err(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether another document's file has the path, or one that differs only in case: a file system may allow that, but the
    /// contract for names doesn't.
    fn is_taken(&self, intent: &Intent) -> Result<bool, Fatal> {
        let key = naming::key(intent.path.as_str());
        let Some(owner) = self.state.read(|r| r.owner(&key))?.filter(|owner| *owner != intent.document) else {
            return Ok(false);
        };
        let known = self.state.read(|r| r.document(&owner))?;
        Ok(match known {
            // The row of a document that just moved away still has its old path, without a file.
            Some(known) => known.path != intent.path && self.mirror.stamp(&known.path)?.is_some(),
            None => false,
        })
    }

    /// Records what was carried out.
    pub(crate) fn flush(&mut self) -> Result<(), Fatal> {
        if !self.done.is_empty() {
            self.mirror.barrier()?;
        }
        self.record(&mut [])
    }

    /// Removes empty folders, before the intents end: after a crash they are found again.
    fn prune(&self, done: &[Publication]) -> Result<(), Fatal> {
        let left: BTreeSet<RelPath> = done.iter().filter_map(left_folder).collect();
        for folder in left.into_iter().rev() {
            self.mirror.prune(&folder)?;
        }
        Ok(())
    }

    /// Turns a change of the tree into an intent. If the document's file can't be read, the document fails.
    fn prepare(&mut self, change: TreeChange) -> Result<Option<Publication>, Fatal> {
        let counts_as = change.counts_as();
        let partial = matches!(change, TreeChange::Publish { partial: true, .. });
        let (document, path, particulars, step) = match change {
            TreeChange::Publish { document, path, particulars, staged, replaces, .. } => {
                let step = if replaces {
                    self.mirror.outgoing(&path).map(|outgoing| Step::Replace { staged, outgoing })
                } else {
                    Ok(Step::Add { staged })
                };
                (document, path, particulars, step)
            }
            TreeChange::Adopt { document, path, stamp, sha256, particulars } => {
                (document, path, particulars, Ok(Step::Adopt { stamp, sha256 }))
            }
            TreeChange::Move { document, from, path, particulars, .. } => match self.mirror.stamp(&from) {
                // Without a file only the row moves, so that it doesn't block others; the next run restores the file.
                Ok(None) => {
                    if self.mirror.root().look(&path)? == OnDisk::Missing {
                        self.rows.push(RowChange::Relocate { document, path, particulars });
                    }
                    return Ok(None);
                }
                Ok(Some(stamp)) => (document, path, particulars, Ok(Step::Move { from, stamp })),
                Err(error) => (document, path, particulars, Err(error)),
            },
            TreeChange::Remove { document, path, particulars } => {
                let outgoing = self.mirror.outgoing(&path);
                let step =
                    outgoing.and_then(|outgoing| Ok(Step::Remove { parked: self.mirror.spare_name()?, outgoing }));
                (document, path, particulars, step)
            }
        };
        let entry = self.entry(document, path, particulars, step)?;
        Ok(entry.map(|entry| entry.counting(counts_as, partial)))
    }

    /// An entry for a step; `None` if the step failed for this document alone.
    fn entry(
        &mut self,
        document: DocumentId,
        path: RelPath,
        particulars: Particulars,
        step: Result<Step, mirror::Error>,
    ) -> Result<Option<Publication>, Fatal> {
        match step {
            Ok(step) => Ok(Some(Publication::new(Intent { document, path, step, particulars }))),
            Err(error) if error.kind() == ErrorKind::Document => {
                let failure = self.failed(&document, &particulars, error.to_string());
                self.rows.push(RowChange::Failure(failure));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The same publication under another name, because an untracked file has this one.
    fn renamed(&mut self, entry: &Publication) -> Result<Option<Publication>, Fatal> {
        let (mirror, intent) = (Arc::clone(&self.mirror), entry.intent.clone());
        self.tally.warn(Warning::file(Warning::PathTaken, Some(&intent.document), intent.path.as_str(), ""));
        let path = self.names.ask(&self.state, move |reservations, state| {
            let is_free = |path: &RelPath| mirror.root().look(path).is_ok_and(|found| found == OnDisk::Missing);
            reservations.another(state, &intent.path, &intent.document, &intent.particulars.file_name, is_free)
        })?;
        Ok(path.map(|path| entry.at(path)))
    }

    /// The same publication under a shorter name, because the disk refused this one. The row keeps the shorter name.
    fn shortened(&mut self, entry: &Publication) -> Result<Option<Publication>, Fatal> {
        let intent = entry.intent.clone();
        let limits = std::iter::once(self.mirror.name_limit()).chain(SHORTER.into_iter().filter_map(NameLimit::of));
        let Some(limit) = limits.into_iter().find(|limit| !limit.takes(intent.path.leaf())) else { return Ok(None) };
        let path = self.names.ask(&self.state, move |reservations, state| {
            reservations.shorter(state, &intent.path, &intent.document, &intent.particulars.file_name, limit)
        })?;
        Ok(path.map(|path| entry.at(path)))
    }

    /// Commits one transaction: rows for what was done, intents for what comes next.
    fn record(&mut self, next: &mut [Publication]) -> Result<(), Fatal> {
        let done = std::mem::take(&mut self.done);
        let rows = std::mem::take(&mut self.rows);
        if done.is_empty() && rows.is_empty() && next.is_empty() {
            return Ok(());
        }
        self.prune(&done)?;
        let failures: Vec<Failure> = done.iter().filter_map(|entry| self.failure(entry)).collect();
        self.state.write(|w| -> Result<(), Fatal> {
            for entry in &done {
                record_entry(w, self.run, entry)?;
            }
            if done.iter().any(is_done) || rows.iter().any(is_in_manifest) {
                w.changed(self.run)?;
            }
            for change in &rows {
                record_row(w, self.run, change)?;
            }
            for failure in &failures {
                w.record_failure(self.run, failure)?;
            }
            for entry in &mut *next {
                entry.number = w.begin(&entry.intent)?;
            }
            Ok(())
        })?;
        for entry in &done {
            failpoints::point(Point::Recorded, &entry.intent.path);
            self.count(entry);
        }
        let recorded = done.into_iter().filter(is_done).map(|entry| entry.intent.document).collect();
        self.names.release(recorded)?;
        for entry in next {
            begun(&entry.intent);
        }
        Ok(())
    }

    fn failure(&self, entry: &Publication) -> Option<Failure> {
        let why = match &entry.outcome {
            Err(why) => why.clone(),
            Ok(Outcome::Lost) => "its staged file disappeared before it could be published".to_owned(),
            Ok(Outcome::Done { .. } | Outcome::Occupied | Outcome::TooLong) => return None,
        };
        Some(self.failed(&entry.intent.document, &entry.intent.particulars, why))
    }

    fn failed(&self, document: &DocumentId, particulars: &Particulars, error: String) -> Failure {
        let failure = Failure::of(document, particulars, (FailureStep::Publish, FailureCause::File), error);
        self.tally.failed(Some(document), failure.clone());
        failure
    }

    fn count(&self, entry: &Publication) {
        if !is_done(entry) {
            return;
        }
        trace(entry);
        if let Step::Remove { .. } = &entry.intent.step {
            self.tally.removed();
        }
        if let Some(change) = entry.change {
            self.tally.changed(&entry.intent.document, change);
        }
    }
}

fn is_done(entry: &Publication) -> bool {
    matches!(entry.outcome, Ok(Outcome::Done { .. }))
}

fn trace(entry: &Publication) {
    let Intent { path, step, .. } = &entry.intent;
    match step {
        Step::Add { .. } => tracing::trace!("added {path}"),
        Step::Replace { .. } => tracing::trace!("replaced {path}"),
        Step::Adopt { .. } => tracing::trace!("adopted {path}"),
        Step::Move { from, .. } => tracing::trace!("moved {from} to {path}"),
        Step::Remove { .. } => tracing::trace!("removed {path}"),
    }
}

fn begun(Intent { path, step, .. }: &Intent) {
    let staged = match step {
        Step::Add { staged } | Step::Replace { staged, .. } => staged.name.as_str(),
        Step::Move { .. } | Step::Adopt { .. } | Step::Remove { .. } => "",
    };
    failpoints::point(Point::Begun, format_args!("{path}\t{staged}"));
}

/// The folder that a file left.
fn left_folder(entry: &Publication) -> Option<RelPath> {
    match (&entry.outcome, &entry.intent.step) {
        (Ok(Outcome::Done { .. }), Step::Remove { .. }) => entry.intent.path.parent(),
        (Ok(Outcome::Done { .. }), Step::Move { from, .. }) => from.parent(),
        _ => None,
    }
}

/// Carries out the intents that a crash left; `run` is the run that finishes them.
pub(crate) fn replay(mirror: &Arc<Mirror>, state: &Arc<State>, run: i64) -> Result<usize, Fatal> {
    let begun = state.read(|r| r.intents())?;
    let count = begun.len();
    let names = Names::Own(Reservations::new(mirror.name_limit()));
    let mut batch = Batch::new(Arc::clone(mirror), Arc::clone(state), names, Arc::new(Tally::default()), run);
    for begun in begun {
        let mut entry = Publication::new(begun.intent);
        entry.number = begun.number;
        // A document with a row was added already, and its intent is obsolete.
        let added = matches!(entry.intent.step, Step::Add { .. } | Step::Adopt { .. });
        entry.outcome = if added && state.read(|r| r.document(&entry.intent.document))?.is_some() {
            Ok(Outcome::Occupied)
        } else if let Step::Add { staged } | Step::Replace { staged, .. } = &entry.intent.step
            && mirror.is_damaged(staged)?
        {
            Ok(Outcome::Lost)
        } else {
            match batch.carry_out(&entry.intent)? {
                // An anonymous file is lost with the process; this run downloads the document again.
                Ok(Outcome::Lost) if matches!(entry.intent.step, Step::Add { .. }) => Ok(Outcome::Occupied),
                other => other,
            }
        };
        failpoints::point(Point::Replayed, &entry.intent.path);
        batch.done.push(entry);
    }
    batch.flush()?;
    Ok(count)
}
