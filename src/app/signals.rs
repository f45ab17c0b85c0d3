//! Signals: the first one ends the run cleanly, the second one ends the program at once.

use std::{process, sync::Arc};

use tokio::signal::unix::{SignalKind, signal};

use crate::sync::{Cause, Stop};

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
