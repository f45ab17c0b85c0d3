//! Storage that breaks its promises about a download: in the end the document is complete, or missing.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use ibinder_sync::{
    sandbox::{Organisation, Reply, Route, Store},
    session::Exit,
};

use crate::{
    disk,
    harness::{Ran, World},
};

const SIZE: usize = 3_000_000;

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect()
}

/// One document of this size, not mirrored yet.
fn one(size: usize) -> World {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    o.add_document(&binder, None, "a.bin", bytes(size)).unwrap();
    World::new(o)
}

/// The same in a storage that announces no MD5, by which wrong bytes would be found anyway.
fn one_without_md5() -> World {
    let world = one(SIZE);
    world.sandbox.change_settings(|settings| settings.content_md5 = false);
    world
}

/// The first download breaks off. Requests for a range get this response, others the normal one.
fn ranges_get(world: &World, answer: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) {
    world.sandbox.script(Route::Blob, vec![Reply::Truncate]);
    ranges_only_get(world, answer);
}

/// Requests for a range get this response, made from the offset of the range and the `ETag` that the document had.
fn ranges_only_get(world: &World, answer: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) {
    world.sandbox.hook(move |asked| {
        let from = asked.range?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()?;
        Some(answer(from, asked.if_range?))
    });
}

fn octets(status: u16, body: Vec<u8>, headers: &[(&str, &str)]) -> Reply {
    let reply = Reply::body(status, "application/octet-stream", body);
    headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
}

fn assert_whole(world: &World, what: &str) {
    assert_eq!(disk::files(&world.dest()).get("Brf Eken/a.bin"), Some(&bytes(SIZE)), "{what}");
    assert_eq!(disk::leftovers(&world.dest()), Vec::<String>::new(), "{what}");
}

/// Builds a response for a range from its offset, the `ETag`, and a function that formats ranges.
type Slice = fn(usize, &str, &dyn Fn(usize, usize) -> String) -> Reply;

#[test]
fn a_part_labelled_as_the_whole_is_not_the_document() {
    let range = |from: usize, total: usize| format!("bytes {from}-{}/{total}", total - 1);
    let slices: [(&str, Slice); 7] = [
        ("200 with a range", |from, tag, range| {
            octets(200, bytes(SIZE)[from..].to_vec(), &[("etag", tag), ("content-range", &range(from, SIZE))])
        }),
        ("200 with the rest", |from, tag, _| octets(200, bytes(SIZE)[from..].to_vec(), &[("etag", tag)])),
        ("200 with a little", |from, tag, _| octets(200, bytes(SIZE)[from..from + 10].to_vec(), &[("etag", tag)])),
        ("200 without a tag", |from, _, _| octets(200, bytes(SIZE)[from..].to_vec(), &[])),
        ("206 with another total", |from, tag, range| {
            let short = bytes(SIZE)[from..SIZE - 10].to_vec();
            octets(206, short, &[("etag", tag), ("content-range", &range(from, SIZE - 10))])
        }),
        ("206 without a tag", |from, _, range| {
            let other = vec![b'x'; SIZE - from];
            octets(206, other, &[("content-range", &range(from, SIZE))])
        }),
        ("206 with another tag", |from, _, range| {
            let other = vec![b'x'; SIZE - from];
            octets(206, other, &[("etag", "\"other\""), ("content-range", &range(from, SIZE))])
        }),
    ];
    for (what, slice) in slices {
        let world = one_without_md5();
        ranges_get(&world, move |from, tag| slice(from, tag, &range));
        let ran = world.run();
        assert_eq!(ran.exit(), Exit::Complete, "{what}: {ran:?}");
        assert_whole(&world, what);
    }
}

