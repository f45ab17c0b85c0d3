//! The catalogue for people beside the tree.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use ibinder_sync::{
    model::{STATE_FOLDER, catalogue_head},
    sandbox::Organisation,
};
use serde_json::{Value, json};

use crate::{
    disk,
    harness::{World, exists},
    program::{Done, finish, mirroring, mirroring_command},
};

/// Names that must stay text.
const HOSTILE: [&str; 6] = [
    "<img src=x onerror=alert(1)>.txt",
    "</script><script>alert(1)</script>.txt",
    "javascript:alert(1).txt",
    "..%2f..%2fetc%2fpasswd",
    "plan\u{202e}txt.exe",
    "a\u{2028}b`${alert(1)}`.txt",
];

/// An organisation with two binders, and their ids.
pub(crate) fn two_binders() -> (World, [String; 2], Vec<String>) {
    let mut o = Organisation::empty();
    let binders = ["Brf Eken", "Brf Linden"].map(|name| o.add_binder(name));
    let mut ids = Vec::new();
    for (n, binder) in binders.iter().enumerate() {
        let tab = o.add_folder(binder, None, "Avtal").unwrap();
        for name in ["hyra.txt", "el.txt"] {
            ids.push(o.add_document(binder, Some(&tab), &format!("{n} {name}"), format!("{n} {name}")).unwrap());
        }
        ids.push(o.add_document(binder, None, &format!("{n} top.txt"), format!("{n} top")).unwrap());
    }
    (World::new(o), binders, ids)
}

fn run(world: &World, flags: &[&str]) -> Done {
    mirroring(world, "run", &[&["--catalogue"], flags].concat())
}

fn command(world: &World, arguments: &[&str]) -> Done {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ibinder-sync"));
    command.args(arguments).arg("--dest").arg(world.dest()).env_clear().env("IBINDER_CONFIG", "/dev/null");
    finish(command.stdin(std::process::Stdio::null()))
}

/// Every file of a catalogue, by its path from the folder.
pub(crate) fn catalogue_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    disk::files(folder).into_iter().filter(|(path, _)| catalogue_head(path).is_some()).collect()
}

/// The arguments of a script's call.
fn arguments(script: &[u8]) -> Value {
    let text = std::str::from_utf8(script).unwrap();
    let inside = text.split_once('(').unwrap().1.strip_suffix(");\n").unwrap();
    serde_json::from_str(&format!("[{inside}]")).unwrap()
}

/// A catalogue as a browser would read it, beginning with `start.js`.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) start: Value,
    pub(crate) binders: Value,
    pub(crate) changes: Value,
    /// Paths of documents with their search data, from the tree's root.
    pub(crate) documents: BTreeMap<String, String>,
    /// Versions by document.
    versions: BTreeMap<String, Value>,
    /// Names of files.
    reached: BTreeSet<String>,
}

/// Reads a catalogue: every file that it leads to is there, and has the content that its name says.
pub(crate) fn read(folder: &Path) -> Seen {
    let data = |name: &str| {
        let bytes = fs::read(folder.join("index-data").join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let hash = &disk::sha256(&bytes)[..12];
        assert!(name == "start.js" || name.ends_with(&format!("-{hash}.js")), "{name} has other content");
        assert!(!bytes.contains(&b'<'), "{name} may contain HTML");
        arguments(&bytes)
    };
    let start = data("start.js")[0].clone();
    let mut seen = Seen { binders: data(start["binders"].as_str().unwrap())[0].clone(), ..Seen::default() };
    seen.reached.extend(["start.js".to_owned(), start["binders"].as_str().unwrap().to_owned()]);
    if let Some(name) = start["changes"].as_str() {
        seen.changes = data(name)[0].clone();
        seen.reached.insert(name.to_owned());
    }
    for binder in seen.binders.as_array().unwrap() {
        let names = |key: &str| binder[key].as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned());
        for (search, details) in names("search").zip(names("details")) {
            let [id, _, columns] = data(&search).as_array().unwrap().clone().try_into().unwrap();
            assert_eq!(id, binder["id"]);
            for (n, name) in columns["names"].as_array().unwrap().iter().enumerate() {
                let below = columns["folders"][usize::try_from(columns["folder"][n].as_u64().unwrap()).unwrap()]
                    .as_str()
                    .unwrap();
                let steps = [binder["path"].as_str().unwrap(), below, name.as_str().unwrap()];
                let path = steps.into_iter().filter(|step| !step.is_empty()).collect::<Vec<_>>().join("/");
                seen.documents.insert(path, columns["ids"][n].as_str().unwrap().to_owned());
            }
            for (id, versions) in data(&details)[2].as_object().unwrap() {
                seen.versions.insert(id.clone(), versions.clone());
            }
            seen.reached.extend([search, details]);
        }
    }
    seen.start = start;
    seen
}

