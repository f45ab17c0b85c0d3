//! Removals: unlisted documents are only removed if the service confirms it, and only a few at a time.

use ibinder_sync::{
    mirror::Mirror,
    model::BinderId,
    sandbox::{Organisation, Reply, Route},
    session::Exit,
    state::State,
    sync::{Ended, forget},
};
use serde_json::json;

use crate::harness::{Ran, World};

/// A binder with a tab of documents `0.txt` to `n.txt`.
struct Many {
    world: World,
    binder: String,
    tab: String,
    documents: Vec<String>,
}

fn many(count: usize) -> Many {
    many_and(count, |_| {})
}

fn many_and(count: usize, more: impl FnOnce(&mut Organisation)) -> Many {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let tab = o.add_folder(&binder, None, "Avtal").unwrap();
    let name = |n| format!("{n}.txt");
    let documents =
        (0..count).map(|n| o.add_document(&binder, Some(&tab), &name(n), format!("bytes {n}")).unwrap()).collect();
    more(&mut o);
    let world = World::new(o);
    world.mirror();
    Many { world, binder, tab, documents }
}

impl Many {
    fn remove(&self, documents: impl IntoIterator<Item = usize>) {
        self.world.edit(|o| documents.into_iter().for_each(|n| o.remove_document(&self.documents[n]).unwrap()));
    }

    fn has(&self, n: usize) -> bool {
        let file = self.world.at(&format!("Brf Eken/Avtal/{n}.txt"));
        std::fs::read(file).is_ok_and(|bytes| bytes == format!("bytes {n}").as_bytes())
    }

    fn assert_all_there(&self) {
        assert_eq!((0..self.documents.len()).filter(|n| !self.has(*n)).collect::<Vec<_>>(), [0_usize; 0]);
    }

    /// A run that removes nothing.
    fn keeps_all(&self) -> Ran {
        let ran = self.world.run();
        self.assert_all_there();
        assert_eq!(ran.documents().removed, 0, "{ran:?}");
        ran
    }
}

#[test]
fn below_the_cap_each_removal_is_confirmed_by_id_with_a_control() {
    let many = many(40);
    many.remove(0..10);
    let (asked, ran) = many.world.requests(Route::Document, || many.world.mirror());
    assert_eq!((asked, ran.documents().removed), (20, 10));
    (0..10).for_each(|n| many.world.assert_held(format!("bytes {n}").as_bytes()));
}

