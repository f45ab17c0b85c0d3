//! The lean page loop: requests every page of every binder and parses what a run needs of it, and nothing else.
//!
//! `pages BINDERS_AT_ONCE PAGE_SIZE`, with the environment that a sandbox prints. It prints its number of requests
//! and the number of documents. The client, its connections and its runtime are set up like those of a run. Fields
//! are borrowed from the response, and nothing becomes a tree of values.

use std::{borrow::Cow, env, error::Error, hint::black_box, time::Duration};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{
    Client,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The service, with a token.
struct Service {
    client: Client,
    base: String,
    headers: HeaderMap,
}

/// A search page.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(borrow)]
    items: Vec<Document<'a>>,
    total_count: usize,
}

/// The fields that a run reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "parsing them is the work")]
struct Document<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    file_name: Text<'a>,
    #[serde(borrow)]
    folder_id: Option<Text<'a>>,
    #[serde(borrow)]
    binder_id: Text<'a>,
    #[serde(borrow)]
    latest_version_id: Text<'a>,
    #[serde(borrow)]
    metadata: Vec<Element<'a>>,
}

/// A metadata element, such as the tab.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "parsing them is the work")]
struct Element<'a> {
    #[serde(borrow)]
    metadata_element_id: Text<'a>,
    #[serde(borrow)]
    value_id: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

/// A string, copied only if it has escapes; in an `Option` a plain `Cow` always is.
#[derive(Deserialize)]
#[expect(dead_code, reason = "parsing it is the work")]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let (Some(at_once), Some(page_size)) = (arguments.next(), arguments.next()) else {
        return Err("usage: pages BINDERS_AT_ONCE PAGE_SIZE".into());
    };
    let (at_once, page_size) = (at_once.parse()?, page_size.parse()?);
    let service = Service::new().await?;
    let binders = service.bytes(service.client.get(format!("{}/binders", service.base))).await?;
    let binders: Value = serde_json::from_slice(&binders)?;
    let binders = binders.as_array().ok_or("no list of binders")?.iter();
    let pages = stream::iter(binders.map(|binder| service.binder(&binder["id"], page_size)));
    let counted: Vec<(usize, usize)> = pages.buffer_unordered(at_once).try_collect().await?;
    let (requests, documents) = counted.iter().fold((2, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    println!("{requests} requests, {documents} documents");
    Ok(())
}

impl Service {
    async fn new() -> Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .pool_max_idle_per_host(128)
            .pool_idle_timeout(Duration::from_secs(50))
            .tcp_nodelay(true)
            .referer(false)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .build()?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &env::var("IBINDER_CLIENT_ID")?),
            ("client_secret", &env::var("IBINDER_CLIENT_SECRET")?),
            ("scope", "ibinder_public"),
        ];
        let answer = client.post(env::var("IBINDER_AUTH_URL")?).form(&form).send().await?.error_for_status()?;
        let answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
        let token = answer["access_token"].as_str().ok_or("no token")?;
        let tenant = HeaderName::from_static("x-ibinder-tenantid");
        let headers = HeaderMap::from_iter([
            (reqwest::header::AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}"))?),
            (tenant, HeaderValue::try_from(env::var("IBINDER_ORG_ID")?)?),
        ]);
        Ok(Self { client, base: env::var("IBINDER_API_URL")?, headers })
    }

    /// All pages of a binder: their number, and the number of documents.
    async fn binder(&self, id: &Value, page_size: usize) -> Result<(usize, usize)> {
        let (mut pages, mut documents) = (0, 0);
        let filter =
            format!(r#"{{"MetadataFilters":[{{"metadataElementId":"GLOBAL_BinderId","valueId":{id}}}],"SortBy":[]}}"#);
        loop {
            pages += 1;
            let url = format!("{}/documents?pageNumber={pages}&pageSize={page_size}", self.base);
            let request = self.client.post(url).header(CONTENT_TYPE, "application/json").body(filter.clone());
            let bytes = self.bytes(request).await?;
            let page: Page = black_box(serde_json::from_str(str::from_utf8(&bytes)?)?);
            let found = page.items.len();
            documents += found;
            if found < page_size || page.total_count == documents {
                return Ok((pages, documents));
            }
        }
    }

    async fn bytes(&self, request: reqwest::RequestBuilder) -> Result<Bytes> {
        let answer = request.headers(self.headers.clone()).send().await?.error_for_status()?;
        Ok(answer.bytes().await?)
    }
}
