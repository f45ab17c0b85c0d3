//! A service with faults: in the end the tree is right, and no partial file is ever visible.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use ibinder_sync::{
    sandbox::{FaultKind, Faults, Generated, Organisation, Reply, Route, Store},
    session::Exit,
    sync::Ended,
};

use crate::{
    disk,
    harness::{Ran, World},
};

/// Reads every file of the tree repeatedly until it is stopped.
struct Watcher {
    end: Arc<AtomicBool>,
    looks: Arc<AtomicU64>,
    thread: JoinHandle<Vec<String>>,
}

impl Watcher {
    /// `whole` has the hashes of everything that a file may contain.
    fn start(dest: PathBuf, whole: HashSet<String>) -> Self {
        let (end, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ended, counted) = (Arc::clone(&end), Arc::clone(&looks));
        let thread = std::thread::spawn(move || {
            let mut partial = Vec::new();
            loop {
                let last = ended.load(Ordering::SeqCst);
                for (path, bytes) in disk::files(&dest) {
                    if !whole.contains(&disk::sha256(&bytes)) {
                        partial.push(format!("{path}: {} bytes", bytes.len()));
                    }
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                if last {
                    return partial;
                }
            }
        });
        Self { end, looks, thread }
    }

    fn finish(self) {
        self.end.store(true, Ordering::SeqCst);
        assert_eq!(self.thread.join().unwrap(), Vec::<String>::new(), "files that were not complete");
        assert!(self.looks.load(Ordering::Relaxed) > 0);
    }
}

fn hashes(world: &World) -> HashSet<String> {
    world.edit(|o| o.documents().iter().map(|d| disk::sha256(&o.bytes(&d.id, &d.version).unwrap())).collect())
}

/// Bytes without repetition that identify their document.
fn large(size: usize, mark: u64) -> Vec<u8> {
    let mut state = mark.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}

/// Every fault at 5 %, and revoked tokens at 1 %. After a 429 everything waits for a second or two, so that fault is
/// left out where it would only cost time.
fn every_fault(with_429: bool) -> Faults {
    use FaultKind as K;
    [K::Internal, K::BadGateway, K::Unavailable, K::Drop, K::Truncate, K::Stall, K::ExpiredLink, K::Garbage, K::Slow]
        .into_iter()
        .chain(with_429.then_some(K::TooMany))
        .fold(Faults::none().with(K::RevokeToken, 0.01), |faults, kind| faults.with(kind, 0.05))
}

/// Runs with every fault at once until a run is complete, at most three times.
fn converges(world: &World, seed: u64, with_429: bool) {
    world.sandbox.change_settings(|s| s.seed = seed);
    world.sandbox.set_faults(every_fault(with_429));
    let mut config = world.config(world.given());
    config.remote.stall_timeout = Duration::from_millis(250);
    config.options.concurrency = if with_429 { 128 } else { 16 };
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(world.run_as(&config));
        if runs.last().is_some_and(|ran| ran.exit() == Exit::Complete) {
            break;
        }
    }
    assert_eq!(runs.last().unwrap().exit(), Exit::Complete, "{runs:#?}");
    world.sandbox.set_faults(Faults::none());
    world.assert_mirrors();
    world.assert_nothing_planned();
}

/// Mirrors about 300 documents, some of them in several pieces, while a watcher reads the tree.
fn mirrored_under_faults(seed: u64, with_429: bool) -> World {
    let mut o = Organisation::generated(&Generated { binders: 2, documents: 290, seed, ..Generated::default() });
    let binder = o.binders()[0].0.clone();
    for n in 0..10 {
        let size = if n < 7 { 300_000 } else { 2_500_000 };
        o.add_document(&binder, None, &format!("large {n}.bin"), large(size, n)).unwrap();
    }
    let world = World::new(o);
    let watcher = Watcher::start(world.dest(), hashes(&world));
    converges(&world, seed, with_429);
    watcher.finish();
    world
}

/// The same for later changes.
fn changed_under_faults(world: &World, seed: u64) {
    world.edit(|o| {
        let documents = o.documents();
        for (n, document) in documents.iter().enumerate() {
            match n % 10 {
                0 => drop(o.revise(&document.id, large(2_000 + n, n as u64)).unwrap()),
                1 => o.rename_document(&document.id, &format!("renamed {n}.pdf")).unwrap(),
                2 if n < 90 => o.remove_document(&document.id).unwrap(),
                _ => {}
            }
        }
    });
    let old: Vec<Vec<u8>> = disk::files(&world.dest()).into_values().collect();
    // During the changes old versions are complete, too.
    let mut whole = hashes(world);
    whole.extend(old.iter().map(|bytes| disk::sha256(bytes)));
    let watcher = Watcher::start(world.dest(), whole);
    converges(world, seed, false);
    watcher.finish();
    let now = hashes(world);
    old.iter().filter(|bytes| !now.contains(&disk::sha256(bytes))).for_each(|bytes| world.assert_held(bytes));
}

