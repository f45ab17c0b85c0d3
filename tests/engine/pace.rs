//! A rate limit slows a run down and never stops it. A run waits for a service that is down, and then gives up.

use std::time::Duration;

use ibinder_sync::{
    config::RateSetting,
    pace::Rate,
    sandbox::{Generated, Organisation, Reply, Route},
    session::Exit,
    sync::{Ended, StopCause},
};

use crate::harness::World;

/// Pages wait for their turn while the download queue is full. The one whose turn it is must not wait for those that
/// empty the queue.
#[test]
fn a_full_queue_and_a_rate_do_not_wait_for_each_other() {
    let wanted = Generated { binders: 1, documents: 60, ..Generated::default() };
    let world = World::with(Organisation::generated(&wanted), |settings| settings.page_size_cap = 5);
    let ran = world.run_with(|given| {
        given.rate = RateSetting::Set(Rate::per_second(60.0).unwrap());
        given.concurrency = 1;
        // Only a deadlocked run takes this long; it then ends as partial.
        given.max_duration = Some(Duration::from_mins(2));
    });
    assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
    world.assert_mirrors();
}

fn world(documents: usize) -> World {
    World::new(Organisation::generated(&Generated { binders: 2, documents, ..Generated::default() }))
}

#[test]
fn an_outage_of_the_service_leaves_no_trace() {
    // From the first request on, after the token, after the binders, and in the middle.
    for after in [0, 1, 2, 20] {
        let world = world(30);
        world.sandbox.go_down(after, 50);
        let ran = world.mirror();
        assert_eq!(ran.finished.tally.failures(), [], "{after}");
    }
}

#[test]
fn a_service_that_stays_down_ends_the_run_and_keeps_finished_documents() {
    let whole = world(60);
    whole.mirror();
    let world = world(60);
    let mut config = world.config(world.given());
    config.remote.give_up = Duration::from_millis(50);
    // From the first request on, after the binders, and when half of the documents have arrived.
    for (after, some) in [(0, false), (2, false), (whole.asked() - 30, true)] {
        world.sandbox.go_down(after, u64::MAX);
        let ran = world.run_as(&config);
        assert!(matches!(ran.finished.ended, Ended::Early(StopCause::GivenUp)), "{ran:?}");
        assert_eq!(ran.exit(), Exit::Partial);
        assert!(ran.warns_of("--give-up") && ran.finished.tally.failures().is_empty(), "{ran:?}");
        assert_eq!(ran.documents().added > 0, some, "{ran:?}");
    }
    world.sandbox.go_down(0, 0);
    let ran = world.mirror();
    assert!(ran.documents().unchanged > 0);
}

#[test]
fn the_end_of_a_run_does_not_wait_for_a_service_that_is_down() {
    let world = world(10);
    world.sandbox.go_down(2, u64::MAX);
    let ran = world.run_with(|given| given.max_duration = Some(Duration::from_millis(100)));
    assert!(matches!(ran.finished.ended, Ended::Early(StopCause::Duration)), "{ran:?}");
}

#[test]
fn an_outage_of_storage_leaves_no_trace() {
    let world = world(30);
    world.sandbox.script(Route::Blob, Reply::status(503).times(60));
    let (links, ran) = world.requests(Route::DownloadLink, || world.mirror());
    assert_eq!(ran.finished.tally.failures(), []);
    assert!(links <= 2 * 30, "{links}");
}

#[test]
fn only_a_document_that_storage_cannot_send_fails() {
    let world = world(10);
    let mut config = world.config(world.given());
    (config.options.concurrency, config.remote.downloads) = (1, 1);
    // One successful document, then six attempts; after each three of them storage responds at its root.
    world.sandbox.script(Route::Blob, vec![Reply::Pass]);
    for _ in 0..2 {
        world.sandbox.script(Route::Blob, Reply::status(500).times(3));
        world.sandbox.script(Route::Blob, vec![Reply::Pass]);
    }
    let ran = world.run_as(&config);
    assert_eq!((ran.exit(), ran.documents().failed, ran.documents().added), (Exit::Partial, 1, 9), "{ran:?}");
}

#[test]
fn a_link_is_only_requested_when_it_can_be_used() {
    let world = world(40);
    let mut config = world.config(world.given());
    (config.options.concurrency, config.remote.downloads) = (32, 2);
    // Silent downloads occupy two slots.
    world.sandbox.script(Route::Blob, Reply::HangHead.times(2));
    config.options.max_duration = Some(Duration::from_millis(700));
    let (links, _) = world.requests(Route::DownloadLink, || world.run_as(&config));
    assert!(links <= 2, "{links}");
}

