//! Makes sure that the record is that of the highest commit.

use super::{
    Error, Replicate,
    commit::CommitFile,
    commits::{Commit, list_commits, read_commit, unusable_head},
    layout::{OBJECTS, commit_key, object_of},
    manifest,
    unnamed::forget_absent,
};
use crate::state::{CopyHead, PastRun};

/// The note about how the last commit is listed.
const SEEN: &str = "seen";

/// The note with the number of a commit that was learnt and not compared with the mirror yet.
const UNPROVED: &str = "unproved";

/// Contents that are recorded at once.
const LEARNT: usize = 10_000;

impl Replicate<'_> {
    /// The highest commit. If it is not the one that the record was written for, the record begins anew.
    pub(super) fn find_head(&self) -> Result<Option<CopyHead>, Error> {
        let known = self.record.head()?;
        let found = list_commits(self.store, known.as_ref().map_or(0, |known| known.number))?;
        // A copy that lacks our commit was deleted, or is another one.
        let found = match known.as_ref().filter(|_| found.is_empty()) {
            Some(_) if self.options.accept => list_commits(self.store, 0)?,
            Some(known) => {
                return Err(Error::Vanished { location: self.store.location().to_string(), number: known.number });
            }
            None => found,
        };
        let Some((number, listed)) = found.last() else {
            if known.is_some() {
                self.record.forget_all()?;
            }
            return forget_absent(self.store, self.record).map(|()| None);
        };
        let seen = format!("{} {} {}", number, listed.size, listed.written_at);
        if let Some(known) = known.filter(|known| known.number == *number)
            && self.record.note(SEEN)?.as_ref() == Some(&seen)
        {
            return Ok(Some(known));
        }
        let commit = match read_commit(self.store, *number) {
            Err(error @ Error::BadCommit { .. }) => return self.replace_head(*number, &error).map(Some),
            read => read?.ok_or_else(|| Error::MissingFile(commit_key(*number)))?,
        };
        self.learn(&commit).inspect(|_| drop(self.record.set_note(SEEN, &seen))).map(Some)
    }

    /// A highest commit that can't be used is followed by one that can.
    fn replace_head(&self, number: u64, error: &Error) -> Result<CopyHead, Error> {
        tracing::warn!("{error}; a new commit will be made");
        self.learn_objects()?;
        self.doubts().set_renews(true)?;
        let head = unusable_head(self.store, number)?;
        self.record.set_head(&head)?;
        Ok(head)
    }

    /// Takes over what a commit has into the record.
    fn learn(&self, commit: &Commit) -> Result<CopyHead, Error> {
        self.check_organisation(commit)?;
        let (head, known) = (commit.head(), self.record.head()?);
        if known.as_ref().is_some_and(|known| known.sha256 == commit.sha256) {
            return Ok(head);
        }
        if known.is_none() && !self.options.accept && !self.is_own(&commit.file)? {
            let (location, run) = (self.store.location().to_string(), commit.file.run_id.clone());
            return Err(Error::OtherMirror { location, run });
        }
        self.record.forget_all()?;
        match self.learn_contents(commit) {
            Err(error) if error.is_of_a_file() => {
                tracing::warn!("{error}; a new commit will be made");
                self.learn_objects()?;
                self.doubts().set_renews(true)?;
            }
            // What a manifest says that this record did not see being written is compared with what is there.
            other => other.and_then(|()| self.doubts().suspect_all())?,
        }
        self.record.set_head(&head)?;
        self.record.set_note(UNPROVED, &head.number.to_string())?;
        Ok(head)
    }

    /// Whether a commit was learnt, and nobody has compared it with the mirror yet.
    pub(super) fn is_unproved(&self, head: &CopyHead) -> Result<bool, Error> {
        Ok(self.record.note(UNPROVED)?.is_some_and(|number| number == head.number.to_string()))
    }

    /// Notes that the head has what the mirror has.
    pub(super) fn set_proved(&self) -> Result<(), Error> {
        Ok(self.record.set_note(UNPROVED, "")?)
    }

    /// Whether a commit has a run of this mirror.
    pub(super) fn is_own(&self, commit: &CommitFile) -> Result<bool, Error> {
        Ok(is_one_of(&self.state.read(|r| r.past_runs())?, commit))
    }

    fn learn_contents(&self, commit: &Commit) -> Result<(), Error> {
        let mut contents = Vec::new();
        manifest::read(self.store, &commit.file.manifest, |item| {
            contents.extend(item.content().map(|(sha256, _)| sha256));
            if contents.len() < LEARNT {
                return Ok(());
            }
            self.record.add(&std::mem::take(&mut contents)).map_err(Error::from)
        })?;
        Ok(self.record.add(&contents)?)
    }

    /// Takes over every object that is there.
    fn learn_objects(&self) -> Result<(), Error> {
        self.record.forget_all()?;
        self.doubts().suspect_all()?;
        let mut contents = Vec::new();
        self.store.list(OBJECTS, None, |listed| {
            contents.extend(object_of(&listed.key));
            if contents.len() < LEARNT {
                return Ok(());
            }
            self.record.add(&std::mem::take(&mut contents)).map_err(Error::from)
        })?;
        Ok(self.record.add(&contents)?)
    }

    pub(super) fn check_organisation(&self, commit: &Commit) -> Result<(), Error> {
        let ours = self.state.read(|r| r.setting("organisation"))?.unwrap_or_default();
        if ours == commit.file.organisation_id {
            return Ok(());
        }
        let (location, theirs) = (self.store.location().to_string(), commit.file.organisation_id.clone());
        Err(Error::OtherOrganisation { location, theirs, ours })
    }
}

/// Whether a commit has one of these runs. Runs of two mirrors may have the same number and begin in the same second.
fn is_one_of(runs: &[PastRun], commit: &CommitFile) -> bool {
    let ended = commit.finished_at.as_second();
    runs.iter().any(|run| run.id == commit.run_id && run.finished_at == Some(ended))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_known_by_its_id_and_its_end() {
        let run = |id: &str, finished_at| PastRun {
            number: 1,
            id: id.to_owned(),
            started_at: 0,
            finished_at,
            outcome: None,
            command: "run".to_owned(),
            whole: true,
            changes: None,
        };
        let named = serde_json::json!({"key": "", "sha256": "00".repeat(32), "size": 0, "unpacked_size": 0});
        let commit: CommitFile = serde_json::from_value(serde_json::json!({
            "format": 1, "program": "", "number": 1, "parent": null, "organisation_id": "o", "run_id": "a", "run_number": 1,
            "finished_at": "1970-01-01T00:00:09Z", "committed_at": "1970-01-01T00:00:09Z", "documents": 0, "bytes": 0,
            "past_versions": 0, "missing": 0, "mark": "", "manifest": named, "state": named,
        }))
        .unwrap();
        for (id, ended, known) in
            [("a", Some(9), true), ("a", Some(8), false), ("a", None, false), ("b", Some(9), false)]
        {
            assert_eq!(is_one_of(&[run("c", Some(9)), run(id, ended)], &commit), known, "{id} {ended:?}");
        }
    }
}
