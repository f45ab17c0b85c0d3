//! Imports point downward only: the layers of `docs/architecture.md`, read from the sources.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Each module, and the modules that it may name. A module stands below all those that list it.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "commands",
        &[
            "catalogue",
            "cli",
            "config",
            "doctor",
            "history",
            "mirror",
            "model",
            "monitoring",
            "notify",
            "remote",
            "report",
            "sandbox",
            "session",
            "state",
            "sync",
            "ui",
            "verify",
            "paths",
            "pace",
            "systemd",
        ],
    ),
    (
        "session",
        &[
            "catalogue",
            "config",
            "history",
            "mirror",
            "model",
            "monitoring",
            "notify",
            "paths",
            "remote",
            "report",
            "state",
            "sync",
            "systemd",
            "ui",
            "verify",
            "pace",
        ],
    ),
    ("cli", &["config", "sandbox"]),
    ("ui", &["history", "monitoring", "report", "sync"]),
    ("config", &["model", "pace", "paths", "plan", "remote", "sync"]),
    (
        "sync",
        &["failpoints", "evidence", "mirror", "model", "naming", "pace", "plan", "remote", "report", "state", "verify"],
    ),
    ("doctor", &["mirror", "model", "plan", "remote", "report"]),
    ("history", &["mirror", "model", "page", "report", "state"]),
    ("page", &["report"]),
    ("monitoring", &["report"]),
    ("verify", &["mirror", "model", "pace", "report", "state"]),
    ("catalogue", &["model", "state"]),
    // The adapters never name each other.
    ("remote", &["model", "pace"]),
    ("mirror", &["failpoints", "model", "paths"]),
    ("systemd", &[]),
    ("notify", &[]),
    ("state", &["failpoints", "model"]),
    ("plan", &["model", "naming"]),
    ("report", &["model"]),
    ("evidence", &["model"]),
    ("naming", &["model"]),
    ("pace", &[]),
    ("paths", &["model"]),
    ("model", &[]),
    // Nothing but names of moments, unless a test watches them.
    ("failpoints", &[]),
    // It shares no code with the client, so that the two can disagree.
    ("sandbox", &[]),
];

/// Crates that only some files may name: each technology has one door.
const DOORS: &[(&str, &[&str])] = &[
    ("rusqlite", &["state/"]),
    ("rusqlite_migration", &["state/"]),
    ("reqwest", &["remote/", "notify/web.rs"]),
    ("rustix", &["mirror/", "config/command.rs", "config/init.rs", "notify/command.rs", "paths/"]),
    ("backoff", &["pace/retry.rs"]),
    ("governor", &["pace/rate.rs"]),
    ("hyper_util", &["remote/storage_client.rs"]),
    ("hyper_rustls", &["remote/storage_client.rs"]),
    ("tower_service", &["remote/storage_client.rs"]),
    ("flate2", &["remote/encoding.rs"]),
    ("axum", &["sandbox/"]),
    ("csv", &["catalogue/"]),
    ("rust_xlsxwriter", &["catalogue/"]),
    ("clap", &["cli/", "main.rs"]),
    ("clap_complete", &["cli/", "main.rs"]),
    ("clap_mangen", &["cli/pages.rs"]),
    ("indicatif", &["ui/", "session/output.rs"]),
    ("console", &["ui/"]),
    ("maud", &["page/"]),
    ("toml", &["config/file.rs"]),
    ("schemars", &["config/schema.rs"]),
];

/// What values in, values out may not name.
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

/// Whether a name stands before the position as a word of its own.
fn begins(text: &str, at: usize) -> bool {
    !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
}

/// The modules of the crate that a source names, by `crate::a` or `crate::{a, b::c}`.
fn named(code: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        // `$crate::` of a macro counts as well; `my_crate::` doesn't.
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
        // `super` never leads out of a module of the crate: a file n folders deep has n to spare.
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

#[test]
fn each_technology_has_one_door() {
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
fn plan_and_naming_are_values_in_values_out() {
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
fn names_are_found() {
    let code =
        code("use crate::{a::{B, c}, d};\nfn f() { crate::e::g() } // crate::not\nmy_crate::no();\n\"http://x\"");
    assert_eq!(named(&code), ["a", "d", "e"].into());
    assert!(code.contains("http://x"));
}
