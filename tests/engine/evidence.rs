//! Storage that sends something other than the documents: it is never taken for them too early, and a document that
//! only looks odd is accepted in the end.

use std::num::NonZeroU64;

use ibinder_sync::{
    sandbox::{Organisation, Reply, Route, Settings, Store},
    session::Exit,
    sync::Ended,
};

use crate::{
    disk,
    harness::{Ran, World},
};

const HTML: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// How many documents change in one run.
const CHANGED: usize = 30;

/// The same, in the state's type.
const ROWS: i64 = 30;

/// Bytes that no other document has, and that fit the name.
fn bytes(name: &str, version: usize) -> Vec<u8> {
    let magic = match name.rsplit_once('.').unwrap().1 {
        "pdf" => "%PDF-1.7\n",
        "dwg" => "AC1032\0",
        _ => "",
    };
    format!("{magic}{name}, version {version}").into_bytes()
}

/// A mirror of documents with this extension. Storage announces no MD5 and sends no blob headers.
fn mirrored(extension: &str) -> World {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    for n in 0..CHANGED {
        let name = format!("d{n:02}.{extension}");
        o.add_document(&binder, None, &name, bytes(&name, 1)).unwrap();
    }
    let world = World::with(o, plain);
    world.mirror();
    world
}

fn plain(settings: &mut Settings) {
    (settings.store, settings.content_md5) = (Store::S3, false);
}

/// All documents get a new version.
fn revise(world: &World, version: usize) {
    world.edit(|o| {
        for document in o.documents() {
            o.revise(&document.id, bytes(&document.file_name, version)).unwrap();
        }
    });
}

/// A run in which storage sends the same body `times` times, and then the documents.
fn stand_in_run(world: &World, (kind, body): (&str, &str), times: usize) -> Ran {
    world.sandbox.script(Route::Blob, Reply::body(200, kind, body.to_owned()).times(times));
    let ran = world.run();
    assert_eq!(world.sandbox.scripted(Route::Blob), 0, "every scripted response was requested");
    ran
}

/// Advances the service's clock by some seconds.
fn later(world: &World, seconds: i64) {
    world.sandbox.change_settings(|settings| settings.clock_offset = seconds);
}

fn holds(world: &World, version: usize) -> usize {
    let files = disk::files(&world.dest());
    assert_eq!(files.len(), CHANGED, "one file per document");
    files.iter().filter(|(path, held)| **held == bytes(path.rsplit('/').next().unwrap(), version)).count()
}

#[test]
fn a_stand_in_replaces_nothing_and_the_next_run_gets_the_documents() {
    let (text, json) = (("text/plain", "temporarily unavailable"), ("application/json", r#"{"message":"throttled"}"#));
    for (extension, stand_in, tries) in [
        ("pdf", ("text/html", HTML), 3),
        ("pdf", text, 3),
        ("dwg", json, 3),
        ("pdf", ("application/octet-stream", ""), 3),
        // A signature that a notice quotes doesn't count.
        ("pdf", ("text/html", "<!DOCTYPE html><html><p>No %PDF- header was found.</p></html>"), 3),
        ("pdf", ("application/json", r#"{"message":"throttled","expected":"%PDF-1.7"}"#), 3),
        ("pdf", ("text/plain", "temporarily unavailable (%PDF-1.7)"), 3),
        // Nothing contradicts these names; only the repetition gives the stand-in away.
        ("txt", text, 1),
        ("dat", ("application/octet-stream", ""), 1),
        ("html", ("text/html", HTML), 1),
    ] {
        let world = mirrored(extension);
        revise(&world, 2);
        let ran = stand_in_run(&world, stand_in, CHANGED * tries);
        assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, CHANGED as u64), "{extension}: {ran:?}");
        assert_eq!(holds(&world, 1), CHANGED, "{extension} {stand_in:?}");
        assert_eq!(world.sql::<i64>("SELECT count(*) FROM suspects"), ROWS);
        assert!(disk::leftovers(&world.dest()).is_empty());
        // Repetition within hours is no evidence.
        later(&world, 11 * HOUR);
        let ran = stand_in_run(&world, stand_in, CHANGED * tries);
        assert_eq!((ran.exit(), holds(&world, 1)), (Exit::Partial, CHANGED), "{extension}: {ran:?}");
        later(&world, DAY);
        world.mirror();
        assert_eq!(holds(&world, 2), CHANGED);
        assert_eq!(world.sql::<i64>("SELECT count(*) FROM suspects"), 0);
    }
}

#[test]
fn a_first_mirror_holds_stand_ins_back_too() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    for n in 0..3 {
        o.add_document(&binder, None, &format!("d{n}.pdf"), HTML).unwrap();
        o.add_document(&binder, None, &format!("d{n}.txt"), "the same").unwrap();
    }
    o.add_document(&binder, None, "one.txt", "of its own").unwrap();
    let world = World::with(o, plain);
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().failed, ran.documents().added), (Exit::Partial, 6, 1), "{ran:?}");
    later(&world, 12 * HOUR);
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().added), (Exit::Complete, 6), "{ran:?}");
    world.assert_mirrors();
}

