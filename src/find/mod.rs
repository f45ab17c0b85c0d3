//! Finding documents by their names, paths and metadata.
//!
//! All that is searched is in one text file, a line for each document, which a scan reads in a fraction of a second. A run
//! writes it at its end if it doesn't match the state. If it is missing, damaged or of another state, the same lines are made
//! from the state, which takes seconds for a million documents and finds the same.

mod choice;
mod fold;
mod line;
mod query;
mod text_file;
mod word;

pub use choice::{Choice, Choosing};
pub use fold::fold;
pub use query::Query;

use crc32fast::Hasher;
use line::Line;

use crate::{
    catalogue::Texts,
    mirror::{self, Mirror, Root, Stage},
    state::{self, DocumentKey, Reader, State},
};

/// The file in the state folder.
pub const FILE: &str = "find.text";

/// Why nothing can be searched or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// The state.
    #[error(transparent)]
    State(#[from] state::Error),
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The documents in the tree, in the order of paths without regard to case.
    pub present: Vec<i64>,
    /// Those that were removed, in the order of paths.
    pub removed: Vec<i64>,
}

impl Hits {
    fn add(&mut self, query: &Query, line: &[u8]) {
        match query.find(line) {
            Some(DocumentKey::Present(number)) => self.present.push(number),
            Some(DocumentKey::Removed(number)) => self.removed.push(number),
            None => {}
        }
    }
}

/// Finds documents. Changes nothing. Without a mirror the state alone is searched.
pub fn search(root: Option<&Root>, state: &State, query: &Query) -> Result<Hits, Error> {
    scan(root, state, Hits::default, |hits, line| hits.add(query, line))
}

/// The document that has this name, or this path if there is a slash in it. A file's name, the same without an id in
/// brackets, and the name at the service count alike: two documents of one name in iBinder have different files.
pub fn named(root: Option<&Root>, state: &State, name: &str) -> Result<Choice<DocumentKey>, Error> {
    let wanted = fold(name);
    let begin = || (Choosing::new(name), Vec::new());
    let (mut choosing, titled) = scan(root, state, begin, |(choosing, titled), line| {
        let Some(line) = Line::read(line) else { return };
        let path = std::str::from_utf8(line.path()).unwrap_or_default();
        let leaf = path.rsplit_once('/').map_or(path, |(_, leaf)| leaf);
        choosing.consider(if name.contains('/') { path } else { leaf }, line.key);
        if without_id(leaf).is_some_and(|leaf| leaf == wanted) {
            choosing.consider(&wanted, line.key);
        }
        if line.others().any(|text| text == wanted.as_bytes()) {
            titled.push(line.key);
        }
    })?;
    for key in titled {
        // The text may be a value of the metadata.
        if state.read(|r| r.found(key))?.is_some_and(|found| fold(&found.file_name) == wanted) {
            choosing.consider(&wanted, key);
        }
    }
    Ok(choosing.decide())
}

/// A file's name without the id that tells it from others of its name: `Plan [1a2b3c4d].pdf` is `Plan.pdf`.
fn without_id(leaf: &str) -> Option<String> {
    let (stem, rest) = leaf.rsplit_once(" [")?;
    let (_, ending) = rest.split_once(']')?;
    (ending.is_empty() || ending.starts_with('.')).then(|| format!("{stem}{ending}"))
}

/// Passes every document's line on. What came of the file counts for nothing if the file turns out to be damaged.
fn scan<T>(root: Option<&Root>, state: &State, begin: impl Fn() -> T, add: impl Fn(&mut T, &[u8])) -> Result<T, Error> {
    state.read(|reader| {
        let mark = mark(reader)?;
        // A file that can't be read is like none.
        if let Some(file) = root.and_then(|root| root.open_state_file(FILE).ok().flatten()) {
            let mut found = begin();
            if text_file::read(file, &mark, |line| add(&mut found, line)).unwrap_or(false) {
                return Ok(found);
            }
        }
        let mut found = begin();
        each_line(reader, |line| {
            add(&mut found, line);
            Ok::<_, Error>(())
        })?;
        Ok(found)
    })
}

/// Writes the file unless it is sound and matches the state.
pub fn refresh(mirror: &Mirror, state: &State) -> Result<(), Error> {
    state.read(|reader| {
        let mark = mark(reader)?;
        let file = mirror.root().open_state_file(FILE).ok().flatten();
        if file.is_some_and(|file| text_file::read(file, &mark, |_| {}).unwrap_or(false)) {
            return Ok(());
        }
        let mut stage = Stage::create(mirror, false)?;
        let mut write = |piece: &[u8]| Ok::<_, Error>(stage.write(piece)?);
        let mut writer = text_file::TextWriter::new(&mark, &mut write);
        each_line(reader, |line| writer.line(line))?;
        writer.end()?;
        // Not synced: if the power fails, the checksum shows it.
        Ok(mirror.replace_state_file(stage, FILE)?)
    })
}

fn each_line(reader: &Reader<'_>, mut each: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
    let texts = Texts::new(reader)?;
    let (mut line, mut folded) = (Vec::new(), String::new());
    reader.searchable(|document| {
        line.clear();
        line::write(document, &texts.of(document.binder, document.metadata), &mut folded, &mut line);
        each(&line)
    })
}

/// What shows whether a file was made from this state: the run of the last change, and a checksum of the names and labels,
/// which change without their documents.
fn mark(reader: &Reader<'_>) -> Result<String, Error> {
    let mut names = Hasher::new();
    let mut add = |text: &str| {
        names.update(text.as_bytes());
        names.update(&[0]);
    };
    for labels in reader.labels()? {
        for text in [&labels.binder, &labels.name, labels.schema.as_deref().unwrap_or_default()] {
            add(text);
        }
    }
    reader.folder_names(|binder, id, name| {
        for text in [binder, id, name] {
            add(text);
        }
    })?;
    Ok(format!("{} {:08x}", reader.searchable_since()?, names.finalize()))
}
