//! Whether everything is as it is recorded: every file of the tree and every object, by its bytes.
//!
//! [`check`] reads and notes suspects; [`Looked::confirm`] looks at each of them once more, and
//! then compares it with a state that is newer than both looks. A run may go on meanwhile: what it
//! changed has another row by then, or an intent that mentions it, and is no damage. So a check
//! needs no lock, and nothing here changes the mirror.
//!
//! A rolling check takes a part and goes on where the last one stopped ([`Cursor`]): documents by
//! row number, then objects by hash. Both orders are stable, and new documents come at the end.

mod check;
mod classify;
mod confirm;
mod cursor;
mod error;
mod left;
mod note;
mod quota;
mod reader;

pub use check::{Looked, Task, Watch, check};
pub use classify::{FileLook, Verdict, classify};
pub use confirm::Confirmed;
pub use cursor::{Cursor, Position, Round};
pub use error::Error;
pub use left::Left;
pub use note::{NOTE, Note};
pub use quota::CheckScope;
pub use reader::prove;
