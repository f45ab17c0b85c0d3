//! `verify`: exit codes and output; without `--repair` it changes nothing.

use std::fs;

use ibinder_sync::mirror::Mirror;
use serde_json::Value;

use crate::program::{Done, Program, bare, finish};

fn verify(program: &Program, flags: &[&str]) -> Done {
    finish(bare(&["verify"]).arg("--dest").arg(&program.dest).args(flags))
}

fn damage(program: &Program) {
    fs::remove_file(program.dest.join("Brf Eken/0.txt")).unwrap();
}

#[test]
fn sound_is_0_also_while_the_lock_is_held() {
    let program = Program::mirrored(3);
    let held = Mirror::open(&program.dest).unwrap();
    let done = verify(&program, &[]).expect(0);
    assert!(done.out.starts_with("Sound: 3 of 3 documents"), "{}", done.out);
    verify(&program, &["--repair"]).says(5, "another command is at work");
    drop(held);
    let report = verify(&program, &["--json"]).expect(0).json();
    assert_eq!((&report["outcome"], &report["checked"]["documents"]), (&"sound".into(), &3.into()));
    assert_eq!(verify(&program, &["-q"]).expect(0).out, "");
}

#[test]
fn damage_is_6_until_it_is_repaired() {
    let program = Program::mirrored(3);
    damage(&program);
    let report = verify(&program, &["--json"]).expect(6).json();
    let finding = &report["findings"][0];
    assert_eq!((&finding["kind"], &finding["path"]), (&"missing".into(), &"Brf Eken/0.txt".into()));
    assert!(!program.dest.join("Brf Eken/0.txt").exists(), "it only looks");
    // Without credentials it says which are missing.
    let done = verify(&program, &["--repair"]).expect(6);
    assert!(done.out.contains("IBINDER_ORG_ID"), "{}", done.out);
    let mut repair = program.command(&["verify", "--repair", "--json"]);
    let report = finish(repair.arg("--dest").arg(&program.dest)).expect(0).json();
    assert_eq!((&report["damaged"], &report["repaired"]), (&1.into(), &1.into()));
    assert_eq!(fs::read(program.dest.join("Brf Eken/0.txt")).unwrap(), b"bytes 0");
    verify(&program, &[]).expect(0);
}

#[test]
fn a_rolling_check_keeps_its_position() {
    let program = Program::mirrored(4);
    for _ in 0..4 {
        verify(&program, &["--sample", "25%"]).expect(0);
    }
    let note: Value = serde_json::from_slice(&fs::read(program.state("last-verify.json")).unwrap()).unwrap();
    assert_eq!(note["last_round"]["checked"]["documents"], 4);
    verify(&program, &["--budget", "1h"]).expect(0);
    verify(&program, &["--sample", "5%", "--budget", "1h"]).expect(2);
    verify(&program, &["--sample", "0%"]).expect(2);
}

#[test]
fn a_damaged_state_is_1_with_the_next_step() {
    let program = Program::mirrored(2);
    for damage in [b"no database, and longer than a head of one, ".repeat(100), Vec::new()] {
        fs::write(program.state("state.db"), damage).unwrap();
        let done = verify(&program, &["--json"]).says(1, "recover");
        assert!(done.err.contains("adopt"), "{}", done.err);
        assert_eq!(done.json()["state"], "damaged");
    }
    fs::remove_file(program.state("state.db")).unwrap();
    verify(&program, &[]).expect(1);
}

#[test]
fn scrub_is_in_the_report() {
    let program = Program::mirrored(2);
    let report = program.run(&["--json", "--scrub", "100%"]).expect(0).json();
    assert_eq!(report["scrub"]["documents"], 2);
    assert!(program.run(&["--json"]).expect(0).json()["scrub"].is_null());
    program.run(&["--scrub", "0%"]).expect(2);
}
