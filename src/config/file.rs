//! The configuration file: TOML, of which every key must have a row in the table, so that a slip
//! is told at once and not found out after a night. Profiles that are not chosen are checked, too.

use std::{ffi::OsString, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Error, KEYS, Key, Kind, key::nearest};

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct File {
    /// The keys at its top.
    pub(super) top: Vec<Entry>,
    /// The profiles, by name.
    pub(super) profiles: Vec<(String, Vec<Entry>)>,
}

/// A key with its values.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: &'static Key,
    pub(super) values: Vec<OsString>,
    pub(super) line: usize,
}

/// Reads a file's text. What is wrong on the first line counts.
pub(super) fn read(path: &Path, text: &str) -> Result<File, Error> {
    let error = |(line, why)| Error::File { path: path.to_owned(), line, why };
    let lines = Lines(text);
    let table = DeTable::parse(text).map_err(|e| {
        error((e.span().map(|span| lines.of(span.start)), format!("this is no TOML: {}", first_line(e.message()))))
    })?;
    let mut reader = Reader { lines, folder: path.parent().unwrap_or(Path::new("")), wrong: Vec::new() };
    let file = reader.file(table.get_ref());
    reader.wrong.sort();
    match reader.wrong.into_iter().next() {
        Some((line, why)) => Err(error((Some(line), why))),
        None => Ok(file),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// Which line a position is on.
struct Lines<'t>(&'t str);

impl Lines<'_> {
    fn of(&self, at: usize) -> usize {
        self.0.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
    }
}

