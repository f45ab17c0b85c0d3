//! Progress: bars on a terminal, a line now and then elsewhere.

use std::{
    io::IsTerminal as _,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use indicatif::MultiProgress;

use crate::{
    report::Progress,
    ui::{
        bars::Bars,
        bytes,
        eta::{Course, about},
    },
};

/// How often bars are drawn.
const TICK: Duration = Duration::from_millis(200);

/// How often a line is written where there are no bars.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The thread that shows progress, until it is dropped.
pub struct Screen {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// Binders are read and documents downloaded, or files checked.
    Mirror,
    /// Files are written that are not downloaded.
    Files,
}

impl Screen {
    /// Shows progress; nothing where `quiet`.
    pub fn start(progress: Arc<Progress>, all: &MultiProgress, quiet: bool, lines: bool) -> Self {
        Self::show(progress, all, quiet, lines, Subject::Mirror)
    }

    /// Shows how files are written that are not downloaded.
    pub fn of_files(progress: Arc<Progress>, all: &MultiProgress, quiet: bool, lines: bool) -> Self {
        Self::show(progress, all, quiet, lines, Subject::Files)
    }

    fn show(progress: Arc<Progress>, all: &MultiProgress, quiet: bool, lines: bool, subject: Subject) -> Self {
        if quiet {
            return Self { stop: None, thread: None };
        }
        let bars = (std::io::stderr().is_terminal() && !lines).then(|| Bars::new(all, subject));
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || show(&progress, bars.as_ref(), &stopped, subject));
        Self { stop: Some(stop), thread: thread.ok() }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn show(progress: &Progress, bars: Option<&Bars>, stopped: &mpsc::Receiver<()>, subject: Subject) {
    let started = Instant::now();
    let mut pace = Throughput::default();
    let pause = if bars.is_some() { TICK } else { HEARTBEAT };
    while stopped.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
        pace.see(progress, started.elapsed());
        if let Some(bars) = bars {
            bars.draw(progress, &mut pace);
        } else {
            tracing::info!("{}", line(progress, &mut pace, subject));
        }
    }
    if let Some(bars) = bars {
        bars.clear();
    }
}

/// How fast everything goes.
#[derive(Debug, Default)]
pub(super) struct Throughput {
    downloads: Course,
    bytes: Course,
    checked: Course,
}

impl Throughput {
    fn see(&mut self, progress: &Progress, now: Duration) {
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

fn line(progress: &Progress, pace: &mut Throughput, subject: Subject) -> String {
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
