//! How far a run is and how fast it goes, in words.

use std::time::{Duration, Instant};

use crate::{
    report::Progress,
    ui::{
        bytes,
        eta::{Course, about},
    },
};

/// What goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// Binders are read and documents downloaded, or files checked.
    Mirror,
    /// Files are written that are not downloaded.
    Files,
}

/// How fast everything goes.
#[derive(Debug, Default)]
pub(super) struct Throughput {
    downloads: Course,
    bytes: Course,
    checked: Course,
}

impl Throughput {
    pub(super) fn see(&mut self, progress: &Progress, now: Duration) {
        self.downloads.see(now, Progress::get(&progress.downloads_done));
        self.bytes.see(now, Progress::get(&progress.bytes));
        self.checked.see(now, Progress::get(&progress.checked));
    }
}

/// Whether files are checked.
pub(super) fn checks(progress: &Progress) -> bool {
    Progress::get(&progress.to_check) > 0
}

/// Whether nothing else is done.
pub(super) fn checks_only(progress: &Progress) -> bool {
    checks(progress) && Progress::get(&progress.binders) == 0
}

/// How far a run is, in a line that somebody asks for now and then.
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
    /// The line.
    pub fn line(&mut self, progress: &Progress) -> String {
        self.pace.see(progress, self.started.elapsed());
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

/// How much was checked; and how fast, where nothing else went on before.
pub(super) fn check(progress: &Progress, pace: &mut Throughput) -> String {
    let (done, all) = (Progress::get(&progress.checked), Progress::get(&progress.to_check));
    let text = format!("checked {} of {}", bytes(done), bytes(all));
    if checks_only(progress) {
        format!("{text}, {}/s{}", rate(&pace.checked), left(&mut pace.checked, all))
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

/// Bytes, rate, and the time that is left.
pub(super) fn transfer(progress: &Progress, pace: &mut Throughput) -> String {
    let text = format!("{}, {}/s", bytes(Progress::get(&progress.bytes)), rate(&pace.bytes));
    // Before all binders are read nobody knows how many downloads there will be.
    let read = Progress::get(&progress.binders_done) == Progress::get(&progress.binders);
    if read { text + &left(&mut pace.downloads, Progress::get(&progress.downloads)) } else { text }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate for people")]
fn rate(course: &Course) -> String {
    bytes(course.rate() as u64)
}

fn left(course: &mut Course, all: u64) -> String {
    course.left(all).map(|left| format!(", about {} left", about(left))).unwrap_or_default()
}
