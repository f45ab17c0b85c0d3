//! The copy in an object store, on a page.

use maud::{Markup, html};

use crate::page::{data::ReportPage, markup::local_time, sections::foreign};

/// The copy in an object store.
pub(crate) fn copy(page: &ReportPage<'_>) -> Markup {
    let language = page.language;
    let Some(copy) = &page.report.copy else { return html! {} };
    let added = language.count(copy.contents, ("content", "contents"), ("innehåll", "innehåll"));
    html! {
        section {
            h2 { (language.pick("Copy", "Kopia")) }
            dl {
                dt { (language.pick("Place", "Plats")) } dd { (copy.location) }
                dt { (language.pick("State", "Läge")) }
                dd {
                    @if copy.is_current() { (language.pick("up to date", "aktuell")) }
                    @else { b { (language.pick("not up to date", "inte aktuell")) } }
                    @if let Some(error) = &copy.error { ": " span.from lang=[foreign(language)] { (error) } }
                }
                @if let Some(commit) = copy.commit {
                    dt { (language.pick("Last commit", "Senaste commit")) }
                    dd {
                        (language.number(commit))
                        @if let Some(run) = &copy.run_id { (language.pick(" of run ", " från körning ")) (run) }
                        @if let Some(at) = copy.committed_at { ", " (local_time(at, page.zone, language.time_pattern())) }
                    }
                }
                dt { (language.pick("Uploaded", "Uppladdat")) } dd { (added) ", " (language.bytes(copy.bytes)) }
                @if copy.missing > 0 {
                    dt { (language.pick("Missing", "Saknas")) } dd { (language.number(copy.missing)) }
                }
            }
        }
    }
}
