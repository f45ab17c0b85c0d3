//! Names in the tree, and foreign files in it.

use std::{fs, os::unix::fs::symlink, time::Duration};

use ibinder_sync::{
    report::Documents,
    sandbox::{Organisation, Reply, Route},
    session::Exit,
};
use serde_json::json;

use crate::harness::{World, exists};

/// A binder with a tab of documents with these names and texts.
struct TestBinder {
    world: World,
    binder: String,
    tab: String,
    ids: Vec<String>,
}

fn test_binder(documents: &[(&str, &str)]) -> TestBinder {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let tab = o.add_folder(&binder, None, "Avtal").unwrap();
    let ids = documents.iter().map(|(n, t)| o.add_document(&binder, Some(&tab), n, (*t).to_owned()).unwrap()).collect();
    let world = World::new(o);
    world.mirror();
    TestBinder { world, binder, tab, ids }
}

impl TestBinder {
    fn add(&self, name: &str, text: &str) -> String {
        let text = text.to_owned();
        self.world.edit(|o| o.add_document(&self.binder, Some(&self.tab), name, text)).unwrap()
    }
}

/// `name [3f2a91c0].txt`
fn tagged(name: &str, id: &str) -> String {
    format!("Brf Eken/Avtal/{name} [{}].txt", &id[..8])
}

#[test]
fn the_first_of_two_equal_names_stays_plain() {
    let s = test_binder(&[("a.txt", "first"), ("a.txt", "second"), ("A.TXT", "third")]);
    let second = tagged("a", &s.ids[1]);
    let third = format!("Brf Eken/Avtal/A [{}].TXT", &s.ids[2][..8]);
    s.world.assert_tree(&[("Brf Eken/Avtal/a.txt", "first"), (&second, "second"), (&third, "third")]);
    // A name doesn't change because of another document.
    s.world.edit(|o| o.remove_document(&s.ids[0])).unwrap();
    s.world.mirror();
    s.world.assert_tree(&[(&second, "second"), (&third, "third")]);
    // New and returning documents get new names.
    s.add("a.txt", "fourth");
    s.world.mirror();
    s.world.edit(|o| o.restore_document(&s.ids[0])).unwrap();
    s.world.mirror();
    let returned = tagged("a", &s.ids[0]);
    s.world.assert_tree(&[
        ("Brf Eken/Avtal/a.txt", "fourth"),
        (&second, "second"),
        (&third, "third"),
        (&returned, "first"),
    ]);
    s.world.assert_nothing_planned();
}

#[test]
fn names_that_differ_in_normalisation_are_distinguished() {
    let s = test_binder(&[("\u{c5}.txt", "composed"), ("A\u{30a}.txt", "decomposed"), ("\u{e5}.txt", "small")]);
    s.world.assert_tree(&[
        ("Brf Eken/Avtal/\u{c5}.txt", "composed"),
        (&tagged("\u{c5}", &s.ids[1]), "decomposed"),
        (&tagged("\u{e5}", &s.ids[2]), "small"),
    ]);
    s.world.assert_nothing_planned();
}

#[test]
fn a_document_and_a_folder_share_one_namespace() {
    let s = test_binder(&[("b.txt", "b")]);
    let folder = s.world.edit(|o| {
        let folder = o.add_folder(&s.binder, Some(&s.tab), "A.txt").unwrap();
        o.add_document(&s.binder, Some(&folder), "in.txt", "in").unwrap();
        folder
    });
    let document = s.add("a.txt", "a");
    s.world.mirror();
    let a = tagged("a", &document);
    s.world.assert_tree(&[("Brf Eken/Avtal/A.txt/in.txt", "in"), (&a, "a"), ("Brf Eken/Avtal/b.txt", "b")]);
    // The other way round: the document was there first.
    s.world.edit(|o| o.rename_folder(&folder, "B.TXT")).unwrap();
    s.world.mirror();
    let inner = format!("Brf Eken/Avtal/B.TXT [{}]/in.txt", &folder[..8]);
    s.world.assert_tree(&[(&inner, "in"), (&a, "a"), ("Brf Eken/Avtal/b.txt", "b")]);
    s.world.assert_nothing_planned();
}

