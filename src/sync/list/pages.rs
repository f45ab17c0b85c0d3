//! Requests the pages of a binder, several at once.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::task::JoinHandle;

use crate::{
    model::{BinderId, FolderId},
    remote::{self, Direction, Query, SearchPage},
    sync::{Fatal, context::Service},
};

/// Why reading a binder ended early.
pub(super) enum ReadError {
    /// The service refuses the binder.
    Refused(String),
    /// A page could not be read.
    Failed(remote::Error),
    /// The run is stopping.
    Stopped,
    /// The run can't continue, for example without valid credentials.
    Fatal(Fatal),
}

impl From<Fatal> for ReadError {
    fn from(error: Fatal) -> Self {
        Self::Fatal(error)
    }
}

/// Requests the pages of one listing.
#[derive(Clone)]
pub(super) struct Fetcher {
    pub(super) service: Service,
    pub(super) binder: BinderId,
    pub(super) tab: Option<FolderId>,
    pub(super) order: Option<Direction>,
    pub(super) page_size: u32,
}

impl Fetcher {
    /// Requests a page by its number, from 1.
    pub(super) async fn page(&self, number: u32) -> Result<SearchPage, ReadError> {
        let query = Query { binder: Some(&self.binder), tab: self.tab.as_ref(), order: self.order };
        match self.service.ask(self.service.remote.search(&query, number, self.page_size)).await {
            None => Err(ReadError::Stopped),
            Some(Ok(page)) => Ok(page),
            Some(Err(error)) if error.kind() == remote::ErrorKind::Credentials => Err(Fatal::Remote(error).into()),
            Some(Err(error)) => {
                // Access is only lost if the service itself refuses the binder, rather than one tab or a later page.
                let about_binder = number == 1 && self.tab.is_none();
                let refused = matches!(
                    error.kind(),
                    remote::ErrorKind::Forbidden | remote::ErrorKind::NotFound { problem_json: true }
                );
                Err(if refused && about_binder {
                    ReadError::Refused(error.to_string())
                } else {
                    ReadError::Failed(error)
                })
            }
        }
    }
}

/// A request for a page in a task of its own. If only the reader of the pages polled it, it would stop while the reader waits
/// for space in the download queue, and still hold its turn of the rate limiter or the token's renewal. The downloads that
/// would make space wait for those: a deadlock.
pub(super) struct PageRequest {
    number: u32,
    task: JoinHandle<Result<SearchPage, ReadError>>,
}

impl PageRequest {
    pub(super) fn start(fetcher: Fetcher, number: u32) -> Self {
        Self { number, task: tokio::spawn(async move { fetcher.page(number).await }) }
    }
}

impl Future for PageRequest {
    type Output = (u32, Result<SearchPage, ReadError>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let page = std::task::ready!(Pin::new(&mut self.task).poll(cx));
        // The task only ends early together with the runtime.
        Poll::Ready((self.number, page.unwrap_or(Err(ReadError::Stopped))))
    }
}

impl Drop for PageRequest {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The real page size: the one that the service states, or the size of the first page if it is shorter and not the last one.
pub(super) fn page_size(first: &SearchPage, requested: u32) -> u64 {
    let received = first.items.len() as u64;
    let stated = first.page_size.min(u64::from(requested));
    if received > 0 && received < stated && first.total > received { received } else { stated }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_first_page_sets_the_size() {
        let page = |received: usize, stated, total| SearchPage {
            items: (0..received)
                .map(|position| Err(remote::OddItem { position, id: None, cause: String::new() }))
                .collect(),
            total,
            page_number: 1,
            page_size: stated,
            oddities: vec![],
        };
        for (received, stated, total, size) in [
            (250, 250, 1000, 250),
            (100, 100, 1000, 100),  // the service uses a smaller size
            (100, 250, 1000, 100),  // the service states another size
            (3, 250, 3, 250),       // the only page
            (0, 250, 1000, 250),    // an empty page
            (250, 1000, 1000, 250), // the service states a larger size than was requested
        ] {
            assert_eq!(page_size(&page(received, stated, total), 250), size, "{received} {stated} {total}");
        }
    }
}
