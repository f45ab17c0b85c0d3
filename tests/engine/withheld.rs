//! Confirmed removals: a confirmation lifts the cap for exactly the documents that a user saw, once, and nothing else.

use std::collections::BTreeSet;

use ibinder_sync::{
    cli::ConfirmRemovals,
    commands,
    history::Withheld,
    sandbox::{Organisation, Reply, Route},
    session::Exit,
    state::{Isolation, State},
};
use proptest::prelude::*;
use serde_json::json;

use crate::harness::{Ran, World};

/// How many documents the binder has; the cap is 10.
const COUNT: usize = 40;

struct Office {
    world: World,
    binder: String,
    documents: Vec<String>,
}

fn office() -> Office {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let add = |n| o.add_document(&binder, None, &format!("{n}.txt"), format!("bytes {n}")).unwrap();
    let documents = (0..COUNT).map(add).collect();
    let other = o.add_binder("Brf Linden");
    o.add_document(&other, None, "stadgar.txt", "stadgar").unwrap();
    let world = World::new(o);
    world.mirror();
    Office { world, binder, documents }
}

impl Office {
    fn remove(&self, documents: impl IntoIterator<Item = usize>) {
        self.world.edit(|o| documents.into_iter().for_each(|n| o.remove_document(&self.documents[n]).unwrap()));
    }

    fn bring_back(&self, documents: impl IntoIterator<Item = usize>) {
        self.world.edit(|o| documents.into_iter().for_each(|n| o.restore_document(&self.documents[n]).unwrap()));
    }

    fn kept(&self) -> BTreeSet<usize> {
        let has = |n: &usize| std::fs::read(self.world.at(&format!("Brf Eken/{n}.txt"))).is_ok();
        (0..COUNT).filter(has).collect()
    }

    fn withheld(&self) -> Withheld {
        let state = State::view(&self.world.database(), Isolation::Snapshot).unwrap().unwrap();
        state.read(|r| Withheld::read(r, None)).unwrap()
    }

    fn hash(&self) -> String {
        self.withheld().hash.unwrap_or_default()
    }

    fn confirm(&self, hash: &str) -> Exit {
        let given = ConfirmRemovals { hash: hash.to_owned(), binder: None };
        commands::confirm_removals(&self.world.dest(), &given)
    }

    /// Takes documents away, lets a run withhold them, and confirms their removal.
    fn confirmed(&self, documents: impl IntoIterator<Item = usize>) {
        self.remove(documents);
        assert_eq!(self.world.run().exit(), Exit::Withheld);
        assert_eq!(self.confirm(&self.hash()), Exit::Complete);
    }

    fn confirmations(&self) -> i64 {
        self.world.sql("SELECT count(*) FROM withheld WHERE confirmed_run IS NOT NULL")
    }

    /// A run that removes nothing.
    fn keeps_all(&self) -> Ran {
        let before = self.kept();
        let ran = self.world.run();
        assert_eq!((self.kept(), ran.documents().removed), (before, 0), "{ran:?}");
        ran
    }
}

#[test]
fn a_confirmation_lifts_the_cap_for_exactly_its_documents() {
    let office = office();
    office.confirmed(0..11);
    // One more is missing by then: it is neither looked up nor removed.
    office.remove([20]);
    let (asked, ran) = office.world.requests(Route::Document, || office.world.run());
    assert_eq!((asked, ran.exit()), (22, Exit::Withheld), "{ran:?}");
    assert_eq!((ran.documents().removed, ran.documents().withheld), (11, 1));
    assert_eq!(office.kept(), (11..COUNT).collect());
    (0..11).for_each(|n| office.world.assert_held(format!("bytes {n}").as_bytes()));
    let waiting: Vec<String> = office.withheld().documents.into_iter().map(|d| d.path).collect();
    assert_eq!((waiting, office.confirmations()), (vec!["Brf Eken/20.txt".to_owned()], 0));
    // Alone it is below the cap.
    office.world.mirror();
    assert!(office.withheld().documents.is_empty());
}

