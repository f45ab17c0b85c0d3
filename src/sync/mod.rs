//! The engine. One run lists, decides, fetches and commits; what a mirror needs besides is upkeep.
//!
//! - `list` reads the binders, their folders and pages, and judges whether a listing is complete.
//! - `decide` compares what is listed with what is known, and hands out downloads and changes. Removals and renames are
//!   decided as a set once all binders have been read.
//! - `fetch` downloads versions, and decides what may become a document.
//! - `commit` publishes files in batches and records them.
//! - `upkeep` checks, repairs, and deletes what the retention ends.
//!
//! Only credentials, configuration, the state, the disk and the lock end a run ([`Fatal`]);
//! everything else is a document's or a binder's failure, which is data.

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
