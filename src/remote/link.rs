//! A presigned link to a version's bytes.
//!
//! Its query is a credential (`docs/api-contract.md`, "Content"): only origin and path are ever shown. Not every
//! link is followed: only `https`; plain `http` on this machine if the API is there too (the sandbox); and with
//! any other API no address of this machine or of a private network, because the service must not steer a client
//! inside a company. Redirects of storage obey the same rules.

use std::{fmt, time::Duration};

use http::Uri;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::{
    cause::Cause,
    hosts::{is_loopback, is_private, origin_and_path},
    target::exact,
    wire::{Text, garbled},
};

/// A link is used only in this first part of its lifetime, in percent.
const SAFE: u32 = 80;

/// A short-lived link to a version's bytes.
#[derive(Clone)]
pub struct Link {
    /// The URL that was checked.
    url: Url,
    /// The request target, byte for byte as given.
    uri: Uri,
    /// When it was received.
    since: Instant,
    /// Its lifetime from then, if its query states it.
    lifetime: Option<Duration>,
}

/// Which links may be followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// Whether the API is on this machine.
    loopback: bool,
    /// Whether the API uses plain `http`.
    plain: bool,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    url: Text<'a>,
}

impl Rule {
    /// The rule for an API at this URL.
    pub(super) fn of_api(api: &Url) -> Self {
        Self { loopback: is_loopback(api), plain: api.scheme() == "http" }
    }

    /// Reads the response to a link request.
    pub(super) fn read(self, text: &str) -> Result<Link, Cause> {
        let wire: Wire<'_> = serde_json::from_str(text).map_err(|error| garbled(&error))?;
        let url = Url::parse(wire.url.as_str()).map_err(|_| Cause::BadLink("not an absolute URL"))?;
        self.check(url, wire.url.as_str())
    }

    /// Resolves a redirect.
    pub(super) fn follow(self, from: &Link, location: &str) -> Result<Link, Cause> {
        let url = from.url.join(location).map_err(|_| Cause::BadLink("redirects to an invalid URL"))?;
        self.check(url, location)
    }

    fn check(self, mut url: Url, text: &str) -> Result<Link, Cause> {
        let problem = match url.scheme() {
            "http" if !(self.loopback && self.plain && is_loopback(&url)) => "not https",
            "http" | "https" if !url.username().is_empty() || url.password().is_some() => "contains a user name",
            "http" | "https" if !self.loopback && is_private(&url) => "points to a private address",
            "http" | "https" => {
                let uri = exact(text, &url)?;
                url.set_fragment(None);
                return Ok(Link::new(url, uri));
            }
            _ => "not https",
        };
        Err(Cause::BadLink(problem))
    }
}

impl Link {
    fn new(url: Url, uri: Uri) -> Self {
        let lifetime = lifetime(&url, Timestamp::now());
        Self { url, uri, since: Instant::now(), lifetime }
    }

    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// Whether it has probably expired: past the safe part of its stated lifetime, or of the one known from
    /// experience.
    pub(super) fn is_expired(&self, learned: Option<Duration>, now: Instant) -> bool {
        let lifetime = self.lifetime.into_iter().chain(learned).min();
        lifetime.is_some_and(|lifetime| self.age(now) > lifetime / 100 * SAFE)
    }

    /// Its lifetime from when it was received, if its query states it.
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// Whether it is `https`.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The name of its host.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The request target.
    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The whole URL, for connecting.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Scheme, host and port, which are no secret.
    pub(super) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The root of its host, without credentials.
    pub(super) fn root(&self) -> Self {
        let mut root = self.url.clone();
        root.set_path("/");
        root.set_query(None);
        let uri = exact("/", &root).unwrap_or_default();
        Self::new(root, uri)
    }

    /// Method, origin and path, for errors.
    pub(super) fn call(&self) -> String {
        format!("GET {}", origin_and_path(&self.url))
    }
}

