//! Reads binders, folders and pages, and decides whether a listing is consistent.

pub(crate) mod binders;
pub(crate) mod certification;
pub(crate) mod crawl;
pub(crate) mod failure;
pub(crate) mod filter;
pub(crate) mod folders;
pub(crate) mod forecast;
pub(crate) mod look_ahead;
pub(crate) mod outcome;
mod pages;
pub(crate) mod sort_order;
pub(crate) mod tabs;
