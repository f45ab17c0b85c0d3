//! A [`Status`] as a Prometheus textfile, for node exporter's textfile collector.
//!
//! All metrics are gauges: the numbers are those of the last run and check, not counters. Unknown values have no
//! line, rather than a zero.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::{
    monitoring::{CopyStatus, LastRun, LastVerify, Status},
    report::{Outcome, Statuses, VerifyOutcome},
};

/// Every metric with its help text. Tests compare alert rules and dashboards with this list.
pub const METRICS: &[(&str, &str)] = &[
    ("ibinder_sync_info", "Always 1; the version of ibinder-sync that wrote this."),
    ("ibinder_sync_last_success_timestamp_seconds", "When the last complete run ended."),
    ("ibinder_sync_last_run_timestamp_seconds", "When the last run ended, however it did."),
    ("ibinder_sync_last_run_duration_seconds", "How long the last run took."),
    ("ibinder_sync_last_run_exit_code", "The exit code of the last run."),
    ("ibinder_sync_last_run_outcome", "1 for the outcome of the last run, 0 for the others."),
    (
        "ibinder_sync_oldest_unmirrored_version_age_seconds",
        "How long the oldest known version that is not mirrored has waited when this was written; 0 if there is none.",
    ),
    ("ibinder_sync_waiting_documents", "Documents that are not mirrored as the service has them, by reason."),
    ("ibinder_sync_documents", "Documents of the last run, by what became of them."),
    ("ibinder_sync_failures", "Failures of the last run, by their cause."),
    ("ibinder_sync_warnings", "Warnings of the last run."),
    ("ibinder_sync_binders", "Binders of the last run, by what became of them."),
    ("ibinder_sync_listings", "Listings of the last run that were certified, and those that were not."),
    ("ibinder_sync_downloaded_bytes", "Bytes that the last run received, repeated tries included."),
    ("ibinder_sync_requests", "Requests of the last run, by who was asked and by the class of the answer's status."),
    ("ibinder_sync_retried_requests", "Requests of the last run that were repeated ones."),
    ("ibinder_sync_throttled_requests", "Requests of the last run that were answered with 429."),
    ("ibinder_sync_mirrored_documents", "Documents in the tree."),
    ("ibinder_sync_mirrored_bytes", "Bytes of the documents in the tree."),
    ("ibinder_sync_history_objects", "Past contents that are held."),
    ("ibinder_sync_history_bytes", "Bytes of the past contents that are held."),
    ("ibinder_sync_free_bytes", "Bytes that may still be written on the disk of the mirror."),
    ("ibinder_sync_last_verify_timestamp_seconds", "When the last check ended."),
    ("ibinder_sync_last_verify_outcome", "1 for the outcome of the last check, 0 for the others."),
    ("ibinder_sync_last_verify_checked_bytes", "Bytes that the last check read."),
    ("ibinder_sync_last_verify_damaged", "Documents and objects that the last check found damaged or missing."),
    ("ibinder_sync_last_verify_repaired", "Of those, the repaired ones."),
    ("ibinder_sync_last_full_verify_timestamp_seconds", "When checks had read everything for the last time."),
    ("ibinder_sync_damage_left", "Documents and objects whose damage is known and not known to be gone."),
    ("ibinder_sync_copy_up", "1 if the last try brought the copy up to date, 0 if not."),
    ("ibinder_sync_copy_last_success_timestamp_seconds", "When the copy was brought up to date for the last time."),
    ("ibinder_sync_copy_commit", "The number of the copy's last commit."),
    ("ibinder_sync_copy_missing_contents", "Contents that the copy lacks because the mirror lacks them."),
    ("ibinder_sync_copy_uploaded_contents", "Contents that the last try uploaded."),
    ("ibinder_sync_copy_uploaded_bytes", "Bytes that the last try uploaded."),
    ("ibinder_sync_copy_requests", "Requests that the last try sent to the copy's store."),
];

