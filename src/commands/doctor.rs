//! `doctor`.

use std::{ffi::OsString, path::Path, sync::Arc};

use jiff::Timestamp;
use url::Url;

use crate::{
    cli::Doctor,
    config::{self, CopySettings, Sources, check_output_path},
    doctor::{self, Visit, destination, visit},
    mirror::{self, DestinationKind, Root},
    monitoring::{STATUS, Status},
    notify,
    remote::Settings,
    report::{Area, Check, DoctorReport, Filters, format::number_of},
    session::{Exit, Reading, check_nesting, copy::open_store, open::retry_on_change, runtime},
    ui,
};

/// Reads an environment variable.
type Environment<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// Checks everything that a run needs.
pub fn doctor(request: &Doctor, sources: &Sources, unknown: &[config::Error], environment: Environment<'_>) -> Exit {
    // Checks the settings of a run too, not only those of this command.
    let (given, wrong) = &config::Settings::read(sources, "run");
    let dest = given.dest.as_deref();
    if request.mail {
        return super::doctor_mail::send(given, wrong, sources);
    }
    if let Some(Err(error)) = request.report.as_deref().map(|file| check_output_path("--report", file, dest)) {
        ui::print_error(&error);
        return Exit::Usage;
    }
    let settings = config::remote_settings(given, sources);
    let mut checks = configuration(&settings, given, sources);
    checks.extend(wrong.iter().chain(unknown).map(|error| failure(Area::Configuration, error)));
    checks.extend(filters(given, dest));
    checks.extend(mail(given, sources));
    match dest {
        None => checks.push(Check::skipped(Area::Destination, "not checked: dest is not set")),
        Some(dest) => {
            checks.extend(check_nesting(dest).err().map(|error| failure(Area::Destination, &error)));
            let examined = mirror::examine(dest);
            checks.extend(destination(dest, &examined, given.existing && !request.first));
            if examined.is_ok_and(|seen| seen.survey == DestinationKind::Mirror) {
                checks.push(state(dest, settings.as_ref().ok()));
            }
        }
    }
    let found = match settings.as_ref().ok().map(|settings| (settings, runtime())) {
        Some((settings, Ok(runtime))) => runtime.block_on(visit(settings, proxy(environment).as_deref())),
        _ => Visit { checks: skipped(), statements: Vec::new(), night_requests: None },
    };
    checks.extend(found.checks);
    checks.extend(copy(given, sources, request.copy_deletes));
    // The clock, checked with the first response, is listed with the network.
    checks.sort_by_key(|check| check.area);
    let doctor_report = DoctorReport {
        version: env!("CARGO_PKG_VERSION"),
        system: mirror::system(),
        made_at: Timestamp::now(),
        api: settings.ok().map(|settings| settings.api_url.to_string()),
        checks,
        statements: found.statements,
        night_requests: found.night_requests,
    };
    show(&doctor_report, request)
}

/// The store of the copy; nothing if none is kept.
fn copy(given: &config::Settings, sources: &Sources, deletes: bool) -> Vec<Check> {
    let settings = match CopySettings::new(given, sources) {
        Ok(settings) => settings,
        Err(error) => return vec![failure(Area::Configuration, &error)],
    };
    let Some(location) = &settings.location else { return Vec::new() };
    match open_store(location, &settings, Arc::default()) {
        Ok(store) => doctor::copy(&store, deletes, settings.immutable),
        Err(error) => vec![failure(Area::Copy, &error)],
    }
}

fn show(doctor_report: &DoctorReport, request: &Doctor) -> Exit {
    if request.json {
        ui::print_json(doctor_report);
    } else {
        ui::print(&ui::doctor_report(doctor_report));
    }
    let report = || ui::checkup_report(doctor_report);
    if let Some(Err(error)) = request.report.as_deref().map(|file| notify::replace(file, report().as_bytes())) {
        ui::print_error(&error);
        return Exit::Usage;
    }
    exit(doctor_report)
}

fn configuration(
    settings: &Result<Settings, config::Error>,
    given: &config::Settings,
    sources: &Sources,
) -> Vec<Check> {
    let error = match settings {
        Err(error) => error,
        Ok(settings) => {
            let found = format!("organisation {}, an API client and its secret are set", settings.organisation);
            return vec![Check::ok(Area::Configuration, found)];
        }
    };
    let missing = config::missing(given, sources);
    let others = error.each().iter().filter(|error| error.missing().is_none());
    missing.iter().chain(others).map(|error| failure(Area::Configuration, error)).collect()
}

