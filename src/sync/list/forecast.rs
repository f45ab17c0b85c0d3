//! How many documents there will be, for the progress.
//!
//! A binder counts with what is mirrored of it until its first page is read, or a look ahead shows its total.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
};

use crate::{
    model::BinderId,
    report::{Progress, Share},
};

/// The documents of a binder that are still to be listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Forecast {
    new: u64,
    mirrored: u64,
}

/// A binder, as far as the progress is concerned.
#[derive(Debug, Clone, Copy, Default)]
struct Expected {
    left: Forecast,
    /// Whether its total is known, or was in an earlier run.
    is_counted: bool,
    /// Whether its own first page was read.
    has_begun: bool,
}

/// What the progress expects of each binder.
#[derive(Debug, Default)]
pub(crate) struct Forecasts(Mutex<HashMap<BinderId, Expected>>);

impl Forecast {
    /// What is left of a binder with this total, of which so many documents are mirrored.
    fn of(total: u64, mirrored: u64) -> Self {
        Self { new: total.saturating_sub(mirrored), mirrored: mirrored.min(total) }
    }

    /// Takes listed documents away, and returns how many of each kind count. What is listed again does not count, and a
    /// document that came from another binder takes the place of a new one.
    fn take(&mut self, (new, mirrored): (u64, u64)) -> Self {
        let counted = (new + mirrored).min(self.new + self.mirrored);
        let of_new = new.min(self.new).max(counted.saturating_sub(self.mirrored)).min(counted);
        let taken = Self { new: of_new, mirrored: counted - of_new };
        self.new -= taken.new;
        self.mirrored -= taken.mirrored;
        taken
    }
}

impl Forecasts {
    /// Expects of a binder what is mirrored of it.
    pub(crate) fn expect(&self, progress: &Progress, binder: &BinderId, (mirrored, was_certified): (u64, bool)) {
        let (mut all, left) = (self.all(), Forecast::of(mirrored, mirrored));
        let expected = all.entry(binder.clone()).or_default();
        if was_certified {
            expected.count(progress, left);
        } else {
            replace(progress, &mut expected.left, left);
        }
    }

    /// Notes the total of a binder's first page, and how many of its documents are mirrored.
    pub(crate) fn announce(&self, progress: &Progress, binder: &BinderId, (total, mirrored): (u64, u64)) {
        let mut all = self.all();
        let expected = all.entry(binder.clone()).or_default();
        if !expected.has_begun {
            expected.has_begun = true;
            expected.count(progress, Forecast::of(total, mirrored));
        }
    }

    /// Counts listed documents, new and mirrored ones.
    pub(crate) fn list(&self, progress: &Progress, binder: &BinderId, listed: (u64, u64)) {
        let taken = self.all().entry(binder.clone()).or_default().left.take(listed);
        Progress::add(&progress.new.listed, taken.new);
        Progress::add(&progress.mirrored.listed, taken.mirrored);
    }

    /// No more documents of this binder will be listed.
    pub(crate) fn end(&self, progress: &Progress, binder: &BinderId) {
        let mut all = self.all();
        let expected = all.entry(binder.clone()).or_default();
        expected.has_begun = true;
        expected.count(progress, Forecast::default());
    }

    /// Whether to ask for a binder's total.
    pub(crate) fn is_unknown(&self, binder: &BinderId) -> bool {
        self.all().get(binder).is_some_and(|expected| !expected.is_counted)
    }

    /// Notes the total of a binder whose first page was not read yet.
    pub(crate) fn look(&self, progress: &Progress, binder: &BinderId, total: u64) {
        if let Some(expected) = self.all().get_mut(binder).filter(|expected| !expected.has_begun) {
            expected.count(progress, Forecast::of(total, expected.left.mirrored));
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<BinderId, Expected>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    fn count(&mut self, progress: &Progress, left: Forecast) {
        if !std::mem::replace(&mut self.is_counted, true) {
            Progress::add(&progress.binders_counted, 1);
        }
        replace(progress, &mut self.left, left);
    }
}

fn replace(progress: &Progress, left: &mut Forecast, with: Forecast) {
    let change = |share: &Share, before: u64, after: u64| {
        let announced: &AtomicU64 = &share.announced;
        // Wraps around if it becomes less.
        Progress::add(announced, after.wrapping_sub(before));
    };
    change(&progress.new, left.new, with.new);
    change(&progress.mirrored, left.mirrored, with.mirrored);
    *left = with;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_count_once() {
        let of = |new, mirrored| Forecast { new, mirrored };
        #[rustfmt::skip]
        let table = [
            // left        listed     counted
            (of(10, 0),    (4, 0),    of(4, 0)),
            (of(10, 5),    (4, 2),    of(4, 2)),
            (of(3, 0),     (4, 0),    of(3, 0)),   // listed again
            (of(3, 0),     (0, 2),    of(2, 0)),   // they were in other binders
            (of(3, 1),     (0, 2),    of(1, 1)),
            (of(0, 5),     (2, 1),    of(0, 3)),   // others are gone
            (of(0, 0),     (7, 7),    of(0, 0)),
        ];
        for (left, listed, counted) in table {
            let mut rest = left;
            assert_eq!(rest.take(listed), counted, "{left:?} {listed:?}");
            assert_eq!(rest, of(left.new - counted.new, left.mirrored - counted.mirrored));
        }
        assert_eq!(Forecast::of(10, 3), of(7, 3));
        assert_eq!(Forecast::of(3, 10), of(0, 3));
    }

    #[test]
    fn totals_become_better_and_the_rest_of_a_binder_that_ended_does_not_count() {
        let (progress, forecasts) = (Progress::default(), Forecasts::default());
        let binder = BinderId::parse("b").unwrap();
        let announced = || (Progress::get(&progress.new.announced), Progress::get(&progress.mirrored.announced));
        forecasts.all().insert(binder.clone(), Expected::default());
        assert!(forecasts.is_unknown(&binder));
        forecasts.look(&progress, &binder, 100);
        assert_eq!(announced(), (100, 0));
        forecasts.announce(&progress, &binder, (90, 20));
        forecasts.announce(&progress, &binder, (50, 20));
        forecasts.look(&progress, &binder, 10);
        assert_eq!(announced(), (70, 20), "the first page counts");
        assert!(!forecasts.is_unknown(&binder));
        forecasts.list(&progress, &binder, (60, 20));
        forecasts.end(&progress, &binder);
        assert_eq!(announced(), (60, 20));
        assert_eq!((Progress::get(&progress.new.listed), Progress::get(&progress.binders_counted)), (60, 1));
    }
}
