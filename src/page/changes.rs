//! What changed, by binder and folder, with links into the tree.

use maud::{Markup, html};

use crate::{
    page::{
        data::PageLocation,
        markup::{href, more},
    },
    report::{BinderChanges, ChangeCounts, ChangeKind, ChangeLog, ChangedDocument, FolderChanges, Language, RunReport},
};

/// Up to this many changes are shown unfolded.
const FEW: u64 = 60;

/// Where the page is, and its language.
#[derive(Clone, Copy)]
struct Place<'p> {
    location: PageLocation<'p>,
    language: Language,
}

pub(crate) fn changes(report: &RunReport, location: PageLocation<'_>, language: Language) -> Markup {
    html! {
        section {
            h2 { (language.pick("What changed", "Ändringar")) }
            @match &report.changes {
                Some(log) if !log.counts.is_empty() => (list(log, Place { location, language })),
                Some(_) => p.soft { (language.pick("Nothing.", "Ingenting.")) },
                None => p.soft {
                    (language.pick("This report has no list of changes; ", "Den här rapporten har ingen lista över ändringar; "))
                    code { "ibinder-sync ls --at" }
                    (language.pick(" shows what was mirrored then.", " visar vad som var speglat då."))
                },
            }
        }
    }
}

fn list(log: &ChangeLog, place: Place<'_>) -> Markup {
    let language = place.language;
    let replaced = [ChangeKind::Updated, ChangeKind::Removed].iter().any(|kind| log.counts.contains_key(kind));
    let open = log.counts.values().sum::<u64>() <= FEW;
    let binders = language.count(log.binders.len() as u64, ("binder", "binders"), ("pärm", "pärmar"));
    html! {
        p.soft {
            (counts(&log.counts, language)) (language.pick(" in ", " i ")) (binders) "."
            @if replaced {
                (language.pick(
                    " Versions that were replaced or removed are kept until retention deletes them; ",
                    " Versioner som ersattes eller togs bort finns kvar tills gallringen tar dem; ",
                ))
                code { "ibinder-sync history" } (language.pick(" lists them.", " listar dem."))
            }
        }
        @for (name, binder) in &log.binders {
            (one_binder(name, binder, open, place))
        }
    }
}

fn one_binder(name: &str, binder: &BinderChanges, open: bool, place: Place<'_>) -> Markup {
    let (one, many) = ("more document in other folders", "more documents in other folders");
    let swedish = "dokument till i andra mappar";
    html! {
        details open[open] {
            summary { b { bdi { (name) } } " " span.counts { (counts(&binder.counts, place.language)) } }
            @for (below, folder) in &binder.folders { (one_folder(name, below, folder, open, place)) }
            (more(place.language, binder.elsewhere, (one, many), (swedish, swedish)))
        }
    }
}

fn one_folder(binder: &str, below: &str, folder: &FolderChanges, open: bool, place: Place<'_>) -> Markup {
    let language = place.language;
    let path =
        if below.is_empty() || binder.is_empty() { format!("{binder}{below}") } else { format!("{binder}/{below}") };
    let others = folder.counts.values().sum::<u64>().saturating_sub(folder.documents.len() as u64);
    let name = match below {
        "" => language.pick("directly in the binder", "direkt i pärmen").to_owned(),
        _ => below.replace('/', " / "),
    };
    html! {
        details open[open || folder.documents.len() <= 3] {
            summary { bdi { (name) } " " span.counts { (counts(&folder.counts, language)) } }
            ul.docs {
                @if folder.counts.keys().any(|kind| *kind != ChangeKind::Removed) {
                    li.open { a href={ (place.location.tree()) (href(&path)) } { (language.pick("Open the folder", "Öppna mappen")) } }
                }
                @for document in &folder.documents { (one_document(document, place)) }
            }
            (more(language, others, ("more document", "more documents"), ("dokument till", "dokument till")))
        }
    }
}

fn one_document(document: &ChangedDocument, place: Place<'_>) -> Markup {
    let (kind, (_, _, name)) = (document.kind, document.place());
    html! {
        li.c data-id=(document.document_id) {
            span.k.(kind.word()) { (place.language.change(kind)) }
            @if kind == ChangeKind::Removed { bdi.gone { (name) } }
            @else { a href={ (place.location.tree()) (href(&document.path)) } { bdi { (name) } } }
            span.size { (place.language.bytes(document.size)) }
            @if let Some(from) = &document.from { span.from { (moved_from(document, from, place.language)) } }
        }
    }
}

/// How the old path differs from the new one.
fn moved_from(document: &ChangedDocument, from: &str, language: Language) -> Markup {
    let before = ChangedDocument { path: from.to_owned(), ..document.clone() };
    let (binder, below, _) = document.place();
    match before.place() {
        (b, f, name) if (b, f) == (binder, below) => html! { (language.pick("was called ", "hette ")) bdi { (name) } },
        (b, f, old) if b == binder && document.path.ends_with(old) && !f.is_empty() => {
            html! { (language.pick("was in ", "låg i ")) bdi { (f.replace('/', " / ")) } }
        }
        _ => html! { (language.pick("was ", "var ")) bdi { (from) } },
    }
}

fn counts(counts: &ChangeCounts, language: Language) -> String {
    let counted = counts.iter().filter(|(_, count)| **count > 0);
    let parts: Vec<String> = counted
        .map(|(kind, count)| format!("{}\u{a0}{}", language.number(*count), language.changes(*kind, *count)))
        .collect();
    parts.join(", ")
}
