//! Output for people: log lines and progress on standard error, results on standard output.

mod bars;
mod binders;
mod changes;
mod copy;
mod doctor;
mod eta;
mod first_run;
mod forget;
mod history;
mod log;
mod outlook;
mod output;
mod profiles;
mod progress;
mod purge;
mod questions;
mod status;
mod summary;
mod throughput;
mod verify;
mod waiting;
mod withheld;

use std::io::{self, Write as _};

pub use binders::binders;
pub use changes::{change, change_total};
pub use copy::{copied, copy_check, pruned, purged_from_copy};
pub use doctor::{checkup_report, doctor_report};
pub use forget::forget;
pub use history::{document_history, found, listed, listed_folder, nothing_found, restored, snapshots};
pub use log::{Level, start as start_log};
pub use output::{Lines, is_lost, json, json_line, print, print_aside, print_json};
pub use profiles::{ProfileEnd, all_profiles, all_statuses, labelled};
pub use progress::Screen;
pub use purge::purge;
pub use questions::{ask_line, ask_secret};
pub use status::status;
pub use summary::{Told, ended, plan, planned, summary};
pub use throughput::StatusLine;
pub use verify::{verify_copy_summary, verify_summary};
pub use waiting::{Pause, Waiting};
pub use withheld::{confirmed, how_to_confirm, withheld};

use crate::report::bytes;
pub use crate::report::escape;

/// Prints a warning to standard error, if there are no log lines.
pub fn warn(error: &dyn std::error::Error) {
    let _ = writeln!(io::stderr(), "warning: {}", escape(&error.to_string()));
}

/// Prints text to standard error.
pub fn print_note(text: &str) {
    // A closed standard error is no reason to stop a backup.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Prints an error with its causes to standard error.
pub fn print_error(error: &dyn std::error::Error) {
    let mut text = format!("error: {}", escape(&error.to_string()));
    let mut last = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text_of_error = error.to_string();
        // Wrapping types often repeat the text of their cause.
        if !last.contains(&text_of_error) {
            text.push_str(": ");
            text.push_str(&escape(&text_of_error));
        }
        last = text_of_error;
        cause = error.source();
    }
    let _ = writeln!(io::stderr(), "{text}");
}
