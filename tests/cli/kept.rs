//! Manifests, and retention of old versions and runs.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    process::Command,
};

use ibinder_sync::{
    history::{Entry, Manifest},
    sandbox::{Organisation, Reply, Route},
};
use serde_json::json;

use crate::{
    program::{Done, Program, finish},
    skip::skip,
};

const SUFFIX: &str = ".manifest.jsonl.zst";

/// The check of a mirror in `docs/history.md`.
const CHECK: &str = r#"zstdcat "$1" | tail -n +2 | jq -r '"\(.sha256)  \(.path)"' | sha256sum -c --quiet"#;

fn names(program: &Program, suffix: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(program.state("runs")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(suffix)).collect()
}

fn manifest(program: &Program) -> Option<Manifest<File>> {
    let newest = names(program, SUFFIX).pop_last()?;
    Some(Manifest::read(File::open(program.state("runs").join(newest)).unwrap()).unwrap())
}

fn sql(program: &Program, text: &str) {
    rusqlite::Connection::open(program.state("state.db")).unwrap().execute_batch(text).unwrap();
}

fn odd_names() -> Program {
    let mut o = Organisation::empty();
    let binder = o.add_binder("  Brf 'Eken' $HOME");
    let tab = o.add_folder(&binder, None, "-n Åtgärder (50%) \"x\"").unwrap();
    for name in
        ["  two  spaces.txt", "å\u{308}.txt", "-c", "a\\b\nc.txt", "$(id).txt", "日本語 🗝.pdf", "*?.txt", "#1;.txt"]
    {
        o.add_document(&binder, Some(&tab), name, format!("bytes of {name:?}")).unwrap();
    }
    Program::new(o)
}

fn check(program: &Program) -> Option<Done> {
    let has = |tool: &str| Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    if !["zstdcat", "jq", "sha256sum"].into_iter().all(has) {
        skip("zstdcat, jq or sha256sum is not installed");
        return None;
    }
    let newest = program.state("runs").join(names(program, SUFFIX).pop_last().unwrap());
    let output = Command::new("sh").args(["-c", CHECK, "sh"]).arg(newest).current_dir(&program.dest).output();
    Some(Done::of(&output.unwrap()))
}

#[test]
fn a_manifest_has_every_document_as_it_is() {
    let program = odd_names();
    program.run(&[]).expect(0);
    let read = manifest(&program).unwrap();
    let (documents, run) = (read.header().documents, read.header().run_id.clone());
    assert!(program.state("runs").join(format!("{run}.json")).exists());
    let entries: Vec<Entry> = read.map(Result::unwrap).collect();
    assert_eq!((documents, entries.len()), (8, 8));
    for entry in &entries {
        let bytes = fs::read(program.dest.join(&entry.path)).unwrap();
        assert_eq!(bytes.len() as u64, entry.size, "{entry:?}");
        assert!(entry.metadata_sha256.is_some() && entry.path.starts_with("__Brf 'Eken' $HOME/-n "), "{entry:?}");
    }
}

#[test]
fn a_mirror_is_checked_without_this_program() {
    let program = odd_names();
    program.run(&[]).expect(0);
    let Some(done) = check(&program) else { return };
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (0, "", ""));
    let victim = manifest(&program).unwrap().next().unwrap().unwrap().path;
    fs::write(program.dest.join(&victim), "damaged").unwrap();
    let done = check(&program).unwrap();
    assert!(done.code != 0 && done.out.contains(&victim), "{}", done.out);
}

#[test]
fn only_complete_runs_with_changes_have_a_manifest() {
    let program = Program::with_documents(3);
    let documents = program.sandbox.with_organisation(|o| o.documents());
    let edit = |n: usize, text: &str| {
        program.sandbox.with_organisation(|o| o.revise(&documents[n].id, text.to_owned()).map(drop)).unwrap();
    };
    let manifests = |code: i32, flags: &[&str]| {
        program.run(flags).expect(code);
        names(&program, SUFFIX).len()
    };
    assert_eq!(manifests(0, &["--include", "**/1.txt"]), 0);
    assert_eq!(manifests(0, &[]), 1);
    assert_eq!(manifests(0, &[]), 1);
    program.sandbox.with_organisation(|o| o.set_metadata(&documents[0].id, json!([{"x": 1}]))).unwrap();
    assert_eq!(manifests(0, &[]), 2);
    edit(1, "second");
    assert_eq!(manifests(0, &["--include", "**/*.txt"]), 2);
    // Changes of a run without a manifest are in the next manifest.
    assert_eq!(manifests(0, &[]), 3);
    edit(1, "third");
    edit(2, "third");
    program.sandbox.script(Route::DownloadLink, vec![Reply::problem(403, "Forbidden")]);
    assert_eq!(manifests(4, &[]), 3);
    edit(1, "fourth");
    assert_eq!(manifests(0, &[]), 4);
    for name in names(&program, SUFFIX) {
        fs::remove_file(program.state("runs").join(name)).unwrap();
    }
    assert_eq!(manifests(0, &[]), 1);
}

