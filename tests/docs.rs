//! The documentation matches the code: each error is explained, and no link is dead.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

/// The texts of `#[error("…")]` in a source.
fn errors(source: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for part in source.split("#[error(").skip(1) {
        let Some(text) = part.trim_start().strip_prefix('"') else { continue };
        let mut escaped = false;
        let end = text.find(|c| {
            let end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            end
        });
        texts.push(text[..end.unwrap()].replace("\\\"", "\""));
    }
    texts
}

/// The longest constant part of a message, without its advice.
fn fixed(text: &str) -> Option<String> {
    let text = text.split(". ").next().unwrap().replace("{{", "\u{1}").replace("}}", "\u{2}");
    let mut parts = vec![String::new()];
    let mut inside = false;
    for c in text.chars() {
        match c {
            '{' => inside = true,
            '}' => {
                inside = false;
                parts.push(String::new());
            }
            _ if inside => {}
            ';' => break,
            ':' | ',' | '(' | ')' => parts.push(String::new()),
            c => parts.last_mut().unwrap().push(c),
        }
    }
    let parts = parts.into_iter().map(|part| part.replace('\u{1}', "{").replace('\u{2}', "}").trim().to_owned());
    parts.max_by_key(String::len).filter(|part| part.len() >= 8)
}

#[test]
fn each_error_is_explained() {
    let page = fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let mut sources = Vec::new();
    files(&root().join("src"), "rs", &mut sources);
    let mut count = 0;
    let mut unexplained = Vec::new();
    for path in sources.iter().filter(|path| !path.components().any(|part| part.as_os_str() == "sandbox")) {
        // A warning contains its own advice.
        if path.ends_with("report/warning.rs") {
            continue;
        }
        for text in errors(&fs::read_to_string(path).unwrap()) {
            let Some(part) = fixed(&text) else { continue };
            count += 1;
            if !page.contains(&part) {
                unexplained.push(format!("{}: {part}", path.display()));
            }
        }
    }
    assert!(count > 60, "only {count} errors were found");
    assert!(unexplained.is_empty(), "docs/troubleshooting.md does not have:\n{}", unexplained.join("\n"));
}

#[test]
fn no_link_is_dead() {
    let mut pages = Vec::new();
    files(&root().join("docs"), "md", &mut pages);
    files(&root().join("packaging"), "md", &mut pages);
    pages.extend(["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    let mut dead = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, place) = target.split_once('#').map_or((target, None), |(file, place)| (file, Some(place)));
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let to = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let found = to.exists() && place.is_none_or(|place| has_heading(&to, place));
            if !found {
                dead.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(pages.len() > 10);
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

#[test]
fn each_page_is_in_the_index_of_its_folder() {
    for folder in ["docs", "docs/decisions"] {
        let index = fs::read_to_string(root().join(folder).join("README.md")).unwrap();
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.extension().is_some_and(|e| e == "md") && name != "README.md" {
                assert!(index.contains(&format!("]({name})")), "{folder}/README.md does not link to {name}");
            }
        }
    }
}

fn has_heading(page: &Path, place: &str) -> bool {
    let text = fs::read_to_string(page).unwrap_or_default();
    text.lines().filter(|line| line.starts_with('#')).any(|line| {
        let name = line.trim_start_matches('#').trim().to_lowercase();
        let name: String = name.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect();
        name.replace(' ', "-") == place
    })
}

/// Counts of what can be one go through `number_of`, which also groups digits.
#[test]
fn no_message_has_a_bare_number_before_a_plural() {
    // Progress, whose numbers stand for a moment.
    const PROGRESS: [&str; 2] = ["ui/bars.rs", "ui/throughput.rs"];
    const PLURALS: [&str; 12] = [
        "documents",
        "files",
        "objects",
        "versions",
        "binders",
        "requests",
        "findings",
        "removals",
        "sidecars",
        "runs",
        "profiles",
        "mirrors",
    ];
    let mut sources = Vec::new();
    for folder in ["commands", "doctor", "mail", "monitoring", "page", "session", "ui"] {
        files(&root().join("src").join(folder), "rs", &mut sources);
    }
    let mut wrong = Vec::new();
    for path in sources.iter().filter(|path| !PROGRESS.iter().any(|progress| path.ends_with(progress))) {
        let text = fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let bare = code
            .filter(|line| !line.contains("may open {0} files at once"))
            .filter(|line| PLURALS.iter().any(|plural| line.contains(&format!("}} {plural}")) && line.contains('"')));
        wrong.extend(bare.map(|line| format!("{}: {}", path.display(), line.trim())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
