//! Text from outside, made harmless for a page.
//!
//! Names come from the service and may be anything. None of their characters is markup, none reorders
//! or hides text, none ends a line: a line of the page is what [`crate::page::erase`] takes out.

use std::fmt::Write as _;

/// Text for an element or for an attribute in double quotes.
pub(crate) fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() + raw.len() / 8);
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if is_hidden(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// What commands, reorders or can't be seen.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A path below some folder as a relative link, for an attribute: only what no reader takes for
/// anything else stays as it is.
pub(crate) fn href(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + path.len() / 4);
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            // Writing to a text never fails.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// What [`text`] and [`href`] made of a text, undone as far as searching needs it.
pub(crate) fn undo(escaped: &str) -> String {
    let plain = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    plain.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_commands_a_page() {
        for (raw, shown) in [
            ("Ritning å 😀.pdf", "Ritning å 😀.pdf"),
            ("<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"),
            ("\"><img src=x onerror=y>", "&quot;&gt;&lt;img src=x onerror=y&gt;"),
            ("&amp;&lt;", "&amp;amp;&amp;lt;"),
            ("a\u{202e}fdp.exe", "a\\u{202e}fdp.exe"),
            ("\u{2066}x\u{2069}\u{200f}", "\\u{2066}x\\u{2069}\\u{200f}"),
            ("two\nlines\r\t\0\u{2028}\u{85}", "two\\u{a}lines\\u{d}\\u{9}\\u{0}\\u{2028}\\u{85}"),
            ("in\u{200b}vis\u{ad}ible\u{feff}", "in\\u{200b}vis\\u{ad}ible\\u{feff}"),
        ] {
            assert_eq!(text(raw), shown);
            assert_eq!(text(raw).lines().count(), 1);
        }
    }

    #[test]
    fn links_lead_to_the_path_alone() {
        for (path, link) in [
            ("Brf Eken/a.pdf", "Brf%20Eken/a.pdf"),
            ("100 %/#1?.pdf", "100%20%25/%231%3F.pdf"),
            ("javascript:x", "javascript%3Ax"),
            ("å\"'<&>", "%C3%A5%22%27%3C%26%3E"),
            ("-_.~()", "-_.~%28%29"),
        ] {
            assert_eq!(href(path), link);
        }
    }

    #[test]
    fn what_was_escaped_is_found_again() {
        for raw in ["a & b", "&lt;", "<a href=\"x\">'", "&amp;lt;"] {
            assert_eq!(undo(&text(raw)), raw);
        }
    }
}
