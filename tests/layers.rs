//! Imports point downward only: the layers of `docs/architecture.md`, read from the sources.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Each module, and the modules that it may use. A module is below all those that list it.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "commands",
        &[
            "catalogue",
            "cli",
            "config",
            "doctor",
            "find",
            "handover",
            "history",
            "mirror",
            "model",
            "monitoring",
            "notify",
            "remote",
            "replica",
            "report",
            "sandbox",
            "session",
            "site",
            "state",
            "sync",
            "ui",
            "verify",
            "paths",
            "pace",
            "process",
            "systemd",
        ],
    ),
    (
        "session",
        &[
            "catalogue",
            "config",
            "find",
            "handover",
            "history",
            "mail",
            "mirror",
            "model",
            "monitoring",
            "notify",
            "paths",
            "process",
            "remote",
            "replica",
            "report",
            "site",
            "state",
            "sync",
            "systemd",
            "ui",
            "verify",
            "pace",
        ],
    ),
    ("cli", &["config", "sandbox"]),
    ("ui", &["history", "monitoring", "process", "report", "sync"]),
    ("config", &["model", "notify", "pace", "paths", "plan", "process", "remote", "replica", "report", "site", "sync"]),
    ("doctor", &["mirror", "model", "plan", "remote", "replica", "report"]),
    ("replica", &["failpoints", "history", "mirror", "model", "naming", "pace", "report", "state", "sync"]),
    (
        "sync",
        &[
            "failpoints",
            "evidence",
            "mirror",
            "model",
            "naming",
            "pace",
            "plan",
            "process",
            "remote",
            "report",
            "state",
            "verify",
        ],
    ),
    ("handover", &["catalogue", "history", "mail", "mirror", "model", "naming", "report", "state"]),
    (
        "history",
        &["catalogue", "find", "mirror", "model", "naming", "notify", "page", "paths", "report", "site", "state"],
    ),
    ("find", &["catalogue", "mirror", "state"]),
    ("mail", &["report"]),
    ("page", &["model", "report"]),
    ("site", &["model"]),
    ("monitoring", &["report"]),
    ("verify", &["mirror", "model", "pace", "report", "state"]),
    ("catalogue", &["model", "report", "state"]),
    // The adapters never name each other.
    ("remote", &["errors", "model", "pace"]),
    ("mirror", &["failpoints", "model", "paths"]),
    ("systemd", &[]),
    ("notify", &["errors"]),
    ("errors", &[]),
    ("process", &[]),
    ("state", &["failpoints", "model"]),
    ("plan", &["model", "naming"]),
    ("report", &["model"]),
    ("evidence", &["model"]),
    ("naming", &["model"]),
    ("pace", &[]),
    ("paths", &["model"]),
    ("model", &[]),
    // Only names of points, unless a test installs a watcher.
    ("failpoints", &[]),
    // It shares no code with the client, so that the two can disagree.
    ("sandbox", &[]),
];

/// Crates that only some files may use: each technology is used in one place.
const DOORS: &[(&str, &[&str])] = &[
    ("rusqlite", &["state/"]),
    ("rusqlite_migration", &["state/"]),
    ("reqwest", &["remote/", "notify/web.rs"]),
    ("object_store", &["replica/store/"]),
    ("lettre", &["notify/"]),
    ("rustix", &["mirror/", "config/init.rs", "paths/", "process/", "ui/questions.rs"]),
    ("backoff", &["pace/retry.rs"]),
    ("governor", &["pace/rate.rs"]),
    ("hyper_util", &["remote/storage_client.rs"]),
    ("hyper_rustls", &["remote/storage_client.rs"]),
    ("tower_service", &["remote/storage_client.rs"]),
    ("flate2", &["remote/encoding.rs"]),
    ("axum", &["sandbox/"]),
    ("csv", &["catalogue/"]),
    ("rust_xlsxwriter", &["catalogue/"]),
    ("crc32fast", &["find/"]),
    ("memchr", &["find/"]),
    ("zip", &["catalogue/xlsx/", "mirror/archive.rs"]),
    ("clap", &["cli/", "main.rs"]),
    ("clap_complete", &["cli/", "main.rs"]),
    ("clap_mangen", &["cli/pages.rs"]),
    ("indicatif", &["ui/", "session/output.rs"]),
    ("console", &["ui/"]),
    ("maud", &["handover/receipt/", "mail/", "page/"]),
    ("toml", &["config/file.rs"]),
    ("schemars", &["config/schema.rs"]),
];

/// What pure modules may not use.
const NOT_PURE: &[&str] = &["tokio", "futures", "std::fs", "std::io", "std::time", "std::net", "std::env", "jiff"];