#[test]
fn a_part_with_another_content_type_is_not_appended() {
    for kind in ["text/html", "application/xml", "multipart/byteranges; boundary=x"] {
        let world = one_without_md5();
        ranges_get(&world, move |from, tag| {
            let range = format!("bytes {from}-{}/{SIZE}", SIZE - 1);
            Reply::body(206, kind, vec![b'x'; SIZE - from]).header("etag", tag).header("content-range", &range)
        });
        let ran = world.run();
        assert_eq!(ran.exit(), Exit::Complete, "{kind}: {ran:?}");
        assert_whole(&world, kind);
    }
}

#[test]
fn parts_that_contradict_the_md5_in_their_etag_are_not_the_document() {
    let world = one(SIZE);
    let half = SIZE / 2;
    let storage = RawStorage::start(move |from, before| {
        let range = format!("content-range: bytes {half}-{}/{SIZE}\r\n", SIZE - 1);
        let (status, range, length, body) = match (before, from) {
            (0, _) => (200, "", SIZE, bytes(SIZE)[..half].to_vec()),
            (_, Some(from)) => (206, range.as_str(), SIZE - from, vec![b'x'; SIZE - from]),
            (_, None) => (200, "", SIZE, bytes(SIZE)),
        };
        let tag = "etag: \"5d41402abc4b2a76b9719d911017c592\"";
        let head = format!("HTTP/1.1 {status} X\r\n{tag}\r\n{range}content-length: {length}\r\n\r\n");
        [head.as_bytes(), &body].concat()
    });
    world.sandbox.script(Route::DownloadLink, storage.link().times(4));
    let ran = world.run();
    assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
    assert_whole(&world, "two downloads of the whole agree");
    assert_eq!(storage.requests(), 4);
}

#[test]
fn announcements_also_bind_the_next_run() {
    let world = one_without_md5();
    // One part arrives, and then only refusals.
    let refused = Arc::new(AtomicUsize::new(0));
    world.sandbox.hook(move |asked| {
        let first = asked.route == Route::Blob && refused.fetch_add(1, Ordering::SeqCst) == 0;
        (asked.route == Route::Blob).then(|| if first { Reply::Truncate } else { Reply::status(400) })
    });
    let ran = world.run();
    assert_eq!((ran.exit(), disk::leftovers(&world.dest()).len()), (Exit::Partial, 1), "{ran:?}");
    ranges_only_get(&world, |from, tag| octets(200, bytes(SIZE)[from..].to_vec(), &[("etag", tag)]));
    assert_eq!(world.run().exit(), Exit::Complete);
    assert_whole(&world, "the next run");
}

#[test]
fn a_refused_range_leads_to_a_full_download() {
    for status in [204, 304, 400, 401, 403, 404, 405, 409, 410, 412, 416, 500, 501, 503] {
        let world = one(SIZE);
        ranges_get(&world, move |_, _| Reply::status(status));
        let (blobs, ran) = world.requests(Route::Blob, || world.run());
        assert_eq!(ran.exit(), Exit::Complete, "{status}: {ran:?}");
        assert!(blobs <= 4, "{status}: {blobs} requests");
        assert_whole(&world, &status.to_string());
    }
    let world = one(SIZE);
    ranges_get(&world, |_, _| Reply::Drop);
    assert_eq!(world.run().exit(), Exit::Complete);
    assert_whole(&world, "dropped");
}

#[test]
fn a_partial_download_stays_until_the_document_is_complete() {
    let world = one(SIZE);
    ranges_get(&world, |_, _| Reply::status(400));
    // Full downloads are refused, too.
    world.sandbox.script(Route::Blob, vec![Reply::status(400)]);
    let held = |ran: &Ran| {
        assert_eq!(ran.exit(), Exit::Partial, "{ran:?}");
        disk::leftovers(&world.dest())
    };
    let first = held(&world.run());
    assert_eq!(first.len(), 1);
    world.sandbox.unhook();
    let ran = world.run();
    assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
    assert!(ran.finished.tally.bytes() < SIZE as u64, "it resumes: {ran:?}");
    assert_whole(&world, "in the end");
}

