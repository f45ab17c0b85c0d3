//! Progress and speed of a run, in words.

use std::time::{Duration, Instant};

use crate::{
    report::Progress,
    ui::{
        bytes,
        eta::{RateEstimator, about},
    },
};

/// The kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// Reading binders and downloading documents, or checking files.
    Mirror,
    /// Writing files that are not downloads.
    Files,
}

/// The speed of the work.
#[derive(Debug, Default)]
pub(super) struct Throughput {
    downloads: RateEstimator,
    bytes: RateEstimator,
    checked: RateEstimator,
}

impl Throughput {
    pub(super) fn add_sample(&mut self, progress: &Progress, now: Duration) {
        self.downloads.add_sample(now, Progress::get(&progress.downloads_done));
        self.bytes.add_sample(now, Progress::get(&progress.bytes));
        self.checked.add_sample(now, Progress::get(&progress.checked));
    }
}

/// Whether files are checked.
pub(super) fn checks(progress: &Progress) -> bool {
    Progress::get(&progress.to_check) > 0
}

/// Whether nothing but checking is done.
pub(super) fn checks_only(progress: &Progress) -> bool {
    checks(progress) && Progress::get(&progress.binders) == 0
}

/// A status line on request.
#[derive(Debug)]
pub struct StatusLine {
    started: Instant,
    pace: Throughput,
}

impl Default for StatusLine {
    fn default() -> Self {
        Self { started: Instant::now(), pace: Throughput::default() }
    }
}

impl StatusLine {
    /// The present status line.
    pub fn line(&mut self, progress: &Progress) -> String {
        self.pace.add_sample(progress, self.started.elapsed());
        line(progress, &mut self.pace, Subject::Mirror)
    }
}

pub(super) fn line(progress: &Progress, pace: &mut Throughput, subject: Subject) -> String {
    match (subject, checks(progress), checks_only(progress)) {
        (Subject::Files, ..) => format!("files {}", written(progress, pace)),
        (_, true, true) => check(progress, pace),
        (_, true, false) => format!("{}, {}", mirror(progress, pace), check(progress, pace)),
        (_, false, _) => mirror(progress, pace),
    }
}

/// How much was checked, and how fast, if nothing else was done before.
pub(super) fn check(progress: &Progress, pace: &mut Throughput) -> String {
    let (done, all) = (Progress::get(&progress.checked), Progress::get(&progress.to_check));
    let text = format!("checked {} of {}", bytes(done), bytes(all));
    if checks_only(progress) {
        format!("{text}, {}/s{}", rate(&pace.checked), remaining(&mut pace.checked, all))
    } else {
        text
    }
}

fn mirror(progress: &Progress, pace: &mut Throughput) -> String {
    format!(
        "binders {}/{}, {} documents listed, downloads {}",
        Progress::get(&progress.binders_done),
        Progress::get(&progress.binders),
        Progress::get(&progress.listed),
        written(progress, pace)
    )
}

fn written(progress: &Progress, pace: &mut Throughput) -> String {
    let (done, all) = (Progress::get(&progress.downloads_done), Progress::get(&progress.downloads));
    format!("{done}/{all}, {}", transfer(progress, pace))
}

/// Bytes, rate, and the remaining time.
pub(super) fn transfer(progress: &Progress, pace: &mut Throughput) -> String {
    let text = format!("{}, {}/s", bytes(Progress::get(&progress.bytes)), rate(&pace.bytes));
    // Until all binders are read, the number of downloads is unknown.
    let read = Progress::get(&progress.binders_done) == Progress::get(&progress.binders);
    if read { text + &remaining(&mut pace.downloads, Progress::get(&progress.downloads)) } else { text }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate for people")]
fn rate(estimator: &RateEstimator) -> String {
    bytes(estimator.rate() as u64)
}

fn remaining(estimator: &mut RateEstimator, all: u64) -> String {
    estimator.remaining(all).map(|remaining| format!(", about {} left", about(remaining))).unwrap_or_default()
}
