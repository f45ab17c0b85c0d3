//! What a setting takes, in the file and in the environment.

use std::ffi::OsString;

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that is not shown, because it may have a secret in it.
    Hidden,
    /// A secret: from the environment alone.
    Secret,
    /// A URL whose path may be a secret: it may stand in the file, and only its host is shown.
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
    Tempo,
    /// A length of time.
    Time,
    /// A number of bytes.
    Size,
    /// A part in percent.
    Share,
    /// A number, or a part in percent.
    Cap,
}

impl Kind {
    /// What it wants, in the words of an error.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Text | Self::Hidden | Self::Secret => "a text in quotes",
            Self::Address => "a URL in quotes",
            Self::Path => "a path in quotes",
            Self::Switch => "true or false, without quotes",
            Self::List => "a list of texts in brackets",
            Self::Count => "a whole number, without quotes",
            Self::Number => "a number, without quotes",
            Self::Tempo => "\"auto\" in quotes, or a number",
            Self::Time => "a length of time in quotes",
            Self::Size => "a number of bytes, or one with a unit in quotes",
            Self::Share => "a part in percent, in quotes",
            Self::Cap => "a whole number, or a part in percent in quotes",
        }
    }

    /// Whether a value may have several lines: a command of the shell, a list.
    pub fn has_lines(self) -> bool {
        matches!(self, Self::Hidden | Self::List)
    }

    /// Whether a text in quotes may stand in the file.
    pub fn takes_text(self) -> bool {
        !matches!(self, Self::Switch | Self::List | Self::Count | Self::Number)
    }

    /// Whether a whole number may stand in the file.
    pub fn takes_count(self) -> bool {
        matches!(self, Self::Count | Self::Number | Self::Tempo | Self::Size | Self::Cap)
    }

    /// Whether a fraction may stand in the file.
    pub fn takes_fraction(self) -> bool {
        matches!(self, Self::Number | Self::Tempo)
    }

    /// The values that a variable of the environment means.
    pub fn of_variable(self, text: &OsString) -> Result<Vec<OsString>, &'static str> {
        match self {
            Self::Switch => match text.to_string_lossy().trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Ok(vec!["true".into()]),
                "false" | "no" | "off" | "0" => Ok(vec!["false".into()]),
                _ => Err("it is true or false"),
            },
            Self::List => {
                let text = text.to_str().ok_or("it is not UTF-8")?;
                let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
                Ok(parts.map(OsString::from).collect())
            }
            _ => Ok(vec![text.clone()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_as_people_write_them() {
        let read = |kind: Kind, text: &str| {
            kind.of_variable(&text.into()).map(|values| {
                values.into_iter().map(|value| value.into_string().unwrap()).collect::<Vec<_>>().join("|")
            })
        };
        #[rustfmt::skip]
        let table = [
            (Kind::Switch, "yes",           Ok("true")),
            (Kind::Switch, " TRUE ",        Ok("true")),
            (Kind::Switch, "0",             Ok("false")),
            (Kind::Switch, "maybe",         Err("it is true or false")),
            (Kind::List,   "Brf *; Test, 2;", Ok("Brf *|Test, 2")),
            (Kind::List,   ";",             Ok("")),
            (Kind::Time,   "6h",            Ok("6h")),
            (Kind::Text,   " a;b ",         Ok(" a;b ")),
        ];
        for (kind, text, values) in table {
            assert_eq!(read(kind, text), values.map(str::to_owned), "{kind:?} {text}");
        }
    }
}
