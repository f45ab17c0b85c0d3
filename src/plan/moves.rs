//! Renames as a set, in an order in which each path is free when it is needed.
//!
//! Documents that go to another path free their own. A document that wants a path which
//! another is about to leave waits for it. So does one whose folder has the path of another's file,
//! and one that wants the path of a folder waits for all documents in it. Where they wait in a
//! circle (two names swapped, say) one of them first steps aside to another name, in the folder
//! that it goes to or in its own. No document is ever without a file, and none is renamed onto another's.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::model::{DocumentId, RelPath};

/// A document that is listed elsewhere than its file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mover {
    /// Whose file.
    pub document: DocumentId,
    /// Where it is.
    pub from: RelPath,
    /// Where it may go, best first; the first one that is free is taken.
    pub candidates: Vec<RelPath>,
}

/// One rename.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// Whose file.
    pub document: DocumentId,
    /// From here.
    pub from: RelPath,
    /// To here.
    pub to: RelPath,
    /// Whether it only steps aside, and another leg follows once the others are done.
    pub aside: bool,
    /// Whether the path was a folder's, which must be removed first.
    pub after_folder: bool,
}

/// Arranges renames. `key` makes paths comparable (case and normalisation), `taken` tells
/// whether a document that is not among the movers, or a folder, has a path. Movers whose best
/// free path is where they are stay out.
pub fn arrange(movers: &[Mover], key: impl Fn(&str) -> String, taken: impl Fn(&str, &DocumentId) -> bool) -> Vec<Leg> {
    let mut going: Vec<&Mover> = movers.iter().collect();
    going.sort_by(|a, b| a.document.cmp(&b.document));
    let mut kept: HashSet<String> = HashSet::new();
    loop {
        let taken = |path_key: &str, id: &DocumentId| kept.contains(path_key) || taken(path_key, id);
        let targets = assign(&going, &key, &taken);
        let pairs: Vec<(&Mover, &RelPath)> =
            going.iter().zip(&targets).filter_map(|(m, t)| t.filter(|t| **t != m.from).map(|t| (*m, t))).collect();
        if pairs.len() == going.len() {
            return order(&pairs, &key, &taken);
        }
        // What stays keeps its path, so the others choose again; the set shrinks, so this ends.
        let leaving: HashSet<&DocumentId> = pairs.iter().map(|(m, _)| &m.document).collect();
        for mover in going.iter().filter(|m| !leaving.contains(&m.document)) {
            let from = key(mover.from.as_str());
            kept.extend(above(&from).map(str::to_owned));
            kept.insert(from);
        }
        going = pairs.iter().map(|(m, _)| *m).collect();
    }
}

/// The path that each mover gets, one after the other.
fn assign<'m>(
    going: &[&'m Mover],
    key: &impl Fn(&str) -> String,
    taken: &impl Fn(&str, &DocumentId) -> bool,
) -> Vec<Option<&'m RelPath>> {
    let mut given: HashSet<String> = HashSet::new();
    let mut targets = Vec::with_capacity(going.len());
    for mover in going {
        let target = mover.candidates.iter().find(|path| {
            let path_key = key(path.as_str());
            !given.contains(&path_key) && !taken(&path_key, &mover.document)
        });
        given.extend(target.map(|t| key(t.as_str())));
        targets.push(target);
    }
    targets
}

/// The folders above a path, by their keys.
fn above(path_key: &str) -> impl Iterator<Item = &str> {
    path_key.match_indices('/').map(|(at, _)| &path_key[..at])
}

/// Chains from their free end; circles opened by one that steps aside.
fn order(
    pairs: &[(&Mover, &RelPath)],
    key: &impl Fn(&str) -> String,
    taken: &impl Fn(&str, &DocumentId) -> bool,
) -> Vec<Leg> {
    Ordering::new(pairs, key).all(key, taken)
}

/// Renames that are being ordered.
struct Ordering<'m> {
    pairs: &'m [(&'m Mover, &'m RelPath)],
    /// The paths that somebody leaves, and those that somebody gets.
    from: HashMap<String, usize>,
    to: HashMap<String, usize>,
    /// The folders that somebody leaves.
    folders: HashSet<String>,
    /// Whom each one waits for, and who waits for it.
    waits: Vec<HashSet<usize>>,
    waiting: Vec<Vec<usize>>,
    /// Whether each one's path was a folder's.
    after_folder: Vec<bool>,
    /// Where those are that stepped aside.
    aside: HashMap<usize, RelPath>,
    ready: VecDeque<usize>,
    legs: Vec<Leg>,
}

