//! Deletes old files in `runs/`.

use super::{Error, manifest::SUFFIX};
use crate::{
    mirror::Mirror,
    state::{Start, State},
};

/// The last runs, whose files are always kept.
const LAST: usize = 3;

/// Endings of a run's files, after its id. Other files in `runs/` are not ours.
const SUFFIXES: [&str; 3] = [".json", SUFFIX, ".html"];

/// Deletes the files of runs that began before a time (seconds since the epoch), except for the last runs and the newest
/// manifest. Returns the number of deleted files.
pub fn forget_runs(mirror: &Mirror, state: &State, before: i64) -> Result<usize, Error> {
    let names = mirror.state_files("runs")?;
    let starts = state.read(|r| r.starts())?;
    let outdated = outdated(&names, &starts, before);
    outdated.iter().try_for_each(|name| mirror.remove_state_file(&format!("runs/{name}")))?;
    Ok(outdated.len())
}

/// The files that may be deleted. Their runs' rows say how old they are.
fn outdated<'n>(names: &'n [String], starts: &[Start], before: i64) -> Vec<&'n str> {
    let mut files: Vec<(&Start, &str, &str)> = names
        .iter()
        .filter_map(|name| {
            let (id, suffix) = name.split_at_checked(name.find('.')?)?;
            let start = starts.iter().find(|start| start.run.id == id)?;
            SUFFIXES.contains(&suffix).then_some((start, suffix, name.as_str()))
        })
        .collect();
    files.sort_by_key(|(start, ..)| std::cmp::Reverse(start.run.number));
    let manifest = files.iter().find(|(_, suffix, _)| *suffix == SUFFIX).map(|(.., name)| *name);
    let mut runs: Vec<i64> = files.iter().map(|(start, ..)| start.run.number).collect();
    runs.dedup();
    let last = runs.get(LAST - 1).or(runs.last()).copied().unwrap_or(0);
    let goes = |(start, _, name): &(&Start, &str, &'n str)| {
        (start.at < before && start.run.number < last && Some(*name) != manifest).then_some(*name)
    };
    files.iter().filter_map(goes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Run;

    #[test]
    fn old_runs_are_deleted_and_the_last_ones_stay() {
        let starts: Vec<Start> =
            (1..=6).map(|n| Start { run: Run { number: n, id: format!("00000{n}-x") }, at: n * 100 }).collect();
        let report = |n| format!("00000{n}-x.json");
        let manifest = |n| format!("00000{n}-x{SUFFIX}");
        let of = |names: &[String], before| {
            let mut going: Vec<String> = outdated(names, &starts, before).into_iter().map(str::to_owned).collect();
            going.sort();
            going
        };
        let all: Vec<String> = (1..=6).map(report).collect();
        assert_eq!(of(&all, 0), [""; 0]);
        assert_eq!(of(&all, 300), [report(1), report(2)]);
        assert_eq!(of(&all, 10_000), [report(1), report(2), report(3)]);
        // Runs without a file, such as other commands, don't count among the last ones.
        assert_eq!(of(&[report(1), report(2), report(3)], 10_000), [""; 0]);
        // Only the newest manifest stays, however old it is, without the other files of its run.
        let mixed = [all, vec![manifest(1), manifest(2), "000001-x.html".to_owned()]].concat();
        assert_eq!(of(&mixed, 10_000), ["000001-x.html".to_owned(), report(1), manifest(1), report(2), report(3)]);
        // Files of unknown runs belong to somebody else.
        let foreign =
            ["notes.json", "000001-y.json", "000001-x.txt", "000001-x", "000001-x.json.bak"].map(str::to_owned);
        assert_eq!(of(&[foreign.to_vec(), (4..=6).map(report).collect()].concat(), 10_000), [""; 0]);
    }
}
