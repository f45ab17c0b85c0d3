//! The configuration file: TOML whose keys are all declared settings, to find typos before a nightly run does. All mistakes are
//! reported together. One in a profile is that profile's: it keeps no other profile from running.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Error, KEYS, Key, Kind, Origin, Value, key::MAIL, spelling::nearest};

/// The settings of a file.
#[derive(Debug, Default)]
pub(super) struct File {
    /// The keys at its top.
    pub(super) top: Vec<Value>,
    /// The profiles, by name.
    pub(super) profiles: Vec<(String, Vec<Value>)>,
}

/// Reads a file's text. `matters` says whether a mistake counts: one in a profile has its name, others have none.
pub(super) fn read(path: &Path, text: &str, matters: impl Fn(Option<&str>) -> bool) -> Result<File, Error> {
    let mut reader = Reader { text, path, profile: None, wrong: BTreeMap::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    let file = reader.file(table.get_ref());
    for error in errors {
        let line = error.span().map(|span| reader.line(span.start));
        let why = format!("not valid TOML: {}", syntax(error.message()));
        let profile = line.filter(|_| syntax(error.message()) == QUOTES).and_then(|line| profile_of(text, line));
        // Other mistakes of the line are consequences of this one.
        reader.wrong.insert(line, (profile, Error::File { path: path.to_owned(), line, why }));
    }
    let wrong = reader.wrong.into_values().filter(|(profile, _)| matters(profile.as_deref()));
    Error::none(wrong.map(|(_, error)| error)).map(|()| file)
}

/// The advice about a value without quotes, a mistake that ends with its line.
const QUOTES: &str = "put text in quotes; write true or false without them";

/// The profile whose table a line belongs to, if the line can't change how the next ones are read.
fn profile_of(text: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(line).collect();
    if lines.iter().any(|line| line.contains("\"\"\"") || line.contains("'''")) {
        return None;
    }
    let header = lines.iter().rev().find(|line| line.trim_start().starts_with('['))?;
    let table = DeTable::parse(header).ok()?;
    let DeValue::Table(profiles) = table.get_ref().get("profiles")?.get_ref() else { return None };
    profiles.keys().next().map(|name| name.get_ref().to_string())
}

/// The parser's message, or better advice.
fn syntax(message: &str) -> &str {
    if message.contains("must be quoted") || message.contains("invalid boolean") {
        QUOTES
    } else {
        message.lines().next().unwrap_or_default()
    }
}

struct Reader<'t> {
    text: &'t str,
    path: &'t Path,
    /// The profile that is being read.
    profile: Option<String>,
    /// The first error of each line, with its profile.
    wrong: BTreeMap<Option<usize>, (Option<String>, Error)>,
}

