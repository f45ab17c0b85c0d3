//! `status`: what runs and checks record, and how it is judged.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio, sync::mpsc};

use ibinder_sync::{
    mirror::Mirror,
    sandbox::{Reply, Route},
};
use serde_json::{Value, json};

use crate::{
    listener::Listener,
    program::{Done, Program, bare, finish, snapshot},
};

fn status(program: &Program, flags: &[&str]) -> Done {
    finish(bare(&["status"]).arg("--dest").arg(&program.dest).args(flags))
}

fn from(file: &Path, flags: &[&str]) -> Done {
    finish(bare(&["status"]).arg("--from").arg(file).args(flags))
}

fn kept(program: &Program) -> Value {
    serde_json::from_slice(&fs::read(program.state("status.json")).unwrap()).unwrap()
}

/// Changes the recorded status.
fn change(program: &Program, change: impl FnOnce(&mut Value)) {
    let mut status = kept(program);
    change(&mut status);
    fs::write(program.state("status.json"), status.to_string()).unwrap();
}

#[test]
fn a_complete_run_is_ok() {
    let program = Program::mirrored(3);
    let done = status(&program, &[]).expect(0);
    let (head, numbers) = done.out.lines().next().unwrap().split_once(" | ").unwrap();
    assert!(head.starts_with("OK: last complete run ") && head.ends_with(" ago, 3 documents"), "{head}");
    assert!(numbers.starts_with("age=") && numbers.contains(";;93600 failed=0 waiting=0"), "{numbers}");
    assert!(numbers.contains(" documents=3 tree=21B history=0B free="), "{numbers}");
    assert_eq!(done.out.matches('|').count(), 1);
    let told = status(&program, &["--json"]).expect(0).json();
    assert_eq!((&told["level"], &told["status"]), (&"OK".into(), &kept(&program)));
    assert_eq!(told["status"]["format"], 1);
    assert_eq!(told["status"]["at_work"], json!([]));
    assert_eq!(told["status"]["last_complete_run"]["run_id"], told["status"]["last_run"]["run_id"]);
}

#[test]
fn a_failed_run_is_shown_and_a_complete_one_clears_it() {
    let program = Program::with_documents(3);
    program.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    program.run(&[]).expect(4);
    let done = status(&program, &[]).expect(2);
    assert!(done.out.starts_with("CRITICAL: no run has completed yet; 2 documents"), "{}", done.out);
    assert!(done.out.contains("failed:           1 × the service says that it does not exist"), "{}", done.out);
    let before = kept(&program);
    assert_eq!((&before["waiting"]["versions"], &before["last_run"]["exit_code"]), (&1.into(), &4.into()));
    assert_eq!(before["waiting"]["oldest_since"], before["last_run"]["started_at"].as_str().map(whole_second).unwrap());
    program.run(&[]).expect(0);
    status(&program, &[]).expect(0);
    assert_eq!(kept(&program)["waiting"]["oldest_since"], Value::Null);
    // The next run fails again: the complete one is still known.
    program.sandbox.with_organisation(|o| {
        let id = o.documents()[0].id.clone();
        o.revise(&id, "new").unwrap();
    });
    program.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    program.run(&[]).expect(4);
    let done = status(&program, &[]).expect(1);
    assert!(done.out.starts_with("WARNING: the last run was not complete (exit 4): 1 document failed"), "{}", done.out);
}

#[test]
fn documents_left_by_a_run_wait_since_the_first_run() {
    let program = Program::with_documents(5);
    program.run(&["--min-free", "1000TB"]).expect(4);
    let first = kept(&program);
    assert_eq!(first["waiting"]["versions"], 5);
    program.run(&["--min-free", "1000TB"]).expect(4);
    assert_eq!(kept(&program)["waiting"]["versions"], 5);
    let began = whole_second(first["last_run"]["started_at"].as_str().unwrap());
    assert_eq!(kept(&program)["waiting"]["oldest_since"], began);
    program.run(&[]).expect(0);
    assert_eq!(
        kept(&program)["waiting"],
        json!({"versions": 0, "oldest_since": null, "unconfirmed": 0, "withheld": 0})
    );
}

