//! An address of a mail.

use std::fmt;

use lettre::message;

/// An address, perhaps with a name, that can be written into a header as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox(pub(super) message::Mailbox);

impl Mailbox {
    /// Reads `anna@example.com` or `Anna <anna@example.com>`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains(char::is_control) {
            return Err("it contains a line end or another control character".to_owned());
        }
        let mailbox: message::Mailbox = text.trim().parse().map_err(|_| {
            format!("{text:?} is no mail address, such as anna@example.com or \"Anna <anna@example.com>\"")
        })?;
        if !mailbox.email.to_string().is_ascii() {
            return Err(format!("{text:?} has letters that not every mail server takes; write the domain as xn--…"));
        }
        Ok(Self(mailbox))
    }

    /// The address without the name.
    pub fn address(&self) -> String {
        self.0.email.to_string()
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_are_accepted() {
        for (text, address) in [
            ("anna@example.com", Some("anna@example.com")),
            (" Anna Öst <anna@example.com> ", Some("anna@example.com")),
            ("anna", None),
            ("anna@", None),
            ("anna@example.com, bo@example.com", None),
            ("anna@exämple.com", None),
            ("anna@example.com\r\nBcc: bo@example.com", None),
            ("\"Anna\r\nBcc: bo@example.com\" <anna@example.com>", None),
            ("", None),
        ] {
            assert_eq!(Mailbox::parse(text).ok().map(|it| it.address()).as_deref(), address, "{text:?}");
        }
    }
}
