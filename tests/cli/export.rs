//! `export`: catalogues, and sidecars.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use ibinder_sync::sandbox::Organisation;
use serde_json::{Value, json};

use crate::program::{Done, Program, bare, finish, snapshot};

fn export(program: &Program, flags: &[&str]) -> Done {
    finish(bare(&["export", "--dest"]).arg(&program.dest).args(flags))
}

/// The rows of a table, by column name.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let text = text.strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn odd_names() -> Program {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let tab = o.add_folder(&binder, None, "Avtal, \"nya\"").unwrap();
    for name in ["=1+1.txt", "two\nlines, \"quoted\".txt", "+46.txt", "å 😀.txt", "x;=1|' A'!A0;.txt"] {
        o.add_document(&binder, Some(&tab), name, format!("bytes of {name}")).unwrap();
    }
    Program::new(o)
}

#[test]
fn a_table_has_every_document_and_no_formula() {
    let program = odd_names();
    program.run(&[]).expect(0);
    let text = export(&program, &["--format", "csv"]).expect(0).out;
    let header = text.lines().next().unwrap();
    assert!(header.starts_with("\u{feff}path,file_name,binder,version_label,size,modified_at,"), "{header}");
    assert_eq!(text.matches("\r\n").count(), 6);
    let rows = rows(&text);
    let names: Vec<&str> = rows.iter().map(|row| row["file_name"].as_str()).collect();
    for name in ["'=1+1.txt", "'+46.txt", "two\nlines, \"quoted\".txt", "å 😀.txt"] {
        assert!(names.contains(&name), "{name:?} is not in {names:?}");
    }
    for row in &rows {
        assert_eq!((row["binder"].as_str(), row["Flik"].as_str()), ("Brf Eken", "Avtal, \"nya\""));
        let bytes = fs::read(program.dest.join(row["path"].replace(";'=", ";="))).unwrap();
        assert_eq!(row["size"], bytes.len().to_string());
    }
    let semicolons = export(&program, &["--format", "csv", "--separator", ";"]).expect(0).out;
    assert!(semicolons.lines().next().unwrap().contains("path;file_name;"));
    // Whatever separator and quotes a spreadsheet assumes.
    for piece in [text, semicolons].iter().flat_map(|text| text.split([',', ';', '\t', '\r', '\n'])) {
        let cell = piece.trim_start_matches(['"', ' ']);
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{piece}");
    }
}

#[test]
fn lines_of_json_have_every_text_as_it_is() {
    let program = odd_names();
    program.run(&[]).expect(0);
    let documents = lines(&export(&program, &["--format", "jsonl"]).expect(0).out);
    let names: Vec<&str> = documents.iter().map(|line| line["file_name"].as_str().unwrap()).collect();
    assert!(names.contains(&"=1+1.txt") && names.contains(&"two\nlines, \"quoted\".txt"), "{names:?}");
    assert!(documents.iter().all(|line| line["metadata"]["Status"].is_string()), "{documents:?}");
    let one = lines(&export(&program, &["--format", "jsonl", "Brf Eken/Avtal, _nya_/=1+1.txt"]).expect(0).out);
    assert_eq!(one.len(), 1);
    export(&program, &["--format", "jsonl", "nothing"]).says(2, "nothing is mirrored as nothing now");
}

#[test]
fn metadata_and_paths_are_those_of_the_time() {
    let program = Program::mirrored(2);
    let id = program.sandbox.with_organisation(|o| o.documents())[0].id.clone();
    let entry = |value: &str| json!([{"metadataElementId": "Byggnad", "value": value}]);
    program.sandbox.with_organisation(|o| o.set_metadata(&id, entry("A"))).unwrap();
    program.run(&[]).expect(0);
    program.sandbox.with_organisation(|o| {
        o.set_metadata(&id, entry("B")).unwrap();
        o.rename_document(&id, "renamed.txt").unwrap();
        o.revise(&id, "new").unwrap();
    });
    program.run(&[]).expect(0);
    let told = |flags: &[&str]| {
        let lines = lines(&export(&program, &[&["--format", "jsonl"], flags].concat()).expect(0).out);
        assert_eq!(lines.len(), 2);
        let of = lines.into_iter().find(|line| line["document_id"] == id.as_str()).unwrap();
        (of["file_name"].clone(), of["size"].clone(), of["metadata"]["Byggnad"].clone())
    };
    assert_eq!(told(&["--at", "1"]), (json!("0.txt"), json!(7), Value::Null));
    assert_eq!(told(&["--at", "2"]), (json!("0.txt"), json!(7), json!("A")));
    let now = (json!("renamed.txt"), json!(3), json!("B"));
    assert_eq!((told(&["--at", "3"]), told(&[])), (now.clone(), now));
}

