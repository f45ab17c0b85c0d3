//! Orders a set of renames so that each target is free when it is needed.
//!
//! Files and folders share one namespace: two paths *conflict* if they are equal or one lies below the other.
//!
//! **Invariant.** After each leg no two files have paths that conflict. It holds because
//! 1. targets conflict neither with each other nor with a file that stays ([`arrange`]),
//! 2. a leg to a target waits until every source that conflicts with the target has been left, including the mover's own,
//! 3. a parking place conflicts with no source, no target, no other parking place and no file that stays.
//!
//! So while a file goes to its target, every other file is at a source that doesn't conflict, at a parking place, at its
//! own target, or never moves.
//!
//! **Progress.** Movers that wait for each other form a cycle. Parking one of them frees its source, so each cycle costs
//! one more leg. Some member of the cycle always has a folder to park in. Let `i` wait for `j`:
//! - If the source of `j` is the target of `i` or a folder above it, `j` parks beside its own source. No target is a
//!   folder above that source, because it would conflict with the target of `i`.
//! - If the source of `j` lies below the target of `i`, `i` parks beside its own target. No source is a folder above
//!   that target, because it would conflict with the source of `j`.
//!
//! Only another file with the same `[id]` name can prevent this. Then the cycle, and everything that waits for it,
//! stays where it is until a later run.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::model::{DocumentId, RelPath};

/// A document that is listed at another path than its file's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mover {
    /// The document.
    pub document: DocumentId,
    /// The path of its file.
    pub from: RelPath,
    /// Possible targets, best first; it gets the first free one.
    pub candidates: Vec<RelPath>,
}

/// One rename.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The document.
    pub document: DocumentId,
    /// The source.
    pub from: RelPath,
    /// The target.
    pub to: RelPath,
    /// Whether this leg only parks the file, and another leg follows.
    pub aside: bool,
    /// Whether the target was a folder, which must be removed first.
    pub after_folder: bool,
}

/// Orders renames. `key` normalises a path (case and Unicode form) for comparison. `taken` returns whether a path is a
/// folder of the mirror, or conflicts with a document that is not a mover. Movers that already have their best free path
/// are left out.
pub fn arrange(movers: &[Mover], key: impl Fn(&str) -> String, taken: impl Fn(&str, &DocumentId) -> bool) -> Vec<Leg> {
    let mut moving: Vec<&Mover> = movers.iter().collect();
    moving.sort_by(|a, b| a.document.cmp(&b.document));
    let mut kept = Paths::default();
    loop {
        let taken = |path_key: &str, id: &DocumentId| kept.conflict(path_key) || taken(path_key, id);
        let targets = assign(&moving, &key, &taken);
        let pairs: Vec<(&Mover, &RelPath)> =
            moving.iter().zip(&targets).filter_map(|(m, t)| t.filter(|t| **t != m.from).map(|t| (*m, t))).collect();
        if pairs.len() == moving.len() {
            return Ordering::new(&pairs, &key, &taken).all();
        }
        // Movers that stay keep their paths, so the others choose again. The set shrinks, so this terminates.
        let leaving: HashSet<&DocumentId> = pairs.iter().map(|(m, _)| &m.document).collect();
        for mover in moving.iter().filter(|m| !leaving.contains(&m.document)) {
            kept.insert(key(mover.from.as_str()));
        }
        moving = pairs.iter().map(|(m, _)| *m).collect();
    }
}

/// The target of each mover, assigned in order.
fn assign<'m>(
    moving: &[&'m Mover],
    key: &impl Fn(&str) -> String,
    taken: &impl Fn(&str, &DocumentId) -> bool,
) -> Vec<Option<&'m RelPath>> {
    let mut assigned = Paths::default();
    let mut targets = Vec::with_capacity(moving.len());
    for mover in moving {
        let target = mover.candidates.iter().find(|path| {
            let path_key = key(path.as_str());
            !assigned.conflict(&path_key) && !taken(&path_key, &mover.document)
        });
        if let Some(target) = target {
            assigned.insert(key(target.as_str()));
        }
        targets.push(target);
    }
    targets
}

/// The folders above a path, by their keys.
fn above(path_key: &str) -> impl Iterator<Item = &str> {
    path_key.match_indices('/').map(|(at, _)| &path_key[..at])
}

/// Paths of files, by key, and all folders above them.
#[derive(Default)]
struct Paths {
    files: HashSet<String>,
    folders: HashSet<String>,
}

impl Paths {
    fn of(keys: impl Iterator<Item = String>) -> Self {
        let mut paths = Self::default();
        for key in keys {
            paths.insert(key);
        }
        paths
    }

    fn insert(&mut self, path_key: String) {
        self.folders.extend(above(&path_key).map(str::to_owned));
        self.files.insert(path_key);
    }

    /// Whether a path equals one of these, lies below one, or is a folder above one.
    fn conflict(&self, path_key: &str) -> bool {
        self.files.contains(path_key)
            || self.folders.contains(path_key)
            || above(path_key).any(|folder| self.files.contains(folder))
    }
}

/// Where a mover's file currently is.
#[derive(Clone)]
enum Position {
    Source,
    Parked(RelPath),
    Target,
}

/// The state of the ordering.
struct Ordering<'m, Key, Taken> {
    pairs: &'m [(&'m Mover, &'m RelPath)],
    key: &'m Key,
    taken: &'m Taken,
    /// Paths where nothing may park: all sources, all targets, and parking places in use.
    reserved: Paths,
    places: Vec<Position>,
    /// Which movers each mover waits for (pruned lazily), how many of them are still at their sources, and which movers
    /// wait for it.
    waits: Vec<Vec<usize>>,
    unmet: Vec<usize>,
    waiting: Vec<Vec<usize>>,
    /// Whether a source lies below each mover's target, which was then a folder.
    after_folder: Vec<bool>,
    ready: VecDeque<usize>,
    legs: Vec<Leg>,
}

