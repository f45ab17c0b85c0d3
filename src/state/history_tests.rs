//! Compares the tree of every earlier run with a copy that was made at the time.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256 as Hasher};

use super::{Error, PastDocument, State, TextRange, Writer};
use crate::model::{
    BinderId, DocumentId, Intent, Outgoing, Particulars, RelPath, Sha256, Staged, Stamp, Step, VersionId,
};

const DOCUMENTS: usize = 4;
const PATHS: usize = 6;

/// A change to a document.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// It is added, or returns.
    Add { version: usize, path: usize },
    /// It gets a version, which may be the current one; `held` is what its file contained.
    Replace { version: usize, held: HeldVersion },
    /// It moves to a path, or only its row does.
    Move { path: usize, file: bool },
    /// It is listed elsewhere and not moved.
    Place,
    /// It is removed.
    Remove { held: HeldVersion },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum HeldVersion {
    Nothing,
    AsMirrored,
    Edited,
}

fn held() -> impl Strategy<Value = HeldVersion> {
    prop_oneof![1 => Just(HeldVersion::Nothing), 3 => Just(HeldVersion::AsMirrored), 1 => Just(HeldVersion::Edited)]
}

fn event() -> impl Strategy<Value = Event> {
    let (version, path) = (0..3_usize, 0..PATHS);
    prop_oneof![
        3 => (version.clone(), path.clone()).prop_map(|(version, path)| Event::Add { version, path }),
        3 => (version, held()).prop_map(|(version, held)| Event::Replace { version, held }),
        3 => (path, any::<bool>()).prop_map(|(path, file)| Event::Move { path, file }),
        1 => Just(Event::Place),
        2 => held().prop_map(|held| Event::Remove { held }),
    ]
}

pub(super) type Story = Vec<Vec<(usize, Event)>>;

pub(super) fn story() -> impl Strategy<Value = Story> {
    prop::collection::vec(prop::collection::vec((0..DOCUMENTS, event()), 0..6), 1..7)
}

/// Path, version and content of each document.
pub(super) type Tree = BTreeMap<usize, (usize, usize, Sha256)>;

fn hash(text: &str) -> Sha256 {
    Sha256::new(Hasher::digest(text.as_bytes()).into())
}

fn document(n: usize) -> DocumentId {
    DocumentId::parse(&format!("document-{n}")).unwrap()
}

fn version(n: usize, version: usize) -> VersionId {
    VersionId::parse(&format!("version-{n}-{version}")).unwrap()
}

fn path(n: usize) -> RelPath {
    RelPath::new(&format!("binder/{n}.txt")).unwrap()
}

fn content(n: usize, version: usize) -> String {
    format!("document {n}, version {version}{}", "!".repeat(version))
}

fn stamp(text: &str) -> Stamp {
    Stamp { inode: 7, size: text.len() as u64, mtime: 1_000 }
}

fn outgoing(held: HeldVersion, text: &str) -> Option<Outgoing> {
    let edited = format!("{text}, and somebody's words");
    match held {
        HeldVersion::Nothing => None,
        HeldVersion::AsMirrored => Some(Outgoing { stamp: stamp(text), sha256: hash(text) }),
        HeldVersion::Edited => Some(Outgoing { stamp: stamp(&edited), sha256: hash(&edited) }),
    }
}

fn particulars(n: usize, v: usize) -> Particulars {
    Particulars {
        binder: BinderId::parse("binder").unwrap(),
        folder: None,
        file_name: format!("{n}.txt"),
        version: version(n, v),
        metadata: None,
    }
}

fn add(n: usize, v: usize, at: usize) -> Intent {
    let text = content(n, v);
    let staged = Staged { name: "0/x".to_owned(), stamp: stamp(&text), sha256: hash(&text) };
    Intent { document: document(n), path: path(at), step: Step::Add { staged }, particulars: particulars(n, v) }
}

