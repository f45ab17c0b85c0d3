//! `doctor`: what it finds, that it changes nothing, and that its report can be sent to anybody.

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

/// The belief in the first statement that contains these words.
fn belief<'a>(found: &'a Value, words: &str) -> &'a str {
    let statements = found["statements"].as_array().unwrap();
    let statement = statements.iter().find(|s| s["statement"].as_str().unwrap().contains(words)).unwrap();
    statement["belief"].as_str().unwrap()
}

fn verdicts(found: &Value, verdict: &str) -> Vec<String> {
    let checks = found["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["verdict"] == verdict).map(|check| check["found"].to_string()).collect()
}

#[test]
fn a_healthy_service_and_a_mirror_are_all_right_and_stay_as_they_are() {
    let program = Program::mirrored(3);
    // What can be done on the disk is tried in `tmp/`, whose own time changes.
    let look = || snapshot(&program.dest).into_iter().filter(|(path, _)| !path.ends_with("tmp")).collect::<Vec<_>>();
    let before = look();
    let done = doctor(&program, &[]).expect(0);
    assert!(done.out.ends_with("All is well.\n"), "{}", done.out);
    for words in
        ["holds a mirror", "a token was given", "1 binders can be seen", "3 documents in all", "the first byte"]
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
fn what_must_be_mended_has_its_code_and_its_advice() {
    let program = Program::with_documents(1);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{closed}/api");
    for (variables, code, words) in [
        (&[("IBINDER_CLIENT_ID", "")][..], 2, "IBINDER_CLIENT_ID"),
        (&[("IBINDER_ORG_ID", "\u{7f}")], 2, "IBINDER_ORG_ID"),
        (&[("IBINDER_CLIENT_SECRET", "wrong")], 3, "check `client_id` and the client's secret"),
        (&[("IBINDER_ORG_ID", "0ef645a3-0000-4e6c-ac08-42675b76bac3")], 3, "compare `organisation` with what iBinder"),
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
    // The service is asked all the same: everything is on one screen.
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
fn everything_that_is_not_set_is_named_at_once() {
    let done = finish(&mut bare(&["doctor"])).expect(2);
    for name in ["organisation", "client_id", "client_secret"] {
        assert!(done.out.contains(name), "{name}: {}", done.out);
    }
}

#[test]
fn an_unmounted_disk_is_a_failure_where_a_mirror_must_exist() {
    let program = Program::with_documents(1);
    let mut command = program.command(&["doctor", "--existing", "--dest"]);
    let done = finish(command.arg(&program.dest)).expect(2);
    assert!(
        done.out.contains("mount the disk; before the first run, `ibinder-sync doctor --existing=false`"),
        "{}",
        done.out
    );
    assert!(!program.dest.exists());
}

#[test]
fn what_the_service_does_otherwise_is_said() {
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
    // A 404 that is no problem JSON: what removals rest on is not there.
    program.sandbox.script(Route::Document, vec![Reply::Pass, Reply::status(404)]);
    let seen = found(&program);
    assert_eq!(belief(&seen, "`GET /documents/{id}`"), "refuted");
    assert!(verdicts(&seen, "warning").iter().any(|found| found.contains("gone")), "{seen}");
    // Folders that can't be asked for.
    program.sandbox.script(Route::Drive, vec![Reply::problem(405, "Not here")]);
    let done = doctor(&program, &[]).expect(0);
    assert!(done.out.contains("folders can't all be named") && done.out.contains("otherwise"), "{}", done.out);
    // Storage that knows no parts.
    program.sandbox.script(Route::Blob, vec![Reply::status(200)]);
    assert!(doctor(&program, &[]).expect(0).out.contains("begins again from its start"));
    program.sandbox.script(Route::Blob, vec![Reply::status(403)]);
    assert!(doctor(&program, &[]).expect(4).out.contains("storage answered 403"));
}

#[test]
fn a_list_of_versions_is_looked_for_and_described() {
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
    // The second path answers: the third is left alone. Fields are named, and their values are not.
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
    // Whatever else comes is no failure.
    let others = vec![Reply::status(500), Reply::Drop, Reply::body(200, "text/html", "<html>")];
    program.sandbox.script(Route::Versions, others);
    let done = doctor(&program, &[]).expect(0);
    let words: String = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("/versions`: 500") && words.contains("/history`: no answer"), "{words}");
    assert!(words.contains("pageNumber=1`: 200, not JSON") && words.ends_with("All is well."), "{words}");
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
        report(flags, &document).says(2, "lies inside the mirror");
    }
    assert_eq!(program.sandbox.requests().len(), asked, "nothing is asked for before");
    assert!(snapshot(&program.beside("")) == before, "nothing was touched");
    report(&dest, &link).says(2, "is not a file");
    assert!(link.is_symlink() && fs::read_to_string(document).unwrap() == "bytes 0");
}
