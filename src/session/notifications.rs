//! Notifications at the end of a run or check.
//!
//! They are sent last, after the lock is released, so that their receivers can read the mirror, and they never
//! change the result. A command that ends with anything but 0 notifies all; a complete one only sends a ping, and
//! perhaps a mail (`session::mail`).

use std::{path::Path, time::Duration};

use serde::Serialize;

use crate::{
    config::{Address, Notices},
    notify::{self, Pings},
    process::Shell,
    session::Exit,
    ui,
};

/// The timeout of the web hook.
const WEBHOOK_LIMIT: Duration = Duration::from_secs(10);

/// How long the command of `--on-failure` may take.
const ON_FAILURE_LIMIT: Duration = Duration::from_mins(1);

/// What a notification contains.
pub(crate) struct RunEnd<'r, R> {
    /// `run` or `verify`.
    pub(crate) command: &'static str,
    pub(crate) exit: Exit,
    /// The outcome as a word.
    pub(crate) outcome: &'r str,
    /// Empty if a run could not begin.
    pub(crate) run_id: &'r str,
    pub(crate) report: &'r R,
    /// The end in words.
    pub(crate) summary: &'r str,
}

/// The receivers of a command's notifications.
pub(crate) struct Notifications<'n> {
    notices: &'n Notices,
    dest: &'n Path,
    pings: Option<Pings>,
}

impl<'n> Notifications<'n> {
    /// Before a command's first notification.
    pub(crate) fn new(notices: &'n Notices, dest: &'n Path) -> Self {
        Self { notices, dest, pings: None }
    }

    /// A run has begun: it has the lock, and nothing prevents it.
    pub(crate) fn begun(&mut self) {
        if let Some(address) = self.ping_address() {
            let mut pings = Pings::new(address.url().clone());
            pings.start();
            self.pings = Some(pings);
        }
    }

    /// Sends a ping at the end of a run, also of one that could not begin. If the lock was held, the run that
    /// holds it does.
    pub(crate) fn ping(&mut self, exit: Exit, summary: &str) {
        if exit == Exit::Locked && self.pings.is_none() {
            return;
        }
        let Some(address) = self.ping_address() else { return };
        let pings = self.pings.take().unwrap_or_else(|| Pings::new(address.url().clone()));
        if let Err(error) = pings.end(exit.code(), summary) {
            tracing::warn!("{} was not pinged: {error}", address.host());
        }
    }

    /// `None` for filters on the command line: the success of such a run would hide the failure of a scheduled
    /// one.
    fn ping_address(&self) -> Option<&'n Address> {
        self.notices.ping.as_ref().filter(|_| !self.notices.by_hand)
    }

    /// Notifies of a command that ended with anything but 0.
    pub(crate) fn send<R: Serialize>(&self, end: &RunEnd<'_, R>) {
        if end.exit == Exit::Complete || (self.notices.webhook.is_none() && self.notices.on_failure.is_none()) {
            return;
        }
        let report = ui::json(end.report);
        if let Some(address) = &self.notices.webhook {
            hook(address, &report);
        }
        if let Some(command) = &self.notices.on_failure {
            self.run(command, end, report);
        }
    }

    fn run<R>(&self, command: &str, end: &RunEnd<'_, R>, report: String) {
        let dest = std::path::absolute(self.dest).unwrap_or_else(|_| self.dest.to_owned());
        let variables = [
            ("IBINDER_SYNC_COMMAND", end.command.to_owned()),
            ("IBINDER_SYNC_EXIT_CODE", end.exit.code().to_string()),
            ("IBINDER_SYNC_OUTCOME", end.outcome.to_owned()),
            ("IBINDER_SYNC_DEST", dest.display().to_string()),
            ("IBINDER_SYNC_RUN_ID", end.run_id.to_owned()),
            ("IBINDER_SYNC_PROFILE", self.notices.profile.clone().unwrap_or_default()),
            // A single environment variable has a limit of its own.
            ("IBINDER_SYNC_SUMMARY", end.summary.chars().take(10_000).collect()),
        ];
        let mut shown = Vec::new();
        let shell =
            Shell { command, variables: &variables, input: report, hears_errors: true, limit: ON_FAILURE_LIMIT };
        let done = shell.run(|line| shown.push(String::from_utf8_lossy(line).trim_end().to_owned()));
        for line in shown {
            // The last part of the output says what went wrong.
            if done.is_ok() {
                tracing::info!("--on-failure: {line}");
            } else {
                tracing::error!("--on-failure: {line}");
            }
        }
        if let Err(error) = done {
            tracing::error!("the command of --on-failure failed: {error}");
        }
    }
}

fn hook(address: &Address, report: &str) {
    if let Err(error) = notify::post(address.url(), "application/json", report, WEBHOOK_LIMIT) {
        tracing::error!("the web hook at {} did not get the report: {error}", address.host());
    }
}
