//! Single requests, looked at closely: for finding out why a run does not work, and what the live service is like.
//!
//! A run believes as little as it can and repeats what failed. Here each request is sent once, one after
//! the other, and everything about its answer that isn't secret is given to whoever asks: how long it took, the service's
//! clock, the JSON as it came, and how the client reads it.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::{
    Client, Method, Request, Response,
    header::{ACCEPT_RANGES, CONTENT_RANGE, DATE, HeaderMap, HeaderValue, RANGE},
};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::{
    model::{Binder, BinderId, DocumentId, Folder, FolderId, Listed, VersionId},
    remote::{
        api::{self, Call, LARGEST},
        blob_head,
        cause::Cause,
        client::Query,
        error::Error,
        headers,
        link::{Link, Rule},
        patience::Patience,
        settings::Settings,
        storage_client::StorageClient,
        text::understand,
        token_source::TokenSource,
        transport::{self, ClientPurpose},
        urls::Routes,
        wire::{self, OddItem, SearchPage},
    },
};

/// How long anything may take: somebody sits before the screen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a request brought.
#[derive(Debug)]
pub struct Inspected<T> {
    /// How long it took.
    pub took: Duration,
    /// The service's clock, and this machine's when it came; none where the answer bore no date.
    pub clocks: Option<(Timestamp, Timestamp)>,
    /// The answer as it came; null where none came, or one that is no JSON.
    pub json: Value,
    /// What the client reads from it.
    pub read: Result<T, Error>,
}

/// What storage said about a link of which one byte was asked for.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a header that came or did not")]
pub struct FirstByte {
    /// How long it took.
    pub took: Duration,
    /// 206 where parts can be had, 200 where the whole came.
    pub status: u16,
    /// Whether one byte came, and the head said of how many it is.
    pub is_part: bool,
    /// Whether there was an `ETag` under which a download can go on.
    pub has_etag: bool,
    /// Whether there was a `Last-Modified` that can be read.
    pub has_time: bool,
    /// Whether there was an MD5 of the whole.
    pub has_md5: bool,
    /// Whether it announced `Accept-Ranges: bytes`.
    pub offers_ranges: bool,
    /// Whether it said which type of blob it is, as Azure Blob Storage does.
    pub is_blob: bool,
}

/// The service, looked at closely.
#[derive(Debug)]
pub struct Inspector {
    settings: Arc<Settings>,
    api: Client,
    tokens: TokenSource,
    routes: Routes,
    tenant: HeaderValue,
    bearer: HeaderValue,
}