#[test]
fn another_set_is_refused() {
    let office = office();
    assert_eq!(office.confirm("3f2a91c05e1d4c47"), Exit::Usage);
    office.remove(0..11);
    office.keeps_all();
    let first = office.hash();
    for bad in ["", "3f2a91c05e1d4c47", &first[..15]] {
        assert_eq!(office.confirm(bad), Exit::Usage, "{bad}");
    }
    // One more, then one fewer.
    office.remove([11]);
    office.keeps_all();
    assert_eq!(office.confirm(&first), Exit::Usage);
    let second = office.hash();
    office.bring_back([11]);
    office.keeps_all();
    assert_eq!(office.confirm(&second), Exit::Usage);
    office.keeps_all();
    assert_eq!(office.confirmations(), 0);
    // In upper case, as somebody may dictate it.
    assert_eq!(office.confirm(&first.to_ascii_uppercase()), Exit::Complete);
    office.world.mirror();
}

#[test]
fn a_document_that_came_back_is_no_longer_confirmed() {
    let office = office();
    office.confirmed(0..12);
    office.bring_back([0]);
    // It is seen in a run that doesn't count what is missing, because the list of binders has an odd item.
    let binders = json!([{"id": office.binder, "name": "Brf Eken"}, {"name": "a binder without id"}]);
    office.world.sandbox.script(Route::Binders, vec![Reply::json(200, &binders)]);
    assert_eq!(office.keeps_all().exit(), Exit::Partial);
    assert_eq!(office.confirmations(), 11);
    office.remove([0]);
    let ran = office.world.run();
    assert_eq!((ran.documents().removed, ran.documents().withheld), (11, 1), "{ran:?}");
    assert!(office.kept().contains(&0));
}

#[test]
fn each_confirmed_removal_is_looked_up_by_id() {
    for answer in [|| Reply::status(404), || Reply::problem(403, "Forbidden"), || Reply::status(410)] {
        let office = office();
        office.confirmed(0..11);
        office.world.sandbox.script(Route::Document, vec![answer()]);
        let ran = office.world.run();
        assert_eq!((ran.exit(), ran.documents().removed), (Exit::Partial, 10), "{ran:?}");
        assert!(ran.fails_with("doesn't say that it is gone"), "{ran:?}");
        assert_eq!((office.kept().len(), office.confirmations()), (COUNT - 10, 1));
        office.world.mirror();
    }
}

#[test]
fn a_confirmed_document_that_answers_by_id_stays_and_is_no_longer_confirmed() {
    let office = office();
    office.confirmed(0..11);
    let id = office.documents[3].clone();
    // It comes back between the listing and the look-up.
    let back = Reply::run(move |o| o.restore_document(&id).unwrap());
    office.world.sandbox.script(Route::Document, vec![back]);
    let ran = office.world.run();
    assert_eq!(ran.documents().removed, 10, "{ran:?}");
    assert!(office.kept().contains(&3));
    assert_eq!(office.world.sql::<i64>("SELECT count(*) FROM withheld"), 0);
    office.world.mirror();
}

#[test]
fn a_confirmation_waits_for_a_run_that_can_count() {
    let office = office();
    office.confirmed(0..11);
    // The other binder can't be read: a document may have moved there.
    office.world.sandbox.script(Route::Search, Reply::problem(400, "Bad request").times(2));
    assert_eq!(office.keeps_all().exit(), Exit::Partial);
    assert_eq!(office.confirmations(), 11);
    office.world.mirror();
    assert_eq!(office.kept(), (11..COUNT).collect());
}

#[test]
fn a_binder_that_lists_nothing_is_not_believed_even_if_confirmed() {
    let office = office();
    office.confirmed(0..11);
    office.remove(11..COUNT);
    let (asked, ran) = office.world.requests(Route::Document, || office.keeps_all());
    assert_eq!((asked, ran.exit(), office.confirmations()), (0, Exit::Withheld, 0));
    // It can't be confirmed either.
    let withheld = office.withheld();
    assert_eq!((withheld.hash, withheld.documents.len()), (None, COUNT));
    // When the others are back, the old confirmation counts no more.
    office.bring_back(11..COUNT);
    assert_eq!(office.keeps_all().exit(), Exit::Withheld);
}

