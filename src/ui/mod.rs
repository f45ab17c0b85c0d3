//! What people see: log lines and progress on standard error, results on standard output.

mod bars;
mod binders;
mod doctor;
mod escape;
mod history;
mod left;
mod log;
mod progress;
mod purge;
mod standing;
mod summary;
mod verify;

use std::io::{self, Write as _};

pub use binders::binders;
pub use doctor::{checkup, checkup_report};
pub use escape::escape;
pub use history::{biography, listed, restored, snapshots};
pub use log::{Level, start as start_log};
pub use progress::{Screen, Status};
pub use purge::purge;
pub use standing::standing;
pub use summary::{ended, plan, planned, summary};
pub use verify::verify_summary;

use crate::report::bytes;

/// Prints to standard output. A reader that went away (`| head`) is no error.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Many lines on standard output, written in larger pieces.
#[derive(Debug)]
pub struct Lines(io::BufWriter<io::Stdout>);

impl Default for Lines {
    fn default() -> Self {
        Self(io::BufWriter::new(io::stdout()))
    }
}

impl Lines {
    /// Prints a line; false where nobody reads any more.
    pub fn print(&mut self, line: &str) -> bool {
        self.0.write_all(line.as_bytes()).is_ok()
    }
}

/// Prints an error with what caused it, once, to standard error.
pub fn complain(error: &dyn std::error::Error) {
    let mut text = format!("error: {}", escape(&error.to_string()));
    let mut last = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // Wrapping types often repeat what they wrap.
        if !last.contains(&said) {
            text.push_str(": ");
            text.push_str(&escape(&said));
        }
        last = said;
        cause = error.source();
    }
    let _ = writeln!(io::stderr(), "{text}");
}