fn sources() -> BTreeMap<String, String> {
    fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, code(&fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    collect(&root, &root, &mut found);
    found
}

/// A source without its comments.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let comment = line.match_indices("//").map(|(at, _)| at).find(|at| !line[..*at].ends_with([':', '"']));
        &line[..comment.unwrap_or(line.len())]
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// Whether a whole word starts at the position.
fn begins(text: &str, at: usize) -> bool {
    !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
}

/// The modules of the crate that a source uses, by `crate::a` or `crate::{a, b::c}`.
fn named(code: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        // `$crate::` in a macro counts too; `my_crate::` doesn't.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + start.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let (mut depth, mut next) = (0, true);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => next = true,
                c if next && !c.is_whitespace() => {
                    found.insert(word(&group[at..]));
                    next = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn module(file: &str) -> &str {
    file.split_once('/').map_or(file, |(module, _)| module)
}

#[test]
fn imports_point_downward() {
    let layers: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut upward = Vec::new();
    for (file, code) in &sources() {
        let module = module(file);
        if matches!(module, "main.rs" | "lib.rs") {
            continue;
        }
        let allowed = layers.get(module).unwrap_or_else(|| panic!("{module} is in no layer"));
        for name in named(code) {
            if name != module && !allowed.contains(&name) {
                upward.push(format!("{file} names {name}"));
            }
        }
        // `super` must not leave a module of the crate: a file n folders deep may use it n times.
        let deepest = "super::".repeat(file.matches('/').count() + usize::from(!file.ends_with("/mod.rs")));
        if code.contains(&deepest) && !code.contains("mod tests") {
            upward.push(format!("{file} climbs out of {module}"));
        }
    }
    assert_eq!(upward, Vec::<String>::new());
}

#[test]
fn the_layers_have_no_circle_and_no_dead_entry() {
    let mut used: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let sources = sources();
    for (file, code) in &sources {
        used.entry(module(file)).or_default().extend(named(code).into_iter().map(str::to_owned));
    }
    for (position, (layer, below)) in LAYERS.iter().enumerate() {
        for name in *below {
            let stands = LAYERS.iter().position(|(other, _)| other == name).unwrap();
            assert!(stands > position, "{name} stands above {layer}");
            assert!(used[layer].contains(*name), "{layer} doesn't name {name}: the table can be stricter");
        }
    }
}

/// The leaves of a `use` tree, each as a path: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn leaves(tree: &str) -> Vec<String> {
    let Some((before, group)) = tree.split_once('{') else {
        let path = tree.split_once(" as ").map_or(tree, |(path, _)| path).trim();
        return vec![path.trim_end_matches("::self").to_owned()];
    };
    let group = group.rsplit_once('}').map_or(group, |(group, _)| group);
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = group[start..at].trim();
                found.extend(leaves(part).into_iter().filter(|_| !part.is_empty()));
                start = at + 1;
            }
            _ => {}
        }
    }
    let before = before.trim();
    found
        .into_iter()
        .map(|leaf| if leaf == "self" { before.trim_end_matches("::").to_owned() } else { format!("{before}{leaf}") })
        .collect()
}

/// A file's module path, such as `sync::list`.
fn path_of(file: &str) -> String {
    file.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::")
}

/// A path from the crate's root; `None` for other crates.
fn absolute(path: &str, module: &str, files: &BTreeMap<String, String>) -> Option<String> {
    let mut base: Vec<&str> = module.split("::").collect();
    let mut steps = path.split("::").peekable();
    match *steps.peek()? {
        "crate" => {
            base.clear();
            steps.next();
        }
        "self" => drop(steps.next()),
        "super" => {
            while steps.next_if_eq(&"super").is_some() {
                base.pop();
            }
        }
        child if files.contains_key(&format!("{module}::{child}")) => {}
        _ => return None,
    }
    Some(base.into_iter().chain(steps).collect::<Vec<_>>().join("::"))
}

/// A source without its inline tests.
fn without_tests(code: &str) -> &str {
    code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()
}

/// The `use` declarations of a source: whether each is public, and its leaves.
fn uses(code: &str) -> Vec<(bool, Vec<String>)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ").filter(|(at, _)| begins(code, *at)) {
        let line = code[..at].rfind('\n').map_or(0, |end| end + 1);
        let before = code[line..at].trim();
        if before.is_empty() || before.starts_with("pub") {
            let tree = code[at + 4..].split(';').next().unwrap_or_default();
            let tree: String =
                tree.split_whitespace().collect::<Vec<_>>().join(" ").replace("{ ", "{").replace(" }", "}");
            found.push((before.starts_with("pub"), leaves(&tree)));
        }
    }
    found
}

