//! The catalogue is whole whenever the program is killed while it writes it.

use std::collections::{BTreeMap, BTreeSet};

use ibinder_sync::failpoints::Point;

use super::child::{self, Command, Task};
use crate::{
    catalogue::{Seen, catalogue_files, read, tree, two_binders},
    harness::{World, exists},
};

/// What somebody sees who opens the page: nothing yet, or a whole catalogue.
fn look(world: &World) -> Option<Seen> {
    exists(&world.at("index.html")).then(|| read(&world.dest()))
}

fn run(world: &World, per_binder: bool, kill: Option<(Point, usize)>) -> (bool, Vec<(Point, usize)>) {
    let command = if per_binder { Command::CataloguePerBinder } else { Command::Catalogue };
    let (killed, passed) = child::start(world, &Task { command, fallbacks: false, kill });
    let mut counts = BTreeMap::new();
    let numbered = passed.iter().map(|event| {
        let nth = counts.entry(event.point).or_insert(0);
        *nth += 1;
        (event.point, *nth)
    });
    (killed, numbered.collect())
}

/// Kills at each point from the first file of the catalogue on, after `change`.
fn survives(per_binder: bool, is_first: bool) {
    let (world, _, ids) = two_binders();
    let mut round = 0;
    let mut start = |kill| {
        round += 1;
        if is_first {
            let _ = std::fs::remove_dir_all(world.dest());
        } else {
            world.edit(|o| o.rename_document(&ids[0], &format!("round {round}.txt"))).unwrap();
        }
        let (killed, passed) = run(&world, per_binder, kill);
        let seen = look(&world);
        assert!(is_first || seen.is_some());
        let own = world.at("Brf Eken");
        if exists(&own.join("index.html")) {
            read(&own);
        }
        if killed {
            assert!(!run(&world, per_binder, None).0);
        }
        let now = read(&if per_binder { own } else { world.dest() }).documents;
        let expected = tree(&world).into_iter().filter(|path| !per_binder || path.starts_with("Brf Eken/"));
        assert_eq!(now.into_keys().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        passed
    };
    // The third deletes what the first one wrote.
    start(None);
    start(None);
    let passed = start(None);
    let first = passed.iter().position(|(point, _)| *point == Point::CatalogueWritten).unwrap();
    assert!(is_first || passed.iter().any(|(point, _)| *point == Point::CatalogueRemoved));
    // Staging comes before the first file has its name.
    let mut tried = BTreeSet::new();
    for (point, nth) in &passed[first.saturating_sub(4)..] {
        let is_step = matches!(point, Point::CatalogueWritten | Point::CatalogueRemoved);
        // Staging one file is like staging another.
        if tried.insert(*point) || is_step {
            start(Some((*point, *nth)));
        }
    }
    assert!(catalogue_files(&world.dest()).len() > 3);
}

#[test]
fn the_first_catalogue_survives_a_kill_at_each_step() {
    survives(false, true);
}

#[test]
fn a_new_catalogue_survives_a_kill_at_each_step() {
    survives(false, false);
}

#[test]
fn parts_of_binders_survive_a_kill_at_each_step() {
    survives(true, false);
}
