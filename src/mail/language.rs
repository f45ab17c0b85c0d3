//! The language of a mail.

use crate::report::count;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Swedish.
    Swedish,
}

impl Language {
    /// The text in this language.
    pub fn pick(self, english: &'static str, swedish: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Swedish => swedish,
        }
    }

    /// A number with its noun: one and many in English, one and many in Swedish.
    pub fn count(self, number: u64, english: (&str, &str), swedish: (&str, &str)) -> String {
        let (one, many) = match self {
            Self::English => english,
            Self::Swedish => swedish,
        };
        format!("{} {}", self.number(number), if number == 1 { one } else { many })
    }

    /// A number: `12,034` in English, `12 034` with hard spaces in Swedish.
    pub fn number(self, number: u64) -> String {
        let text = count(number);
        match self {
            Self::English => text,
            Self::Swedish => text.replace(',', "\u{a0}"),
        }
    }

    /// The code in HTML.
    pub fn code(self) -> &'static str {
        self.pick("en", "sv")
    }
}
