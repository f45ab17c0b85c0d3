//! `doctor`: its findings, that it changes nothing, and that its report contains no secrets.

use std::{fs, net::TcpListener, path::Path};

use ibinder_sync::sandbox::{Organisation, Reply, Route, Store};
use serde_json::{Value, json};

use crate::program::{Done, Program, bare, finish, snapshot};

fn doctor(program: &Program, variables: &[(&str, &str)]) -> Done {
    let mut command = program.command(&["doctor", "--dest"]);
    finish(command.arg(&program.dest).envs(variables.iter().copied()))
}

fn found(program: &Program) -> Value {
    let mut command = program.command(&["doctor", "--json", "--dest"]);
    finish(command.arg(&program.dest)).json()
}

/// The result for the first statement with these words.
fn belief<'a>(found: &'a Value, words: &str) -> &'a str {
    let statements = found["statements"].as_array().unwrap();
    let statement = statements.iter().find(|s| s["statement"].as_str().unwrap().contains(words)).unwrap();
    statement["belief"].as_str().unwrap()
}

fn verdicts(found: &Value, verdict: &str) -> Vec<String> {
    let checks = found["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["verdict"] == verdict).map(|check| check["found"].to_string()).collect()
}

/// Whether everything is fine, apart from this machine's disk if that is nearly full.
fn is_fine(text: &str) -> bool {
    let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_full = words.contains("GB are free → free some space") && words.ends_with("there is 1 warning.");
    is_full || words.ends_with("Everything is fine.")
}

#[test]
fn a_healthy_service_and_mirror_pass_unchanged() {
    let program = Program::mirrored(3);
    // Trying the disk's abilities in `tmp/` changes its time.
    let look = || snapshot(&program.dest).into_iter().filter(|(path, _)| !path.ends_with("tmp")).collect::<Vec<_>>();
    let before = look();
    let done = doctor(&program, &[]).expect(0);
    assert!(is_fine(&done.out), "{}", done.out);
    for words in
        ["contains a mirror", "a token was given", "1 binder is visible", "3 documents in all", "a single byte"]
    {
        assert!(done.out.contains(words), "{words}: {}", done.out);
    }
    assert_eq!(look(), before);
    let found = found(&program);
    assert!(verdicts(&found, "failure").is_empty() && verdicts(&found, "skipped").is_empty(), "{found}");
    assert_eq!(belief(&found, "GLOBAL_BinderId` filters"), "confirmed");
    assert_eq!(belief(&found, "The API's base is"), "unseen");
    assert_eq!(belief(&found, "hidden tabs"), "unseen");
    assert_eq!(belief(&found, "Storage is Azure Blob Storage"), "confirmed");
    assert!(found["statements"].as_array().unwrap().iter().all(|s| s["belief"] != "refuted"), "{found}");
    assert_eq!(found["night_requests"], 3);
}

#[test]
fn failures_have_their_code_and_advice() {
    let program = Program::with_documents(1);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{closed}/api");
    for (variables, code, words) in [
        (&[("IBINDER_CLIENT_ID", "")][..], 2, "IBINDER_CLIENT_ID"),
        (&[("IBINDER_ORG_ID", "\u{7f}")], 2, "IBINDER_ORG_ID"),
        (&[("IBINDER_CLIENT_SECRET", "wrong")], 3, "check IBINDER_CLIENT_ID and IBINDER_CLIENT_SECRET with"),
        (&[("IBINDER_ORG_ID", "0ef645a3-0000-4e6c-ac08-42675b76bac3")], 3, "compare IBINDER_ORG_ID with what iBinder"),
        (&[("IBINDER_API_URL", &nobody)], 4, "nothing listens there"),
        (&[("IBINDER_AUTH_URL", &nobody)], 4, "nothing listens there"),
    ] {
        let done = doctor(&program, variables).expect(code);
        assert!(done.out.contains("FAILURE") && done.out.contains(words), "{words}: {}", done.out);
        assert!(done.out.contains("A run can't work yet"), "{}", done.out);
    }
    fs::create_dir_all(program.dest.join("photos")).unwrap();
    let done = doctor(&program, &[]).expect(2);
    assert!(done.out.contains("files that are not a mirror"), "{}", done.out);
    // The service is checked anyway, so that one screen shows all problems.
    assert!(done.out.contains("a token was given"), "{}", done.out);
}

#[test]
fn a_mirror_of_another_organisation_and_a_damaged_one_are_failures() {
    let program = Program::mirrored(1);
    let done = doctor(&program, &[("IBINDER_ORG_ID", "0ef645a3-0000-4e6c-ac08-42675b76bac3")]).expect(2);
    assert!(done.out.contains("it mirrors organisation"), "{}", done.out);
    fs::write(program.state("state.db"), [7; 9000]).unwrap();
    let done = doctor(&program, &[]).expect(2);
    assert!(done.out.contains("ibinder-sync recover"), "{}", done.out);
}

#[test]
fn all_missing_settings_are_named_at_once() {
    let done = finish(&mut bare(&["doctor"])).expect(2);
    for name in ["organisation", "client_id", "client_secret"] {
        assert!(done.out.contains(name), "{name}: {}", done.out);
    }
}

#[test]
fn an_unmounted_disk_is_a_failure_with_existing() {
    let program = Program::with_documents(1);
    let mut command = program.command(&["doctor", "--existing", "--dest"]);
    let done = finish(command.arg(&program.dest)).expect(2);
    assert!(done.out.contains("mount the disk; before the first run, `ibinder-sync doctor --first`"), "{}", done.out);
    assert!(!program.dest.exists());
}

#[test]
fn contradicted_statements_are_reported() {
    let program = Program::mirrored(2);
    let listing = |extra: Value| {
        let mut item = json!({"id": "3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e77", "fileName": "a", "folderId": null,
            "binderId": "k3J9x_a2Q", "latestVersionId": null, "metadata": []});
        item.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        Reply::json(200, &json!({"items": [item], "totalCount": 1, "pageNumber": 0, "pageSize": 100}))
    };
    program.sandbox.script(Route::Search, vec![listing(json!({"size": 12}))]);
    let seen = found(&program);
    assert_eq!(belief(&seen, "Pages are numbered from 1"), "refuted");
    assert_eq!(belief(&seen, "250 documents"), "refuted");
    assert_eq!(belief(&seen, "An item has"), "refuted");
    program.sandbox.change_settings(|settings| settings.store = Store::S3);
    assert_eq!(belief(&found(&program), "Storage is Azure Blob Storage"), "refuted");
    // A 404 that is not problem JSON: removals can't be confirmed.
    program.sandbox.script(Route::Document, vec![Reply::Pass, Reply::status(404)]);
    let seen = found(&program);
    assert_eq!(belief(&seen, "`GET /documents/{id}`"), "refuted");
    assert!(verdicts(&seen, "warning").iter().any(|found| found.contains("recognized")), "{seen}");
    // Sub-folders that can't be requested.
    program.sandbox.script(Route::Drive, vec![Reply::problem(405, "Not here")]);
    let done = doctor(&program, &[]).expect(0);
    assert!(done.out.contains("some folders can't be named") && done.out.contains("otherwise"), "{}", done.out);
    // Storage without ranges.
    program.sandbox.script(Route::Blob, vec![Reply::status(200)]);
    assert!(doctor(&program, &[]).expect(0).out.contains("starts again from the beginning"));
    program.sandbox.script(Route::Blob, vec![Reply::status(403)]);
    assert!(doctor(&program, &[]).expect(4).out.contains("storage answered 403"));
}

#[test]
fn a_list_of_versions_is_searched_and_described() {
    let program = Program::mirrored(1);
    program.sandbox.change_settings(|settings| settings.record = true);
    let lists = || {
        let asked = program.sandbox.requests().into_iter().filter(|request| request.route == Route::Versions);
        asked.map(|request| format!("{} {}", request.method, request.path)).collect::<Vec<_>>()
    };
    let about = |seen: &Value| {
        let found = verdicts(seen, "ok").into_iter().filter(|found| found.contains("a document's versions"));
        found.collect::<Vec<_>>().join("\n")
    };
    let seen = found(&program);
    assert!(about(&seen).contains("`documents/{id}/versions`: 404, `documents/{id}/history`: 404"), "{seen}");
    assert_eq!(belief(&seen, "The API lists a document's versions"), "unseen");
    let asked = lists();
    assert!(asked.len() == 3 && asked.iter().all(|request| request.starts_with("GET /api/documents/")), "{asked:?}");
    // The second path answers, so the third is not requested. Fields are named, but not their values.
    let requests = program.sandbox.requests();
    let link = requests.iter().find(|request| request.route == Route::DownloadLink).unwrap();
    let version = link.path.split('/').nth(5).unwrap();
    let list =
        json!([{"id": "another", "label": "Hemlig"}, {"id": version, "label": "Hemlig", "createdBy": "Persson"}]);
    program
        .sandbox
        .script(Route::Versions, vec![Reply::json(200, &json!([{"id": "another"}])), Reply::json(200, &list)]);
    let seen = found(&program);
    let told = about(&seen);
    assert!(
        told.contains("`documents/{id}/history` lists a document's versions: 2, with the fields createdBy, id, label"),
        "{seen}"
    );
    assert_eq!(belief(&seen, "The API lists a document's versions"), "confirmed");
    assert_eq!(lists().len(), asked.len() + 2);
    for value in ["Hemlig", "Persson", version] {
        assert!(!seen.to_string().contains(value), "{value}: {seen}");
    }
    // Any other answer is no failure.
    let others = vec![Reply::status(500), Reply::Drop, Reply::body(200, "text/html", "<html>")];
    program.sandbox.script(Route::Versions, others);
    let done = doctor(&program, &[]).expect(0);
    let words: String = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("/versions`: 500") && words.contains("/history`: no answer"), "{words}");
    assert!(words.contains("pageNumber=1`: 200, not JSON") && is_fine(&words), "{words}");
}

