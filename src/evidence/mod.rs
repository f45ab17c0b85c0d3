//! Decides which downloaded bytes may become documents.
//!
//! Storage and proxies sometimes answer 200 with something other than the document: a login page, a notice, an empty body.
//! Such a stand-in must not replace a document, and no document may be refused forever because it looks odd. [`Fit`]
//! compares bytes with the kind of file that their name promises. [`judge`] looks at all documents of a run and decides
//! which bytes are published, which are published provisionally and checked again later, and which are held back until an
//! independent run downloads the same bytes. `docs/reliability.md` has the rule as a table.

mod fit;
mod look;
mod magic;
mod rule;
mod text;

pub use fit::{Fit, SAMPLE, extension};
pub use rule::{
    Item, Reason, Verdict, after_check, has_passed_all_checks, held_since, is_check_due, is_independent, is_proved,
    judge,
};
