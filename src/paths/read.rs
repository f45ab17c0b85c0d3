//! Reading a file that a setting names.

use std::{
    fs::{self, File, FileType, Metadata, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use rustix::fs::OFlags;

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Something else has its name.
    #[error("it is {0}, and not a file")]
    NotAFile(&'static str),
    /// It is larger than anything that belongs there.
    #[error("it is larger than {0} bytes, so it can't be the right file")]
    TooLarge(u64),
    /// It is no text.
    #[error("it is not UTF-8")]
    NotText,
    /// It can't be opened or read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl Unreadable {
    /// The kind of the error, where the system gave one.
    pub fn kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io(error) => Some(error.kind()),
            Self::NotAFile(_) | Self::TooLarge(_) | Self::NotText => None,
        }
    }
}

/// Opens a file for reading. A named pipe, a device (but `/dev/null`, which is an empty file), a socket and a folder
/// are refused. The name is looked at first, because opening some devices does something, and what was opened is
/// looked at again.
pub fn open(path: &Path) -> Result<(File, Metadata), Unreadable> {
    check(&fs::metadata(path)?)?;
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    check(&metadata)?;
    Ok((file, metadata))
}

/// The bytes of a file, at most so many.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, Unreadable> {
    let (file, _) = open(path)?;
    content(file, most)
}

/// The text of a file, at most so many bytes.
pub fn text(path: &Path, most: u64) -> Result<String, Unreadable> {
    String::from_utf8(read(path, most)?).map_err(|_| Unreadable::NotText)
}

/// What an opened file holds.
pub fn content(file: File, most: u64) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(Unreadable::TooLarge(most)) } else { Ok(bytes) }
}

/// Whether a name leads to a pipe, a socket or a device, which no file may replace. About a folder, or a name that
/// can't be looked at, whoever writes there has something to say.
pub fn is_replaceable(path: &Path) -> Result<(), Unreadable> {
    match fs::metadata(path) {
        Ok(found) if !found.is_dir() => check(&found),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn check(found: &Metadata) -> Result<(), Unreadable> {
    if found.is_file() || is_null(found) { Ok(()) } else { Err(Unreadable::NotAFile(kind(found.file_type()))) }
}

/// Whether it is `/dev/null`, under whatever name.
fn is_null(found: &Metadata) -> bool {
    let null = || fs::metadata("/dev/null").ok().map(|null| null.rdev());
    found.file_type().is_char_device() && null() == Some(found.rdev())
}

fn kind(found: FileType) -> &'static str {
    if found.is_dir() {
        "a folder"
    } else if found.is_fifo() {
        "a named pipe"
    } else if found.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use rustix::fs::{CWD, FileType as Kind, Mode, mknodat};

    use super::*;

    #[test]
    fn only_files_are_read_and_only_so_much() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "12345").unwrap();
        fs::write(at("empty"), "").unwrap();
        fs::write(at("large"), "123456").unwrap();
        mknodat(CWD, at("pipe"), Kind::Fifo, Mode::from_bits_truncate(0o600), 0).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink(at("pipe"), at("link-to-pipe")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        #[rustfmt::skip]
        let table = [
            ("file",         Ok("12345")),
            ("empty",        Ok("")),
            ("link",         Ok("12345")),
            ("/dev/null",    Ok("")),
            ("large",        Err("larger than 5 bytes")),
            ("pipe",         Err("it is a named pipe, and not a file")),
            ("link-to-pipe", Err("it is a named pipe, and not a file")),
            ("socket",       Err("it is a socket")),
            (".",            Err("it is a folder")),
            ("zero",         Err("it is a device")),
            ("/dev/full",    Err("it is a device")),
            ("none",         Err("No such file")),
        ];
        for (name, expected) in table {
            let found = text(&at(name), 5).map_err(|error| error.to_string());
            match expected {
                Ok(expected) => assert_eq!(found.as_deref(), Ok(expected), "{name}"),
                Err(words) => assert!(found.as_ref().is_err_and(|error| error.contains(words)), "{name}: {found:?}"),
            }
            let is_other = name != "." && expected.is_err_and(|words| words.starts_with("it is a"));
            assert_eq!(is_replaceable(&at(name)).is_err(), is_other, "{name}");
        }
        fs::write(at("file"), b"\xff").unwrap();
        assert!(matches!(text(&at("file"), 5), Err(Unreadable::NotText)));
    }
}