#[test]
fn bytes_of_an_independent_run_are_accepted_provisionally_and_downloaded_again() {
    let world = mirrored("pdf");
    revise(&world, 2);
    stand_in_run(&world, ("text/html", HTML), CHANGED * 3);
    later(&world, DAY);
    // Retention may not delete what the stand-ins replace.
    world.sandbox.script(Route::Blob, Reply::body(200, "text/html", HTML).times(CHANGED * 3));
    let ran = world.run_with(|given| given.retain_versions = NonZeroU64::new(1));
    assert_eq!((ran.exit(), ran.documents().updated), (Exit::Complete, CHANGED as u64), "{ran:?}");
    assert_eq!(holds(&world, 1), 0);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM provisional"), ROWS);
    // A check that finds the same bytes, one that is not due, and one that finds the document.
    later(&world, 2 * DAY);
    let ran = stand_in_run(&world, ("text/html", HTML), CHANGED * 3);
    assert_eq!((ran.exit(), ran.documents().updated, ran.documents().unchanged), (Exit::Complete, 0, CHANGED as u64));
    assert_eq!(world.sql::<i64>("SELECT min(passed) FROM provisional"), 1);
    later(&world, 3 * DAY);
    let (blobs, _) = world.requests(Route::Blob, || world.run());
    assert_eq!(blobs, 0);
    later(&world, 4 * DAY);
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().updated), (Exit::Complete, CHANGED as u64), "{ran:?}");
    assert_eq!(holds(&world, 2), CHANGED);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM provisional"), 0);
    for name in ["d00.pdf", "d29.pdf"] {
        world.assert_held(&bytes(name, 1));
    }
    world.assert_nothing_planned();
}

#[test]
fn odd_but_right_bytes_pass_all_checks() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    o.add_document(&binder, None, "a.pdf", "only a note").unwrap();
    let world = World::with(o, plain);
    assert_eq!(world.run().exit(), Exit::Partial);
    for (day, exit, rows) in [
        (1, Exit::Complete, 1),
        (2, Exit::Complete, 1),
        (4, Exit::Complete, 1),
        (8, Exit::Complete, 1),
        (31, Exit::Complete, 0),
    ] {
        later(&world, day * DAY);
        assert_eq!(world.run().exit(), exit, "day {day}");
        assert_eq!(world.sql::<i64>("SELECT count(*) FROM provisional"), rows, "day {day}");
    }
    world.mirror();
}

#[test]
fn fitting_or_confirmed_bytes_may_repeat() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    for n in 0..20 {
        o.add_document(&binder, None, &format!("a{n}.pdf"), "%PDF-1.7 a form").unwrap();
    }
    let world = World::with(o, plain);
    world.mirror();
    // Storage that announces an MD5 may have empty files and copied templates.
    world.sandbox.change_settings(|settings| settings.content_md5 = true);
    world.edit(|o| {
        for n in 0..20 {
            o.add_document(&binder, None, &format!("b{n}.txt"), "a template").unwrap();
            o.add_document(&binder, None, &format!("c{n}.pdf"), "").unwrap();
        }
    });
    world.mirror();
    // Bytes from an earlier run are no stand-in, whether confirmed or not.
    world.sandbox.change_settings(plain);
    world.edit(|o| {
        for n in 20..25 {
            o.add_document(&binder, None, &format!("b{n}.txt"), "a template").unwrap();
        }
    });
    world.mirror();
    // But an HTML page under several names is one, even if storage confirms it.
    world.sandbox.change_settings(|settings| settings.content_md5 = true);
    world.edit(|o| {
        for n in 0..3 {
            o.add_document(&binder, None, &format!("e{n}.pdf"), HTML).unwrap();
        }
    });
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 3), "{ran:?}");
}

