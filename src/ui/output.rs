//! Results, on standard output.
//!
//! A reader that stopped reading (`| head`) has what it wants. A write error, for example of a full disk, is
//! reported once, and the program must not exit with success.

use std::{
    io::{self, Write as _},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use serde::Serialize;

static LOST: AtomicBool = AtomicBool::new(false);

/// Whether output was lost.
pub fn is_lost() -> bool {
    LOST.load(Relaxed)
}

/// Prints to standard output.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    keep(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Prints on standard error what belongs beside a result that another program reads.
pub fn print_aside(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// A value as JSON for a reader of its own.
pub fn json(value: &impl Serialize) -> String {
    // Texts, numbers and lists always serialize.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// A value as a line of JSON.
pub fn json_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

/// Prints a value as JSON.
pub fn print_json(value: &impl Serialize) {
    print(&json(value));
}

/// Prints many lines on standard output, with a buffer.
#[derive(Debug)]
pub struct Lines(io::BufWriter<io::Stdout>);

impl Default for Lines {
    fn default() -> Self {
        Self(io::BufWriter::new(io::stdout()))
    }
}

impl Lines {
    /// Prints a line; false if the reader has gone.
    pub fn print(&mut self, line: &str) -> bool {
        keep(self.0.write_all(line.as_bytes()))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        keep(self.0.flush());
    }
}

/// Whether it was written; reports errors.
fn keep(written: io::Result<()>) -> bool {
    let Err(error) = written else { return true };
    if error.kind() != io::ErrorKind::BrokenPipe && !LOST.swap(true, Relaxed) {
        let _ = writeln!(io::stderr(), "error: cannot write to standard output: {error}");
    }
    false
}
