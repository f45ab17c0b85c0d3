//! A small mirror, and places for its copies.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ibinder_sync::{
    mirror::{Mirror, Outcome, Stage, database},
    model::{BinderId, DocumentId, Intent, Particulars, RelPath, Sha256, Step, VersionId},
    naming,
    pace::Policy,
    replica::{
        CommitFile, Credentials, Error, Item, ItemKind, ManifestHeader, Named, OpenCopy, Replicate, ReplicateOptions,
        Replicated, Store, StoreSettings, object_key,
    },
    state::{self, CopyRecord, RunEnd, State},
};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256 as Hasher};

use crate::server::Server;

/// A mirror without a service, and what it knows about its copy.
pub(crate) struct Bench {
    folder: PathBuf,
    pub(crate) mirror: Mirror,
    pub(crate) state: State,
    pub(crate) record: CopyRecord,
    temporary: Option<tempfile::TempDir>,
}

impl Bench {
    /// An empty mirror.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Self::at(folder.path());
        bench.state.write(|w| w.set("organisation", "org")).unwrap();
        Self { temporary: Some(folder), ..bench }
    }

    /// The mirror in a folder.
    pub(crate) fn at(folder: &Path) -> Self {
        let dest = folder.join("mirror");
        let mirror = Mirror::open(&dest).unwrap();
        let state = State::open(&database(&dest), false).unwrap();
        let record = CopyRecord::open(&folder.join("record.db")).unwrap();
        Self { folder: folder.to_owned(), mirror, state, record, temporary: None }
    }

    /// Closes it, so that another process can open it.
    pub(crate) fn closed(self) -> tempfile::TempDir {
        self.temporary.unwrap()
    }

    /// A file of the tree.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.folder.join("mirror").join(path)
    }

    /// Forgets what the copy has.
    pub(crate) fn lose_record(&mut self) {
        let path = self.folder.join("another.db");
        self.record = CopyRecord::open(&path).unwrap();
    }

    /// A run that changes nothing.
    pub(crate) fn unchanged(&self) {
        self.run(|_| ());
    }

    /// A run that adds documents with these paths and bytes.
    pub(crate) fn add(&self, documents: &[(&str, &[u8])]) {
        self.run(|run| {
            let added = documents.iter().map(|(path, bytes)| {
                let intent = self.intent(path, "1", bytes, |staged| Step::Add { staged });
                let Outcome::Done { stamp: Some(stamp), .. } = self.mirror.apply(&intent).unwrap() else {
                    panic!("{path}")
                };
                (intent, stamp, hash(bytes))
            });
            let added: Vec<_> = added.collect();
            let rows = self.state.write(|w| {
                for (intent, stamp, sha256) in &added {
                    w.insert_document(run, intent, &naming::key(intent.path.as_str()), *stamp, *sha256)?;
                }
                w.changed(run)
            });
            rows.unwrap();
        });
    }

    /// A run that brings another version of a document.
    pub(crate) fn replace(&self, path: &str, bytes: &[u8]) {
        self.run(|run| {
            let outgoing = self.mirror.outgoing(&RelPath::new(path).unwrap()).unwrap();
            let intent = self.intent(path, "2", bytes, |staged| Step::Replace { staged, outgoing });
            let Outcome::Done { stamp, held } = self.mirror.apply(&intent).unwrap() else { panic!("{path}") };
            let (version, sha256) = (&intent.particulars.version, hash(bytes));
            let row = self.state.write(|w| {
                w.end_version(run, &intent.document, held.as_ref(), Some((version, &sha256)))?;
                w.replace_document(run, &intent, stamp.unwrap(), sha256)?;
                w.changed(run)
            });
            row.unwrap();
        });
    }

    fn run(&self, changes: impl FnOnce(i64)) {
        let run = self.state.write(|w| w.begin_run(Timestamp::now(), "run")).unwrap().number;
        changes(run);
        self.end(run);
    }

    /// Ends a run.
    pub(crate) fn end(&self, run: i64) {
        let end = RunEnd { outcome: "complete", whole: true, complete: true, changes: None };
        self.state.write(|w| w.end_run(run, &end)).unwrap();
    }

    fn intent(
        &self,
        path: &str,
        version: &str,
        bytes: &[u8],
        step: impl FnOnce(ibinder_sync::model::Staged) -> Step,
    ) -> Intent {
        let mut stage = Stage::create(&self.mirror, false).unwrap();
        stage.write(bytes).unwrap();
        Intent {
            document: DocumentId::parse(&format!("document {path}")).unwrap(),
            path: RelPath::new(path).unwrap(),
            step: step(stage.finish(None).unwrap()),
            particulars: Particulars {
                binder: BinderId::parse("binder").unwrap(),
                folder: None,
                file_name: path.to_owned(),
                version: VersionId::parse(&format!("{path} {version}")).unwrap(),
                metadata: Some("[{\"a\":\n1}]".into()),
            },
        }
    }

    /// Brings a copy up to date.
    pub(crate) fn replicate(&self, store: &Store) -> Result<Replicated, Error> {
        self.replicate_with(store, 4)
    }

    /// The same, with this many uploads at once.
    pub(crate) fn replicate_with(&self, store: &Store, transfers: usize) -> Result<Replicated, Error> {
        let options = ReplicateOptions { transfers, bandwidth: None, accept: true };
        let (mirror, state, record) = (&self.mirror, &self.state, &self.record);
        Replicate { mirror, state, store, record, options: &options, progress: &Arc::default() }.run()
    }

    /// The path and the hash of each document.
    pub(crate) fn documents(&self) -> BTreeMap<String, Sha256> {
        documents_of(&self.state)
    }
}

