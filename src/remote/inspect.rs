//! Single requests in detail, for the `doctor` command.
//!
//! A run retries and distrusts; here each request is sent once, and the caller gets everything about the response
//! that isn't secret: the duration, the service's clock, the JSON, and what the client reads from it.

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
        min_speed::MinSpeed,
        settings::Settings,
        storage_client::StorageClient,
        text::parse_repaired,
        token_source::TokenSource,
        transport::{self, ClientPurpose},
        urls::ApiUrls,
        wire::{self, OddItem, SearchPage},
    },
};

/// The timeout; a person is waiting.
const PATIENCE: Duration = Duration::from_secs(20);

/// The result of a request.
#[derive(Debug)]
pub struct Inspected<T> {
    /// Its duration.
    pub took: Duration,
    /// The service's clock and this machine's, if the response had a `Date`.
    pub clocks: Option<(Timestamp, Timestamp)>,
    /// The JSON of the response; null if there was none.
    pub json: Value,
    /// What the client reads from it.
    pub read: Result<T, Error>,
}

/// The response of storage to a request for one byte.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a header")]
pub struct FirstByte {
    /// Its duration.
    pub took: Duration,
    /// 206 if storage supports ranges, 200 if it sent the whole.
    pub status: u16,
    /// Whether one byte arrived, with the total in the headers.
    pub is_part: bool,
    /// Whether there was an `ETag` with which a download can be resumed.
    pub has_etag: bool,
    /// Whether there was a valid `Last-Modified`.
    pub has_time: bool,
    /// Whether there was an MD5 of the whole.
    pub has_md5: bool,
    /// Whether there was `Accept-Ranges: bytes`.
    pub offers_ranges: bool,
    /// Whether there was a blob type, as in Azure Blob Storage.
    pub is_blob: bool,
}

/// Sends single requests and returns their details.
#[derive(Debug)]
pub struct Inspector {
    settings: Arc<Settings>,
    api: Client,
    tokens: TokenSource,
    urls: ApiUrls,
    tenant: HeaderValue,
    bearer: HeaderValue,
}

