//! HTTP for a store: counts requests.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use futures::future::BoxFuture;
use object_store::{
    ClientOptions,
    client::{HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector},
};

/// Connects as the library does, and counts what is sent.
#[derive(Debug, Default)]
pub(super) struct CountingConnector {
    pub(super) requests: Arc<AtomicU64>,
}

impl HttpConnector for CountingConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // Of several rustls providers the process has one, which every client uses.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Counting { client, requests: Arc::clone(&self.requests) }))
    }
}

#[derive(Debug)]
struct Counting {
    client: HttpClient,
    requests: Arc<AtomicU64>,
}

impl HttpService for Counting {
    fn call<'s, 'f>(&'s self, request: HttpRequest) -> BoxFuture<'f, Result<HttpResponse, HttpError>>
    where
        's: 'f,
        Self: 'f,
    {
        self.requests.fetch_add(1, Relaxed);
        Box::pin(self.client.execute(request))
    }
}
