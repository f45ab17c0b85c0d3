//! The token endpoint.
//!
//! `POST` form `grant_type=client_credentials`, `client_id`, `client_secret`, `scope=ibinder_public` →
//! `access_token`, `expires_in` in seconds (`docs/api-contract.md`, "Token"). A response with a token is never
//! quoted in an error.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Client, Method, Request, Response,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::{Url, form_urlencoded};

use crate::remote::{
    cause::Cause,
    error::Error,
    headers::{content_type, retry_after},
    min_speed::MinSpeed,
    origins::Origins,
    per_runtime::PerRuntime,
    problem::Problem,
    settings::Settings,
    text::parse_repaired,
    transport,
    wire::{Number, Text},
};

/// The documented scope.
const SCOPE: &str = "ibinder_public";

/// Largest response body.
const LARGEST: usize = 1 << 20;

/// The lifetime, in seconds, if the response has none.
const LIFETIME: u64 = 300;

/// A token is replaced this long before it expires, or after nine tenths of a short lifetime.
const MARGIN: Duration = Duration::from_mins(1);

/// The minimum use of a token, so that `expires_in` of 0 doesn't cause one request for each call.
const SHORTEST: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct TokenSource {
    client: Arc<PerRuntime<Client>>,
    url: Url,
    form: SecretString,
    secret: SecretString,
    origins: Arc<Origins>,
    head_timeout: Duration,
    min_speed: MinSpeed,
}

#[derive(Debug)]
pub(super) struct Granted {
    /// The header with the token.
    pub(super) header: HeaderValue,
    /// How long to use it.
    pub(super) usable: Duration,
    /// Its stated lifetime, in seconds.
    pub(super) says: Option<u64>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    access_token: Text<'a>,
    #[serde(borrow)]
    expires_in: Option<&'a RawValue>,
}

impl TokenSource {
    pub(super) fn new(settings: &Settings, client: Arc<PerRuntime<Client>>) -> Self {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &settings.client_id)
            .append_pair("client_secret", settings.client_secret.expose_secret())
            .append_pair("scope", SCOPE)
            .finish();
        Self {
            client,
            url: settings.auth_url.clone(),
            form: form.into(),
            secret: settings.client_secret.clone(),
            origins: Arc::clone(&settings.origins),
            head_timeout: settings.head_timeout,
            min_speed: MinSpeed::of(settings),
        }
    }

    /// The error of a request for a token.
    pub(super) fn error(&self, cause: Cause, tries: u32) -> Error {
        Error::of(&self.origins, format!("POST {}", self.url.path()), cause, tries)
    }

    pub(super) async fn ask(&self) -> Result<Granted, Cause> {
        let mut request = Request::new(Method::POST, self.url.clone());
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(self.form.expose_secret().to_owned().into());
        let client = self.client.get().map_err(Error::into_cause)?;
        let response = transport::send(&client, request, self.head_timeout).await?;
        if !response.status().is_success() {
            return Err(self.failure(response).await);
        }
        let body = transport::body(response, LARGEST, self.min_speed).await?;
        read(&body).ok_or_else(|| Cause::Garbled("it has no token".into()))
    }

    async fn failure(&self, response: Response) -> Cause {
        let status = response.status().as_u16();
        if response.status().is_redirection() {
            return Cause::Redirected(status);
        }
        let retry_after = retry_after(response.headers());
        let kind = content_type(response.headers()).map(str::to_owned);
        let body = transport::body(response, LARGEST, self.min_speed).await.unwrap_or_default();
        let secrets = [self.secret.expose_secret(), &encoded(self.secret.expose_secret())];
        let problem = Problem::read(status, kind.as_deref(), &body, &secrets);
        match status {
            400 | 401 | 403 => Cause::Refused { status, problem },
            _ => Cause::TokenAnswer { status, problem, retry_after },
        }
    }
}

/// The token of a response, if it has one.
fn read(body: &[u8]) -> Option<Granted> {
    parse_repaired(body, |text| granted(text).ok_or(())).ok()
}

fn granted(text: &str) -> Option<Granted> {
    let wire: Wire<'_> = serde_json::from_str(text).ok()?;
    // Whitespace around a token comes from the line it was read from.
    let around = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
    let token = wire.access_token.as_str().trim_matches(around);
    if token.is_empty() || !token.is_ascii() {
        return None;
    }
    let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    let says = wire.expires_in.and_then(|raw| serde_json::from_str::<Number>(raw.get()).ok()).map(|number| number.0);
    Some(Granted { header, usable: usable(says.unwrap_or(LIFETIME)), says })
}

fn usable(lifetime: u64) -> Duration {
    // Cap at a year, which can be added to any instant.
    let lifetime = Duration::from_secs(lifetime.min(365 * 24 * 3600));
    lifetime.saturating_sub(MARGIN.min(lifetime / 10)).max(SHORTEST)
}

/// The secret in form encoding, since a response may repeat that.
fn encoded(secret: &str) -> String {
    form_urlencoded::byte_serialize(secret.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_token() {
        let table = [
            (r#"{"access_token":"t","expires_in":3600,"token_type":"Bearer"}"#, Some(3540)),
            (r#"{"access_token":"t","expires_in":"3600"}"#, Some(3540)),
            (r#"{"access_token":"t","expires_in":100}"#, Some(90)),
            (r#"{"access_token":"t","expires_in":0}"#, Some(10)),
            (r#"{"access_token":"t","expires_in":-5}"#, Some(270)),
            (r#"{"access_token":"t","expires_in":18446744073709551615}"#, Some(365 * 24 * 3600 - 60)),
            (r#"{"access_token":"t"}"#, Some(270)),
            (r#"{"access_token":"t","expires_in":null}"#, Some(270)),
            ("\u{feff}{\"access_token\":\"t\"}", Some(270)),
            (r#"{"access_token":"\ufefft\r\n"}"#, Some(270)),
            ("{\"access_token\":\"t\n\",\"scope\":\"\\ud83d\"}", Some(270)),
            (r#"{"access_token":"\ud83d"}"#, None),
            (r#"{"access_token":""}"#, None),
            (r#"{"access_token":null}"#, None),
            (r#"{"access_token":"å"}"#, None),
            (r#"{"access_token":"a\nb"}"#, None),
            ("{}", None),
            ("<html>", None),
        ];
        for (body, seconds) in table {
            let read = read(body.as_bytes());
            assert_eq!(read.as_ref().map(|granted| granted.usable.as_secs()), seconds, "{body}");
            assert!(!format!("{read:?}").contains("Bearer"));
        }
    }
}