#[test]
fn a_foreign_file_in_the_way_stays() {
    let s = test_binder(&[("a.txt", "a")]);
    fs::write(s.world.at("Brf Eken/Avtal/b.txt"), "somebody's").unwrap();
    let id = s.add("b.txt", "b");
    let ran = s.world.run();
    assert_eq!(ran.exit(), Exit::Complete);
    assert!(ran.warns_of("not a file of the mirror"), "{ran:?}");
    let b = tagged("b", &id);
    let expected = [("Brf Eken/Avtal/a.txt", "a"), ("Brf Eken/Avtal/b.txt", "somebody's"), (b.as_str(), "b")];
    s.world.assert_tree(&expected);
    s.world.run();
    s.world.assert_tree(&expected);
    s.world.assert_nothing_planned();
}

#[test]
fn a_foreign_file_where_a_document_moves_to_stays() {
    let s = test_binder(&[("a.txt", "a")]);
    fs::write(s.world.at("Brf Eken/Avtal/b.txt"), "somebody's").unwrap();
    s.world.edit(|o| o.rename_document(&s.ids[0], "b.txt")).unwrap();
    assert_eq!(s.world.run().exit(), Exit::Complete);
    let b = tagged("b", &s.ids[0]);
    s.world.assert_tree(&[("Brf Eken/Avtal/b.txt", "somebody's"), (&b, "a")]);
    s.world.run();
    s.world.assert_tree(&[("Brf Eken/Avtal/b.txt", "somebody's"), (&b, "a")]);
    s.world.assert_nothing_planned();
}

#[test]
fn foreign_files_stay_when_documents_leave_a_folder() {
    let s = test_binder(&[("a.txt", "a")]);
    fs::write(s.world.at("Brf Eken/Avtal/notes.txt"), "somebody's").unwrap();
    s.world.edit(|o| o.rename_folder(&s.tab, "Kontrakt")).unwrap();
    assert_eq!(s.world.run().exit(), Exit::Complete);
    s.world.assert_tree(&[("Brf Eken/Avtal/notes.txt", "somebody's"), ("Brf Eken/Kontrakt/a.txt", "a")]);
}

#[test]
fn a_foreign_folder_in_the_way_stays() {
    let s = test_binder(&[("a.txt", "a")]);
    fs::create_dir(s.world.at("Brf Eken/Avtal/b.txt")).unwrap();
    let id = s.add("b.txt", "b");
    assert_eq!(s.world.run().exit(), Exit::Complete);
    s.world.assert_tree(&[("Brf Eken/Avtal/a.txt", "a"), (&tagged("b", &id), "b")]);
    assert!(s.world.at("Brf Eken/Avtal/b.txt").is_dir());
}

#[test]
fn a_foreign_file_at_the_path_of_a_folder_fails_only_its_documents() {
    let s = test_binder(&[("a.txt", "a")]);
    fs::write(s.world.at("Brf Eken/Ritningar"), "somebody's").unwrap();
    s.world.edit(|o| {
        let tab = o.add_folder(&s.binder, None, "Ritningar").unwrap();
        o.add_document(&s.binder, Some(&tab), "plan.txt", "plan").unwrap();
    });
    s.add("b.txt", "b");
    let ran = s.world.run();
    assert_eq!((ran.exit(), ran.documents().failed, ran.documents().added), (Exit::Partial, 1, 1), "{ran:?}");
    fs::remove_file(s.world.at("Brf Eken/Ritningar")).unwrap();
    s.world.mirror();
}

