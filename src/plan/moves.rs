//! Renames as a set, in an order in which each path is free when it is needed.
//!
//! Documents that go to another path free their own. A document that wants a path which
//! another is about to leave waits for it; where they wait in a circle (two names swapped, say)
//! one of them first steps aside to another name in the folder it goes to. No document is ever
//! without a file, and none is renamed onto another's.

use std::collections::{HashMap, HashSet};

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
        let staying: Vec<String> =
            going.iter().filter(|m| !leaving.contains(&m.document)).map(|m| key(m.from.as_str())).collect();
        going = pairs.iter().map(|(m, _)| *m).collect();
        kept.extend(staying);
    }
}

/// The path that each mover gets, one after the other.
fn assign<'m>(
    going: &[&'m Mover],
    key: &impl Fn(&str) -> String,
    taken: &impl Fn(&str, &DocumentId) -> bool,
) -> Vec<Option<&'m RelPath>> {
    let leaving: HashSet<String> = going.iter().map(|m| key(m.from.as_str())).collect();
    let mut given: HashSet<String> = HashSet::new();
    let mut targets = Vec::with_capacity(going.len());
    for mover in going {
        let target = mover.candidates.iter().find(|path| {
            let path_key = key(path.as_str());
            !given.contains(&path_key) && (leaving.contains(&path_key) || !taken(&path_key, &mover.document))
        });
        given.extend(target.map(|t| key(t.as_str())));
        targets.push(target);
    }
    targets
}

/// Chains from their free end; circles opened by one that steps aside.
fn order(
    pairs: &[(&Mover, &RelPath)],
    key: &impl Fn(&str) -> String,
    taken: &impl Fn(&str, &DocumentId) -> bool,
) -> Vec<Leg> {
    let at: HashMap<String, usize> = pairs.iter().enumerate().map(|(i, (m, _))| (key(m.from.as_str()), i)).collect();
    let targets: HashSet<String> = pairs.iter().map(|(_, t)| key(t.as_str())).collect();
    // Whom each one waits for: the one that is still at its target.
    let waits: Vec<Option<usize>> = pairs
        .iter()
        .enumerate()
        .map(|(i, (_, t))| at.get(&key(t.as_str())).copied().filter(|other| *other != i))
        .collect();
    let mut done = vec![false; pairs.len()];
    let mut legs = Vec::with_capacity(pairs.len());
    for start in 0..pairs.len() {
        let mut chain = Vec::new();
        let mut next = Some(start);
        while let Some(i) = next.filter(|i| !done[*i] && !chain.contains(i)) {
            chain.push(i);
            next = waits[i];
        }
        let circle = next.is_some_and(|i| !done[i]);
        if circle && let Some(&last) = chain.last() {
            let (mover, target) = pairs[last];
            let free = |path: &&RelPath| {
                let path_key = key(path.as_str());
                !targets.contains(&path_key) && !at.contains_key(&path_key) && !taken(&path_key, &mover.document)
            };
            // Without a free name to step aside to, the circle waits for another run.
            if let Some(aside) = mover.candidates.iter().find(free) {
                legs.push(leg(mover, &mover.from, aside, true));
                legs.extend(chain.iter().rev().skip(1).map(|&i| leg(pairs[i].0, &pairs[i].0.from, pairs[i].1, false)));
                legs.push(leg(mover, aside, target, false));
            }
        } else {
            legs.extend(chain.iter().rev().map(|&i| leg(pairs[i].0, &pairs[i].0.from, pairs[i].1, false)));
        }
        for i in chain {
            done[i] = true;
        }
    }
    legs
}

fn leg(mover: &Mover, from: &RelPath, to: &RelPath, aside: bool) -> Leg {
    Leg { document: mover.document.clone(), from: from.clone(), to: to.clone(), aside }
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
        assert_eq!(play(&[mover("1", "a", &["A"])], &["a"]), ["1 a→A"]);
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
    }
}
