//! Skips tests that need something which this machine lacks.

use std::io::Write as _;

/// Prints that this test is skipped, and fails it if `CI` is set. Writes to standard error directly, because the test
/// harness captures what macros print.
pub(crate) fn skip(missing: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(std::env::var_os("CI").is_none(), "{test} can't run: {missing}");
    std::io::stderr().write_all(format!("SKIPPED {test}: {missing}\n").as_bytes()).unwrap();
}
