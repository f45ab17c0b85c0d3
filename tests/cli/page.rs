//! The report page, as the program writes it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ibinder_sync::sandbox::{Organisation, Reply, Route};

use crate::program::{Program, bare, finish};

/// The targets of a page's links; each must exist.
fn targets(page: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(page).unwrap();
    let links = text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let found = links.map(|link| url::Url::from_file_path(page).unwrap().join(link).unwrap().to_file_path().unwrap());
    found.collect()
}

fn pages(program: &Program) -> Vec<PathBuf> {
    let files = fs::read_dir(program.state("runs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "html")).collect();
    pages.sort();
    pages
}

#[test]
fn links_of_a_demo_work() {
    let folder = tempfile::tempdir().unwrap();
    let dest = folder.path().join("50 % #1?");
    for day in ["1", "2"] {
        finish(bare(&["demo", "--day", day, "-q", "--dest"]).arg(&dest)).expect(0);
        let state = dest.join(".ibinder-sync");
        for page in [state.join("last-run.html"), newest(&state.join("runs"))] {
            let targets = targets(&page);
            let files = targets.iter().filter(|target| target.is_file()).count();
            assert!(files >= 20, "{files} files");
            assert_eq!(targets.iter().filter(|target| !target.exists()).count(), 0, "{targets:?}");
        }
    }
    let text = fs::read_to_string(dest.join(".ibinder-sync/last-run.html")).unwrap();
    for what in ["added", "updated", "moved", "removed"] {
        assert!(text.contains(&format!("<span class=\"k {what}\">")), "nothing was {what}");
    }
    assert!(text.contains("was in <bdi>") && text.contains("The last 2 runs"));
}

fn newest(folder: &Path) -> PathBuf {
    let pages = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    pages.filter(|path| path.extension().is_some_and(|e| e == "html")).max().unwrap()
}

#[test]
fn odd_names_have_links_too() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("<b>Brf</b> 'Eken'");
    let tab = o.add_folder(&binder, None, "100 % & \"mer\"").unwrap();
    for name in ["a#b?.txt", "%41.txt", "å\u{308} ö.txt", "<script>.txt", "x\u{202e}fdp.exe", "javascript:x"] {
        o.add_document(&binder, Some(&tab), name, name.to_owned()).unwrap();
    }
    let program = Program::new(o);
    program.run(&[]).expect(0);
    let targets = targets(&pages(&program)[0]);
    // The documents, and the report as JSON.
    assert_eq!(targets.iter().filter(|target| target.starts_with(&program.dest) && target.is_file()).count(), 6 + 1);
    assert!(targets.iter().all(|target| target.exists()), "{targets:?}");
    let text = fs::read_to_string(program.state("last-run.html")).unwrap();
    assert!(!text.contains("<script") && !text.contains("<b>Brf"), "{text}");
}

#[test]
fn failures_and_earlier_runs_are_shown() {
    let program = Program::mirrored(3);
    program.sandbox.with_organisation(|o| {
        for document in o.documents() {
            o.revise(&document.id, "new").unwrap();
        }
    });
    program
        .sandbox
        .script(Route::DownloadLink, vec![Reply::problem(403, "Forbidden"), Reply::problem(403, "Forbidden")]);
    program.run(&[]).expect(4);
    let text = fs::read_to_string(program.state("last-run.html")).unwrap();
    for told in ["Partial", "2 documents failed", "2\u{a0}times", "403", "What to do next", "The last 2 runs"] {
        assert!(text.contains(told), "{told:?} is not in {text}");
    }
    assert!(text.contains(".txt</bdi> <span class=\"soft\">binder <bdi>Brf Eken</bdi>"), "{text}");
}

#[test]
fn a_page_that_can_not_be_written_is_8() {
    let program = Program::mirrored(1);
    fs::remove_file(program.state("last-run.html")).unwrap();
    fs::create_dir(program.state("last-run.html")).unwrap();
    let report = program.run(&["--json"]).expect(8).json();
    let why = report["failures"][0]["error"].as_str().unwrap_or_default();
    assert!(why.contains("the end of the run could not be recorded"), "{report}");
    assert_eq!(report["outcome"], "failed");
}

#[test]
fn pages_of_old_runs_are_deleted_with_their_reports() {
    let program = Program::mirrored(1);
    for _ in 0..4 {
        program.run(&[]).expect(0);
    }
    assert_eq!(pages(&program).len(), 5);
    let state = rusqlite::Connection::open(program.state("state.db")).unwrap();
    state.execute_batch("UPDATE runs SET started_at = 1").unwrap();
    drop(state);
    program.run(&["--retain-runs", "30d"]).expect(0);
    assert_eq!(pages(&program).len(), 3);
}
