//! `doctor --mail`.

use crate::{
    config::{Error, MailSettings, NAMES, Settings, Sources},
    notify::Unsent,
    session::{
        Exit,
        mail::{Error as NotSent, send_trial},
    },
    ui,
};

/// Sends a test mail.
pub(super) fn send(given: &Settings, wrong: &[Error], sources: &Sources) -> Exit {
    let (mail, more) = MailSettings::read(given, sources);
    for error in wrong.iter().chain(&more) {
        ui::print_error(error);
    }
    let Some(mail) = mail.filter(|_| wrong.is_empty()) else {
        if wrong.is_empty() && more.is_empty() {
            ui::print_error(&sources.missing(NAMES.mail_to));
        }
        return Exit::Usage;
    };
    match send_trial(&mail, sources.profile(), given.dest.as_deref()) {
        Ok(()) => {
            let to: Vec<String> = mail.to.iter().map(|to| to.address()).collect();
            let server = format!("{}:{}", mail.server.host, mail.server.port);
            ui::print(&format!(
                "{server} took a test mail to {}. If it does not arrive, look into the folder for spam.\n",
                to.join(", ")
            ));
            Exit::Complete
        }
        Err(error) => {
            ui::print_error(&error);
            exit(&error)
        }
    }
}

fn exit(error: &NotSent) -> Exit {
    let NotSent::Unsent(error) = error else { return Exit::Usage };
    match error {
        Unsent::Login(..) => Exit::Credentials,
        Unsent::UnknownHost(_)
        | Unsent::Refused(_)
        | Unsent::Unreached(..)
        | Unsent::Slow(..)
        | Unsent::Broken(..)
        | Unsent::Content(..) => Exit::Partial,
        Unsent::Tls(..)
        | Unsent::NoStartTls(_)
        | Unsent::NoLogin(_)
        | Unsent::Sender(..)
        | Unsent::Recipient(..)
        | Unsent::Unwritten(_) => Exit::Usage,
    }
}
