//! The sizes of a sample of documents.
//!
//! They are not in the listing, and links accept no `HEAD`: each document is requested, and the connection closed once its
//! headers have come.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use tokio::time::Instant;

use crate::{
    model::{DocumentId, VersionId},
    remote,
    sync::{context::RunContext, fetch::sample::Sample},
};

/// What opening a sample of documents showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sampled {
    /// Their sizes in bytes.
    pub sizes: Vec<u64>,
    /// How many could not be opened, or have no announced size.
    pub failed: u64,
    /// How long all of them took, one after the other.
    pub took: Duration,
}

/// Opens the documents of a sample.
pub(crate) async fn open(ctx: &RunContext, sample: Sample) -> Sampled {
    let opened = stream::iter(sample.documents.into_values()).map(|(document, version)| async move {
        let slot = ctx.stop.or(ctx.service.remote.slot()).await?;
        let begun = Instant::now();
        let size = size(ctx, &document, &version).await?;
        drop(slot);
        Some((size, begun.elapsed()))
    });
    let mut opened = std::pin::pin!(opened.buffer_unordered(ctx.options.concurrency.max(1)));
    let mut sampled = Sampled::default();
    while let Some(opened) = opened.next().await {
        match opened {
            Some((Ok(Some(size)), took)) => {
                sampled.sizes.push(size);
                sampled.took += took;
            }
            Some((Ok(None) | Err(_), _)) => sampled.failed += 1,
            None => break,
        }
    }
    sampled
}

/// The announced size of a version; `None` if the run is stopping.
async fn size(
    ctx: &RunContext,
    document: &DocumentId,
    version: &VersionId,
) -> Option<Result<Option<u64>, remote::Error>> {
    let link = match ctx.service.ask(ctx.service.remote.download_link(document, version)).await? {
        Ok(link) => link,
        Err(error) => return Some(Err(error)),
    };
    // Dropping the blob closes its connection.
    let blob = ctx.service.ask(ctx.service.remote.fetch_unless_down(&link, None)).await?;
    Some(blob.map(|blob| blob.announced.total))
}
