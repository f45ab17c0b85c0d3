//! Handing over binders: a `BagIt` bag (RFC 8493) with their documents, every old version that is kept, what is known about
//! them, and a receipt.
//!
//! Everything is read from a *record*, a copy of the state that has only these binders and doesn't change, so runs can
//! continue and an unfinished bag can be finished later. Bytes come from where `history::Restore` finds them, and are
//! hashed on their way; what differs from the record is left out and reported. `names`, `bagit`, `gaps` and
//! `receipt` depend on data alone.
//!
//! `bagit.txt` is written last: a folder is a bag only when it is complete.

mod bagit;
mod error;
mod files;
mod gaps;
mod items;
mod names;
mod receipt;
mod tables;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest as _, Sha256 as Hasher};

pub use error::Error;

use files::{Files, Written};
use gaps::Gaps;
use items::{Items, TREE};
use receipt::Facts;
use tables::Tables;

use crate::{
    history::{Missing, MissingReason, Restore, Restored},
    mirror::{FileTarget, Root},
    model::{RelPath, Sha256, Stamp},
    report::Language,
    report::Progress,
    state::{BinderSummary, PastDocument, PastRun, State},
};

/// The folder of an unfinished bag with what is needed to finish it.
pub const UNFINISHED: &str = ".ibinder-handover";

/// What else may be in the folder of an unfinished bag.
pub const TOP: [&str; 9] = [
    "data",
    "bagit.txt",
    "bag-info.txt",
    "manifest-sha256.txt",
    "tagmanifest-sha256.txt",
    "receipt.html",
    "receipt.txt",
    "kvitto.html",
    "kvitto.txt",
];

/// Current files with some contents, by hash.
pub type Found = HashMap<Sha256, (RelPath, Stamp)>;

/// Lists the files of a folder.
pub type Walk<'h> = dyn Fn(&mut dyn FnMut(&str)) -> Result<(), Error> + 'h;

/// The parameters of a handover.
pub struct Handover<'h> {
    /// The mirror.
    pub root: &'h Root,
    /// The record, with nothing but what is handed over.
    pub record: &'h State,
    /// When the record was made.
    pub as_of: Timestamp,
    /// Whether nothing was left out of the record.
    pub all: bool,
    /// Looks in the mirror as it is now for files with these contents, in case a run has moved some.
    pub look: &'h dyn Fn(&HashSet<Sha256>) -> Found,
    /// A folder with the catalogue for browsers, whose files go into `data/`.
    pub catalogue: &'h Path,
    /// The bag.
    pub target: &'h dyn FileTarget,
    /// A folder for files that are prepared.
    pub scratch: &'h Path,
    /// Lists what is in `data/`, if the bag is a folder.
    pub walk: Option<&'h Walk<'h>>,
    /// The time zone of the receipt.
    pub zone: &'h TimeZone,
    /// Progress for display.
    pub progress: &'h Progress,
    /// Whether to cancel.
    pub ended: &'h (dyn Fn() -> bool + Sync),
}

/// The result of a handover.
#[derive(Debug, Default)]
pub struct HandedOver {
    /// Documents in the tree, and their size in bytes.
    pub documents: (u64, u64),
    /// Files of old versions, and their size in bytes.
    pub versions: (u64, u64),
    /// All payload files, and their size in bytes.
    pub payload: (u64, u64),
    /// Files that could not be handed over.
    pub missing: Vec<Missing>,
    /// Damaged files in the mirror, even if another copy was used.
    pub damaged: u64,
    /// Whether the bag has everything that the service listed.
    pub complete: bool,
    /// The hash of the manifest; `None` if it was cancelled.
    pub manifest: Option<Sha256>,
}

