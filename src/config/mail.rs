//! Who gets mail about the runs, and through which server.

use std::{net::IpAddr, path::PathBuf};

use secrecy::SecretString;

use super::{Error, NAMES, Settings, Sources, credentials};
use crate::{
    notify::{Login, MailServer, Mailbox, Security},
    report::Language,
};

/// The name of the password in `$CREDENTIALS_DIRECTORY`.
const CREDENTIAL: &str = "mail_password";

/// What a file has that is wrong.
const WHAT: &str = "the password of the mail server";

/// Mail about the runs. The password is read only when a mail is sent: a run needs none.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The sender.
    pub from: Mailbox,
    /// The recipients.
    pub to: Vec<Mailbox>,
    /// The server.
    pub server: MailServer,
    /// The language.
    pub language: Language,
    /// Whether names of documents may be in a mail.
    pub names: bool,
    user: Option<(String, Password)>,
}

/// Where the password is.
#[derive(Debug, Clone)]
enum Password {
    Itself(SecretString),
    File(PathBuf, Option<PathBuf>),
    Command(String),
}

impl MailSettings {
    /// The mail settings, if there are any, and everything that is wrong with them.
    pub fn read(settings: &Settings, sources: &Sources) -> (Option<Self>, Vec<Error>) {
        let missing = |name| vec![sources.missing(name)];
        let (to, from, server) = (&settings.mail_to, &settings.mail_from, &settings.mail_server);
        match (to.is_empty(), from, server) {
            (true, None, None) => (None, Vec::new()),
            (true, ..) => (None, missing(NAMES.mail_to)),
            (_, None, _) => (None, missing(NAMES.mail_from)),
            (.., None) => (None, missing(NAMES.mail_server)),
            (false, Some(from), Some(server)) => {
                let server = server.with(settings.mail_security);
                let checked = user(settings, sources).and_then(|user| {
                    check(&server, user.is_some(), sources)?;
                    let (from, to) = (from.clone(), to.clone());
                    let (language, names) = (settings.mail_language, settings.mail_names);
                    Ok(Self { from, to, server, language, names, user })
                });
                checked.map_or_else(|error| (None, vec![error]), |mail| (Some(mail), Vec::new()))
            }
        }
    }

    /// The user and the password.
    pub fn login(&self) -> Result<Option<Login>, Error> {
        let Some((user, password)) = &self.user else { return Ok(None) };
        let bad = |name: &'static str| move |why| Error::Bad { name: name.into(), why };
        let password = match password {
            Password::Itself(password) => password.clone(),
            Password::File(path, systemd) => {
                credentials::of_file(path, systemd.as_deref(), WHAT).map_err(bad("mail.password_file"))?
            }
            Password::Command(command) => credentials::of_command(command).map_err(bad("mail.password_command"))?,
        };
        Ok(Some(Login { user: user.clone(), password }))
    }
}

fn user(settings: &Settings, sources: &Sources) -> Result<Option<(String, Password)>, Error> {
    let systemd = || sources.credentials.as_ref().map(|folder| folder.join(CREDENTIAL)).filter(|path| path.exists());
    let password = if let Some(password) = &settings.mail_password {
        Some(Password::Itself(password.clone()))
    } else if let Some(command) = &settings.mail_password_command {
        Some(Password::Command(command.clone()))
    } else {
        let path = settings.mail_password_file.clone().or_else(systemd);
        path.map(|path| Password::File(path, sources.credentials.clone()))
    };
    match (&settings.mail_user, password) {
        (Some(user), Some(password)) => Ok(Some((user.clone(), password))),
        (Some(_), None) => Err(sources.missing(NAMES.mail_password_file)),
        // A password without a user is one that systemd gives to every profile.
        (None, _) => Ok(None),
    }
}

