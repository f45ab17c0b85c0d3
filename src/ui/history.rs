//! The history of a mirror, in words.

use jiff::tz::TimeZone;

use super::{bytes, escape};
use crate::history::{
    Changes, DocumentHistory, FoundEntry, Holding, ListedFolder, ListingEntry, MissingReason, Placement, Restored,
    Revision, Snapshot, Version, When, clock,
};
use crate::report::format::{count, number_of};

/// The most missing files shown; `--json` has them all.
const SHOWN: usize = 50;

/// Runs as lines of at most 80 characters, newest last. Runs without changes are only counted, unless `all`; the
/// newest is always shown.
pub fn snapshots(runs: &[Snapshot], all: bool, zone: &TimeZone) -> String {
    let mut text = row("RUN", "ENDED", "OUTCOME", ["ADDED", "UPD", "MOVED", "GONE", "FAIL"]);
    let mut folded = 0;
    for (at, run) in runs.iter().enumerate() {
        if !all && run.changed_nothing() && at + 1 < runs.len() {
            folded += 1;
            continue;
        }
        text.push_str(&fold(&mut folded));
        let ended = run.finished_at.map(|time| time.to_zoned_datetime(zone.clone()));
        let ended = ended.map_or_else(|| "-".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M").to_string());
        text.push_str(&row(&escape(&run.id), &ended, outcome(run), counts(run.changes)));
    }
    text
}

fn row(id: &str, ended: &str, outcome: &str, counts: [impl std::fmt::Display; 5]) -> String {
    let [added, updated, moved, removed, failed] = counts;
    let line =
        format!("{id:<23} {ended:<16} {outcome:<11} {added:>5} {updated:>4} {moved:>5} {removed:>4} {failed:>4}");
    line.trim_end().to_owned() + "\n"
}

fn fold(folded: &mut u64) -> String {
    match std::mem::take(folded) {
        0 => String::new(),
        runs => format!("  {} that changed nothing\n", number_of(runs, "run", "runs")),
    }
}

/// The outcome; for commands other than `run`, their name.
fn outcome(run: &Snapshot) -> &str {
    match (run.whole, run.command.as_str(), run.outcome.as_deref()) {
        (_, _, None) => "unfinished",
        (true, ..) => "complete",
        // Complete for what the filters of that run selected.
        (false, "run", Some("complete")) => "filtered",
        (false, "run", Some(outcome)) => outcome,
        (false, command, Some(_)) => command,
    }
}

fn counts(changes: Option<Changes>) -> [String; 5] {
    let Some(c) = changes else { return [const { String::new() }; 5] };
    [c.added, c.updated, c.moved, c.removed, c.failed]
        .map(|count| if count == 0 { "-".to_owned() } else { count.to_string() })
}

/// A document at some time as a line: size, time and path.
pub fn listed(entry: &ListingEntry, zone: &TimeZone) -> String {
    let time = clock(entry.mtime.as_second(), zone);
    format!("{:>12}  {time}  {}\n", entry.size, line(entry.path.as_str()))
}

/// A folder as a line: size and number of its documents, and its path with a slash.
pub fn listed_folder(folder: &ListedFolder) -> String {
    let documents = number_of(folder.documents, "document", "documents");
    format!("{:>12}  {documents:<19}  {}/\n", folder.bytes, line(&folder.folder))
}

/// A document that was found, as a line.
pub fn found(found: &FoundEntry, zone: &TimeZone) -> String {
    let listed = listed(&found.entry, zone);
    let removed = found.removed_at.map(|at| format!("  (removed {})\n", clock(at.as_second(), zone)));
    removed.map_or_else(|| listed.clone(), |removed| listed.trim_end().to_owned() + &removed)
}

/// Nothing was found, but perhaps among removed documents.
pub fn nothing_found(removed: usize) -> String {
    match removed {
        0 => "no document matches\n".to_owned(),
        1 => "no document matches, but a removed one does: add --removed\n".to_owned(),
        many => format!("no document matches, but {many} removed ones do: add --removed\n"),
    }
}

/// Everything that is known about a document.
pub fn document_history(document: &DocumentHistory, zone: &TimeZone) -> String {
    let mut text = format!("document {}\n", escape(&document.document_id));
    text.push_str("places\n");
    for place in &document.places {
        text.push_str(&place_lines(place, zone));
    }
    text.push_str("versions\n");
    for version in &document.versions {
        text.push_str(&version_lines(version, zone));
    }
    if !document.metadata.is_empty() {
        text.push_str("metadata\n");
        for revision in &document.metadata {
            text.push_str(&revision_lines(revision, zone));
        }
    }
    text
}

fn place_lines(place: &Placement, zone: &TimeZone) -> String {
    let named = if place.path.ends_with(&place.file_name) {
        String::new()
    } else {
        format!("    called {:?} by the service\n", escape(&place.file_name))
    };
    format!("  {}\n{named}{}", line(&place.path), span(&place.first, place.ended.as_ref(), None, zone))
}

fn version_lines(version: &Version, zone: &TimeZone) -> String {
    let held = match version.held {
        Holding::Tree => "in the tree".to_owned(),
        Holding::Object => "kept in objects/".to_owned(),
        Holding::Edited => "not kept; its file was edited by hand, and the edited one is kept".to_owned(),
        Holding::Freed => match &version.freed {
            Some(freed) => format!("deleted by retention in {}", when(freed, zone)),
            None => "not kept any more".to_owned(),
        },
        Holding::Nothing => "not kept: its file was missing when it was removed".to_owned(),
    };
    format!(
        "  {}\n    {}, sha256 {}\n{}    {held}\n",
        escape(&version.version_id),
        number_of(version.size, "byte", "bytes"),
        version.sha256,
        span(&version.first, version.ended.as_ref(), version.cause.as_deref(), zone)
    )
}

fn revision_lines(revision: &Revision, zone: &TimeZone) -> String {
    let mut text = format!("  changed in {}\n", when(&revision.run, zone));
    for change in &revision.changes {
        let (from, to) = (line(&change.from.to_string()), line(&change.to.to_string()));
        text.push_str(&format!("    {}: {from} → {to}\n", line(&change.key)));
    }
    text
}

/// First and last time, on separate lines.
fn span(first: &When, ended: Option<&When>, cause: Option<&str>, zone: &TimeZone) -> String {
    let ended = match ended {
        None => "    until now\n".to_owned(),
        Some(ended) => {
            let cause = cause.map(|cause| format!(", {cause}")).unwrap_or_default();
            format!("    until {}{cause}\n", when(ended, zone))
        }
    };
    format!("    from  {}\n{ended}", when(first, zone))
}

fn when(when: &When, zone: &TimeZone) -> String {
    match when.at {
        Some(at) => format!("{} ({})", escape(&when.run_id), clock(at.as_second(), zone)),
        None => format!("{} (its record was deleted)", escape(&when.run_id)),
    }
}

/// The result of a restore. `then` describes its time, and `repair` is the command that may mend damaged bytes.
pub fn restored(restored: &Restored, to: &std::path::Path, then: &str, repair: &str) -> String {
    let mut text = format!(
        "{}, {}, restored into {}{then}\n",
        number_of(restored.files, "file", "files"),
        bytes(restored.bytes),
        escape(&to.display().to_string())
    );
    if restored.edited > 0 {
        text.push_str(&format!("{} edited by hand\n", number_of(restored.edited, "of them was", "of them were")));
    }
    for missing in restored.missing.iter().take(SHOWN) {
        let why = match &missing.reason {
            MissingReason::Damaged => format!("its bytes are damaged; `{repair}` may bring them back"),
            other => other.to_string(),
        };
        text.push_str(&format!("missing: {}: {}\n", line(missing.path.as_str()), line(&why)));
    }
    if restored.missing.len() > SHOWN {
        text.push_str(&format!(
            "missing: {} more, listed with --json\n",
            count((restored.missing.len() - SHOWN) as u64)
        ));
    }
    if restored.damaged > 0 {
        text.push_str(&format!("Damage was found, see the messages above; `{repair}` may fix it\n"));
    }
    text
}

/// A text on a single line.
fn line(text: &str) -> String {
    escape(text).replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn run(number: i64, outcome: Option<&str>, changes: Option<Changes>) -> Snapshot {
        let time = |seconds| Timestamp::from_second(1_793_500_000 + number * 86_400 + seconds).unwrap();
        Snapshot {
            id: format!("{number:06}-{}", time(0).strftime("%Y%m%dT%H%M%SZ")),
            number,
            command: if changes.is_none() { "forget" } else { "run" }.to_owned(),
            started_at: time(0),
            finished_at: outcome.map(|_| time(90)),
            outcome: outcome.map(str::to_owned),
            whole: outcome == Some("complete") && changes.is_some(),
            changes,
        }
    }

    #[test]
    fn runs_fit_a_terminal() {
        let some = Changes { added: 12345, updated: 1, removed: 7, ..Changes::default() };
        let nothing = Some(Changes::default());
        let runs = [
            run(1, Some("complete"), Some(some)),
            run(2, Some("complete"), nothing),
            run(3, Some("complete"), nothing),
            run(4, Some("interrupted"), Some(Changes { failed: 3, ..some })),
            run(5, Some("complete"), None),
            run(6, Some("partial"), nothing),
            run(7, None, nothing),
            run(8, Some("complete"), nothing),
        ];
        let text = snapshots(&runs, false, &TimeZone::UTC);
        insta::assert_snapshot!(text, @r"
        RUN                     ENDED            OUTCOME     ADDED  UPD MOVED GONE FAIL
        000001-20261102T022640Z 2026-11-02 02:28 complete    12345    1     -    7    -
          2 runs that changed nothing
        000004-20261105T022640Z 2026-11-05 02:28 interrupted 12345    1     -    7    3
        000005-20261106T022640Z 2026-11-06 02:28 forget
        000006-20261107T022640Z 2026-11-07 02:28 partial         -    -     -    -    -
        000007-20261108T022640Z -                unfinished      -    -     -    -    -
        000008-20261109T022640Z 2026-11-09 02:28 complete        -    -     -    -    -
        ");
        assert!(text.lines().all(|line| line.chars().count() <= 80));
        assert_eq!(snapshots(&runs, true, &TimeZone::UTC).lines().count(), 9);
    }
}
