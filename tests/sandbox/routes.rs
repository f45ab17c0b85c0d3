//! Each route of the API, its authorization, and pages of a changing listing.

use std::collections::BTreeSet;
use std::time::Duration;

use ibinder_sync::sandbox::{BindersShape, Organisation, Reply, Route};
use reqwest::Method;
use serde_json::json;

use crate::client::{Api, ask_token, body, http, problem, start, text, variable};

#[tokio::test]
async fn tokens_require_the_secret() {
    let sandbox = start(Organisation::empty());
    let http = http();
    let token = body(ask_token(&sandbox, &http, &[]).await).await;
    assert_eq!(token["expires_in"], 3600);
    assert_eq!(sandbox.tokens(), [text(&token["access_token"])]);
    for (change, error) in [
        (("client_secret", "wrong"), "invalid_client"),
        (("client_id", "wrong"), "invalid_client"),
        (("grant_type", "password"), "unsupported_grant_type"),
        (("scope", "everything"), "invalid_scope"),
    ] {
        let refused = ask_token(&sandbox, &http, &[change]).await;
        assert_eq!(refused.status(), 400);
        assert_eq!(refused.bytes().await.unwrap(), format!("{{\"error\":\"{error}\"}}"));
    }
    assert_eq!(sandbox.count(Route::Token), 5);
    let fields = json!({
        "grant_type": "client_credentials",
        "client_id": variable(&sandbox, "IBINDER_CLIENT_ID"),
        "client_secret": variable(&sandbox, "IBINDER_CLIENT_SECRET"),
        "scope": "ibinder_public",
    });
    let asked = http.post(sandbox.auth_url()).header("content-type", "application/json").body(fields.to_string());
    assert_eq!(body(asked.send().await.unwrap()).await["expires_in"], 3600);
}

#[tokio::test]
async fn every_route_requires_a_valid_token_and_tenant() {
    let sandbox = start(Organisation::empty());
    let mut api = Api::new(&sandbox).await;
    let url = format!("{}/binders", sandbox.api_url());
    let foreign = api.http.get(&url).bearer_auth(&api.token).header("x-ibinder-tenantid", "another");
    problem(foreign.send().await.unwrap(), 403).await;
    let missing = problem(api.http.get(&url).bearer_auth(&api.token).send().await.unwrap(), 400).await;
    assert!(missing["errors"]["x-ibinder-tenantid"].is_array());

    sandbox.advance(Duration::from_mins(59));
    assert_eq!(api.get("/binders").await.status(), 200);
    sandbox.advance(Duration::from_mins(1));
    // A complete problem, a short one, and an empty body.
    let mut bodies = BTreeSet::new();
    for _ in 0..3 {
        let refusal = api.get("/binders").await;
        assert_eq!(refusal.status(), 401);
        let text = refusal.text().await.unwrap();
        bodies.insert((!text.is_empty(), text.contains("traceId")));
    }
    assert_eq!(bodies, BTreeSet::from([(false, false), (true, false), (true, true)]));
    api = Api::new(&sandbox).await;
    assert_eq!(api.get("/binders").await.status(), 200);
    sandbox.revoke_tokens();
    assert_eq!(api.get("/binders").await.status(), 401);
}

#[tokio::test]
async fn binders_come_in_both_shapes() {
    let mut organisation = Organisation::empty();
    let shown = organisation.add_binder("Brf Eken");
    let hidden = organisation.add_binder("Kv. Björken 4");
    organisation.hide_binder(&hidden).unwrap();
    let sandbox = start(organisation);
    let api = Api::new(&sandbox).await;
    let array = body(api.get("/binders").await).await;
    assert_eq!(array.as_array().unwrap().len(), 1);
    assert_eq!(array[0]["id"], shown.as_str());
    assert_eq!(array[0]["name"], "Brf Eken");
    assert!(array[0]["createdAt"].as_str().unwrap().ends_with('Z'));
    sandbox.change_settings(|settings| settings.binders_shape = BindersShape::Items);
    assert_eq!(body(api.get("/binders").await).await["items"], array);

    let schema = body(api.get(&format!("/binders/{shown}/metadataelements")).await).await;
    let category = schema.as_array().unwrap().iter().find(|element| element["id"] == "GLOBAL_Category").unwrap();
    assert_eq!(category["values"][0]["name"], "Ritning");
    problem(api.get(&format!("/binders/{hidden}/metadataelements")).await, 403).await;
    problem(api.search("pageNumber=1", &[("GLOBAL_BinderId", &hidden)]).await, 403).await;
    problem(api.get("/documents/drives/binders/nobinder1").await, 404).await;
}

