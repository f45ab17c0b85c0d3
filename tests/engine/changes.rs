//! Changes at the service are mirrored, and nothing else changes.

use ibinder_sync::{
    report::Documents,
    sandbox::{Generated, Organisation, Route},
    session::Exit,
};

use crate::harness::World;

/// A binder with two tabs of two documents each, and a second binder with one.
struct Small {
    world: World,
    eken: String,
    linden: String,
    avtal: String,
    ritningar: String,
    a: String,
    b: String,
    plan: String,
}

fn small() -> Small {
    let mut o = Organisation::empty();
    let eken = o.add_binder("Brf Eken");
    let linden = o.add_binder("Brf Linden");
    let avtal = o.add_folder(&eken, None, "Avtal").unwrap();
    let ritningar = o.add_folder(&eken, None, "Ritningar").unwrap();
    let a = o.add_document(&eken, Some(&avtal), "a.txt", "a1").unwrap();
    let b = o.add_document(&eken, Some(&avtal), "b.txt", "b1").unwrap();
    let plan = o.add_document(&eken, Some(&ritningar), "plan.txt", "plan1").unwrap();
    o.add_document(&linden, None, "stadgar.txt", "stadgar1").unwrap();
    let world = World::new(o);
    let ran = world.mirror();
    assert_eq!(ran.documents(), Documents { seen: 4, added: 4, ..Documents::default() });
    world.assert_tree(&[
        ("Brf Eken/Avtal/a.txt", "a1"),
        ("Brf Eken/Avtal/b.txt", "b1"),
        ("Brf Eken/Ritningar/plan.txt", "plan1"),
        ("Brf Linden/stadgar.txt", "stadgar1"),
    ]);
    Small { world, eken, linden, avtal, ritningar, a, b, plan }
}

/// Counts for four documents that are all seen, some of them updated or moved.
fn counts(updated: u64, moved: u64) -> Documents {
    Documents { seen: 4, unchanged: 4 - updated - moved, updated, moved, ..Documents::default() }
}

impl Small {
    /// Mirrors changes that need no download.
    fn renames(&self, moved: u64, expected: &[(&str, &str)]) {
        let (links, ran) = self.world.requests(Route::DownloadLink, || self.world.mirror());
        assert_eq!(links, 0);
        assert_eq!(ran.documents(), counts(0, moved));
        self.world.assert_tree(expected);
        self.world.assert_nothing_planned();
    }
}

#[test]
fn without_changes_no_link_is_requested_and_nothing_changes() {
    let small = small();
    let (links, ran) = small.world.requests(Route::DownloadLink, || small.world.mirror());
    assert_eq!((links, ran.documents()), (0, counts(0, 0)));
    small.world.assert_nothing_planned();
}

#[test]
fn an_added_document_is_the_only_download() {
    let small = small();
    small.world.edit(|o| o.add_document(&small.linden, None, "c.txt", "c1")).unwrap();
    let (blobs, ran) = small.world.requests(Route::Blob, || small.world.mirror());
    assert_eq!(blobs, 1);
    assert_eq!(ran.documents(), Documents { seen: 5, unchanged: 4, added: 1, ..Documents::default() });
}

#[test]
fn a_revised_document_is_replaced_and_its_old_bytes_are_kept() {
    let small = small();
    small.world.edit(|o| o.revise(&small.a, "a2")).unwrap();
    let (blobs, ran) = small.world.requests(Route::Blob, || small.world.mirror());
    assert_eq!((blobs, ran.documents()), (1, counts(1, 0)));
    small.world.assert_held(b"a1");
}

#[test]
fn a_renamed_document_is_moved() {
    let small = small();
    small.world.edit(|o| o.rename_document(&small.a, "avtal 2026.txt")).unwrap();
    small.renames(
        1,
        &[
            ("Brf Eken/Avtal/avtal 2026.txt", "a1"),
            ("Brf Eken/Avtal/b.txt", "b1"),
            ("Brf Eken/Ritningar/plan.txt", "plan1"),
            ("Brf Linden/stadgar.txt", "stadgar1"),
        ],
    );
}

#[test]
fn a_change_of_case_is_a_rename() {
    let small = small();
    small.world.edit(|o| o.rename_document(&small.a, "A.TXT")).unwrap();
    small.renames(
        1,
        &[
            ("Brf Eken/Avtal/A.TXT", "a1"),
            ("Brf Eken/Avtal/b.txt", "b1"),
            ("Brf Eken/Ritningar/plan.txt", "plan1"),
            ("Brf Linden/stadgar.txt", "stadgar1"),
        ],
    );
}

