//! The result of a run, in words.

use super::{copy::copied, escape, first_run::first_run};
use crate::{
    report::{
        Documents, Filters, Outcome, RunReport, UnchangedCost, bytes,
        format::{count, number_of},
    },
    sync::Planned,
};

/// The most failures and warnings shown; the report has them all.
const SHOWN: usize = 10;

/// The end of a run in one line.
pub fn ended(outcome: Outcome, documents: &Documents) -> String {
    format!("{}: {}, {} unchanged", head(outcome), changes(documents), count(documents.unchanged))
}

fn head(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "Complete",
        Outcome::Partial => "Partial",
        Outcome::Failed => "Failed",
        Outcome::Interrupted => "Interrupted; the next run continues",
    }
}

/// What the reader of a summary has read already, and what is not listed again.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// An error that is printed by itself.
    pub error: Option<String>,
    /// Whether each failure was logged where the summary appears.
    pub failures: bool,
    /// The same for warnings.
    pub warnings: bool,
}

/// The end of a run. `report` is the path of the whole report.
pub fn summary(run: &RunReport, report: Option<&std::path::Path>, told: &Told) -> String {
    let requests = requests(run);
    let mut text = format!(
        "{}: {}\n{} in {:.1} s, {requests}.\n",
        head(run.outcome),
        result(run),
        bytes(run.bytes.downloaded),
        run.duration_seconds
    );
    if let Some(scrub) = &run.scrub {
        text.push_str(&format!(
            "Checked {} and {}, {}: {} damaged, {} repaired.\n",
            number_of(scrub.documents, "document", "documents"),
            number_of(scrub.objects, "object", "objects"),
            bytes(scrub.bytes),
            count(scrub.damaged),
            count(scrub.repaired)
        ));
    }
    let freed = &run.freed;
    if freed.versions + freed.objects > 0 {
        text.push_str(&format!(
            "Deleted by retention: {}, {}, {}.\n",
            number_of(freed.versions, "old version", "old versions"),
            number_of(freed.objects, "object", "objects"),
            bytes(freed.bytes)
        ));
    }
    if let Some(copy) = &run.copy {
        text.push_str(&format!("{}\n", copied(copy)));
    }
    filters(&mut text, run);
    tabs(&mut text, run);
    problems(&mut text, run, told);
    if let Some(report) = report {
        text.push_str(&format!("Report: {}\n", report.display()));
    }
    text
}

fn requests(run: &RunReport) -> String {
    number_of(run.requests.token + run.requests.api + run.requests.storage, "request", "requests")
}

/// What changed, of how much.
fn result(run: &RunReport) -> String {
    let documents = |number| number_of(number, "document", "documents");
    match run.held {
        Some(held) if run.listed_nothing() => {
            format!("{}; the mirror still holds {}.", changes(&run.documents), documents(held))
        }
        None if run.listed_nothing() => format!("{}.", changes(&run.documents)),
        _ => format!(
            "{}. {} in {}, {} unchanged.",
            changes(&run.documents),
            documents(run.documents.seen),
            number_of(run.binders.listed, "binder", "binders"),
            count(run.documents.unchanged)
        ),
    }
}

/// The end of a plan: what a run would do.
pub fn planned(run: &RunReport, told: &Told) -> String {
    let requests = requests(run);
    let mut text = format!(
        "{}: a run would {}. {} in {}, {} unchanged.\nNothing was changed. {:.1} s, {requests}.\n",
        match run.outcome {
            Outcome::Complete => "Plan",
            Outcome::Partial => "Partial plan",
            Outcome::Failed => "Failed plan",
            Outcome::Interrupted => "Interrupted plan",
        },
        planned_changes(&run.documents),
        number_of(run.documents.seen, "document", "documents"),
        number_of(run.binders.listed, "binder", "binders"),
        count(run.documents.unchanged),
        run.duration_seconds
    );
    if let Some(first) = &run.first_run {
        text.push_str(&first_run(first));
    }
    if let Some(cost) = &run.night {
        let (requests, duration) = (number_of(cost.requests, "request", "requests"), duration(cost));
        text.push_str(&format!("A run that finds no changes sends {requests}{duration}.\n"));
    }
    filters(&mut text, run);
    tabs(&mut text, run);
    problems(&mut text, run, told);
    text
}

/// The filters of the run.
fn filters(text: &mut String, run: &RunReport) {
    if let Some(filters) = &run.filters {
        let left_out = Filters::left_out(run.binders.filtered, run.documents.filtered);
        text.push_str(&format!("Filters excluded {left_out}: {}\n", escape(&filters.flags().join(" "))));
    }
}

