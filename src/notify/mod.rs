//! Telling others how it went: files outside of the mirror, pings, a web hook, a mail.
//!
//! Nothing here decides anything, nothing takes long, and nothing that fails here is a failure of the mirror.

mod mail;
mod mailbox;
mod outside;
mod ping;
mod unsent;
mod web;

pub use mail::{Login, Mail, MailServer, Security, send as send_mail};
pub use mailbox::Mailbox;
pub use outside::{NotReplaced, replace};
pub use ping::Pings;
pub use unsent::Unsent;
pub use web::{Undelivered, post};
