//! Checks that every file of the tree and every object has the recorded bytes.
//!
//! [`check`] reads and collects suspects. [`CheckResult::confirm`] examines each of them again, and compares it with a state
//! that is newer than both looks. A run may be active: whatever it changed has another row by then, or an intent, and is
//! not damage. Therefore checks need no lock. Nothing here changes the mirror.
//!
//! A rolling check covers a part and continues where the last one stopped ([`Cursor`]): documents by row number, then
//! objects by hash. Both orders are stable, and new documents come at the end.

mod check;
mod classify;
mod confirm;
mod cursor;
mod error;
mod note;
mod quota;
mod reader;
mod unrepaired;

pub use check::{CheckResult, Task, Watch, check};
pub use classify::{FileLook, Verdict, classify};
pub use confirm::Confirmed;
pub use cursor::{Cursor, Position, Round};
pub use error::Error;
pub use note::{NOTE, Note};
pub use quota::CheckScope;
pub use reader::prove;
pub use unrepaired::Unrepaired;
