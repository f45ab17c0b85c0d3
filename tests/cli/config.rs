//! The configuration file: its values count like flags, and its errors are reported.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command};

use serde_json::{Value, json};

use crate::program::{Done, Program, bare, finish};

/// A complete configuration file beside the mirror.
fn file(program: &Program, more: &str) -> PathBuf {
    let path = program.beside("config.toml");
    let secret = program.beside("secret");
    let mut text = format!("rate = 0\nclient_secret_file = \"secret\"\ndest = '{}'\n", program.dest.display());
    for (name, value) in program.sandbox.environment() {
        match name {
            "IBINDER_ORG_ID" => text.push_str(&format!("organisation = {value:?}\n")),
            "IBINDER_CLIENT_SECRET" => {
                fs::write(&secret, value).unwrap();
                fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
            }
            _ => text.push_str(&format!("{} = {value:?}\n", name.trim_start_matches("IBINDER_").to_lowercase())),
        }
    }
    fs::write(&path, text + more).unwrap();
    path
}

fn with(file: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = bare(arguments);
    command.env("IBINDER_CONFIG", file);
    command
}

fn done(file: &std::path::Path, arguments: &[&str]) -> Done {
    finish(&mut with(file, arguments))
}

#[test]
fn a_file_is_all_that_a_run_needs() {
    let program = Program::with_documents(3);
    let path = file(&program, "existing = true\n");
    done(&path, &["run"]).says(2, "is the disk mounted? For the first run: `ibinder-sync run --first`");
    done(&path, &["doctor", "--first"]).expect(0);
    let report = done(&path, &["run", "--first", "--json"]).expect(0).json();
    assert_eq!(report["documents"]["added"], 3);
    assert_eq!(done(&path, &["run", "--json"]).expect(0).json()["documents"]["unchanged"], 3);
    for command in [&["verify"][..], &["binders"], &["snapshots"], &["ls"], &["export", "--format=csv"], &["plan"]] {
        done(&path, command).expect(0);
    }
    let mut flag = bare(&["--config"]);
    finish(flag.arg(&path).arg("run")).expect(0);
    // The user's default file.
    let home = program.beside("home");
    fs::create_dir_all(home.join(".config/ibinder-sync")).unwrap();
    let moved =
        fs::read_to_string(&path).unwrap().replace("\"secret\"", &format!("'{}'", program.beside("secret").display()));
    fs::write(home.join(".config/ibinder-sync/config.toml"), moved).unwrap();
    finish(with("".as_ref(), &["run"]).env("HOME", &home)).expect(0);
}

#[test]
fn profiles_are_organisations_of_their_own() {
    let program = Program::with_documents(3);
    let other = program.beside("other");
    let more = format!("[profiles.all]\n[profiles.few]\ndest = '{}'\nexclude = ['**/1.txt']\n", other.display());
    let path = file(&program, &more);
    done(&path, &["run", "--profile", "few"]).expect(0);
    assert!(!program.dest.exists());
    assert!(other.join("Brf Eken/2.txt").exists() && !other.join("Brf Eken/1.txt").exists());
    finish(with(&path, &["run"]).env("IBINDER_PROFILE", "all")).expect(0);
    assert!(program.dest.join("Brf Eken/1.txt").exists());
    done(&path, &["run", "--profile", "fwe"]).says(2, "did you mean few? it has all, few");
    // Values of profiles are missing without a profile.
    fs::write(&path, "[profiles.north]\ndest = \"/srv/north\"\n[profiles.south]\n").unwrap();
    done(&path, &["run"]).says(2, "choose a profile with --profile (north, south)");
    done(&path, &["binders"]).says(2, "choose a profile with --profile (north, south)");
}

#[test]
fn metrics_have_the_profile() {
    let program = Program::with_documents(1);
    let metrics = program.beside("north.prom");
    let file = file(&program, &format!("[profiles.north]\nmetrics_file = {metrics:?}\n"));
    done(&file, &["run", "--profile", "north"]).expect(0);
    assert!(fs::read_to_string(&metrics).unwrap().contains(",profile=\"north\"}"));
    fs::remove_file(&metrics).unwrap();
    done(&file, &["verify", "--profile", "north"]).expect(0);
    assert!(fs::read_to_string(&metrics).unwrap().contains(",profile=\"north\"}"));
    done(&file, &["status", "--profile", "north"]).expect(0);
}