#[test]
fn a_run_without_changes_costs_what_the_plan_says() {
    let wanted = Generated { binders: 3, documents: 120, ..Generated::default() };
    let world = World::with(Organisation::generated(&wanted), |settings| settings.page_size_cap = 7);
    world.mirror();
    let expected = world.unchanged_cost();
    let before = world.asked();
    world.mirror();
    assert_eq!(expected, world.asked() - before);
}

#[test]
fn an_unknown_rate_limit_is_discovered() {
    let world =
        World::with(Organisation::generated(&Generated { binders: 1, documents: 12, ..Generated::default() }), |s| {
            s.limit = Some(6);
        });
    let ran = world.run_with(|given| given.rate = RateSetting::Auto);
    assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
    world.assert_mirrors();
}

/// A mirrored organisation in which most documents change; one is renamed and one removed.
fn changed(revised: usize) -> World {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let add = |o: &mut Organisation, n: usize| o.add_document(&binder, None, &format!("{n}.txt"), format!("bytes {n}"));
    let ids: Vec<String> = (0..revised + 30).map(|n| add(&mut o, n).unwrap()).collect();
    let world = World::new(o);
    world.mirror();
    world.edit(|o| {
        for id in &ids[..revised] {
            o.revise(id, "new").unwrap();
        }
        o.rename_document(&ids[revised], "renamed.txt").unwrap();
        o.remove_document(&ids[revised + 1]).unwrap();
    });
    world
}

/// Only the documents of a storage host that is down fail, although most are on that host and requested first, and
/// however it is down.
#[test]
fn a_storage_host_that_is_down_only_fails_its_own_documents() {
    const DEAD: usize = 40;
    const OTHERS: usize = 10;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = format!("http://{}/x?sig=1", silent.local_addr().unwrap());
    for url in ["http://127.0.0.1:1/x?sig=1", &hangs] {
        let world = changed(DEAD + OTHERS);
        let mut config = world.config(world.given());
        (config.remote.give_up, config.remote.head_timeout) = (Duration::from_millis(200), Duration::from_millis(300));
        let dead = (0..DEAD).map(|_| Reply::json(200, &serde_json::json!({ "url": url }))).collect();
        world.sandbox.script(Route::DownloadLink, dead);
        let ran = world.run_as(&config);
        assert!(matches!(ran.finished.ended, Ended::Through), "{ran:?}");
        let documents = ran.documents();
        let done = (documents.failed, documents.updated, documents.moved, documents.removed);
        assert_eq!((ran.exit(), done), (Exit::Partial, (DEAD as u64, OTHERS as u64, 1, 1)), "{url} {ran:?}");
        assert!(ran.fails_with("has not answered for 200ms"), "{ran:?}");
        assert_eq!(world.mirror().documents().updated, DEAD as u64);
    }
}

/// Documents of a host that accepts connections and never responds don't occupy the few slots.
#[test]
fn documents_that_wait_for_a_storage_host_block_no_others() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x?sig=1", silent.local_addr().unwrap());
    let world = changed(60);
    let mut config = world.config(world.given());
    (config.options.concurrency, config.remote.downloads) = (2, 2);
    (config.remote.give_up, config.remote.head_timeout) = (Duration::from_millis(200), Duration::from_mins(5));
    let dead = (0..20).map(|_| Reply::json(200, &serde_json::json!({ "url": url }))).collect();
    world.sandbox.script(Route::DownloadLink, dead);
    let others = world.sandbox.count(Route::Blob) + 40;
    let (ran, came) = std::thread::scope(|scope| {
        // The connections are closed when all others have arrived. A program that lets them wait needs a minute.
        let wait = scope.spawn(|| {
            let began = std::time::Instant::now();
            while world.sandbox.count(Route::Blob) < others && began.elapsed() < Duration::from_mins(1) {
                std::thread::sleep(Duration::from_millis(5));
            }
            drop(silent);
            world.sandbox.count(Route::Blob) >= others
        });
        let ran = world.run_as(&config);
        (ran, wait.join().unwrap())
    });
    assert!(came, "others waited for a host that never answers: {ran:?}");
    assert_eq!((ran.documents().failed, ran.documents().updated), (20, 40), "{ran:?}");
}
