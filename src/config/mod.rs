//! From what the user gave to one validated [`Config`].
//!
//! Flags overrule the environment, which overrules the file, which overrules the defaults. `settings` declares each
//! setting once; `sources` knows what was set where; `run_config` checks that it works together. No module below reads
//! a flag, a variable or the file.

mod address;
mod ambient;
mod command;
mod copy;
mod credentials;
mod declare;
mod error;
mod file;
mod host_port;
mod init;
mod key;
mod kind;
mod mail;
mod notices;
mod output_path;
mod places;
mod rate;
mod run_config;
mod sample;
mod schema;
mod settings;
mod shown;
mod size;
mod sources;
mod spelling;
mod time;
mod types;
mod value;
mod variables;

pub use crate::{model::Share, replica::Location};
pub use address::Address;
pub use ambient::check_ambient;
pub use copy::CopySettings;
pub use error::Error;
pub use host_port::HostPort;
pub use init::{Answers, NewConfig, NewSecret};
pub use key::{EVERYWHERE, Key};
pub use kind::Kind;
pub use mail::MailSettings;
pub use notices::Notices;
pub use output_path::{check_output_path, outside_resolved};
pub use rate::RateSetting;
pub use run_config::{Config, check, missing, remote_settings};
pub use sample::sample;
pub use schema::schema;
pub use settings::{KEYS, Settings};
pub use shown::Shown;
pub use size::Size;
pub use sources::Sources;
pub use time::{long_time, timeout};
pub use types::{LogFormat, bandwidth, clean as clean_secret};
pub use value::{Origin, Value};
pub use variables::{Environment, unknown_variables};

pub(crate) use settings::NAMES;
