//! HTTP connections, and how responses are read.
//!
//! Each client keeps its connections. In each runtime there are at most two for the API (its two hosts may differ in
//! kind) and two for storage ([`StorageClient`](super::storage_client::StorageClient), under the same rules). How a client is
//! built depends on its URL:
//!
//! - Loopback never uses a proxy, whatever `HTTP_PROXY` says; anything else honours `HTTPS_PROXY` and `NO_PROXY`.
//! - `https` needs the system's CA certificates (`SSL_CERT_FILE` and `SSL_CERT_DIR` replace them on Linux and the
//!   BSDs). Building a client fails without them, even for plain `http`, so one for plain `http` gets an empty
//!   list: the sandbox works on a machine without certificates.
//! - Redirects are never followed here: credentials must not follow them, and storage checks every hop itself.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, ClientBuilder, Request, Response,
    header::{CONTENT_ENCODING, HeaderValue},
    redirect,
};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::remote::{
    cause::{Cause, explain},
    encoding::decode,
    error::Error,
    headers,
    hosts::is_loopback,
    min_speed::{Meter, MinSpeed},
    per_runtime::PerRuntime,
    settings::Settings,
};

/// Idle connections per host: more than there are ever workers.
pub(super) const IDLE: usize = 128;

/// How long an idle connection is kept; many servers close theirs after a minute.
pub(super) const IDLE_FOR: Duration = Duration::from_secs(50);

/// Most header lines of a response; proxies add their own.
pub(super) const HEADERS: usize = 1024;

/// How long a connection may take to be made.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Longest time for a whole body of the API, however slowly it arrives.
const LONGEST_BODY: Duration = Duration::from_mins(10);

/// Most bytes that are allocated because a response announces them.
const TRUSTED_LENGTH: u64 = 1 << 20;

/// What a client is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClientPurpose {
    loopback: bool,
    tls: bool,
}

impl ClientPurpose {
    /// The purpose of a client for this URL.
    pub(super) fn to(url: &Url) -> Self {
        Self { loopback: is_loopback(url), tls: url.scheme() == "https" }
    }

    /// Whether it is plain `http`.
    pub(super) fn is_plain(self) -> bool {
        !self.tls
    }

    /// Whether it stays on this machine.
    pub(super) fn is_loopback(self) -> bool {
        self.loopback
    }
}

/// Builds clients for the API or the token endpoint.
pub(super) fn api_clients(settings: &Arc<Settings>, purpose: ClientPurpose) -> Result<Arc<PerRuntime<Client>>, Error> {
    let (first, settings) = (api_client(settings, purpose)?, Arc::clone(settings));
    Ok(Arc::new(PerRuntime::new(first, move || api_client(&settings, purpose))))
}

/// Builds the client for the API or the token endpoint.
pub(super) fn api_client(settings: &Settings, purpose: ClientPurpose) -> Result<Client, Error> {
    build(builder(purpose), settings, purpose)
}

fn builder(purpose: ClientPurpose) -> ClientBuilder {
    let builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(IDLE)
        .pool_idle_timeout(IDLE_FOR)
        .tcp_nodelay(true)
        .http1_max_headers(HEADERS)
        .referer(false)
        .redirect(redirect::Policy::none());
    let builder = if purpose.loopback { builder.no_proxy() } else { builder };
    if purpose.tls { builder } else { builder.tls_certs_only([]) }
}

fn build(builder: ClientBuilder, settings: &Settings, purpose: ClientPurpose) -> Result<Client, Error> {
    use_ring();
    builder.user_agent(agent(settings)?).build().map_err(|error| {
        let text = explain(error);
        Error::configuration(if purpose.tls { Cause::NoRoots(text) } else { Cause::BadSetting(text) })
    })
}

/// Installs the TLS provider; one that is already installed is as good.
pub(super) fn use_ring() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The `User-Agent` header.
pub(super) fn agent(settings: &Settings) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(&settings.user_agent).map_err(|_| {
        Error::configuration(Cause::BadSetting("the user agent has characters that are not allowed in a header".into()))
    })
}

/// Sends a request and waits for the headers of the response.
pub(super) async fn send(client: &Client, request: Request, limit: Duration) -> Result<Response, Cause> {
    match timeout(limit, client.execute(request)).await {
        Ok(answer) => answer.map_err(Cause::transport),
        Err(_) => Err(Cause::Slow { what: "an answer", limit }),
    }
}

/// The next piece of a body.
pub(super) async fn piece(response: &mut Response, meter: &mut Meter) -> Result<Option<Bytes>, Cause> {
    let asked = Instant::now();
    match meter.in_time(response.chunk()).await? {
        Ok(Some(piece)) => meter.received(asked.elapsed(), piece.len()).map(|()| Some(piece)),
        piece => piece.map_err(Cause::transport),
    }
}

/// A whole body of the API; fails once it exceeds the limit.
pub(super) async fn body(mut response: Response, most: usize, min_speed: MinSpeed) -> Result<Bytes, Cause> {
    let encoding = headers::text(response.headers(), CONTENT_ENCODING).map(str::to_owned);
    let whole = match timeout(LONGEST_BODY, whole(&mut response, most, min_speed.meter())).await {
        Ok(result) => result?,
        Err(_) => return Err(Cause::Slow { what: "the end of an answer", limit: LONGEST_BODY }),
    };
    match encoding {
        Some(encoding) => decode(&encoding, whole, most),
        None => Ok(whole),
    }
}

async fn whole(response: &mut Response, most: usize, mut meter: Meter) -> Result<Bytes, Cause> {
    let announced = response.content_length().unwrap_or(0);
    if announced > most as u64 {
        return Err(Cause::TooLarge(most));
    }
    let Some(first) = piece(response, &mut meter).await? else { return Ok(Bytes::new()) };
    let Some(second) = piece(response, &mut meter).await? else { return within(first, most) };
    let room = usize::try_from(announced.min(TRUSTED_LENGTH)).unwrap_or(0);
    let mut all = BytesMut::with_capacity(room.max(first.len() + second.len()));
    all.extend_from_slice(&first);
    all.extend_from_slice(&second);
    while let Some(more) = piece(response, &mut meter).await? {
        if all.len() + more.len() > most {
            return Err(Cause::TooLarge(most));
        }
        all.extend_from_slice(&more);
    }
    within(all.freeze(), most)
}

fn within(bytes: Bytes, most: usize) -> Result<Bytes, Cause> {
    if bytes.len() > most { Err(Cause::TooLarge(most)) } else { Ok(bytes) }
}
