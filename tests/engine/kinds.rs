//! Documents and folders that want each other's names.

use ibinder_sync::sandbox::{Organisation, Route};

use crate::{
    crash::{Moment, run_until},
    harness::{Ran, World},
};

const FALSE_WARNING: &str = "is not a file of the mirror";

/// A document `x` beside a folder `x2` that holds a document.
struct Beside {
    world: World,
    binder: String,
    tab: String,
    x: String,
    x2: String,
}

fn beside() -> Beside {
    let mut o = Organisation::empty();
    let binder = o.add_binder("B");
    let tab = o.add_folder(&binder, None, "T").unwrap();
    let x = o.add_document(&binder, Some(&tab), "x", "file").unwrap();
    let x2 = o.add_folder(&binder, Some(&tab), "x2").unwrap();
    o.add_document(&binder, Some(&x2), "in.txt", "in").unwrap();
    let world = World::new(o);
    world.mirror();
    world.assert_tree(&[("B/T/x", "file"), ("B/T/x2/in.txt", "in")]);
    Beside { world, binder, tab, x, x2 }
}

/// One run brings this tree without a download or a warning, and the next has nothing to do.
fn settles(world: &World, downloads: u64, expected: &[(&str, &str)]) {
    let (blobs, ran): (u64, Ran) = world.requests(Route::Blob, || world.mirror());
    assert_eq!(blobs, downloads);
    assert!(!ran.warns_of(FALSE_WARNING), "{ran:?}");
    world.assert_tree(expected);
    world.assert_nothing_planned();
    let ran = world.mirror();
    assert_eq!(ran.documents().moved, 0);
    world.assert_tree(expected);
}

#[test]
fn a_document_and_a_folder_swap_names() {
    let b = beside();
    b.world.edit(|o| {
        o.rename_document(&b.x, "x2").unwrap();
        o.rename_folder(&b.x2, "x").unwrap();
    });
    settles(&b.world, 0, &[("B/T/x2", "file"), ("B/T/x/in.txt", "in")]);
}

#[test]
fn a_folder_gets_the_name_of_a_document_that_leaves() {
    let b = beside();
    b.world.edit(|o| {
        o.rename_document(&b.x, "y").unwrap();
        o.rename_folder(&b.x2, "x").unwrap();
        // It is fetched before the folder has its name.
        o.add_document(&b.binder, Some(&b.x2), "new.txt", "new").unwrap();
    });
    settles(&b.world, 1, &[("B/T/y", "file"), ("B/T/x/in.txt", "in"), ("B/T/x/new.txt", "new")]);
}

#[test]
fn a_folder_does_not_get_the_name_of_a_document_that_stays() {
    let b = beside();
    b.world.edit(|o| o.rename_folder(&b.x2, "x")).unwrap();
    let inner = format!("B/T/x [{}]/in.txt", &b.x2[..8]);
    settles(&b.world, 0, &[("B/T/x", "file"), (&inner, "in")]);
    // A name once given stays when the document leaves later.
    b.world.edit(|o| o.rename_document(&b.x, "y")).unwrap();
    settles(&b.world, 0, &[("B/T/y", "file"), (&inner, "in")]);
}

#[test]
fn a_document_gets_the_name_of_its_folder_and_goes_into_one_of_its_name() {
    let b = beside();
    let inner = b.world.edit(|o| o.add_document(&b.binder, Some(&b.x2), "x2", "inner")).unwrap();
    b.world.mirror();
    b.world.edit(|o| {
        o.rename_folder(&b.x2, "x").unwrap();
        o.move_document(&inner, &b.binder, Some(&b.tab)).unwrap();
        o.move_document(&b.x, &b.binder, Some(&b.x2)).unwrap();
    });
    settles(&b.world, 0, &[("B/T/x2", "inner"), ("B/T/x/in.txt", "in"), ("B/T/x/x", "file")]);
}

#[test]
fn binders_swap_names_where_one_has_a_document_and_the_other_a_folder_of_a_name() {
    let mut o = Organisation::empty();
    let a = o.add_binder("A");
    let b = o.add_binder("B");
    o.add_document(&a, None, "x", "file").unwrap();
    let x = o.add_folder(&b, None, "x").unwrap();
    o.add_document(&b, Some(&x), "in.txt", "in").unwrap();
    let world = World::new(o);
    world.mirror();
    world.edit(|o| {
        o.rename_binder(&a, "B").unwrap();
        o.rename_binder(&b, "A").unwrap();
    });
    settles(&world, 0, &[("B/x", "file"), ("A/x/in.txt", "in")]);
}

#[test]
fn a_swap_that_was_cut_off_is_finished() {
    for count in 1..=3 {
        let b = beside();
        b.world.edit(|o| {
            o.rename_document(&b.x, "x2").unwrap();
            o.rename_folder(&b.x2, "x").unwrap();
            o.add_document(&b.binder, Some(&b.x2), "new.txt", "new").unwrap();
        });
        run_until(&b.world, Moment::Files(count));
        let ran = b.world.mirror();
        assert!(!ran.warns_of(FALSE_WARNING), "{ran:?}");
        b.world.assert_tree(&[("B/T/x2", "file"), ("B/T/x/in.txt", "in"), ("B/T/x/new.txt", "new")]);
        b.world.assert_nothing_planned();
    }
}
