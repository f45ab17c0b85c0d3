//! Tabs without documents are counted, because their other contents are not mirrored.

use ibinder_sync::sandbox::Organisation;
use serde_json::json;

use crate::program::Program;

/// "Eken" has a tab with a document in a nested folder, a checklist, and a tab with an empty folder; "Linden" has
/// documents in its only tab; "Aspen" has a tab and no document.
fn binders() -> (Program, [String; 3]) {
    let mut o = Organisation::empty();
    let eken = o.add_binder("Eken");
    let drawings = o.add_folder(&eken, None, "Ritningar").unwrap();
    let house = o.add_folder(&eken, Some(&drawings), "Hus A").unwrap();
    let deep = o.add_folder(&eken, Some(&house), "El").unwrap();
    o.add_folder(&eken, None, "Egenkontroll").unwrap();
    let empty = o.add_folder(&eken, None, "Tom").unwrap();
    o.add_folder(&eken, Some(&empty), "Ingenting").unwrap();
    o.add_document(&eken, Some(&deep), "plan.pdf", "%PDF-1.7 plan").unwrap();
    let linden = o.add_binder("Linden");
    let tab = o.add_folder(&linden, None, "Avtal").unwrap();
    o.add_document(&linden, Some(&tab), "avtal.pdf", "%PDF-1.7 avtal").unwrap();
    let aspen = o.add_binder("Aspen");
    o.add_folder(&aspen, None, "Checklista").unwrap();
    (Program::new(o), [eken, aspen, empty])
}

#[test]
fn tabs_without_documents_are_counted_by_binder() {
    let (program, [eken, aspen, empty]) = binders();
    let expected = json!([
        { "binder_id": aspen, "binder": "Aspen", "tabs": 1 },
        { "binder_id": eken, "binder": "Eken", "tabs": 2 },
    ]);
    let counted = |flags: &[&str]| program.run(&[flags, &["--json"]].concat()).expect(0).json();
    // Filtered documents still count for their tab. Each run counts again.
    for flags in [&["--exclude", "plan.*"][..], &[], &[]] {
        assert_eq!(counted(flags)["tabs_without_documents"], expected, "{flags:?}");
    }
    let done = program.run(&[]).expect(0);
    let said = "3 tabs in 2 binders hold no documents: checklists and content tabs are not mirrored.";
    assert!(done.out.contains(said), "{}", done.out);
    let page = std::fs::read_to_string(program.state("last-run.html")).unwrap();
    for said in ["<bdi>Aspen</bdi></b>: 1 tab holds no documents", "<bdi>Eken</bdi></b>: 2 tabs hold no documents"] {
        assert!(page.contains(said), "{page}");
    }
    assert!(!page.contains("<bdi>Linden</bdi></b>: "), "{page}");
    program.sandbox.with_organisation(|o| o.add_document(&eken, Some(&empty), "a.pdf", "%PDF-1.7 a")).unwrap();
    assert_eq!(counted(&[])["tabs_without_documents"][1]["tabs"], 1);
}

#[test]
fn tabs_are_known_from_metadata_where_folders_can_not_be_read() {
    let (program, [_, aspen, _]) = binders();
    program.sandbox.change_settings(|settings| settings.subfolders = false);
    let report = program.run(&["--json"]).expect(0).json();
    assert_eq!(report["tabs_without_documents"][0]["binder_id"], aspen.as_str(), "{report}");
    assert_eq!(report["tabs_without_documents"][1]["tabs"], 2, "{report}");
}
