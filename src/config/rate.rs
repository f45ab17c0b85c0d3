//! A rate, as people write it.

use std::str::FromStr;

/// `auto`, or requests per second; 0 means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Tempo {
    /// As fast as the service answers well.
    #[default]
    Auto,
    /// So many requests per second.
    Set(f64),
}

/// Why a text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a rate: write auto, or a number of requests per second such as 10, or 0 for no limit")]
pub struct BadRate(String);

impl FromStr for Tempo {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        match trimmed.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(Self::Set(number)),
            _ => Err(BadRate(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        for (text, tempo) in [
            ("auto", Tempo::Auto),
            (" Auto", Tempo::Auto),
            ("10", Tempo::Set(10.0)),
            ("0.5", Tempo::Set(0.5)),
            ("0", Tempo::Set(0.0)),
        ] {
            assert_eq!(text.parse(), Ok(tempo), "{text}");
        }
        for bad in ["", "fast", "-1", "NaN", "inf", "10/s", "1,5"] {
            let error = bad.parse::<Tempo>().unwrap_err();
            assert!(error.to_string().contains("auto, or a number"), "{error}");
        }
    }
}
