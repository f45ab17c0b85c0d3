//! Simulates days: each changes a few percent of a generated organisation's documents.
//!
//! No document has two kinds of change on one day, so that its counts are exact and can be compared with a
//! mirror's report.

use std::collections::HashSet;

use super::{
    generator::{Generator, MANY, folder},
    names,
};
use crate::sandbox::{
    id::{below, mix_all},
    organisation::{DayChanges, NO_FOLDER, Organisation, State},
};

/// Picks documents that are unchanged on this day.
struct Day {
    number: u32,
    seed: u64,
    rolls: u64,
    touched: HashSet<u32>,
}

impl Day {
    fn roll(&mut self) -> u64 {
        self.rolls += 1;
        mix_all(&[self.seed, 31, u64::from(self.number), self.rolls])
    }

    /// A visible, unchanged document. The tries are bounded, in case none is left.
    fn pick(&mut self, organisation: &Organisation, among: usize) -> Option<u32> {
        for _ in 0..64 {
            let at = below(self.roll(), among);
            let shown = organisation.documents.get(at).is_some_and(|document| document.state == State::Shown);
            let at = crate::sandbox::id::position(at);
            if shown && self.touched.insert(at) {
                return Some(at);
            }
        }
        None
    }
}

/// `permille` of `documents`, and at least one if there are many.
fn share(documents: usize, permille: usize) -> usize {
    (documents * permille / 1000).max(usize::from(documents >= MANY))
}

/// Simulates a day without updating the listings.
pub(super) fn pass(organisation: &mut Organisation, generator: &Generator, day: u32) -> DayChanges {
    let among = organisation.documents.len();
    let mut today = Day { number: day, seed: generator.seed, rolls: 0, touched: HashSet::new() };
    let mut changes = DayChanges::default();
    for _ in 0..share(among, 15) {
        let Some(at) = today.pick(organisation, among) else { break };
        let document = &mut organisation.documents[at as usize];
        document.generated = document.generated.saturating_add(1);
        changes.revised += 1;
    }
    for _ in 0..share(among, 4) {
        let Some(at) = today.pick(organisation, among) else { break };
        let document = &mut organisation.documents[at as usize];
        document.name = names::renamed(&document.name, day).into();
        changes.renamed += 1;
    }
    move_some(organisation, generator, &mut today, &mut changes);
    for _ in 0..share(among, 4) {
        let Some(at) = today.pick(organisation, among) else { break };
        organisation.documents[at as usize].state = State::Removed;
        changes.removed += 1;
    }
    for _ in 0..share(among, 6) {
        today.touched.insert(organisation.push_next(generator));
        changes.added += 1;
    }
    rename_a_folder(organisation, among, &mut today, &mut changes);
    changes
}

impl Organisation {
    /// Gives every `nth` document a new version, and removes the first document of each binder that has others, so
    /// that every document's position in the listing shifts.
    pub fn churn(&mut self, nth: u32) {
        let shown = self.documents.iter_mut().filter(|document| document.state == State::Shown);
        for document in shown.step_by(nth.max(1) as usize) {
            document.generated = document.generated.saturating_add(1);
        }
        let full = self.binders.iter().filter(|binder| binder.listed.len() > 1);
        let firsts: Vec<_> = full.map(|binder| binder.listed[0]).collect();
        for first in firsts {
            self.set_state(first, State::Removed);
        }
    }
}

/// Moves documents to other folders, every other one to another binder.
fn move_some(organisation: &mut Organisation, generator: &Generator, today: &mut Day, changes: &mut DayChanges) {
    let among = organisation.documents.len();
    let wanted = share(among, 5);
    for count in 0..wanted {
        let Some(at) = today.pick(organisation, among) else { break };
        let (from, old) = {
            let document = &organisation.documents[at as usize];
            (document.binder as usize, document.folder)
        };
        let away = count % 2 == 0 && generator.binders > 1;
        let step = 1 + below(today.roll(), generator.binders.saturating_sub(1));
        let binder = if away { (from + step) % generator.binders } else { from };
        let index = below(today.roll(), names::FOLDERS.len());
        let folder = match folder(binder, index) {
            same if same == old => folder(binder, (index + 1) % names::FOLDERS.len()),
            other => other,
        };
        let document = &mut organisation.documents[at as usize];
        (document.binder, document.folder) = (crate::sandbox::id::position(binder), folder);
        changes.moved += 1;
        changes.moved_between_binders += usize::from(binder != from);
    }
}