fn documents_of(state: &State) -> BTreeMap<String, Sha256> {
    let mut documents = BTreeMap::new();
    let read = state.read(|r| {
        r.inventory(|mirrored| {
            documents.insert(mirrored.path.to_owned(), mirrored.sha256);
            Ok::<_, state::Error>(())
        })
    });
    read.unwrap();
    documents
}

pub(crate) fn hash(bytes: &[u8]) -> Sha256 {
    Sha256::new(Hasher::digest(bytes).into())
}

/// The key of these bytes.
pub(crate) fn object(bytes: &[u8]) -> String {
    object_key(&hash(bytes))
}

/// Opens a store by its URL and the values of variables.
pub(crate) fn open(url: &str, variables: impl IntoIterator<Item = (String, String)>) -> Store {
    let settings = StoreSettings {
        location: url.parse().unwrap(),
        credentials: Credentials::new(variables.into_iter().map(|(name, value)| (name, value.into()))),
        ask_metadata: false,
        user_agent: "test".to_owned(),
    };
    Store::open_with(&settings, Arc::default(), impatient()).unwrap()
}

/// Tries again soon, and not often.
fn impatient() -> Policy {
    let (first_delay, max_delay) = (Duration::from_millis(1), Duration::from_millis(5));
    Policy { max_tries: 3, max_elapsed: Duration::from_mins(1), first_delay, max_delay }
}

/// A folder of a store, for one copy.
pub(crate) struct Place<'s> {
    pub(crate) server: &'s Server,
    name: String,
}

/// The highest commit of a copy, once it was proved to be complete.
pub(crate) struct Complete {
    pub(crate) commit: CommitFile,
    pub(crate) items: Vec<Item>,
}

impl<'s> Place<'s> {
    pub(crate) fn new(server: &'s Server, name: &str) -> Self {
        let place = Self { server, name: name.to_owned() };
        if let Some(folder) = place.folder() {
            fs::create_dir_all(folder).unwrap();
        }
        place
    }

    /// Where it is, if it is on this disk.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.url().strip_prefix("file://").map(PathBuf::from)
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.server.url(), self.name)
    }

    pub(crate) fn store(&self) -> Store {
        self.open(self.server.env())
    }

    /// The same at a proxy's address.
    pub(crate) fn store_at(&self, address: SocketAddr) -> Store {
        self.open(self.server.env_at(address))
    }

    pub(crate) fn open(&self, variables: Vec<(&'static str, String)>) -> Store {
        open(&self.url(), variables.into_iter().map(|(name, value)| (name.to_owned(), value)))
    }

    /// The keys of the copy, sorted.
    pub(crate) fn keys(&self) -> Vec<String> {
        let prefix = format!("{}/", self.name);
        self.server.list().iter().filter_map(|key| key.strip_prefix(&prefix)).map(str::to_owned).collect()
    }

    pub(crate) fn get(&self, key: &str) -> Vec<u8> {
        self.server.get(&format!("{}/{key}", self.name))
    }

    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        self.server.put(&format!("{}/{key}", self.name), bytes);
    }

    pub(crate) fn delete_all(&self) {
        for key in self.keys() {
            self.server.delete(&format!("{}/{key}", self.name));
        }
    }

    /// Proves that there is everything that the highest commit names; `None` without a commit.
    pub(crate) fn complete(&self) -> Option<Complete> {
        let keys = self.keys();
        let highest = keys.iter().rfind(|key| key.starts_with("commits/"))?;
        let commit: CommitFile = serde_json::from_slice(&self.get(highest)).unwrap();
        assert_eq!(*highest, format!("commits/{:012}.json", commit.number));
        let text = String::from_utf8(self.unpacked(&commit.manifest)).unwrap();
        let (header, lines) = text.split_once('\n').unwrap();
        let header: ManifestHeader = serde_json::from_str(header).unwrap();
        let items: Vec<Item> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(header.documents + header.past_versions, items.len() as u64);
        assert_eq!((header.documents, header.past_versions), (commit.documents, commit.past_versions));
        let tree = items.iter().filter(|item| item.kind == ItemKind::Document);
        assert_eq!((tree.clone().count() as u64, tree.map(|item| item.size).sum()), (commit.documents, commit.bytes));
        for (sha256, size) in items.iter().filter_map(Item::content) {
            let bytes = self.get(&object_key(&sha256));
            assert_eq!((hash(&bytes), bytes.len() as u64), (sha256, size), "{}", self.url());
        }
        self.unpacked(&commit.state);
        let folder = tempfile::tempdir().unwrap();
        let opened = OpenCopy::open(&self.store(), None, folder.path()).map(|copy| documents_of(&copy.state)).unwrap();
        let named = items.iter().take(usize::try_from(header.documents).unwrap());
        assert_eq!(opened, named.map(|item| (item.path.to_string(), item.sha256)).collect());
        Some(Complete { commit, items })
    }

    /// The same, of the copy that a mirror made just now.
    pub(crate) fn complete_of(&self, bench: &Bench) -> Complete {
        let complete = self.complete().unwrap();
        let documents = complete.items.iter().filter(|item| item.until_run.is_none());
        assert_eq!(
            documents.map(|item| (item.path.to_string(), item.sha256)).collect::<BTreeMap<_, _>>(),
            bench.documents()
        );
        complete
    }

    fn unpacked(&self, named: &Named) -> Vec<u8> {
        let packed = self.get(&named.key);
        assert_eq!((hash(&packed), packed.len() as u64), (named.sha256, named.size), "{}", named.key);
        let unpacked = zstd::decode_all(packed.as_slice()).unwrap();
        assert_eq!(unpacked.len() as u64, named.unpacked_size, "{}", named.key);
        unpacked
    }
}
