//! Object stores, each started on a free port, with its objects in a temporary folder.

use std::{
    any::Any,
    fs,
    io::{BufRead as _, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use futures::TryStreamExt as _;
use object_store::{
    BackoffConfig, ObjectStore, ObjectStoreExt as _, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, Checksum},
    azure::MicrosoftAzureBuilder,
    local::LocalFileSystem,
    prefix::PrefixStore,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    azurite::{Azurite, CONTAINER},
    sas,
    skip::skip,
};

/// The bucket of S3.
const BUCKET: &str = "copies";
/// Everything is below it.
pub(crate) const PREFIX: &str = "brf/eken";
pub(crate) const ACCESS_KEY: &str = "AKIDTESTS";
pub(crate) const SECRET_KEY: &str = "5ecret-of-the-store";

/// What can keep a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A folder, without a server.
    File,
    /// Azure Blob Storage.
    Azurite,
    /// S3. Verifies signatures and, except for parts, checksums. Of two puts of a name at once, both may succeed, although
    /// each says "only if absent": it looks before the body has come.
    S3s,
    /// S3. Verifies neither signatures nor checksums. It looks after the body has come.
    Moto,
}

pub(crate) const KINDS: [Kind; 4] = [Kind::File, Kind::Azurite, Kind::S3s, Kind::Moto];

/// A running store.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    /// Where it listens. A folder listens nowhere.
    pub(crate) address: Option<SocketAddr>,
    folder: TempDir,
    runtime: Runtime,
    _running: Box<dyn Any>,
}

/// A process that ends with this.
struct Process(Child);

impl Server {
    /// Starts a store with an empty bucket, or skips the test.
    pub(crate) fn start(kind: Kind) -> Option<Self> {
        // Another test may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let (running, address) = match kind {
            Kind::File => (Box::new(()) as Box<dyn Any>, None),
            Kind::Azurite => {
                let azurite = Azurite::start()?;
                let address = azurite.blobs.address;
                (Box::new(azurite) as Box<dyn Any>, Some(address))
            }
            Kind::S3s => process(&mut s3s(folder.path())?, "server is running at http://"),
            Kind::Moto => process(&mut moto()?, "Running on http://"),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = Self { kind, address, folder, runtime, _running: running };
        if kind == Kind::Moto {
            server.create_bucket();
        }
        Some(server)
    }

    /// What the program is told.
    pub(crate) fn url(&self) -> String {
        match self.kind {
            Kind::File => format!("file://{}/{BUCKET}/{PREFIX}", self.folder.path().display()),
            Kind::Azurite => format!("az://{CONTAINER}/{PREFIX}"),
            Kind::S3s | Kind::Moto => format!("s3://{BUCKET}/{PREFIX}"),
        }
    }

    /// The credentials and the address, as the program's environment has them.
    pub(crate) fn env(&self) -> Vec<(&'static str, String)> {
        self.address.map_or(Vec::new(), |address| self.env_at(address))
    }

    /// The same, with a proxy's address.
    pub(crate) fn env_at(&self, address: SocketAddr) -> Vec<(&'static str, String)> {
        match self.kind {
            Kind::File => Vec::new(),
            Kind::Azurite => vec![
                ("AZURE_STORAGE_ACCOUNT_NAME", sas::ACCOUNT.to_owned()),
                ("AZURE_STORAGE_ACCOUNT_KEY", sas::KEY.to_owned()),
                ("AZURE_STORAGE_ENDPOINT", format!("http://{address}/{}", sas::ACCOUNT)),
            ],
            Kind::S3s | Kind::Moto => vec![
                ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
                ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
                ("AWS_REGION", "eu-north-1".to_owned()),
                ("AWS_ENDPOINT_URL", format!("http://{address}")),
            ],
        }
    }