/// Renames the folder above an unchanged document.
fn rename_a_folder(organisation: &mut Organisation, among: usize, today: &mut Day, changes: &mut DayChanges) {
    if among < MANY {
        return;
    }
    let folder = (0..64).find_map(|_| {
        let at = today.pick(organisation, among)?;
        // The document was picked only to find a folder.
        today.touched.remove(&at);
        let folder = organisation.documents[at as usize].folder;
        (folder != NO_FOLDER && organisation.folders[folder as usize].parent != NO_FOLDER).then_some(folder)
    });
    let Some(folder) = folder else { return };
    let name = names::renamed(&organisation.folders[folder as usize].name, today.number);
    organisation.folders[folder as usize].name = name;
    changes.folders_renamed += 1;
    let below = organisation.documents.iter().enumerate().filter(|(at, document)| {
        document.state == State::Shown
            && !today.touched.contains(&crate::sandbox::id::position(*at))
            && organisation.ancestry(document.folder).any(|above| above == folder)
    });
    changes.below_renamed_folders = below.count();
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::sandbox::{Generated, organisation::DocumentView};

    fn on_day(documents: usize, day: u32) -> Organisation {
        Organisation::generated(&Generated { documents, day, seed: 5, ..Generated::default() })
    }

    /// The differences between two days, as a client would see them.
    fn compare(before: &Organisation, after: &Organisation) -> DayChanges {
        let old: HashMap<String, DocumentView> = before.documents().into_iter().map(|d| (d.id.clone(), d)).collect();
        let mut changes = DayChanges { removed: old.len(), ..DayChanges::default() };
        for new in after.documents() {
            let Some(old) = old.get(&new.id) else {
                changes.added += 1;
                continue;
            };
            changes.removed -= 1;
            let moved = (&old.binder, old.folders.len()) != (&new.binder, new.folders.len())
                || old.folders.iter().zip(&new.folders).any(|(old, new)| old != new && !new.contains("omdöpt"));
            changes.revised += usize::from(old.version != new.version);
            changes.renamed += usize::from(old.file_name != new.file_name);
            changes.moved += usize::from(moved);
            changes.moved_between_binders += usize::from(old.binder != new.binder);
        }
        changes
    }

    #[test]
    fn each_day_counts_exactly_what_it_changed() {
        for documents in [50, 700] {
            for day in 2..5 {
                let after = on_day(documents, day);
                let counted = after.day_changes();
                let seen = compare(&on_day(documents, day - 1), &after);
                let without_folders = DayChanges { folders_renamed: 0, below_renamed_folders: 0, ..counted };
                assert_eq!(seen, without_folders, "{documents} documents, day {day}");
                assert!(counted.revised > 0 && counted.renamed > 0 && counted.moved > 0, "{counted:?}");
                assert!(counted.moved_between_binders > 0 && counted.removed > 0, "{counted:?}");
                assert!(counted.added > 0 && counted.folders_renamed == 1, "{counted:?}");
                assert!(counted.below_renamed_folders > 0, "{counted:?}");
            }
        }
    }

    #[test]
    fn churn_revises_some_and_shifts_every_page_each_time() {
        let churned = |times| {
            let mut organisation = on_day(700, 1);
            (0..times).for_each(|_| organisation.churn(100));
            organisation
        };
        for times in 0..3 {
            let (before, after) = (churned(times), churned(times + 1));
            let changes = compare(&before, &after);
            assert_eq!(changes.removed, before.binders.len());
            assert!((5..=7).contains(&changes.revised), "{changes:?}");
            for (old, new) in before.binders.iter().zip(&after.binders) {
                assert_eq!(old.listed[1..], new.listed);
            }
        }
    }

    #[test]
    fn the_first_day_changes_nothing() {
        assert_eq!(on_day(100, 1).day_changes(), DayChanges::default());
    }
}