#[test]
fn documents_move_across_folders_and_binders() {
    let small = small();
    small.world.edit(|o| {
        o.move_document(&small.a, &small.eken, Some(&small.ritningar)).unwrap();
        o.move_document(&small.b, &small.linden, None).unwrap();
        o.move_document(&small.plan, &small.eken, None).unwrap();
    });
    small.renames(
        3,
        &[
            ("Brf Eken/Ritningar/a.txt", "a1"),
            ("Brf Linden/b.txt", "b1"),
            ("Brf Eken/plan.txt", "plan1"),
            ("Brf Linden/stadgar.txt", "stadgar1"),
        ],
    );
}

#[test]
fn two_names_are_swapped() {
    let small = small();
    small.world.edit(|o| {
        o.rename_document(&small.a, "b.txt").unwrap();
        o.rename_document(&small.b, "a.txt").unwrap();
    });
    small.renames(
        2,
        &[
            ("Brf Eken/Avtal/a.txt", "b1"),
            ("Brf Eken/Avtal/b.txt", "a1"),
            ("Brf Eken/Ritningar/plan.txt", "plan1"),
            ("Brf Linden/stadgar.txt", "stadgar1"),
        ],
    );
}

#[test]
fn three_names_rotate() {
    let small = small();
    small.world.edit(|o| {
        o.move_document(&small.plan, &small.eken, Some(&small.avtal)).unwrap();
        o.rename_document(&small.plan, "a.txt").unwrap();
        o.rename_document(&small.a, "b.txt").unwrap();
        o.rename_document(&small.b, "plan.txt").unwrap();
        o.move_document(&small.b, &small.eken, Some(&small.ritningar)).unwrap();
    });
    small.renames(
        3,
        &[
            ("Brf Eken/Avtal/a.txt", "plan1"),
            ("Brf Eken/Avtal/b.txt", "a1"),
            ("Brf Eken/Ritningar/plan.txt", "b1"),
            ("Brf Linden/stadgar.txt", "stadgar1"),
        ],
    );
}

#[test]
fn a_chain_of_names_moves_up() {
    let small = small();
    small.world.edit(|o| {
        o.rename_document(&small.b, "c.txt").unwrap();
        o.rename_document(&small.a, "b.txt").unwrap();
        o.move_document(&small.plan, &small.eken, Some(&small.avtal)).unwrap();
        o.rename_document(&small.plan, "a.txt").unwrap();
    });
    small.renames(
        3,
        &[
            ("Brf Eken/Avtal/a.txt", "plan1"),
            ("Brf Eken/Avtal/b.txt", "a1"),
            ("Brf Eken/Avtal/c.txt", "b1"),
            ("Brf Linden/stadgar.txt", "stadgar1"),
        ],
    );
}

#[test]
fn a_renamed_folder_takes_its_documents_along() {
    let small = small();
    small.world.edit(|o| o.rename_folder(&small.avtal, "Avtal (gamla)")).unwrap();
    small.renames(
        2,
        &[
            ("Brf Eken/Avtal (gamla)/a.txt", "a1"),
            ("Brf Eken/Avtal (gamla)/b.txt", "b1"),
            ("Brf Eken/Ritningar/plan.txt", "plan1"),
            ("Brf Linden/stadgar.txt", "stadgar1"),
        ],
    );
}

#[test]
fn two_folders_swap_names() {
    let small = small();
    small.world.edit(|o| {
        o.rename_folder(&small.avtal, "Ritningar").unwrap();
        o.rename_folder(&small.ritningar, "Avtal").unwrap();
    });
    small.renames(
        3,
        &[
            ("Brf Eken/Ritningar/a.txt", "a1"),
            ("Brf Eken/Ritningar/b.txt", "b1"),
            ("Brf Eken/Avtal/plan.txt", "plan1"),
            ("Brf Linden/stadgar.txt", "stadgar1"),
        ],
    );
}

#[test]
fn a_moved_folder_takes_its_documents_along() {
    let small = small();
    small.world.edit(|o| o.move_folder(&small.avtal, Some(&small.ritningar))).unwrap();
    small.renames(
        2,
        &[
            ("Brf Eken/Ritningar/Avtal/a.txt", "a1"),
            ("Brf Eken/Ritningar/Avtal/b.txt", "b1"),
            ("Brf Eken/Ritningar/plan.txt", "plan1"),
            ("Brf Linden/stadgar.txt", "stadgar1"),
        ],
    );
}