#[test]
fn a_wrong_file_is_2_and_touches_nothing() {
    let program = Program::with_documents(1);
    let both = &["run", "verify"][..];
    #[rustfmt::skip]
    let table = [
        ("max_duration = \"soon\"",    &["run"][..], "config.toml:8 can't be used", "such as 90s"),
        ("max_duration = \"0s\"",      &["run"],     "config.toml:8 can't be used", "more than nothing"),
        ("concurrency = 0",            &["run"],     "config.toml:8 can't be used", "from 1 to 256"),
        ("give_up = \"0s\"",           both,         "config.toml:8 can't be used", "more than nothing"),
        ("max-duration = \"1h\"",      both,         "config.toml:8: max-duration", "did you mean max_duration?"),
        ("concurrency = \"8\"",        both,         "config.toml:8: concurrency",  "such as concurrency = 8"),
        ("client_secret = \"5ecret\"", both,         "config.toml:8: this file must not contain a secret", "client_secret_file"),
        ("= =",                        both,         "config.toml:8: not valid TOML", ""),
    ];
    for (line, commands, place, words) in table {
        let path = file(&program, line);
        for command in commands {
            let done = done(&path, &[command]).says(2, place);
            assert!(done.err.contains(words), "{line}: {}", done.err);
            assert!(done.err.lines().count() == 1 && !done.err.contains("5ecret"), "{line}: {}", done.err);
            assert!(!program.dest.exists(), "{line}");
        }
    }
    done("/nowhere/config.toml".as_ref(), &["run"]).says(2, "no such file");
    // Commands without a mirror don't read it.
    done("/nowhere/config.toml".as_ref(), &["completions", "bash"]).expect(0);
}

#[test]
fn a_rate_on_the_command_line_overrides_a_ceiling_in_the_file() {
    let program = Program::with_documents(1);
    let path = file(&program, "rate_max = 20\n");
    done(&path, &["run"]).says(2, "remove one of them");
    done(&path, &["run", "--rate", "0"]).expect(0);
}

fn shown(file: &std::path::Path, arguments: &[&str], variables: &[(&str, &str)]) -> BTreeMap<String, (Value, Value)> {
    let mut command = with(file, &["config", "show", "--json"]);
    let mut shown = finish(command.args(arguments).envs(variables.iter().copied())).expect(0).json();
    let Value::Array(settings) = shown["settings"].take() else { panic!("{shown}") };
    let setting = |mut s: Value| (s["name"].as_str().unwrap().to_owned(), (s["value"].take(), s["from"].take()));
    settings.into_iter().map(setting).collect()
}

#[test]
fn settings_are_shown_with_their_sources() {
    let program = Program::with_documents(1);
    let path = file(&program, "exclude = [\"**/*.mp4\"]\n[profiles.few]\nmax_removals = 5\n");
    let place = |line: usize| json!(format!("{}:{line}", path.display()));
    let settings = shown(
        &path,
        &["--profile", "few", "--", "--min-free", "1GB", "--existing"],
        &[("IBINDER_EXCLUDE_BINDER", "a;b"), ("IBINDER_RETAIN", "")],
    );
    #[rustfmt::skip]
    let table = [
        ("rate",            json!(0),               place(1)),
        ("dest",            json!(program.dest),    place(3)),
        ("exclude",         json!(["**/*.mp4"]),    place(8)),
        ("max_removals",    json!(5),               place(10)),
        ("exclude_binder",  json!(["a", "b"]),      json!("IBINDER_EXCLUDE_BINDER")),
        ("min_free",        json!("1GB"),           json!("flag")),
        ("existing",        json!(true),            json!("flag")),
        ("concurrency",     json!(8),               json!("default")),
        ("give_up",         json!("30m"),           json!("default")),
        ("retain",          json!(null),            json!(null)),
        ("client_secret",   json!(null),            json!(null)),
    ];
    for (name, value, from) in table {
        assert_eq!(settings[name], (value, from), "{name}");
    }
    let text = done(&path, &["config", "show"]).expect(0).out;
    assert!(text.starts_with(&format!("# from {}, no profile chosen of few\n", path.display())), "{text}");
    // The output is itself a configuration file.
    let again = program.beside("again.toml");
    fs::write(&again, &text).unwrap();
    assert_eq!(shown(&again, &[], &[])["dest"].0, json!(program.dest));
}

