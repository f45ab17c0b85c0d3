//! Whether the two hosts of the service can be reached: names, proxy, TLS.

use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use super::sheet::Sheet;
use crate::{
    remote::{Inspector, Settings, is_loopback},
    report::{Area, Check},
};

/// How long a name may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks the way to both hosts; false where one can't be reached.
pub(super) async fn network(
    sheet: &mut Sheet,
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
        sheet.add(Check::ok(Area::Network, found));
    }
    let mut reached = true;
    for url in hosts {
        if !is_loopback(url) {
            sheet.add(names(url, proxy.is_some()).await);
        }
        let check = knock(inspector, url, proxy.is_some()).await;
        reached &= check.next.is_none();
        sheet.add(check);
    }
    reached
}

async fn names(url: &Url, proxy: bool) -> Check {
    let host = url.host_str().unwrap_or_default();
    let looked = timeout(PATIENCE, tokio::net::lookup_host((host, url.port_or_known_default().unwrap_or(443)))).await;
    let why = match looked {
        Ok(Ok(addresses)) => match addresses.count() {
            0 => "it has no address".to_owned(),
            count => return Check::ok(Area::Network, format!("{host} has {count} addresses")),
        },
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    let found = format!("the name {host} can't be resolved here: {why}");
    if proxy {
        // Behind a proxy it is the proxy that resolves names.
        return Check::ok(Area::Network, format!("{found}; the proxy does that"));
    }
    Check::failure(Area::Network, found, "check the DNS servers of this machine (`resolvectl status`)")
}

async fn knock(inspector: &Inspector, url: &Url, proxy: bool) -> Check {
    let host = url.host_str().unwrap_or_default();
    match inspector.knock(url).await {
        Ok(took) => {
            let tls = if url.scheme() == "https" { " over TLS, with a certificate that is trusted" } else { "" };
            Check::ok(Area::Network, format!("{host} answers{tls} ({} ms)", took.as_millis()))
        }
        Err(error) => {
            let text = error.to_string();
            // Its own advice is for runs.
            let found = text.split("; ").next().unwrap_or(&text);
            Check::failure(Area::Network, found, advice(&text, proxy))
        }
    }
}

/// What to do about a connection that failed, by the words of its error.
pub(super) fn advice(error: &str, proxy: bool) -> &'static str {
    let error = error.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if says(&["notvalidyet", "not valid yet", "expired"]) {
        "check the clock of this machine (`timedatectl`): the certificate counts as out of date"
    } else if says(&["unknownissuer", "unknown issuer", "certificate"]) {
        "if your company's proxy or firewall opens TLS, set SSL_CERT_FILE to a bundle that has its CA certificate, too"
    } else if says(&["dns", "resolve", "lookup"]) {
        "check the DNS servers of this machine (`resolvectl status`)"
    } else if proxy {
        "check HTTPS_PROXY and NO_PROXY, and that the proxy lets this machine through"
    } else if says(&["refused"]) {
        "nothing listens there, or a firewall refuses: check the URL, and that this machine may go out on port 443"
    } else {
        "check that this machine may go out on port 443; where only a proxy may, set HTTPS_PROXY"
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
            ("dns error: failed to lookup address information",                       false, "DNS"),
            ("client error (Connect): tcp connect error: Connection refused",         false, "firewall"),
            ("client error (Connect): tcp connect error: Connection refused",         true,  "HTTPS_PROXY and"),
            ("nothing came for 20s while waiting for an answer",                      false, "port 443"),
        ];
        for (error, proxy, words) in table {
            assert!(advice(error, proxy).contains(words), "{error}: {}", advice(error, proxy));
        }
    }
}