/// The textfile. `profile` tells the mirrors of one machine apart.
pub fn metrics(status: &Status, profile: Option<&str>, now: Timestamp) -> String {
    let mut page = Page::of(&escaped(&status.organisation_id), profile);
    page.one("info", &[("version", &status.version)], 1_u8);
    if let Some(last) = &status.last_complete_run {
        page.one("last_success_timestamp_seconds", &[], last.finished_at.as_second());
    }
    if let Some(run) = &status.last_run {
        of_run(&mut page, run);
    }
    of_mirror(&mut page, status, now);
    if let Some(verify) = &status.last_verify {
        of_verify(&mut page, verify);
    }
    if let Some(round) = &status.last_round {
        page.one("last_full_verify_timestamp_seconds", &[], round.ended_at.as_second());
    }
    page.one("damage_left", &[], status.damage.as_ref().map_or(0, |damage| damage.left));
    if let Some(copy) = &status.copy {
        of_copy(&mut page, copy);
    }
    page.text()
}

/// The textfile after a failed run that couldn't read the mirror, for example because its disk is not mounted:
/// only the run's metrics are new, all others are kept from the old file if it is of the same mirror.
pub fn metrics_after_failure(old: &str, status: &Status, profile: Option<&str>, now: Timestamp) -> String {
    let of = old.split_once("organisation=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(of, _)| of);
    let (Some(of), Some(run)) = (of, &status.last_run) else { return metrics(status, profile, now) };
    let other = !status.organisation_id.is_empty() && !of.eq_ignore_ascii_case(&status.organisation_id);
    let page = Page::of(of, profile);
    if other || !old.contains(&format!("{{{},version=", page.labels)) {
        return metrics(status, profile, now);
    }
    let mut page = page;
    page.one("info", &[("version", &status.version)], 1_u8);
    of_run(&mut page, run);
    let told: Vec<usize> = page.samples.iter().map(|(position, _)| *position).collect();
    for line in old.lines().filter(|line| !line.starts_with('#')) {
        let position = METRICS.iter().position(|(name, _)| line.split(['{', ' ']).next() == Some(name));
        if let Some(position) = position.filter(|position| !told.contains(position)) {
            page.samples.push((position, format!("{line}\n")));
        }
    }
    page.text()
}

fn of_run(page: &mut Page, run: &LastRun) {
    page.one("last_run_timestamp_seconds", &[], run.finished_at.as_second());
    page.one("last_run_duration_seconds", &[], run.duration_seconds);
    page.one("last_run_exit_code", &[], run.exit_code);
    for outcome in [Outcome::Complete, Outcome::Partial, Outcome::Failed, Outcome::Interrupted] {
        page.one("last_run_outcome", &[("outcome", outcome.word())], u8::from(run.outcome == outcome));
    }
    let d = &run.documents;
    page.many(
        "documents",
        "outcome",
        [
            ("unchanged", d.unchanged),
            ("adopted", d.adopted),
            ("added", d.added),
            ("updated", d.updated),
            ("moved", d.moved),
            ("removed", d.removed),
            ("withheld", d.withheld),
            ("filtered", d.filtered),
            ("purged", d.purged),
            ("without_version", d.without_version),
            ("acknowledged", d.acknowledged),
            ("failed", d.failed),
        ],
    );
    page.many("failures", "cause", run.failures.iter().map(|(cause, number)| (cause.word(), *number)));
    page.one("warnings", &[], run.warnings);
    let b = &run.binders;
    page.many("binders", "outcome", [("crawled", b.crawled), ("inaccessible", b.inaccessible), ("failed", b.failed)]);
    page.many("listings", "certified", [("true", b.crawled.saturating_sub(b.uncertified)), ("false", b.uncertified)]);
    page.one("downloaded_bytes", &[], run.bytes.downloaded);
    let r = &run.requests;
    for (to, sent, answers) in
        [("token", r.token, r.answers.token), ("api", r.api, r.answers.api), ("storage", r.storage, r.answers.storage)]
    {
        for (status, number) in classes(sent, answers) {
            page.one("requests", &[("to", to), ("status", status)], number);
        }
    }
    page.one("retried_requests", &[], r.retried);
    page.one("throttled_requests", &[], r.throttled);
}

/// Requests by the class of their status, `none` without a response.
fn classes(sent: u64, answers: Statuses) -> [(&'static str, u64); 5] {
    let Statuses { good, elsewhere, refused, failed } = answers;
    let none = sent.saturating_sub(good + elsewhere + refused + failed);
    [("2xx", good), ("3xx", elsewhere), ("4xx", refused), ("5xx", failed), ("none", none)]
}

fn of_mirror(page: &mut Page, status: &Status, now: Timestamp) {
    let waiting = &status.waiting;
    let oldest = waiting.oldest_since.map_or(0, |since| (now.as_second() - since.as_second()).max(0));
    page.one("oldest_unmirrored_version_age_seconds", &[], oldest);
    page.many(
        "waiting_documents",
        "why",
        [("unmirrored", waiting.versions), ("unconfirmed", waiting.unconfirmed), ("withheld", waiting.withheld)],
    );
    let Some(space) = &status.space else { return };
    page.one("mirrored_documents", &[], space.documents);
    page.one("mirrored_bytes", &[], space.tree_bytes);
    page.one("history_objects", &[], space.objects);
    page.one("history_bytes", &[], space.history_bytes);
    if let Some(free) = space.free_bytes {
        page.one("free_bytes", &[], free);
    }
}

fn of_verify(page: &mut Page, verify: &LastVerify) {
    page.one("last_verify_timestamp_seconds", &[], verify.finished_at.as_second());
    for outcome in [VerifyOutcome::Sound, VerifyOutcome::Damaged, VerifyOutcome::Partial, VerifyOutcome::Interrupted] {
        page.one("last_verify_outcome", &[("outcome", outcome.word())], u8::from(verify.outcome == outcome));
    }
    page.one("last_verify_checked_bytes", &[], verify.checked.bytes);
    page.one("last_verify_damaged", &[], verify.damaged);
    page.one("last_verify_repaired", &[], verify.repaired);
}

fn of_copy(page: &mut Page, copy: &CopyStatus) {
    page.one("copy_up", &[], u8::from(copy.failures == 0 && copy.behind_since.is_none()));
    if let Some(at) = copy.last_success_at {
        page.one("copy_last_success_timestamp_seconds", &[], at.as_second());
    }
    if let Some(commit) = copy.commit {
        page.one("copy_commit", &[], commit);
        page.one("copy_missing_contents", &[], copy.missing);
    }
    page.one("copy_uploaded_contents", &[], copy.contents);
    page.one("copy_uploaded_bytes", &[], copy.bytes);
    page.one("copy_requests", &[], copy.requests);
}

/// Samples, by the position of their metric in the list.
struct Page {
    labels: String,
    samples: Vec<(usize, String)>,
}

impl Page {
    /// An empty one; labels are escaped.
    fn of(organisation: &str, profile: Option<&str>) -> Self {
        let mut labels = format!("organisation=\"{organisation}\"");
        if let Some(profile) = profile {
            let _ = write!(labels, ",profile=\"{}\"", escaped(profile));
        }
        Self { labels, samples: Vec::new() }
    }

    fn one(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let known = METRICS.iter().position(|(metric, _)| metric.strip_prefix("ibinder_sync_") == Some(name));
        debug_assert!(known.is_some(), "{name} is not in the list");
        let Some(position) = known else { return };
        let mut sample = format!("ibinder_sync_{name}{{{}", self.labels);
        for (label, value) in labels {
            let _ = write!(sample, ",{label}=\"{}\"", escaped(value));
        }
        let _ = writeln!(sample, "}} {value}");
        self.samples.push((position, sample));
    }

    fn many<'v>(&mut self, name: &str, label: &str, values: impl IntoIterator<Item = (&'v str, u64)>) {
        for (value, number) in values {
            self.one(name, &[(label, value)], number);
        }
    }

    /// In the order of the list; the samples of a metric are together, below its help text.
    fn text(mut self) -> String {
        self.samples.sort_by_key(|(position, _)| *position);
        let (mut text, mut last) = (String::new(), None);
        for (position, sample) in self.samples {
            if last != Some(position) {
                let (name, help) = METRICS[position];
                let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
                last = Some(position);
            }
            text.push_str(&sample);
        }
        text
    }
}

