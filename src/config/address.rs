//! URLs that are secrets themselves.

use std::fmt;

use url::Url;

use crate::remote::is_loopback;

/// A URL of which only the host is shown: its path is enough to write there.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host())
    }
}

impl Address {
    /// Reads an address. Errors never repeat it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| format!("it is no URL: {error}"))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(
                    "plain http is for this machine only (127.0.0.0/8, ::1, localhost); write https://".to_owned()
                );
            }
            _ => return Err("only https:// is supported".to_owned()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it has a user name or password; remove them".to_owned());
        }
        Ok(Self(url))
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Its host, which may be shown.
    pub fn host(&self) -> String {
        self.0.host_str().unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_not_shown() {
        for url in ["https://hc-ping.com/5ecret", "http://127.0.0.1:8000/5ecret?create=1", "http://localhost/5ecret"] {
            let address = Address::parse(url).unwrap();
            assert!(!format!("{address:?}").contains("5ecret"));
            assert_eq!(address.url().as_str(), url);
        }
        for bad in [
            "http://hc-ping.com/5ecret",
            "5ecret",
            "ftp://x/5ecret",
            "https://a:5ecret@x/",
            "https://",
            "",
            "file:///5ecret",
        ] {
            let error = Address::parse(bad).unwrap_err();
            assert!(!error.contains("5ecret"), "{bad}: {error}");
        }
    }
}
