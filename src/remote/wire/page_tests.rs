use super::{page::page as read, *};
use crate::model::{BinderId, Listed};

fn page(json: &str) -> SearchPage {
    let binder = BinderId::parse("asked").unwrap();
    read(json, Some(&binder), 3, 250).unwrap()
}

fn one(item: &str) -> Result<Listed, OddItem> {
    let mut page = page(&format!(r#"{{"items":[{item}],"totalCount":1}}"#));
    assert_eq!(page.items.len(), 1);
    page.items.remove(0)
}

#[test]
fn numbers_of_a_page() {
    let table = [
        (r#"{"items":[],"totalCount":0,"pageNumber":2,"pageSize":100}"#, (0, 2, 100)),
        (r#"{"totalCount":"12","pageSize":"50","pageNumber":"1","items":[],"x":{}}"#, (12, 1, 50)),
        (r#"{"items":[],"totalCount":7}"#, (7, 3, 250)),
        (r#"{"items":[],"totalCount":7,"pageNumber":null,"pageSize":0}"#, (7, 3, 250)),
        (r#"{"items":null,"totalCount":0}"#, (0, 3, 250)),
    ];
    for (json, numbers) in table {
        let page = page(json);
        assert_eq!((page.total, page.page_number, page.page_size), numbers, "{json}");
    }
}

#[test]
fn unusable_pages() {
    let table = [
        "",
        "null",
        "[]",
        "{}",
        "<html></html>",
        r#"{"items":[]}"#,
        r#"{"totalCount":0}"#,
        r#"{"items":null,"totalCount":1}"#,
        r#"{"items":{},"totalCount":1}"#,
        r#"{"items":[],"totalCount":null}"#,
        r#"{"items":[],"totalCount":-1}"#,
        r#"{"items":[],"totalCount":1.5}"#,
        r#"{"items":[],"totalCount":"many"}"#,
        r#"{"items":[],"totalCount":1,"pageSize":"x"}"#,
        r#"{"items":[],"totalCount":1"#,
        r#"{"items":[],"totalCount":1}}"#,
    ];
    for json in table {
        let cause = read(json, None, 1, 1).unwrap_err();
        assert!(matches!(cause, super::Cause::Garbled(_)), "{json}: {cause}");
    }
}

#[test]
fn optional_fields() {
    let bare = one(r#"{"id":"a-1"}"#).unwrap();
    let nulls =
        one(r#"{"id":"a-1","fileName":null,"folderId":null,"binderId":null,"latestVersionId":null,"metadata":null}"#);
    assert_eq!(Ok(&bare), nulls.as_ref());
    assert_eq!((bare.id.as_str(), bare.binder.as_str(), bare.file_name.as_str()), ("a-1", "asked", ""));
    assert_eq!((bare.folder, bare.version, bare.tab, bare.metadata), (None, None, None, None));
    assert_eq!(one(r#"{"id":"a","binderId":"other"}"#).unwrap().binder.as_str(), "other");
    assert_eq!(one(r#"{"id":"a","fileName":"\u00e5\n"}"#).unwrap().file_name, "å\n");
    assert_eq!(one(r#"{"id":"a","metadata":{"odd":1}}"#).unwrap().metadata.as_deref(), Some(r#"{"odd":1}"#));
    // An invalid tab is ignored; the document itself is fine.
    assert_eq!(one(r#"{"id":"a","metadata":[{"metadataElementId":"GLOBAL_TabId","valueId":""}]}"#).unwrap().tab, None);
}

#[test]
fn odd_items_fail_alone() {
    let table = [
        ("7", None),
        ("null", None),
        ("[]", None),
        ("{}", None),
        (r#"{"id":null}"#, None),
        (r#"{"id":7}"#, None),
        (r#"{"id":""}"#, None),
        (r#"{"id":"a\u0000"}"#, None),
        (r#"{"id":"O-1","folderId":7}"#, Some("O-1")),
        (r#"{"id":"O-1","folderId":""}"#, Some("O-1")),
        (r#"{"id":"O-1","latestVersionId":{}}"#, Some("O-1")),
        (r#"{"id":"O-1","latestVersionId":".."}"#, Some("O-1")),
        (r#"{"id":"O-1","binderId":[]}"#, Some("O-1")),
        (r#"{"id":"O-1","fileName":7}"#, Some("O-1")),
    ];
    for (odd, id) in table {
        let page = page(&format!(r#"{{"items":[{{"id":"a"}},{odd},{{"id":"b"}}],"totalCount":3}}"#));
        let ids: Vec<_> = page.items.iter().flatten().map(|listed| listed.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"], "{odd}");
        let item = page.items[1].as_ref().unwrap_err();
        assert_eq!((item.position, item.id.as_deref()), (1, id), "{odd}");
        assert!(!item.cause.is_empty());
    }
}

#[test]
fn huge_metadata_are_dropped_and_flagged() {
    let metadata = |size: usize| {
        let filler = "x".repeat(size);
        format!(
            r#"[{{"metadataElementId":"n","value":"{filler}"}},{{"metadataElementId":"GLOBAL_TabId","valueId":"t"}}]"#
        )
    };
    let json = format!(
        r#"{{"items":[{{"id":"a","metadata":{}}},{{"id":"b","metadata":{}}}],"totalCount":2}}"#,
        metadata(1 << 20),
        metadata(9)
    );
    let page = page(&json);
    let items: Vec<_> = page.items.iter().flatten().collect();
    assert_eq!(items[0].metadata, None);
    assert_eq!(items[0].tab.as_ref().unwrap().as_str(), "t");
    assert_eq!(items[1].metadata.as_deref(), Some(&*metadata(9)));
    let flagged: Vec<_> = page.oddities.iter().map(|oddity| (oddity.document.as_str(), oddity.kind)).collect();
    assert_eq!(flagged, [("a", OddityKind::MetadataTooLarge)]);
}
