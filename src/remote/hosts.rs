//! Which hosts a URL may name.
//!
//! Plain `http` and connections around the proxy are for this machine only. A link from the service must not point
//! into the network that the client runs in: storage hosts are public, so addresses of private networks are
//! refused. Names are not resolved: with `https` the certificate proves them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::{cause::Cause, error::Error};

/// Whether a URL names this machine: 127.0.0.0/8, `::1` or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => plain(address).is_loopback(),
        None => false,
    }
}

/// Whether a URL names a private address, or this machine.
pub(super) fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => is_private_v4(address),
        Some(Host::Ipv6(address)) => match plain(address) {
            IpAddr::V4(address) => is_private_v4(address),
            IpAddr::V6(address) => is_private_v6(address),
        },
        None => true,
    }
}

/// Checks a configured URL: `https`, or `http` to this machine; no credentials, query or fragment.
pub fn check_url(url: &Url) -> Result<(), Error> {
    let problem = match url.scheme() {
        "https" if url.host().is_none() => "it has no host",
        "http" if !is_loopback(url) => {
            "plain http is allowed only for this machine (127.0.0.0/8, ::1, localhost); use https://"
        }
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
            "it contains a user name or password; remove them"
        }
        "http" | "https" if url.query().is_some() || url.fragment().is_some() => "it has a query or a fragment",
        "http" | "https" => return Ok(()),
        _ => "only https:// is supported",
    };
    Err(Error::configuration(Cause::BadUrl { url: origin_and_path(url), problem }))
}

/// Origin and path of a URL, without its secrets.
pub(super) fn origin_and_path(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

/// Maps an IPv4-mapped IPv6 address to IPv4.
fn plain(address: Ipv6Addr) -> IpAddr {
    address.to_canonical()
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let benchmark = a == 198 && (b == 18 || b == 19);
    a == 0
        || a >= 240
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || shared
        || benchmark
}

/// The IPv4 address inside a compatible, NAT64 or 6to4 address.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let ([0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..]) =
        address.segments()
    else {
        return None;
    };
    Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    embedded(address).is_some_and(is_private_v4)
        || address.segments()[0] & 0xffc0 == 0xfec0
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unique_local()
        || address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::ErrorKind;

    #[test]
    fn configured_urls() {
        let good = [
            "https://api.ibinder.com/api",
            "https://10.0.0.7/api",
            "http://127.0.0.1:8080/api",
            "http://127.9.9.9/",
            "http://[::1]:1/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost/",
            "http://LOCALHOST:80/",
        ];
        for url in good {
            assert!(check_url(&Url::parse(url).unwrap()).is_ok(), "{url}");
        }
        let bad = [
            "http://api.ibinder.com/api",
            "http://10.0.0.7/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://0.0.0.0/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "https://user:hemlig@api.ibinder.com/",
            "https://api.ibinder.com/?hemlig=1",
            "https://api.ibinder.com/#hemlig",
            "data:text/plain,hemlig",
        ];
        for url in bad {
            let error = check_url(&Url::parse(url).unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{url}");
            assert_eq!(error.to_string().contains("hemlig"), url.starts_with("data"), "{error}");
        }
    }

    #[test]
    fn private_addresses() {
        let private = [
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "2130706433", // 127.0.0.1 written as one number
            "0x7f.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "[::1]",
            "[::]",
            "[fd00::1]",
            "[fe80::1]",
            "[::ffff:10.0.0.1]",
            "[::10.0.0.1]",
            "[64:ff9b::127.0.0.1]",
            "[64:ff9b::169.254.169.254]",
            "[2002:c0a8:101::1]",
            "[fec0::1]",
            "localhost",
            "localhost.",
            "a.localhost",
        ];
        for host in private {
            assert!(is_private(&Url::parse(&format!("https://{host}/x")).unwrap()), "{host}");
        }
        for host in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "[2001:4860::8888]",
            "[64:ff9b::8.8.8.8]",
            "x.blob.core.windows.net",
        ] {
            assert!(!is_private(&Url::parse(&format!("https://{host}/x")).unwrap()), "{host}");
        }
    }
}
