//! Who is told how it went.

use std::path::PathBuf;

use super::Settings;

/// Who is told how it went, besides whoever reads standard output.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// The profile, which tells the mirrors of one machine apart.
    pub profile: Option<String>,
    /// A copy of the mirror's status, for a user who may not read the mirror.
    pub status_file: Option<PathBuf>,
    /// A Prometheus textfile.
    pub metrics_file: Option<PathBuf>,
}

impl Notices {
    /// The same, under the profile that was chosen.
    #[must_use]
    pub fn of(self, settings: &Settings) -> Self {
        Self { profile: settings.profile().map(str::to_owned), ..self }
    }
}
