//! The receipt of a bag: what is in it, what is missing and why, in English and Swedish, as text and as a page.

mod compose;
mod html;
mod lists;
#[cfg(test)]
mod tests;
mod text;

use jiff::{Timestamp, tz::TimeZone};

pub(super) use compose::compose;
pub(super) use html::html;
pub(super) use text::text;

use super::gaps::Gaps;
use crate::{model::Sha256, report::Language, state::BinderSummary};

/// The names of the receipt: its page and its text.
pub(super) const fn names(language: Language) -> [&'static str; 2] {
    match language {
        Language::English => ["receipt.html", "receipt.txt"],
        Language::Swedish => ["kvitto.html", "kvitto.txt"],
    }
}

/// What a receipt is about.
#[derive(Debug)]
pub(super) struct Facts<'f> {
    /// The organisation's id.
    pub(super) organisation: &'f str,
    /// Its binders in the bag.
    pub(super) binders: &'f [BinderSummary],
    /// The id and the end of the last complete run.
    pub(super) complete: Option<(&'f str, i64)>,
    /// When the mirror's record was read.
    pub(super) as_of: Timestamp,
    /// When the bag was finished.
    pub(super) finished: Timestamp,
    /// Documents in the tree, and their size in bytes.
    pub(super) documents: (u64, u64),
    /// Files of old versions, and their size in bytes.
    pub(super) versions: (u64, u64),
    /// All payload files, and their size in bytes.
    pub(super) payload: (u64, u64),
    /// The hash of the manifest.
    pub(super) manifest: Sha256,
    /// What is missing.
    pub(super) gaps: &'f Gaps,
    /// The time zone of its times.
    pub(super) zone: &'f TimeZone,
}

/// A receipt in parts. Everything from outside is one line without control characters.
#[derive(Debug, Default)]
pub(super) struct Receipt {
    language: Language,
    is_complete: bool,
    title: &'static str,
    headline: &'static str,
    sentence: String,
    facts: Vec<Fact>,
    /// Titles, and a row for each binder.
    binders: ([&'static str; 5], Vec<[String; 5]>),
    missing: Vec<List>,
    notes: Vec<String>,
    /// What to do to check the bag, and the commands.
    check: (&'static str, [&'static str; 2]),
    /// Paths in the bag, and what is there.
    contents: Vec<(&'static str, &'static str)>,
    /// The same in the other language: its text, and its file.
    other: (&'static str, &'static str),
}

/// A line of the summary.
#[derive(Debug)]
struct Fact {
    label: &'static str,
    value: String,
    /// Whether it is to be compared letter by letter.
    is_code: bool,
}

/// Something that is missing: a sentence, and what it is about.
#[derive(Debug)]
struct List {
    sentence: String,
    lines: Vec<String>,
}
