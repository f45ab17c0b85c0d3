//! Whether a mirror is healthy: a decision on a [`Status`], a time and a limit, in the Nagios convention.

use jiff::Timestamp;
use serde::Serialize;

use super::{FailureCause, LastRun, Outcome, Status, VerifyOutcome, Whereabouts, count};

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
        let running = at_work(Whereabouts::Alive).any(|(working, _)| working.command != "verify");
        of_age(status, now, max_age, running, &mut note);
        if let Some(run) = &status.last_run {
            of_last_run(run, running, &mut note);
        }
        for (working, _) in at_work(Whereabouts::Gone) {
            let ago = span(now.as_second() - working.started_at.as_second());
            note(
                Level::Warning,
                format!(
                    "the {} that began {ago} ago never came to its end: it was killed, or the machine was",
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
    match (run.outcome, exit) {
        (Outcome::Complete, _) => {}
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
        (Outcome::Failed, _) if exit != 4 => {
            note(Level::Critical, format!("the last run could not do its work (exit {exit})"));
        }
        _ => note(Level::Warning, format!("the last run was not complete (exit {exit}){}", shortcomings(run))),
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
            VerifyOutcome::Damaged if status.damage.is_none() => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{CompleteRun, Damage, Documents, LastVerify, Process, Space, Waiting, Working};

    const NOW: i64 = 1_800_000_000;
    const MAX: i64 = 26 * 3600;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn run(outcome: Outcome, exit_code: u8, ago: i64) -> LastRun {
        LastRun {
            run_id: "000007-x".into(),
            outcome,
            exit_code,
            started_at: at(NOW - ago - 60),
            finished_at: at(NOW - ago),
            duration_seconds: 60.0,
            binders: crate::report::Binders::default(),
            documents: Documents::default(),
            bytes: crate::report::Bytes::default(),
            freed: crate::report::Freed::default(),
            requests: crate::report::Requests::default(),
            scrub: None,
            failures: std::collections::BTreeMap::new(),
            warnings: 0,
        }
    }

    /// Complete so many seconds ago.
    fn complete(ago: i64) -> Status {
        let mut status = Status::new("/srv/mirror".into(), at(NOW));
        status.take_run(run(Outcome::Complete, 0, ago));
        status.space = Some(Space { documents: 12_034, tree_bytes: 5, history_bytes: 3, ..Space::default() });
        status
    }

    /// And then a run that ended otherwise, an hour ago.
    fn then(outcome: Outcome, exit_code: u8, change: impl FnOnce(&mut LastRun)) -> Status {
        let mut status = complete(3 * 3600);
        let mut last = run(outcome, exit_code, 3600);
        change(&mut last);
        status.take_run(last);
        status
    }

    fn working(command: &str) -> Working {
        let process = Process::default();
        Working { command: command.into(), run_id: String::new(), started_at: at(NOW - 600), process }
    }

    fn judge(status: &Status, whereabouts: &[Whereabouts]) -> Health {
        Health::of(status, at(NOW), MAX, whereabouts)
    }

    #[test]
    fn a_healthy_mirror_is_one_line() {
        let health = judge(&complete(3 * 3600), &[]);
        assert_eq!((health.level, health.level.code()), (Level::Ok, 0));
        assert_eq!(health.headline, "last complete run 3 h ago, 12,034 documents");
        let perfdata = "age=10800s;;93600 failed=0 waiting=0 oldest=0s withheld=0 documents=12034 tree=5B history=3B";
        assert_eq!(health.perfdata, perfdata);
    }

    #[test]
    fn how_the_last_run_ended_decides() {
        use Outcome::{Complete, Failed, Interrupted, Partial};
        #[rustfmt::skip]
        let table = [
            (then(Complete, 0, |_| {}),                               Level::Ok,       "last complete run 60 min ago"),
            (then(Partial, 4, |r| r.documents.failed = 1200),         Level::Warning,  "1,200 documents failed"),
            (then(Partial, 4, |r| r.binders.inaccessible = 2),        Level::Warning,  "2 binders are inaccessible"),
            (then(Partial, 4, |r| r.binders.uncertified = 1),         Level::Warning,  "1 listings were not consistent"),
            (then(Partial, 7, |r| r.documents.withheld = 20),         Level::Warning,  "20 removals are withheld"),
            (then(Partial, 7, |_| {}),                                Level::Critical, "none of the known binders"),
            (then(Failed, 3, |_| {}),                                 Level::Critical, "credentials were refused"),
            (then(Failed, 8, |_| {}),                                 Level::Critical, "the disk failed"),
            (then(Partial, 8, |_| {}),                                Level::Critical, "the disk failed"),
            (then(Failed, 1, |_| {}),                                 Level::Critical, "exit 1"),
            (then(Failed, 2, |_| {}),                                 Level::Critical, "exit 2"),
            // The service could not be reached: one such night is no catastrophe.
            (then(Failed, 4, |_| {}),                                 Level::Warning,  "exit 4"),
            (then(Interrupted, 143, |_| {}),                          Level::Warning,  "interrupted"),
        ];
        for (status, level, words) in table {
            let health = judge(&status, &[]);
            assert_eq!(health.level, level, "{words}: {health:?}");
            assert!(health.headline.contains(words), "{words}: {health:?}");
        }
    }

    #[test]
    fn the_age_decides_whatever_the_last_run_says() {
        for (ago, level) in
            [(0, Level::Ok), (MAX, Level::Ok), (MAX + 1, Level::Critical), (-200, Level::Ok), (-301, Level::Warning)]
        {
            let health = judge(&complete(ago), &[]);
            assert_eq!(health.level, level, "{ago}: {health:?}");
        }
        let never = Status::new("/m".into(), at(NOW));
        assert_eq!(judge(&never, &[]).level, Level::Critical);
        assert!(judge(&never, &[]).perfdata.starts_with("age=U;;93600"));
        // Behind a clock that went back, no age is negative.
        assert!(judge(&complete(-90_000), &[]).perfdata.starts_with("age=0s"));
    }

    #[test]
    fn who_is_at_work_counts() {
        use Whereabouts::{Alive, Elsewhere, Gone};
        let with = |mut status: Status, command: &str| {
            status.at_work.push(working(command));
            status
        };
        let never = || Status::new("/m".into(), at(NOW));
        let interrupted = || then(Outcome::Interrupted, 143, |_| {});
        #[rustfmt::skip]
        let table = [
            (with(complete(60), "run"),     Alive,     Level::Ok,       "last complete run"),
            (with(complete(60), "run"),     Gone,      Level::Warning,  "the run that began 10 min ago never came to its end"),
            (with(complete(60), "run"),     Elsewhere, Level::Ok,       "last complete run"),
            (with(never(), "run"),          Alive,     Level::Warning,  "the first run is under way"),
            (with(never(), "verify"),       Alive,     Level::Critical, "no run was complete yet"),
            (with(never(), "run"),          Gone,      Level::Critical, "no run was complete yet"),
            (with(interrupted(), "run"),    Alive,     Level::Ok,       "last complete run"),
            (with(interrupted(), "verify"), Alive,     Level::Warning,  "interrupted"),
            // One that goes on and on is no excuse.
            (with(complete(MAX + 1), "run"), Alive,    Level::Critical, "no complete run for 26 h"),
        ];
        for (status, whereabouts, level, words) in table {
            let health = judge(&status, &[whereabouts]);
            assert_eq!(health.level, level, "{words}: {health:?}");
            assert!(health.headline.contains(words), "{words}: {health:?}");
        }
    }

    #[test]
    fn damage_is_critical_until_it_is_gone() {
        let mut status = complete(60);
        status.damage = Some(Damage { found_at: at(NOW - 86_400), left: 3 });
        let health = judge(&status, &[]);
        assert_eq!(health.level, Level::Critical);
        assert!(health.headline.contains("24 h ago and is left, 3 documents"), "{health:?}");
        status.damage = None;
        let checked = crate::report::Checked::default();
        let mut verify = LastVerify {
            outcome: VerifyOutcome::Partial,
            exit_code: 4,
            started_at: at(NOW - 9),
            finished_at: at(NOW),
            checked,
            mirrored: checked,
            damaged: 0,
            repaired: 0,
        };
        for (outcome, level) in [
            (VerifyOutcome::Partial, Level::Warning),
            (VerifyOutcome::Interrupted, Level::Ok),
            (VerifyOutcome::Sound, Level::Ok),
            // The state itself is damaged: nothing was counted.
            (VerifyOutcome::Damaged, Level::Critical),
        ] {
            verify.outcome = outcome;
            status.last_verify = Some(verify.clone());
            assert_eq!(judge(&status, &[]).level, level, "{outcome:?}");
        }
    }

    #[test]
    fn the_worst_comes_first_and_the_others_are_told() {
        let mut status = then(Outcome::Partial, 4, |run| {
            run.documents.failed = 1;
            run.failures.insert(FailureCause::Unavailable, 1);
        });
        status.last_complete_run =
            Some(CompleteRun { run_id: "1".into(), started_at: at(0), finished_at: at(NOW - 5 * 86_400) });
        status.waiting = Waiting { versions: 4, oldest_since: Some(at(NOW - 50)), ..Waiting::default() };
        let health = judge(&status, &[]);
        assert!(health.headline.starts_with("no complete run for 5 days, and 26 h is the most; last"), "{health:?}");
        assert_eq!(health.problems.len(), 2);
        assert!(health.problems[1].text.contains("1 × the service, its storage"), "{health:?}");
        assert!(health.perfdata.contains("waiting=4 oldest=50s"), "{health:?}");
    }

    #[test]
    fn numbers_for_people() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (12_034, "12,034"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        for (seconds, text) in
            [(-5, "0 s"), (90, "90 s"), (600, "10 min"), (10_800, "3 h"), (93_600, "26 h"), (400_000, "4 days")]
        {
            assert_eq!(span(seconds), text);
        }
    }
}
