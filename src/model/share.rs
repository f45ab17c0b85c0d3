//! A share of a whole, as a percentage.

use std::str::FromStr;

/// Millionths in a whole.
const WHOLE: u64 = 1_000_000;

/// More than 0 % and at most 100 %: `5%`, `0.5%`, `100%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u64);

/// Why a text is not a share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a percentage above 0% and up to 100%, such as 5% or 0.5%")]
pub struct BadShare(String);

impl Share {
    /// This share of a number, rounded up so that repeating it always covers everything.
    pub fn of(self, whole: u64) -> u64 {
        let part = (u128::from(whole) * u128::from(self.0)).div_ceil(u128::from(WHOLE));
        u64::try_from(part).unwrap_or(whole)
    }
}

impl FromStr for Share {
    type Err = BadShare;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a million")]
    fn from_str(text: &str) -> Result<Self, BadShare> {
        let bad = || BadShare(text.to_owned());
        let number: f64 = text.trim().strip_suffix('%').ok_or_else(bad)?.trim().parse().map_err(|_| bad())?;
        let parts = (number * 10_000.0).round();
        if (1.0..=1_000_000.0).contains(&parts) { Ok(Self(parts as u64)) } else { Err(bad()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_parsed() {
        for (text, whole, part) in
            [("5%", 1000, 50), ("0.5 %", 1000, 5), ("100%", 7, 7), ("5%", 1, 1), ("33%", 10, 4), ("5%", 0, 0)]
        {
            assert_eq!(text.parse::<Share>().unwrap().of(whole), part, "{text} of {whole}");
        }
        for bad in ["", "5", "%", "0%", "101%", "-1%", "nan%", "0.00001%"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
    }
}
