//! A row of the table of settings, and finding one by its name.

use super::{KEYS, Kind};

/// A setting.
#[derive(Debug)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// The flag that means the same, without its dashes.
    pub flag: Option<&'static str>,
    /// The variable that means the same.
    pub variable: &'static str,
    /// A value as the file has it.
    pub example: &'static str,
    /// What it does: the flag's help.
    pub help: &'static str,
    /// The commands that take it.
    pub commands: &'static [&'static str],
}

impl Key {
    /// The key of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The key that a flag means, told without its dashes.
    pub fn of_flag(flag: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.flag == Some(flag))
    }

    /// What counts where nothing is set, as its help tells; no sentence such as "keep everything".
    pub fn default(&self) -> Option<&'static str> {
        let told = self.help.split_once("[default: ").and_then(|(_, told)| told.split_once(']'));
        let value = told.map(|(value, _)| value).filter(|value| !value.contains(' '));
        value.or((self.kind == Kind::Switch).then_some("false"))
    }

    /// Whether a command takes it.
    pub fn is_for(&self, command: &str) -> bool {
        self.commands.contains(&command)
    }

    /// Whether it says where the client's secret comes from: one way of several.
    pub fn is_way_to_secret(&self) -> bool {
        self.name.starts_with("client_secret")
    }
}

/// The name that was probably meant: one with a slip of the keys, or else one that is like it.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.replace('-', "_").to_lowercase();
    let names: Vec<&str> = names.collect();
    let slips = |other: &&&str| strsim::osa_distance(&name, &other.to_lowercase());
    let likeness = |other: &&str| strsim::jaro(&name, &other.to_lowercase());
    let slip = names.iter().min_by_key(slips).filter(|best| slips(best) <= (name.chars().count() / 3).max(1));
    let alike = || names.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|best| likeness(best) > 0.75);
    slip.or_else(alike).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_flags_and_variables_fit_together() {
        let mut seen = BTreeSet::new();
        for key in KEYS {
            assert!(seen.insert(key.name) && seen.insert(key.variable), "{} is there twice", key.name);
            let plain = if key.name == "organisation" { "ORG_ID".to_owned() } else { key.name.to_uppercase() };
            assert_eq!(key.variable, format!("IBINDER_{plain}"));
            if let Some(flag) = key.flag {
                assert_eq!(flag.replace('-', "_"), key.name);
            }
            if key.kind == Kind::Address && key.flag.is_some() {
                assert!(key.help.contains("flags are seen by everybody on the machine"), "{}", key.name);
            }
            assert!(key.help.len() > 10 && !key.help.contains('\n') && !key.help.contains("  "), "{}", key.name);
        }
    }

    /// `docs/configuration.md` has every row, in this order.
    #[test]
    fn the_page_has_every_row() {
        let row = |key: &Key| {
            let flag = key.flag.map(|flag| format!("`--{flag}`")).unwrap_or_default();
            let example = if key.example.is_empty() { String::new() } else { format!("`{}`", key.example) };
            let commands = if key.commands.len() > 5 { "all of a mirror".to_owned() } else { key.commands.join(", ") };
            let (name, variable, help) = (key.name, key.variable, key.help.replace("**", "\\*\\*"));
            format!("| `{name}` | {example} | {flag} | `{variable}` | {commands} | {help} |\n")
        };
        let table: String = KEYS.iter().map(row).collect();
        let page = include_str!("../../docs/configuration.md");
        assert!(page.contains(&table), "docs/configuration.md should have these rows:\n{table}");
    }

    #[test]
    fn a_slip_is_told_what_was_meant() {
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