/// A link's stated lifetime: S3 and Google write seconds, Azure (`se`) and `CloudFront` the time of expiry. A time
/// in the past says something about a clock, not about the link.
fn lifetime(url: &Url, now: Timestamp) -> Option<Duration> {
    url.query_pairs().find_map(|(name, value)| {
        let end = match name.as_ref() {
            "X-Amz-Expires" | "X-Goog-Expires" => return value.parse().ok().map(Duration::from_secs),
            "se" => value.parse().ok()?,
            "Expires" => Timestamp::from_second(value.parse().ok()?).ok()?,
            _ => return None,
        };
        Duration::try_from(end.duration_since(now)).ok().filter(|left| !left.is_zero())
    })
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&origin_and_path(&self.url))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(api: &str) -> Rule {
        Rule::of_api(&Url::parse(api).unwrap())
    }

    fn read(api: &str, url: &str) -> Result<Link, Cause> {
        rule(api).read(&format!(r#"{{"url":"{url}"}}"#))
    }

    const REAL: &str = "https://api.ibinder.com/api";
    const SANDBOX: &str = "http://127.0.0.1:1/api";

    #[test]
    fn links_that_are_followed() {
        for (api, url) in [
            (REAL, "https://x.blob.core.windows.net/a?sig=1"),
            (REAL, "HTTPS://s3.amazonaws.com:8443/a"),
            (SANDBOX, "http://127.0.0.1:2/blob?sig=1"),
            (SANDBOX, "http://localhost/blob"),
            (SANDBOX, "https://x.blob.core.windows.net/a"),
            (SANDBOX, "https://10.0.0.1/a"),
            ("https://localhost/api", "https://127.0.0.1/a"),
        ] {
            assert!(read(api, url).is_ok(), "{api} {url}");
        }
    }

    #[test]
    fn links_that_are_not() {
        for (api, url) in [
            (REAL, "http://x.blob.core.windows.net/a"),
            (REAL, "http://127.0.0.1/a"),
            (REAL, "https://127.0.0.1/a"),
            (REAL, "https://localhost/a"),
            (REAL, "https://10.0.0.1/a"),
            (REAL, "https://169.254.169.254/latest"),
            (REAL, "https://[::ffff:10.0.0.1]/a"),
            (REAL, "https://user:pw@x.example/a"),
            (REAL, "file:///etc/passwd"),
            (REAL, "data:text/plain,x"),
            (REAL, "/relative"),
            (REAL, ""),
            (SANDBOX, "http://x.blob.core.windows.net/a"),
            (SANDBOX, "http://10.0.0.1/a"),
            (SANDBOX, "file:///etc/passwd"),
            ("https://localhost/api", "http://127.0.0.1/a"),
        ] {
            assert!(matches!(read(api, url), Err(Cause::BadLink(_))), "{api} {url}");
        }
    }

    #[test]
    fn redirects_obey_the_same_rule() {
        let link = read(REAL, "https://a.example/x/y?sig=1").unwrap();
        let follow = |location| rule(REAL).follow(&link, location);
        assert_eq!(follow("../z?t=2").unwrap().url().as_str(), "https://a.example/z?t=2");
        assert_eq!(follow("//b.example/").unwrap().url().as_str(), "https://b.example/");
        for bad in ["http://a.example/x", "https://192.168.0.1/", "file:///x", "http://[", "ftp://a.example/"] {
            assert!(follow(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lifetimes_in_links() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (query, seconds) in [
            ("X-Amz-Date=20260101T000000Z&X-Amz-Expires=300&X-Amz-Signature=hush", Some(300)),
            ("sv=2022&se=2026-01-01T00%3A10%3A00Z&sig=hush", Some(600)),
            ("Expires=1767225720&Signature=hush", Some(120)),
            ("se=2025-12-31T23:59:59Z", None),
            ("X-Amz-Expires=soon", None),
            ("expires=5&sig=hush", None),
            ("", None),
        ] {
            let url = Url::parse(&format!("https://x.example/a?{query}")).unwrap();
            assert_eq!(lifetime(&url, now), seconds.map(Duration::from_secs), "{query}");
        }
    }

    #[test]
    fn a_link_expires_by_its_stated_or_learned_lifetime() {
        let seconds = Duration::from_secs;
        let plain = read(REAL, "https://a.example/x?sig=hush").unwrap();
        let endless = read(REAL, "https://a.example/x?X-Amz-Expires=18446744073709551615").unwrap();
        let telling = read(REAL, "https://a.example/x?X-Amz-Expires=100").unwrap();
        for (link, learned, age, old) in [
            (&plain, None, 100_000, false),
            (&plain, Some(60), 47, false),
            (&plain, Some(60), 49, true),
            (&telling, None, 79, false),
            (&telling, None, 81, true),
            (&telling, Some(60), 49, true),
            (&telling, Some(600), 81, true),
            (&endless, None, 100_000, false),
        ] {
            assert_eq!(
                link.is_expired(learned.map(seconds), link.since + seconds(age)),
                old,
                "{link} {learned:?} {age}"
            );
        }
    }

    #[test]
    fn nothing_shows_the_query() {
        let link = read(REAL, "https://a.example:8443/x?sig=hush#hush").unwrap();
        assert_eq!(link.to_string(), "https://a.example:8443/x");
        assert_eq!(format!("{link:?}"), "Link(https://a.example:8443/x)");
        assert_eq!(link.call(), "GET https://a.example:8443/x");
        for answer in [r#"{"url":{"hush":1}}"#, r#"{"url":"hush}"#, r#""https://hush""#, "hush", r#"{"url":"hush"}"#] {
            let text = rule(REAL).read(answer).unwrap_err().to_string();
            assert!(!text.contains("hush"), "{text}");
        }
    }

    proptest::proptest! {
        /// Any accepted link goes to a public host over https.
        #[test]
        fn any_link_is_public_or_refused(
            url in proptest::prop_oneof![
                proptest::prelude::any::<String>(),
                "(https?|HTTPS|ftp|file|data|javascript|gopher)?:?[/\\\\]{0,3}([a-z]+(:[a-z]+)?@)?(\\[?[0-9a-fA-Fx:.]{1,20}\\]?|localhost\\.?|a\\.example)(:[0-9]{1,6})?(/[ -~]{0,10})?",
            ],
        ) {
            let answer = serde_json::json!({"url": url}).to_string();
            if let Ok(link) = rule(REAL).read(&answer) {
                proptest::prop_assert!(link.url().scheme() == "https" && !is_private(link.url()), "{}", url);
                proptest::prop_assert_eq!(link.uri().host(), link.url().host_str(), "{}", url);
                proptest::prop_assert!(link.url().username().is_empty() && link.url().password().is_none());
            }
            if let Ok(link) = rule(SANDBOX).read(&answer) {
                proptest::prop_assert!(link.url().scheme() == "https" || is_loopback(link.url()), "{}", url);
            }
        }
    }
}