#[test]
fn a_link_planted_as_a_folder_is_not_followed() {
    let s = test_binder(&[("a.txt", "a")]);
    let outside = tempfile::tempdir().unwrap();
    let tab = s.world.at("Brf Eken/Avtal");
    fs::rename(&tab, s.world.at("Brf Eken/away")).unwrap();
    symlink(outside.path(), &tab).unwrap();
    s.add("b.txt", "b");
    s.world.edit(|o| o.revise(&s.ids[0], "a2")).unwrap();
    let ran = s.world.run();
    assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 2), "{ran:?}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    // Neither when a document leaves: files behind the link are not the mirror's.
    fs::write(outside.path().join("a.txt"), "outside").unwrap();
    s.world.edit(|o| o.remove_document(&s.ids[0])).unwrap();
    s.world.run();
    assert_eq!(fs::read(outside.path().join("a.txt")).unwrap(), b"outside");
    fs::remove_file(&tab).unwrap();
    fs::rename(s.world.at("Brf Eken/away"), &tab).unwrap();
    s.world.mirror();
}

#[test]
fn a_link_planted_as_a_file_is_neither_followed_nor_replaced() {
    let s = test_binder(&[("a.txt", "a")]);
    let outside = tempfile::NamedTempFile::new().unwrap();
    symlink(outside.path(), s.world.at("Brf Eken/Avtal/b.txt")).unwrap();
    let id = s.add("b.txt", "b");
    // The known file becomes a link, too.
    fs::remove_file(s.world.at("Brf Eken/Avtal/a.txt")).unwrap();
    symlink(outside.path(), s.world.at("Brf Eken/Avtal/a.txt")).unwrap();
    s.world.edit(|o| o.revise(&s.ids[0], "a2")).unwrap();
    let ran = s.world.run();
    assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 1), "{ran:?}");
    assert_eq!(fs::read(outside.path()).unwrap(), b"");
    assert_eq!(fs::read(s.world.at(&tagged("b", &id))).unwrap(), b"b");
    for planted in ["a.txt", "b.txt"] {
        let path = s.world.at(&format!("Brf Eken/Avtal/{planted}"));
        assert!(path.symlink_metadata().unwrap().is_symlink());
        fs::remove_file(path).unwrap();
    }
    s.world.mirror();
}

#[test]
fn an_edited_file_stays_until_a_new_version_comes_and_its_bytes_are_kept() {
    let s = test_binder(&[("a.txt", "a1")]);
    fs::write(s.world.at("Brf Eken/Avtal/a.txt"), "edited by hand").unwrap();
    let ran = s.world.run();
    assert_eq!(ran.documents(), Documents { seen: 1, unchanged: 1, ..Documents::default() });
    assert!(ran.warns_of("was changed by hand"), "{ran:?}");
    s.world.assert_tree(&[("Brf Eken/Avtal/a.txt", "edited by hand")]);
    s.world.edit(|o| o.revise(&s.ids[0], "a2")).unwrap();
    s.world.mirror();
    s.world.assert_held(b"edited by hand");
    // The object of the old version has edited bytes, so the version can't be restored from it.
    s.world.edit(|o| o.remove_document(&s.ids[0])).unwrap();
    s.world.edit(|o| o.add_document(&s.binder, Some(&s.tab), "z.txt", "z")).unwrap();
    s.world.mirror();
    s.world.edit(|o| o.restore_document(&s.ids[0])).unwrap();
    s.world.mirror();
}

#[test]
fn an_edited_file_that_is_removed_and_returns_is_downloaded() {
    let s = test_binder(&[("a.txt", "a1"), ("b.txt", "b")]);
    fs::write(s.world.at("Brf Eken/Avtal/a.txt"), "edited by hand").unwrap();
    s.world.edit(|o| o.remove_document(&s.ids[0])).unwrap();
    s.world.mirror();
    s.world.assert_held(b"edited by hand");
    s.world.edit(|o| o.restore_document(&s.ids[0])).unwrap();
    let (blobs, _) = s.world.requests(Route::Blob, || s.world.mirror());
    assert_eq!(blobs, 1);
    s.world.assert_tree(&[("Brf Eken/Avtal/a.txt", "a1"), ("Brf Eken/Avtal/b.txt", "b")]);
}

