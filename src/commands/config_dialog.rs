//! `config init` at a terminal: asks, writes the file and the secret, and ends with `doctor`.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use jiff::civil::Time;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    cli::Doctor,
    commands::doctor,
    config::{self, Answers, Environment, Key, NAMES, NewConfig, NewSecret, Sources, clean_secret},
    model::is_guid,
    session::{Error, Exit},
    ui,
};

/// Asks, writes what was answered, and checks it.
pub(super) fn begin(new: &NewConfig, unknown: &[config::Error], environment: Environment<'_>) -> Exit {
    let asked = ask(new).and_then(|(answers, time)| {
        new.write_answers(&answers)?;
        Ok((answers, time))
    });
    match asked {
        Ok((answers, time)) => {
            ui::print(&format!("\nWrote {}. Now `doctor` checks it:\n\n", shown(&new.path)));
            let exit = check(new, &answers, unknown, environment);
            ui::print(&next_steps(new, &answers, time, exit.code() == 0));
            exit
        }
        Err(error) => {
            ui::print_error(&error);
            error.exit()
        }
    }
}

fn ask(new: &NewConfig) -> Result<(Answers, Option<Time>), Error> {
    ui::print(&format!(
        "This will write {}.\nNothing is written before the last answer; Ctrl-C ends it.\n\n",
        shown(&new.path)
    ));
    let ask_profile = || question("Name of the profile, such as eken", None, profile);
    let profile = new.is_of_service().then(ask_profile).transpose()?;
    let organisation = question("Organisation's id (a GUID)", None, organisation)?;
    let client_id = question("API client's id", None, |text| checked(NAMES.client_id, text))?;
    let secret = secret(new, profile.as_deref())?;
    let home = profile.as_ref().map(|name| format!("/var/lib/ibinder-sync/{name}"));
    let dest =
        question("Folder of the mirror", home.as_deref().or(Some("/srv/mirror")), |text| path(NAMES.dest, text))?;
    // The package's timer has its own time.
    let time =
        if profile.is_some() { None } else { question("Time of the nightly run, or `no`", Some("01:30"), time)? };
    Ok((Answers { profile, organisation, client_id, secret, dest }, time))
}

fn secret(new: &NewConfig, profile: Option<&str>) -> Result<NewSecret, Error> {
    let file = new.secret_file(profile);
    ui::print(&format!(
        "API client's secret:\n  1  type it now; it goes into {}\n  2  it is in a file\n  3  a command prints it\n",
        shown(&file)
    ));
    let way = question("Which of these", Some("1"), |text| match text {
        "1" if file.symlink_metadata().is_ok() => Err(format!("{} is there already; 2 uses it", shown(&file))),
        "1" | "2" | "3" => Ok(text.to_owned()),
        _ => Err("answer 1, 2 or 3".to_owned()),
    })?;
    match way.as_str() {
        "1" => typed().map(NewSecret::Typed),
        "2" => question("File with the secret", None, |text| path(NAMES.client_secret_file, text)).map(NewSecret::File),
        _ => question("Command that prints the secret", None, |text| checked(NAMES.client_secret_command, text))
            .map(NewSecret::Command),
    }
}

/// A secret that is typed unseen.
fn typed() -> Result<SecretString, Error> {
    loop {
        let secret = ui::ask_secret("Secret (it is not shown): ").map_err(Error::Runtime)?.ok_or(Error::Unanswered)?;
        match clean_secret(secret.expose_secret()) {
            Ok(Some(secret)) => return Ok(secret),
            Ok(None) => ui::print("  It is empty.\n"),
            Err(why) => ui::print(&format!("  It {why}.\n")),
        }
    }
}

/// Asks until the answer is good.
fn question<T>(text: &str, default: Option<&str>, check: impl Fn(&str) -> Result<T, String>) -> Result<T, Error> {
    let shown = default.map(|default| format!(" [{default}]")).unwrap_or_default();
    loop {
        let line = ui::ask_line(&format!("{text}{shown}: ")).map_err(Error::Runtime)?.ok_or(Error::Unanswered)?;
        let answer = if line.is_empty() { default.unwrap_or_default() } else { &line };
        let checked = if answer.is_empty() { Err("an answer is needed".to_owned()) } else { check(answer) };
        match checked {
            Ok(answer) => return Ok(answer),
            Err(why) => ui::print(&format!("  {}\n", ui::escape(&why))),
        }
    }
}

fn checked(name: &str, text: &str) -> Result<String, String> {
    Key::named(name).map_or(Ok(()), |key| key.check(&[OsString::from(text)]))?;
    Ok(text.to_owned())
}

/// A name instead of the id, or another value of the same page, would only be noticed as a refusal by the service.
fn organisation(text: &str) -> Result<String, String> {
    if is_guid(text.as_bytes()) {
        checked(NAMES.organisation, text)
    } else {
        Err("that is no GUID, such as 0f8fad5b-d9cb-469f-a165-70867728950e; copy \"Organisations id\" from iBinder"
            .to_owned())
    }
}

