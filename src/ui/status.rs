//! The status of a mirror: a line for monitoring, and details for people.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    monitoring::{Health, LastRun, Level, Status},
    report::{Filters, count, format::number_of},
    ui::{bytes, escape},
};

/// The output of a Nagios plugin. A `|` after the first line would start more numbers, so there is none.
pub fn status(health: &Health, status: Option<&Status>, zone: &TimeZone) -> String {
    let headline = plain(&health.headline);
    let mut text = match health.perfdata.as_str() {
        "" => format!("{}: {headline}\n", health.level.word()),
        perfdata => format!("{}: {headline} | {perfdata}\n", health.level.word()),
    };
    let Some(status) = status else { return text };
    for problem in health.problems.iter().filter(|problem| problem.level < health.level) {
        text.push_str(&format!("{}: {}\n", problem.level.word(), plain(&problem.text)));
    }
    for (what, value) in details(status, zone) {
        text.push_str(&format!("{what:<18}{}\n", plain(&value)));
    }
    if health.level != Level::Ok {
        let place = format!("{}/.ibinder-sync/last-run.html", status.dest);
        text.push_str(&format!("{:<18}{}\n", "more:", plain(&place)));
    }
    text
}

fn documents(number: u64) -> String {
    number_of(number, "document", "documents")
}

fn are(number: u64) -> String {
    number_of(number, "document is", "documents are")
}

fn plain(text: &str) -> String {
    escape(text).replace('\n', "\\n").replace('|', "/")
}

fn details(status: &Status, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let clock = |time: &Timestamp| time.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let mut lines = vec![("mirror:", status.dest.clone())];
    for working in &status.at_work {
        lines.push(("at work:", format!("{} since {}", working.command, clock(&working.started_at))));
    }
    if let Some(last) = &status.last_complete_run {
        lines.push(("last complete:", format!("{}, run {}", clock(&last.finished_at), last.run_id)));
    }
    if let Some(run) = &status.last_run {
        lines.push(("last run:", format!("{}, {}", clock(&run.finished_at), ended(run))));
        for (cause, number) in &run.failures {
            lines.push(("failed:", format!("{} × {}", count(*number), cause.meaning())));
        }
    }
    if let Some((run, filters)) = status.last_run.as_ref().and_then(|run| Some((run, run.filters.as_ref()?))) {
        let left_out = Filters::left_out(run.binders.filtered, run.documents.filtered);
        lines.push(("filters:", format!("exclude {left_out}: {}", filters.flags().join(" "))));
    }
    lines.extend(waiting(status, &clock));
    if let Some(space) = &status.space {
        lines.push(("tree:", format!("{}, {}", documents(space.documents), bytes(space.tree_bytes))));
        let versions = number_of(space.objects, "old version", "old versions");
        lines.push(("history:", format!("{versions}, {}", bytes(space.history_bytes))));
        lines.extend(space.free_bytes.map(|free| ("free:", bytes(free))));
    }
    if let Some(manifests) = &status.manifests {
        let files = number_of(manifests.files, "file", "files");
        lines.push(("manifests:", format!("{files}, {}", bytes(manifests.bytes))));
    }
    if let Some(copy) = &status.copy {
        let commit = copy.commit.map(|number| format!(", commit {number}")).unwrap_or_default();
        let reached = copy.last_success_at.map(|at| format!(", up to date {}", clock(&at)));
        let reached = reached.unwrap_or_else(|| ", never up to date yet".to_owned());
        lines.push(("copy:", format!("{}{commit}{reached}", copy.location)));
    }
    if let Some(verify) = &status.last_verify {
        let (read, all) = (verify.checked, verify.mirrored);
        let value = format!(
            "{}, exit {}: {} of {} read, {} damaged, {} repaired",
            clock(&verify.finished_at),
            verify.exit_code,
            count(read.documents),
            documents(all.documents),
            count(verify.damaged),
            count(verify.repaired)
        );
        lines.push(("last verify:", value));
    }
    if let Some(round) = &status.last_round {
        lines.push(("last full check:", clock(&round.ended_at)));
    }
    lines
}

fn ended(run: &LastRun) -> String {
    let word = run.outcome.word();
    if run.run_id.is_empty() {
        return format!("{word} before it could begin, exit {}", run.exit_code);
    }
    format!("{word}, exit {}, run {}", run.exit_code, run.run_id)
}

fn waiting(status: &Status, clock: &impl Fn(&Timestamp) -> String) -> Vec<(&'static str, String)> {
    let waiting = &status.waiting;
    let mut lines = Vec::new();
    if waiting.versions > 0 {
        let since = waiting.oldest_since.map(|since| format!(", the oldest since {}", clock(&since)));
        lines.push((
            "waiting:",
            format!("{}{}", number_of(waiting.versions, "version", "versions"), since.unwrap_or_default()),
        ));
    }
    let acknowledged = status.last_run.as_ref().map_or(0, |run| run.documents.acknowledged);
    if acknowledged > 0 {
        lines.push(("acknowledged:", format!("{} missing, as accepted", are(acknowledged))));
    }
    if waiting.unconfirmed > 0 {
        lines.push(("unconfirmed:", format!("{} not listed any more", are(waiting.unconfirmed))));
    }
    if waiting.withheld > 0 {
        let removals = number_of(waiting.withheld, "removal", "removals");
        lines.push(("withheld:", format!("{removals}; `ibinder-sync withheld` lists them")));
    }
    lines
}
