//! Escapes external text for the terminal and for the page.

/// Replaces every character that moves the cursor, changes colours, reorders text or is invisible. Line breaks
/// stay.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && is_hidden(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// The same for a single line.
pub fn escape_line(text: &str) -> String {
    escape(text).replace('\n', "\\u{a}")
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        for (raw, shown) in [
            ("Ritning å 😀.pdf", "Ritning å 😀.pdf"),
            ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
            ("a\u{202e}fdp.exe", "a\\u{202e}fdp.exe"),
            ("\u{2066}x\u{2069}\u{200f}", "\\u{2066}x\\u{2069}\\u{200f}"),
            ("in\u{200b}vis\u{ad}ible\u{feff}", "in\\u{200b}vis\\u{ad}ible\\u{feff}"),
            ("\r\u{9b}\t\0\u{2028}\u{85}", "\\u{d}\\u{9b}\\u{9}\\u{0}\\u{2028}\\u{85}"),
        ] {
            assert_eq!(escape(raw), shown);
        }
        assert_eq!((escape("two\nlines"), escape_line("two\nlines")), ("two\nlines".into(), "two\\u{a}lines".into()));
    }
}
