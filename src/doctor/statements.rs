//! The statements of `docs/api-contract.md` that a visit can observe, word for word.

pub(super) const API: &str = "The API's base is `https://api.ibinder.com/api`";
pub(super) const AUTH: &str = "The token endpoint is `https://signin.ibinder.com/connect/token`";
pub(super) const HEADERS: &str =
    "Every API request has `Authorization: Bearer` and `x-ibinder-tenantid` with the organisation's id";
pub(super) const IDS: &str = "Documents, versions, folders and organisations have GUIDs, compared without regard to case; \
    binders have 9-character NanoIds, compared with it";
pub(super) const TOKEN: &str = "`POST` form with `grant_type=client_credentials`, `client_id`, `client_secret`, \
    `scope=ibinder_public` answers `access_token` and `expires_in`";
/// No response shows it; it is listed for the reader of the report.
pub(super) const HIDDEN_TABS: &str = "A client with the role Reader sees hidden tabs";
pub(super) const BINDERS: &str = "`GET /binders` lists the binders with `id` and `name`";
pub(super) const BINDERS_SHAPE: &str = "The answer is an array (doc), or an object with `items` (seed)";
pub(super) const BINDERS_WHOLE: &str = "It has no pages";
pub(super) const SCHEMA: &str = "`GET /binders/{id}/metadataelements` answers the binder's metadata schema";
pub(super) const SCHEMA_FIELDS: &str =
    "The schema's field names: `id`, `name` or `label`, `type` or `dataType`, `values[]`";
pub(super) const SEARCH: &str = "`POST /documents?pageSize=&pageNumber=` with `MetadataFilters` and `SortBy`";
pub(super) const BY_BINDER: &str = "`GLOBAL_BinderId` filters by binder; filters are combined with \"and\"";
pub(super) const BY_TAB: &str = "`GLOBAL_TabId` filters by tab";
pub(super) const FROM_ONE: &str = "Pages are numbered from 1";
pub(super) const PAGE_SIZE: &str = "A page may have 250 documents";
pub(super) const ANSWER: &str = "An answer has `items`, `totalCount`, `pageNumber`, `pageSize`; the end is where \
    `pageNumber × pageSize ≥ totalCount`";
pub(super) const ITEM: &str = "An item has `id`, `fileName`, `folderId`, `binderId`, `latestVersionId`, `metadata[]`; \
    no size, no hash, no time";
pub(super) const BY_ID: &str =
    "`GET /documents/{id}` answers one document in the same shape, and 404 as problem JSON when it is gone";
pub(super) const TABS: &str =
    "`GET /documents/drives/binders/{id}` answers a binder's tabs: `id`, `name`, `type`, `parentId`";
pub(super) const SUBFOLDERS: &str =
    "Their path is `documents/drives/{domain}/{id}/folders/{folderId}`, and the answer has the same shape";
pub(super) const LINK: &str = "`GET /documents/{id}/versions/{versionId}/downloadlink` answers `{\"url\"}`";
pub(super) const PRESIGNED: &str = "The link is presigned, on another host, and is fetched without token and tenant";
pub(super) const LIFETIME: &str =
    "Its query may say how long it lives: `X-Amz-Expires`, `X-Goog-Expires`, `se`, `Expires`";
pub(super) const HTTPS: &str = "It is `https` and leads to a public address";
pub(super) const AZURE: &str = "Storage is Azure Blob Storage, and the link a SAS URL";
pub(super) const HEADS: &str =
    "Storage sends `Content-Length`, `ETag`, `Last-Modified`, `Accept-Ranges`, `Content-MD5`";
pub(super) const VERSIONS: &str = "The API lists a document's versions";
pub(super) const TAB_OF: &str = "`GLOBAL_TabId` of a document is its tab's id";
pub(super) const BINDER_OF: &str = "`GLOBAL_BinderId` is its binder's id";
pub(super) const ENTRY: &str = "An entry is `{metadataElementId, valueId or value}`";

/// All of them, in the order of the page.
pub(super) const ALL: [&str; 31] = [
    API,
    AUTH,
    HEADERS,
    IDS,
    TOKEN,
    HIDDEN_TABS,
    BINDERS,
    BINDERS_SHAPE,
    BINDERS_WHOLE,
    SCHEMA,
    SCHEMA_FIELDS,
    SEARCH,
    BY_BINDER,
    BY_TAB,
    FROM_ONE,
    PAGE_SIZE,
    ANSWER,
    ITEM,
    BY_ID,
    TABS,
    SUBFOLDERS,
    LINK,
    PRESIGNED,
    LIFETIME,
    HTTPS,
    AZURE,
    HEADS,
    VERSIONS,
    TAB_OF,
    BINDER_OF,
    ENTRY,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_on_the_page_in_this_order() {
        let page = include_str!("../../docs/api-contract.md");
        let mut from = 0;
        for statement in ALL {
            let row = format!("| {statement} |");
            let at = page[from..].find(&row);
            assert!(at.is_some(), "not there, or not behind the one before: {statement}");
            from += at.unwrap_or_default();
        }
    }
}
