//! The hashes of a file's bytes.

use md5::{Digest as _, Md5};
use sha2::Sha256 as Hasher;

use crate::model::Sha256;

/// What both hashes work on, in bytes.
const BLOCK: usize = 64;

/// Hashes bytes as they come.
#[derive(Clone)]
pub(super) struct Digests {
    sha256: Hasher,
    /// Only where something has an MD5 to compare with: it costs twice as much as the other.
    md5: Option<Md5>,
    /// Bytes of the block that has begun.
    begun: usize,
}

impl Digests {
    /// No bytes yet. With `md5`, that is calculated, too.
    pub(super) fn new(md5: bool) -> Self {
        Self { sha256: Hasher::new(), md5: md5.then(Md5::new), begun: 0 }
    }

    /// Adds bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let Some(md5) = &mut self.md5 else { return self.sha256.update(bytes) };
        // Block by block: neither hash waits for the other, so the processor works on both at once.
        let (start, rest) = bytes.split_at(bytes.len().min((BLOCK - self.begun) % BLOCK));
        for block in std::iter::once(start).chain(rest.chunks(BLOCK)) {
            self.sha256.update(block);
            md5.update(block);
        }
        self.begun = (self.begun + bytes.len()) % BLOCK;
    }

    /// The SHA-256 of all bytes so far.
    pub(super) fn sha256(&self) -> Sha256 {
        Sha256::new(self.sha256.clone().finalize().into())
    }

    /// Their MD5, if it is calculated.
    pub(super) fn md5(&self) -> Option<[u8; 16]> {
        self.md5.clone().map(|md5| md5.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// In whatever pieces bytes come, both hashes are those of all bytes.
        #[test]
        fn pieces_make_no_difference(pieces in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), 0..8)) {
            let whole = pieces.concat();
            for md5 in [false, true] {
                let mut digests = Digests::new(md5);
                for piece in &pieces {
                    digests.update(piece);
                }
                proptest::prop_assert_eq!(digests.sha256(), Sha256::new(Hasher::digest(&whole).into()));
                proptest::prop_assert_eq!(digests.md5(), md5.then(|| Md5::digest(&whole).into()));
            }
        }
    }
}
