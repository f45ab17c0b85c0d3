//! A binder's metadata as people read them: labels in place of ids.

use std::collections::HashMap;

use super::{
    metadata_elements::{Element, elements},
    value::values,
};

/// The labels of a binder's metadata.
#[derive(Debug, Default)]
pub struct Labelled(HashMap<String, Element>);

impl Labelled {
    /// The labels of a binder's metadata elements, as the service sent these.
    pub fn new(schema: Option<&str>) -> Self {
        let elements = schema.map(elements).unwrap_or_default();
        Self(elements.into_iter().map(|element| (element.id.clone(), element)).collect())
    }

    /// The label of a key, if the binder has one.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|element| element.label.as_str())
    }

    /// The keys and readable values of a document's metadata, in order.
    pub fn values(&self, json: &str) -> Vec<(String, String)> {
        values(json, &self.0).into_iter().map(|(key, value)| (key, value.text())).collect()
    }
}
