//! Bytes in transit: a file below `tmp/` that is hashed while it is written.
//!
//! Dropping a stage deletes its file, unless it was kept as a partial download or finished. Only a finished stage can be
//! published.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustix::fs::{Mode, OFlags, Timespec, Timestamps};
use tempfile::TempPath;

use crate::{
    failpoints::{self, Point},
    mirror::{
        Error, ErrorKind, Mirror, anonymous_files::AnonymousFiles, digests::Digests, io_counter,
        state_dir::TMP_FOLDERS, sys,
    },
    model::{STATE_FOLDER, Staged},
};

/// How many of the first bytes of a partial download are remembered.
const SAMPLE: usize = 1024;

/// After so many bytes the disk begins to write. Smaller files are written by the next barrier.
const WRITE_BACK: u64 = 8 << 20;

/// A file that is being written.
pub struct Stage {
    file: File,
    name: String,
    place: ContentLocation,
    digests: Digests,
    written: u64,
    /// The first bytes of a resumed partial download.
    sample: Vec<u8>,
    /// Whether only `fsync` of each file makes it durable.
    sync: bool,
}

/// Where the file is while it is written.
enum ContentLocation {
    /// Below `tmp/`, and deleted on drop.
    Named(TempPath),
    /// It has no name.
    Anonymous(Arc<AnonymousFiles>),
}

impl Stage {
    /// Creates an empty file for bytes that have all arrived, which needs no name below `tmp/`. With `md5`, their MD5 is
    /// calculated, too.
    pub fn whole(mirror: &Mirror, md5: bool) -> Result<Self, Error> {
        let number = next_folder();
        let created = mirror.anonymous.create(number, &mirror.state_dir.tmp[number]);
        let created = created.map_err(|e| Error::of_state("create a file in", format!("tmp/{number:x}"), e.into()))?;
        let Some((name, file)) = created else { return Self::named(mirror, number, md5) };
        Ok(Self::new(mirror, file, name, ContentLocation::Anonymous(Arc::clone(&mirror.anonymous)), md5))
    }

    /// Creates an empty file. With `md5`, the MD5 is calculated, too.
    pub fn create(mirror: &Mirror, md5: bool) -> Result<Self, Error> {
        Self::named(mirror, next_folder(), md5)
    }

    fn named(mirror: &Mirror, number: usize, md5: bool) -> Result<Self, Error> {
        let dir = &mirror.state_dir.tmp[number];
        let folder = mirror.root.path().join(STATE_FOLDER).join("tmp").join(format!("{number:x}"));
        // The umask decides the modes of files in the tree, as for all files that the user creates.
        let open = |path: &Path| -> io::Result<File> {
            let leaf = path.file_name().unwrap_or_default();
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok(rustix::fs::openat(dir, leaf, flags, Mode::from_bits_truncate(0o666))?.into())
        };
        let file = tempfile::Builder::new()
            .prefix("")
            .rand_bytes(16)
            .make_in(&folder, open)
            .map_err(|e| Error::of_state("create a file in", format!("tmp/{number:x}"), e))?;
        let leaf = file.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (file, path) = file.into_parts();
        Ok(Self::new(mirror, file, format!("{number:x}/{leaf}"), ContentLocation::Named(path), md5))
    }

    fn new(mirror: &Mirror, file: File, name: String, place: ContentLocation, md5: bool) -> Self {
        let sync = mirror.syncs_each();
        Self { file, name, place, digests: Digests::new(md5), written: 0, sample: Vec::new(), sync }
    }

    /// The same, but synced separately when it is finished.
    pub(super) fn synced(mut self) -> Self {
        self.sync = true;
        self
    }

    /// Resumes a partial download after hashing its bytes again; `None` if they have changed.
    pub fn resume(mirror: &Mirror, name: &str, md5: bool) -> Result<Option<Self>, Error> {
        let (dir, leaf) = mirror.state_dir.tmp(name)?;
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file: File = match rustix::fs::openat(dir, leaf, flags, Mode::empty()) {
            Ok(file) => file.into(),
            Err(error) => {
                let error = Error::io("open", name, error);
                return if error.kind() == ErrorKind::Document { Ok(None) } else { Err(error) };
            }
        };
        let path = mirror.root.path().join(STATE_FOLDER).join("tmp").join(name);
        let path = TempPath::try_from_path(path).map_err(|e| Error::io("open", name, e))?;
        let mut stage = Self::new(mirror, file, name.to_owned(), ContentLocation::Named(path), md5);
        stage.hash_again().map_err(|e| Error::io("read", name, e))?;
        failpoints::point(Point::Resumed, name);
        let kept = name.rsplit_once('.').map(|(_, hash)| hash);
        Ok((kept == Some(stage.digests.sha256().hex().as_str())).then_some(stage))
    }

