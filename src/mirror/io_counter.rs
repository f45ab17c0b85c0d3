//! A sign of life: how many bytes were read from and written to files of the mirror so far, by all of the process.
//!
//! One file may be worked on for an hour, and no other counter moves meanwhile. It is for looking at alone.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static BYTES: AtomicU64 = AtomicU64::new(0);

/// Bytes were read or written.
pub(super) fn moved(bytes: usize) {
    BYTES.fetch_add(bytes as u64, Relaxed);
}

/// A number that is another one whenever bytes were read or written.
pub fn effort() -> u64 {
    BYTES.load(Relaxed)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn reading_and_writing_move_it() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; 1000]).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let before = effort();
        crate::mirror::digest(&mut file, |_| Ok(())).unwrap();
        // Other tests may move it, too.
        assert!(effort() - before >= 1000);
    }
}
