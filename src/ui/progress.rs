//! Progress: bars on a terminal, a line now and then elsewhere.

use std::{
    io::IsTerminal as _,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::bytes;
use crate::report::Progress;

/// How often bars are drawn.
const TICK: Duration = Duration::from_millis(200);

/// How often a line is written where there are no bars.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The thread that shows progress, until it is dropped.
pub struct Screen {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Screen {
    /// Shows progress; nothing where `quiet`.
    pub fn start(progress: Arc<Progress>, all: &MultiProgress, quiet: bool, lines: bool) -> Self {
        Self::show(progress, all, quiet, lines, false)
    }

    /// Shows how files are written that are not downloaded.
    pub fn of_files(progress: Arc<Progress>, all: &MultiProgress, quiet: bool, lines: bool) -> Self {
        Self::show(progress, all, quiet, lines, true)
    }

    fn show(progress: Arc<Progress>, all: &MultiProgress, quiet: bool, lines: bool, files: bool) -> Self {
        if quiet {
            return Self { stop: None, thread: None };
        }
        let bars = (std::io::stderr().is_terminal() && !lines).then(|| Bars::new(all, files));
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || show(&progress, bars.as_ref(), &stopped, files));
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

fn show(progress: &Progress, bars: Option<&Bars>, stopped: &mpsc::Receiver<()>, files: bool) {
    let started = Instant::now();
    let pause = if bars.is_some() { TICK } else { HEARTBEAT };
    while stopped.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
        if let Some(bars) = bars {
            bars.draw(progress, started);
        } else if files {
            tracing::info!("files {}", written(progress, started));
        } else {
            tracing::info!("{}", line(progress, started));
        }
    }
    if let Some(bars) = bars {
        if let Some(crawl) = &bars.crawl {
            crawl.finish_and_clear();
        }
        bars.transfer.finish_and_clear();
        bars.check.finish_and_clear();
    }
}

struct Bars {
    /// None where nothing is listed.
    crawl: Option<ProgressBar>,
    transfer: ProgressBar,
    check: ProgressBar,
}

impl Bars {
    fn new(all: &MultiProgress, files: bool) -> Self {
        all.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        let style = |template: &str| {
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("━╸─")
        };
        let add = |template| {
            let bar = all.add(ProgressBar::new(0));
            bar.set_style(style(template));
            bar
        };
        let crawl = (!files).then(|| add("binders   {bar:30} {pos}/{len}  {msg}"));
        let transfer =
            add(if files { "files {bar:30} {pos}/{len}  {msg}" } else { "downloads {bar:30} {pos}/{len}  {msg}" });
        let check = add("checked   {bar:30} {percent} %  {msg}");
        Self { crawl, transfer, check }
    }

    /// A bar is first seen when it is first set: those that nothing goes on behind stay away.
    fn draw(&self, progress: &Progress, started: Instant) {
        if checks(progress) {
            self.check.set_length(Progress::get(&progress.to_check));
            self.check.set_position(Progress::get(&progress.checked));
            self.check.set_message(check(progress, started));
        }
        if checks_only(progress) {
            return;
        }
        if let Some(crawl) = &self.crawl {
            crawl.set_length(Progress::get(&progress.binders));
            crawl.set_position(Progress::get(&progress.binders_done));
            crawl.set_message(format!("{} documents listed", Progress::get(&progress.listed)));
        }
        let (done, all) = (Progress::get(&progress.downloads_done), Progress::get(&progress.downloads));
        self.transfer.set_length(all);
        self.transfer.set_position(done);
        self.transfer.set_message(transfer(progress, started));
    }
}

fn checks(progress: &Progress) -> bool {
    Progress::get(&progress.to_check) > 0
}

fn checks_only(progress: &Progress) -> bool {
    checks(progress) && Progress::get(&progress.binders) == 0
}

/// How far a run is, in a line.
pub fn status(progress: &Progress, started: Instant) -> String {
    line(progress, started)
}

fn line(progress: &Progress, started: Instant) -> String {
    match (checks(progress), checks_only(progress)) {
        (true, true) => check(progress, started),
        (true, false) => format!("{}, {}", mirror(progress, started), check(progress, started)),
        (false, _) => mirror(progress, started),
    }
}

/// How much was checked; and how fast, where nothing else went on before.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate for people"
)]
fn check(progress: &Progress, started: Instant) -> String {
    let (done, all) = (Progress::get(&progress.checked), Progress::get(&progress.to_check));
    let text = format!("checked {} of {}", bytes(done), bytes(all));
    if !checks_only(progress) {
        return text;
    }
    format!("{text}, {}/s", bytes((done as f64 / started.elapsed().as_secs_f64().max(0.001)) as u64))
}

fn mirror(progress: &Progress, started: Instant) -> String {
    format!(
        "binders {}/{}, {} documents listed, downloads {}",
        Progress::get(&progress.binders_done),
        Progress::get(&progress.binders),
        Progress::get(&progress.listed),
        written(progress, started)
    )
}

fn written(progress: &Progress, started: Instant) -> String {
    let (done, all) = (Progress::get(&progress.downloads_done), Progress::get(&progress.downloads));
    format!("{done}/{all}, {}", transfer(progress, started))
}

/// Bytes, rate, and the time that is left at the pace so far.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate for people"
)]
fn transfer(progress: &Progress, started: Instant) -> String {
    let seconds = started.elapsed().as_secs_f64().max(0.001);
    let got = Progress::get(&progress.bytes);
    let (done, all) = (Progress::get(&progress.downloads_done), Progress::get(&progress.downloads));
    let rate = bytes((got as f64 / seconds) as u64);
    // Early on the estimate would only jump about, and before all binders are read nobody knows how
    // many downloads there will be.
    let read = Progress::get(&progress.binders_done) == Progress::get(&progress.binders);
    let left = if read && done >= 10 && all > done {
        let left = (all - done) as f64 * seconds / done as f64;
        format!(", {} left", span(left as u64))
    } else {
        String::new()
    };
    format!("{}, {rate}/s{left}", bytes(got))
}

fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
