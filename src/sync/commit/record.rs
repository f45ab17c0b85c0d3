//! Writes publications and changes of rows to the state.

use crate::{
    evidence::has_passed_all_checks,
    mirror::Outcome,
    model::{Intent, Step},
    naming,
    state::Writer,
    sync::{
        Fatal,
        commit::{operation::RowChange, publication::Publication},
    },
};

pub(super) fn record_entry(w: &Writer<'_>, run: i64, entry: &Publication) -> Result<(), Fatal> {
    let intent = &entry.intent;
    let key = || naming::key(intent.path.as_str());
    if let Ok(Outcome::Done { stamp, held }) = &entry.outcome {
        // Without a row, it replaced an untracked file.
        let found = matches!(intent.step, Step::Replace { .. }) && w.reader().document(&intent.document)?.is_none();
        match &intent.step {
            Step::Replace { staged, .. } if !found => {
                let next = (&intent.particulars.version, &staged.sha256);
                w.end_version(run, &intent.document, held.as_ref(), Some(next))?;
            }
            Step::Replace { .. } => held.as_ref().map_or(Ok(()), |held| w.found_version(run, intent, held))?,
            Step::Remove { .. } => w.end_version(run, &intent.document, held.as_ref(), None)?,
            Step::Add { .. } | Step::Adopt { .. } | Step::Move { .. } => {}
        }
        match (&intent.step, stamp) {
            (Step::Add { staged }, Some(stamp)) => w.insert_document(run, intent, &key(), *stamp, staged.sha256)?,
            (Step::Adopt { stamp, sha256 }, Some(_)) => w.insert_document(run, intent, &key(), *stamp, *sha256)?,
            (Step::Replace { staged, .. }, Some(stamp)) if found => {
                w.insert_document(run, intent, &key(), *stamp, staged.sha256)?;
            }
            (Step::Replace { staged, .. }, Some(stamp)) => {
                move_row(w, run, intent, stamp.inode)?;
                w.replace_document(run, intent, *stamp, staged.sha256)?;
            }
            (Step::Move { .. }, Some(stamp)) => {
                w.move_document(run, &intent.document, (&intent.path, &key()), &intent.particulars, Some(stamp.inode))?;
            }
            (Step::Remove { .. }, _) => w.delete_document(run, &intent.document)?,
            (Step::Add { .. } | Step::Adopt { .. } | Step::Replace { .. } | Step::Move { .. }, None) => {}
        }
        if entry.partial {
            w.drop_partial(&intent.document, &intent.particulars.version)?;
        }
    }
    w.end(entry.number)?;
    Ok(())
}

/// Moves the row of a file that was restored under a shorter name, because the disk refuses its old one.
fn move_row(w: &Writer<'_>, run: i64, intent: &Intent, inode: u64) -> Result<(), Fatal> {
    let known = w.reader().document(&intent.document)?;
    if known.is_some_and(|known| known.path != intent.path) {
        let key = naming::key(intent.path.as_str());
        w.move_document(run, &intent.document, (&intent.path, &key), &intent.particulars, Some(inode))?;
    }
    Ok(())
}

/// Whether the change shows in a manifest.
pub(super) fn is_in_manifest(change: &RowChange) -> bool {
    matches!(change, RowChange::Place { .. } | RowChange::Relocate { .. } | RowChange::Metadata { .. })
}

pub(super) fn record_row(w: &Writer<'_>, run: i64, change: &RowChange) -> Result<(), Fatal> {
    match change {
        RowChange::Place { document, particulars } => w.place_document(run, document, particulars)?,
        RowChange::Relocate { document, path, particulars } => {
            let key = naming::key(path.as_str());
            w.move_document(run, document, (path, &key), particulars, None)?;
        }
        RowChange::Metadata { document, particulars } => w.touch_metadata(run, document, particulars)?,
        RowChange::Partial { document, version, partial } => w.keep_partial(document, version, partial)?,
        RowChange::Unacknowledge { document } => w.end_acknowledgement(document)?,
        RowChange::Failure(failure) => w.record_failure(run, failure)?,
        RowChange::Suspect(row) => w.hold_back(run, &row.document, &row.version, &row.sha256, row.accepted_at)?,
        RowChange::Checked(row) if has_passed_all_checks(row.passed) => {
            w.accept_for_good(&row.document)?;
        }
        RowChange::AcceptForNow(row) | RowChange::Checked(row) => w.accept_for_now(row)?,
    }
    Ok(())
}
