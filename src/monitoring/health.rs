//! Decides whether a mirror is healthy, from a [`Status`], a time and a limit, with the Nagios levels.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    monitoring::{CompleteRun, LastRun, Liveness, Status},
    report::{CopyResult, FailureCause, Outcome, VerifyOutcome, count, format::number_of},
};

/// Clock corrections set the time back by less than this, in seconds.
const CLOCK_TOLERANCE: i64 = 300;

/// The severity, in ascending order; "unknown" is worse than "ok" but not an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// 0
    Ok,
    /// 3
    Unknown,
    /// 1
    Warning,
    /// 2
    Critical,
}

impl Level {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// A problem that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its severity.
    pub level: Level,
    /// The problem, and what to do.
    pub text: String,
}

/// The health of a mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The worst level of the problems.
    pub level: Level,
    /// The worst problem, or that there is none, in one line.
    pub headline: String,
    /// Performance data, as Nagios plugins print them.
    pub perfdata: String,
    /// The problems, the worst first.
    pub problems: Vec<Problem>,
}

impl Health {
    /// The health if the status can't be read.
    pub fn unknown(why: String) -> Self {
        let problems = vec![Problem { level: Level::Unknown, text: why.clone() }];
        Self { level: Level::Unknown, headline: why, perfdata: String::new(), problems }
    }

    /// Judges a status. `max_age` is in seconds; `liveness` has an entry for each of [`Status::at_work`].
    pub fn of(status: &Status, now: Timestamp, max_age: i64, liveness: &[Liveness]) -> Self {
        let mut problems = Vec::new();
        let mut note = |level, text| problems.push(Problem { level, text });
        let at_work = |wanted| status.at_work.iter().zip(liveness).filter(move |(_, w)| **w == wanted);
        // A process that can't be seen from here is trusted for `max_age`.
        let unseen = at_work(Liveness::Elsewhere)
            .filter(|(working, _)| now.as_second() - working.started_at.as_second() <= max_age);
        let running = at_work(Liveness::Alive).chain(unseen).any(|(working, _)| working.command != "verify");
        of_age(status, now, max_age, running, &mut note);
        if let Some(run) = &status.last_run {
            of_last_run(run, running, &mut note);
        }
        of_contents(status, &mut note);
        of_waiting(status, now, &mut note);
        for (working, _) in at_work(Liveness::Gone) {
            let ago = span(now.as_second() - working.started_at.as_second());
            note(
                Level::Warning,
                format!(
                    "the {} that began {ago} ago never finished: it was killed, the machine stopped, or its disk was full",
                    working.command
                ),
            );
        }
        of_checks(status, now, &mut note);
        of_copy(status, now, max_age, &mut note);
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.level));
        let level = problems.first().map_or(Level::Ok, |problem| problem.level);
        let mut said: Vec<String> =
            problems.iter().filter(|problem| problem.level == level).map(|problem| problem.text.clone()).collect();
        said.extend(summary(status, now));
        Self { level, headline: said.join("; "), perfdata: perfdata(status, now, max_age), problems }
    }
}

fn of_age(status: &Status, now: Timestamp, max_age: i64, running: bool, note: &mut impl FnMut(Level, String)) {
    let Some(last) = &status.last_complete_run else {
        if running {
            note(Level::Warning, "the first run is in progress".to_owned());
        } else {
            note(Level::Critical, "no run has completed yet".to_owned());
        }
        return;
    };
    match now.as_second() - last.finished_at.as_second() {
        age if age < -CLOCK_TOLERANCE => note(
            Level::Warning,
            format!("the clock is {} behind the end of the last complete run: set it right", span(-age)),
        ),
        age if age > max_age => {
            note(Level::Critical, format!("no complete run for {}; the limit is {}", span(age), span(max_age)));
        }
        _ => {}
    }
}

fn of_last_run(run: &LastRun, running: bool, note: &mut impl FnMut(Level, String)) {
    let exit = run.exit_code;
    // The code comes first: whatever the outcome says, the process has failed.
    match (run.outcome, exit) {
        // The copy has a line of its own.
        (Outcome::Complete, _) if run.is_good() => {}
        (_, 3) => note(Level::Critical, "the credentials were refused".to_owned()),
        (_, 8) => note(Level::Critical, "the disk failed, or is full".to_owned()),
        (_, 7) if run.documents.withheld == 0 => {
            note(
                Level::Critical,
                "iBinder lists none of the known binders any more: is this another organisation?".to_owned(),
            );
        }
        (_, 7) => {
            note(Level::Warning, format!("{}: `ibinder-sync withheld` lists them", withheld(run.documents.withheld)));
        }
        // A run in progress makes up for it.
        (Outcome::Interrupted, _) if running => {}
        (Outcome::Interrupted, _) => note(Level::Warning, "the last run was interrupted".to_owned()),
        (Outcome::Failed | Outcome::Complete, _) if exit != 4 => {
            note(Level::Critical, format!("the last run could not do its work (exit {exit})"));
        }
        _ => note(Level::Warning, format!("the last run was not complete (exit {exit}){}", shortcomings(run))),
    }
}

/// A complete run of an organisation without documents.
fn of_contents(status: &Status, note: &mut impl FnMut(Level, String)) {
    let Some(run) = status.last_run.as_ref().filter(|run| run.outcome == Outcome::Complete) else { return };
    if run.binders.listed + run.binders.filtered == 0 {
        note(Level::Warning, "iBinder lists no binder for this API client: may it read them?".to_owned());
    } else if status.space.is_some_and(|space| space.documents == 0) {
        note(Level::Warning, "the mirror is empty: the last run found no document".to_owned());
    }
}

