//! The calls of the API, as the rest of the program makes them.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    model::{Binder, BinderId, DocumentId, Folder, FolderId, Listed, VersionId},
    pace::{Pace, SavedRate, Slot},
    remote::{
        api::{Api, Call, Probe},
        blob::Blob,
        blob_head::Resume,
        error::Error,
        link::Link,
        requests::Requests,
        settings::Settings,
        storage::Storage,
        token::Tokens,
        token_source::TokenSource,
        transport::{self, ClientPurpose},
        urls::Routes,
        wire::{self, OddItem, SearchPage},
    },
};

/// The service, as one client of one organisation sees it. All calls may run at once.
#[derive(Debug)]
pub struct Remote {
    api: Api,
    routes: Routes,
    storage: Storage,
}

/// Which documents a search asks for; the filters are combined with "and".
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<'a> {
    /// Those of a binder; without it, those of the whole organisation.
    pub binder: Option<&'a BinderId>,
    /// Those of a tab.
    pub tab: Option<&'a FolderId>,
    /// In which order; without it, the service's own.
    pub order: Option<Direction>,
}

/// An order by [`sort_key`](super::sort_key).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Direction {
    /// The smallest key first.
    #[serde(rename = "asc")]
    Ascending,
    /// The largest key first.
    #[serde(rename = "desc")]
    Descending,
}

#[derive(Serialize)]
struct SearchBody<'a> {
    #[serde(rename = "MetadataFilters")]
    filters: Vec<Filter<'a>>,
    // No sort is known to keep the order of equal keys between pages, so none is asked for but to see whether a
    // listing is cut off.
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
    /// A client with these settings. It sends nothing yet; what can't work is told at once.
    pub fn new(settings: Settings, pace: Pace, requests: Arc<Requests>) -> Result<Self, Error> {
        settings.check()?;
        let settings = Arc::new(settings);
        let (way, auth_way) = (ClientPurpose::to(&settings.api_url), ClientPurpose::to(&settings.auth_url));
        let client = transport::api_client(&settings, way)?;
        let auth = if auth_way == way { client.clone() } else { transport::api_client(&settings, auth_way)? };
        let tokens = Tokens::new(TokenSource::new(&settings, auth), settings.retry.clone(), Arc::clone(&requests));
        let routes = Routes::new(settings.api_url.clone(), Settings::SUBFOLDERS);
        // A call that any service that works can answer.
        let probe = Probe { call: Call::get(routes.binders()), read: |text| wire::binders(text).map(drop) };
        let api = Api::new(&settings, client, tokens, pace, Arc::clone(&requests), probe)?;
        Ok(Self { api, routes, storage: Storage::new(settings, requests)? })
    }

    /// The rate that held, for the next time; none where it is not found out.
    pub fn held(&self) -> Option<SavedRate> {
        self.api.held()
    }

    /// Requests per second that held so far, or that are set; none without a limit.
    pub fn rate(&self) -> Option<f64> {
        self.api.rate()
    }

    /// What the service's clock must say now, after the last answer that bore a date; none where none did.
    pub fn time(&self) -> Option<jiff::Timestamp> {
        self.api.clock().at(std::time::Instant::now())
    }

    /// The first call of which the service said that it will go away (`Deprecation`, `Sunset`), and its words.
    pub fn farewell(&self) -> Option<&str> {
        self.api.farewell()
    }

    /// The binders that the client may see.
    pub async fn binders(&self) -> Result<Vec<Result<Binder, OddItem>>, Error> {
        self.api.request(&Call::get(self.routes.binders()), wire::binders).await
    }

    /// One page of a search; pages are numbered from 1. The caller compares the page's own number and size with what it asked for.
    pub async fn search(&self, query: &Query<'_>, page_number: u32, page_size: u32) -> Result<SearchPage, Error> {
        let call = Call::post(self.routes.search(page_number, page_size), query.body());
        self.api.request(&call, |text| wire::page(text, query.binder, page_number, page_size)).await
    }

    /// One document, as it is now.
    pub async fn document(&self, document: &DocumentId) -> Result<Listed, Error> {
        self.api.request(&Call::get(self.routes.document(document)), |text| wire::document(text, document)).await
    }

    /// The top folders of a binder.
    pub async fn tabs(&self, binder: &BinderId) -> Result<Vec<Result<Folder, OddItem>>, Error> {
        self.api.request(&Call::get(self.routes.tabs(binder)), |text| wire::folders(text, binder, None)).await
    }

    /// The folders in a folder.
    pub async fn subfolders(
        &self,
        binder: &BinderId,
        folder: &FolderId,
    ) -> Result<Vec<Result<Folder, OddItem>>, Error> {
        let call = Call::get(self.routes.subfolders(binder, folder));
        self.api.request(&call, |text| wire::folders(text, binder, Some(folder))).await
    }

    /// The metadata schema of a binder, as the JSON text that the service sent.
    pub async fn metadata_elements(&self, binder: &BinderId) -> Result<Box<str>, Error> {
        let read = |text: &str| {
            let raw: &RawValue = serde_json::from_str(text).map_err(|error| wire::garbled(&error))?;
            Ok(raw.get().into())
        };
        self.api.request(&Call::get(self.routes.metadata_elements(binder)), read).await
    }

    /// Waits for one of the downloads that may go on at once; it ends when the lane is dropped. A link is asked
    /// for with the lane in hand, and used at once.
    pub async fn lane(&self) -> Slot<'_> {
        self.storage.lane().await
    }

    /// How long links live, as far as it was found out.
    pub fn link_lifetime(&self) -> Option<Duration> {
        self.storage.link_lifetime()
    }

    /// Where the bytes of a version can be fetched, for a short time. While storage is down, that is
    /// waited for first.
    pub async fn download_link(&self, document: &DocumentId, version: &VersionId) -> Result<Link, Error> {
        let call = Call::get(self.routes.download_link(document, version));
        self.storage.ready(&call.name()).await?;
        self.api.request(&call, |text| self.storage.rule().read(text)).await
    }

    /// The bytes behind a link, or the rest of them. A link that has expired fails with
    /// [`ErrorKind::LinkExpired`](super::ErrorKind::LinkExpired); ask for a new one.
    /// Where nothing continues what is held, the bytes start from 0 again.
    pub async fn fetch(&self, link: &Link, resume: Option<&Resume>) -> Result<Blob, Error> {
        self.storage.fetch(link, resume, true).await
    }

    /// The same, but it fails with [`ErrorKind::HostDown`](super::ErrorKind::HostDown) where it would wait for a host that is down.
    pub async fn fetch_unless_down(&self, link: &Link, resume: Option<&Resume>) -> Result<Blob, Error> {
        self.storage.fetch(link, resume, false).await
    }

    /// Waits until a host of storage is back; an error where it was given up.
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
    fn a_search_asks_as_documented() {
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
