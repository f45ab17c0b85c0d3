//! Checks suspects again, and reports those that are confirmed.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, HashMap, HashSet},
};

use super::{
    CheckResult, Error, Verdict, Watch,
    check::{Foreign, Suspects},
    reader::{hash_of, look_at_object, prove},
};
use crate::{
    mirror::{ContentLocation, OnDisk, Root},
    model::{DocumentId, RelPath, STATE_FOLDER, Sha256, Step},
    report::{Finding, FindingKind, Observation, Progress},
    state::{Known, NeededObject, PendingIntent, State},
};

/// The confirmed findings.
#[derive(Debug, Default)]
pub struct Confirmed {
    /// Differences from the record.
    pub findings: Vec<Finding>,
    /// Suspects that a run was about to change.
    pub unfinished: u64,
    /// Extra files and unneeded objects beyond those in the findings.
    pub unlisted: u64,
    /// Whether the disk could not read something.
    pub broken: bool,
}

/// Documents and objects in pending intents.
struct Mentioned {
    documents: HashSet<DocumentId>,
    paths: HashSet<RelPath>,
    hashes: HashSet<Sha256>,
}

/// A document or object that looked wrong twice.
struct Wrong<T> {
    what: T,
    kind: FindingKind,
    detail: Observation,
}

impl CheckResult {
    /// Examines every suspect again, and compares it with a state that is newer than both looks, which `fresh` opens. If
    /// nobody else writes, that is the current state.
    pub fn confirm<S: Borrow<State>, E: From<Error>>(
        &mut self,
        root: &Root,
        watch: &Watch<'_>,
        fresh: impl FnOnce() -> Result<S, E>,
    ) -> Result<Confirmed, E> {
        let suspects = std::mem::take(&mut self.suspects);
        let unlisted = suspects.unlisted;
        let mut findings: Vec<Finding> = suspects.unreadable.iter().map(unreadable).collect();
        if suspects.is_empty() {
            return Ok(Confirmed { findings, unlisted, ..Confirmed::default() });
        }
        // Findings are reported and counted once, even if the check was interrupted.
        let again = Watch { progress: &Progress::default(), stop: &|| false, ..*watch };
        let (documents, objects) = look_again(root, &suspects, &again);
        let state = fresh()?;
        let state: &State = state.borrow();
        let mentioned = Mentioned::by(state.read(|r| Ok::<_, Error>(r.intents()?))?);
        let foreign = still_foreign(root, state, &mentioned, suspects.foreign)?;
        let (hashes, confirmed) = (HashMap::new(), Confirmed::default());
        let mut judge = Judge { root, watch: &again, state, mentioned, foreign, hashes, confirmed };
        documents.into_iter().try_for_each(|wrong| judge.document(wrong))?;
        objects.into_iter().try_for_each(|wrong| judge.object(wrong))?;
        suspects.unclaimed.into_iter().try_for_each(|(path, hash)| judge.unclaimed(&path, hash))?;
        let Judge { foreign, confirmed, .. } = judge;
        findings.extend(confirmed.findings);
        findings.extend(foreign.into_values().map(stranger));
        findings.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
        let broken = findings.iter().any(Finding::is_disk_error);
        Ok(Confirmed { findings, unlisted, unfinished: confirmed.unfinished, broken })
    }
}

type Wrongs = (Vec<Wrong<Known>>, Vec<Wrong<NeededObject>>);

fn look_again(root: &Root, suspects: &Suspects, watch: &Watch<'_>) -> Wrongs {
    let documents = prove(root, suspects.documents.clone(), watch).into_iter();
    let mut buffer = vec![0; 256 * 1024];
    let objects =
        suspects.objects.iter().map(|object| (object.clone(), look_at_object(root, object, &mut buffer, watch)));
    (documents.filter_map(wrong).collect(), objects.filter_map(wrong).collect())
}

fn wrong<T>((what, verdict): (T, Verdict)) -> Option<Wrong<T>> {
    match verdict {
        Verdict::Wrong(kind, detail) => Some(Wrong { what, kind, detail }),
        Verdict::Sound | Verdict::Moved(_) | Verdict::Unknown => None,
    }
}

/// Decides what is reported, after both looks.
struct Judge<'j> {
    root: &'j Root,
    watch: &'j Watch<'j>,
    state: &'j State,
    mentioned: Mentioned,
    /// By path; files that turn out to be known are removed.
    foreign: BTreeMap<String, Foreign>,
    /// Hashes of extra files, if they were needed.
    hashes: HashMap<String, Option<Sha256>>,
    confirmed: Confirmed,
}

