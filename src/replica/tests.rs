//! Copies in a folder, of a small mirror.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use super::*;
use crate::{
    mirror::{Mirror, Stage, database},
    model::{BinderId, DocumentId, Intent, Particulars, RelPath, Sha256, Step, VersionId},
    naming,
    pace::Bandwidth,
    report::{FindingKind, Progress},
    state::{CopyRecord, RunEnd, State},
};

/// A mirror, and the folder for its copy.
pub(super) struct Bench {
    folder: tempfile::TempDir,
    pub(super) mirror: Mirror,
    pub(super) state: State,
    pub(super) record: CopyRecord,
    pub(super) progress: Arc<Progress>,
}

impl Bench {
    /// An empty mirror.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (dest, copy) = (folder.path().join("mirror"), folder.path().join("copy"));
        fs::create_dir(&copy).unwrap();
        let mirror = Mirror::open(&dest).unwrap();
        let state = State::open(&database(&dest), false).unwrap();
        state.write(|w| w.set("organisation", "org")).unwrap();
        let record = CopyRecord::open(&folder.path().join("record.db")).unwrap();
        Self { folder, mirror, state, record, progress: Arc::default() }
    }

    /// The folder of the copy.
    pub(super) fn copy(&self) -> PathBuf {
        self.folder.path().join("copy")
    }

    pub(super) fn dest(&self) -> PathBuf {
        self.folder.path().join("mirror")
    }

    pub(super) fn store(&self) -> Store {
        let location = format!("file://{}", self.copy().display()).parse().unwrap();
        let settings = StoreSettings {
            location,
            credentials: Credentials::default(),
            ask_metadata: false,
            user_agent: "test".to_owned(),
        };
        Store::open(&settings, Arc::default()).unwrap()
    }

    /// A run that adds documents with these paths and bytes.
    pub(super) fn add(&self, documents: &[(&str, &[u8])]) {
        let run = self.state.write(|w| w.begin_run(Timestamp::now(), "run")).unwrap().number;
        for (path, bytes) in documents {
            let mut stage = Stage::create(&self.mirror, false).unwrap();
            stage.write(bytes).unwrap();
            let staged = stage.finish(None).unwrap();
            let (stamp, sha256) = (staged.stamp, staged.sha256);
            let intent = Intent {
                document: DocumentId::parse(&format!("document {path}")).unwrap(),
                path: RelPath::new(path).unwrap(),
                step: Step::Add { staged },
                particulars: Particulars {
                    binder: BinderId::parse("binder").unwrap(),
                    folder: None,
                    file_name: (*path).to_owned(),
                    version: VersionId::parse("version").unwrap(),
                    metadata: Some("[{\"a\":\n1}]".into()),
                },
            };
            self.mirror.barrier().unwrap();
            self.mirror.apply(&intent).unwrap();
            let key = naming::key(path);
            let row = self.state.write(|w| {
                w.insert_document(run, &intent, &key, stamp, sha256)?;
                w.changed(run)
            });
            row.unwrap();
        }
        self.end(run);
    }

    /// A run that changes nothing.
    pub(super) fn unchanged(&self) {
        let run = self.state.write(|w| w.begin_run(Timestamp::now(), "run")).unwrap().number;
        self.end(run);
    }

    fn end(&self, run: i64) {
        let end = RunEnd { outcome: "complete", whole: true, complete: true, changes: None };
        self.state.write(|w| w.end_run(run, &end)).unwrap();
    }

    pub(super) fn replicate(&self) -> Result<Replicated, Error> {
        self.replicate_to(&self.store())
    }

    pub(super) fn replicate_to(&self, store: &Store) -> Result<Replicated, Error> {
        self.replicate_if(store, true)
    }

    fn replicate_if(&self, store: &Store, accept: bool) -> Result<Replicated, Error> {
        let options = ReplicateOptions { transfers: 4, bandwidth: None, accept };
        let (mirror, state, record, progress) = (&self.mirror, &self.state, &self.record, &self.progress);
        Replicate { mirror, state, store, record, options: &options, progress }.run()
    }

    /// Deletes a document, so that nothing has its bytes.
    pub(super) fn remove(&self, path: &str) {
        let run = self.state.write(|w| w.begin_run(Timestamp::now(), "run")).unwrap().number;
        let document = DocumentId::parse(&format!("document {path}")).unwrap();
        self.state.write(|w| w.begin_purge(run, &document)).unwrap();
        let purges = self.state.read(|r| r.purges()).unwrap();
        self.state.write(|w| w.forget_document(&purges[0])).unwrap();
        self.state.write(|w| w.changed(run)).unwrap();
        fs::remove_file(self.dest().join(path)).unwrap();
        self.end(run);
    }

    /// The file of an object.
    pub(super) fn object(&self, bytes: &[u8]) -> PathBuf {
        self.copy().join(object_key(&hash(bytes)))
    }

    /// Puts an object into the copy, as an upload does that no commit names yet.
    pub(super) fn put_object(&self, bytes: &[u8]) {
        self.store().put_new(&object_key(&hash(bytes)), &bytes.to_vec().into()).unwrap();
    }

    /// Begins the record anew, as on another machine.
    pub(super) fn lose_the_record(&mut self) {
        self.record = CopyRecord::open(&self.folder.path().join("another.db")).unwrap();
    }

    /// Makes every file of the copy so many days older.
    pub(super) fn age(&self, days: u64) {
        for key in self.keys() {
            let file = fs::File::options().write(true).open(self.copy().join(key)).unwrap();
            let written = file.metadata().unwrap().modified().unwrap();
            file.set_modified(written - Duration::from_secs(days * 24 * 3600)).unwrap();
        }
    }

    /// The paths below the copy.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        fn walk(folder: &Path, below: &Path, into: &mut BTreeSet<String>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, below, into);
                } else {
                    into.insert(path.strip_prefix(below).unwrap().display().to_string());
                }
            }
        }
        let mut keys = BTreeSet::new();
        walk(&self.copy(), &self.copy(), &mut keys);
        keys
    }

    /// Everything that the highest commit names and that is not there with its hash.
    pub(super) fn lost(&self) -> Vec<String> {
        let store = self.store();
        let commit = highest_commit(&store).unwrap().unwrap();
        let scratch = tempfile::tempdir().unwrap();
        OpenCopy::open(&store, None, scratch.path()).unwrap();
        let mut lost = Vec::new();
        manifest::read(&store, &commit.file.manifest, |item| {
            if let Some((sha256, _)) = item.content() {
                let there = fs::read(self.copy().join(object_key(&sha256))).unwrap_or_default();
                if commit::hash(&there) != sha256 {
                    lost.push(item.path.to_string());
                }
            }
            Ok::<_, Error>(())
        })
        .unwrap();
        lost
    }
}

