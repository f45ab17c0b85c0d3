//! A binder's documents, as the catalogue shows them.

use std::collections::HashMap;

use super::{
    pair::Pair,
    place::Site,
    survey::{CATEGORY, STATUS, Surveyed, TAB},
};
use crate::{
    history::Error,
    site::{Shard, Shards, SiteDocument, SiteVersion},
    state::{Catalogued, Reader},
};

/// The key of the binder, which is no news.
const BINDER: &str = "GLOBAL_BinderId";

/// Most characters of a value.
const LONGEST: usize = 2000;

/// Names of tabs by their ids.
type Tabs = HashMap<String, Option<String>>;

impl Site<'_> {
    /// Writes a binder's data. Returns the names of the files.
    pub(super) fn render(&self, binder: &Surveyed, pair: &mut Pair<'_>) -> Result<(Vec<String>, Vec<String>), Error> {
        let mut shards = Shards::new(&binder.summary.id);
        let (mut search, mut details) = (Vec::new(), Vec::new());
        let mut write = |pair: &mut Pair<'_>, shard: Option<Shard>| -> Result<(), Error> {
            if let Some(shard) = shard {
                search.push(pair.put(&shard.search)?);
                details.push(pair.put(&shard.details)?);
            }
            Ok(())
        };
        let mut tabs = Tabs::new();
        self.state.read(|r| {
            r.catalogue_of(&binder.summary.id, |row| {
                let document = self.document(r, row, binder, &mut tabs)?;
                write(pair, shards.push(document))
            })
        })?;
        write(pair, shards.end())?;
        Ok((search, details))
    }

    fn document(
        &self,
        reader: &Reader<'_>,
        row: &Catalogued,
        binder: &Surveyed,
        tabs: &mut Tabs,
    ) -> Result<SiteDocument, Error> {
        let (folder, name) = place(&row.path, &binder.summary.folder);
        let mut document = SiteDocument {
            id: row.document.clone(),
            title: (row.file_name != name).then(|| row.file_name.clone()),
            name: name.to_owned(),
            folder,
            size: row.size,
            modified: row.mtime.div_euclid(1_000_000_000),
            versions: vec![SiteVersion {
                seen: row.mirrored_at,
                size: row.size,
                sha256: row.sha256,
                held: true,
                id: row.version.clone(),
            }],
            ..SiteDocument::default()
        };
        if self.options.history {
            document.versions.extend(reader.earlier_versions(&row.document)?.into_iter().map(|version| SiteVersion {
                seen: version.mirrored_at,
                size: version.size,
                sha256: version.sha256,
                held: version.held,
                id: version.version,
            }));
        }
        for (key, value) in row.metadata.iter().flat_map(|json| binder.labels.values(json)) {
            let value = shortened(value);
            match key.as_str() {
                BINDER => {}
                TAB if document.tab.is_none() => document.tab = Some(tab(reader, row, value, tabs)?),
                CATEGORY if document.category.is_none() => document.category = Some(value),
                STATUS if document.status.is_none() => document.status = Some(value),
                _ => document.metadata.push((binder.labels.label(&key).unwrap_or(&key).to_owned(), value)),
            }
        }
        Ok(document)
    }
}

/// A tab's name; its id if the name is unknown.
fn tab(reader: &Reader<'_>, row: &Catalogued, id: String, tabs: &mut Tabs) -> Result<String, Error> {
    let known = match tabs.get(&id) {
        Some(name) => name.clone(),
        None => tabs.entry(id.clone()).or_insert(reader.folder_name(&row.binder, &id)?).clone(),
    };
    Ok(known.unwrap_or(id))
}

/// A file's folder below its binder's, and its name. A file that is elsewhere has its folder from the tree's root.
fn place<'p>(path: &'p str, binder: &str) -> (String, &'p str) {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let below = match folder.strip_prefix(binder) {
        Some("") => Some(""),
        Some(rest) => rest.strip_prefix('/'),
        None => None,
    };
    (below.map_or_else(|| format!("/{folder}"), str::to_owned), name)
}

fn shortened(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(at);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_folder_below_its_binder() {
        for (path, folder, name) in [
            ("Brf Eken/a.pdf", "", "a.pdf"),
            ("Brf Eken/Avtal/Hyra/a.pdf", "Avtal/Hyra", "a.pdf"),
            ("Brf Eken 2/Avtal/a.pdf", "/Brf Eken 2/Avtal", "a.pdf"),
            ("Brf/a.pdf", "/Brf", "a.pdf"),
        ] {
            assert_eq!(place(path, "Brf Eken"), (folder.to_owned(), name), "{path}");
        }
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shortened("å".repeat(LONGEST)), "å".repeat(LONGEST));
        assert_eq!(shortened("å".repeat(LONGEST + 1)), format!("{}…", "å".repeat(LONGEST)));
    }
}
