//! `binders`.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::{
    history::Binder,
    session::{Error, Exit, Reading, open::retry_on_change, output::ended},
    ui,
};

/// Lists the binders of the mirror.
pub fn list(dest: &Path, json: bool) -> Exit {
    ended(retry_on_change(|| table(dest, json)).map(|text| {
        ui::print(&text);
        Exit::Complete
    }))
}

fn table(dest: &Path, json: bool) -> Result<String, Error> {
    let Reading { state, .. } = &Reading::open(dest)?;
    let binders: Vec<Binder> = state.read(|r| r.binder_summaries())?.iter().map(Binder::of).collect();
    if json {
        return Ok(binders.iter().map(ui::json_line).collect());
    }
    Ok(ui::binders(&binders, &TimeZone::system()))
}
