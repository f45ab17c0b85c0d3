//! One page with its data: at the top, or in a binder's folder.

use std::collections::HashSet;

use crate::{
    history::Error,
    mirror::Shelf,
    model::{CATALOGUE_DATA, CATALOGUE_PAGE, CATALOGUE_START},
    site::{self, BinderEntry, DataFile, Start},
};

/// What is there already.
#[derive(Debug, Default)]
pub(super) struct Previous {
    pub(super) start: Option<Start>,
    pub(super) entries: Vec<BinderEntry>,
    /// The names in the folder of the data.
    pub(super) files: HashSet<String>,
}

impl Previous {
    fn read(shelf: &Shelf<'_>) -> Result<Self, Error> {
        let files: HashSet<String> = shelf.data_names()?.into_iter().collect();
        let start = shelf.read(&at(CATALOGUE_START))?.as_deref().and_then(Start::read);
        let entries = match &start {
            Some(start) => shelf.read(&at(&start.binders))?.as_deref().and_then(|bytes| site::read("binders", bytes)),
            None => None,
        };
        Ok(match entries {
            Some(entries) => Self { start, entries, files },
            None => Self { files, ..Self::default() },
        })
    }

    /// The names of everything that `start.js` leads to.
    fn reached(&self) -> HashSet<String> {
        let lists = self.start.iter().flat_map(|start| [Some(&start.binders), start.changes.as_ref()]).flatten();
        let data = self.entries.iter().flat_map(|entry| entry.search.iter().chain(&entry.details));
        lists.chain(data).cloned().collect()
    }
}

/// A page with its data, while it is written.
pub(super) struct Pair<'m> {
    shelf: Shelf<'m>,
    pub(super) previous: Previous,
    /// Files that are complete and durable, because `start.js` leads to them.
    good: HashSet<String>,
    /// Files that the new `start.js` leads to.
    wanted: HashSet<String>,
    has_written: bool,
}

impl<'m> Pair<'m> {
    /// Reads what is there.
    pub(super) fn open(shelf: Shelf<'m>) -> Result<Self, Error> {
        let previous = Previous::read(&shelf)?;
        let good = previous.reached().into_iter().filter(|name| previous.files.contains(name)).collect();
        Ok(Self { shelf, previous, good, wanted: HashSet::new(), has_written: false })
    }

    /// Writes a file, unless it is there. Returns its name.
    pub(super) fn put(&mut self, file: &DataFile) -> Result<String, Error> {
        if !self.good.contains(&file.name) {
            self.shelf.write(&at(&file.name), &file.bytes, false)?;
            self.has_written = true;
        }
        self.wanted.insert(file.name.clone());
        Ok(file.name.clone())
    }

    /// Keeps a file that is there.
    pub(super) fn keep_file(&mut self, name: String) -> String {
        self.wanted.insert(name.clone());
        name
    }

    /// Keeps a binder's data, if they are all there.
    pub(super) fn keep(&mut self, entry: &BinderEntry) -> bool {
        let names = || entry.search.iter().chain(&entry.details);
        let is_whole = names().all(|name| self.good.contains(name));
        if is_whole {
            self.wanted.extend(names().cloned());
        }
        is_whole
    }

    /// Keeps everything, if this list of binders is the present one and all data are there.
    pub(super) fn keep_all(&mut self, binders: &str) -> bool {
        let reached = self.previous.reached();
        let is_whole = self.previous.start.as_ref().is_some_and(|start| start.binders == binders)
            && reached.iter().all(|name| self.good.contains(name));
        if is_whole {
            self.wanted.extend(reached);
        }
        is_whole
    }

    /// Makes the new data visible, and deletes what leads nowhere. With `keep_former`, what the former `start.js` leads to
    /// stays, because a page that is open may need it.
    pub(super) fn finish(&mut self, start: &Start, keep_former: bool) -> Result<(), Error> {
        let page = site::page();
        let old_page = self.shelf.read(CATALOGUE_PAGE)?;
        if self.has_written {
            self.shelf.barrier()?;
        }
        // A page without data is never visible: the first one comes last.
        if old_page.as_ref().is_some_and(|old| *old != page) {
            self.shelf.write(CATALOGUE_PAGE, &page, true)?;
        }
        self.shelf.write(&at(CATALOGUE_START), &start.file(), true)?;
        if old_page.is_none() {
            self.shelf.write(CATALOGUE_PAGE, &page, true)?;
        }
        let former = if keep_former { self.previous.reached() } else { HashSet::new() };
        for name in self.shelf.data_names()? {
            if name != CATALOGUE_START && !self.wanted.contains(&name) && !former.contains(&name) {
                self.shelf.remove(&at(&name))?;
            }
        }
        Ok(())
    }

    /// Rewrites `start.js` alone, with the same data.
    pub(super) fn tell(&self, start: impl FnOnce(&Start) -> Start) -> Result<(), Error> {
        let Some(before) = &self.previous.start else { return Ok(()) };
        let (binders, changes) = (before.binders.clone(), before.changes.clone());
        let (documents, bytes) = (before.documents, before.bytes);
        let start = Start { documents, bytes, binders, changes, ..start(before) };
        Ok(self.shelf.write(&at(CATALOGUE_START), &start.file(), true)?)
    }
}

fn at(name: &str) -> String {
    format!("{CATALOGUE_DATA}/{name}")
}
