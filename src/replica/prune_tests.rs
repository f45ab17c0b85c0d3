//! Prunes of a copy in a folder, alone and with a writer in between.

use std::{collections::BTreeSet, fs, time::Duration};

use super::{
    prune::{Prune, PruneOptions},
    tests::{Bench, hash},
    *,
};
use crate::report::PruneReport;

const DAY: Duration = Duration::from_hours(24);

fn options(dry_run: bool) -> PruneOptions {
    PruneOptions { keep: 90 * DAY, grace: 7 * DAY, dry_run }
}

impl Bench {
    fn prune(&self, dry_run: bool) -> Result<(PruneReport, BTreeSet<String>), Error> {
        let mut gone = BTreeSet::new();
        let pruned = Prune { store: &self.store(), options: options(dry_run) }.run(&mut |key| {
            assert!(gone.insert(key.to_owned()), "{key} goes once");
        })?;
        Ok((pruned, gone))
    }
}

/// Two commits: the second one lacks a content of the first, which is 100 days older.
fn superseded() -> Bench {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/gone.pdf", b"gone")]);
    bench.replicate().unwrap();
    bench.age(100);
    bench.remove("B/gone.pdf");
    bench.replicate().unwrap();
    bench
}

#[test]
fn what_no_kept_commit_names_is_deleted_after_the_grace_time() {
    let bench = superseded();
    let before = bench.keys();
    let (pruned, gone) = bench.prune(false).unwrap();
    assert_eq!((pruned.kept_commits, gone.len()), (2, 0), "superseded just now");
    bench.age(8);
    let (dry, would) = bench.prune(true).unwrap();
    assert_eq!(bench.keys(), before);
    let (pruned, gone) = bench.prune(false).unwrap();
    assert_eq!((dry, would), (PruneReport { dry_run: true, ..pruned.clone() }, gone.clone()));
    assert_eq!((pruned.commits.count, pruned.descriptions.count, pruned.objects.count), (1, 2, 1));
    assert_eq!((pruned.objects.bytes, pruned.kept_commits, pruned.first_kept_commit), (4, 1, 2));
    assert_eq!(bench.keys(), before.difference(&gone).cloned().collect());
    assert!(!bench.object(b"gone").exists());
    assert_eq!(bench.lost(), [""; 0]);
    let (again, _) = bench.prune(false).unwrap();
    assert_eq!((again.kept_commits, again.first_kept_commit, again.deleted().count), (1, 2, 0));
}

#[test]
fn young_files_that_nobody_names_and_files_of_others_stay() {
    let bench = superseded();
    bench.age(8);
    bench.prune(false).unwrap();
    let foreign = ["objects/ab/notes.txt", "objects/x", "state/mine.txt", "manifests/mine", "elsewhere"];
    for key in foreign {
        let path = bench.copy().join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"mine").unwrap();
    }
    bench.age(100);
    let young = bench.object(b"on its way");
    fs::create_dir_all(young.parent().unwrap()).unwrap();
    fs::write(&young, b"on its way").unwrap();
    let (pruned, gone) = bench.prune(false).unwrap();
    assert_eq!((gone.len(), pruned.young_objects.count, pruned.young_objects.bytes), (0, 1, 10), "{gone:?}");
    assert!(young.exists() && foreign.iter().all(|key| bench.copy().join(key).exists()));
}

#[test]
fn if_a_kept_manifest_cannot_be_read_nothing_is_deleted() {
    let bench = superseded();
    bench.age(8);
    let commit = highest_commit(&bench.store()).unwrap().unwrap().file;
    let manifest = bench.copy().join(&commit.manifest.key);
    let bytes = fs::read(&manifest).unwrap();
    for damaged in [None, Some(&bytes[..bytes.len() - 1])] {
        match damaged {
            None => fs::remove_file(&manifest).unwrap(),
            Some(bytes) => fs::write(&manifest, bytes).unwrap(),
        }
        let before = bench.keys();
        assert!(bench.prune(false).is_err());
        assert_eq!(bench.keys(), before);
    }
}