#[tokio::test]
async fn folders_are_listed_level_by_level() {
    let mut organisation = Organisation::empty();
    let binder = organisation.add_binder("Brf Eken");
    let tab = organisation.add_folder(&binder, None, "Ritningar").unwrap();
    let below = organisation.add_folder(&binder, Some(&tab), "Hus A").unwrap();
    let sandbox = start(organisation);
    let api = Api::new(&sandbox).await;
    let tabs = body(api.get(&format!("/documents/drives/binders/{binder}")).await).await;
    assert_eq!(tabs, json!([{"id": tab, "name": "Ritningar", "type": "tab", "parentId": null}]));
    let path = format!("/documents/drives/binders/{binder}/folders/{}", tab.to_uppercase());
    let folders = body(api.get(&path).await).await;
    assert_eq!(folders, json!([{"id": below, "name": "Hus A", "type": "folder", "parentId": tab}]));
    sandbox.with_organisation(|organisation| organisation.move_folder(&below, None).unwrap());
    assert_eq!(body(api.get(&path).await).await, json!([]));
    sandbox.change_settings(|settings| settings.subfolders = false);
    problem(api.get(&path).await, 404).await;
}

#[tokio::test]
async fn a_search_shows_and_filters_documents() {
    let mut organisation = Organisation::empty();
    let (one, two) = (organisation.add_binder("Brf Eken"), organisation.add_binder("Kv. Örnen 1"));
    let tab = organisation.add_folder(&one, None, "Ritningar").unwrap();
    let below = organisation.add_folder(&one, Some(&tab), "Hus A").unwrap();
    let drawing = organisation.add_document(&one, Some(&below), "Plan \"2\".pdf", "drawing").unwrap();
    let loose = organisation.add_document(&one, None, "HISSAVTAL.pdf", "lift").unwrap();
    let other = organisation.add_document(&two, None, "Plan 3.pdf", "other").unwrap();
    organisation.set_metadata(&loose, json!([{"metadataElementId": "hus", "valueId": "A"}])).unwrap();
    let version = organisation.revise(&drawing, "drawing, new").unwrap();
    let sandbox = start(organisation);
    let api = Api::new(&sandbox).await;

    let page = body(api.search("pageSize=10&pageNumber=1", &[("GLOBAL_BinderId", &one)]).await).await;
    assert_eq!((&page["totalCount"], &page["pageNumber"], &page["pageSize"]), (&json!(2), &json!(1), &json!(10)));
    let item = &page["items"][0];
    assert_eq!(item["id"], drawing.as_str());
    assert_eq!(item["fileName"], "Plan \"2\".pdf");
    assert_eq!((&item["folderId"], &item["binderId"]), (&json!(below), &json!(one)));
    assert_eq!(item["latestVersionId"], version.as_str());
    let metadata = item["metadata"].as_array().unwrap();
    assert!(metadata.contains(&json!({"metadataElementId": "GLOBAL_TabId", "valueId": tab})));
    assert!(metadata.contains(&json!({"metadataElementId": "GLOBAL_Version", "value": "2"})));
    assert_eq!(page["items"][1]["folderId"], json!(null));
    assert_eq!(body(api.get(&format!("/documents/{}", drawing.to_uppercase())).await).await, *item);

    assert_eq!(api.crawl(10, &[("GLOBAL_TabId", &tab)]).await, [drawing.as_str()]);
    assert_eq!(api.crawl(10, &[("hus", "A")]).await, [loose.as_str()]);
    assert_eq!(api.crawl(10, &[("hus", "A"), ("GLOBAL_BinderId", &two)]).await, [""; 0]);
    assert_eq!(api.crawl(1, &[]).await, [drawing, loose.clone(), other]);
    let found = body(api.search("searchTerm=hissAVTAL", &[]).await).await;
    assert_eq!((&found["totalCount"], &found["items"][0]["id"]), (&json!(1), &json!(loose)));
}

