//! What retention deletes, and when it deletes nothing.

use std::{num::NonZeroU64, time::Duration};

use ibinder_sync::{
    config::Settings,
    mirror::Mirror,
    model::DocumentId,
    report::Freed,
    sandbox::{Organisation, Reply, Route},
    session::Exit,
    state::State,
};
use serde_json::json;

use crate::{
    disk,
    harness::{Ran, World},
};

const DAY: i64 = 86_400;

/// Two binders with one document each, which has two old versions: one ended 200 days ago, the other 100.
struct Past {
    world: World,
    eken: String,
    linden: String,
    a: String,
    b: String,
}

fn past() -> Past {
    let mut o = Organisation::empty();
    let (eken, linden) = (o.add_binder("Brf Eken"), o.add_binder("Brf Linden"));
    let a = o.add_document(&eken, None, "a.txt", "a1").unwrap();
    let b = o.add_document(&linden, None, "b.txt", "b1").unwrap();
    let world = World::new(o);
    world.mirror();
    for n in 2..=3 {
        world.edit(|o| {
            o.revise(&a, format!("a{n}")).unwrap();
            o.revise(&b, format!("b{n}")).unwrap();
        });
        world.mirror();
        age(&world, 100);
    }
    Past { world, eken, linden, a, b }
}

fn sql(world: &World, text: &str) {
    rusqlite::Connection::open(world.database()).unwrap().execute_batch(text).unwrap();
}

/// Makes all history some days older.
fn age(world: &World, days: i64) {
    sql(world, &format!("UPDATE past_versions SET ended_at = ended_at - {}", days * DAY));
}

fn days(days: i64) -> Duration {
    Duration::from_secs((days * DAY).unsigned_abs())
}

fn by_age(given: &mut Settings) {
    given.retain = Some(days(90));
}

fn freed(ran: &Ran) -> (u64, u64, u64) {
    let Freed { versions, objects, bytes } = ran.finished.tally.freed_counts();
    (versions, objects, bytes)
}

impl Past {
    /// Which of the bytes are kept.
    fn held(&self) -> Vec<&'static str> {
        let all = ["a1", "a2", "a3", "b1", "b2", "b3"];
        all.into_iter().filter(|text| disk::is_held(&self.world.dest(), text.as_bytes())).collect()
    }

    /// A complete run with these retention rules.
    fn retains(&self, rules: impl FnOnce(&mut Settings)) -> Ran {
        let ran = self.world.run_with(rules);
        assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
        self.world.assert_mirrors();
        ran
    }

    /// A run that deletes nothing.
    fn keeps_all(&self, exit: Exit) -> Ran {
        let ran = self.world.run_with(by_age);
        assert_eq!((ran.exit(), freed(&ran)), (exit, (0, 0, 0)), "{ran:?}");
        assert_eq!(self.held(), ["a1", "a2", "b1", "b2"]);
        ran
    }
}

#[test]
fn everything_is_kept_unless_asked_otherwise() {
    let past = past();
    age(&past.world, 100_000);
    assert_eq!(freed(&past.retains(|_| {})), (0, 0, 0));
    assert_eq!(past.held(), ["a1", "a2", "b1", "b2"]);
}

#[test]
fn older_versions_are_deleted() {
    let past = past();
    let ran = past.retains(|given| given.retain = Some(days(150)));
    assert_eq!(freed(&ran), (2, 2, 4));
    assert_eq!(past.held(), ["a2", "b2"]);
    let gone: i64 = past.world.sql("SELECT count(*) FROM past_versions WHERE held_sha256 IS NULL AND freed_run = 4");
    assert_eq!(gone, 2);
    assert_eq!(past.world.sql::<i64>("SELECT count(*) FROM past_versions"), 4);
    assert_eq!(past.world.sql::<i64>("SELECT count(*) FROM unlinks"), 0);
    assert_eq!(freed(&past.retains(|given| given.retain = Some(days(150)))), (0, 0, 0));
}

