//! One mail by SMTP, within seconds or not at all.
//!
//! Nothing but the greeting is said without TLS, except to a server on this machine that needs no login. Certificates
//! are checked against those that the system trusts.

use std::{cell::Cell, future::Future, time::Duration};

use lettre::{
    Message,
    message::{
        MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail as MailFrom, Rcpt},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{net::lookup_host, time::timeout};

use super::{
    Mailbox, Unsent,
    unsent::{answer, of_connecting, of_talking},
};

/// How long one address of a server may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Security {
    /// Encrypted after the greeting; the usual port is 587.
    #[default]
    StartTls,
    /// Encrypted from the start; the usual port is 465.
    Tls,
    /// Not encrypted: only for a server on this machine, and without login.
    None,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: Security,
}

/// A user of a mail server.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

/// A mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The sender.
    pub from: Mailbox,
    /// The recipients.
    pub to: Vec<Mailbox>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// Sends a mail, and ends within the limit whatever happens. Returns the recipients that the server refused, if it
/// accepted others.
pub fn send(server: &MailServer, login: Option<&Login>, mail: &Mail, limit: Duration) -> Result<Vec<Unsent>, Unsent> {
    let message = message(mail).map_err(|error| Unsent::Unwritten(error.to_string()))?;
    let place = place(server);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Unsent::Unreached(place.clone(), error.to_string()))?;
    let step = Cell::new("while its name was looked up");
    let sent = runtime.block_on(async {
        let delivery = Delivery { server, place: &place, login, mail, step: &step };
        let slow = || Err(Unsent::Slow(place.clone(), step.get()));
        timeout(limit, delivery.carry_out(&message)).await.unwrap_or_else(|_| slow())
    });
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    sent
}

fn place(server: &MailServer) -> String {
    format!("{}:{}", server.host, server.port)
}

/// A mail on its way.
struct Delivery<'d> {
    server: &'d MailServer,
    place: &'d str,
    login: Option<&'d Login>,
    mail: &'d Mail,
    step: &'d Cell<&'static str>,
}

