//! Unusual paths of destinations: they work, or are refused before anything is downloaded.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _};

use ibinder_sync::sandbox::Route;

use crate::program::{Program, finish};

#[test]
fn a_path_that_sqlite_cannot_open_is_refused_before_anything_is_fetched() {
    let program = Program::mirrored(2);
    let asked = program.sandbox.count(Route::Binders);
    // One byte less works, down to the longest path of the state.
    let base = program.beside("deep");
    let fill = |bytes: usize| {
        let missing = bytes - base.as_os_str().len();
        let folders = missing / 100;
        let mut path = base.clone();
        (0..folders).for_each(|_| path.push("d".repeat(99)));
        path.push("e".repeat(missing - folders * 100 - 1));
        path
    };
    let long = fill(453);
    finish(program.command(&["run", "--dest"]).arg(&long)).says(2, "choose a shorter one");
    assert!(!base.exists() && program.sandbox.count(Route::Binders) == asked);
    let longest = fill(452);
    for _ in 0..2 {
        finish(program.command(&["run", "--dest"]).arg(&longest)).expect(0);
        program.sandbox.with_organisation(|o| {
            let id = o.documents()[0].id.clone();
            o.revise(&id, "another version").unwrap();
        });
    }
    assert_eq!(fs::read_dir(longest.join(".ibinder-sync/copies")).unwrap().count(), 2);
    finish(program.command(&["verify", "--dest"]).arg(&longest)).expect(0);
}

#[test]
fn a_path_that_is_no_text_or_looks_like_a_url_is_a_path() {
    let program = Program::mirrored(2);
    for name in [OsStr::from_bytes(b"n\xff"), OsStr::new("file:x?mode=memory&y")] {
        let dest = program.beside("odd").join(name);
        for command in ["run", "verify", "ls", "snapshots"] {
            finish(program.command(&[command, "--dest"]).arg(&dest)).expect(0);
        }
        assert!(dest.join(".ibinder-sync/state.db").exists(), "{}", dest.display());
    }
}