#[test]
fn all_but_the_newest_versions_are_deleted() {
    let past = past();
    assert_eq!(freed(&past.retains(|given| given.retain_versions = NonZeroU64::new(2))), (0, 0, 0));
    assert_eq!(freed(&past.retains(|given| given.retain_versions = NonZeroU64::new(1))), (2, 2, 4));
    assert_eq!(past.held(), ["a2", "b2"]);
}

#[test]
fn files_replaced_by_a_repair_displace_no_version() {
    let past = past();
    let aside = format!(
        "INSERT INTO past_versions (document, version, binder, folder, file_name, path, sha256, held_sha256, size, mtime,
             place_run, first_run, mirrored_at, ended_run, ended_at, cause)
         SELECT document, version || n, binder, folder, file_name, path, sha256,
             (SELECT min(held_sha256) FROM past_versions WHERE document = '{}'), 2, mtime,
             place_run, first_run, mirrored_at, ended_run, ended_at, cause
         FROM past_versions, (SELECT 1 AS n UNION SELECT 2) WHERE document = '{}' AND first_run = 1",
        past.b.to_lowercase(),
        past.a.to_lowercase()
    );
    sql(&past.world, &aside);
    assert_eq!(past.world.sql::<i64>("SELECT count(*) FROM past_versions"), 6);
    assert_eq!(freed(&past.retains(|given| given.retain_versions = NonZeroU64::new(2))), (0, 0, 0));
    assert_eq!(past.held(), ["a1", "a2", "b1", "b2"]);
}

#[test]
fn either_of_two_rules_keeps_a_version() {
    let past = past();
    let both = |age, versions| {
        move |given: &mut Settings| {
            given.retain = Some(days(age));
            given.retain_versions = NonZeroU64::new(versions);
        }
    };
    assert_eq!(freed(&past.retains(both(90, 2))), (0, 0, 0));
    assert_eq!(freed(&past.retains(both(300, 1))), (0, 0, 0));
    assert_eq!(freed(&past.retains(both(90, 1))), (2, 2, 4));
    assert_eq!(past.held(), ["a2", "b2"]);
}

#[test]
fn shared_bytes_are_deleted_with_their_last_version() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let [a, b, _] = ["a.txt", "b.txt", "c.txt"].map(|name| o.add_document(&binder, None, name, "same").unwrap());
    let world = World::new(o);
    world.mirror();
    world.edit(|o| o.revise(&a, "other a").unwrap());
    world.mirror();
    age(&world, 100);
    world.edit(|o| o.revise(&b, "other b").unwrap());
    world.mirror();
    assert_eq!(freed(&world.run_with(by_age)), (1, 0, 0));
    world.assert_held(b"same");
    age(&world, 100);
    assert_eq!(freed(&world.run_with(by_age)), (1, 1, 4));
    assert!(!disk::is_held(&world.dest(), b"same"));
    // The third document now has the same bytes in a file of its own.
    world.assert_mirrors();
    assert_eq!(std::fs::read(world.at("Brf Eken/c.txt")).unwrap(), b"same");
}

#[test]
fn nothing_is_deleted_from_an_uncertified_binder() {
    let past = past();
    let total = past.world.edit(|o| o.documents());
    let item = |document: &str| {
        let d = total.iter().find(|d| d.id == document).unwrap();
        json!({"id": d.id, "fileName": d.file_name, "binderId": d.binder, "latestVersionId": d.version})
    };
    // One binder is always one document short of what it announces.
    for _ in 0..3 {
        let page = |number, items: &[serde_json::Value]| {
            Reply::json(200, &json!({"items": items, "totalCount": 2, "pageNumber": number, "pageSize": 1}))
        };
        past.world.sandbox.script(Route::Search, vec![page(1, &[item(&past.a)]), page(2, &[])]);
    }
    let ran = past.world.run_with(|given| {
        by_age(given);
        given.binder = vec![past.eken.clone()];
    });
    assert!(ran.finished.uncertified, "{ran:?}");
    assert_eq!(freed(&ran), (0, 0, 0));
    // The next listing is consistent; the filter leaves out the other binder.
    let ran = past.world.run_with(|given| {
        by_age(given);
        given.binder = vec![past.eken.clone()];
    });
    assert_eq!(freed(&ran), (2, 2, 4));
    assert_eq!(past.held(), ["b1", "b2"]);
}

