//! JSON as the arguments of a call, in which no text can run or end the script.
//!
//! Besides what JSON demands, `<`, `>` and `&` are escaped, so that the text can't be mistaken for HTML wherever it ends up;
//! U+2028 and U+2029, which end lines in old scripts; and what makes text look like other text in an editor.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Writes texts with escapes.
struct Escaped;

impl Formatter for Escaped {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        let mut from = 0;
        for (at, c) in text.char_indices().filter(|(_, c)| is_escaped(*c)) {
            out.write_all(&text.as_bytes()[from..at])?;
            write!(out, "\\u{:04x}", u32::from(c))?;
            from = at + c.len_utf8();
        }
        out.write_all(&text.as_bytes()[from..])
    }
}

/// Only characters of the basic plane, so that one escape is enough.
fn is_escaped(c: char) -> bool {
    matches!(c,
        '<' | '>' | '&' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A script that calls a function of the page with these arguments, a tuple.
pub(super) fn call(function: &str, arguments: &impl Serialize) -> Vec<u8> {
    let mut json = Vec::new();
    // Writing to memory can't fail, and the values have only texts as keys.
    if arguments.serialize(&mut Serializer::with_formatter(&mut json, Escaped)).is_err() {
        json = b"[]".to_vec();
    }
    let inside = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
    [b"ibinder.", function.as_bytes(), b"(", inside, b");\n"].concat()
}

/// The only argument of such a call.
pub(super) fn argument<T: serde::de::DeserializeOwned>(function: &str, script: &[u8]) -> Option<T> {
    let head = format!("ibinder.{function}(");
    let inside = script.strip_prefix(head.as_bytes())?.strip_suffix(b");\n")?;
    serde_json::from_slice(inside).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_text_can_run_or_leave_the_page() {
        for (text, written) in [
            ("<img src=x onerror=alert(1)>", r"\u003cimg src=x onerror=alert(1)\u003e"),
            ("</script><!--", r"\u003c/script\u003e\u003c!--"),
            ("a&lt;b", r"a\u0026lt;b"),
            ("\");alert(1);//", "\\\");alert(1);//"),
            ("\\\"\n\r\t\0", "\\\\\\\"\\n\\r\\t\\u0000"),
            ("\u{2028}\u{2029}", r"\u2028\u2029"),
            ("plan\u{202e}fdp.exe\u{2066}", r"plan\u202efdp.exe\u2066"),
            ("..%2f..%2fetc", "..%2f..%2fetc"),
            ("javascript:alert(1)", "javascript:alert(1)"),
            ("\u{fffd} åäö 🏠", "\u{fffd} åäö 🏠"),
        ] {
            let script = call("start", &(text,));
            assert_eq!(String::from_utf8(script).unwrap(), format!("ibinder.start(\"{written}\");\n"));
        }
        assert_eq!(call("search", &("b", 1, [2])), b"ibinder.search(\"b\",1,[2]);\n");
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_is_inert(text in any::<String>()) {
            let script = call("start", &(&text,));
            prop_assert_eq!(argument::<String>("start", &script), Some(text));
            let written = String::from_utf8(script).unwrap();
            prop_assert!(!written.trim_end().contains(is_escaped) && written.lines().count() == 1);
        }
    }

    #[test]
    fn only_whole_calls_are_read() {
        for script in ["", "ibinder.start(1)", "ibinder.start(1);", "ibinder.binders(1);\n", "ibinder.start(1 2);\n"] {
            assert_eq!(argument::<i64>("start", script.as_bytes()), None, "{script:?}");
        }
        assert_eq!(argument::<i64>("start", b"ibinder.start(1);\n"), Some(1));
    }
}