/// Escapes a label's value.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        monitoring::{LastRound, Space, Waiting},
        report::{Checked, CopyReport, CopyResult, FailureCause},
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn run(outcome: Outcome, second: i64) -> LastRun {
        let mut run: LastRun = serde_json::from_value(serde_json::json!({
            "run_id": "1", "outcome": outcome.word(), "exit_code": if outcome == Outcome::Complete { 0 } else { 4 }, "started_at": at(0), "finished_at": at(second),
            "duration_seconds": 12.5,
        }))
        .unwrap();
        run.binders = crate::report::Binders { crawled: 5, uncertified: 2, ..Default::default() };
        run.failures.insert(FailureCause::Unavailable, 3);
        run.requests.api = 10;
        run.requests.answers.api = Statuses { good: 6, elsewhere: 0, refused: 1, failed: 2 };
        run
    }

    fn full() -> Status {
        let mut status = Status::new("/m".into(), at(0));
        status.organisation_id = "o".into();
        status.record_run(run(Outcome::Complete, 1000), None);
        status.record_run(run(Outcome::Failed, 2000), None);
        status.space = Some(Space { documents: 7, free_bytes: Some(9), ..Space::default() });
        status.waiting = Waiting { versions: 4, oldest_since: Some(at(2500)), ..Waiting::default() };
        let checked = Checked::default();
        let verify = LastVerify {
            outcome: VerifyOutcome::Damaged,
            exit_code: 6,
            started_at: at(1),
            finished_at: at(3),
            checked,
            mirrored: checked,
            damaged: 2,
            repaired: 1,
        };
        let round = LastRound { began_at: None, ended_at: at(3), damaged: 0 };
        status.record_verify(verify, Some(round), None);
        let copy = CopyReport { commit: Some(12), bytes: 5, outcome: CopyResult::Committed, ..CopyReport::default() };
        status.record_copy(&copy, at(2600));
        let failed = CopyReport { outcome: CopyResult::Failed, ..copy };
        status.record_copy(&failed, at(2700));
        status
    }

    #[test]
    fn a_failed_run_keeps_the_last_success() {
        let text = metrics(&full(), None, at(3000));
        for line in [
            "ibinder_sync_last_success_timestamp_seconds{organisation=\"o\"} 1000",
            "ibinder_sync_last_run_timestamp_seconds{organisation=\"o\"} 2000",
            "ibinder_sync_last_run_duration_seconds{organisation=\"o\"} 12.5",
            "ibinder_sync_last_run_outcome{organisation=\"o\",outcome=\"complete\"} 0",
            "ibinder_sync_last_run_outcome{organisation=\"o\",outcome=\"failed\"} 1",
            "ibinder_sync_oldest_unmirrored_version_age_seconds{organisation=\"o\"} 500",
            "ibinder_sync_listings{organisation=\"o\",certified=\"true\"} 3",
            "ibinder_sync_listings{organisation=\"o\",certified=\"false\"} 2",
            "ibinder_sync_failures{organisation=\"o\",cause=\"unavailable\"} 3",
            "ibinder_sync_requests{organisation=\"o\",to=\"api\",status=\"5xx\"} 2",
            "ibinder_sync_requests{organisation=\"o\",to=\"api\",status=\"none\"} 1",
            "ibinder_sync_last_verify_outcome{organisation=\"o\",outcome=\"damaged\"} 1",
            "ibinder_sync_damage_left{organisation=\"o\"} 1",
            "ibinder_sync_copy_up{organisation=\"o\"} 0",
            "ibinder_sync_copy_last_success_timestamp_seconds{organisation=\"o\"} 2600",
            "ibinder_sync_copy_commit{organisation=\"o\"} 12",
            "ibinder_sync_copy_uploaded_bytes{organisation=\"o\"} 5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn every_metric_is_written_once_and_its_samples_are_together() {
        let text = metrics(&full(), Some("p"), at(3000));
        let names = |start: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.strip_prefix(start));
            lines.map(|rest| rest.split([' ', '{']).next().unwrap_or_default().to_owned()).collect()
        };
        let listed: Vec<&str> = METRICS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names("# HELP "), listed);
        assert_eq!(names("# TYPE "), listed);
        let mut samples: Vec<String> = text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
        let all = samples.len();
        samples.dedup_by_key(|line| line.split(' ').next().unwrap_or_default().to_owned());
        assert_eq!(samples.iter().collect::<BTreeSet<_>>().len(), all, "no sample is there twice");
    }

    #[test]
    fn unknown_values_have_no_line() {
        let text = metrics(&Status::new("/m".into(), at(0)), None, at(0));
        assert!(
            !text.contains("copy")
                && !text.contains("last_success")
                && !text.contains("last_run")
                && !text.contains("mirrored_bytes"),
            "{text}"
        );
    }

    #[test]
    fn labels_are_escaped() {
        let mut status = full();
        status.organisation_id = "a\"b\\c\nd".into();
        let text = metrics(&status, Some("å \"p\""), at(0));
        assert!(text.contains(r#"{organisation="a\"b\\c\nd",profile="å \"p\"",version="#), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with('d')).count(), 0);
    }
}
