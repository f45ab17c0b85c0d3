//! aiosmtpd, started on a free port.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::skip::skip;

/// A running mail server, with a certificate for `localhost` that only its own authority vouches for.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    /// The certificate of the authority.
    pub(crate) authority: PathBuf,
    mails: mpsc::Receiver<Value>,
    _folder: TempDir,
}

impl Server {
    /// Starts a server in a mode of `server.py`, or skips the test.
    pub(crate) fn start(mode: &str) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/aiosmtpd/bin/python");
        let has_openssl = Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_ok();
        if !python.exists() || !has_openssl {
            skip("aiosmtpd or openssl is not installed; tests/smtp/main.rs says how");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let mut child = Command::new(python)
            .arg(root.join("tests/smtp/server.py"))
            .arg(mode)
            .args([folder.path().join("server.pem"), folder.path().join("server.key")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        said.read_line(&mut port).unwrap();
        let authority = folder.path().join("authority.pem");
        let port = port.trim().parse().unwrap();
        Some(Self { child, port, authority, mails: received(said), _folder: folder })
    }

    /// The next mail, which has arrived once the program says that it was sent.
    pub(crate) fn mail(&self) -> Value {
        self.mails.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    /// Whether nothing arrived since the last mail that was asked for. The server's answer comes after all mails.
    pub(crate) fn is_quiet(&self) -> bool {
        self.child.stdin.as_ref().unwrap().write_all(b".").unwrap();
        self.mail().is_null()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn received(said: BufReader<ChildStdout>) -> mpsc::Receiver<Value> {
    let (sender, mails) = mpsc::channel();
    thread::spawn(move || {
        for line in said.lines().map_while(Result::ok) {
            let _ = sender.send(serde_json::from_str(&line).unwrap());
        }
    });
    mails
}

/// An authority, and a certificate for `localhost` that it signed.
fn certificates(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let done = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    let authority = ["-subj", "/CN=Test authority", "-keyout", "authority.key", "-out", "authority.pem"];
    openssl(&[&new[..], &authority].concat());
    let names = ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"];
    let signed = ["-CA", "authority.pem", "-CAkey", "authority.key"];
    let server = ["-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.pem"];
    openssl(&[&new[..], &names, &signed, &server].concat());
}
