//! Counts the bytes that this process has read from and written to files of the mirror.
//!
//! A single file may take an hour during which no other counter changes. Only used to detect liveness.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static BYTES: AtomicU64 = AtomicU64::new(0);

/// Counts bytes that were read or written.
pub(super) fn count(bytes: usize) {
    BYTES.fetch_add(bytes as u64, Relaxed);
}

/// A number that changes whenever bytes are read or written.
pub fn bytes_moved() -> u64 {
    BYTES.load(Relaxed)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn reading_and_writing_are_counted() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; 1000]).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let before = bytes_moved();
        crate::mirror::digest(&mut file, |_| Ok(())).unwrap();
        // Other tests may count, too.
        assert!(bytes_moved() - before >= 1000);
    }
}
