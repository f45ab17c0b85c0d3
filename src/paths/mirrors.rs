//! Which mirror a path lies in, and whether one lies below it.
//!
//! A mirror holds what the service has and nothing else, so nothing is written into one, and no mirror is made inside
//! another. One folder can have many names: links are resolved, and a folder that is mounted a second time is looked
//! for where its file system shows what lies above it.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs, io,
    os::unix::{ffi::OsStringExt as _, fs::MetadataExt as _},
    path::{Component, Path, PathBuf},
};

use crate::model::STATE_FOLDER;

/// Folder entries that a look for mirrors below a folder takes at most.
const MOST_ENTRIES: usize = 20_000;

/// The mirror that a path lies in, or would lie in; the path's own state does not count.
pub fn mirror_above(path: &Path) -> io::Result<Option<PathBuf>> {
    let written = std::path::absolute(path)?;
    // What has no links yet, by its names; and what is really there, under every name that shows what is above.
    let names = [folded(&written), resolved(&written)];
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let views = views(&written, &mounts);
    let above = names.iter().chain(&views).flat_map(|name| name.ancestors().skip(1));
    Ok(above.into_iter().find(|folder| is_mirror(folder)).map(Path::to_owned))
}

/// The mirror that a file lies in, or would lie in. A link in the file's own place is replaced, and not followed.
pub fn mirror_of_file(file: &Path) -> io::Result<Option<PathBuf>> {
    let written = std::path::absolute(file)?;
    let Some(folder) = written.parent() else { return Ok(None) };
    if is_mirror(folder) { Ok(Some(folder.to_owned())) } else { mirror_above(folder) }
}

/// A mirror in a folder below a path, as far as a look that is not too long finds one.
pub fn mirror_below(path: &Path) -> Option<PathBuf> {
    let mut waiting = VecDeque::from([path.to_owned()]);
    let mut seen = 0;
    while let Some(folder) = waiting.pop_front() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > MOST_ENTRIES {
                return None;
            }
            // A link is not followed: a mirror does not follow it either.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if entry.file_name() == STATE_FOLDER {
                if folder != path {
                    return Some(folder);
                }
            } else {
                waiting.push_back(entry.path());
            }
        }
    }
    None
}

/// A path without links and without `..`, also where its end does not exist yet.
pub fn resolved(path: &Path) -> PathBuf {
    match known(path) {
        Some((real, rest)) => folded(&real.join(rest)),
        None => folded(path),
    }
}

fn is_mirror(folder: &Path) -> bool {
    folder.join(STATE_FOLDER).symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// The part of a path that exists, resolved, and the rest.
fn known(path: &Path) -> Option<(PathBuf, &Path)> {
    path.ancestors().find_map(|above| Some((above.canonicalize().ok()?, path.strip_prefix(above).ok()?)))
}

/// A path without `..`, by its names alone.
pub fn folded(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut folded, step| {
        match step {
            Component::ParentDir => drop(folded.pop()),
            other => folded.push(other),
        }
        folded
    })
}

/// A mount: the file system, which folder of it is mounted, and where.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    device: Vec<u8>,
    root: PathBuf,
    point: PathBuf,
}

/// The other names that mounts give to a path.
fn views(path: &Path, mounts: &[u8]) -> Vec<PathBuf> {
    let Some((real, rest)) = known(path) else { return Vec::new() };
    let identity = |at: &Path| fs::metadata(at).ok().map(|found| (found.dev(), found.ino()));
    let there = identity(&real);
    let same = |name: &PathBuf| *name != real && there.is_some() && identity(name) == there;
    names(&real, mounts).into_iter().filter(same).map(|name| folded(&name.join(rest))).collect()
}

/// The names that a list of mounts gives to a folder.
fn names(real: &Path, mounts: &[u8]) -> Vec<PathBuf> {
    let mounts: Vec<Mount> = mounts.split(|byte| *byte == b'\n').filter_map(mount).collect();
    // The last of those that hold it covers the others.
    let holding = mounts.iter().filter(|mount| real.starts_with(&mount.point));
    let Some(own) = holding.max_by_key(|mount| mount.point.as_os_str().len()) else { return Vec::new() };
    let Ok(inside) = real.strip_prefix(&own.point) else { return Vec::new() };
    let inside = own.root.join(inside);
    let others = mounts.iter().filter(|mount| mount.device == own.device);
    others.filter_map(|mount| Some(mount.point.join(inside.strip_prefix(&mount.root).ok()?))).collect()
}

/// A line of `/proc/self/mountinfo`.
fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ').skip(2);
    let (device, root, point) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Mount { device: device.to_owned(), root: unescaped(root), point: unescaped(point) })
}

/// A path in which blanks and the like are written as `\040`.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[3..] } else { after };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_mirror_is_found_above_whatever_name_leads_there() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        for folder in ["mirror/.ibinder-sync/tmp", "mirror/Brf/El", "beside/deep"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        symlink(at("mirror/Brf"), at("link")).unwrap();
        symlink(at("beside"), at("mirror/out")).unwrap();
        #[rustfmt::skip]
        let table = [
            ("mirror",                false),
            ("mirror/",               false),
            ("mirror/x",              true),
            ("mirror/Brf/El",         true),
            ("mirror/no/such/folder", true),
            ("mirror/.ibinder-sync",  true),
            ("mirror/.ibinder-sync/tmp/x", true),
            ("link",                  true),
            ("link/new",              true),
            ("mirror/out/x",          true),
            ("mirror/../beside/x",    false),
            ("beside/../mirror/x",    true),
            ("no/../mirror/x",        true),
            ("beside/deep",           false),
            ("mirror.old",            false),
        ];
        for (path, inside) in table {
            let found = mirror_above(&at(path)).unwrap();
            let is_it = |found: PathBuf| found.canonicalize().unwrap() == at("mirror").canonicalize().unwrap();
            assert_eq!(found.clone().is_some_and(is_it), inside, "{path}: {found:?}");
            assert_eq!(found.is_some(), inside, "{path}: {found:?}");
        }
    }

    #[test]
    fn a_mirror_is_found_below() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        for folder in ["own/.ibinder-sync/objects", "own/Brf", "above/a/b/mirror/.ibinder-sync", "linked/a"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        symlink(at("above/a"), at("linked/a/there")).unwrap();
        assert_eq!(mirror_below(&at("above")), Some(at("above/a/b/mirror")));
        for none in ["own", "linked", "none"] {
            assert_eq!(mirror_below(&at(none)), None, "{none}");
        }
    }

    #[test]
    fn mounts_give_a_folder_other_names() {
        let mounts = b"22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n\
            30 22 8:2 / /srv rw - ext4 /dev/sda2 rw\n\
            31 22 8:2 /m\\040one/Brf /mnt/part rw - ext4 /dev/sda2 rw\n\
            32 22 0:5 / /proc rw - proc proc rw\n\
            33 22 8:1 /home/me /mnt/part/home rw - ext4 /dev/sda1 rw\nodd line\n";
        let names = |real: &str| {
            let names = names(Path::new(real), mounts).into_iter();
            names.map(|name| name.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names("/mnt/part/x"), ["/srv/m one/Brf/x", "/mnt/part/x"]);
        assert_eq!(names("/srv/m one/Brf"), ["/srv/m one/Brf", "/mnt/part/"]);
        assert_eq!(names("/mnt/part/home/x"), ["/home/me/x", "/mnt/part/home/x"]);
        assert_eq!(names("/proc/1"), ["/proc/1"]);
    }
}
