//! The program, with a service and a destination.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use ibinder_sync::sandbox::{Organisation, Sandbox, Settings};
use tempfile::TempDir;

/// A service, and a destination.
pub(crate) struct Program {
    pub(crate) sandbox: Sandbox,
    folder: TempDir,
    pub(crate) dest: PathBuf,
}

/// The result of a command.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Program {
    pub(crate) fn new(organisation: Organisation) -> Self {
        let sandbox = Sandbox::start(organisation, Settings::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("mirror");
        Self { sandbox, folder, dest }
    }

    /// With a binder of `count` small documents.
    pub(crate) fn with_documents(count: usize) -> Self {
        let mut o = Organisation::empty();
        let binder = o.add_binder("Brf Eken");
        for n in 0..count {
            o.add_document(&binder, None, &format!("{n}.txt"), format!("bytes {n}")).unwrap();
        }
        Self::new(o)
    }

    /// With mirrored documents.
    pub(crate) fn mirrored(count: usize) -> Self {
        let program = Self::with_documents(count);
        program.run(&[]).expect(0);
        program
    }

    /// A path beside the destination.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.dest.join(".ibinder-sync").join(name)
    }

    /// A command of the program, with only the sandbox's environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare(arguments);
        command.envs(self.sandbox.environment());
        command
    }

    /// `run` without a rate limit.
    pub(crate) fn run_command(&self, flags: &[&str]) -> Command {
        let mut command = self.command(&["run", "--rate", "0"]);
        command.arg("--dest").arg(&self.dest).args(flags);
        command
    }

    pub(crate) fn run(&self, flags: &[&str]) -> Done {
        finish(&mut self.run_command(flags))
    }

    pub(crate) fn plan(&self, flags: &[&str]) -> Done {
        let mut command = self.command(&["plan", "--rate", "0"]);
        finish(command.arg("--dest").arg(&self.dest).args(flags))
    }
}

/// The program without any environment and without this machine's configuration file.
pub(crate) fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ibinder-sync"));
    command.args(arguments).env_clear().env("IBINDER_CONFIG", "/dev/null").stdin(Stdio::null());
    command
}

pub(crate) fn finish(command: &mut Command) -> Done {
    Done::of(&command.output().unwrap())
}

impl Done {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        assert!(!self.err.contains("panicked") && !self.err.contains("backtrace"), "{}", self.err);
        self
    }

    /// Ends with this code, and prints this.
    #[track_caller]
    pub(crate) fn says(self, code: i32, words: &str) -> Self {
        let done = self.expect(code);
        assert!(done.err.contains(words), "{words:?} is not in: {}", done.err);
        done
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// Everything below a folder: bytes and times.
pub(crate) fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    collect(folder, &mut found);
    found
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let bytes = if metadata.is_dir() { Vec::new() } else { fs::read(&path).unwrap() };
        if metadata.is_dir() {
            collect(&path, found);
        }
        found.insert(path, (bytes, metadata.modified().unwrap()));
    }
}
