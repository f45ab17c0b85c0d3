//! The crash matrix: each operation is killed at each point that it passes, and started again.
//!
//! An operation first runs once to record its points, so new points are covered automatically. A new operation is one
//! more entry in [`operations`]. Each operation runs with all abilities of the file system and without them. After a
//! kill the same command may be killed again at the same point, and then runs to its end.

mod catalogue;
mod child;
mod operations;
mod recovery;
mod story;
mod trace;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use ibinder_sync::failpoints::Point;

use child::{Command, Task};
use operations::{
    ADD, ADOPT, CUT, FIRST, FORGET, KINDS, MOVE, Operation, PURGE, REMOVE, REPAIR, REPLACE, RESUME, RETAIN, RETURN,
    SWAP,
};
use story::Story;
use trace::Event;

/// Kills after many pieces of bytes show nothing that kills after the first ones don't.
const PIECES: usize = 3;

impl Operation {
    /// Mirrors the precondition, makes the change, and starts the command.
    fn start(&self, story: &mut Story, kill: Option<(Point, usize)>) -> (bool, Vec<Event>) {
        story.round += 1;
        if let Some(prepare) = self.prepare {
            prepare(story);
            story.complete();
        }
        (self.change)(story);
        let before = story.present();
        let task = Task { command: (self.command)(story), fallbacks: story.fallbacks, kill };
        let (killed, passed) = child::start(&story.world, &task);
        story.assert_nothing_lost(&before);
        if killed && kill.is_some_and(|(_, nth)| nth == 1) {
            // The next command may be killed while it repairs.
            child::start(&story.world, &task);
            story.assert_nothing_lost(&before);
        }
        if killed && !matches!(task.command, Command::Run) {
            child::start(&story.world, &Task { kill: None, ..task });
        }
        (killed, passed)
    }

    /// The points that it passes without a kill; their order must be right.
    fn learn(&self, story: &mut Story) -> Vec<Event> {
        story.complete();
        let (_, passed) = self.start(story, None);
        story.complete();
        if let Err(wrong) = trace::check(&passed) {
            panic!("{}, fallbacks only: {}: {wrong}", self.name, story.fallbacks);
        }
        let met: BTreeSet<Point> = passed.iter().map(|event| event.point).collect();
        for point in self.passes[usize::from(story.fallbacks)] {
            assert!(met.contains(point), "{}, fallbacks only: {} never passes {point:?}", self.name, story.fallbacks);
        }
        passed
    }

    fn survives(&self, fallbacks: bool) {
        let mut story = Story::new(fallbacks);
        let mut counts: BTreeMap<Point, usize> = BTreeMap::new();
        let passed = self.learn(&mut story);
        let window = self.window(&passed, fallbacks);
        for (at, event) in passed.iter().enumerate() {
            let nth = counts.entry(event.point).or_default();
            *nth += 1;
            if !window.contains(&at) || event.point == Point::Arrived && *nth > PIECES {
                continue;
            }
            let (killed, _) = self.start(&mut story, Some((event.point, *nth)));
            // Batches depend on timing, but each point is still passed once.
            assert!(killed || *nth > 1, "{}: {:?} was not met again", self.name, event.point);
            story.complete();
        }
    }

    /// All runs begin and end alike, which is therefore only tested once.
    fn window(&self, passed: &[Event], fallbacks: bool) -> Range<usize> {
        if self.whole && !fallbacks {
            return 0..passed.len();
        }
        let opens = |event: &Event| matches!(event.point, Point::Committing | Point::Committed);
        let first = passed.iter().position(|event| !opens(event)).unwrap();
        let ends = |event: &Event| matches!(event.point, Point::Recorded | Point::Freed);
        let last = passed.iter().rposition(ends).unwrap();
        // The list of freed objects is committed and synced.
        first..passed.len().min(last + 4)
    }

    fn survives_everywhere(&self) {
        for fallbacks in [false, true] {
            self.survives(fallbacks);
        }
    }
}

#[test]
fn a_first_mirror_survives_a_kill_at_each_step() {
    FIRST.survives_everywhere();
}

#[test]
fn an_add_survives_a_kill_at_each_step() {
    ADD.survives_everywhere();
}

#[test]
fn a_replacement_survives_a_kill_at_each_step() {
    REPLACE.survives_everywhere();
}

#[test]
fn a_move_survives_a_kill_at_each_step() {
    MOVE.survives_everywhere();
}

#[test]
fn a_swap_survives_a_kill_at_each_step() {
    SWAP.survives_everywhere();
}

#[test]
fn a_document_and_a_folder_that_swap_names_survive_a_kill_at_each_step() {
    KINDS.survives_everywhere();
}

#[test]
fn a_removal_survives_a_kill_at_each_step() {
    REMOVE.survives_everywhere();
}

#[test]
fn a_return_survives_a_kill_at_each_step() {
    RETURN.survives_everywhere();
}

#[test]
fn a_resumed_download_survives_a_kill_at_each_step() {
    RESUME.survives_everywhere();
}

#[test]
fn an_interrupted_download_survives_a_kill_at_each_step() {
    CUT.survives(false);
}

#[test]
fn forgetting_a_binder_survives_a_kill_at_each_step() {
    FORGET.survives(false);
}

#[test]
fn retention_survives_a_kill_at_each_step() {
    RETAIN.survives(false);
}

#[test]
fn a_repair_survives_a_kill_at_each_step() {
    REPAIR.survives(false);
}

#[test]
fn a_purge_survives_a_kill_at_each_step() {
    PURGE.survives(false);
}

#[test]
fn adopting_survives_a_kill_at_each_step() {
    ADOPT.survives(false);
}

#[test]
fn every_point_is_passed_by_some_operation() {
    let mut met = BTreeSet::new();
    for fallbacks in [false, true] {
        for operation in [&FIRST, &ADD, &REPLACE, &MOVE, &SWAP, &REMOVE, &RETURN, &RESUME, &CUT] {
            let mut story = Story::new(fallbacks);
            story.run();
            met.extend(operation.start(&mut story, None).1.iter().map(|event| event.point));
        }
    }
    let mut story = Story::new(false);
    story.run();
    met.extend(PURGE.start(&mut story, None).1.iter().map(|event| event.point));
    // `catalogue` and `recovery` kill at these.
    met.extend([Point::CatalogueWritten, Point::CatalogueRemoved, Point::CopyStep]);
    // Only a second start replays and sweeps, and each kill above has one.
    met.extend([Point::Replayed, Point::Discarded]);
    let missing: Vec<&Point> = Point::ALL.iter().filter(|point| !met.contains(point)).collect();
    assert_eq!(missing, Vec::<&Point>::new());
}
