//! Parses the service's JSON.
//!
//! A run reads a page for every few hundred documents, most of them unchanged, and parsing is most of its work:
//! text is borrowed from the response, metadata stay text, and nothing becomes a tree of values. A list is read in
//! one pass; only if an item is odd is it read again item by item, so that the odd one fails alone
//! (`docs/architecture.md`, "The life of a document").
//!
//! Unknown fields are ignored. Field names are those of `docs/api-contract.md`.

#[cfg(test)]
mod arbitrary_tests;
mod item;
mod list;
mod metadata;
mod page;
#[cfg(test)]
mod page_tests;
mod scalar;

pub use item::OddItem;
pub use metadata::sort_key;
pub use page::{Oddity, OddityKind, SearchPage};

pub(super) use item::document;
pub(super) use list::{binders, folders};
pub(super) use metadata::{BINDER, DATE, TAB};
pub(super) use page::page;
pub(super) use scalar::{Number, Text};

use super::cause::Cause;

/// The parser's error without any of the parsed text, which may contain links and names.
pub(super) fn garbled(error: &serde_json::Error) -> Cause {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "it does not have the documented shape",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is not JSON",
    };
    Cause::Garbled(format!("{what} (line {}, column {})", error.line(), error.column()))
}