#[test]
fn nothing_is_deleted_from_an_inaccessible_binder() {
    let past = past();
    past.world.edit(|o| o.hide_binder(&past.eken)).unwrap();
    let ran = past.world.run_with(by_age);
    assert_eq!((ran.exit(), freed(&ran)), (Exit::Partial, (2, 2, 4)));
    assert_eq!(past.held(), ["a1", "a2"]);
}

#[test]
fn nothing_is_deleted_of_a_document_whose_current_binder_is_inaccessible() {
    let past = past();
    past.world.edit(|o| o.move_document(&past.b, &past.eken, None)).unwrap();
    past.world.mirror();
    past.world.edit(|o| o.hide_binder(&past.eken)).unwrap();
    let ran = past.world.run_with(by_age);
    assert_eq!((ran.exit(), freed(&ran)), (Exit::Partial, (0, 0, 0)));
    assert_eq!(past.held(), ["a1", "a2", "b1", "b2"]);
}

#[test]
fn versions_from_an_inaccessible_binder_are_kept_by_any_rule() {
    let past = past();
    past.world.edit(|o| o.move_document(&past.b, &past.eken, None)).unwrap();
    past.world.mirror();
    past.world.edit(|o| o.hide_binder(&past.linden)).unwrap();
    for rule in [by_age, |given: &mut Settings| given.retain_versions = NonZeroU64::new(1)] {
        let ran = past.world.run_with(rule);
        assert_eq!(ran.exit(), Exit::Partial, "{ran:?}");
        assert!(["b1", "b2"].iter().all(|text| past.held().contains(text)), "{ran:?}");
    }
    assert_eq!(past.held(), ["b1", "b2"]);
}

#[test]
fn nothing_is_deleted_while_removals_are_withheld() {
    let past = past();
    // The binder that had a document lists none.
    past.world.edit(|o| o.remove_document(&past.b)).unwrap();
    past.keeps_all(Exit::Withheld);
}

#[test]
fn nothing_is_deleted_if_the_run_ends_early() {
    let past = past();
    past.world.edit(|o| o.revise(&past.a, "a4").unwrap());
    let ran = past.world.run_with(|given| {
        by_age(given);
        given.min_free = 1_000_000_000_000_000;
    });
    assert_eq!((ran.exit(), freed(&ran)), (Exit::Partial, (0, 0, 0)), "{ran:?}");
    assert_eq!(past.held(), ["a1", "a2", "b1", "b2"]);
}

#[test]
fn a_clock_that_differs_from_the_services_deletes_nothing() {
    let past = past();
    for hours in [-2, 2] {
        past.world.sandbox.change_settings(|settings| settings.clock_offset = hours * 3600);
        let ran = past.keeps_all(Exit::Complete);
        assert!(ran.warns_of("retention deleted nothing") && ran.warns_of("set the clock"), "{ran:?}");
        // Without retention rules there is no warning.
        assert!(!past.retains(|_| {}).warns_of("clock"));
    }
    past.world.sandbox.change_settings(|settings| settings.clock_offset = 1800);
    assert_eq!(freed(&past.retains(by_age)), (4, 4, 8));
}

#[test]
fn without_a_date_from_the_service_nothing_is_deleted() {
    let past = past();
    past.world.sandbox.change_settings(|settings| settings.date = false);
    assert!(past.keeps_all(Exit::Complete).warns_of("have no Date header"));
}

#[test]
fn a_clock_behind_the_previous_run_deletes_nothing() {
    let past = past();
    for column in ["started_at", "finished_at"] {
        sql(
            &past.world,
            &format!("UPDATE runs SET {column} = 4000000000 WHERE number = (SELECT max(number) FROM runs)"),
        );
        assert!(past.keeps_all(Exit::Complete).warns_of("is in the future"), "{column}");
    }
    assert_eq!(freed(&past.retains(by_age)), (4, 4, 8));
}

