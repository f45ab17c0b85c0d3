//! Kinds of settings: what the file and the environment may have for each, and how its values look there.

use std::ffi::OsString;

use serde_json::Value;

/// What a setting takes in the file and in the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that is not shown, because it may contain a secret.
    Hidden,
    /// A secret: from the environment alone.
    Secret,
    /// A URL whose path may be a secret: it may be in the file, and only its host is shown.
    Address,
    /// A file or folder.
    Path,
    /// Yes or no.
    Switch,
    /// Several texts.
    List,
    /// A whole number.
    Count,
    /// A number.
    Number,
    /// A number, or `auto`.
    Rate,
    /// A length of time.
    Time,
    /// A number of bytes.
    Size,
    /// A percentage.
    Share,
    /// A number, or a percentage.
    Cap,
}

impl Kind {
    /// What it must be, for an error.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Text | Self::Hidden | Self::Secret => "text in quotes",
            Self::Address => "a URL in quotes",
            Self::Path => "a path in quotes",
            Self::Switch => "true or false, without quotes",
            Self::List => "a list of texts in brackets",
            Self::Count => "a whole number, without quotes",
            Self::Number => "a number, without quotes",
            Self::Rate => "\"auto\" in quotes, or a number",
            Self::Time => "a length of time in quotes",
            Self::Size => "a number of bytes, or one with a unit in quotes",
            Self::Share => "a percentage in quotes",
            Self::Cap => "a whole number, or a percentage in quotes",
        }
    }

    /// Whether a value may have several lines: a command of the shell, a list, a secret that is checked on its own.
    pub fn has_lines(self) -> bool {
        matches!(self, Self::Hidden | Self::List | Self::Secret)
    }

    /// Whether text in quotes may be in the file.
    pub fn takes_text(self) -> bool {
        !matches!(self, Self::Switch | Self::List | Self::Count | Self::Number)
    }

    /// Whether a whole number may be in the file.
    pub fn takes_count(self) -> bool {
        matches!(self, Self::Count | Self::Number | Self::Rate | Self::Size | Self::Cap)
    }

    /// Whether a fraction may be in the file.
    pub fn takes_fraction(self) -> bool {
        matches!(self, Self::Number | Self::Rate)
    }

    /// Whether a value may be shown.
    pub fn is_hidden(self) -> bool {
        matches!(self, Self::Secret | Self::Hidden)
    }

    /// The values in a variable of the environment.
    pub fn of_variable(self, text: OsString) -> Vec<OsString> {
        match (self, text.to_str()) {
            (Self::List, Some(text)) => {
                text.split(';').map(str::trim).filter(|part| !part.is_empty()).map(OsString::from).collect()
            }
            _ => vec![text],
        }
    }

    /// Values as the file has them, which TOML and JSON write alike.
    pub fn in_file(self, values: &[OsString]) -> Value {
        let texts = || values.iter().map(|value| value.to_string_lossy().into_owned());
        let one = texts().next().unwrap_or_default();
        match self {
            Self::List => texts().collect::<Vec<_>>().into(),
            Self::Switch => switch(&one).unwrap_or_default().into(),
            _ if self.takes_count() => {
                serde_json::from_str::<serde_json::Number>(&one).map_or_else(|_| one.into(), Value::Number)
            }
            _ => one.into(),
        }
    }
}

/// Reads a switch.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("it is true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_variables_are_separated_by_semicolons() {
        let read = |kind: Kind, text: &str| kind.of_variable(text.into()).join("|".as_ref()).into_string().unwrap();
        #[rustfmt::skip]
        let table = [
            (Kind::List, "Brf *; Test, 2;", "Brf *|Test, 2"),
            (Kind::List, ";",               ""),
            (Kind::Time, "6h",              "6h"),
            (Kind::Text, " a;b ",           " a;b "),
        ];
        for (kind, text, values) in table {
            assert_eq!(read(kind, text), values, "{kind:?} {text}");
        }
    }

    #[test]
    fn switches_are_read_as_people_write_them() {
        for (text, value) in [
            ("yes", Ok(true)),
            (" TRUE ", Ok(true)),
            ("0", Ok(false)),
            ("maybe", Err("it is true or false".to_owned())),
        ] {
            assert_eq!(switch(text), value, "{text}");
        }
    }
}