    fn hash_again(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match self.file.read(&mut buffer)? {
                0 => return Ok(()),
                read => {
                    let missing = SAMPLE.saturating_sub(self.sample.len()).min(read);
                    self.sample.extend_from_slice(&buffer[..missing]);
                    self.digests.update(&buffer[..read]);
                    io_counter::count(read);
                    self.written += read as u64;
                }
            }
        }
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The first bytes of a resumed partial download.
    pub fn sample(&self) -> &[u8] {
        &self.sample
    }

    /// Its path below `tmp/`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.digests.update(bytes);
        self.file.write_all(bytes).map_err(|e| Error::io("write", &self.name, e))?;
        let begun = self.written / WRITE_BACK * WRITE_BACK;
        self.written += bytes.len() as u64;
        if self.written - begun >= WRITE_BACK {
            sys::write_back(&self.file, begun, WRITE_BACK);
        }
        io_counter::count(bytes.len());
        failpoints::point(Point::Arrived, &self.name);
        Ok(())
    }

    /// The MD5 of the written bytes, if it was calculated.
    pub fn md5(&self) -> Option<[u8; 16]> {
        self.digests.md5()
    }

    /// Keeps the file for a later run, named after its content. It must be durable and match its name, because nothing else
    /// would show that the resumed bytes are damaged.
    pub fn keep(self, mirror: &Mirror) -> Result<String, Error> {
        self.file.sync_data().map_err(|e| Error::io("sync", &self.name, e))?;
        let (dir, leaf) = mirror.state_dir.tmp(&self.name)?;
        let first = self.name.split('.').next().unwrap_or(&self.name);
        let kept = format!("{first}.{}", self.digests.sha256().hex());
        let (_, new) = mirror.state_dir.tmp(&kept)?;
        match self.place {
            ContentLocation::Named(path) => {
                rustix::fs::renameat(dir, leaf, dir, new).map_err(|e| Error::io("keep", &self.name, e))?;
                // The file has a new name, so there is nothing to delete under the old one.
                let _ = path.keep();
            }
            ContentLocation::Anonymous(anonymous) => {
                anonymous.keep(self.name.clone(), self.file);
                let linked = anonymous.link(&self.name, dir, new).unwrap_or(Ok(()));
                linked.map_err(|e| Error::io("keep", &self.name, e))?;
            }
        }
        failpoints::point(Point::PartialKept, &kept);
        Ok(kept)
    }

    /// Syncs the written bytes.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.file.sync_all().map_err(|e| Error::io("sync", &self.name, e))
    }

    /// Finishes the file: sets its time, and returns its hash and stamp. It becomes durable with its batch, or here if the
    /// file system has no other way.
    pub fn finish(self, mtime: Option<jiff::Timestamp>) -> Result<Staged, Error> {
        let (name, sync) = (self.name, self.sync);
        let file = &self.file;
        if let Some(time) = mtime {
            let time = Timespec { tv_sec: time.as_second(), tv_nsec: 0 };
            let times = Timestamps { last_access: time, last_modification: time };
            rustix::fs::futimens(file, &times).map_err(|e| Error::io("set the time of", &name, e))?;
        }
        failpoints::point(Point::Written, &name);
        if sync {
            file.sync_all().map_err(|e| Error::io("sync", &name, e))?;
            failpoints::point(Point::FileSynced, &name);
        }
        let stamp = sys::stamp_of(file).map_err(|e| Error::io("look at", &name, e))?;
        match self.place {
            ContentLocation::Named(path) => {
                path.keep().map_err(|e| Error::io("keep", &name, e.error))?;
            }
            ContentLocation::Anonymous(anonymous) => anonymous.keep(name.clone(), self.file),
        }
        failpoints::point(Point::Staged, &name);
        Ok(Staged { name, stamp, sha256: self.digests.sha256() })
    }
}

/// The folder below `tmp/` for the next file.
fn next_folder() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed) % TMP_FOLDERS
}
