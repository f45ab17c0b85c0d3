//! A minimal client that requests and reads JSON.

use std::sync::Once;
use std::time::Duration;

use ibinder_sync::sandbox::{Organisation, Sandbox, Settings};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

pub(crate) fn http() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
    Client::builder().tls_certs_only([]).no_proxy().timeout(Duration::from_secs(20)).build().unwrap()
}

pub(crate) fn start(organisation: Organisation) -> Sandbox {
    // Ids are compared as text here.
    Sandbox::start(organisation, Settings { mixed_case: false, record: true, ..Settings::default() }).unwrap()
}

/// A client with a token.
pub(crate) struct Api {
    pub(crate) http: Client,
    pub(crate) token: String,
    base: String,
    organisation: String,
}

pub(crate) fn variable(sandbox: &Sandbox, name: &str) -> String {
    sandbox.environment().into_iter().find(|(known, _)| *known == name).unwrap().1
}

pub(crate) async fn ask_token(sandbox: &Sandbox, http: &Client, changes: &[(&str, &str)]) -> Response {
    let mut form = vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", variable(sandbox, "IBINDER_CLIENT_ID")),
        ("client_secret", variable(sandbox, "IBINDER_CLIENT_SECRET")),
        ("scope", "ibinder_public".to_owned()),
    ];
    for (name, value) in changes {
        form.iter_mut().find(|(known, _)| known == name).unwrap().1 = String::from(*value);
    }
    http.post(variable(sandbox, "IBINDER_AUTH_URL")).form(&form).send().await.unwrap()
}

impl Api {
    pub(crate) async fn new(sandbox: &Sandbox) -> Self {
        let http = http();
        let token = body(ask_token(sandbox, &http, &[]).await).await;
        Self {
            http,
            token: token["access_token"].as_str().unwrap().to_owned(),
            base: variable(sandbox, "IBINDER_API_URL"),
            organisation: variable(sandbox, "IBINDER_ORG_ID"),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        request.bearer_auth(&self.token).header("x-ibinder-tenantid", &self.organisation)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn search(&self, query: &str, filters: &[(&str, &str)]) -> Response {
        let filters: Vec<Value> =
            filters.iter().map(|(key, value)| json!({"metadataElementId": key, "valueId": value})).collect();
        let body = json!({"MetadataFilters": filters, "SortBy": []}).to_string();
        self.request(Method::POST, &format!("/documents?{query}")).body(body).send().await.unwrap()
    }

    /// Every id found by a crawl with pages of `size`.
    pub(crate) async fn crawl(&self, size: u64, filters: &[(&str, &str)]) -> Vec<String> {
        let mut ids = Vec::new();
        for number in 1.. {
            let page = body(self.search(&format!("pageSize={size}&pageNumber={number}"), filters).await).await;
            ids.extend(page["items"].as_array().unwrap().iter().map(|item| text(&item["id"])));
            if number * page["pageSize"].as_u64().unwrap() >= page["totalCount"].as_u64().unwrap() {
                break;
            }
        }
        ids
    }

    /// A link to the latest version of a document.
    pub(crate) async fn link(&self, document: &str) -> String {
        let version = text(&body(self.get(&format!("/documents/{document}")).await).await["latestVersionId"]);
        self.link_to(document, &version).await
    }

    pub(crate) async fn link_to(&self, document: &str, version: &str) -> String {
        text(&body(self.get(&format!("/documents/{document}/versions/{version}/downloadlink")).await).await["url"])
    }
}

pub(crate) async fn body(response: Response) -> Value {
    let (status, url) = (response.status(), response.url().clone());
    let bytes = response.bytes().await.unwrap();
    assert!(status.is_success(), "{url}: {status} {}", String::from_utf8_lossy(&bytes));
    serde_json::from_slice(&bytes).unwrap()
}

/// The body of an error, which must be problem JSON with this status.
pub(crate) async fn problem(response: Response, status: u16) -> Value {
    assert_eq!(response.status(), status);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/problem+json"));
    let problem: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(problem["status"], status);
    assert!(problem["title"].is_string() && problem["traceId"].is_string(), "{problem}");
    problem
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}")).to_owned()
}
