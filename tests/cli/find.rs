//! `find`.

use std::fs;

use ibinder_sync::sandbox::{Reply, Route};
use serde_json::json;

use crate::{history::lines, program::Program};

/// Two binders: documents with accents and metadata, of which one changed and one was removed in a second run.
fn program() -> Program {
    let program = Program::with_documents(0);
    program.organisation(|o| {
        let eken = o.binders()[0].0.clone();
        let tab = o.add_folder(&eken, None, "Ritningar").unwrap();
        let mut add = |name: &str| o.add_document(&eken, Some(&tab), name, name.to_owned()).unwrap();
        add("Försäkring.txt");
        add("Forsakring.md");
        let plan = add("Plan.txt");
        let gone = add("Café.txt");
        o.set_metadata(&plan, json!([{"metadataElementId": "Byggnad", "value": "Ångströmslaboratoriet"}])).unwrap();
        o.set_metadata(&gone, json!([{"metadataElementId": "Byggnad", "value": "Kajen"}])).unwrap();
        let other = o.add_binder("Brf Åsen");
        o.add_document(&other, None, "Stadgar.txt", "the statutes").unwrap();
    });
    program.run(&[]).expect(0);
    program.organisation(|o| {
        let of = |name: &str| o.documents().into_iter().find(|d| d.file_name == name).unwrap().id;
        let (gone, changed) = (of("Café.txt"), of("Forsakring.md"));
        o.remove_document(&gone).unwrap();
        o.revise(&changed, "other bytes").unwrap();
    });
    program.run(&[]).expect(0);
    program
}

fn names(program: &Program, arguments: &[&str]) -> Vec<String> {
    let found = lines(&program.on_mirror("find", &[&["--json"], arguments].concat()).expect(0));
    found.iter().map(|line| line["file_name"].as_str().unwrap().to_owned()).collect()
}

/// Each search finds the same with the file and without it.
fn check(program: &Program) {
    for (arguments, expected) in [
        (&["försäkring"][..], &["Försäkring.txt"][..]),
        (&["FORSAKRING"], &["Forsakring.md", "Försäkring.txt"]),
        (&["asen"], &["Stadgar.txt"]),
        (&["åsen"], &["Stadgar.txt"]),
        (&["äsen"], &[]),
        (&["ritningar", "eken", "plan"], &["Plan.txt"]),
        (&["ritningar plan"], &[]),
        (&["angstroms"], &["Plan.txt"]),
        (&["eken", "--type", "txt"], &["Försäkring.txt", "Plan.txt"]),
        (&["--type", "md", "--type", ".TXT"], &["Forsakring.md", "Försäkring.txt", "Plan.txt", "Stadgar.txt"]),
        (&["brf", "--binder", "brf åsen"], &["Stadgar.txt"]),
        (&["brf", "--changed-since", "1"], &["Forsakring.md"]),
        (&["brf", "--changed-since", "2"], &[]),
        (&["brf", "--removed"], &["Café.txt"]),
        (&["cafe", "kajen", "--removed", "--changed-since", "1"], &["Café.txt"]),
        (&["brf", "--removed", "--changed-since", "2"], &[]),
    ] {
        assert_eq!(names(program, arguments), expected, "{arguments:?}");
    }
}

#[test]
fn documents_are_found_by_name_path_and_metadata() {
    let program = program();
    check(&program);
    let text = program.state("find.text");
    let whole = fs::read(&text).unwrap();
    // Cut off, of another state, and missing: the state has the same.
    fs::write(&text, &whole[..whole.len() / 2]).unwrap();
    check(&program);
    fs::write(&text, String::from_utf8(whole.clone()).unwrap().replacen("000002-", "000001-", 1)).unwrap();
    check(&program);
    fs::remove_file(&text).unwrap();
    check(&program);
    assert!(!text.exists(), "only a run writes it");
    program.run(&[]).expect(0);
    assert!(fs::read(&text).unwrap() == whole);
}

#[test]
fn the_file_is_what_is_searched() {
    let program = program();
    let text = program.state("find.text");
    let before = fs::metadata(&text).unwrap();
    program.run(&[]).expect(0);
    let unchanged = fs::metadata(&text).unwrap();
    assert_eq!(before.modified().unwrap(), unchanged.modified().unwrap(), "a run without changes leaves it alone");
    // Labels change without their documents' rows.
    let labels = [json!({"valueId": "Ångströmslaboratoriet", "name": "Hus 10"})];
    let schema = json!({"items": [{"id": "Byggnad", "name": "Byggnad", "dataType": "enumeration", "values": labels}]});
    program.sandbox.hook(move |asked| (asked.route == Route::MetadataElements).then(|| Reply::json(200, &schema)));
    assert!(names(&program, &["hus 10"]).is_empty());
    program.run(&["--refresh-folders", "0s"]).expect(0);
    assert_eq!(names(&program, &["hus 10"]), ["Plan.txt"]);
    assert!(fs::read_to_string(&text).unwrap().contains("hus 10"));
}

#[test]
fn a_found_document_is_shown() {
    let program = program();
    let done = program.on_mirror("find", &["plan"]).expect(0);
    assert!(
        done.out.trim_start().starts_with("8  20") && done.out.ends_with("  Brf Eken/Ritningar/Plan.txt\n"),
        "{}",
        done.out
    );
    let found = lines(&program.on_mirror("find", &["cafe", "--removed", "--json"]).expect(0)).remove(0);
    assert_eq!((&found["path"], &found["held"]), (&"Brf Eken/Ritningar/Café.txt".into(), &true.into()));
    assert!(found["removed_at"].as_str().unwrap().starts_with("20") && found["binder_id"].is_string(), "{found}");
    let done = program.on_mirror("find", &["cafe", "--removed"]).expect(0);
    assert!(done.out.contains("Café.txt  (removed 20"), "{}", done.out);
    let done = program.on_mirror("find", &["cafe"]).expect(0);
    assert!(done.out.is_empty() && done.err.contains("but a removed one does: add --removed"), "{}", done.err);
    assert!(program.on_mirror("find", &["nowhere"]).expect(0).err.contains("no document matches\n"));
    program.on_mirror("find", &[]).says(2, "TEXT");
    program.on_mirror("find", &["x", "--binder", "Brf Alen"]).says(2, "no binder \"Brf Alen\"");
    program.on_mirror("find", &["x", "--changed-since", "soon"]).says(2, "is not a time");
}
