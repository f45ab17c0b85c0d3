//! Runs the program itself on a world's mirror.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ibinder_sync::model::STATE_FOLDER;

use crate::{disk, harness::World};

/// The result of a command.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// A number in the report.
    #[track_caller]
    pub(crate) fn count(&self, group: &str, field: &str) -> u64 {
        let report: serde_json::Value = serde_json::from_str(&self.out).unwrap();
        report[group][field].as_u64().unwrap()
    }
}

/// A command that lists the service's documents, with its report.
pub(crate) fn mirroring(world: &World, command: &str, flags: &[&str]) -> Done {
    finish(&mut mirroring_command(world, command, flags))
}

pub(crate) fn mirroring_command(world: &World, command: &str, flags: &[&str]) -> Command {
    let mut built = program(&[command, "--json", "--rate", "0", "--refresh-folders", "0s"]);
    built.args(flags).arg("--dest").arg(world.dest()).envs(world.sandbox.environment());
    built
}

pub(crate) fn recover(world: &World, flags: &[&str]) -> Done {
    finish(program(&["recover"]).args(flags).arg("--dest").arg(world.dest()))
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ibinder-sync"));
    command.args(arguments).env_clear().env("IBINDER_CONFIG", "/dev/null").stdin(Stdio::null());
    command
}

pub(crate) fn finish(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Done { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

/// A file of the state.
pub(crate) fn state(world: &World, name: &str) -> PathBuf {
    world.at(STATE_FOLDER).join(name)
}

/// Copies a whole mirror, like a user who restores a backup.
pub(crate) fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
            let time = entry.metadata().unwrap().modified().unwrap();
            fs::File::options().write(true).open(&target).unwrap().set_modified(time).unwrap();
        }
    }
}

/// Restores a mirror from a copy.
pub(crate) fn reset(world: &World, copy: &Path) {
    fs::remove_dir_all(world.dest()).unwrap();
    copy_all(copy, &world.dest());
}

/// Every byte string that was in the mirror still is, and the tree matches the service.
#[track_caller]
pub(crate) fn assert_nothing_lost(world: &World, before: &std::collections::BTreeSet<Vec<u8>>, situation: &str) {
    let now = disk::all_bytes(&world.dest());
    for bytes in before {
        assert!(now.contains(bytes), "{:?} was lost: {situation}", String::from_utf8_lossy(bytes));
    }
}
