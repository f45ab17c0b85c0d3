//! A rate slows a run down, and never stops it.

use std::time::Duration;

use ibinder_sync::{
    app::Exit,
    config::Tempo,
    sandbox::{Generated, Organisation},
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
