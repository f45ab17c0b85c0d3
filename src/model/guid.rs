//! GUIDs in 16 bytes.

use std::fmt;

use super::GUID_LENGTH;

/// Marks what isn't a digit in [`DIGITS`].
const NONE: u8 = 0xff;

/// The values of hexadecimal digits in lower case.
const DIGITS: [u8; 256] = {
    let mut digits = [NONE; 256];
    let mut value = 0_u8;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

/// Where the groups of digits of each half begin and end.
const HALVES: [&[(usize, usize)]; 2] = [&[(0, 8), (9, 13), (14, 18)], &[(19, 23), (24, 36)]];

/// A GUID. GUIDs have the order of their texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(u64, u64);

impl Guid {
    /// Reads a GUID in lower case with dashes; everything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; GUID_LENGTH] = text.as_bytes().try_into().ok()?;
        let mut invalid = 0;
        let [first, second] = HALVES.map(|groups| {
            let digits = groups.iter().flat_map(|(start, end)| &bytes[*start..*end]);
            digits.fold(0, |half, byte| {
                let digit = DIGITS[usize::from(*byte)];
                invalid |= digit;
                half << 4 | u64::from(digit & 0xf)
            })
        });
        let dashes = [8, 13, 18, 23].iter().all(|at| bytes[*at] == b'-');
        (dashes && invalid != NONE).then_some(Self(first, second))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:016x}{:016x}", self.0, self.1);
        write!(f, "{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_keeps_its_text() {
        for text in ["64f452c2-18ac-4dc3-b333-3d54c617e2d8", "00000000-0000-0000-0000-000000000001"] {
            assert_eq!(Guid::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn guids_have_the_order_of_their_texts() {
        let mut texts: Vec<String> = (0..36)
            .filter(|at| ![8, 13, 18, 23].contains(at))
            .flat_map(|at| {
                ["0", "9", "a", "f"].map(|digit| {
                    let mut text = "12345678-9abc-def0-1234-56789abcdef0".to_owned();
                    text.replace_range(at..=at, digit);
                    text
                })
            })
            .collect();
        texts.sort();
        assert!(texts.iter().map(|text| Guid::parse(text).unwrap()).is_sorted());
    }

    #[test]
    fn other_texts_are_no_guids() {
        let guid = "64f452c2-18ac-4dc3-b333-3d54c617e2d8";
        for at in 0..guid.len() {
            let mut odd = guid.to_owned();
            odd.replace_range(at..=at, "g");
            assert_eq!(Guid::parse(&odd), None, "{odd}");
        }
        for odd in ["", "d", &guid.to_uppercase(), &guid.replace('-', "0"), &guid[1..], &format!("{guid}0")] {
            assert_eq!(Guid::parse(odd), None, "{odd}");
        }
    }
}
