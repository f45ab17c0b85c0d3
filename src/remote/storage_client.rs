//! HTTP to storage, which sends a link byte for byte as it came.
//!
//! A link's signature is over the link as it was given, and `reqwest` sends an URL as its parser writes it (`%2E%2E`, `'`
//! and `{}` come out otherwise). So storage is asked by hyper's own client, under the rules of
//! [`transport`](super::transport): HTTP/1.1 only, as object stores do (many downloads over one connection would share its
//! window and its stalls), no redirect followed, proxies of the environment except for this machine, the system's CA
//! certificates, and none where plain `http` needs none.

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
    settings::Settings,
    transport::{self, ClientPurpose, HEADERS, IDLE, IDLE_FOR},
};
use crate::errors::with_causes;

type Wrong = Box<dyn StdError + Send + Sync>;
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// A client for storage.
pub(super) struct StorageClient {
    client: Client<HttpsConnector<Door>, Empty<Bytes>>,
    agent: HeaderValue,
    limit: Duration,
}

impl StorageClient {
    /// Builds the client; what it is built for follows from the way.
    pub(super) fn new(settings: &Settings, way: ClientPurpose) -> Result<Self, Error> {
        let agent = transport::agent(settings)?;
        transport::use_ring();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(transport::CONNECT_TIMEOUT));
        let mut proxies = None;
        if !way.is_loopback() {
            let to_proxy = tls(way)?.https_or_http().enable_http1().wrap_connector(http.clone());
            proxies = Some((Arc::new(Matcher::from_system()), to_proxy));
        }
        let door = Door { direct: http, proxies };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(IDLE)
            .http1_max_headers(HEADERS)
            .build(tls(way)?.https_or_http().enable_http1().wrap_connector(door));
        Ok(Self { client, agent, limit: settings.head_timeout })
    }

    /// Asks for what lies there, and waits for the head of the answer.
    pub(super) async fn get(&self, uri: Uri, headers: HeaderMap) -> Result<Response, Cause> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(USER_AGENT, self.agent.clone());
        match timeout(self.limit, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(Response::from(response.map(Body::wrap))),
            Ok(Err(error)) => Err(Cause::Transport(with_causes(&error))),
            Err(_) => Err(Cause::Slow { what: "an answer", limit: self.limit }),
        }
    }
}

impl fmt::Debug for StorageClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageClient").finish_non_exhaustive()
    }
}

/// How TLS is spoken on a way.
fn tls(way: ClientPurpose) -> Result<HttpsConnectorBuilder<WantsSchemes>, Error> {
    if way.is_plain() {
        let none = RootCertStore::empty();
        let config = ClientConfig::builder().with_root_certificates(none).with_no_client_auth();
        return Ok(HttpsConnectorBuilder::new().with_tls_config(config));
    }
    let verified = HttpsConnectorBuilder::new().try_with_platform_verifier();
    verified.map_err(|error| Error::configuration(Cause::NoRoots(error.to_string())))
}

/// The way to a host: straight, or through a proxy. Whoever asked speaks TLS over it.
#[derive(Clone)]
struct Door {
    direct: HttpConnector,
    proxies: Option<(Arc<Matcher>, HttpsConnector<HttpConnector>)>,
}

impl Service<Uri> for Door {
    type Response = Stream;
    type Error = Wrong;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Wrong>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Wrong>> {
        self.direct.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, host: Uri) -> Self::Future {
        let proxy = self.proxies.as_ref().and_then(|(proxies, way)| Some((proxies.intercept(&host)?, way)));
        let Some((proxy, way)) = proxy else {
            let direct = self.direct.call(host);
            return Box::pin(async { direct.await.map(MaybeHttpsStream::Http).map_err(Into::into) });
        };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), way.clone());
        if let Some(auth) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(auth.clone());
        }
        let tunnel = tunnel.call(host);
        Box::pin(async { tunnel.await.map_err(Into::into) })
    }
}