impl Judge<'_> {
    fn document(&mut self, Wrong { what: known, mut kind, mut detail }: Wrong<Known>) -> Result<(), Error> {
        let row = self.state.read(|r| r.document(&known.id))?;
        let mentioned = self.mentioned.documents.contains(&known.id) || self.mentioned.paths.contains(&known.path);
        if mentioned || row.as_ref() != Some(&known) {
            self.confirmed.unfinished += 1;
            return Ok(());
        }
        let found_at = if kind == FindingKind::Missing { self.elsewhere(&known) } else { None };
        if let Some(path) = &found_at {
            self.foreign.remove(path.as_str());
            kind = FindingKind::Misplaced;
            detail = Observation::Elsewhere(path.clone());
        }
        self.confirmed.findings.push(Finding {
            document_id: Some(known.id),
            version_id: Some(known.version),
            found_at,
            stamp: (kind == FindingKind::Damaged).then_some(known.stamp),
            ..finding(kind, known.path.to_string(), Some(known.sha256), detail)
        });
        Ok(())
    }

    /// An extra file with a missing document's bytes. Only files of its size are read.
    fn elsewhere(&mut self, known: &Known) -> Option<RelPath> {
        let Self { root, watch, foreign, hashes, .. } = self;
        let has_its_size = |f: &&Foreign| matches!(f.found, OnDisk::File(stamp) if stamp.size == known.stamp.size);
        let of_its_size = foreign.values().filter(has_its_size);
        of_its_size.filter_map(|file| RelPath::new(&file.path).ok()).find(|path| {
            let hash =
                hashes.entry(path.to_string()).or_insert_with(|| hash_of(root, ContentLocation::Tree(path), watch));
            *hash == Some(known.sha256)
        })
    }

    fn object(&mut self, Wrong { what: object, kind, detail }: Wrong<NeededObject>) -> Result<(), Error> {
        let hash = object.sha256;
        if self.mentioned.hashes.contains(&hash) || !self.state.read(|r| r.is_needed(&hash))? {
            self.confirmed.unfinished += 1;
            return Ok(());
        }
        let hex = hash.hex();
        let path = format!("{STATE_FOLDER}/objects/{}/{hex}", &hex[..2]);
        let stamp = match self.root.look_at_object(&hash) {
            Ok(OnDisk::File(stamp)) => Some(stamp),
            _ => None,
        };
        self.confirmed.findings.push(Finding { stamp, ..finding(kind, path, Some(hash), detail) });
        Ok(())
    }

    fn unclaimed(&mut self, path: &str, hash: Option<Sha256>) -> Result<(), Error> {
        let claimed = hash.map_or(Ok(false), |hash| self.state.read(|r| r.is_needed(&hash)))?;
        if !claimed && !hash.is_some_and(|hash| self.mentioned.hashes.contains(&hash)) {
            let path = format!("{STATE_FOLDER}/objects/{path}");
            self.confirmed.findings.push(finding(FindingKind::Unclaimed, path, hash, Observation::Unneeded));
        }
        Ok(())
    }
}

/// Extra files that still exist and still belong to no document, by path.
fn still_foreign(
    root: &Root,
    state: &State,
    mentioned: &Mentioned,
    foreign: Vec<Foreign>,
) -> Result<BTreeMap<String, Foreign>, Error> {
    let there = |file: &Foreign| {
        let path = RelPath::new(&file.path).ok();
        !path.is_some_and(|path| mentioned.paths.contains(&path) || matches!(root.look(&path), Ok(OnDisk::Missing)))
    };
    let foreign: Vec<Foreign> = foreign.into_iter().filter(there).collect();
    let paths: Vec<&str> = foreign.iter().map(|file| file.path.as_str()).collect();
    let owned = state.read(|r| r.paths_among(&paths))?;
    Ok(foreign.into_iter().filter(|f| !owned.contains(&f.path)).map(|f| (f.path.clone(), f)).collect())
}

impl Mentioned {
    fn by(begun: Vec<PendingIntent>) -> Self {
        let mut mentioned = Self { documents: HashSet::new(), paths: HashSet::new(), hashes: HashSet::new() };
        for PendingIntent { intent, .. } in begun {
            mentioned.documents.insert(intent.document);
            mentioned.paths.insert(intent.path);
            match intent.step {
                Step::Replace { outgoing, .. } | Step::Remove { outgoing, .. } => {
                    mentioned.hashes.extend(outgoing.map(|o| o.sha256));
                }
                Step::Move { from, .. } => {
                    mentioned.paths.insert(from);
                }
                Step::Add { .. } | Step::Adopt { .. } => {}
            }
        }
        mentioned
    }
}

fn finding(kind: FindingKind, path: String, sha256: Option<Sha256>, detail: Observation) -> Finding {
    Finding {
        kind,
        document_id: None,
        version_id: None,
        path,
        found_at: None,
        sha256,
        detail,
        repaired: false,
        repair: None,
        stamp: None,
    }
}

fn unreadable((path, why): &(String, String)) -> Finding {
    finding(FindingKind::Unreadable, path.clone(), None, Observation::Refused(why.clone()))
}

fn stranger(file: Foreign) -> Finding {
    let what = match file.found {
        OnDisk::Other(what) => what,
        OnDisk::File(_) | OnDisk::Missing => "a file",
    };
    finding(FindingKind::Foreign, file.path, None, Observation::Foreign(what))
}