pub(super) fn hash(bytes: &[u8]) -> Sha256 {
    commit::hash(bytes)
}

#[test]
fn a_copy_has_each_content_once_and_names_all_of_it() {
    let bench = Bench::new();
    let large = vec![7; 11 << 20];
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two"), ("B/c/a again.pdf", b"one"), ("B/large.bin", &large)]);
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.commit, made.transferred.sent), (CopyOutcome::Committed, 1, 3));
    assert_eq!(made.keeps_condition, Some(true));
    let keys = bench.keys();
    for content in [&b"one"[..], b"two", &large] {
        assert!(keys.contains(&object_key(&hash(content))), "{keys:?}");
    }
    assert_eq!(keys.len(), 3 + 3, "{keys:?}");
    assert_eq!(bench.lost(), [""; 0]);
}

#[test]
fn an_unchanged_night_only_lists_the_commits() {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate().unwrap();
    let before = bench.keys();
    bench.unchanged();
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.commit), (CopyOutcome::Unchanged, 1));
    assert_eq!(bench.keys(), before);
    bench.add(&[("B/b.pdf", b"two")]);
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.commit, made.transferred.sent), (CopyOutcome::Committed, 2, 1));
    assert_eq!(bench.lost(), [""; 0]);
}

#[test]
fn a_lost_record_is_read_from_the_copy() {
    let mut bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate().unwrap();
    bench.lose_the_record();
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.transferred.sent, made.transferred.known), (CopyOutcome::Unchanged, 0, 0));
    bench.add(&[("B/b.pdf", b"two")]);
    assert_eq!(bench.replicate().unwrap().transferred.sent, 1);
}

