//! Asks a bucket or container whether its files can be destroyed before a date. The library has no such request, so that it is made and
//! signed here.

use super::{error::element, service::CountingConnector};
use http::{Method, StatusCode};
use object_store::{
    ClientOptions,
    aws::{AmazonS3, AwsAuthorizer},
    azure::{AzureAuthorizer, MicrosoftAzure},
    client::{HttpConnector as _, HttpRequest, HttpRequestBody, HttpResponse},
};

/// What a store says about the protection of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// New files are kept for a time, and how.
    Kept(String),
    /// They are not, and what is missing.
    Missing(String),
    /// It can't be asked, and why.
    Unknown(String),
}

/// Whom to ask.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) cloud: Cloud,
    /// The address of the bucket or container.
    pub(super) address: String,
    pub(super) options: ClientOptions,
    pub(super) connector: CountingConnector,
}

/// The service of a bucket or container.
#[derive(Debug)]
pub(super) enum Cloud {
    /// S3, in a region.
    S3(AmazonS3, String),
    /// Azure, with the account's name.
    Azure(MicrosoftAzure, String),
}

impl Keeper {
    /// Asks.
    pub(super) async fn ask(&self) -> Result<Protection, String> {
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        match &self.cloud {
            Cloud::S3(bucket, region) => {
                *request.uri_mut() = address(&self.address, "object-lock")?;
                let credential = bucket.credentials().get_credential().await.map_err(|e| e.to_string())?;
                let authorizer = AwsAuthorizer::new(&credential, "s3", region);
                authorizer.try_authorize(&mut request, None).map_err(|e| e.to_string())?;
                let answer = self.send(request).await?;
                let status = answer.status();
                let body = answer.into_body().bytes().await.map_err(|e| e.to_string())?;
                Ok(of_bucket(status, &String::from_utf8_lossy(&body)))
            }
            Cloud::Azure(container, account) => {
                *request.method_mut() = Method::HEAD;
                *request.uri_mut() = address(&self.address, "restype=container")?;
                let credential = container.credentials().get_credential().await.map_err(|e| e.to_string())?;
                let authorizer = AzureAuthorizer::new(&credential, account);
                authorizer.try_authorize(&mut request).map_err(|e| e.to_string())?;
                let answer = self.send(request).await?;
                let is_set = |name: &str| answer.headers().get(name).is_some_and(|value| value == "true");
                let policy = is_set("x-ms-has-immutability-policy");
                Ok(of_container(answer.status(), policy, is_set("x-ms-immutable-storage-with-versioning-enabled")))
            }
        }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, String> {
        let client = self.connector.connect(&self.options).map_err(|e| e.to_string())?;
        client.execute(request).await.map_err(|e| e.to_string())
    }
}

/// The address of a question about a bucket or container itself.
fn address(root: &str, query: &str) -> Result<http::Uri, String> {
    format!("{root}?{query}").parse().map_err(|_| "its address is unusable".to_owned())
}

fn of_bucket(status: StatusCode, text: &str) -> Protection {
    if status == StatusCode::NOT_FOUND && text.contains("ObjectLockConfigurationNotFound") {
        return Protection::Missing("the bucket has no object lock".to_owned());
    }
    if !status.is_success() {
        return Protection::Unknown(
            format!("it answered {status} {}", element(text, "Code").unwrap_or_default()).trim_end().to_owned(),
        );
    }
    if element(text, "ObjectLockEnabled") != Some("Enabled") {
        return Protection::Missing("the bucket has no object lock".to_owned());
    }
    let time = element(text, "Days").map(|days| (days, "days")).or_else(|| Some((element(text, "Years")?, "years")));
    match (element(text, "Mode"), time) {
        (Some(mode), Some((count, unit))) => Protection::Kept(format!("for {count} {unit} in {mode} mode")),
        _ => Protection::Missing("the bucket has object lock, but no default retention".to_owned()),
    }
}

fn of_container(status: StatusCode, policy: bool, versions: bool) -> Protection {
    match (status.is_success(), policy, versions) {
        (false, ..) => Protection::Unknown(format!("it answered {status}")),
        (true, true, _) => Protection::Kept("by an immutability policy of the container".to_owned()),
        (true, false, true) => {
            Protection::Missing("the container can have immutable versions, but no default policy".to_owned())
        }
        (true, false, false) => Protection::Missing("the container has no immutability policy".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_default_retention_protects() {
        let lock =
            |inner: &str| format!("<?xml version=\"1.0\"?><ObjectLockConfiguration>{inner}</ObjectLockConfiguration>");
        let enabled = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>";
        let rule = |time: &str| {
            format!("{enabled}<Rule><DefaultRetention><Mode>COMPLIANCE</Mode>{time}</DefaultRetention></Rule>")
        };
        let missing = |why: &str| Protection::Missing(why.to_owned());
        for (status, text, said) in [
            (200, lock(&rule("<Days>90</Days>")), Protection::Kept("for 90 days in COMPLIANCE mode".to_owned())),
            (200, lock(&rule("<Years>7</Years>")), Protection::Kept("for 7 years in COMPLIANCE mode".to_owned())),
            (200, lock(enabled), missing("the bucket has object lock, but no default retention")),
            (200, lock(""), missing("the bucket has no object lock")),
            (
                404,
                "<Code>ObjectLockConfigurationNotFoundError</Code>".to_owned(),
                missing("the bucket has no object lock"),
            ),
            (
                403,
                "<Code>AccessDenied</Code>".to_owned(),
                Protection::Unknown("it answered 403 Forbidden AccessDenied".to_owned()),
            ),
            (501, String::new(), Protection::Unknown("it answered 501 Not Implemented".to_owned())),
        ] {
            assert_eq!(of_bucket(StatusCode::from_u16(status).unwrap(), &text), said, "{status} {text}");
        }
    }

    #[test]
    fn a_container_needs_a_policy() {
        let said =
            |status: u16, policy, versions| of_container(StatusCode::from_u16(status).unwrap(), policy, versions);
        assert!(matches!(said(200, true, false), Protection::Kept(_)));
        assert!(matches!(said(200, false, true), Protection::Missing(_)));
        assert!(matches!(said(200, false, false), Protection::Missing(_)));
        assert!(matches!(said(403, true, true), Protection::Unknown(_)));
    }
}
