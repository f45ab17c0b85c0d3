//! What makes a mirror unhealthy, case by case.

use jiff::Timestamp;

use crate::{
    monitoring::{
        CompleteRun, CopyStatus, Damage, Health, LastRun, LastVerify, Level, Liveness, Process, Space, Status, Waiting,
        Working, span,
    },
    report::{
        Binders, Bytes, Checked, CopyResult, Documents, FailureCause, Freed, Outcome, Requests, VerifyOutcome, count,
    },
};

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
        binders: Binders { listed: 2, ..Binders::default() },
        documents: Documents::default(),
        bytes: Bytes::default(),
        freed: Freed::default(),
        requests: Requests::default(),
        scrub: None,
        filters: None,
        failures: std::collections::BTreeMap::new(),
        warnings: 0,
    }
}

/// Complete `ago` seconds ago.
fn complete(ago: i64) -> Status {
    let mut status = Status::new("/srv/mirror".into(), at(NOW));
    status.record_run(run(Outcome::Complete, 0, ago), None);
    status.space = Some(Space { documents: 12_034, tree_bytes: 5, history_bytes: 3, ..Space::default() });
    status
}

/// Followed by a run with another outcome, an hour ago.
fn then(outcome: Outcome, exit_code: u8, change: impl FnOnce(&mut LastRun)) -> Status {
    let mut status = complete(3 * 3600);
    let mut last = run(outcome, exit_code, 3600);
    change(&mut last);
    status.record_run(last, None);
    status
}

fn working(command: &str) -> Working {
    let process = Process::default();
    Working { command: command.into(), run_id: String::new(), started_at: at(NOW - 600), process }
}