impl Handover<'_> {
    /// Makes the bag, or finishes it.
    pub fn run(&self) -> Result<HandedOver, Error> {
        let items = Items::new(self.record)?;
        Progress::add(&self.progress.new.downloads, items.files);
        let copied = self.copy(&items)?;
        let done = HandedOver { missing: copied.missing, damaged: copied.damaged, ..HandedOver::default() };
        if copied.ended { Ok(done) } else { self.finish(&items, done) }
    }

    /// Writes everything but the copied files.
    fn finish(&self, items: &Items<'_>, mut done: HandedOver) -> Result<HandedOver, Error> {
        let Self { record, all, .. } = *self;
        let binders = record.read(|r| r.binder_summaries())?;
        let last = record.read(|r| r.last_mirror_run())?;
        let runs: HashMap<i64, PastRun> =
            record.read(|r| r.past_runs())?.into_iter().map(|run| (run.number, run)).collect();
        let mut gaps = record.read(|r| Gaps::of(r, &binders, last.as_ref(), &done.missing))?;
        let missing: HashMap<RelPath, MissingReason> =
            done.missing.iter().map(|one| (one.path.clone(), one.reason.clone())).collect();
        let files = Files { scratch: self.scratch, target: self.target, mtime: nanoseconds(self.as_of) };
        let tables = Tables { record, items, runs: &runs, missing: &missing, all, gaps: &mut gaps };
        let mut written = tables.write(&files)?;
        written.extend(files.put_folder(self.catalogue, "data")?);
        let manifest = self.manifest(&files, (items, &missing, &written), &mut done)?;
        let complete = runs.values().filter(|run| run.whole).max_by_key(|run| run.number);
        let facts = Facts {
            organisation: &record.read(|r| r.setting("organisation"))?.unwrap_or_default(),
            binders: &binders,
            complete: complete.map(|run| (run.id.as_str(), run.finished_at.unwrap_or(run.started_at))),
            as_of: self.as_of,
            finished: Timestamp::now(),
            documents: done.documents,
            versions: done.versions,
            payload: done.payload,
            manifest: manifest.sha256,
            gaps: &gaps,
            zone: self.zone,
        };
        self.tag_files(&files, &facts, &manifest, last.map(|run| run.id).as_deref())?;
        done.complete = gaps.is_complete();
        done.manifest = Some(manifest.sha256);
        Ok(done)
    }

    /// Copies all files. What is missing is looked for once more, because a run may have moved it.
    fn copy(&self, items: &Items<'_>) -> Result<Restored, Error> {
        let all: &mut dyn FnMut(PastDocument) -> Option<PastDocument> = &mut Some;
        let mut first = self.restore(items, all)?;
        if first.missing.is_empty() || first.ended {
            return Ok(first);
        }
        let missing: HashSet<RelPath> = first.missing.iter().map(|one| one.path.clone()).collect();
        let mut wanted: HashSet<Sha256> = HashSet::new();
        items.each(|item| {
            wanted.extend(item.own_file().filter(|(path, ..)| missing.contains(*path)).map(|(_, sha256, _)| sha256));
            Ok::<_, Error>(true)
        })?;
        let found = (self.look)(&wanted);
        let again: &mut dyn FnMut(PastDocument) -> Option<PastDocument> = &mut |document| {
            let file = found.get(&document.sha256).cloned();
            missing.contains(&document.path).then(|| PastDocument { file: file.or(document.file), ..document })
        };
        let second = self.restore(items, again)?;
        first.missing = second.missing;
        first.ended = second.ended;
        Ok(first)
    }

    fn restore(
        &self,
        items: &Items<'_>,
        choose: &mut dyn FnMut(PastDocument) -> Option<PastDocument>,
    ) -> Result<Restored, Error> {
        let Self { root, target, progress, ended, .. } = *self;
        Restore { source: root, target, progress, edited: false, ended }
            .run(|hand_out| items.each(|item| Ok(item.wanted().and_then(&mut *choose).is_none_or(&mut *hand_out))))
    }

    /// Writes the manifest, and counts what it lists.
    fn manifest(
        &self,
        files: &Files<'_>,
        (items, missing, written): (&Items<'_>, &HashMap<RelPath, MissingReason>, &[Written]),
        done: &mut HandedOver,
    ) -> Result<Written, Error> {
        let manifest = files.put("manifest-sha256.txt", |out| {
            let mut put = |path: &RelPath, sha256: &Sha256| {
                let line = bagit::line(sha256, path.as_str());
                Ok::<_, Error>(out.write_all(line.as_bytes()).map_err(crate::catalogue::Error::from)?)
            };
            items.each(|item| {
                if let Some((path, sha256, size)) = item.own_file().filter(|(path, ..)| !missing.contains_key(*path)) {
                    put(path, &sha256)?;
                    let counts = if path.as_str().starts_with(TREE) { &mut done.documents } else { &mut done.versions };
                    *counts = (counts.0 + 1, counts.1 + size);
                }
                Ok::<_, Error>(true)
            })?;
            written.iter().try_for_each(|file| put(&file.path, &file.sha256))
        })?;
        let own: u64 = written.iter().map(|file| file.size).sum();
        let (documents, versions) = (done.documents, done.versions);
        done.payload = (documents.0 + versions.0 + written.len() as u64, documents.1 + versions.1 + own);
        self.refuse_strays(items, written, done.payload.0)?;
        Ok(manifest)
    }

    /// Refuses files that somebody else put into the folder. All others are there, so it is enough to count them.
    fn refuse_strays(&self, items: &Items<'_>, written: &[Written], expected: u64) -> Result<(), Error> {
        let Some(walk) = self.walk else { return Ok(()) };
        let mut found = 0;
        walk(&mut |_| found += 1)?;
        if found <= expected {
            return Ok(());
        }
        let mut own: HashSet<RelPath> = written.iter().map(|file| file.path.clone()).collect();
        items.each(|item| {
            own.extend(item.file);
            Ok::<_, Error>(true)
        })?;
        let mut stray = None;
        walk(&mut |path| {
            if stray.is_none() && !RelPath::new(path).is_ok_and(|path| own.contains(&path)) {
                stray = Some(path.to_owned());
            }
        })?;
        Err(Error::Strays(stray.unwrap_or_default()))
    }

    fn tag_files(
        &self,
        files: &Files<'_>,
        facts: &Facts<'_>,
        manifest: &Written,
        run: Option<&str>,
    ) -> Result<(), Error> {
        let binders: Vec<(String, String)> =
            facts.binders.iter().map(|BinderSummary { id, name, .. }| (id.clone(), name.clone())).collect();
        let info = bagit::Info {
            date: facts.finished.to_zoned_datetime(self.zone.clone()).date(),
            organisation: facts.organisation,
            binders: &binders,
            run,
            payload: facts.payload,
        };
        let mut tags = vec![manifest.clone(), files.put_text("bag-info.txt", &bagit::info(&info))?];
        for language in [Language::English, Language::Swedish] {
            let receipt = receipt::compose(language, facts);
            let [page, text] = receipt::names(language);
            tags.push(files.put_text(page, &receipt::html(&receipt))?);
            tags.push(files.put_text(text, &receipt::text(&receipt))?);
        }
        let declaration = Sha256::new(Hasher::digest(bagit::DECLARATION).into());
        let lines = tags.iter().map(|file| bagit::line(&file.sha256, file.path.as_str()));
        let lines: String = lines.chain([bagit::line(&declaration, "bagit.txt")]).collect();
        files.put_text("tagmanifest-sha256.txt", &lines)?;
        self.target.finish()?;
        files.put_text("bagit.txt", bagit::DECLARATION)?;
        Ok(self.target.finish()?)
    }
}

fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or_default()
}
