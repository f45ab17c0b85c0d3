//! Shell commands and threads that this program starts.

mod shell;
mod thread;

pub use shell::{Failed, Shell, abandon};
pub use thread::Joined;