#[test]
fn a_run_that_ends_early_accepts_provisionally_what_it_cannot_rule_out() {
    let world = mirrored("txt");
    revise(&world, 2);
    // The service stops responding when some have arrived.
    let asked = world.asked();
    world.sandbox.go_down(20, u64::MAX);
    let mut config = world.config(world.given());
    config.remote.give_up = std::time::Duration::from_millis(50);
    let ran = world.run_as(&config);
    assert!(world.asked() > asked + 20 && matches!(ran.finished.ended, Ended::Early(_)), "{ran:?}");
    assert_eq!(ran.exit(), Exit::Partial, "{ran:?}");
    let new = holds(&world, 2);
    assert!((1..CHANGED).contains(&new), "{new}");
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM provisional"), i64::try_from(new).unwrap());
}

#[test]
fn an_etag_that_is_the_md5_confirms_the_bytes() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    o.add_document(&binder, None, "a.pdf", "hello").unwrap();
    let world = World::with(o, plain);
    let tagged = |tag: &str| Reply::body(200, "application/pdf", "hello").header("etag", tag);
    world.sandbox.script(Route::Blob, tagged("\"5d41402abc4b2a76b9719d911017c593\"").times(3));
    assert_eq!(world.run().exit(), Exit::Partial, "another hash proves nothing");
    world.sandbox.script(Route::Blob, vec![tagged("\"5d41402abc4b2a76b9719d911017c592\"")]);
    world.mirror();
}

/// A mirror of one document. In the first run storage sends something else instead of its new version.
fn revised(name: &str, before: &[u8], now: &[u8]) -> World {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    o.add_document(&binder, None, name, before.to_vec()).unwrap();
    let world = World::with(o, plain);
    world.mirror();
    world.edit(|o| {
        let document = o.documents()[0].id.clone();
        o.revise(&document, now.to_vec()).unwrap();
    });
    world
}

fn in_latin_1() -> Vec<u8> {
    b"Tj\xe4nsten \xe4r tillf\xe4lligt otillg\xe4nglig".to_vec()
}

fn in_utf_16() -> Vec<u8> {
    HTML.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_single_stand_in_in_any_encoding_replaces_nothing() {
    const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
    for (name, mark, stand_in, tries) in [
        ("a.pdf", &b"%PDF-1.7\n"[..], in_latin_1(), 3),
        ("a.jpg", b"\xff\xd8\xff\xe0", in_latin_1(), 3),
        ("a.dwg", b"AC1032\0", in_utf_16(), 3),
        ("a.docx", b"PK\x03\x04", b"\x1f\x8b\x08\0\0\0".to_vec(), 3),
        ("a.zip", b"PK\x03\x04", vec![0; 100], 3),
        ("a.eps", b"%!PS-Adobe-3.0\n", br#"{"message":"x"}"#.to_vec(), 3),
        // Only the previous version gives these away.
        ("a.doc", OLE, HTML.into(), 3),
        ("a.eml", b"From: a\r\n", HTML.into(), 3),
        ("a.xyz", b"\x01\x02", b"unavailable".to_vec(), 3),
        ("a.pdf", b"%PDF-1.7\n", b"\x01\x02\x03".to_vec(), 3),
    ] {
        let (before, now) = ([mark, b"one"].concat(), [mark, b"two"].concat());
        let world = revised(name, &before, &now);
        world.sandbox.script(Route::Blob, Reply::body(200, "application/octet-stream", stand_in.clone()).times(tries));
        let ran = world.run();
        assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 1), "{name} {stand_in:?}: {ran:?}");
        assert_eq!(disk::files(&world.dest())[&format!("Brf Eken/{name}")], before, "{name} {stand_in:?}");
        world.mirror();
        assert_eq!(disk::files(&world.dest())[&format!("Brf Eken/{name}")], now);
    }
}

