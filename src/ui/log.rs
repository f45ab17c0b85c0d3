//! Log lines, on standard error.
//!
//! Only this program's own lines are shown, whatever `RUST_LOG` says: the HTTP libraries may log headers, and with
//! them the token.

use std::io;

use indicatif::MultiProgress;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, fmt, fmt::MakeWriter, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use super::escape;

/// The log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Errors only.
    Error,
    /// Warnings and results.
    Normal,
    /// Every step.
    Debug,
    /// Everything.
    Trace,
}

/// Starts logging. `bars` are hidden while a line is written.
pub fn start(level: Level, json: bool, bars: &MultiProgress) {
    let directive = match level {
        Level::Error => "error",
        Level::Normal => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(directive));
    let own = filter_fn(|metadata| metadata.target().starts_with("ibinder_sync"));
    let writer = Writer(bars.clone());
    let layer = if json {
        fmt::layer().json().flatten_event(true).with_writer(writer).boxed()
    } else {
        let layer = fmt::layer().with_target(false).with_ansi(false).with_writer(writer);
        if level == Level::Normal { layer.without_time().boxed() } else { layer.boxed() }
    };
    // Only the first start counts; a second one (in a test) changes nothing.
    let _ = tracing_subscriber::registry().with(layer.with_filter(own).with_filter(filter)).try_init();
}

#[derive(Clone)]
struct Writer(MultiProgress);

struct Line {
    bars: MultiProgress,
    text: Vec<u8>,
}

impl<'w> MakeWriter<'w> for Writer {
    type Writer = Line;

    fn make_writer(&'w self) -> Line {
        Line { bars: self.0.clone(), text: Vec::new() }
    }
}

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = escape(&String::from_utf8_lossy(&self.text));
        // A closed standard error is no reason to stop a backup.
        self.bars.suspend(|| drop(io::Write::write_all(&mut io::stderr(), text.as_bytes())));
    }
}