#[test]
fn a_copy_that_was_deleted_is_made_again() {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate().unwrap();
    fs::remove_dir_all(bench.copy()).unwrap();
    fs::create_dir(bench.copy()).unwrap();
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.commit, made.transferred.sent), (CopyOutcome::Committed, 1, 1));
    assert_eq!(bench.lost(), [""; 0]);
}

#[test]
fn bytes_that_somebody_edited_are_never_uploaded_under_the_hash_of_others() {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two")]);
    fs::write(bench.dest().join("B/a.pdf"), b"ONE").unwrap();
    let made = bench.replicate().unwrap();
    assert_eq!((made.transferred.sent, made.missing), (1, 1));
    assert_eq!(bench.lost(), [""; 0], "what is named is there");
    // It is tried again each night, and nothing is committed while nothing is gained.
    assert_eq!(bench.replicate().unwrap().outcome, CopyOutcome::Unchanged);
    fs::write(bench.dest().join("B/a.pdf"), b"one").unwrap();
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.commit, made.missing), (CopyOutcome::Committed, 2, 0));
}

/// What a check of the copy finds, with the error that ended it.
fn verified(bench: &Bench) -> (CopyProof, Option<String>) {
    let (store, scratch, mut proof) = (bench.store(), tempfile::tempdir().unwrap(), CopyProof::default());
    let work = VerifyCopy {
        store: &store,
        bandwidth: &Bandwidth::new(None),
        progress: &bench.progress,
        scratch: scratch.path(),
    };
    let ended = work.run(&mut proof);
    (proof, ended.err().map(|error| error.to_string()))
}

#[test]
fn a_commit_that_was_changed_later_is_found() {
    let bench = Bench::new();
    for path in ["B/a.pdf", "B/b.pdf", "B/c.pdf"] {
        bench.add(&[(path, path.as_bytes())]);
        bench.replicate().unwrap();
    }
    let (proof, ended) = verified(&bench);
    assert_eq!((proof.commits, proof.findings.len(), ended), (3, 0, None));
    let first = bench.copy().join("commits/000000000001.json");
    let text = fs::read_to_string(&first).unwrap();
    fs::write(&first, text.replace("\"documents\": 1", "\"documents\": 9")).unwrap();
    let (proof, _) = verified(&bench);
    let found: Vec<_> = proof.findings.iter().map(|f| (f.path.as_str(), f.detail.to_string())).collect();
    assert_eq!(found, [("commits/000000000001.json", "commit 2 was made when it had other bytes".to_owned())]);
    // Old ones may be deleted.
    fs::remove_file(&first).unwrap();
    let (proof, _) = verified(&bench);
    assert_eq!((proof.commits, proof.findings.len(), proof.checked.objects), (2, 0, 3));
}

#[test]
fn what_the_mirror_lacked_is_told_and_is_no_damage() {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two")]);
    fs::write(bench.dest().join("B/a.pdf"), b"ONE").unwrap();
    bench.replicate().unwrap();
    let (proof, _) = verified(&bench);
    assert_eq!(
        (proof.lacking, proof.findings[0].kind, proof.findings[0].path.as_str()),
        (1, FindingKind::Lacking, "B/a.pdf")
    );
    assert_eq!((proof.named.documents, proof.checked.objects), (1, 1));
    // Somebody has brought it since.
    let object = bench.copy().join(object_key(&hash(b"one")));
    fs::create_dir_all(object.parent().unwrap()).unwrap();
    fs::write(&object, b"one").unwrap();
    let (proof, _) = verified(&bench);
    assert_eq!((proof.lacking, proof.findings.len(), proof.checked.objects), (0, 0, 2));
}