    /// A client whose keys are below the prefix.
    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        if let Some(address) = self.address {
            return self.store_at(address);
        }
        let bucket = LocalFileSystem::new_with_prefix(self.folder.path().join(BUCKET)).unwrap();
        Arc::new(PrefixStore::new(bucket, PREFIX))
    }

    /// The same at a proxy's address. It retries twice.
    pub(crate) fn store_at(&self, address: SocketAddr) -> Arc<dyn ObjectStore> {
        if self.kind != Kind::Azurite {
            return Arc::new(PrefixStore::new(bucket_at(address), PREFIX));
        }
        let container = MicrosoftAzureBuilder::new()
            .with_endpoint(format!("http://{address}/{}", sas::ACCOUNT))
            .with_account(sas::ACCOUNT)
            .with_access_key(sas::KEY)
            .with_container_name(CONTAINER)
            .with_allow_http(true)
            .with_retry(retry())
            .build();
        Arc::new(PrefixStore::new(container.unwrap(), PREFIX))
    }

    /// Runs a client's request.
    pub(crate) fn wait<T>(&self, request: impl Future<Output = T>) -> T {
        self.runtime.block_on(request)
    }

    /// The keys below the prefix, sorted.
    pub(crate) fn list(&self) -> Vec<String> {
        let store = self.store();
        let found: Vec<_> = self.wait(store.list(None).try_collect()).unwrap();
        let mut keys: Vec<String> = found.into_iter().map(|object| object.location.to_string()).collect();
        keys.sort();
        keys
    }

    pub(crate) fn get(&self, key: &str) -> Vec<u8> {
        let store = self.store();
        self.wait(async { store.get(&key.into()).await?.bytes().await }).unwrap().to_vec()
    }

    /// Stores an object, also in place of another.
    pub(crate) fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        let store = self.store();
        self.wait(store.put(&key.into(), bytes.into().into())).unwrap();
    }

    /// Changes the last byte of an object: only its hash shows it.
    pub(crate) fn damage(&self, key: &str) {
        let mut bytes = self.get(key);
        *bytes.last_mut().unwrap() ^= 1;
        self.put(key, bytes);
    }

    pub(crate) fn delete(&self, key: &str) {
        let store = self.store();
        self.wait(store.delete(&key.into())).unwrap();
    }

    fn create_bucket(&self) {
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        let location = "<CreateBucketConfiguration><LocationConstraint>eu-north-1</LocationConstraint></CreateBucketConfiguration>";
        // Any signature will do, but none makes it a stranger's.
        let signature =
            "AWS4-HMAC-SHA256 Credential=x/20260101/eu-north-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let request = client.put(format!("http://{}/{BUCKET}", self.address.unwrap()));
        let answer = self.wait(request.header("authorization", signature).body(location).send()).unwrap();
        assert_eq!(answer.status(), 200);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A client of the bucket, without the prefix.
pub(crate) fn bucket_at(address: SocketAddr) -> AmazonS3 {
    let bucket = AmazonS3Builder::new()
        .with_endpoint(format!("http://{address}"))
        .with_region("eu-north-1")
        .with_bucket_name(BUCKET)
        .with_access_key_id(ACCESS_KEY)
        .with_secret_access_key(SECRET_KEY)
        .with_checksum_algorithm(Checksum::SHA256)
        .with_allow_http(true)
        .with_retry(retry());
    bucket.build().unwrap()
}

/// Retries soon, and not often.
fn retry() -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(1), max_backoff: Duration::from_millis(10), base: 2.0 };
    RetryConfig { backoff, max_retries: 2, retry_timeout: Duration::from_mins(1) }
}

fn s3s(folder: &Path) -> Option<Command> {
    let mut command = installed("target/tools/bin/s3s-fs")?;
    command.args(["--host", "127.0.0.1", "--port", "0", "--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]);
    command.arg(folder).env("RUST_LOG", "s3s_fs=info").stderr(Stdio::null()).stdout(Stdio::piped());
    Some(command)
}

fn moto() -> Option<Command> {
    let mut command = installed("target/moto/bin/moto_server")?;
    command.args(["-H", "127.0.0.1", "-p", "0"]).env("NO_COLOR", "1").stdout(Stdio::null()).stderr(Stdio::piped());
    Some(command)
}

fn installed(program: &str) -> Option<Command> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(program);
    if !path.exists() {
        skip(&format!("{program} is not installed; tests/replica/main.rs says how"));
        return None;
    }
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    Some(command)
}

/// Starts a server, and waits until it prints its address.
fn process(command: &mut Command, before: &str) -> (Box<dyn Any>, Option<SocketAddr>) {
    let mut child = command.spawn().unwrap();
    let pipes = (child.stdout.take(), child.stderr.take());
    let said: Box<dyn Read + Send> = match pipes {
        (Some(stdout), _) => Box::new(stdout),
        (None, stderr) => Box::new(stderr.unwrap()),
    };
    let process = Process(child);
    let mut lines = BufReader::new(said).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains(before)).unwrap();
    let address = line.split_once(before).unwrap().1.trim().parse().unwrap();
    // It prints more, and must not wait until somebody reads it.
    thread::spawn(move || lines.for_each(drop));
    (Box::new(process), Some(address))
}
