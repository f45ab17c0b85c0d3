//! Workbooks, read with openpyxl: a person's spreadsheet must read them, too.
//!
//! openpyxl is a Python package: `python3 -m venv target/openpyxl` and `target/openpyxl/bin/pip install openpyxl==3.1.5`.
//! Without it these tests are skipped, and fail if the variable `CI` is set.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ibinder_sync::sandbox::Organisation;
use serde_json::{Value, json};

use crate::{
    program::{Program, bare, finish},
    skip::skip,
};

/// The sheets of a workbook, as `workbook.py` reads them.
fn read(file: &Path) -> Option<Vec<Value>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/openpyxl/bin/python");
    if !python.exists() {
        skip("openpyxl is not installed; tests/cli/workbook.rs says how");
        return None;
    }
    let read = Command::new(python).arg(root.join("tests/cli/workbook.py")).arg(file).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    Some(serde_json::from_slice(&read.stdout).unwrap())
}

fn export(program: &Program, file: &Path, flags: &[&str]) -> Option<Vec<Value>> {
    let mut command = bare(&["export", "--format", "xlsx", "--dest"]);
    finish(command.arg(&program.dest).arg("--to").arg(file).args(flags)).expect(0);
    read(file)
}

fn two_binders() -> Program {
    let mut o = Organisation::empty();
    for (binder, names) in [("Brf: Eken", &["=1+1.txt", "Plan #1 å.txt", "100%.txt"][..]), ("Brf Linden", &["-a.txt"])]
    {
        let binder = o.add_binder(binder);
        let tab = o.add_folder(&binder, None, "Ritningar").unwrap();
        for name in names {
            o.add_document(&binder, Some(&tab), name, format!("bytes of {name}")).unwrap();
        }
    }
    Program::new(o)
}

#[test]
fn links_open_the_files_and_no_cell_is_a_formula() {
    let program = two_binders();
    program.run(&[]).expect(0);
    fs::create_dir(program.beside("office")).unwrap();
    let file = program.beside("office/catalogue.xlsx");
    let Some(sheets) = export(&program, &file, &[]) else { return };
    let names: Vec<&Value> = sheets.iter().map(|sheet| &sheet["name"]).collect();
    assert_eq!(names, ["Binders", "Changes", "Brf Linden", "Brf_ Eken"]);
    assert!(sheets.iter().all(|sheet| sheet["formulas"] == 0 && sheet["freeze"] == "B2"), "{sheets:?}");
    let eken = &sheets[3];
    assert_eq!(eken["filter"], "A1:R4");
    let rows = eken["rows"].as_array().unwrap();
    let heading: Vec<&str> = rows[0].as_array().unwrap().iter().map(|cell| cell["value"].as_str().unwrap()).collect();
    assert!(heading.contains(&"Status") && heading.contains(&"Flik"), "{heading:?}");
    assert_eq!(heading[heading.len() - 3..], ["Document id", "Version id", "Binder id"]);
    let mut found = Vec::new();
    for row in &rows[1..] {
        let (name, link) = (row[0]["value"].as_str().unwrap(), row[0]["link"].as_str().unwrap());
        let path = PathBuf::from(percent_decoded(link));
        let bytes = fs::read_to_string(program.beside("office").join(path)).unwrap();
        assert_eq!(bytes, format!("bytes of {name}"), "{link}");
        found.push(name);
    }
    assert_eq!(found, ["100%.txt", "=1+1.txt", "Plan #1 å.txt"]);
    let at = |label: &str| &rows[1][heading.iter().position(|known| *known == label).unwrap()];
    assert_eq!((&at("Mirrored")["type"], &at("Size (bytes)")["type"]), (&json!("datetime"), &json!("int")));
    assert_eq!(at("Folder")["value"], "Ritningar");
    // The first mirror is no change.
    assert_eq!(sheets[1]["rows"].as_array().unwrap().len(), 1);
}

#[test]
fn the_workbook_says_what_changed_in_the_language_of_its_readers() {
    let program = two_binders();
    program.run(&[]).expect(0);
    program.sandbox.with_organisation(|o| {
        let documents = o.documents();
        o.remove_document(&documents[0].id).unwrap();
        o.revise(&documents[1].id, "new").unwrap();
        o.rename_document(&documents[2].id, "renamed.txt").unwrap();
    });
    program.run(&[]).expect(0);
    let file = program.beside("catalogue.xlsx");
    let flags = ["--report-language", "sv", "--sheets", "one", "--link-base", r"\\server\ritningar"];
    let Some(sheets) = export(&program, &file, &flags) else { return };
    let names: Vec<&Value> = sheets.iter().map(|sheet| &sheet["name"]).collect();
    assert_eq!(names, ["Dokument", "Pärmar", "Ändringar"]);
    let changes = sheets[2]["rows"].as_array().unwrap();
    assert!(changes[0][0]["value"].as_str().unwrap().starts_with("Ändring sedan 20"), "{changes:?}");
    let mut kinds: Vec<(&str, bool)> =
        changes[1..].iter().map(|row| (row[0]["value"].as_str().unwrap(), row[1]["link"].is_string())).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [("borttaget", false), ("flyttat", true), ("uppdaterat", true)]);
    let link = sheets[0]["rows"][1][0]["link"].as_str().unwrap();
    assert!(link.starts_with(r"file:///\\server\ritningar\Brf%20Linden\Ritningar\"), "{link}");
    // Of another time nobody knows what the files are.
    let Some(earlier) = export(&program, &file, &["--at", "1"]) else { return };
    assert!(earlier[2]["rows"][1][0]["link"].is_null(), "{earlier:?}");
}

#[test]
fn flags_of_workbooks_are_refused_for_other_formats() {
    let program = Program::mirrored(1);
    for (flags, why) in [
        (["--sheets", "one"], "--sheets works only with --format xlsx"),
        (["--since", "1d"], "--since works only with --format xlsx; `changes` lists what changed"),
    ] {
        finish(bare(&["export", "--format", "csv", "--dest"]).arg(&program.dest).args(flags)).says(2, why);
    }
    let script = ["--link-base", "javascript:alert(1)"];
    finish(bare(&["export", "--format", "xlsx", "--dest"]).arg(&program.dest).args(script))
        .says(2, "--link-base can't be used");
}

fn percent_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}
