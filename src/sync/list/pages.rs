//! The pages of a binder: asking for them, several at once.

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
pub(super) enum Broken {
    /// The service refuses the binder.
    Refused(String),
    /// A page could not be read.
    Failed(remote::Error),
    /// The run is stopping.
    Stopped,
    /// The run can't go on; refused credentials are no binder's own.
    Fatal(Fatal),
}

impl From<Fatal> for Broken {
    fn from(error: Fatal) -> Self {
        Self::Fatal(error)
    }
}

/// Asks for the pages of one listing.
#[derive(Clone)]
pub(super) struct Fetcher {
    pub(super) service: Service,
    pub(super) binder: BinderId,
    pub(super) tab: Option<FolderId>,
    pub(super) order: Option<Direction>,
    pub(super) page_size: u32,
}

impl Fetcher {
    /// A page by its number, from 1.
    pub(super) async fn page(&self, number: u32) -> Result<SearchPage, Broken> {
        let query = Query { binder: Some(&self.binder), tab: self.tab.as_ref(), order: self.order };
        match self.service.ask(self.service.remote.search(&query, number, self.page_size)).await {
            None => Err(Broken::Stopped),
            Some(Ok(page)) => Ok(page),
            Some(Err(error)) if error.kind() == remote::ErrorKind::Credentials => Err(Fatal::Remote(error).into()),
            Some(Err(error)) => {
                // Only the service's own word about the binder itself means that access is lost.
                let about_binder = number == 1 && self.tab.is_none();
                let refused = matches!(
                    error.kind(),
                    remote::ErrorKind::Forbidden | remote::ErrorKind::NotFound { problem_json: true }
                );
                Err(if refused && about_binder { Broken::Refused(error.to_string()) } else { Broken::Failed(error) })
            }
        }
    }
}

/// A page that is being fetched, by a task of its own. Were it only polled by who reads the pages,
/// it would stand still while that one waits for room in the queue, with the turn of the pace or
/// the renewal of the token in its hand, and those who make room would wait for it for ever.
pub(super) struct Fetching {
    number: u32,
    task: JoinHandle<Result<SearchPage, Broken>>,
}

impl Fetching {
    pub(super) fn start(fetcher: Fetcher, number: u32) -> Self {
        Self { number, task: tokio::spawn(async move { fetcher.page(number).await }) }
    }
}

impl Future for Fetching {
    type Output = (u32, Result<SearchPage, Broken>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let page = std::task::ready!(Pin::new(&mut self.task).poll(cx));
        // A task ends early only when the runtime does.
        Poll::Ready((self.number, page.unwrap_or(Err(Broken::Stopped))))
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How many documents a page really holds: what the service says, or what came where a page that
/// can't be the last one was shorter.
pub(super) fn page_size(first: &SearchPage, asked: u32) -> u64 {
    let came = first.items.len() as u64;
    let said = first.page_size.min(u64::from(asked));
    if came > 0 && came < said && first.total > came { came } else { said }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_first_page_sets_the_size() {
        let page = |came: usize, said, total| SearchPage {
            items: (0..came)
                .map(|position| Err(remote::OddItem { position, id: None, cause: String::new() }))
                .collect(),
            total,
            page_number: 1,
            page_size: said,
            oddities: vec![],
        };
        for (came, said, total, size) in [
            (250, 250, 1000, 250),
            (100, 100, 1000, 100),  // the service's own size rules
            (100, 250, 1000, 100),  // it says one size and sends another
            (3, 250, 3, 250),       // the only page
            (0, 250, 1000, 250),    // nothing came
            (250, 1000, 1000, 250), // it claims more than was asked for
        ] {
            assert_eq!(page_size(&page(came, said, total), 250), size, "{came} {said} {total}");
        }
    }
}
