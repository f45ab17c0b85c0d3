//! Help texts, as printed. `INSTA_UPDATE=always cargo test --test cli` accepts new ones.

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
        "status",
        "verify",
        "config",
        "binders",
        "recover",
        "adopt",
        "snapshots",
        "changes",
        "find",
        "ls",
        "history",
        "restore",
        "export",
        "handover",
        "replicate",
        "demo",
        "sandbox",
        "completions",
        "man",
    ] {
        let text = help(&[command, "--help"]);
        assert!(text.contains("Example"), "{command} has no example");
        insta::assert_snapshot!(format!("help_{command}"), text);
    }
}

#[test]
fn the_version_is_printed() {
    assert_eq!(help(&["--version"]), concat!("ibinder-sync ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(help(&["completions", shell]).contains("ibinder-sync"), "{shell}");
    }
}

#[test]
fn there_is_a_page_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("man/man1");
    finish(bare(&["man", "--to"]).arg(&to)).expect(0);
    let page = |name: &str| std::fs::read_to_string(to.join(name)).unwrap();
    assert_eq!(page("ibinder-sync.1"), help(&["man"]));
    let commands = help(&["--help"]);
    let commands = commands.split("Commands:\n").nth(1).unwrap().lines().take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"run") && names.contains(&"man"), "{names:?}");
    for name in names.iter().filter(|name| **name != "help") {
        let text = page(&format!("ibinder-sync-{name}.1"));
        assert!(text.contains(&format!(".TH ibinder-sync-{name} 1")), "{text}");
        assert!(text.contains(".SH EXAMPLES\n.nf\n"), "{text}");
    }
    let run = page("ibinder-sync-run.1");
    assert!(run.contains("[\\fB\\-\\-dest\\fR]") && !run.contains("<\\fB\\-\\-dest\\fR>"), "{run}");
    assert!(page("ibinder-sync-binders-forget.1").contains("\\fIBINDER\\fR"));
    assert!(!to.join("ibinder-sync-help.1").exists());
}

#[test]
fn a_file_as_folder_for_pages_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    finish(bare(&["man", "--to"]).arg(file.join("man1"))).says(2, "give --to a folder");
}
