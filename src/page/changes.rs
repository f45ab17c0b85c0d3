//! What changed, by binder and folder, with links into the tree.

use maud::{Markup, html};

use crate::{
    page::{
        data::PageLocation,
        markup::{href, more, parts},
    },
    report::{BinderChanges, ChangeCounts, ChangeKind, ChangeLog, ChangedDocument, FolderChanges, RunReport, format},
};

/// Up to this many changes are shown unfolded.
const FEW: u64 = 60;

pub(crate) fn changes(report: &RunReport, location: PageLocation) -> Markup {
    html! {
        section {
            h2 { "What changed" }
            @match &report.changes {
                Some(log) if !log.counts.is_empty() => (list(log, location)),
                Some(_) => p.soft { "Nothing." },
                None => p.soft { "This report has no list of changes; " code { "ibinder-sync ls --at" } " shows what was mirrored then." },
            }
        }
    }
}

fn list(log: &ChangeLog, location: PageLocation) -> Markup {
    let replaced = [ChangeKind::Updated, ChangeKind::Removed].iter().any(|kind| log.counts.contains_key(kind));
    let open = log.counts.values().sum::<u64>() <= FEW;
    html! {
        p.soft {
            (counts(&log.counts)) " in " (format::number_of(log.binders.len() as u64, "binder", "binders")) "."
            @if replaced {
                " Versions that were replaced or removed are kept until retention deletes them; "
                code { "ibinder-sync history" } " lists them."
            }
        }
        @for (name, binder) in &log.binders {
            (one_binder(name, binder, open, location))
        }
    }
}

fn one_binder(name: &str, binder: &BinderChanges, open: bool, location: PageLocation) -> Markup {
    html! {
        details open[open] {
            summary { b { bdi { (name) } } " " span.counts { (counts(&binder.counts)) } }
            @for (below, folder) in &binder.folders { (one_folder(name, below, folder, open, location)) }
            (more(binder.elsewhere, "document in other folders", "documents in other folders"))
        }
    }
}

fn one_folder(binder: &str, below: &str, folder: &FolderChanges, open: bool, location: PageLocation) -> Markup {
    let path =
        if below.is_empty() || binder.is_empty() { format!("{binder}{below}") } else { format!("{binder}/{below}") };
    let others = folder.counts.values().sum::<u64>().saturating_sub(folder.documents.len() as u64);
    html! {
        details open[open || folder.documents.len() <= 3] {
            summary {
                bdi { (if below.is_empty() { "directly in the binder".to_owned() } else { below.replace('/', " / ") }) }
                " " span.counts { (counts(&folder.counts)) }
            }
            ul.docs {
                @if folder.counts.keys().any(|kind| *kind != ChangeKind::Removed) {
                    li.open { a href={ (location.tree()) (href(&path)) } { "Open the folder" } }
                }
                @for document in &folder.documents { (one_document(document, location)) }
            }
            (more(others, "document", "documents"))
        }
    }
}

fn one_document(document: &ChangedDocument, location: PageLocation) -> Markup {
    let (kind, (_, _, name)) = (document.kind.word(), document.place());
    html! {
        li.c data-id=(document.document_id) {
            span.k.(kind) { (kind) }
            @if document.kind == ChangeKind::Removed { bdi.gone { (name) } }
            @else { a href={ (location.tree()) (href(&document.path)) } { bdi { (name) } } }
            span.size { (format::bytes(document.size)) }
            @if let Some(from) = &document.from { span.from { (moved_from(document, from)) } }
        }
    }
}

/// How the old path differs from the new one.
fn moved_from(document: &ChangedDocument, from: &str) -> Markup {
    let before = ChangedDocument { path: from.to_owned(), ..document.clone() };
    let (binder, below, _) = document.place();
    match before.place() {
        (b, f, name) if (b, f) == (binder, below) => html! { "was called " bdi { (name) } },
        (b, f, old) if b == binder && document.path.ends_with(old) && !f.is_empty() => {
            html! { "was in " bdi { (f.replace('/', " / ")) } }
        }
        _ => html! { "was " bdi { (from) } },
    }
}

fn counts(counts: &ChangeCounts) -> String {
    parts(&counts.iter().map(|(kind, count)| (*count, kind.word())).collect::<Vec<_>>())
}
