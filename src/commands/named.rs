//! What users name: a document by its id, path or name, a binder by its id or name.

use std::{fmt::Write as _, path::Path};

use super::history::selection;
use crate::{
    find::{self, Choice, Choosing, fold},
    history::documents_at,
    model::DocumentId,
    session::{
        Error,
        source::{Origin, View},
    },
    state::{BinderSummary, DocumentKey, State},
};

/// The most candidates that are listed.
const LISTED: usize = 10;

/// The documents that have an id, that have or had a path, or the one whose file has a name.
pub(super) fn documents<'o>(
    origin: impl Into<Origin<'o>>,
    view: View<'_>,
    wanted: &Path,
) -> Result<Vec<DocumentId>, Error> {
    let (state, origin) = (view.state, origin.into());
    let text = wanted.display().to_string();
    if let Ok(id) = DocumentId::parse(&text)
        && state.read(|r| r.timeline(&id))?.is_some()
    {
        return Ok(vec![id]);
    }
    let selection = selection(origin, &[wanted.to_owned()])?;
    let mut ids = state.read(|r| documents_at(r, &selection))?;
    if ids.is_empty() {
        ids = vec![named(origin, view, &text)?];
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// The same, if it is exactly one.
pub(super) fn document<'v, 'o>(
    origin: impl Into<Origin<'o>>,
    view: impl Into<View<'v>>,
    wanted: &Path,
) -> Result<DocumentId, Error> {
    let origin = origin.into();
    let mut ids = documents(origin, view.into(), wanted)?;
    if ids.len() > 1 {
        let text: String = ids.iter().fold(String::new(), |text, id| text + "\n  " + id.as_str());
        return Err(Error::Ambiguous(wanted.display().to_string(), text));
    }
    ids.pop().ok_or_else(|| unknown(origin, &wanted.display().to_string(), &[]))
}

fn named(origin: Origin<'_>, View { state, root }: View<'_>, name: &str) -> Result<DocumentId, Error> {
    match find::named(root, state, name)? {
        Choice::One(key) => {
            let found = state.read(|r| r.found(key))?;
            found.map(|found| found.document.document).ok_or_else(|| unknown(origin, name, &[]))
        }
        Choice::Several(keys) => Err(Error::Ambiguous(name.to_owned(), candidates(state, &keys)?)),
        Choice::Unknown(keys) => {
            let mut near = Vec::new();
            for key in keys {
                near.extend(state.read(|r| r.found(key))?.map(|found| found.document.path.to_string()));
            }
            Err(unknown(origin, name, &near))
        }
    }
}

/// A line with path and id for each.
fn candidates(state: &State, keys: &[DocumentKey]) -> Result<String, Error> {
    let mut text = String::new();
    for key in keys.iter().take(LISTED) {
        if let Some(found) = state.read(|r| r.found(*key))? {
            let removed = if found.removed_at.is_some() { ", removed" } else { "" };
            // Writing to memory can't fail.
            let _ = write!(text, "\n  {} ({}{removed})", found.document.path, found.document.document);
        }
    }
    if keys.len() > LISTED {
        let _ = write!(text, "\n  and {} more", keys.len() - LISTED);
    }
    Ok(text)
}

fn unknown(origin: Origin<'_>, wanted: &str, near: &[String]) -> Error {
    let advice = did_you_mean(near).unwrap_or_else(|| format!("`ibinder-sync find {origin} TEXT` finds documents"));
    Error::NoDocument(wanted.to_owned(), advice)
}

fn did_you_mean(near: &[String]) -> Option<String> {
    let near: Vec<String> = near.iter().map(|name| format!("{name:?}")).collect();
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}

/// The binder with this id, name or folder.
pub(super) fn binder<'o>(state: &State, origin: impl Into<Origin<'o>>, wanted: &str) -> Result<BinderSummary, Error> {
    choose_binder(state.read(|r| r.binder_summaries())?, origin.into(), wanted)
}

fn choose_binder(mut all: Vec<BinderSummary>, origin: Origin<'_>, wanted: &str) -> Result<BinderSummary, Error> {
    let mut choosing = Choosing::new(wanted);
    for (at, binder) in all.iter().enumerate() {
        choosing.consider(&fold(&binder.name), at);
        choosing.consider(&fold(&binder.folder), at);
    }
    let by_id = all.iter().position(|binder| binder.id == wanted);
    match by_id.map_or_else(|| choosing.decide(), Choice::One) {
        Choice::One(at) => Ok(all.swap_remove(at)),
        Choice::Several(found) => {
            let line = |at: &usize| format!("\n  {} ({})", all[*at].folder, all[*at].id);
            Err(Error::Ambiguous(wanted.to_owned(), found.iter().map(line).collect()))
        }
        Choice::Unknown(near) => {
            let near: Vec<String> = near.iter().map(|at| all[*at].folder.clone()).collect();
            let all = match origin {
                Origin::Mirror(_) => format!("`ibinder-sync binders {origin}` lists them"),
                Origin::Copy(_) => format!("`ibinder-sync ls {origin}` lists their folders"),
            };
            let advice = did_you_mean(&near).unwrap_or(all);
            Err(Error::Binder(format!("the mirror has no binder {wanted:?}; {advice}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binders() -> Vec<BinderSummary> {
        let binder = |id: &str, name: &str, folder: &str| BinderSummary {
            id: id.to_owned(),
            name: name.to_owned(),
            folder: folder.to_owned(),
            documents: 0,
            bytes: 0,
            certified: None,
            lost: None,
        };
        vec![
            binder("b1", "Brf Åsen", "Brf Åsen"),
            binder("b2", "Brf Eken", "Brf Eken"),
            binder("b3", "Brf Eken", "Brf Eken [b3]"),
            binder("b4", "b1", "b1"),
        ]
    }

    #[test]
    fn a_binder_has_an_id_a_name_and_a_folder() {
        for (wanted, expected) in [
            ("b1", Ok("b1")),
            ("brf åsen", Ok("b1")),
            ("Brf Eken [b3]", Ok("b3")),
            ("Brf Eken", Err("\n  Brf Eken (b2)\n  Brf Eken [b3] (b3)")),
            ("Brf Asen", Err("did you mean \"Brf Åsen\" or \"Brf Eken\" or \"Brf Eken [b3]\"?")),
            ("Kv. Tallen", Err("`ibinder-sync binders --dest /m` lists them")),
        ] {
            let found = choose_binder(binders(), Origin::Mirror(Path::new("/m")), wanted);
            match (found, expected) {
                (Ok(binder), Ok(id)) => assert_eq!(binder.id, id, "{wanted}"),
                (Err(error), Err(words)) => assert!(error.to_string().ends_with(words), "{wanted}: {error}"),
                (found, _) => panic!("{wanted}: {found:?}"),
            }
        }
    }
}