#[tokio::test]
async fn a_search_that_makes_no_sense_is_refused() {
    let sandbox = start(Organisation::empty());
    let api = Api::new(&sandbox).await;
    for (query, field) in [("pageNumber=0", "pageNumber"), ("pageSize=0", "pageSize"), ("pageSize=many", "pageSize")] {
        let refusal = problem(api.search(query, &[]).await, 400).await;
        assert!(refusal["errors"][field][0].is_string(), "{refusal}");
    }
    let broken = api.request(Method::POST, "/documents").body("{").send().await.unwrap();
    assert!(problem(broken, 400).await["errors"].is_object());
    let body = json!({"SortBy": [{"metadataElementId": "GLOBAL_Date", "direction": "up"}]}).to_string();
    problem(api.request(Method::POST, "/documents").body(body).send().await.unwrap(), 400).await;
    problem(api.get("/nothing").await, 404).await;
    problem(api.get("/documents").await, 405).await;
}

#[tokio::test]
async fn pages_add_up_and_are_capped() {
    let mut organisation = Organisation::empty();
    let binder = organisation.add_binder("Brf Eken");
    let ids: Vec<String> =
        (0..23).map(|n| organisation.add_document(&binder, None, &format!("{n}.txt"), "x").unwrap()).collect();
    let sandbox = start(organisation);
    let api = Api::new(&sandbox).await;
    assert_eq!(api.crawl(5, &[("GLOBAL_BinderId", &binder)]).await, ids);
    sandbox.change_settings(|settings| settings.page_size_cap = 7);
    let page = body(api.search("pageSize=500&pageNumber=4", &[]).await).await;
    assert_eq!((page["pageSize"].as_u64(), page["items"].as_array().unwrap().len()), (Some(7), 2));
    assert_eq!(api.crawl(500, &[]).await, ids);
    let beyond = body(api.search("pageSize=7&pageNumber=9", &[]).await).await;
    assert_eq!((beyond["items"].as_array().unwrap().len(), &beyond["totalCount"]), (0, &json!(23)));
}

#[tokio::test]
async fn a_removal_between_two_pages_hides_a_document() {
    let mut organisation = Organisation::empty();
    let binder = organisation.add_binder("Brf Eken");
    let ids: Vec<String> =
        (0..10).map(|n| organisation.add_document(&binder, None, &format!("{n}.txt"), "x").unwrap()).collect();
    let sandbox = start(organisation);
    let api = Api::new(&sandbox).await;
    let first = ids[0].clone();
    let remove = Reply::run(move |organisation| organisation.remove_document(&first).unwrap());
    sandbox.script(Route::Search, vec![Reply::Pass, remove]);
    assert_eq!(sandbox.scripted(Route::Search), 2);
    let seen: BTreeSet<String> = api.crawl(5, &[]).await.into_iter().collect();
    assert_eq!(sandbox.scripted(Route::Search), 0);
    let missed: Vec<&String> = ids.iter().filter(|id| !seen.contains(*id)).collect();
    assert_eq!(missed, [&ids[5]]);

    problem(api.get(&format!("/documents/{}", ids[0])).await, 404).await;
    sandbox.with_organisation(|organisation| organisation.restore_document(&ids[0]).unwrap());
    assert_eq!(api.crawl(5, &[]).await, ids);
    sandbox.with_organisation(|organisation| organisation.hide_document(&ids[3]).unwrap());
    problem(api.get(&format!("/documents/{}", ids[3])).await, 403).await;
    assert_eq!(api.crawl(5, &[]).await.len(), 9);
}

#[tokio::test]
async fn a_removed_folder_removes_its_documents() {
    let mut organisation = Organisation::empty();
    let binder = organisation.add_binder("Brf Eken");
    let tab = organisation.add_folder(&binder, None, "Avtal").unwrap();
    let below = organisation.add_folder(&binder, Some(&tab), "Hissar").unwrap();
    organisation.add_document(&binder, Some(&below), "a.txt", "a").unwrap();
    let kept = organisation.add_document(&binder, None, "b.txt", "b").unwrap();
    assert!(organisation.move_folder(&tab, Some(&below)).is_err());
    organisation.remove_folder(&tab).unwrap();
    let sandbox = start(organisation);
    let api = Api::new(&sandbox).await;
    assert_eq!(api.crawl(5, &[]).await, [kept]);
    assert_eq!(body(api.get(&format!("/documents/drives/binders/{binder}")).await).await, json!([]));
    problem(api.get(&format!("/documents/drives/binders/{binder}/folders/{below}")).await, 404).await;
}
