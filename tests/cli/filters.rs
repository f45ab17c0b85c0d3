//! Filters: they can't make an empty mirror look healthy, and all outputs show them.

use std::fs;

use ibinder_sync::sandbox::Organisation;
use serde_json::{Value, json};

use crate::program::{Program, bare, finish};

fn drawings() -> Program {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let tab = o.add_folder(&binder, None, "Ritningar").unwrap();
    let deep = o.add_folder(&binder, Some(&tab), "El").unwrap();
    for (folder, name) in [(None, "a.pdf"), (Some(&tab), "b.pdf"), (Some(&deep), "c.pdf"), (Some(&deep), "d.dwg")] {
        o.add_document(&binder, folder.map(String::as_str), name, format!("%PDF-1.7 {name}")).unwrap();
    }
    Program::new(o)
}

fn warnings(report: &Value) -> Vec<&str> {
    report["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap()).collect()
}

#[test]
fn a_name_matches_at_any_depth_and_a_folder_includes_its_contents() {
    for (filter, added) in [
        (vec!["--include", "*.pdf"], 3),
        (vec!["--exclude", "El"], 2),
        (vec!["--include", "Ritningar", "--exclude", "*.dwg"], 2),
        (vec!["--include", "Brf Eken/Ritningar/*.pdf"], 1),
    ] {
        let report = drawings().run(&[&filter[..], &["--json"]].concat()).expect(0).json();
        assert_eq!((&report["documents"]["added"], warnings(&report).len()), (&added.into(), 0), "{filter:?} {report}");
        assert_eq!(report["documents"]["filtered"], 4 - added, "{filter:?}");
    }
}

#[test]
fn includes_that_match_nothing_fail() {
    let program = drawings();
    let mut night = program.run_command(&["--json"]);
    let report = finish(night.env("IBINDER_INCLUDE", "*.rvt;/*.pdf")).expect(4).json();
    let why = report["failures"][0]["error"].as_str().unwrap();
    assert!(why.contains("leave out every document") && why.contains("--include \"*.rvt\""), "{why}");
    assert_eq!(warnings(&report).len(), 2, "{report}");
    let done = finish(bare(&["status", "--dest"]).arg(&program.dest));
    assert_eq!(done.code, 2, "no run was complete ever: {}", done.out);
    // The globs of binders match, but exclude everything.
    let neither = program.run(&["--binder", "Brf *", "--exclude-binder", "*", "--json"]).expect(4).json();
    assert!(neither["failures"][0]["error"].as_str().unwrap().contains("leave out every binder"), "{neither}");
}

#[test]
fn excludes_that_match_everything_fail() {
    for (flag, variable, glob, what) in [
        ("--exclude", "IBINDER_EXCLUDE", "*", "document"),
        ("--exclude", "IBINDER_EXCLUDE", "*.pdf;*.dwg", "document"),
        ("--exclude-binder", "IBINDER_EXCLUDE_BINDER", "Brf *", "binder"),
    ] {
        let program = drawings();
        let report = finish(program.run_command(&["--json"]).env(variable, glob)).expect(4).json();
        let why = report["failures"][0]["error"].as_str().unwrap();
        assert!(why.contains(&format!("leave out every {what}")) && why.contains(flag), "{glob}: {why}");
        // The mirror was healthy before the filter: the files stay, and the status warns.
        let program = drawings();
        program.run(&[]).expect(0);
        finish(program.run_command(&[]).env(variable, glob)).expect(4);
        let status = finish(bare(&["status", "--dest"]).arg(&program.dest));
        assert!(status.code == 1 && status.out.contains("WARNING"), "{glob}: {}", status.out);
        let flags: Vec<&str> = glob.split(';').flat_map(|glob| [flag, glob]).collect();
        program.run(&flags).expect(4);
    }
}

#[test]
fn an_include_without_documents_to_match_is_a_warning() {
    let program = Program::with_documents(0);
    let report = program.run(&["--include", "*.pdf", "--json"]).expect(0).json();
    let warned = warnings(&report);
    assert!(
        warned.len() == 1 && warned[0].contains("the mirror is empty"),
        "no document that it could match: {warned:?}"
    );
}

#[test]
fn a_glob_that_matches_nothing_is_a_warning() {
    let flags = ["--include", "*.pdf", "--include", "/Ritningar", "--exclude", "*.tmp", "--exclude-binder", "Test*"];
    let report = drawings().run(&[&flags[..], &["--json"]].concat()).expect(0).json();
    let warned = warnings(&report);
    for glob in ["--include \"/Ritningar\" matches no document", "--exclude \"*.tmp\" matches no document"] {
        assert!(warned.iter().any(|warning| warning.starts_with(glob)), "{glob}: {warned:?}");
    }
    assert!(warned.iter().any(|warning| warning.contains("\"Test*\" matches none of the binders")), "{warned:?}");
    assert_eq!(warned.len(), 3, "{warned:?}");
}

#[test]
fn everything_shows_the_filters() {
    let program = drawings();
    let copy = program.beside("status.json");
    let filtered = |command: &mut std::process::Command| {
        finish(command.env("IBINDER_INCLUDE", "*.pdf").env("IBINDER_EXCLUDE", "El/")).expect(0)
    };
    let shown = "--include \"*.pdf\" --exclude \"El/\"";
    let done = filtered(&mut program.run_command(&["--status-file", copy.to_str().unwrap()]));
    assert!(done.out.contains(&format!("Filters excluded 2 documents: {shown}")), "{}", done.out);
    let report: Value = serde_json::from_slice(&fs::read(program.state("last-run.json")).unwrap()).unwrap();
    let lists = json!({"binder": [], "exclude_binder": [], "include": ["*.pdf"], "exclude": ["El/"]});
    assert_eq!((&report["filters"], &report["binders"]["filtered"]), (&lists, &0.into()));
    let page = fs::read_to_string(program.state("last-run.html")).unwrap();
    let escaped = shown.replace('"', "&quot;");
    assert!(page.contains(shown) || page.contains(&escaped), "{page}");
    let status = finish(bare(&["status", "--dest"]).arg(&program.dest)).expect(0);
    assert!(status.out.contains(&format!("exclude 2 documents: {shown}")), "{}", status.out);
    let doctor = filtered(program.command(&["doctor", "--dest"]).arg(&program.dest));
    let unbroken = doctor.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unbroken.contains(&format!("{shown}; they excluded 2 documents in the last run")), "{}", doctor.out);
}

#[test]
fn files_for_others_contain_no_pattern() {
    let program = drawings();
    let (copy, report) = (program.beside("status.json"), program.beside("doctor.txt"));
    let hidden = |command: &mut std::process::Command| finish(command.env("IBINDER_EXCLUDE", "Ritningar/b*")).expect(0);
    hidden(&mut program.run_command(&["--status-file", copy.to_str().unwrap()]));
    hidden(program.command(&["doctor", "--dest"]).arg(&program.dest).arg("--report").arg(&report));
    for file in [&copy, &report] {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains("exclude") && !text.contains("Ritningar"), "{text}");
    }
    let status = finish(bare(&["status", "--from"]).arg(&copy)).expect(0);
    assert!(status.out.contains("exclude 0 documents: --exclude"), "{}", status.out);
}