fn judge(status: &Status, liveness: &[Liveness]) -> Health {
    Health::of(status, at(NOW), MAX, liveness)
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
fn the_outcome_decides() {
    use Outcome::{Complete, Failed, Interrupted, Partial};
    #[rustfmt::skip]
    let table = [
        (then(Complete, 0, |_| {}),                               Level::Ok,       "last complete run 60 min ago"),
        (then(Partial, 4, |r| r.documents.failed = 1200),         Level::Warning,  "1,200 documents failed"),
        (then(Partial, 4, |r| r.binders.inaccessible = 2),        Level::Warning,  "2 binders are inaccessible"),
        (then(Partial, 4, |r| r.binders.uncertified = 1),         Level::Warning,  "1 listing was not consistent"),
        (then(Partial, 7, |r| r.documents.withheld = 20),         Level::Warning,  "20 removals are withheld"),
        (then(Partial, 7, |_| {}),                                Level::Critical, "none of the known binders"),
        (then(Failed, 3, |_| {}),                                 Level::Critical, "credentials were refused"),
        (then(Failed, 8, |_| {}),                                 Level::Critical, "the disk failed"),
        (then(Partial, 8, |_| {}),                                Level::Critical, "the disk failed"),
        (then(Complete, 8, |_| {}),                               Level::Critical, "the disk failed"),
        (then(Complete, 1, |_| {}),                               Level::Critical, "exit 1"),
        (then(Failed, 1, |_| {}),                                 Level::Critical, "exit 1"),
        (then(Failed, 2, |_| {}),                                 Level::Critical, "exit 2"),
        // One run that can't reach the service is no catastrophe.
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
    // After the clock went back, no age is negative.
    assert!(judge(&complete(-90_000), &[]).perfdata.starts_with("age=0s"));
}

#[test]
fn running_processes_count() {
    use Liveness::{Alive, Elsewhere, Gone};
    let with = |mut status: Status, command: &str| {
        status.at_work.push(working(command));
        status
    };
    let long_ago = |status: Status| {
        let mut status = with(status, "run");
        status.at_work[0].started_at = at(NOW - MAX - 1);
        status
    };
    let never = || Status::new("/m".into(), at(NOW));
    let interrupted = || then(Outcome::Interrupted, 143, |_| {});
    #[rustfmt::skip]
    let table = [
        (with(complete(60), "run"),     Alive,     Level::Ok,       "last complete run"),
        (with(complete(60), "run"),     Gone,      Level::Warning,  "the run that began 10 min ago never finished"),
        (with(complete(60), "run"),     Elsewhere, Level::Ok,       "last complete run"),
        (with(never(), "run"),          Alive,     Level::Warning,  "the first run is in progress"),
        (with(never(), "run"),          Elsewhere, Level::Warning,  "the first run is in progress"),
        (with(interrupted(), "run"),    Elsewhere, Level::Ok,       "last complete run"),
        (long_ago(interrupted()),       Elsewhere, Level::Warning,  "interrupted"),
        (with(never(), "verify"),       Alive,     Level::Critical, "no run has completed yet"),
        (with(never(), "run"),          Gone,      Level::Critical, "no run has completed yet"),
        (with(interrupted(), "run"),    Alive,     Level::Ok,       "last complete run"),
        (with(interrupted(), "verify"), Alive,     Level::Warning,  "interrupted"),
        // A run that takes too long is no excuse.
        (with(complete(MAX + 1), "run"), Alive,    Level::Critical, "no complete run for 26 h"),
    ];
    for (status, liveness, level, words) in table {
        let health = judge(&status, &[liveness]);
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
    assert!(health.headline.contains("24 h ago in 3 documents"), "{health:?}");
    status.damage = None;
    let checked = Checked::default();
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
fn a_copy_that_fails_or_stays_behind_is_a_warning() {
    use CopyResult::{Failed, Stopped, Unchanged};
    let copy = |outcome, failures, success: Option<i64>, behind: Option<i64>| {
        let mut status = complete(3600);
        status.copy = Some(Box::new(CopyStatus {
            location: "s3://b/eken".into(),
            outcome,
            failures,
            last_success_at: success.map(|ago| at(NOW - ago)),
            behind_since: behind.map(|ago| at(NOW - ago)),
            error: (outcome == Failed).then(|| "no such bucket".into()),
            ..CopyStatus::default()
        }));
        status
    };
    let day = 86_400;
    #[rustfmt::skip]
    let table = [
        (copy(Unchanged, 0, Some(3000), None),               None),
        // It is as old as the mirror.
        (copy(Unchanged, 0, Some(3600 + MAX), None),         None),
        (copy(Unchanged, 0, Some(3601 + MAX), None),         Some("the copy at s3://b/eken is 26 h behind the mirror")),
        (copy(Stopped, 0, None, Some(3600)),                 None),
        (copy(Stopped, 0, None, Some(4 * day)),              Some("the copy at s3://b/eken is 3 days behind the mirror")),
        (copy(Failed, 1, Some(day), Some(60)),               Some("the copy at s3://b/eken could not be brought up to date: no such bucket")),
        (copy(Failed, 3, Some(9 * day), Some(3 * day)),      Some("could not be brought up to date, 3 times in a row since 3 days ago: no such bucket")),
    ];
    for (status, words) in table {
        let health = judge(&status, &[]);
        let level = if words.is_some() { Level::Warning } else { Level::Ok };
        assert_eq!(health.level, level, "{}", health.headline);
        assert!(health.headline.contains(words.unwrap_or_default()), "{}", health.headline);
    }
    let health = judge(&then(Outcome::Complete, 9, |_| {}), &[]);
    assert_eq!(health.level, Level::Ok, "the copy has a line of its own: {}", health.headline);
    assert!(judge(&copy(Stopped, 0, None, None), &[]).perfdata.contains(" copy=U "));
}

#[test]
fn the_worst_comes_first_and_the_others_are_listed() {
    let mut status = then(Outcome::Partial, 4, |run| {
        run.documents.failed = 1;
        run.failures.insert(FailureCause::Unavailable, 1);
    });
    status.last_complete_run =
        Some(CompleteRun { run_id: "1".into(), started_at: at(0), finished_at: at(NOW - 5 * 86_400) });
    status.waiting = Waiting { versions: 4, oldest_since: Some(at(NOW - 50)), ..Waiting::default() };
    let health = judge(&status, &[]);
    assert!(health.headline.starts_with("no complete run for 5 days; the limit is 26 h; last"), "{health:?}");
    assert_eq!(health.problems.len(), 3);
    assert_eq!(health.problems[2].text, "4 versions are waiting to be mirrored, the oldest for 50 s");
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

#[test]
fn only_a_run_that_ended_with_0_is_the_last_complete_one() {
    for (outcome, code, taken) in
        [(Outcome::Complete, 0, true), (Outcome::Complete, 8, false), (Outcome::Partial, 4, false)]
    {
        let status = then(outcome, code, |_| {});
        let last = status.last_complete_run.unwrap().finished_at;
        assert_eq!(last == at(NOW - 3600), taken, "{outcome:?} {code}");
    }
}

#[test]
fn a_complete_run_that_found_nothing_is_a_warning() {
    for (listed, filtered, documents, expected) in [
        (2, 0, 12, None),
        (0, 1, 12, None),
        (0, 0, 12, Some("lists no binder")),
        (0, 0, 0, Some("lists no binder")),
        (2, 0, 0, Some("the mirror is empty")),
    ] {
        let mut status = complete(3600);
        status.last_run.as_mut().unwrap().binders = Binders { listed, filtered, ..Binders::default() };
        status.space.as_mut().unwrap().documents = documents;
        let health = judge(&status, &[]);
        let level = if expected.is_some() { Level::Warning } else { Level::Ok };
        assert_eq!(health.level, level, "{listed} {filtered} {documents}: {}", health.headline);
        assert!(health.headline.contains(expected.unwrap_or_default()), "{}", health.headline);
    }
}
