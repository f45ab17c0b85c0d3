//! `config`.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Subcommand};

/// Write a configuration file, show the settings, or describe the file to an editor.
#[derive(Debug, Args)]
#[command(after_help = "docs/configuration.md explains files, profiles and all keys.\n\nExamples:\n  \
    ibinder-sync config init\n  ibinder-sync config show --profile north")]
pub struct Configuration {
    /// What to do with it.
    #[command(subcommand)]
    pub command: ConfigurationCommand,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigurationCommand {
    /// Write a configuration file: from your answers at a terminal, or else with everything in comments
    #[command(
        after_help = "At a terminal it asks for the organisation, the API client, where its secret is, the destination \
        and the time of the nightly run, writes the file and that of the secret, and ends with `doctor`. It never replaces a \
        file.\n\nExamples:\n  ibinder-sync config init\n  \
        ibinder-sync config init --to ./mirror.toml"
    )]
    Init {
        /// The file [default: that of --config; or else /etc/ibinder-sync/config.toml for root, and
        /// ~/.config/ibinder-sync/config.toml for others]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        /// Ask nothing, and write the file with everything in comments
        #[arg(long)]
        non_interactive: bool,
    },
    /// Show what a run still needs, the settings of `run`, and where each comes from
    #[command(
        after_help = "It ends with 2 if a run still needs something, or if something in the file or in the environment can't be used. It never shows a secret.\
        \n\nExamples:\n  ibinder-sync config show --profile north\n  \
        ibinder-sync config show -- --rate 5      # as if these were flags of `run`\n  \
        ibinder-sync config show --json | jq '.settings[] | select(.from == \"flag\")'"
    )]
    Show {
        /// Print JSON, always with all settings
        #[arg(long)]
        json: bool,
        /// Show the defaults and what is not set, too
        #[arg(long)]
        all: bool,
        /// Flags of `run`, after two dashes
        #[arg(last = true, value_name = "FLAG")]
        flags: Vec<OsString>,
    },
    /// Print a JSON schema of the file, for editors
    #[command(after_help = "Example:\n  ibinder-sync config schema > config.schema.json\n\n\
        An editor with a language server for TOML uses it if the file's first line is `#:schema ./config.schema.json`.")]
    Schema,
}
