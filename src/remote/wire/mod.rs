//! The service's JSON, read leanly.
//!
//! A night reads a page for every few hundred documents and most of them are unchanged, so parsing is most
//! of its work: text is borrowed from the answer, metadata stay the text they came as, and nothing becomes a tree of
//! values. A list is read in one pass when all its items are as documented; only where one is odd is the
//! list read again item by item, so that the odd one fails alone (`docs/architecture.md`, "The life of a document").
//!
//! Fields that aren't named here are ignored. Field names are those of `docs/api-contract.md`.

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

/// What a parser says, without a word of what it parsed: answers hold links and names.
pub(super) fn garbled(error: &serde_json::Error) -> Cause {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "it is not of the documented shape",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is not JSON",
    };
    Cause::Garbled(format!("{what} (line {}, column {})", error.line(), error.column()))
}
