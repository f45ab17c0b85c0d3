//! Runs whose documents are in Azurite.

use std::{fs, process::Stdio, sync::mpsc};

use ibinder_sync::{sandbox::Route::DownloadLink, session::Exit};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    azurite::{Azurite, CONTAINER, Upload},
    disk,
    harness::World,
    program,
    proxy::{Action, Proxy},
    sas,
    service::{Made, blob, bytes, serve},
};

const MIB: usize = 1024 * 1024;
const NAME: &str = "ritning.dwg";
/// The size of that document.
const LARGE: usize = 24 * MIB;
/// Where its download breaks.
const BREAK: usize = 9 * MIB;

/// A large document, behind a proxy.
fn large(azurite: &Azurite) -> (World, Proxy, String) {
    let proxy = Proxy::start(azurite.blobs.address);
    let made = [Made { name: NAME, size: LARGE, how: Upload::Blocks(4 * MIB) }];
    let world = serve(&azurite.blobs, proxy.address, &made, &[]);
    let blob = blob(&world.sandbox, NAME);
    (world, proxy, blob)
}

/// The connection breaks after this many bytes.
fn cut(bytes: usize) -> Action {
    Action::Cut(bytes, Box::new(|| ()))
}

/// A run whose download breaks and can't be resumed: it leaves what it has.
fn give_up(world: &World, proxy: &Proxy) {
    proxy.does(|asked| cut(if asked.nth == 0 { BREAK } else { 0 }));
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 1), "{ran:?}");
    assert_eq!(disk::leftovers(&world.dest()).len(), 1);
    assert_eq!(disk::files(&world.dest()).len(), 0);
    proxy.does(|_| Action::Pass);
}

#[test]
fn blobs_of_all_sizes_are_mirrored() {
    let Some(azurite) = Azurite::start() else { return };
    let made = [
        ("tom.txt", 0, Upload::Whole),
        ("tom.pdf", 0, Upload::Blocks(1)),
        ("ett.txt", 1, Upload::Whole),
        ("två.txt", 2, Upload::BlocksWithMd5(1)),
        ("under.bin", 65_535, Upload::Blocks(10_000)),
        ("jämnt.bin", 65_536, Upload::Whole),
        ("över.pdf", MIB + 1, Upload::BlocksWithMd5(MIB)),
        ("fem.dwg", 5 * MIB, Upload::Blocks(MIB)),
        ("åtta.ifc", 8 * MIB, Upload::Whole),
        ("block.zip", 64 * MIB, Upload::Blocks(8 * MIB)),
        ("hel.pdf", 64 * MIB, Upload::Whole),
    ];
    let made = made.map(|(name, size, how)| Made { name, size, how });
    let world = serve(&azurite.blobs, azurite.blobs.address, &made, &[]);
    let ran = world.mirror();
    assert_eq!(ran.documents().added, made.len() as u64);
    assert_eq!(world.mirror().finished.tally.bytes(), 0, "nothing changed");
    assert_eq!(world.sandbox.count(DownloadLink), made.len() as u64);
}

#[test]
fn a_run_resumes_after_a_broken_connection() {
    let Some(azurite) = Azurite::start() else { return };
    let (world, proxy, blob) = large(&azurite);
    proxy.does(|asked| if asked.nth == 0 { cut(BREAK) } else { Action::Pass });
    let ran = world.mirror();
    assert!(ran.finished.tally.bytes() < (LARGE + MIB) as u64, "{ran:?}");
    assert!(matches!(proxy.ranges(&blob).as_slice(), [None, Some(_)]), "{:?}", proxy.ranges(&blob));
}

#[test]
fn the_next_run_resumes_after_one_gave_up() {
    let Some(azurite) = Azurite::start() else { return };
    let (world, proxy, blob) = large(&azurite);
    give_up(&world, &proxy);
    let ran = world.mirror();
    assert!(ran.finished.tally.bytes() < (LARGE - BREAK + MIB) as u64, "{ran:?}");
    assert!(matches!(proxy.ranges(&blob).as_slice(), [Some(_)]), "{:?}", proxy.ranges(&blob));
}

