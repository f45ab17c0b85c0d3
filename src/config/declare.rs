//! How `settings.rs` declares settings.

use std::ffi::{OsStr, OsString};

use super::{Error, Key, Kind, Origin, Value};

/// A type of values, with everything else that is declared about one setting.
#[derive(Debug)]
pub(super) struct Setting<T> {
    key: Key,
    read: fn(&OsStr) -> Result<T, String>,
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

    /// For values that don't belong into a list of processes.
    pub(super) const fn without_flag(self) -> Self {
        Self { key: Key { has_flag: false, ..self.key }, ..self }
    }

    /// For a variable with another name than the key.
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

/// What the values of a setting become: an optional value, one with a default, or a list.
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
pub(super) struct Reader<'r> {
    pub(super) lookup: &'r dyn Fn(&str) -> Option<&'r Value>,
    pub(super) command: &'r str,
    pub(super) wrong: Vec<Error>,
}

impl Reader<'_> {
    /// The value of a setting. A wrong one is reported, and the default is used.
    pub(super) fn field<T, F: Field<T>>(&mut self, name: &str, setting: &Setting<T>) -> F {
        let found = (self.lookup)(name);
        // A flag is always for this command; a file has settings for all commands.
        let found = found.filter(|value| value.origin == Origin::Flag || setting.key.is_for(self.command));
        match found.map(|value| (value, setting.read(&value.values))) {
            Some((_, Ok(values))) => return F::of(values),
            Some((value, Err(why))) => self.wrong.push(Error::Bad { name: value.name().into(), why }),
            None => {}
        }
        F::of(setting.key.default.and_then(|text| setting.read(&[text]).ok()).unwrap_or_default())
    }
}

/// Expands declarations to the list of keys, the struct of values, and the settings of the engine and the client.
macro_rules! settings {
    ($(
        $(#[doc = $help:literal])+
        $name:ident: $field:ty = $setting:expr $(=> engine.$engine:ident)? $(=> client.$client:ident)?;
    )+) => {
        /// All settings, in the order in which `config init` and `config show` have them.
        pub const KEYS: &[Key] = &[$(
            $setting.key(NAMES.$name, concat!($($help),+), |values| $setting.read(values).map(drop))
        ),+];

        /// The names of the settings, for rules that need one: the compiler checks them.
        pub(crate) struct Names {
            $(pub(crate) $name: &'static str,)+
        }

        pub(crate) const NAMES: Names = Names { $($name: stringify!($name)),+ };

        /// The value of each setting.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $($(#[doc = $help])+ pub $name: $field,)+
        }

        impl Settings {
            /// The settings of a command, and everything that is wrong with them.
            pub(super) fn look_up<'v>(
                lookup: &'v dyn Fn(&str) -> Option<&'v Value>,
                command: &'v str,
            ) -> (Self, Vec<Error>) {
                let mut reader = Reader { lookup, command, wrong: Vec::new() };
                let settings = Self { $($name: reader.field(NAMES.$name, &$setting)),+ };
                (settings, reader.wrong)
            }

            /// The settings of the engine.
            pub fn engine(&self, filter: Filter) -> Options {
                Options {
                    $($($engine: self.$name.clone(),)?)+
                    filter,
                    retry: Policy::default(),
                    adopt: Adopt::default(),
                    sample: 0,
                    trust_times: false,
                }
            }

            /// The settings of the client, with those that it can't do without.
            pub(super) fn client(
                &self,
                api_url: Url,
                auth_url: Url,
                organisation: OrganisationId,
                client_id: String,
                client_secret: SecretString,
                origins: remote::Origins,
            ) -> remote::Settings {
                remote::Settings {
                    api_url,
                    auth_url,
                    organisation,
                    client_id,
                    client_secret,
                    $($($client: self.$name.clone(),)?)+
                    // A response whose head trickles stalls as well.
                    head_timeout: remote::Settings::HEAD_TIMEOUT.min(self.stall_timeout),
                    link_lifetime: None,
                    user_agent: remote::Settings::USER_AGENT.to_owned(),
                    origins: origins.into(),
                    retry: Policy::default(),
                }
            }
        }
    };
}
pub(super) use settings;
