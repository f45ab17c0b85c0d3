//! SHA-256 hashes of file contents.

use std::fmt;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A SHA-256 of a file's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Wraps a digest.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest's bytes, as stored in the database.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hexadecimal digits that name an object.
    pub fn hex(&self) -> String {
        let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
        self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

impl From<Sha256> for String {
    fn from(hash: Sha256) -> Self {
        hash.hex()
    }
}

impl TryFrom<String> for Sha256 {
    type Error = BadHash;

    fn try_from(text: String) -> Result<Self, BadHash> {
        let mut digest = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(BadHash(text));
        }
        for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).unwrap_or_default();
            *byte = u8::from_str_radix(digits, 16).map_err(|_| BadHash(text.clone()))?;
        }
        Ok(Self(digest))
    }
}

/// Why a text is not a hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the 64 hexadecimal digits of a SHA-256")]
pub struct BadHash(String);

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({})", self.hex())
    }
}