impl Inspector {
    /// Whoever has no token yet. What can't work is told at once.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        settings.check()?;
        let settings = Arc::new(Settings { head_timeout: PATIENCE, stall_timeout: PATIENCE, ..settings.clone() });
        let api = transport::api_client(&settings, ClientPurpose::to(&settings.api_url))?;
        let auth = transport::api_client(&settings, ClientPurpose::to(&settings.auth_url))?;
        Ok(Self {
            api,
            tokens: TokenSource::new(&settings, auth),
            routes: Routes::new(settings.api_url.clone(), Settings::SUBFOLDERS),
            tenant: api::tenant(&settings)?,
            bearer: HeaderValue::from_static(""),
            settings,
        })
    }

    /// Asks for a token, which the requests after it bear. Tells how long it lives, where the answer says so.
    pub async fn token(&mut self) -> Inspected<Option<u64>> {
        let began = Instant::now();
        let answer = self.tokens.ask().await.map_err(|cause| Error::new(self.tokens.call(), cause, 1));
        let read = answer.map(|granted| {
            self.bearer = granted.header;
            granted.says
        });
        Inspected { took: began.elapsed(), clocks: None, json: Value::Null, read }
    }

    /// Asks a host for its root, without saying who asks. Any status is an answer.
    pub async fn knock(&self, url: &Url) -> Result<Duration, Error> {
        let began = Instant::now();
        let mut root = url.clone();
        root.set_path("/");
        let call = format!("GET {}", super::hosts::place(&root));
        let client = transport::api_client(&self.settings, ClientPurpose::to(&root))?;
        let answer = transport::send(&client, Request::new(Method::GET, root), self.settings.head_timeout).await;
        answer.map(|_| began.elapsed()).map_err(|cause| Error::new(call, cause, 1))
    }

    /// The binders that the client may see.
    pub async fn binders(&self) -> Inspected<Vec<Result<Binder, OddItem>>> {
        self.ask(&Call::get(self.routes.binders()), wire::binders).await
    }

    /// One page of a search.
    pub async fn search(&self, query: &Query<'_>, page_number: u32, page_size: u32) -> Inspected<SearchPage> {
        let call = Call::post(self.routes.search(page_number, page_size), query.body());
        self.ask(&call, |text| wire::page(text, query.binder, page_number, page_size)).await
    }

    /// One document.
    pub async fn document(&self, document: &DocumentId) -> Inspected<Listed> {
        self.ask(&Call::get(self.routes.document(document)), |text| wire::document(text, document)).await
    }

    /// The top folders of a binder.
    pub async fn tabs(&self, binder: &BinderId) -> Inspected<Vec<Result<Folder, OddItem>>> {
        self.ask(&Call::get(self.routes.tabs(binder)), |text| wire::folders(text, binder, None)).await
    }

    /// The folders in a folder.
    pub async fn subfolders(&self, binder: &BinderId, folder: &FolderId) -> Inspected<Vec<Result<Folder, OddItem>>> {
        let call = Call::get(self.routes.subfolders(binder, folder));
        self.ask(&call, |text| wire::folders(text, binder, Some(folder))).await
    }

    /// The metadata schema of a binder.
    pub async fn metadata_elements(&self, binder: &BinderId) -> Inspected<()> {
        self.ask(&Call::get(self.routes.metadata_elements(binder)), any_json).await
    }

    /// A list of a document's versions, from one of [`VERSION_LISTS`](super::VERSION_LISTS).
    pub async fn version_list(&self, template: &str, document: &DocumentId) -> Inspected<()> {
        self.ask(&Call::get(self.routes.version_list(template, document)), any_json).await
    }

    /// Where the bytes of a version are. The answer itself is a secret and is not shown.
    pub async fn download_link(&self, document: &DocumentId, version: &VersionId) -> Inspected<Link> {
        let rule = Rule::of_api(&self.settings.api_url);
        let seen = self.ask(&Call::get(self.routes.download_link(document, version)), |text| rule.read(text)).await;
        Inspected { json: Value::Null, ..seen }
    }

    /// Asks for the first byte of a version, without following redirects.
    pub async fn first_byte(&self, link: &Link) -> Result<FirstByte, Error> {
        let began = Instant::now();
        let client = StorageClient::new(&self.settings, ClientPurpose::to(link.url()))?;
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static("bytes=0-0"));
        let sent = client.get(link.uri().clone(), headers).await;
        sent.and_then(|response| first_byte(&response, began.elapsed()))
            .map_err(|cause| Error::new(link.call(), cause, 1))
    }

    async fn ask<T>(&self, call: &Call, read: impl Fn(&str) -> Result<T, Cause>) -> Inspected<T> {
        let began = Instant::now();
        let sent = call.dress(&self.bearer, &self.tenant);
        let response = match transport::send(&self.api, sent, self.settings.head_timeout).await {
            Ok(response) => response,
            Err(cause) => return Inspected::none(began.elapsed(), Error::new(call.name(), cause, 1)),
        };
        let clocks = date(&response).map(|theirs| (theirs, Timestamp::now()));
        let answer = self.answer(response).await.and_then(|body| {
            let json = understand(&body, |text| serde_json::from_str(text)).unwrap_or(Value::Null);
            Ok((json, understand(&body, read)?))
        });
        let (json, read) = match answer {
            Ok((json, value)) => (json, Ok(value)),
            Err(cause) => (Value::Null, Err(Error::new(call.name(), cause, 1))),
        };
        Inspected { took: began.elapsed(), clocks, json, read }
    }

    async fn answer(&self, response: Response) -> Result<bytes::Bytes, Cause> {
        if !response.status().is_success() {
            let bearer = self.bearer.to_str().unwrap_or_default().trim_start_matches("Bearer ");
            return Err(api::failure(response, bearer, Patience::of(&self.settings)).await);
        }
        transport::body(response, LARGEST, Patience::of(&self.settings)).await
    }
}

impl<T> Inspected<T> {
    fn none(took: Duration, error: Error) -> Self {
        Self { took, clocks: None, json: Value::Null, read: Err(error) }
    }
}

/// Accepts every JSON: the client reads nothing from it.
fn any_json(text: &str) -> Result<(), Cause> {
    serde_json::from_str::<Value>(text).map(drop).map_err(|error| wire::garbled(&error))
}

fn date(response: &Response) -> Option<Timestamp> {
    headers::text(response.headers(), DATE).and_then(|date| DateTimeParser::new().parse_timestamp(date).ok())
}

fn first_byte(response: &Response, took: Duration) -> Result<FirstByte, Cause> {
    let (status, headers) = (response.status(), response.headers());
    if !status.is_success() {
        return Err(Cause::Storage { status: status.as_u16(), retry_after: None });
    }
    let known = blob_head::known(status, headers);
    let announced = &known.announced;
    let range = headers::text(headers, CONTENT_RANGE).unwrap_or_default();
    Ok(FirstByte {
        took,
        status: status.as_u16(),
        is_part: status.as_u16() == 206 && range.starts_with("bytes 0-0/") && response.content_length() == Some(1),
        has_etag: announced.etag.is_some(),
        has_time: known.last_modified.is_some(),
        has_md5: announced.md5.is_some(),
        offers_ranges: headers::text(headers, ACCEPT_RANGES) == Some("bytes"),
        is_blob: headers.contains_key("x-ms-blob-type"),
    })
}
