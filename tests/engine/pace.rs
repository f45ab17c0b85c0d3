//! A rate slows a run down, and never stops it. A service that is down is waited for, and then given up.

use std::time::Duration;

use ibinder_sync::{
    app::Exit,
    config::Tempo,
    sandbox::{Generated, Organisation, Reply, Route},
    sync::{Cause, Ended},
};

use crate::harness::World;

/// Pages wait for their turn while the queue that they feed is full. Whoever has the turn must not
/// wait for those who make room in it.
#[test]
fn a_full_queue_and_a_rate_do_not_wait_for_each_other() {
    let wanted = Generated { binders: 1, documents: 60, ..Generated::default() };
    let world = World::with(Organisation::generated(&wanted), |settings| settings.page_size_cap = 5);
    let ran = world.run_with(|given| {
        given.pacing.rate = Some(Tempo::Set(60.0));
        given.concurrency = Some(1);
        // Only a run that stands still takes so long; it then ends as partial.
        given.max_duration = Some(Duration::from_mins(2));
    });
    assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
    world.assert_mirrors();
}

fn world(documents: usize) -> World {
    World::new(Organisation::generated(&Generated { binders: 2, documents, ..Generated::default() }))
}

#[test]
fn a_service_that_was_down_is_as_if_nothing_had_been() {
    // From the first request on; behind the token, the binders, and in the middle of everything.
    for after in [0, 1, 2, 20] {
        let world = world(30);
        world.sandbox.go_down(after, 50);
        let ran = world.mirror();
        assert_eq!(ran.finished.tally.failures(), [], "{after}");
    }
}

#[test]
fn a_service_that_stays_down_ends_the_run_and_what_is_finished_stays() {
    let whole = world(60);
    whole.mirror();
    let world = world(60);
    let mut config = world.config(world.given());
    config.remote.give_up = Duration::from_millis(50);
    // From the first request on, behind the binders, and when half of the documents have come.
    for (after, some) in [(0, false), (2, false), (whole.asked() - 30, true)] {
        world.sandbox.go_down(after, u64::MAX);
        let ran = world.run_as(&config);
        assert!(matches!(ran.finished.ended, Ended::Early(Cause::GivenUp)), "{ran:?}");
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
    assert!(matches!(ran.finished.ended, Ended::Early(Cause::Duration)), "{ran:?}");
}

#[test]
fn storage_that_was_down_is_as_if_nothing_had_been() {
    let world = world(30);
    world.sandbox.script(Route::Blob, Reply::status(503).times(60));
    let (links, ran) = world.requests(Route::DownloadLink, || world.mirror());
    assert_eq!(ran.finished.tally.failures(), []);
    assert!(links <= 2 * 30, "{links}");
}

#[test]
fn a_document_that_storage_cannot_give_fails_alone() {
    let world = world(10);
    let mut config = world.config(world.given());
    (config.options.concurrency, config.remote.downloads) = (1, 1);
    // Six tries; after each three of them storage answers at its root.
    for _ in 0..2 {
        world.sandbox.script(Route::Blob, Reply::status(500).times(3));
        world.sandbox.script(Route::Blob, vec![Reply::Pass]);
    }
    let ran = world.run_as(&config);
    assert_eq!((ran.exit(), ran.documents().failed, ran.documents().added), (Exit::Partial, 1, 9), "{ran:?}");
}

#[test]
fn a_link_is_only_asked_for_when_it_can_be_used() {
    let world = world(40);
    let mut config = world.config(world.given());
    (config.options.concurrency, config.remote.downloads) = (32, 2);
    // Two lanes are held by silent downloads.
    world.sandbox.script(Route::Blob, Reply::HangHead.times(2));
    config.options.max_duration = Some(Duration::from_millis(700));
    let (links, _) = world.requests(Route::DownloadLink, || world.run_as(&config));
    assert!(links <= 2, "{links}");
}

#[test]
fn a_night_on_which_nothing_changed_costs_what_the_plan_says() {
    let wanted = Generated { binders: 3, documents: 120, ..Generated::default() };
    let world = World::with(Organisation::generated(&wanted), |settings| settings.page_size_cap = 7);
    world.mirror();
    let told = world.night();
    let before = world.asked();
    world.mirror();
    assert_eq!(told, world.asked() - before);
}

#[test]
fn an_unknown_limit_is_found_out() {
    let world =
        World::with(Organisation::generated(&Generated { binders: 1, documents: 12, ..Generated::default() }), |s| {
            s.limit = Some(6);
        });
    let ran = world.run_with(|given| given.pacing.rate = Some(Tempo::Auto));
    assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
    world.assert_mirrors();
}
