//! Azurite's blob service, started on a free port, with its blobs in a temporary folder.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Client, Method, Response, StatusCode};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{sas, skip::skip};

pub(crate) const CONTAINER: &str = "documents";

/// A running Azurite.
pub(crate) struct Azurite {
    child: Child,
    /// The folder of its blobs.
    pub(crate) blobs: Blobs,
    _location: TempDir,
}

/// A client.
#[derive(Clone)]
pub(crate) struct Blobs {
    pub(crate) address: SocketAddr,
    client: Client,
    runtime: Arc<Runtime>,
}

/// How a blob is uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upload {
    /// In one piece: the store computes its MD5.
    Whole,
    /// In blocks of this size: the store knows no MD5.
    Blocks(usize),
    /// In blocks of this size, with an MD5 given by the uploader.
    BlocksWithMd5(usize),
}

impl Azurite {
    /// Starts Azurite, or skips the test.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = find() else {
            skip("azurite-blob is not installed; tests/azurite/main.rs says how");
            return None;
        };
        let location = tempfile::tempdir().unwrap();
        let mut child = Command::new(program)
            .args(["--blobHost", "127.0.0.1", "--blobPort", "0", "--silent"])
            .args(["--disableTelemetry", "--skipApiVersionCheck", "--location"])
            .arg(location.path())
            .current_dir(location.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let blobs = Blobs::at(listening(&mut child));
        let azurite = Self { child, blobs, _location: location };
        let created = azurite.blobs.put(&format!("{CONTAINER}?restype=container"), &[], Vec::new());
        assert_eq!(created.status(), StatusCode::CREATED);
        Some(azurite)
    }
}

impl Blobs {
    fn at(address: SocketAddr) -> Self {
        // Another test may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        let runtime = Arc::new(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
        Self { address, client, runtime }
    }

    /// Uploads a blob, replacing one with the same name.
    pub(crate) fn upload(&self, blob: &str, bytes: &[u8], how: Upload) {
        let md5 = STANDARD.encode(md5(bytes));
        let stored = match how {
            Upload::Whole => {
                let headers = [("x-ms-blob-type", "BlockBlob"), ("content-type", "application/octet-stream")];
                self.put(&format!("{CONTAINER}/{blob}?"), &headers, bytes.to_vec())
            }
            Upload::Blocks(size) => self.commit(blob, bytes, size, &[]),
            Upload::BlocksWithMd5(size) => self.commit(blob, bytes, size, &[("x-ms-blob-content-md5", &md5)]),
        };
        assert_eq!(stored.status(), StatusCode::CREATED, "{blob}");
    }

    fn commit(&self, blob: &str, bytes: &[u8], size: usize, headers: &[(&str, &str)]) -> Response {
        let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        for (number, block) in bytes.chunks(size).enumerate() {
            let id = STANDARD.encode(format!("{number:06}"));
            let stored = self.put(&format!("{CONTAINER}/{blob}?comp=block&blockid={id}"), &[], block.to_vec());
            assert_eq!(stored.status(), StatusCode::CREATED, "{blob}, block {number}");
            list += &format!("<Latest>{id}</Latest>");
        }
        list += "</BlockList>";
        self.put(&format!("{CONTAINER}/{blob}?comp=blocklist"), headers, list.into_bytes())
    }

    fn put(&self, target: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Response {
        let url = format!("{}{target}&{}", self.root(), sas::administers());
        let length = body.len();
        let request = self.client.request(Method::PUT, url).header("content-length", length).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.runtime.block_on(request.send()).unwrap()
    }

    /// Requests a blob with a read-only link.
    pub(crate) fn get(&self, blob: &str, seconds: i64, headers: &[(&str, &str)]) -> Response {
        let url = format!("{}{CONTAINER}/{blob}?{}", self.root(), sas::reads(CONTAINER, blob, seconds));
        let request = headers.iter().fold(self.client.get(url), |request, (name, value)| request.header(*name, *value));
        self.runtime.block_on(request.send()).unwrap()
    }

    /// The bytes of a response.
    pub(crate) fn body(&self, response: Response) -> Vec<u8> {
        self.runtime.block_on(response.bytes()).unwrap().to_vec()
    }

    fn root(&self) -> String {
        format!("http://{}/{}/", self.address, sas::ACCOUNT)
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The MD5 of bytes.
pub(crate) fn md5(bytes: &[u8]) -> [u8; 16] {
    use md5::{Digest as _, Md5};
    Md5::digest(bytes).into()
}

fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("AZURITE_BLOB") {
        return Some(named.into());
    }
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/azurite/node_modules/.bin/azurite-blob");
    installed.exists().then_some(installed)
}

/// Waits until it prints its address.
fn listening(child: &mut Child) -> SocketAddr {
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, address)) = line.split_once("successfully listens on http://") {
            return address.trim().parse().unwrap();
        }
        said += &line;
    }
    panic!("Azurite ended: {said}");
}
