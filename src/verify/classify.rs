//! Classifies what a look at a file found.

use crate::{
    model::{Sha256, Stamp},
    report::{FindingKind, Observation},
};

/// What a look at a recorded file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileLook {
    /// No file.
    Nothing,
    /// A folder, a link or a special file, as text.
    Other(&'static str),
    /// A file and its hash; `None` if its size already differs.
    File(Stamp, Option<Sha256>),
    /// Permission was denied.
    Refused(String),
    /// The disk could not read it.
    Broken(String),
    /// The check ended before the file was read.
    Stopped,
}

/// The conclusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As recorded.
    Sound,
    /// The bytes are as recorded; the stamp differs and can be updated.
    Moved(Stamp),
    /// Not as recorded, and how.
    Wrong(FindingKind, Observation),
    /// Unknown.
    Unknown,
}

/// What a look at a document's file means.
pub fn classify(recorded: &Stamp, hash: &Sha256, seen: &FileLook, inodes_count: bool) -> Verdict {
    use FindingKind::{Damaged, Edited, Missing, Unreadable};
    match seen {
        FileLook::Stopped => Verdict::Unknown,
        FileLook::Nothing => Verdict::Wrong(Missing, Observation::NoFile),
        FileLook::Other(what) => Verdict::Wrong(Edited, Observation::NotAFile(what)),
        FileLook::Refused(why) => Verdict::Wrong(Unreadable, Observation::Refused(why.clone())),
        FileLook::Broken(why) => Verdict::Wrong(Damaged, Observation::DiskError(why.clone())),
        FileLook::File(stamp, Some(found)) if found == hash => {
            if stamp.is_same(recorded, inodes_count) {
                Verdict::Sound
            } else {
                Verdict::Moved(*stamp)
            }
        }
        FileLook::File(stamp, found) => {
            // Nobody changes a file's size but not its time; a failing disk may.
            let touched = stamp.mtime != recorded.mtime || (inodes_count && stamp.inode != recorded.inode);
            let kind = if touched { Edited } else { Damaged };
            Verdict::Wrong(kind, difference(stamp.size, recorded.size, found.as_ref()))
        }
    }
}

/// Classifies a look at an object.
pub(super) fn classify_object(hash: &Sha256, size: u64, seen: &FileLook) -> Verdict {
    use FindingKind::{ObjectDamaged, ObjectMissing, Unreadable};
    match seen {
        FileLook::Stopped => Verdict::Unknown,
        FileLook::Nothing => Verdict::Wrong(ObjectMissing, Observation::NoObject),
        FileLook::Other(what) => Verdict::Wrong(ObjectDamaged, Observation::NotAnObject(what)),
        FileLook::Refused(why) => Verdict::Wrong(Unreadable, Observation::Refused(why.clone())),
        FileLook::Broken(why) => Verdict::Wrong(ObjectDamaged, Observation::DiskError(why.clone())),
        FileLook::File(_, Some(found)) if found == hash => Verdict::Sound,
        FileLook::File(stamp, found) => Verdict::Wrong(ObjectDamaged, difference(stamp.size, size, found.as_ref())),
    }
}

fn difference(size: u64, recorded: u64, found: Option<&Sha256>) -> Observation {
    found.map_or(Observation::OtherSize { found: size, recorded }, |hash| Observation::OtherBytes(*hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        use FindingKind::{Damaged, Edited, Missing, Unreadable};
        let stamp = |inode, size, mtime| Stamp { inode, size, mtime };
        let (right, wrong) = (Sha256::new([1; 32]), Sha256::new([2; 32]));
        let recorded = stamp(1, 10, 100);
        let file = |stamp, hash| FileLook::File(stamp, Some(hash));
        #[rustfmt::skip]
        let table = [
            // seen                                     what it is, inodes counting and not
            (FileLook::Nothing,                             Some(Missing),    Some(Missing)),
            (FileLook::Other("a folder"),                   Some(Edited),     Some(Edited)),
            (FileLook::Refused(String::new()),              Some(Unreadable), Some(Unreadable)),
            (FileLook::Broken(String::new()),               Some(Damaged),    Some(Damaged)),
            (FileLook::Stopped,                             None,             None),
            (file(recorded, right),                     None,             None),
            (file(recorded, wrong),                     Some(Damaged),    Some(Damaged)),
            (file(stamp(2, 10, 100), right),            None,             None),
            (file(stamp(2, 10, 100), wrong),            Some(Edited),     Some(Damaged)),
            (file(stamp(1, 10, 101), right),            None,             None),
            (file(stamp(1, 10, 101), wrong),            Some(Edited),     Some(Edited)),
            (FileLook::File(stamp(1, 9, 100), None),        Some(Damaged),    Some(Damaged)),
            (FileLook::File(stamp(1, 9, 101), None),        Some(Edited),     Some(Edited)),
        ];
        for (seen, counting, not_counting) in table {
            for (inodes_count, expected) in [(true, counting), (false, not_counting)] {
                let kind = match classify(&recorded, &right, &seen, inodes_count) {
                    Verdict::Wrong(kind, _) => Some(kind),
                    Verdict::Sound | Verdict::Moved(_) | Verdict::Unknown => None,
                };
                assert_eq!(kind, expected, "{seen:?}, inodes count: {inodes_count}");
            }
        }
        let moved = stamp(2, 10, 100);
        assert_eq!(classify(&recorded, &right, &file(moved, right), true), Verdict::Moved(moved));
        assert_eq!(classify(&recorded, &right, &file(moved, right), false), Verdict::Sound);
        assert_eq!(classify(&recorded, &right, &file(recorded, right), true), Verdict::Sound);
    }

    #[test]
    fn objects_have_no_stamp() {
        use FindingKind::{ObjectDamaged, ObjectMissing};
        let (right, wrong) = (Sha256::new([1; 32]), Sha256::new([2; 32]));
        let stamp = Stamp { inode: 1, size: 10, mtime: 100 };
        for (seen, expected) in [
            (FileLook::Nothing, Some(ObjectMissing)),
            (FileLook::Other("a folder"), Some(ObjectDamaged)),
            (FileLook::File(stamp, Some(right)), None),
            (FileLook::File(stamp, Some(wrong)), Some(ObjectDamaged)),
            (FileLook::File(stamp, None), Some(ObjectDamaged)),
        ] {
            let kind = match classify_object(&right, 11, &seen) {
                Verdict::Wrong(kind, _) => Some(kind),
                Verdict::Sound | Verdict::Moved(_) | Verdict::Unknown => None,
            };
            assert_eq!(kind, expected, "{seen:?}");
        }
    }
}
