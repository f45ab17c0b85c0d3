//! What the client takes from the machine that it runs on. Each test runs another one in a process of its own,
//! because the environment belongs to the process.

use std::{process::Command, sync::Arc};

use ibinder_sync::{
    model::OrganisationId,
    pace::{Limit, Pace},
    remote::{Kind, Remote, Requests, Settings},
};
use url::Url;

use crate::{
    SECRET, remote,
    server::{Server, json},
};

const CHILD: &str = "REMOTE_TEST_CHILD";

/// Runs a test of this file on a machine without CA certificates and with a proxy that isn't there.
fn run(test: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("machine::{test}"), "--nocapture"])
        .env(CHILD, "1")
        .env("SSL_CERT_FILE", "/nonexistent/bundle.pem")
        .env_remove("SSL_CERT_DIR")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .envs(["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:1")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

#[test]
fn loopback_needs_no_certificates_and_no_proxy() {
    run("child_loopback");
}

#[tokio::test]
async fn child_loopback() {
    if is_child() {
        let server = Server::api(|_, _| json("[]"));
        let (remote, _) = remote(&server);
        assert!(remote.binders().await.unwrap().is_empty());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn https_without_certificates_says_what_to_install() {
    run("child_https");
}

#[test]
fn child_https() {
    if is_child() {
        let settings = Settings::new(
            Url::parse(Settings::API_URL).unwrap(),
            Url::parse(Settings::AUTH_URL).unwrap(),
            OrganisationId::parse("org-1").unwrap(),
            "client-1".into(),
            SECRET.into(),
        );
        let error = Remote::new(settings, Pace::new(Limit::None, None), Arc::new(Requests::default())).unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        for word in ["ca-certificates", "SSL_CERT_FILE"] {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}

#[test]
fn settings_that_cannot_work() {
    let server = Server::api(|_, _| json("[]"));
    let odd: [fn(&mut Settings); 6] = [
        |settings| settings.api_url = Url::parse("http://api.ibinder.com/api").unwrap(),
        |settings| settings.auth_url = Url::parse("http://192.168.0.1/token").unwrap(),
        |settings| settings.subfolders = "documents".into(),
        |settings| settings.page_size = 0,
        |settings| settings.user_agent = "a\nb".into(),
        |settings| settings.organisation = OrganisationId::parse("å").unwrap(),
    ];
    for (number, change) in odd.into_iter().enumerate() {
        let mut settings = crate::settings(&server);
        change(&mut settings);
        let made = Remote::new(settings, Pace::new(Limit::None, None), Arc::new(Requests::default()));
        assert!(made.is_err_and(|error| error.kind() == Kind::Configuration), "{number}");
    }
}