/// Problems that don't depend on the last run.
fn of_waiting(status: &Status, now: Timestamp, note: &mut impl FnMut(Level, String)) {
    let waiting = &status.waiting;
    if waiting.versions > 0 {
        let since = waiting.oldest_since.map(|since| span((now.as_second() - since.as_second()).max(0)));
        let since = since.map(|since| format!(", the oldest for {since}")).unwrap_or_default();
        let versions = number_of(waiting.versions, "version is", "versions are");
        note(Level::Warning, format!("{versions} waiting to be mirrored{since}"));
    }
    let told = status.last_run.as_ref().is_some_and(|run| run.exit_code == 7 && run.documents.withheld > 0);
    if waiting.withheld > 0 && !told {
        note(Level::Warning, format!("{}, and the last run did not check again", withheld(waiting.withheld)));
    }
}

fn withheld(removals: u64) -> String {
    number_of(removals, "removal is withheld", "removals are withheld")
}

/// What is missing in a partial run.
fn shortcomings(run: &LastRun) -> String {
    let binders = &run.binders;
    let mut lacks: Vec<String> = [
        (run.documents.failed, "document failed", "documents failed"),
        (binders.failed, "binder failed", "binders failed"),
        (binders.inaccessible, "binder is inaccessible", "binders are inaccessible"),
        (binders.uncertified, "listing was not consistent", "listings were not consistent"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, one, many)| number_of(number, one, many))
    .collect();
    let causes = run.failures.iter().filter(|(cause, _)| **cause != FailureCause::Damage);
    lacks.extend(causes.map(|(cause, number)| format!("{} × {}", count(*number), cause.meaning())));
    if lacks.is_empty() { String::new() } else { format!(": {}", lacks.join(", ")) }
}

fn of_checks(status: &Status, now: Timestamp, note: &mut impl FnMut(Level, String)) {
    if let Some(damage) = &status.damage {
        let ago = span(now.as_second() - damage.found_at.as_second());
        let text = format!(
            "damage was found {ago} ago in {} and is not repaired: run `ibinder-sync verify --repair`",
            number_of(damage.left, "document or object", "documents or objects")
        );
        note(Level::Critical, text);
    }
    if let Some(verify) = &status.last_verify {
        match verify.outcome {
            VerifyOutcome::Partial => {
                note(Level::Warning, "the last check could not read everything".to_owned());
            }
            // Nothing was counted because the state itself is damaged. Earlier counts are in `damage` until
            // replaced.
            VerifyOutcome::Damaged if status.damage.is_none() && verify.damaged == 0 => {
                note(Level::Critical, format!("the last check ended with exit {}", verify.exit_code));
            }
            VerifyOutcome::Sound | VerifyOutcome::Damaged | VerifyOutcome::Interrupted => {}
        }
    }
}

/// A copy that fails, or that has been behind the mirror for too long.
fn of_copy(status: &Status, now: Timestamp, max_age: i64, note: &mut impl FnMut(Level, String)) {
    let Some(copy) = &status.copy else { return };
    let place = &copy.location;
    if copy.outcome == CopyResult::Failed {
        let since = copy.behind_since.map_or(0, |since| now.as_second() - since.as_second());
        let times = match copy.failures {
            0 | 1 => String::new(),
            times => format!(", {} times in a row since {} ago", count(times), span(since)),
        };
        let why = copy.error.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        return note(Level::Warning, format!("the copy at {place} could not be brought up to date{times}{why}"));
    }
    let reached = copy.last_success_at.or(copy.behind_since);
    let behind = status
        .last_complete_run
        .as_ref()
        .zip(reached)
        .map_or(0, |(run, reached)| run.finished_at.as_second() - reached.as_second());
    if behind > max_age {
        note(Level::Warning, format!("the copy at {place} is {} behind the mirror", span(behind)));
    }
}

/// The age and the size, in short.
fn summary(status: &Status, now: Timestamp) -> Option<String> {
    let ago = |last: &CompleteRun| span((now.as_second() - last.finished_at.as_second()).max(0));
    let age = status.last_complete_run.as_ref().map(|last| format!("last complete run {} ago", ago(last)));
    let documents = status.space.as_ref().map(|space| number_of(space.documents, "document", "documents"));
    age.into_iter().chain(documents).reduce(|age, documents| format!("{age}, {documents}"))
}

/// `name=value;warning;critical`, as in the Nagios plug-in guidelines; `U` is an unknown value.
fn perfdata(status: &Status, now: Timestamp, max_age: i64) -> String {
    let age = status.last_complete_run.as_ref().map(|last| (now.as_second() - last.finished_at.as_second()).max(0));
    let oldest = status.waiting.oldest_since.map_or(0, |since| (now.as_second() - since.as_second()).max(0));
    let failed = status.last_run.as_ref().map_or(0, |run| run.documents.failed);
    let mut text = format!(
        "age={};;{max_age} failed={failed} waiting={} oldest={oldest}s withheld={}",
        age.map_or_else(|| "U".to_owned(), |age| format!("{age}s")),
        status.waiting.versions,
        status.waiting.withheld,
    );
    if let Some(copy) = &status.copy {
        let age = copy.last_success_at.map(|at| (now.as_second() - at.as_second()).max(0));
        text.push_str(&age.map_or_else(|| " copy=U".to_owned(), |age| format!(" copy={age}s")));
    }
    if let Some(space) = &status.space {
        text.push_str(&format!(
            " documents={} tree={}B history={}B",
            space.documents, space.tree_bytes, space.history_bytes
        ));
        text.push_str(&space.free_bytes.map(|free| format!(" free={free}B")).unwrap_or_default());
    }
    text
}

/// A duration for people, in the largest unit of which there are at least two.
pub fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
