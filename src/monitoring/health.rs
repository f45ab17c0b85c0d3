//! Whether a mirror is healthy: a decision on a [`Status`], a time and a limit, in the Nagios convention.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    monitoring::{LastRun, Status, Whereabouts},
    report::{FailureCause, Outcome, VerifyOutcome, count},
};

/// Clocks that are set right go back by less than this.
const CLOCK_PLAY: i64 = 300;

/// How bad it is. The order is that of badness; what can't be told is worse than what is fine, and no alarm.
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

/// Something that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad.
    pub level: Level,
    /// What, and what to do.
    pub text: String,
}

/// What there is to say about a mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The worst of the problems.
    pub level: Level,
    /// What is the matter, or that nothing is, in one line.
    pub headline: String,
    /// Numbers for graphs, as Nagios plugins print them.
    pub perfdata: String,
    /// The problems, the worst first.
    pub problems: Vec<Problem>,
}

impl Health {
    /// Of what can't be read.
    pub fn unknown(why: String) -> Self {
        let problems = vec![Problem { level: Level::Unknown, text: why.clone() }];
        Self { level: Level::Unknown, headline: why, perfdata: String::new(), problems }
    }

    /// Judges a status. `max_age` is in seconds; `whereabouts` are those of [`Status::at_work`], in its order.
    pub fn of(status: &Status, now: Timestamp, max_age: i64, whereabouts: &[Whereabouts]) -> Self {
        let mut problems = Vec::new();
        let mut note = |level, text| problems.push(Problem { level, text });
        let at_work = |wanted| status.at_work.iter().zip(whereabouts).filter(move |(_, w)| **w == wanted);
        // Of one that can't be seen from here it is believed for as long as a mirror may be without a complete run.
        let unseen = at_work(Whereabouts::Elsewhere)
            .filter(|(working, _)| now.as_second() - working.started_at.as_second() <= max_age);
        let running = at_work(Whereabouts::Alive).chain(unseen).any(|(working, _)| working.command != "verify");
        of_age(status, now, max_age, running, &mut note);
        if let Some(run) = &status.last_run {
            of_last_run(run, running, &mut note);
        }
        of_contents(status, &mut note);
        of_waiting(status, now, &mut note);
        for (working, _) in at_work(Whereabouts::Gone) {
            let ago = span(now.as_second() - working.started_at.as_second());
            note(
                Level::Warning,
                format!(
                    "the {} that began {ago} ago never came to its end: it was killed, or the machine was, or its disk was full",
                    working.command
                ),
            );
        }
        of_checks(status, now, &mut note);
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.level));
        let level = problems.first().map_or(Level::Ok, |problem| problem.level);
        let mut said: Vec<String> =
            problems.iter().filter(|problem| problem.level == level).map(|problem| problem.text.clone()).collect();
        said.push(essence(status, now));
        Self { level, headline: said.join("; "), perfdata: perfdata(status, now, max_age), problems }
    }
}

fn of_age(status: &Status, now: Timestamp, max_age: i64, running: bool, note: &mut impl FnMut(Level, String)) {
    let Some(last) = &status.last_complete_run else {
        if running {
            note(Level::Warning, "the first run is under way".to_owned());
        } else {
            note(Level::Critical, "no run was complete yet".to_owned());
        }
        return;
    };
    match now.as_second() - last.finished_at.as_second() {
        age if age < -CLOCK_PLAY => note(
            Level::Warning,
            format!("the clock is {} behind the end of the last complete run: set it right", span(-age)),
        ),
        age if age > max_age => {
            note(Level::Critical, format!("no complete run for {}, and {} is the most", span(age), span(max_age)));
        }
        _ => {}
    }
}

fn of_last_run(run: &LastRun, running: bool, note: &mut impl FnMut(Level, String)) {
    let exit = run.exit_code;
    // The code comes first: whatever an outcome says, a process that failed has failed.
    match (run.outcome, exit) {
        (Outcome::Complete, 0) => {}
        (_, 3) => note(Level::Critical, "the credentials were refused".to_owned()),
        (_, 8) => note(Level::Critical, "the disk failed, or is full".to_owned()),
        (_, 7) if run.documents.withheld == 0 => {
            note(
                Level::Critical,
                "none of the known binders is listed any more: is it another organisation?".to_owned(),
            );
        }
        (_, 7) => note(
            Level::Warning,
            format!("{} removals are withheld: the report of the run says what to do", count(run.documents.withheld)),
        ),
        // A run is at work that makes up for it.
        (Outcome::Interrupted, _) if running => {}
        (Outcome::Interrupted, _) => note(Level::Warning, "the last run was interrupted".to_owned()),
        (Outcome::Failed | Outcome::Complete, _) if exit != 4 => {
            note(Level::Critical, format!("the last run could not do its work (exit {exit})"));
        }
        _ => note(Level::Warning, format!("the last run was not complete (exit {exit}){}", shortcomings(run))),
    }
}