#[test]
fn only_the_services_own_404_is_believed() {
    for answer in [
        || Reply::status(404),
        || Reply::body(404, "text/html", "<html>Not Found</html>"),
        || Reply::body(404, "application/json", r#"{"message":"no route"}"#),
        || Reply::problem(403, "Forbidden"),
        || Reply::status(410),
    ] {
        let many = many(40);
        many.remove([3]);
        many.world.sandbox.script(Route::Document, vec![answer()]);
        let ran = many.keeps_all();
        assert!(ran.fails_with("doesn't say that it is gone"), "{ran:?}");
        // The next run looks it up again.
        many.world.mirror();
        assert!(!many.has(3));
    }
}

#[test]
fn a_service_that_fails_is_not_believed() {
    let many = many(40);
    many.remove([3]);
    many.world.sandbox.script(Route::Document, Reply::status(500).times(6));
    many.keeps_all();
    many.world.mirror();
    assert!(!many.has(3));
}

#[test]
fn a_404_counts_only_while_others_answer() {
    let many = many(40);
    many.remove([3]);
    // The missing document is looked up first, then a listed one.
    many.world.sandbox.script(Route::Document, Reply::problem(404, "Not found").times(2));
    let ran = many.keeps_all();
    assert!(ran.fails_with("don't answer either"), "{ran:?}");
}

#[test]
fn a_document_that_only_this_client_may_not_see_is_kept() {
    let many = many(40);
    many.world.edit(|o| o.hide_document(&many.documents[3])).unwrap();
    many.keeps_all();
}

#[test]
fn above_the_cap_nothing_is_looked_up_or_removed() {
    let many = many(40);
    many.remove(0..11);
    let (asked, ran) = many.world.requests(Route::Document, || many.keeps_all());
    assert_eq!((asked, ran.exit(), ran.documents().withheld), (0, Exit::Withheld, 11));
    // A higher cap allows the removals.
    let ran = many.world.run_with(|given| given.max_removals = "11".parse().unwrap());
    assert_eq!((ran.exit(), ran.documents().removed), (Exit::Complete, 11));
    many.world.assert_mirrors();
}

#[test]
fn the_cap_also_limits_the_organisation() {
    // Ten of fifty in each of two binders: each binder is within its cap, but both together are not.
    let mut others = Vec::new();
    let many = many_and(50, |o| {
        let binder = o.add_binder("Brf Linden");
        others.extend((0..50).map(|n| o.add_document(&binder, None, &format!("{n}.txt"), "x").unwrap()));
    });
    many.remove(0..10);
    many.world.edit(|o| others.iter().take(10).for_each(|id| o.remove_document(id).unwrap()));
    let ran = many.keeps_all();
    assert_eq!((ran.exit(), ran.documents().withheld), (Exit::Withheld, 20));
}

#[test]
fn a_binder_that_lists_no_documents_is_not_believed() {
    let many = many_and(5, |o| {
        o.add_binder("Brf Linden");
    });
    many.remove(0..5);
    let ran = many.keeps_all();
    assert_eq!((ran.exit(), ran.documents().withheld), (Exit::Withheld, 5));
    // Not even with a cap of 100 %.
    let ran = many.world.run_with(|given| given.max_removals = "100%".parse().unwrap());
    assert_eq!(ran.exit(), Exit::Withheld);
    many.assert_all_there();
}

#[test]
fn a_hidden_binder_keeps_its_files_until_it_is_forgotten() {
    let many = many_and(20, |o| {
        let binder = o.add_binder("Brf Linden");
        o.add_document(&binder, None, "stadgar.txt", "stadgar").unwrap();
    });
    let world = &many.world;
    world.edit(|o| o.hide_binder(&many.binder)).unwrap();
    let ran = many.keeps_all();
    assert_eq!(ran.exit(), Exit::Partial);
    assert_eq!(ran.finished.tally.binder_counts().inaccessible, 1);
    assert!(ran.warns_of(&format!("binders forget {}", many.binder)), "{ran:?}");
    let mirror = std::sync::Arc::new(Mirror::open(&world.dest()).unwrap());
    let state = std::sync::Arc::new(State::open(&world.database(), false).unwrap());
    let binder = BinderId::parse(&many.binder).unwrap();
    assert_eq!(forget(&mirror, &state, 99, &binder).unwrap(), 20);
    drop((mirror, state));
    world.assert_tree(&[("Brf Linden/stadgar.txt", "stadgar")]);
    (0..20).for_each(|n| world.assert_held(format!("bytes {n}").as_bytes()));
    world.mirror();
    // It is restored from objects.
    world.edit(|o| o.show_binder(&many.binder)).unwrap();
    let (blobs, _) = world.requests(Route::Blob, || world.mirror());
    assert_eq!(blobs, 0);
    many.assert_all_there();
}

#[test]
fn a_binder_that_becomes_inaccessible_while_it_is_read_keeps_its_files() {
    for answer in [Reply::problem(403, "Forbidden"), Reply::problem(404, "Not found")] {
        let many = many(20);
        many.remove([1]);
        many.world.sandbox.script(Route::Search, vec![answer]);
        let ran = many.keeps_all();
        assert_eq!(ran.exit(), Exit::Partial);
        assert_eq!(ran.finished.tally.binder_counts().inaccessible, 1);
    }
}

#[test]
fn if_all_binders_are_unknown_nothing_is_written() {
    let many = many(5);
    let world = &many.world;
    let before = crate::disk::files(&world.dest());
    world.edit(|o| {
        o.hide_binder(&many.binder).unwrap();
        let other = o.add_binder("Brf Linden");
        o.add_document(&other, None, "stadgar.txt", "stadgar").unwrap();
    });
    let (searches, ran) = world.requests(Route::Search, || world.run());
    assert_eq!((searches, ran.exit()), (0, Exit::Withheld));
    assert!(matches!(ran.finished.ended, Ended::AnotherOrganisation));
    assert_eq!(crate::disk::files(&world.dest()), before);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM binders"), 1);
}

#[test]
fn an_empty_list_of_binders_is_lost_access() {
    let many = many(5);
    many.world.edit(|o| o.hide_binder(&many.binder)).unwrap();
    assert_eq!(many.keeps_all().exit(), Exit::Partial);
}

/// Removes a document of the first page just before the second page is read. The first document of the second page then
/// slips onto the first, so that neither page lists it.
fn drift(many: &Many, passes: usize) {
    for pass in 0..passes {
        let id = many.documents[pass].clone();
        many.world
            .sandbox
            .script(Route::Search, vec![Reply::Pass, Reply::run(move |o| o.remove_document(&id).unwrap())]);
        // The remaining pages of a pass, with ten documents each.
        let pages = many.documents.len().div_ceil(10);
        many.world.sandbox.script(Route::Search, Reply::Pass.times(pages - 2));
    }
}

#[test]
fn a_page_that_drifts_never_removes_a_living_document() {
    for passes in 1..=3 {
        let many = many(40);
        many.world.sandbox.change_settings(|s| s.page_size_cap = 10);
        drift(&many, passes);
        let ran = many.world.run();
        let gone: Vec<usize> = (0..40).filter(|n| !many.has(*n)).collect();
        assert!(gone.iter().all(|n| *n < passes), "{gone:?} left the tree in {ran:?}");
        many.world.mirror();
        let gone: Vec<usize> = (0..40).filter(|n| !many.has(*n)).collect();
        assert_eq!(gone, (0..passes).collect::<Vec<_>>());
    }
}

#[test]
fn an_uncertified_listing_removes_nothing_and_still_adds() {
    let many = many(40);
    let world = &many.world;
    many.remove([7]);
    let new = world.edit(|o| o.add_document(&many.binder, Some(&many.tab), "new.txt", "new")).unwrap();
    let items: Vec<_> = world.edit(|o| {
        let listed = o.documents();
        let show = |d: &ibinder_sync::sandbox::DocumentView| {
            json!({"id": d.id, "fileName": d.file_name, "binderId": d.binder, "folderId": many.tab, "latestVersionId": d.version})
        };
        listed.iter().filter(|d| d.id != many.documents[9]).map(show).collect()
    });
    assert!(items.iter().any(|item| item["id"] == new.as_str()));
    // 39 documents are listed while 40 are announced, in every pass.
    let page = |number, items| {
        Reply::json(200, &json!({"items": items, "totalCount": 40, "pageNumber": number, "pageSize": 39}))
    };
    for _ in 0..3 {
        world.sandbox.script(Route::Search, vec![page(1, items.clone()), page(2, Vec::new())]);
    }
    let ran = many.keeps_all();
    assert!(ran.finished.uncertified, "{ran:?}");
    assert_eq!((ran.exit(), ran.documents().added), (Exit::Partial, 1));
    world.mirror();
    assert!(!many.has(7));
}

#[test]
fn a_page_that_cannot_be_read_removes_nothing() {
    let many = many(40);
    many.remove([7]);
    many.world
        .sandbox
        .script(Route::Search, Reply::body(200, "text/html", "<html>Tjänsten uppdateras</html>").times(6));
    let ran = many.keeps_all();
    assert_eq!((ran.exit(), ran.finished.tally.binder_counts().failed), (Exit::Partial, 1));
}

#[test]
fn a_failed_binder_postpones_removals_in_the_others() {
    // A document may have moved to the binder that could not be read.
    let mut other = String::new();
    let many = many_and(20, |o| {
        other = o.add_binder("Brf Linden");
        o.add_document(&other, None, "stadgar.txt", "stadgar").unwrap();
    });
    let world = &many.world;
    world.edit(|o| o.move_document(&many.documents[3], &other, None)).unwrap();
    for refusal in [Reply::problem(400, "Bad request"), Reply::problem(403, "Forbidden")] {
        // Whichever binder is requested first can't be read.
        world.sandbox.script(Route::Search, vec![refusal]);
        let ran = world.run();
        assert_eq!((ran.exit(), ran.documents().removed), (Exit::Partial, 0), "{ran:?}");
        assert!(many.has(3) || world.at("Brf Linden/3.txt").exists());
    }
    world.mirror();
    assert!(world.at("Brf Linden/3.txt").exists());
}

#[test]
fn a_document_that_moved_into_an_unread_binder_keeps_its_file() {
    let mut other = String::new();
    let many = many_and(20, |o| {
        other = o.add_binder("Brf Linden");
        o.add_document(&other, None, "stadgar.txt", "stadgar").unwrap();
    });
    many.world.edit(|o| o.move_document(&many.documents[3], &other, None)).unwrap();
    let ran = many.world.run_with(|given| given.exclude_binder = vec!["Brf Linden".to_owned()]);
    assert_eq!((ran.exit(), ran.documents().removed), (Exit::Complete, 0), "{ran:?}");
    many.assert_all_there();
    let (blobs, ran) = many.world.requests(Route::Blob, || many.world.mirror());
    assert_eq!((blobs, ran.documents().moved), (0, 1));
}

/// A removed binder and what is in it are 404 by id; a hidden one is 403.
#[test]
fn a_document_that_moved_into_a_lost_binder_leaves_only_after_a_404() {
    for is_removed in [false, true] {
        let mut other = String::new();
        let many = many_and(20, |o| {
            other = o.add_binder("Brf Linden");
            o.add_document(&other, None, "stadgar.txt", "stadgar").unwrap();
        });
        let world = &many.world;
        world.edit(|o| {
            o.move_document(&many.documents[3], &other, None).unwrap();
            if is_removed { o.remove_binder(&other) } else { o.hide_binder(&other) }.unwrap();
        });
        let ran = world.run();
        assert_eq!((ran.exit(), ran.documents().removed), (Exit::Partial, u64::from(is_removed)), "{ran:?}");
        assert_eq!(many.has(3), !is_removed, "{ran:?}");
        assert_eq!(ran.fails_with("doesn't say that it is gone"), !is_removed, "{ran:?}");
        // What the mirror had in the binder stays either way.
        assert!(world.at("Brf Linden/stadgar.txt").exists());
        if is_removed {
            world.assert_held(b"bytes 3");
        }
        world.edit(|o| o.show_binder(&other)).unwrap();
        let (blobs, _) = world.requests(Route::Blob, || world.mirror());
        assert_eq!(blobs, 0);
        assert!(world.at("Brf Linden/3.txt").exists());
    }
}

#[test]
fn filters_remove_nothing() {
    let many = many_and(20, |o| {
        let binder = o.add_binder("Brf Linden");
        o.add_document(&binder, None, "stadgar.txt", "stadgar").unwrap();
    });
    let world = &many.world;
    many.remove([2]);
    world.edit(|o| o.revise(&many.documents[3], "new bytes")).unwrap();
    let ran = world.run_with(|given| given.binder = vec!["Brf Linden".to_owned()]);
    assert_eq!((ran.exit(), ran.documents().seen, ran.documents().removed), (Exit::Complete, 1, 0));
    many.assert_all_there();
    let ran = world.run_with(|given| given.exclude = vec!["**/*.txt".to_owned()]);
    let d = ran.documents();
    // What filters leave out is not examined, and therefore not missing.
    assert_eq!((ran.exit(), d.filtered, d.updated, d.removed), (Exit::Partial, 20, 0, 0));
    assert!(ran.fails_with("the filters leave out every document"), "{ran:?}");
    many.assert_all_there();
    world.mirror();
    assert!(!many.has(2));
}

#[test]
fn a_total_at_the_round_cap_is_listed_tab_by_tab() {
    let many = many_and(30, |o| {
        let binder = o.binders()[0].0.clone();
        let tab = o.add_folder(&binder, None, "Ritningar").unwrap();
        for n in 0..30 {
            o.add_document(&binder, Some(&tab), &format!("r{n}.txt"), format!("drawing {n}")).unwrap();
        }
    });
    let world = &many.world;
    // The service stops counting at 10,000 and lists only the first tab; tab by tab it lists everything.
    let shown: Vec<_> = world.edit(|o| {
        let first = o.documents().into_iter().filter(|d| d.folders == ["Avtal"]);
        let show = |d: ibinder_sync::sandbox::DocumentView| {
            json!({"id": d.id, "fileName": d.file_name, "binderId": d.binder, "folderId": many.tab, "latestVersionId": d.version})
        };
        first.map(show).collect()
    });
    let capped = |number: usize| {
        let items = if number == 1 { shown.as_slice() } else { &[] };
        Reply::json(200, &json!({"items": items, "totalCount": 10_000, "pageNumber": number, "pageSize": 250}))
    };
    // Nothing is requested after an empty page, but four pages are requested at once, in three passes.
    for _ in 0..3 {
        world.sandbox.script(Route::Search, (1..=5).map(&capped).collect());
    }
    let ran = world.run();
    world.assert_mirrors();
    assert_eq!((ran.documents().removed, ran.documents().seen), (0, 60), "{ran:?}");
    // 60 are fewer than the announced 10,000.
    assert_eq!(ran.exit(), Exit::Partial, "{ran:?}");
}

#[test]
fn a_listing_far_below_the_mirrored_count_is_read_tab_by_tab() {
    let many = many(40);
    let empty = json!({"items": [], "totalCount": 0, "pageNumber": 1, "pageSize": 250});
    many.world.sandbox.script(Route::Search, vec![Reply::json(200, &empty)]);
    // The binder's listing is empty and its tab's is complete, so no document is missing.
    let ran = many.keeps_all();
    assert_eq!((ran.exit(), ran.documents().unchanged), (Exit::Complete, 40), "{ran:?}");
}

#[test]
fn a_listed_document_is_only_removed_after_a_listing_without_it() {
    let many = many(40);
    let world = &many.world;
    world.edit(|o| o.revise(&many.documents[3], "new bytes")).unwrap();
    let id = many.documents[3].clone();
    // Removed after it was listed and before its link was requested.
    world.sandbox.script(Route::DownloadLink, vec![Reply::run(move |o| o.remove_document(&id).unwrap())]);
    let ran = world.run();
    assert_eq!((ran.exit(), ran.documents().failed, ran.documents().removed), (Exit::Partial, 1, 0), "{ran:?}");
    assert!(ran.fails_with("its link can't be had") && ran.fails_with("by id it is not found either"), "{ran:?}");
    many.assert_all_there();
    let ran = world.mirror();
    assert_eq!(ran.documents().removed, 1, "{ran:?}");
    world.assert_held(b"bytes 3");
}

/// The link and the lookup of one document always return 404.
fn not_found(world: &World, id: &str) {
    let id = format!("/{id}");
    world.sandbox.hook(move |asked| {
        let own = matches!(asked.route, Route::Document | Route::DownloadLink) && asked.target.contains(&id);
        own.then(|| Reply::problem(404, "Not found"))
    });
}

#[test]
fn a_listed_document_that_cannot_be_downloaded_fails_in_each_run() {
    let many = many(40);
    let world = &many.world;
    let new = world.edit(|o| o.add_document(&many.binder, Some(&many.tab), "new.txt", "new")).unwrap();
    for id in [&new, &many.documents[3]] {
        not_found(world, id);
        if *id != new {
            world.edit(|o| o.revise(id, "new bytes")).unwrap();
        }
        for _ in 0..3 {
            let ran = world.run();
            assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 1), "{ran:?}");
            let messages = ["its link can't be had", "by id it is not found either", "ibinder-sync acknowledge"];
            assert!(messages.iter().all(|words| ran.fails_with(words)), "{ran:?}");
            many.assert_all_there();
        }
    }
    world.sandbox.unhook();
    world.mirror();
}