/// Rows have whole seconds.
fn whole_second(time: &str) -> String {
    time.split_once('.').map_or(time.to_owned(), |(second, _)| format!("{second}Z"))
}

#[test]
fn a_filtered_run_clears_the_documents_it_mirrors() {
    let program = Program::with_documents(2);
    program.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    program.run(&[]).expect(4);
    assert_eq!(kept(&program)["waiting"]["versions"], 1);
    // It clears no failures, since it did not see everything.
    program.run(&["--exclude", "*.mp4"]).expect(0);
    assert_eq!(kept(&program)["waiting"]["versions"], 0);
}

#[test]
fn refused_credentials_are_critical_and_leave_the_complete_run() {
    let program = Program::mirrored(2);
    let complete = kept(&program)["last_complete_run"].clone();
    finish(program.run_command(&[]).env("IBINDER_CLIENT_SECRET", "another")).expect(3);
    let done = status(&program, &[]).expect(2);
    assert!(done.out.starts_with("CRITICAL: the credentials were refused; last complete run "), "{}", done.out);
    assert_eq!(kept(&program)["last_complete_run"], complete);
    assert_eq!(kept(&program)["last_run"]["failures"], json!({"refused": 1}));
}

#[test]
fn withheld_removals_are_a_warning() {
    let program = Program::mirrored(30);
    program.sandbox.with_organisation(|o| {
        let documents = o.documents();
        documents.iter().take(20).for_each(|d| o.remove_document(&d.id).unwrap());
    });
    program.run(&[]).expect(7);
    let done = status(&program, &[]).expect(1);
    assert!(done.out.contains("20 removals are withheld") && done.out.contains("withheld=20"), "{}", done.out);
}

#[test]
fn age_and_clock_count() {
    let program = Program::mirrored(1);
    let ended_at = |time: &str| {
        change(&program, |status| status["last_complete_run"]["finished_at"] = time.into());
    };
    ended_at("2020-01-01T00:00:00Z");
    let done = status(&program, &["--max-age", "90d"]).expect(2);
    assert!(done.out.contains("the limit is 90 days"), "{}", done.out);
    status(&program, &["--max-age", "2000w"]).expect(0);
    ended_at("2400-01-01T00:00:00Z");
    let done = status(&program, &[]).expect(1);
    assert!(done.out.starts_with("WARNING: the clock is "), "{}", done.out);
    // Not 2, which would be an alarm.
    for bad in [&["--max-age", "soon"][..], &["--from", "x"], &["--profile", "none"]] {
        status(&program, bad).expect(3);
    }
    finish(&mut bare(&["status"])).says(3, "--dest");
    for before in [&["--profile", "eken"][..], &["--config", "/nowhere.toml"], &["-q", "--config=/nowhere.toml"]] {
        finish(bare(before).args(["status", "--max-age", "1h"])).expect(3);
    }
    finish(bare(&["--config", "status"]).args(["run", "--dest", "x"])).expect(2);
    finish(&mut bare(&["status", "--help"])).expect(0);
}

