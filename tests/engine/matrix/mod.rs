//! The crash matrix: each operation, killed at each point that it passes, and started again.
//!
//! An operation runs once to learn its points, so that a new point in the code is covered by itself;
//! a new operation is one more entry below. Each runs with all abilities of the file system and with none.
//! After a kill the same command may be killed at the same point again, and is then left alone.

mod child;
mod story;
mod trace;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use ibinder_sync::{
    app::Exit,
    crash::Point,
    sandbox::{FaultKind, Faults, Reply, Route},
};

use child::{Command, Task};
use story::Story;
use trace::Event;

/// Something that happens at the service, and the command that follows it.
struct Operation {
    name: &'static str,
    /// What must be mirrored before it.
    prepare: Option<fn(&mut Story)>,
    change: fn(&mut Story),
    command: fn(&Story) -> Command,
    /// Whether it is killed while the run opens and ends, too.
    whole: bool,
    /// Points that it passes for certain; with fallbacks only, the others.
    passes: [&'static [Point]; 2],
}

use Point as P;

const FIRST: Operation = Operation {
    name: "first mirror",
    prepare: None,
    change: Story::forget_everything,
    command: |_| Command::Run,
    whole: true,
    passes: [
        &[P::Arrived, P::Written, P::Staged, P::Synced, P::Begun, P::FolderMade, P::Added, P::Recorded],
        &[P::FileSynced, P::Begun, P::FolderMade, P::Linked, P::Added, P::FolderSynced, P::Recorded],
    ],
};

const ADD: Operation = Operation {
    name: "add",
    prepare: None,
    change: |story| {
        let (tab, round) = (story.tabs[0].clone(), story.round);
        story.add(0, Some(&tab), &format!("new {round}.txt"), 1);
        let folder = story.folder(1, &format!("Ny {round}"));
        story.add(1, Some(&folder), "new.txt", 1);
    },
    command: |_| Command::Run,
    whole: false,
    passes: [
        &[P::Staged, P::Grouped, P::Synced, P::Begun, P::FolderMade, P::Added, P::CarriedOut, P::Recorded],
        &[P::FileSynced, P::Begun, P::FolderMade, P::Linked, P::Added, P::FolderSynced, P::Recorded],
    ],
};

const REPLACE: Operation = Operation {
    name: "replace",
    prepare: None,
    change: |story| {
        for n in 0..2 {
            story.revise(n);
        }
    },
    command: |_| Command::Run,
    whole: false,
    passes: [
        &[P::Staged, P::Synced, P::Begun, P::Exchanged, P::Held, P::CarriedOut, P::Recorded],
        &[P::FileSynced, P::Begun, P::OldLinked, P::CopiedOut, P::Held, P::Replaced, P::FolderSynced, P::Recorded],
    ],
};

const MOVE: Operation = Operation {
    name: "move",
    prepare: Some(|story| {
        let folder = story.folder(0, "Flytt");
        story.subject = story.add(0, Some(&folder), "moves.txt", 1);
    }),
    change: |story| {
        let (id, name) = (story.subject.clone(), format!("moved {}.txt", story.round));
        let to = story.folder(1, &format!("Hit {}", story.round));
        story.world.edit(|o| o.move_document(&id, &story.binders[1], Some(&to)).unwrap());
        story.world.edit(|o| o.rename_document(&story.documents[0], &name).unwrap());
    },
    command: |_| Command::Run,
    whole: false,
    passes: [
        &[P::Begun, P::FolderMade, P::Moved, P::CarriedOut, P::Pruned, P::Recorded],
        &[P::Begun, P::FolderMade, P::Linked, P::Moved, P::FolderSynced, P::Pruned, P::Recorded],
    ],
};

const SWAP: Operation = Operation {
    name: "swap of two names",
    prepare: None,
    change: |story| {
        let ids = [0, 2].map(|n| story.documents[n].clone());
        story.world.edit(|o| {
            let name = |id: &String| o.documents().into_iter().find(|d| d.id == *id).unwrap().file_name;
            let names = ids.each_ref().map(name);
            o.rename_document(&ids[0], &names[1]).unwrap();
            o.rename_document(&ids[1], &names[0]).unwrap();
        });
    },
    command: |_| Command::Run,
    whole: false,
    passes: [&[P::Begun, P::Moved, P::CarriedOut, P::Recorded], &[P::Begun, P::Linked, P::Moved, P::FolderSynced]],
};

fn add_subject(story: &mut Story) {
    let folder = story.folder(0, "Bort");
    story.subject = story.add(0, Some(&folder), "leaves.txt", 1);
}

fn remove_subject(story: &mut Story) {
    story.world.edit(|o| o.remove_document(&story.subject).unwrap());
}

const REMOVE: Operation = Operation {
    name: "remove",
    prepare: Some(add_subject),
    change: remove_subject,
    command: |_| Command::Run,
    whole: false,
    passes: [
        &[P::Begun, P::Parked, P::Held, P::CarriedOut, P::Pruned, P::Recorded],
        &[P::Begun, P::Linked, P::Parked, P::Held, P::FolderSynced, P::Pruned, P::Recorded],
    ],
};

const RETURN: Operation = Operation {
    name: "return of a removed document",
    prepare: Some(|story| {
        add_subject(story);
        story.settle();
        remove_subject(story);
    }),
    change: |story| story.world.edit(|o| o.restore_document(&story.subject).unwrap()),
    command: |_| Command::Run,
    whole: false,
    passes: [&[P::Staged, P::Synced, P::Begun, P::Added, P::Recorded], &[P::FileSynced, P::Begun, P::Added]],
};

const RESUME: Operation = Operation {
    name: "publish of a resumed download",
    prepare: None,
    change: |story| {
        let tab = story.tabs[0].clone();
        story.add(0, Some(&tab), &format!("large {}.txt", story.round), 3000);
        story.world.sandbox.set_faults(Faults::always(FaultKind::Truncate));
        assert_eq!(story.run().exit(), Exit::Partial);
        story.world.sandbox.set_faults(Faults::none());
    },
    command: |_| Command::Run,
    whole: false,
    passes: [
        &[P::Resumed, P::Arrived, P::Written, P::Staged, P::Synced, P::Begun, P::Added, P::Recorded],
        &[P::Resumed, P::Arrived, P::FileSynced, P::Begun, P::Added, P::Recorded],
    ],
};

const CUT: Operation = Operation {
    name: "publish of a download that was cut meanwhile",
    prepare: None,
    change: |story| {
        let tab = story.tabs[0].clone();
        story.add(0, Some(&tab), &format!("cut {}.txt", story.round), 3000);
        story.world.sandbox.script(Route::Blob, vec![Reply::Truncate]);
    },
    command: |_| Command::Run,
    whole: false,
    passes: [
        &[P::Arrived, P::PartialKept, P::Resumed, P::Staged, P::Synced, P::Begun, P::Added, P::Recorded],
        &[P::Arrived, P::PartialKept, P::Resumed, P::FileSynced, P::Begun, P::Added, P::Recorded],
    ],
};

const FORGET: Operation = Operation {
    name: "forgetting a binder",
    prepare: Some(|story| story.world.edit(|o| o.show_binder(&story.binders[1]).unwrap())),
    change: |story| story.world.edit(|o| o.hide_binder(&story.binders[1]).unwrap()),
    command: |story| Command::Forget(story.binders[1].clone()),
    whole: false,
    passes: [&[P::Begun, P::Parked, P::Held, P::CarriedOut, P::Pruned, P::Recorded], &[]],
};

const PURGE: Operation = Operation {
    name: "purge",
    prepare: Some(|story| {
        add_subject(story);
        story.settle();
        story.revise_subject();
    }),
    change: Story::erase_subject,
    command: |story| Command::Purge(story.subject.clone()),
    whole: true,
    passes: [&[P::Erased, P::Pruned, P::Freed, P::StateFileWritten, P::Synced, P::Committed], &[]],
};

const ADOPT: Operation = Operation {
    name: "adopting after the state was lost",
    prepare: None,
    change: Story::lose_the_state,
    command: |_| Command::Adopt,
    whole: false,
    passes: [&[P::Begun, P::CarriedOut, P::Recorded], &[]],
};

const REPAIR: Operation = Operation {
    name: "repair of a missing and a damaged file",
    prepare: None,
    change: |story| {
        story.damage(0);
        story.lose_file(2);
    },
    command: |_| Command::Repair,
    whole: false,
    passes: [&[P::Staged, P::Synced, P::Begun, P::Exchanged, P::Held, P::Added, P::Recorded], &[]],
};

/// Kills at the last of many pieces of bytes show nothing that those at the first ones don't.
const PIECES: usize = 3;

impl Operation {
    /// Mirrors what is needed, makes the change, and starts the command.
    fn start(&self, story: &mut Story, kill: Option<(Point, usize)>) -> (bool, Vec<Event>) {
        story.round += 1;
        if let Some(prepare) = self.prepare {
            prepare(story);
            story.settle();
        }
        (self.change)(story);
        let before = story.present();
        let task = Task { command: (self.command)(story), fallbacks: story.fallbacks, kill };
        let (killed, passed) = child::start(&story.world, &task);
        story.assert_nothing_lost(&before);
        if killed && kill.is_some_and(|(_, nth)| nth == 1) {
            // The next one may be killed while it mends.
            child::start(&story.world, &task);
            story.assert_nothing_lost(&before);
        }
        if killed && !matches!(task.command, Command::Run) {
            child::start(&story.world, &Task { kill: None, ..task });
        }
        (killed, passed)
    }

