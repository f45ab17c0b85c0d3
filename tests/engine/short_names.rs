//! File systems with shorter names than the usual 255 bytes.

use std::{collections::BTreeMap, fs};

use ibinder_sync::{
    report::Documents,
    sandbox::{Organisation, Sandbox},
    session::Exit,
};

use crate::{
    disk::files,
    harness::{Ran, World},
};

/// The longest name on eCryptfs, in bytes.
const LONGEST: usize = 143;

/// Two names that only differ far beyond the limit.
fn twins() -> [String; 2] {
    ["norr", "söder"].map(|end| format!("{} {end}", "Relationsritningar för åtgärder ".repeat(5)))
}

/// Two binders with two tabs each, two folders in each tab, and two documents in each folder. All names begin alike.
fn organisation() -> Organisation {
    let mut o = Organisation::empty();
    for binder in twins() {
        let binder = o.add_binder(&binder);
        for tab in twins() {
            let tab = o.add_folder(&binder, None, &tab).unwrap();
            for folder in twins() {
                let folder = o.add_folder(&binder, Some(&tab), &folder).unwrap();
                for name in twins() {
                    let text = format!("{binder} {tab} {folder} {name}");
                    o.add_document(&binder, Some(&folder), &format!("{name}.pdf"), text).unwrap();
                }
            }
        }
    }
    o
}

/// A run on a file system with short names.
fn run_short(world: &World) -> Ran {
    world.run_on(&world.config(world.given()), |mirror| mirror.with_longest_name(LONGEST))
}

/// The paths of the tree by their bytes.
fn paths(world: &World) -> BTreeMap<Vec<u8>, String> {
    let files = files(&world.dest());
    let paths: BTreeMap<Vec<u8>, String> = files.into_iter().map(|(path, bytes)| (bytes, path)).collect();
    assert_eq!(paths.len(), documents(&world.sandbox));
    paths
}

fn documents(sandbox: &Sandbox) -> usize {
    sandbox.with_organisation(|o| o.documents().len())
}

#[track_caller]
fn assert_unchanged(ran: &Ran, documents: u64) {
    let expected = Documents { seen: documents, unchanged: documents, ..Documents::default() };
    assert_eq!((ran.exit(), ran.documents()), (Exit::Complete, expected), "{ran:?}");
}

#[track_caller]
fn assert_short(paths: &BTreeMap<Vec<u8>, String>) {
    for path in paths.values() {
        assert!(path.split('/').all(|name| name.len() <= LONGEST), "{path:?}");
    }
}

#[test]
fn names_on_every_level_are_shortened_and_stay_distinct() {
    let world = World::new(organisation());
    let ran = run_short(&world);
    assert_eq!((ran.exit(), ran.documents().added), (Exit::Complete, 16), "{ran:?}");
    let first = paths(&world);
    assert_short(&first);
    for depth in 1..=4 {
        let prefix = |path: &String| path.split('/').take(depth).collect::<Vec<_>>().join("/");
        let prefixes: std::collections::BTreeSet<String> = first.values().map(prefix).collect();
        assert_eq!(prefixes.len(), 1 << depth, "{prefixes:?}");
    }
    // The names are kept, also on a file system that allows longer ones.
    assert_unchanged(&run_short(&world), 16);
    assert_unchanged(&world.run(), 16);
    assert_eq!(paths(&world), first);
}

#[test]
fn a_renamed_level_is_shortened_too() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Ek");
    let folder = o.add_folder(&binder, None, "El").unwrap();
    let document = o.add_document(&binder, Some(&folder), "a.pdf", "a").unwrap();
    let world = World::new(o);
    assert_eq!(run_short(&world).exit(), Exit::Complete);
    let [long, _] = twins();
    world.edit(|o| {
        o.rename_binder(&binder, &long).unwrap();
        o.rename_folder(&folder, &long).unwrap();
        o.rename_document(&document, &format!("{long}.pdf")).unwrap();
    });
    let ran = run_short(&world);
    assert_eq!((ran.exit(), ran.documents().moved), (Exit::Complete, 1), "{ran:?}");
    assert_short(&paths(&world));
    assert_unchanged(&run_short(&world), 1);
}

#[test]
fn a_mirror_copied_to_shorter_names_is_complete_after_one_run() {
    let mut o = organisation();
    let [long, _] = twins();
    let binder = o.add_binder("Kort");
    o.add_document(&binder, None, "kort.pdf", "short").unwrap();
    let document = o.add_document(&binder, None, &format!("{long}.pdf"), "only its own name is long").unwrap();
    let world = World::new(o);
    world.mirror();
    // A copy on that file system lacks the names that it refuses.
    for entry in fs::read_dir(world.dest()).unwrap().map(Result::unwrap) {
        if entry.file_name().len() > LONGEST {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    fs::remove_file(world.at(&format!("Kort/{long}.pdf"))).unwrap();
    world.edit(|o| o.revise(&document, "revised meanwhile")).unwrap();
    let ran = run_short(&world);
    assert_eq!((ran.exit(), ran.documents().failed), (Exit::Complete, 0), "{ran:?}");
    assert_eq!((ran.documents().added, ran.documents().updated, ran.documents().removed), (16, 1, 0), "{ran:?}");
    assert_short(&paths(&world));
    assert_eq!(paths(&world)[&b"short"[..]], "Kort/kort.pdf");
    assert!(paths(&world).contains_key(&b"revised meanwhile"[..]));
    assert_unchanged(&run_short(&world), 18);
}

#[test]
fn folders_with_longer_names_are_renamed_without_downloads() {
    let world = World::new(organisation());
    world.mirror();
    let before: Vec<Vec<u8>> = paths(&world).into_keys().collect();
    let (downloads, ran) = world.requests(ibinder_sync::sandbox::Route::Blob, || run_short(&world));
    assert_eq!((ran.exit(), ran.documents().moved, downloads), (Exit::Complete, 16, 0), "{ran:?}");
    assert_short(&paths(&world));
    assert_eq!(paths(&world).into_keys().collect::<Vec<_>>(), before);
    assert_unchanged(&run_short(&world), 16);
}
