//! `catalogue`.

use std::path::{Component, Path, PathBuf};

use crate::{
    cli,
    config::outside_resolved,
    history::{Error as HistoryError, Site, SitePlace},
    mirror::Shelf,
    model::{CATALOGUE_PAGE, STATE_FOLDER},
    report::format::number_of,
    session::{Error, Exit, Output, Reading, Writing, open::retry_on_change, output::ended, site},
    site::SiteOptions,
    state::RunEnd,
    ui,
};

/// Writes the catalogue beside the tree, or into another folder.
pub fn catalogue(dest: &Path, given: &cli::Catalogue, options: &SiteOptions, output: &Output) -> Exit {
    let written = match &given.to {
        Some(to) => retry_on_change(|| elsewhere(dest, to, options)),
        None => beside(dest, options),
    };
    ended(written.map(|(page, documents)| {
        if !output.quiet {
            let page = ui::escape(&page.display().to_string());
            ui::print(&format!("The catalogue of {} is {page}.\n", number_of(documents, "document", "documents")));
        }
        Exit::Complete
    }))
}

/// Returns the page, and the number of documents.
fn beside(dest: &Path, options: &SiteOptions) -> Result<(PathBuf, u64), Error> {
    let Writing { mirror, state, run } = Writing::open(dest, "catalogue")?;
    let place = SitePlace::Mirror(&mirror);
    let written = site::write(&Site::new(&state, place, options), &state, mirror.root());
    let outcome = if written.is_ok() { "complete" } else { "failed" };
    state.write(|w| w.end_run(run.number, &RunEnd { outcome, ..RunEnd::default() }))?;
    for path in written? {
        tracing::warn!("a binder has no page of its own: {}", HistoryError::CatalogueObstacle(path));
    }
    Ok((dest.join(CATALOGUE_PAGE), state.read(|r| r.totals())?.documents))
}

fn elsewhere(dest: &Path, to: &Path, options: &SiteOptions) -> Result<(PathBuf, u64), Error> {
    let Reading { state, root, .. } = &Reading::open(dest)?;
    outside_resolved("--to", to, Some(dest))?;
    if to.join(STATE_FOLDER).exists() {
        return Err(Error::Unknown(format!(
            "{} is another mirror; use --to with a folder outside of mirrors",
            to.display()
        )));
    }
    let shelf = Shelf::elsewhere(to)?;
    let way = way(&real(to)?, &real(dest)?);
    site::write(&Site::new(state, SitePlace::Elsewhere { root, shelf: &shelf, way }, options), state, root)?;
    Ok((to.join(CATALOGUE_PAGE), state.read(|r| r.totals())?.documents))
}

fn real(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(|error| Error::Look(path.to_owned(), error))
}

/// The relative address from one folder to another, with a `/` at its end. It stays right when both are moved or shared together.
fn way(from: &Path, to: &Path) -> String {
    let steps = |path: &Path| -> Vec<String> {
        let names = path.components().filter(|step| matches!(step, Component::Normal(_)));
        names.map(|step| step.as_os_str().to_string_lossy().into_owned()).collect()
    };
    let (from, to) = (steps(from), steps(to));
    let shared = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
    let up = "../".repeat(from.len() - shared);
    to[shared..].iter().fold(up, |way, step| format!("{way}{}/", encoded(step)))
}

/// A step of a path as a step of an address.
fn encoded(step: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    step.bytes().fold(String::new(), |done, byte| {
        if is_plain(byte) { format!("{done}{}", char::from(byte)) } else { format!("{done}%{byte:02X}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_relative() {
        for (from, to, expected) in [
            ("/srv/catalogue", "/srv/mirror", "../mirror/"),
            ("/srv/a/b", "/srv/mirror/x y", "../../mirror/x%20y/"),
            ("/srv", "/srv/mirror", "mirror/"),
            ("/home/x", "/srv/må#r?", "../../srv/m%C3%A5%23r%3F/"),
            ("/", "/srv", "srv/"),
        ] {
            assert_eq!(way(Path::new(from), Path::new(to)), expected);
        }
    }
}
