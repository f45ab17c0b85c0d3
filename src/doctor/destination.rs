//! Checks a destination.

use std::{path::Path, time::Duration};

use crate::{
    mirror::{Abilities, DestinationKind, Disk, Error, Examination},
    report::{Area, Check},
};

/// Less free space, in bytes, is a warning.
const MIN_FREE: u64 = 10_000_000_000;

/// Fewer free inodes are a warning.
const MIN_INODES: u64 = 100_000;

/// If a small file takes longer to become durable, runs with many small files are slow.
const SLOW: Duration = Duration::from_millis(500);

/// Checks a destination, from what a look at it found.
pub fn destination(path: &Path, examined: &Result<Examination, Error>, existing: bool) -> Vec<Check> {
    let seen = match examined {
        Ok(seen) => seen,
        Err(error) => {
            let next = format!("check that {} is a folder that this user can read and write", path.display());
            return vec![Check::failure(Area::Destination, error.to_string(), next)];
        }
    };
    let mut checks = vec![contents(path, seen, existing)];
    checks.push(match &seen.abilities {
        Ok(_) => Check::ok(Area::Destination, format!("{} can be written", seen.folder.display())),
        Err(refusal) => {
            let next = format!("run as the user who owns {}, or change its owner to this user", seen.folder.display());
            Check::failure(Area::Destination, refusal.to_string(), next)
        }
    });
    checks.extend(free_space(&seen.disk));
    checks.extend(seen.abilities.as_ref().ok().map(|abilities| check_abilities(&seen.disk, *abilities)));
    checks
}

fn contents(path: &Path, seen: &Examination, existing: bool) -> Check {
    let shown = path.display();
    let found = match seen.survey {
        DestinationKind::Mirror => return Check::ok(Area::Destination, format!("{shown} contains a mirror")),
        DestinationKind::Absent | DestinationKind::Empty if existing => {
            let found = format!("{shown} contains no mirror, but `existing` is set");
            return Check::failure(
                Area::Destination,
                found,
                "mount the disk; before the first run, `ibinder-sync doctor --first`",
            );
        }
        DestinationKind::Absent => format!("{shown} does not exist yet; the first run creates it"),
        DestinationKind::Empty => format!("{shown} is empty; the first run fills it"),
        DestinationKind::Recovery => {
            let found = format!("the recovery of {shown} from a copy is not complete");
            return Check::failure(Area::Destination, found, format!("ibinder-sync recover --from URL --dest {shown}"));
        }
        DestinationKind::StateLost => {
            let found = format!("{shown} contains files, but the state of its mirror is lost");
            return Check::failure(Area::Destination, found, format!("ibinder-sync recover --dest {shown}"));
        }
        DestinationKind::Foreign => {
            let found = format!("{shown} contains files that are not a mirror");
            return Check::failure(Area::Destination, found, "use an empty folder, or one that does not exist yet");
        }
    };
    if seen.disk.mount == Path::new("/") {
        let next = "if a disk of its own was meant, mount it first; with `existing`, later runs refuse an empty \
            mount point";
        return Check::warning(Area::Destination, format!("{found}. It is on the system disk"), next);
    }
    Check::ok(Area::Destination, found)
}

fn free_space(disk: &Disk) -> Vec<Check> {
    let free = format!("{} GB are free", disk.free / 1_000_000_000);
    let bytes = if disk.free < MIN_FREE {
        let next = "free some space, or use another disk; `min_free` ends a run before the disk is full";
        Check::warning(Area::Destination, free, next)
    } else {
        Check::ok(Area::Destination, free)
    };
    let few = disk.free_files.filter(|files| *files < MIN_INODES);
    let files = few.map(|files| {
        let next = "each document is a file: recreate the file system with more inodes";
        Check::warning(Area::Destination, format!("only {files} more files can be created"), next)
    });
    [Some(bytes), files].into_iter().flatten().collect()
}

