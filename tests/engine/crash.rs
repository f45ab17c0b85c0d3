//! Kills the program at chosen moments of a run over changing data, and runs it again.

use std::{
    collections::BTreeSet,
    os::unix::fs::MetadataExt as _,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use ibinder_sync::sandbox::{Organisation, Reply, Route};

use crate::{disk, harness::World, program::mirroring_command};

/// When the program is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// When the n-th request to a route arrives.
    Request(Route, usize),
    /// When this many files of the tree have changed.
    Files(usize),
}

type Running = Arc<Mutex<Option<Child>>>;

fn start(command: &mut Command, running: &Running) {
    // The lock is held until the child is known, so that an early request waits for it.
    let mut slot = running.lock().unwrap();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    *slot = Some(child);
}

fn kill(running: &Running) {
    if let Some(child) = running.lock().unwrap().as_mut() {
        child.kill().unwrap();
    }
}

/// Runs the program and kills it at the moment; `false` if it ended before.
pub(crate) fn run_until(world: &World, moment: Moment) -> bool {
    cut_off(world, &mut mirroring_command(world, "run", &["--quiet", "--max-removals", "100%"]), moment)
}

/// The same for any command.
pub(crate) fn cut_off(world: &World, command: &mut Command, moment: Moment) -> bool {
    let running = Running::default();
    match moment {
        Moment::Request(route, nth) => {
            let victim = Arc::clone(&running);
            let kill = Reply::Run(Box::new(move |_| {
                kill(&victim);
                Reply::Drop
            }));
            world.sandbox.script(route, Reply::Pass.times(nth - 1));
            world.sandbox.script(route, vec![kill]);
            start(command, &running);
        }
        Moment::Files(count) => {
            let before = inodes(world);
            start(command, &running);
            while inodes(world).difference(&before).count() < count && !ended(&running) {}
            kill(&running);
        }
    }
    while !ended(&running) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let status = running.lock().unwrap().take().unwrap().wait().unwrap();
    if let Moment::Request(route, _) = moment {
        assert_eq!(world.sandbox.scripted(route), 0, "{moment:?} was never reached");
    }
    !status.success()
}

fn ended(running: &Running) -> bool {
    running.lock().unwrap().as_mut().unwrap().try_wait().unwrap().is_some()
}

fn inodes(world: &World) -> BTreeSet<(String, u64)> {
    let mut found = BTreeSet::new();
    disk::walk(&world.dest(), &world.dest(), &mut |path, name| {
        if let Ok(metadata) = path.metadata() {
            found.insert((name, metadata.ino()));
        }
    });
    found
}

/// An organisation in which everything changes in each round, and all bytes are different.
struct Changing {
    world: World,
    binders: [String; 2],
    tabs: [String; 2],
    documents: Vec<String>,
    /// Every version that was ever mirrored.
    mirrored: Vec<Vec<u8>>,
    removed: Vec<String>,
    round: usize,
}

fn bytes(mark: &str, n: usize) -> Vec<u8> {
    let line = format!("{mark} of {n}\n");
    // Every fifth is larger than one write.
    line.repeat(if n.is_multiple_of(5) { 20_000 } else { 20 }).into_bytes()
}

impl Changing {
    fn new() -> Self {
        let mut o = Organisation::empty();
        let binders = ["Brf Eken", "Brf Linden"].map(|name| o.add_binder(name));
        let tabs = [0, 1].map(|n: usize| o.add_folder(&binders[n], None, "Avtal").unwrap());
        let add = |n: usize| {
            let side = n % 2;
            o.add_document(&binders[side], Some(&tabs[side]), &format!("{n}.txt"), bytes("first", n)).unwrap()
        };
        let documents = (0..60).map(add).collect();
        let world = World::new(o);
        world.mirror();
        let mut changing = Self { world, binders, tabs, documents, mirrored: vec![], removed: vec![], round: 0 };
        changing.remember();
        changing
    }

    fn remember(&mut self) {
        self.mirrored.extend(disk::files(&self.world.dest()).into_values());
        self.mirrored.sort();
        self.mirrored.dedup();
    }

