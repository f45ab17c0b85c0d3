//! The commits of a copy.

use super::{
    Error,
    commit::{CommitFile, LARGEST_COMMIT, hash},
    layout::{COMMITS, commit_key, commit_of},
    store::{Listed, Store},
};
use crate::{model::Sha256, state::CopyHead};

/// A commit that was read, with the hash of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The commit.
    pub file: CommitFile,
    /// The hash of its bytes.
    pub sha256: Sha256,
}

impl Commit {
    /// What a record keeps of it.
    pub(super) fn head(&self) -> CopyHead {
        let Self { file, sha256 } = self;
        CopyHead {
            number: file.number,
            sha256: *sha256,
            mark: file.mark.clone(),
            committed_at: file.committed_at.as_second(),
            run: file.run_number,
            gaps: file.missing,
        }
    }
}

/// The commits in a listing, by their numbers, from number `from` on. Other files in the folder are not ours.
pub fn list_commits(store: &Store, from: u64) -> Result<Vec<(u64, Listed)>, Error> {
    let after = from.checked_sub(1).map(commit_key);
    let mut found = Vec::new();
    store.list(COMMITS, after.as_deref(), |listed| {
        if let Some(number) = commit_of(&listed.key) {
            found.push((number, listed));
        }
        Ok::<_, Error>(())
    })?;
    found.sort_unstable_by_key(|(number, _)| *number);
    Ok(found)
}

/// Reads a commit; `None` if there is none with this number.
pub fn read_commit(store: &Store, number: u64) -> Result<Option<Commit>, Error> {
    let Some(bytes) = store.get(&commit_key(number), LARGEST_COMMIT)? else { return Ok(None) };
    Ok(Some(Commit { file: CommitFile::read(&bytes, number)?, sha256: hash(&bytes) }))
}

/// The highest commit, which is the copy; `None` if there is none.
pub fn highest_commit(store: &Store) -> Result<Option<Commit>, Error> {
    let Some((number, _)) = list_commits(store, 0)?.pop() else { return Ok(None) };
    // It may be deleted in between, but not without a higher one.
    read_commit(store, number)
}