/// The paths of all documents in the tree.
pub(crate) fn tree(world: &World) -> BTreeSet<String> {
    disk::files(&world.dest()).into_keys().filter(|path| catalogue_head(path).is_none()).collect()
}

#[track_caller]
fn assert_shows_the_tree(world: &World) -> Seen {
    let seen = read(&world.dest());
    assert_eq!(seen.documents.keys().cloned().collect::<BTreeSet<_>>(), tree(world));
    assert_eq!(seen.start["documents"], json!(seen.documents.len()));
    seen
}

/// Files of the catalogue that contain a text.
fn naming(world: &World, text: &str) -> Vec<String> {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    catalogue_files(&world.dest()).into_iter().filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path).collect()
}

/// The same complete run is the last one. Its row ends a moment after its report.
#[track_caller]
fn assert_certified_as(now: &Seen, before: &Seen) {
    let at = |seen: &Seen| seen.start["certified"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    assert!((0..=5).contains(&(at(now) - at(before))), "{} {}", now.start, before.start);
    assert!(at(now) <= now.start["run"]["finished"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second());
}

/// Verify finds nothing but these extra files.
#[track_caller]
fn assert_extra(world: &World, expected: &[&str]) {
    let checked = command(world, &["verify", "--json"]).expect(0);
    let report: Value = serde_json::from_str(&checked.out).unwrap();
    let found: Vec<&str> = report["findings"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert_eq!(found, expected);
}

#[test]
fn without_the_setting_nothing_is_written() {
    let (world, _, _) = two_binders();
    mirroring(&world, "run", &[]).expect(0);
    assert_eq!(catalogue_files(&world.dest()).len(), 0);
    world.assert_mirrors();
}

#[test]
fn a_run_writes_a_page_and_all_data() {
    let (world, binders, ids) = two_binders();
    let command = &mut mirroring_command(&world, "run", &["--catalogue"]);
    finish(command.env("IBINDER_ORGANISATION_NAME", "Förvaltning <Syd>")).expect(0);
    let seen = assert_shows_the_tree(&world);
    assert_eq!(seen.start["organisation"], "Förvaltning <Syd>");
    assert_eq!((&seen.start["run"]["number"], &seen.start["run"]["outcome"]), (&json!(1), &json!("complete")));
    assert_eq!(seen.start["certified"], seen.start["run"]["finished"]);
    assert_eq!(seen.start["read"][&binders[0]], json!([seen.start["certified"], seen.start["certified"], null]));
    assert_eq!(
        (&seen.start["gaps"], &seen.start["folder"], &seen.start["scope"]),
        (&json!([]), &json!(""), &Value::Null)
    );
    assert_eq!(seen.binders[0]["documents"], 3);
    assert_eq!(seen.binders[0]["labels"], json!({"tab": "Flik", "category": "Kategori", "status": "Status"}));
    assert_eq!(seen.documents["Brf Eken/Avtal/0 hyra.txt"], ids[0]);
    assert_eq!(seen.versions[&ids[0]][0][2], json!(disk::sha256(b"0 hyra.txt")));
    assert_eq!(seen.changes[0]["counts"], json!({"added": 6}));
    assert_eq!(seen.changes[0]["items"][0][2], "Brf Eken/0 top.txt");
    // Whoever may read the documents may read it.
    let mode = |path: &str| fs::metadata(world.at(path)).unwrap().permissions().mode() & 0o777;
    for path in catalogue_files(&world.dest()).keys() {
        assert_eq!(mode(path), mode("Brf Eken/0 top.txt"), "{path}");
    }
    assert_eq!(mode("index-data"), mode("Brf Eken"));
    assert_extra(&world, &[]);
    assert_eq!(disk::leftovers(&world.dest()), Vec::<String>::new());
}

#[test]
fn an_unchanged_night_rewrites_start_alone() {
    for flags in [&[][..], &["--catalogue-per-binder"]] {
        let (world, _, _) = two_binders();
        run(&world, flags).expect(0);
        let inodes = || -> BTreeMap<String, u64> {
            let paths = catalogue_files(&world.dest()).into_keys();
            paths.map(|path| (path.clone(), fs::metadata(world.at(&path)).unwrap().ino())).collect()
        };
        let before = inodes();
        run(&world, flags).expect(0);
        let changed: Vec<String> =
            inodes().into_iter().filter(|(p, i)| before.get(p) != Some(i)).map(|(p, _)| p).collect();
        assert!(changed.iter().all(|path| path.ends_with("index-data/start.js")), "{changed:?}");
        assert_eq!(changed.len(), if flags.is_empty() { 1 } else { 3 });
        assert_eq!(read(&world.dest()).start["run"]["number"], 2);
    }
}

#[test]
fn only_data_of_changed_binders_are_rewritten() {
    let (world, _, ids) = two_binders();
    run(&world, &[]).expect(0);
    let before = read(&world.dest());
    for change in 0..4 {
        world.edit(|o| match change {
            0 => drop(o.revise(&ids[0], "new bytes").unwrap()),
            1 => o.rename_document(&ids[1], "renamed.txt").unwrap(),
            2 => o.remove_document(&ids[2]).unwrap(),
            _ => o.set_metadata(&ids[0], json!([{"metadataElementId": "GLOBAL_Status", "valueId": "sta-3"}])).unwrap(),
        });
        run(&world, &[]).expect(0);
        let after = assert_shows_the_tree(&world);
        assert_ne!(after.binders[0]["search"], before.binders[0]["search"], "{change}");
        assert_eq!(after.binders[1], before.binders[1], "{change}");
    }
    let after = read(&world.dest());
    assert_eq!(after.versions[&ids[0]][0][1], json!("new bytes".len()));
    assert_eq!(after.versions[&ids[0]].as_array().unwrap().len(), 1, "old versions are not shown");
    assert_eq!(after.changes[1]["counts"], json!({"moved": 1}));
    assert_eq!(after.changes[1]["items"][0][3], 0, "nor is an old name");
}

#[test]
fn what_is_in_no_start_is_deleted_a_run_later() {
    let (world, _, ids) = two_binders();
    run(&world, &[]).expect(0);
    let first = read(&world.dest()).reached;
    world.edit(|o| o.remove_document(&ids[0])).unwrap();
    run(&world, &[]).expect(0);
    // A page that is open still has its data.
    assert!(first.iter().all(|name| exists(&world.at("index-data").join(name))));
    assert_eq!(
        read(&world.dest()).changes[0],
        json!({
            "run": 2, "finished": read(&world.dest()).start["run"]["finished"], "counts": {"removed": 1}, "items": [],
        })
    );
    run(&world, &[]).expect(0);
    assert_eq!(naming(&world, "0 hyra.txt"), Vec::<String>::new());
    let left: BTreeSet<String> =
        fs::read_dir(world.at("index-data")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left, read(&world.dest()).reached);
}

#[test]
fn history_is_shown_only_on_request() {
    let (world, _, ids) = two_binders();
    run(&world, &[]).expect(0);
    world.edit(|o| {
        o.revise(&ids[1], "second").unwrap();
        o.rename_document(&ids[2], "other.txt").unwrap();
        o.remove_document(&ids[0]).unwrap();
    });
    run(&world, &["--catalogue-history"]).expect(0);
    let seen = read(&world.dest());
    let versions = seen.versions[&ids[1]].as_array().unwrap();
    assert_eq!((versions.len(), &versions[1][2], &versions[1][3]), (2, &json!(disk::sha256(b"0 el.txt")), &json!(1)));
    let items = seen.changes[0]["items"].to_string();
    assert!(items.contains("Brf Eken/Avtal/0 hyra.txt") && items.contains("Brf Eken/0 top.txt"), "{items}");
    // Without it, the names are gone from the next run's data, and a run later from all files.
    run(&world, &[]).expect(0);
    let seen = read(&world.dest());
    assert_eq!(seen.versions[&ids[1]].as_array().unwrap().len(), 1);
    assert!(!seen.changes.to_string().contains("0 hyra") && !seen.changes.to_string().contains("0 top"));
    run(&world, &[]).expect(0);
    assert_eq!(naming(&world, "0 hyra.txt"), Vec::<String>::new());
}

#[test]
fn a_purge_erases_a_document_from_every_file_at_once() {
    for flags in [&["--catalogue-history"][..], &["--catalogue-per-binder"]] {
        let (world, binders, ids) = two_binders();
        run(&world, flags).expect(0);
        world.edit(|o| o.rename_document(&ids[0], "Anna Andersson.txt").unwrap());
        run(&world, flags).expect(0);
        world.edit(|o| o.move_document(&ids[0], &binders[1], None).unwrap());
        run(&world, flags).expect(0);
        let traces = ["Anna Andersson", "0 hyra.txt", &ids[0]];
        assert!(traces.iter().any(|text| naming(&world, text).len() > 1));
        command(&world, &["purge", "--yes", &ids[0]]).expect(0);
        for text in traces {
            assert_eq!(naming(&world, text), Vec::<String>::new(), "{text}");
        }
        if flags == ["--catalogue-history"] {
            let seen = assert_shows_the_tree(&world);
            assert_eq!((&seen.start["run"]["number"], &seen.start["documents"]), (&json!(3), &json!(5)));
        }
        run(&world, flags).expect(0);
        assert_eq!(naming(&world, &ids[0]), Vec::<String>::new());
    }
}

/// A page that was deleted, a page of the user's beside the data, and data that a kill left.
#[test]
fn a_purge_leaves_nothing_where_no_catalogue_can_be_written() {
    for (page, start) in [(None, false), (Some("mine"), true), (None, true)] {
        let (world, _, ids) = two_binders();
        run(&world, &[]).expect(0);
        fs::remove_file(world.at("index.html")).unwrap();
        if let Some(text) = page {
            fs::write(world.at("index.html"), text).unwrap();
        } else if start {
            fs::remove_file(world.at("index-data/start.js")).unwrap();
        } else {
            fs::remove_dir_all(world.at("index-data")).unwrap();
        }
        command(&world, &["purge", "--yes", &ids[0]]).expect(0);
        assert_eq!(naming(&world, &ids[0]), Vec::<String>::new());
        assert!(!exists(&world.at("index-data")), "{page:?} {start}");
        assert_eq!(fs::read_to_string(world.at("index.html")).ok().as_deref(), page);
    }
}

#[test]
fn what_is_no_longer_to_be_shown_goes_at_once() {
    let (world, _, ids) = two_binders();
    run(&world, &["--catalogue-history"]).expect(0);
    world.edit(|o| o.rename_document(&ids[0], "now.txt").unwrap());
    run(&world, &["--catalogue-history"]).expect(0);
    assert!(!naming(&world, "0 hyra.txt").is_empty());
    run(&world, &[]).expect(0);
    assert_eq!(naming(&world, "0 hyra.txt"), Vec::<String>::new());
    run(&world, &["--catalogue-per-binder"]).expect(0);
    assert!(naming(&world, "now.txt").iter().all(|path| path.starts_with("Brf ")));
}

#[test]
fn an_interrupted_purge_is_finished_by_a_run_that_changes_more() {
    let (world, _, ids) = two_binders();
    run(&world, &[]).expect(0);
    let state = rusqlite::Connection::open(world.database()).unwrap();
    let begun = format!(
        "INSERT INTO purges (run, document, fingerprint, began_at) VALUES (1, '{}', x'{}', 0)",
        ids[0],
        disk::sha256(ids[0].as_bytes())
    );
    state.execute(&begun, []).unwrap();
    drop(state);
    world.edit(|o| o.rename_document(&ids[1], "renamed.txt")).unwrap();
    run(&world, &[]).expect(0);
    assert_eq!(naming(&world, "0 hyra.txt"), Vec::<String>::new());
    assert!(assert_shows_the_tree(&world).documents.contains_key("Brf Eken/Avtal/renamed.txt"));
}

#[test]
fn versions_that_retention_deletes_are_no_longer_held() {
    let (world, _, ids) = two_binders();
    run(&world, &["--catalogue-history"]).expect(0);
    for text in ["second", "third"] {
        world.edit(|o| o.revise(&ids[0], text)).unwrap();
        run(&world, &["--catalogue-history"]).expect(0);
    }
    let held =
        || read(&world.dest()).versions[&ids[0]].as_array().unwrap().iter().map(|v| v[3].clone()).collect::<Vec<_>>();
    assert_eq!(held(), [1, 1, 1]);
    run(&world, &["--catalogue-history", "--retain-versions", "1"]).expect(0);
    assert_eq!(held(), [1, 1, 0]);
}

#[test]
fn a_forgotten_binder_leaves_the_catalogue_at_once() {
    for flags in [&[][..], &["--catalogue-per-binder"]] {
        let (world, binders, ids) = two_binders();
        run(&world, flags).expect(0);
        let before = read(&world.dest());
        world.edit(|o| o.hide_binder(&binders[0])).unwrap();
        run(&world, flags).expect(4);
        let seen = read(&world.dest());
        assert_eq!(seen.start["gaps"], json!([{"kind": "inaccessible", "count": 1, "names": ["Brf Eken"]}]));
        assert!(seen.start["read"][&binders[0]][2].is_string());
        assert_certified_as(&seen, &before);
        command(&world, &["binders", "forget", "--yes", &binders[0]]).expect(0);
        assert_eq!(naming(&world, &ids[0]), Vec::<String>::new());
        assert_eq!(read(&world.dest()).binders.as_array().unwrap().len(), 1);
        assert!(!exists(&world.at("Brf Eken")), "an empty folder is left");
    }
}

#[test]
fn a_file_of_the_user_is_left_alone() {
    let cases: [(&str, &str); 3] = [("index.html", "mine"), ("index-data/a.txt", "mine"), ("INDEX.html", "mine")];
    for (name, text) in cases {
        let (world, _, _) = two_binders();
        mirroring(&world, "run", &[]).expect(0);
        fs::create_dir_all(world.at(name).parent().unwrap()).unwrap();
        fs::write(world.at(name), text).unwrap();
        let ran = run(&world, &[]).expect(0);
        assert_eq!(fs::read_to_string(world.at(name)).unwrap(), text);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        // Where case counts, that is another name.
        if name == "INDEX.html" {
            assert_eq!(report["warnings"], json!([]));
            assert_extra(&world, &["INDEX.html"]);
            continue;
        }
        let warning = report["warnings"][0].as_str().unwrap();
        assert!(warning.starts_with("the catalogue could not be written: \"index"), "{warning}");
        assert_eq!(report["warning_details"][0]["kind"], "catalogue");
        assert_eq!(catalogue_files(&world.dest()).keys().filter(|path| **path != "index.html").count(), 0);
        assert_extra(&world, &[name]);
        let refused = command(&world, &["catalogue"]).expect(2);
        assert!(refused.err.contains("is in the way of the catalogue and was left alone"), "{}", refused.err);
        // The report on the disk has the warning, too.
        assert!(fs::read_to_string(world.at(STATE_FOLDER).join("last-run.json")).unwrap().contains("in the way"));
        fs::remove_file(world.at(name)).unwrap();
        run(&world, &[]).expect(0);
        assert_shows_the_tree(&world);
    }
}

/// A mirror from before the names were reserved.
fn binder_named(world: &World, name: &str) {
    let state = rusqlite::Connection::open(world.database()).unwrap();
    state
        .execute_batch(&format!(
            "UPDATE binders SET name = '{name}', segment = '{name}', segment_key = lower('{name}') WHERE name = 'Brf Eken';
             UPDATE documents SET path = replace(path, 'Brf Eken/', '{name}/'),
                 path_key = replace(path_key, 'brf eken/', lower('{name}/'));"
        ))
        .unwrap();
    fs::rename(world.at("Brf Eken"), world.at(name)).unwrap();
}

#[test]
fn a_binder_that_has_a_name_of_the_catalogue_keeps_it() {
    // Where case counts, the third is another name; on a share for Windows it isn't.
    for name in ["index.html", "index-data", "Index.HTML"] {
        let (world, binders, _) = two_binders();
        mirroring(&world, "run", &[]).expect(0);
        world.edit(|o| o.rename_binder(&binders[0], name)).unwrap();
        binder_named(&world, name);
        let before = tree(&world);
        assert!(before.contains(&format!("{name}/Avtal/0 el.txt")));
        let ran = run(&world, &[]).expect(0);
        assert_eq!((tree(&world), ran.count("documents", "unchanged")), (before, 6));
        assert!(ran.out.contains("the catalogue could not be written"), "{}", ran.out);
        assert_eq!(catalogue_files(&world.dest()).len(), 0);
        // Its next name is not reserved.
        world.edit(|o| o.rename_binder(&binders[0], "Brf Eken")).unwrap();
        run(&world, &[]).expect(0);
        assert_shows_the_tree(&world);
    }
}

#[test]
fn each_binder_has_its_own_part() {
    let (world, binders, ids) = two_binders();
    let flags = &["--catalogue-per-binder"];
    run(&world, flags).expect(0);
    let top = read(&world.dest());
    assert_eq!((top.documents.len(), &top.start["changes"]), (0, &Value::Null));
    assert_eq!(top.binders[0]["page"], "Brf Eken/index.html");
    for name in ["hyra.txt", "top.txt"] {
        let naming = naming(&world, name);
        assert!(naming.iter().all(|path| path.starts_with("Brf ")), "{naming:?}");
    }
    let own = read(&world.at("Brf Linden"));
    assert_eq!(
        (own.documents.len(), &own.start["scope"], &own.start["folder"]),
        (3, &json!(binders[1]), &json!("../"))
    );
    assert_eq!((&own.start["documents"], own.binders.as_array().unwrap().len()), (&json!(3), 1));
    assert_eq!((&own.changes[0]["counts"], &own.changes[0]["items"][0][5]), (&json!({"added": 3}), &json!(binders[1])));
    assert_extra(&world, &[]);
    // Another binder's names never come into a part, and what was left is removed.
    world.edit(|o| {
        o.move_document(&ids[0], &binders[1], None).unwrap();
        o.rename_binder(&binders[0], "Brf Almen").unwrap();
    });
    run(&world, flags).expect(0);
    assert!(!exists(&world.at("Brf Eken")) && read(&world.at("Brf Almen")).documents.len() == 2);
    assert!(!read(&world.at("Brf Linden")).changes.to_string().contains("Eken"));
    // A file of the user in a binder's folder.
    fs::remove_file(world.at("Brf Almen/index.html")).unwrap();
    fs::write(world.at("Brf Almen/index.html"), "mine").unwrap();
    let ran = run(&world, flags).expect(0);
    assert!(
        ran.out.contains("a binder has no page of its own: \\\"Brf Almen/index.html\\\" is in the way"),
        "{}",
        ran.out
    );
    assert_eq!(read(&world.dest()).binders[0]["page"], Value::Null);
    assert_eq!(fs::read_to_string(world.at("Brf Almen/index.html")).unwrap(), "mine");
    // One catalogue again: the parts are removed, and nothing else.
    run(&world, &[]).expect(0);
    assert_eq!(fs::read_to_string(world.at("Brf Almen/index.html")).unwrap(), "mine");
    fs::remove_file(world.at("Brf Almen/index.html")).unwrap();
    assert!(!exists(&world.at("Brf Linden/index-data")) && !exists(&world.at("Brf Linden/index.html")));
    assert_shows_the_tree(&world);
}

#[test]
fn hostile_names_stay_text() {
    let mut o = Organisation::empty();
    let binder = o.add_binder(HOSTILE[0]);
    let tab = o.add_folder(&binder, None, HOSTILE[1]).unwrap();
    for name in HOSTILE {
        let id = o.add_document(&binder, Some(&tab), name, "x").unwrap();
        let values = json!([{"metadataElementId": HOSTILE[1], "value": name}, {"metadataElementId": "GLOBAL_Status", "valueId": name}]);
        o.set_metadata(&id, values).unwrap();
    }
    let world = World::new(o);
    run(&world, &["--catalogue-per-binder"]).expect(0);
    run(&world, &[]).expect(0);
    let seen = assert_shows_the_tree(&world);
    assert_eq!((seen.documents.len(), &seen.binders[0]["name"]), (6, &json!(HOSTILE[0])));
    for (path, bytes) in catalogue_files(&world.dest()).into_iter().filter(|(path, _)| !path.ends_with("index.html")) {
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{202e}']), "{path}");
        assert!(!text.contains("etc/passwd"), "{path}");
    }
}

#[test]
fn names_of_the_catalogue_are_reserved() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Index.html");
    let tab = o.add_folder(&binder, None, "INDEX-data").unwrap();
    let page = o.add_document(&binder, None, "index.HTML", "page").unwrap();
    o.add_document(&binder, Some(&tab), "index.html", "inside").unwrap();
    let world = World::new(o);
    run(&world, &["--catalogue-per-binder"]).expect(0);
    let folder = format!("Index.html [{}]", &binder[..8]);
    let tab = format!("{folder}/INDEX-data [{}]", &tab[..8]);
    let own = format!("{folder}/index [{}].HTML", &page[..8]);
    assert_eq!(tree(&world), [own, format!("{tab}/index.html")].into());
    world.assert_nothing_planned();
    // A document that comes to a binder's top gets a name that is free there.
    let inside = world.edit(|o| o.documents().into_iter().find(|d| d.file_name == "index.html").unwrap().id);
    world.edit(|o| o.move_document(&inside, &binder, None)).unwrap();
    run(&world, &[]).expect(0);
    assert!(tree(&world).contains(&format!("{folder}/index [{}].html", &inside[..8])), "{:?}", tree(&world));
}

#[test]
fn a_run_that_fails_is_shown_as_failed() {
    let (world, _, _) = two_binders();
    run(&world, &[]).expect(0);
    let before = read(&world.dest());
    let failed = &mut mirroring_command(&world, "run", &["--catalogue"]);
    finish(failed.env("IBINDER_CLIENT_SECRET", "wrong")).expect(3);
    let after = read(&world.dest());
    assert_eq!((&after.start["run"]["outcome"], &after.start["run"]["number"]), (&json!("failed"), &json!(2)));
    assert_certified_as(&after, &before);
    assert_eq!(after.reached, before.reached);
}

#[test]
fn a_run_whose_end_is_not_recorded_is_shown_as_failed() {
    let (world, _, _) = two_binders();
    run(&world, &[]).expect(0);
    let before = read(&world.dest());
    let report = world.at(STATE_FOLDER).join("last-run.json");
    fs::remove_file(&report).unwrap();
    fs::create_dir(&report).unwrap();
    run(&world, &[]).expect(8);
    let seen = assert_shows_the_tree(&world);
    assert_eq!((&seen.start["run"]["number"], &seen.start["run"]["outcome"]), (&json!(2), &json!("failed")));
    assert_certified_as(&seen, &before);
}

#[test]
fn a_catalogue_that_cannot_be_written_is_a_warning() {
    let (world, _, ids) = two_binders();
    run(&world, &[]).expect(0);
    let start = world.at("index-data/start.js");
    fs::remove_file(&start).unwrap();
    fs::create_dir(&start).unwrap();
    world.edit(|o| o.rename_document(&ids[0], "renamed.txt")).unwrap();
    let ran = run(&world, &[]).expect(0);
    assert!(ran.out.contains("the catalogue could not be written: "), "{}", ran.out);
    assert!(tree(&world).contains("Brf Eken/Avtal/renamed.txt"));
    fs::remove_dir(&start).unwrap();
    run(&world, &[]).expect(0);
    assert_shows_the_tree(&world);
}

#[test]
fn missing_data_and_an_older_state_are_put_right() {
    let (world, _, ids) = two_binders();
    run(&world, &[]).expect(0);
    let files = catalogue_files(&world.dest());
    for path in files.keys() {
        fs::remove_file(world.at(path)).unwrap();
        run(&world, &[]).expect(0);
        assert_shows_the_tree(&world);
        assert!(exists(&world.at("index.html")), "{path}");
    }
    // A state from before the last run says less than what was written.
    let older = fs::read(world.database()).unwrap();
    world.edit(|o| o.rename_document(&ids[0], "other.txt")).unwrap();
    run(&world, &[]).expect(0);
    fs::write(world.database(), older).unwrap();
    world.edit(|o| o.rename_document(&ids[0], "0 hyra.txt")).unwrap();
    run(&world, &[]).expect(0);
    fs::remove_file(world.at("Brf Eken/Avtal/other.txt")).unwrap();
    assert_shows_the_tree(&world);
}

#[test]
fn a_lost_state_does_not_mistake_it_for_documents() {
    let (world, _, _) = two_binders();
    run(&world, &["--catalogue-per-binder"]).expect(0);
    let before = tree(&world);
    fs::remove_dir_all(world.at(STATE_FOLDER)).unwrap();
    let adopted = mirroring(&world, "adopt", &["--catalogue", "--catalogue-per-binder"]).expect(0);
    assert_eq!((adopted.count("documents", "adopted"), tree(&world)), (6, before));
    assert_extra(&world, &[]);
    assert_eq!(read(&world.at("Brf Eken")).documents.len(), 3);
    let listed = command(&world, &["ls"]).expect(0);
    assert!(!listed.out.contains("index"), "{}", listed.out);
}

#[test]
fn it_is_written_elsewhere_too() {
    let (world, _, _) = two_binders();
    mirroring(&world, "run", &[]).expect(0);
    let before = disk::files(&world.dest());
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("to here");
    let text = to.to_str().unwrap();
    let done = command(&world, &["catalogue", "--to", text]).expect(0);
    assert_eq!(done.out, format!("The catalogue of 6 documents is {text}/index.html.\n"));
    assert_eq!(disk::files(&world.dest()), before);
    let seen = read(&to);
    assert_eq!(seen.documents.keys().cloned().collect::<BTreeSet<_>>(), tree(&world));
    let way: PathBuf = to.join(seen.start["folder"].as_str().unwrap());
    assert_eq!(way.canonicalize().unwrap(), world.dest().canonicalize().unwrap());
    assert_eq!(seen.start["run"]["number"], 1);
    let again = command(&world, &["catalogue", "--to", text]).expect(0);
    assert!(again.err.is_empty() && catalogue_files(&to).len() == seen.reached.len() + 1);
    let inside = world.at("Brf Eken/x");
    command(&world, &["catalogue", "--to", inside.to_str().unwrap()]).expect(2);
    assert!(!exists(&inside));
    let (other, _, _) = two_binders();
    mirroring(&other, "run", &[]).expect(0);
    let done = command(&world, &["catalogue", "--to", other.dest().to_str().unwrap()]).expect(2);
    assert!(done.err.contains("is another mirror") && !exists(&other.at("index.html")), "{}", done.err);
    command(&world, &["catalogue"]).expect(0);
    assert_shows_the_tree(&world);
}
