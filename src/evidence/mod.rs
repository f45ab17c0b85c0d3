//! What may become a document.
//!
//! Storage, and what stands between, sometimes answers 200 and sends something else than the document: a login page, a
//! notice, an empty body. Such a stand-in must not replace documents, and a document must not be refused for good because
//! it looks odd. [`Fit`] compares bytes with the kind of file that their name promises; [`judge`] decides, over all
//! documents of a run, which bytes are published, which are published for now and fetched again later, and which are kept
//! back until another night gives the same ones. `docs/reliability.md` has the rule as a table.

mod fit;
mod look;
mod magic;
mod rule;
mod text;

pub use fit::{Fit, SAMPLE, extension};
pub use rule::{
    Item, Reason, Verdict, after_check, held_since, is_check_due, is_independent, is_proved, is_settled, judge,
};