/// A path of the file, which has no home folder and no working folder.
fn path(name: &str, text: &str) -> Result<String, String> {
    if Path::new(text).is_absolute() {
        checked(name, text)
    } else {
        Err("write the whole path, from the first /".to_owned())
    }
}

fn profile(text: &str) -> Result<String, String> {
    let is_good = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') && !text.starts_with('-');
    match text {
        "status" => Err("that folder has the copies of the status; choose another name".to_owned()),
        _ if is_good => Ok(text.to_owned()),
        _ => Err("use letters, digits, _ and -".to_owned()),
    }
}

/// A time of the day; `None` for none.
fn time(text: &str) -> Result<Option<Time>, String> {
    if text == "no" {
        return Ok(None);
    }
    Time::strptime("%H:%M", text).map(Some).map_err(|_| "write it like 01:30, or `no`".to_owned())
}

/// Runs `doctor` as runs will be carried out.
fn check(new: &NewConfig, answers: &Answers, unknown: &[config::Error], environment: Environment<'_>) -> Exit {
    if let (true, Some(profile)) = (new.is_of_service(), &answers.profile) {
        let status = Command::new("ibinder-sync-as").args([profile, "doctor", "--first"]).status();
        return match status {
            Ok(status) => Exit::Other(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
            Err(error) => {
                ui::print(&format!("`ibinder-sync-as` can't be started: {error}\n"));
                Exit::Unexpected
            }
        };
    }
    match Sources::load(Some(&new.path), answers.profile.as_deref(), environment) {
        Ok(sources) => doctor(&Doctor::first(), &sources, unknown, environment),
        Err(error) => {
            ui::print_error(&error);
            Exit::Usage
        }
    }
}

fn next_steps(new: &NewConfig, answers: &Answers, time: Option<Time>, is_good: bool) -> String {
    let before = if is_good { "" } else { "Fix that first, and check it with `doctor --first`. " };
    if let (true, Some(name)) = (new.is_of_service(), &answers.profile) {
        return format!(
            "\n{before}The first run, and then one every night between 01:30 and 02:30:\n  ibinder-sync-as {name} run --first\n  \
             systemctl enable --now ibinder-sync@{name}.timer\n"
        );
    }
    let place = if new.is_found { String::new() } else { format!(" --config {}", quoted(&absolute(&new.path))) };
    let mut text = format!("\n{before}The first run:\n  ibinder-sync run{place} --first\n");
    if let Some(time) = time {
        let program = std::env::current_exe().map_or("ibinder-sync".to_owned(), |path| quoted(&path));
        // In a crontab, a percent sign ends the command.
        let command = format!("{program} run{place} --quiet").replace('%', "\\%");
        let (minute, hour) = (time.minute(), time.hour());
        text.push_str(&format!(
            "Then every night, with this line in `crontab -e`:\n  {minute} {hour} * * * {command}\n"
        ));
    }
    text
}

/// Cron has another working folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A path for a shell.
fn quoted(path: &Path) -> String {
    let text = shown(path);
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b));
    if is_plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn shown(path: &Path) -> String {
    ui::escape(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_checked() {
        #[rustfmt::skip]
        let table = [
            (profile("eken"),                          true),
            (profile("status"),                        false),
            (profile("a.b"),                           false),
            (profile("-a"),                            false),
            (path(NAMES.dest, "/srv/mirror"),          true),
            (path(NAMES.dest, "~/mirror"),             false),
            (path(NAMES.dest, "mirror"),               false),
            (checked(NAMES.organisation, "AB"),        true),
            (time("23:05").map(|_| String::new()),     true),
            (time("no").map(|_| String::new()),        true),
            (time("25:00").map(|_| String::new()),     false),
            (time("soon").map(|_| String::new()),      false),
        ];
        for (answer, is_good) in table {
            assert_eq!(answer.is_ok(), is_good, "{answer:?}");
        }
    }

    #[test]
    fn a_line_for_cron_runs_the_same_configuration() {
        let secret = NewSecret::File("/s".into());
        let answers =
            Answers { profile: None, organisation: "AB".into(), client_id: "c".into(), secret, dest: "/m".into() };
        let new = NewConfig { path: "/home/it's 5%/c.toml".into(), for_group: false, is_found: false };
        let steps = next_steps(&new, &answers, time("05:07").unwrap(), true);
        assert!(steps.contains(r"ibinder-sync run --config '/home/it'\''s 5%/c.toml' --first"), "{steps}");
        let line = steps.lines().last().unwrap();
        assert!(
            line.starts_with("  7 5 * * * /") && line.ends_with(r" run --config '/home/it'\''s 5\%/c.toml' --quiet"),
            "{line}"
        );
        let found = NewConfig { is_found: true, ..new };
        assert!(next_steps(&found, &answers, None, true).ends_with("\n  ibinder-sync run --first\n"));
    }
}
