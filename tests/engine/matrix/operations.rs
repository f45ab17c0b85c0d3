//! The table of operations: a new one is one more entry here, with a test.

use ibinder_sync::{
    failpoints::Point,
    sandbox::{FaultKind, Faults, Reply, Route},
    session::Exit,
};

use super::{child::Command, story::Story};

use Point as P;

/// A change at the service, and the command that follows it.
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// Prepares the mirror.
    pub(super) prepare: Option<fn(&mut Story)>,
    pub(super) change: fn(&mut Story),
    pub(super) command: fn(&Story) -> Command,
    /// Whether it is also killed while the run begins and ends.
    pub(super) whole: bool,
    /// Points that it certainly passes, with all abilities and with fallbacks only.
    pub(super) passes: [&'static [Point]; 2],
}

pub(super) const FIRST: Operation = Operation {
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

pub(super) const ADD: Operation = Operation {
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

pub(super) const REPLACE: Operation = Operation {
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

pub(super) const MOVE: Operation = Operation {
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

pub(super) const SWAP: Operation = Operation {
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

pub(super) const KINDS: Operation = Operation {
    name: "swap of a document's name and a folder's",
    prepare: Some(|story| {
        story.folder = story.folder(0, &format!("two {}", story.round));
        story.subject = story.add(0, Some(&story.tabs[0].clone()), &format!("one {}", story.round), 1);
        story.add(0, Some(&story.folder.clone()), "inner.txt", 1);
    }),
    change: |story| {
        let round = story.round;
        story.world.edit(|o| {
            o.rename_document(&story.subject, &format!("two {round}")).unwrap();
            o.rename_folder(&story.folder, &format!("one {round}")).unwrap();
        });
        story.add(0, Some(&story.folder.clone()), "new.txt", 1);
    },
    command: |_| Command::Run,
    whole: false,
    passes: [
        &[P::Begun, P::FolderMade, P::Moved, P::CarriedOut, P::Pruned, P::Recorded],
        &[P::Begun, P::FolderMade, P::Linked, P::Moved, P::FolderSynced, P::Pruned, P::Recorded],
    ],
};

fn add_subject(story: &mut Story) {
    let folder = story.folder(0, "Bort");
    story.subject = story.add(0, Some(&folder), "leaves.txt", 1);
}

fn remove_subject(story: &mut Story) {
    story.world.edit(|o| o.remove_document(&story.subject).unwrap());
}

pub(super) const REMOVE: Operation = Operation {
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

pub(super) const RETURN: Operation = Operation {
    name: "return of a removed document",
    prepare: Some(|story| {
        add_subject(story);
        story.complete();
        remove_subject(story);
    }),
    change: |story| story.world.edit(|o| o.restore_document(&story.subject).unwrap()),
    command: |_| Command::Run,
    whole: false,
    passes: [&[P::Staged, P::Synced, P::Begun, P::Added, P::Recorded], &[P::FileSynced, P::Begun, P::Added]],
};

pub(super) const RESUME: Operation = Operation {
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

pub(super) const CUT: Operation = Operation {
    name: "publish of an interrupted download",
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

pub(super) const FORGET: Operation = Operation {
    name: "forgetting a binder",
    prepare: Some(|story| story.world.edit(|o| o.show_binder(&story.binders[1]).unwrap())),
    change: |story| story.world.edit(|o| o.hide_binder(&story.binders[1]).unwrap()),
    command: |story| Command::Forget(story.binders[1].clone()),
    whole: false,
    passes: [&[P::Begun, P::Parked, P::Held, P::CarriedOut, P::Pruned, P::Recorded], &[]],
};

pub(super) const PURGE: Operation = Operation {
    name: "purge",
    prepare: Some(|story| {
        add_subject(story);
        story.complete();
        story.revise_subject();
    }),
    change: Story::erase_subject,
    command: |story| Command::Purge(story.subject.clone()),
    whole: true,
    passes: [&[P::Erased, P::Pruned, P::Freed, P::StateFileWritten, P::Synced, P::Committed], &[]],
};

pub(super) const ADOPT: Operation = Operation {
    name: "adopting after the state was lost",
    prepare: None,
    change: Story::lose_the_state,
    command: |_| Command::Adopt,
    whole: false,
    passes: [&[P::Begun, P::CarriedOut, P::Recorded], &[]],
};

pub(super) const RETAIN: Operation = Operation {
    name: "retention",
    prepare: Some(|story| story.revise(0)),
    change: |story| {
        story.revise(0);
        story.keep_two_versions(0);
    },
    command: |_| Command::Retain,
    whole: false,
    passes: [&[P::Exchanged, P::Held, P::Recorded, P::Freed, P::Synced, P::Committed], &[]],
};

pub(super) const REPAIR: Operation = Operation {
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
