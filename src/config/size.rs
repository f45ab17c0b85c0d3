//! Sizes in bytes, with units.

use std::str::FromStr;

/// A number of bytes: `1024`, `500k`, `20MB`, `1.5GiB`. `k`, `M`, `G` and `T` count by 1000,
/// with an `i` by 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    bytes: u64,
    /// Whether it was written with a unit.
    has_unit: bool,
}

impl Size {
    /// The number.
    pub fn bytes(self) -> u64 {
        self.bytes
    }

    /// The number, if it is at least `least` or has a unit: `5` is probably a typo for `5MB`, `5B` is not.
    pub fn plausible(self, least: u64, unit: &str) -> Result<u64, String> {
        if self.has_unit || self.bytes == 0 || self.bytes >= least {
            return Ok(self.bytes);
        }
        Err(format!("{0} is {0} bytes; did you mean {0}{unit}? Write {0}B for so few", self.bytes))
    }
}

impl FromStr for Size {
    type Err = String;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 9 · 10^15")]
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is not a number of bytes, such as 500MB or 20GiB");
        let trimmed = text.trim();
        let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(end);
        let number: f64 = number.parse().map_err(|_| bad())?;
        let unit = unit.trim().to_ascii_lowercase();
        let factor: f64 = match unit.strip_suffix('b').unwrap_or(&unit) {
            "" => 1.0,
            "k" => 1e3,
            "m" => 1e6,
            "g" => 1e9,
            "t" => 1e12,
            "ki" => 1024.0,
            "mi" => 1024.0 * 1024.0,
            "gi" => 1024.0 * 1024.0 * 1024.0,
            "ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
            _ => return Err(bad()),
        };
        let bytes = number * factor;
        // Beyond this a float no longer counts single bytes, and no disk is that large.
        if bytes <= 9e15 { Ok(Self { bytes: bytes as u64, has_unit: !unit.is_empty() }) } else { Err(bad()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("1024", 1024),
            ("500k", 500_000),
            ("20 MB", 20_000_000),
            ("1.5GiB", 1_610_612_736),
            ("2t", 2_000_000_000_000),
            ("7B", 7),
        ] {
            assert_eq!(text.parse::<Size>().map(Size::bytes), Ok(bytes), "{text}");
        }
        for bad in ["", "x", "-1", "1x", "1.2.3", "GB", "1e99", "99999999999T"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_small_number_without_a_unit_is_refused() {
        for (text, plausible) in [
            ("0", true),
            ("5", false),
            ("9999", false),
            ("10000", true),
            ("5B", true),
            ("5 MB", true),
            ("0.5", true),
            ("1.5", false),
        ] {
            assert_eq!(text.parse::<Size>().unwrap().plausible(10_000, "MB").is_ok(), plausible, "{text}");
        }
        let error = "5".parse::<Size>().unwrap().plausible(10_000, "MB").unwrap_err();
        assert_eq!(error, "5 is 5 bytes; did you mean 5MB? Write 5B for so few");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~]{0,20}|[0-9.]{1,30} ?[kMGTiB%]{0,3}|\\PC{0,20}") {
            if let Ok(size) = text.parse::<Size>() {
                proptest::prop_assert!(size.bytes() <= 9_000_000_000_000_000);
            }
        }
    }
}
