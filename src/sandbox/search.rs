//! The document search: pages by offset over a listing that may change between them.

use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use super::answer::refused;
use super::answer::{self, Answered, problem};
use super::id::Guid;
use super::json::{Casing, Json};
use super::metadata;
use super::organisation::{Filter, Organisation, Query};
use super::shared::{Call, Shared};

/// The page size if the request has none.
const DEFAULT_PAGE_SIZE: u32 = 50;
/// The maximum age of a folder's scan at the start of a binder's crawl.
const MAX_SCAN_AGE: Duration = Duration::from_secs(1);

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    #[serde(alias = "MetadataFilters")]
    metadata_filters: Vec<WireFilter>,
    #[serde(alias = "SortBy")]
    sort_by: Vec<Sort>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFilter {
    metadata_element_id: String,
    value_id: Value,
}

/// Without a sort, and among equal keys, documents are in the order of their addition.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sort {
    metadata_element_id: String,
    #[serde(default)]
    direction: Option<String>,
}

struct SearchPage {
    number: u64,
    size: u32,
    term: String,
}

pub(super) async fn serve(shared: &Shared, call: &Call, casing: Casing) -> Answered {
    let invalid = |field: &str, message: &str| {
        let title = "One or more validation errors occurred.";
        problem(call.number, StatusCode::BAD_REQUEST, title, &[(field, message)])
    };
    let page = match SearchPage::parse(&call.query, call.settings.page_size_cap) {
        Ok(page) => page,
        Err((field, message)) => return invalid(field, message),
    };
    let body: Body = match serde_json::from_slice(&call.body) {
        Ok(body) => body,
        Err(error) => return invalid("$", &error.to_string()),
    };
    let directions = body.sort_by.iter().filter_map(|sort| sort.direction.as_deref());
    if directions.into_iter().any(|direction| !matches!(direction, "asc" | "desc")) {
        return invalid("SortBy", "The direction must be asc or desc.");
    }
    if page.number == 1 {
        shared.refresh(Some(MAX_SCAN_AGE)).await;
    }
    let order = body.sort_by.into_iter().next().filter(|_| call.settings.sorts);
    let query = Query {
        filters: body.metadata_filters.into_iter().map(Filter::from).collect(),
        term: page.term,
        order: order.map(|sort| (sort.metadata_element_id, sort.direction.as_deref() == Some("desc"))),
        most: call.settings.search_cap.map(u64::from),
    };
    let organisation = shared.organisation();
    let skip = (page.number - 1).saturating_mul(u64::from(page.size));
    match organisation.search(&query, skip, page.size) {
        Ok((total, items)) => write_page(&organisation, total, &items, page.number, page.size, casing),
        Err(access) => refused(call.number, access),
    }
}

impl SearchPage {
    fn parse(query: &str, cap: u32) -> Result<Self, (&'static str, &'static str)> {
        let mut page = Self { number: 1, size: DEFAULT_PAGE_SIZE.min(cap.max(1)), term: String::new() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "pageNumber" => match value.parse() {
                    Ok(number) if number > 0 => page.number = number,
                    _ => return Err(("pageNumber", "The page number must be a number from 1.")),
                },
                "pageSize" => match value.parse::<u32>() {
                    Ok(size) if size > 0 => page.size = size.min(cap.max(1)),
                    _ => return Err(("pageSize", "The page size must be a number from 1.")),
                },
                "searchTerm" => page.term = value.to_lowercase(),
                _ => {}
            }
        }
        Ok(page)
    }
}

impl From<WireFilter> for Filter {
    fn from(filter: WireFilter) -> Self {
        match (filter.metadata_element_id.as_str(), &filter.value_id) {
            ("GLOBAL_BinderId", Value::String(id)) => Self::Binder(id.clone()),
            ("GLOBAL_TabId", id) => Self::Tab(id.as_str().and_then(Guid::parse)),
            _ => Self::Value { key: filter.metadata_element_id, value: filter.value_id },
        }
    }
}

fn write_page(
    organisation: &Organisation,
    total: u64,
    items: &[u32],
    number: u64,
    size: u32,
    casing: Casing,
) -> Answered {
    let mut json = Json::with_capacity(items.len() * 900 + 128);
    json.raw("{\"items\":[");
    for (at, &item) in items.iter().enumerate() {
        json.raw(if at == 0 { "" } else { "," });
        write_item(&mut json, organisation, item, casing);
    }
    json.raw("],\"totalCount\":").number(total).raw(",\"pageNumber\":").number(number);
    json.raw(",\"pageSize\":").number(u64::from(size)).raw("}");
    answer::json(json.into_bytes())
}

/// Writes a document as searches and lookups by id show it.
pub(super) fn write_item(json: &mut Json, organisation: &Organisation, item: u32, casing: Casing) {
    let document = &organisation.documents[item as usize];
    json.raw("{\"id\":").guid(document.id, casing).raw(",\"fileName\":").text(&document.name);
    json.raw(",\"folderId\":");
    match organisation.folders.get(document.folder as usize) {
        Some(folder) => json.guid(folder.id, casing),
        None => json.raw("null"),
    };
    json.raw(",\"binderId\":").text(&organisation.binders[document.binder as usize].id).raw(",\"metadata\":");
    metadata::write(json, organisation, document, casing);
    json.raw(",\"latestVersionId\":").guid(document.version_id(document.latest()), casing).raw("}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_capped_and_checked() {
        let page = SearchPage::parse("pageSize=1000&pageNumber=3&searchTerm=Hiss", 250).unwrap();
        assert_eq!((page.number, page.size, page.term.as_str()), (3, 250, "hiss"));
        assert_eq!(SearchPage::parse("", 10).unwrap().size, 10);
        assert_eq!(SearchPage::parse("pageNumber=0", 10).err().unwrap().0, "pageNumber");
        assert_eq!(SearchPage::parse("pageSize=-1", 10).err().unwrap().0, "pageSize");
    }
}
