//! `config`.

use std::path::PathBuf;

use crate::{
    config::{self, Begun, Environment, Settings, Shown},
    session::Exit,
    ui,
};

/// Writes a file to begin with, and says how to go on.
pub fn begin(to: Option<PathBuf>, environment: Environment<'_>) -> Exit {
    match config::init(to, environment) {
        Ok(begun) => {
            ui::print(&next_steps(&begun));
            Exit::Complete
        }
        Err(error) => {
            ui::complain(&error);
            Exit::Usage
        }
    }
}

fn next_steps(begun: &Begun) -> String {
    let beside = |name: &str| ui::escape(&begun.path.with_file_name(name).display().to_string());
    let path = ui::escape(&begun.path.display().to_string());
    // Only root and systemd use the group's file, and both look for it in its place.
    if begun.for_group && begun.is_found {
        let secret = beside("NAME.secret");
        return format!(
            "{path} is written; its owner and the group of its folder can read it. Next:\n\
             1. Write a profile NAME into it, with the organisation's id, the API client's id, and where the mirror shall be.\n\
             2. Put the client's secret into a file that only root can read; end it with Ctrl-D:\n     \
             install -m 600 /dev/stdin {secret}\n\
             3. See what counts, and try it as the service will run it:\n     \
             ibinder-sync config show --profile NAME\n     ibinder-sync-as NAME doctor --existing=false\n\
             4. The first run:\n     ibinder-sync-as NAME run --existing=false\n"
        );
    }
    let secret = beside("client_secret");
    let whose = if begun.for_group { "its owner and the group of its folder" } else { "its owner alone" };
    let place = if begun.is_found { String::new() } else { format!(" --config {path}") };
    format!(
        "{path} is written; {whose} can read it. Next:\n\
         1. Write the organisation's id, the API client's id, and where the mirror shall be into it.\n\
         2. Put the client's secret into a file of its own, and name that one as client_secret_file; end it with Ctrl-D:\n     \
         install -m 600 /dev/stdin {secret}\n\
         3. See what counts, and try it:\n     ibinder-sync config show{place}\n     \
         ibinder-sync doctor{place} --existing=false\n\
         4. The first run:\n     ibinder-sync run{place} --existing=false\n"
    )
}

/// Prints what counts and where it comes from.
pub fn show(settings: &Settings, json: bool) -> Exit {
    let shown = Shown::of(settings);
    if json {
        // Texts, numbers and lists always serialize.
        ui::print(&(serde_json::to_string_pretty(&shown).unwrap_or_default() + "\n"));
    } else {
        ui::print(&ui::escape(&shown.text()));
    }
    match shown.unusable() {
        Some(error) => {
            ui::complain(error);
            Exit::Usage
        }
        None => Exit::Complete,
    }
}

/// Prints the schema of the file.
pub fn schema() -> Exit {
    ui::print(&(serde_json::to_string_pretty(&config::schema()).unwrap_or_default() + "\n"));
    Exit::Complete
}