#[test]
fn an_organisation_without_documents_is_no_failure() {
    let done = doctor(&Program::new(Organisation::empty()), &[]).expect(0);
    assert!(done.out.contains("shows no binder") && done.out.contains("there is no document yet"), "{}", done.out);
}

#[test]
fn the_report_can_be_sent_to_anybody() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Hemlig");
    o.add_document(&binder, None, "Avtal Persson.pdf", "x").unwrap();
    let program = Program::new(o);
    let report = program.beside("report.txt");
    let mut said = String::new();
    for scripted in [None, Some(Reply::problem(500, "echo"))] {
        program.sandbox.script(Route::DownloadLink, scripted.into_iter().collect());
        let mut command = program.command(&["doctor", "-vv", "--dest"]);
        command.arg(&program.dest).arg("--report").arg(&report).env("RUST_LOG", "trace");
        let done = finish(command.env("HTTPS_PROXY", "http://me:5ecret@proxy.example:1"));
        said += &(done.out + &done.err + &fs::read_to_string(&report).unwrap());
    }
    assert!(said.contains("yes       ") && said.contains("trace id"), "{said}");
    let environment = program.sandbox.environment();
    let secret = &environment.iter().find(|(name, _)| *name == "IBINDER_CLIENT_SECRET").unwrap().1;
    let words = ["Hemlig", "Persson", "sig=", "sp=r", "5ecret", secret.as_str(), binder.as_str()];
    for hidden in program.sandbox.tokens().iter().map(String::as_str).chain(words) {
        assert!(!said.contains(hidden), "{hidden}: {said}");
    }
    let mut command = program.command(&["doctor", "--report", "/nowhere/report.txt"]);
    finish(&mut command).says(2, "/nowhere/report.txt");
}

#[test]
fn the_report_replaces_no_document() {
    let program = Program::mirrored(2);
    let (document, link) = (program.dest.join("Brf Eken/0.txt"), program.beside("link"));
    std::os::unix::fs::symlink(&document, &link).unwrap();
    let before = snapshot(&program.beside(""));
    let asked = program.sandbox.requests().len();
    let report = |flags: &[&str], file: &Path| finish(program.command(&["doctor", "--report"]).arg(file).args(flags));
    let dest = ["--dest", program.dest.to_str().unwrap()];
    for flags in [&dest[..], &[]] {
        report(flags, &document).says(2, "inside the mirror");
    }
    assert_eq!(program.sandbox.requests().len(), asked, "nothing is asked for before");
    assert!(snapshot(&program.beside("")) == before, "nothing was touched");
    report(&dest, &link).says(2, "is not a file");
    assert!(link.is_symlink() && fs::read_to_string(document).unwrap() == "bytes 0");
}
