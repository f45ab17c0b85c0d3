//! Why a mail was not sent, and what to do about it.

use std::io;

use lettre::transport::smtp;

/// Longest answer of a server that is repeated, in characters.
const LONGEST: usize = 200;

/// Why a mail was not sent. It never shows the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// The name of the server is not known.
    #[error("the mail server {0} was not found; check `mail.server` and this machine's name servers")]
    UnknownHost(String),
    /// Nothing listens there.
    #[error(
        "the mail server {0} refuses the connection: nothing listens there; check the name and the port in `mail.server`"
    )]
    Refused(String),
    /// It can't be reached.
    #[error(
        "the mail server {0} can't be reached: {1}; check `mail.server`, and whether a firewall blocks outgoing mail"
    )]
    Unreached(String, String),
    /// It takes too long.
    #[error(
        "the mail server {0} was too slow, {1}; a port that speaks TLS from the start (465) needs `mail.security = \"tls\"`, and a firewall may block the port"
    )]
    Slow(String, &'static str),
    /// The connection could not be encrypted.
    #[error(
        "TLS with the mail server {0} failed: {1}; port 587 needs `mail.security = \"starttls\"` and port 465 \"tls\", and the name in `mail.server` must be that of its certificate"
    )]
    Tls(String, String),
    /// It offers no encryption.
    #[error(
        "the mail server {0} offers no STARTTLS, so nothing was sent; use `mail.security = \"tls\"` with its TLS port, usually 465"
    )]
    NoStartTls(String),
    /// It offers no way to log in that this program knows.
    #[error(
        "the mail server {0} offers no login with user and password; remove `mail.user`, or use the port for sending mail, usually 587"
    )]
    NoLogin(String),
    /// It refuses user and password.
    #[error(
        "the mail server {0} refuses the login: {1}; check `mail.user` and the password, and whether the account needs a password for apps"
    )]
    Login(String, String),
    /// It refuses the sender.
    #[error("the mail server {0} refuses the sender {1}: {2}; set `mail.from` to an address of the account")]
    Sender(String, String, String),
    /// It refuses all recipients.
    #[error(
        "the mail server {0} refuses the recipient {1}: {2}; check `mail.to`, and whether the server needs a login"
    )]
    Recipient(String, String, String),
    /// It refuses the mail.
    #[error("the mail server {0} refuses the mail: {1}; its administrator can say why")]
    Content(String, String),
    /// It closes the connection, or answers something else than SMTP.
    #[error(
        "the mail server {0} closed the connection or does not speak SMTP, {1}; check the name and the port in `mail.server`"
    )]
    Broken(String, &'static str),
    /// It can't be written.
    #[error("the mail could not be written: {0}; check `mail.from` and `mail.to`")]
    Unwritten(String),
}

/// The answer of a server as one short line, without the password.
pub(super) fn answer(error: &smtp::Error, password: Option<&str>) -> String {
    let text: String = error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match password {
        Some(password) if text.contains(password) => "its answer repeats the password and is not shown".to_owned(),
        _ => text.chars().take(LONGEST).collect(),
    }
}

/// Why no connection came about.
pub(super) fn of_connecting(server: String, error: &smtp::Error, step: &'static str) -> Unsent {
    let Some(io) = io_error(error) else { return of_talking(server, error, step, Unsent::Content) };
    if let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return Unsent::Tls(server, tls.to_string());
    }
    match io.kind() {
        io::ErrorKind::ConnectionRefused => Unsent::Refused(server),
        io::ErrorKind::TimedOut => Unsent::Slow(server, step),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
            Unsent::Broken(server, step)
        }
        _ => Unsent::Unreached(server, io.to_string()),
    }
}

/// Why a command did not succeed: the server says so, or the connection broke.
pub(super) fn of_talking(
    server: String,
    error: &smtp::Error,
    step: &'static str,
    refused: impl FnOnce(String, String) -> Unsent,
) -> Unsent {
    if error.status().is_some() { refused(server, answer(error, None)) } else { Unsent::Broken(server, step) }
}

fn io_error(error: &smtp::Error) -> Option<&io::Error> {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref() {
            return Some(io);
        }
        source = inner.source();
    }
    None
}