#[test]
fn a_moved_file_stays_edited() {
    let s = test_binder(&[("a.txt", "a1")]);
    fs::write(s.world.at("Brf Eken/Avtal/a.txt"), "edited by hand").unwrap();
    s.world.edit(|o| o.rename_document(&s.ids[0], "b.txt")).unwrap();
    s.world.run();
    s.world.assert_tree(&[("Brf Eken/Avtal/b.txt", "edited by hand")]);
    // The edit is still noticed, and still kept.
    assert!(s.world.run().warns_of("was changed by hand"));
    s.world.edit(|o| o.revise(&s.ids[0], "a2")).unwrap();
    s.world.mirror();
    s.world.assert_held(b"edited by hand");
}

#[test]
fn a_missing_file_is_restored() {
    let s = test_binder(&[("a.txt", "a"), ("b.txt", "b")]);
    fs::remove_dir_all(s.world.at("Brf Eken")).unwrap();
    let ran = s.world.mirror();
    assert_eq!(ran.documents(), Documents { seen: 2, added: 2, ..Documents::default() });
    assert!(ran.warns_of("was missing"), "{ran:?}");
}

#[test]
fn a_missing_file_of_a_moved_document_is_restored() {
    let s = test_binder(&[("a.txt", "a"), ("b.txt", "b")]);
    fs::remove_file(s.world.at("Brf Eken/Avtal/a.txt")).unwrap();
    s.world.edit(|o| o.move_document(&s.ids[0], &s.binder, None)).unwrap();
    s.world.mirror();
    s.world.assert_tree(&[("Brf Eken/a.txt", "a"), ("Brf Eken/Avtal/b.txt", "b")]);
}

#[test]
fn without_the_subfolder_call_documents_are_in_their_tab() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let tab = o.add_folder(&binder, None, "Avtal").unwrap();
    let folder = o.add_folder(&binder, Some(&tab), "El").unwrap();
    o.add_document(&binder, Some(&tab), "a.txt", "a").unwrap();
    o.add_document(&binder, Some(&folder), "b.txt", "b").unwrap();
    let world = World::with(o, |settings| settings.subfolders = false);
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().added), (Exit::Complete, 2), "{ran:?}");
    world.assert_tree(&[("Brf Eken/Avtal/a.txt", "a"), ("Brf Eken/Avtal/b.txt", "b")]);
    world.assert_nothing_planned();
    // Once the call works, the folder gets its name.
    world.sandbox.change_settings(|settings| settings.subfolders = true);
    world.mirror();
    world.assert_tree(&[("Brf Eken/Avtal/a.txt", "a"), ("Brf Eken/Avtal/El/b.txt", "b")]);
    // It keeps the name when the call fails again.
    world.sandbox.change_settings(|settings| settings.subfolders = false);
    world.mirror();
}

#[test]
fn a_folder_that_is_not_listed_keeps_its_place() {
    let s = test_binder(&[("a.txt", "a")]);
    s.world.sandbox.script(Route::Drive, vec![Reply::json(200, &json!([]))]);
    let ran = s.world.run();
    assert_eq!((ran.exit(), ran.documents().unchanged), (Exit::Complete, 1), "{ran:?}");
    s.world.sandbox.script(Route::Drive, Reply::status(500).times(6));
    s.world.run();
    s.world.assert_tree(&[("Brf Eken/Avtal/a.txt", "a")]);
    s.world.mirror();
}

#[test]
fn only_odd_items_fail() {
    let s = test_binder(&[("a.txt", "a"), ("b.txt", "b"), ("c.txt", "c")]);
    let versions: Vec<String> = s.world.edit(|o| o.documents().into_iter().map(|d| d.version).collect());
    let item = |n: usize, name: serde_json::Value, version: serde_json::Value| json!({"id": s.ids[n], "fileName": name, "binderId": s.binder, "folderId": s.tab, "latestVersionId": version});
    let items = json!([
        item(0, json!(null), json!(versions[0])),
        item(1, json!("b.txt"), json!(null)),
        item(2, json!("c.txt"), json!({"not": "an id"})),
        {"fileName": "no id.txt", "binderId": s.binder},
    ]);
    let page = json!({"items": items, "totalCount": 4, "pageNumber": 1, "pageSize": 250});
    s.world.sandbox.script(Route::Search, vec![Reply::json(200, &page)]);
    let ran = s.world.run();
    assert_eq!(ran.exit(), Exit::Partial, "{ran:?}");
    // A null name counts as empty; everything else stays as it was.
    s.world.assert_tree(&[("Brf Eken/Avtal/_", "a"), ("Brf Eken/Avtal/b.txt", "b"), ("Brf Eken/Avtal/c.txt", "c")]);
    s.world.mirror();
    assert!(exists(&s.world.at("Brf Eken/Avtal/a.txt")));
}

