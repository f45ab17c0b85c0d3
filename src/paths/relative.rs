//! The way from one folder to another.

use std::path::{Component, Path, PathBuf};

use super::resolved;

/// The path that leads from a folder to another path, links resolved.
pub fn relative(from: &Path, to: &Path) -> PathBuf {
    let absolute = |path: &Path| resolved(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    between(&absolute(from), &absolute(to))
}

fn between(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_leads_up_and_down() {
        for (from, to, way) in [
            ("/srv", "/srv/mirror", "mirror"),
            ("/srv/web/a", "/srv/mirror", "../../mirror"),
            ("/var/www", "/srv/mirror", "../../srv/mirror"),
            ("/srv/mirror2", "/srv/mirror", "../mirror"),
            ("/", "/a", "a"),
        ] {
            assert_eq!(between(Path::new(from), Path::new(to)), Path::new(way), "{from} {to}");
        }
    }

    #[test]
    fn links_are_resolved() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        std::fs::create_dir_all(at("real/web")).unwrap();
        std::fs::create_dir_all(at("mirror")).unwrap();
        std::os::unix::fs::symlink(at("real/web"), at("web")).unwrap();
        assert_eq!(relative(&at("web"), &at("mirror")), Path::new("../../mirror"));
    }
}