impl Reader<'_> {
    /// Which line a position is on.
    fn line(&self, at: usize) -> usize {
        self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
    }

    fn file(&mut self, table: &DeTable<'_>) -> File {
        let mut file = File::default();
        for (name, value) in table {
            if name.get_ref() == "profiles" {
                file.profiles = self.profiles(value);
            } else {
                file.top.extend(self.settings(name, value, Origin::Top));
            }
        }
        file
    }

    fn profiles(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<(String, Vec<Value>)> {
        let DeValue::Table(profiles) = value.get_ref() else {
            self.refuse(value, "profiles are tables, such as [profiles.north]".to_owned());
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, value) in profiles {
            self.profile = Some(name.get_ref().to_string());
            let mut settings = Vec::new();
            if let DeValue::Table(table) = value.get_ref() {
                settings.extend(table.iter().flat_map(|(name, value)| self.settings(name, value, Origin::Profile)));
            } else {
                self.refuse(value, format!("a profile is a table: write [profiles.{}] above its keys", name.get_ref()));
            }
            found.extend(self.profile.take().map(|name| (name, settings)));
        }
        found
    }

    /// A setting, or those of the table of mail.
    fn settings(
        &mut self,
        name: &Spanned<Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        origin: fn(PathBuf, usize) -> Origin,
    ) -> Vec<Value> {
        if name.get_ref() != MAIL {
            return self.setting("", name, value, origin).into_iter().collect();
        }
        let DeValue::Table(table) = value.get_ref() else {
            self.refuse(
                name,
                format!("{MAIL} is a table: write [{MAIL}] above its keys, or mail.to = [\"anna@example.com\"]"),
            );
            return Vec::new();
        };
        let prefix = format!("{MAIL}.");
        table.iter().filter_map(|(name, value)| self.setting(&prefix, name, value, origin)).collect()
    }

    fn setting(
        &mut self,
        prefix: &str,
        name: &Spanned<Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        origin: fn(PathBuf, usize) -> Origin,
    ) -> Option<Value> {
        let origin = origin(self.path.to_owned(), self.line(name.span().start));
        let whole = format!("{prefix}{}", name.get_ref());
        let Some(key) = KEYS.iter().find(|key| key.in_file() == whole) else {
            let known = KEYS.iter().filter(|key| key.kind != Kind::Secret).map(Key::in_file);
            let tables = Some("profiles").filter(|_| matches!(origin, Origin::Top(..)));
            let known: Vec<String> = known.chain(tables.map(str::to_owned)).collect();
            let meant = nearest(&whole, known.iter().map(String::as_str));
            let advice = meant.map_or_else(
                || "`ibinder-sync config schema` lists all keys".to_owned(),
                |meant| format!("did you mean {meant}?"),
            );
            self.refuse(name, format!("{whole} is not known; {advice}"));
            return None;
        };
        let values = self.values(key, value.get_ref()).map_err(|why| self.refuse(name, why)).ok()?;
        let setting = Value { key, values, origin };
        if let Err(why) = key.check(&setting.values) {
            let line = Some(self.line(name.span().start));
            let profile = self.profile.clone();
            self.wrong.entry(line).or_insert((profile, Error::Bad { name: setting.name().into(), why }));
        }
        Some(setting)
    }

    fn values(&self, key: &Key, value: &DeValue<'_>) -> Result<Vec<OsString>, String> {
        let wrong = || {
            let (name, wanted, example) = (key.in_file(), key.kind.wanted(), key.example_line());
            format!("{name} must be {wanted}, such as {example}; this is {}", what(value))
        };
        match value {
            _ if key.kind == Kind::Secret => Err(no_secrets(&key.in_file())),
            DeValue::String(text) if key.kind.takes_text() && text.trim().is_empty() => {
                Err(format!("{} is empty; remove the line, or write one like {}", key.in_file(), key.example_line()))
            }
            DeValue::String(text) if key.kind == Kind::Path && text.starts_with('~') => {
                Err(format!("{} starts with ~, which only a shell understands; write the whole path", key.in_file()))
            }
            // A path is relative to the file's folder.
            DeValue::String(text) if key.kind == Kind::Path => {
                Ok(vec![self.path.parent().unwrap_or(Path::new("")).join(text.as_ref()).into_os_string()])
            }
            DeValue::String(text) if key.kind.takes_text() => Ok(vec![text.as_ref().into()]),
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

    fn refuse<T>(&mut self, at: &Spanned<T>, why: String) {
        let line = Some(self.line(at.span().start));
        let error = Error::File { path: self.path.to_owned(), line, why };
        self.wrong.entry(line).or_insert((self.profile.clone(), error));
    }
}

fn no_secrets(name: &str) -> String {
    format!(
        "this file must not contain a secret: put it into a file of its own that only you can read, and name that one \
         as {name}_file; or use {name}_command"
    )
}

fn what(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
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
        read(Path::new("/etc/x/config.toml"), text, |_| true).map_err(|error| error.to_string())
    }

    fn shown(settings: &[Value]) -> String {
        let setting = |found: &Value| {
            let (Origin::Top(_, line) | Origin::Profile(_, line)) = &found.origin else { panic!("{found:?}") };
            format!("{line}:{}={}", found.key.name, found.values.join("|".as_ref()).to_string_lossy())
        };
        settings.iter().map(setting).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_file_is_read() {
        let file = look(
            "# mine\ndest = \"/srv/a\"\nrate = 20\nexisting = true\n\n[profiles.north]\ndest = \"b\"\n\
             exclude = [\"*.mp4\", \"a,b\"]\nrate_max = 2.5\nconcurrency = 1_6\n[profiles.\"Brf Eken\"]\n",
        )
        .unwrap();
        assert_eq!(shown(&file.top), "2:dest=/srv/a 4:existing=true 3:rate=20");
        let [(_, eken), (north, settings)] = &file.profiles[..] else { panic!("{file:?}") };
        assert!(eken.is_empty());
        assert_eq!(north, "north");
        assert_eq!(shown(settings), "10:concurrency=16 7:dest=/etc/x/b 8:exclude=*.mp4|a,b 9:rate_max=2.5");
    }

    #[test]
    fn mail_is_a_table_or_dotted_keys() {
        let tables = look("[mail]\nto = [\"a@b.se\"]\n[profiles.north.mail]\nlanguage = \"sv\"\n").unwrap();
        let dotted = look("\nmail.to = [\"a@b.se\"]\n[profiles.north]\nmail.language = \"sv\"\n").unwrap();
        for file in [tables, dotted] {
            assert_eq!(shown(&file.top), "2:mail_to=a@b.se");
            assert_eq!(shown(&file.profiles[0].1), "4:mail_language=sv");
        }
    }

    #[test]
    fn every_example_is_what_the_key_takes() {
        for key in KEYS.iter().filter(|key| key.kind != Kind::Secret) {
            let file = look(&key.example_line()).unwrap();
            assert_eq!(file.top[0].values.len(), 1, "{}", key.name);
        }
    }

    #[test]
    fn each_mistake_is_reported_with_its_line() {
        #[rustfmt::skip]
        let table = [
            ("dest = \"/a\"\nmax-duration = \"6h\"", "/etc/x/config.toml:2: max-duration is not known; did you mean max_duration?"),
            ("[profiles.a]\n\n[profiles.b]\ndst = 1", "/etc/x/config.toml:4: dst is not known; did you mean dest?"),
            ("[profile.a]\ndest = \"/a\"", "/etc/x/config.toml:1: profile is not known; did you mean profiles?"),
            ("xyzzy = 1", "/etc/x/config.toml:1: xyzzy is not known; `ibinder-sync config schema` lists all keys"),
            ("max_duration = 6", "/etc/x/config.toml:1: max_duration must be a length of time in quotes, such as max_duration = \"6h\"; this is a whole number"),
            ("existing = \"yes\"", "/etc/x/config.toml:1: existing must be true or false, without quotes, such as existing = true; this is text"),
            ("\nbinder = \"Brf\"", "/etc/x/config.toml:2: binder must be a list of texts in brackets, such as binder = [\"Brf *\"]; this is text"),
            ("binder = [1]", "/etc/x/config.toml:1: binder must be a list of texts in brackets, such as binder = [\"Brf *\"]; this is a list, or one of something else"),
            ("dest = \"\"", "/etc/x/config.toml:1: dest is empty; remove the line, or write one like dest = \"/srv/mirror\""),
            ("dest = \"~/mirror\"", "/etc/x/config.toml:1: dest starts with ~, which only a shell understands; write the whole path"),
            ("mail = 3", "/etc/x/config.toml:1: mail is a table: write [mail] above its keys, or mail.to = [\"anna@example.com\"]"),
            ("[mail]\nform = \"a@b.se\"", "/etc/x/config.toml:2: mail.form is not known; did you mean mail.from?"),
            ("mail_to = [\"a@b.se\"]", "/etc/x/config.toml:1: mail_to is not known; did you mean mail.to?"),
            ("[mail]\nto = \"a@b.se\"", "/etc/x/config.toml:2: mail.to must be a list of texts in brackets, such as mail.to = [\"anna@example.com\"]; this is text"),
            ("mail.to = [\"a\"]", "mail.to in /etc/x/config.toml:1 can't be used: \"a\" is no mail address, such as anna@example.com or \"Anna <anna@example.com>\""),
            ("profiles = 3", "/etc/x/config.toml:1: profiles are tables, such as [profiles.north]"),
            ("profiles.a = 3", "/etc/x/config.toml:1: a profile is a table: write [profiles.a] above its keys"),
            ("rate_max = 1\nconcurrency = 1.5", "/etc/x/config.toml:2: concurrency must be a whole number, without quotes, such as concurrency = 8; this is a fraction"),
            ("max_duration = \"soon\"", "max_duration in /etc/x/config.toml:1 can't be used: \"soon\" is not a length of time, such as 90s, 30m or 8h"),
            ("dest = \"/a\"\nrate = fast", "/etc/x/config.toml:2: not valid TOML: put text in quotes; write true or false without them"),
        ];
        for (text, error) in table {
            assert_eq!(look(text).map(|file| shown(&file.top)), Err(error.to_owned()), "{text}");
        }
        let error = look("dest = \"/a\"\n= =").unwrap_err();
        assert!(error.starts_with("/etc/x/config.toml:2: not valid TOML: "), "{error}");
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let error = look(
            "dest = /a\nmax-duration = \"6h\"\nconcurrency = 0\nrate = 5\nclient_secret = \"5ecret\"\n\
             [profiles.other]\nretain = \"3 months\"\nexisting = \"yes\"\n[profiles.good]\nrate = \"auto\"\n",
        )
        .unwrap_err();
        let lines: Vec<&str> = error.lines().collect();
        let parts = [
            "6 mistakes in the configuration:",
            ":1: not valid TOML",
            ":2: max-duration is not known",
            ":3 can't be used: it is a number from",
            ":5: this file must not contain a secret",
            ":7 can't be used: \"3 months\"",
            ":8: existing must be",
        ];
        assert_eq!(lines.len(), parts.len(), "{error}");
        for (line, part) in lines.iter().zip(parts) {
            assert!(line.contains(part), "{line} has no {part}");
        }
    }

    #[test]
    fn a_mistake_in_a_profile_is_of_that_profile() {
        let of = |text: &str| {
            let path = Path::new("/x");
            [None, Some("a"), Some("b \"c\"")].map(|wanted| read(path, text, |profile| profile == wanted).is_err())
        };
        for (text, of_whom) in [
            ("dst = 1\n[profiles.a]\n", [true, false, false]),
            ("[profiles.a]\ndst = 1\n[profiles.'b \"c\"']\nrate = 1", [false, true, false]),
            ("[profiles.a]\nrate = 1\n[profiles.'b \"c\"']\nconcurrency = 0", [false, false, true]),
            ("[profiles.a]\nrate = fast\n[profiles.'b \"c\"']\nrate = 1", [false, true, false]),
            ("[profiles.'b \"c\"'.mail]\nlanguage = sv\n[profiles.a]\nrate = 1", [false, false, true]),
            ("profiles.a = 3", [false, true, false]),
            ("rate = fast\n[profiles.a]\n", [true, false, false]),
            // What follows may be read as part of the text.
            ("[profiles.a]\ndest = \"/srv\n[profiles.'b \"c\"']\n", [true, false, false]),
            ("[profiles.a]\ndest = x\"\"\"\n[profiles.'b \"c\"']\n", [true, false, false]),
        ] {
            assert_eq!(of(text), of_whom, "{text}");
        }
    }

    #[test]
    fn a_secret_is_refused_and_not_repeated() {
        assert!(look("mail.password = \"5ecret\"").unwrap_err().contains("mail.password_file"));
        for text in [
            "mail.password = \"5ecret\"",
            "client_secret = \"5ecret\"",
            "[profiles.a]\nclient_secret = 5",
            "client_secret = 5ecret",
        ] {
            let error = look(text).unwrap_err();
            assert!(!error.contains("5ecret"), "{error}");
        }
        assert!(look("client_secret = \"5ecret\"").unwrap_err().contains("client_secret_file"));
    }
}
