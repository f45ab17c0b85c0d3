//! Signals: the first one ends the run cleanly, the second one ends the program at once.

use std::{process, sync::Arc};

use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

use crate::sync::{Cause, Stop};

/// Leaves Ctrl-C to a program that was started, and that the terminal tells as well: whoever waits for
/// it goes on waiting, as long as the runtime lives.
pub(super) fn leave_interrupts(runtime: &Runtime) {
    let _inside = runtime.enter();
    // Without it this program ends before the other one does, which the shared lock copes with.
    let _ = signal(SignalKind::interrupt());
}

/// Waits for signals as long as it is polled.
pub(super) async fn watch(stop: Arc<Stop>) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::warn!("signals can't be watched: Ctrl-C ends the program at once, which the next run copes with");
        return std::future::pending().await;
    };
    loop {
        let cause = tokio::select! {
            _ = interrupt.recv() => Cause::Interrupt,
            _ = terminate.recv() => Cause::Terminate,
        };
        if stop.is_set() {
            // Killing is safe at any moment; who asks twice wants it now.
            process::exit(if cause == Cause::Interrupt { 130 } else { 143 });
        }
        tracing::info!("ending; what is finished is kept (again to end at once)");
        stop.now(cause);
    }
}
