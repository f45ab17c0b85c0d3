//! Credentials, tokens and the query strings of links appear nowhere.

use std::{fs, os::unix::fs::PermissionsExt as _};

use ibinder_sync::sandbox::{FaultKind, Faults, Reply, Route};
use serde_json::json;

use crate::program::{Program, finish, snapshot};

#[test]
fn nothing_shows_secrets() {
    let program = Program::with_documents(12);
    let faults =
        [FaultKind::Internal, FaultKind::Drop, FaultKind::ExpiredLink, FaultKind::Garbage, FaultKind::Truncate];
    program.sandbox.set_faults(faults.into_iter().fold(Faults::none(), |all, kind| all.with(kind, 0.1)));
    let mut said = String::new();
    for flags in [&["-vv"][..], &["-vv", "--json"], &["-vv", "--log-format", "json"]] {
        program.sandbox.script(Route::DownloadLink, vec![Reply::status(401)]);
        let done = finish(program.run_command(flags).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1"));
        said.push_str(&done.out);
        said.push_str(&done.err);
        program.sandbox.with_organisation(|o| {
            for document in o.documents() {
                o.revise(&document.id, format!("revised for {flags:?}")).unwrap();
            }
        });
    }
    // Proxies and the service itself repeat what they receive, or redirect it elsewhere.
    for reply in echoes(&program) {
        for route in [Route::Binders, Route::Drive, Route::Search, Route::DownloadLink, Route::Blob, Route::Token] {
            program.sandbox.script(route, vec![reply(&program)]);
        }
        program.sandbox.with_organisation(|o| {
            let id = o.documents()[0].id.clone();
            o.revise(&id, "revised once more").unwrap();
        });
        program.sandbox.revoke_tokens();
        let done = finish(program.run_command(&["-vv", "--json"]).env("RUST_LOG", "trace"));
        said.push_str(&done.out);
        said.push_str(&done.err);
        assert!(!done.err.contains("panicked"), "{}", done.err);
    }
    // Unusable links.
    program.sandbox.set_faults(Faults::none());
    for link in ["http://203.0.113.1/a?signature=5ecret", "ftp://127.0.0.1/a?signature=5ecret", "5ecret"] {
        program.sandbox.script(Route::DownloadLink, vec![Reply::json(200, &serde_json::json!({"url": link}))]);
    }
    let done = finish(program.run_command(&["-vv"]).env("RUST_LOG", "trace"));
    said.push_str(&done.out);
    said.push_str(&done.err);
    finish(program.run_command(&["-vv", "--json"]).env("IBINDER_CLIENT_SECRET", "another 5ecret")).expect(3);

    assert!(said.len() > 1000, "{said}");
    let tokens = program.sandbox.tokens();
    assert!(tokens.len() > 3);
    let environment = program.sandbox.environment();
    let secret = environment.iter().find(|(name, _)| *name == "IBINDER_CLIENT_SECRET").unwrap().1.clone();
    // Every link of the sandbox has `sig` and `sp` in its query.
    let words = [secret, "sig=".to_owned(), "sp=r".to_owned(), "signature".to_owned(), "5ecret".to_owned()];
    let hidden: Vec<String> = tokens.into_iter().chain(words).collect();
    for secret in &hidden {
        assert!(!said.contains(secret), "{secret} is said");
    }
    let found = snapshot(&program.dest);
    assert!(found.keys().any(|path| path.ends_with("state.db")));
    for (path, (bytes, _)) in found {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!hidden.iter().any(|secret| text.contains(secret.as_str())), "{} shows a secret", path.display());
    }
    let report = fs::read_to_string(program.state("last-run.json")).unwrap();
    assert!(report.contains("refused"), "{report}");
}