impl<'m> Ordering<'m> {
    fn new(pairs: &'m [(&'m Mover, &'m RelPath)], key: &impl Fn(&str) -> String) -> Self {
        let index = |paths: Vec<&RelPath>| -> HashMap<String, usize> {
            paths.into_iter().enumerate().map(|(i, path)| (key(path.as_str()), i)).collect()
        };
        let from = index(pairs.iter().map(|(m, _)| &m.from).collect());
        let to = index(pairs.iter().map(|(_, t)| *t).collect());
        let folders = from.keys().flat_map(|path| above(path)).map(str::to_owned).collect();
        let mut waits = vec![HashSet::new(); pairs.len()];
        let mut after_folder = vec![false; pairs.len()];
        for (path, &i) in &to {
            waits[i].extend(from.get(path).filter(|other| **other != i));
            waits[i].extend(above(path).filter_map(|folder| from.get(folder)));
        }
        for (path, &i) in &from {
            for &other in above(path).filter_map(|folder| to.get(folder)) {
                waits[other].insert(i);
                after_folder[other] = true;
            }
        }
        let mut waiting = vec![Vec::new(); pairs.len()];
        for (i, others) in waits.iter().enumerate() {
            for &other in others {
                waiting[other].push(i);
            }
        }
        let ready = (0..pairs.len()).filter(|&i| waits[i].is_empty()).collect();
        let (aside, legs) = (HashMap::new(), Vec::with_capacity(pairs.len()));
        Self { pairs, from, to, folders, waits, waiting, after_folder, aside, ready, legs }
    }

    fn all(mut self, key: &impl Fn(&str) -> String, taken: &impl Fn(&str, &DocumentId) -> bool) -> Vec<Leg> {
        let mut left: Vec<bool> = vec![true; self.pairs.len()];
        let mut first = 0;
        loop {
            while let Some(i) = self.ready.pop_front() {
                left[i] = false;
                self.go(i);
            }
            while first < left.len() && !left[first] {
                first += 1;
            }
            if first == left.len() {
                return self.legs;
            }
            let (chain, circle) = self.chain(first, &left);
            let aside = chain[circle..].iter().rev().find_map(|&i| Some((i, self.aside(i, key, taken)?)));
            match aside {
                Some((i, path)) => self.step_aside(i, path),
                // Without a free name to step aside to, the circle waits for another run, and so do those before it.
                None => chain.into_iter().for_each(|i| left[i] = false),
            }
        }
    }

    /// From one that waits to another for which it waits; the circle in which that ends, by its place in the chain,
    /// which is behind the end where it ends at one that does not move.
    fn chain(&self, first: usize, left: &[bool]) -> (Vec<usize>, usize) {
        let (mut chain, mut places) = (vec![first], HashMap::from([(first, 0)]));
        let mut last = first;
        // Whoever waits for one that can't move can't either.
        while self.waits[last].iter().all(|i| left[*i])
            && let Some(&next) = self.waits[last].iter().min()
        {
            if let Some(&place) = places.get(&next) {
                return (chain, place);
            }
            places.insert(next, chain.len());
            chain.push(next);
            last = next;
        }
        let end = chain.len();
        (chain, end)
    }

    fn go(&mut self, i: usize) {
        let (mover, target) = self.pairs[i];
        let from = self.aside.remove(&i);
        let leg = Leg {
            after_folder: self.after_folder[i],
            ..leg(mover, from.as_ref().unwrap_or(&mover.from), target, false)
        };
        self.legs.push(leg);
        if from.is_none() {
            self.left(i);
        }
    }

    fn step_aside(&mut self, i: usize, path: RelPath) {
        let mover = self.pairs[i].0;
        self.legs.push(leg(mover, &mover.from, &path, true));
        self.aside.insert(i, path);
        self.left(i);
    }

    /// Nothing lies any more where this one was.
    fn left(&mut self, i: usize) {
        for other in std::mem::take(&mut self.waiting[i]) {
            self.waits[other].remove(&i);
            if self.waits[other].is_empty() {
                self.ready.push_back(other);
            }
        }
    }