/// If a document's file is missing and can't be restored, only its row gets the new name. It doesn't take the path of a
/// document whose file is still there.
#[test]
fn a_missing_file_blocks_no_other_document() {
    let s = test_binder(&[("o.txt", "of a"), ("p.txt", "of b"), ("q.txt", "of c")]);
    let world = &s.world;
    fs::remove_file(world.at("Brf Eken/Avtal/o.txt")).unwrap();
    world.edit(|o| {
        o.rename_document(&s.ids[0], "p.txt").unwrap();
        o.rename_document(&s.ids[1], "q.txt").unwrap();
        o.rename_document(&s.ids[2], "r.txt").unwrap();
    });
    // Only the restored document requests a link.
    world.sandbox.script(Route::DownloadLink, vec![Reply::problem(403, "Forbidden")]);
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().failed, ran.documents().moved), (Exit::Partial, 1, 2), "{ran:?}");
    world.assert_tree(&[("Brf Eken/Avtal/q.txt", "of b"), ("Brf Eken/Avtal/r.txt", "of c")]);
    let (blobs, _) = world.requests(Route::Blob, || world.mirror());
    assert_eq!(blobs, 1, "only what was missing is downloaded");
}

/// A fault while folders are read doesn't mean that there are none: the run is incomplete, and the next one reads them
/// again although they are not due.
#[test]
fn folders_that_could_not_be_read_are_read_again() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let tab = o.add_folder(&binder, None, "Avtal").unwrap();
    let folder = o.add_folder(&binder, Some(&tab), "El").unwrap();
    o.add_document(&binder, Some(&folder), "a.txt", "a").unwrap();
    let world = World::new(o);
    world.sandbox.script(Route::Subfolder, Reply::status(500).times(6));
    let ran = world.run_with(|given| given.refresh_folders = Duration::from_hours(20));
    assert!(ran.fails_with("not all of its folders could be read"), "{ran:?}");
    assert_eq!(ran.exit(), Exit::Partial);
    world.assert_tree(&[("Brf Eken/Avtal/a.txt", "a")]);
    let ran = world.run_with(|given| given.refresh_folders = Duration::from_hours(20));
    assert_eq!((ran.exit(), ran.documents().moved), (Exit::Complete, 1), "{ran:?}");
    world.assert_tree(&[("Brf Eken/Avtal/El/a.txt", "a")]);
}

#[test]
fn names_that_are_not_valid_text_are_mirrored() {
    let s = test_binder(&[("a.txt", "a"), ("b.txt", "b"), ("c.txt", "c")]);
    let version = |id: &str| s.world.edit(|o| o.documents().into_iter().find(|d| d.id == id).unwrap().version);
    let names: [&[u8]; 3] = [br"half \ud83d.txt", b"r\xe5.txt", b"line\nbreak.txt"];
    let mut page = b"\xef\xbb\xbf{\"totalCount\":3,\"items\":[".to_vec();
    for (number, (id, name)) in s.ids.iter().zip(names).enumerate() {
        let rest = format!("\"folderId\":\"{}\",\"latestVersionId\":\"{}\"", s.tab, version(id));
        let comma = if number == 0 { "" } else { "," };
        page.extend_from_slice(format!("{comma}{{\"id\":\"{id}\",{rest},\"fileName\":\"").as_bytes());
        page.extend_from_slice(name);
        page.extend_from_slice(b"\"}");
    }
    page.extend_from_slice(b"]}");
    s.world.sandbox.script(Route::Search, vec![Reply::body(200, "application/json", page)]);
    let ran = s.world.run();
    assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
    s.world.assert_tree(&[
        ("Brf Eken/Avtal/half \u{fffd}.txt", "a"),
        ("Brf Eken/Avtal/r\u{fffd}.txt", "b"),
        ("Brf Eken/Avtal/line_break.txt", "c"),
    ]);
}

