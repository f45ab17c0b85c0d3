//! Listings with a suspiciously round total, read in two sort orders.

use ibinder_sync::{
    config,
    sandbox::{Organisation, Route, Settings},
    session::Exit,
};

use crate::harness::{Ran, World};

/// A run over a binder with this many documents, which a filter leaves out; and how many pages it requested.
fn listed(documents: usize, change: impl FnOnce(&mut Settings)) -> (Ran, u64) {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    o.add_document(&binder, None, "kept.pdf", "kept").unwrap();
    for n in 1..documents {
        o.add_document(&binder, None, &format!("{n}.txt"), "").unwrap();
    }
    let world = World::with(o, change);
    let leave_out = |given: &mut config::Settings| given.exclude.push("**/*.txt".to_owned());
    let (asked, ran) = world.requests(Route::Search, || world.run_with(leave_out));
    assert_eq!(ran.documents().added, 1, "{ran:?}");
    (ran, asked)
}

#[test]
fn a_round_total_is_certified_by_two_orders() {
    let (ran, asked) = listed(10_000, |_| {});
    assert_eq!((ran.exit(), ran.finished.uncertified), (Exit::Complete, false), "{ran:?}");
    assert_eq!(asked, 3 * 40);
}

#[test]
fn a_listing_that_is_cut_off_is_not_certified_by_two_orders() {
    let (ran, _) = listed(10_001, |settings| settings.search_cap = Some(10_000));
    assert_eq!((ran.exit(), ran.finished.uncertified), (Exit::Partial, true), "{ran:?}");
    assert!(ran.documents().seen > 10_000, "the other order shows what the first one cut off: {ran:?}");
}

#[test]
fn an_ignored_sort_order_certifies_nothing() {
    let (ran, _) = listed(10_000, |settings| settings.sorts = false);
    assert_eq!((ran.exit(), ran.finished.uncertified), (Exit::Partial, true), "{ran:?}");
}
