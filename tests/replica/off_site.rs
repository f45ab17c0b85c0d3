//! The guide of docs/off-site.md, with each of its commands as it stands: a machine is lost, and comes back from its copy.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::server::{KINDS, Kind, Server};

const PAGE: &str = include_str!("../../docs/off-site.md");

/// The blocks of shell commands of the guide, each with the heading above it.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let (_, guide) = PAGE.split_once("\n## A copy, and back\n").unwrap();
    let guide = guide.split("\n## ").next().unwrap();
    let mut heading = "";
    let mut found = Vec::new();
    for part in guide.split("\n### ") {
        let mut pieces = part.split("```sh\n");
        heading = pieces.next().and_then(|text| text.lines().next()).unwrap_or(heading);
        found.extend(pieces.map(|piece| (heading, piece.split("```").next().unwrap())));
    }
    found
}

/// A folder in which the guide is followed, and the copy's server.
struct Desk {
    folder: tempfile::TempDir,
    server: Server,
}

impl Desk {
    fn new(server: Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let programs = folder.path().join("bin");
        fs::create_dir(&programs).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ibinder-sync"), programs.join("ibinder-sync")).unwrap();
        if let Some(place) = server.url().strip_prefix("file://") {
            fs::create_dir_all(place).unwrap();
        }
        Self { folder, server }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn shell(&self, commands: &str) -> Output {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", commands])
            .current_dir(self.folder.path())
            .env_clear()
            .envs([("PATH", path), ("HOME", self.path("home").display().to_string())])
            .env("COPY", self.server.url())
            .envs(self.server.env())
            .output()
            .unwrap()
    }

    /// Runs commands that must succeed, and returns what they print.
    fn run(&self, commands: &str) -> String {
        let output = self.shell(commands);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{:?}\n{commands}\n{out}\n{err}", self.server.kind);
        format!("{out}{err}")
    }

    /// What two folders' files differ in, besides the state.
    fn difference(&self, one: &str, other: &str) -> String {
        let compare = format!("diff -r --exclude .ibinder-sync {one} {other} || true");
        self.run(&compare)
    }
}

#[test]
fn a_lost_machine_comes_back_from_its_copy() {
    for server in KINDS.into_iter().filter_map(Server::start) {
        let kind = server.kind;
        let desk = Desk::new(server);
        desk.run("ibinder-sync demo --dest ./second && ibinder-sync demo --dest ./second --day 2");
        let mut damaged = None;
        for (heading, commands) in blocks() {
            if commands.contains("export COPY=") {
                continue;
            }
            if heading.starts_with("The machine is lost") {
                desk.run("cp -r mirror before");
            }
            if heading.starts_with("Something is damaged there") {
                damaged = Some(damage(&desk));
            }
            let told = desk.run(commands);
            match heading {
                "Take one night out of it" => assert_eq!(desk.difference("second", "day-2"), "", "{kind:?}"),
                "The machine is lost" => came_back(&desk),
                "Something is damaged there" => assert!(told.contains(damaged.as_deref().unwrap()), "{kind:?}: {told}"),
                _ => {}
            }
        }
        assert!(damaged.is_some(), "the guide has lost a part");
        desk.run(r#"ibinder-sync verify --from "$COPY""#);
    }
}

/// The tree is as it was, and the run after the recovery has downloaded nothing.
fn came_back(desk: &Desk) {
    assert_eq!(desk.difference("before", "mirror"), "", "{:?}", desk.server.kind);
    let report = fs::read_to_string(desk.path("mirror/.ibinder-sync/last-run.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["outcome"], "complete", "{report}");
    for count in ["added", "updated", "failed"] {
        assert_eq!(report["documents"][count], 0, "{:?}: {report}", desk.server.kind);
    }
    desk.run("ibinder-sync verify --dest ./mirror");
}

/// Damages the object of a document, which `verify --from` then names. Returns the document's path.
fn damage(desk: &Desk) -> String {
    let path = first_file(&desk.path("mirror"));
    let name = path.strip_prefix(desk.path("mirror")).unwrap().display().to_string();
    let hash = desk.run(&format!("sha256sum < {}", shell_word(&path)));
    let hash = hash.split(' ').next().unwrap();
    desk.server.damage(&format!("objects/{}/{hash}", &hash[..2]));
    let output = desk.shell(r#"ibinder-sync verify --from "$COPY""#);
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(6), "{:?}: {told}", desk.server.kind);
    assert!(told.contains(&name), "{:?}: {told}", desk.server.kind);
    name
}

fn shell_word(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// The first document of a tree that has bytes, in the order of names.
fn first_file(folder: &Path) -> PathBuf {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let of_tree = entries.into_iter().filter(|path| !path.ends_with(".ibinder-sync"));
    for entry in of_tree {
        if entry.is_dir() {
            return first_file(&entry);
        }
        if entry.metadata().unwrap().len() > 0 {
            return entry;
        }
    }
    panic!("{} has no files", folder.display());
}

#[test]
fn the_guide_has_the_commands_that_are_run() {
    let blocks = blocks();
    let headings: Vec<&str> = blocks.iter().map(|(heading, _)| *heading).collect();
    assert_eq!(blocks.len(), 9, "{headings:?}");
    assert!(blocks.iter().all(|(_, commands)| commands.contains("ibinder-sync") || commands.contains("export COPY=")));
    assert!(KINDS.contains(&Kind::File));
}
