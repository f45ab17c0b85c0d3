//! Checks of a copy in a folder, and what the next session mends.

use std::fs;

use super::{
    check::{Check, Checked},
    tests::{Bench, hash},
    *,
};
use crate::{model::Share, report::CopyRepair};

impl Bench {
    fn check(&self, share: Share) -> Result<Checked, Error> {
        let (store, record, progress) = (&self.store(), &self.record, &*self.progress);
        Check { store, record, share, threads: 3, bandwidth: None, progress }.run()
    }
}

fn all() -> Share {
    "100%".parse().unwrap()
}

/// A mirror with three documents, and its copy.
fn copied() -> Bench {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two"), ("B/c.pdf", b"three")]);
    bench.replicate().unwrap();
    bench
}

#[test]
fn a_sound_copy_is_read_completely() {
    let checked = copied().check(all()).unwrap();
    assert!(checked.is_clean(), "{checked:?}");
    assert_eq!((checked.contents, checked.bytes), (3, 11));
}

#[test]
fn damaged_and_missing_objects_are_uploaded_again_without_a_commit() {
    let bench = copied();
    fs::write(bench.object(b"one"), b"0ne").unwrap();
    fs::remove_file(bench.object(b"two")).unwrap();
    let checked = bench.check(all()).unwrap();
    assert_eq!((checked.damaged, checked.missing), (vec![hash(b"one")], vec![hash(b"two")]));
    assert_eq!(bench.lost().len(), 2, "a check itself writes nothing");
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.transferred.sent, made.commit), (CopyOutcome::Unchanged, 2, 1));
    assert_eq!(bench.lost(), [""; 0]);
    assert!(bench.check(all()).unwrap().is_clean());
    assert_eq!(bench.replicate().unwrap().transferred.sent, 0, "once");
}

#[test]
fn a_large_damaged_object_is_replaced() {
    let bench = Bench::new();
    let large = vec![7; 11 << 20];
    bench.add(&[("B/large.bin", &large)]);
    bench.replicate().unwrap();
    fs::write(bench.object(&large), vec![8; 11 << 20]).unwrap();
    assert_eq!(bench.check(all()).unwrap().damaged.len(), 1);
    bench.replicate().unwrap();
    assert_eq!(bench.lost(), [""; 0]);
}

#[test]
fn what_the_mirror_lacks_too_is_a_loss_that_the_next_commit_tells() {
    let bench = copied();
    fs::write(bench.object(b"one"), b"0ne").unwrap();
    fs::remove_file(bench.dest().join("B/a.pdf")).unwrap();
    bench.check(all()).unwrap();
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.missing), (CopyOutcome::Committed, 1));
    assert!(made.transferred.missing.contains(&hash(b"one")));
    assert_eq!(bench.lost(), [""; 0], "no commit names it as whole");
    // When the mirror has it again, it replaces the damaged one, although that has the right size.
    fs::write(bench.dest().join("B/a.pdf"), b"one").unwrap();
    assert_eq!(bench.replicate().unwrap().missing, 0);
    assert_eq!(fs::read(bench.object(b"one")).unwrap(), b"one");
}

#[test]
fn a_damaged_manifest_or_state_makes_a_new_commit() {
    for folder in ["manifests/", "state/"] {
        let bench = copied();
        let key = bench.keys().into_iter().find(|key| key.starts_with(folder)).unwrap();
        let file = bench.copy().join(&key);
        let mut bytes = fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file, bytes).unwrap();
        let checked = bench.check(all()).unwrap();
        assert_eq!(checked.unfit.len(), 1, "{folder}");
        assert!(checked.unfit[0].contains(&key), "{checked:?}");
        let made = bench.replicate().unwrap();
        assert_eq!((made.outcome, made.commit), (CopyOutcome::Committed, 2), "{folder}");
        assert_eq!(bench.lost(), [""; 0]);
        assert!(bench.check(all()).unwrap().is_clean());
        assert_eq!(bench.replicate().unwrap().outcome, CopyOutcome::Unchanged);
    }
}

#[test]
fn without_a_record_a_damaged_manifest_is_replaced_by_a_new_commit() {
    let mut bench = copied();
    let key = bench.keys().into_iter().find(|key| key.starts_with("manifests/")).unwrap();
    fs::write(bench.copy().join(key), b"junk").unwrap();
    bench.lose_the_record();
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.commit, made.transferred.sent), (CopyOutcome::Committed, 2, 0));
    assert_eq!(bench.lost(), [""; 0]);
}

#[test]
fn shares_follow_each_other_until_everything_was_read() {
    let bench = Bench::new();
    let documents: Vec<(String, Vec<u8>)> =
        (0..60).map(|number| (format!("B/{number}.pdf"), format!("content {number}").into_bytes())).collect();
    let documents: Vec<(&str, &[u8])> = documents.iter().map(|(path, bytes)| (&**path, &**bytes)).collect();
    bench.add(&documents);
    bench.replicate().unwrap();
    let share: Share = "25%".parse().unwrap();
    let counts: Vec<u64> = (0..8).map(|_| bench.check(share).unwrap().contents).collect();
    assert_eq!(counts[..4].iter().sum::<u64>(), 60, "{counts:?}");
    assert_eq!(counts[..4], counts[4..]);
    assert!(counts.iter().all(|count| *count < 40), "{counts:?}");
}

#[test]
fn findings_name_their_documents_and_what_became_of_them() {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two"), ("B/again.pdf", b"one")]);
    bench.replicate().unwrap();
    fs::write(bench.object(b"one"), b"0ne").unwrap();
    fs::remove_file(bench.object(b"two")).unwrap();
    fs::remove_file(bench.dest().join("B/b.pdf")).unwrap();
    let store = bench.store();
    let options = ReplicateOptions { transfers: 2, bandwidth: None, accept: true };
    let (mirror, state, record, progress) = (&bench.mirror, &bench.state, &bench.record, &bench.progress);
    let replicate = Replicate { mirror, state, store: &store, record, options: &options, progress };
    let (done, check) = replicate.run_and_check(Some(all())).unwrap();
    let check = check.unwrap();
    assert_eq!((done.outcome, done.missing, done.transferred.sent), (CopyOutcome::Committed, 1, 1));
    let found: Vec<_> = check
        .findings
        .iter()
        .map(|finding| {
            let paths: Vec<_> = finding.documents.iter().map(|used| &*used.path).collect();
            (finding.is_missing, finding.repair, paths.join(" "))
        })
        .collect();
    let wanted =
        [(false, CopyRepair::Mended, "B/a.pdf B/again.pdf".to_owned()), (true, CopyRepair::Lost, "B/b.pdf".to_owned())];
    assert_eq!(found, wanted);
    assert!(check.is_damaged());
    let (_, again) = replicate.run_and_check(Some(all())).unwrap();
    assert_eq!(again.unwrap().findings, [], "what the copy is known to lack is not looked for");
    assert_eq!(replicate.run_and_check(None).unwrap().1, None);
}
