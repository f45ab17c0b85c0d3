//! Checks what survives a power cut: the order in which data were written, made durable and recorded.
//!
//! A kill doesn't clear the page cache, so it doesn't show what a power cut would lose. The recorded order does: it is
//! replayed on a model of a disk that loses everything that was not synced.

use std::collections::BTreeSet;

use ibinder_sync::failpoints::Point;

/// A passed point, with its names.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) point: Point,
    pub(super) names: Vec<String>,
}

impl Event {
    /// Parses a line of a trace.
    pub(super) fn parse(line: &str) -> Self {
        let mut words = line.split('\t');
        let word = words.next().unwrap();
        let point = *Point::ALL.iter().find(|point| format!("{point:?}") == word).unwrap();
        Self { point, names: words.map(str::to_owned).collect() }
    }
}

/// A disk that loses unsynced data.
#[derive(Default)]
struct Disk<'t> {
    written: BTreeSet<&'t str>,
    /// Files whose bytes a power cut would lose.
    loose: BTreeSet<&'t str>,
    /// Names that a power cut would revert.
    dirty: BTreeSet<&'t str>,
    /// Paths with an intent that is not recorded as done.
    begun: Vec<&'t str>,
}

/// Whether the order is right; the error says what is wrong.
pub(super) fn check(trace: &[Event]) -> Result<(), String> {
    let mut disk = Disk::default();
    for (at, event) in trace.iter().enumerate() {
        disk.pass(event).map_err(|what| format!("{what}, at {at}: {event:?} in\n{trace:#?}"))?;
    }
    if disk.begun.is_empty() { Ok(()) } else { Err(format!("never recorded: {:?}", disk.begun)) }
}

impl<'t> Disk<'t> {
    fn pass(&mut self, event: &'t Event) -> Result<(), &'static str> {
        let names: Vec<&str> = event.names.iter().map(String::as_str).collect();
        match (event.point, names.as_slice()) {
            (Point::Written, [name]) => {
                self.written.insert(name);
                self.loose.insert(name);
            }
            (Point::FileSynced, [name]) => drop(self.loose.remove(name)),
            (Point::FolderSynced, [name]) => drop(self.dirty.remove(name)),
            (Point::Synced, _) => {
                self.loose.clear();
                self.dirty.clear();
            }
            (Point::Begun, [path, staged]) => {
                if !staged.is_empty() && !self.written.contains(staged) {
                    return Err("an intent for bytes that nobody wrote");
                }
                if self.loose.contains(staged) {
                    return Err("an intent is committed before its bytes are durable");
                }
                self.begun.push(path);
            }
            (Point::Added | Point::Exchanged | Point::Replaced | Point::Parked, [path]) => self.change(path, &[])?,
            (Point::Moved, [from, to]) => self.change(to, &[from])?,
            (Point::FolderMade, [parent]) => drop(self.dirty.insert(parent)),
            (Point::Held | Point::CopiedOut, [object, source]) => {
                self.dirty.extend([*object, "objects"]);
                if self.loose.contains(source) {
                    self.loose.insert(object);
                }
            }
            (Point::Recorded, [path]) => {
                if !self.dirty.is_empty() {
                    return Err("a row is committed before its names are durable");
                }
                if self.loose.iter().any(|name| !name.contains('/')) {
                    return Err("a row is committed before its object is durable");
                }
                let at = self.begun.iter().position(|begun| begun == path).ok_or("a row without an intent")?;
                self.begun.remove(at);
            }
            _ => {}
        }
        Ok(())
    }

    fn change(&mut self, path: &'t str, others: &[&'t str]) -> Result<(), &'static str> {
        self.dirty.insert(path);
        self.dirty.extend(others);
        if self.begun.contains(&path) { Ok(()) } else { Err("the tree changes before an intent is committed") }
    }
}

#[test]
fn each_wrong_order_is_detected() {
    const RIGHT: &str = "Written 0/x|Synced .|Begun a 0/x|Added a|Synced .|Recorded a";
    const EACH: &str = "Written 0/x|FileSynced 0/x|Begun a 0/x|FolderMade b|FolderSynced b|Added a|FolderSynced a|\
                        Recorded a";
    const HELD: &str = "Written 0/x|Synced .|Begun a 0/x|Exchanged a|Written 0/y|CopiedOut beef 0/y|";
    let good = [RIGHT.to_owned(), EACH.to_owned(), format!("{HELD}Synced .|Recorded a")];
    let bad = [
        ("Written 0/x|Begun a 0/x|Added a|Synced .|Recorded a", "before its bytes are durable"),
        ("Synced .|Begun a 0/x|Added a|Synced .|Recorded a", "nobody wrote"),
        ("Written 0/x|Synced .|Added a|Begun a 0/x|Synced .|Recorded a", "before an intent is committed"),
        ("Written 0/x|Synced .|Begun a 0/x|Added a|Recorded a", "before its names are durable"),
        ("Begun a |Moved b a|FolderSynced a|Recorded a", "before its names are durable"),
        ("Written 0/x|Synced .|Begun a 0/x|FolderMade b|Added a|FolderSynced a|Recorded a", "names are durable"),
        ("Written 0/x|Synced .|Begun a 0/x|Added a", "never recorded"),
        (&format!("{HELD}FolderSynced a|FolderSynced beef|FolderSynced objects|Recorded a"), "object is durable"),
    ];
    let parse = |text: &str| -> Vec<Event> { text.split('|').map(|e| Event::parse(&e.replace(' ', "\t"))).collect() };
    for text in good {
        assert_eq!(check(&parse(&text)), Ok(()), "{text}");
    }
    for (text, why) in bad {
        let wrong = check(&parse(text)).unwrap_err();
        assert!(wrong.contains(why), "{text}: {wrong}");
    }
}
