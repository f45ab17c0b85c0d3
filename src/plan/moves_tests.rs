//! Renames that depend on each other: examples, and properties of random files and folders.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::{Leg, Mover, arrange};
use crate::model::{DocumentId, RelPath};

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
    arrange(movers, str::to_lowercase, taken).iter().map(|l| format!("{} {}→{}", l.document, l.from, l.to)).collect()
}

#[test]
fn chains_start_at_their_free_end() {
    let movers = [mover("1", "a", &["b"]), mover("2", "b", &["c"]), mover("3", "c", &["d"])];
    assert_eq!(play(&movers, &[]), ["3 c→d", "2 b→c", "1 a→b"]);
}

#[test]
fn a_swap_parks_one_file() {
    let movers = [mover("1", "a", &["b", "b [1]"]), mover("2", "b", &["a", "a [2]"])];
    assert_eq!(play(&movers, &[]), ["2 b→a [2]", "1 a→b", "2 a [2]→a"]);
}

#[test]
fn a_taken_path_leads_to_the_next_candidate() {
    assert_eq!(play(&[mover("1", "a", &["b", "b [1]"])], &["b"]), ["1 a→b [1]"]);
}

#[test]
fn a_file_that_stays_blocks_its_path() {
    // 2 can't leave b, since c and its other names are taken, so 1 can't get b.
    let movers = [mover("1", "a", &["b", "b [1]"]), mover("2", "b", &["c", "b"])];
    assert_eq!(play(&movers, &["c"]), ["1 a→b [1]"]);
}

#[test]
fn a_change_of_case_is_a_rename() {
    assert_eq!(play(&[mover("1", "a", &["A"])], &[]), ["1 a→A"]);
}

#[test]
fn a_file_and_a_folder_swap_names() {
    // The folder is removed before the file gets its name, and the file leaves before that.
    let movers = [mover("1", "x", &["y", "y [1]"]), mover("2", "y/in", &["x/in", "x/in [2]"])];
    assert_eq!(play(&movers, &[]), ["1 x→y [1]", "2 y/in→x/in", "1 y [1]→y"]);
    let legs = arrange(&movers, str::to_lowercase, |_, _| false);
    assert_eq!(legs.iter().map(|l| l.after_folder).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn a_file_moves_into_a_folder_of_its_name_and_out_again() {
    assert_eq!(play(&[mover("1", "x", &["x/x", "x/x [1]"])], &[]), ["1 x→x [1]", "1 x [1]→x/x"]);
    assert_eq!(play(&[mover("1", "x/x", &["x", "x [1]"])], &[]), ["1 x/x→x [1]", "1 x [1]→x"]);
    let crossed = [mover("1", "a", &["b/a", "b/a [1]"]), mover("2", "b", &["a/b", "a/b [2]"])];
    assert_eq!(play(&crossed, &[]), ["2 b→b [2]", "1 a→b/a", "2 b [2]→a/b"]);
}

#[test]
fn a_folder_with_a_file_that_stays_keeps_its_name() {
    let movers = [mover("1", "x", &["y", "y [1]"]), mover("2", "y/in", &["z", "y/in"])];
    assert_eq!(play(&movers, &["z"]), ["1 x→y [1]"]);
}

#[test]
fn no_file_moves_below_a_file_that_stays() {
    let movers = [mover("1", "x", &["y/x", "x"]), mover("2", "y", &["z", "y"])];
    assert_eq!(play(&movers, &["z"]), Vec::<String>::new());
}

#[test]
fn only_the_file_parks_that_a_whole_folder_waits_for() {
    let inner = |id: &str| mover(id, &format!("y/{id}"), &[&format!("x/{id}"), &format!("x/{id} [{id}]")]);
    let movers = [mover("1", "x", &["y", "y [1]"]), inner("2"), inner("3"), inner("4")];
    assert_eq!(play(&movers, &[]), ["1 x→y [1]", "2 y/2→x/2", "3 y/3→x/3", "4 y/4→x/4", "1 y [1]→y"]);
}

proptest! {
    /// Any permutation of paths is reached, and two files never share a path.
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

    /// Files and folders swap names in any way: a file never meets a folder on its path, and every document gets its plain
    /// name.
    #[test]
    fn files_and_folders_never_meet(from in sound(), to in sound()) {
        let legs = play_out(&from, &to, &HashSet::new())?;
        for (i, (from, to)) in from.iter().zip(&to).enumerate() {
            let last = legs.iter().rev().find(|leg| leg.document.as_str() == format!("d{i}"));
            prop_assert_eq!(last.map_or(from.as_str(), |leg| leg.to.as_str()), to.as_str());
        }
    }

    /// The same with some documents that stay and block the names of others.
    #[test]
    fn files_that_stay_are_never_met(from in sound(), to in sound(), stays in proptest::collection::hash_set(0..12usize, 0..4)) {
        play_out(&from, &to, &stays)?;
    }
}

/// Carries out the legs. After each it checks that no paths conflict, and at the end that nothing stays parked.
fn play_out(from: &[String], to: &[String], stays: &HashSet<usize>) -> Result<Vec<Leg>, TestCaseError> {
    let moves = |i: usize| !stays.contains(&i) && to.get(i).is_some_and(|to| *to != from[i]);
    let count = from.len().min(to.len());
    let from = &from[..count];
    let (moving, staying): (Vec<usize>, Vec<usize>) = (0..count).partition(|i| moves(*i));
    let movers: Vec<Mover> =
        moving.iter().map(|&i| mover(&format!("d{i}"), &from[i], &[&to[i], &format!("{} [d{i}]", to[i])])).collect();
    let taken = |key: &str, _: &DocumentId| staying.iter().any(|&i| conflict(key, &from[i]));
    let legs = arrange(&movers, str::to_lowercase, taken);
    let mut files: HashMap<String, String> =
        from.iter().enumerate().map(|(i, from)| (from.clone(), format!("d{i}"))).collect();
    let mut parked = HashSet::new();
    for leg in &legs {
        let file = files.remove(leg.from.as_str()).expect("a file moves");
        prop_assert_eq!(&file, leg.document.as_str());
        let met = files.keys().find(|other| conflict(leg.to.as_str(), other));
        prop_assert!(met.is_none() && !conflict(leg.to.as_str(), leg.from.as_str()), "{leg:?} meets {met:?}");
        files.insert(leg.to.to_string(), file);
        if leg.aside {
            parked.insert(&leg.document);
        } else {
            parked.remove(&leg.document);
        }
        let was_folder = from.iter().any(|source| source.starts_with(&format!("{}/", leg.to)));
        prop_assert!(leg.after_folder || !was_folder, "{} was a folder", leg.to);
    }
    prop_assert!(parked.is_empty(), "{parked:?} stay parked");
    Ok(legs)
}

fn conflict(path: &str, other: &str) -> bool {
    other == path || other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"))
}

/// A set of paths that can be files at the same time.
fn sound() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[abc](/[abc]){0,3}", 1..24).prop_map(|paths| {
        let mut sound: Vec<String> = Vec::new();
        for path in paths {
            if !sound.iter().any(|other| conflict(&path, other)) {
                sound.push(path);
            }
        }
        sound
    })
}
