//! Row numbers of a binder's documents.
//!
//! A search for an id costs more than everything else about reading a row. The ids of a binder are read in their order once
//! instead, and the rows of a page by their numbers: documents that came together lie side by side.

use std::{collections::HashMap, rc::Rc};

use rusqlite::{
    Row,
    types::{Value, ValueRef},
};

use super::{
    Error, Reader,
    documents::{COLUMNS, Known, known, stamp},
};
use crate::model::{BinderId, FolderId, Guid, Listed, Stamp};

/// Row numbers of a binder's documents.
#[derive(Debug, Default)]
pub struct Numbers {
    /// In the order of ids.
    by_id: Vec<(Guid, i64)>,
    /// Those of documents whose ids aren't GUIDs.
    others: Vec<i64>,
}

impl Numbers {
    fn of(&self, id: Guid) -> Option<i64> {
        let at = self.by_id.binary_search_by_key(&id, |(guid, _)| *guid).ok()?;
        self.by_id.get(at).map(|(_, number)| *number)
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.by_id.len() + self.others.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All numbers.
    pub fn all(&self) -> impl Iterator<Item = i64> {
        self.by_id.iter().map(|(_, number)| *number).chain(self.others.iter().copied())
    }
}

impl Reader<'_> {
    /// The row numbers of a binder's documents.
    pub fn numbers(&self, binder: &BinderId) -> Result<Numbers, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT id, number FROM documents INDEXED BY documents_by_binder WHERE binder = ?1 ORDER BY id",
        )?;
        let (mut rows, mut numbers) = (statement.query([binder.as_str()])?, Numbers::default());
        while let Some(row) = rows.next()? {
            let row = DocumentRow(row);
            let number = row.0.get(1)?;
            match Guid::parse(row.text(0)?) {
                Some(guid) => numbers.by_id.push((guid, number)),
                None => numbers.others.push(number),
            }
        }
        Ok(numbers)
    }

    /// Calls `each` with the row of every listed document that is mirrored, and with the document's position. `numbers` may
    /// be those of any binder, and out of date.
    pub fn rows_of(&self, numbers: &Numbers, listed: &[&Listed], mut each: impl EachRow) -> Result<(), Error> {
        let number = |item: &Listed| numbers.of(Guid::parse(item.id.as_str())?);
        let mut wanted: Vec<(i64, usize)> =
            listed.iter().enumerate().filter_map(|(at, item)| Some((number(item)?, at))).collect();
        wanted.sort_unstable();
        let mut found = vec![false; listed.len()];
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM rarray(?1) AS wanted CROSS JOIN documents ON documents.number = wanted.value"
        ))?;
        let mut rows = statement.query([array(wanted.iter().map(|(number, _)| Value::Integer(*number)))])?;
        let mut wanted = wanted.into_iter();
        while let Some(row) = rows.next()? {
            let row = DocumentRow(row);
            let number = row.number()?;
            // Rows that are gone are left out.
            let Some((_, at)) = wanted.find(|(wanted, _)| *wanted == number) else { break };
            if row.has(1, Some(listed[at].id.as_str()))? {
                found[at] = true;
                each(at, &row)?;
            }
        }
        let missing: Vec<usize> = (0..listed.len()).filter(|at| !found[*at]).collect();
        if missing.is_empty() { Ok(()) } else { self.rows_elsewhere(listed, &missing, each) }
    }

    /// The rows that were not found by number: those of new documents, and of documents that were in another binder.
    fn rows_elsewhere(&self, listed: &[&Listed], missing: &[usize], mut each: impl EachRow) -> Result<(), Error> {
        let positions: HashMap<&str, usize> = missing.iter().map(|at| (listed[*at].id.as_str(), *at)).collect();
        let mut statement = self
            .0
            .prepare_cached(&format!("SELECT {COLUMNS} FROM documents WHERE id IN (SELECT value FROM rarray(?1))"))?;
        let mut rows = statement.query([array(positions.keys().map(|id| Value::Text((*id).to_owned())))])?;
        while let Some(row) = rows.next()? {
            let row = DocumentRow(row);
            if let Some(at) = positions.get(row.text(1)?) {
                each(*at, &row)?;
            }
        }
        Ok(())
    }
}

