//! The engine of a run.
//!
//! - `list` reads binders, folders and pages, and decides whether a listing is consistent.
//! - `decide` compares listed documents with what is known, and plans downloads and changes. Removals and renames are
//!   decided as a set once all binders were read.
//! - `fetch` downloads versions, and decides which bytes may become a document.
//! - `commit` publishes files in batches and records them.
//! - `upkeep` checks, repairs, and deletes old versions.
//!
//! Only errors of credentials, configuration, state, disk and lock end a run ([`Fatal`]). Any other error is a failure of one
//! document or binder, and is recorded.

mod commit;
mod context;
mod decide;
mod fatal;
mod fetch;
mod list;
mod options;
mod run;
mod sink;
mod stop;
mod upkeep;
mod worker;

pub use fatal::Fatal;
pub use fetch::sizes::Sampled;
pub use list::filter::{BadGlob, Filter};
pub use options::{Adopt, Options};
pub use run::{Ended, Finished, Parts, run};
pub use sink::Planned;
pub use stop::{Stop, StopCause};
pub use upkeep::{
    forget::{forget, replay},
    repair::mend,
    review::review,
};
