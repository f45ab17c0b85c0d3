//! The language of the declaration in `settings.rs`, and what a declared setting is made of.

use std::ffi::{OsStr, OsString};

use serde_json::Value;

use super::{
    Error, KEYS, Origin, Sources,
    settings::{EVERYWHERE, FILTERS},
    types::Kind,
};

/// A type of values, with everything else that is declared about one setting.
#[derive(Debug)]
pub(super) struct Setting<T> {
    key: Key,
    read: fn(&OsStr) -> Result<T, String>,
}

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
    /// The value that counts if it is not set.
    pub default: Option<&'static str>,
    /// The help's heading.
    pub heading: Option<&'static str>,
    /// The commands that take it.
    pub commands: &'static [&'static str],
    help: &'static str,
    example: &'static str,
    has_flag: bool,
    variable: Option<&'static str>,
    check: fn(&[OsString]) -> Result<(), String>,
}

impl<T> Setting<T> {
    pub(super) const fn new(kind: Kind, placeholder: &'static str, read: fn(&OsStr) -> Result<T, String>) -> Self {
        let key = Key {
            name: "",
            kind,
            placeholder,
            values: &[],
            default: None,
            heading: None,
            commands: &[],
            help: "",
            example: "",
            has_flag: true,
            variable: None,
            check: |_| Ok(()),
        };
        Self { key, read }
    }

    pub(super) const fn default(self, value: &'static str) -> Self {
        Self { key: Key { default: Some(value), example: value, ..self.key }, ..self }
    }

    pub(super) const fn example(self, example: &'static str) -> Self {
        Self { key: Key { example, ..self.key }, ..self }
    }

    pub(super) const fn takes(self, placeholder: &'static str) -> Self {
        Self { key: Key { placeholder, ..self.key }, ..self }
    }

    pub(super) const fn one_of(self, values: &'static [&'static str]) -> Self {
        Self { key: Key { values, ..self.key }, ..self }
    }

    pub(super) const fn under(self, heading: &'static str) -> Self {
        Self { key: Key { heading: Some(heading), ..self.key }, ..self }
    }

    pub(super) const fn of(self, commands: &'static [&'static str]) -> Self {
        Self { key: Key { commands, ..self.key }, ..self }
    }

    /// For what nobody should type, or see in a list of processes.
    pub(super) const fn without_flag(self) -> Self {
        Self { key: Key { has_flag: false, ..self.key }, ..self }
    }

    /// For a variable that is not called like the key.
    pub(super) const fn variable(self, name: &'static str) -> Self {
        Self { key: Key { variable: Some(name), ..self.key }, ..self }
    }

    pub(super) const fn key(
        self,
        name: &'static str,
        help: &'static str,
        check: fn(&[OsString]) -> Result<(), String>,
    ) -> Key {
        Key { name, help, check, ..self.key }
    }

    pub(super) fn read<V: AsRef<OsStr>>(&self, values: &[V]) -> Result<Vec<T>, String> {
        values.iter().map(|value| (self.read)(value.as_ref())).collect()
    }
}

/// What the values of a setting become: one that may be missing, one that has a default, or a list.
pub(super) trait Field<T> {
    fn of(values: Vec<T>) -> Self;
}

impl<T> Field<T> for Option<T> {
    fn of(values: Vec<T>) -> Self {
        values.into_iter().next()
    }
}

impl<T: Default> Field<T> for T {
    fn of(values: Vec<T>) -> Self {
        values.into_iter().next().unwrap_or_default()
    }
}

impl<T> Field<T> for Vec<T> {
    fn of(values: Vec<T>) -> Self {
        values
    }
}

/// Reads the settings of a command, and collects what is wrong with them.
#[derive(Debug)]
pub(super) struct Reader<'s> {
    pub(super) sources: &'s Sources,
    pub(super) command: &'s str,
    pub(super) wrong: Vec<Error>,
}

impl Reader<'_> {
    /// The value that counts. A wrong one is reported, and its default counts.
    pub(super) fn field<T, F: Field<T>>(&mut self, name: &'static str, setting: &Setting<T>) -> F {
        let found = self.sources.get(name);
        // A flag was given to this command; a file says more than each command needs.
        let found = found.filter(|value| value.origin == Origin::Flag || setting.key.is_for(self.command));
        match found.map(|value| (value, setting.read(&value.values))) {
            Some((_, Ok(values))) => return F::of(values),
            Some((value, Err(why))) => self.wrong.push(Error::Bad { name: value.name().into(), why }),
            None => {}
        }
        F::of(setting.key.default.and_then(|text| setting.read(&[text]).ok()).unwrap_or_default())
    }
}

/// Makes the list of keys and the struct of values from one declaration.
macro_rules! settings {
    ($($(#[doc = $help:literal])+ $name:ident: $field:ty = $setting:expr;)+) => {
        /// All settings, in the order in which `config init` and `config show` have them.
        pub const KEYS: &[Key] = &[$(
            $setting.key(stringify!($name), concat!($($help),+), |values| $setting.read(values).map(drop))
        ),+];

        /// The value of each setting.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $($(#[doc = $help])+ pub $name: $field,)+
        }

        impl Settings {
            /// The settings of a command, and everything that is wrong with them.
            pub fn read(sources: &Sources, command: &str) -> (Self, Vec<Error>) {
                let mut reader = Reader { sources, command, wrong: Vec::new() };
                let settings = Self { $($name: reader.field(stringify!($name), &$setting)),+ };
                (settings, reader.wrong)
            }
        }
    };
}
pub(super) use settings;

impl Key {
    /// The key of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
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
        format!("{} = {}", self.name, self.example().unwrap_or_default())
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

    /// Whether it says where the client's secret comes from: one way of several.
    pub fn is_way_to_secret(&self) -> bool {
        self.name.starts_with("client_secret")
    }

    /// Refuses values that it can't have.
    pub fn check(&self, values: &[OsString]) -> Result<(), String> {
        (self.check)(values)
    }
}

/// The name that was probably meant: one with a typo, or else a similar one.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.replace('-', "_").to_lowercase();
    let names: Vec<&str> = names.collect();
    let typos = |other: &&&str| strsim::osa_distance(&name, &other.to_lowercase());
    let likeness = |other: &&str| strsim::jaro(&name, &other.to_lowercase());
    let typo = names.iter().min_by_key(typos).filter(|best| typos(best) <= (name.chars().count() / 3).max(1));
    let alike = || names.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|best| likeness(best) > 0.75);
    typo.or_else(alike).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_told_what_was_meant() {
        let names = || KEYS.iter().map(|key| key.name);
        #[rustfmt::skip]
        let table = [
            ("max-duration", Some("max_duration")),
            ("maxduration",  Some("max_duration")),
            ("organization", Some("organisation")),
            ("Dest",         Some("dest")),
            ("client_ID",    Some("client_id")),
            ("dst",          Some("dest")),
            ("raet",         Some("rate")),
            ("destination",  Some("dest")),
            ("xyzzy",        None),
        ];
        for (name, meant) in table {
            assert_eq!(nearest(name, names()), meant, "{name}");
        }
    }
}
