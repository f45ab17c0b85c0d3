//! The lower bound of a cold run: writes files of given sizes durably, as a run does, and nothing else.
//!
//! `floor LIST FOLDER`: each line of LIST is a size in bytes, a tab and a path below FOLDER. Files are staged
//! under other names, and renamed in groups once `syncfs` has synced the group; one thread stages the next group
//! meanwhile. All names are durable when it ends.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

/// Files per `syncfs`, as in a run.
const GROUP: usize = 512;

/// Staging folders, as in a run: each has its own lock.
const STAGES: usize = 16;

/// Bytes of one write, as in a download.
const PIECE: usize = 64 * 1024;

/// A file's staged path, and its final one.
type Staged = (PathBuf, PathBuf);

fn main() -> io::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(list), Some(root)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: floor LIST FOLDER"));
    };
    let (list, root) = (fs::read_to_string(list)?, PathBuf::from(root));
    let stages: Vec<_> = (0..STAGES).map(|number| root.join(format!(".stage/{number:x}"))).collect();
    for stage in &stages {
        fs::create_dir_all(stage)?;
    }
    let disk = File::open(&root)?;
    let (send, receive) = sync_channel(1);
    let publisher = thread::spawn(move || publish(&disk, &receive));
    let files: Vec<_> = list.lines().filter_map(|line| line.split_once('\t')).enumerate().collect();
    for group in files.chunks(GROUP) {
        let stage = |&(number, (length, path)): &(usize, (&str, &str))| {
            let staged = stages[number % STAGES].join(number.to_string());
            write(&staged, length.parse().map_err(io::Error::other)?)?;
            Ok((staged, root.join(path)))
        };
        let group = group.iter().map(stage).collect::<io::Result<Vec<Staged>>>()?;
        if send.send(group).is_err() {
            break; // The publisher's own error says why.
        }
    }
    drop(send);
    publisher.join().map_err(|_| io::Error::other("the publisher panicked"))?
}

/// Writes bytes that no file system can skip.
fn write(path: &Path, length: usize) -> io::Result<()> {
    static BYTES: [u8; PIECE] = [0xa5; PIECE];
    let mut file = File::create_new(path)?;
    let mut left = length;
    while left > 0 {
        let piece = left.min(PIECE);
        file.write_all(&BYTES[..piece])?;
        left -= piece;
    }
    Ok(())
}

/// Syncs groups and renames them.
fn publish(disk: &File, groups: &Receiver<Vec<Staged>>) -> io::Result<()> {
    let mut folders = HashSet::new();
    for group in groups {
        rustix::fs::syncfs(disk)?;
        for (staged, path) in group {
            if let Some(folder) = path.parent()
                && folders.insert(folder.to_owned())
            {
                fs::create_dir_all(folder)?;
            }
            fs::rename(staged, path)?;
        }
    }
    Ok(rustix::fs::syncfs(disk)?)
}