#[test]
fn without_a_destination_every_file_is_outside() {
    let show = |more: &[&str]| {
        let mut command = bare(&["config", "show"]);
        finish(command.args(more).current_dir("/").env("IBINDER_STATUS_FILE", "/var/lib/status.json"))
    };
    show(&[]).expect(2);
    show(&["--", "--dest", "/var"]).says(2, "IBINDER_STATUS_FILE can't be used: /var/lib/status.json lies inside");
}

#[test]
fn unusable_values_are_refused() {
    let program = Program::with_documents(1);
    for (line, words) in [
        ("max_duration = \"soon\"", "such as 90s"),
        ("concurrency = 0", "from 1 to 256"),
        ("include = [\"a[\"]", "config.toml:8 can't be used: error parsing glob 'a['"),
        ("dst = \"/srv\"", "did you mean dest?"),
    ] {
        let path = file(&program, line);
        assert_eq!(done(&path, &["config", "show"]).says(2, words).out, "", "{line}");
    }
    let none = "/dev/null".as_ref();
    finish(with(none, &["config", "show"]).env("IBINDER_API_URL", "http://x/")).says(2, "IBINDER_API_URL");
    finish(with(none, &["config", "show"]).env("IBINDER_AUTH_URL", "ftp://x/")).says(2, "IBINDER_AUTH_URL");
    done(none, &["config", "show", "--", "--rate", "fast"]).says(2, "auto, or a number");
}

#[test]
fn what_a_run_still_needs_comes_first() {
    let none = "/dev/null".as_ref();
    let nothing = done(none, &["config", "show"]).expect(2);
    assert!(nothing.out.starts_with("# A run still needs:\n#   dest is not set; give --dest, or "), "{}", nothing.out);
    assert!(!nothing.out.contains("\n#organisation") && !nothing.out.contains("\nrate"), "{}", nothing.out);
    assert_eq!(nothing.err, "");
    let all = done(none, &["config", "show", "--all"]).expect(2).out;
    assert!(all.contains("\n#organisation is not set\n") && all.contains("\nrate = \"auto\""), "{all}");
    let json = done(none, &["config", "show", "--json"]).expect(2).json();
    assert_eq!(json["missing"], json!(["dest", "organisation", "client_id", "client_secret_file"]));
    // One by one, until nothing is missing.
    let program = Program::with_documents(1);
    let path = file(&program, "");
    let complete = fs::read_to_string(&path).unwrap();
    for name in ["dest", "organisation", "client_id", "client_secret_file"] {
        let others: Vec<&str> = complete.lines().filter(|line| !line.starts_with(name)).collect();
        fs::write(&path, others.join("\n")).unwrap();
        let shown = done(&path, &["config", "show"]).expect(2).out;
        let needs: Vec<&str> = shown.lines().take_while(|line| !line.is_empty()).skip(1).collect();
        assert!(needs.len() == 1 && needs[0].starts_with(&format!("#   {name} is not set; ")), "{shown}");
    }
    fs::write(&path, complete).unwrap();
    let shown = done(&path, &["config", "show"]).expect(0).out;
    assert!(shown.starts_with("# from ") && shown.contains("\nrate = 0") && !shown.contains("default\n"), "{shown}");
}

#[test]
fn all_that_is_missing_is_told_at_once_with_where_to_begin() {
    if std::path::Path::new("/etc/ibinder-sync").exists() {
        return crate::skip::skip("this machine has a configuration");
    }
    let file = finish(bare(&["config", "show"]).env_remove("IBINDER_CONFIG").env("HOME", "/nowhere")).out;
    assert!(file.contains("#   there is no configuration file; `ibinder-sync config init` writes one"), "{file}");
    for command in ["run", "plan", "doctor"] {
        for more in [&[][..], &["--dest", "/nowhere"]] {
            let mut command = bare(&[command]);
            let done = finish(command.args(more).env_remove("IBINDER_CONFIG").env("HOME", "/nowhere")).expect(2);
            let text = done.out + &done.err;
            for name in ["IBINDER_ORG_ID", "IBINDER_CLIENT_ID", "IBINDER_CLIENT_SECRET_FILE"] {
                assert_eq!(text.matches(name).count(), 1, "{name}: {text}");
            }
            assert_eq!(text.contains("IBINDER_DEST"), more.is_empty(), "{text}");
            assert!(text.contains("`ibinder-sync config init` writes one, and `ibinder-sync demo "), "{text}");
        }
    }
}

