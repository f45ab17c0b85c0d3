//! Pages, links and lookups by id that contradict each other, in every combination.
//!
//! The expected outcomes are in a table of `docs/reliability.md`, which is read here.

use std::{collections::HashMap, fs, path::Path, sync::Arc};

use ibinder_sync::{
    sandbox::{DocumentView, HookRequest, Organisation, Reply, Route},
    session::Exit,
};
use serde_json::{Value, json};

use crate::{
    disk,
    harness::{Ran, World},
};

const PAGES: [&str; 4] = ["listed", "twice", "moved", "missing"];
const BEFORE: [&str; 4] = ["new", "mirrored", "revised", "file missing"];
const LINK: [&str; 5] = ["works", "404", "401", "403", "5xx"];
const BY_ID: [&str; 5] = ["same", "other", "404", "401", "5xx"];

/// The outcome of a combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    tree: &'static str,
    fails: bool,
}

/// A document, and what the service says about it.
#[derive(Debug)]
struct Case {
    pages: &'static str,
    before: &'static str,
    link: &'static str,
    by_id: &'static str,
    end: End,
}

/// The rows of the table: their cells and outcomes.
fn table() -> Vec<([Vec<String>; 4], End)> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md")).unwrap();
    let rows = page.split("| pages | before |").nth(1).unwrap().lines().skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let cell = |n: usize| cells[n].split(", ").map(str::to_owned).collect::<Vec<_>>();
        let ends = ["as listed", "as by id", "as before", "nothing"];
        let tree = ends.into_iter().find(|end| *end == cells[4]).unwrap_or_else(|| panic!("{line}"));
        assert!(cells.len() == 6 && ["complete", "fails"].contains(&cells[5]), "{line}");
        ([cell(0), cell(1), cell(2), cell(3)], End { tree, fails: cells[5] == "fails" })
    });
    rows.collect()
}

/// Every combination. Each row of the table must be the first match for some of them.
fn cases() -> Vec<Case> {
    let table = table();
    let mut used = vec![false; table.len()];
    let mut cases = Vec::new();
    for pages in PAGES {
        for before in BEFORE {
            for link in LINK {
                for by_id in BY_ID {
                    let said = [pages, before, link, by_id];
                    let fits = |cells: &[Vec<String>; 4]| {
                        cells.iter().zip(said).all(|(cell, said)| cell.iter().any(|c| c == "any" || c == said))
                    };
                    let row = table.iter().position(|(cells, _)| fits(cells)).unwrap_or_else(|| panic!("{said:?}"));
                    used[row] = true;
                    cases.push(Case { pages, before, link, by_id, end: table[row].1 });
                }
            }
        }
    }
    assert!(used.iter().all(|used| *used), "a row that matches no combination: {used:?}");
    cases
}

/// A document of a world.
struct Document {
    case: Case,
    id: String,
    /// The version that pages list, and the one that a lookup by id may name.
    listed: String,
    other: String,
    file_name: String,
    folder: String,
}

impl Document {
    fn item(&self, binder: &str, version: &str) -> Value {
        json!({"id": self.id, "fileName": self.file_name, "binderId": binder, "folderId": self.folder, "latestVersionId": version})
    }

    /// The version whose link responds as the case says; links of all others work.
    fn wanted(&self) -> &str {
        if self.case.pages == "missing" && self.case.by_id == "other" { &self.other } else { &self.listed }
    }

    /// The text that its file should have.
    fn expected(&self) -> Option<String> {
        let text = |which: &str| Some(format!("{which} {}", self.id));
        match (self.case.end.tree, self.case.before, self.case.by_id) {
            ("as listed", ..) | ("as by id", _, "same") | ("as before", "mirrored", _) => text("listed"),
            ("as by id", ..) => text("other"),
            ("as before", "revised", _) => text("old"),
            _ => None,
        }
    }
}

struct Contradicted {
    world: World,
    binder: String,
    documents: Arc<Vec<Document>>,
    /// Unchanged and always listed last: its lookup by id is the control for removals.
    control: Value,
}

fn view(o: &Organisation, id: &str) -> DocumentView {
    o.documents().into_iter().find(|d| d.id == id).unwrap()
}

/// A mirror of an organisation that has changed since, as the cases say.
fn contradicted(cases: Vec<Case>) -> Contradicted {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let [tab, elsewhere] = ["Avtal", "Ritningar"].map(|name| o.add_folder(&binder, None, name).unwrap());
    let control = o.add_document(&binder, Some(&tab), "control.txt", "control").unwrap();
    let name = |n: usize| format!("{n}.txt");
    let add = |o: &mut Organisation, n: usize| o.add_document(&binder, Some(&tab), &name(n), "").unwrap();
    let mut ids: HashMap<usize, String> = HashMap::new();
    for (n, case) in cases.iter().enumerate().filter(|(_, case)| case.before != "new") {
        let id = add(&mut o, n);
        let which = if case.before == "revised" { "old" } else { "listed" };
        o.revise(&id, format!("{which} {id}")).unwrap();
        ids.insert(n, id);
    }
    let world = World::new(o);
    world.mirror();
    let documents = cases.into_iter().enumerate().map(|(n, case)| {
        world.edit(|o| {
            let id = ids.remove(&n).unwrap_or_else(|| add(o, n));
            if ["new", "revised"].contains(&case.before) {
                o.revise(&id, format!("listed {id}")).unwrap();
            }
            if case.pages == "moved" {
                o.rename_document(&id, &format!("moved {n}.txt")).unwrap();
                o.move_document(&id, &binder, Some(&elsewhere)).unwrap();
            }
            if case.before == "file missing" {
                fs::remove_file(world.at(&format!("Brf Eken/Avtal/{n}.txt"))).unwrap();
            }
            let shown = view(o, &id);
            o.revise(&id, format!("other {id}")).unwrap();
            let folder = if case.pages == "moved" { elsewhere.clone() } else { tab.clone() };
            let other = view(o, &id).version;
            Document { case, id, listed: shown.version, other, file_name: shown.file_name, folder }
        })
    });
    let documents = Arc::new(documents.collect::<Vec<_>>());
    let shown = world.edit(|o| view(o, &control));
    let control = json!({"id": control, "fileName": shown.file_name, "binderId": binder, "folderId": tab, "latestVersionId": shown.version});
    Contradicted { world, binder, documents, control }
}

