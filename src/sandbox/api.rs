//! The API origin: authorization, and all calls but the search.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::{StatusCode, header};
use url::form_urlencoded;

use super::answer::{self, Answered, problem, refused};
use super::id::{Guid, mix_all};
use super::json::{Casing, Json};
use super::metadata;
use super::organisation::{Access, NO_FOLDER, Organisation, State};
use super::route::Target;
use super::search;
use super::settings::BindersShape;
use super::shared::{CLIENT_ID, CLIENT_SECRET, Call, Shared, TENANT};

pub(super) async fn serve(shared: &Shared, call: &Call, target: &Target<'_>) -> Answered {
    if call.method != target.method() {
        return problem(call.number, StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", &[]);
    }
    if *target == Target::Token {
        return token(shared, call);
    }
    if let Some(refusal) = refuse(shared, call) {
        return refusal;
    }
    let casing = Casing { roll: mix_all(&[call.settings.seed, call.number]), mixed: call.settings.mixed_case };
    let answered = match *target {
        Target::Token => return token(shared, call),
        Target::Search => return search::serve(shared, call, casing).await,
        Target::Binders => {
            shared.refresh(Some(Duration::ZERO)).await;
            Ok(binders(&shared.organisation(), call.settings.binders_shape))
        }
        Target::MetadataElements { binder } => schema(&shared.organisation(), binder),
        Target::Document { document } => {
            shared.refresh(None).await;
            one_document(&shared.organisation(), document, casing)
        }
        Target::Drive { domain, binder } => folders(&shared.organisation(), domain, binder, None, casing),
        Target::Subfolder { domain, binder, folder } if call.settings.subfolders => {
            folders(&shared.organisation(), domain, binder, Some(folder), casing)
        }
        Target::Subfolder { .. } | Target::Versions => Err(Access::Missing),
        Target::DownloadLink { document, version } => link(shared, call, document, version),
    };
    answered.unwrap_or_else(|access| refused(call.number, access))
}

/// The fields of a token request, from a form or a JSON object.
fn token_fields(call: &Call) -> Option<HashMap<String, String>> {
    let kind = call.headers.get(header::CONTENT_TYPE)?.as_bytes().to_ascii_lowercase();
    if kind.starts_with(b"application/json") {
        return serde_json::from_slice(&call.body).ok();
    }
    kind.starts_with(b"application/x-www-form-urlencoded")
        .then(|| form_urlencoded::parse(&call.body).into_owned().collect())
}

/// Issues a token, or an OAuth 2.0 error.
fn token(shared: &Shared, call: &Call) -> Answered {
    let fields = token_fields(call);
    let field = |name: &str| fields.as_ref().and_then(|fields| fields.get(name)).map(String::as_str);
    let error = if fields.is_none() {
        "invalid_request"
    } else if field("grant_type") != Some("client_credentials") {
        "unsupported_grant_type"
    } else if field("client_id") != Some(CLIENT_ID) || field("client_secret") != Some(CLIENT_SECRET) {
        "invalid_client"
    } else if field("scope") != Some("ibinder_public") {
        "invalid_scope"
    } else {
        let lifetime = call.settings.token_lifetime;
        let token = shared.tokens.issue(&shared.signer, shared.clock.now(), lifetime);
        let seconds = lifetime.as_secs();
        return answer::json(format!(
            "{{\"access_token\":\"{token}\",\"expires_in\":{seconds},\"token_type\":\"Bearer\",\"scope\":\"ibinder_public\"}}"
        ));
    };
    let body = format!("{{\"error\":\"{error}\"}}");
    answer::with_type(StatusCode::BAD_REQUEST, "application/json; charset=utf-8", body)
}

/// Refuses a request without a valid token or with the wrong tenant.
fn refuse(shared: &Shared, call: &Call) -> Option<Answered> {
    if !call.bearer().is_some_and(|token| shared.tokens.accepts(token, shared.clock.now())) {
        let response = match call.number % 3 {
            0 => problem(call.number, StatusCode::UNAUTHORIZED, "Unauthorized", &[]),
            // The documentation says that refusals may say less than other errors.
            1 => answer::with_type(
                StatusCode::UNAUTHORIZED,
                "application/problem+json; charset=utf-8",
                "{\"type\":\"https://httpstatuses.io/401\",\"title\":\"Unauthorized\",\"status\":401}",
            ),
            // A gateway's refusal is shorter than the service's own.
            _ => answer::with_type(StatusCode::UNAUTHORIZED, "text/plain", ""),
        };
        return Some(answer::with_header(response, header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""));
    }
    let Some(tenant) = call.headers.get(TENANT) else {
        let errors = [(TENANT, "The header is required.")];
        return Some(problem(call.number, StatusCode::BAD_REQUEST, "One or more validation errors occurred.", &errors));
    };
    if tenant.as_bytes().eq_ignore_ascii_case(shared.organisation_id.as_bytes()) {
        None
    } else {
        Some(problem(call.number, StatusCode::FORBIDDEN, "The client does not belong to this organisation", &[]))
    }
}

fn binders(organisation: &Organisation, shape: BindersShape) -> Answered {
    let mut json = Json::with_capacity(organisation.binders.len() * 120 + 16);
    json.raw(if shape == BindersShape::Items { "{\"items\":[" } else { "[" });
    let shown = organisation.binders.iter().filter(|binder| binder.state == State::Shown);
    for (at, binder) in shown.enumerate() {
        json.raw(if at == 0 { "{\"id\":" } else { ",{\"id\":" }).text(&binder.id);
        json.raw(",\"name\":").text(&binder.name).raw(",\"type\":\"property\",\"createdAt\":");
        json.time(binder.created).raw("}");
    }
    json.raw(if shape == BindersShape::Items { "]}" } else { "]" });
    answer::json(json.into_bytes())
}

fn schema(organisation: &Organisation, binder: &str) -> Result<Answered, Access> {
    organisation.visible_binder(binder)?;
    let mut json = Json::with_capacity(1024);
    metadata::write_schema(&mut json);
    Ok(answer::json(json.into_bytes()))
}

fn one_document(organisation: &Organisation, document: &str, casing: Casing) -> Result<Answered, Access> {
    let at = organisation.visible_document(document)?;
    let mut json = Json::with_capacity(1024);
    search::write_item(&mut json, organisation, at, casing);
    Ok(answer::json(json.into_bytes()))
}

/// The tabs of a binder, or the folders directly below one of its folders.
fn folders(
    organisation: &Organisation,
    domain: &str,
    binder: &str,
    folder: Option<&str>,
    casing: Casing,
) -> Result<Answered, Access> {
    if domain != "binders" {
        return Err(Access::Missing);
    }
    let binder = organisation.visible_binder(binder)?;
    let parent = match folder {
        None => NO_FOLDER,
        Some(id) => {
            let at = Guid::parse(id).and_then(|id| organisation.folder_position(id)).ok_or(Access::Missing)?;
            let found = &organisation.folders[at as usize];
            if found.binder != binder || found.removed {
                return Err(Access::Missing);
            }
            at
        }
    };
    let mut json = Json::with_capacity(2048);
    json.raw("[");
    let there = organisation.binders[binder as usize].folders.iter().map(|&at| &organisation.folders[at as usize]);
    for (at, folder) in there.filter(|folder| folder.parent == parent && !folder.removed).enumerate() {
        json.raw(if at == 0 { "{\"id\":" } else { ",{\"id\":" }).guid(folder.id, casing);
        json.raw(",\"name\":").text(&folder.name);
        json.raw(if parent == NO_FOLDER {
            ",\"type\":\"tab\",\"parentId\":"
        } else {
            ",\"type\":\"folder\",\"parentId\":"
        });
        match organisation.folders.get(parent as usize) {
            Some(above) => json.guid(above.id, casing).raw("}"),
            None => json.raw("null}"),
        };
    }
    json.raw("]");
    Ok(answer::json(json.into_bytes()))
}

fn link(shared: &Shared, call: &Call, document: &str, version: &str) -> Result<Answered, Access> {
    let (document, version, elsewhere) = {
        let organisation = shared.organisation();
        let at = organisation.visible_document(document)?;
        let document = &organisation.documents[at as usize];
        let version = Guid::parse(version).ok_or(Access::Missing)?;
        let number = document.version_number(version).ok_or(Access::Missing)?;
        let root = call.settings.blobs_from.as_ref();
        let elsewhere = root.and_then(|root| organisation.url_of(&organisation.content(at, number), root));
        (document.id, version, elsewhere)
    };
    let settings = &call.settings;
    let made = settings.links.as_ref().map(|links| links.make(&document.to_string(), &version.to_string()));
    if let Some(url) = made.or_else(|| elsewhere.map(Into::into)) {
        return Ok(answer::json(format!("{{\"url\":\"{url}\"}}")));
    }
    let query = settings.store.sign(&shared.signer, (document, version), shared.clock.now(), settings.link_lifetime);
    let storage = &shared.storage;
    Ok(answer::json(format!("{{\"url\":\"{storage}/ibinder-documents/{document}/{version}?{query}\"}}")))
}
