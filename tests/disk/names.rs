//! A file system that allows shorter names than it announces: `EncFS`, which encrypts names to longer ones.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use ibinder_sync::sandbox::Organisation;

use crate::{
    fixture::files,
    program::{Program, finish},
    skip::skip,
};

/// A mounted `EncFS`, unmounted at the end.
struct Encrypted<'p>(&'p Path);

impl<'p> Encrypted<'p> {
    /// `None` if it can't be mounted, which needs `encfs`, FUSE in the kernel, and root.
    fn mount(at: &'p Path, below: &Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        fs::create_dir_all(below).unwrap();
        let mounted = mount(at, below).is_some_and(|status| status.success());
        if !mounted {
            skip("EncFS can't be mounted: install encfs, and run as root");
        }
        mounted.then_some(Self(at))
    }
}

fn mount(at: &Path, below: &Path) -> Option<std::process::ExitStatus> {
    let mut encfs = Command::new("encfs");
    encfs.args(["--standard", "--stdinpass"]).arg(below).arg(at);
    let mut child = encfs.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    child.stdin.take()?.write_all(b"a password\n").ok()?;
    child.wait().ok()
}

impl Drop for Encrypted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).output();
    }
}

fn long(end: &str) -> String {
    format!("{} {end}", "Relationsritningar ".repeat(12))
}

/// Two binders with two tabs each, with a folder of two documents in each. `EncFS` refuses all of their names.
fn organisation() -> Organisation {
    let mut o = Organisation::empty();
    for binder in ["norr", "syd"] {
        let binder = o.add_binder(&long(binder));
        for tab in ["norr", "syd"] {
            let tab = o.add_folder(&binder, None, &long(tab)).unwrap();
            let folder = o.add_folder(&binder, Some(&tab), &long("in")).unwrap();
            for name in ["norr", "syd"] {
                let text = format!("{binder} {tab} {name}");
                o.add_document(&binder, Some(&folder), &format!("{}.pdf", long(name)), text).unwrap();
            }
        }
    }
    o
}

/// A run that had nothing to do.
fn assert_unchanged(program: &Program) {
    let done = program.run(&["--json", "--refresh-folders", "0s"]).expect(0);
    assert_eq!(done.json()["documents"]["unchanged"], 8, "{}", done.out);
}

#[test]
fn a_copy_without_overlong_names_is_complete_after_one_run() {
    let program = Program::new(organisation());
    program.run(&[]).expect(0);
    let before = program.beside("before");
    fs::rename(&program.dest, &before).unwrap();
    let Some(disk) = Encrypted::mount(&program.dest, &program.beside("encrypted")) else { return };
    let copied = Command::new("cp").arg("-a").arg(before.join(".")).arg(disk.0).output().unwrap();
    assert!(!copied.status.success() && disk.0.join(".ibinder-sync/state.db").exists());
    program.run(&[]).expect(0);
    assert_eq!(by_bytes(disk.0).len(), 8);
    assert_unchanged(&program);
}

#[test]
fn overlong_names_are_shortened_on_every_level() {
    let program = Program::new(organisation());
    let Some(disk) = Encrypted::mount(&program.dest, &program.beside("encrypted")) else { return };
    let said = usize::try_from(rustix::fs::statvfs(disk.0).unwrap().f_namemax).unwrap();
    let refused = fs::write(disk.0.join("x".repeat(said)), "").unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(rustix::io::Errno::NAMETOOLONG.raw_os_error()), "{refused}");
    let planned = program.plan(&[]).expect(0).out;
    program.run(&["--concurrency", "1"]).expect(0);
    let tree = by_bytes(disk.0);
    assert_eq!(tree.len(), 8, "{tree:?}");
    // A plan finds the same limit without changing anything.
    let planned: Vec<&str> = planned.lines().filter(|line| line.contains(".pdf")).collect();
    assert!(planned.len() == 8 && tree.values().all(|path| planned.iter().any(|line| line.contains(path.as_str()))));
    assert_unchanged(&program);
    assert_eq!(by_bytes(disk.0), tree);
    // Sidecars have longer names than their documents.
    let out = program.beside("out");
    let Some(other) = Encrypted::mount(&out, &program.beside("encrypted too")) else { return };
    let sidecars = other.0.join("sidecars");
    let mut export = program.command(&["export", "--dest"]);
    finish(export.arg(disk.0).arg("--sidecars").arg(&sidecars)).expect(0);
    assert_eq!(files(&sidecars).len(), 8);
}

fn by_bytes(dest: &Path) -> BTreeMap<String, String> {
    files(dest).into_iter().map(|(path, text)| (text, path)).collect()
}
