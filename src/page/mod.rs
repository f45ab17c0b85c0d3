//! A run's report as a page for people: one file, without scripts, fonts or pictures from elsewhere.
//!
//! [`render`] depends on data alone: `purge` renders a page again from a report that it edited. maud escapes
//! every value that is not markup, and a policy in the page forbids scripts and anything that has to be fetched.
//! Links are relative, because a mirror may be moved; the same page is in several folders, see [`PageLocation`]. Messages that
//! a page quotes are English in each language.

mod advice;
mod changes;
mod chart;
mod copy;
mod data;
mod failures;
mod markup;
mod scale;
mod sections;
mod warnings;

use maud::{DOCTYPE, PreEscaped, html};

pub use data::{ChartPoint, PageLocation, ReportPage};

use crate::report::{Language, escape_line};

const STYLE: &str = include_str!("style.css");

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page of a run, for a location.
pub fn render(page: &ReportPage<'_>, location: PageLocation<'_>) -> String {
    let (report, language) = (page.report, page.language);
    // A run that could not begin has no id, and nothing to count.
    let began = !report.run_id.is_empty();
    let body = html! {
        body {
            main {
                (sections::head(page))
                @if began { (sections::tiles(report, language)) }
                (sections::failures(page))
                (sections::withheld(report, language))
                (sections::warnings(report, language))
                (copy::copy(page))
                (sections::tabs(report, language))
                (sections::runs(page, location))
                @if began {
                    (changes::changes(report, location, language))
                    (sections::numbers(report, language))
                }
                (sections::foot(report, location, language))
            }
        }
    };
    let page = html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title(page)) }
                style { (PreEscaped(STYLE)) }
            }
            // No template has line breaks or control characters: each of them is from outside.
            (PreEscaped(escape_line(&body.into_string())))
        }
    };
    page.into_string()
}

/// The organisation's name, or the run, and how it ended.
fn title(page: &ReportPage<'_>) -> String {
    let (run, language) = (page.report, page.language);
    let name = match page.organisation {
        Some(name) => escape_line(name),
        None => format!("{} {}", language.pick("Run", "Körning"), run.run_id),
    };
    format!("{name}: {}", language.outcome(run.outcome))
}

/// The language of a page that was rendered before.
pub fn language_of(page: &[u8]) -> Language {
    let head = &page[..page.len().min(100)];
    let is_swedish = String::from_utf8_lossy(head).contains("<html lang=\"sv\">");
    if is_swedish { Language::Swedish } else { Language::English }
}

#[cfg(test)]
mod tests;
