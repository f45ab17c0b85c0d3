//! Names of sheets, as Excel wants them: at most 31 UTF-16 units, without `[]:*?/\`, without an apostrophe at either end, and
//! no two that differ only in case.

use std::collections::HashSet;

/// UTF-16 units of a name.
const LONGEST: usize = 31;

/// The names of a workbook's sheets.
#[derive(Debug, Default)]
pub(super) struct SheetNames(HashSet<String>);

impl SheetNames {
    /// The name for a sheet, which is taken from now on.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let refused = |c: char| c.is_control() || "[]:*?/\\".contains(c);
        let clean: String = wanted.chars().map(|c| if refused(c) { '_' } else { c }).collect();
        // Excel keeps this name to itself.
        let clean = if clean.eq_ignore_ascii_case("history") { format!("{clean}_") } else { clean };
        let mut number = 1;
        loop {
            let end = if number == 1 { String::new() } else { format!(" ({number})") };
            let name = format!("{}{end}", shortened(&clean, LONGEST - end.len()));
            if self.0.insert(name.to_lowercase()) {
                return name;
            }
            number += 1;
        }
    }
}

/// The beginning of a name, in so many UTF-16 units.
fn shortened(name: &str, longest: usize) -> String {
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= longest
    };
    let edge = |c: char| c == '\'' || c.is_whitespace();
    let kept: String = name.trim_matches(edge).chars().take_while(fits).collect();
    let kept = kept.trim_end_matches(edge);
    if kept.is_empty() { "_".to_owned() } else { kept.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_excel() {
        let mut names = SheetNames::default();
        for (wanted, name) in [
            ("Brf Eken", "Brf Eken"),
            ("BRF EKEN", "BRF EKEN (2)"),
            ("brf eken", "brf eken (3)"),
            ("Kv. [1]: a/b\\c*?", "Kv. _1__ a_b_c__"),
            ("'Eken'", "Eken"),
            ("", "_"),
            (" ' ", "_ (2)"),
            ("History", "History_"),
            ("Bostadsrättsföreningen Eken nr 12", "Bostadsrättsföreningen Eken nr"),
            ("Bostadsrättsföreningen Eken nr 1", "Bostadsrättsföreningen Eken (2)"),
            ("ÅÄÖ", "ÅÄÖ"),
            ("åäö", "åäö (2)"),
            ("😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀", "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀"),
            ("a\nb", "a_b"),
            ("123456789012345678901234567890'x", "123456789012345678901234567890"),
        ] {
            assert_eq!(names.take(wanted), name, "{wanted:?}");
            assert!(rust_xlsxwriter::utility::check_sheet_name(name).is_ok(), "{name:?}");
        }
    }
}
