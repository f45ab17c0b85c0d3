//! Neither a mirror nor other output inside a mirror.

use std::{fs, os::unix::fs::symlink};

use crate::program::{Done, Program, finish, snapshot};

fn on(program: &Program, arguments: &[&str]) -> Done {
    finish(program.command(arguments).arg("--dest").arg(&program.dest))
}

#[test]
fn no_mirror_is_made_inside_another_one() {
    let program = Program::mirrored(2);
    let (link, state) = (program.beside("link"), program.state("objects/x"));
    symlink(program.dest.join("Brf Eken"), &link).unwrap();
    let before = snapshot(&program.dest);
    for dest in [
        &program.dest.join("x"),
        &program.dest.join("Brf Eken"),
        &program.dest.join("no/such/folder"),
        &program.beside("no/../mirror/x"),
        &program.state(""),
        &state,
        &link,
        &link.join("x"),
    ] {
        for command in ["run", "adopt", "plan"] {
            let mut command = program.command(&[command, "--dest"]);
            finish(command.arg(dest)).says(2, "inside the mirror");
        }
        let done = finish(program.command(&["doctor", "--dest"]).arg(dest)).expect(2);
        let unbroken = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unbroken.contains("inside the mirror"), "{}", done.out);
    }
    let after = snapshot(&program.dest);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    program.run(&[]).expect(0);
}

#[test]
fn no_mirror_is_made_above_another_one() {
    let program = Program::mirrored(2);
    let above = program.beside("");
    for command in ["run", "adopt", "plan"] {
        finish(program.command(&[command, "--dest"]).arg(&above)).says(2, "contains the mirror");
    }
    assert!(!above.join(".ibinder-sync").exists());
}

#[test]
fn no_output_is_written_into_another_mirror() {
    let (program, other) = (Program::mirrored(1), Program::mirrored(1));
    let link = program.beside("link");
    symlink(&other.dest, &link).unwrap();
    let before = snapshot(&other.dest);
    for into in [&other.dest, &other.dest.join("Brf Eken"), &link, &link.join("Brf Eken"), &program.dest] {
        let at = |name: &str| into.join(name).to_str().unwrap().to_owned();
        for arguments in [
            &["restore", "--at", "now", "--to", &at("new")][..],
            &["export", "--format", "csv", "--to", &at("a.csv")],
            &["export", "--sidecars", &at("side")],
            &["handover", "--to", &at("bag")],
            &["handover", "--zip", "--to", &at("bag.zip")],
        ] {
            on(&program, arguments).says(2, "inside the mirror");
        }
        finish(program.command(&["man", "--to"]).arg(at("man"))).says(2, "inside the mirror");
        finish(program.command(&["config", "init", "--to"]).arg(at("c.toml"))).says(2, "inside the mirror");
    }
    assert_eq!(snapshot(&other.dest), before);
    let beside = program.beside("restored");
    on(&program, &["restore", "--at", "now", "--to", beside.to_str().unwrap()]).expect(0);
    assert_eq!(fs::read(beside.join("Brf Eken/0.txt")).unwrap(), b"bytes 0");
}
