//! `config`.

use std::path::PathBuf;

use crate::{
    commands::config_dialog,
    config::{self, Environment, NewConfig, Settings, Shown, Sources},
    session::{Exit, confirm},
    ui,
};

/// Writes a configuration file, from answers at a terminal or with everything in comments, and says how to continue.
pub fn begin(
    to: Option<PathBuf>,
    is_interactive: bool,
    unknown: &[config::Error],
    environment: Environment<'_>,
) -> Exit {
    match NewConfig::at(to, environment) {
        Ok(new) if is_interactive && confirm::is_possible() => config_dialog::begin(&new, unknown, environment),
        Ok(new) => write_sample(&new),
        Err(error) => {
            ui::print_error(&error);
            Exit::Usage
        }
    }
}

fn write_sample(new: &NewConfig) -> Exit {
    match new.write_sample() {
        Ok(()) => {
            ui::print(&next_steps(new));
            Exit::Complete
        }
        Err(error) => {
            ui::print_error(&error);
            Exit::Usage
        }
    }
}

fn next_steps(written: &NewConfig) -> String {
    let beside = |name: &str| ui::escape(&written.path.with_file_name(name).display().to_string());
    let path = ui::escape(&written.path.display().to_string());
    if written.is_of_service() {
        let secret = beside("NAME.secret");
        return format!(
            "Wrote {path}; its owner and the group of its folder can read it. Next:\n\
             1. Add a profile NAME with the organisation's id, the API client's id, and the destination of the mirror.\n\
             2. Put the client's secret into a file that only root can read; end it with Ctrl-D:\n     \
             install -m 600 /dev/stdin {secret}\n\
             3. Check the settings, and try them as the service will run them:\n     \
             ibinder-sync config show --profile NAME\n     ibinder-sync-as NAME doctor --first\n\
             4. The first run:\n     ibinder-sync-as NAME run --first\n"
        );
    }
    let secret = beside("client_secret");
    let who = if written.for_group { "its owner and the group of its folder" } else { "only its owner" };
    let place = if written.is_found { String::new() } else { format!(" --config {path}") };
    format!(
        "Wrote {path}; {who} can read it. Next:\n\
         1. Add the organisation's id, the API client's id, and the destination of the mirror.\n\
         2. Put the client's secret into a file of its own, and set client_secret_file to that; end it with Ctrl-D:\n     \
         install -m 600 /dev/stdin {secret}\n\
         3. Check the settings, and try them:\n     ibinder-sync config show{place}\n     \
         ibinder-sync doctor{place} --first\n\
         4. The first run:\n     ibinder-sync run{place} --first\n"
    )
}

/// Prints what a run still needs, and the settings with the source of each: those that are set, or all.
pub fn show(settings: &Settings, sources: &Sources, json: bool, all: bool) -> Exit {
    let shown = Shown::of(settings, sources);
    if json {
        ui::print_json(&shown);
    } else {
        ui::print(&ui::escape(&shown.text(all)));
    }
    match shown.unusable() {
        Some(error) => {
            ui::print_error(error);
            Exit::Usage
        }
        None if shown.is_incomplete() => Exit::Usage,
        None => Exit::Complete,
    }
}

/// Prints the JSON schema of the file.
pub fn schema() -> Exit {
    ui::print_json(&config::schema());
    Exit::Complete
}
