//! What is searched for.

use super::{
    line::{Line, binder_checksum, texts},
    word::Word,
};
use crate::state::DocumentKey;

/// Words and conditions that a document must all meet.
#[derive(Debug, Clone, Default)]
pub struct Query {
    words: Vec<Word>,
    binder: Option<u32>,
    endings: Vec<Vec<u8>>,
    after: Option<i64>,
}

impl Query {
    /// Documents that have all these words.
    pub fn new(words: &[String]) -> Self {
        Self { words: words.iter().filter_map(|word| Word::new(word)).collect(), ..Self::default() }
    }

    /// Only in the binder with this id.
    #[must_use]
    pub fn in_binder(self, id: Option<&str>) -> Self {
        Self { binder: id.map(binder_checksum), ..self }
    }

    /// Only files of one of these types, such as `pdf`; of any type if none is given.
    #[must_use]
    pub fn of_types(self, types: &[String]) -> Self {
        let ending = |kind: &String| format!(".{}", super::fold(kind.trim_start_matches('.'))).into_bytes();
        Self { endings: types.iter().map(ending).collect(), ..self }
    }

    /// Only documents that a later run than this one changed or removed.
    #[must_use]
    pub fn changed_after(self, run: Option<i64>) -> Self {
        Self { after: run, ..self }
    }

    /// The document of a line, if it is one of those.
    pub(super) fn find(&self, line: &[u8]) -> Option<DocumentKey> {
        let text = texts(line);
        if !self.words.iter().all(|word| word.is_in(text)) {
            return None;
        }
        let line = Line::read(line)?;
        let is_meant = self.binder.is_none_or(|binder| binder == line.binder)
            && self.after.is_none_or(|run| line.run > run)
            && (self.endings.is_empty() || self.endings.iter().any(|ending| line.path().ends_with(ending)));
        is_meant.then_some(line.key)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::line::write, *};
    use crate::state::Searchable;

    #[test]
    fn all_conditions_must_be_met() {
        let key = DocumentKey::Present(7);
        let document =
            Searchable { row: key, binder: "b1", path: "Brf Eken/El.PDF", file_name: "El.PDF", run: 5, metadata: None };
        let (mut line, mut folded) = (Vec::new(), String::new());
        write(&document, &["Anna Lindqvist".into()], &mut folded, &mut line);
        let query = |words: &[&str]| Query::new(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        let types = |types: &[&str]| types.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>();
        for (query, is_found) in [
            (query(&[]), true),
            (query(&["eken", "EL"]), true),
            (query(&["eken", "vatten"]), false),
            (query(&["pdf", "lindqvist"]), true),
            // Nothing is found across texts, or in numbers of rows and runs.
            (query(&["pdf anna"]), false),
            (query(&["0000000007"]), false),
            (query(&["eken"]).in_binder(Some("b1")), true),
            (query(&["eken"]).in_binder(Some("b2")), false),
            (query(&["eken"]).of_types(&types(&["docx", ".pdf"])), true),
            (query(&["eken"]).of_types(&types(&["df", "docx"])), false),
            (query(&["eken"]).changed_after(Some(4)), true),
            (query(&["eken"]).changed_after(Some(5)), false),
        ] {
            assert_eq!(query.find(&line), is_found.then_some(key), "{query:?}");
        }
    }
}