#[test]
fn every_command_warns_of_an_unknown_variable() {
    let program = Program::mirrored(1);
    let slip = |mut command: Command| finish(command.env("IBINDER_MAX_DURATON", "6h"));
    let words = "IBINDER_MAX_DURATON is not known; did you mean IBINDER_MAX_DURATION?";
    let at = |name| {
        let mut command = program.command(&[name, "--dest"]);
        command.arg(&program.dest);
        command
    };
    for name in ["run", "plan", "verify", "status", "binders", "snapshots", "ls"] {
        let done = slip(at(name)).says(0, words);
        assert_eq!(done.err.matches("is not known").count(), 1, "{name}: {}", done.err);
    }
    // It may be the reason for a missing setting.
    let done = finish(bare(&["run"]).env("IBINDER_DST", "/a")).says(2, "did you mean IBINDER_DEST?");
    assert!(done.err.contains("dest is not set"), "{}", done.err);
    let done = slip(bare(&["config", "show"])).says(2, words);
    assert_eq!(done.out, "");
    let done = slip(at("doctor")).expect(2);
    assert!(done.out.contains("FAILURE   IBINDER_MAX_DURATON is not known"), "{}", done.out);
    let json = slip({
        let mut command = program.run_command(&["--json"]);
        command.args(["--log-format", "json"]);
        command
    });
    json.expect(0).err.lines().for_each(|line| drop(serde_json::from_str::<Value>(line).unwrap()));
}

#[test]
fn an_unreadable_secret_is_marked() {
    let program = Program::with_documents(1);
    let path = file(&program, "");
    let secret = program.beside("secret");
    let done_with = |mode| {
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
        done(&path, &["config", "show"])
    };
    assert!(!done_with(0o600).expect(0).out.contains("can't be used"));
    let marked = done_with(0o644).says(2, "chmod 600");
    let line = marked.out.lines().find(|line| line.starts_with("client_secret_file")).unwrap();
    let words = format!("  # {}:2, can't be used: others than its owner can read", path.display());
    assert!(line.contains(&words), "{line}");
    let json = done(&path, &["config", "show", "--json"]).says(2, "chmod 600").json();
    let lines = json["settings"].as_array().unwrap();
    let line = lines.iter().find(|line| line["name"] == "client_secret_file").unwrap();
    assert!(line["note"].as_str().unwrap().starts_with("can't be used: "), "{line}");
    // No command is executed for it.
    let ran = program.beside("ran");
    let mut command = with(&path, &["config", "show"]);
    let touch = format!("touch '{}'", ran.display());
    finish(command.env("IBINDER_CLIENT_SECRET_COMMAND", touch)).expect(0);
    assert!(!ran.exists());
}

#[test]
fn an_unusual_organisation_id_is_marked_and_used() {
    let program = Program::with_documents(1);
    let path = file(&program, "");
    assert!(!done(&path, &["config", "show"]).expect(0).out.contains("odd:"));
    let done = finish(with(&path, &["config", "show"]).env("IBINDER_ORG_ID", "Brf Eken"));
    assert!(done.expect(0).out.contains("# IBINDER_ORG_ID, odd: at iBinder it is a GUID such as 0f8fad5b-"));
}

#[test]
fn a_file_is_created_and_never_replaced() {
    let program = Program::with_documents(1);
    let home = program.beside("home");
    let path = home.join("sub/config.toml");
    let init = || finish(bare(&["config", "init", "--to"]).arg(&path));
    let told = init().expect(0).out;
    for step in ["config show", "doctor", "run"] {
        let step = format!("ibinder-sync {step} --config {}", path.display());
        assert!(told.contains(&step), "{step}: {told}");
    }
    // In the default place, the steps don't name the file.
    let mut usual = bare(&["config", "init"]);
    let told = finish(usual.env("IBINDER_CONFIG", home.join("found.toml"))).expect(0).out;
    assert!(told.contains("ibinder-sync doctor --first\n") && !told.contains("--config"), "{told}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    done(&path, &["config", "show"]).expect(2);
    fs::write(&path, "dest = \"/mine\"\n").unwrap();
    init().says(2, "is there already");
    assert_eq!(fs::read_to_string(&path).unwrap(), "dest = \"/mine\"\n");
    let blocked = path.join("config.toml");
    finish(bare(&["config", "init", "--to"]).arg(&blocked)).says(2, "cannot be written");
}

#[test]
fn the_schema_is_json() {
    let schema = finish(&mut bare(&["config", "schema"])).expect(0).json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["existing"]["type"], "boolean");
}
