//! The progress of a run, for the screen.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Counters that tasks increase and a screen reads. They are for display only: the tally counts what a run did.
#[derive(Debug, Default)]
pub struct Progress {
    /// Binders to read.
    pub binders: AtomicU64,
    /// Binders read.
    pub binders_done: AtomicU64,
    /// Binders whose number of documents is known, or assumed from the record.
    pub binders_counted: AtomicU64,
    /// Documents that are not mirrored yet.
    pub new: Share,
    /// Documents that are mirrored.
    pub mirrored: Share,
    /// Finished downloads.
    pub downloads_done: AtomicU64,
    /// Bytes received.
    pub bytes: AtomicU64,
    /// Bytes whose hash is to be verified.
    pub to_check: AtomicU64,
    /// Bytes whose hash was verified.
    pub checked: AtomicU64,
    /// The active downloads.
    pub active: ActiveDownloads,
}

/// The documents of one kind. No document counts twice, however often it is listed.
#[derive(Debug, Default)]
pub struct Share {
    /// How many there are in all binders, as far as is known.
    pub announced: AtomicU64,
    /// Those listed so far, for which it is known whether they need a download.
    pub listed: AtomicU64,
    /// Downloads that they need.
    pub downloads: AtomicU64,
}

impl Progress {
    /// All downloads that are known to be needed.
    pub fn downloads(&self) -> u64 {
        Self::get(&self.new.downloads) + Self::get(&self.mirrored.downloads)
    }

    /// Increases a counter.
    pub fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Relaxed);
    }

    /// A number that changes whenever a counter changes.
    pub fn moves(&self) -> u64 {
        // Active downloads change together with the bytes.
        let Self {
            binders,
            binders_done,
            binders_counted,
            new,
            mirrored,
            downloads_done,
            bytes,
            to_check,
            checked,
            active: _,
        } = self;
        let shares = [new, mirrored].map(|share| [&share.announced, &share.listed, &share.downloads]);
        let all = [binders, binders_done, binders_counted, downloads_done, bytes, to_check, checked];
        all.into_iter().chain(shares.into_iter().flatten()).map(Self::get).fold(0, u64::wrapping_add)
    }

    /// Reads a counter.
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Relaxed)
    }
}

/// The state of each active download, in the order of their starts.
#[derive(Debug, Default)]
pub struct ActiveDownloads {
    next: AtomicU64,
    all: Mutex<BTreeMap<u64, Arc<Item>>>,
}

#[derive(Debug)]
struct Item {
    name: String,
    total: Option<u64>,
    already: u64,
    came: AtomicU64,
    began: Instant,
}

/// An active download; it ends when dropped.
#[derive(Debug)]
pub struct ActiveDownload {
    progress: Arc<Progress>,
    number: u64,
    item: Arc<Item>,
}

/// The state of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The document's name.
    pub name: String,
    /// Bytes so far, including those of an earlier try.
    pub bytes: u64,
    /// The total in bytes, if known.
    pub total: Option<u64>,
    /// Bytes received since it began.
    pub came: u64,
    /// How long ago it began.
    pub since: Duration,
}

impl ActiveDownload {
    /// Starts a download, with the bytes of an earlier try.
    pub fn begin(progress: &Arc<Progress>, name: &str, total: Option<u64>, already: u64) -> Self {
        let active = &progress.active;
        let number = active.next.fetch_add(1, Relaxed);
        let item = Item { name: name.to_owned(), total, already, came: AtomicU64::new(0), began: Instant::now() };
        let item = Arc::new(item);
        active.all.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::clone(&item));
        Self { progress: Arc::clone(progress), number, item }
    }

    /// Counts received bytes.
    pub fn add(&self, bytes: u64) {
        self.item.came.fetch_add(bytes, Relaxed);
        Progress::add(&self.progress.bytes, bytes);
    }
}

impl Drop for ActiveDownload {
    fn drop(&mut self) {
        self.progress.active.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

impl ActiveDownloads {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    /// The oldest downloads, of those that take longer than `least`.
    pub fn longest(&self, count: usize, least: Duration) -> Vec<Download> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let downloads = all.values().map(|item| {
            let came = item.came.load(Relaxed);
            Download {
                name: item.name.clone(),
                bytes: item.already + came,
                total: item.total,
                came,
                since: item.began.elapsed(),
            }
        });
        downloads.filter(|download| download.since >= least).take(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_downloads_are_listed_until_they_end() {
        let progress = Arc::<Progress>::default();
        let names = |count| -> Vec<String> {
            progress.active.longest(count, Duration::ZERO).into_iter().map(|download| download.name).collect()
        };
        let first = ActiveDownload::begin(&progress, "a", Some(10), 3);
        let second = ActiveDownload::begin(&progress, "b", None, 0);
        let third = ActiveDownload::begin(&progress, "c", None, 0);
        first.add(4);
        third.add(5);
        assert_eq!(names(2), ["a", "b"]);
        assert_eq!(Progress::get(&progress.bytes), 9);
        let seen = progress.active.longest(1, Duration::ZERO).remove(0);
        assert_eq!((seen.bytes, seen.total, seen.came), (7, Some(10), 4));
        drop((first, second));
        assert_eq!(names(9), ["c"]);
        assert!(progress.active.longest(9, Duration::from_hours(1)).is_empty());
    }
}
