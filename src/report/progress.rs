//! What goes on right now, for a screen to read.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Counters that tasks raise and a screen reads. They are for looking at: what a run did is
/// counted by the tally.
#[derive(Debug, Default)]
pub struct Progress {
    /// Binders to read.
    pub binders: AtomicU64,
    /// Binders read.
    pub binders_done: AtomicU64,
    /// Documents that the binders' first pages announced.
    pub documents: AtomicU64,
    /// Documents listed so far.
    pub listed: AtomicU64,
    /// Downloads that are known to be needed.
    pub downloads: AtomicU64,
    /// Downloads that ended.
    pub downloads_done: AtomicU64,
    /// Bytes received.
    pub bytes: AtomicU64,
    /// Bytes whose hash is to be checked.
    pub to_check: AtomicU64,
    /// Bytes whose hash was checked.
    pub checked: AtomicU64,
    /// The downloads that are under way.
    pub under_way: ActiveDownloads,
}

impl Progress {
    /// Raises a counter.
    pub fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Relaxed);
    }

    /// A number that is another one whenever a counter was raised.
    pub fn moves(&self) -> u64 {
        // What is under way moves with the bytes.
        let Self {
            binders,
            binders_done,
            documents,
            listed,
            downloads,
            downloads_done,
            bytes,
            to_check,
            checked,
            under_way: _,
        } = self;
        let all = [binders, binders_done, documents, listed, downloads, downloads_done, bytes, to_check, checked];
        all.into_iter().map(Self::get).fold(0, u64::wrapping_add)
    }

    /// Reads a counter.
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Relaxed)
    }
}

/// What is known of each download that is under way, in the order in which they began.
#[derive(Debug, Default)]
pub struct ActiveDownloads {
    next: AtomicU64,
    all: Mutex<BTreeMap<u64, Arc<Item>>>,
}

#[derive(Debug)]
struct Item {
    name: String,
    total: Option<u64>,
    held: u64,
    came: AtomicU64,
    began: Instant,
}

/// A download that is under way, until it is dropped.
#[derive(Debug)]
pub struct ActiveDownload {
    progress: Arc<Progress>,
    number: u64,
    item: Arc<Item>,
}

/// How far a download is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The document's name.
    pub name: String,
    /// Bytes that are there, those of an earlier try included.
    pub bytes: u64,
    /// Bytes of the whole, where that is known.
    pub total: Option<u64>,
    /// Bytes that came since it began.
    pub came: u64,
    /// How long ago it began.
    pub since: Duration,
}

impl ActiveDownload {
    /// A download begins, with bytes that an earlier try left.
    pub fn begin(progress: &Arc<Progress>, name: &str, total: Option<u64>, held: u64) -> Self {
        let under_way = &progress.under_way;
        let number = under_way.next.fetch_add(1, Relaxed);
        let item = Item { name: name.to_owned(), total, held, came: AtomicU64::new(0), began: Instant::now() };
        let item = Arc::new(item);
        under_way.all.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::clone(&item));
        Self { progress: Arc::clone(progress), number, item }
    }

    /// Bytes came.
    pub fn add(&self, bytes: u64) {
        self.item.came.fetch_add(bytes, Relaxed);
        Progress::add(&self.progress.bytes, bytes);
    }
}

impl Drop for ActiveDownload {
    fn drop(&mut self) {
        self.progress.under_way.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

impl ActiveDownloads {
    /// The downloads that began first, of those that take longer than `least`.
    pub fn longest(&self, count: usize, least: Duration) -> Vec<Download> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let downloads = all.values().map(|item| {
            let came = item.came.load(Relaxed);
            Download {
                name: item.name.clone(),
                bytes: item.held + came,
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
    fn those_that_began_first_are_named_until_they_end() {
        let progress = Arc::<Progress>::default();
        let names = |count| -> Vec<String> {
            progress.under_way.longest(count, Duration::ZERO).into_iter().map(|download| download.name).collect()
        };
        let first = ActiveDownload::begin(&progress, "a", Some(10), 3);
        let second = ActiveDownload::begin(&progress, "b", None, 0);
        let third = ActiveDownload::begin(&progress, "c", None, 0);
        first.add(4);
        third.add(5);
        assert_eq!(names(2), ["a", "b"]);
        assert_eq!(Progress::get(&progress.bytes), 9);
        let seen = progress.under_way.longest(1, Duration::ZERO).remove(0);
        assert_eq!((seen.bytes, seen.total, seen.came), (7, Some(10), 4));
        drop((first, second));
        assert_eq!(names(9), ["c"]);
        assert!(progress.under_way.longest(9, Duration::from_hours(1)).is_empty());
    }
}