#[test]
fn running_and_killed_processes_are_shown() {
    let program = Program::mirrored(1);
    let (told, hear) = mpsc::channel();
    let hang = Reply::Run(Box::new(move |_| {
        told.send(()).unwrap();
        Reply::HangHead
    }));
    program.sandbox.script(Route::Search, vec![hang]);
    let mut child = program.run_command(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    hear.recv().unwrap();
    let done = status(&program, &[]).expect(0);
    assert!(done.out.contains("at work:          run since "), "{}", done.out);
    // Another run that finds the mirror locked says nothing about it.
    program.run(&[]).expect(5);
    status(&program, &[]).expect(0);
    child.kill().unwrap();
    child.wait().unwrap();
    let done = status(&program, &[]).expect(1);
    assert!(done.out.contains("never finished: it was killed"), "{}", done.out);
    program.run(&[]).expect(0);
    status(&program, &[]).expect(0);
}

#[test]
fn a_copy_serves_users_who_may_not_read_the_mirror() {
    let program = Program::with_documents(2);
    let copy = program.beside("status.json");
    let flag = ["--status-file", copy.to_str().unwrap()];
    program.run(&flag).expect(0);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(fs::read(&copy).unwrap(), fs::read(program.state("status.json")).unwrap());
    assert!(!fs::read_to_string(&copy).unwrap().contains("Brf Eken"), "it names no binder");
    from(&copy, &[]).expect(0);
    finish(bare(&["verify", "--dest"]).arg(&program.dest).args(flag)).expect(0);
    assert_eq!(from(&copy, &["--json"]).expect(0).json()["status"]["last_verify"]["outcome"], "sound");
    // With an unmounted disk the mirror's own status is unavailable, and the copy is read.
    fs::rename(&program.dest, program.beside("away")).unwrap();
    program.run(&["--existing", flag[0], flag[1]]).expect(2);
    let done = from(&copy, &[]).expect(2);
    assert!(
        done.out.starts_with("CRITICAL: the last run could not do its work (exit 2); last complete"),
        "{}",
        done.out
    );
    assert!(!program.dest.exists());
}

#[test]
fn an_unwritable_copy_is_only_a_warning() {
    let program = Program::with_documents(1);
    let nowhere = program.beside("no/status.json");
    let done = program.run(&["--json", "--status-file", nowhere.to_str().unwrap()]).says(0, "--status-file");
    let report = done.json();
    assert_eq!(report["outcome"], "complete");
    assert!(report["warnings"][0].as_str().unwrap().contains("--status-file"), "{report}");
    let last: Value = serde_json::from_slice(&fs::read(program.state("last-run.json")).unwrap()).unwrap();
    assert_eq!(last, report);
}

#[test]
fn no_copy_replaces_a_mirrored_document() {
    let program = Program::mirrored(2);
    let link = program.beside("link");
    std::os::unix::fs::symlink(&program.dest, &link).unwrap();
    let document = program.dest.join("Brf Eken/0.txt");
    let around = program.beside("no/../mirror/Brf Eken/0.txt");
    let tree = || {
        let all = snapshot(&program.dest).into_iter();
        all.filter(|(path, _)| !path.starts_with(program.state("")) && path.is_file()).collect::<Vec<_>>()
    };
    let before = tree();
    assert_eq!(before.len(), 2);
    for flag in ["--status-file", "--metrics-file"] {
        for file in [&document, &link.join("Brf Eken/0.txt"), &around, &program.dest.join("new")] {
            let says = format!("{flag} can't be used: {} lies inside the mirror ", file.display());
            let flags = [flag, file.to_str().unwrap()];
            program.run(&flags).says(2, &says);
            finish(bare(&["verify", "--dest"]).arg(&program.dest).args(flags)).says(2, &says);
        }
    }
    let mut run = program.run_command(&[]);
    finish(run.env("IBINDER_STATUS_FILE", &document)).says(2, "IBINDER_STATUS_FILE can't be used: ");
    assert!(tree() == before, "nothing came to the tree and nothing changed");
    // With an unmounted disk, nothing is created in the mirror's place; the working receivers are notified.
    fs::rename(&program.dest, program.beside("away")).unwrap();
    let (copy, new) = (program.beside("status.json"), program.dest.join("metrics.prom"));
    let flags = ["--existing", "--status-file", copy.to_str().unwrap(), "--metrics-file", new.to_str().unwrap()];
    program.run(&flags).says(2, "--metrics-file can't be used: ");
    from(&copy, &[]).expect(2);
    fs::create_dir(&program.dest).unwrap();
    program.run(&flags).says(2, "--metrics-file can't be used: ");
    assert_eq!(fs::read_dir(&program.dest).unwrap().count(), 0);
}

#[test]
fn damage_stays_critical_until_a_check_of_everything() {
    let program = Program::mirrored(4);
    fs::remove_file(program.dest.join("Brf Eken/0.txt")).unwrap();
    verify(&program, &[]).expect(6);
    let done = status(&program, &[]).expect(2);
    assert!(
        done.out.contains("in 1 document or object and is not repaired: run `ibinder-sync verify --repair`"),
        "{}",
        done.out
    );
    verify(&program, &["--repair"]).expect(0);
    status(&program, &[]).expect(0);
    assert_eq!(kept(&program)["at_work"], json!([]));
}

/// Changes bytes like a faulty disk: the file's stamp stays the same.
fn rot(path: &Path) {
    let before = fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    bytes[0] ^= 0x20;
    fs::write(path, bytes).unwrap();
    fs::File::open(path).unwrap().set_modified(before).unwrap();
}

fn verify(program: &Program, flags: &[&str]) -> Done {
    finish(program.command(&["verify"]).arg("--dest").arg(&program.dest).args(flags))
}

#[test]
fn damage_counts_until_each_file_is_restored() {
    let program = Program::mirrored(4);
    let (file, metrics) = (|n| program.dest.join(format!("Brf Eken/{n}.txt")), program.beside("ibinder.prom"));
    let flags = ["--metrics-file", metrics.to_str().unwrap()];
    let left = |number: u64| {
        let done = status(&program, &[]).expect(if number > 0 { 2 } else { 0 });
        let words = format!(
            "in {number} {} and is not repaired",
            if number == 1 { "document or object" } else { "documents or objects" }
        );
        assert_eq!(done.out.contains(&words), number > 0, "{}", done.out);
        assert_eq!(kept(&program)["damage"]["left"].as_u64().unwrap_or(0), number);
        let text = fs::read_to_string(&metrics).unwrap();
        let line = text.lines().find(|line| line.starts_with("ibinder_sync_damage_left{")).unwrap();
        assert!(line.ends_with(&format!(" {number}")), "{line}");
    };
    fs::remove_file(file(0)).unwrap();
    rot(&file(1));
    verify(&program, &flags).expect(6);
    left(2);
    let found_at = kept(&program)["damage"]["found_at"].clone();
    program.run(&flags).expect(0);
    assert_eq!(fs::read(file(0)).unwrap(), b"bytes 0");
    left(1);
    assert_eq!(kept(&program)["damage"]["found_at"], found_at);
    // Another run changes nothing of the other file.
    program.run(&flags).expect(0);
    left(1);
    // A part that is sound says nothing of the rest, and one that finds the file again counts it once.
    let codes = [(); 4].map(|()| {
        let code = verify(&program, &[flags[0], flags[1], "--sample", "25%"]).code;
        left(1);
        code
    });
    assert_eq!(codes.iter().filter(|code| **code == 6).count(), 1, "{codes:?}");
    let ids: Vec<_> = program.sandbox.with_organisation(|o| o.documents().iter().map(|d| d.id.clone()).collect());
    let text = fs::read_to_string(program.state("status.json")).unwrap();
    assert!(!ids.iter().any(|id| text.contains(id)), "{text}");
    verify(&program, &[flags[0], flags[1], "--repair"]).expect(0);
    left(0);
}

#[test]
fn files_replaced_by_a_run_are_not_damaged() {
    let program = Program::mirrored(3);
    let file = |n| program.dest.join(format!("Brf Eken/{n}.txt"));
    let ids: Vec<_> = program.sandbox.with_organisation(|o| o.documents().iter().map(|d| d.id.clone()).collect());
    let revise = |n: usize, bytes: &str| {
        program.sandbox.with_organisation(|o| o.revise(&ids[n], bytes.to_owned()).unwrap());
        program.run(&[]).expect(0);
    };
    let damaged = || kept(&program)["damage"]["left"].as_u64().unwrap_or(0);
    rot(&file(0));
    fs::write(file(1), "edited").unwrap();
    verify(&program, &[]).expect(6);
    assert_eq!(damaged(), 2);
    revise(0, "new");
    assert_eq!(damaged(), 1);
    revise(1, "new");
    assert_eq!(damaged(), 0);
    // The last check is no damage by itself.
    status(&program, &[]).expect(0);
    // An object, until a run keeps the same bytes again.
    revise(2, "new");
    let objects = || snapshot(&program.state("objects")).into_iter().filter(|(_, (bytes, _))| bytes == b"bytes 2");
    let object = objects().next().unwrap().0;
    rot(&object);
    verify(&program, &[]).expect(6);
    assert_eq!(damaged(), 1);
    revise(2, "bytes 2");
    assert_eq!(damaged(), 1);
    revise(2, "newer");
    assert_eq!((objects().count(), damaged()), (1, 0));
    // Or until nothing needs it.
    fs::remove_file(&object).unwrap();
    verify(&program, &[]).expect(6);
    assert_eq!(damaged(), 1);
    finish(bare(&["purge", &ids[2], "--yes", "--dest"]).arg(&program.dest)).expect(0);
    program.run(&[]).expect(0);
    assert_eq!(damaged(), 0);
}

#[test]
fn new_damage_does_not_hide_earlier_damage() {
    let program = Program::mirrored(4);
    for n in [0, 3] {
        rot(&program.dest.join(format!("Brf Eken/{n}.txt")));
    }
    let left = || kept(&program)["damage"]["left"].as_u64();
    verify(&program, &[]).expect(6);
    for _ in 0..4 {
        verify(&program, &["--sample", "25%"]);
        assert_eq!(left(), Some(2));
    }
    // What a run repairs is no more, and the rest is.
    let mut repaired = 0;
    for _ in 0..4 {
        repaired += program.run(&["--scrub", "25%", "--json"]).expect(0).json()["scrub"]["repaired"].as_u64().unwrap();
        assert_eq!(left().unwrap_or(0), 2 - repaired);
    }
    assert_eq!(repaired, 2);
}

#[test]
fn a_damaged_state_is_critical() {
    let program = Program::mirrored(1);
    fs::write(program.state("state.db"), b"no database, and longer than a head of one, ".repeat(200)).unwrap();
    program.run(&[]).expect(1);
    status(&program, &[]).expect(2);
    finish(bare(&["verify", "--dest"]).arg(&program.dest)).expect(1);
    assert_eq!(kept(&program)["last_verify"]["outcome"], "damaged");
    status(&program, &[]).expect(2);
}

#[test]
fn an_unreadable_status_is_unknown() {
    let program = Program::mirrored(1);
    let whole = fs::read_to_string(program.state("status.json")).unwrap();
    for (text, why) in
        [("", "not the status"), ("{\"format\":7}", "format 7"), (&whole[..whole.len() / 2], "not the status")]
    {
        fs::write(program.state("status.json"), text).unwrap();
        let done = status(&program, &[]).expect(3);
        assert!(done.out.starts_with("UNKNOWN: ") && done.out.contains(why), "{}", done.out);
    }
    // The next run writes it anew, and knows from the state what was complete.
    program.sandbox.script(Route::Binders, vec![Reply::problem(403, "No")]);
    program.run(&[]).expect(3);
    assert!(kept(&program)["last_complete_run"]["run_id"].as_str().unwrap().starts_with("000001-"));
    fs::remove_file(program.state("status.json")).unwrap();
    assert!(status(&program, &[]).expect(3).out.contains("the next run writes it"));
    assert!(from(&program.beside("nothing"), &[]).expect(3).out.contains("--status-file"));
    assert_eq!(from(&program.beside("nothing"), &["--json"]).expect(3).json()["level"], "UNKNOWN");
    drop(Mirror::open(&program.beside("empty")).unwrap());
    let done = finish(bare(&["status", "--dest"]).arg(program.beside("empty"))).expect(3);
    assert!(done.out.contains("is the disk mounted?"), "{}", done.out);
}

#[test]
fn space_is_counted_anew_when_something_changed() {
    let program = Program::mirrored(3);
    let space = |program: &Program| {
        let space = kept(program)["space"].clone();
        (
            space["documents"].as_u64(),
            space["tree_bytes"].as_u64(),
            space["objects"].as_u64(),
            space["history_bytes"].as_u64(),
        )
    };
    assert_eq!(space(&program), (Some(3), Some(21), Some(0), Some(0)));
    program.sandbox.with_organisation(|o| {
        let id = o.documents()[0].id.clone();
        o.revise(&id, "four").unwrap();
    });
    program.run(&[]).expect(0);
    assert_eq!(space(&program), (Some(3), Some(18), Some(1), Some(7)));
    // Nothing changed, and then something did without a run.
    program.run(&[]).expect(0);
    assert_eq!(space(&program), (Some(3), Some(18), Some(1), Some(7)));
    let id = program.sandbox.with_organisation(|o| o.documents()[0].id.clone());
    finish(bare(&["purge", &id, "--yes", "--dest"]).arg(&program.dest)).expect(0);
    program.run(&[]).expect(0);
    assert_eq!(space(&program), (Some(2), Some(14), Some(0), Some(0)));
}

#[test]
fn a_run_with_filter_flags_hides_no_failed_run() {
    let listener = Listener::answering(&[]);
    let program = Program::mirrored(2);
    let metrics = program.beside("ibinder.prom");
    let flags = ["--metrics-file", metrics.to_str().unwrap(), "--ping-url", &listener.url("/p")];
    finish(program.run_command(&flags).env("IBINDER_CLIENT_SECRET", "another")).expect(3);
    let (before, told) = (kept(&program), listener.paths());
    let success = || {
        let text = fs::read_to_string(&metrics).unwrap();
        text.lines().find(|line| line.starts_with("ibinder_sync_last_success")).map(str::to_owned)
    };
    let succeeded = success();
    assert!(succeeded.is_some());
    for (filter, exit) in [
        (["--include", "nothing/**"], 4),
        (["--binder", "Brf*"], 0),
        (["--exclude-binder", "Brf*"], 4),
        (["--exclude", "**"], 4),
    ] {
        finish(program.run_command(&flags).args(filter)).says(exit, "metrics and pings ignore it");
        let after = kept(&program);
        assert_eq!(
            (&after["last_run"], &after["last_complete_run"]),
            (&before["last_run"], &before["last_complete_run"])
        );
        assert_eq!((&after["at_work"], success()), (&json!([]), succeeded.clone()), "{filter:?}");
        assert!(status(&program, &[]).expect(2).out.contains("credentials were refused"));
    }
    assert_eq!(listener.paths(), told, "nobody was pinged");
    // The state knows it, too.
    fs::remove_file(program.state("status.json")).unwrap();
    finish(program.run_command(&flags).env("IBINDER_CLIENT_SECRET", "another")).expect(3);
    assert_eq!(kept(&program)["last_complete_run"]["run_id"], before["last_complete_run"]["run_id"]);
    // What a profile leaves out on purpose is no fault of its nights.
    finish(program.run_command(&flags).env("IBINDER_EXCLUDE", "**/1.txt")).expect(0);
    status(&program, &[]).expect(0);
    assert_eq!(kept(&program)["last_complete_run"]["run_id"], kept(&program)["last_run"]["run_id"]);
    assert_eq!(listener.paths().last().unwrap(), "/p");
    fs::remove_file(program.state("status.json")).unwrap();
    finish(program.run_command(&flags).env("IBINDER_CLIENT_SECRET", "another")).expect(3);
    assert!(
        kept(&program)["last_complete_run"]["run_id"].as_str().unwrap().starts_with("000008-"),
        "{}",
        kept(&program)
    );
}

#[test]
fn a_requested_binder_that_is_not_listed_fails() {
    let program = Program::mirrored(1);
    let mut night = program.run_command(&["--json"]);
    let report = finish(night.env("IBINDER_BINDER", "Brf*;nosuch*")).expect(4).json();
    assert_eq!((&report["outcome"], report["failures"].as_array().unwrap().len()), (&"partial".into(), 1));
    let why = report["failures"][0]["error"].as_str().unwrap();
    assert!(why.contains("\"nosuch*\" matches none of the binders that are listed"), "{why}");
    assert!(status(&program, &[]).expect(1).out.contains("not complete (exit 4)"));
}

#[test]
fn waiting_and_withheld_documents_are_a_warning_until_checked() {
    let program = Program::mirrored(30);
    let ids: Vec<_> = program.sandbox.with_organisation(|o| o.documents().iter().map(|d| d.id.clone()).collect());
    program.sandbox.with_organisation(|o| ids[..20].iter().for_each(|id| o.remove_document(id).unwrap()));
    program.run(&[]).expect(7);
    finish(program.run_command(&[]).env("IBINDER_CLIENT_SECRET", "another")).expect(3);
    assert_eq!(kept(&program)["waiting"]["withheld"], 20);
    assert!(status(&program, &["--json"]).expect(2).out.contains("20 removals are withheld"));
    program.run(&["--max-removals", "20"]).expect(0);
    assert_eq!(kept(&program)["waiting"]["withheld"], 0);
    program.sandbox.with_organisation(|o| o.revise(&ids[29], "new").unwrap());
    program.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    program.run(&[]).expect(4);
    // The profile leaves it out from now on, and is complete.
    finish(program.run_command(&[]).env("IBINDER_EXCLUDE", "**/29.txt")).expect(0);
    let done = status(&program, &[]).expect(1);
    assert!(done.out.starts_with("WARNING: 1 version is waiting to be mirrored"), "{}", done.out);
}

#[test]
fn another_organisations_run_changes_nothing_of_a_mirror() {
    let program = Program::mirrored(2);
    let (copy, metrics) = (program.beside("other.json"), program.beside("other.prom"));
    let before = fs::read(program.state("status.json")).unwrap();
    let other = "00000000-0000-4000-8000-000000000001";
    let mut run = program.run_command(&["--existing", "--status-file", copy.to_str().unwrap()]);
    finish(run.arg("--metrics-file").arg(&metrics).env("IBINDER_ORG_ID", other)).expect(2);
    assert_eq!(fs::read(program.state("status.json")).unwrap(), before);
    status(&program, &[]).expect(0);
    let told: Value = serde_json::from_slice(&fs::read(&copy).unwrap()).unwrap();
    assert_eq!((&told["organisation_id"], &told["last_complete_run"]), (&other.into(), &Value::Null));
    assert_eq!((&told["last_run"]["exit_code"], &told["space"]), (&2.into(), &Value::Null));
    let text = fs::read_to_string(&metrics).unwrap();
    assert!(text.contains(&format!("last_run_exit_code{{organisation=\"{other}\"}} 2")), "{text}");
    assert!(!text.contains("last_success") && !text.contains("mirrored_documents"), "{text}");
}

#[test]
fn a_copy_of_another_mirror_is_not_used() {
    let program = Program::mirrored(1);
    let copy = program.beside("status.json");
    let flags = ["--existing", "--status-file", copy.to_str().unwrap()];
    program.run(&flags).expect(0);
    // Another profile of the same organisation, whose disk is not there.
    let nowhere = program.beside("nowhere");
    let mut run = program.command(&["run", "--rate", "0"]);
    finish(run.args(flags).arg("--dest").arg(&nowhere)).says(2, "was the status of the mirror at");
    let told: Value = serde_json::from_slice(&fs::read(&copy).unwrap()).unwrap();
    assert_eq!((&told["dest"], &told["last_complete_run"]), (&nowhere.to_str().unwrap().into(), &Value::Null));
}
