//! Processes and threads that this program starts.

mod children;
mod shell;
mod thread;

pub use children::Children;
pub use shell::{Failed, Shell, abandon};
pub use thread::Joined;
