//! Responses and folders without end: every loop terminates.

use std::fs;

use ibinder_sync::{
    model::{DocumentId, NameLimit},
    naming,
    sandbox::{Organisation, Reply, Route},
    session::Exit,
};
use serde_json::json;

use crate::harness::World;

#[test]
fn pages_that_repeat_under_a_huge_total_end() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let ids: Vec<String> =
        ["a.txt", "b.txt", "c.txt"].iter().map(|n| o.add_document(&binder, None, n, *n).unwrap()).collect();
    let world = World::new(o);
    world.mirror();
    let item = |id| json!({"id": id, "fileName": "same.txt", "binderId": binder, "latestVersionId": null});
    let items: Vec<_> = ids.iter().map(item).collect();
    let page = json!({"items": items, "totalCount": 1_u64 << 53});
    world.sandbox.script(Route::Search, Reply::json(200, &page).times(1000));
    let (asked, ran) = world.requests(Route::Search, || world.run());
    assert_eq!(ran.exit(), Exit::Partial);
    assert!(ran.warns_of("its pages repeat what earlier ones showed"), "{ran:?}");
    // Three passes, each with four pages in flight when the end is detected.
    assert!(asked <= 3 * 8, "{asked} pages were requested");
}

#[test]
fn a_page_repeated_by_drift_does_not_end_the_listing() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let tab = o.add_folder(&binder, None, "Avtal").unwrap();
    for n in 0..40 {
        o.add_document(&binder, Some(&tab), &format!("{n}.txt"), format!("{n}")).unwrap();
    }
    let world = World::with(o, |settings| settings.page_size_cap = 2);
    // The second and third page repeat the first one.
    let first = world.edit(|o| o.documents().into_iter().take(2).collect::<Vec<_>>());
    let item = |d: &ibinder_sync::sandbox::DocumentView| json!({"id": d.id, "fileName": d.file_name, "folderId": tab, "latestVersionId": d.version});
    let page = json!({"items": first.iter().map(item).collect::<Vec<_>>(), "totalCount": 40, "pageSize": 2});
    world.sandbox.script(Route::Search, Reply::json(200, &page).times(3));
    let (asked, _) = world.requests(Route::Search, || world.mirror());
    assert_eq!(asked, 20 + 20);
}

#[test]
fn a_chain_of_folders_is_read_to_a_limited_depth() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let mut folder = o.add_folder(&binder, None, "Avtal").unwrap();
    for _ in 0..400 {
        folder = o.add_folder(&binder, Some(&folder), "in").unwrap();
    }
    o.add_document(&binder, Some(&folder), "deep.txt", "deep").unwrap();
    let world = World::new(o);
    let (asked, ran) = world.requests(Route::Subfolder, || world.run());
    assert_eq!(ran.exit(), Exit::Complete);
    assert!(ran.warns_of("nested deeper than 256 levels"), "{ran:?}");
    assert_eq!(asked, 256);
    let files = crate::disk::files(&world.dest());
    assert_eq!(files.into_values().collect::<Vec<_>>(), [b"deep"]);
}

#[test]
fn a_thousand_foreign_files_only_cost_a_document_its_plain_names() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let id = o.add_document(&binder, None, "a.txt", "a").unwrap();
    let world = World::new(o);
    fs::create_dir_all(world.at("Brf Eken")).unwrap();
    let mut names = naming::document_names("a.txt", &DocumentId::parse(&id).unwrap(), NameLimit::USUAL);
    for name in names.by_ref().take(1100) {
        fs::write(world.at("Brf Eken").join(name), "somebody's").unwrap();
    }
    let ran = world.run();
    assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
    assert_eq!(fs::read(world.at("Brf Eken").join(names.next().unwrap())).unwrap(), b"a");
}
