use std::{collections::HashSet, path::PathBuf, time::Instant};

/// The folder that an organisation is made from, and what was found there.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) root: PathBuf,
    pub(super) read_at: Option<Instant>,
    pub(super) binders: HashSet<u32>,
    pub(super) folders: HashSet<u32>,
}