#[test]
fn under_every_fault_three_runs_converge() {
    mirrored_under_faults(1, true);
}

#[test]
fn under_every_fault_changes_converge() {
    for seed in [2, 3] {
        let world = mirrored_under_faults(seed, false);
        changed_under_faults(&world, seed + 100);
    }
}

/// One document of this size in one binder, not mirrored yet.
fn one(size: usize) -> (World, String) {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let id = o.add_document(&binder, None, "a.bin", large(size, 7)).unwrap();
    (World::new(o), id)
}

const LARGE: usize = 3_000_000;

/// A run whose download always breaks off, which keeps a partial download.
fn given_up(world: &World) -> Ran {
    world.sandbox.set_faults(Faults::always(FaultKind::Truncate));
    let ran = world.run();
    assert_eq!(ran.exit(), Exit::Partial, "{ran:?}");
    world.sandbox.set_faults(Faults::none());
    ran
}

fn ranges(world: &World) -> Vec<Option<String>> {
    world.sandbox.requests().into_iter().filter(|r| r.route == Route::Blob).map(|r| r.range).collect()
}

#[test]
fn a_broken_download_resumes_where_it_stopped() {
    let (world, _) = one(LARGE);
    world.sandbox.script(Route::Blob, vec![Reply::Truncate]);
    let ran = world.mirror();
    let ranges = ranges(&world);
    assert!(matches!(ranges.as_slice(), [None, Some(range)] if range.starts_with("bytes=1")), "{ranges:?}");
    // Bytes that had not been passed to the writer when the connection broke are sent again.
    assert!(ran.finished.tally.bytes() < LARGE as u64 + 300_000, "{ran:?}");
}

#[test]
fn the_next_run_resumes_an_unfinished_download() {
    let (world, _) = one(LARGE);
    let ran = given_up(&world);
    assert_eq!(ran.documents().failed, 1, "{ran:?}");
    assert_eq!(disk::leftovers(&world.dest()).len(), 1);
    assert_eq!(disk::files(&world.dest()).len(), 0);
    let ran = world.mirror();
    assert!(ran.finished.tally.bytes() < LARGE as u64 / 4, "{ran:?}");
    assert!(ranges(&world).last().unwrap().is_some());
}

#[test]
fn a_download_whose_etag_changed_starts_over() {
    // Azure responds with the rest of the new bytes, S3 with all of them.
    for store in [Store::Azure, Store::S3] {
        let (world, _) = one(LARGE);
        world.sandbox.change_settings(|s| s.store = store);
        given_up(&world);
        let connection = rusqlite::Connection::open(world.database()).unwrap();
        assert_eq!(connection.execute("UPDATE partials SET etag = '\"another\"'", []).unwrap(), 1);
        // Bytes that contradict the announcement are accepted when two downloads agree.
        let ran = world.mirror();
        assert_eq!(ran.finished.tally.bytes(), 2 * LARGE as u64, "{store:?}");
    }
}

#[test]
fn a_kept_download_that_was_tampered_with_is_noticed() {
    // It is hashed again from its first byte. Only small documents have an MD5, so the length shows it.
    let (world, _) = one(LARGE);
    given_up(&world);
    let name = &disk::leftovers(&world.dest())[0];
    std::fs::write(world.dest().join(".ibinder-sync/tmp").join(name), vec![0; LARGE + 10]).unwrap();
    world.mirror();
}

#[test]
fn a_kept_download_that_is_gone_starts_over() {
    let (world, _) = one(LARGE);
    given_up(&world);
    let name = &disk::leftovers(&world.dest())[0];
    std::fs::remove_file(world.dest().join(".ibinder-sync/tmp").join(name)).unwrap();
    world.mirror();
}

#[test]
fn a_kept_download_of_an_older_version_is_thrown_away() {
    let (world, id) = one(LARGE);
    given_up(&world);
    world.edit(|o| o.revise(&id, large(LARGE, 8))).unwrap();
    let ran = world.mirror();
    assert_eq!(ran.finished.tally.bytes(), LARGE as u64);
}

#[test]
fn without_ranges_a_cut_download_starts_over() {
    let (world, _) = one(LARGE);
    world.sandbox.change_settings(|s| s.ranges = false);
    world.sandbox.script(Route::Blob, vec![Reply::Truncate]);
    let ran = world.mirror();
    assert!(ran.finished.tally.bytes() > LARGE as u64);
}

