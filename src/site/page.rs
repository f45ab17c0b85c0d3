//! The page: its style and script are inlined, so that it is one file.
//!
//! Modules become one classic script, because browsers load no modules from `file://`. The policy allows only this script,
//! this style, and files beside the page.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

const TEMPLATE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");

macro_rules! modules {
    ($($name:literal),+ $(,)?) => {
        /// The modules, each before those that import it.
        const MODULES: &[(&str, &str)] = &[$(($name, include_str!(concat!("page/", $name)))),+];
    };
}
modules![
    "words.mjs",
    "fold.mjs",
    "kind.mjs",
    "link.mjs",
    "address.mjs",
    "format.mjs",
    "element.mjs",
    "shard.mjs",
    "question.mjs",
    "hits.mjs",
    "tree.mjs",
    "store.mjs",
    "search.mjs",
    "parts.mjs",
    "preview.mjs",
    "versions.mjs",
    "home.mjs",
    "filters.mjs",
    "folders.mjs",
    "document.mjs",
    "changes.mjs",
    "missing.mjs",
    "result.mjs",
    "rows.mjs",
    "list.mjs",
    "page.mjs",
];

/// By this the program knows its own page.
const MARK: &str = "<!-- A catalogue by ibinder-sync, which replaces this file -->";

/// The page's bytes.
pub fn page() -> Vec<u8> {
    let script = script();
    let (style_hash, script_hash) = (hash(STYLE), hash(&script));
    let (doctype, rest) = TEMPLATE.split_once('\n').unwrap_or((TEMPLATE, ""));
    let mut page = format!("{doctype}\n{MARK}\n");
    let mut rest = rest;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, after)| Some((before, after.split_once("}}")?)))
    {
        page.push_str(before);
        page.push_str(match name {
            "style" => STYLE,
            "script" => &script,
            "style-hash" => &style_hash,
            "script-hash" => &script_hash,
            _ => "",
        });
        rest = after;
    }
    page.push_str(rest);
    page.into_bytes()
}

/// The modules without their imports and exports.
fn script() -> String {
    let lines = MODULES.iter().flat_map(|(_, text)| text.split('\n'));
    let plain: Vec<&str> = lines
        .filter(|line| !line.starts_with("import "))
        .map(|line| line.strip_prefix("export ").unwrap_or(line))
        .collect();
    format!("(() => {{\n\"use strict\";\n{}\n}})();\n", plain.join("\n"))
}

/// A source in the policy, by its content.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CATALOGUE_PAGE, catalogue_head};

    #[test]
    fn the_page_is_one_file_with_a_policy() {
        let page = String::from_utf8(page()).unwrap();
        assert!(page.starts_with(catalogue_head(CATALOGUE_PAGE).unwrap()));
        assert!(!page.contains("{{s"), "a placeholder has no text");
        let script = page.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
        let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let policy = page.split_once("http-equiv=\"Content-Security-Policy\"").unwrap().1.split_once('>').unwrap().0;
        for text in [script, style] {
            assert!(policy.contains(&hash(text)), "{policy}");
        }
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn every_module_is_in_the_script_in_order() {
        let order: Vec<&str> = include_str!("page/order.txt").lines().filter(|line| !line.trim().is_empty()).collect();
        let names: Vec<&str> = MODULES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, order);
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/site/page");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| std::path::Path::new(name).extension().is_some_and(|extension| extension == "mjs"))
            .collect();
        files.sort();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(files, sorted, "a module that is in no order is not in the page");
        assert!(!script().lines().any(|line| line.starts_with("import ") || line.starts_with("export ")));
    }
}
