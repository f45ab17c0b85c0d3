//! Files that the program writes beside a mirror, and never into one.
//!
//! Each write replaces what has the file's name. So the name is looked at before anything is touched: as it is
//! written, which also holds while the mirror's disk is not mounted, and as links and mounts resolve it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use super::Error;
use crate::model::STATE_FOLDER;

/// Refuses a file that lies inside of a mirror: of this one, or of any other.
pub fn outside(name: &'static str, file: &Path, dest: Option<&Path>) -> Result<(), Error> {
    let bad = |why: String| Error::Bad { name: name.into(), why };
    let cannot = |error: io::Error| bad(format!("cannot look at {}: {error}", file.display()));
    let written = std::path::absolute(file).map_err(cannot)?;
    let real = resolved(&written);
    let mirror = match dest.map(std::path::absolute).transpose().map_err(cannot)? {
        Some(dest) if folded(&written).starts_with(folded(&dest)) || holds(&dest, &real) => Some(dest),
        _ => real.ancestors().find(|folder| folder.join(STATE_FOLDER).is_dir()).map(Path::to_owned),
    };
    match mirror {
        None => Ok(()),
        Some(mirror) => Err(bad(format!(
            "{} lies inside the mirror {}, which holds what the service has and nothing else; name a file elsewhere",
            file.display(),
            mirror.display()
        ))),
    }
}

/// Whether a folder is one of those above a path. Names can differ where a folder is mounted twice.
fn holds(folder: &Path, real: &Path) -> bool {
    let identity = |at: &Path| fs::metadata(at).ok().map(|found| (found.dev(), found.ino()));
    let wanted = identity(folder);
    let is_it = |above: &Path| wanted.is_some() && identity(above) == wanted;
    real.starts_with(canonical(folder)) || real.ancestors().skip(1).any(is_it)
}

/// Where a file really is: a link in its own place is replaced, and not followed.
fn resolved(file: &Path) -> PathBuf {
    match (file.parent(), file.file_name()) {
        (Some(folder), Some(name)) => canonical(folder).join(name),
        _ => canonical(file),
    }
}

/// A path without links, also where its end does not exist yet.
fn canonical(path: &Path) -> PathBuf {
    let known = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let Some((above, real)) = known else { return folded(path) };
    folded(&real.join(path.strip_prefix(above).unwrap_or(path)))
}

/// A path without `..`, by its names alone.
fn folded(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut folded, step| {
        match step {
            Component::ParentDir => drop(folded.pop()),
            other => folded.push(other),
        }
        folded
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_name_leads_into_a_mirror() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        for folder in ["mirror/Brf", "other/.ibinder-sync", "other/Brf", "beside", "mirrors"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("mirror/a.pdf"), "a").unwrap();
        symlink(at("mirror"), at("link")).unwrap();
        symlink(at("mirror/Brf"), at("deep")).unwrap();
        symlink(at("mirror/a.pdf"), at("beside/a.pdf")).unwrap();
        let dests = ["mirror", "link", "unmounted", "beside/../mirror"];
        #[rustfmt::skip]
        let table = [
            ("mirror/a.pdf",             [true,  true,  false, true]),
            ("mirror",                   [true,  true,  false, true]),
            ("mirror/no/a.pdf",          [true,  true,  false, true]),
            ("mirror/.ibinder-sync/x",   [true,  true,  false, true]),
            ("mirror/../beside/x",       [false, false, false, false]),
            ("beside/../mirror/x",       [true,  true,  false, true]),
            ("no/../mirror/x",           [true,  true,  false, true]),
            ("link/x",                   [true,  true,  false, true]),
            ("deep/x",                   [true,  true,  false, true]),
            ("deep/../x",                [true,  true,  false, true]),
            // Such a link would be replaced itself; writing refuses it.
            ("beside/a.pdf",             [false, false, false, false]),
            ("beside/x",                 [false, false, false, false]),
            ("mirrors/x",                [false, false, false, false]),
            ("mirror.json",              [false, false, false, false]),
            ("unmounted/x",              [false, false, true,  false]),
            ("unmounted/no/../x",        [false, false, true,  false]),
            ("other/Brf/x",              [true,  true,  true,  true]),
        ];
        for (file, refused) in table {
            for (dest, refused) in dests.into_iter().zip(refused) {
                let found = outside("--report", &at(file), Some(&at(dest)));
                assert_eq!(found.is_err(), refused, "{file} beside {dest}: {found:?}");
            }
        }
        assert!(outside("--report", &at("mirror/x"), None).is_ok());
        let error = outside("--report", &at("other/x"), None).unwrap_err().to_string();
        assert!(error.starts_with("--report can't be used: ") && error.contains("other, which holds"), "{error}");
    }
}