#[test]
fn a_renamed_binder_takes_its_documents_along() {
    let small = small();
    small.world.edit(|o| o.rename_binder(&small.eken, "Brf Ekbacken")).unwrap();
    small.renames(
        3,
        &[
            ("Brf Ekbacken/Avtal/a.txt", "a1"),
            ("Brf Ekbacken/Avtal/b.txt", "b1"),
            ("Brf Ekbacken/Ritningar/plan.txt", "plan1"),
            ("Brf Linden/stadgar.txt", "stadgar1"),
        ],
    );
}

#[test]
fn two_binders_swap_names() {
    let small = small();
    small.world.edit(|o| {
        // Both have a document that needs the other's path.
        o.move_document(&small.plan, &small.eken, None).unwrap();
        o.rename_document(&small.plan, "stadgar.txt").unwrap();
        o.rename_binder(&small.eken, "Brf Linden").unwrap();
        o.rename_binder(&small.linden, "Brf Eken").unwrap();
    });
    small.renames(
        4,
        &[
            ("Brf Linden/Avtal/a.txt", "a1"),
            ("Brf Linden/Avtal/b.txt", "b1"),
            ("Brf Linden/stadgar.txt", "plan1"),
            ("Brf Eken/stadgar.txt", "stadgar1"),
        ],
    );
}

#[test]
fn a_removed_document_is_kept_and_returns_without_a_download() {
    let small = small();
    let world = &small.world;
    world.edit(|o| o.remove_document(&small.a)).unwrap();
    let ran = world.mirror();
    assert_eq!(ran.documents(), Documents { seen: 3, unchanged: 3, removed: 1, ..Documents::default() });
    world.assert_held(b"a1");
    world.edit(|o| o.restore_document(&small.a)).unwrap();
    let (blobs, ran) = world.requests(Route::Blob, || world.mirror());
    assert_eq!(blobs, 0);
    assert_eq!(ran.documents(), Documents { seen: 4, unchanged: 3, added: 1, ..Documents::default() });
    // The content is the same as before, and the object is a separate file.
    world.assert_held(b"a1");
    std::fs::write(world.at("Brf Eken/Avtal/a.txt"), "scribbled over").unwrap();
    world.assert_held(b"a1");
}

#[test]
fn a_document_that_returns_with_a_new_version_is_downloaded() {
    let small = small();
    let world = &small.world;
    world.edit(|o| o.remove_document(&small.a)).unwrap();
    world.mirror();
    world.edit(|o| {
        o.restore_document(&small.a).unwrap();
        o.revise(&small.a, "a2").unwrap();
    });
    let (blobs, _) = world.requests(Route::Blob, || world.mirror());
    assert_eq!(blobs, 1);
    world.assert_held(b"a1");
}

#[test]
fn changed_metadata_only_change_the_state() {
    let small = small();
    let world = &small.world;
    let before: i64 = world.sql("SELECT count(*) FROM metadata");
    world.edit(|o| o.set_metadata(&small.a, serde_json::json!({"Status": "Gällande"}))).unwrap();
    let (links, ran) = world.requests(Route::DownloadLink, || world.mirror());
    assert_eq!((links, ran.documents()), (0, counts(0, 0)));
    let past = "SELECT count(*) FROM past_metadata";
    assert_eq!((world.sql::<i64>("SELECT count(*) FROM metadata"), world.sql::<i64>(past)), (before, 1));
    let newest = format!("FROM metadata WHERE document = (SELECT number FROM documents WHERE id = '{}')", small.a);
    assert!(world.sql::<String>(&format!("SELECT json {newest}")).contains("Gällande"));
    let age = jiff::Timestamp::now().as_second() - world.sql::<i64>(&format!("SELECT changed_at {newest}"));
    assert!((0..600).contains(&age), "{age}");
    world.mirror();
    assert_eq!(world.sql::<i64>(past), 1);
}

/// The service returns GUIDs in lower case at one time and in upper case at another, also in values.
#[test]
fn metadata_that_differ_in_the_case_of_guids_have_not_changed() {
    let folders = Generated { documents: 200, seed: 5, ..Generated::default() };
    let world = World::new(Organisation::generated(&folders));
    for _ in 0..6 {
        world.mirror();
    }
    assert!(world.sql::<i64>("SELECT count(*) FROM metadata WHERE json LIKE '%GLOBAL_TabId%'") > 50);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM past_metadata"), 0);
    assert_eq!(world.sql::<i64>("SELECT max(run) FROM metadata"), 1);
}

