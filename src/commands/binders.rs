//! `binders`.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::{
    history::Binder,
    session::{Error, Exit, Reading, open::steadily},
    ui,
};

/// Lists the binders that the mirror knows.
pub fn list(dest: &Path, json: bool) -> Exit {
    done(steadily(|| table(dest, json)).map(|text| ui::print(&text)))
}

fn table(dest: &Path, json: bool) -> Result<String, Error> {
    let Reading { state, .. } = &Reading::open(dest)?;
    let binders: Vec<Binder> = state.read(|r| r.binder_summaries())?.iter().map(Binder::of).collect();
    if json {
        // Numbers, texts and times always serialize.
        return Ok(binders.iter().map(|b| serde_json::to_string(b).unwrap_or_default() + "\n").collect());
    }
    Ok(ui::binders(&binders, &TimeZone::system()))
}

fn done(result: Result<(), Error>) -> Exit {
    match result {
        Ok(()) => Exit::Complete,
        Err(error) => {
            ui::complain(&error);
            error.exit()
        }
    }
}
