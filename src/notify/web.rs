//! A few bytes to a web server, within seconds or not at all.

use std::time::{Duration, Instant};

use reqwest::{Client, header::CONTENT_TYPE, redirect};
use tokio::time::{sleep, timeout};
use url::Url;

use crate::errors::root_cause;

/// How often it is tried.
const TRIES: u32 = 3;

/// How long is waited between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Why nothing was delivered. It never shows the URL, whose path may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// Another answer came than one that says well done.
    #[error("it answered {0}")]
    Answer(u16),
    /// Nobody could be reached: nothing was sent.
    #[error("{0}")]
    Unreached(String),
    /// No answer came. Whoever is slow may have got it.
    #[error("{0}")]
    Silence(String),
}

impl Undelivered {
    /// Whether another try may help.
    fn may_pass(&self) -> bool {
        match self {
            Self::Answer(status) => matches!(status, 429 | 500..),
            Self::Unreached(_) => true,
            // It would be told twice.
            Self::Silence(_) => false,
        }
    }
}

/// Sends it by POST, and ends within the limit whatever becomes of it.
pub fn post(url: &Url, kind: &'static str, body: &str, limit: Duration) -> Result<(), Undelivered> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Undelivered::Silence(error.to_string()))?;
    let sent = runtime.block_on(async {
        let late = || Err(Undelivered::Silence(format!("nothing came within {} s", limit.as_secs())));
        timeout(limit, tries(url, kind, body.to_owned().into())).await.unwrap_or_else(|_| late())
    });
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    sent
}

async fn tries(url: &Url, kind: &'static str, body: bytes::Bytes) -> Result<(), Undelivered> {
    let client = client(url)?;
    let (mut tried, began) = (0, Instant::now());
    loop {
        tried += 1;
        let request = client.post(url.clone()).header(CONTENT_TYPE, kind).body(body.clone());
        let undelivered = match request.send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => Undelivered::Answer(answer.status().as_u16()),
            Err(error) if error.is_connect() => Undelivered::Unreached(explain(error)),
            Err(error) => Undelivered::Silence(explain(error)),
        };
        if tried == TRIES || !undelivered.may_pass() {
            return Err(undelivered);
        }
        tracing::debug!(tried, after = ?began.elapsed(), "not delivered: {undelivered}");
        sleep(PAUSE).await;
    }
}

/// Loopback goes past any proxy, and needs no certificates; redirects would carry the report elsewhere.
fn client(url: &Url) -> Result<Client, Undelivered> {
    // A provider that is already there is as good as this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("ibinder-sync/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false);
    // Plain http is for loopback alone: see `config`.
    let builder = if url.scheme() == "http" { builder.no_proxy().tls_certs_only([]) } else { builder };
    builder.build().map_err(|error| Undelivered::Silence(explain(error)))
}

fn explain(error: reqwest::Error) -> String {
    root_cause(&error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many connections came to a listener that nobody serves any more.
    fn knocks(listener: &std::net::TcpListener) -> usize {
        listener.set_nonblocking(true).unwrap();
        std::iter::from_fn(|| listener.accept().ok()).count()
    }

    #[test]
    fn who_is_slow_is_not_told_twice() {
        let slow = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", slow.local_addr().unwrap())).unwrap();
        post(&url, "text/plain", "x", Duration::from_millis(1500)).unwrap_err();
        assert_eq!(knocks(&slow), 1);
        // One that hangs up without a word may have got it as well.
        let closing = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", closing.local_addr().unwrap())).unwrap();
        let told = std::thread::spawn(move || {
            let (mut stream, _) = closing.accept().unwrap();
            std::io::Read::read(&mut stream, &mut [0; 4096]).unwrap();
            drop(stream);
            closing
        });
        let error = post(&url, "text/plain", "x", Duration::from_mins(1)).unwrap_err();
        assert!(matches!(error, Undelivered::Silence(_)), "{error:?}");
        assert_eq!(knocks(&told.join().unwrap()), 0);
    }

    #[test]
    fn who_never_answers_is_not_waited_for() {
        // It takes the connection, since the system does, and says nothing.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/5ecret", silent.local_addr().unwrap())).unwrap();
        let error = post(&url, "text/plain", "x", Duration::from_millis(300)).unwrap_err();
        assert!(matches!(&error, Undelivered::Silence(_)), "{error:?}");
        assert!(!error.to_string().contains("5ecret"), "{error}");
    }
}
