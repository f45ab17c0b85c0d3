//! What a run did, in words.

use super::escape;
use crate::{
    report::{Documents, Night, Outcome, RunReport, bytes},
    sync::Planned,
};

/// Failures and warnings that are shown; the report has them all.
const SHOWN: usize = 10;

/// The end of a run in a line.
pub fn ended(outcome: Outcome, documents: &Documents) -> String {
    format!("{}: {}, {} unchanged", head(outcome), changes(documents), documents.unchanged)
}

fn head(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "Complete",
        Outcome::Partial => "Partial",
        Outcome::Failed => "Failed",
        Outcome::Interrupted => "Interrupted; the next run goes on",
    }
}

/// The end of a run. `report` is where the whole report is.
pub fn summary(run: &RunReport, report: Option<&std::path::Path>) -> String {
    let requests = run.requests.token + run.requests.api + run.requests.storage;
    let mut text = format!(
        "{}: {}. {} documents in {} binders, {} unchanged.\n{} in {:.1} s, {requests} requests.\n",
        head(run.outcome),
        changes(&run.documents),
        run.documents.seen,
        run.binders.listed,
        run.documents.unchanged,
        bytes(run.bytes.downloaded),
        run.duration_seconds
    );
    if let Some(scrub) = &run.scrub {
        text.push_str(&format!(
            "Checked {} documents and {} objects, {}: {} damaged, {} repaired.\n",
            scrub.documents,
            scrub.objects,
            bytes(scrub.bytes),
            scrub.damaged,
            scrub.repaired
        ));
    }
    let freed = &run.freed;
    if freed.versions + freed.objects > 0 {
        text.push_str(&format!(
            "Let go by retention: {} past versions, {} objects, {}.\n",
            freed.versions,
            freed.objects,
            bytes(freed.bytes)
        ));
    }
    if let Some(night) = &run.night {
        text.push_str(&format!(
            "A night on which nothing changes takes {} requests{}.\n",
            night.requests,
            takes(night)
        ));
    }
    list(
        &mut text,
        "failed",
        run.failures.iter().map(|f| match &f.file_name {
            Some(name) if !name.is_empty() => format!("{name}: {}", f.error),
            _ => f.error.clone(),
        }),
    );
    list(&mut text, "warning", run.warnings.iter().cloned());
    if let Some(report) = report {
        text.push_str(&format!("Report: {}\n", report.display()));
    }
    text
}

/// How long requests take at the rate that held.
#[expect(clippy::cast_precision_loss, reason = "minutes are shown")]
fn takes(night: &Night) -> String {
    let Some(rate) = night.rate else { return String::new() };
    let time = match night.requests as f64 / rate / 60.0 {
        minutes if minutes < 1.5 => "about a minute or less".to_owned(),
        minutes => format!("about {minutes:.0} minutes"),
    };
    format!(", {time} at {rate:.1} a second")
}

fn changes(documents: &Documents) -> String {
    let counts = [
        (documents.adopted, "adopted"),
        (documents.added, "added"),
        (documents.updated, "updated"),
        (documents.moved, "moved"),
        (documents.removed, "removed"),
        (documents.failed, "failed"),
        (documents.withheld, "withheld"),
        (documents.filtered, "left out"),
    ];
    let changes: Vec<String> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if changes.is_empty() { "nothing changed".to_owned() } else { changes.join(", ") }
}

fn list(text: &mut String, what: &str, lines: impl ExactSizeIterator<Item = String>) {
    let count = lines.len();
    for line in lines.take(SHOWN) {
        text.push_str(&format!("{what}: {}\n", escape(&line)));
    }
    if count > SHOWN {
        text.push_str(&format!("{what}: {} more in the report\n", count - SHOWN));
    }
}

/// What a run would do, a line each.
pub fn plan(planned: &[Planned]) -> String {
    let mut sorted: Vec<&Planned> = planned.iter().collect();
    sorted.sort();
    sorted
        .into_iter()
        .map(|action| match action {
            Planned::Adopt(path) => format!("adopt   {}\n", escape(path.as_str())),
            Planned::Add(path) => format!("add     {}\n", escape(path.as_str())),
            Planned::Update(path) => format!("update  {}\n", escape(path.as_str())),
            Planned::Move(from, to) => format!("move    {} → {}\n", escape(from.as_str()), escape(to.as_str())),
            Planned::Remove(path) => format!("remove  {}\n", escape(path.as_str())),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_for_people() {
        for (requests, rate, text) in [
            (9, None, ""),
            (9, Some(10.0), ", about a minute or less at 10.0 a second"),
            (4402, Some(23.5), ", about 3 minutes at 23.5 a second"),
        ] {
            assert_eq!(takes(&Night { requests, rate }), text);
        }
    }
}