fn refusal(answer: &str) -> Reply {
    match answer {
        "404" => Reply::problem(404, "Not found"),
        "401" => Reply::problem(401, "Unauthorized"),
        "403" => Reply::problem(403, "Forbidden"),
        _ => Reply::problem(500, "An unexpected error occurred"),
    }
}

impl Contradicted {
    /// The items on the pages: all documents except for missing ones, duplicates, and the control.
    fn items(&self) -> (Vec<Value>, usize) {
        let of = |pages: &[&str]| {
            let shown = self.documents.iter().filter(|d| pages.contains(&d.case.pages));
            shown.map(|d| d.item(&self.binder, &d.listed)).collect::<Vec<_>>()
        };
        let mut items = of(&["listed", "twice", "moved"]);
        let total = items.len() + 1;
        items.extend(of(&["twice"]));
        items.push(self.control.clone());
        (items, total)
    }

    /// A run against the cases' responses that accepts all removals that it can confirm.
    fn run(&self) -> Ran {
        const SIZE: usize = 250;
        let (documents, binder) = (Arc::clone(&self.documents), self.binder.clone());
        let (items, total) = self.items();
        let pages = total.div_ceil(SIZE);
        let page = move |number: usize| {
            let last = if number == pages { items.len() } else { number * SIZE };
            let items = items.get((number - 1) * SIZE..last).unwrap_or_default();
            Reply::json(200, &json!({"items": items, "totalCount": total, "pageNumber": number, "pageSize": SIZE}))
        };
        self.world.sandbox.hook(move |asked: &HookRequest<'_>| {
            let path: Vec<&str> = asked.target.split(['/', '?']).collect();
            let document = documents.iter().find(|d| path.get(3) == Some(&d.id.as_str()));
            match (asked.route, document) {
                (Route::Search, _) => {
                    let number = asked.target.split("pageNumber=").nth(1).unwrap().split('&').next().unwrap();
                    Some(page(number.parse().unwrap()))
                }
                (Route::DownloadLink, Some(d)) if d.case.link != "works" && path[5] == d.wanted() => {
                    Some(refusal(d.case.link))
                }
                (Route::Document, Some(d)) => Some(match d.case.by_id {
                    "same" => Reply::json(200, &d.item(&binder, &d.listed)),
                    "other" => Reply::json(200, &d.item(&binder, &d.other)),
                    answer => refusal(answer),
                }),
                _ => None,
            }
        });
        let ran = self.world.run_with(|given| given.max_removals = "100%".parse().unwrap());
        self.world.sandbox.unhook();
        ran
    }

    /// Checks the tree: each document has one file at most.
    fn assert_tree(&self, ran: &Ran) {
        let files = disk::files(&self.world.dest());
        let database = rusqlite::Connection::open(self.world.database()).unwrap();
        let mut rows = database.prepare("SELECT id, path FROM documents").unwrap();
        let pair = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let paths: HashMap<String, String> = rows.query_map([], pair).unwrap().map(Result::unwrap).collect();
        let mut wrong = Vec::new();
        for d in &*self.documents {
            let bytes = paths.get(&d.id).and_then(|path| files.get(path));
            let found = bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            if found != d.expected() {
                wrong.push(format!("{:?}: {found:?}", d.case));
            }
        }
        assert!(wrong.is_empty(), "{}\n{:?}", wrong.join("\n"), ran.finished.tally.warnings());
        let expected = self.documents.iter().filter(|d| d.expected().is_some()).count() + 1;
        assert_eq!(files.len(), expected, "files that belong to no document");
    }

    fn assert_failures(&self, ran: &Ran) {
        let failures = ran.finished.tally.failures();
        let mut failed: Vec<&str> = failures.iter().filter_map(|f| f.document_id.as_deref()).collect();
        failed.sort_unstable();
        let mut expected: Vec<&str> =
            self.documents.iter().filter(|d| d.case.end.fails).map(|d| d.id.as_str()).collect();
        expected.sort_unstable();
        let only = |these: &[&str], those: &[&str]| {
            let odd =
                self.documents.iter().filter(|d| these.contains(&d.id.as_str()) && !those.contains(&d.id.as_str()));
            odd.map(|d| format!("{:?}", d.case)).collect::<Vec<_>>().join("\n")
        };
        assert!(
            failed == expected,
            "fails:\n{}\ndoes not fail:\n{}",
            only(&failed, &expected),
            only(&expected, &failed)
        );
    }
}

#[test]
fn every_combination_ends_as_the_table_says() {
    let (failing, complete): (Vec<Case>, Vec<Case>) = cases().into_iter().partition(|case| case.end.fails);
    assert_eq!(failing.len() + complete.len(), PAGES.len() * BEFORE.len() * LINK.len() * BY_ID.len());
    for (cases, exit) in [(complete, Exit::Complete), (failing, Exit::Partial)] {
        let contradicted = contradicted(cases);
        let ran = contradicted.run();
        contradicted.assert_failures(&ran);
        contradicted.assert_tree(&ran);
        assert_eq!(ran.exit(), exit, "{:?}", ran.finished.ended);
        contradicted.world.mirror();
    }
}
