//! What a copy promises, in each store.

use std::{
    cell::RefCell,
    fs,
    io::Read as _,
    panic::{AssertUnwindSafe, catch_unwind},
};

use ibinder_sync::{
    failpoints::{self, Point},
    replica::{CommitFile, CopyOutcome, Error, ItemKind, OpenCopy, Replicated},
};

use crate::{
    bench::{Bench, Place, hash, object},
    proxy::Proxy,
    server::{Kind, Server},
};

type Test = fn(&Place<'_>);

/// Each test, and the name of the folder for its copy.
const TESTS: [(&str, Test); 13] = [
    ("first", a_copy_has_each_content_once),
    ("unchanged", an_unchanged_night_is_a_listing),
    ("changed", a_changed_night_puts_each_new_content_once),
    ("record", a_lost_record_is_read_from_the_copy),
    ("old", old_versions_are_kept),
    ("edited", an_edited_file_is_named_as_missing_until_it_is_mended),
    ("deleted", a_deleted_copy_is_made_again),
    ("other", a_copy_of_another_organisation_is_left_alone),
    ("two", of_two_writers_the_slower_one_takes_the_next_number),
    ("late", a_slower_writer_that_is_older_makes_no_commit),
    ("older", an_older_mirror_writes_nothing),
    ("cut", cut_off_objects_are_replaced),
    ("foreign", other_files_are_left_alone),
];

fn keeps(kind: Kind) {
    let Some(server) = Server::start(kind) else { return };
    let fails = |(name, test): &(&'static str, Test)| {
        println!("{kind:?}: {name}");
        catch_unwind(AssertUnwindSafe(|| test(&Place::new(&server, name)))).is_err().then_some(*name)
    };
    let failed: Vec<&str> = TESTS.iter().filter_map(fails).collect();
    assert!(failed.is_empty(), "{kind:?}: {failed:?}");
}

#[test]
fn a_folder_keeps_copies() {
    keeps(Kind::File);
}

#[test]
fn azure_keeps_copies() {
    keeps(Kind::Azurite);
}

#[test]
fn s3_keeps_copies() {
    keeps(Kind::S3s);
}

#[test]
fn another_s3_keeps_copies() {
    keeps(Kind::Moto);
}

/// Bytes that are sent in three parts.
fn large() -> Vec<u8> {
    (0..=250).cycle().take(12 << 20).collect()
}

/// What became of a copy: its outcome, its number, how many contents were sent and how many are missing.
fn made(result: Result<Replicated, Error>) -> (CopyOutcome, u64, u64, u64) {
    let made = result.unwrap();
    (made.outcome, made.commit, made.transferred.sent, made.missing)
}

fn a_copy_has_each_content_once(place: &Place<'_>) {
    let (bench, large) = (Bench::new(), large());
    let one = b"one".as_slice();
    bench.add(&[
        ("B/a.pdf", one),
        ("B/å b.pdf", b"two"),
        ("B/c/again.pdf", one),
        ("B/empty", b""),
        ("B/l.bin", &large),
    ]);
    let done = bench.replicate(&place.store()).unwrap();
    assert_eq!(done.keeps_condition, Some(true));
    assert_eq!(done.transferred.bytes, 6 + large.len() as u64);
    assert_eq!(made(Ok(done)), (CopyOutcome::Committed, 1, 4, 0));
    let complete = place.complete_of(&bench);
    let mut expected =
        [&one, &b"two".as_slice(), &b"".as_slice(), &large.as_slice()].map(|bytes| object(bytes)).to_vec();
    expected.extend(["commits/000000000001.json".to_owned(), complete.commit.manifest.key, complete.commit.state.key]);
    expected.sort();
    assert_eq!(place.keys(), expected);
    let (store, folder) = (place.store(), tempfile::tempdir().unwrap());
    let copy = OpenCopy::open(&store, Some(1), folder.path()).unwrap();
    let mut read = Vec::new();
    copy.content(&hash(&large)).unwrap().unwrap().read_to_end(&mut read).unwrap();
    assert!(read == large);
    assert!(copy.content(&hash(b"three")).unwrap().is_none());
}

fn an_unchanged_night_is_a_listing(place: &Place<'_>) {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate(&place.store()).unwrap();
    let before = place.keys();
    // The first night also looks at the commit that was just made.
    for most in [3, 1] {
        bench.unchanged();
        let proxy = place.server.address.map(Proxy::start);
        let store = proxy.as_ref().map_or_else(|| place.store(), |proxy| place.store_at(proxy.address));
        assert_eq!(made(bench.replicate(&store)), (CopyOutcome::Unchanged, 1, 0, 0));
        let asked = proxy.map(|proxy| proxy.asked()).unwrap_or_default();
        assert!(asked.len() <= most && asked.iter().all(|asked| asked.method == "GET"), "{asked:?}");
        assert_eq!(store.requests(), asked.len() as u64);
        assert_eq!(place.keys(), before);
    }
    place.complete_of(&bench);
}

fn a_changed_night_puts_each_new_content_once(place: &Place<'_>) {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two")]);
    bench.replicate(&place.store()).unwrap();
    let before = place.keys();
    bench.add(&[("B/c.pdf", b"one"), ("B/d.pdf", b"three"), ("B/e.pdf", b"four"), ("B/f.pdf", b"four")]);
    let proxy = place.server.address.map(Proxy::start);
    let store = proxy.as_ref().map_or_else(|| place.store(), |proxy| place.store_at(proxy.address));
    assert_eq!(made(bench.replicate(&store)), (CopyOutcome::Committed, 2, 2, 0));
    if let Some(proxy) = proxy {
        let asked = proxy.asked();
        let puts = |part: &str| asked.iter().filter(|asked| asked.is("PUT", part)).count();
        assert_eq!(["/objects/", "/manifests/", "/state/", "/commits/"].map(puts), [2, 1, 1, 1], "{asked:?}");
        assert!(asked.len() <= 8, "{asked:?}");
    }
    let complete = place.complete_of(&bench);
    let mut added = [object(b"three"), object(b"four")].to_vec();
    added.extend(["commits/000000000002.json".to_owned(), complete.commit.manifest.key, complete.commit.state.key]);
    added.sort();
    assert_eq!(place.keys().into_iter().filter(|key| !before.contains(key)).collect::<Vec<_>>(), added);
    let first: CommitFile = serde_json::from_slice(&place.get("commits/000000000001.json")).unwrap();
    let parent = complete.commit.parent.unwrap();
    assert_eq!((parent.number, parent.sha256), (1, hash(&place.get("commits/000000000001.json"))));
    assert_ne!(first.mark, complete.commit.mark);
}

fn a_lost_record_is_read_from_the_copy(place: &Place<'_>) {
    let mut bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate(&place.store()).unwrap();
    bench.lose_record();
    assert_eq!(made(bench.replicate(&place.store())), (CopyOutcome::Unchanged, 1, 0, 0));
    bench.add(&[("B/b.pdf", b"two")]);
    let done = bench.replicate(&place.store()).unwrap();
    assert_eq!(done.transferred.known, 0);
    assert_eq!(made(Ok(done)), (CopyOutcome::Committed, 2, 1, 0));
    place.complete_of(&bench);
}

fn old_versions_are_kept(place: &Place<'_>) {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two")]);
    // One version was replaced before the first copy, and one is afterwards.
    bench.replace("B/a.pdf", b"one, second");
    assert_eq!(made(bench.replicate(&place.store())), (CopyOutcome::Committed, 1, 3, 0));
    bench.replace("B/b.pdf", b"two, second");
    assert_eq!(made(bench.replicate(&place.store())), (CopyOutcome::Committed, 2, 1, 0));
    let past = place.complete_of(&bench).items.into_iter().filter(|item| item.kind == ItemKind::Past);
    let past: Vec<_> = past.map(|item| (item.path.to_string(), item.sha256, item.until_run, item.missing)).collect();
    let expected = [("B/a.pdf", b"one", 2), ("B/b.pdf", b"two", 3)];
    assert_eq!(past, expected.map(|(path, bytes, run)| (path.to_owned(), hash(bytes), Some(run), false)));
}

fn an_edited_file_is_named_as_missing_until_it_is_mended(place: &Place<'_>) {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two")]);
    fs::write(bench.file("B/a.pdf"), b"ONE").unwrap();
    let done = bench.replicate(&place.store()).unwrap();
    assert_eq!(done.transferred.missing, [hash(b"one")].into());
    assert_eq!(made(Ok(done)), (CopyOutcome::Committed, 1, 1, 1));
    let complete = place.complete_of(&bench);
    assert_eq!(complete.commit.missing, 1);
    let missing: Vec<_> = complete.items.iter().filter(|item| item.missing).map(|item| item.path.as_str()).collect();
    assert_eq!(missing, ["B/a.pdf"]);
    assert!(!place.keys().contains(&object(b"ONE")));
    assert_eq!(made(bench.replicate(&place.store())), (CopyOutcome::Unchanged, 1, 0, 1));
    fs::write(bench.file("B/a.pdf"), b"one").unwrap();
    assert_eq!(made(bench.replicate(&place.store())), (CopyOutcome::Committed, 2, 1, 0));
    assert!(place.complete_of(&bench).items.iter().all(|item| !item.missing));
}

fn a_deleted_copy_is_made_again(place: &Place<'_>) {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two")]);
    bench.replicate(&place.store()).unwrap();
    place.delete_all();
    assert_eq!(made(bench.replicate(&place.store())), (CopyOutcome::Committed, 1, 2, 0));
    place.complete_of(&bench);
}

fn a_copy_of_another_organisation_is_left_alone(place: &Place<'_>) {
    let (bench, other) = (Bench::new(), Bench::new());
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate(&place.store()).unwrap();
    other.add(&[("B/x.pdf", b"x")]);
    other.state.write(|w| w.set("organisation", "another")).unwrap();
    let before = place.keys();
    let refused = other.replicate(&place.store()).unwrap_err();
    assert!(matches!(&refused, Error::OtherOrganisation { ours, theirs, .. } if ours == "another" && theirs == "org"));
    assert!(refused.to_string().contains(&place.url()), "{refused}");
    assert_eq!(place.keys(), before);
    place.complete_of(&bench);
}

type Hook = Box<dyn FnOnce()>;

thread_local! {
    /// What happens once this thread is about to write a commit.
    static BEFORE_COMMIT: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Runs something just before this thread writes its next commit.
fn before_commit(hook: impl FnOnce() + 'static) {
    failpoints::watch(Box::new(|point, step| {
        if point == Point::CopyStep && step.to_string() == "state" {
            let hook = BEFORE_COMMIT.with(RefCell::take);
            if let Some(hook) = hook {
                hook();
            }
        }
    }));
    BEFORE_COMMIT.with(|before| before.replace(Some(Box::new(hook))));
}

/// Two mirrors that begin at the same commit. Returns what the first one's try came to; the other one's commit was faster.
fn interleaved(place: &Place<'_>, bench: &Bench, other: Bench) -> Result<Replicated, Error> {
    let store = place.store();
    before_commit(move || {
        let done = other.replicate(&store).unwrap();
        assert_eq!(done.transferred.known, 1);
        assert_eq!(made(Ok(done)), (CopyOutcome::Committed, 2, 1, 0));
    });
    bench.replicate(&place.store())
}

fn of_two_writers_the_slower_one_takes_the_next_number(place: &Place<'_>) {
    let (bench, other) = (Bench::new(), Bench::new());
    bench.add(&[("B/a.pdf", b"one")]);
    other.add(&[("B/a.pdf", b"one")]);
    assert_eq!(made(bench.replicate(&place.store())), (CopyOutcome::Committed, 1, 1, 0));
    other.add(&[("B/both.pdf", b"both"), ("B/theirs.pdf", b"theirs")]);
    let theirs = other.documents();
    bench.add(&[("B/both.pdf", b"both"), ("B/ours.pdf", b"ours")]);
    assert_eq!(made(interleaved(place, &bench, other)), (CopyOutcome::Committed, 3, 2, 0));
    let complete = place.complete_of(&bench);
    let second = place.get("commits/000000000002.json");
    assert_eq!(complete.commit.parent.map(|parent| parent.sha256), Some(hash(&second)));
    // The commit below is complete, too.
    let (store, folder) = (place.store(), tempfile::tempdir().unwrap());
    let copy = OpenCopy::open(&store, Some(2), folder.path()).unwrap();
    assert_eq!(copy.commit.file.documents, theirs.len() as u64);
    for sha256 in theirs.values() {
        let mut bytes = Vec::new();
        copy.content(sha256).unwrap().unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(hash(&bytes), *sha256);
    }
    // And what the record has is still true.
    bench.add(&[("B/theirs.pdf", b"theirs"), ("B/last.pdf", b"last")]);
    let done = bench.replicate(&place.store()).unwrap();
    assert_eq!((done.commit, done.missing), (4, 0));
    place.complete_of(&bench);
}

/// Writes a commit with the next number, as another writer does whose last run ended later.
fn write_later_commit(place: &Place<'_>) -> u64 {
    let mut commit = place.complete().unwrap().commit;
    commit.number += 1;
    commit.finished_at = "2100-01-01T00:00:00Z".parse().unwrap();
    place.put(&format!("commits/{:012}.json", commit.number), &serde_json::to_vec(&commit).unwrap());
    commit.number
}

fn a_slower_writer_that_is_older_makes_no_commit(place: &Place<'_>) {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate(&place.store()).unwrap();
    bench.add(&[("B/b.pdf", b"two")]);
    let mut commit = place.complete().unwrap().commit;
    (commit.number, commit.finished_at) = (2, "2100-01-01T00:00:00Z".parse().unwrap());
    let (store, bytes) = (place.store(), serde_json::to_vec(&commit).unwrap().into());
    before_commit(move || {
        store.put_new("commits/000000000002.json", &bytes).unwrap();
    });
    assert_eq!(made(bench.replicate(&place.store())), (CopyOutcome::Newer, 2, 1, 0));
    assert!(!place.keys().contains(&"commits/000000000003.json".to_owned()));
    place.complete().unwrap();
}

fn an_older_mirror_writes_nothing(place: &Place<'_>) {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate(&place.store()).unwrap();
    let highest = write_later_commit(place);
    bench.add(&[("B/b.pdf", b"two")]);
    let before = place.keys();
    for _ in 0..2 {
        assert_eq!(made(bench.replicate(&place.store())), (CopyOutcome::Newer, highest, 0, 0));
        assert_eq!(place.keys(), before);
    }
    place.complete().unwrap();
}

fn cut_off_objects_are_replaced(place: &Place<'_>) {
    let (bench, large) = (Bench::new(), large());
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two"), ("B/large.bin", &large)]);
    place.put(&object(b"one"), b"o");
    place.put(&object(b"two"), b"two");
    place.put(&object(&large), &large[..100]);
    let done = bench.replicate(&place.store()).unwrap();
    assert_eq!(done.transferred.known, 1);
    assert_eq!(made(Ok(done)), (CopyOutcome::Committed, 1, 2, 0));
    place.complete_of(&bench);
}

fn other_files_are_left_alone(place: &Place<'_>) {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    let others =
        ["commits/latest.json", "commits/000000000009.json.bak", "objects/README", "objects/on/one", "notes.txt"];
    for key in others {
        place.put(key, b"not ours");
    }
    assert_eq!(made(bench.replicate(&place.store())), (CopyOutcome::Committed, 1, 1, 0));
    bench.unchanged();
    assert_eq!(made(bench.replicate(&place.store())), (CopyOutcome::Unchanged, 1, 0, 0));
    for key in others {
        assert_eq!(place.get(key), b"not ours");
    }
}