impl Delivery<'_> {
    async fn carry_out(&self, message: &[u8]) -> Result<Vec<Unsent>, Unsent> {
        let mut connection = self.connect().await?;
        self.log_in(&mut connection).await?;
        let refused = self.envelope(&mut connection).await?;
        self.step.set("while it got the mail");
        let failed = |error| of_talking(self.place.to_owned(), &error, self.step.get(), Unsent::Content);
        connection.command(Data).await.map_err(failed)?;
        connection.message(message).await.map_err(failed)?;
        // It has the mail, whatever it says now.
        let _ = timeout(Duration::from_secs(1), connection.quit()).await;
        Ok(refused)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Unsent> {
        let MailServer { host, port, security } = self.server;
        let place = || self.place.to_owned();
        let addresses: Vec<_> =
            lookup_host((host.as_str(), *port)).await.map_err(|_| Unsent::UnknownHost(host.clone()))?.collect();
        let tls = self.tls()?;
        let hello = ClientId::Domain(self.mail.from.0.email.domain().to_owned());
        let from_start = tls.clone().filter(|_| *security == Security::Tls);
        self.step.set("before it said anything");
        let connecting =
            AsyncSmtpConnection::connect_tokio1(&addresses[..], Some(CONNECT_LIMIT), &hello, from_start, None);
        let mut connection = connecting.await.map_err(|error| of_connecting(place(), &error, self.step.get()))?;
        if let Some(tls) = tls.filter(|_| *security == Security::StartTls) {
            self.step.set("while TLS began");
            if !connection.can_starttls() {
                return Err(Unsent::NoStartTls(place()));
            }
            let begun = connection.starttls(tls, &hello).await;
            begun.map_err(|error| match of_connecting(place(), &error, self.step.get()) {
                Unsent::Content(place, answer) => Unsent::Tls(place, answer),
                other => other,
            })?;
        }
        Ok(connection)
    }

    fn tls(&self) -> Result<Option<TlsParameters>, Unsent> {
        if self.server.security == Security::None {
            return Ok(None);
        }
        // A provider that is already there is as good as this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = TlsParameters::new(self.server.host.clone());
        tls.map(Some).map_err(|error| Unsent::Tls(self.place.to_owned(), error.to_string()))
    }

    async fn log_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Unsent> {
        let Some(login) = self.login else { return Ok(()) };
        if !connection.is_encrypted() {
            return Err(Unsent::NoStartTls(self.place.to_owned()));
        }
        self.step.set("while it checked user and password");
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        if connection.server_info().get_auth_mechanism(&mechanisms).is_none() {
            return Err(Unsent::NoLogin(self.place.to_owned()));
        }
        let password = login.password.expose_secret();
        let credentials = Credentials::new(login.user.clone(), password.to_owned());
        let refused = |error: lettre::transport::smtp::Error| match error.status() {
            Some(_) => Unsent::Login(self.place.to_owned(), answer(&error, Some(password))),
            None => Unsent::Broken(self.place.to_owned(), self.step.get()),
        };
        connection.auth(&mechanisms, &credentials).await.map(drop).map_err(refused)
    }

    /// Names the sender and the recipients. Fails if the server accepts none.
    async fn envelope(&self, connection: &mut AsyncSmtpConnection) -> Result<Vec<Unsent>, Unsent> {
        self.step.set("while it checked the sender");
        let from = &self.mail.from;
        let sender = |place, answer| Unsent::Sender(place, from.address(), answer);
        self.say(connection.command(MailFrom::new(Some(from.0.email.clone()), Vec::new())), sender).await?;
        self.step.set("while it checked the recipients");
        let mut refused = Vec::new();
        for to in &self.mail.to {
            let recipient = |place, answer| Unsent::Recipient(place, to.address(), answer);
            match self.say(connection.command(Rcpt::new(to.0.email.clone(), Vec::new())), recipient).await {
                Ok(()) => {}
                Err(error @ Unsent::Recipient(..)) => refused.push(error),
                Err(error) => return Err(error),
            }
        }
        if refused.len() == self.mail.to.len() && !refused.is_empty() {
            return Err(refused.swap_remove(0));
        }
        Ok(refused)
    }

    async fn say<T>(
        &self,
        said: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
        refused: impl FnOnce(String, String) -> Unsent,
    ) -> Result<(), Unsent> {
        said.await.map(drop).map_err(|error| of_talking(self.place.to_owned(), &error, self.step.get(), refused))
    }
}

