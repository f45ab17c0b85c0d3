//! GUIDs in 16 bytes.

use std::fmt;

/// Bytes of a GUID as the service writes it.
pub const GUID_LENGTH: usize = 36;

/// Whether a text is a GUID as the service writes it, in either case.
pub fn is_guid(text: &[u8]) -> bool {
    text.len() == GUID_LENGTH
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A GUID. GUIDs have the order of their texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(u64, u64);

impl Guid {
    /// Reads a GUID in lower case with dashes; everything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; GUID_LENGTH] = text.as_bytes().try_into().ok()?;
        let four = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let eight = |first, second| {
            value(u64::from(u32::from_be_bytes(four(first))) << 32 | u64::from(u32::from_be_bytes(four(second))))
        };
        let dashes = [8, 13, 18, 23].iter().all(|at| bytes[*at] == b'-');
        let halves = Self(eight(0, 4)? << 32 | eight(9, 14)?, eight(19, 24)? << 32 | eight(28, 32)?);
        dashes.then_some(halves)
    }
}

/// The same byte eight times.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The value of eight hexadecimal digits in lower case, all of them at once.
fn value(text: u64) -> Option<u64> {
    // Letters have the seventh bit, decimal digits don't. No byte of a sum overflows. What isn't a digit is written differently.
    let digits = (text & each(0xf)) + 9 * (text >> 6 & each(1));
    let letters = (digits + each(6)) >> 4 & each(1);
    let written = digits + each(b'0') + u64::from(b'a' - 10 - b'0') * letters;
    if written != text || digits & each(0xf0) != 0 {
        return None;
    }
    let bytes = (digits | digits >> 4) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    Some((pairs | pairs >> 16) & 0xffff_ffff)
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
            // The neighbours of digits, and what differs from them in one bit.
            for byte in ["g", "/", ":", "`", "A", "F", "p", "q", "\0", "\u{7f}"] {
                let mut odd = guid.to_owned();
                odd.replace_range(at..=at, byte);
                assert_eq!(Guid::parse(&odd), None, "{odd}");
            }
        }
        for odd in ["", "d", &guid.to_uppercase(), &guid.replace('-', "0"), &guid[1..], &format!("{guid}0")] {
            assert_eq!(Guid::parse(odd), None, "{odd}");
        }
    }
}
