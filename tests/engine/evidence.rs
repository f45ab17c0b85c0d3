//! Storage that sends something else than the documents: nothing of it is taken for them before its time, and a document
//! that only looks odd is not locked out.

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

/// How many documents change in one night.
const CHANGED: usize = 30;

/// The same, as the state counts.
const ROWS: i64 = 30;

/// Bytes that no other document has, and that a file of this name may have.
fn bytes(name: &str, version: usize) -> Vec<u8> {
    let magic = match name.rsplit_once('.').unwrap().1 {
        "pdf" => "%PDF-1.7\n",
        "dwg" => "AC1032\0",
        _ => "",
    };
    format!("{magic}{name}, version {version}").into_bytes()
}

/// A mirror of documents with names of this extension, by a storage that announces no MD5 and marks no blob.
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

/// A night on which storage answers everything with the same body, `times` times, and then the truth.
fn night(world: &World, (kind, body): (&str, &str), times: usize) -> Ran {
    world.sandbox.script(Route::Blob, Reply::body(200, kind, body.to_owned()).times(times));
    let ran = world.run();
    assert_eq!(world.sandbox.scripted(Route::Blob), 0, "every answer was asked for");
    ran
}

/// The service's clock is so many seconds ahead.
fn later(world: &World, seconds: i64) {
    world.sandbox.change_settings(|settings| settings.clock_offset = seconds);
}

fn holds(world: &World, version: usize) -> usize {
    let files = disk::files(&world.dest());
    assert_eq!(files.len(), CHANGED, "one file a document");
    files.iter().filter(|(path, held)| **held == bytes(path.rsplit('/').next().unwrap(), version)).count()
}

#[test]
fn a_nights_stand_in_replaces_nothing_and_the_next_night_mends_it() {
    let (text, json) = (("text/plain", "temporarily unavailable"), ("application/json", r#"{"message":"throttled"}"#));
    for (extension, stand_in, tries) in [
        ("pdf", ("text/html", HTML), 3),
        ("pdf", text, 3),
        ("dwg", json, 3),
        ("pdf", ("application/octet-stream", ""), 3),
        // Nothing contradicts these names: that the bytes repeat tells.
        ("txt", text, 1),
        ("dat", ("application/octet-stream", ""), 1),
        ("html", ("text/html", HTML), 1),
    ] {
        let world = mirrored(extension);
        revise(&world, 2);
        let ran = night(&world, stand_in, CHANGED * tries);
        assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, CHANGED as u64), "{extension}: {ran:?}");
        assert_eq!(holds(&world, 1), CHANGED, "{extension} {stand_in:?}");
        assert_eq!(world.sql::<i64>("SELECT count(*) FROM suspects"), ROWS);
        assert!(disk::leftovers(&world.dest()).is_empty());
        // Repetition within hours is no evidence.
        later(&world, 11 * HOUR);
        let ran = night(&world, stand_in, CHANGED * tries);
        assert_eq!((ran.exit(), holds(&world, 1)), (Exit::Partial, CHANGED), "{extension}: {ran:?}");
        later(&world, DAY);
        world.mirror();
        assert_eq!(holds(&world, 2), CHANGED);
        assert_eq!(world.sql::<i64>("SELECT count(*) FROM suspects"), 0);
    }
}

#[test]
fn a_first_mirror_keeps_stand_ins_back_too() {
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
fn what_an_independent_night_gives_again_is_kept_for_now_and_fetched_again() {
    let world = mirrored("pdf");
    revise(&world, 2);
    night(&world, ("text/html", HTML), CHANGED * 3);
    later(&world, DAY);
    // Retention may not free what the stand-ins replace.
    world.sandbox.script(Route::Blob, Reply::body(200, "text/html", HTML).times(CHANGED * 3));
    let ran = world.run_with(|given| given.retain_versions = NonZeroU64::new(1));
    assert_eq!((ran.exit(), ran.documents().updated), (Exit::Complete, CHANGED as u64), "{ran:?}");
    assert_eq!(holds(&world, 1), 0);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM provisional"), ROWS);
    // A check that finds the same, one that is not due, and one that finds the truth.
    later(&world, 2 * DAY);
    let ran = night(&world, ("text/html", HTML), CHANGED * 3);
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
fn what_is_right_although_it_looks_odd_passes_all_checks() {
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
fn what_fits_or_is_vouched_for_may_repeat() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    for n in 0..20 {
        o.add_document(&binder, None, &format!("a{n}.pdf"), "%PDF-1.7 a form").unwrap();
    }
    let world = World::with(o, plain);
    world.mirror();
    // Storage that announces an MD5 may hold empty files and copied templates.
    world.sandbox.change_settings(|settings| settings.content_md5 = true);
    world.edit(|o| {
        for n in 0..20 {
            o.add_document(&binder, None, &format!("b{n}.txt"), "a template").unwrap();
            o.add_document(&binder, None, &format!("c{n}.pdf"), "").unwrap();
        }
    });
    world.mirror();
    // Bytes that an earlier night gave are no stand-in, whoever vouches for them.
    world.sandbox.change_settings(plain);
    world.edit(|o| {
        for n in 20..25 {
            o.add_document(&binder, None, &format!("b{n}.txt"), "a template").unwrap();
        }
    });
    world.mirror();
    // But a page under several names is one, even where storage vouches for it.
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
fn a_run_that_ends_early_keeps_what_it_cannot_rule_out_for_now() {
    let world = mirrored("txt");
    revise(&world, 2);
    // The service falls silent when some have come.
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
fn an_etag_that_is_the_md5_vouches_for_the_bytes() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    o.add_document(&binder, None, "a.pdf", "hello").unwrap();
    let world = World::with(o, plain);
    let tagged = |tag: &str| Reply::body(200, "application/pdf", "hello").header("etag", tag);
    world.sandbox.script(Route::Blob, tagged("\"5d41402abc4b2a76b9719d911017c593\"").times(3));
    assert_eq!(world.run().exit(), Exit::Partial, "another hash says nothing");
    world.sandbox.script(Route::Blob, vec![tagged("\"5d41402abc4b2a76b9719d911017c592\"")]);
    world.mirror();
}
