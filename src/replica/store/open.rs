//! Opens a store: which credentials count, and how requests are sent.

use std::{collections::BTreeMap, fmt, path::Path as FilePath, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum},
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    local::LocalFileSystem,
    path::Path,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use super::{
    ErrorKind, Network, Store, StoreError,
    protection::{Cloud, Keeper},
    service::CountingConnector,
};
use crate::{
    pace::Policy,
    replica::location::{Location, Place},
    sync::Stop,
};

/// The variables that are read for stores: those of the stores' own tools.
pub const VARIABLES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_ENDPOINT",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_TENANT_ID",
    "AZURE_AUTHORITY_HOST",
    "AZURE_FEDERATED_TOKEN_FILE",
];

/// Variables whose credentials come from an address of the cloud that is asked for them.
const OF_METADATA: &[&str] = &["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];

/// Values of [`VARIABLES`], from the environment or a file.
#[derive(Clone, Default)]
pub struct Credentials(BTreeMap<String, SecretString>);

impl Credentials {
    /// From pairs of a name and a value. Other names are left out, and so are empty values.
    pub fn new(pairs: impl IntoIterator<Item = (String, SecretString)>) -> Self {
        let known = |(name, value): &(String, SecretString)| {
            VARIABLES.contains(&name.as_str()) && !value.expose_secret().is_empty()
        };
        Self(pairs.into_iter().filter(known).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.expose_secret())
    }

    /// Names and values of one kind of store.
    fn of<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = (&'s str, &'s str)> {
        self.0
            .iter()
            .filter(move |(name, _)| name.starts_with(kind))
            .map(|(name, value)| (&**name, value.expose_secret()))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How a store is reached.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// Where the copy is.
    pub location: Location,
    /// The credentials; a folder needs none.
    pub credentials: Credentials,
    /// Whether the cloud's metadata address may be asked for credentials.
    pub ask_metadata: bool,
    /// The `User-Agent` header.
    pub user_agent: String,
}

/// How long a request may take, whatever it carries.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(5);

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

impl Store {
    /// Opens a store, without asking it anything. Work with it ends when `stop` is set.
    pub fn open(settings: &StoreSettings, stop: Arc<Stop>) -> Result<Self, StoreError> {
        Self::open_with(settings, stop, Policy::default())
    }

    /// The same, with another policy for requests that failed.
    pub fn open_with(settings: &StoreSettings, stop: Arc<Stop>, tries: Policy) -> Result<Self, StoreError> {
        let connector = CountingConnector::default();
        let (requests, behind) = (Arc::clone(&connector.requests), Arc::clone(&connector.behind));
        let overwritten = connector.overwritten.clone();
        let failed = |e: std::io::Error| StoreError::new(ErrorKind::Other, "starting a thread", e.to_string());
        let network = Network::start().map_err(failed)?;
        // The pool of connections belongs to the runtime in which it is built.
        let (inner, keeper) = {
            let _runtime = network.handle().enter();
            match &settings.location.place {
                Place::S3 { bucket } => s3(settings, bucket, connector, &tries)?,
                Place::Azure { container } => azure(settings, container, connector, &tries)?,
                Place::Folder(folder) => (local(folder)?, None),
            }
        };
        let location = settings.location.clone();
        let prefix = location.prefix.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Path>();
        Ok(Self { inner, keeper, location, prefix, requests, overwritten, behind, stop, tries, network })
    }
}

fn s3(
    settings: &StoreSettings,
    bucket: &str,
    connector: CountingConnector,
    tries: &Policy,
) -> Result<(Arc<dyn ObjectStore>, Option<Keeper>), StoreError> {
    let given = &settings.credentials;
    let is_identity = given.has("AWS_WEB_IDENTITY_TOKEN_FILE") && given.has("AWS_ROLE_ARN");
    let is_key = given.has("AWS_ACCESS_KEY_ID") && given.has("AWS_SECRET_ACCESS_KEY");
    if !is_key && !is_identity && !settings.ask_metadata {
        return Err(no_credentials(settings, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
    }
    let endpoint = given.get("AWS_ENDPOINT_URL_S3").or_else(|| given.get("AWS_ENDPOINT_URL"));
    let options = client_options(settings, endpoint)?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_http_connector(connector.clone())
        .with_retry(retries(tries))
        .with_client_options(options.clone())
        .with_checksum_algorithm(Checksum::SHA256);
    for (name, value) in given.of("AWS_") {
        if OF_METADATA.contains(&name) && !settings.ask_metadata {
            continue;
        }
        // The endpoint's own variable wins.
        if name == "AWS_ENDPOINT_URL" && given.has("AWS_ENDPOINT_URL_S3") {
            continue;
        }
        let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() else { continue };
        builder = builder.with_config(key, value);
    }
    let built = builder.build().map_err(|answer| StoreError::of_settings(&answer))?;
    let region = given.get("AWS_REGION").or_else(|| given.get("AWS_DEFAULT_REGION")).unwrap_or("us-east-1");
    let cloud = Cloud::S3(built.clone(), region.to_owned());
    let service = endpoint.map_or_else(|| format!("https://s3.{region}.amazonaws.com"), str::to_owned);
    let address = format!("{}/{bucket}", service.trim_end_matches('/'));
    Ok((Arc::new(built), Some(Keeper { cloud, address, options, connector })))
}

fn azure(
    settings: &StoreSettings,
    container: &str,
    connector: CountingConnector,
    tries: &Policy,
) -> Result<(Arc<dyn ObjectStore>, Option<Keeper>), StoreError> {
    let given = &settings.credentials;
    let of_application = given.has("AZURE_CLIENT_ID")
        && given.has("AZURE_TENANT_ID")
        && (given.has("AZURE_CLIENT_SECRET") || given.has("AZURE_FEDERATED_TOKEN_FILE"));
    let is_known = given.has("AZURE_STORAGE_ACCOUNT_KEY") || given.has("AZURE_STORAGE_SAS_TOKEN") || of_application;
    if !given.has("AZURE_STORAGE_ACCOUNT_NAME") {
        return Err(no_credentials(settings, "AZURE_STORAGE_ACCOUNT_NAME"));
    }
    if !is_known && !settings.ask_metadata {
        return Err(no_credentials(settings, "AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN"));
    }
    let options = client_options(settings, given.get("AZURE_STORAGE_ENDPOINT"))?;
    let mut builder = MicrosoftAzureBuilder::new()
        .with_container_name(container)
        .with_http_connector(connector.clone())
        .with_retry(retries(tries))
        .with_client_options(options.clone());
    for (name, value) in given.of("AZURE_") {
        let Ok(key) = name.to_ascii_lowercase().parse::<AzureConfigKey>() else { continue };
        builder = builder.with_config(key, value);
    }
    let built = builder.build().map_err(|answer| StoreError::of_settings(&answer))?;
    let account = given.get("AZURE_STORAGE_ACCOUNT_NAME").unwrap_or_default();
    let service = given.get("AZURE_STORAGE_ENDPOINT");
    let service = service.map_or_else(|| format!("https://{account}.blob.core.windows.net"), str::to_owned);
    let address = format!("{}/{container}", service.trim_end_matches('/'));
    let cloud = Cloud::Azure(built.clone(), account.to_owned());
    Ok((Arc::new(built), Some(Keeper { cloud, address, options, connector })))
}

/// A folder, which is never created: a disk that is not mounted must not look like an empty copy.
fn local(folder: &FilePath) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let what = format!("opening {}", folder.display());
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(StoreError::new(ErrorKind::Disk, what, "it is not a folder")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreError::new(
                ErrorKind::Disk,
                what,
                "there is no such folder; is the disk mounted? Create it for a first copy",
            ));
        }
        Err(error) => return Err(StoreError::new(ErrorKind::Disk, what, error.to_string())),
    }
    let store = LocalFileSystem::new_with_prefix(folder).map_err(|answer| StoreError::of(&what, &answer))?;
    Ok(Arc::new(store.with_fsync(true)))
}

fn no_credentials(settings: &StoreSettings, names: &str) -> StoreError {
    let why = format!(
        "no credentials are known; set {names} in the environment or in the file that `replicate_credentials_file` names, or allow the cloud's own credentials with `replicate_ask_metadata = true`"
    );
    StoreError::new(ErrorKind::Credentials, format!("opening {}", settings.location), why)
}

fn client_options(settings: &StoreSettings, endpoint: Option<&str>) -> Result<ClientOptions, StoreError> {
    let what = "opening the store";
    let agent = settings
        .user_agent
        .parse()
        .map_err(|_| StoreError::new(ErrorKind::Other, what, "the user agent is not plain text"))?;
    let mut plain = false;
    if let Some(endpoint) = endpoint {
        let bad =
            || StoreError::new(ErrorKind::Setting, what, format!("the endpoint {endpoint:?} is not an https address"));
        let url = Url::parse(endpoint).map_err(|_| bad())?;
        plain = url.scheme() == "http" && is_loopback(&url);
        if !plain && url.scheme() != "https" {
            return Err(bad());
        }
    }
    Ok(ClientOptions::new()
        .with_user_agent(agent)
        .with_allow_http(plain)
        .with_timeout(REQUEST_TIMEOUT)
        .with_connect_timeout(CONNECT_TIMEOUT))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// How often the library sends a request again that can be sent twice. It signs a request once, so that it must not go on for long.
fn retries(tries: &Policy) -> RetryConfig {
    let backoff = BackoffConfig { init_backoff: tries.first_delay, max_backoff: tries.max_delay, base: 2.0 };
    let max_retries = usize::try_from(tries.max_tries).unwrap_or(usize::MAX);
    RetryConfig { backoff, max_retries, retry_timeout: tries.max_elapsed.min(Duration::from_mins(3)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(location: &str, variables: &[(&str, &str)], ask_metadata: bool) -> Result<Store, StoreError> {
        let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from(*value)));
        let settings = StoreSettings {
            location: location.parse().unwrap(),
            credentials: Credentials::new(pairs),
            ask_metadata,
            user_agent: "test".to_owned(),
        };
        Store::open(&settings, Arc::default())
    }

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];

    #[test]
    fn without_credentials_nothing_is_asked() {
        for location in ["s3://b", "az://c"] {
            let error = open(location, &[("AZURE_STORAGE_ACCOUNT_NAME", "x")], false).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Credentials, "{error}");
            assert!(error.to_string().contains("replicate_credentials_file"), "{error}");
            assert!(open(location, &[("AZURE_STORAGE_ACCOUNT_NAME", "x")], true).is_ok());
        }
        // An address to ask for credentials is not asked either.
        assert!(open("s3://b", &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/")], false).is_err());
    }

    #[test]
    fn only_this_machine_is_reached_without_encryption() {
        for (endpoint, opens) in [
            ("http://127.0.0.1:9000", true),
            ("http://localhost:9000", true),
            ("http://[::1]:9000", true),
            ("https://s3.example.net", true),
            ("http://s3.example.net", false),
            ("http://10.0.0.1:9000", false),
            ("s3.example.net", false),
        ] {
            let opened = open("s3://b", &[KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL", endpoint)], false);
            assert_eq!(opened.is_ok(), opens, "{endpoint}");
        }
    }

    #[test]
    fn a_folder_that_is_missing_is_not_created() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("disk");
        let error = open(&format!("file://{}", missing.display()), &[], false).unwrap_err();
        assert!(error.to_string().contains("is the disk mounted?"), "{error}");
        assert!(!missing.exists());
    }

    #[test]
    fn credentials_are_never_shown() {
        let credentials = Credentials::new([("AWS_SECRET_ACCESS_KEY".to_owned(), SecretString::from("hush"))]);
        assert_eq!(format!("{credentials:?}"), r#"{"AWS_SECRET_ACCESS_KEY"}"#);
    }
}
