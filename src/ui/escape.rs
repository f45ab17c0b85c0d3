//! Names from outside, made harmless for a terminal.

/// Replaces what could move the cursor, change colours or reorder text by a visible escape.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let reorders =
            matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
        if (c.is_control() && c != '\n') || reorders || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_commands_it() {
        assert_eq!(escape("Ritning å 😀.pdf"), "Ritning å 😀.pdf");
        assert_eq!(escape("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(escape("a\u{202e}fdp.exe"), "a\\u{202e}fdp.exe");
        assert_eq!(escape("\r\u{9b}"), "\\u{d}\\u{9b}");
    }
}
