//! `report_file`: the page of a run, where people may read it.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use ibinder_sync::sandbox::{Reply, Route};

use crate::program::{Done, Program, bare, finish};

/// A run with a page for readers, in Swedish.
fn run(program: &Program, file: &Path, flags: &[&str]) -> Done {
    let mut command = program.run_command(&[]);
    command.env("IBINDER_ORGANISATION_NAME", "Förvaltning <Syd>").arg("--report-file").arg(file).args(flags);
    finish(&mut command)
}

fn links(page: &str) -> Vec<&str> {
    page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn people_read_the_page_beside_the_mirror() {
    let program = Program::with_documents(2);
    fs::create_dir(program.beside("www")).unwrap();
    let file = program.beside("www/report.html");
    run(&program, &file, &["--report-language", "sv"]).expect(0);
    let page = fs::read_to_string(&file).unwrap();
    for told in [
        "<html lang=\"sv\">",
        "Förvaltning &lt;Syd&gt;",
        "Allt som iBinder listar är speglat; 2 dokument har ändrats.",
        "tillagt",
    ] {
        assert!(page.contains(told), "{told:?} is not in {page}");
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    for link in links(&page) {
        assert!(file.parent().unwrap().join(link.replace("%20", " ")).exists(), "{link}");
    }
    assert_eq!(links(&page).len(), 3);
    // The mirror's own page is in the same language; nothing else is left beside the file.
    assert!(fs::read_to_string(program.state("last-run.html")).unwrap().contains("<html lang=\"sv\">"));
    assert_eq!(fs::read_dir(program.beside("www")).unwrap().count(), 1);
    run(&program, &file, &["--link-base", "https://files.example.com/m"]).expect(0);
    program.sandbox.with_organisation(|o| o.revise(&o.documents()[0].id.clone(), "new").unwrap());
    run(&program, &file, &["--link-base", "https://files.example.com/m"]).expect(0);
    let page = fs::read_to_string(&file).unwrap();
    assert_eq!(links(&page).len(), 2);
    assert!(links(&page).iter().all(|link| link.starts_with("https://files.example.com/m/Brf%20Eken")), "{page}");
}

#[test]
fn a_page_that_can_not_be_written_changes_nothing_but_is_told() {
    let program = Program::mirrored(1);
    let nowhere = program.beside("no/report.html");
    let report = run(&program, &nowhere, &["--json"]).expect(0).json();
    assert!(report["warnings"][0].as_str().unwrap().starts_with("--report-file: "), "{report}");
    let inside = program.dest.join("report.html");
    run(&program, &inside, &[]).says(2, "lies inside the mirror");
    assert!(!inside.exists());
}

#[test]
fn a_run_that_can_not_begin_says_so_on_the_page() {
    let program = Program::with_documents(1);
    let file = program.beside("report.html");
    run(&program, &file, &[]).expect(0);
    program
        .sandbox
        .script(Route::Token, vec![Reply::problem(401, "Unauthorized"), Reply::problem(401, "Unauthorized")]);
    run(&program, &file, &[]).expect(3);
    let page = fs::read_to_string(&file).unwrap();
    assert!(page.contains("The run failed. What was mirrored before is still there."), "{page}");
    run(&program, &file, &["--concurrency", "0"]).expect(2);
    let page = fs::read_to_string(&file).unwrap();
    assert!(page.contains("A run that could not begin or continue") && page.contains("--concurrency"), "{page}");
    // A filter by hand says nothing about the mirror.
    run(&program, &file, &["--include", "*.pdf"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), page);
}

#[test]
fn purge_erases_a_document_from_the_page_at_once() {
    let program = Program::with_documents(2);
    let id = program.sandbox.with_organisation(|o| {
        let id = o.documents()[0].id.clone();
        o.rename_document(&id, "Anna Andersson.txt").unwrap();
        id
    });
    let file = program.beside("report.html");
    let mut command = program.run_command(&["--report-file", "report.html", "--report-language", "sv"]);
    command.env("IBINDER_ORGANISATION_NAME", "Förvaltning <Syd>").current_dir(program.beside(""));
    finish(&mut command).expect(0);
    // A later run without the setting changes only the mirror's own page.
    program.run(&[]).expect(0);
    assert!(fs::read_to_string(&file).unwrap().contains("Anna Andersson"));
    let purge = || finish(bare(&["purge", &id, "--yes", "--dest"]).arg(&program.dest));
    purge().expect(0);
    let page = fs::read_to_string(&file).unwrap();
    assert!(!page.contains("Anna") && !page.contains(&id), "{page}");
    for told in ["<html lang=\"sv\">", "Förvaltning &lt;Syd&gt;", "1.txt</bdi>", "href=\"mirror/Brf%20Eken/1.txt\""] {
        assert!(page.contains(told), "{told:?} is not in {page}");
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn purge_leaves_what_is_no_page_of_the_mirror_and_names_a_page_that_it_can_not_write() {
    for (text, warns) in [(Some("my notes"), false), (None, true)] {
        let program = Program::with_documents(2);
        let id = program.sandbox.with_organisation(|o| o.documents()[0].id.clone());
        let file = program.beside("report.html");
        run(&program, &file, &[]).expect(0);
        fs::remove_file(&file).unwrap();
        match text {
            Some(text) => fs::write(&file, text).unwrap(),
            None => fs::create_dir(&file).unwrap(),
        }
        let done = finish(bare(&["purge", &id, "--yes", "--dest"]).arg(&program.dest)).expect(0);
        assert_eq!(done.err.contains("report.html may still name it"), warns, "{}", done.err);
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), text);
        assert_eq!(file.is_dir(), text.is_none());
    }
}