#[test]
fn a_download_that_breaks_often_but_progresses_completes_in_one_run() {
    let size = 40_000_000;
    let world = one(size);
    // Each attempt gets half of the rest: more attempts than a request is allowed.
    world.sandbox.script(Route::Blob, (0..8).map(|_| Reply::Truncate).collect());
    let ran = world.mirror();
    assert!(ran.finished.tally.bytes() < size as u64 + 1_000_000, "{ran:?}");
}

#[test]
fn a_wrong_stored_md5_and_an_odd_encoding_exclude_no_document() {
    for (header, value, downloads) in [
        ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==", 3_u64),
        ("content-encoding", "utf-8", 2),
        ("content-encoding", "aws-chunked", 2),
        ("content-encoding", "identity, none", 2),
    ] {
        let world = one(1000);
        world.sandbox.change_settings(|settings| (settings.store, settings.content_md5) = (Store::S3, false));
        world.sandbox.script(
            Route::Blob,
            octets(200, bytes(1000), &[(header, value)]).times(usize::try_from(downloads).unwrap()),
        );
        let (blobs, ran) = world.requests(Route::Blob, || world.mirror());
        assert_eq!(blobs, downloads, "{header}: {value}");
        assert!(ran.warns_of("were kept"), "{ran:?}");
    }
}

#[test]
fn encoded_bytes_are_refused_and_falsely_labelled_ones_are_not() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let pdf = [b"%PDF-1.7\n".to_vec(), bytes(1000)].concat();
    o.add_document(&binder, None, "a.pdf", pdf.clone()).unwrap();
    let world = World::new(o);
    let gzip = [b"\x1f\x8b\x08".to_vec(), bytes(500)].concat();
    world.sandbox.script(Route::Blob, vec![octets(200, gzip, &[("content-encoding", "gzip")])]);
    let ran = world.run();
    assert!(ran.exit() == Exit::Partial && ran.fails_with("gzip"), "{ran:?}");
    world.sandbox.script(Route::Blob, octets(200, pdf, &[("content-encoding", "gzip")]).times(2));
    world.mirror();
}

/// A storage host that sends raw responses, however inconsistent, and then closes the connection.
struct RawStorage {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl RawStorage {
    /// `answer` gets the offset of the requested range, and the number of earlier requests.
    fn start(answer: impl Fn(Option<usize>, usize) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, requests) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&requests);
        let thread = std::thread::spawn(move || {
            loop {
                let (mut stream, _) = listener.accept().unwrap();
                let mut head =
                    BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
                // A connection without a request ends this.
                let Some(_) = head.next() else { return };
                let from = head.fold(None, |from, line| {
                    from.or(line.strip_prefix("range: bytes=").and_then(|range| range.strip_suffix('-')?.parse().ok()))
                });
                // Clients that have received enough disconnect early.
                let _ = stream.write_all(&answer(from, count.fetch_add(1, Ordering::SeqCst)));
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
            }
        });
        Self { address, requests, thread: Some(thread) }
    }

    /// The response to a request for a link.
    fn link(&self) -> Reply {
        Reply::json(200, &serde_json::json!({ "url": format!("http://{}/blob?sig=1", self.address) }))
    }

    fn requests(&self) -> usize {
        self.requests.swap(0, Ordering::SeqCst)
    }
}

impl Drop for RawStorage {
    fn drop(&mut self) {
        drop(TcpStream::connect(self.address));
        self.thread.take().map(JoinHandle::join).unwrap().unwrap();
    }
}

fn head(status: u16, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\netag: \"a\"\r\n{headers}\r\n").into_bytes()
}

/// The head of a partial response from an offset, with one more header.
fn rest(from: usize, header: &str) -> Vec<u8> {
    head(206, &format!("content-range: bytes {from}-{}/{SIZE}\r\n{header}", SIZE - 1))
}

