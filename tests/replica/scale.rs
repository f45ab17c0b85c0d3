//! A copy of many documents: requests and memory. `COPY_DOCUMENTS` sets how many, as in `COPY_DOCUMENTS=1000000 cargo test --release
//! --test replica scale`, which takes some minutes.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use ibinder_sync::{
    model::{BinderId, DocumentId, Intent, Particulars, RelPath, Stamp, Step, VersionId},
    naming,
    replica::CopyOutcome,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    bench::{Bench, Place, hash, open},
    server::{Kind, Server},
    skip::skip,
};

const TASK: &str = "COPY_SCALE_TASK";

/// New contents.
const NEW: usize = 1000;

/// Documents that the copy has. Their files are not there: nobody looks at them.
fn known(bench: &Bench, documents: usize) {
    let run = bench.state.write(|w| w.begin_run(Timestamp::now(), "run")).unwrap().number;
    for from in (0..documents).step_by(10_000) {
        let mut contents = Vec::new();
        let rows = bench.state.write(|w| {
            for number in from..documents.min(from + 10_000) {
                let sha256 = hash(number.to_string().as_bytes());
                let (path, stamp) = (format!("B/{}/document {number}.pdf", number / 1000), stamp(number));
                let intent = intent(&path, number, Step::Adopt { stamp, sha256 });
                w.insert_document(run, &intent, &naming::key(&path), stamp, sha256)?;
                contents.push(sha256);
            }
            w.changed(run)
        });
        rows.unwrap();
        bench.record.add(&contents).unwrap();
    }
    bench.end(run);
}

fn stamp(number: usize) -> Stamp {
    Stamp { size: number as u64, mtime: 0, inode: number as u64 }
}

fn intent(path: &str, number: usize, step: Step) -> Intent {
    Intent {
        document: DocumentId::parse(&format!("document-{number}")).unwrap(),
        path: RelPath::new(path).unwrap(),
        step,
        particulars: Particulars {
            binder: BinderId::parse("binder").unwrap(),
            folder: None,
            file_name: path.to_owned(),
            version: VersionId::parse(&format!("version-{number}")).unwrap(),
            metadata: Some(format!("[{{\"name\":\"Number\",\"value\":\"{number}\"}}]").into()),
        },
    }
}

#[test]
fn a_night_costs_a_request_for_each_new_content_and_little_memory() {
    let Some(server) = Server::start(Kind::S3s) else { return };
    let documents = std::env::var("COPY_DOCUMENTS").map_or(10_000, |count| count.parse().unwrap());
    let (place, bench) = (Place::new(&server, "copy"), Bench::new());
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate(&place.store()).unwrap();
    known(&bench, documents - NEW);
    let new: Vec<(String, String)> = (0..NEW).map(|n| (format!("New/{n}.pdf"), format!("new content {n}"))).collect();
    let new: Vec<(&str, &[u8])> = new.iter().map(|(path, text)| (&**path, text.as_bytes())).collect();
    bench.add(&new);
    let folder = bench.closed();
    let task = json!({ "folder": folder.path(), "url": place.url(), "variables": server.env() });
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "scale::the_child", "--ignored", "--nocapture"])
        .env(TASK, task.to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_str(told.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
    println!("{documents} documents: {told}");
    // Listing, the commit before (twice), and manifest, state and commit; the last two in parts if they are large.
    let (requests, kib) = (told["requests"].as_u64().unwrap(), told["kib"].as_u64().unwrap());
    assert!((NEW as u64..=NEW as u64 + 10 + documents as u64 / 20_000).contains(&requests), "{told}");
    assert!(kib <= 64 << 10, "{told}");
}

#[test]
#[ignore = "started by another test as a process"]
fn the_child() {
    let Some(task) = std::env::var_os(TASK) else { return skip("only another test can start it") };
    let task: Value = serde_json::from_str(task.to_str().unwrap()).unwrap();
    let variables: Vec<(String, String)> = serde_json::from_value(task["variables"].clone()).unwrap();
    let store = open(task["url"].as_str().unwrap(), variables);
    let bench = Bench::at(Path::new(task["folder"].as_str().unwrap()));
    let made = bench.replicate_with(&store, 16).unwrap();
    assert_eq!((made.outcome, made.transferred.sent), (CopyOutcome::Committed, NEW as u64));
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("\n{}", json!({ "requests": store.requests(), "kib": kib }));
}
