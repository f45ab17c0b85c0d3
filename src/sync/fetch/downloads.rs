//! Runs the downloads of one thread, several at once.
//!
//! A document whose storage host is down is parked: it gives its slot to others, and continues when the host is back.
//! Waiting for a host delays no other download. When a host is given up, the documents that are parked for it fail, and
//! the run continues.

use std::collections::{HashMap, VecDeque};

use futures::{StreamExt as _, stream::FuturesUnordered};

use crate::{
    remote,
    sync::{
        context::RunContext,
        fetch::{
            download::{end, transfer},
            job::DownloadJob,
            transfer_error::TransferError,
        },
        sink::Writing,
    },
};

/// How often a document is parked before it fails: a host that is back each time it is asked, and never gives the
/// document, must not keep the run busy.
const PARKED: u32 = 3;

/// A job, and how often it was parked.
type Parking = (DownloadJob, u32);

/// Downloads what the backlog has for a thread, until it is closed.
pub(crate) async fn all(ctx: &RunContext, thread: usize, slots: usize) {
    let Some(writing) = ctx.record.sink.writing() else { return };
    let backlog = &ctx.transfers.backlog;
    let (mut running, mut hosts) = (FuturesUnordered::new(), FuturesUnordered::new());
    let mut parked: HashMap<String, Vec<Parking>> = HashMap::new();
    let mut back: VecDeque<Parking> = VecDeque::new();
    let mut open = true;
    loop {
        backlog.uses(thread, running.len());
        let free = running.len() < slots;
        if let Some((job, times)) = back.pop_front_if(|_| free) {
            running.push(carry(ctx, writing, job, times));
            continue;
        }
        tokio::select! {
            job = backlog.next(thread), if open && free => match job {
                Some(job) => running.push(carry(ctx, writing, job, 0)),
                None => open = false,
            },
            Some(done) = running.next() => match done {
                None => backlog.done(),
                Some((parking, host)) => parked.entry(host.clone()).or_insert_with(|| {
                    hosts.push(wait(ctx, host));
                    Vec::new()
                }).push(parking),
            },
            Some((host, came)) = hosts.next() => {
                let jobs = parked.remove(&host).unwrap_or_default();
                let error = match came {
                    Ok(()) => {
                        back.extend(jobs);
                        continue;
                    }
                    Err(error) => error,
                };
                for (job, times) in jobs {
                    let why = error.clone().map_or(TransferError::Stopped, TransferError::Head);
                    end(ctx, &job, Err(why), times).await;
                    backlog.done();
                }
            },
            else => break,
        }
    }
}

async fn carry(ctx: &RunContext, writing: &Writing, job: DownloadJob, times: u32) -> Option<(Parking, String)> {
    let (job, host) = transfer(ctx, writing, job).await?;
    if times < PARKED {
        tracing::debug!(document = %job.document, host, "waiting for its storage host");
        return Some(((job, times + 1), host));
    }
    let why = format!("storage host {host} answers, and does not give the document");
    end(ctx, &job, Err(TransferError::Doubtful(why)), times).await;
    None
}

/// Waits for a host; an error where it was given up, or where the run is ending.
async fn wait(ctx: &RunContext, host: String) -> (String, Result<(), Option<remote::Error>>) {
    let back = ctx.stop.or(ctx.service.remote.host_back(&host)).await;
    (host, back.map_or(Err(None), |back| back.map_err(Some)))
}