/// Tabs without documents.
fn tabs(text: &mut String, run: &RunReport) {
    let binders = run.tabs_without_documents.len();
    let tabs: u64 = run.tabs_without_documents.iter().map(|binder| binder.tabs).sum();
    if tabs > 0 {
        text.push_str(&format!(
            "{} in {} no documents: checklists and content tabs are not mirrored.\n",
            number_of(tabs, "tab", "tabs"),
            number_of(binders as u64, "binder", "binders") + if tabs == 1 { " holds" } else { " hold" }
        ));
    }
}

/// Failures and warnings.
fn problems(text: &mut String, run: &RunReport, told: &Told) {
    let is_told = |error: &str| told.failures || told.error.as_deref() == Some(error);
    let others = run.failures.iter().filter(|f| !is_told(&f.error));
    let failures: Vec<String> = others
        .map(|f| match &f.file_name {
            Some(name) if !name.is_empty() => format!("{name}: {}", f.error),
            _ => f.error.clone(),
        })
        .collect();
    list(text, "failed", failures.into_iter());
    list(text, "warning", if told.warnings { [].iter() } else { run.warnings.iter() }.cloned());
}

/// The duration of these requests at the saved rate.
#[expect(clippy::cast_precision_loss, reason = "minutes are shown")]
fn duration(cost: &UnchangedCost) -> String {
    let Some(rate) = cost.rate else { return String::new() };
    let time = match cost.requests as f64 / rate / 60.0 {
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
        (documents.filtered, "excluded"),
        (documents.purged, "purged but still listed"),
        (documents.without_version, "without a version"),
        (documents.acknowledged, "acknowledged as missing"),
    ];
    let changes: Vec<String> = counts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", count(number)))
        .collect();
    if changes.is_empty() { "nothing changed".to_owned() } else { changes.join(", ") }
}

/// The same for a plan.
fn planned_changes(documents: &Documents) -> String {
    let doing = counted(&[
        ("adopt", documents.adopted),
        ("add", documents.added),
        ("update", documents.updated),
        ("move", documents.moved),
        ("remove", documents.removed),
    ]);
    let not = [
        (documents.failed, "can't be determined", "can't be determined"),
        (documents.withheld, "would be withheld", "would be withheld"),
        (documents.filtered, "is excluded", "are excluded"),
        (documents.purged, "was purged but is still listed", "were purged but are still listed"),
        (documents.without_version, "has no version", "have no version"),
    ];
    let mut text = if doing.is_empty() { "change nothing".to_owned() } else { doing };
    for (number, one, many) in not.into_iter().filter(|(number, ..)| *number > 0) {
        text.push_str(&format!("; {}", number_of(number, one, many)));
    }
    text
}

fn counted(verbs: &[(&str, u64)]) -> String {
    let parts =
        verbs.iter().filter(|(_, number)| *number > 0).map(|(verb, number)| format!("{verb} {}", count(*number)));
    parts.collect::<Vec<_>>().join(", ")
}

fn list(text: &mut String, what: &str, lines: impl ExactSizeIterator<Item = String>) {
    let all = lines.len();
    for line in lines.take(SHOWN) {
        text.push_str(&format!("{what}: {}\n", escape(&line)));
    }
    if all > SHOWN {
        text.push_str(&format!("{what}: {} more in the report\n", count((all - SHOWN) as u64)));
    }
}

/// What a run would do, one line each.
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
    fn a_plan_lists_future_changes() {
        let none = Documents::default();
        #[rustfmt::skip]
        let table = [
            (none,                                                       "change nothing"),
            (Documents { added: 60_000, updated: 1, moved: 2, removed: 1, ..none }, "add 60,000, update 1, move 2, remove 1"),
            (Documents { adopted: 3, failed: 1, withheld: 12, filtered: 2, ..none },
             "adopt 3; 1 can't be determined; 12 would be withheld; 2 are excluded"),
            (Documents { filtered: 1, purged: 1, without_version: 1, ..none },
             "change nothing; 1 is excluded; 1 was purged but is still listed; 1 has no version"),
        ];
        for (documents, text) in table {
            assert_eq!(planned_changes(&documents), text);
        }
    }

    #[test]
    fn request_durations() {
        for (requests, rate, text) in [
            (9, None, ""),
            (9, Some(10.0), ", about a minute or less at 10.0 a second"),
            (4402, Some(23.5), ", about 3 minutes at 23.5 a second"),
        ] {
            assert_eq!(duration(&UnchangedCost { requests, rate }), text);
        }
    }
}
