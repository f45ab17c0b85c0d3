//! Documents and folders that need each other's names.

use ibinder_sync::{
    sandbox::{Organisation, Reply, Route},
    session::Exit,
};

use crate::harness::{Ran, World};

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

/// One run produces this tree without downloads of other documents and without warnings, and the next has nothing to
/// do.
fn converges(world: &World, downloads: u64, expected: &[(&str, &str)]) {
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
    converges(&b.world, 0, &[("B/T/x2", "file"), ("B/T/x/in.txt", "in")]);
}

#[test]
fn a_folder_gets_the_name_of_a_document_that_leaves() {
    let b = beside();
    b.world.edit(|o| {
        o.rename_document(&b.x, "y").unwrap();
        o.rename_folder(&b.x2, "x").unwrap();
        // It is downloaded before the folder has its name.
        o.add_document(&b.binder, Some(&b.x2), "new.txt", "new").unwrap();
    });
    converges(&b.world, 1, &[("B/T/y", "file"), ("B/T/x/in.txt", "in"), ("B/T/x/new.txt", "new")]);
}

#[test]
fn a_folder_does_not_get_the_name_of_a_document_that_stays() {
    let b = beside();
    b.world.edit(|o| o.rename_folder(&b.x2, "x")).unwrap();
    let inner = format!("B/T/x [{}]/in.txt", &b.x2[..8]);
    converges(&b.world, 0, &[("B/T/x", "file"), (&inner, "in")]);
    // The name stays although the document leaves later.
    b.world.edit(|o| o.rename_document(&b.x, "y")).unwrap();
    converges(&b.world, 0, &[("B/T/y", "file"), (&inner, "in")]);
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
    converges(&b.world, 0, &[("B/T/x2", "inner"), ("B/T/x/in.txt", "in"), ("B/T/x/x", "file")]);
}

/// A binder `A` with a document `x`, and a binder `B` with a folder `x` that holds a document.
struct Binders {
    world: World,
    a: String,
    b: String,
    x: String,
}

fn binders() -> Binders {
    let mut o = Organisation::empty();
    let a = o.add_binder("A");
    let b = o.add_binder("B");
    o.add_document(&a, None, "x", "file").unwrap();
    let x = o.add_folder(&b, None, "x").unwrap();
    o.add_document(&b, Some(&x), "in.txt", "in").unwrap();
    let world = World::new(o);
    world.mirror();
    Binders { world, a, b, x }
}

impl Binders {
    fn swap(&self) {
        self.world.edit(|o| {
            o.rename_binder(&self.a, "B").unwrap();
            o.rename_binder(&self.b, "A").unwrap();
        });
    }
}

#[test]
fn binders_swap_names_where_one_has_a_document_and_the_other_a_folder_of_a_name() {
    let binders = binders();
    binders.swap();
    converges(&binders.world, 0, &[("B/x", "file"), ("A/x/in.txt", "in")]);
}

#[test]
fn a_new_document_goes_into_a_folder_whose_path_is_still_a_file() {
    let binders = binders();
    binders.swap();
    binders.world.edit(|o| {
        let sub = o.add_folder(&binders.b, Some(&binders.x), "sub").unwrap();
        o.add_document(&binders.b, Some(&binders.x), "new.txt", "new").unwrap();
        o.add_document(&binders.b, Some(&sub), "new.txt", "deep").unwrap();
    });
    let tree = [("B/x", "file"), ("A/x/in.txt", "in"), ("A/x/new.txt", "new"), ("A/x/sub/new.txt", "deep")];
    converges(&binders.world, 2, &tree);
}

/// The file `A/x` stays where it is, since its binder can't be read, and nothing goes below it.
#[test]
fn a_document_that_stays_keeps_others_out_of_a_folder_of_its_path() {
    let binders = binders();
    binders.swap();
    binders.world.edit(|o| o.add_document(&binders.b, Some(&binders.x), "new.txt", "new")).unwrap();
    let a = binders.a.clone();
    binders.world.sandbox.hook(move |asked| {
        let is_search = asked.route == Route::Search && String::from_utf8_lossy(asked.body).contains(&a);
        is_search.then(|| Reply::status(500))
    });
    let ran = binders.world.run();
    assert_eq!((ran.exit(), ran.documents().failed), (Exit::Partial, 0), "{ran:?}");
    let beside = format!("A/x [{}]/new.txt", &binders.x[..8]);
    binders.world.assert_tree(&[("A/x", "file"), ("B/x/in.txt", "in"), (&beside, "new")]);
    binders.world.sandbox.unhook();
    converges(&binders.world, 0, &[("B/x", "file"), ("A/x/in.txt", "in"), ("A/x/new.txt", "new")]);
}
