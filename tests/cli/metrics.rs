//! `--metrics-file`: what a collector finds.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};

use ibinder_sync::{
    monitoring::METRICS,
    sandbox::{Reply, Route},
};

use crate::program::{Done, Program, bare, finish};

fn samples(file: &Path) -> BTreeMap<String, f64> {
    let text = fs::read_to_string(file).unwrap();
    let organisation = text.lines().find_map(|line| line.split_once("organisation=\"")?.1.split_once('"')).unwrap().0;
    assert!(organisation.len() > 8, "{text}");
    let label = format!("organisation=\"{organisation}\"");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let plain = |name: &str| name.replace(&format!("{label},"), "").replace(&format!("{{{label}}}"), "");
    lines
        .map(|line| line.rsplit_once(' ').map(|(name, value)| (plain(name), value.parse().unwrap())).unwrap())
        .collect()
}

fn run(program: &Program, file: &Path, flags: &[&str]) -> Done {
    finish(program.run_command(flags).arg("--metrics-file").arg(file))
}

#[test]
fn they_describe_the_last_run_and_survive_a_failed_one() {
    let program = Program::with_documents(3);
    let file = program.beside("ibinder.prom");
    program.sandbox.script(Route::Search, vec![Reply::status(500)]);
    let report = run(&program, &file, &["--json"]).expect(0).json();
    let first = samples(&file);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    for (name, value) in [
        ("ibinder_sync_last_run_exit_code", 0.0),
        ("ibinder_sync_last_run_outcome{outcome=\"complete\"}", 1.0),
        ("ibinder_sync_documents{outcome=\"added\"}", 3.0),
        ("ibinder_sync_mirrored_documents", 3.0),
        ("ibinder_sync_mirrored_bytes", 21.0),
        ("ibinder_sync_downloaded_bytes", 21.0),
        ("ibinder_sync_requests{to=\"token\",status=\"2xx\"}", 1.0),
        ("ibinder_sync_requests{to=\"api\",status=\"5xx\"}", 1.0),
        ("ibinder_sync_requests{to=\"api\",status=\"none\"}", 0.0),
        ("ibinder_sync_requests{to=\"storage\",status=\"2xx\"}", 3.0),
        ("ibinder_sync_listings{certified=\"true\"}", 1.0),
        ("ibinder_sync_oldest_unmirrored_version_age_seconds", 0.0),
    ] {
        assert!((first[name] - value).abs() < f64::EPSILON, "{name}: {first:?}");
    }
    assert_eq!(report["requests"]["answers"]["api"]["5xx"], 1);
    let sent = report["requests"]["api"].as_u64().unwrap();
    let answers = report["requests"]["answers"]["api"].as_object().unwrap();
    assert_eq!(answers.values().filter_map(serde_json::Value::as_u64).sum::<u64>(), sent);
    // The credentials are refused.
    finish(program.run_command(&[]).env("IBINDER_CLIENT_SECRET", "x").arg("--metrics-file").arg(&file)).expect(3);
    let second = samples(&file);
    let success = "ibinder_sync_last_success_timestamp_seconds";
    assert!((second[success] - first[success]).abs() < f64::EPSILON);
    assert!((second["ibinder_sync_last_run_exit_code"] - 3.0).abs() < f64::EPSILON);
    assert!((second["ibinder_sync_requests{to=\"token\",status=\"4xx\"}"] - 2.0).abs() < f64::EPSILON, "{second:?}");
    assert!((second["ibinder_sync_failures{cause=\"refused\"}"] - 1.0).abs() < f64::EPSILON);
}

#[test]
fn a_check_adds_its_metrics() {
    let program = Program::mirrored(2);
    let file = program.beside("ibinder.prom");
    fs::remove_file(program.dest.join("Brf Eken/0.txt")).unwrap();
    finish(bare(&["verify", "--dest"]).arg(&program.dest).arg("--metrics-file").arg(&file)).expect(6);
    let found = samples(&file);
    for (name, value) in [
        ("ibinder_sync_last_verify_damaged", 1.0),
        ("ibinder_sync_last_verify_outcome{outcome=\"damaged\"}", 1.0),
        ("ibinder_sync_damage_left", 1.0),
        ("ibinder_sync_last_run_exit_code", 0.0),
    ] {
        assert!((found[name] - value).abs() < f64::EPSILON, "{name}: {found:?}");
    }
}

