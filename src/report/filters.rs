//! The filters of a run, as given.

use serde::{Deserialize, Serialize};

use crate::report::format;

/// Globs of binders and documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// Binders by id or name; empty for all.
    pub binder: Vec<String>,
    /// Excluded binders.
    pub exclude_binder: Vec<String>,
    /// Documents by path; empty for all.
    pub include: Vec<String>,
    /// Excluded documents.
    pub exclude: Vec<String>,
}

impl Filters {
    /// Each glob with its flag.
    pub fn flags(&self) -> Vec<String> {
        let of = |flag: &'static str, globs: &'_ [String]| {
            globs.iter().map(move |glob| format!("--{flag} {glob:?}")).collect::<Vec<_>>()
        };
        [
            of("binder", &self.binder),
            of("exclude-binder", &self.exclude_binder),
            of("include", &self.include),
            of("exclude", &self.exclude),
        ]
        .concat()
    }

    /// What they exclude, in words: `2 binders and 1,204 documents`.
    pub fn left_out(binders: u64, documents: u64) -> String {
        let documents = format::number_of(documents, "document", "documents");
        match binders {
            0 => documents,
            _ => format!("{} and {documents}", format::number_of(binders, "binder", "binders")),
        }
    }

    /// The same without the globs, which may name binders and documents.
    #[must_use]
    pub fn without_names(&self) -> Self {
        let hidden = |globs: &[String]| vec!["…".to_owned(); globs.len()];
        Self {
            binder: hidden(&self.binder),
            exclude_binder: hidden(&self.exclude_binder),
            include: hidden(&self.include),
            exclude: hidden(&self.exclude),
        }
    }
}
