//! Which runs send a mail, and what is in it.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use ibinder_sync::sandbox::{Reply, Route};
use serde_json::{Value, json};

use crate::{
    program::{Done, Program, finish},
    server::Server,
};

/// A mirror whose runs send mail.
struct Office {
    program: Program,
    server: Server,
    cache: PathBuf,
}

impl Office {
    fn new() -> Option<Self> {
        let server = Server::start("starttls")?;
        let program = Program::with_documents(2);
        let cache = program.beside("cache");
        Some(Self { program, server, cache })
    }

    fn command(&self) -> Command {
        let mut command = self.program.run_command(&[]);
        command.env("TZ", "UTC").env("CACHE_DIRECTORY", &self.cache).env("SSL_CERT_FILE", &self.server.authority);
        command.envs([
            ("IBINDER_MAIL_TO", "anna@example.com"),
            ("IBINDER_MAIL_FROM", "backup@example.com"),
            ("IBINDER_MAIL_USER", "backup"),
            ("IBINDER_MAIL_PASSWORD", "5ecret"),
        ]);
        command.env("IBINDER_MAIL_SERVER", format!("localhost:{}", self.server.port));
        command
    }

    fn run(&self) -> Done {
        finish(&mut self.command())
    }

    /// The next run can't download a document.
    fn fails(&self) {
        self.program.sandbox.script(Route::DownloadLink, vec![Reply::problem(404, "Not found")]);
    }

    /// The record outside of the mirror.
    fn outside(&self) -> Option<PathBuf> {
        Some(fs::read_dir(&self.cache).ok()?.next()?.unwrap().path())
    }

    /// Lets both records say that their mails were sent on an earlier day.
    fn another_day(&self, well: &str) {
        for path in self.outside().into_iter().chain([self.program.state("mail.json")]) {
            let Ok(bytes) = fs::read(&path) else { continue };
            let mut told: Value = serde_json::from_slice(&bytes).unwrap();
            told["last"] = json!("2026-01-02T01:30:00Z");
            if !well.is_empty() {
                told["well"] = json!(well);
            }
            fs::write(path, told.to_string()).unwrap();
        }
    }

    fn subject(&self) -> String {
        let mail = self.server.mail()["mail"].as_str().unwrap().to_owned();
        mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap().to_owned()
    }
}

#[test]
fn a_failure_its_end_and_a_quiet_month_are_told_once_a_day() {
    let Some(office) = Office::new() else { return };
    office.fails();
    // No command inherits the password.
    let done =
        finish(office.command().args(["-vv", "--on-failure", "env"])).says(4, "sent a mail to 1 of 1 recipients");
    assert!(done.err.contains("IBINDER_MAIL_USER=") && !done.err.contains("5ecret"), "{}", done.err);
    let mail = office.server.mail();
    let text = mail["mail"].as_str().unwrap();
    assert!(text.contains("Subject: iBinder backup mirror: 1 document failed"), "{text}");
    assert!(text.contains("multipart/alternative") && !text.contains("0.txt") && !text.contains("Brf Eken"), "{text}");
    // It is repaired on the same day, which is told on the next.
    assert!(!office.run().expect(0).err.contains("sent a mail"));
    office.another_day("");
    office.run().expect(0);
    assert_eq!(office.subject(), "iBinder backup mirror: works again");
    // All is well: once this month.
    office.another_day("");
    assert!(!office.run().expect(0).err.contains("sent a mail"));
    office.another_day("2025-12-02T01:30:00Z");
    office.run().expect(0);
    assert_eq!(office.subject(), "iBinder backup mirror: all is well, 2 documents");
    assert!(office.server.is_quiet());
}

#[test]
fn a_run_that_cannot_begin_is_told_although_it_has_no_mirror() {
    let Some(office) = Office::new() else { return };
    let without_disk = |office: &Office| finish(office.command().args(["--existing", "--quiet"]));
    without_disk(&office).expect(2);
    let mail = office.server.mail()["mail"].as_str().unwrap().to_owned();
    assert!(mail.contains("Subject: iBinder backup mirror: no backup: a setting or the disk"), "{mail}");
    assert!(mail.contains("The program says:") && !office.program.dest.exists(), "{mail}");
    // The record outside of the mirror remembers it.
    without_disk(&office).expect(2);
    office.another_day("");
    finish(office.command().env_remove("IBINDER_CLIENT_SECRET")).expect(2);
    assert!(office.server.mail()["mail"].as_str().unwrap().contains("IBINDER_CLIENT_SECRET_FILE"));
    assert!(office.server.is_quiet());
}

#[test]
fn either_record_is_enough_and_without_both_failures_are_still_told() {
    let Some(office) = Office::new() else { return };
    office.fails();
    office.run().expect(4);
    office.server.mail();
    let outside = office.outside().unwrap();
    for lost in [outside.clone(), office.program.state("mail.json")] {
        fs::remove_file(&lost).unwrap();
        office.fails();
        office.run().expect(4);
        assert!(office.server.is_quiet(), "{}", lost.display());
        // The next mail writes both again.
        office.another_day("");
        office.fails();
        office.run().expect(4);
        office.server.mail();
        assert!(lost.exists());
    }
    // Neither place can be written: a folder is in the way.
    let block = |path: &Path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    };
    block(&outside);
    block(&office.program.state("mail.json"));
    let done = office.run().says(0, "the monthly mail was not sent");
    assert!(!done.err.contains("sent a mail to"), "{}", done.err);
    office.fails();
    let id = office.program.sandbox.with_organisation(|o| o.documents())[0].id.clone();
    office.program.sandbox.with_organisation(|o| o.revise(&id, b"new".to_vec()).map(drop)).unwrap();
    office.run().says(4, "mail.json can't be written, so more than one mail a day may be sent");
    office.server.mail();
}

#[test]
fn a_mail_that_cannot_be_sent_changes_nothing_and_is_said_once() {
    let Some(office) = Office::new() else { return };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for (name, value, words) in [
        ("IBINDER_MAIL_SERVER", closed.as_str(), "refuses the connection"),
        ("IBINDER_MAIL_PASSWORD", "wrong", "refuses the login"),
        ("IBINDER_MAIL_TO", "nobody@example.com", "refuses the recipient"),
    ] {
        let done = finish(office.command().env(name, value)).says(0, words);
        let said = done.err.lines().filter(|line| line.contains("mail")).count();
        assert_eq!(said, 1, "{}", done.err);
        office.fails();
    }
    // What was not sent is sent by the next run.
    office.run().expect(0);
    assert!(office.subject().starts_with("iBinder backup mirror: all is well"));
}

#[test]
fn filters_by_hand_plans_and_held_locks_send_nothing() {
    let Some(office) = Office::new() else { return };
    finish(office.command().args(["--exclude", "*.txt"]));
    finish(office.command().arg("--dry-run")).expect(0);
    let held = ibinder_sync::mirror::Mirror::open(&office.program.dest).unwrap();
    office.run().expect(5);
    drop(held);
    assert!(office.server.is_quiet());
}
