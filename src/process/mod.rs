//! Processes and threads that this program starts, and where its own output leads.

mod children;
mod shell;
mod streams;
mod thread;

pub use children::Children;
pub use shell::{Failed, Shell, abandon};
pub use streams::output_is_one;
pub use thread::Joined;