#[test]
fn a_file_is_replaced_when_the_new_one_is_whole() {
    let program = Program::mirrored(2);
    let file = program.beside("catalogue.csv");
    let to = ["--format", "csv", "--to", file.to_str().unwrap()];
    assert!(export(&program, &to).expect(0).out.starts_with("2 documents are in "));
    let first = fs::read_to_string(&file).unwrap();
    export(&program, &[&to[..], &["nothing"]].concat()).expect(2);
    assert_eq!(fs::read_to_string(&file).unwrap(), first);
    let inside = program.dest.join("Brf Eken/0.txt");
    export(&program, &["--format", "csv", "--to", inside.to_str().unwrap()]).says(2, "inside the mirror");
    assert_eq!(fs::read_to_string(inside).unwrap(), "bytes 0");
    let link = program.beside("link.csv");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    fs::write(&file, "old").unwrap();
    export(&program, &["--format", "csv", "--to", link.to_str().unwrap()]).expect(0);
    assert!(link.is_symlink() && fs::read_to_string(&file).unwrap() == first);
    // No other file is left, here or in the mirror.
    assert_eq!(fs::read_dir(program.beside("")).unwrap().count(), 3);
}

#[test]
fn a_workbook_is_written() {
    let program = Program::mirrored(2);
    let before = snapshot(&program.dest);
    let file = program.beside("catalogue.xlsx");
    export(&program, &["--format", "xlsx", "--to", file.to_str().unwrap()]).expect(0);
    let archive = zip::ZipArchive::new(fs::File::open(file).unwrap()).unwrap();
    assert!(archive.index_for_name("xl/worksheets/sheet1.xml").is_some());
    export(&program, &["--format", "jsonl", "--separator", ";"]).says(2, "--separator works only with --format csv");
    assert_eq!(snapshot(&program.dest), before);
}

#[test]
fn a_full_disk_is_8_and_a_closed_pipe_is_no_error() {
    let program = Program::mirrored(2);
    for format in ["csv", "jsonl", "xlsx"] {
        let to = |out: Stdio| {
            let mut command = bare(&["export", "--format", format, "--dest"]);
            Done::of(&command.arg(&program.dest).stdout(out).output().unwrap())
        };
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        to(full.into()).says(8, "cannot write standard output");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(to(writer.into()).expect(0).err, "", "{format}");
    }
}

#[test]
fn sidecars_are_called_after_their_documents() {
    let program = Program::mirrored(3);
    let write = |folder: &Path| export(&program, &["--sidecars", folder.to_str().unwrap()]);
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder.join("Brf Eken")).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let (first, second) = (program.beside("metadata/1"), program.beside("metadata/2"));
    assert!(write(&first).expect(0).out.starts_with("3 sidecars are in "));
    assert_eq!(names(&first), ["0.txt.json", "1.txt.json", "2.txt.json"]);
    let ids: Vec<String> = program.sandbox.with_organisation(|o| o.documents().into_iter().map(|d| d.id).collect());
    program.sandbox.with_organisation(|o| {
        o.rename_document(&ids[0], "moved.txt").unwrap();
        o.remove_document(&ids[1]).unwrap();
    });
    program.run(&[]).expect(0);
    write(&second).expect(0);
    assert_eq!(names(&second), ["2.txt.json", "moved.txt.json"]);
    let text = fs::read_to_string(second.join("Brf Eken/moved.txt.json")).unwrap();
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&told["document_id"], &told["path"]), (&json!(ids[0]), &json!("Brf Eken/moved.txt")));
}

#[test]
fn sidecars_delete_nothing() {
    let program = Program::mirrored(2);
    let side = program.beside("side");
    export(&program, &["--sidecars", side.to_str().unwrap()]).expect(0);
    // Wherever sidecars were copied to, and whatever an earlier version marked as its own.
    let copy = program.beside("copy");
    for folder in [&program.dest, &side] {
        assert!(Command::new("cp").arg("-a").arg(folder.join(".")).arg(&copy).status().unwrap().success());
    }
    for marked in [&copy, &side, &program.beside("")] {
        fs::write(marked.join(".ibinder-sidecars"), "replaces this folder\n").unwrap();
    }
    fs::write(side.join("notes.txt"), "mine").unwrap();
    let before = snapshot(&program.beside(""));
    let inside = program.dest.join("metadata");
    export(&program, &["--sidecars", inside.to_str().unwrap()]).says(2, "inside the mirror");
    for full in [&copy, &side, &program.beside("")] {
        export(&program, &["--sidecars", full.to_str().unwrap()]).says(2, "is not empty, and export deletes nothing");
    }
    assert_eq!(snapshot(&program.beside("")), before);
}

#[test]
fn the_ending_of_the_file_is_its_format() {
    let program = Program::mirrored(1);
    let start = |name: &str| {
        let path = program.beside(name);
        export(&program, &["--to", path.to_str().unwrap()]).expect(0);
        fs::read(path).unwrap()[..4].to_vec()
    };
    assert_eq!(start("a.xlsx"), *b"PK\x03\x04");
    assert_eq!(start("a.CSV"), *"\u{feff}p".as_bytes());
    assert_eq!(start("a.jsonl"), *b"{\"pa");
    export(&program, &["--to", program.beside("a.txt").to_str().unwrap()]).says(2, "--format");
    export(&program, &["--to", program.beside("a").to_str().unwrap()]).says(2, "--format");
    let done = export(&program, &["--format", "jsonl", "--to", program.beside("b.csv").to_str().unwrap()]).expect(0);
    assert!(done.out.starts_with("1 document is in "), "{}", done.out);
    assert!(fs::read(program.beside("b.csv")).unwrap().starts_with(b"{"));
}