    /// What it passes when nothing kills it, in a right order.
    fn learn(&self, story: &mut Story) -> Vec<Event> {
        story.settle();
        let (_, passed) = self.start(story, None);
        story.settle();
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
        let window = self.window(&passed);
        for (at, event) in passed.iter().enumerate() {
            let nth = counts.entry(event.point).or_default();
            *nth += 1;
            if !window.contains(&at) || event.point == Point::Arrived && *nth > PIECES {
                continue;
            }
            let (killed, _) = self.start(&mut story, Some((event.point, *nth)));
            // Groups depend on what comes when; each point is met once all the same.
            assert!(killed || *nth > 1, "{}: {:?} was not met again", self.name, event.point);
            story.settle();
        }
    }

    /// How a run opens and ends is the same each time, and tried once.
    fn window(&self, passed: &[Event]) -> Range<usize> {
        if self.whole {
            return 0..passed.len();
        }
        let opens = |event: &Event| matches!(event.point, Point::Committing | Point::Committed);
        let first = passed.iter().position(|event| !opens(event)).unwrap();
        let last = passed.iter().rposition(|event| event.point == Point::Recorded).unwrap();
        first..last + 1
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
fn a_download_that_was_cut_survives_a_kill_at_each_step() {
    CUT.survives(false);
}

#[test]
fn letting_a_binder_go_survives_a_kill_at_each_step() {
    FORGET.survives(false);
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
    // Only a second start has something to replay and to sweep, and each kill above has one.
    met.extend([Point::Replayed, Point::Discarded]);
    let missing: Vec<&Point> = Point::ALL.iter().filter(|point| !met.contains(point)).collect();
    assert_eq!(missing, Vec::<&Point>::new());
}
