//! Who is told how it went.

use std::path::PathBuf;

/// Who is told how it went, besides whoever reads standard output.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// A copy of the mirror's status, for a user who may not read the mirror.
    pub status_file: Option<PathBuf>,
}