#[test]
fn a_lost_binder_keeps_its_files_whatever_was_confirmed() {
    let office = office();
    office.confirmed(0..11);
    office.world.edit(|o| o.hide_binder(&office.binder)).unwrap();
    assert_eq!(office.keeps_all().exit(), Exit::Partial);
}

#[test]
fn a_plan_shows_confirmed_removals_and_uses_up_nothing() {
    let office = office();
    office.confirmed(0..11);
    for _ in 0..2 {
        assert_eq!(office.world.plan().len(), 11);
    }
    assert_eq!(office.confirmations(), 11);
    office.world.mirror();
}

#[test]
fn since_when_a_document_is_missing_stays() {
    let office = office();
    office.remove(0..11);
    office.keeps_all();
    let first = office.withheld().documents[0].since_run.clone();
    office.remove([11]);
    office.keeps_all();
    let later: Vec<_> = office.withheld().documents.into_iter().map(|d| (d.name, d.since_run)).collect();
    assert!(first.is_some() && later.contains(&("0.txt".to_owned(), first.clone())), "{later:?}");
    assert!(!later.contains(&("11.txt".to_owned(), first)), "{later:?}");
}

#[derive(Debug, Clone)]
enum Step {
    Remove(BTreeSet<usize>),
    BringBack(BTreeSet<usize>),
    /// Confirms what is withheld now.
    Confirm,
    /// Confirms what was withheld some steps ago.
    ConfirmOld,
    Run,
}

fn step() -> impl Strategy<Value = Step> {
    let some = |count| prop::collection::btree_set(0..COUNT - 1, count);
    prop_oneof![
        2 => some(1..16).prop_map(Step::Remove),
        1 => some(1..16).prop_map(Step::BringBack),
        3 => Just(Step::Confirm),
        1 => Just(Step::ConfirmOld),
        4 => Just(Step::Run),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn only_few_or_confirmed_documents_are_removed(
            first in prop::collection::btree_set(0..COUNT - 1, 11..20),
            steps in prop::collection::vec(step(), 4..14),
        ) {
        let office = office();
        let (mut gone, mut old) = (BTreeSet::new(), String::new());
        let steps = [Step::Remove(first), Step::Run].into_iter().chain(steps);
        // What was withheld in the last run, and what of it is confirmed and was seen by no run since.
        let (mut withheld, mut confirmed) = (BTreeSet::<usize>::new(), BTreeSet::<usize>::new());
        for step in steps {
            match step {
                Step::Remove(documents) => {
                    office.remove(documents.difference(&gone).copied());
                    gone.extend(documents);
                }
                Step::BringBack(documents) => {
                    let back: Vec<usize> = gone.intersection(&documents).copied().collect();
                    office.bring_back(back.iter().copied());
                    gone.retain(|n| !documents.contains(n));
                }
                Step::Confirm => {
                    let done = office.confirm(&office.hash());
                    prop_assert_eq!(done == Exit::Complete, !withheld.is_empty());
                    confirmed.extend(&withheld);
                }
                Step::ConfirmOld => {
                    if office.confirm(&old) == Exit::Complete {
                        prop_assert_eq!(&old, &office.hash());
                        confirmed.extend(&withheld);
                    }
                    old = office.hash();
                }
                Step::Run => {
                    let before = office.kept();
                    let ran = office.world.run();
                    let after = office.kept();
                    let absent: BTreeSet<usize> = before.intersection(&gone).copied().collect();
                    let removed: BTreeSet<usize> = before.difference(&after).copied().collect();
                    confirmed.retain(|n| absent.contains(n));
                    let may = if absent.len() <= 10 { absent.clone() } else { confirmed.clone() };
                    prop_assert_eq!(&removed, &may, "{:?}", ran);
                    withheld = absent.difference(&removed).copied().collect();
                    confirmed.clear();
                    let listed = office.withheld().documents.into_iter().map(|d| d.path);
                    let expected: BTreeSet<String> = withheld.iter().map(|n| format!("Brf Eken/{n}.txt")).collect();
                    prop_assert_eq!(listed.collect::<BTreeSet<_>>(), expected);
                }
            }
        }
    }
}
