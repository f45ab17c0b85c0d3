//! The setting of the request rate.

use std::str::FromStr;

use crate::pace::Rate;

/// How many API requests are sent per second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum RateSetting {
    /// As many as the service handles well.
    #[default]
    Auto,
    /// At this rate.
    Set(Rate),
    /// Without a limit.
    Unlimited,
}

impl FromStr for RateSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        match trimmed.parse::<f64>() {
            Ok(0.0) => Ok(Self::Unlimited),
            number => number.ok().and_then(Rate::per_second).map(Self::Set).ok_or_else(|| {
                format!("{text:?} is not a rate: write auto, or a number of requests per second such as 10, or 0 for no limit")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        let set = |rate| RateSetting::Set(Rate::per_second(rate).unwrap());
        for (text, rate) in [
            ("auto", RateSetting::Auto),
            (" Auto", RateSetting::Auto),
            ("10", set(10.0)),
            ("0.5", set(0.5)),
            ("0", RateSetting::Unlimited),
        ] {
            assert_eq!(text.parse(), Ok(rate), "{text}");
        }
        for bad in ["", "fast", "-1", "NaN", "inf", "1e9", "10/s", "1,5"] {
            let error = bad.parse::<RateSetting>().unwrap_err();
            assert!(error.contains("auto, or a number"), "{error}");
        }
    }
}
