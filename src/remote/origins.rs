//! Where the settings of a client were set.

/// Where the credentials and addresses were set: names for advice, such as `client_id in /etc/config.toml:3`.
#[derive(Debug)]
pub struct Origins {
    /// The organisation's id.
    pub organisation: String,
    /// The API client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: String,
    /// The address of the API.
    pub api_url: String,
    /// The address of the token endpoint.
    pub auth_url: String,
}

impl Default for Origins {
    fn default() -> Self {
        let [organisation, client_id, client_secret, api_url, auth_url] =
            ["organisation's id", "client's id", "client's secret", "API's address", "token endpoint's address"]
                .map(|what| format!("the {what}"));
        Self { organisation, client_id, client_secret, api_url, auth_url }
    }
}
