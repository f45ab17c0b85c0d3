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
        throughput::{Subject, Throughput, line},
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
