//! An organisation made from a local folder.
//!
//! The first level below the root are binders, folders below them tabs and folders, files documents. Files
//! directly below the root are in a binder named after the root folder. Symbolic links, special files and empty
//! folders are skipped.
//!
//! Ids are derived from paths, and versions from path, length and modification time, so they survive a restart and
//! an edited file has a new version. The folder is scanned again for each list of binders and, at most once a
//! second, for first search pages. Bytes are read only while a file is unchanged: an older version is gone, and a
//! request for it triggers a scan.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use url::Url;

use super::content::Content;
use super::folder_source::Source;
use super::id::{Guid, nano_id_of_text};
use super::organisation::{Document, NO_FOLDER, Organisation, State, Stored};

/// A scanned file.
pub(super) struct FolderFile {
    /// The names from the binder to the file.
    names: Vec<Name>,
    path: PathBuf,
    size: u64,
    modified: SystemTime,
}

/// A name for display, and its exact bytes.
#[derive(Clone)]
struct Name {
    shown: String,
    bytes: Vec<u8>,
}

impl Organisation {
    /// An organisation of the files below `root`.
    pub fn from_folder(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let found = scan(&root)?;
        let mut organisation = Self::new(Guid::of_text("organisation", root.as_os_str().as_encoded_bytes()));
        organisation.source = Some(Source { root, read_at: None, binders: HashSet::new(), folders: HashSet::new() });
        organisation.take(&found);
        Ok(organisation)
    }

    /// The folder to scan, if its last scan is older than `age` or it is known to have changed.
    pub(super) fn outdated(&self, age: Option<Duration>) -> Option<PathBuf> {
        let source = self.source.as_ref()?;
        let fresh = source.read_at.is_some_and(|at| age.is_none_or(|age| at.elapsed() < age));
        (!fresh).then(|| source.root.clone())
    }

    /// The URL of a file on another server that serves the same folder at its root.
    pub(super) fn url_of(&self, content: &Content, root: &Url) -> Option<Url> {
        let Content::File { path, .. } = content else { return None };
        let below = path.strip_prefix(&self.source.as_ref()?.root).ok()?;
        let mut url = root.clone();
        let names = below.iter().map(|name| name.to_str()).collect::<Option<Vec<_>>>()?;
        url.path_segments_mut().ok()?.pop_if_empty().extend(names);
        Some(url)
    }

    /// Marks the last scan as outdated.
    pub(super) fn mark_outdated(&mut self) {
        if let Some(source) = &mut self.source {
            source.read_at = None;
        }
    }

    /// Applies a scan: new, edited and returned files, and the removal of the others.
    pub(super) fn take(&mut self, found: &[FolderFile]) {
        let Some(mut source) = self.source.take() else { return };
        let (mut binders, mut folders, mut documents) = (HashSet::new(), HashSet::new(), HashSet::new());
        for file in found {
            let (binder, folder) = self.find_or_add_folder(&source.root, file, &mut folders);
            binders.insert(binder);
            documents.insert(self.apply_file(file, binder, folder));
        }
        for at in 0..super::id::position(self.documents.len()) {
            let document = &self.documents[at as usize];
            let is_file = document
                .stored_version(document.latest())
                .is_some_and(|version| matches!(version.content, Content::File { .. }));
            if is_file && document.state != State::Removed && !documents.contains(&at) {
                self.set_state(at, State::Removed);
            }
        }
        source.binders.extend(&binders);
        source.folders.extend(&folders);
        for &at in &source.binders {
            let state = &mut self.binders[at as usize].state;
            if *state != State::Hidden {
                *state = if binders.contains(&at) { State::Shown } else { State::Removed };
            }
        }
        for &at in &source.folders {
            self.folders[at as usize].removed = !folders.contains(&at);
        }
        source.read_at = Some(Instant::now());
        self.source = Some(source);
    }

    /// Finds or adds the binder and folder of a file; `seen` collects the folders.
    fn find_or_add_folder(&mut self, root: &Path, file: &FolderFile, seen: &mut HashSet<u32>) -> (u32, u32) {
        let above = &file.names[..file.names.len() - 1];
        let mut text = above.first().map(|name| name.bytes.clone()).unwrap_or_default();
        let id = nano_id_of_text("binder", &text);
        let binder = self.binder_position(&id).unwrap_or_else(|| {
            let own = || root.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = above.first().map_or_else(own, |name| name.shown.clone());
            self.push_binder(id, name)
        });
        let mut folder = NO_FOLDER;
        for name in above.iter().skip(1) {
            text.push(b'/');
            text.extend_from_slice(&name.bytes);
            let id = Guid::of_text("folder", &text);
            folder =
                self.folder_position(id).unwrap_or_else(|| self.push_folder(id, binder, folder, name.shown.clone()));
            seen.insert(folder);
        }
        (binder, folder)
    }

    fn apply_file(&mut self, file: &FolderFile, binder: u32, folder: u32) -> u32 {
        let text = file.names.iter().map(|name| name.bytes.as_slice()).collect::<Vec<_>>().join(&b'/');
        let id = Guid::of_text("document", &text);
        let version = file.version(&text);
        let at = self.document_position(id).unwrap_or_else(|| {
            let name = file.names.last().map_or("", |name| &name.shown);
            let at = self.push_document(Document::new(id, name, binder, folder));
            self.list(at);
            at
        });
        let document = &mut self.documents[at as usize];
        if document.versions() == 0 || document.version_id(document.latest()) != version.id {
            document.extra().versions.push(version);
        }
        if document.state == State::Removed {
            self.set_state(at, State::Shown);
        }
        at
    }
}

impl FolderFile {
    fn version(&self, text: &[u8]) -> Stored {
        let since = self.modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let identity = [text, b"\0", &self.size.to_be_bytes(), &since.as_nanos().to_be_bytes()].concat();
        Stored {
            id: Guid::of_text("version", &identity),
            content: Content::File { path: self.path.clone(), size: self.size, modified: self.modified },
            modified: i64::try_from(since.as_secs()).unwrap_or(0),
        }
    }
}

/// Finds all files below `root`, in a stable order. Blocking.
pub(super) fn scan(root: &Path) -> io::Result<Vec<FolderFile>> {
    let mut found = Vec::new();
    scan_below(root, &mut Vec::new(), &mut found)?;
    Ok(found)
}

fn scan_below(folder: &Path, names: &mut Vec<Name>, found: &mut Vec<FolderFile>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (kind, name) = (entry.file_type()?, entry.file_name());
        names.push(Name { shown: name.to_string_lossy().into_owned(), bytes: name.as_encoded_bytes().to_vec() });
        if kind.is_dir() {
            scan_below(&entry.path(), names, found)?;
        } else if kind.is_file() {
            match entry.metadata() {
                Ok(metadata) => found.push(FolderFile {
                    names: names.clone(),
                    path: entry.path(),
                    size: metadata.len(),
                    modified: metadata.modified()?,
                }),
                // Removed since the folder was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        names.pop();
    }
    Ok(())
}