fn check_abilities(disk: &Disk, abilities: Abilities) -> Check {
    let lacks: Vec<&str> = [
        (!abilities.swaps, "can't swap two names"),
        (!abilities.refuses_taken, "can't refuse to overwrite a file when renaming"),
        (!abilities.syncs_groups, "must flush each file separately, which is slow"),
        (abilities.ignores_case, "ignores case in names"),
    ]
    .into_iter()
    .filter_map(|(lacks, what)| lacks.then_some(what))
    .collect();
    let kind = if disk.kind.is_empty() { "the file system" } else { disk.kind.as_str() };
    let network = if disk.network { ", over a network," } else { "" };
    let millis = abilities.sync.as_millis();
    let found = if lacks.is_empty() {
        format!("{kind}{network} has everything a mirror needs; a small file is durable after {millis} ms")
    } else {
        format!("{kind}{network} {}; a small file is durable after {millis} ms", lacks.join(", "))
    };
    if disk.network {
        let next = "it works, but a local disk is faster and survives power cuts better";
        Check::warning(Area::Destination, found, next)
    } else if abilities.sync > SLOW {
        Check::warning(Area::Destination, found, "the disk is slow or busy: expect long runs, or use another one")
    } else {
        Check::ok(Area::Destination, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Verdict;

    fn seen(survey: DestinationKind, mount: &str, free: u64) -> Examination {
        let abilities = Abilities {
            sync: Duration::from_millis(3),
            ignores_case: false,
            swaps: true,
            refuses_taken: true,
            syncs_groups: true,
        };
        let disk = Disk { kind: "ext4".into(), mount: mount.into(), network: false, free, free_files: Some(9_000_000) };
        Examination { survey, folder: "/srv".into(), disk, abilities: Ok(abilities) }
    }

    fn worst(examination: Examination, existing: bool) -> Verdict {
        let checks = destination(Path::new("/srv/m"), &Ok(examination), existing);
        for check in &checks {
            assert_eq!(check.next.is_some(), check.verdict > Verdict::Skipped, "{check:?}");
        }
        checks.iter().map(|check| check.verdict).max().unwrap()
    }

    #[test]
    fn destinations() {
        let much = 1_000_000_000_000;
        #[rustfmt::skip]
        let table = [
            (DestinationKind::Mirror,    "/srv", much, true,  Verdict::Ok),
            (DestinationKind::Mirror,    "/",    much, false, Verdict::Ok),
            (DestinationKind::Mirror,    "/srv", 1000, true,  Verdict::Warning),
            (DestinationKind::Empty,     "/srv", much, false, Verdict::Ok),
            (DestinationKind::Empty,     "/",    much, false, Verdict::Warning),
            (DestinationKind::Absent,    "/srv", much, true,  Verdict::Failure),
            (DestinationKind::StateLost, "/srv", much, true,  Verdict::Failure),
            (DestinationKind::Recovery,  "/srv", much, true,  Verdict::Failure),
            (DestinationKind::Foreign,   "/srv", much, false, Verdict::Failure),
        ];
        for (survey, mount, free, existing, verdict) in table {
            assert_eq!(worst(seen(survey, mount, free), existing), verdict, "{survey:?} {mount} {free} {existing}");
        }
        let mut few = seen(DestinationKind::Mirror, "/srv", much);
        few.disk.free_files = Some(3);
        assert_eq!(worst(few, false), Verdict::Warning);
    }

    #[test]
    fn missing_abilities_are_reported() {
        let mut nas = seen(DestinationKind::Mirror, "/srv", u64::MAX);
        nas.disk.network = true;
        nas.abilities.as_mut().unwrap().swaps = false;
        let checks = destination(Path::new("/srv/m"), &Ok(nas), false);
        let last = checks.last().unwrap();
        assert_eq!(last.verdict, Verdict::Warning);
        assert!(last.found.contains("over a network") && last.found.contains("swap"), "{}", last.found);
    }
}
