//! The file of `config init`: every setting with its help, in comments.

use serde_json::Value;

use super::{KEYS, Key, Kind, NAMES};

/// What everybody needs.
const FIRST: &[&str] = &[
    NAMES.organisation,
    NAMES.client_id,
    NAMES.client_secret_file,
    NAMES.client_secret_command,
    NAMES.dest,
    NAMES.existing,
];

const HEAD: &str = "\
# Settings of ibinder-sync. Lines that start with # are ignored: remove the # from those that you need.
# `ibinder-sync config show` prints the settings and where each comes from, `ibinder-sync doctor` tries them.
# Flags overrule the environment (IBINDER_DEST, IBINDER_RATE, …), which overrules this file. Keep secrets out of it.
";

const PROFILES: &str = "
# Profiles are for several organisations; --profile or IBINDER_PROFILE chooses one. The lines above apply to all of
# them, and a profile's own lines overrule them. Profiles come last: the lines below a [line] belong to it.

";

const EXAMPLE_OF_PROFILE: &[(&str, &str)] = &[
    (NAMES.organisation, "\"3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e77\""),
    (NAMES.client_id, "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""),
    (NAMES.client_secret_file, "\"/etc/ibinder-sync/north.secret\""),
    (NAMES.dest, "\"/srv/mirrors/north\""),
];

const WIDTH: usize = 115;

/// The file's text, with everything in comments.
pub fn sample() -> String {
    filled(None, &[])
}

/// The file's text with these settings, at its top or in a profile.
pub(super) fn filled(profile: Option<&str>, values: &[(&str, Value)]) -> String {
    let at_top = if profile.is_none() { values } else { &[] };
    let mut text = HEAD.to_owned();
    let (first, rest): (Vec<&Key>, Vec<&Key>) =
        KEYS.iter().filter(|key| key.kind != Kind::Secret).partition(|key| FIRST.contains(&key.name));
    for (title, keys) in [("What to mirror, and where", first), ("Optional", rest)] {
        text.push_str(&format!("\n# --- {title}\n"));
        for key in keys {
            describe(key, at_top, &mut text);
        }
    }
    text.push_str(PROFILES);
    if let Some(profile) = profile {
        text.push_str(&format!("[profiles.{profile}]\n"));
        text.extend(values.iter().map(|(name, value)| format!("{name} = {value}\n")));
    } else {
        text.push_str("#[profiles.north]\n");
        text.extend(EXAMPLE_OF_PROFILE.iter().map(|(name, value)| format!("#{name} = {value}\n")));
    }
    text
}

fn describe(key: &Key, values: &[(&str, Value)], text: &mut String) {
    text.push('\n');
    let mut line = "#".to_owned();
    for word in key.full_help().split(' ') {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            "#".clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    let value = values.iter().find(|(name, _)| *name == key.name);
    let setting = value.map_or_else(|| format!("#{}", key.example_line()), |(name, value)| format!("{name} = {value}"));
    text.push_str(&format!("{line}\n{setting}\n"));
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::{super::file, *};

    #[test]
    fn the_sample_sets_nothing() {
        let file = file::read(Path::new("c.toml"), &sample(), |_| true).unwrap();
        assert!(file.top.is_empty() && file.profiles.is_empty());
        assert!(sample().lines().all(|line| line.chars().count() <= 120));
    }

    #[test]
    fn every_uncommented_line_is_valid() {
        let text = sample();
        let settings = text.lines().map(|line| match line.strip_prefix('#') {
            Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => setting,
            _ => "",
        });
        let file = file::read(Path::new("c.toml"), &settings.collect::<Vec<_>>().join("\n"), |_| true).unwrap();
        let there: BTreeSet<_> = file.top.iter().map(|entry| entry.key.name).collect();
        let all: BTreeSet<_> = KEYS
            .iter()
            .map(|key| key.name)
            .filter(|name| !matches!(*name, "client_secret" | "mail_password"))
            .collect();
        assert_eq!(there, all);
        assert_eq!(file.profiles[0].1.len(), EXAMPLE_OF_PROFILE.len());
    }
}
