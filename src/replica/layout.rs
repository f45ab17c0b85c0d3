//! The keys of a copy (contract: `docs/copy-format.md`).

use crate::model::Sha256;

/// The folder of contents.
pub(super) const OBJECTS: &str = "objects";

/// The folder of manifests.
pub(super) const MANIFESTS: &str = "manifests";

/// The folder of states.
pub(super) const STATES: &str = "state";

/// The folder of commits.
pub(super) const COMMITS: &str = "commits";

/// The highest number of a commit; files with higher ones are not ours.
pub(super) const HIGHEST: u64 = 100_000_000_000;

/// Digits of a commit's number, so that the order of keys is the order of numbers.
const DIGITS: usize = 12;

/// Hex digits of a hash that tell files of one run apart.
const SHORT: usize = 16;

/// The key of a content.
pub fn object_key(sha256: &Sha256) -> String {
    let hex = sha256.hex();
    format!("{OBJECTS}/{}/{hex}", &hex[..2])
}

/// The content that a key in `objects/` names; `None` if it names none.
pub fn object_of(key: &str) -> Option<Sha256> {
    let hex = key.rsplit_once('/')?.1;
    let sha256 = Sha256::try_from(hex.to_owned()).ok()?;
    (object_key(&sha256) == key).then_some(sha256)
}

/// The key of a manifest with this hash.
pub(super) fn manifest_key(run: &str, sha256: &Sha256) -> String {
    format!("{MANIFESTS}/{run}-{}.jsonl.zst", &sha256.hex()[..SHORT])
}

/// The key of a state with this hash.
pub(super) fn state_key(run: &str, sha256: &Sha256) -> String {
    format!("{STATES}/{run}-{}.db.zst", &sha256.hex()[..SHORT])
}

/// The key of a commit.
pub(super) fn commit_key(number: u64) -> String {
    format!("{COMMITS}/{number:0DIGITS$}.json")
}

/// The number of the commit that a key names; `None` if it names none.
pub(super) fn commit_of(key: &str) -> Option<u64> {
    let digits = key.strip_prefix(COMMITS)?.strip_prefix('/')?.strip_suffix(".json")?;
    let number = digits.parse().ok()?;
    (number <= HIGHEST && commit_key(number) == key).then_some(number)
}

/// Whether a key that a commit names lies where such files lie: nothing else of the store is ever read for it.
pub(super) fn is_in(folder: &str, key: &str) -> bool {
    let name = key.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
    name.is_some_and(|name| {
        !name.is_empty()
            && !name.contains("..")
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_what_they_were_made_of() {
        let hash = Sha256::new([0xab; 32]);
        assert_eq!(object_key(&hash), format!("objects/ab/{}", "ab".repeat(32)));
        assert_eq!(object_of(&object_key(&hash)), Some(hash));
        assert_eq!(commit_key(12), "commits/000000000012.json");
        assert_eq!(commit_of(&commit_key(12)), Some(12));
        assert!(commit_key(9) < commit_key(10), "listed in their order");
        for key in [
            "commits/12.json",
            "commits/000000000012.json.tmp",
            "commits/-00000000012.json",
            "commits/999999999999.json",
            "commits/18446744073709551615.json",
            "objects/000000000012.json",
        ] {
            assert_eq!(commit_of(key), None, "{key}");
        }
        let elsewhere = format!("objects/ac/{}", "ab".repeat(32));
        for key in [elsewhere.as_str(), "objects/ab/abab", "objects/ab"] {
            assert_eq!(object_of(key), None, "{key}");
        }
    }

    #[test]
    fn nothing_outside_its_folder_is_named() {
        let key = manifest_key("000012-abcd", &Sha256::new([1; 32]));
        assert!(is_in(MANIFESTS, &key), "{key}");
        for key in [
            "manifests/",
            "manifests/a/b",
            "manifests/../state/x",
            "state/x",
            "manifestsx",
            "manifests/a b",
            "/manifests/x",
        ] {
            assert!(!is_in(MANIFESTS, key), "{key}");
        }
    }
}