/// Refuses what would show a password, or the mail, to others.
fn check(server: &MailServer, has_user: bool, sources: &Sources) -> Result<(), Error> {
    if server.security != Security::None {
        return Ok(());
    }
    if has_user {
        let why = "a password is sent only over TLS; use \"starttls\" or \"tls\", or remove mail.user";
        return Err(sources.bad(NAMES.mail_security, why));
    }
    if !is_loopback(&server.host) {
        let why = "mail without TLS is for a server on this machine only (127.0.0.0/8, ::1, localhost); use \"starttls\" or \"tls\"";
        return Err(sources.bad(NAMES.mail_security, why));
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(more: &[(&str, &str)]) -> Result<Option<MailSettings>, String> {
        let complete = [
            ("IBINDER_MAIL_TO", "anna@example.com; Bo <bo@example.com>"),
            ("IBINDER_MAIL_FROM", "backup@example.com"),
            ("IBINDER_MAIL_SERVER", "smtp.example.com"),
        ];
        let get = |name: &str| {
            let mut all = more.iter().chain(&complete);
            all.find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value)).filter(|v| !v.is_empty())
        };
        let sources = Sources::of_environment(&get).map_err(|error| error.to_string())?;
        let (settings, mut wrong) = Settings::read(&sources, "run");
        let (mail, more) = MailSettings::read(&settings, &sources);
        wrong.extend(more);
        Error::none(wrong).map(|()| mail).map_err(|error| error.to_string())
    }

    #[test]
    fn a_password_goes_only_over_tls() {
        const USER: (&str, &str) = ("IBINDER_MAIL_USER", "anna");
        const PASSWORD: (&str, &str) = ("IBINDER_MAIL_PASSWORD", "5ecret");
        let security = |text| ("IBINDER_MAIL_SECURITY", text);
        let server = |text| ("IBINDER_MAIL_SERVER", text);
        #[rustfmt::skip]
        let table = [
            (vec![],                                                              Ok((587, Security::StartTls))),
            (vec![USER, PASSWORD],                                                Ok((587, Security::StartTls))),
            (vec![USER, PASSWORD, security("tls")],                               Ok((465, Security::Tls))),
            (vec![USER, PASSWORD, server("a.example:2525")],                      Ok((2525, Security::StartTls))),
            (vec![security("none"), server("localhost")],                         Ok((25, Security::None))),
            (vec![security("none"), server("[::1]:2525")],                        Ok((2525, Security::None))),
            (vec![security("none")],                                              Err("on this machine only")),
            (vec![security("none"), server("10.0.0.1")],                          Err("on this machine only")),
            (vec![security("none"), server("localhost"), USER, PASSWORD],         Err("only over TLS")),
            (vec![security("ssl")],                                               Err("it is one of starttls, tls, none")),
            (vec![USER],                                                          Err("IBINDER_MAIL_PASSWORD_FILE")),
            (vec![server("")],                                                    Err("mail.server is not set")),
            (vec![("IBINDER_MAIL_FROM", "")],                                     Err("mail.from is not set")),
            (vec![("IBINDER_MAIL_TO", "")],                                       Err("mail.to is not set")),
            (vec![("IBINDER_MAIL_TO", "anna")],                                   Err("is no mail address")),
            (vec![server("smtp.example.com:x")],                                  Err("is no mail server")),
            (vec![server("https://smtp.example.com")],                            Err("is no mail server")),
            (vec![("IBINDER_MAIL_LANGUAGE", "dk")],                               Err("it is one of en, sv")),
            (vec![USER, PASSWORD, ("IBINDER_MAIL_PASSWORD_FILE", "/x")],          Err("sets mail.password, too")),
        ];
        for (variables, wanted) in table {
            match (read(&variables), wanted) {
                (Ok(Some(mail)), Ok(server)) => assert_eq!((mail.server.port, mail.server.security), server),
                (Err(error), Err(words)) => {
                    assert!(error.contains(words) && !error.contains("5ecret"), "{words}: {error}");
                }
                (got, _) => panic!("{variables:?}: {got:?}"),
            }
        }
        let none = [("IBINDER_MAIL_TO", ""), ("IBINDER_MAIL_FROM", ""), ("IBINDER_MAIL_SERVER", "")];
        assert!(read(&none).unwrap().is_none());
    }

    #[test]
    fn each_way_to_the_password_works() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(CREDENTIAL);
        std::fs::write(&file, "from-file\n").unwrap();
        let mode = |mode| std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        mode(0o600);
        let login = |way: (&str, &str)| {
            let mail = read(&[("IBINDER_MAIL_USER", "anna"), way]).unwrap().unwrap();
            assert!(!format!("{mail:?}").contains("5ecret"), "{mail:?}");
            mail.login().map(|login| login.unwrap().password.expose_secret().to_owned()).map_err(|e| e.to_string())
        };
        assert_eq!(login(("IBINDER_MAIL_PASSWORD", "5ecret")).as_deref(), Ok("5ecret"));
        assert_eq!(login(("IBINDER_MAIL_PASSWORD_COMMAND", "echo one; echo two")).as_deref(), Ok("one"));
        let path = ("IBINDER_MAIL_PASSWORD_FILE", file.to_str().unwrap());
        let systemd = ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap());
        assert_eq!((login(path).as_deref(), login(systemd).as_deref()), (Ok("from-file"), Ok("from-file")));
        mode(0o644);
        assert!(login(path).unwrap_err().contains("chmod 600"));
        let nowhere = login(("IBINDER_MAIL_PASSWORD_FILE", "/nowhere")).unwrap_err();
        assert!(nowhere.starts_with("mail.password_file can't be used: "), "{nowhere}");
    }
}
