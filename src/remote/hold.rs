//! Why requests wait.

use std::time::Duration;

/// Why requests wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// The API asked for a pause, which still takes this long.
    Throttled(Duration),
    /// The API or a storage host is not answering.
    Down {
        /// Its name.
        who: String,
        /// When it is asked again; `None` if that is being done.
        next: Option<Duration>,
    },
}
