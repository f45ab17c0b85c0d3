//! What changed in the last runs, from their reports.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::{
    place::Site,
    start::{Night, whole_seconds},
    survey::Surveyed,
};
use crate::{
    history::{Error, run_summary::StoredRun},
    model::DocumentId,
    report::{ChangeCounts, ChangeKind, ChangeLog, ChangedDocument, RunReport},
    site::{ChangeItem, RunChanges},
    state::{PastRun, Reader},
};

/// Most documents that are listed.
const MOST: usize = 5000;

/// How far back runs are listed, in seconds.
const SPAN: i64 = 31 * 24 * 3600;

impl Site<'_> {
    /// The changes of the last runs, newest first, in all binders or in one.
    pub(super) fn recent(
        &self,
        night: &Night<'_>,
        scope: Option<&Surveyed>,
        binders: &[Surveyed],
    ) -> Result<Vec<RunChanges>, Error> {
        let by_folder = binders.iter().map(|binder| (binder.summary.folder.as_str(), binder.summary.id.as_str()));
        let view = View { history: self.options.history, scope, binders: by_folder.collect() };
        let this = match night {
            Night::Run { report, .. } => Some(*report),
            Night::AsBefore => None,
        };
        let past = self.state.read(|r| r.past_runs())?;
        let since = Timestamp::now().as_second() - SPAN;
        let mut left = MOST;
        let mut runs = Vec::new();
        let reports =
            past.iter().rev().take_while(|past| past.started_at >= since).filter_map(|past| self.report(past, this));
        for report in reports {
            let changes = self.state.read(|r| view.run(r, &report, left))?;
            if let Some(changes) = changes {
                left -= changes.items.len();
                runs.push(changes);
            }
        }
        Ok(runs)
    }

    /// The report of a run that changed something.
    fn report(&self, past: &PastRun, this: Option<&RunReport>) -> Option<RunReport> {
        if let Some(this) = this.filter(|this| this.run_id == past.id) {
            return Some(this.clone());
        }
        let noted: StoredRun = serde_json::from_str(past.changes.as_deref()?).ok()?;
        let name = format!("runs/{}.json", past.id);
        (noted.changed() > 0).then(|| serde_json::from_slice(&self.root().read_note(&name)?).ok()).flatten()
    }
}

/// What is shown of changes.
struct View<'v> {
    history: bool,
    scope: Option<&'v Surveyed>,
    /// Ids of binders by their folders.
    binders: HashMap<&'v str, &'v str>,
}

impl View<'_> {
    fn run(&self, reader: &Reader<'_>, report: &RunReport, most: usize) -> Result<Option<RunChanges>, Error> {
        let Some(log) = &report.changes else { return Ok(None) };
        let counts = self.counts(log);
        let Some(number) = report.run_id.split_once('-').and_then(|(number, _)| number.parse().ok()) else {
            return Ok(None);
        };
        let mut items = Vec::new();
        let documents =
            log.binders.values().flat_map(|binder| binder.folders.values()).flat_map(|folder| &folder.documents);
        for document in documents {
            if items.len() >= most {
                break;
            }
            items.extend(self.item(reader, document)?);
        }
        let shown = !counts.is_empty() || !items.is_empty();
        Ok(shown.then_some(RunChanges { run: number, finished: whole_seconds(report.finished_at), counts, items }))
    }

    fn counts(&self, log: &ChangeLog) -> BTreeMap<&'static str, u64> {
        let none = ChangeCounts::new();
        let counts = match self.scope {
            None => &log.counts,
            Some(scope) => log.binders.get(&scope.summary.folder).map_or(&none, |binder| &binder.counts),
        };
        counts.iter().map(|(kind, count)| (kind.word(), *count)).collect()
    }

    /// A document as it is shown: without history only if it is in the tree, and where it is now.
    fn item(&self, reader: &Reader<'_>, changed: &ChangedDocument) -> Result<Option<ChangeItem>, Error> {
        let known = match DocumentId::parse(&changed.document_id) {
            Ok(id) => reader.document(&id)?,
            Err(_) => None,
        };
        let then = self.binders.get(changed.place().0).map(|id| (*id).to_owned());
        let item = |path: String, from: Option<String>, binder: String| ChangeItem {
            kind: changed.kind.word(),
            document: changed.document_id.clone(),
            path,
            from,
            size: changed.size,
            binder,
        };
        let item = if self.history {
            let binder = known.map(|known| known.binder.to_string()).or(then).unwrap_or_default();
            Some(item(changed.path.clone(), changed.from.clone(), binder))
        } else {
            let known = known.filter(|_| changed.kind != ChangeKind::Removed);
            known.map(|known| item(known.path.to_string(), None, known.binder.to_string()))
        };
        let Some(scope) = self.scope else { return Ok(item) };
        // Readers of one binder may not be allowed to see paths in another one.
        let is_inside = |path: &str| path.split('/').next() == Some(&scope.summary.folder);
        let item = item.filter(|item| item.binder == scope.summary.id && is_inside(&item.path));
        Ok(item.map(|item| ChangeItem { from: item.from.filter(|from| is_inside(from)), ..item }))
    }
}
