//! Tests that need something which this machine lacks.

use std::io::Write as _;

/// Says on standard error that this test is skipped, and fails it where `CI` is set. The harness captures what macros
/// print, so the line is written without one.
pub(crate) fn skip(missing: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(std::env::var_os("CI").is_none(), "{test} can't run: {missing}");
    std::io::stderr().write_all(format!("SKIPPED {test}: {missing}\n").as_bytes()).unwrap();
}
