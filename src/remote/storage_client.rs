//! An HTTP client for storage that sends a link byte for byte.
//!
//! A link's signature covers the link as given, and `reqwest` normalizes URLs (`%2E%2E`, `'` and `{}` change). So
//! this uses hyper's client, under the rules of [`transport`](super::transport): HTTP/1.1 only, as object stores
//! do (with HTTP/2 all downloads would share a connection's window and its stalls), no redirects, the
//! environment's proxies except for this machine, and the system's CA certificates, or none for plain `http`.

use std::{
    error::Error as StdError,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderMap, Request, Uri,
    header::{ACCEPT, ACCEPT_ENCODING, HeaderValue, USER_AGENT},
};
use http_body_util::Empty;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream, builderstates::WantsSchemes};
use hyper_util::{
    client::{
        legacy::{
            Client,
            connect::{HttpConnector, proxy::Tunnel},
        },
        proxy::matcher::Matcher,
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use reqwest::{Body, Response};
use rustls::{ClientConfig, RootCertStore};
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

use super::{
    cause::Cause,
    error::Error,
    per_runtime::PerRuntime,
    settings::Settings,
    transport::{self, ClientPurpose, HEADERS, IDLE, IDLE_FOR},
};
use crate::errors::root_cause;

/// Most bytes that are read at once; the buffer grows up to this while more is waiting. The head of an answer must fit in
/// it, too.
const READ_BUFFER: usize = 64 << 10;

type BoxError = Box<dyn StdError + Send + Sync>;
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

type HyperClient = Client<HttpsConnector<ProxyConnector>, Empty<Bytes>>;

pub(super) struct StorageClient {
    client: PerRuntime<HyperClient>,
    agent: HeaderValue,
    limit: Duration,
}

impl StorageClient {
    pub(super) fn new(settings: &Settings, purpose: ClientPurpose) -> Result<Self, Error> {
        let agent = transport::agent(settings)?;
        transport::use_ring();
        let client = PerRuntime::new(client(purpose)?, move || client(purpose));
        Ok(Self { client, agent, limit: settings.head_timeout })
    }

    /// Sends a GET, and waits for the headers of the response.
    pub(super) async fn get(&self, uri: Uri, headers: HeaderMap) -> Result<Response, Cause> {
        let client = self.client.get().map_err(Error::into_cause)?;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(USER_AGENT, self.agent.clone());
        match timeout(self.limit, client.request(request)).await {
            Ok(Ok(response)) => Ok(Response::from(response.map(Body::wrap))),
            Ok(Err(error)) => Err(Cause::Transport(root_cause(&error))),
            Err(_) => Err(Cause::Slow { what: "an answer", limit: self.limit }),
        }
    }
}

impl fmt::Debug for StorageClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageClient").finish_non_exhaustive()
    }
}

/// Builds the client of one runtime.
fn client(purpose: ClientPurpose) -> Result<HyperClient, Error> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(transport::CONNECT_TIMEOUT));
    let mut proxies = None;
    if !purpose.is_loopback() {
        let to_proxy = tls(purpose)?.https_or_http().enable_http1().wrap_connector(http.clone());
        proxies = Some((Arc::new(Matcher::from_system()), to_proxy));
    }
    let connector = ProxyConnector { direct: http, proxies };
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_FOR)
        .pool_max_idle_per_host(IDLE)
        .http1_max_headers(HEADERS)
        .http1_max_buf_size(READ_BUFFER)
        .build(tls(purpose)?.https_or_http().enable_http1().wrap_connector(connector)))
}

fn tls(purpose: ClientPurpose) -> Result<HttpsConnectorBuilder<WantsSchemes>, Error> {
    if purpose.is_plain() {
        let none = RootCertStore::empty();
        let config = ClientConfig::builder().with_root_certificates(none).with_no_client_auth();
        return Ok(HttpsConnectorBuilder::new().with_tls_config(config));
    }
    let verified = HttpsConnectorBuilder::new().try_with_platform_verifier();
    verified.map_err(|error| Error::configuration(Cause::NoRoots(error.to_string())))
}

/// Connects to a host directly or through a proxy; TLS comes on top.
#[derive(Clone)]
struct ProxyConnector {
    direct: HttpConnector,
    proxies: Option<(Arc<Matcher>, HttpsConnector<HttpConnector>)>,
}

impl Service<Uri> for ProxyConnector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.direct.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, host: Uri) -> Self::Future {
        let proxy = self.proxies.as_ref().and_then(|(proxies, to_proxy)| Some((proxies.intercept(&host)?, to_proxy)));
        let Some((proxy, to_proxy)) = proxy else {
            let direct = self.direct.call(host);
            return Box::pin(async { direct.await.map(MaybeHttpsStream::Http).map_err(Into::into) });
        };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), to_proxy.clone());
        if let Some(auth) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(auth.clone());
        }
        let tunnel = tunnel.call(host);
        Box::pin(async { tunnel.await.map_err(Into::into) })
    }
}
