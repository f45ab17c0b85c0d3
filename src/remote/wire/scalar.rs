//! Text and numbers as the service writes them.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// A JSON string, borrowed from the response unless it has escapes. (Unlike `Cow`, it borrows inside an `Option`
/// too.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::remote) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    pub(in crate::remote) fn as_str(&self) -> &str {
        &self.0
    }

    pub(in crate::remote) fn into_string(self) -> String {
        self.0.into_owned()
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text)))
    }
}

/// A count, as a number or as digits in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::remote) struct Number(pub(in crate::remote) u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
        Ok(Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { text.parse().ok() } else { None };
        number.map(Number).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_borrowed_unless_it_has_escapes() {
        let text: Option<Text<'_>> = serde_json::from_str(r#""plain å""#).unwrap();
        assert!(matches!(text, Some(Text(Cow::Borrowed("plain å")))));
        let text: Option<Text<'_>> = serde_json::from_str(r#""a\u0062""#).unwrap();
        assert_eq!(text.unwrap().into_string(), "ab");
        assert_eq!(serde_json::from_str::<Option<Text<'_>>>("null").unwrap(), None);
        for odd in ["1", "[]", "{}", "true"] {
            assert!(serde_json::from_str::<Text<'_>>(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn numbers_may_be_strings_of_digits() {
        for (json, number) in [("7", 7), ("\"7\"", 7), ("\"007\"", 7), ("18446744073709551615", u64::MAX)] {
            assert_eq!(serde_json::from_str::<Number>(json).unwrap(), Number(number), "{json}");
        }
        for odd in
            ["-1", "7.0", "\"\"", "\"+7\"", "\" 7\"", "\"7.0\"", "\"99999999999999999999\"", "null", "[7]", "true"]
        {
            assert!(serde_json::from_str::<Number>(odd).is_err(), "{odd}");
        }
    }
}
