//! A declared setting, without the type of its values: its names, its help, and who takes it.

use std::ffi::OsString;

use serde_json::Value;

use super::Kind;

/// The help's heading of filters.
pub(super) const FILTERS: &str = "Filters";

/// The table of the file with the settings of mail.
pub(super) const MAIL: &str = "mail";

/// The help's heading of flags that every command takes.
pub const EVERYWHERE: &str = "Global options";

/// A declared setting, whatever its type.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What the help calls its value.
    pub placeholder: &'static str,
    /// All values that it takes, if they are few.
    pub values: &'static [&'static str],
    /// The value if it is not set.
    pub default: Option<&'static str>,
    /// The help's heading.
    pub heading: Option<&'static str>,
    /// The commands that take it.
    pub commands: &'static [&'static str],
    pub(super) help: &'static str,
    pub(super) example: &'static str,
    pub(super) has_flag: bool,
    pub(super) variable: Option<&'static str>,
    pub(super) check: fn(&[OsString]) -> Result<(), String>,
}

impl Key {
    /// Its name as the file has it: that of `mail_to` is `mail.to`, which is `to` below `[mail]`.
    pub fn in_file(&self) -> String {
        self.name.strip_prefix("mail_").map_or_else(|| self.name.to_owned(), |rest| format!("{MAIL}.{rest}"))
    }

    /// What it does: the help of its flag, without the default.
    pub fn help(&self) -> &'static str {
        self.help.trim_start()
    }

    /// The same, with the default.
    pub fn full_help(&self) -> String {
        let default = self.default.filter(|_| self.kind != Kind::Switch);
        let default = default.map(|value| format!(" [default: {value}]")).unwrap_or_default();
        format!("{}{default}", self.help())
    }

    /// The flag that means the same, without its dashes.
    pub fn flag(&self) -> Option<String> {
        self.has_flag.then(|| self.name.replace('_', "-"))
    }

    /// The variable that means the same.
    pub fn variable(&self) -> String {
        self.variable.map_or_else(|| format!("IBINDER_{}", self.name.to_uppercase()), str::to_owned)
    }

    /// A value as the file has it.
    pub fn example(&self) -> Option<Value> {
        (!self.example.is_empty()).then(|| self.kind.in_file(&[self.example.into()]))
    }

    /// How a line of the file looks.
    pub fn example_line(&self) -> String {
        format!("{} = {}", self.in_file(), self.example().unwrap_or_default())
    }

    /// Whether a command takes it.
    pub fn is_for(&self, command: &str) -> bool {
        self.commands.contains(&command)
    }

    /// Whether its flag is a flag of every command.
    pub fn is_global(&self) -> bool {
        self.heading == Some(EVERYWHERE)
    }

    /// Whether it limits what is mirrored.
    pub fn is_filter(&self) -> bool {
        self.heading == Some(FILTERS)
    }

    /// Whether it is one of the ways to the client's secret.
    pub fn is_way_to_secret(&self) -> bool {
        self.name.starts_with("client_secret")
    }

    /// The secret to which it is one of several ways.
    pub(super) fn secret(&self) -> Option<&'static str> {
        let secrets = [("client_secret", "the client's secret"), ("mail_password", "mail.password")];
        secrets.into_iter().find(|(name, _)| self.name.starts_with(name)).map(|(_, what)| what)
    }

    /// Refuses values that it can't take.
    pub fn check(&self, values: &[OsString]) -> Result<(), String> {
        (self.check)(values)
    }
}
