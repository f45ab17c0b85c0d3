//! Names of a limited length.
//!
//! What tells names apart (the id) and what opens them (the extension) survives a cut; the stem
//! gives way. Limits count bytes, people read characters: the cut falls between two of them, and
//! before a letter whose accent would be lost.

use unicode_normalization::char::is_combining_mark;

/// Longest ending, in bytes, that is still taken for an extension.
const EXTENSION_LIMIT: usize = 16;

/// The name in front of its extension, and the extension with its dot; empty where the name has none.
///
/// An extension is what follows the last dot, unless it is too long or has spaces, as in `Nr. 5 plan`,
/// or nothing precedes the dot.
pub(super) fn split_extension(name: &str) -> (&str, &str) {
    let Some(dot) = name.rfind('.') else { return (name, "") };
    let (stem, extension) = name.split_at(dot);
    let is_extension = !stem.is_empty()
        && (2..=EXTENSION_LIMIT + 1).contains(&extension.len())
        && !extension.contains(char::is_whitespace);
    if is_extension { (stem, extension) } else { (name, "") }
}

/// Stem and tail together, of at most `limit` bytes: the stem is cut and loses the dots and spaces
/// that the cut bares. The tail stays as it is, and must be shorter than the limit.
pub(super) fn fit(stem: &str, tail: &str, limit: usize) -> String {
    let room = limit.saturating_sub(tail.len());
    let kept = if stem.len() <= room { stem } else { without_bare_end(&stem[..boundary(stem, room)]) };
    [kept, tail].concat()
}

/// A stem of nothing but dots stays: without it the name would begin with its tail.
fn without_bare_end(cut: &str) -> &str {
    let trimmed = cut.trim_end_matches(['.', ' ']);
    if trimmed.is_empty() { cut } else { trimmed }
}

/// Where to cut, at `room` or before; among marks without end simply between two characters.
fn boundary(text: &str, room: usize) -> usize {
    let hard = text.floor_char_boundary(room);
    let mut at = hard;
    while let Some(previous) = text[..at].chars().next_back() {
        if text[at..].chars().next().is_none_or(|next| !is_joined(previous, next)) {
            return at;
        }
        at -= previous.len_utf8();
    }
    hard
}

fn is_joined(previous: char, next: char) -> bool {
    const JOINER: char = '\u{200d}';
    let is_skin_tone = matches!(next, '\u{1f3fb}'..='\u{1f3ff}');
    previous == JOINER || next == JOINER || is_skin_tone || is_combining_mark(next)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Names as a tester of file systems would choose them: anything, long runs of the characters that
    /// rules speak of, and reserved words in odd company.
    pub(in crate::naming) fn odd_name() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<String>(),
            "[. ]{0,4}",
            "[a-zA-Zåäö \u{301}\u{323}\u{200c}\u{200d}👩🏽_.\\-\\[\\]0-9]{0,12}",
            prop::sample::select(vec![
                "CON",
                "nul",
                "Com1",
                "LPT²",
                "CONIN$",
                ".ibinder-sync",
                ".IBINDER-SYNC",
                ".pdf",
                ".tar.gz",
                "..",
                " [abcdefgh]",
                "/",
                "\\",
                "\u{202e}",
                "\0",
                "ﬁ",
                "ß",
                "\u{1d160}",
                "e\u{301}",
            ])
            .prop_map(str::to_owned),
            ("[. x\u{301}\u{200c}ö👩]", 1..300_usize).prop_map(|(c, n)| c.repeat(n)),
        ];
        prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn extensions() {
        for (name, stem, extension) in [
            ("plan.pdf", "plan", ".pdf"),
            ("plan.tar.gz", "plan.tar", ".gz"),
            (".pdf", ".pdf", ""),
            ("plan", "plan", ""),
            ("plan.", "plan.", ""),
            ("Nr. 5", "Nr. 5", ""),
            ("a.1234567890123456", "a", ".1234567890123456"),
            ("a.12345678901234567", "a.12345678901234567", ""),
            ("..pdf", ".", ".pdf"),
        ] {
            assert_eq!(split_extension(name), (stem, extension), "{name:?}");
        }
    }

    #[test]
    fn cuts() {
        for (stem, tail, limit, fitted) in [
            ("abcdef", ".pdf", 10, "abcdef.pdf"),
            ("abcdef", ".pdf", 9, "abcde.pdf"),
            ("abc. def", ".pdf", 9, "abc.pdf"),
            ("abcö", "", 4, "abc"),
            ("abco\u{308}", "", 5, "abc"),
            ("abcx\u{308}\u{301}", "", 6, "abc"),
            ("\u{308}\u{308}\u{308}", "", 4, "\u{308}\u{308}"),
            ("a👩\u{200d}👧", "", 11, "a"),
            ("a👩🏽", "", 8, "a"),
            ("....", "-1", 4, "..-1"),
        ] {
            assert_eq!(fit(stem, tail, limit), fitted, "{stem:?}");
        }
    }

    proptest! {
        #[test]
        fn a_fitted_name_is_a_start_and_its_tail(stem in odd_name(), limit in 20..60_usize) {
            let fitted = fit(&stem, " [id].pdf", limit);
            let kept = fitted.strip_suffix(" [id].pdf").unwrap();
            prop_assert!(fitted.len() <= limit && stem.starts_with(kept));
            prop_assert!(stem.is_empty() || stem.chars().next().unwrap().len_utf8() > limit - 9 || !kept.is_empty());
        }
    }
}
