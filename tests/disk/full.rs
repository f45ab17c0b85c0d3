//! A full, read-only or missing disk, on machines where a test can simulate it.

use std::{fs, path::Path, process::Command};

use ibinder_sync::sandbox::{Organisation, Reply, Route};
use serde_json::Value;

use crate::{
    fixture::Fixture,
    program::{Program, bare, finish},
    skip::skip,
};

/// A small file system in memory, unmounted at the end.
struct Disk<'p>(&'p Path);

impl<'p> Disk<'p> {
    /// `None` if it can't be mounted, which needs root and a kernel that allows it.
    fn mount(at: &'p Path, size: &str) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], at);
        if !mounted {
            skip("no file system can be mounted: run as root");
        }
        mounted.then_some(Self(at))
    }

    /// Leaves this much free.
    fn leave(&self, unit: &str, more: u64) {
        let space = rustix::fs::statvfs(self.0).unwrap();
        let option = match unit {
            "size" => format!("size={}", (space.f_blocks - space.f_bfree) * space.f_frsize + more),
            _ => format!("nr_inodes={}", space.f_files - space.f_ffree + more),
        };
        assert!(mount(&["-o", &format!("remount,{option}")], self.0));
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
    let Some(disk) = Disk::mount(&program.dest, "4m") else { return };
    let done = program.run(&["--json"]).expect(8);
    assert_eq!(done.json()["outcome"], "failed");
    assert!(done.err.contains("free some space"), "{}", done.err);
    for entry in fs::read_dir(program.dest.join("Brf Eken")).into_iter().flatten() {
        assert_eq!(fs::metadata(entry.unwrap().path()).unwrap().len(), 1_000_000);
    }
    disk.resize("32m");
    program.run(&[]).expect(0);
    assert_eq!(fs::read_dir(program.dest.join("Brf Eken")).unwrap().count(), 8);
    // The disk is full again, now that old versions must be kept as well.
    disk.resize("12m");
    program.sandbox.with_organisation(|o| {
        for document in o.documents() {
            // If all of them had the same bytes, they would be held back.
            let mut bytes = document.id.clone().into_bytes();
            bytes.resize(1_000_001, b'x');
            o.revise(&document.id, bytes).unwrap();
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
fn a_recovery_onto_a_full_disk_is_8_and_the_same_command_goes_on() {
    let program = large();
    program.run(&[]).expect(0);
    let (copy, lost) = (program.beside("copy"), program.beside("lost"));
    fs::create_dir(&copy).unwrap();
    let url = format!("file://{}", copy.display());
    finish(bare(&["replicate", "--to", &url, "--dest"]).arg(&program.dest)).expect(0);
    fs::rename(&program.dest, &lost).unwrap();
    let Some(disk) = Disk::mount(&program.dest, "4m") else { return };
    let recover = || finish(bare(&["recover", "--from", &url, "--dest"]).arg(&program.dest));
    recover().says(8, "free some space");
    for entry in fs::read_dir(program.dest.join("Brf Eken")).into_iter().flatten() {
        assert_eq!(fs::metadata(entry.unwrap().path()).unwrap().len(), 1_000_000);
    }
    program.run(&[]).says(2, "recover --from");
    disk.resize("32m");
    recover().expect(0);
    let before = program.sandbox.count(Route::Blob);
    program.run(&[]).expect(0);
    assert_eq!(program.sandbox.count(Route::Blob), before);
}

/// The files below `tmp/`.
fn unfinished(program: &Program) -> usize {
    let folders = fs::read_dir(program.state("tmp")).unwrap().map(|folder| folder.unwrap().path());
    folders.map(|folder| fs::read_dir(folder).unwrap().count()).sum()
}

#[test]
fn only_a_document_that_does_not_fit_fails() {
    for min_free in [None, Some("1MB")] {
        for chunked in [false, true] {
            let mut o = Organisation::empty();
            let binder = o.add_binder("Brf Eken");
            o.add_document(&binder, None, "aaa.bin", vec![b'a'; 30 << 20]).unwrap();
            for n in 0..12_u8 {
                o.add_document(&binder, None, &format!("{n}.bin"), vec![n; 10_000]).unwrap();
            }
            let program = Program::new(o);
            let Some(disk) = Disk::mount(&program.dest, "24m") else { return };
            let version = program.sandbox.with_organisation(|o| o.documents().remove(0).version);
            program.sandbox.hook(move |asked| {
                let large = asked.route == Route::Blob && asked.target.contains(&version) && chunked;
                let body = || Reply::body(200, "application/octet-stream", vec![b'a'; 30 << 20]);
                large.then(|| body().header("transfer-encoding", "chunked"))
            });
            let flags =
                [&["--json", "--concurrency", "2"][..], &min_free.map_or(vec![], |size| vec!["--min-free", size])]
                    .concat();
            for run in 0..2 {
                let report = program.run(&flags).expect(4).json();
                let files = fs::read_dir(program.dest.join("Brf Eken")).unwrap().count();
                let what = format!("{min_free:?} {chunked} {run} {report}");
                assert_eq!((files, &report["documents"]["failed"], unfinished(&program)), (12, &1.into(), 0), "{what}");
            }
            program.sandbox.unhook();
            disk.resize("128m");
            program.run(&flags).expect(0);
        }
    }
}

#[test]
fn what_is_held_of_a_document_that_fits_no_more_makes_way_for_the_others() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    o.add_document(&binder, None, "large.bin", vec![b'a'; 18 << 20]).unwrap();
    let program = Program::new(o);
    let Some(disk) = Disk::mount(&program.dest, "32m") else { return };
    // Half of it comes, and then nothing.
    program.sandbox.script(Route::Blob, vec![Reply::Truncate]);
    program.sandbox.script(Route::Blob, Reply::status(400).times(2));
    program.run(&[]).expect(4);
    assert_eq!(unfinished(&program), 1);
    program.sandbox.with_organisation(|o| {
        for n in 0..4_u8 {
            o.add_document(&binder, None, &format!("{n}.bin"), vec![n; 900_000]).unwrap();
        }
    });
    disk.leave("size", 3 << 20);
    let report = program.run(&["--json", "--concurrency", "1"]).expect(4).json();
    assert_eq!((unfinished(&program), &report["documents"]["added"]), (0, &4.into()), "{report}");
    disk.resize("64m");
    program.run(&[]).expect(0);
}

#[test]
fn a_disk_that_turned_read_only_is_8() {
    let program = large();
    let Some(disk) = Disk::mount(&program.dest, "64m") else { return };
    program.run(&[]).expect(0);
    disk.set_read_only(true);
    let done = finish(&mut program.run_command(&[]));
    disk.set_read_only(false);
    done.expect(8);
    program.run(&[]).expect(0);
}

#[test]
fn whenever_the_disk_fills_up_nothing_is_lost_and_the_next_run_continues() {
    for (unit, step, steps) in [("size", 65_536, 16_u64), ("nr_inodes", 1, 12)] {
        let mut fixture = Fixture::unmirrored();
        let dest = fixture.program.dest.clone();
        let Some(disk) = Disk::mount(&dest, "64m") else { return };
        fixture.begin();
        let mut codes = Vec::new();
        for more in (0..steps).map(|n| n * step) {
            fixture.change();
            disk.leave(unit, more);
            let done = fixture.program.run(&["--refresh-folders", "0s"]);
            fixture.assert_nothing_lost(&format!("{more} more of {unit}"));
            assert!([0, 8].contains(&done.code), "{more} more of {unit}: {} {}", done.code, done.err);
            // The message names the resource that is missing, and no other.
            let words = if unit == "size" { "free some space" } else { "inodes left" };
            assert!(done.code == 0 || done.err.contains(words), "{unit}: {}", done.err);
            let errors: Vec<_> = done.err.lines().filter(|line| line.starts_with("error")).collect();
            let other = if unit == "size" { "inodes" } else { "free some space" };
            assert!(!errors.iter().any(|error| error.contains(other)), "{unit}: {errors:?}");
            codes.push(done.code);
            assert!(mount(&["-o", "remount,size=64m,nr_inodes=10000"], &dest));
            fixture.program.run(&["--refresh-folders", "0s"]).expect(0);
            fixture.assert_mirrors();
        }
        assert!(codes.contains(&8) && codes.contains(&0), "{unit}: {codes:?}");
    }
}

#[test]
fn a_destination_that_is_removed_during_a_run_is_8() {
    let program = Program::with_documents(12);
    let dest = program.dest.clone();
    program.sandbox.script(Route::DownloadLink, Reply::Pass.times(4));
    program.sandbox.script(Route::DownloadLink, vec![Reply::run(move |_| fs::remove_dir_all(dest).unwrap())]);
    let done = program.run(&["--concurrency", "1", "--json"]).says(8, "still mounted");
    assert_eq!(done.json()["outcome"], "failed");
    program.run(&[]).expect(0);
    assert_eq!(fs::read_dir(program.dest.join("Brf Eken")).unwrap().count(), 12);
}

#[test]
fn a_disk_that_is_unmounted_during_a_run_leaves_its_mount_point_empty() {
    let program = Program::with_documents(12);
    let (disk, dest) = (program.beside("disk"), program.dest.clone());
    for folder in [&disk, &dest] {
        fs::create_dir(folder).unwrap();
    }
    let source = disk.clone();
    let attach = |to: &Path| Command::new("mount").arg("--bind").args([&source, to]).output().unwrap().status.success();
    if !attach(&dest) {
        return skip("no folder can be mounted: run as root");
    }
    let mounted = Disk(&dest);
    let point = dest.clone();
    program.sandbox.script(Route::DownloadLink, Reply::Pass.times(4));
    let unmount = move |_: &mut Organisation| drop(Command::new("umount").arg("-l").arg(point).output().unwrap());
    program.sandbox.script(Route::DownloadLink, vec![Reply::run(unmount)]);
    let done = program.run(&["--concurrency", "1"]);
    assert!([0, 8].contains(&done.code), "{} {}", done.code, done.err);
    assert_eq!(fs::read_dir(&dest).unwrap().count(), 0);
    program.run(&["--existing"]).says(2, "is the disk mounted?");
    assert!(attach(&dest));
    program.run(&["--existing"]).expect(0);
    assert_eq!(fs::read_dir(disk.join("Brf Eken")).unwrap().count(), 12);
    drop(mounted);
}

#[test]
fn a_disk_without_space_for_a_copy_of_the_state_is_8() {
    let program = Program::with_documents(3000);
    let Some(_disk) = Disk::mount(&program.dest, "64m") else { return };
    program.run(&[]).expect(0);
    let copies = program.state("copies");
    let size = fs::metadata(program.state("state.db")).unwrap().len();
    fs::remove_dir_all(&copies).unwrap();
    // Enough space for the run's own files, but not for a copy.
    let output = Command::new("df").args(["--output=avail", "-B1"]).arg(&program.dest).output().unwrap();
    let free: u64 = String::from_utf8(output.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap();
    let fill = program.dest.join("fill");
    fs::write(&fill, vec![0; usize::try_from(free - size * 3 / 4).unwrap()]).unwrap();
    let complete = status(&program.state("status.json"))["last_complete_run"].clone();
    let report = program.run(&["--json"]).says(8, "no copy of the state could be made").json();
    assert_eq!((&report["outcome"], &report["failures"][0]["cause"]), (&"failed".into(), &"file".into()));
    let last: Value = serde_json::from_slice(&fs::read(program.state("last-run.json")).unwrap()).unwrap();
    assert_eq!(last, report);
    assert!(fs::read_to_string(program.state("last-run.html")).unwrap().contains("Failed"));
    let kept = status(&program.state("status.json"));
    assert_eq!((&kept["last_run"]["exit_code"], &kept["last_complete_run"]), (&8.into(), &complete));
    let done = finish(bare(&["status", "--dest"]).arg(&program.dest)).expect(2);
    assert!(done.out.starts_with("CRITICAL: the disk failed, or is full"), "{}", done.out);
    assert_eq!(fs::read_dir(&copies).map_or(0, Iterator::count), 0);
    fs::remove_file(&fill).unwrap();
    program.run(&[]).expect(0);
    assert_eq!(fs::read_dir(&copies).unwrap().count(), 1);
}

fn status(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn files_outside_of_a_full_disk_report_the_failure() {
    let program = Program::with_documents(40);
    let (copy, metrics) = (program.beside("status.json"), program.beside("ibinder.prom"));
    let flags = ["--status-file", copy.to_str().unwrap(), "--metrics-file", metrics.to_str().unwrap()];
    let Some(disk) = Disk::mount(&program.dest, "64m") else { return };
    program.run(&flags).expect(0);
    let mut lost = Vec::new();
    for more in 0..60 {
        let before = status(&copy)["last_complete_run"]["run_id"].clone();
        // A copy of the state is due, and there may be no space for it.
        fs::remove_dir_all(program.state("copies")).unwrap();
        disk.leave("size", more * 4096);
        let done = program.run(&flags);
        assert!([0, 8].contains(&done.code), "{} {}", done.code, done.err);
        let reported = status(&copy);
        assert_eq!(reported["last_run"]["exit_code"], done.code, "room for {more} pages: {}", done.err);
        assert_eq!(reported["last_run"]["outcome"] == "complete", done.code == 0, "{reported}");
        assert_eq!(reported["last_complete_run"]["run_id"] != before, done.code == 0, "{reported}");
        let line = format!("}} {}\n", done.code);
        let metrics = fs::read_to_string(&metrics).unwrap();
        let code = metrics.lines().find(|line| line.starts_with("ibinder_sync_last_run_exit_code{")).unwrap();
        assert!(format!("{code}\n").ends_with(&line), "{code}");
        if done.err.contains("status.json") {
            lost.push(more);
        }
        assert!(mount(&["-o", "remount,size=64m"], &program.dest));
        program.run(&flags).expect(0);
    }
    assert!(!lost.is_empty(), "space never sufficed for everything but the status");
}
