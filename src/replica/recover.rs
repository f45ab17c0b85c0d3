//! Makes a mirror from a copy: the tree, the kept old versions and the state of one commit.
//!
//! There is no state until everything else is there and durable, and until then a mark keeps every other command away. So it may be
//! cut off at any point: the next try hashes what is there and downloads the rest.
//!
//! The recovered mirror needs no mark of adoption: nothing is in the tree that no row names, since the folder was empty. Whatever changed after
//! the commit is to the next run what changed since the last one.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
    sync::Arc,
};

use super::{
    Error,
    commits::Commit,
    downloads::{Downloaded, Downloads, LackCause, Lacking},
    open_copy::OpenCopy,
    recovery_mark::RecoveryMark,
    store::Store,
};
use crate::{
    failpoints::{self, Point},
    mirror::Mirror,
    model::Sha256,
    report::Progress,
    state::State,
};

/// The state, in the folder where it is imported.
const STATE: &str = "state.db";

/// Makes a mirror from a copy.
pub struct Recover<'r> {
    /// The new mirror; its lock is held.
    pub mirror: &'r Mirror,
    /// The store.
    pub store: &'r Store,
    /// The commit.
    pub commit: &'r Commit,
    /// How many downloads run at the same time.
    pub transfers: usize,
    /// Progress for display.
    pub progress: &'r Arc<Progress>,
}

/// What was recovered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Documents in the tree.
    pub documents: u64,
    /// Contents of old versions.
    pub objects: u64,
    /// The bytes of both.
    pub bytes: u64,
    /// How many of both an earlier try had downloaded.
    pub known: u64,
    /// What could not be recovered, in path order.
    pub lacking: Vec<Lacking>,
}

impl Recover<'_> {
    /// Recovers the mirror, or the rest of it.
    pub fn run(&self) -> Result<Recovered, Error> {
        RecoveryMark::set(self.store, self.commit, self.mirror)?;
        failpoints::point(Point::CopyStep, "begun");
        // Nothing below `tmp/` is the only one of its kind.
        self.mirror.sweep(&HashSet::new())?;
        let (staged, folder) = self.mirror.staging_folder();
        if !self.mirror.root().is_network() {
            return self.run_in(&folder, &format!("{staged}/{STATE}"));
        }
        // A database with a journal of its kind can't be used on a network file system.
        let elsewhere = tempfile::tempdir().map_err(|e| scratch(&std::env::temp_dir(), e))?;
        self.run_in(elsewhere.path(), &format!("{staged}/{STATE}"))
    }

    fn run_in(&self, folder: &Path, staged: &str) -> Result<Recovered, Error> {
        let copy = OpenCopy::open(self.store, Some(self.commit.file.number), folder)?;
        failpoints::point(Point::CopyStep, "state");
        let downloads =
            Downloads { mirror: self.mirror, copy: &copy, progress: self.progress, threads: self.transfers };
        let Downloaded { documents, objects, bytes, known, lacking, lost } = downloads.run()?;
        let mut all = Recovered { documents, objects, bytes, known, lacking };
        lose(&copy.state, &lost, &mut all.lacking)?;
        all.lacking.sort_by(|a, b| a.path.cmp(&b.path));
        // The names in the tree and in `objects/` must be durable before a state names them.
        self.mirror.barrier()?;
        failpoints::point(Point::CopyStep, "contents");
        copy.state.checkpoint()?;
        drop(copy);
        self.put_state(&folder.join(STATE), staged)?;
        failpoints::point(Point::CopyStep, "mirror");
        RecoveryMark::clear(self.mirror)?;
        Ok(all)
    }

    fn put_state(&self, state: &Path, staged: &str) -> Result<(), Error> {
        let (_, folder) = self.mirror.staging_folder();
        let inside = folder.join(STATE);
        if state != inside {
            fs::copy(state, &inside).map_err(|e| scratch(&inside, e))?;
        }
        Ok(self.mirror.put_state(staged)?)
    }
}

/// Records that the bytes of old versions are not there, and names those.
fn lose(state: &State, lost: &HashMap<Sha256, LackCause>, lacking: &mut Vec<Lacking>) -> Result<(), Error> {
    if lost.is_empty() {
        return Ok(());
    }
    let uses = state.read(|r| r.uses_of(&lost.keys().copied().collect()))?;
    for found in uses.into_iter().filter(|found| !found.is_current) {
        let Some(cause) = lost.get(&found.sha256) else { continue };
        let (document, path, cause) = (found.document, found.path, cause.clone());
        lacking.push(Lacking { document, path, is_current: false, cause });
    }
    let last = state.read(|r| r.past_runs())?.last().map_or(0, |run| run.number);
    Ok(state.write(|w| lost.keys().try_for_each(|object| w.object_is_lost(last, object)))?)
}

fn scratch(path: &Path, source: std::io::Error) -> Error {
    Error::Scratch { what: "writing", path: path.to_owned(), source }
}