#[test]
fn bytes_that_do_not_match_their_md5_are_fetched_again() {
    let (world, _) = one(1000);
    let wrong =
        Reply::body(200, "application/octet-stream", large(1000, 99)).header("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==");
    world.sandbox.script(Route::Blob, vec![wrong]);
    let (blobs, _) = world.requests(Route::Blob, || world.mirror());
    assert_eq!(blobs, 2);
}

#[test]
fn bytes_ended_by_a_closed_connection_count_when_two_downloads_agree() {
    let (world, _) = one(100_000);
    world.sandbox.change_settings(|s| (s.length, s.content_md5) = (false, false));
    let (blobs, _) = world.requests(Route::Blob, || world.mirror());
    assert_eq!(blobs, 2);
    // Half of a document looks like a complete one, but never agrees with the next download.
    let (world, _) = one(100_000);
    world.sandbox.change_settings(|s| (s.length, s.content_md5) = (false, false));
    world.sandbox.script(Route::Blob, vec![Reply::Truncate]);
    let (blobs, _) = world.requests(Route::Blob, || world.mirror());
    assert_eq!(blobs, 3);
}

const ERROR_PAGE: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Error><Code>InternalError</Code>\
    <Message>We encountered an internal error.</Message><RequestId>1</RequestId></Error>";

#[test]
fn an_error_page_is_not_the_document() {
    let (world, _) = one(1000);
    world.sandbox.script(Route::Blob, vec![Reply::body(200, "application/xml", ERROR_PAGE)]);
    let (blobs, _) = world.requests(Route::Blob, || world.mirror());
    assert_eq!(blobs, 2);
}

#[test]
fn an_error_page_is_not_a_document_of_any_name() {
    for name in ["a.txt", "a.csv", "a.xml", "a.svg", "README", ""] {
        let mut o = Organisation::empty();
        let binder = o.add_binder("Brf Eken");
        o.add_document(&binder, None, name, "its bytes").unwrap();
        let world = World::new(o);
        world.sandbox.script(Route::Blob, vec![Reply::body(200, "application/xml", ERROR_PAGE)]);
        world.mirror();
    }
}

#[test]
fn an_error_page_that_storage_confirms_is_a_document() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    o.add_document(&binder, None, "a.pdf", ERROR_PAGE).unwrap();
    let world = World::new(o);
    let (blobs, _) = world.requests(Route::Blob, || world.mirror());
    assert_eq!(blobs, 1);
}

#[test]
fn a_single_401_costs_neither_the_token_nor_the_document() {
    let (world, _) = one(1000);
    world.sandbox.script(Route::DownloadLink, vec![Reply::status(401)]);
    let (tokens, _) = world.requests(Route::Token, || world.mirror());
    assert_eq!(tokens, 1);
}

#[test]
fn tokens_that_expire_are_renewed() {
    let (world, _) = one(1000);
    world.sandbox.change_settings(|s| s.token_lifetime = Duration::ZERO);
    let ran = world.run();
    assert_eq!(ran.exit(), Exit::Credentials, "no token is ever accepted: {ran:?}");
    world.sandbox.change_settings(|s| s.token_lifetime = Duration::from_hours(1));
    world.mirror();
}

#[test]
fn refused_credentials_end_the_run_after_two_requests() {
    let (world, _) = one(1000);
    let mut config = world.config(world.given());
    config.remote.client_secret = "wrong".into();
    let (tokens, ran) = world.requests(Route::Token, || world.run_as(&config));
    assert_eq!((tokens, ran.exit()), (2, Exit::Credentials));
    assert!(matches!(ran.finished.ended, Ended::Fatal(_)));
    assert_eq!(world.sandbox.count(Route::Binders), 0);
}

#[test]
fn a_404_for_a_link_brings_the_newer_version() {
    let (world, id) = one(1000);
    let newer = large(2000, 9);
    let revise = {
        let (id, newer) = (id.clone(), newer.clone());
        Reply::Run(Box::new(move |o| {
            o.revise(&id, newer).unwrap();
            Reply::problem(404, "Not found")
        }))
    };
    world.sandbox.script(Route::DownloadLink, vec![revise]);
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 1), "{ran:?}");
    assert!(ran.fails_with("which is fetched instead"), "{ran:?}");
    assert_eq!(disk::files(&world.dest())["Brf Eken/a.bin"], newer);
    world.mirror();
}