#[test]
fn ids_that_earlier_versions_folded_are_matched_and_rewritten() {
    let s = test_binder(&[("a.txt", "a"), ("b.txt", "b")]);
    let database = rusqlite::Connection::open(s.world.database()).unwrap();
    database
        .execute_batch(&format!(
            "UPDATE documents SET id = 'doc-a', version = 'ver-a', folder = 'tab-a' WHERE id = '{}';
             UPDATE documents SET id = 'doc-b', version = 'ver-b', folder = 'tab-a' WHERE id = '{}';
             UPDATE folders SET id = 'tab-a';
             INSERT INTO folded_ids VALUES ('doc-a'), ('ver-a'), ('doc-b'), ('ver-b'), ('tab-a');",
            s.ids[0], s.ids[1]
        ))
        .unwrap();
    drop(database);
    let item = json!({"id": "Doc-A", "fileName": "a.txt", "folderId": "Tab-A", "latestVersionId": "Ver-A"});
    s.world.sandbox.script(Route::Drive, vec![Reply::json(200, &json!([{"id": "Tab-A", "name": "Avtal"}]))]);
    s.world.sandbox.script(Route::Subfolder, vec![Reply::json(200, &json!([]))]);
    s.world.sandbox.script(Route::Search, vec![Reply::json(200, &json!({"items": [item], "totalCount": 1}))]);
    let ran = s.world.run();
    let expected = Documents { seen: 1, unchanged: 1, ..Documents::default() };
    assert_eq!((ran.exit(), ran.documents()), (Exit::Complete, expected), "{ran:?}");
    let id: String = s.world.sql("SELECT id || version || folder FROM documents WHERE path LIKE '%a.txt'");
    assert_eq!(id, "Doc-AVer-ATab-A");
    // The other one is listed nowhere, and the service doesn't know it by the stored id.
    assert!(ran.warns_of("can't be looked up"), "{ran:?}");
    s.world.assert_tree(&[("Brf Eken/Avtal/a.txt", "a"), ("Brf Eken/Avtal/b.txt", "b")]);
}

#[test]
fn a_name_that_the_file_system_refuses_is_shortened_and_kept() {
    let (long, longer) = (format!("{}.pdf", "å".repeat(100)), format!("{}.txt", "b".repeat(250)));
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let ids: Vec<String> = [long.as_str(), long.as_str(), "a.txt"]
        .into_iter()
        .zip(["one", "two", "three"])
        .map(|(name, text)| o.add_document(&binder, None, name, text).unwrap())
        .collect();
    let world = World::new(o);
    // One after the other: the first one gets the plain name.
    let mut config = world.config(world.given());
    (config.options.concurrency, config.remote.downloads) = (1, 1);
    let run_short = || world.run_on(&config, |mirror| mirror.with_longest_name(143));
    let ran = run_short();
    assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
    let first = format!("Brf Eken/{}.pdf", "å".repeat(69));
    let second = format!("Brf Eken/{} [{}].pdf", "å".repeat(64), &ids[1][..8]);
    world.assert_tree(&[(&first, "one"), (&second, "two"), ("Brf Eken/a.txt", "three")]);
    world.edit(|o| o.rename_document(&ids[2], &longer)).unwrap();
    assert_eq!(run_short().documents().moved, 1);
    let third = format!("Brf Eken/{}.txt", "b".repeat(139));
    world.assert_tree(&[(&first, "one"), (&second, "two"), (&third, "three")]);
    // The names are kept, also by a file system that allows longer ones.
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().unchanged), (Exit::Complete, 3), "{ran:?}");
    world.assert_tree(&[(&first, "one"), (&second, "two"), (&third, "three")]);
}
