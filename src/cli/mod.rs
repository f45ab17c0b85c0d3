//! The command line, and nothing else: one struct a subcommand. The flags of settings come from `config::KEYS`.

mod binders;
mod catalogue;
mod changes;
mod config;
mod doctor;
mod export;
mod find;
mod flags;
mod handover;
mod history;
mod mirror;
mod pages;
mod profiles;
mod program;
mod replicate;
mod run;
#[cfg(feature = "sandbox")]
mod sandbox;
mod source;
mod status;
mod verify;
mod withheld;

pub use binders::{Binders, BindersCommand};
pub use catalogue::Catalogue;
pub use changes::Changes;
pub use config::{Configuration, ConfigurationCommand};
pub use doctor::Doctor;
pub use export::{Export, ExportFormat, ExportSheets};
pub use find::Find;
pub use flags::{Invocation, Refusal, command, command_name, parse, show};
pub use handover::Handover;
pub use history::{History, Ls, Restore, Snapshots};
pub use mirror::{Acknowledge, Purge, Recover, WithLock};
pub use pages::{ManualPage, pages};
pub use profiles::{AllProfiles, Profiles};
pub use program::{Cli, Command, Completions, ConfigLocation, Man, Verbosity};
pub use replicate::{Pruning, Replicate};
pub use run::{Adopt, Plan, Run};
#[cfg(feature = "sandbox")]
pub use sandbox::{Demo, Organisation, Sandbox, Store};
pub use source::{CopyPlace, CopySource};
pub use status::Status;
pub use verify::Verify;
pub use withheld::{ConfirmRemovals, Withheld};