#[test]
fn a_404_for_a_link_of_a_mirrored_document_brings_the_newer_version() {
    let (world, id) = one(1000);
    world.mirror();
    world.edit(|o| o.revise(&id, large(1500, 8))).unwrap();
    let newer = large(2000, 9);
    let revise = {
        let (id, newer) = (id.clone(), newer.clone());
        Reply::Run(Box::new(move |o| {
            o.revise(&id, newer).unwrap();
            Reply::problem(404, "Not found")
        }))
    };
    world.sandbox.script(Route::DownloadLink, vec![revise]);
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 1), "{ran:?}");
    assert_eq!(world.mirror().documents().unchanged, 1);
    world.assert_held(&large(1000, 7));
}

#[test]
fn a_document_removed_between_listing_and_link_fails_only_once() {
    let (world, id) = one(1000);
    let gone = Reply::run(move |o| o.remove_document(&id).unwrap());
    world.sandbox.script(Route::DownloadLink, vec![gone]);
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().failed, ran.documents().added), (Exit::Partial, 1, 0), "{ran:?}");
    assert_eq!(world.run().exit(), Exit::Complete);
    assert_eq!(disk::files(&world.dest()).len(), 0);
    assert_eq!(disk::leftovers(&world.dest()).len(), 0);
}

#[test]
fn a_404_for_only_the_link_is_a_failure() {
    let (world, _) = one(1000);
    world.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 1), "{ran:?}");
    world.mirror();
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM failures"), 0);
}

#[test]
fn a_failed_document_keeps_its_old_version() {
    let (world, id) = one(1000);
    world.mirror();
    world.edit(|o| o.revise(&id, large(1500, 8))).unwrap();
    world.sandbox.script(Route::Blob, Reply::status(403).times(12));
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 1), "{ran:?}");
    assert_eq!(disk::files(&world.dest())["Brf Eken/a.bin"], large(1000, 7));
    let failure = &ran.finished.tally.failures()[0];
    assert_eq!(failure.document_id.as_deref(), Some(id.as_str()));
    assert!(failure.attempts > 1);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM failures"), 1);
}

/// The document is examined twice: when it is listed, and after the transfers.
#[test]
fn a_rename_is_done_although_the_new_version_fails() {
    let (world, id) = one(1000);
    world.mirror();
    world.edit(|o| {
        o.revise(&id, large(1500, 8)).unwrap();
        o.rename_document(&id, "b.bin").unwrap();
    });
    world.sandbox.script(Route::Blob, Reply::status(403).times(12));
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 1), "{ran:?}");
    assert_eq!(disk::files(&world.dest())["Brf Eken/b.bin"], large(1000, 7));
}

/// A 401 for one thing only affects that thing, even in a small run: folders keep their names, labels are left out, and
/// a document whose link is refused fails.
#[test]
fn a_401_for_one_thing_only_affects_that_thing() {
    let refused = || Reply::problem(401, "Unauthorized").times(20);
    for (route, exit, words) in [
        (Route::MetadataElements, Exit::Complete, "the labels of its metadata could not be read"),
        (Route::Drive, Exit::Complete, "not all folders could be read"),
    ] {
        let world =
            World::new(Organisation::generated(&Generated { binders: 1, documents: 5, ..Generated::default() }));
        world.sandbox.script(route, refused());
        let ran = world.run();
        assert_eq!((ran.exit(), ran.documents().added), (exit, 5), "{ran:?}");
        assert!(ran.warns_of(words), "{ran:?}");
    }
    let world = World::new(Organisation::generated(&Generated { binders: 1, documents: 5, ..Generated::default() }));
    let mut config = world.config(world.given());
    (config.options.concurrency, config.remote.downloads) = (1, 1);
    world.sandbox.script(Route::DownloadLink, Reply::problem(401, "Unauthorized").times(2));
    let ran = world.run_as(&config);
    assert_eq!((ran.exit(), ran.documents().failed, ran.documents().added), (Exit::Partial, 1, 4), "{ran:?}");
    assert!(ran.fails_with("the API client may not read it"), "{ran:?}");
    assert_eq!(world.sandbox.tokens().len(), 1, "{ran:?}");
}

#[test]
fn the_end_of_a_call_is_a_warning_once() {
    let (world, _) = one(1000);
    let deprecation = || Reply::json(200, &serde_json::json!([])).header("sunset", "Sat, 31 Dec 2033 23:59:59 GMT");
    world.sandbox.script(Route::MetadataElements, (0..3).map(|_| deprecation()).collect());
    let ran = world.mirror();
    let warnings = ran.finished.tally.warnings();
    assert_eq!(
        warnings.iter().filter(|text| text.to_string().contains("announces the end of a call")).count(),
        1,
        "{ran:?}"
    );
}
