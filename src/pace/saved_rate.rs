//! The rate that held, from one run to the next.

use std::{fmt, str::FromStr};

/// The rate that held, to begin with the next time. As a text: `23.5`, or `23.5 or more`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SavedRate {
    /// Requests per second.
    pub rate: f64,
    /// Whether that was the limit: a little more was too much.
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
    fn what_held_is_written_and_read() {
        for (held, text) in
            [(SavedRate { rate: 23.5, limit: true }, "23.5"), (SavedRate { rate: 50.0, limit: false }, "50.0 or more")]
        {
            assert_eq!((held.to_string().as_str(), text.parse()), (text, Ok(held)));
        }
        for odd in ["", "x", "NaN", "-1", "0", "1e9", "or more", "5 or more or more"] {
            assert!(odd.parse::<SavedRate>().is_err(), "{odd}");
        }
    }
}
