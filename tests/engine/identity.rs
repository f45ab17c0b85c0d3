//! A document is mirrored once, however often and however differently pages list it.

use ibinder_sync::{
    sandbox::{DocumentView, Organisation, Reply, Route},
    session::Exit,
};
use serde_json::{Value, json};

use crate::{
    disk,
    harness::{Ran, World},
};

/// A binder with two tabs and twenty mirrored documents, and a new one with two versions.
struct Twice {
    world: World,
    binder: String,
    tabs: [String; 2],
    id: String,
    older: String,
}

fn twice() -> Twice {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let tabs = ["Avtal", "Ritningar"].map(|name| o.add_folder(&binder, None, name).unwrap());
    for n in 0..20 {
        o.add_document(&binder, Some(&tabs[0]), &format!("{n}.txt"), format!("bytes {n}")).unwrap();
    }
    let world = World::new(o);
    world.mirror();
    let id = world.edit(|o| o.add_document(&binder, Some(&tabs[0]), "new.txt", "older").unwrap());
    let older = view(&world, &id).version;
    world.edit(|o| o.revise(&id, "newer")).unwrap();
    Twice { world, binder, tabs, id, older }
}

fn view(world: &World, id: &str) -> DocumentView {
    world.edit(|o| o.documents()).into_iter().find(|d| d.id == id).unwrap()
}

impl Twice {
    fn item(&self, d: &DocumentView) -> Value {
        json!({"id": d.id, "fileName": d.file_name, "binderId": d.binder, "folderId": self.tabs[0], "latestVersionId": d.version})
    }

    /// A run with pages that list the known documents, and the new one as `place` wants it.
    fn run(&self, size: usize, place: impl FnOnce(&mut Vec<Value>, Value)) -> Ran {
        let documents = self.world.edit(|o| o.documents());
        let known = documents.iter().filter(|d| d.id != self.id);
        let mut items: Vec<Value> = known.map(|d| self.item(d)).collect();
        place(&mut items, self.item(&view(&self.world, &self.id)));
        let total = documents.len();
        self.world.sandbox.hook(move |asked| {
            let number = asked.target.split("pageNumber=").nth(1).filter(|_| asked.route == Route::Search)?;
            let number: usize = number.split('&').next()?.parse().ok()?;
            let page: Vec<&Value> = items.iter().skip((number - 1) * size).take(size).collect();
            let page = json!({"items": page, "totalCount": total, "pageNumber": number, "pageSize": size});
            Some(Reply::json(200, &page))
        });
        let ran = self.world.run();
        self.world.sandbox.unhook();
        ran
    }

    /// One row and one file, which the next normal run confirms.
    fn assert_one(&self, what: &str) {
        assert_eq!(disk::files(&self.world.dest()).len(), 21, "{what}");
        assert_eq!(self.world.sql::<i64>("SELECT count(*) FROM documents"), 21, "{what}");
        self.world.mirror();
    }
}

#[test]
fn a_document_that_is_listed_twice_has_one_job_one_name_and_one_file() {
    type Place = fn(&mut Vec<Value>, Value);
    let at_both_ends: Place = |items, new| {
        items.insert(0, new.clone());
        items.push(new);
    };
    let ways: [(&str, usize, Place); 5] = [
        ("beside each other", 30, |items, new| items.splice(5..5, [new.clone(), new]).for_each(drop)),
        ("far apart", 30, at_both_ends),
        ("on two pages", 11, at_both_ends),
        ("with its id in other case", 30, |items, new| {
            let mut other = new.clone();
            other["id"] = new["id"].as_str().unwrap().to_uppercase().into();
            items.extend([new, other]);
        }),
        ("four times", 30, |items, new| items.extend([new.clone(), new.clone(), new.clone(), new])),
    ];
    for (what, size, place) in ways {
        let twice = twice();
        let (links, ran) = twice.world.requests(Route::DownloadLink, || twice.run(size, place));
        let documents = ran.documents();
        assert_eq!(
            (ran.exit(), links, documents.added, documents.failed),
            (Exit::Complete, 1, 1, 0),
            "{what}: {ran:?}"
        );
        assert_eq!((documents.seen, documents.unchanged), (21, 20), "{what}: {ran:?}");
        twice.assert_one(what);
    }
}

#[test]
fn the_later_of_two_different_items_counts() {
    // On one page, and on two.
    for size in [30, 11] {
        let twice = twice();
        let ran = twice.run(size, |items, new| {
            let earlier = json!({"id": new["id"], "fileName": "earlier.txt", "folderId": twice.tabs[1],
                "binderId": twice.binder, "latestVersionId": twice.older});
            items.insert(0, earlier);
            items.push(new);
        });
        let files = disk::files(&twice.world.dest());
        assert_eq!(files.get("Brf Eken/Avtal/new.txt").map(Vec::as_slice), Some(&b"newer"[..]), "{size}: {ran:?}");
        twice.assert_one("two items that differ");
    }
}

#[test]
fn a_known_document_moves_to_the_place_of_the_later_item() {
    let twice = twice();
    twice.world.mirror();
    let ran = twice.run(30, |items, new| {
        for name in ["earlier.txt", "later.txt"] {
            let mut item = new.clone();
            item["fileName"] = name.into();
            items.push(item);
        }
    });
    assert_eq!((ran.documents().moved, ran.documents().added), (1, 0), "{ran:?}");
    assert!(twice.world.at("Brf Eken/Avtal/later.txt").exists());
    twice.assert_one("two names");
}

#[test]
fn a_new_document_in_two_binders_has_one_file() {
    let twice = twice();
    let (other, d) = (twice.world.edit(|o| o.add_binder("Brf Linden")), view(&twice.world, &twice.id));
    let twin = json!({"id": d.id, "fileName": d.file_name, "binderId": other, "latestVersionId": d.version});
    let page = json!({"items": [twin], "totalCount": 1, "pageNumber": 1, "pageSize": 250});
    twice.world.sandbox.hook(move |asked| {
        let other = asked.route == Route::Search && String::from_utf8_lossy(asked.body).contains(&other);
        other.then(|| Reply::json(200, &page))
    });
    let ran = twice.world.run();
    twice.world.sandbox.unhook();
    assert_eq!((ran.exit(), ran.documents().seen), (Exit::Complete, 21), "{ran:?}");
    twice.assert_one("two binders");
}