/// Records what the committer would, and updates the expected tree.
pub(super) fn play(w: &Writer<'_>, run: i64, tree: &mut Tree, n: usize, event: &Event) -> Result<(), Error> {
    let (id, now) = (document(n), tree.get(&n).copied());
    match (event, now) {
        (Event::Add { version: v, path: at }, None) => {
            let text = content(n, *v);
            tree.retain(|_, (other, ..)| other != at);
            tree.insert(n, (*at, *v, hash(&text)));
            w.insert_document(run, &add(n, *v, *at), path(*at).as_str(), stamp(&text), hash(&text))
        }
        (Event::Replace { version: v, held }, Some((at, old, _))) => {
            let text = content(n, *v);
            tree.insert(n, (at, *v, hash(&text)));
            let next = Some((&particulars(n, *v).version, &hash(&text))).map(|(v, h)| (v.clone(), *h));
            let next = next.as_ref().map(|(v, h)| (v, h));
            w.end_version(run, &id, outgoing(*held, &content(n, old)).as_ref(), next)?;
            w.replace_document(run, &add(n, *v, at), stamp(&text), hash(&text))
        }
        (Event::Move { path: at, file }, Some((_, v, sha256))) => {
            let taken = tree.iter().any(|(other, (path, ..))| *other != n && path == at);
            if *file || !taken {
                tree.retain(|_, (other, ..)| other != at);
                tree.insert(n, (*at, v, sha256));
            }
            let at = path(*at);
            w.move_document(run, &id, (&at, at.as_str()), &particulars(n, v), file.then_some(9))
        }
        (Event::Place, Some((_, v, _))) => w.place_document(run, &id, &particulars(n, v)),
        (Event::Remove { held }, Some((_, v, _))) => {
            tree.remove(&n);
            w.end_version(run, &id, outgoing(*held, &content(n, v)).as_ref(), None)?;
            w.delete_document(run, &id)
        }
        _ => Ok(()),
    }
}

/// Path, version, hash and size of a document.
type Line = (String, String, String, u64);

fn expected(tree: &Tree) -> Vec<Line> {
    let mut expected: Vec<_> = tree
        .iter()
        .map(|(n, (at, v, sha256))| {
            (path(*at).to_string(), version(*n, *v).to_string(), sha256.hex(), content(*n, *v).len() as u64)
        })
        .collect();
    expected.sort();
    expected
}

/// The documents in a range of paths, which are their normalised forms here, one at a time.
fn listed(state: &State, run: i64, range: &TextRange) -> Vec<Line> {
    let line = |m: PastDocument| (m.path.to_string(), m.version.to_string(), m.sha256.hex(), m.size);
    let mut found: Vec<Line> = state.read(|r| r.moved_or_ended(run, range)).unwrap().into_iter().map(line).collect();
    let mut left = range.clone();
    while let Some((key, document)) = state.read(|r| r.unmoved(run, &left, 1)).unwrap().pop() {
        found.push(line(document));
        left.from = key + "\0";
    }
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_of_every_run_is_known(story in story()) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.db"), false).unwrap();
        let (mut tree, mut copies) = (Tree::new(), Vec::new());
        for events in &story {
            let run = state.write(|w| w.begin_run(jiff::Timestamp::UNIX_EPOCH, "run")).unwrap();
            state.write(|w| events.iter().try_for_each(|(n, event)| play(w, run.number, &mut tree, *n, event))).unwrap();
            copies.push((run.number, expected(&tree)));
        }
        copies.push((i64::MAX, expected(&tree)));
        let everything = TextRange { from: String::new(), to: None };
        // From the third path up to the fifth.
        let part = TextRange { from: path(2).to_string(), to: Some(path(4).to_string()) };
        for (run, mut copy) in copies {
            prop_assert_eq!(&listed(&state, run, &everything), &copy, "run {}", run);
            copy.retain(|(path, ..)| part.contains(path));
            prop_assert_eq!(listed(&state, run, &part), copy, "run {}, a part", run);
        }
    }
}
