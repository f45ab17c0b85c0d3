//! The API's calls for the rest of the program.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    model::{Binder, BinderId, DocumentId, Folder, FolderId, Listed, VersionId},
    pace::{Pace, RequestKind, SavedRate, Slot},
    remote::{
        api::{Api, Call, Probe},
        blob::Blob,
        blob_head::Resume,
        error::Error,
        hold::Hold,
        link::Link,
        requests::Requests,
        settings::Settings,
        storage::Storage,
        token::Tokens,
        token_source::TokenSource,
        transport::{self, ClientPurpose},
        urls::ApiUrls,
        wire::{self, OddItem, SearchPage},
    },
};

/// A client of one organisation. Its calls may run concurrently.
#[derive(Debug)]
pub struct Remote {
    api: Api,
    urls: ApiUrls,
    storage: Storage,
}

/// Filters of a search, combined with "and".
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<'a> {
    /// In this binder; `None` for the whole organisation.
    pub binder: Option<&'a BinderId>,
    /// In this tab.
    pub tab: Option<&'a FolderId>,
    /// Sort order; `None` for the service's own.
    pub order: Option<Direction>,
}

/// Sort order by [`sort_key`](super::sort_key).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Direction {
    /// Smallest key first.
    #[serde(rename = "asc")]
    Ascending,
    /// Largest key first.
    #[serde(rename = "desc")]
    Descending,
}

#[derive(Serialize)]
struct SearchBody<'a> {
    #[serde(rename = "MetadataFilters")]
    filters: Vec<Filter<'a>>,
    // No sort is known to be stable across pages, so one is requested only to detect a listing that is cut off.
    #[serde(rename = "SortBy")]
    sort: Vec<Sort>,
}

#[derive(Serialize)]
struct Sort {
    #[serde(rename = "metadataElementId")]
    key: &'static str,
    direction: Direction,
}

#[derive(Serialize)]
struct Filter<'a> {
    #[serde(rename = "metadataElementId")]
    key: &'static str,
    #[serde(rename = "valueId")]
    value: &'a str,
}

impl Remote {
    /// Checks the settings and builds the client; sends nothing.
    pub fn new(settings: Settings, pace: Pace, requests: Arc<Requests>) -> Result<Self, Error> {
        settings.check()?;
        let settings = Arc::new(settings);
        let (purpose, auth_purpose) = (ClientPurpose::to(&settings.api_url), ClientPurpose::to(&settings.auth_url));
        let client = transport::api_clients(&settings, purpose)?;
        let same = auth_purpose == purpose;
        let auth = if same { Arc::clone(&client) } else { transport::api_clients(&settings, auth_purpose)? };
        let tokens = Tokens::new(TokenSource::new(&settings, auth), settings.retry.clone(), Arc::clone(&requests));
        let urls = ApiUrls::new(settings.api_url.clone(), Settings::SUBFOLDERS);
        // Any working service can answer this.
        let probe = Probe { call: Call::get(urls.binders()), read: |text| wire::binders(text).map(drop) };
        let api = Api::new(&settings, client, tokens, pace, Arc::clone(&requests), probe)?;
        Ok(Self { api, urls, storage: Storage::new(settings, requests)? })
    }

    /// The rate to save for the next run; `None` if it isn't adaptive.
    pub fn rate_to_save(&self) -> Option<SavedRate> {
        self.api.rate_to_save()
    }

    /// In requests per second; `None` without a limit.
    pub fn rate(&self) -> Option<f64> {
        self.api.rate()
    }

    /// Why requests wait, if they do.
    pub fn hold(&self) -> Option<Hold> {
        self.api.hold().or_else(|| self.storage.outage().map(|(who, next)| Hold::Down { who, next }))
    }

    /// The service's time, extrapolated from the last `Date` header; `None` if there was none.
    pub fn time(&self) -> Option<jiff::Timestamp> {
        self.api.clock().at(std::time::Instant::now())
    }

    /// The first deprecation notice (`Deprecation`, `Sunset`), with its call.
    pub fn deprecation(&self) -> Option<&str> {
        self.api.deprecation()
    }

    /// The binders that the client can see.
    pub async fn binders(&self) -> Result<Vec<Result<Binder, OddItem>>, Error> {
        self.api.request(&Call::get(self.urls.binders()), wire::binders).await
    }

    /// One page of a search, numbered from 1. The caller checks the page's own number and size.
    pub async fn search(&self, query: &Query<'_>, page_number: u32, page_size: u32) -> Result<SearchPage, Error> {
        let call = Call::post(self.urls.search(page_number, page_size), query.body());
        self.api.request(&call, |text| wire::page(text, query.binder, page_number, page_size)).await
    }