/// Paths in the code itself: `crate::a::b()`, `super::c()`, `child::d()`.
fn written_out(code: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), code);
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    while let Some(start) = rest.find(is_path) {
        let end = rest[start..].find(|c| !is_path(c)).map_or(rest.len(), |length| start + length);
        if &rest[start..end] == "use" {
            rest = rest[end..].split_once(';').map_or("", |(_, rest)| rest);
            continue;
        }
        let path = rest[start..end].trim_end_matches(':');
        if path.contains("::") && !path.starts_with(':') {
            found.push(path.to_owned());
        }
        rest = &rest[end..];
    }
    found
}

/// Which files each file imports from, by module path. A re-export in a `mod.rs` counts for the defining file.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let sources = sources();
    let files: BTreeMap<String, String> = sources
        .iter()
        .filter(|(file, _)| !file.ends_with("tests.rs") && !matches!(file.as_str(), "main.rs" | "lib.rs"))
        .map(|(file, code)| (path_of(file), without_tests(code).to_owned()))
        .collect();
    let mut passed_on = BTreeMap::new();
    for (module, code) in &files {
        for path in uses(code).into_iter().flat_map(|(_, leaves)| leaves) {
            if let (Some(target), Some(name)) = (absolute(&path, module, &files), path.rsplit("::").next()) {
                passed_on.insert(format!("{module}::{name}"), target);
            }
        }
    }
    let file_of = |path: &str| {
        let mut path = path.to_owned();
        for _ in 0..8 {
            if files.contains_key(&path) {
                return Some(path);
            }
            let next = (0..path.len()).rev().filter(|at| path[*at..].starts_with("::"));
            let next = std::iter::once(path.len()).chain(next).find_map(|end| {
                let head = &path[..end];
                let target = passed_on.get(head).filter(|target| *target != head);
                target
                    .map(|target| format!("{target}{}", &path[end..]))
                    .or_else(|| files.contains_key(head).then(|| head.to_owned()))
            })?;
            path = next;
        }
        None
    };
    files
        .iter()
        .map(|(module, code)| {
            let is_facade = sources.contains_key(&format!("{}/mod.rs", module.replace("::", "/")));
            let imported = uses(code).into_iter().filter(|(public, _)| !(*public && is_facade));
            let paths = imported.flat_map(|(_, leaves)| leaves).chain(written_out(code));
            let paths = paths.filter_map(|path| absolute(&path, module, &files));
            let found = paths.filter_map(|path| file_of(&path)).filter(|file| file != module).collect();
            (module.clone(), found)
        })
        .collect()
}

/// Files that import each other, directly or through others, are one concept and belong in one file.
#[test]
fn no_files_import_each_other() {
    let imports = imports();
    assert!(imports["sync::run"].contains("sync::list::binders"), "imports are no longer found");
    let reached = |from: &String| {
        let (mut all, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(file) = next.pop() {
            next.extend(imports[file].iter().filter(|file| all.insert((*file).clone())));
        }
        all
    };
    let circles: Vec<&String> = imports.keys().filter(|file| reached(file).contains(*file)).collect();
    assert_eq!(circles, Vec::<&String>::new());
}

#[test]
fn each_technology_is_used_in_one_place() {
    let mut elsewhere = Vec::new();
    for (file, code) in &sources() {
        for (name, doors) in DOORS {
            let path = format!("{name}::");
            let named = code.match_indices(&path).any(|(at, _)| begins(code, at));
            if named && !doors.iter().any(|door| file.starts_with(door)) {
                elsewhere.push(format!("{file} names {name}"));
            }
        }
        if code.contains("env::var") && file != "main.rs" {
            elsewhere.push(format!("{file} reads the environment"));
        }
    }
    assert_eq!(elsewhere, Vec::<String>::new());
}

#[test]
fn plan_and_naming_are_pure() {
    let mut impure = Vec::new();
    for (file, code) in sources().iter().filter(|(file, _)| matches!(module(file), "plan" | "naming")) {
        let flat: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        for name in NOT_PURE {
            let group = name.replacen("::", "::{", 1);
            if code.contains(&format!("{name}::")) || flat.contains(&group) || code.contains("async ") {
                impure.push(format!("{file} names {name}"));
            }
        }
    }
    assert_eq!(impure, Vec::<String>::new());
}

#[test]
fn use_trees_are_parsed() {
    assert_eq!(leaves("crate::{a::{self, B}, c as d, e}"), ["crate::a", "crate::a::B", "crate::c", "crate::e"]);
    assert_eq!(leaves("super::x::Y"), ["super::x::Y"]);
}

#[test]
fn names_are_found() {
    let code =
        code("use crate::{a::{B, c}, d};\nfn f() { crate::e::g() } // crate::not\nmy_crate::no();\n\"http://x\"");
    assert_eq!(named(&code), ["a", "d", "e"].into());
    assert!(code.contains("http://x"));
}
