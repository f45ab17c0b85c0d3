//! `man`: the manual pages.

use std::{fs, io, path::Path};

use crate::{
    cli,
    config::outside_resolved,
    session::{Error, Exit, output::ended},
    ui,
};

/// Prints the program's page, or writes those of all commands to a folder.
pub fn man(to: Option<&Path>) -> Exit {
    let pages = cli::pages();
    let Some(folder) = to else {
        ui::print(pages.first().map_or("", |page| &page.text));
        return Exit::Complete;
    };
    let outside = outside_resolved("--to", folder, None).map_err(Error::from);
    ended(outside.and_then(|()| write(folder, &pages)).map(|()| Exit::Complete))
}

fn write(folder: &Path, pages: &[cli::ManualPage]) -> Result<(), Error> {
    let refused = |path: &Path, error: io::Error| Error::Pages(path.to_owned(), error);
    fs::create_dir_all(folder).map_err(|error| refused(folder, error))?;
    pages.iter().try_for_each(|page| {
        let path = folder.join(&page.name);
        fs::write(&path, &page.text).map_err(|error| refused(&path, error))
    })
}