#[test]
fn a_manifest_that_contradicts_its_commit_or_leads_elsewhere_is_found() {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate().unwrap();
    let commit = bench.copy().join("commits/000000000001.json");
    let (text, named) = (fs::read_to_string(&commit).unwrap(), highest_commit(&bench.store()).unwrap().unwrap());
    let manifest = bench.copy().join(&named.file.manifest.key);
    let lines = zstd::decode_all(&*fs::read(&manifest).unwrap()).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    for (from, to, why) in [
        ("\"path\":\"B/a.pdf\"", "\"path\":\"../a.pdf\"", "line 2 of the manifest can't be used"),
        ("\"path\":\"B/a.pdf\"", "\"path\":\"/etc/a.pdf\"", "line 2 of the manifest can't be used"),
        ("\"documents\":1", "\"documents\":2", "announces 2 documents and has 1"),
        ("\"size\":3", "\"size\":4", "it has 3 bytes instead of 4"),
        ("\"format\":1", "\"format\":2", "has format 2"),
    ] {
        let packed = zstd::encode_all(lines.replacen(from, to, 1).as_bytes(), 1).unwrap();
        assert_ne!(lines.replacen(from, to, 1), lines);
        fs::write(&manifest, &packed).unwrap();
        let mut changed: serde_json::Value = serde_json::from_str(&text).unwrap();
        changed["manifest"]["size"] = packed.len().into();
        changed["manifest"]["sha256"] = hash(&packed).hex().into();
        changed["manifest"]["unpacked_size"] = lines.replacen(from, to, 1).len().into();
        fs::write(&commit, changed.to_string()).unwrap();
        let (proof, ended) = verified(&bench);
        let found: Vec<_> = proof.findings.iter().map(|finding| finding.detail.to_string()).collect();
        assert!(found.len() == 1 && found[0].contains(why) && ended.is_none(), "{why}: {found:?} {ended:?}");
    }
    fs::write(&manifest, zstd::encode_all(lines.as_bytes(), 1).unwrap()).unwrap();
    let bytes = fs::read(&manifest).unwrap();
    let mut changed: serde_json::Value = serde_json::from_str(&text).unwrap();
    changed["manifest"] = serde_json::json!({
        "key": named.file.manifest.key, "sha256": hash(&bytes).hex(), "size": bytes.len(), "unpacked_size": lines.len(),
    });
    changed["documents"] = 9.into();
    fs::write(&commit, changed.to_string()).unwrap();
    let (proof, _) = verified(&bench);
    assert!(proof.findings[0].detail.to_string().contains("other numbers of documents"), "{:?}", proof.findings);
}

#[test]
fn a_copy_that_vanishes_is_not_a_copy_with_missing_objects() {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    fs::remove_dir(bench.copy()).unwrap();
    fs::create_dir(bench.copy()).unwrap();
    let (proof, ended) = verified(&bench);
    assert!(proof.findings.is_empty() && ended.unwrap().contains("there is no copy"));
}

#[test]
fn a_copy_of_another_organisation_is_left_alone() {
    let (bench, other) = (Bench::new(), Bench::new());
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate().unwrap();
    other.add(&[("B/x.pdf", b"x")]);
    other.state.write(|w| w.set("organisation", "another")).unwrap();
    let before = bench.keys();
    let refused = other.replicate_to(&bench.store()).unwrap_err();
    assert!(matches!(refused, Error::OtherOrganisation { .. }), "{refused}");
    assert_eq!(bench.keys(), before);
}

#[test]
fn a_cut_off_object_is_replaced_by_who_has_its_bytes() {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    let object = bench.copy().join(object_key(&hash(b"one")));
    fs::create_dir_all(object.parent().unwrap()).unwrap();
    fs::write(&object, b"o").unwrap();
    bench.replicate().unwrap();
    assert_eq!(bench.lost(), [""; 0]);
}

