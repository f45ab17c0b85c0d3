//! What changed, by binder and folder, with links into the tree.

use crate::{
    page::{
        PageLocation, ReportPage,
        changes::{Binder, ChangeKind, ChangedDocument, Counts, Folder},
        escape::{href, text},
        sections::{more, parts},
    },
    report::format,
};

/// With no more changes than this, they are all unfolded.
const FEW: u64 = 60;

pub(crate) fn changes(page: &ReportPage<'_>, place: PageLocation) -> String {
    let log = page.changes;
    let all = log.counts.all();
    let mut out = String::from("<section>\n<h2>What changed</h2>\n");
    if all == 0 {
        out.push_str("<p class=\"soft\">Nothing: the tree is as it was before.</p>\n</section>\n");
        return out;
    }
    let kept = if log.counts.of(ChangeKind::Updated) + log.counts.of(ChangeKind::Removed) > 0 {
        " The bytes of what was replaced or removed are kept, as long as retention allows; <code>ibinder-sync history</code> tells of each."
    } else {
        ""
    };
    out.push_str(&format!(
        "<p class=\"soft\">{} in {}.{kept}</p>\n",
        counts(&log.counts),
        format::number_of(log.binders.len() as u64, "binder", "binders")
    ));
    for (name, binder) in &log.binders {
        out.push_str(&one_binder(name, binder, all <= FEW, place));
    }
    out.push_str("</section>\n");
    out
}

fn one_binder(name: &str, binder: &Binder, open: bool, place: PageLocation) -> String {
    let mut out = format!(
        "<details{}>\n<summary><b><bdi>{}</bdi></b> <span class=\"counts\">{}</span></summary>\n",
        if open { " open" } else { "" },
        text(name),
        counts(&binder.counts)
    );
    for (below, folder) in &binder.folders {
        out.push_str(&one_folder(name, below, folder, open, place));
    }
    more(
        &mut out,
        usize::try_from(binder.elsewhere).unwrap_or(usize::MAX),
        "document in other folders",
        "documents in other folders",
    );
    out.push_str("</details>\n");
    out
}

fn one_folder(binder: &str, below: &str, folder: &Folder, open: bool, place: PageLocation) -> String {
    let shown = if below.is_empty() { "directly in the binder".to_owned() } else { text(&below.replace('/', " / ")) };
    let mut out = format!(
        "<details{}>\n<summary><bdi>{shown}</bdi> <span class=\"counts\">{}</span></summary>\n",
        if open || folder.entries.len() <= 3 { " open" } else { "" },
        counts(&folder.counts)
    );
    out.push_str("<ul class=\"docs\">\n");
    if folder.counts.is_there() {
        let path: Vec<&str> = [binder, below].into_iter().filter(|part| !part.is_empty()).collect();
        out.push_str(&format!(
            "<li class=\"open\"><a href=\"{}{}\">Open the folder</a></li>\n",
            place.tree(),
            href(&path.join("/"))
        ));
    }
    for entry in &folder.entries {
        out.push_str(&one_document(entry, place));
    }
    out.push_str("</ul>\n");
    let named = folder.entries.len() as u64;
    more(&mut out, usize::try_from(folder.counts.all() - named).unwrap_or(usize::MAX), "document", "documents");
    out.push_str("</details>\n");
    out
}

fn one_document(entry: &ChangedDocument, place: PageLocation) -> String {
    let (binder, below, name) = entry.place();
    let kind = entry.kind.word();
    let name = match entry.kind {
        ChangeKind::Removed => format!("<bdi class=\"gone\">{}</bdi>", text(name)),
        ChangeKind::Added | ChangeKind::Updated | ChangeKind::Moved => {
            format!("<a href=\"{}{}\"><bdi>{}</bdi></a>", place.tree(), href(&entry.path), text(name))
        }
    };
    let from = entry.from.as_deref().map_or_else(String::new, |from| {
        let before = ChangedDocument { path: from.to_owned(), ..entry.clone() };
        let said = match before.place() {
            (b, f, name) if (b, f) == (binder, below) => format!("was called <bdi>{}</bdi>", text(name)),
            (b, f, old) if b == binder && entry.path.ends_with(old) && !f.is_empty() => {
                format!("was in <bdi>{}</bdi>", text(&f.replace('/', " / ")))
            }
            _ => format!("was <bdi>{}</bdi>", text(from)),
        };
        format!("<span class=\"from\">{said}</span>")
    });
    format!(
        "<li data-id=\"{}\" class=\"c\"><span class=\"k {kind}\">{kind}</span>{name}<span class=\"size\">{}</span>{from}</li>\n",
        text(&entry.document),
        format::bytes(entry.size)
    )
}

fn counts(counts: &Counts) -> String {
    parts(&ChangeKind::ALL.map(|kind| (counts.of(kind), kind.word())))
}
