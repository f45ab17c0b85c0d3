//! The least that a cold run can do on a machine: the same requests, one hash, nameless files, groups that are synced,
//! linked and recorded, and nothing else. No name is chosen, nothing is compared, retried, paced, proved or reported.
//!
//! `lean FOLDER`, with the environment that a sandbox prints. Two threads download 16 documents each at once, as a run with
//! `--concurrency 32` does; one thread records.

use std::{
    collections::VecDeque,
    env,
    error::Error,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use bytes::Bytes;
use http::{
    HeaderMap, Method, Request, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rusqlite::{Connection, params};
use rustix::fs::{AtFlags, Mode, OFlags};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Builder;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Bytes of one write, as in a run.
const PIECE: usize = 128 << 10;

/// Documents of one group, as in a run.
const GROUP: usize = 512;

const PAGE: usize = 250;

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    id: &'a str,
    latest_version_id: &'a str,
}

#[derive(Deserialize)]
struct Link<'a> {
    url: &'a str,
}

struct Document {
    binder: usize,
    id: String,
    version: String,
}

/// A document whose bytes are in a file without a name.
struct Arrived {
    document: Document,
    file: File,
    hash: [u8; 32],
    size: usize,
}

/// The service, with a token, for one runtime.
struct Service {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    headers: HeaderMap,
}

fn main() -> Result<()> {
    let Some(root) = env::args_os().nth(1).map(PathBuf::from) else { return Err("usage: lean FOLDER".into()) };
    fs::create_dir_all(&root)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (headers, documents) = runtime.block_on(async {
        let service = Service::open(HeaderMap::new())?;
        let headers = service.log_in().await?;
        let service = Service::open(headers.clone())?;
        Ok::<_, Box<dyn Error + Send + Sync>>((headers, service.documents(&root).await?))
    })?;
    let (send, receive) = channel();
    let queue = Arc::new(Mutex::new(documents));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (queue, root, headers, send) = (Arc::clone(&queue), root.clone(), headers.clone(), send.clone());
            thread::spawn(move || download(&queue, &root, headers, &send))
        })
        .collect();
    drop(send);
    let recorded = record(&root, &receive)?;
    for thread in threads {
        thread.join().map_err(|_| "a download thread has died")??;
    }
    println!("{recorded} documents");
    Ok(())
}

/// Downloads on this thread, 16 documents at once.
fn download(queue: &Mutex<VecDeque<Document>>, root: &Path, headers: HeaderMap, to: &Sender<Arrived>) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let service = Service::open(headers)?;
        let slots = (0..16).map(|_| async {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(document) = next else { return Ok(()) };
                let arrived = service.download(document, root).await?;
                let _ = to.send(arrived); // The recorder's own error says why.
            }
        });
        futures::future::try_join_all(slots).await.map(drop)
    })
}

/// Syncs, records and links groups; all names are durable when it ends.
fn record(root: &Path, arrived: &Receiver<Arrived>) -> Result<usize> {
    let mut state = Connection::open(root.join("state.db"))?;
    state.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE documents (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version TEXT NOT NULL,
             sha256 BLOB NOT NULL, size INTEGER NOT NULL)",
    )?;
    let disk = File::open(root)?;
    let mut recorded = 0;
    while let Ok(first) = arrived.recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = arrived.recv()
        {
            group.push(next);
        }
        rustix::fs::syncfs(&disk)?;
        let transaction = state.transaction()?;
        for Arrived { document, hash, size, .. } in &group {
            transaction
                .prepare_cached("INSERT INTO documents (id, version, sha256, size) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![document.id, document.version, hash, size.cast_signed()])?;
        }
        transaction.commit()?;
        for Arrived { document, file, .. } in &group {
            let path = root.join(document.binder.to_string()).join(&document.id);
            rustix::fs::linkat(file, "", rustix::fs::CWD, path, AtFlags::EMPTY_PATH)?;
        }
        recorded += group.len();
    }
    rustix::fs::syncfs(&disk)?;
    Ok(recorded)
}