struct Reader<'t> {
    lines: Lines<'t>,
    /// What paths are relative to.
    folder: &'t Path,
    wrong: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn file(&mut self, table: &DeTable<'_>) -> File {
        let mut file = File::default();
        for (name, value) in table {
            if name.get_ref() == "profiles" {
                file.profiles = self.profiles(value);
            } else {
                file.top.extend(self.entry(name, value, "profiles"));
            }
        }
        file
    }

    fn profiles(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<(String, Vec<Entry>)> {
        let DeValue::Table(profiles) = value.get_ref() else {
            self.refuse(value, "profiles are tables, such as [profiles.north]".to_owned());
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, value) in profiles {
            let DeValue::Table(table) = value.get_ref() else {
                self.refuse(value, format!("a profile is a table: write [profiles.{}] above its keys", name.get_ref()));
                continue;
            };
            let entries = table.iter().filter_map(|(name, value)| self.entry(name, value, "")).collect();
            found.push((name.get_ref().to_string(), entries));
        }
        found
    }

    fn entry(
        &mut self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        also: &str,
    ) -> Option<Entry> {
        let Some(key) = Key::named(name.get_ref()) else {
            let known = KEYS.iter().filter(|key| key.kind != Kind::Secret).map(|key| key.name);
            let meant = nearest(name.get_ref(), known.chain(Some(also).filter(|also| !also.is_empty())));
            let meant = meant.map_or_else(
                || "`ibinder-sync config schema` lists what there is".to_owned(),
                |meant| format!("did you mean {meant}?"),
            );
            self.refuse(name, format!("{} is not known; {meant}", name.get_ref()));
            return None;
        };
        match self.values(key, value.get_ref()) {
            Ok(values) => Some(Entry { key, values, line: self.lines.of(name.span().start) }),
            Err(why) => {
                self.refuse(name, why);
                None
            }
        }
    }

    fn values(&self, key: &'static Key, value: &DeValue<'_>) -> Result<Vec<OsString>, String> {
        let wrong = || {
            let (name, wanted, example) = (key.name, key.kind.wanted(), key.example);
            format!("{name} wants {wanted}, such as {name} = {example}; this is {}", what(value))
        };
        match value {
            _ if key.kind == Kind::Secret => Err(no_secrets()),
            DeValue::String(text) if key.kind == Kind::Path => self.path(key, text).map(|path| vec![path]),
            DeValue::String(text) if key.kind.takes_text() => {
                if text.trim().is_empty() {
                    return Err(format!(
                        "{} is empty; leave the line out, or write one like {}",
                        key.name, key.example
                    ));
                }
                Ok(vec![text.as_ref().into()])
            }
            DeValue::Integer(number) if key.kind.takes_count() => {
                let number = i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| wrong())?;
                Ok(vec![number.to_string().into()])
            }
            DeValue::Float(number) if key.kind.takes_fraction() => Ok(vec![number.as_str().into()]),
            DeValue::Boolean(yes) if key.kind == Kind::Switch => Ok(vec![yes.to_string().into()]),
            DeValue::Array(values) if key.kind == Kind::List => values
                .iter()
                .map(|value| value.get_ref().as_str().filter(|text| !text.is_empty()).map(OsString::from))
                .collect::<Option<_>>()
                .ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    /// A path, which is relative to the file's folder.
    fn path(&self, key: &Key, text: &str) -> Result<OsString, String> {
        if text.trim().is_empty() {
            return Err(format!("{} is empty; leave the line out, or write one like {}", key.name, key.example));
        }
        if text.starts_with('~') {
            return Err(format!("{} begins with ~, which only a shell understands; write the whole path", key.name));
        }
        Ok(self.folder.join(text).into_os_string())
    }

    fn refuse<T>(&mut self, at: &Spanned<T>, why: String) {
        self.wrong.push((self.lines.of(at.span().start), why));
    }
}

fn no_secrets() -> String {
    "a secret has no place in this file: put it into a file of its own that only you can read, and name that one as \
     client_secret_file; or use client_secret_command"
        .to_owned()
}

fn what(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list, or one of something else",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> Result<File, String> {
        read(Path::new("/etc/x/config.toml"), text).map_err(|error| error.to_string())
    }

    fn told(entries: &[Entry]) -> String {
        let entry = |e: &Entry| format!("{}:{}={}", e.line, e.key.name, e.values.join("|".as_ref()).to_string_lossy());
        entries.iter().map(entry).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_file_is_read() {
        let file = look(
            "# mine\ndest = \"/srv/a\"\nrate = 20\nexisting = true\n\n[profiles.north]\ndest = \"b\"\n\
             exclude = [\"*.mp4\", \"a,b\"]\nrate_max = 2.5\nconcurrency = 1_6\n[profiles.\"Brf Eken\"]\n",
        )
        .unwrap();
        assert_eq!(told(&file.top), "2:dest=/srv/a 4:existing=true 3:rate=20");
        let [(_, eken), (north, entries)] = &file.profiles[..] else { panic!("{file:?}") };
        assert!(eken.is_empty());
        assert_eq!(north, "north");
        assert_eq!(told(entries), "10:concurrency=16 7:dest=/etc/x/b 8:exclude=*.mp4|a,b 9:rate_max=2.5");
    }

    #[test]
    fn every_example_is_what_the_key_takes() {
        for key in KEYS.iter().filter(|key| key.kind != Kind::Secret) {
            let file = look(&format!("{} = {}", key.name, key.example)).unwrap();
            assert_eq!(file.top[0].values.len(), 1, "{}", key.name);
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        #[rustfmt::skip]
        let table = [
            ("dest = \"/a\"\nmax-duration = \"6h\"", "/etc/x/config.toml:2: max-duration is not known; did you mean max_duration?"),
            ("[profiles.a]\n\n[profiles.b]\ndst = 1", "/etc/x/config.toml:4: dst is not known; did you mean dest?"),
            ("[profile.a]\ndest = \"/a\"", "/etc/x/config.toml:1: profile is not known; did you mean profiles?"),
            ("xyzzy = 1", "/etc/x/config.toml:1: xyzzy is not known; `ibinder-sync config schema` lists what there is"),
            ("max_duration = 6", "/etc/x/config.toml:1: max_duration wants a length of time in quotes, such as max_duration = \"6h\"; this is a whole number"),
            ("existing = \"yes\"", "/etc/x/config.toml:1: existing wants true or false, without quotes, such as existing = true; this is a text"),
            ("\nbinder = \"Brf\"", "/etc/x/config.toml:2: binder wants a list of texts in brackets, such as binder = [\"Brf *\"]; this is a text"),
            ("binder = [1]", "/etc/x/config.toml:1: binder wants a list of texts in brackets, such as binder = [\"Brf *\"]; this is a list, or one of something else"),
            ("dest = \"\"", "/etc/x/config.toml:1: dest is empty; leave the line out, or write one like \"/srv/mirror\""),
            ("dest = \"~/mirror\"", "/etc/x/config.toml:1: dest begins with ~, which only a shell understands; write the whole path"),
            ("profiles = 3", "/etc/x/config.toml:1: profiles are tables, such as [profiles.north]"),
            ("profiles.a = 3", "/etc/x/config.toml:1: a profile is a table: write [profiles.a] above its keys"),
            ("rate_max = 1\nconcurrency = 1.5\naaa = 1", "/etc/x/config.toml:2: concurrency wants a whole number, without quotes, such as concurrency = 8; this is a fraction"),
        ];
        for (text, error) in table {
            assert_eq!(look(text).map(|file| told(&file.top)), Err(error.to_owned()), "{text}");
        }
        let error = look("dest = \"/a\"\nrate = fast").unwrap_err();
        assert!(error.starts_with("/etc/x/config.toml:2: this is no TOML: "), "{error}");
    }

    #[test]
    fn a_secret_is_refused_and_not_repeated() {
        for text in ["client_secret = \"5ecret\"", "[profiles.a]\nclient_secret = 5", "client_secret = 5ecret"] {
            let error = look(text).unwrap_err();
            assert!(!error.contains("5ecret"), "{error}");
        }
        assert!(look("client_secret = \"5ecret\"").unwrap_err().contains("client_secret_file"));
    }
}
