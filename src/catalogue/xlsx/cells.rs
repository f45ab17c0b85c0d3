//! What cells can hold: numbers of 15 digits, times from 1900 on, texts of 32,767 UTF-16 units.

use jiff::civil::DateTime;
use rust_xlsxwriter::ExcelDateTime;

/// UTF-16 units of a cell.
const LONGEST: usize = 32_767;

/// The number, if a cell keeps all of its digits; `None` for a long id, for example.
pub(super) fn exact(number: &str) -> Option<f64> {
    const KEPT: usize = 15;
    let digits: String = number.split(['e', 'E']).take(1).flat_map(str::chars).filter(char::is_ascii_digit).collect();
    let value = number.parse::<f64>().ok().filter(|value| value.is_finite())?;
    (digits.trim_matches('0').len() <= KEPT).then_some(value)
}

/// A time; `None` before 1900, which workbooks don't have.
pub(super) fn moment(at: DateTime) -> Option<ExcelDateTime> {
    let part = |part: i8| u8::try_from(part).ok();
    let day = ExcelDateTime::from_ymd(u16::try_from(at.year()).ok()?, part(at.month())?, part(at.day())?).ok()?;
    day.and_hms(u16::from(part(at.hour())?), part(at.minute())?, f64::from(at.second())).ok()
}

/// A text cut to the longest that a cell can hold.
pub(super) fn cut(text: &str) -> String {
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units >= LONGEST
    });
    end.map_or_else(|| text.to_owned(), |(at, _)| format!("{}…", &text[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_too_many_digits_become_texts() {
        for (number, value) in [
            ("123456789012345", Some(123_456_789_012_345.0)),
            ("1234567890123456", None),
            ("-12345678901234567890.123", None),
            ("1500000000000000000000", Some(1.5e21)),
            ("0.00000000000000000015", Some(1.5e-19)),
            ("1e308", Some(1e308)),
            ("1e999", None),
            ("0", Some(0.0)),
        ] {
            assert_eq!(exact(number), value, "{number}");
        }
    }

    #[test]
    fn long_texts_fit_their_cells() {
        for (text, units) in [("x".repeat(40_000), 32_767), ("😀".repeat(20_000), 32_767), ("x".repeat(32_766), 32_766)]
        {
            assert!(cut(&text).encode_utf16().count() <= units, "{}", text.len());
        }
        assert_eq!(cut("kort"), "kort");
        assert!(cut(&"x".repeat(40_000)).ends_with('…'));
    }
}