#[test]
fn no_source_of_the_secret_shows_it() {
    let program = Program::with_documents(2);
    let environment = program.sandbox.environment();
    let secret = &environment.iter().find(|(name, _)| *name == "IBINDER_CLIENT_SECRET").unwrap().1;
    let file = program.beside("secret");
    fs::write(&file, secret).unwrap();
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    let printed = format!("echo {secret}");
    let failing = format!("echo {secret}; exit 3 # {secret}");
    let two_lines = format!("client_secret_command = \"{printed}\"\nclient_secret_file = \"{}\"\n", file.display());
    let plain = format!("client_secret = \"{secret}\"\n");
    let broken = format!("client_secret_command = \"{printed}\n");
    let address = format!("ping_url = \"https://hc.example.com/{secret}\"\non_failure = \"tell {secret}\"\ndst = 1\n");
    let config = program.beside("config.toml");
    let path = file.to_str().unwrap();
    #[rustfmt::skip]
    let table = [
        // file's mode, configuration file, variable,                                          code of a run
        (0o600, "",         Some(("IBINDER_CLIENT_SECRET", secret.as_str())),                  0),
        (0o600, "",         Some(("IBINDER_CLIENT_SECRET_FILE", path)),                        0),
        (0o644, "",         Some(("IBINDER_CLIENT_SECRET_FILE", path)),                        2),
        (0o600, "",         Some(("IBINDER_CLIENT_SECRET_COMMAND", printed.as_str())),         0),
        (0o600, "",         Some(("IBINDER_CLIENT_SECRET_COMMAND", failing.as_str())),         2),
        (0o600, &two_lines, None,                                                              2),
        (0o600, &plain,     None,                                                              2),
        (0o600, &broken,    None,                                                              2),
        (0o600, &address,   None,                                                              2),
    ];
    for (bits, text, variable, code) in table {
        mode(bits);
        fs::write(&config, text).unwrap();
        for arguments in [&["run", "-vv", "--rate", "0"][..], &["config", "show"], &["config", "show", "--json"]] {
            let mut command = program.command(arguments);
            command
                .env_remove("IBINDER_CLIENT_SECRET")
                .env("IBINDER_CONFIG", &config)
                .env("IBINDER_DEST", &program.dest);
            command.env("RUST_LOG", "trace").envs(variable);
            let done = finish(&mut command);
            if arguments[0] == "run" || !text.is_empty() {
                assert_eq!(done.code, code, "{variable:?} {text}: {}", done.err);
            }
            assert!(!done.out.contains(secret) && !done.err.contains(secret), "{}{}", done.out, done.err);
            assert!(!(done.out + &done.err).is_empty());
        }
    }
}

#[test]
fn addresses_and_commands_are_not_shown() {
    let program = Program::with_documents(1);
    let config = program.beside("config.toml");
    fs::write(&config, "ping_url = \"https://hc.example.com/5ecret\"\non_failure = \"tell 5ecret\"\n").unwrap();
    for arguments in [&["config", "show"][..], &["config", "show", "--json"]] {
        let done = finish(program.command(arguments).env("IBINDER_CONFIG", &config)).expect(2);
        assert!(done.out.contains("https://hc.example.com/…") && done.out.contains("on_failure"), "{}", done.out);
        assert!(!done.out.contains("5ecret"), "{}", done.out);
    }
}

#[test]
fn an_error_shows_no_backtrace() {
    let program = Program::with_documents(1);
    let done = finish(program.run_command(&["--existing"]).env("RUST_BACKTRACE", "1")).expect(2);
    assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    let mut command = program.run_command(&[]);
    finish(command.env("RUST_BACKTRACE", "full").env("IBINDER_CLIENT_SECRET", "wrong")).expect(3);
}

type Echo = Box<dyn Fn(&Program) -> Reply>;

/// Errors of a proxy and of the service that repeat the newest token, a link or the secret, and redirects that
/// contain it.
fn echoes(program: &Program) -> Vec<Echo> {
    let environment = program.sandbox.environment();
    let secret = environment.into_iter().find(|(name, _)| *name == "IBINDER_CLIENT_SECRET").unwrap().1;
    let token = |program: &Program| program.sandbox.tokens().pop().unwrap();
    let storage = program.sandbox.storage_url();
    let html = move |program: &Program| {
        let text = format!("<html>Authorization: Bearer {} client_secret={secret}</html>", token(program));
        Reply::body(502, "text/html", text)
    };
    let problem = move |program: &Program| {
        let link = format!("{storage}/b?signature=5ecret&t={}", token(program));
        let body =
            json!({"type": "about:blank", "title": link, "status": 400, "errors": {&link: [&link]}, "traceId": "t"});
        Reply::body(400, "application/problem+json", body.to_string())
    };
    let redirect = move |program: &Program| {
        let place = format!("http://127.0.0.1:1/?access_token={}&signature=5ecret", token(program));
        Reply::status(302).header("location", &place)
    };
    vec![Box::new(html), Box::new(problem), Box::new(redirect)]
}
