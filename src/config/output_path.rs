//! Paths of files that the program writes, which must be outside of mirrors.
//!
//! Each write replaces the file of that name. The name is checked before anything is touched: as it is written, which
//! also works while the mirror's disk is not mounted, and as links and mounts resolve it.

use std::{borrow::Cow, fs, io, os::unix::fs::MetadataExt as _, path::Path};

use crate::{
    config::Error,
    paths::{folded, mirror_of_file, resolved},
};

/// Refuses a file inside of this mirror or any other.
pub fn check_output_path(name: impl Into<Cow<'static, str>>, file: &Path, dest: Option<&Path>) -> Result<(), Error> {
    let name = name.into();
    let bad = |why| Error::Bad { name: name.clone(), why };
    let cannot = |error: io::Error| bad(format!("cannot look at {}: {error}", file.display()));
    let written = std::path::absolute(file).map_err(cannot)?;
    let mirror = match dest.map(std::path::absolute).transpose().map_err(cannot)? {
        Some(dest) if holds(&dest, &written) => Some(dest),
        _ => mirror_of_file(file).map_err(cannot)?,
    };
    match mirror {
        None => Ok(()),
        Some(mirror) => Err(bad(format!(
            "{} lies inside the mirror {}, which holds what the service has and nothing else; choose a path outside of it",
            file.display(),
            mirror.display()
        ))),
    }
}

/// The same for a folder, or a file whose links stay and are followed.
pub fn outside_resolved(name: &'static str, path: &Path, dest: Option<&Path>) -> Result<(), Error> {
    check_output_path(name, &path.canonicalize().unwrap_or_else(|_| path.to_owned()), dest)
}

/// Refuses a folder for a copy that lies inside of a mirror, or that has this mirror inside.
pub(super) fn check_copy_folder(name: &str, folder: &Path, dest: &Path) -> Result<(), Error> {
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    // What would be written, so that a folder counts that is a mirror itself.
    check_output_path(name.to_owned(), &real.join("objects"), Some(dest))?;
    if std::path::absolute(dest).is_ok_and(|dest| holds(&real, &dest)) {
        let why = format!(
            "{} contains the mirror {}; choose a folder outside of it, on another disk",
            folder.display(),
            dest.display()
        );
        return Err(Error::Bad { name: name.to_owned().into(), why });
    }
    Ok(())
}

/// Whether a folder is a path or above it: by name, because its disk may not be mounted, or after resolving links and mounts.
/// A link in the file's own place would be replaced, so it is not followed.
fn holds(folder: &Path, file: &Path) -> bool {
    let by_name = folded(file).starts_with(folded(folder));
    let real = match (file.parent(), file.file_name()) {
        (Some(above), Some(name)) => resolved(above).join(name),
        _ => resolved(file),
    };
    let identity = |at: &Path| fs::metadata(at).ok().map(|found| (found.dev(), found.ino()));
    let wanted = identity(folder);
    let is_it = |above: &Path| wanted.is_some() && identity(above) == wanted;
    by_name || real.starts_with(resolved(folder)) || real.ancestors().skip(1).any(is_it)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_path_into_a_mirror_is_accepted() {
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
            // The link itself would be replaced, which writing refuses.
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
                let found = check_output_path("--report", &at(file), Some(&at(dest)));
                assert_eq!(found.is_err(), refused, "{file} beside {dest}: {found:?}");
            }
        }
        assert!(check_output_path("--report", &at("mirror/x"), None).is_ok());
        for (folder, refused) in [
            ("mirror/copy", true),
            ("deep/copy", true),
            ("mirror", true),
            ("link", true),
            ("", true),
            ("other", true),
            ("beside", false),
            ("beside/../mirrors", false),
            ("no/copy", false),
        ] {
            for dest in ["mirror", "link"] {
                let found = check_copy_folder("--to", &at(folder), &at(dest));
                assert_eq!(found.is_err(), refused, "{folder} beside {dest}: {found:?}");
            }
        }
        let error = check_output_path("--report", &at("other/x"), None).unwrap_err().to_string();
        assert!(error.starts_with("--report can't be used: ") && error.contains("other, which holds"), "{error}");
    }
}
