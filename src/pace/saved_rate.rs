//! The request rate that a run saves for the next one.

use std::{fmt, str::FromStr};

/// The rate that the next run starts from. As text: `23.5`, or `23.5 or more`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SavedRate {
    /// In requests per second.
    pub rate: f64,
    /// Whether this was the limit: a higher rate was refused.
    pub limit: bool,
}

impl fmt::Display for SavedRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}{}", self.rate, if self.limit { "" } else { " or more" })
    }
}

impl FromStr for SavedRate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = text.strip_suffix(" or more");
        let rate = number.unwrap_or(text).parse().map_err(|_| ())?;
        if (0.001..=1_000_000.0).contains(&rate) { Ok(Self { rate, limit: number.is_none() }) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_written_and_read() {
        for (saved, text) in
            [(SavedRate { rate: 23.5, limit: true }, "23.5"), (SavedRate { rate: 50.0, limit: false }, "50.0 or more")]
        {
            assert_eq!((saved.to_string().as_str(), text.parse()), (text, Ok(saved)));
        }
        for odd in ["", "x", "NaN", "-1", "0", "1e9", "or more", "5 or more or more"] {
            assert!(odd.parse::<SavedRate>().is_err(), "{odd}");
        }
    }
}
