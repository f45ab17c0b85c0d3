//! Text as it is compared: without case and accents. å, ä and ö are letters of their own and stay.

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, char::is_combining_mark, is_nfc_quick};

/// Appends a text as it is compared. It has no control characters.
pub(super) fn fold_into(text: &str, folded: &mut String) {
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        for letter in text.chars() {
            fold_letter(letter, folded);
        }
    } else {
        for letter in text.nfc() {
            fold_letter(letter, folded);
        }
    }
}

/// A text as it is compared.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

fn fold_letter(letter: char, folded: &mut String) {
    match letter {
        '\0'..='\x1f' | '\x7f' => folded.push(' '),
        ' '..='~' => folded.push(letter.to_ascii_lowercase()),
        'å' | 'ä' | 'ö' => folded.push(letter),
        'Å' | 'Ä' | 'Ö' => folded.extend(letter.to_lowercase()),
        _ => folded.extend(std::iter::once(letter).nfkd().filter(|part| !is_combining_mark(*part)).flat_map(plain)),
    }
}

/// Without case; a dash of any length is a hyphen.
fn plain(letter: char) -> impl Iterator<Item = char> {
    let shown = match letter {
        '\u{2010}'..='\u{2015}' => '-',
        other if other.is_control() => ' ',
        other => other,
    };
    shown.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_case_and_accents_are_lost() {
        for (text, folded) in [
            ("Brf EKEN/El.PDF", "brf eken/el.pdf"),
            ("ÅÄÖ åäö", "åäö åäö"),
            ("A\u{30a}ngstro\u{308}m", "ångström"),
            ("Café Élan, señor Dvořák", "cafe elan, senor dvorak"),
            ("e\u{301}", "e"),
            ("\u{212b}", "å"),
            ("Ǻ", "a"),
            ("2017–2020", "2017-2020"),
            ("a\u{a0}b\tc\nd\u{1f}e", "a b c d e"),
            ("ﬁl", "fil"),
            ("Договор", "договор"),
        ] {
            assert_eq!(fold(text), folded, "{text:?}");
            assert_eq!(fold(&fold(text)), folded, "{text:?}, twice");
        }
    }
}
