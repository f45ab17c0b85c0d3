//! `config`.

use std::path::PathBuf;

use crate::{
    config::{self, Environment, Settings, Shown, Sources, WrittenConfig},
    session::Exit,
    ui,
};

/// Writes a configuration file, and says how to continue.
pub fn begin(to: Option<PathBuf>, environment: Environment<'_>) -> Exit {
    match config::init(to, environment) {
        Ok(written) => {
            ui::print(&next_steps(&written));
            Exit::Complete
        }
        Err(error) => {
            ui::print_error(&error);
            Exit::Usage
        }
    }
}

fn next_steps(written: &WrittenConfig) -> String {
    let beside = |name: &str| ui::escape(&written.path.with_file_name(name).display().to_string());
    let path = ui::escape(&written.path.display().to_string());
    // Only root and systemd read the group's file, always at its standard path.
    if written.for_group && written.is_found {
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
