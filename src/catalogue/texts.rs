//! The readable values of documents' metadata, for searching.

use std::collections::HashMap;

use super::{
    TAB,
    metadata_elements::{Element, elements},
    value::values,
};
use crate::state::{self, Reader};

/// Values of these keys say nothing about a document: the kind of its tab, and its binder's id.
const NOT_SEARCHED: [&str; 2] = ["GLOBAL_TabType", "GLOBAL_BinderId"];

/// The names and labels with which metadata are shown.
#[derive(Debug)]
pub struct Texts {
    binders: HashMap<String, Labelled>,
}

#[derive(Debug, Default)]
struct Labelled {
    name: String,
    elements: HashMap<String, Element>,
    folders: HashMap<String, String>,
}

impl Texts {
    /// Reads the names and labels.
    pub fn new(reader: &Reader<'_>) -> Result<Self, state::Error> {
        let mut binders: HashMap<String, Labelled> = HashMap::new();
        for labels in reader.labels()? {
            let elements = elements(labels.schema.as_deref().unwrap_or_default());
            let elements = elements.into_iter().map(|element| (element.id.clone(), element)).collect();
            binders.insert(labels.binder, Labelled { name: labels.name, elements, folders: HashMap::new() });
        }
        reader.folder_names(|binder, id, name| {
            if let Some(binder) = binders.get_mut(binder) {
                binder.folders.insert(id.to_owned(), name.to_owned());
            }
        })?;
        Ok(Self { binders })
    }

    /// A binder's name and the values of a document's metadata.
    pub fn of(&self, binder: &str, metadata: Option<&str>) -> Vec<String> {
        let unknown = Labelled::default();
        let binder = self.binders.get(binder).unwrap_or(&unknown);
        let mut texts = vec![binder.name.clone()];
        for (key, value) in metadata.iter().flat_map(|json| values(json, &binder.elements)) {
            let text = value.text();
            match &*key {
                TAB => texts.extend(binder.folders.get(&text).cloned()),
                key if NOT_SEARCHED.contains(&key) => {}
                _ => texts.push(text),
            }
        }
        texts
    }
}
