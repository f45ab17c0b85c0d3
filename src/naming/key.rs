//! Which names are one and the same to some file system.
//!
//! macOS takes `É` and `é`, composed or not, for one name; Windows ignores case. A mirror that
//! is copied there must not lose a file to another one, so names are told apart as Unicode's
//! canonical caseless match (Unicode Standard, section 3.13, D145) sees them: decomposed, fully
//! folded, then normalised again. Full folding also equates `ß` with `ss` and `ﬁ` with `fi`,
//! which no file system needs and costs no more than an id behind a name.

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;

/// What names or whole paths are compared by: equal keys are equal names.
///
/// No character folds to or from `/`, so the key of a path is the path of its steps' keys.
pub fn key(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decomposed: String = text.nfd().collect();
    UniCase::unicode(decomposed).to_folded_case().nfc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn variants_of_a_name_share_a_key() {
        for (one, other) in [
            ("Ritning.PDF", "ritning.pdf"),
            ("ÅÄÖ", "åäö"),
            ("caf\u{e9}", "CAFE\u{301}"),
            ("\u{212b}", "å"),
            ("\u{212a}elvin", "kelvin"),
            ("Straße", "STRASSE"),
            ("ﬁl", "FIL"),
            ("ΌΔΟΣ", "όδος"),
            ("\u{1fb3}", "\u{391}\u{345}"),
            ("a\u{323}\u{307}", "a\u{307}\u{323}"),
        ] {
            assert_eq!(key(one), key(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn different_names_keep_different_keys() {
        for (one, other) in [("a", "å"), ("o", "ö"), ("a/b", "a b"), ("a", "a "), ("2", "\u{b2}"), ("fi", "f\u{131}")]
        {
            assert_ne!(key(one), key(other), "{one:?} {other:?}");
        }
    }

    proptest! {
        #[test]
        fn case_and_normalisation_do_not_count(text in any::<String>()) {
            let key_of_it = key(&text);
            prop_assert_eq!(&key(&text.nfc().collect::<String>()), &key_of_it);
            prop_assert_eq!(&key(&text.nfd().collect::<String>()), &key_of_it);
            // Folding commutes with decomposed text alone: the iota of `ᾀ` may move past later marks.
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(&key(&UniCase::unicode(decomposed).to_folded_case()), &key_of_it);
            prop_assert_eq!(&key(&text.to_ascii_uppercase()), &key_of_it);
            prop_assert_eq!(&key(&key_of_it), &key_of_it);
        }

        #[test]
        fn letters_of_either_case_are_equal(text in "[a-zA-Zåäöéüñα-ωа-я]{0,12}") {
            prop_assert_eq!(key(&text.to_uppercase()), key(&text.to_lowercase()));
        }

        #[test]
        fn a_path_is_the_path_of_its_steps(steps in prop::collection::vec("[^/]{1,8}", 1..5)) {
            let keys: Vec<_> = steps.iter().map(|step| key(step)).collect();
            prop_assert_eq!(key(&steps.join("/")), keys.join("/"));
        }
    }
}
