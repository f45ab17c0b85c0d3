//! A table of texts that repeat: each is written once.

use std::collections::HashMap;

use serde::{Serialize, Serializer};

#[derive(Debug, Default)]
pub(super) struct Table(HashMap<String, usize>);

impl Table {
    /// The number of a text.
    pub(super) fn number(&mut self, text: &str) -> usize {
        if let Some(number) = self.0.get(text) {
            return *number;
        }
        let next = self.0.len();
        self.0.insert(text.to_owned(), next);
        next
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut texts = vec![""; self.0.len()];
        for (text, number) in &self.0 {
            texts[*number] = text;
        }
        texts.serialize(serializer)
    }
}
