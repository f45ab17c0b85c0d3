//! Manual pages, made from the help texts.

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, roman},
};

use super::command;

/// A manual page.
#[derive(Debug)]
pub struct ManualPage {
    /// The name of its file.
    pub name: String,
    /// The page, as `man` reads it.
    pub text: String,
}

/// The program's page, and then one for each command.
pub fn pages() -> Vec<ManualPage> {
    let mut program = command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    collect(&program, &mut pages);
    pages
}

fn collect(command: &Command, pages: &mut Vec<ManualPage>) {
    let man = Man::new(command.clone()).manual("ibinder-sync");
    pages.push(ManualPage { name: man.get_filename(), text: text(&man, command) });
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        collect(command, pages);
    }
}

fn text(man: &Man, command: &Command) -> String {
    let mut page = Vec::new();
    // Writing to memory never fails.
    let _ = sections(man, command, &mut page);
    String::from_utf8_lossy(&page).into_owned()
}

fn sections(man: &Man, command: &Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
    }
    if let Some(help) = command.get_after_help() {
        after_help(&help.to_string()).to_writer(page)?;
    }
    see_also(command).to_writer(page)
}

/// The text below a help text: paragraphs, and examples, whose line breaks stay.
fn after_help(help: &str) -> Roff {
    let mut page = Roff::new();
    let mut headed = false;
    for paragraph in help.split("\n\n") {
        if let Some(examples) = paragraph.strip_prefix("Examples:\n").or_else(|| paragraph.strip_prefix("Example:\n")) {
            page.control("SH", ["EXAMPLES"]).control("nf", []);
            for line in examples.lines() {
                page.text([roman(line.trim_start())]);
            }
            page.control("fi", []);
            continue;
        }
        if headed {
            page.control("PP", []);
        } else {
            page.control("SH", ["NOTES"]);
        }
        headed = true;
        for line in paragraph.lines() {
            page.text([roman(line)]);
        }
    }
    page
}

fn see_also(command: &Command) -> Roff {
    let mut page = Roff::new();
    let program = command.get_display_name().is_none_or(|name| name == "ibinder-sync");
    let pages = if program { "/usr/share/doc/ibinder-sync/" } else { "ibinder-sync(1)" };
    page.control("SH", ["SEE ALSO"]).text([roman(pages)]);
    page
}