#[test]
fn an_unlisted_document_that_exists_by_id_gets_its_missing_file_back() {
    let many = many(40);
    std::fs::remove_file(many.world.at("Brf Eken/Avtal/3.txt")).unwrap();
    let hidden = many.documents[3].clone();
    let items: Vec<_> = many.world.edit(|o| {
        let show = |d: ibinder_sync::sandbox::DocumentView| {
            json!({"id": d.id, "fileName": d.file_name, "binderId": d.binder, "folderId": many.tab, "latestVersionId": d.version})
        };
        o.documents().into_iter().filter(|d| d.id != hidden).map(show).collect()
    });
    let page = json!({"items": items, "totalCount": 39, "pageNumber": 1, "pageSize": 250});
    many.world.sandbox.hook(move |asked| (asked.route == Route::Search).then(|| Reply::json(200, &page)));
    let ran = many.keeps_all();
    assert_eq!((ran.exit(), ran.documents().added), (Exit::Complete, 1), "{ran:?}");
}

#[test]
fn documents_missing_from_a_consistent_listing_are_reported() {
    let many = many(10);
    let listed = many.world.edit(|o| o.documents());
    let item = |d: &ibinder_sync::sandbox::DocumentView| json!({"id": d.id, "fileName": d.file_name, "folderId": many.tab, "latestVersionId": d.version});
    let page = |lacks: usize| {
        let items: Vec<_> = listed.iter().skip(lacks).map(item).collect();
        Reply::json(200, &json!({"items": items, "totalCount": items.len()}))
    };
    for (lacks, message) in [(1, "lacks 1 document that"), (2, "lacks 2 documents that")] {
        many.world.sandbox.script(Route::Search, vec![page(lacks)]);
        let ran = many.keeps_all();
        assert_eq!((ran.exit(), ran.warns_of(message)), (Exit::Complete, true), "{ran:?}");
    }
    many.world.sandbox.script(Route::Search, vec![page(0)]);
    assert!(!many.keeps_all().warns_of("its listing lacks"));
}
