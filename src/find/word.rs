//! A word that is searched in folded text: an `a` also finds `å` and `ä`, an `o` also finds `ö`.

use memchr::memmem::Finder;

use super::fold::fold;

/// A word, or several that stand together.
#[derive(Debug, Clone)]
pub(super) struct Word {
    text: Vec<u8>,
    /// Its longest part that means only itself; may be empty.
    part: Finder<'static>,
    /// Where this part begins.
    at: usize,
}

impl Word {
    /// From what a user typed; `None` if it is blank.
    pub(super) fn new(typed: &str) -> Option<Self> {
        let text = fold(typed.trim()).into_bytes();
        let mut at = 0;
        let (mut start, mut part): (usize, &[u8]) = (0, &[]);
        for piece in text.split(|byte| matches!(byte, b'a' | b'o')) {
            if piece.len() > part.len() {
                (start, part) = (at, piece);
            }
            at += piece.len() + 1;
        }
        let part = Finder::new(part).into_owned();
        (!text.is_empty()).then_some(Self { part, at: start, text })
    }

    /// Whether folded text contains it.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        let length = self.part.needle().len();
        if length == 0 {
            return (0..text.len()).any(|at| begins(&text[at..], &self.text));
        }
        let (before, after) = (&self.text[..self.at], &self.text[self.at + length..]);
        let mut from = 0;
        while let Some(found) = self.part.find(&text[from..]) {
            let at = from + found;
            if begins(&text[at + length..], after) && ends(&text[..at], before) {
                return true;
            }
            from = at + 1;
        }
        false
    }
}

/// Whether a text begins with a word.
fn begins(mut text: &[u8], word: &[u8]) -> bool {
    word.iter().all(|letter| {
        let rest = match (letter, text) {
            (b'a', [0xc3, 0xa4 | 0xa5, rest @ ..]) | (b'o', [0xc3, 0xb6, rest @ ..]) => rest,
            (letter, [first, rest @ ..]) if first == letter => rest,
            _ => return false,
        };
        text = rest;
        true
    })
}

/// Whether a text ends with a word.
fn ends(mut text: &[u8], word: &[u8]) -> bool {
    word.iter().rev().all(|letter| {
        let rest = match (letter, text) {
            (b'a', [rest @ .., 0xc3, 0xa4 | 0xa5]) | (b'o', [rest @ .., 0xc3, 0xb6]) => rest,
            (letter, [rest @ .., last]) if last == letter => rest,
            _ => return false,
        };
        text = rest;
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_letter_finds_itself_and_those_with_accents() {
        for (typed, text, is_found) in [
            ("avtal", "Elavtal 2026.pdf", true),
            ("AVTAL", "elavtal", true),
            ("avtal", "elavta", false),
            ("angstrom", "Ångström", true),
            ("ångstrom", "Ångström", true),
            ("angström", "Ångström", true),
            ("ångström", "Angstrom", false),
            ("ångström", "Ängström", false),
            ("ä", "Å", false),
            ("a", "Å", true),
            ("a", "Ä", true),
            ("o", "Ö", true),
            ("o", "å", false),
            ("ao", "xåöy", true),
            ("aa", "xåäy", true),
            ("oa", "ao", false),
            ("ö", "o", false),
            ("ö", "FÖR", true),
            ("for", "för", true),
            ("cafe", "Café", true),
            ("café", "cafe", true),
            ("ttoa", "tttoa", true),
            ("El avtal", "gammalt el avtal", true),
            ("el avtal", "avtal el", false),
            ("2017-2020", "2017–2020", true),
            ("п", "Договор п", true),
        ] {
            assert_eq!(Word::new(typed).unwrap().is_in(fold(text).as_bytes()), is_found, "{typed:?} {text:?}");
        }
        assert!(Word::new(" ").is_none());
    }
}
