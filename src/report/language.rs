//! The languages of what people read: mails, pages and workbooks. Numbers, sizes and times are written as in them.

use crate::{
    model::FailureCause,
    report::{ChangeKind, Outcome, format},
};

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
        self.grouped(&format::count(number))
    }

    /// A number of documents.
    pub fn documents(self, number: u64) -> String {
        self.count(number, ("document", "documents"), ("dokument", "dokument"))
    }

    /// A size: `1.2 MB` in English, `1,2 MB` in Swedish.
    pub fn bytes(self, count: u64) -> String {
        let text = format::bytes(count);
        match self {
            Self::English => text,
            Self::Swedish => text.replace('.', ",").replace(" bytes", " byte"),
        }
    }

    /// A duration: `2 h 5 min` in English, `2 tim 5 min` in Swedish.
    pub fn time(self, seconds: f64) -> String {
        let text = format::time(seconds);
        match self {
            Self::English => text,
            Self::Swedish => text.replace('.', ",").replace(" h ", " tim "),
        }
    }

    /// English digits in groups, as they are grouped in this language.
    pub fn grouped(self, text: &str) -> String {
        match self {
            Self::English => text.to_owned(),
            Self::Swedish => text.replace(',', "\u{a0}"),
        }
    }

    /// How a time of day is written, for `strftime`.
    pub fn time_pattern(self) -> &'static str {
        self.pick("%-d %b %Y %H:%M", "%Y-%m-%d %H:%M")
    }

    /// How a day is written.
    pub fn day_pattern(self) -> &'static str {
        self.pick("%-d %b %Y", "%Y-%m-%d")
    }

    /// How a run ended, in a word.
    pub fn outcome(self, outcome: Outcome) -> &'static str {
        let swedish = match outcome {
            Outcome::Complete => "fullständig",
            Outcome::Partial => "ofullständig",
            Outcome::Failed => "misslyckad",
            Outcome::Interrupted => "avbruten",
        };
        self.pick(outcome.word(), swedish)
    }

    /// What happened to a document, in a word.
    pub fn change(self, kind: ChangeKind) -> &'static str {
        let swedish = match kind {
            ChangeKind::Added => "tillagt",
            ChangeKind::Updated => "uppdaterat",
            ChangeKind::Moved => "flyttat",
            ChangeKind::Removed => "borttaget",
        };
        self.pick(kind.word(), swedish)
    }

    /// What happened to so many documents, in a word.
    pub fn changes(self, kind: ChangeKind, count: u64) -> &'static str {
        let swedish = match kind {
            _ if count == 1 => self.change(kind),
            ChangeKind::Added => "tillagda",
            ChangeKind::Updated => "uppdaterade",
            ChangeKind::Moved => "flyttade",
            ChangeKind::Removed => "borttagna",
        };
        self.pick(kind.word(), swedish)
    }

    /// A mark of a scale.
    pub fn tick(self, english: &str) -> String {
        match self {
            Self::English => english.to_owned(),
            Self::Swedish => self.grouped(english).replace("mill.", "milj.").replace(" h", " tim"),
        }
    }

    /// Why a document failed.
    pub fn cause(self, cause: FailureCause) -> &'static str {
        let swedish = match cause {
            FailureCause::Refused => "iBinder nekar åtkomst",
            FailureCause::NotFound => "iBinder säger att det inte finns",
            FailureCause::Throttled => "iBinder bromsade frågorna",
            FailureCause::Unavailable => "iBinder, dess lagring eller nätet svarade inte",
            FailureCause::Rejected => "svaret från iBinder går inte att använda",
            FailureCause::Bytes => "innehållet går inte att lita på",
            FailureCause::File => "filen kunde inte skrivas",
            FailureCause::Absence => "finns inte i listan, men är inte säkert borttaget",
            FailureCause::Damage => "en skada kunde inte lagas",
            FailureCause::Run => "körningen kunde inte börja eller fortsätta",
            FailureCause::Other => "annan orsak",
        };
        self.pick(cause.meaning(), swedish)
    }

    /// The code in HTML.
    pub fn code(self) -> &'static str {
        self.pick("en", "sv")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_the_language() {
        let swedish = Language::Swedish;
        assert_eq!(swedish.number(1_234_567), "1\u{a0}234\u{a0}567");
        assert_eq!((swedish.bytes(1_234_567), swedish.bytes(12)), ("1,2 MB".to_owned(), "12 byte".to_owned()));
        assert_eq!((swedish.time(12.34), swedish.time(7_500.0)), ("12,3 s".to_owned(), "2 tim 5 min".to_owned()));
        assert_eq!((swedish.tick("1,000"), swedish.tick("10 h")), ("1\u{a0}000".to_owned(), "10 tim".to_owned()));
        assert_eq!(
            (swedish.documents(1), Language::English.documents(2)),
            ("1 dokument".to_owned(), "2 documents".to_owned())
        );
    }
}