#[test]
fn a_document_is_revised_and_renamed_at_once() {
    let small = small();
    let world = &small.world;
    world.edit(|o| {
        o.revise(&small.a, "a2").unwrap();
        o.rename_document(&small.a, "c.txt").unwrap();
        o.revise(&small.b, "b2").unwrap();
        o.move_document(&small.b, &small.linden, None).unwrap();
    });
    let ran = world.mirror();
    assert_eq!(ran.documents(), counts(2, 0));
    world.assert_tree(&[
        ("Brf Eken/Avtal/c.txt", "a2"),
        ("Brf Eken/Ritningar/plan.txt", "plan1"),
        ("Brf Linden/b.txt", "b2"),
        ("Brf Linden/stadgar.txt", "stadgar1"),
    ]);
    world.assert_held(b"a1");
    world.assert_held(b"b1");
    world.assert_nothing_planned();
}

#[test]
fn a_freed_name_may_be_reused() {
    let small = small();
    let world = &small.world;
    world.edit(|o| {
        o.rename_document(&small.a, "old.txt").unwrap();
        o.remove_document(&small.b).unwrap();
    });
    let new = world.edit(|o| {
        let after_rename = o.add_document(&small.eken, Some(&small.avtal), "a.txt", "new a").unwrap();
        let after_removal = o.add_document(&small.eken, Some(&small.avtal), "b.txt", "new b").unwrap();
        [after_rename, after_removal]
    });
    world.mirror();
    // They were added while the names were still taken, and keep the names they got then.
    world.assert_tree(&[
        (&format!("Brf Eken/Avtal/a [{}].txt", &new[0][..8]), "new a"),
        (&format!("Brf Eken/Avtal/b [{}].txt", &new[1][..8]), "new b"),
        ("Brf Eken/Avtal/old.txt", "a1"),
        ("Brf Eken/Ritningar/plan.txt", "plan1"),
        ("Brf Linden/stadgar.txt", "stadgar1"),
    ]);
    world.assert_nothing_planned();
}

#[test]
fn a_generated_organisation_changes_as_announced() {
    for seed in [1, 7] {
        let wanted = |day| Generated { documents: 300, seed, day, ..Generated::default() };
        let world = World::new(Organisation::generated(&wanted(1)));
        assert_eq!(world.mirror().documents(), Documents { seen: 300, added: 300, ..Documents::default() });
        for day in [2, 3] {
            let next = Organisation::generated(&wanted(day));
            let changes = next.day_changes();
            world.edit(|o| *o = next);
            let ran = world.mirror();
            let d = ran.documents();
            let moved = changes.renamed + changes.moved + changes.below_renamed_folders;
            assert_eq!(
                (d.updated, d.moved, d.added, d.removed, d.failed, d.withheld),
                (changes.revised as u64, moved as u64, changes.added as u64, changes.removed as u64, 0, 0),
                "seed {seed}, day {day}: {changes:?}"
            );
            assert_eq!(ran.exit(), Exit::Complete);
            world.assert_nothing_planned();
        }
    }
}

#[test]
fn past_places_and_metadata_labels_are_kept() {
    let small = small();
    let world = &small.world;
    let path = format!("SELECT path FROM documents WHERE id = '{}'", small.a);
    let before: String = world.sql(&path);
    assert!(world.sql::<i64>("SELECT min(json_valid(schema)) FROM binders") == 1, "the metadata elements are kept");
    world.edit(|o| o.rename_document(&small.a, "renamed.txt")).unwrap();
    world.mirror();
    let past = format!("FROM past_places WHERE document = '{}'", small.a);
    assert_eq!(world.sql::<String>(&format!("SELECT path {past}")), before);
    let (first, ended): (i64, i64) =
        (world.sql(&format!("SELECT first_run {past}")), world.sql(&format!("SELECT ended_run {past}")));
    assert!(first < ended, "{first} {ended}");
    assert!(world.sql::<String>(&path).ends_with("/renamed.txt"));
    assert_eq!(world.sql::<i64>("SELECT place_run FROM documents ORDER BY place_run DESC LIMIT 1"), ended);
}