    /// A free name to step aside to, that is in nobody's way.
    fn aside(
        &self,
        i: usize,
        key: &impl Fn(&str) -> String,
        taken: &impl Fn(&str, &DocumentId) -> bool,
    ) -> Option<RelPath> {
        if self.aside.contains_key(&i) {
            return None;
        }
        let mover = self.pairs[i].0;
        let beside = |path: &RelPath| {
            mover.from.parent().map_or_else(|| RelPath::new(path.leaf()), |dir| dir.join(path.leaf())).ok()
        };
        let own = mover.candidates.iter().filter_map(beside);
        mover.candidates.iter().cloned().chain(own).find(|path| {
            let path_key = key(path.as_str());
            let in_the_way = |path: &str| self.to.contains_key(path) || self.from.contains_key(path);
            !in_the_way(&path_key)
                && !above(&path_key).any(in_the_way)
                && !self.folders.contains(&path_key)
                && !taken(&path_key, &mover.document)
        })
    }
}

fn leg(mover: &Mover, from: &RelPath, to: &RelPath, aside: bool) -> Leg {
    Leg { document: mover.document.clone(), from: from.clone(), to: to.clone(), aside, after_folder: false }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mover(id: &str, from: &str, to: &[&str]) -> Mover {
        let path = |p: &str| RelPath::new(p).unwrap();
        Mover {
            document: DocumentId::parse(id).unwrap(),
            from: path(from),
            candidates: to.iter().map(|p| path(p)).collect(),
        }
    }

    fn play(movers: &[Mover], others: &[&str]) -> Vec<String> {
        let taken = |key: &str, _: &DocumentId| others.contains(&key);
        arrange(movers, str::to_lowercase, taken)
            .iter()
            .map(|l| format!("{} {}→{}", l.document, l.from, l.to))
            .collect()
    }

    #[test]
    fn chains_start_at_their_free_end() {
        let movers = [mover("1", "a", &["b"]), mover("2", "b", &["c"]), mover("3", "c", &["d"])];
        assert_eq!(play(&movers, &[]), ["3 c→d", "2 b→c", "1 a→b"]);
    }

    #[test]
    fn a_swap_steps_aside() {
        let movers = [mover("1", "a", &["b", "b [1]"]), mover("2", "b", &["a", "a [2]"])];
        assert_eq!(play(&movers, &[]), ["2 b→a [2]", "1 a→b", "2 a [2]→a"]);
    }

    #[test]
    fn a_taken_path_gives_the_next_candidate() {
        assert_eq!(play(&[mover("1", "a", &["b", "b [1]"])], &["b"]), ["1 a→b [1]"]);
    }

    #[test]
    fn one_that_stays_blocks_those_that_want_its_path() {
        // 2 can't leave b, since c and its other names are taken, so 1 can't have b.
        let movers = [mover("1", "a", &["b", "b [1]"]), mover("2", "b", &["c", "b"])];
        assert_eq!(play(&movers, &["c"]), ["1 a→b [1]"]);
    }

    #[test]
    fn a_change_of_case_is_a_rename() {
        assert_eq!(play(&[mover("1", "a", &["A"])], &[]), ["1 a→A"]);
    }

    #[test]
    fn a_file_and_a_folder_swap_names() {
        // The folder is removed before the file gets its name, and the file leaves before the folder does.
        let movers = [mover("1", "x", &["y", "y [1]"]), mover("2", "y/in", &["x/in", "x/in [2]"])];
        assert_eq!(play(&movers, &[]), ["1 x→y [1]", "2 y/in→x/in", "1 y [1]→y"]);
        let legs = arrange(&movers, str::to_lowercase, |_, _| false);
        assert_eq!(legs.iter().map(|l| l.after_folder).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn a_file_goes_into_a_folder_of_its_name_and_out_of_it() {
        assert_eq!(play(&[mover("1", "x", &["x/x", "x/x [1]"])], &[]), ["1 x→x [1]", "1 x [1]→x/x"]);
        assert_eq!(play(&[mover("1", "x/x", &["x", "x [1]"])], &[]), ["1 x/x→x [1]", "1 x [1]→x"]);
        let crossed = [mover("1", "a", &["b/a", "b/a [1]"]), mover("2", "b", &["a/b", "a/b [2]"])];
        assert_eq!(play(&crossed, &[]), ["2 b→b [2]", "1 a→b/a", "2 b [2]→a/b"]);
    }

    #[test]
    fn who_stays_in_a_folder_keeps_its_name_from_files() {
        let movers = [mover("1", "x", &["y", "y [1]"]), mover("2", "y/in", &["z", "y/in"])];
        assert_eq!(play(&movers, &["z"]), ["1 x→y [1]"]);
    }

    proptest! {
        /// Any permutation of paths is reached, and at no moment do two files share a path.
        #[test]
        fn permutations_end_right(perm in Just((0..8usize).collect::<Vec<_>>()).prop_shuffle(), moved in proptest::collection::vec(any::<bool>(), 8)) {
            let movers: Vec<Mover> = (0..8).filter(|i| moved[*i]).map(|i| {
                let target = format!("p{}", perm[i]);
                mover(&format!("d{i}"), &format!("p{i}"), &[&target, &format!("{target} [d{i}]")])
            }).collect();
            let others: Vec<String> = (0..8).filter(|i| !moved[*i]).map(|i| format!("p{i}")).collect();
            let mut files: HashMap<String, String> = movers.iter().map(|m| (m.from.to_string(), m.document.to_string())).collect();
            for other in &others { files.insert(other.clone(), "other".into()); }
            for leg in arrange(&movers, str::to_lowercase, |key, _| others.iter().any(|o| o == key)) {
                let file = files.remove(leg.from.as_str()).expect("a file moves");
                prop_assert_eq!(&file, leg.document.as_str());
                prop_assert!(files.insert(leg.to.to_string(), file).is_none(), "{} was taken", leg.to);
            }
            for m in &movers {
                let at = files.iter().find(|(_, d)| **d == *m.document.as_str()).map(|(p, _)| p.clone()).unwrap();
                let plain = m.candidates[0].to_string();
                let blocked = others.contains(&plain);
                prop_assert!(at == plain || (blocked && at == m.candidates[1].as_str()) || at == m.from.as_str(), "{} at {}", m.document, at);
            }
        }

        /// Files and folders change names in any way: no leg meets a file as a folder, or the other way round.
        #[test]
        fn files_and_folders_never_meet(from in shuffled(), to in shuffled()) {
            let (from, to) = (sound(from), sound(to));
            let movers: Vec<Mover> = from.iter().zip(&to).enumerate().filter(|(_, (from, to))| from != to).map(|(i, (from, to))| {
                mover(&format!("d{i}"), from, &[to, &format!("{to} [d{i}]")])
            }).collect();
            let stays: Vec<&String> = from.iter().enumerate().filter(|(i, from)| to.get(*i).is_none_or(|to| to == *from)).map(|(_, from)| from).collect();
            let in_the_way = |path: &str, other: &str| other == path || other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"));
            let mut files: HashMap<String, String> = from.iter().enumerate().map(|(i, from)| (from.clone(), format!("d{i}"))).collect();
            for leg in arrange(&movers, str::to_lowercase, |key, _| stays.iter().any(|other| in_the_way(key, other))) {
                let file = files.remove(leg.from.as_str()).expect("a file moves");
                prop_assert_eq!(&file, leg.document.as_str());
                let met = files.keys().find(|other| in_the_way(leg.to.as_str(), other));
                prop_assert!(met.is_none(), "{} meets {met:?}", leg.to);
                files.insert(leg.to.to_string(), file);
            }
            prop_assert_eq!(files.len(), from.len());
        }
    }

    fn shuffled() -> impl Strategy<Value = Vec<&'static str>> {
        Just(vec!["a", "b", "a/a", "a/b", "b/a", "b/b", "c", "c/a", "a/b/c", "b/a/c", "a/b/c/d"]).prop_shuffle()
    }

    /// Of some paths those that can be files at once.
    fn sound(paths: Vec<&str>) -> Vec<String> {
        let mut taken: Vec<String> = Vec::new();
        for path in paths {
            let meets =
                |other: &String| other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"));
            if !taken.iter().any(meets) {
                taken.push(path.to_owned());
            }
        }
        taken
    }
}
