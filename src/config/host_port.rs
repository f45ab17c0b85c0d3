//! A mail server in a setting.

use std::net::IpAddr;

use crate::notify::{MailServer, Security};

/// A mail server as it is written: a name, and perhaps a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    host: String,
    port: Option<u16>,
}

impl HostPort {
    /// Reads `smtp.example.com`, `smtp.example.com:587` or `[::1]:25`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let why = || format!("{text:?} is no mail server, such as smtp.example.com or smtp.example.com:587");
        let (host, port) = match text.strip_prefix('[').map(|rest| rest.split_once(']').ok_or_else(why)).transpose()? {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or_else(why)?)),
            None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map(|port| port.parse().ok().filter(|port| *port != 0).ok_or_else(why)).transpose()?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let is_good = host.parse::<IpAddr>().is_ok() || (!host.is_empty() && host.chars().all(is_name));
        if is_good { Ok(Self { host: host.to_owned(), port }) } else { Err(why()) }
    }

    /// The server, with the usual port if none is written.
    pub(super) fn with(&self, security: Security) -> MailServer {
        let usual = match security {
            Security::StartTls => 587,
            Security::Tls => 465,
            Security::None => 25,
        };
        MailServer { host: self.host.clone(), port: self.port.unwrap_or(usual), security }
    }
}
