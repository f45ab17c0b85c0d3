//! Where a restore reads bytes: from a mirror, or from a copy of one.

use crate::{
    mirror::{self, ContentLocation, ContentReader, OnDisk, Root},
    state::PastDocument,
};

/// How the work is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// Number of threads.
    pub threads: usize,
    /// Files per job. They are adjacent in path order, so most are in one folder.
    pub files: usize,
}

/// Where bytes are read.
pub trait ContentSource: Sync {
    /// Opens a content; `None` if it is not there. If its size is known, no more is read.
    fn open<'s>(
        &'s self,
        place: ContentLocation<'_>,
        size: Option<u64>,
    ) -> Result<Option<Box<dyn ContentReader + 's>>, mirror::Error>;

    /// Whether other bytes than expected are damage, instead of what a user or a run has changed.
    fn is_damage(&self, place: ContentLocation<'_>, wanted: &PastDocument) -> Result<bool, mirror::Error>;

    /// How the work is best split.
    fn workers(&self) -> Workers;
}

impl ContentSource for Root {
    fn open<'s>(
        &'s self,
        place: ContentLocation<'_>,
        _size: Option<u64>,
    ) -> Result<Option<Box<dyn ContentReader + 's>>, mirror::Error> {
        Ok(self.read(place)?.map(|file| Box::new(file) as Box<dyn ContentReader>))
    }

    fn is_damage(&self, place: ContentLocation<'_>, wanted: &PastDocument) -> Result<bool, mirror::Error> {
        match (place, &wanted.file) {
            (ContentLocation::Tree(path), Some((_, recorded))) => Ok(match self.look(path)? {
                OnDisk::File(found) => found.is_same(recorded, !self.is_network()),
                OnDisk::Missing | OnDisk::Other(_) => false,
            }),
            _ => Ok(true),
        }
    }

    /// Some hash while others wait for the disk, whose journal records each new file.
    fn workers(&self) -> Workers {
        Workers { threads: 4, files: 64 }
    }
}
