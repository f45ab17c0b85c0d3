//! A run's report as a page for people: one file, without scripts, fonts or pictures from elsewhere.
//!
//! [`render`] depends on data alone: `purge` renders a page again from a report that it edited. maud escapes
//! every value that is not markup, and a policy in the page forbids scripts and anything that has to be fetched.
//! Links are relative, because a mirror may be moved; the same page is in two folders, see [`PageLocation`].

mod advice;
mod changes;
mod chart;
mod data;
mod failures;
mod markup;
mod scale;
mod sections;

use maud::{DOCTYPE, PreEscaped, html};

pub use data::{ChartPoint, PageLocation, ReportPage};

use crate::report::escape_line;

const STYLE: &str = include_str!("style.css");

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page of a run, for a location.
pub fn render(page: &ReportPage<'_>, location: PageLocation) -> String {
    let report = page.report;
    let body = html! {
        body {
            main {
                (sections::head(page))
                (sections::tiles(report))
                (sections::failures(page))
                (sections::withheld(report))
                (sections::warnings(report))
                (sections::tabs(report))
                (sections::runs(page, location))
                (changes::changes(report, location))
                (sections::numbers(report))
                (sections::foot(report, location))
            }
        }
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "Run " (report.run_id) ": " (report.outcome.word()) }
                style { (PreEscaped(STYLE)) }
            }
            // No template has line breaks or control characters: each of them is from outside.
            (PreEscaped(escape_line(&body.into_string())))
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests;
