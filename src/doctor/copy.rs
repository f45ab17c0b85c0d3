//! Checks the store of a copy: that it can be read and added to, keeps the condition that a file must be absent, and, on request,
//! that nothing can be deleted. It writes one small file, `doctor/probe`, which stays.

use bytes::Bytes;

use crate::{
    replica::{Place, Protection, PutOutcome, Store, StoreError, list_commits},
    report::{Area, Check, format::number_of},
};

/// The file that is written.
const PROBE: &str = "doctor/probe";

/// Its content, which never changes.
const CONTENT: &[u8] =
    b"ibinder-sync doctor writes this file to prove that a file is only written if it is absent. It may stay.\n";

/// Seconds by which the clocks may differ: stores refuse requests from about 15 minutes on.
const CLOCKS: i64 = 300;

/// Checks a store. `deletes`: whether to try to delete, which must fail; `immutable`: whether the store is meant to forbid it.
pub fn copy(store: &Store, deletes: bool, immutable: bool) -> Vec<Check> {
    let commits = match list_commits(store, 0) {
        Ok(commits) => commits,
        Err(error) => return vec![failure(&error)],
    };
    let place = store.location();
    let mut checks = vec![Check::ok(
        Area::Copy,
        match commits.last() {
            None => format!("{place} can be listed and has no copy yet; the next run makes it"),
            Some((last, _)) => {
                let count = number_of(commits.len() as u64, "commit", "commits");
                format!("{place} can be listed: {count}, the last one is number {last}")
            }
        },
    )];
    let written = write_twice(store);
    let can_write = written.is_ok();
    checks.push(written.unwrap_or_else(|error| failure(&error)));
    if can_write {
        checks.push(read_back(store));
        if deletes {
            checks.push(delete(store));
        }
    }
    checks.extend(clock(store.clock_difference()));
    if immutable {
        checks.push(protection(store));
    }
    checks
}

fn write_twice(store: &Store) -> Result<Check, StoreError> {
    let content = Bytes::from_static(CONTENT);
    // An earlier check may have written it.
    store.put_new(PROBE, &content)?;
    Ok(match store.put_new(PROBE, &content)? {
        PutOutcome::Exists => Check::ok(Area::Copy, "files can be added, and none that exists is replaced"),
        PutOutcome::Created => Check::warning(
            Area::Copy,
            "the store replaced a file although it was told to write it only if it is absent",
            "let only one machine write to this copy: two could replace each other's commits",
        ),
    })
}

fn read_back(store: &Store) -> Check {
    match store.get(PROBE, CONTENT.len() as u64) {
        Ok(Some(found)) if found == CONTENT => Check::ok(Area::Copy, "what was written can be read"),
        Ok(_) => Check::failure(
            Area::Copy,
            format!("{PROBE} does not have the bytes that were written"),
            "use another store, or delete that file if somebody else wrote it",
        ),
        Err(error) => failure(&error),
    }
}

fn delete(store: &Store) -> Check {
    match store.delete(&[PROBE.to_owned()]).map(|mut results| results.pop()) {
        Ok(Some(Err(error))) => {
            Check::ok(Area::Copy, format!("these credentials can't delete anything: {}", error.reason()))
        }
        Ok(_) => {
            let again = store.put_new(PROBE, &Bytes::from_static(CONTENT));
            let also = again.err().map(|error| format!(" ({error})")).unwrap_or_default();
            Check::warning(
                Area::Copy,
                format!("these credentials can delete files of the copy{also}"),
                "whoever takes over this machine could delete the copy: give it credentials that may only list, read and add, and \
                 prune with others; in a bucket that keeps versions, deleted files can be brought back",
            )
        }
        Err(error) => failure(&error),
    }
}

fn clock(difference: i64) -> Option<Check> {
    (difference.abs() > CLOCKS).then(|| {
        Check::warning(
            Area::Copy,
            format!("this machine's clock differs from the store's by {difference} s"),
            "synchronise the clock: stores refuse requests when it is wrong",
        )
    })
}

/// Whether the store protects what is added, as it is meant to.
fn protection(store: &Store) -> Check {
    match store.protection() {
        Ok(Protection::Kept(how)) => Check::ok(Area::Copy, format!("what is added can't be destroyed {how}")),
        Ok(Protection::Missing(what)) => Check::warning(
            Area::Copy,
            format!("`replicate_immutable` is set, and {what}: whoever has a key that deletes can destroy the copy"),
            "set a default retention for the bucket or an immutability policy for the container, or unset `replicate_immutable`",
        ),
        Ok(Protection::Unknown(why)) => Check::skipped(
            Area::Copy,
            format!(
                "whether the store protects what is added was not examined ({why}): {}",
                by_hand(&store.location().place)
            ),
        ),
        Err(error) => failure(&error),
    }
}

/// How to look at it otherwise.
fn by_hand(place: &Place) -> String {
    match place {
        Place::S3 { bucket } => format!("`aws s3api get-object-lock-configuration --bucket {bucket}` shows it"),
        Place::Azure { container } => {
            format!(
                "`az storage container immutability-policy show --container-name {container} --account-name …` shows it"
            )
        }
        Place::Folder(_) => "a folder has no such protection".to_owned(),
    }
}

/// An error whose advice follows a semicolon.
fn failure(error: &dyn std::error::Error) -> Check {
    let text = error.to_string();
    let (found, next) = text.split_once("; ").unwrap_or((&text, "docs/off-site.md says what a store must allow"));
    Check::failure(Area::Copy, found, next)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        replica::{Credentials, StoreSettings},
        report::Verdict,
    };

    fn store(folder: &std::path::Path) -> Store {
        let settings = StoreSettings {
            location: format!("file://{}", folder.display()).parse().unwrap(),
            credentials: Credentials::default(),
            ask_metadata: false,
            user_agent: "test".to_owned(),
        };
        Store::open(&settings, Arc::default()).unwrap()
    }

    #[test]
    fn a_store_that_keeps_the_condition_is_fine_each_time() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let checks = copy(&store(folder.path()), false, false);
            assert_eq!(checks.len(), 3);
            assert!(checks.iter().all(|check| check.verdict == Verdict::Ok), "{checks:?}");
        }
        assert_eq!(std::fs::read(folder.path().join(PROBE)).unwrap(), CONTENT);
    }

    #[test]
    fn whoever_can_delete_is_warned_and_the_file_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let checks = copy(&store(folder.path()), true, true);
        let warnings: Vec<_> = checks.iter().filter(|check| check.verdict == Verdict::Warning).collect();
        assert!(warnings[0].found.contains("can delete") && warnings[1].found.contains("replicate_immutable"));
        assert!(folder.path().join(PROBE).exists());
    }

    #[test]
    fn a_file_of_somebody_else_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("doctor")).unwrap();
        std::fs::write(folder.path().join(PROBE), "mine").unwrap();
        let failed: Vec<_> = copy(&store(folder.path()), false, false)
            .into_iter()
            .filter(|check| check.verdict == Verdict::Failure)
            .collect();
        assert!(failed.len() == 1 && failed[0].found.contains("does not have the bytes"), "{failed:?}");
    }

    #[test]
    fn clocks_may_differ_a_little() {
        assert!(clock(299).is_none() && clock(-300).is_none());
        assert_eq!(clock(-301).unwrap().verdict, Verdict::Warning);
    }
}
