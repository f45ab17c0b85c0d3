//! A disk that is full, where the machine lets a test make one.

use std::{fs, path::Path, process::Command};

use ibinder_sync::sandbox::Organisation;

use crate::program::{Program, finish};

/// A small file system in memory, unmounted at the end.
struct Disk<'p>(&'p Path);

impl<'p> Disk<'p> {
    /// None where it can't be mounted: that takes root, and a kernel that allows it.
    fn mount(at: &'p Path, size: &str) -> Option<Self> {
        fs::create_dir(at).unwrap();
        mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], at).then_some(Self(at))
    }

    fn resize(&self, size: &str) {
        assert!(mount(&["-o", &format!("remount,size={size}")], self.0));
    }

    fn set_read_only(&self, read_only: bool) {
        assert!(mount(&["-o", if read_only { "remount,ro" } else { "remount,rw" }], self.0));
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    Command::new("mount").args(arguments).arg(at).output().is_ok_and(|output| output.status.success())
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).output();
    }
}

fn large() -> Program {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    for n in 0..8_u8 {
        o.add_document(&binder, None, &format!("{n}.bin"), vec![n; 1_000_000]).unwrap();
    }
    Program::new(o)
}

#[test]
fn a_full_disk_is_8_and_the_next_run_goes_on() {
    let program = large();
    let Some(disk) = Disk::mount(&program.dest, "4m") else {
        eprintln!("no file system can be mounted here: not tested");
        return;
    };
    let done = program.run(&["--json"]).expect(8);
    assert_eq!(done.json()["outcome"], "failed");
    assert!(done.err.contains("free some space"), "{}", done.err);
    for entry in fs::read_dir(program.dest.join("Brf Eken")).into_iter().flatten() {
        assert_eq!(fs::metadata(entry.unwrap().path()).unwrap().len(), 1_000_000);
    }
    disk.resize("32m");
    program.run(&[]).expect(0);
    assert_eq!(fs::read_dir(program.dest.join("Brf Eken")).unwrap().count(), 8);
    // Full once more, now that old versions must be held as well.
    disk.resize("12m");
    program.sandbox.with_organisation(|o| {
        for document in o.documents() {
            o.revise(&document.id, vec![b'x'; 1_000_001]).unwrap();
        }
    });
    program.run(&[]).expect(8);
    assert_eq!(fs::read_dir(program.dest.join("Brf Eken")).unwrap().count(), 8);
    disk.resize("64m");
    program.run(&[]).expect(0);
    for n in 0..8 {
        assert_eq!(fs::metadata(program.dest.join(format!("Brf Eken/{n}.bin"))).unwrap().len(), 1_000_001);
    }
}

#[test]
fn a_disk_that_turned_read_only_is_8() {
    let program = large();
    let Some(disk) = Disk::mount(&program.dest, "64m") else {
        eprintln!("no file system can be mounted here: not tested");
        return;
    };
    program.run(&[]).expect(0);
    disk.set_read_only(true);
    let done = finish(&mut program.run_command(&[]));
    disk.set_read_only(false);
    done.expect(8);
    program.run(&[]).expect(0);
}

#[test]
fn a_disk_without_room_for_a_copy_of_the_state_is_8() {
    let program = Program::with_documents(3000);
    let Some(_disk) = Disk::mount(&program.dest, "64m") else {
        eprintln!("no file system can be mounted here: not tested");
        return;
    };
    program.run(&[]).expect(0);
    let copies = program.state("copies");
    let size = fs::metadata(program.state("state.db")).unwrap().len();
    fs::remove_dir_all(&copies).unwrap();
    // Room for what the run itself writes, and not for a copy.
    let output = Command::new("df").args(["--output=avail", "-B1"]).arg(&program.dest).output().unwrap();
    let free: u64 = String::from_utf8(output.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap();
    let fill = program.dest.join("fill");
    fs::write(&fill, vec![0; usize::try_from(free - size * 3 / 4).unwrap()]).unwrap();
    program.run(&[]).says(8, "no copy of the state could be made");
    assert_eq!(fs::read_dir(&copies).map_or(0, Iterator::count), 0);
    fs::remove_file(&fill).unwrap();
    program.run(&[]).expect(0);
    assert_eq!(fs::read_dir(&copies).unwrap().count(), 1);
}
