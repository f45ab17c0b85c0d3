//! Which thread writes.
//!
//! Writing on the thread that read the bytes is cheapest, as long as it is a copy into the page cache. A disk that lets
//! writes wait would hold up all downloads of that thread, so a writer thread takes over until a write is fast again.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use crate::sync::{Fatal, worker::Pool};

/// A write that takes longer is slow.
const SLOW: Duration = Duration::from_millis(50);

/// Whether the last write was slow.
#[derive(Debug, Default)]
pub(crate) struct DiskWrites(AtomicBool);

impl DiskWrites {
    /// Does work that writes, on this thread or on a writer thread.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        pool: &Pool,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Fatal> {
        let timed = move || {
            let began = Instant::now();
            (work(), began.elapsed())
        };
        let (result, took) = if self.0.load(Relaxed) { pool.run(timed).await? } else { timed() };
        self.took(took);
        Ok(result)
    }

    fn took(&self, time: Duration) {
        self.0.store(time > SLOW, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_writer_thread_takes_over_while_the_disk_is_slow() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (writes, pool) = (DiskWrites::default(), Pool::start("writer", 1).unwrap());
        let is_inline = || {
            let thread = runtime.block_on(writes.run(&pool, || thread::current().id())).unwrap();
            thread == thread::current().id()
        };
        assert!(is_inline());
        writes.took(SLOW + Duration::from_millis(1));
        assert!(!is_inline(), "the disk is slow");
        writes.took(SLOW);
        assert!(is_inline(), "it is fast again");
    }
}