impl Inspector {
    /// Without a token yet. Fails if the settings are wrong.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        settings.check()?;
        let settings = Arc::new(Settings { head_timeout: PATIENCE, stall_timeout: PATIENCE, ..settings.clone() });
        let api = transport::api_client(&settings, ClientPurpose::to(&settings.api_url))?;
        let auth = transport::api_clients(&settings, ClientPurpose::to(&settings.auth_url))?;
        Ok(Self {
            api,
            tokens: TokenSource::new(&settings, auth),
            urls: ApiUrls::new(settings.api_url.clone(), Settings::SUBFOLDERS),
            tenant: api::tenant(&settings)?,
            bearer: HeaderValue::from_static(""),
            settings,
        })
    }

    /// Requests a token for the further requests. Returns its lifetime, if stated.
    pub async fn token(&mut self) -> Inspected<Option<u64>> {
        let began = Instant::now();
        let answer = self.tokens.ask().await.map_err(|cause| self.tokens.error(cause, 1));
        let read = answer.map(|granted| {
            self.bearer = granted.header;
            granted.says
        });
        Inspected { took: began.elapsed(), clocks: None, json: Value::Null, read }
    }

    /// Requests a host's root without credentials. Any status is a success.
    pub async fn reach(&self, url: &Url) -> Result<Duration, Error> {
        let began = Instant::now();
        let mut root = url.clone();
        root.set_path("/");
        let call = format!("GET {}", super::hosts::origin_and_path(&root));
        let client = transport::api_client(&self.settings, ClientPurpose::to(&root))?;
        let answer = transport::send(&client, Request::new(Method::GET, root), self.settings.head_timeout).await;
        answer.map(|_| began.elapsed()).map_err(|cause| Error::new(call, cause, 1))
    }

    /// The binders that the client can see.
    pub async fn binders(&self) -> Inspected<Vec<Result<Binder, OddItem>>> {
        self.ask(&Call::get(self.urls.binders()), wire::binders).await
    }

    /// One page of a search.
    pub async fn search(&self, query: &Query<'_>, page_number: u32, page_size: u32) -> Inspected<SearchPage> {
        let call = Call::post(self.urls.search(page_number, page_size), query.body());
        self.ask(&call, |text| wire::page(text, query.binder, page_number, page_size)).await
    }

    /// One document.
    pub async fn document(&self, document: &DocumentId) -> Inspected<Listed> {
        self.ask(&Call::get(self.urls.document(document)), |text| wire::document(text, document)).await
    }

    /// The top folders of a binder.
    pub async fn tabs(&self, binder: &BinderId) -> Inspected<Vec<Result<Folder, OddItem>>> {
        self.ask(&Call::get(self.urls.tabs(binder)), |text| wire::folders(text, binder, None)).await
    }

    /// The folders in a folder.
    pub async fn subfolders(&self, binder: &BinderId, folder: &FolderId) -> Inspected<Vec<Result<Folder, OddItem>>> {
        let call = Call::get(self.urls.subfolders(binder, folder));
        self.ask(&call, |text| wire::folders(text, binder, Some(folder))).await
    }

    /// The metadata schema of a binder.
    pub async fn metadata_elements(&self, binder: &BinderId) -> Inspected<()> {
        self.ask(&Call::get(self.urls.metadata_elements(binder)), any_json).await
    }

    /// A list of a document's versions, from one of [`VERSION_LISTS`](super::VERSION_LISTS).
    pub async fn version_list(&self, template: &str, document: &DocumentId) -> Inspected<()> {
        self.ask(&Call::get(self.urls.version_list(template, document)), any_json).await
    }

    /// A download link. The response is a secret and is not included.
    pub async fn download_link(&self, document: &DocumentId, version: &VersionId) -> Inspected<Link> {
        let rule = Rule::of_api(&self.settings.api_url);
        let seen = self.ask(&Call::get(self.urls.download_link(document, version)), |text| rule.read(text)).await;
        Inspected { json: Value::Null, ..seen }
    }

    /// Requests the first byte of a version, without following redirects.
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
        let sent = call.to_request(&self.bearer, &self.tenant);
        let response = match transport::send(&self.api, sent, self.settings.head_timeout).await {
            Ok(response) => response,
            Err(cause) => {
                return Inspected::none(began.elapsed(), Error::of(&self.settings.origins, call.name(), cause, 1));
            }
        };
        let clocks = date(&response).map(|theirs| (theirs, Timestamp::now()));
        let answer = self.answer(response).await.and_then(|body| {
            let json = parse_repaired(&body, |text| serde_json::from_str(text)).unwrap_or(Value::Null);
            Ok((json, parse_repaired(&body, read)?))
        });
        let (json, read) = match answer {
            Ok((json, value)) => (json, Ok(value)),
            Err(cause) => (Value::Null, Err(Error::of(&self.settings.origins, call.name(), cause, 1))),
        };
        Inspected { took: began.elapsed(), clocks, json, read }
    }

    async fn answer(&self, response: Response) -> Result<bytes::Bytes, Cause> {
        if !response.status().is_success() {
            let bearer = self.bearer.to_str().unwrap_or_default().trim_start_matches("Bearer ");
            return Err(api::failure(response, bearer, MinSpeed::of(&self.settings)).await);
        }
        transport::body(response, LARGEST, MinSpeed::of(&self.settings)).await
    }
}

impl<T> Inspected<T> {
    fn none(took: Duration, error: Error) -> Self {
        Self { took, clocks: None, json: Value::Null, read: Err(error) }
    }
}

/// Accepts any JSON.
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
    let head = blob_head::describe(status, headers);
    let announced = &head.announced;
    let range = headers::text(headers, CONTENT_RANGE).unwrap_or_default();
    Ok(FirstByte {
        took,
        status: status.as_u16(),
        is_part: status.as_u16() == 206 && range.starts_with("bytes 0-0/") && response.content_length() == Some(1),
        has_etag: announced.etag.is_some(),
        has_time: head.last_modified.is_some(),
        has_md5: announced.md5.is_some(),
        offers_ranges: headers::text(headers, ACCEPT_RANGES) == Some("bytes"),
        is_blob: headers.contains_key("x-ms-blob-type"),
    })
}
