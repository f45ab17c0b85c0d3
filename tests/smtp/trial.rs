//! `doctor --mail`: what it says about a server.

use std::{net::TcpListener, path::Path};

use crate::{
    program::{Done, bare, finish},
    server::Server,
};

/// `doctor --mail` with these settings of mail, over those of a server that works.
fn doctor(port: u16, authority: &Path, more: &[(&str, &str)]) -> Done {
    let server = format!("localhost:{port}");
    let mut command = bare(&["doctor", "--mail"]);
    command
        .env("SSL_CERT_FILE", authority)
        .env("IBINDER_MAIL_TO", "anna@example.com")
        .env("IBINDER_MAIL_FROM", "Säkerhetskopian <backup@example.com>")
        .env("IBINDER_MAIL_SERVER", server)
        .env("IBINDER_MAIL_USER", "backup")
        .env("IBINDER_MAIL_PASSWORD", "5ecret")
        .envs(more.iter().copied());
    let done = finish(&mut command);
    assert!(!done.err.contains("5ecret") && !done.out.contains("5ecret"), "{} {}", done.out, done.err);
    done
}

#[test]
fn a_test_mail_arrives_by_starttls_and_by_tls() {
    for mode in ["starttls", "tls"] {
        let Some(server) = Server::start(mode) else { return };
        let done = doctor(server.port, &server.authority, &[("IBINDER_MAIL_SECURITY", mode)]).expect(0);
        assert!(done.out.contains("took a test mail to anna@example.com"), "{}", done.out);
        let mail = server.mail();
        assert_eq!((&mail["tls"], &mail["user"]), (&true.into(), &"backup".into()), "{mode}");
        assert_eq!((&mail["from"], &mail["to"][0]), (&"backup@example.com".into(), &"anna@example.com".into()));
        let text = mail["mail"].as_str().unwrap();
        for line in ["Subject: iBinder backup", "Auto-Submitted: auto-generated", "Message-ID: <", "Date: "] {
            assert!(text.lines().any(|found| found.starts_with(line)), "{line}: {text}");
        }
    }
}

#[test]
fn a_mail_in_swedish_has_its_letters() {
    let Some(server) = Server::start("starttls") else { return };
    let more = [("IBINDER_MAIL_LANGUAGE", "sv"), ("IBINDER_DEST", "/srv/Föreningen Åsen")];
    doctor(server.port, &server.authority, &more).expect(0);
    let mail = server.mail()["mail"].as_str().unwrap().to_owned();
    assert!(mail.is_ascii() && mail.contains("Subject: iBinder-kopia =?utf-8?"), "{mail}");
}

#[test]
fn each_refusal_has_its_words_and_its_code() {
    let Some(server) = Server::start("starttls") else { return };
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = format!("localhost:{}", nobody.port());
    let by_address = format!("127.0.0.1:{}", server.port);
    #[rustfmt::skip]
    let table = [
        (("IBINDER_MAIL_PASSWORD", "wrong"),                    3, "refuses the login", "password for apps"),
        (("IBINDER_MAIL_TO", "nobody@example.com"),             2, "refuses the recipient nobody@example.com", "no such mailbox; check `mail.to`"),
        (("IBINDER_MAIL_FROM", "stranger@example.com"),         2, "refuses the sender stranger@example.com", "sender not allowed; set `mail.from`"),
        (("IBINDER_MAIL_SERVER", &*closed),                     4, "refuses the connection", "check the name and the port"),
        (("IBINDER_MAIL_SERVER", "no-such-host.invalid"),       4, "was not found", "check `mail.server`"),
        (("IBINDER_MAIL_SERVER", &*by_address),                 2, "TLS with the mail server", "the name in `mail.server` must be that"),
        (("SSL_CERT_FILE", "/nowhere.pem"),                     2, "TLS with the mail server", "failed: "),
        (("IBINDER_MAIL_SECURITY", "tls"),                      2, "TLS with the mail server", "port 587 needs"),
        (("IBINDER_MAIL_TO", ""),                               2, "mail.to is not set", "IBINDER_MAIL_TO"),
        (("IBINDER_MAIL_SECURITY", "none"),                     2, "a password is sent only over TLS", "IBINDER_MAIL_SECURITY"),
    ];
    for (setting, code, what, advice) in table {
        let done = doctor(server.port, &server.authority, &[setting]).expect(code);
        assert!(done.err.contains(what) && done.err.contains(advice), "{setting:?}: {}", done.err);
        assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    }
    assert!(server.is_quiet());
    // One who is refused does not keep the mail from the others.
    doctor(server.port, &server.authority, &[("IBINDER_MAIL_TO", "nobody@example.com; anna@example.com")]).expect(0);
    assert_eq!(server.mail()["to"], serde_json::json!(["anna@example.com"]));
}

#[test]
fn a_server_without_tls_gets_nothing_unless_it_is_this_machine_and_needs_no_password() {
    let Some(server) = Server::start("plain") else { return };
    let done = doctor(server.port, &server.authority, &[]).expect(2);
    assert!(done.err.contains("offers no STARTTLS, so nothing was sent"), "{}", done.err);
    assert!(server.is_quiet());
    let open = [("IBINDER_MAIL_SECURITY", "none"), ("IBINDER_MAIL_USER", ""), ("IBINDER_MAIL_PASSWORD", "")];
    doctor(server.port, &server.authority, &open).expect(0);
    assert_eq!(server.mail()["tls"], false);
}
