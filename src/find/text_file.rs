//! The file that is searched: a header with the format and the mark of the state, a line for each document, and a last line
//! with the checksum of all that is before it.

use std::io::{self, Read};

use crc32fast::Hasher;
use memchr::{memchr_iter, memrchr};

/// Changes with the format of the lines.
const FORMAT: u32 = 1;

/// Begins the last line.
const END: &[u8] = b"end ";

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// The longest line that is read.
const LONGEST: usize = 64 << 20;

/// Writes the file piece by piece.
pub(super) struct TextWriter<'w, E> {
    buffer: Vec<u8>,
    checksum: Hasher,
    write: &'w mut dyn FnMut(&[u8]) -> Result<(), E>,
}

impl<'w, E> TextWriter<'w, E> {
    /// Begins the file of a state.
    pub(super) fn new(mark: &str, write: &'w mut dyn FnMut(&[u8]) -> Result<(), E>) -> Self {
        Self { buffer: header(mark), checksum: Hasher::new(), write }
    }

    /// Appends a line.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<(), E> {
        self.buffer.extend_from_slice(line);
        self.buffer.push(b'\n');
        if self.buffer.len() >= PIECE { self.flush() } else { Ok(()) }
    }

    /// Appends the last line.
    pub(super) fn end(mut self) -> Result<(), E> {
        self.flush()?;
        (self.write)(&last_line(self.checksum))
    }

    fn flush(&mut self) -> Result<(), E> {
        self.checksum.update(&self.buffer);
        (self.write)(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

fn header(mark: &str) -> Vec<u8> {
    format!("ibinder-sync find {FORMAT} {mark}\n").into_bytes()
}

fn last_line(checksum: Hasher) -> Vec<u8> {
    [END, format!("{:08x}\n", checksum.finalize()).as_bytes()].concat()
}

/// Calls `each` for every document's line. False if the file is of another state or format, or damaged; then what was
/// read counts for nothing.
pub(super) fn read(mut file: impl Read, mark: &str, mut each: impl FnMut(&[u8])) -> io::Result<bool> {
    let (mut buffer, mut filled) = (vec![0; PIECE], 0);
    let mut lines = Lines { header: Some(header(mark)), checksum: Some(Hasher::new()) };
    loop {
        if filled == buffer.len() {
            if filled >= LONGEST {
                return Ok(false);
            }
            buffer.resize(filled * 2, 0);
        }
        let read = match file.read(&mut buffer[filled..]) {
            Ok(0) => return Ok(filled == 0 && lines.checksum.is_none()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = memrchr(b'\n', &buffer[filled..filled + read]).map(|at| filled + at);
        filled += read;
        let Some(end) = end else { continue };
        if !lines.read(&buffer[..=end], &mut each) {
            return Ok(false);
        }
        buffer.copy_within(end + 1..filled, 0);
        filled -= end + 1;
    }
}

/// How far a file was read.
struct Lines {
    /// The first line that is expected, until it was read.
    header: Option<Vec<u8>>,
    /// Of what was read; `None` behind the last line.
    checksum: Option<Hasher>,
}

impl Lines {
    /// Reads whole lines; false if they can't be right.
    fn read(&mut self, mut block: &[u8], each: &mut impl FnMut(&[u8])) -> bool {
        if let Some(header) = self.header.take() {
            let Some(rest) = block.strip_prefix(&*header) else { return false };
            self.update(&header);
            block = rest;
        }
        let last = block.len().saturating_sub(1);
        let start_of_last = memrchr(b'\n', &block[..last]).map_or(0, |at| at + 1);
        let (lines, ending) =
            if block[start_of_last..].starts_with(END) { block.split_at(start_of_last) } else { (block, &[][..]) };
        if self.checksum.is_none() && !block.is_empty() {
            return false;
        }
        self.update(lines);
        let mut from = 0;
        for end in memchr_iter(b'\n', lines) {
            each(&lines[from..end]);
            from = end + 1;
        }
        ending.is_empty() || self.checksum.take().is_some_and(|checksum| last_line(checksum) == ending)
    }

    fn update(&mut self, bytes: &[u8]) {
        if let Some(checksum) = &mut self.checksum {
            checksum.update(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(lines: &[String]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut write = |piece: &[u8]| {
            file.extend_from_slice(piece);
            Ok::<_, ()>(())
        };
        let mut writer = TextWriter::new("mark", &mut write);
        for line in lines {
            writer.line(line.as_bytes()).unwrap();
        }
        writer.end().unwrap();
        file
    }

    /// Reads a few bytes at a time.
    struct Slow<'f>(&'f [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }

    fn lines_of(file: &[u8], mark: &str, at_once: usize) -> Option<Vec<String>> {
        let mut lines = Vec::new();
        let is_sound =
            read(Slow(file, at_once), mark, |line| lines.push(String::from_utf8_lossy(line).into_owned())).unwrap();
        is_sound.then_some(lines)
    }

    #[test]
    fn what_was_written_is_read() {
        let long = "x".repeat(3 * PIECE);
        for lines in [vec![], vec!["a".to_owned()], vec!["d1".to_owned(), long, String::new(), "z".to_owned()]] {
            let file = written(&lines);
            for at_once in [7, 1000, usize::MAX] {
                assert!(lines_of(&file, "mark", at_once) == Some(lines.clone()), "{at_once}");
            }
            assert_eq!(lines_of(&file, "another", 1000), None);
        }
    }

    #[test]
    fn damage_is_noticed() {
        let file = written(&["d1 one".to_owned(), "d2 two".to_owned()]);
        for length in 0..file.len() {
            assert_eq!(lines_of(&file[..length], "mark", 1000), None, "{length} bytes");
        }
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            assert_eq!(lines_of(&damaged, "mark", 1000), None, "byte {at}");
        }
        assert_eq!(lines_of(&[&*file, b"d3 three\n"].concat(), "mark", 1000), None);
        assert_eq!(lines_of(&[&*file, b"d3 three\n"].concat(), "mark", 7), None);
    }
}
