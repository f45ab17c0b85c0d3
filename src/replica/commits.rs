//! The commits of a copy.

use bytes::Bytes;

use super::{
    Error,
    commit::{CommitFile, LARGEST_COMMIT, hash},
    layout::{COMMITS, commit_key, commit_of},
    store::{ErrorKind, Listed, Store},
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
    let Some(bytes) = commit_bytes(store, number)? else { return Ok(None) };
    Ok(Some(Commit { file: CommitFile::read(&bytes, number)?, sha256: hash(&bytes) }))
}

/// The bytes of a commit, whatever they are.
fn commit_bytes(store: &Store, number: u64) -> Result<Option<Bytes>, Error> {
    store.get(&commit_key(number), LARGEST_COMMIT).map_err(|error| match error.kind {
        ErrorKind::Other => Error::BadCommit { number, why: error.reason().to_owned() },
        _ => error.into(),
    })
}

/// A commit that can't be used stands for itself: what comes next has another number and names its hash.
pub(super) fn unusable_head(store: &Store, number: u64) -> Result<CopyHead, Error> {
    let bytes = match commit_bytes(store, number) {
        Err(Error::BadCommit { .. }) => None,
        read => read?,
    };
    let bytes = bytes.unwrap_or_default();
    Ok(CopyHead { number, sha256: hash(&bytes), mark: String::new(), committed_at: 0, run: 0, gaps: 0 })
}

/// The highest commit, which is the copy; `None` if there is none.
pub fn highest_commit(store: &Store) -> Result<Option<Commit>, Error> {
    let Some((number, _)) = list_commits(store, 0)?.pop() else { return Ok(None) };
    // It may be deleted in between, but not without a higher one.
    read_commit(store, number)
}

/// Hands the commits to `open`, the highest first, until one can be used. Somebody who may only add files could otherwise keep
/// everybody from reading a copy with one file. `None` if there is no commit.
pub(super) fn newest_usable<T>(
    store: &Store,
    mut open: impl FnMut(Commit) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut commits = list_commits(store, 0)?;
    let mut first = None;
    while let Some((number, _)) = commits.pop() {
        let opened = match read_commit(store, number) {
            Ok(None) => continue,
            Ok(Some(commit)) => open(commit),
            Err(error) => Err(error),
        };
        match opened {
            Err(error) if error.is_of_a_commit() => {
                tracing::warn!("{error}; the commit before it is read");
                first.get_or_insert(error);
            }
            other => return other.map(Some),
        }
    }
    first.map_or(Ok(None), Err)
}
