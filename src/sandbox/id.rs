//! Ids, all derived by one mixing function.
//!
//! Nothing here is random: an id is a function of a seed and a number, or of a path. So an organisation has the
//! same ids after a restart, which mirrors rely on.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use sha2::{Digest, Sha256};

const HEX: &[u8; 16] = b"0123456789abcdef";
const NANO: &[u8; 64] = b"useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict";

/// One round of the splitmix64 finaliser: cheap, and every output bit depends on every input bit.
pub(super) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

pub(super) fn mix_all(values: &[u64]) -> u64 {
    values.iter().fold(0x5851_f42d_4c95_7f2d, |state, &value| mix(state ^ mix(value)))
}

/// A number below `bound` derived from `roll` (0 for a bound of 0).
pub(super) fn below(roll: u64, bound: usize) -> usize {
    let product = u128::from(roll) * bound as u128;
    usize::try_from(product >> 64).unwrap_or(0)
}

/// A GUID, compared without regard to case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Guid(u128);

impl Guid {
    /// A GUID with the bits of version 4.
    pub(super) fn from_bits(bits: u128) -> Self {
        let version = (bits & !(0xf << 76)) | (0x4 << 76);
        Self((version & !(0x3 << 62)) | (0x2 << 62))
    }

    pub(super) fn mixed(values: &[u64]) -> Self {
        let high = mix_all(values);
        Self::from_bits((u128::from(high) << 64) | u128::from(mix(high ^ 0x6a09_e667_f3bc_c908)))
    }

    /// The GUID of a path or another text; `kind` keeps documents, folders and versions apart.
    pub(super) fn of_text(kind: &str, text: &[u8]) -> Self {
        Self::from_bits(u128::from_be_bytes(digest(kind, text)))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 36 {
            return None;
        }
        let mut bits = 0_u128;
        for (at, &byte) in bytes.iter().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return None;
                }
            } else {
                bits = (bits << 4) | u128::from(char::from(byte).to_digit(16)?);
            }
        }
        Some(Self(bits))
    }

    /// The low half, a cheap source of further decisions about the thing with this id.
    pub(super) fn low(self) -> u64 {
        u64::try_from(self.0 & u128::from(u64::MAX)).unwrap_or(0)
    }

    pub(super) fn high(self) -> u64 {
        u64::try_from(self.0 >> 64).unwrap_or(0)
    }

    pub(super) fn text(self, upper: bool) -> [u8; 36] {
        let mut out = [b'-'; 36];
        let mut nibble = 32;
        for (at, slot) in out.iter_mut().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                continue;
            }
            nibble -= 1;
            let digit = HEX[usize::try_from((self.0 >> (nibble * 4)) & 0xf).unwrap_or(0)];
            *slot = if upper { digit.to_ascii_uppercase() } else { digit };
        }
        out
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text(false).iter().try_for_each(|&byte| fmt::Write::write_char(f, char::from(byte)))
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::hash::Hash for Guid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.low() ^ self.high());
    }
}

/// GUIDs are mixed already and need no further hashing.
#[derive(Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = mix(self.0 ^ u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

pub(super) type GuidMap<V> = HashMap<Guid, V, BuildHasherDefault<AsIs>>;

/// A `NanoId` of 9 characters, the format of binder ids.
pub(super) fn nano_id(mut roll: u64) -> String {
    (0..9)
        .map(|_| {
            let digit = usize::try_from(roll & 63).unwrap_or(0);
            roll >>= 6;
            char::from(NANO[digit])
        })
        .collect()
}

pub(super) fn nano_id_of_text(kind: &str, text: &[u8]) -> String {
    nano_id(Guid::of_text(kind, text).high())
}

fn digest(kind: &str, text: &[u8]) -> [u8; 16] {
    let hash = Sha256::new().chain_update(kind).chain_update([0]).chain_update(text).finalize();
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    first
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]).map(char::from).collect()
}

/// A position as it is stored; memory has no room for four billion of anything.
pub(super) fn position(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_read_back_in_either_case() {
        let guid = Guid::mixed(&[1, 2, 3]);
        assert_eq!(Guid::parse(&guid.to_string()), Some(guid));
        assert_eq!(Guid::parse(&guid.to_string().to_uppercase()), Some(guid));
        assert_eq!(guid.to_string().as_bytes()[14], b'4');
        assert_eq!(Guid::parse("not-a-guid"), None);
        assert_eq!(Guid::parse(&guid.to_string().replace('-', "0")), None);
    }

    #[test]
    fn nano_ids_have_nine_characters_of_the_alphabet() {
        let id = nano_id(mix(7));
        assert_eq!(id.len(), 9);
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'));
    }

    #[test]
    fn below_stays_below() {
        assert_eq!(below(u64::MAX, 0), 0);
        assert_eq!(below(u64::MAX, 5), 4);
        assert_eq!(below(0, 5), 0);
    }
}