/// Who gets mail, in numbers; `None` if nobody does.
fn mail(given: &config::Settings, sources: &Sources) -> Vec<Check> {
    let (mail, wrong) = config::MailSettings::read(given, sources);
    let sent = mail.map(|mail| {
        let people = number_of(mail.to.len() as u64, "recipient", "recipients");
        format!("mail goes to {people} through {}; `ibinder-sync doctor --mail` sends one", mail.server.host)
    });
    let good = sent.map(|found| Check::ok(Area::Configuration, found));
    good.into_iter().chain(wrong.iter().map(|error| failure(Area::Configuration, error))).collect()
}

/// The filters of a run, and what they excluded last; `None` without any.
fn filters(given: &config::Settings, dest: Option<&Path>) -> Option<Check> {
    let filters = match given.filter() {
        Ok(filter) => filter.shown()?,
        Err(error) => return Some(failure(Area::Configuration, &error)),
    };
    let last = dest.and_then(|dest| Root::open(dest).ok()?.read_note(STATUS));
    let last = last.and_then(|bytes| Status::read(&bytes).ok()?.last_run);
    let left_out = match last.filter(|run| run.filters.as_ref() == Some(&filters)) {
        Some(run) => {
            format!("they excluded {} in the last run", Filters::left_out(run.binders.filtered, run.documents.filtered))
        }
        None => "`ibinder-sync plan` shows how many documents they exclude".to_owned(),
    };
    let describe =
        |filters: &Filters| format!("filters limit what is mirrored: {}; {left_out}", filters.flags().join(" "));
    Some(Check::ok(Area::Configuration, describe(&filters.without_names())).on_screen(describe(&filters)))
}

/// Whether the state of a mirror can be read, and belongs to the organisation.
fn state(dest: &Path, settings: Option<&Settings>) -> Check {
    let organisation = retry_on_change(|| Ok(Reading::open(dest)?.state.read(|r| r.setting("organisation"))?));
    match (organisation, settings.map(|settings| settings.organisation.as_str())) {
        (Err(error), _) => failure(Area::Destination, &error),
        (Ok(Some(found)), Some(wanted)) if found != wanted => Check::failure(
            Area::Destination,
            format!("it mirrors organisation {found}, but {wanted} is set"),
            "give each organisation its own destination",
        ),
        (Ok(_), _) => Check::ok(Area::Destination, "its state can be read"),
    }
}

/// An error whose advice follows a semicolon.
fn failure(area: Area, error: &dyn std::error::Error) -> Check {
    let text = error.to_string();
    let (found, next) =
        text.split_once("; ").unwrap_or((&text, "`ibinder-sync config show` shows where each value comes from"));
    Check::failure(area, found, next)
}

fn skipped() -> Vec<Check> {
    [Area::Network, Area::Credentials, Area::Service, Area::Storage]
        .map(|area| Check::skipped(area, "not checked: fix the configuration first"))
        .into()
}

/// The proxy for `https`, without its user and password.
fn proxy(environment: Environment<'_>) -> Option<String> {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let given = names.into_iter().find_map(|name| environment(name).filter(|value| !value.is_empty()))?;
    let given = given.to_string_lossy();
    let url = Url::parse(&if given.contains("://") { given.into_owned() } else { format!("http://{given}") }).ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}{port}", url.host_str()?))
}

/// The exit code of the first problem to fix.
fn exit(doctor_report: &DoctorReport) -> Exit {
    match doctor_report.failed().min() {
        None => Exit::Complete,
        Some(Area::Configuration | Area::Destination) => Exit::Usage,
        Some(Area::Credentials) => Exit::Credentials,
        Some(Area::Network | Area::Service | Area::Storage | Area::Copy) => Exit::Partial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        for (value, shown) in [
            ("http://me:secret@proxy.corp:3128", Some("proxy.corp:3128")),
            ("proxy.corp:3128", Some("proxy.corp:3128")),
            ("http://proxy", Some("proxy")),
            ("", None),
        ] {
            let environment = |name: &str| (name == "https_proxy").then(|| OsString::from(value));
            assert_eq!(proxy(&environment).as_deref(), shown, "{value}");
        }
    }
}
