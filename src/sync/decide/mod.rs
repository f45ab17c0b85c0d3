//! What to do about each listed document, and about those that are no longer listed.

pub(crate) mod adoption;
pub(crate) mod contested_folders;
pub(crate) mod emptiness;
pub(crate) mod filtered;
mod folders;
pub(crate) mod id_case;
mod jobs;
pub(crate) mod listed_versions;
mod page;
pub(crate) mod planner;
pub(crate) mod removals;
pub(crate) mod renames;
pub(crate) mod reservations;
mod rows;
pub(crate) mod seen;
pub(crate) mod target_paths;
pub(crate) mod unobstructed_folders;
