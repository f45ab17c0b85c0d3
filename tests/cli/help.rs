//! Help texts, as they are printed. `INSTA_UPDATE=always cargo test --test cli` takes new ones over.

use crate::program::{bare, finish};

fn help(arguments: &[&str]) -> String {
    finish(&mut bare(arguments)).expect(0).out
}

#[test]
fn help_texts() {
    insta::assert_snapshot!("help", help(&["--help"]));
    for command in [
        "run",
        "plan",
        "verify",
        "binders",
        "recover",
        "adopt",
        "snapshots",
        "ls",
        "history",
        "restore",
        "demo",
        "sandbox",
        "completions",
    ] {
        let text = help(&[command, "--help"]);
        assert!(text.contains("Example"), "{command} has no example");
        insta::assert_snapshot!(format!("help_{command}"), text);
    }
}

#[test]
fn the_version_is_told() {
    assert_eq!(help(&["--version"]), concat!("ibinder-sync ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(help(&["completions", shell]).contains("ibinder-sync"), "{shell}");
    }
}