    /// How many documents a binder has.
    pub async fn total(&self, binder: &BinderId) -> Result<u64, Error> {
        let query = Query { binder: Some(binder), ..Query::default() };
        let call = Call::post(self.urls.search(1, 1), query.body()).of_kind(RequestKind::Total);
        self.api.request(&call, |text| wire::page(text, query.binder, 1, 1).map(|page| page.total)).await
    }

    /// The present state of one document.
    pub async fn document(&self, document: &DocumentId) -> Result<Listed, Error> {
        self.api.request(&Call::get(self.urls.document(document)), |text| wire::document(text, document)).await
    }

    /// The top folders of a binder.
    pub async fn tabs(&self, binder: &BinderId) -> Result<Vec<Result<Folder, OddItem>>, Error> {
        self.api.request(&Call::get(self.urls.tabs(binder)), |text| wire::folders(text, binder, None)).await
    }

    /// The folders in a folder.
    pub async fn subfolders(
        &self,
        binder: &BinderId,
        folder: &FolderId,
    ) -> Result<Vec<Result<Folder, OddItem>>, Error> {
        let call = Call::get(self.urls.subfolders(binder, folder));
        self.api.request(&call, |text| wire::folders(text, binder, Some(folder))).await
    }

    /// The metadata schema of a binder, as JSON text.
    pub async fn metadata_elements(&self, binder: &BinderId) -> Result<Box<str>, Error> {
        let read = |text: &str| {
            let raw: &RawValue = serde_json::from_str(text).map_err(|error| wire::garbled(&error))?;
            Ok(raw.get().into())
        };
        self.api.request(&Call::get(self.urls.metadata_elements(binder)), read).await
    }

    /// Waits for a download slot, which is free again when dropped. Request the link after this, since it expires
    /// soon.
    pub async fn slot(&self) -> Slot<'_> {
        self.storage.slot().await
    }

    /// How long links live, if known from experience.
    pub fn link_lifetime(&self) -> Option<Duration> {
        self.storage.link_lifetime()
    }

    /// A short-lived link to a version's bytes. Waits first while storage is down.
    pub async fn download_link(&self, document: &DocumentId, version: &VersionId) -> Result<Link, Error> {
        let call = Call::get(self.urls.download_link(document, version));
        self.storage.ready(&call.name()).await?;
        self.api.request(&call, |text| self.storage.rule().read(text)).await
    }

    /// Downloads a link, or continues a download. An expired link fails with
    /// [`ErrorKind::LinkExpired`](super::ErrorKind::LinkExpired). If storage can't continue, the bytes start at 0.
    pub async fn fetch(&self, link: &Link, resume: Option<&Resume>) -> Result<Blob, Error> {
        self.storage.fetch(link, resume, true).await
    }

    /// Like [`fetch`](Self::fetch), but fails with [`ErrorKind::HostDown`](super::ErrorKind::HostDown) instead of
    /// waiting for a host that is down.
    pub async fn fetch_unless_down(&self, link: &Link, resume: Option<&Resume>) -> Result<Blob, Error> {
        self.storage.fetch(link, resume, false).await
    }

    /// Waits until a storage host is back; fails if it was given up.
    pub async fn host_back(&self, name: &str) -> Result<(), Error> {
        self.storage.host_back(name).await
    }
}

impl Query<'_> {
    pub(super) fn body(&self) -> bytes::Bytes {
        let binder = self.binder.map(|id| Filter { key: wire::BINDER, value: id.as_str() });
        let tab = self.tab.map(|id| Filter { key: wire::TAB, value: id.as_str() });
        let sort = self.order.map(|direction| Sort { key: wire::DATE, direction });
        let body = SearchBody { filters: binder.into_iter().chain(tab).collect(), sort: sort.into_iter().collect() };
        // Strings and lists always serialize.
        serde_json::to_vec(&body).unwrap_or_default().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_sends_the_documented_body() {
        let (binder, tab) = (BinderId::parse("Bb").unwrap(), FolderId::parse("t\"").unwrap());
        let both = Query { binder: Some(&binder), tab: Some(&tab), order: None };
        assert_eq!(
            both.body(),
            r#"{"MetadataFilters":[{"metadataElementId":"GLOBAL_BinderId","valueId":"Bb"},{"metadataElementId":"GLOBAL_TabId","valueId":"t\""}],"SortBy":[]}"#
        );
        assert_eq!(Query::default().body(), r#"{"MetadataFilters":[],"SortBy":[]}"#);
        let newest = Query { order: Some(Direction::Descending), ..Query::default() };
        let sort = r#"[{"metadataElementId":"GLOBAL_Date","direction":"desc"}]"#;
        assert_eq!(newest.body(), format!(r#"{{"MetadataFilters":[],"SortBy":{sort}}}"#));
    }
}
