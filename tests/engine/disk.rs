//! Compares the files on disk with the service.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use ibinder_sync::{
    mirror::{OnDisk, Root, database},
    model::{DocumentId, NameLimit, STATE_FOLDER, Sha256 as Hash},
    naming,
    sandbox::{DocumentView, Sandbox},
    state::{Known, State},
};
use sha2::{Digest as _, Sha256};

/// Every file of the tree with its bytes, by its path below the destination.
pub(crate) fn files(dest: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    walk(dest, dest, &mut |path, name| {
        // A file that was replaced between the listing and this look still has its name.
        if let Ok(bytes) = fs::read(path) {
            found.insert(name, bytes);
        }
    });
    found
}

/// Calls `each` for every file of the tree, and fails for anything but files and folders.
pub(crate) fn walk(dest: &Path, folder: &Path, each: &mut impl FnMut(&Path, String)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(dest).unwrap().to_str().unwrap().to_owned();
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            if name != STATE_FOLDER {
                walk(dest, &path, each);
            }
        } else {
            assert!(metadata.is_file(), "{name:?} is not a file");
            each(&path, name);
        }
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Hash::new(Sha256::digest(bytes).into()).hex()
}

/// Whether `objects/` has these bytes, undamaged.
pub(crate) fn is_held(dest: &Path, bytes: &[u8]) -> bool {
    let hash = sha256(bytes);
    fs::read(dest.join(STATE_FOLDER).join("objects").join(&hash[..2]).join(&hash)).is_ok_and(|held| held == bytes)
}

/// All bytes in the tree or in `objects/`.
pub(crate) fn all_bytes(dest: &Path) -> BTreeSet<Vec<u8>> {
    let mut found: BTreeSet<Vec<u8>> = files(dest).into_values().collect();
    let objects = dest.join(STATE_FOLDER).join("objects");
    walk(&objects, &objects, &mut |path, _| {
        found.insert(fs::read(path).unwrap());
    });
    found
}

/// Names of everything below `tmp/`.
pub(crate) fn leftovers(dest: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let tmp = dest.join(STATE_FOLDER).join("tmp");
    walk(&tmp, &tmp, &mut |_, name| found.push(name));
    found
}

/// The tree and the state match the service.
pub(crate) fn assert_mirrors(sandbox: &Sandbox, dest: &Path) {
    let files = files(dest);
    let state = State::open(&database(dest), false).unwrap();
    let root = Root::open(dest).unwrap();
    let documents = sandbox.with_organisation(|o| o.documents());
    let mut paths = BTreeSet::new();
    for document in &documents {
        let id = DocumentId::parse(&document.id).unwrap();
        let known = state.read(|r| r.document(&id)).unwrap();
        let known = known.unwrap_or_else(|| panic!("{document:?} has no row"));
        let bytes = files.get(known.path.as_str()).unwrap_or_else(|| panic!("{document:?} has no file"));
        let served = sandbox.with_organisation(|o| o.bytes(&document.id, &document.version)).unwrap();
        assert!(*bytes == served, "{:?} differs from the service", known.path);
        assert_row(document, &known, &root, bytes);
        assert!(paths.insert(known.path.as_str().to_owned()), "two documents have {:?}", known.path);
    }
    let found: BTreeSet<String> = files.keys().cloned().collect();
    assert_eq!(found, paths, "files without a document");
    let (count, _) = state.read(|r| r.extent()).unwrap();
    assert_eq!(count, documents.len() as u64, "rows of documents that are gone");
    assert_eq!(state.read(|r| r.intents()).unwrap(), [], "publishes that were not recorded");
    assert_eq!(state.read(|r| r.partial_names()).unwrap(), Vec::<String>::new());
    assert_eq!(leftovers(dest), Vec::<String>::new());
    assert_no_empty_folder(dest);
    assert_objects(dest);
}

fn assert_row(document: &DocumentView, known: &Known, root: &Root, bytes: &[u8]) {
    assert_eq!(known.version.as_str(), document.version);
    assert_eq!(known.binder.as_str(), document.binder);
    assert_eq!(known.file_name, document.file_name);
    assert_eq!(known.sha256.hex(), sha256(bytes));
    assert_eq!(root.look(&known.path).unwrap(), OnDisk::File(known.stamp), "{:?}", known.path);
    let (mut steps, mut names) = (known.path.as_str().split('/'), Vec::new());
    names.push(document.binder_name.as_str());
    names.extend(document.folders.iter().map(String::as_str));
    let leaf = steps.next_back().unwrap();
    let steps: Vec<&str> = steps.collect();
    assert_eq!(steps.len(), names.len(), "{:?} for {names:?}", known.path);
    for (step, name) in steps.iter().zip(names) {
        let plain = naming::portable(name);
        let tagged = step.strip_prefix(plain.as_str()).is_some_and(|tag| tag.starts_with(" [") && tag.ends_with(']'));
        assert!(*step == plain || tagged, "{step:?} for a folder named {name:?}");
    }
    let id = DocumentId::parse(&document.id).unwrap();
    let allowed: Vec<String> = naming::document_names(&document.file_name, &id, NameLimit::USUAL).take(3).collect();
    assert!(allowed.iter().any(|name| name == leaf), "{leaf:?} for a document named {:?}", document.file_name);
}

fn assert_no_empty_folder(folder: &Path) {
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        count += 1;
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with(STATE_FOLDER) {
            assert_no_empty_folder(&path);
        }
    }
    assert!(count > 0, "{} is empty", folder.display());
}

/// Each object has the bytes of its name, and each kept version has an object.
pub(crate) fn assert_objects(dest: &Path) {
    let objects = dest.join(STATE_FOLDER).join("objects");
    let mut found = BTreeSet::new();
    walk(&objects, &objects, &mut |path, name| {
        let (object_dir, hash) = name.split_once('/').unwrap();
        assert_eq!(object_dir, &hash[..2]);
        assert_eq!(sha256(&fs::read(path).unwrap()), hash);
        found.insert(hash.to_owned());
    });
    let connection = rusqlite::Connection::open(database(dest)).unwrap();
    let mut rows =
        connection.prepare("SELECT lower(hex(held_sha256)) FROM past_versions WHERE held_sha256 IS NOT NULL").unwrap();
    let held: BTreeSet<String> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(held.is_subset(&found), "kept versions without an object: {:?}", held.difference(&found));
}
