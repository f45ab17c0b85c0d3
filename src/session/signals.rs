//! Signals: the first one ends the work cleanly, the second one ends the program at once.
//!
//! A separate thread watches from before the work begins until the program ends, so that no signal is missed. When
//! the work is done and only notifications are left, the first one ends the program with the exit code of the
//! work.

use std::{
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU16, Ordering::SeqCst},
    },
    thread,
};

use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

use crate::{
    session::{Exit, runtime},
    sync::{Stop, StopCause},
};

/// The work is not done; no exit code has this value.
const AT_WORK: u16 = u16::MAX;

/// Ignores Ctrl-C while a child process runs, which the terminal signals too; this program then waits for it.
pub(crate) fn leave_interrupts(runtime: &Runtime) {
    let _inside = runtime.enter();
    // Without this, this program ends before its child does, which the shared lock tolerates.
    let _ = signal(SignalKind::interrupt());
}

/// Passes each signal on to those who do the work.
pub(crate) fn pass_on(to: impl FnMut(StopCause) + Send + 'static) {
    spawn(to);
}

/// Watches signals until the program ends.
#[derive(Debug)]
pub(crate) struct Signals {
    over: Arc<AtomicU16>,
    stop: Arc<Mutex<Arc<Stop>>>,
}

impl Signals {
    /// Starts watching.
    pub(crate) fn watch(stop: &Arc<Stop>) -> Self {
        let over = Arc::new(AtomicU16::new(AT_WORK));
        let stop = Arc::new(Mutex::new(Arc::clone(stop)));
        let (current, code) = (Arc::clone(&stop), Arc::clone(&over));
        spawn(move |cause| react(&current.lock().unwrap_or_else(PoisonError::into_inner), &code, cause));
        Self { over, stop }
    }

    /// A stop for more work after work that ended early for a reason of its own. After a signal it is set.
    pub(crate) fn renewed(&self) -> Arc<Stop> {
        let mut stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(stop.cause(), Some(StopCause::Interrupt | StopCause::Terminate)) {
            *stop = Arc::default();
        }
        Arc::clone(&stop)
    }

    /// The work is done, with this exit code.
    pub(crate) fn finished(&self, exit: Exit) {
        self.over.store(exit.code().into(), SeqCst);
    }
}

fn unwatched() {
    tracing::warn!("signals can't be handled: Ctrl-C ends the program at once, and the next run recovers from that");
}

/// Starts the thread that listens, and waits until it does, so that no signal is lost.
fn spawn(heard: impl FnMut(StopCause) + Send + 'static) {
    let (ready, begun) = std::sync::mpsc::channel::<()>();
    let spawned = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let Ok(runtime) = runtime() else { return };
        runtime.block_on(listen(heard, || drop(ready)));
    });
    // Now it is ready, or it has ended.
    let _ = begun.recv();
    if spawned.is_err() {
        unwatched();
    }
}

async fn listen(mut heard: impl FnMut(StopCause), ready: impl FnOnce()) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return unwatched();
    };
    ready();
    loop {
        heard(tokio::select! {
            _ = interrupt.recv() => StopCause::Interrupt,
            _ = terminate.recv() => StopCause::Terminate,
        });
    }
}

fn react(stop: &Stop, over: &AtomicU16, cause: StopCause) {
    let code = over.load(SeqCst);
    if code == AT_WORK && !stop.is_set() {
        tracing::info!("stopping; finished work is kept (repeat to stop at once)");
        stop.now(cause);
        return;
    }
    crate::process::abandon();
    // Killing is always safe, and a second signal asks for it.
    let asked = if cause == StopCause::Interrupt { 130 } else { 143 };
    process::exit(u8::try_from(code).map_or(asked, i32::from));
}
