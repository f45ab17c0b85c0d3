//! Writes what changed.

use std::collections::HashSet;

use super::{
    base::Base,
    pair::Pair,
    place::{Site, SitePlace},
    record,
    start::Night,
    survey::{self, Surveyed},
};
use crate::{
    history::Error,
    mirror::{Mirror, Shelf},
    model::{CATALOGUE_PAGE, DocumentId, RelPath},
    naming,
    site::{self, BinderEntry},
    state::State,
};

impl Site<'_> {
    /// Brings it up to date. Returns what is in the way in folders of binders, which get no part of their own.
    pub fn update(&self, night: &Night<'_>) -> Result<Vec<String>, Error> {
        let before = record::read(self.state)?.map(|record| record.options);
        let is_stricter = before.is_some_and(|before| {
            self.options.per_binder && !before.per_binder || before.history && !self.options.history
        });
        // What is no longer shown goes at once, although a page that is open may need it.
        self.write(night, Some(&HashSet::new()), !is_stricter)
    }

    /// Rewrites the data of these binders, or all of them, and deletes everything else at once.
    pub fn erase(&self, binders: Option<&HashSet<String>>) -> Result<(), Error> {
        self.write(&Night::AsBefore, binders, false).map(drop)
    }

    /// Only says how the last run ended.
    pub fn tell(&self, night: &Night<'_>) -> Result<(), Error> {
        let binders = survey::survey(self.state)?;
        if let Some(pair) = self.pair(None)? {
            pair.tell(|before| self.start(night, None, &binders, Some(before)))?;
        }
        for binder in binders.iter().filter(|_| self.options.per_binder) {
            match self.pair(Some(binder)) {
                Ok(Some(pair)) => pair.tell(|before| self.start(night, Some(binder), &binders, Some(before)))?,
                // This binder has no page.
                Ok(None) | Err(Error::CatalogueObstacle(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// `rewritten` binders are rendered again although nothing says that they changed; `None`: all.
    fn write(
        &self,
        night: &Night<'_>,
        rewritten: Option<&HashSet<String>>,
        keep_former: bool,
    ) -> Result<Vec<String>, Error> {
        let binders = survey::survey(self.state)?;
        self.refuse_reserved(&binders)?;
        let mut top = self.pair(None)?.ok_or_else(|| Error::CatalogueObstacle(CATALOGUE_PAGE.to_owned()))?;
        let base = self.base(&top.previous, rewritten)?;
        let mut work = Work { night, binders: &binders, base: &base, keep_former, told: Vec::new() };
        let mut entries = Vec::with_capacity(binders.len());
        for binder in &binders {
            entries.push(self.entry(binder, &mut top, &mut work)?);
        }
        let mut start = self.start(night, None, &binders, top.previous.start.as_ref());
        start.binders = top.put(&BinderEntry::file(&entries))?;
        start.changes = if base.keeps_changes(&top.previous) {
            let kept = top.previous.start.as_ref().and_then(|start| start.changes.clone());
            kept.map(|name| top.keep_file(name))
        } else if self.options.per_binder {
            None
        } else {
            site::changes(&self.recent(night, None, &binders)?).map(|file| top.put(&file)).transpose()?
        };
        top.finish(&start, keep_former)?;
        self.clear_others(&binders, &entries, &top, &base)?;
        if matches!(self.place, SitePlace::Mirror(_)) && !base.holds(&top.previous, &start.binders) {
            let latest = self.state.read(|r| r.latest_run())?;
            // An erasure may come at the beginning of a run, which then changes more.
            let run = if keep_former { latest } else { latest - 1 };
            record::keep(self.state, run, &start.binders, &self.options)?;
        }
        Ok(work.told)
    }

    /// A binder's data, written here or beside its own page.
    fn entry(&self, binder: &Surveyed, top: &mut Pair<'_>, work: &mut Work<'_>) -> Result<BinderEntry, Error> {
        let old = work.base.unchanged(binder);
        let mut entry = binder.entry();
        if self.options.per_binder {
            (entry.page, entry.data) = self.own_part(binder, old.and_then(|old| old.data.as_deref()), work)?;
        } else if let Some(old) = old.filter(|old| top.keep(old)) {
            (entry.search, entry.details) = (old.search.clone(), old.details.clone());
        } else {
            (entry.search, entry.details) = self.render(binder, top)?;
        }
        Ok(entry)
    }

    /// Writes a binder's own page and data. Returns the page, and the list of binders beside it.
    fn own_part(
        &self,
        binder: &Surveyed,
        unchanged: Option<&str>,
        work: &mut Work<'_>,
    ) -> Result<(Option<String>, Option<String>), Error> {
        let mut pair = match self.pair(Some(binder)) {
            Ok(Some(pair)) => pair,
            Ok(None) => return Ok((None, None)),
            Err(Error::CatalogueObstacle(path)) => {
                work.told.push(path);
                return Ok((None, None));
            }
            Err(error) => return Err(error),
        };
        let mut start = self.start(work.night, Some(binder), work.binders, pair.previous.start.as_ref());
        if unchanged.is_some_and(|data| pair.keep_all(data)) {
            let before = pair.previous.start.clone().unwrap_or_default();
            (start.binders, start.changes) = (before.binders, before.changes);
        } else {
            let mut entry = binder.entry();
            (entry.search, entry.details) = self.render(binder, &mut pair)?;
            start.binders = pair.put(&BinderEntry::file(&[entry]))?;
            let changes = site::changes(&self.recent(work.night, Some(binder), work.binders)?);
            start.changes = changes.map(|file| pair.put(&file)).transpose()?;
        }
        pair.finish(&start, work.keep_former)?;
        Ok((Some(format!("{}/{CATALOGUE_PAGE}", binder.summary.folder)), Some(start.binders)))
    }

    /// Removes the parts of binders that have none any more, and of folders that were left.
    fn clear_others(
        &self,
        binders: &[Surveyed],
        entries: &[BinderEntry],
        top: &Pair<'_>,
        base: &Base,
    ) -> Result<(), Error> {
        let SitePlace::Mirror(mirror) = self.place else { return Ok(()) };
        let with_part: HashSet<&str> =
            entries.iter().filter(|entry| entry.page.is_some()).map(|entry| entry.path.as_str()).collect();
        let before = top.previous.entries.iter().filter(|entry| entry.page.is_some()).map(|entry| entry.path.as_str());
        // If it is unknown what was written before, all folders are looked at.
        let all = binders.iter().filter(|_| !base.is_known()).map(|binder| binder.summary.folder.as_str());
        let others: HashSet<&str> = before.chain(all).filter(|folder| !with_part.contains(folder)).collect();
        for folder in others {
            let Ok(path) = RelPath::new(folder) else { continue };
            if let Some(shelf) = Shelf::of_mirror(mirror, Some(&path))? {
                shelf.remove_all()?;
                mirror.prune(&path)?;
            }
        }
        Ok(())
    }

    /// A binder that has had one of the names since before they were reserved.
    fn refuse_reserved(&self, binders: &[Surveyed]) -> Result<(), Error> {
        let reserved = |binder: &&Surveyed| naming::is_reserved(&naming::key(&binder.summary.folder));
        match binders.iter().find(reserved).filter(|_| matches!(self.place, SitePlace::Mirror(_))) {
            Some(binder) => Err(Error::CatalogueObstacle(binder.summary.folder.clone())),
            None => Ok(()),
        }
    }
}

/// What is passed on while a catalogue is written.
struct Work<'w> {
    night: &'w Night<'w>,
    binders: &'w [Surveyed],
    base: &'w Base,
    keep_former: bool,
    /// What is in the way in folders of binders.
    told: Vec<String>,
}

/// Erases a document from the catalogue that a mirror has. Its rows are gone already; `binders` are those that it was in, if
/// that is known.
pub(in crate::history) fn erase_from_catalogue(
    mirror: &Mirror,
    state: &State,
    binders: Option<&HashSet<String>>,
) -> Result<(), Error> {
    match Site::existing(state, mirror)?.map(|site| site.erase(binders)) {
        Some(Ok(())) => Ok(()),
        None | Some(Err(Error::CatalogueObstacle(_))) => remove_remains(mirror, state),
        Some(Err(error)) => Err(error),
    }
}

/// Without a catalogue that can be written, what is left of one goes: data that a kill left, or that lie beside a page of
/// the user's.
fn remove_remains(mirror: &Mirror, state: &State) -> Result<(), Error> {
    if let Some(shelf) = Shelf::of_mirror(mirror, None)? {
        shelf.remove_all()?;
    }
    for binder in survey::survey(state)? {
        let Ok(path) = RelPath::new(&binder.summary.folder) else { continue };
        if let Some(shelf) = Shelf::of_mirror(mirror, Some(&path))? {
            shelf.remove_all()?;
        }
    }
    Ok(())
}

/// The binders in which a document is or was.
pub(in crate::history) fn binders_of(state: &State, document: &DocumentId) -> Result<HashSet<String>, Error> {
    Ok(state.read(|r| r.binders_of(document))?)
}
