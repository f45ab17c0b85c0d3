//! What the client takes from its environment. Each test starts a `child_*` in a separate process, because the
//! environment belongs to the process.

use std::{process::Command, sync::Arc};

use ibinder_sync::{
    model::OrganisationId,
    pace::{Limit, Pace},
    remote::{ErrorKind, Remote, Requests, Settings},
};
use url::Url;

use crate::{
    SECRET, document, remote,
    server::{Server, json, status},
    skip::skip,
    version,
};

const CHILD: &str = "REMOTE_TEST_CHILD";

/// Runs a test of this file without CA certificates and with an unreachable proxy.
fn run(test: &str) {
    run_with(test, "/nonexistent/bundle.pem", "http://127.0.0.1:1");
}

fn run_with(test: &str, bundle: &str, proxy: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("machine::{test}"), "--ignored", "--nocapture"])
        .env(CHILD, "1")
        .env("SSL_CERT_FILE", bundle)
        .env_remove("SSL_CERT_DIR")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .envs(["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, proxy)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn is_child() -> bool {
    let is_child = std::env::var_os(CHILD).is_some();
    if !is_child {
        skip("only another test can start it");
    }
    is_child
}

#[test]
fn loopback_needs_no_certificates_and_no_proxy() {
    run("child_loopback");
}

#[tokio::test]
#[ignore = "another test starts it in a separate process"]
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
#[ignore = "another test starts it in a separate process"]
fn child_https() {
    if is_child() {
        let credentials =
            [("IBINDER_ORG_ID", "org-1"), ("IBINDER_CLIENT_ID", "client-1"), ("IBINDER_CLIENT_SECRET", SECRET)];
        let settings = crate::of_variables(&credentials);
        let error = Remote::new(settings, Pace::new(Limit::None, None), Arc::new(Requests::default())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        for word in ["ca-certificates", "SSL_CERT_FILE"] {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}

/// A bundle with one certificate of no use.
const BUNDLE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBfDCCASGgAwIBAgIUMZg6EVWRS597yvFD/KD23yYceVAwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjgxNjI2MDZaGA8yMTI2MTEwNDE2
MjYwNlowEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABAOx2VXtrDbioYAYBK4LKh99l53GI/pMFZiFGhy6tRslJNMa/BBufkyLLwdx
W7grQepX4DncKP86kiHSo6qQzxejUzBRMB0GA1UdDgQWBBQ7Y/i4bemkxUDgg0J+
5Ct5bfBLNDAfBgNVHSMEGDAWgBQ7Y/i4bemkxUDgg0J+5Ct5bfBLNDAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDENJVWW8Ek2VKNMm/qIVw37N+b
kt9fecr1up5aYheL8AIhAPEyq7he2Ok54+j0vCCiPtnmPpkhQpohpE/ADxQPWE1b
-----END CERTIFICATE-----
";

#[cfg(target_os = "linux")]
#[test]
fn storage_is_reached_through_a_proxy() {
    let proxy = Server::start(|_, _| status(502));
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle.pem");
    std::fs::write(&bundle, BUNDLE).unwrap();
    run_with("child_proxy", bundle.to_str().unwrap(), &proxy.url(""));
    let seen = proxy.seen("a.example:443");
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.method == "CONNECT"));
    assert_eq!(proxy.total(), seen.len(), "nothing else goes through it, and nothing of the link");
}

#[tokio::test]
#[ignore = "another test starts it in a separate process"]
async fn child_proxy() {
    if is_child() {
        let server = Server::api(|_, _| json(r#"{"url":"https://a.example/x?sig=hush"}"#));
        let (remote, _) = remote(&server);
        let link = remote.download_link(&document(), &version()).await.unwrap();
        let error = remote.fetch(&link, None).await.unwrap_err();
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}

#[test]
fn settings_that_cannot_work() {
    let server = Server::api(|_, _| json("[]"));
    let odd: [fn(&mut Settings); 4] = [
        |settings| settings.api_url = Url::parse("http://api.ibinder.com/api").unwrap(),
        |settings| settings.auth_url = Url::parse("http://192.168.0.1/token").unwrap(),
        |settings| settings.user_agent = "a\nb".into(),
        |settings| settings.organisation = OrganisationId::parse("å").unwrap(),
    ];
    for (number, change) in odd.into_iter().enumerate() {
        let mut settings = crate::settings(&server);
        change(&mut settings);
        let made = Remote::new(settings, Pace::new(Limit::None, None), Arc::new(Requests::default()));
        assert!(made.is_err_and(|error| error.kind() == ErrorKind::Configuration), "{number}");
    }
}