/// A complete run of an organisation that shows nothing.
fn of_contents(status: &Status, note: &mut impl FnMut(Level, String)) {
    let Some(run) = status.last_run.as_ref().filter(|run| run.outcome == Outcome::Complete) else { return };
    if run.binders.listed + run.binders.filtered == 0 {
        note(Level::Warning, "iBinder lists no binder for this API client: may it read them?".to_owned());
    } else if status.space.is_some_and(|space| space.documents == 0) {
        note(Level::Warning, "the mirror is empty: the last run found no document".to_owned());
    }
}

/// What waits, whatever the last run was.
fn of_waiting(status: &Status, now: Timestamp, note: &mut impl FnMut(Level, String)) {
    let waiting = &status.waiting;
    if waiting.versions > 0 {
        let since = waiting.oldest_since.map(|since| span((now.as_second() - since.as_second()).max(0)));
        let since = since.map(|since| format!(", the oldest for {since}")).unwrap_or_default();
        note(Level::Warning, format!("{} versions wait to be mirrored{since}", count(waiting.versions)));
    }
    let told = status.last_run.as_ref().is_some_and(|run| run.exit_code == 7 && run.documents.withheld > 0);
    if waiting.withheld > 0 && !told {
        note(
            Level::Warning,
            format!("{} removals are withheld, and the last run did not look", count(waiting.withheld)),
        );
    }
}

/// What a partial run lacks.
fn shortcomings(run: &LastRun) -> String {
    let binders = &run.binders;
    let mut lacks: Vec<String> = [
        (run.documents.failed, "documents failed"),
        (binders.failed, "binders failed"),
        (binders.inaccessible, "binders are inaccessible"),
        (binders.uncertified, "listings were not consistent"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!("{} {what}", count(number)))
    .collect();
    let causes = run.failures.iter().filter(|(cause, _)| **cause != FailureCause::Damage);
    lacks.extend(causes.map(|(cause, number)| format!("{} × {}", count(*number), cause.meaning())));
    if lacks.is_empty() { String::new() } else { format!(": {}", lacks.join(", ")) }
}

fn of_checks(status: &Status, now: Timestamp, note: &mut impl FnMut(Level, String)) {
    if let Some(damage) = &status.damage {
        let ago = span(now.as_second() - damage.found_at.as_second());
        let text = format!(
            "damage was found {ago} ago and is left, {} documents or objects: `ibinder-sync verify --repair` brings them back",
            count(damage.left)
        );
        note(Level::Critical, text);
    }
    if let Some(verify) = &status.last_verify {
        match verify.outcome {
            VerifyOutcome::Partial => {
                note(Level::Warning, "the last check could not look at everything".to_owned());
            }
            // Nothing was counted: the state itself is damaged. What was counted is in `damage` until it is replaced.
            VerifyOutcome::Damaged if status.damage.is_none() && verify.damaged == 0 => {
                note(Level::Critical, format!("the last check ended with exit {}", verify.exit_code));
            }
            VerifyOutcome::Sound | VerifyOutcome::Damaged | VerifyOutcome::Interrupted => {}
        }
    }
}

/// The two numbers that everybody asks for.
fn essence(status: &Status, now: Timestamp) -> String {
    let mut text = match &status.last_complete_run {
        None => "never complete".to_owned(),
        Some(last) => {
            format!("last complete run {} ago", span((now.as_second() - last.finished_at.as_second()).max(0)))
        }
    };
    if let Some(space) = &status.space {
        text.push_str(&format!(", {} documents", count(space.documents)));
    }
    text
}

/// `name=value;warning;critical`, as the Nagios plug-in guidelines have it; `U` is a value that nobody knows.
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
    if let Some(space) = &status.space {
        text.push_str(&format!(
            " documents={} tree={}B history={}B",
            space.documents, space.tree_bytes, space.history_bytes
        ));
        text.push_str(&space.free_bytes.map(|free| format!(" free={free}B")).unwrap_or_default());
    }
    text
}

/// A length of time for people: of its largest unit at least two.
pub fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
