//! Checks the connections to both hosts of the service: names, proxy, TLS.

use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use super::results::Results;
use crate::{
    remote::{Inspector, Settings, is_loopback},
    report::{Area, Check},
};

/// The timeout of a name lookup.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Checks the connections to both hosts; false if one can't be reached.
pub(super) async fn network(
    results: &mut Results,
    settings: &Settings,
    inspector: &Inspector,
    proxy: Option<&str>,
) -> bool {
    let (api, auth) = (&settings.api_url, &settings.auth_url);
    let mut hosts = vec![api];
    if auth.host_str() != api.host_str() || auth.port_or_known_default() != api.port_or_known_default() {
        hosts.push(auth);
    }
    if let Some(proxy) = proxy.filter(|_| hosts.iter().any(|url| !is_loopback(url))) {
        let found = format!("requests go through the proxy {proxy}, except to what NO_PROXY names");
        results.add(Check::ok(Area::Network, found));
    }
    let mut reached = true;
    for url in hosts {
        if !is_loopback(url) {
            results.add(names(url, proxy.is_some()).await);
        }
        let check = reach(inspector, url, proxy.is_some()).await;
        reached &= check.next.is_none();
        results.add(check);
    }
    reached
}

async fn names(url: &Url, proxy: bool) -> Check {
    let host = url.host_str().unwrap_or_default();
    let looked = timeout(TIMEOUT, tokio::net::lookup_host((host, url.port_or_known_default().unwrap_or(443)))).await;
    let why = match looked {
        Ok(Ok(addresses)) => match addresses.count() {
            0 => "it has no address".to_owned(),
            count => return Check::ok(Area::Network, format!("{host} has {count} addresses")),
        },
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", TIMEOUT.as_secs()),
    };
    let found = format!("the name {host} can't be resolved here: {why}");
    if proxy {
        // Behind a proxy, the proxy resolves names.
        return Check::ok(Area::Network, format!("{found}; the proxy does that"));
    }
    Check::failure(Area::Network, found, "check the DNS servers of this machine (`resolvectl status`)")
}

async fn reach(inspector: &Inspector, url: &Url, proxy: bool) -> Check {
    let host = url.host_str().unwrap_or_default();
    match inspector.reach(url).await {
        Ok(took) => {
            let tls = if url.scheme() == "https" { " over TLS, with a trusted certificate" } else { "" };
            Check::ok(Area::Network, format!("{host} answers{tls} ({} ms)", took.as_millis()))
        }
        Err(error) => {
            let text = error.to_string();
            // The error's own advice is for runs.
            let found = text.split("; ").next().unwrap_or(&text);
            Check::failure(Area::Network, found, advice(&text, proxy))
        }
    }
}

/// Advice on a failed connection, by the text of its error.
pub(super) fn advice(error: &str, proxy: bool) -> &'static str {
    let error = error.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if says(&["notvalidyet", "not valid yet", "expired"]) {
        "check the clock of this machine (`timedatectl`): the certificate is out of date or not yet valid"
    } else if says(&["unknownissuer", "unknown issuer", "certificate"]) {
        "if your company's proxy or firewall intercepts TLS, set SSL_CERT_FILE to a bundle that includes its CA certificate"
    } else if says(&["dns", "resolve", "lookup"]) {
        "check the DNS servers of this machine (`resolvectl status`)"
    } else if proxy {
        "check HTTPS_PROXY and NO_PROXY, and that the proxy allows this machine"
    } else if says(&["refused"]) {
        "nothing listens there, or a firewall blocks it: check the URL, and that this machine may connect to port 443"
    } else {
        "check that this machine may connect to port 443; if only a proxy may, set HTTPS_PROXY"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_their_advice() {
        #[rustfmt::skip]
        let table = [
            ("the connection failed: invalid peer certificate: UnknownIssuer",        false, "SSL_CERT_FILE"),
            ("the connection failed: invalid peer certificate: UnknownIssuer",        true,  "SSL_CERT_FILE"),
            ("invalid peer certificate: certificate expired: verification time",      false, "clock"),
            ("the connection failed: failed to lookup address information",                       false, "DNS"),
            ("the connection failed: Connection refused (os error 111)",         false, "firewall"),
            ("the connection failed: Connection refused (os error 111)",         true,  "HTTPS_PROXY and"),
            ("no data for 20s while waiting for an answer",                      false, "port 443"),
        ];
        for (error, proxy, words) in table {
            assert!(advice(error, proxy).contains(words), "{error}: {}", advice(error, proxy));
        }
    }
}