impl Service {
    fn open(headers: HeaderMap) -> Result<Self> {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).http1_max_buf_size(64 << 10).build(http);
        Ok(Self { client, base: env::var("IBINDER_API_URL")?, headers })
    }

    /// Every request needs these headers.
    async fn log_in(&self) -> Result<HeaderMap> {
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope=ibinder_public",
            env::var("IBINDER_CLIENT_ID")?,
            env::var("IBINDER_CLIENT_SECRET")?
        );
        let mut request = Request::post(env::var("IBINDER_AUTH_URL")?).body(Full::from(form))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let answer = self.client.request(request).await?.into_body().collect().await?.to_bytes();
        let answer: serde_json::Value = serde_json::from_slice(&answer)?;
        let token = answer["access_token"].as_str().ok_or("no token")?;
        let tenant = HeaderName::from_static("x-ibinder-tenantid");
        Ok(HeaderMap::from_iter([
            (AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}"))?),
            (tenant, HeaderValue::try_from(env::var("IBINDER_ORG_ID")?)?),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ]))
    }

    async fn call(&self, method: Method, path: &str, body: String) -> Result<Bytes> {
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}/{path}", self.base).parse()?;
        request.headers_mut().clone_from(&self.headers);
        Ok(self.client.request(request).await?.into_body().collect().await?.to_bytes())
    }

    /// All documents; makes a folder for each binder.
    async fn documents(&self, root: &Path) -> Result<VecDeque<Document>> {
        let binders: serde_json::Value =
            serde_json::from_slice(&self.call(Method::GET, "binders", String::new()).await?)?;
        let mut documents = VecDeque::new();
        for (binder, found) in binders.as_array().ok_or("no list of binders")?.iter().enumerate() {
            fs::create_dir(root.join(binder.to_string()))?;
            let id = &found["id"];
            let filter = format!(
                r#"{{"MetadataFilters":[{{"metadataElementId":"GLOBAL_BinderId","valueId":{id}}}],"SortBy":[]}}"#
            );
            for number in 1.. {
                let path = format!("documents?pageNumber={number}&pageSize={PAGE}");
                let page = self.call(Method::POST, &path, filter.clone()).await?;
                let page: Page<'_> = serde_json::from_slice(&page)?;
                let documents_of = |item: &Item<'_>| Document {
                    binder,
                    id: item.id.to_owned(),
                    version: item.latest_version_id.to_owned(),
                };
                documents.extend(page.items.iter().map(documents_of));
                if page.items.len() < PAGE {
                    break;
                }
            }
        }
        Ok(documents)
    }

    /// Requests the link and the bytes, and hashes and writes them as they come.
    async fn download(&self, document: Document, root: &Path) -> Result<Arrived> {
        let path = format!("documents/{}/versions/{}/downloadlink", document.id, document.version);
        let link = self.call(Method::GET, &path, String::new()).await?;
        let url: Uri = serde_json::from_slice::<Link<'_>>(&link)?.url.parse()?;
        let mut body = self.client.request(Request::get(url).body(Full::default())?).await?.into_body();
        let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::open(root, flags, Mode::from_bits_truncate(0o666))?);
        let (mut hasher, mut size, mut waiting) = (Sha256::new(), 0, Vec::new());
        let mut gathered = 0;
        while let Some(frame) = body.frame().await {
            let Ok(bytes) = frame?.into_data() else { continue };
            (size, gathered) = (size + bytes.len(), gathered + bytes.len());
            waiting.push(bytes);
            if gathered >= PIECE {
                gathered = 0;
                write(&mut file, &mut hasher, &mut waiting)?;
            }
        }
        write(&mut file, &mut hasher, &mut waiting)?;
        Ok(Arrived { document, file, hash: hasher.finalize().into(), size })
    }
}

fn write(file: &mut File, hasher: &mut Sha256, pieces: &mut Vec<Bytes>) -> Result<()> {
    for piece in pieces.drain(..) {
        hasher.update(&piece);
        file.write_all(&piece)?;
    }
    Ok(())
}