#[test]
fn files_of_old_runs_are_deleted_on_request() {
    let program = Program::mirrored(2);
    for _ in 0..5 {
        program.run(&[]).expect(0);
    }
    fs::write(program.state("runs/notes.json"), "mine").unwrap();
    // By its row, the fifth run is young enough; file times don't matter.
    sql(&program, "UPDATE runs SET started_at = started_at - 100 * 86400 WHERE number < 5");
    let numbers = |suffix: &str| names(&program, suffix).iter().map(|name| name[..6].to_owned()).collect::<Vec<_>>();
    program.run(&[]).expect(0);
    assert_eq!(names(&program, ".json").len(), 8);
    program.run(&["--retain-runs", "30d"]).expect(0);
    assert_eq!(numbers(".json"), ["000005", "000006", "000007", "000008", "notes."]);
    assert_eq!(numbers(SUFFIX), ["000001"]);
    sql(&program, "UPDATE runs SET started_at = 1, finished_at = 2");
    program.sandbox.change_settings(|settings| settings.clock_offset = -7200);
    program.run(&["--retain-runs", "30d"]).says(0, "set the clock");
    assert_eq!(names(&program, ".json").len(), 6);
    program.sandbox.change_settings(|settings| settings.clock_offset = 0);
    program.run(&["--retain-runs", "30d"]).expect(0);
    assert_eq!(numbers(".json"), ["000008", "000009", "000010", "notes."]);
}

#[test]
fn older_manifests_are_kept_daily_weekly_and_monthly() {
    let program = Program::with_documents(2);
    let id = program.sandbox.with_organisation(|o| o.documents())[0].id.clone();
    for n in 1..=7 {
        program.sandbox.with_organisation(|o| o.revise(&id, format!("version {n}")).map(drop)).unwrap();
        program.run(&[]).expect(0);
        assert_eq!(names(&program, SUFFIX).len(), n, "all of the last day are kept");
    }
    let ages = [100, 100, 100, 40, 40, 10, 10];
    for (run, age) in (1..).zip(ages) {
        sql(&program, &format!("UPDATE runs SET started_at = started_at - {age} * 86400 WHERE number = {run}"));
    }
    program.sandbox.change_settings(|settings| settings.clock_offset = -7200);
    let done = program.run(&[]).expect(0);
    assert!(!done.err.contains("clock") && names(&program, SUFFIX).len() == 7, "{}", done.err);
    program.sandbox.change_settings(|settings| settings.clock_offset = 0);
    program.run(&["--retain-manifests", "all"]).expect(0);
    assert_eq!(names(&program, SUFFIX).len(), 7);
    program.run(&[]).says(0, "deleted 3 old manifests in runs/");
    let left: Vec<String> = names(&program, SUFFIX).iter().map(|name| name[..6].to_owned()).collect();
    assert_eq!(left, ["000001", "000003", "000005", "000007"]);
    let status = || finish(program.command(&["status"]).arg("--dest").arg(&program.dest)).expect(0).out;
    let size: u64 =
        names(&program, SUFFIX).iter().map(|name| program.state("runs").join(name).metadata().unwrap().len()).sum();
    assert!(status().contains("\nmanifests:        4 files, "), "{}", status());
    let told: serde_json::Value = serde_json::from_slice(&fs::read(program.state("status.json")).unwrap()).unwrap();
    assert_eq!(told["manifests"], json!({"files": 4, "bytes": size}));
    // Versions are kept for 50 days only, so no version needs the first ones any more.
    program.run(&["--retain", "50d"]).says(0, "deleted 1 old manifest in runs/");
}

#[test]
fn retention_is_reported() {
    let program = Program::mirrored(2);
    let id = program.sandbox.with_organisation(|o| o.documents())[0].id.clone();
    program.sandbox.with_organisation(|o| o.revise(&id, "new").map(drop)).unwrap();
    program.run(&[]).expect(0);
    sql(&program, "UPDATE past_versions SET ended_at = ended_at - 100 * 86400");
    let done = program.run(&["--json", "--retain", "90d"]).expect(0);
    assert_eq!(done.json()["freed"], json!({"versions": 1, "objects": 1, "bytes": 7}));
    program.sandbox.with_organisation(|o| o.revise(&id, "newer").map(drop)).unwrap();
    program.run(&[]).expect(0);
    program.sandbox.with_organisation(|o| o.revise(&id, "newest").map(drop)).unwrap();
    let done = program.run(&["--retain-versions", "1"]).expect(0);
    assert!(done.out.contains("Deleted by retention: 1 old version, 1 object, 3 bytes."), "{}", done.out);
}
