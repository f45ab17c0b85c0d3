//! One batch of operations: intents, changes of the tree, rows.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    failpoints::{self, Point},
    mirror::{self, ErrorKind, Mirror, OnDisk, Outcome},
    model::{DocumentId, Intent, NameLimit, Particulars, RelPath, Step},
    naming,
    report::{FailureCause, Tally, Warning},
    state::{FailureRow, State},
    sync::{
        Fatal,
        commit::{
            failure::failure_of,
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

const NO_NAME_FITS: &str = "the disk refuses its name, however short; look at what this file system takes for a name";

/// Lengths that are tried, in bytes, where the disk takes less than it said when the mirror was opened, as where letters
/// count more than once.
const SHORTER: [usize; 4] = [200, 143, 127, 100];

/// What was published and is not recorded yet, and everything that recording needs.
pub(crate) struct Batch {
    mirror: Arc<Mirror>,
    state: Arc<State>,
    names: Names,
    tally: Arc<Tally>,
    run: i64,
    /// Carried out; their names become durable with the next barrier.
    done: Vec<Publication>,
    /// Changes of rows that the next transaction records.
    rows: Vec<RowChange>,
}

impl Batch {
    pub(crate) fn new(mirror: Arc<Mirror>, state: Arc<State>, names: Names, tally: Arc<Tally>, run: i64) -> Self {
        Self { mirror, state, names, tally, run, done: Vec::new(), rows: Vec::new() }
    }

    /// Carries out a batch. Operations whose path turns out to be occupied get another one and go round
    /// again, with an intent of their own.
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
                    // What is in the way of a replacement came this moment: the next run looks anew.
                    Step::Replace { .. } => entry.outcome = Err("a file appeared at its path just now".to_owned()),
                    _ => match self.elsewhere(&entry)? {
                        Some(other) => again.push(other),
                        None => entry.outcome = Err(NO_NAME_LEFT.to_owned()),
                    },
                }
            }
            if entry.outcome == Ok(Outcome::TooLong) {
                match self.shorter(&entry)? {
                    Some(other) => again.push(other),
                    None => entry.outcome = Err(NO_NAME_FITS.to_owned()),
                }
            }
            if let (Err(_) | Ok(Outcome::Lost), Step::Add { staged } | Step::Replace { staged, .. }) =
                (&entry.outcome, &entry.intent.step)
            {
                self.mirror.let_go(staged);
            }
            failpoints::point(Point::CarriedOut, &entry.intent.path);
            self.done.push(entry);
        }
        Ok(again)
    }

    /// Carries out an intent; an error that is the document's own is an outcome.
    fn carry_out(&self, intent: &Intent) -> Result<Result<Outcome, String>, Fatal> {
        if matches!(intent.step, Step::Move { .. }) && self.is_anothers(intent)? {
            return Ok(Ok(Outcome::Occupied));
        }
        match self.mirror.apply(intent) {
            Ok(outcome) => Ok(Ok(outcome)),
            Err(error) if error.kind() == ErrorKind::Document => Ok(Err(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether another document's file is where this one would go, or differs from that in case
    /// alone, which a file system may allow and the names contract doesn't.
    fn is_anothers(&self, intent: &Intent) -> Result<bool, Fatal> {
        let key = naming::key(intent.path.as_str());
        let Some(owner) = self.state.read(|r| r.owner(&key))?.filter(|owner| *owner != intent.document) else {
            return Ok(false);
        };
        let known = self.state.read(|r| r.document(&owner))?;
        Ok(match known {
            // The row of one that has just moved away still names its old path, where nothing lies.
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

    /// Removes folders that are empty now. While the intents are there, a crash forgets none of them.
    fn prune(&self, done: &[Publication]) -> Result<(), Fatal> {
        let left: BTreeSet<RelPath> = done.iter().filter_map(left_folder).collect();
        for folder in left.into_iter().rev() {
            self.mirror.prune(&folder)?;
        }
        Ok(())
    }

    /// Makes a change of the tree an intent. A document whose file can't be looked at fails.
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
                // Without a file the row alone moves, so that it does not block others; the next run restores the file there.
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

    /// An entry for a step; a step that can't be taken is the document's failure, or the disk's.
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

    /// The same publish at another name, since something that is not ours has this one.
    fn elsewhere(&mut self, entry: &Publication) -> Result<Option<Publication>, Fatal> {
        let Intent { document, path, step, particulars } = entry.intent.clone();
        self.tally.warn(Warning::file(Warning::PathTaken, Some(&document), path.as_str(), ""));
        let (mirror, of) = (Arc::clone(&self.mirror), (document.clone(), particulars.file_name.clone()));
        let path = self.names.ask(&self.state, move |reservations, state| {
            let is_free = |path: &RelPath| mirror.root().look(path).is_ok_and(|found| found == OnDisk::Missing);
            reservations.another(state, &path, (&of.0, &of.1), is_free)
        })?;
        let entry =
            |path| Publication::new(Intent { document, path, step, particulars }).counting(entry.change, entry.partial);
        Ok(path.map(entry))
    }

    /// The same publish under a shorter name, since the disk refused this one. The row keeps it from then on.
    fn shorter(&mut self, entry: &Publication) -> Result<Option<Publication>, Fatal> {
        let Intent { document, path, step, particulars } = entry.intent.clone();
        let limits = std::iter::once(self.mirror.name_limit()).chain(SHORTER.into_iter().filter_map(NameLimit::of));
        let Some(longest) = limits.into_iter().find(|limit| !limit.takes(path.leaf())) else { return Ok(None) };
        let of = (document.clone(), particulars.file_name.clone());
        let path = self
            .names
            .ask(&self.state, move |reservations, state| reservations.shorter(state, &path, (&of.0, &of.1), longest))?;
        let entry =
            |path| Publication::new(Intent { document, path, step, particulars }).counting(entry.change, entry.partial);
        Ok(path.map(entry))
    }

    /// One transaction: what was done becomes rows, what comes becomes intents.
    fn record(&mut self, coming: &mut [Publication]) -> Result<(), Fatal> {
        let done = std::mem::take(&mut self.done);
        let rows = std::mem::take(&mut self.rows);
        if done.is_empty() && rows.is_empty() && coming.is_empty() {
            return Ok(());
        }
        self.prune(&done)?;
        let failures: Vec<FailureRow> = done.iter().filter_map(|entry| self.failure(entry)).collect();
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
            for entry in &mut *coming {
                entry.number = w.begin(&entry.intent)?;
            }
            Ok(())
        })?;
        for entry in &done {
            failpoints::point(Point::Recorded, &entry.intent.path);
            self.count(entry);
        }
        let arrived = done.into_iter().filter(is_done).map(|entry| entry.intent.document).collect();
        self.names.arrived(arrived)?;
        for entry in coming {
            begun(&entry.intent);
        }
        Ok(())
    }

    fn failure(&self, entry: &Publication) -> Option<FailureRow> {
        let why = match &entry.outcome {
            Err(why) => why.clone(),
            Ok(Outcome::Lost) => "the bytes were taken away before they could be published".to_owned(),
            Ok(Outcome::Done { .. } | Outcome::Occupied | Outcome::TooLong) => return None,
        };
        Some(self.failed(&entry.intent.document, &entry.intent.particulars, why))
    }

    fn failed(&self, document: &DocumentId, particulars: &Particulars, error: String) -> FailureRow {
        let row = FailureRow {
            document: document.clone(),
            binder: particulars.binder.clone(),
            version: Some(particulars.version.to_string()),
            file_name: particulars.file_name.clone(),
            error,
            attempts: 1,
            trace_id: None,
        };
        self.tally.failed(Some(document), failure_of(&row, FailureCause::File));
        row
    }

    /// Counts what a committed row is about.
    fn count(&self, entry: &Publication) {
        if !is_done(entry) {
            return;
        }
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

fn begun(Intent { path, step, .. }: &Intent) {
    let staged = match step {
        Step::Add { staged } | Step::Replace { staged, .. } => staged.name.as_str(),
        Step::Move { .. } | Step::Adopt { .. } | Step::Remove { .. } => "",
    };
    failpoints::point(Point::Begun, format_args!("{path}\t{staged}"));
}

/// The folder that a file was taken out of.
fn left_folder(entry: &Publication) -> Option<RelPath> {
    match (&entry.outcome, &entry.intent.step) {
        (Ok(Outcome::Done { .. }), Step::Remove { .. }) => entry.intent.path.parent(),
        (Ok(Outcome::Done { .. }), Step::Move { from, .. }) => from.parent(),
        _ => None,
    }
}

/// Carries out what a crash left half done; `run` is the run that finishes it.
pub(crate) fn replay(mirror: &Arc<Mirror>, state: &Arc<State>, run: i64) -> Result<usize, Fatal> {
    let begun = state.read(|r| r.intents())?;
    let count = begun.len();
    let names = Names::Own(Reservations::new(mirror.name_limit()));
    let mut batch = Batch::new(Arc::clone(mirror), Arc::clone(state), names, Arc::new(Tally::default()), run);
    for begun in begun {
        let mut entry = Publication::new(begun.intent);
        entry.number = begun.number;
        // A document that has a row was added already: its intent has nothing to say.
        let added = matches!(entry.intent.step, Step::Add { .. } | Step::Adopt { .. });
        entry.outcome = if added && state.read(|r| r.document(&entry.intent.document))?.is_some() {
            Ok(Outcome::Occupied)
        } else if let Step::Add { staged } | Step::Replace { staged, .. } = &entry.intent.step
            && mirror.is_spoiled(staged)?
        {
            Ok(Outcome::Lost)
        } else {
            match batch.carry_out(&entry.intent)? {
                // Bytes without a name went with the process: this run meets the document anew.
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
