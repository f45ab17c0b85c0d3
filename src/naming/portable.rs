//! One step of a path out of any name.
//!
//! What some system refuses becomes `_`, one for each character, so that the change shows and
//! the rest of the name stays readable; look-alike characters would hide it and can't be typed.
//! Replaced are:
//! - what Windows, macOS or Linux refuse in a name, and every control character and line break;
//! - what makes a name look like another: bidirectional controls (`fdp.exe` that reads
//!   `exe.pdf`) and invisible characters. The joiners stay, because emoji and several scripts
//!   are written with them;
//! - spaces in front, dots and spaces at the end, which Windows drops silently; with them go
//!   `.`, `..` and the empty name.
//!
//! A reserved device name gets its `_` behind the device (`CON_.txt`), because Windows opens the
//! device whatever extension follows. The state folder's name loses its dot.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::{cut, key::key};
use crate::model::{SEGMENT_LIMIT, STATE_FOLDER};

/// Zero-width (non-)joiners: kept, but HFS+ does not see them when it compares names.
pub(super) const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// Devices that Windows reserves, without those that are counted.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// The name as one step of a path, on every system, of at most 255 bytes. Too long a name is
/// cut in front of its extension. A portable name comes back unchanged.
pub fn portable(name: &str) -> String {
    let name = clean(name);
    let (stem, extension) = cut::split_extension(&name);
    plain(stem, extension, SEGMENT_LIMIT)
}

/// A cleaned name within the limit. Cutting can bare a new end (`CON` of `CON   …x`), so what
/// was cut is cleaned once more.
pub(super) fn plain(stem: &str, extension: &str, limit: usize) -> String {
    let name = cut::fit(stem, extension, limit);
    if name.len() < stem.len() + extension.len() { clean(&name) } else { name }
}

/// The name made portable, however long it is.
pub(super) fn clean(name: &str) -> String {
    mark_reserved(edges(characters(name)))
}

/// The text in NFC.
pub fn composed(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { Cow::Borrowed(text) } else { text.nfc().collect() }
}

/// The text in NFC, without characters that a name must not have.
pub(super) fn characters(text: &str) -> String {
    composed(text).chars().map(|c| if is_refused(c) { '_' } else { c }).collect()
}

fn is_refused(c: char) -> bool {
    let by_windows = matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*');
    let invisible = matches!(c,
        '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    by_windows || invisible || c.is_control()
}

fn edges(mut name: String) -> String {
    let front = name.len() - name.trim_start_matches(' ').len();
    name.replace_range(..front, &"_".repeat(front));
    let end = name.trim_end_matches(['.', ' ']).len();
    let dropped = name.len() - end;
    name.replace_range(end.., &"_".repeat(dropped));
    if name.is_empty() { "_".to_owned() } else { name }
}

fn mark_reserved(mut name: String) -> String {
    let device = name.split('.').next().unwrap_or_default().trim_end_matches(' ').len();
    if is_device(&name[..device]) {
        name.insert(device, '_');
    } else if is_state_folder(&name) {
        name = name.replacen('.', "_", 1);
    }
    name
}

fn is_device(stem: &str) -> bool {
    let numbered = |device: &str| {
        let number = stem.get(..3).filter(|s| s.eq_ignore_ascii_case(device)).map(|_| &stem[3..]);
        let mut number = number.unwrap_or_default().chars();
        matches!((number.next(), number.next()), (Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'), None))
    };
    DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) || numbered("COM") || numbered("LPT")
}

fn is_state_folder(name: &str) -> bool {
    name.trim_start_matches(JOINERS).starts_with('.') && key(&name.replace(JOINERS, "")) == STATE_FOLDER
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{model::RelPath, naming::cut::tests::odd_name};

    #[test]
    fn names_that_are_changed() {
        for (name, step) in [
            ("", "_"),
            (".", "_"),
            ("..", "__"),
            ("   ", "___"),
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("A<B>C:D\"E/F\\G|H?I*J.pdf", "A_B_C_D_E_F_G_H_I_J.pdf"),
            ("a\0b\tc\u{7f}d\u{85}e\u{2028}f", "a_b_c_d_e_f"),
            ("\u{feff}plan\u{202e}fdp.exe", "_plan_fdp.exe"),
            ("Rapport...", "Rapport___"),
            (" Rapport. .", "_Rapport___"),
            ("Cafe\u{301}", "Caf\u{e9}"),
            ("\u{212b}", "\u{c5}"),
            ("CON", "CON_"),
            ("con.txt", "con_.txt"),
            ("Aux .tar.gz", "Aux_ .tar.gz"),
            ("NUL:", "NUL_"),
            ("com0", "com0_"),
            ("LPT9.log", "LPT9_.log"),
            ("COM\u{b9}.pdf", "COM\u{b9}_.pdf"),
            ("conout$", "conout$_"),
            (".ibinder-sync", "_ibinder-sync"),
            (".IBinder-Sync", "_IBinder-Sync"),
            (".ibinder-\u{17f}ync", "_ibinder-\u{17f}ync"),
            (".ibinder\u{200d}-sync", "_ibinder\u{200d}-sync"),
            ("\u{200c}.ibinder-sync", "\u{200c}_ibinder-sync"),
        ] {
            assert_eq!(portable(name), step, "{name:?}");
        }
    }

    #[test]
    fn names_that_stay() {
        for name in [
            "A-40.1-001 Plan 1.pdf",
            "Ritning nr. 5",
            ".htaccess",
            "...a",
            "COM10",
            "COM",
            "CONSOLE.txt",
            "LPT\u{b9}0",
            "xCON",
            ".CON",
            ".ibinder-sync.pdf",
            "ibinder-sync",
            "👨\u{200d}👩\u{200d}👧.png",
            "می\u{200c}خواهم",
            "a\u{323}\u{302}\u{301}",
            "50 % & [x] (1) 'y' #=~$!",
        ] {
            assert_eq!(portable(name), name.nfc().collect::<String>());
        }
    }

    #[test]
    fn long_names_are_cut_before_the_extension() {
        assert_eq!(portable(&format!("{}.pdf", "ö".repeat(200))), format!("{}.pdf", "ö".repeat(125)));
        assert_eq!(portable(&"x".repeat(400)), "x".repeat(255));
        assert_eq!(portable(&format!("{}. .{}", "x".repeat(252), "y".repeat(99))), "x".repeat(252));
    }

    #[test]
    fn what_a_cut_bares_is_cleaned_again() {
        assert_eq!(portable(&format!("CON{}x", " ".repeat(300))), "CON_");
        assert_eq!(portable(&format!("{}x y", ".".repeat(300))), "_".repeat(255));
        let hidden = portable(&format!(".ibinder-sync{}x y", "\u{200c}".repeat(100)));
        assert!(hidden.starts_with("_ibinder-sync"), "{hidden:?}");
    }

    proptest! {
        #[test]
        fn any_name_becomes_one_safe_step(name in odd_name()) {
            let step = portable(&name);
            let path = RelPath::new(&step).unwrap();
            prop_assert_eq!(path.leaf(), &step);
            prop_assert!(is_nfc(&step));
            prop_assert!(!step.chars().any(is_refused));
            prop_assert!(!step.starts_with(' ') && !step.ends_with(['.', ' ']));
            prop_assert!(!is_state_folder(&step));
            prop_assert_eq!(portable(&step), step);
        }

        #[test]
        fn a_short_name_keeps_its_length(name in "[^\0]{1,20}") {
            let composed = name.nfc().count();
            let step = portable(&name).chars().count();
            prop_assert!(step == composed || step == composed + 1);
        }
    }
}
