//! What a status remembers, and for how long.

use jiff::Timestamp;

use crate::{
    monitoring::{Damage, LastRound, LastVerify, Liveness, Process, ProcessState, Status, StatusError, Working},
    report::{Checked, VerifyOutcome},
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn process(pid: u32) -> Process {
    Process { pid, host: "a".into(), boot: "1".into(), ids: "x".into(), began: Some(500) }
}

fn working(command: &str, pid: u32) -> Working {
    Working { command: command.into(), run_id: String::new(), started_at: at(0), process: process(pid) }
}

fn verify(outcome: VerifyOutcome, second: i64, (read, all): (u64, u64), damaged: u64) -> LastVerify {
    let checked = |documents| Checked { documents, ..Checked::default() };
    LastVerify {
        outcome,
        exit_code: 0,
        started_at: at(second),
        finished_at: at(second),
        checked: checked(read),
        mirrored: checked(all),
        damaged,
        repaired: 0,
    }
}

#[test]
fn liveness_of_a_process() {
    use Liveness::{Alive, Elsewhere, Gone};
    let at = |host: &str, boot: &str, ids: &str| Process {
        host: host.into(),
        boot: boot.into(),
        ids: ids.into(),
        pid: 9,
        began: Some(1),
    };
    let (same, another, hidden) =
        (ProcessState::Somebody(Some(500)), ProcessState::Somebody(Some(501)), ProcessState::Somebody(None));
    #[rustfmt::skip]
    let table = [
        ("1", at("a", "1", "x"), same,         Alive),
        ("1", at("a", "1", "x"), ProcessState::Nobody, Gone),
        ("1", at("a", "1", "x"), another,      Gone),      // the id was reused
        ("1", at("a", "1", "x"), hidden,       Elsewhere), // its owner is hidden
        ("1", at("a", "1", "y"), same,         Elsewhere), // a container of this machine
        ("1", at("a", "1", ""),  same,         Elsewhere),
        ("1", at("a", "2", "x"), same,         Gone),      // the machine was rebooted
        ("1", at("b", "2", "x"), ProcessState::Nobody, Elsewhere),
        ("1", at("",  "2", "x"), ProcessState::Nobody, Elsewhere),
        // One of the two, or neither, may not know its boot id.
        ("",  at("a", "1", "x"), same,         Alive),
        ("",  at("a", "1", "x"), another,      Gone),
        ("",  at("a", "1", "x"), ProcessState::Nobody, Gone),
        ("1", at("a", "",  "x"), same,         Alive),
        ("",  at("a", "",  "x"), same,         Alive),
        ("",  at("a", "",  "x"), another,      Gone),
        ("",  at("a", "",  "x"), hidden,       Elsewhere),
        ("",  at("b", "",  "x"), ProcessState::Nobody, Elsewhere),
        ("",  at("",  "",  ""),  ProcessState::Nobody, Elsewhere),
    ];
    for (boot, seen_by, seen, expected) in table {
        let process = Process { boot: boot.into(), ..process(7) };
        let liveness = process.liveness(&seen_by, |pid| if pid == 7 { seen } else { ProcessState::Nobody });
        assert_eq!(liveness, expected, "{boot:?} {seen_by:?} {seen:?}");
    }
    let nameless = Process { began: None, ..process(7) };
    assert_eq!(nameless.liveness(&at("a", "1", "x"), |_| same), Elsewhere);
}

#[test]
fn a_new_process_removes_killed_ones() {
    let mut status = Status::new("/m".into(), at(0));
    for (command, pid) in [("run", 1), ("verify", 2), ("verify", 3)] {
        status.begin(working(command, pid), |_| ProcessState::Somebody(Some(500)));
    }
    let commands = |status: &Status| status.at_work.iter().map(|w| w.process.pid).collect::<Vec<_>>();
    assert_eq!(commands(&status), [1, 2, 3]);
    // 1 had the lock, which 4 has now; 2 is dead; 3 only reads.
    status.begin(
        working("run", 4),
        |pid| if pid == 2 { ProcessState::Nobody } else { ProcessState::Somebody(Some(500)) },
    );
    assert_eq!(commands(&status), [3, 4]);
    status.end(&process(4));
    assert_eq!(commands(&status), [3]);
}

#[test]
fn damage_stays_until_everything_was_read() {
    let mut status = Status::new("/m".into(), at(0));
    status.record_verify(verify(VerifyOutcome::Damaged, 10, (5, 9), 2), None, None);
    assert_eq!(status.damage, Some(Damage { found_at: at(10), left: 2 }));
    let round = |began, damaged| Some(LastRound { began_at: Some(at(began)), ended_at: at(60), damaged });
    status.record_verify(verify(VerifyOutcome::Sound, 20, (5, 9), 0), None, None);
    status.record_verify(verify(VerifyOutcome::Sound, 30, (5, 9), 0), round(5, 0), None);
    status.record_verify(verify(VerifyOutcome::Sound, 40, (5, 9), 0), round(50, 1), None);
    status.record_verify(verify(VerifyOutcome::Interrupted, 45, (9, 9), 0), None, None);
    assert!(status.damage.is_some());
    let before = status.clone();
    status.record_verify(verify(VerifyOutcome::Sound, 50, (9, 9), 0), None, None);
    assert_eq!(status.damage, None);
    let mut status = before;
    status.record_verify(verify(VerifyOutcome::Sound, 60, (4, 9), 0), round(50, 0), None);
    assert_eq!(status.damage, None);
}

#[test]
fn a_status_is_read_as_written() {
    let mut status = Status::new("/m".into(), at(100));
    status.begin(working("run", 4), |_| ProcessState::Nobody);
    status.record_verify(verify(VerifyOutcome::Sound, 50, (9, 9), 0), None, None);
    assert_eq!(Status::read(status.text().as_bytes()), Ok(status.clone()));
    // An unknown field of a later version, and a missing field of an earlier one.
    let mut json: serde_json::Value = serde_json::from_str(&status.text()).unwrap();
    json["mood"] = "fine".into();
    json.as_object_mut().unwrap().remove("waiting");
    assert_eq!(Status::read(json.to_string().as_bytes()), Ok(status));
    json["format"] = 2.into();
    assert_eq!(Status::read(json.to_string().as_bytes()), Err(StatusError::Later(2)));
    for bad in ["", "{}", "[]", r#"{"format":1}"#] {
        assert!(matches!(Status::read(bad.as_bytes()), Err(StatusError::Garbled(_))), "{bad}");
    }
}
