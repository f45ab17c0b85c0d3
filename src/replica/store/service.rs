//! HTTP for a store: counts requests, compares the store's clock with ours, and lets S3 complete a file in parts only if there is
//! none with its key.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
};

use futures::future::BoxFuture;
use http::{
    Method,
    header::{DATE, HeaderValue, IF_NONE_MATCH},
};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use object_store::{
    ClientOptions,
    client::{HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector},
};

/// Connects as the library does, and counts what is sent.
#[derive(Debug, Clone, Default)]
pub(super) struct CountingConnector {
    pub(super) requests: Arc<AtomicU64>,
    /// How far the store's clock is behind ours, in seconds, as its last answer said.
    pub(super) behind: Arc<AtomicI64>,
    pub(super) overwritten: Overwritten,
}

/// Keys of files that may replace others, because these are damaged.
#[derive(Debug, Clone, Default)]
pub(super) struct Overwritten(Arc<Mutex<HashSet<String>>>);

impl Overwritten {
    /// Lets files in parts with this key be replaced from now on.
    pub(super) fn allow(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("/{key}"));
    }

    fn has(&self, path: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|key| path.ends_with(key))
    }
}

impl HttpConnector for CountingConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // Of several rustls providers the process has one, which every client uses.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Counting {
            client,
            requests: Arc::clone(&self.requests),
            behind: Arc::clone(&self.behind),
            overwritten: self.overwritten.clone(),
        }))
    }
}

#[derive(Debug)]
struct Counting {
    client: HttpClient,
    requests: Arc<AtomicU64>,
    overwritten: Overwritten,
    behind: Arc<AtomicI64>,
}

impl HttpService for Counting {
    fn call<'s, 'f>(&'s self, mut request: HttpRequest) -> BoxFuture<'f, Result<HttpResponse, HttpError>>
    where
        's: 'f,
        Self: 'f,
    {
        self.requests.fetch_add(1, Relaxed);
        // The library completes parts without a condition. This header is none of those that must be signed.
        let completes = request.method() == Method::POST
            && request.uri().query().is_some_and(|query| query.starts_with("uploadId="));
        if completes && !self.overwritten.has(request.uri().path()) {
            request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        let answer = self.client.execute(request);
        Box::pin(async move {
            let answer = answer.await?;
            let date = answer.headers().get(DATE).and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
            if let Some(date) = date {
                self.behind.store(Timestamp::now().as_second() - date.as_second(), Relaxed);
            }
            Ok(answer)
        })
    }
}
