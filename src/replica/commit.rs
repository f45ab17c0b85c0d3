//! A commit: the small file that makes a copy valid. It names the manifest and the state of one moment of a mirror, and is
//! written when everything that these name is there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256 as Hasher};

use super::{
    Error,
    layout::{MANIFESTS, STATES, is_in},
};
use crate::model::Sha256;

/// The only format that is written and read.
const FORMAT: u32 = 1;

/// The largest commit that is read, in bytes.
pub(super) const LARGEST_COMMIT: u64 = 64 << 10;

/// A file that a commit names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its key, below the prefix of the copy.
    pub key: String,
    /// The hash of its bytes as they are stored.
    pub sha256: Sha256,
    /// Their number.
    pub size: u64,
    /// The number of bytes when they are unpacked.
    pub unpacked_size: u64,
}

/// The commit before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its number.
    pub number: u64,
    /// The hash of its bytes.
    pub sha256: Sha256,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitFile {
    /// The format's version.
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// Its number, which its key has, too.
    pub number: u64,
    /// The commit that was the highest when this one was written; `None` for the first.
    pub parent: Option<Parent>,
    /// The organisation of the documents.
    pub organisation_id: String,
    /// The run after which the mirror was as this copy is.
    pub run_id: String,
    /// That run's number.
    pub run_number: i64,
    /// When that run ended.
    pub finished_at: Timestamp,
    /// When this commit was written, by the clock of the machine that wrote it.
    pub committed_at: Timestamp,
    /// Documents of the tree.
    pub documents: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Past versions whose bytes are kept.
    pub past_versions: u64,
    /// Contents that could not be copied, because the mirror itself lacks them.
    pub missing: u64,
    /// What the state was like; equal marks mean that nothing changed in between.
    pub mark: String,
    /// All documents and past versions.
    pub manifest: Named,
    /// The database.
    pub state: Named,
}

impl CommitFile {
    /// The format that this program writes.
    pub(super) const FORMAT: u32 = FORMAT;

    /// Reads a commit, which is not trusted: it must have the number of its key and name files of this copy only.
    pub(super) fn read(bytes: &[u8], number: u64) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let bad = |why: String| Error::BadCommit { number, why };
        let version: Version = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        if version.format != FORMAT {
            return Err(Error::NewerCopy(version.format));
        }
        let commit: Self = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        if commit.number != number {
            return Err(bad(format!("it says that it is commit {}", commit.number)));
        }
        for (folder, named) in [(MANIFESTS, &commit.manifest), (STATES, &commit.state)] {
            if !is_in(folder, &named.key) {
                return Err(bad(format!("it names {:?}, which is not in {folder}/", named.key)));
            }
        }
        Ok(commit)
    }

    /// Its bytes.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| Error::Internal(e.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The hash of a commit's bytes.
pub(super) fn hash(bytes: &[u8]) -> Sha256 {
    Sha256::new(Hasher::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit() -> CommitFile {
        let named = |key: &str| Named { key: key.to_owned(), sha256: Sha256::new([1; 32]), size: 2, unpacked_size: 3 };
        CommitFile {
            format: FORMAT,
            program: "0.1.0".to_owned(),
            number: 7,
            parent: Some(Parent { number: 6, sha256: Sha256::new([2; 32]) }),
            organisation_id: "o".to_owned(),
            run_id: "000012-abcd".to_owned(),
            run_number: 12,
            finished_at: Timestamp::UNIX_EPOCH,
            committed_at: Timestamp::UNIX_EPOCH,
            documents: 1,
            bytes: 2,
            past_versions: 0,
            missing: 0,
            mark: "m".to_owned(),
            manifest: named("manifests/000012-abcd-0101010101010101.jsonl.zst"),
            state: named("state/000012-abcd-0101010101010101.db.zst"),
        }
    }

    #[test]
    fn a_commit_is_read_as_it_was_written() {
        assert_eq!(CommitFile::read(&commit().to_bytes().unwrap(), 7).unwrap(), commit());
    }

    #[test]
    fn a_commit_is_not_trusted() {
        let text = String::from_utf8(commit().to_bytes().unwrap()).unwrap();
        for (change, why) in [
            (("\"number\": 7", "\"number\": 8"), "it says that it is commit 8"),
            (("manifests/000012", "manifests/../000012"), "not in manifests/"),
            (("state/000012", "objects/000012"), "not in state/"),
            (("\"format\": 1", "\"format\": 2"), "newer ibinder-sync"),
            (("01010101\",", "0101\","), "commit 7"),
            (("\"missing\": 0", "\"missing\": -1"), "commit 7"),
        ] {
            let changed = text.replacen(change.0, change.1, 1);
            assert_ne!(changed, text);
            let error = CommitFile::read(changed.as_bytes(), 7).unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
        }
        assert!(CommitFile::read(b"", 7).is_err());
    }
}