#[test]
fn if_the_highest_commit_contradicts_its_state_nothing_is_deleted() {
    let bench = superseded();
    let mut commit = highest_commit(&bench.store()).unwrap().unwrap().file;
    commit.documents += 1;
    let key = format!("commits/{:012}.json", commit.number);
    fs::write(bench.copy().join(key), commit.to_bytes().unwrap()).unwrap();
    bench.age(8);
    let before = bench.keys();
    let refused = bench.prune(false).unwrap_err().to_string();
    assert!(refused.contains("other numbers of documents"), "{refused}");
    assert_eq!(bench.keys(), before);
}

#[test]
fn files_of_the_future_tell_that_a_clock_is_wrong() {
    let bench = superseded();
    bench.age(8);
    let commit = fs::File::options().write(true).open(bench.copy().join("commits/000000000002.json")).unwrap();
    commit.set_modified(std::time::SystemTime::now() + 3 * DAY).unwrap();
    let before = bench.keys();
    let refused = bench.prune(false).unwrap_err();
    assert!(matches!(refused, Error::Clocks { hours: 71 | 72 }), "{refused}");
    assert_eq!(bench.keys(), before);
    let empty = Bench::new();
    assert!(matches!(empty.prune(false), Err(Error::NoCopy(_))));
}

#[test]
fn a_commit_that_comes_during_a_prune_keeps_what_it_names() {
    let bench = superseded();
    bench.age(8);
    let store = bench.store();
    let prune = Prune { store: &store, options: options(false) };
    let mut pruning = prune.begin().unwrap();
    // A document with the bytes that are about to be deleted comes back.
    bench.add(&[("B/back.pdf", b"gone")]);
    let made = bench.replicate().unwrap();
    assert_eq!((made.transferred.sent, made.transferred.known), (0, 1));
    pruning.commits().unwrap();
    pruning.descriptions().unwrap();
    pruning.objects().unwrap();
    assert_eq!(pruning.done.objects.count, 0);
    assert_eq!(bench.lost(), [""; 0]);
}

#[test]
fn what_was_deleted_between_an_upload_and_its_commit_is_uploaded_again() {
    let bench = superseded();
    bench.age(8);
    // A session that uploaded, and was killed before its commit, long ago.
    bench.add(&[("B/back.pdf", b"gone"), ("B/new.pdf", b"new")]);
    let long_ago = jiff::Timestamp::now().as_second() - 8 * 24 * 3600;
    bench.record.set_note("since", &long_ago.to_string()).unwrap();
    bench.record.add(&[hash(b"gone"), hash(b"new")]).unwrap();
    bench.put_object(b"new");
    bench.age(8);
    let (pruned, _) = bench.prune(false).unwrap();
    assert_eq!(pruned.objects.count, 2);
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.transferred.sent), (CopyOutcome::Committed, 2));
    assert_eq!(bench.lost(), [""; 0]);
}

#[test]
fn the_next_session_looks_again_for_what_was_found_without_a_commit() {
    let bench = superseded();
    bench.add(&[("B/back.pdf", b"gone")]);
    assert_eq!(bench.replicate().unwrap().transferred.known, 1);
    // A request to delete that was sent before the commit arrives after the first look.
    fs::remove_file(bench.object(b"gone")).unwrap();
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.transferred.sent), (CopyOutcome::Unchanged, 1));
    assert_eq!(bench.lost(), [""; 0]);
    fs::remove_file(bench.object(b"gone")).unwrap();
    assert_eq!(bench.replicate().unwrap().transferred.sent, 0, "no further looks");
}

#[test]
fn a_manifest_that_was_deleted_after_its_commit_is_made_again() {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate().unwrap();
    bench.record.set_note("look", "1 00").unwrap();
    let commit = highest_commit(&bench.store()).unwrap().unwrap().file;
    fs::remove_file(bench.copy().join(&commit.manifest.key)).unwrap();
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.commit), (CopyOutcome::Committed, 2));
    assert_eq!(bench.lost(), [""; 0]);
}