fn chunked(bytes: &[u8]) -> Vec<u8> {
    let chunk = if bytes.is_empty() {
        Vec::new()
    } else {
        [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
    };
    [&chunk[..], b"0\r\n\r\n"].concat()
}

const CHUNKED: &str = "transfer-encoding: chunked\r\n";

/// Partial responses with wrong bodies, by their offset.
type BadRest = fn(usize) -> Vec<u8>;

const BAD_RESTS: [(&str, BadRest); 8] = [
    ("a byte too many", |from| [rest(from, ""), bytes(SIZE)[from..].to_vec(), b"x".to_vec()].concat()),
    ("too much, chunked", |from| [rest(from, CHUNKED), chunked(&bytes(SIZE)[from - 1..])].concat()),
    ("nothing, chunked", |from| [rest(from, CHUNKED), chunked(b"")].concat()),
    ("nothing", |from| rest(from, &format!("content-length: {}\r\n", SIZE - from))),
    ("ten bytes", |from| {
        [rest(from, &format!("content-length: {}\r\n", SIZE - from)), bytes(SIZE)[from..from + 10].to_vec()].concat()
    }),
    ("ten bytes, and then the connection closes", |from| {
        [rest(from, ""), bytes(SIZE)[from..from + 10].to_vec()].concat()
    }),
    ("the rest, called the whole", |from| [head(200, CHUNKED), chunked(&bytes(SIZE)[from..])].concat()),
    ("nothing, called the whole", |_| [head(200, CHUNKED), chunked(b"")].concat()),
];

/// The document; the first download breaks off after two thirds.
fn breaks_once(before: usize) -> Vec<u8> {
    let came = if before == 0 { SIZE / 3 * 2 } else { SIZE };
    [head(200, &format!("content-length: {SIZE}\r\n")), bytes(SIZE)[..came].to_vec()].concat()
}

#[test]
fn a_bad_partial_response_leads_to_a_full_download_in_the_same_run() {
    for (what, bad) in BAD_RESTS {
        let world = one(SIZE);
        let storage = RawStorage::start(move |from, before| from.map_or_else(|| breaks_once(before), bad));
        world.sandbox.script(Route::DownloadLink, storage.link().times(8));
        let ran = world.run();
        assert_eq!(ran.exit(), Exit::Complete, "{what}: {ran:?}");
        assert_whole(&world, what);
        let requests = storage.requests();
        assert!(requests <= 4, "{what}: {requests} requests");
    }
}

#[test]
fn an_old_partial_download_excludes_no_document() {
    for (what, bad) in BAD_RESTS {
        let world = one(SIZE);
        let storage = RawStorage::start(move |from, before| from.map_or_else(|| breaks_once(before), bad));
        // The part that the first run keeps.
        world.sandbox.script(Route::DownloadLink, vec![storage.link(), Reply::status(400)]);
        let ran = world.run();
        assert_eq!((ran.exit(), disk::leftovers(&world.dest()).len()), (Exit::Partial, 1), "{what}: {ran:?}");
        world.sandbox.script(Route::DownloadLink, storage.link().times(8));
        let ran = world.run();
        assert_eq!(ran.exit(), Exit::Complete, "{what}: {ran:?}");
        assert_whole(&world, what);
    }
}

#[test]
fn only_a_document_larger_than_the_disk_fails() {
    for min_free in [0, 1_000_000] {
        let mut o = Organisation::empty();
        let binder = o.add_binder("Brf Eken");
        for n in 0..20 {
            o.add_document(&binder, None, &format!("d{n}.txt"), format!("document {n}")).unwrap();
        }
        let world = World::new(o);
        let petabyte = RawStorage::start(|_, _| head(200, "content-length: 1000000000000000\r\n"));
        world.sandbox.script(Route::DownloadLink, vec![Reply::Pass, petabyte.link()]);
        let ran = world.run_with(|given| given.min_free = min_free);
        assert_eq!((ran.exit(), ran.documents().added, ran.documents().failed), (Exit::Partial, 19, 1), "{ran:?}");
        assert!(ran.fails_with("announces 1000000000000000 bytes"), "{ran:?}");
        world.mirror();
    }
}