/// Takes the position of a document and its row.
pub trait EachRow: FnMut(usize, &DocumentRow<'_>) -> Result<(), Error> {}

impl<F: FnMut(usize, &DocumentRow<'_>) -> Result<(), Error>> EachRow for F {}

/// The row of a document, while it is read.
#[derive(Debug)]
pub struct DocumentRow<'r>(&'r Row<'r>);

impl DocumentRow<'_> {
    /// Its number.
    pub fn number(&self) -> Result<i64, Error> {
        Ok(self.0.get(0)?)
    }

    /// Whether it has the binder, the folder, the name and the version that are listed.
    pub fn is_as_listed(&self, listed: &Listed) -> Result<bool, Error> {
        Ok(self.has(2, Some(listed.binder.as_str()))?
            && self.has(3, listed.folder.as_ref().map(FolderId::as_str))?
            && self.has(4, Some(&listed.file_name))?
            && listed.version.as_ref().is_some_and(|version| self.has(6, Some(version.as_str())).is_ok_and(|has| has)))
    }

    /// The path of its file.
    pub fn path(&self) -> Result<&str, Error> {
        self.text(5)
    }

    /// The stamp of its file.
    pub fn stamp(&self) -> Result<Stamp, Error> {
        stamp(self.0)
    }

    /// A short hash of its metadata.
    pub fn metadata_hash(&self) -> Result<Option<[u8; 8]>, Error> {
        Ok(self.0.get(11)?)
    }

    /// Everything that it says.
    pub fn known(&self) -> Result<Known, Error> {
        known(self.0)
    }

    fn text(&self, column: usize) -> Result<&str, Error> {
        self.0.get_ref(column)?.as_str().map_err(|e| Error::InvalidValue(e.to_string()))
    }

    /// Whether a column has a text. Doesn't check its encoding, as reading it would.
    fn has(&self, column: usize, text: Option<&str>) -> Result<bool, Error> {
        Ok(match self.0.get_ref(column)? {
            ValueRef::Text(found) => text.is_some_and(|text| text.as_bytes() == found),
            ValueRef::Null => text.is_none(),
            _ => false,
        })
    }
}

/// Values as a table for a query.
fn array(values: impl Iterator<Item = Value>) -> Rc<Vec<Value>> {
    Rc::new(values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::VersionId,
        state::{State, Writer},
    };

    const A: &str = "0000000a-0000-4000-8000-000000000000";
    const B: &str = "0000000b-0000-4000-8000-000000000000";
    const C: &str = "0000000c-0000-4000-8000-000000000000";
    const D: &str = "0000000d-0000-4000-8000-000000000000";

    fn state() -> (tempfile::TempDir, State) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.db"), false).unwrap();
        (folder, state)
    }

    fn insert(w: &Writer<'_>, number: i64, id: &str, binder: &str) {
        let row = "INSERT INTO documents (number, id, binder, folder, file_name, path, path_key, version, size, sha256,
                inode, mtime, first_run, version_run, place_run, mirrored_at)
            VALUES (?1, ?2, ?3, 'f', 'a.pdf', ?2, ?2, 'v', 1, zeroblob(32), 1, 1, 1, 1, 1, 1)";
        w.0.execute(row, rusqlite::params![number, id, binder]).unwrap();
    }

    fn found(state: &State, numbers: &Numbers, items: &[Listed]) -> Vec<(usize, i64)> {
        let mut found = Vec::new();
        let each = |at: usize, row: &DocumentRow<'_>| {
            assert_eq!(row.known()?.id, items[at].id);
            found.push((at, row.number()?));
            Ok(())
        };
        state.read(|r| r.rows_of(numbers, &items.iter().collect::<Vec<_>>(), each)).unwrap();
        found.sort_unstable();
        found
    }

    #[test]
    fn rows_are_found_although_numbers_are_out_of_date() {
        let (_folder, state) = state();
        let write = |work: fn(&Writer<'_>)| {
            state
                .write(|w| {
                    work(w);
                    Ok::<_, Error>(())
                })
                .unwrap();
        };
        write(|w| {
            insert(w, 1, A, "b");
            insert(w, 2, "D-1", "b");
            insert(w, 3, B, "another");
            insert(w, 5, D, "b");
        });
        let numbers = state.read(|r| r.numbers(&BinderId::parse("b").unwrap())).unwrap();
        assert_eq!((numbers.len(), numbers.by_id.len()), (3, 2));
        assert_eq!(numbers.all().collect::<Vec<_>>(), [1, 5, 2]);
        let items = [D, B, "D-1", A, C].map(Listed::sample);
        let rows = [(0, 5), (1, 3), (2, 2), (3, 1)];
        assert_eq!(found(&state, &numbers, &items), rows);
        assert_eq!(found(&state, &Numbers::default(), &items), rows);
        // Another document has the number of one that came again, and one is gone.
        write(|w| {
            w.0.execute("DELETE FROM documents WHERE number IN (1, 5)", []).unwrap();
            insert(w, 1, C, "b");
            insert(w, 9, A, "b");
        });
        assert_eq!(found(&state, &numbers, &items), [(1, 3), (2, 2), (3, 9), (4, 1)]);
    }

    #[test]
    fn every_difference_from_the_listing_is_noticed() {
        let (_folder, state) = state();
        state
            .write(|w| {
                insert(w, 1, A, "b");
                Ok::<_, Error>(())
            })
            .unwrap();
        let is_as_listed = |change: fn(&mut Listed)| {
            let mut item = Listed::sample(A);
            change(&mut item);
            let mut same = None;
            let each = |_: usize, row: &DocumentRow<'_>| {
                same = Some(row.is_as_listed(&item)?);
                Ok(())
            };
            state.read(|r| r.rows_of(&Numbers::default(), &[&item], each)).unwrap();
            same.unwrap()
        };
        assert!(is_as_listed(|_| {}));
        assert!(!is_as_listed(|item| item.binder = BinderId::parse("c").unwrap()));
        assert!(!is_as_listed(|item| item.folder = FolderId::parse("g").ok()));
        assert!(!is_as_listed(|item| item.folder = None));
        assert!(!is_as_listed(|item| item.file_name = "b.pdf".to_owned()));
        assert!(!is_as_listed(|item| item.version = VersionId::parse("w").ok()));
        // Then the mirrored version stays, which is for others to decide.
        assert!(!is_as_listed(|item| item.version = None));
    }
}
