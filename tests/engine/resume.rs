//! Storage that does not keep its word about a download: in the end the document is whole, or nothing is there.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
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

/// The first download breaks off; requests for a range are answered so, and others as they should be.
fn ranges_get(world: &World, answer: impl Fn(usize) -> Reply + Send + Sync + 'static) {
    world.sandbox.script(Route::Blob, vec![Reply::Truncate]);
    world.sandbox.hook(move |asked| {
        let from = asked.range?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()?;
        Some(answer(from))
    });
}

fn octets(status: u16, body: Vec<u8>, headers: &[(&str, &str)]) -> Reply {
    let reply = Reply::body(status, "application/octet-stream", body);
    headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
}

/// The `ETag` of the only document.
fn tag(world: &World) -> String {
    world.edit(|o| format!("\"{}\"", o.documents()[0].version))
}

fn assert_whole(world: &World, what: &str) {
    assert_eq!(disk::files(&world.dest()).get("Brf Eken/a.bin"), Some(&bytes(SIZE)), "{what}");
    assert_eq!(disk::leftovers(&world.dest()), Vec::<String>::new(), "{what}");
}

/// What a slice is called: from where it is, with which `ETag`, and how a range is written.
type Slice = fn(usize, &str, &dyn Fn(usize, usize) -> String) -> Reply;

#[test]
fn a_slice_that_is_called_the_whole_is_not_the_document() {
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
        let world = one(SIZE);
        let tag = tag(&world);
        ranges_get(&world, move |from| slice(from, &tag, &range));
        let ran = world.run();
        assert_eq!(ran.exit(), Exit::Complete, "{what}: {ran:?}");
        assert_whole(&world, what);
    }
}

#[test]
fn what_was_announced_binds_the_next_run_too() {
    let world = one(SIZE);
    let tag = tag(&world);
    // A part comes, and then nothing but refusals.
    let refused = Arc::new(AtomicUsize::new(0));
    world.sandbox.hook(move |asked| {
        let first = asked.route == Route::Blob && refused.fetch_add(1, Ordering::SeqCst) == 0;
        (asked.route == Route::Blob).then(|| if first { Reply::Truncate } else { Reply::status(400) })
    });
    let ran = world.run();
    assert_eq!((ran.exit(), disk::leftovers(&world.dest()).len()), (Exit::Partial, 1), "{ran:?}");
    world.sandbox.hook(move |asked| {
        let from: usize = asked.range?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()?;
        Some(octets(200, bytes(SIZE)[from..].to_vec(), &[("etag", &tag)]))
    });
    assert_eq!(world.run().exit(), Exit::Complete);
    assert_whole(&world, "the next run");
}

#[test]
fn a_range_that_is_refused_is_followed_by_the_whole() {
    for status in [204, 304, 400, 401, 403, 404, 405, 409, 410, 412, 416, 500, 501, 503] {
        let world = one(SIZE);
        ranges_get(&world, move |_| Reply::status(status));
        let (blobs, ran) = world.requests(Route::Blob, || world.run());
        assert_eq!(ran.exit(), Exit::Complete, "{status}: {ran:?}");
        assert!(blobs <= 4, "{status}: {blobs} requests");
        assert_whole(&world, &status.to_string());
    }
    let world = one(SIZE);
    ranges_get(&world, |_| Reply::Drop);
    assert_eq!(world.run().exit(), Exit::Complete);
    assert_whole(&world, "dropped");
}

#[test]
fn what_is_held_stays_until_the_whole_has_come() {
    let world = one(SIZE);
    ranges_get(&world, |_| Reply::status(400));
    // The whole is refused, too.
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
    assert!(ran.finished.tally.bytes() < SIZE as u64, "it goes on where it was: {ran:?}");
    assert_whole(&world, "in the end");
}

#[test]
fn a_download_that_always_breaks_and_always_gets_further_comes_in_one_run() {
    let size = 40_000_000;
    let world = one(size);
    // Each try brings half of what is missing: more of them than a request has tries.
    world.sandbox.script(Route::Blob, (0..8).map(|_| Reply::Truncate).collect());
    let ran = world.mirror();
    assert!(ran.finished.tally.bytes() < size as u64 + 1_000_000, "{ran:?}");
}

#[test]
fn a_wrong_stored_md5_and_an_odd_encoding_lock_nothing_out() {
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
fn bytes_that_are_encoded_are_refused_and_bytes_that_are_only_called_so_are_not() {
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

/// Serves one answer that announces a petabyte; ends when the client hangs up.
fn petabyte() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/blob?sig=1", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000000\r\n\r\nsome").unwrap();
        // The client hangs up, in one way or another.
        while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
    });
    (url, thread)
}

#[test]
fn a_document_larger_than_the_disk_fails_alone() {
    for min_free in [0, 1_000_000] {
        let mut o = Organisation::empty();
        let binder = o.add_binder("Brf Eken");
        for n in 0..20 {
            o.add_document(&binder, None, &format!("d{n}.txt"), format!("document {n}")).unwrap();
        }
        let world = World::new(o);
        let (url, thread) = petabyte();
        world
            .sandbox
            .script(Route::DownloadLink, vec![Reply::Pass, Reply::json(200, &serde_json::json!({ "url": url }))]);
        let ran = world.run_with(|given| given.min_free = min_free);
        thread.join().unwrap();
        assert_eq!((ran.exit(), ran.documents().added, ran.documents().failed), (Exit::Partial, 19, 1), "{ran:?}");
        assert!(ran.fails_with("announces 1000000000000000 bytes"), "{ran:?}");
        world.mirror();
    }
}
