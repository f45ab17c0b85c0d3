//! The URLs of the API.
//!
//! Ids are data of the service: each becomes one percent-encoded path segment, whatever it contains. The base is
//! parsed once.

use url::{Url, form_urlencoded};

use crate::model::{BinderId, DocumentId, FolderId, VersionId};

/// The only domain of drives that is mirrored.
const DOMAIN: &str = "binders";

/// Possible paths of a list of a document's versions, below the API's base. All are guesses.
pub const VERSION_LISTS: [&str; 3] =
    ["documents/{id}/versions", "documents/{id}/history", "documents/{id}/versions?pageSize=250&pageNumber=1"];

#[derive(Debug)]
pub(super) struct ApiUrls {
    base: Url,
    subfolders: Template,
}

/// The assumed path of sub-folders, split into segments; a `?` starts a query.
#[derive(Debug)]
struct Template {
    steps: Vec<String>,
    query: Option<String>,
}

impl ApiUrls {
    pub(super) fn new(base: Url, subfolders: &str) -> Self {
        let (path, query) = subfolders.split_once('?').map_or((subfolders, None), |(path, query)| (path, Some(query)));
        let steps = path.split('/').filter(|step| !step.is_empty()).map(str::to_owned).collect();
        Self { base, subfolders: Template { steps, query: query.map(str::to_owned) } }
    }

    pub(super) fn binders(&self) -> Url {
        self.at(["binders"])
    }

    pub(super) fn metadata_elements(&self, binder: &BinderId) -> Url {
        self.at(["binders", binder.as_str(), "metadataelements"])
    }

    pub(super) fn search(&self, page_number: u32, page_size: u32) -> Url {
        let mut url = self.at(["documents"]);
        url.set_query(Some(&format!("pageSize={page_size}&pageNumber={page_number}")));
        url
    }

    pub(super) fn document(&self, document: &DocumentId) -> Url {
        self.at(["documents", document.as_str()])
    }

    pub(super) fn tabs(&self, binder: &BinderId) -> Url {
        self.at(["documents", "drives", DOMAIN, binder.as_str()])
    }

    pub(super) fn subfolders(&self, binder: &BinderId, folder: &FolderId) -> Url {
        let values = [("{domain}", DOMAIN), ("{id}", binder.as_str()), ("{folderId}", folder.as_str())];
        let mut url = self.at(self.subfolders.steps.iter().map(|step| fill(step, values, str::to_owned)));
        if let Some(query) = &self.subfolders.query {
            let encode = |value: &str| form_urlencoded::byte_serialize(value.as_bytes()).collect();
            url.set_query(Some(&fill(query, values, encode)));
        }
        url
    }

    pub(super) fn download_link(&self, document: &DocumentId, version: &VersionId) -> Url {
        self.at(["documents", document.as_str(), "versions", version.as_str(), "downloadlink"])
    }

    /// `template` is one of [`VERSION_LISTS`].
    pub(super) fn version_list(&self, template: &str, document: &DocumentId) -> Url {
        let (path, query) = template.split_once('?').map_or((template, None), |(path, query)| (path, Some(query)));
        let mut url = self.at(path.split('/').map(|step| if step == "{id}" { document.as_str() } else { step }));
        url.set_query(query);
        url
    }

    fn at<S: AsRef<str>>(&self, steps: impl IntoIterator<Item = S>) -> Url {
        let mut url = self.base.clone();
        // The settings are checked to have a host, so the URL has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(steps);
        }
        url
    }
}

/// Fills a template in one pass, so that a value that looks like a placeholder stays a value.
fn fill(text: &str, values: [(&str, &str); 3], encode: impl Fn(&str) -> String) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        rest = &rest[start..];
        if let Some((name, value)) = values.iter().find(|(name, _)| rest.starts_with(name)) {
            filled.push_str(&encode(value));
            rest = &rest[name.len()..];
        } else {
            filled.push('{');
            rest = &rest[1..];
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(base: &str, subfolders: &str) -> ApiUrls {
        ApiUrls::new(Url::parse(base).unwrap(), subfolders)
    }

    #[test]
    fn ids_are_one_segment() {
        let urls = urls("https://h/api/", "documents/drives/{domain}/{id}/folders/{folderId}");
        let document = DocumentId::parse("../a b?c#d%2fe").unwrap();
        assert_eq!(urls.document(&document).as_str(), "https://h/api/documents/..%2Fa%20b%3Fc%23d%252fe");
        let binder = BinderId::parse("{folderId}").unwrap();
        let folder = FolderId::parse("x/y").unwrap();
        assert_eq!(
            urls.subfolders(&binder, &folder).as_str(),
            "https://h/api/documents/drives/binders/%7BfolderId%7D/folders/x%2Fy"
        );
    }

    #[test]
    fn a_base_with_and_without_a_slash() {
        for base in ["https://h/api", "https://h/api/"] {
            assert_eq!(urls(base, "").binders().as_str(), "https://h/api/binders");
        }
        assert_eq!(urls("https://h", "").search(2, 250).as_str(), "https://h/documents?pageSize=250&pageNumber=2");
    }

    #[test]
    fn lists_of_versions() {
        let document = DocumentId::parse("x/y").unwrap();
        let urls = VERSION_LISTS.map(|list| urls("https://h/api", "").version_list(list, &document).to_string());
        assert_eq!(
            urls,
            [
                "https://h/api/documents/x%2Fy/versions",
                "https://h/api/documents/x%2Fy/history",
                "https://h/api/documents/x%2Fy/versions?pageSize=250&pageNumber=1",
            ]
        );
    }

    #[test]
    fn a_template_may_use_a_query() {
        let urls = urls("https://h/api", "/documents/{id}?parent={folderId}&deep=no");
        let (binder, folder) = (BinderId::parse("B").unwrap(), FolderId::parse("a&b").unwrap());
        assert_eq!(urls.subfolders(&binder, &folder).as_str(), "https://h/api/documents/B?parent=a%26b&deep=no");
    }
}
