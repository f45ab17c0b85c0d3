//! Signals: the first one ends the work cleanly, the second one ends the program at once.
//!
//! They are watched by a thread of their own from before the work begins until the program is over, so that there is no
//! moment in which one is swallowed. When the work is over and only others are told of it, nothing is left that
//! could be ended cleanly: then the first one ends the program, with the code that the work had.

use std::{
    process,
    sync::{
        Arc,
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

/// The work is not over: no code has so many digits.
const AT_WORK: u16 = u16::MAX;

/// Leaves Ctrl-C to a program that was started, and that the terminal tells as well: whoever waits for
/// it goes on waiting, as long as the runtime lives.
pub(crate) fn leave_interrupts(runtime: &Runtime) {
    let _inside = runtime.enter();
    // Without it this program ends before the other one does, which the shared lock copes with.
    let _ = signal(SignalKind::interrupt());
}

/// Signals, watched to the end of the program.
#[derive(Debug)]
pub(crate) struct Signals(Arc<AtomicU16>);

impl Signals {
    /// Watches them for some work.
    pub(crate) fn watch(stop: &Arc<Stop>) -> Self {
        let over = Arc::new(AtomicU16::new(AT_WORK));
        let (stop, code) = (Arc::clone(stop), Arc::clone(&over));
        // Signals that come before the thread is ready must not be lost.
        let (ready, begun) = std::sync::mpsc::channel::<()>();
        let spawned = thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let Ok(runtime) = runtime() else { return };
            runtime.block_on(listen(&stop, &code, || drop(ready)));
        });
        // It is either ready now, or it has ended.
        let _ = begun.recv();
        if spawned.is_err() {
            unwatched();
        }
        Self(over)
    }

    /// The work is over, with this code.
    pub(crate) fn over(&self, exit: Exit) {
        self.0.store(exit.code().into(), SeqCst);
    }
}

fn unwatched() {
    tracing::warn!("signals can't be watched: Ctrl-C ends the program at once, which the next run copes with");
}

async fn listen(stop: &Stop, over: &AtomicU16, ready: impl FnOnce()) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return unwatched();
    };
    ready();
    loop {
        let cause = tokio::select! {
            _ = interrupt.recv() => StopCause::Interrupt,
            _ = terminate.recv() => StopCause::Terminate,
        };
        let code = over.load(SeqCst);
        if code == AT_WORK && !stop.is_set() {
            tracing::info!("ending; what is finished is kept (again to end at once)");
            stop.now(cause);
            continue;
        }
        crate::process::abandon();
        // Killing is safe at any moment; who asks twice wants it now.
        let asked = if cause == StopCause::Interrupt { 130 } else { 143 };
        process::exit(u8::try_from(code).map_or(asked, i32::from));
    }
}