impl<'m, Key: Fn(&str) -> String, Taken: Fn(&str, &DocumentId) -> bool> Ordering<'m, Key, Taken> {
    fn new(pairs: &'m [(&'m Mover, &'m RelPath)], key: &'m Key, taken: &'m Taken) -> Self {
        let sources: Vec<String> = pairs.iter().map(|(m, _)| key(m.from.as_str())).collect();
        let targets: Vec<String> = pairs.iter().map(|(_, t)| key(t.as_str())).collect();
        let (waits, after_folder) = conflicts(&sources, &targets);
        let mut waiting = vec![Vec::new(); pairs.len()];
        for (i, others) in waits.iter().enumerate() {
            for &other in others {
                waiting[other].push(i);
            }
        }
        let unmet: Vec<usize> = waits.iter().map(Vec::len).collect();
        Self {
            pairs,
            key,
            taken,
            reserved: Paths::of(sources.into_iter().chain(targets)),
            places: vec![Position::Source; pairs.len()],
            ready: (0..pairs.len()).filter(|&i| unmet[i] == 0).collect(),
            waits,
            unmet,
            waiting,
            after_folder,
            legs: Vec::with_capacity(pairs.len()),
        }
    }

    fn all(mut self) -> Vec<Leg> {
        for first in 0..self.pairs.len() {
            loop {
                while let Some(i) = self.ready.pop_front() {
                    self.move_to_target(i);
                }
                if matches!(self.places[first], Position::Target) {
                    break;
                }
                let mut cycle = self.cycle(first);
                // The mover that most others wait for frees the most.
                cycle.sort_by_key(|&i| self.waiting[i].len());
                let parking = cycle.into_iter().rev().find_map(|i| Some((i, self.parking_place(i)?)));
                let Some((i, path)) = parking else { break };
                self.park(i, path);
            }
        }
        self.legs
    }

    /// The cycle that a mover waits for, found by following waits until a mover repeats.
    fn cycle(&mut self, first: usize) -> Vec<usize> {
        let (mut chain, mut met) = (Vec::new(), HashMap::new());
        let mut next = Some(first);
        while let Some(i) = next {
            if let Some(start) = met.insert(i, chain.len()) {
                return chain.split_off(start);
            }
            chain.push(i);
            while self.waits[i].last().is_some_and(|&other| !matches!(self.places[other], Position::Source)) {
                self.waits[i].pop();
            }
            next = self.waits[i].last().copied();
        }
        Vec::new()
    }

    fn move_to_target(&mut self, i: usize) {
        let (mover, target) = self.pairs[i];
        let (document, to, after_folder) = (mover.document.clone(), target.clone(), self.after_folder[i]);
        let leg = |from| Leg { document, from, to, aside: false, after_folder };
        match std::mem::replace(&mut self.places[i], Position::Target) {
            Position::Parked(path) => self.legs.push(leg(path)),
            Position::Source | Position::Target => {
                self.legs.push(leg(mover.from.clone()));
                self.mark_source_free(i);
            }
        }
    }

    fn park(&mut self, i: usize, path: RelPath) {
        let Mover { document, from, .. } = self.pairs[i].0;
        let (document, from) = (document.clone(), from.clone());
        self.legs.push(Leg { document, from, to: path.clone(), aside: true, after_folder: false });
        self.reserved.insert((self.key)(path.as_str()));
        self.places[i] = Position::Parked(path);
        self.mark_source_free(i);
    }

    /// Marks a mover's source as free.
    fn mark_source_free(&mut self, i: usize) {
        for other in std::mem::take(&mut self.waiting[i]) {
            self.unmet[other] -= 1;
            if self.unmet[other] == 0 {
                self.ready.push_back(other);
            }
        }
    }

    /// A free path beside the target or the source that conflicts with nothing.
    fn parking_place(&self, i: usize) -> Option<RelPath> {
        let mover = self.pairs[i].0;
        let beside = |path: &RelPath| {
            mover.from.parent().map_or_else(|| RelPath::new(path.leaf()), |dir| dir.join(path.leaf())).ok()
        };
        let own = mover.candidates.iter().filter_map(beside);
        mover.candidates.iter().cloned().chain(own).find(|path| {
            let path_key = (self.key)(path.as_str());
            !self.reserved.conflict(&path_key) && !(self.taken)(&path_key, &mover.document)
        })
    }
}

/// For each target the sources that conflict with it, and whether one of them lies below it. A mover's own source doesn't
/// count if only case or normalisation changes.
fn conflicts(sources: &[String], targets: &[String]) -> (Vec<Vec<usize>>, Vec<bool>) {
    let index = |paths: &[String]| -> HashMap<String, usize> {
        paths.iter().enumerate().map(|(i, path)| (path.clone(), i)).collect()
    };
    let (at_source, at_target) = (index(sources), index(targets));
    let (mut waits, mut after_folder) = (vec![Vec::new(); targets.len()], vec![false; targets.len()]);
    for (i, target) in targets.iter().enumerate() {
        waits[i].extend(at_source.get(target).filter(|other| **other != i));
        waits[i].extend(above(target).filter_map(|folder| at_source.get(folder)));
    }
    for (i, source) in sources.iter().enumerate() {
        for &other in above(source).filter_map(|folder| at_target.get(folder)) {
            waits[other].push(i);
            after_folder[other] = true;
        }
    }
    (waits, after_folder)
}