/// Tells other programs that nobody wrote this mail (RFC 3834), so that they answer nothing.
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The mail as bytes, all of them ASCII.
fn message(mail: &Mail) -> Result<Vec<u8>, lettre::error::Error> {
    let now = jiff::Timestamp::now().as_nanosecond();
    let id = format!("<{now}.{}@{}>", std::process::id(), mail.from.0.email.domain());
    let mut builder = Message::builder().from(mail.from.0.clone()).date_now().message_id(Some(id));
    for to in &mail.to {
        builder = builder.to(to.0.clone());
    }
    // A line end would begin another header.
    let subject: String = mail.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let body = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
    Ok(builder.subject(subject).header(AutoSubmitted).multipart(body)?.formatted())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        net::{SocketAddr, TcpListener},
    };

    use super::*;

    fn mail() -> Mail {
        Mail {
            from: Mailbox::parse("Säkerhetskopian <backup@example.com>").unwrap(),
            to: vec![Mailbox::parse("anna@example.com").unwrap()],
            subject: "Å\r\nBcc: bo@example.com".to_owned(),
            text: "Räksmörgås\n.\nslut\n".to_owned(),
            html: "<p>Räksmörgås</p>".to_owned(),
        }
    }

    fn at(address: SocketAddr, security: Security) -> MailServer {
        MailServer { host: address.ip().to_string(), port: address.port(), security }
    }

    #[test]
    fn headers_are_complete_and_nothing_is_injected() {
        let bytes = message(&mail()).unwrap();
        assert!(bytes.is_ascii());
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        for line in ["Auto-Submitted: auto-generated", "To: anna@example.com", "MIME-Version: 1.0"] {
            assert!(head.lines().any(|found| found == line), "{line} is not in {head}");
        }
        let has = |name: &str| head.lines().filter(|line| line.starts_with(name)).count();
        for (name, count) in
            [("Message-ID: <", 1), ("Date: ", 1), ("From: =?utf-8?", 1), ("Subject: =?utf-8?", 1), ("Bcc", 0)]
        {
            assert_eq!(has(name), count, "{name} in {head}");
        }
        let plain = message(&Mail { subject: "A\r\nBcc: bo@example.com".to_owned(), ..mail() }).unwrap();
        let plain = String::from_utf8(plain).unwrap();
        assert!(plain.contains("\r\nSubject: A  Bcc: bo@example.com\r\n"), "{plain}");
        assert!(head.contains("multipart/alternative") && body.contains("text/html; charset=utf-8"), "{text}");
    }

    #[test]
    fn who_never_answers_is_not_waited_for() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap();
        for security in [Security::StartTls, Security::Tls, Security::None] {
            let error = send(&at(address, security), None, &mail(), Duration::from_millis(200)).unwrap_err();
            assert_eq!(error, Unsent::Slow(address.to_string(), "before it said anything"));
        }
    }

    /// What comes of a server that says these lines, one after each line that it reads, and then closes.
    fn talk(lines: &'static [&'static str], login: Option<&Login>) -> Result<Vec<Unsent>, Unsent> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
            for line in lines {
                stream.write_all(line.as_bytes()).unwrap();
                let _ = std::io::BufRead::read_line(&mut reader, &mut String::new());
            }
        });
        let sent = send(&at(address, Security::None), login, &mail(), Duration::from_secs(20));
        server.join().unwrap();
        sent.map_err(|error| match error {
            Unsent::Broken(_, step) => Unsent::Broken(String::new(), step),
            Unsent::Sender(_, who, why) => Unsent::Sender(String::new(), who, why),
            Unsent::Recipient(_, who, why) => Unsent::Recipient(String::new(), who, why),
            Unsent::Content(_, why) => Unsent::Content(String::new(), why),
            Unsent::NoStartTls(_) => Unsent::NoStartTls(String::new()),
            other => other,
        })
    }

    #[test]
    fn each_way_to_fail_has_its_words() {
        const HELLO: &str = "220 x\r\n";
        const GOOD: &str = "250 x\r\n";
        let (broken, place) = (|step| Unsent::Broken(String::new(), step), String::new);
        let who = |name: &str| format!("{name}@example.com");
        let why = |text: &str| format!("permanent error ({text}): no such luck");
        #[rustfmt::skip]
        let table: [(&'static [&'static str], Unsent); 8] = [
            (&[],                                               broken("before it said anything")),
            (&["HTTP/1.1 400 Bad Request\r\n\r\n"],             broken("before it said anything")),
            (&["\u{1}\u{2}\n"],                                 broken("before it said anything")),
            (&[HELLO],                                          broken("before it said anything")),
            (&[HELLO, GOOD],                                    broken("while it checked the sender")),
            (&[HELLO, GOOD, "550 no such luck\r\n"],            Unsent::Sender(place(), who("backup"), why("550"))),
            (&[HELLO, GOOD, GOOD, "554 no such luck\r\n"],      Unsent::Recipient(place(), who("anna"), why("554"))),
            (&[HELLO, GOOD, GOOD, GOOD, "552 no such luck\r\n"], Unsent::Content(place(), why("552"))),
        ];
        for (lines, error) in table {
            assert_eq!(talk(lines, None), Err(error), "{lines:?}");
        }
    }

    #[test]
    fn no_password_goes_over_an_open_connection() {
        let login = Login { user: "anna".to_owned(), password: "5ecret".to_owned().into() };
        let sent = talk(&["220 x\r\n", "250-x\r\n250 AUTH PLAIN LOGIN\r\n"], Some(&login));
        assert_eq!(sent, Err(Unsent::NoStartTls(String::new())));
    }

    #[test]
    fn nobody_there_has_its_words() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let limit = Duration::from_secs(20);
        let error = send(&at(address, Security::StartTls), None, &mail(), limit).unwrap_err();
        assert_eq!(error, Unsent::Refused(address.to_string()));
    }
}
