//! What the service has: binders, folders and pages, and whether a listing is complete.

pub(crate) mod binders;
pub(crate) mod certification;
pub(crate) mod crawl;
pub(crate) mod failure;
pub(crate) mod filter;
pub(crate) mod folders;
pub(crate) mod outcome;
mod pages;
pub(crate) mod sort_order;
pub(crate) mod tabs;