    /// Twelve new versions, a swap, two renames, four moves, three removals, four additions, and the return of
    /// documents that were removed before.
    fn change(&mut self) {
        self.round += 1;
        let round = self.round;
        let pick = |n: usize| self.documents[(round * 7 + n) % 54].clone();
        self.world.sandbox.with_organisation(|o| {
            for id in self.removed.drain(..) {
                o.restore_document(&id).unwrap();
            }
            let living = o.documents();
            let name = |id: &str| living.iter().find(|d| d.id == id).unwrap().file_name.clone();
            for n in 0..12 {
                o.revise(&pick(n), bytes(&format!("round {round}"), n)).unwrap();
            }
            let (one, other) = (pick(20), pick(22));
            let names = (name(&one), name(&other));
            o.rename_document(&one, &names.1).unwrap();
            o.rename_document(&other, &names.0).unwrap();
            o.rename_document(&pick(3), &format!("round {round}.txt")).unwrap();
            o.rename_document(&pick(30), &format!("round {round} too.txt")).unwrap();
            for n in 40..44 {
                let side = (round + n) % 2;
                o.move_document(&pick(n), &self.binders[side], Some(&self.tabs[side])).unwrap();
            }
            let leaving = 54 + round % 2 * 3;
            for id in &self.documents[leaving..leaving + 3] {
                o.remove_document(id).unwrap();
                self.removed.push(id.clone());
            }
            for n in 0..4 {
                let text = bytes(&format!("new in round {round}"), n);
                o.add_document(&self.binders[n % 2], Some(&self.tabs[n % 2]), "new.txt", text).unwrap();
            }
        });
    }

    fn crash(&mut self, moment: Moment) {
        let before: Vec<Vec<u8>> = disk::files(&self.world.dest()).into_values().collect();
        let living = self.world.edit(|o| o.documents());
        self.change();
        let versions: Vec<(Vec<u8>, Vec<u8>)> = self.world.edit(|o| {
            let now = o.documents();
            let both = living.iter().filter_map(|old| Some((old, now.iter().find(|new| new.id == old.id)?)));
            both.map(|(old, new)| (o.bytes(&old.id, &old.version).unwrap(), o.bytes(&new.id, &new.version).unwrap()))
                .collect()
        });
        let killed = run_until(&self.world, moment);
        assert!(killed || matches!(moment, Moment::Files(_)), "{moment:?}");
        let files: BTreeSet<Vec<u8>> = disk::files(&self.world.dest()).into_values().collect();
        for (old, new) in &versions {
            assert!(files.contains(old) || files.contains(new), "a document was lost at {moment:?}");
        }
        let latest = self.world.edit(|o| {
            let all = o.documents();
            all.iter().map(|d| o.bytes(&d.id, &d.version).unwrap()).collect::<BTreeSet<_>>()
        });
        for file in &files {
            assert!(before.contains(file) || latest.contains(file), "a file was not whole at {moment:?}");
        }
        self.world.mirror();
        self.world.assert_nothing_planned();
        for old in &self.mirrored {
            assert!(
                latest.contains(old) || disk::is_held(&self.world.dest(), old),
                "an object is missing at {moment:?}"
            );
        }
        self.remember();
    }
}

fn crash_at(moments: impl IntoIterator<Item = Moment>) {
    let mut changing = Changing::new();
    for moment in moments {
        changing.crash(moment);
    }
}

#[test]
fn killed_when_a_request_comes() {
    use Route::{Binders, Document, Drive, Search};
    let moments = [(Binders, 1), (Drive, 1), (Search, 1), (Search, 2), (Document, 1), (Document, 2), (Document, 5)];
    crash_at(moments.map(|(route, nth)| Moment::Request(route, nth)));
}

#[test]
fn killed_during_downloads() {
    let links = [1, 9, 16].map(|nth| Moment::Request(Route::DownloadLink, nth));
    let blobs = [1, 2, 5, 10, 15, 16].map(|nth| Moment::Request(Route::Blob, nth));
    crash_at(links.into_iter().chain(blobs));
}

#[test]
fn killed_while_files_become_visible() {
    crash_at([1, 2, 3, 5, 8, 12, 16, 20, 24].map(Moment::Files));
}

#[test]
fn killed_repeatedly() {
    let mut changing = Changing::new();
    for nth in [1, 3, 6, 9, 12] {
        changing.change();
        run_until(&changing.world, Moment::Request(Route::DownloadLink, nth));
        run_until(&changing.world, Moment::Files(nth));
    }
    changing.world.mirror();
    changing.world.assert_nothing_planned();
}