#[test]
fn a_highest_commit_that_cannot_be_used_is_passed_over_and_followed_by_one_that_can() {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate().unwrap();
    let scratch = || tempfile::tempdir().unwrap();
    let large = vec![b'x'; 100_000];
    for (number, bytes) in [(2, &b"garbage"[..]), (4, &large), (100_000, b"{\"format\":1}")] {
        fs::write(bench.copy().join(format!("commits/{number:012}.json")), bytes).unwrap();
        let (store, folder) = (bench.store(), scratch());
        let read = OpenCopy::open(&store, None, folder.path()).unwrap();
        assert!(read.commit.file.number < number, "the one before it is read");
        let made = bench.replicate().unwrap();
        assert_eq!((made.outcome, made.commit), (CopyOutcome::Committed, number + 1));
        assert_eq!(bench.lost(), [""; 0]);
        assert_eq!(bench.replicate().unwrap().outcome, CopyOutcome::Unchanged);
    }
}

#[test]
fn a_copy_that_is_not_as_this_mirror_left_it_is_only_written_to_on_request() {
    let (bench, other) = (Bench::new(), Bench::new());
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate_if(&bench.store(), false).unwrap();
    // Runs have their number and the second in which they began in their ids.
    let first = other.state.write(|w| w.begin_run(Timestamp::UNIX_EPOCH, "run")).unwrap().number;
    other.end(first);
    other.add(&[("B/x.pdf", b"x")]);
    let before = bench.keys();
    let refused = other.replicate_if(&bench.store(), false).unwrap_err();
    assert!(matches!(refused, Error::OtherMirror { .. }), "{refused}");
    assert_eq!(bench.keys(), before);
    fs::remove_dir_all(bench.copy()).unwrap();
    fs::create_dir(bench.copy()).unwrap();
    let refused = bench.replicate_if(&bench.store(), false).unwrap_err();
    assert!(matches!(refused, Error::Vanished { number: 1, .. }), "{refused}");
    assert!(bench.keys().is_empty());
    assert_eq!(bench.replicate_if(&bench.store(), true).unwrap().outcome, CopyOutcome::Committed);
}

#[test]
fn a_manifest_that_this_record_did_not_write_is_compared_with_what_is_there() {
    let mut bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two")]);
    bench.replicate().unwrap();
    fs::remove_dir_all(bench.copy().join("objects")).unwrap();
    bench.record = CopyRecord::open(&bench.folder.path().join("another.db")).unwrap();
    bench.replicate().unwrap();
    assert_eq!(bench.lost(), [""; 0]);
}

#[test]
fn a_commit_with_our_mark_that_lacks_our_contents_is_followed_by_a_whole_one() {
    let mut bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one")]);
    bench.replicate().unwrap();
    let mut forged = highest_commit(&bench.store()).unwrap().unwrap().file;
    let header = "{\"format\":1,\"organisation_id\":\"org\",\"run_id\":\"r\",\"finished_at\":\"2026-01-01T00:00:00Z\",\"documents\":0,\"past_versions\":0}\n";
    let packed = zstd::stream::encode_all(header.as_bytes(), 1).unwrap();
    (forged.number, forged.documents) = (2, 0);
    forged.manifest = Named {
        key: "manifests/forged".to_owned(),
        sha256: hash(&packed),
        size: packed.len() as u64,
        unpacked_size: header.len() as u64,
    };
    fs::write(bench.copy().join("manifests/forged"), packed).unwrap();
    fs::write(bench.copy().join("commits/000000000002.json"), forged.to_bytes().unwrap()).unwrap();
    let (proof, _) = verified(&bench);
    assert!(proof.findings.iter().any(|finding| finding.path.starts_with("state/")), "{:?}", proof.findings);
    bench.record = CopyRecord::open(&bench.folder.path().join("another.db")).unwrap();
    let made = bench.replicate().unwrap();
    assert_eq!((made.outcome, made.commit), (CopyOutcome::Committed, 3));
    assert_eq!(bench.replicate().unwrap().outcome, CopyOutcome::Unchanged);
}