#[test]
fn the_next_run_resumes_after_a_signal_and_a_kill() {
    let Some(azurite) = Azurite::start() else { return };
    for (signal, resumed) in [(Signal::TERM, true), (Signal::KILL, false)] {
        let (world, proxy, blob) = large(&azurite);
        let (told, held) = mpsc::channel();
        proxy.does(move |_| Action::Hold(BREAK, told.clone()));
        let mut command = program::mirroring_command(&world, "run", &[]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        held.recv().unwrap();
        kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
        child.wait().unwrap();
        assert_eq!(disk::files(&world.dest()).len(), 0, "{signal:?}");
        proxy.does(|_| Action::Pass);
        world.mirror();
        // A killed run recorded nothing about its bytes.
        assert_eq!(proxy.ranges(&blob)[0].is_some(), resumed, "{signal:?}");
    }
}

#[test]
fn an_expired_link_is_requested_again() {
    let Some(azurite) = Azurite::start() else { return };
    let made = ["a.pdf", "b.pdf", "c.pdf"].map(|name| Made { name, size: 1000, how: Upload::Whole });
    let world = serve(&azurite.blobs, azurite.blobs.address, &made, &[-60]);
    world.mirror();
    assert_eq!(world.sandbox.count(DownloadLink), 6);
}

#[test]
fn expired_links_fail_only_their_documents() {
    let Some(azurite) = Azurite::start() else { return };
    let made = ["a.pdf", "b.pdf"].map(|name| Made { name, size: 1000, how: Upload::Whole });
    let world = serve(&azurite.blobs, azurite.blobs.address, &made, &[-60; 20]);
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 2), "{ran:?}");
    assert!(ran.fails_with("403"), "{ran:?}");
    assert_eq!(disk::files(&world.dest()).len(), 0);
    world.sandbox.change_settings(|settings| settings.links = None);
    world.mirror();
}

#[test]
fn a_link_that_expires_during_a_download_is_renewed() {
    let Some(azurite) = Azurite::start() else { return };
    let (world, proxy, blob) = large(&azurite);
    let expired = sas::reads(CONTAINER, &blob, -1);
    proxy.does(move |asked| match asked.nth {
        0 => cut(BREAK),
        1 => Action::Query(expired.clone()),
        _ => Action::Pass,
    });
    let ran = world.mirror();
    assert!(ran.finished.tally.bytes() < (LARGE + MIB) as u64, "{ran:?}");
    assert!(matches!(proxy.ranges(&blob).as_slice(), [None, Some(_), Some(_)]), "{:?}", proxy.ranges(&blob));
}

/// The tree has what the store has now, never a mixture.
fn assert_is(world: &World, expected: &[u8]) {
    let found = fs::read(world.at(&format!("Brf Eken/{NAME}"))).unwrap();
    assert!(found == expected, "another content, or a mixture of two");
}

#[test]
fn a_blob_replaced_during_a_download_is_not_mixed() {
    let Some(azurite) = Azurite::start() else { return };
    // Of the same length, and longer; with and without an MD5 of the whole.
    for (size, how) in [(LARGE, Upload::Blocks(4 * MIB)), (LARGE + MIB, Upload::Whole)] {
        let (world, proxy, blob) = large(&azurite);
        let (blobs, new) = (azurite.blobs.clone(), bytes(size, 99));
        proxy.does(move |asked| {
            if asked.nth > 0 {
                return Action::Pass;
            }
            let (blobs, blob, new) = (blobs.clone(), blob.clone(), new.clone());
            Action::Cut(BREAK, Box::new(move || blobs.upload(&blob, &new, how)))
        });
        let ran = world.run();
        assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
        assert_is(&world, &bytes(size, 99));
    }
}

#[test]
fn a_blob_replaced_between_runs_is_not_mixed() {
    let Some(azurite) = Azurite::start() else { return };
    for (size, how) in [(LARGE, Upload::Blocks(4 * MIB)), (LARGE - MIB, Upload::Whole), (BREAK, Upload::Whole)] {
        let (world, proxy, blob) = large(&azurite);
        give_up(&world, &proxy);
        azurite.blobs.upload(&blob, &bytes(size, 99), how);
        let ran = world.run();
        assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
        assert_is(&world, &bytes(size, 99));
    }
}

#[test]
fn a_busy_store_is_retried() {
    let Some(azurite) = Azurite::start() else { return };
    let proxy = Proxy::start(azurite.blobs.address);
    let made = ["a.pdf", "b.dwg", "c.txt"].map(|name| Made { name, size: 100_000, how: Upload::Whole });
    let world = serve(&azurite.blobs, proxy.address, &made, &[]);
    proxy.does(|asked| match asked.nth {
        0 => Action::Busy(503, None),
        1 => Action::Busy(429, Some("1")),
        _ => Action::Pass,
    });
    world.mirror();
    for made in &made {
        assert_eq!(proxy.ranges(&blob(&world.sandbox, made.name)).len(), 3, "{}", made.name);
    }
    assert_eq!(world.sandbox.count(DownloadLink), 3, "the links are good");
}