#[test]
fn versions_that_end_under_a_slow_clock_are_not_old() {
    let past = past();
    let later = jiff::Timestamp::now().as_second() + 40 * DAY;
    sql(&past.world, &format!("UPDATE runs SET started_at = {later} WHERE number = 2"));
    past.world.edit(|o| o.revise(&past.a, "a4").unwrap());
    past.world.mirror();
    for time in [
        "SELECT max(ended_at) FROM past_versions",
        "SELECT max(mirrored_at) FROM documents",
        "SELECT max(changed_at) FROM metadata",
    ] {
        assert!(past.world.sql::<Option<i64>>(time).is_none_or(|at| at >= later), "{time}");
    }
}

#[test]
fn released_objects_are_unlinked_by_the_next_run() {
    let past = past();
    {
        // Killed after the commit, when one of the two objects had been unlinked.
        let mirror = Mirror::open(&past.world.dest()).unwrap();
        let state = State::open(&past.world.database(), false).unwrap();
        let held = state.read(|r| r.held_versions(&DocumentId::parse(&past.a).unwrap())).unwrap();
        state.write(|w| held.iter().try_for_each(|past| w.free(99, past))).unwrap();
        assert_eq!(mirror.drop_object(&held[0].object).unwrap(), Some(2));
        assert_eq!(state.read(|r| r.unlinks()).unwrap().len(), 2);
        assert_eq!(past.held(), ["a1", "b1", "b2"]);
    }
    past.retains(|_| {});
    assert_eq!(past.held(), ["b1", "b2"]);
    assert_eq!(past.world.sql::<i64>("SELECT count(*) FROM unlinks"), 0);
}

#[test]
fn objects_needed_again_are_not_unlinked() {
    let past = past();
    {
        let _mirror = Mirror::open(&past.world.dest()).unwrap();
        let state = State::open(&past.world.database(), false).unwrap();
        let held = state.read(|r| r.held_versions(&DocumentId::parse(&past.a).unwrap())).unwrap();
        state.write(|w| w.free(99, &held[0])).unwrap();
        let also = "INSERT INTO past_versions SELECT NULL, 'x', version, binder, folder, file_name, path, sha256, sha256, size, mtime,
             place_run, first_run, mirrored_at, ended_run, ended_at, cause, NULL, NULL FROM past_versions WHERE freed_run = 99";
        drop(state);
        sql(&past.world, also);
    }
    past.retains(|_| {});
    assert_eq!(past.held(), ["a1", "a2", "b1", "b2"]);
    assert_eq!(past.world.sql::<i64>("SELECT count(*) FROM unlinks"), 0);
}

#[test]
fn a_document_that_returns_after_its_version_was_deleted_is_downloaded() {
    let past = past();
    past.world.edit(|o| o.add_document(&past.linden, None, "c.txt", "c").map(drop)).unwrap();
    past.world.edit(|o| o.remove_document(&past.b)).unwrap();
    past.world.mirror();
    age(&past.world, 100);
    assert_eq!(freed(&past.retains(by_age)), (5, 5, 10));
    assert_eq!(past.held(), [""; 0]);
    past.world.edit(|o| o.restore_document(&past.b)).unwrap();
    let (blobs, ran) = past.world.requests(Route::Blob, || past.world.mirror());
    assert_eq!((blobs, ran.documents().added), (1, 1));
}

#[test]
fn a_plan_deletes_nothing() {
    let past = past();
    let config = past.world.config(Settings { retain: Some(days(1)), ..past.world.given() });
    assert!(!config.options.retain().keeps_all());
    past.world.plan_as(&config);
    assert_eq!(past.held(), ["a1", "a2", "b1", "b2"]);
    assert_eq!(past.world.sql::<i64>("SELECT count(*) FROM past_versions WHERE freed_run IS NOT NULL"), 0);
}

#[test]
fn many_are_deleted_in_batches() {
    let past = past();
    let copies = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1500)
        INSERT INTO past_versions SELECT NULL, document, version || n, binder, folder, file_name, path, sha256, held_sha256, size, mtime,
            place_run, first_run, mirrored_at, ended_run, ended_at, cause, NULL, NULL FROM past_versions, n WHERE document = (SELECT min(document) FROM past_versions)";
    sql(&past.world, copies);
    assert_eq!(freed(&past.retains(by_age)), (3004, 4, 8));
    assert_eq!(past.held(), [""; 0]);
}