#[test]
fn an_unwritable_file_is_a_warning() {
    let program = Program::with_documents(1);
    let done = run(&program, &program.beside("no/ibinder.prom"), &["--json"]).says(0, "--metrics-file");
    let report = done.json();
    assert_eq!(report["outcome"], "complete");
    assert!(report["warnings"][0].as_str().unwrap().contains("--metrics-file"), "{report}");
    let folder = program.beside("folder.prom");
    fs::create_dir(&folder).unwrap();
    run(&program, &folder, &[]).says(0, "folder.prom is not a file");
    // A name that no collector reads is refused before anything is done.
    run(&program, &program.beside("ibinder.txt"), &[]).says(2, "names that end in .prom");
}

/// The names of metrics in a text.
fn named(text: &str) -> Vec<&str> {
    let at = text.match_indices("ibinder_sync_").map(|(at, _)| &text[at..]);
    at.map(|rest| &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())]).collect()
}

#[test]
fn alerts_and_dashboard_use_existing_metrics() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = [
        ("packaging/prometheus/alerts.yml", 10),
        ("packaging/prometheus/alerts_test.yml", 10),
        ("packaging/grafana/dashboard.json", 20),
        ("docs/monitoring.md", 20),
    ];
    for (file, fewest) in files {
        let text = fs::read_to_string(root.join(file)).unwrap();
        let found = named(&text);
        assert!(found.len() >= fewest, "{file} names {} metrics", found.len());
        for name in found {
            assert!(METRICS.iter().any(|(known, _)| *known == name), "{file} names {name}");
        }
    }
    let told = fs::read_to_string(root.join("docs/monitoring.md")).unwrap();
    let told = named(&told);
    for (name, _) in METRICS {
        assert!(told.contains(name), "{name} is not in docs/monitoring.md");
    }
}

#[test]
fn the_dashboard_is_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read(root.join("packaging/grafana/dashboard.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids: Vec<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    ids.dedup();
    assert_eq!(ids.len(), panels.len());
    let places: Vec<[u64; 4]> =
        panels.iter().map(|panel| ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap())).collect();
    for (at, [x, y, w, h]) in places.iter().enumerate() {
        assert!(x + w <= 24 && !panels[at]["targets"].as_array().unwrap().is_empty());
        let overlap = |[ox, oy, ow, oh]: &[u64; 4]| x < &(ox + ow) && ox < &(x + w) && y < &(oy + oh) && oy < &(y + h);
        assert_eq!(places.iter().filter(|other| overlap(other)).count(), 1, "{}", panels[at]["title"]);
    }
    let variables: Vec<&str> =
        dashboard["templating"]["list"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect();
    assert_eq!(variables, ["datasource", "organisation", "profile"]);
}

#[test]
fn an_unmounted_disk_removes_no_metrics() {
    let program = Program::with_documents(3);
    let file = program.beside("ibinder.prom");
    run(&program, &file, &[]).expect(0);
    let first = samples(&file);
    fs::rename(&program.dest, program.beside("away")).unwrap();
    run(&program, &file, &["--existing"]).expect(2);
    let second = samples(&file);
    assert!((second["ibinder_sync_last_run_exit_code"] - 2.0).abs() < f64::EPSILON);
    assert!((second["ibinder_sync_last_run_outcome{outcome=\"failed\"}"] - 1.0).abs() < f64::EPSILON);
    for name in ["last_success_timestamp_seconds", "mirrored_documents", "mirrored_bytes"] {
        let name = format!("ibinder_sync_{name}");
        assert!((second[&name] - first[&name]).abs() < f64::EPSILON, "{name}: {second:?}");
    }
    // If not even the organisation is known, all are kept but those of the run.
    finish(program.run_command(&["--existing", "--metrics-file", file.to_str().unwrap()]).env_remove("IBINDER_ORG_ID"))
        .expect(2);
    assert_eq!(samples(&file).keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
}
