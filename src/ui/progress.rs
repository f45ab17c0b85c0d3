//! Progress: bars on a terminal, or a line every half minute.

use std::{
    io::IsTerminal as _,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use indicatif::MultiProgress;

use crate::{
    process::Joined,
    report::Progress,
    ui::{
        bars::Bars,
        throughput::{Subject, Throughput, line},
        waiting::Waiting,
    },
};

/// The interval of drawing bars.
const TICK: Duration = Duration::from_millis(200);

/// The interval of measuring the speed for lines without bars.
const SAMPLE: Duration = Duration::from_secs(1);

/// The interval of lines without bars, in samples.
const HEARTBEAT: u32 = 30;

/// The thread that shows progress, until it is dropped.
pub struct Screen {
    _stop: Option<mpsc::Sender<()>>,
    _thread: Option<Joined>,
}

impl Screen {
    /// Shows progress, unless `quiet`.
    pub fn start(progress: Arc<Progress>, all: &MultiProgress, quiet: bool, lines: bool) -> Self {
        Self::of_run(progress, all, (quiet, lines), Waiting::default)
    }

    /// Shows the progress of a run, unless `quiet`, and what it waits for.
    pub fn of_run(
        progress: Arc<Progress>,
        all: &MultiProgress,
        (quiet, lines): (bool, bool),
        waiting: impl Fn() -> Waiting + Send + 'static,
    ) -> Self {
        Self::show(progress, all, (quiet, lines), Subject::Mirror, waiting)
    }

    /// Shows the progress of writing files that are not downloads.
    pub fn of_files(progress: Arc<Progress>, all: &MultiProgress, quiet: bool, lines: bool) -> Self {
        Self::show(progress, all, (quiet, lines), Subject::Files, Waiting::default)
    }

    /// Shows the progress of bringing a copy up to date.
    pub fn of_copy(progress: Arc<Progress>, all: &MultiProgress, quiet: bool, lines: bool) -> Self {
        Self::show(progress, all, (quiet, lines), Subject::Copy, Waiting::default)
    }

    fn show(
        progress: Arc<Progress>,
        all: &MultiProgress,
        (quiet, lines): (bool, bool),
        subject: Subject,
        waiting: impl Fn() -> Waiting + Send + 'static,
    ) -> Self {
        if quiet {
            return Self { _stop: None, _thread: None };
        }
        let bars = (std::io::stderr().is_terminal() && !lines).then(|| Bars::new(all, subject));
        let (stop, stopped) = mpsc::channel();
        let thread = Joined::spawn("screen", move || show(&progress, bars.as_ref(), &stopped, (subject, &waiting)));
        Self { _stop: Some(stop), _thread: thread.ok() }
    }
}

fn show(
    progress: &Progress,
    bars: Option<&Bars>,
    stopped: &mpsc::Receiver<()>,
    (subject, waiting): (Subject, &dyn Fn() -> Waiting),
) {
    let started = Instant::now();
    let mut pace = Throughput::default();
    let pause = if bars.is_some() { TICK } else { SAMPLE };
    let mut samples = 0_u32;
    while stopped.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
        pace.add_sample(progress, started.elapsed());
        samples = samples.wrapping_add(1);
        if let Some(bars) = bars {
            bars.draw(progress, &mut pace, &waiting());
        } else if samples.is_multiple_of(HEARTBEAT) {
            tracing::info!("{}", line(progress, &mut pace, (subject, &waiting())));
        }
    }
    if let Some(bars) = bars {
        bars.clear();
    }
}