#[test]
fn a_stand_in_in_any_encoding_becomes_no_new_document() {
    for (name, mark, stand_in) in [("a.pdf", "%PDF-1.7\n", in_latin_1()), ("a.dwg", "AC1032\0", in_utf_16())] {
        let mut o = Organisation::empty();
        let binder = o.add_binder("Brf Eken");
        o.add_document(&binder, None, name, mark).unwrap();
        let world = World::with(o, plain);
        world.sandbox.script(Route::Blob, Reply::body(200, "application/octet-stream", stand_in).times(3));
        let ran = world.run();
        assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 1), "{name}: {ran:?}");
        assert!(disk::files(&world.dest()).is_empty(), "{name}");
        world.mirror();
    }
}

#[test]
fn what_only_lacks_a_mark_is_kept_for_now() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    o.add_document(&binder, None, "a.pdf", b"\x03sealed by a program".to_vec()).unwrap();
    // Readers accept junk in front of a PDF.
    o.add_document(&binder, None, "b.pdf", b"junk\n%PDF-1.4\n1 0 obj".to_vec()).unwrap();
    o.add_document(&binder, None, "c.doc", HTML).unwrap();
    let world = World::with(o, plain);
    world.mirror();
    assert_eq!(
        world.sql::<String>("SELECT d.file_name FROM provisional p JOIN documents d ON d.id = p.document"),
        "a.pdf"
    );
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM provisional"), 1);
}

/// Changes the state directly.
fn change(world: &World, statement: &str) {
    rusqlite::Connection::open(world.database()).unwrap().execute_batch(statement).unwrap();
}

/// Shifts recorded times of this machine's clock into the past. The service's clock is set separately.
fn shift_ours(world: &World, hours: i64) {
    for (table, column) in [("suspects", "first_at"), ("provisional", "accepted_at")] {
        change(world, &format!("UPDATE {table} SET {column} = {column} - {}", hours * HOUR));
    }
}

const YEARS: i64 = 10 * 365 * DAY;

#[test]
fn a_wrong_date_makes_no_run_independent() {
    // An hour ahead later, and behind at first.
    for (first, second) in [(0, YEARS), (-YEARS, HOUR)] {
        let world = mirrored("pdf");
        revise(&world, 2);
        later(&world, first);
        stand_in_run(&world, ("text/html", HTML), CHANGED * 3);
        later(&world, second);
        shift_ours(&world, 1);
        let ran = stand_in_run(&world, ("text/html", HTML), CHANGED * 3);
        assert_eq!((ran.exit(), holds(&world, 1)), (Exit::Partial, CHANGED), "{first} {second}: {ran:?}");
        later(&world, DAY);
        world.mirror();
        assert_eq!(holds(&world, 2), CHANGED);
    }
}

#[test]
fn a_wrong_date_locks_nothing_out() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    o.add_document(&binder, None, "a.pdf", "only a note").unwrap();
    let world = World::with(o, plain);
    later(&world, YEARS);
    assert_eq!(world.run().exit(), Exit::Partial);
    // The wait starts again, and ends a day later.
    later(&world, DAY);
    shift_ours(&world, 24);
    assert_eq!(world.run().exit(), Exit::Partial);
    later(&world, 2 * DAY);
    shift_ours(&world, 24);
    world.mirror();
    // Accepted in the future: checked at once, and then in order.
    change(&world, &format!("UPDATE provisional SET accepted_at = accepted_at + {YEARS}, accepted_at_service = NULL"));
    let (blobs, _) = world.requests(Route::Blob, || world.mirror());
    assert_eq!((blobs, world.sql::<i64>("SELECT passed FROM provisional")), (3, 0));
    let (blobs, _) = world.requests(Route::Blob, || world.mirror());
    assert_eq!(blobs, 0);
}
