//! Numbers of bytes, as people write them.

use std::str::FromStr;

/// A number of bytes: `1024`, `500k`, `20MB`, `1.5GiB`. `k`, `M`, `G` and `T` count by 1000,
/// with an `i` by 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(u64);

/// Why a text is not a number of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a number of bytes, such as 500MB or 20GiB")]
pub struct BadSize(String);

impl Size {
    /// The number.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = BadSize;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 9 · 10^15")]
    fn from_str(text: &str) -> Result<Self, BadSize> {
        let bad = || BadSize(text.to_owned());
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
        if bytes <= 9e15 { Ok(Self(bytes as u64)) } else { Err(bad()) }
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
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for bad in ["", "x", "-1", "1x", "1.2.3", "GB", "1e99", "99999999999T"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
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
