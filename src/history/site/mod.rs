//! Keeps the catalogue for people up to date: reads the state and the reports, and writes what `site` renders.
//!
//! Order makes it whole at any moment: all data first, then a barrier, then `start.js`, which leads to them. What the present
//! and the former `start.js` lead to stays, for pages that are open. The state records for which run the binders' data
//! were written, and under which name the list of binders is: as long as `start.js` names the same list, only binders that
//! changed after that run are rendered again.

mod base;
mod binder;
mod pair;
mod place;
mod recent;
mod record;
mod start;
mod survey;
mod update;

pub use place::{Site, SitePlace};
pub use start::Night;

pub(super) use update::{binders_of, erase_from_catalogue};
