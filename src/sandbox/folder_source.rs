//! Where an organisation made of a folder comes from.

use std::{collections::HashSet, path::PathBuf, time::Instant};

/// Where an organisation's documents come from, and which of its parts came from there.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) root: PathBuf,
    pub(super) read_at: Option<Instant>,
    pub(super) binders: HashSet<u32>,
    pub(super) folders: HashSet<u32>,
}
