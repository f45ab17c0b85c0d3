//! A receipt as a page: one file that fetches nothing, styled as the report of a run.

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use super::Receipt;

const STYLE: &str = include_str!("../../page/style.css");

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page of a receipt.
pub(crate) fn html(receipt: &Receipt) -> String {
    let pick = |english, swedish| receipt.language.pick(english, swedish);
    let tone = if receipt.is_complete { "good" } else { "bad" };
    let page = markup! {
        (DOCTYPE)
        html lang=(receipt.language.code()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (receipt.title) ": " (receipt.headline) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header class=(tone) {
                        p.meta { (receipt.title) }
                        h1 { span.badge { (receipt.headline) } }
                        p { (receipt.sentence) }
                        (facts(receipt))
                    }
                    (missing(receipt))
                    section { h2 { (pick("Binders", "Pärmar")) } (binders(receipt)) }
                    section {
                        h2 { (pick("Notes", "Att veta")) }
                        ul.list { @for note in &receipt.notes { li { (note) } } }
                    }
                    section {
                        h2 { (pick("How to check this folder", "Så kontrolleras mappen")) }
                        p { (receipt.check.0) }
                        @for command in receipt.check.1 { p { code { (command) } } }
                    }
                    section { h2 { (pick("What is in it", "Vad som finns i den")) } (contents(receipt)) }
                    footer { p { a href=(receipt.other.1) { (receipt.other.0) } } }
                }
            }
        }
    };
    page.into_string()
}

fn facts(receipt: &Receipt) -> Markup {
    markup! {
        dl {
            @for fact in &receipt.facts {
                dt { (fact.label) }
                dd { @if fact.is_code { code { (fact.value) } } @else { (fact.value) } }
            }
        }
    }
}

fn missing(receipt: &Receipt) -> Markup {
    markup! {
        section {
            h2 { (receipt.language.pick("What is missing, and why", "Vad som saknas, och varför")) }
            @if receipt.missing.is_empty() { p { (receipt.language.pick("Nothing.", "Ingenting.")) } }
            @for list in &receipt.missing {
                p { (list.sentence) }
                @if !list.lines.is_empty() { ul.list { @for line in &list.lines { li { (line) } } } }
            }
        }
    }
}

fn binders(receipt: &Receipt) -> Markup {
    let (titles, rows) = &receipt.binders;
    // Columns 2 and 3 are numbers.
    let class = |column: usize| if matches!(column, 2 | 3) { "n" } else { "" };
    markup! {
        div.wide {
            table {
                tr { @for (column, title) in titles.iter().enumerate() { th class=(class(column)) { (title) } } }
                @for row in rows {
                    tr { @for (column, cell) in row.iter().enumerate() { td class=(class(column)) { (cell) } } }
                }
            }
        }
    }
}

fn contents(receipt: &Receipt) -> Markup {
    markup! {
        dl {
            @for (path, what) in &receipt.contents {
                dt { @if *path == "data/index.html" { a href=(path) { (path) } } @else { (path) } }
                dd { (what) }
            }
         }
    }
}
