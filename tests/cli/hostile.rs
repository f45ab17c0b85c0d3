//! A hostile service: nothing is written outside of the destination, memory stays bounded, and the run ends.

use std::{
    fmt::Write as _,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::symlink,
    process::Stdio,
    time::Duration,
};

use ibinder_sync::sandbox::{Organisation, Reply, Route};
use serde_json::json;

use crate::program::{Done, Program, snapshot};

/// Most memory of a run, in KiB: the largest response exists once as bytes and once as text.
const MOST_MEMORY: u64 = 400 * 1024;

/// A run, with its peak memory.
fn watched(program: &Program, flags: &[&str]) -> (Done, u64) {
    let mut command = program.run_command(flags);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let watcher = std::thread::spawn(move || {
        let mut most = 0;
        // The peak only grows, and is lost when the process ends.
        while let Some(peak) = fs::read_to_string(&status).ok().and_then(|text| field(&text, "VmHWM:")) {
            most = peak;
            std::thread::sleep(Duration::from_millis(1));
        }
        most
    });
    let done = Done::of(&child.wait_with_output().unwrap());
    (done, watcher.join().unwrap())
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[test]
fn names_do_not_leave_the_destination_or_reach_the_state() {
    const NAMES: [&str; 22] = [
        ".ibinder-sync",
        ".IBINDER-SYNC",
        ".ibinder-sync.",
        ".ibinder-sync ",
        " .ibinder-sync",
        ".ibinder\u{200b}-sync",
        ".ib\u{131}nder-sync",
        ".ibinder-\u{17f}ync",
        "\u{ff0e}ibinder-sync",
        ".ibinder\u{ad}-sync",
        "..",
        ".",
        "\u{ff0e}\u{ff0e}",
        "../../escape",
        "..\\..\\escape",
        "/escape",
        "C:\\escape",
        "a/../../escape",
        "\u{2024}\u{2024}/escape",
        "lock\0",
        "\u{202e}",
        "",
    ];
    let mut o = Organisation::empty();
    for name in NAMES {
        let binder = o.add_binder(name);
        for name in ["state.db", "lock", "../../escape"].into_iter().chain(NAMES) {
            o.add_document(&binder, None, name, "harm").unwrap();
        }
        let folder = o.add_folder(&binder, None, "..").unwrap();
        let folder = o.add_folder(&binder, Some(&folder), ".ibinder-sync").unwrap();
        o.add_document(&binder, Some(&folder), "state.db", "harm").unwrap();
    }
    let program = Program::new(o);
    let beside = program.beside("");
    program.run(&["--concurrency", "32"]).expect(0);
    let found: Vec<_> = fs::read_dir(&beside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(found, ["mirror"]);
    for (path, (bytes, _)) in snapshot(&program.state("")) {
        assert!(bytes != b"harm", "{}", path.display());
    }
    assert_eq!(fs::read_dir(&program.dest).unwrap().count(), NAMES.len() + 1);
    let done = program.run(&["--json"]).expect(0);
    assert_eq!(done.json()["documents"]["unchanged"], NAMES.len() * (NAMES.len() + 4));
}

#[test]
fn a_folder_that_becomes_a_link_in_mid_run_is_not_followed() {
    let program = Program::with_documents(3);
    let (outside, tree) = (program.beside("outside"), program.dest.join("Brf Eken"));
    fs::create_dir(&outside).unwrap();
    let target = outside.clone();
    // The first run plants the link before the folder exists, the second in its place.
    for round in 0..2 {
        let (target, tree) = (target.clone(), tree.clone());
        let plant = Reply::run(move |_| {
            let _ = fs::remove_dir_all(&tree);
            symlink(&target, &tree).unwrap();
        });
        program.sandbox.script(Route::DownloadLink, vec![plant]);
        program.run(&[]).says(4, "neither follows nor replaces");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        fs::remove_file(program.dest.join("Brf Eken")).unwrap();
        program.run(&[]).expect(0);
        program.sandbox.with_organisation(|o| {
            let documents = o.documents();
            for document in documents {
                o.revise(&document.id, format!("round {round}")).unwrap();
            }
        });
    }
}

#[test]
fn a_second_name_of_a_file_keeps_its_bytes() {
    let program = Program::mirrored(1);
    let outside = program.beside("outside");
    fs::hard_link(program.dest.join("Brf Eken/0.txt"), &outside).unwrap();
    program.sandbox.with_organisation(|o| {
        let id = o.documents()[0].id.clone();
        o.revise(&id, "new").unwrap();
    });
    program.run(&[]).expect(0);
    assert_eq!(fs::read(program.dest.join("Brf Eken/0.txt")).unwrap(), b"new");
    assert_eq!(fs::read(&outside).unwrap(), b"bytes 0");
    fs::write(&outside, "edited").unwrap();
    let objects = snapshot(&program.state("objects"));
    assert!(objects.into_values().any(|(bytes, _)| bytes == b"bytes 0"));
}

fn page(items: &str, more: &str) -> Reply {
    Reply::body(200, "application/json", format!(r#"{{"items":[{items}]{more}}}"#))
}

/// Hostile first pages of a search.
fn pages() -> Vec<(&'static str, Reply)> {
    let many = |count: usize, each: &dyn Fn(usize) -> String| (0..count).map(each).collect::<Vec<_>>().join(",");
    let item = |n: usize| format!(r#"{{"id":"x-{n}","latestVersionId":null}}"#);
    let nested = "[".repeat(100_000);
    let closed = format!("{nested}{}", "]".repeat(100_000));
    vec![
        ("a body above the limit", Reply::body(200, "application/json", vec![b' '; (64 << 20) + 1])),
        ("a body at the limit", Reply::body(200, "application/json", vec![b' '; 64 << 20])),
        ("nested lists", Reply::body(200, "application/json", nested)),
        ("nested metadata", page(&format!(r#"{{"id":"x","metadata":{closed}}}"#), r#","totalCount":1"#)),
        ("a page too long", page(&many(100_000, &item), r#","totalCount":100000"#)),
        ("small keys", page("", &many(2_000_000, &|n| format!(r#","{n}":0"#)).replace(",,", ","))),
        ("a total beyond all", page(&item(0), r#","totalCount":18446744073709551615,"pageSize":1"#)),
        ("a page size beyond all", page(&item(0), r#","totalCount":3,"pageSize":18446744073709551615"#)),
        ("another page", page(&item(0), r#","totalCount":3,"pageNumber":18446744073709551615"#)),
        ("an endless id", page(&json!({"id": "x".repeat(10_000_000)}).to_string(), r#","totalCount":1"#)),
        (
            "odd ids",
            page(r#"{"id":"../../x"},{"id":"a\u0000b"},{"id":".."},{"id":"a/b"},{"id":7}"#, r#","totalCount":5"#),
        ),
        (
            "an endless name",
            page(&json!({"id": "x", "fileName": "../".repeat(5_000_000)}).to_string(), r#","totalCount":1"#),
        ),
        ("bytes that were packed", page("", "").header("content-encoding", "gzip")),
    ]
}

#[test]
fn hostile_pages_end_and_change_nothing() {
    let program = Program::mirrored(3);
    let (tree, beside) = (program.dest.join("Brf Eken"), program.beside(""));
    let before = snapshot(&tree);
    for (what, reply) in pages() {
        program.sandbox.script(Route::Search, vec![reply]);
        let (done, peak) = watched(&program, &["--max-duration", "20s", "--json"]);
        assert!([0, 4, 7].contains(&done.code), "{what}: {} {}", done.code, done.err);
        assert!(!done.err.contains("panicked") && !done.err.contains("--max-duration"), "{what}: {}", done.err);
        assert!(
            done.err.len() + done.out.len() < 16 << 20,
            "{what}: {} bytes are said",
            done.err.len() + done.out.len()
        );
        assert!(peak < MOST_MEMORY, "{what}: {peak} KiB");
        assert_eq!(snapshot(&tree), before, "{what}");
        assert_eq!(fs::read_dir(&beside).unwrap().count(), 1, "{what}");
        program.run(&[]).expect(0);
    }
}

#[test]
fn folders_in_a_loop_or_an_endless_chain_end() {
    const COUNT: usize = 20_000;
    for close in [true, false] {
        let program = Program::with_documents(1);
        let mut folders = String::new();
        for n in 0..COUNT {
            let parent = if n > 0 { n - 1 } else { COUNT - 1 };
            let parent = if n > 0 || close { json!(format!("f-{parent}")) } else { json!(null) };
            write!(folders, r#"{}{{"id":"f-{n}","name":"name","parentId":{parent}}}"#, if n > 0 { "," } else { "" })
                .unwrap();
        }
        program.sandbox.script(Route::Drive, vec![Reply::body(200, "application/json", format!("[{folders}]"))]);
        let item = format!(r#"{{"id":"x","fileName":"n","folderId":"f-{}","latestVersionId":"v"}}"#, COUNT - 1);
        program.sandbox.script(Route::Search, vec![page(&item, r#","totalCount":1"#)]);
        let (done, peak) = watched(&program, &["--max-duration", "30s"]);
        assert!([0, 4].contains(&done.code) && !done.err.contains("--max-duration"), "{} {}", done.code, done.err);
        assert!(peak < MOST_MEMORY, "{peak} KiB");
        program.run(&[]);
        assert_eq!(fs::read_dir(program.beside("")).unwrap().count(), 1);
    }
}

/// Storage that answers with `head` and repeats `more` as long as the client reads.
fn endless_storage(head: &'static str, more: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/blob", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let mut sent = stream.write_all(head.as_bytes());
                while sent.is_ok() {
                    sent = stream.write_all(more);
                }
            });
        }
    });
    url
}

#[test]
fn bodies_and_heads_without_end_end() {
    let table: [(&str, &[u8], &[&str], &str); 4] = [
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"4\r\nmore\r\n",
            &["--max-duration", "2s"],
            "--max-duration",
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 4096], &["--max-duration", "2s"], "--max-duration"),
        ("HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 4096], &["--min-free", "1000TB"], "--min-free"),
        ("HTTP/1.1 200 OK\r\n", b"x-more: and more and more\r\n", &["--max-duration", "2s"], ""),
    ];
    for (head, more, flags, words) in table {
        let program = Program::with_documents(1);
        let url = endless_storage(head, more);
        program.sandbox.script(Route::DownloadLink, Reply::json(200, &json!({"url": url})).times(20));
        let (done, peak) = watched(&program, &[flags, &["--bandwidth", "10MB"]].concat());
        assert!(done.err.contains(words), "{}", done.err);
        done.expect(4);
        assert!(peak < MOST_MEMORY / 4, "{head}: {peak} KiB");
        assert!(!program.dest.join("Brf Eken/0.txt").exists());
    }
}

#[test]
fn a_body_longer_than_its_length_is_cut() {
    let program = Program::with_documents(1);
    let url = endless_storage("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole", b" and more");
    program.sandbox.script(Route::DownloadLink, vec![Reply::json(200, &json!({"url": url}))]);
    program.run(&[]).expect(0);
    assert_eq!(fs::read(program.dest.join("Brf Eken/0.txt")).unwrap(), b"whole");
}

#[test]
fn redirects_in_a_loop_end() {
    let program = Program::with_documents(1);
    let away = Reply::status(302).header("location", "/again");
    program.sandbox.script(Route::Blob, away.times(1000));
    program.run(&[]).expect(4);
    assert!(program.sandbox.count(Route::Blob) < 200, "{}", program.sandbox.count(Route::Blob));
}
