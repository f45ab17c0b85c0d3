//! Repairs files and objects that are missing or damaged.
//!
//! Sources, in this order: an object, a file of the tree with the same bytes (copied, never moved), the service by version
//! id. The bytes must have the recorded hash, because a version never changes. The committer publishes them like a new
//! version, so that the damaged file goes to `objects/`, and a crash is replayed.

use std::sync::Arc;

use crate::{
    mirror::{ContentLocation, ErrorKind, Mirror, OnDisk, Root},
    model::{RelPath, Sha256, Staged},
    remote::Remote,
    report::{Change, Finding, FindingKind, Tally},
    state::{Known, State},
    sync::{
        Fatal, Parts,
        commit::{committer::Committer, names::Names, operation::TreeChange},
        context::RunContext,
        decide::reservations::Reservations,
        fetch::{backlog::Backlog, download, job::DownloadJob},
        run::build,
        sink::Writing,
        worker::Pool,
    },
};

/// Documents that are published in one batch.
const GROUP: usize = 64;

pub(crate) struct Repair<'r> {
    pub(crate) state: &'r Arc<State>,
    pub(crate) root: &'r Root,
    pub(crate) writing: &'r Writing,
    /// The service, or why it is not available.
    pub(crate) service: Result<&'r RunContext, &'r str>,
}

/// The bytes for a repair, and their source.
struct Bytes {
    staged: Staged,
    from: String,
    partial: bool,
}

/// Repairs findings outside of a run. `service` is the service, or why it is not available.
pub async fn mend(
    parts: impl FnOnce(Arc<Remote>) -> Parts,
    service: Result<Arc<Remote>, String>,
    (mirror, state, run): (&Arc<Mirror>, &Arc<State>, i64),
    findings: &mut [Finding],
) -> Result<(), Fatal> {
    let root = mirror.root();
    match service {
        Ok(remote) => {
            let ctx = build(parts(remote), Arc::default(), Backlog::new(1))?;
            let Some(writing) = ctx.record.sink.writing() else { return Ok(()) };
            let repaired = Repair { state, root, writing, service: Ok(&ctx) }.all(findings).await;
            ctx.stop.take_fatal().map_or(repaired, Err)
        }
        Err(why) => {
            let names = Names::Own(Reservations::new(mirror.name_limit()));
            let (tally, stop) = (Arc::new(Tally::default()), Arc::default());
            let committer =
                Committer::start(Arc::clone(mirror), Arc::clone(state), names, tally, Arc::clone(&stop), run)?;
            let writing = Writing { mirror: Arc::clone(mirror), committer, pool: Pool::start("writer", 2)? };
            let repaired = Repair { state, root, writing: &writing, service: Err(&why) }.all(findings).await;
            stop.take_fatal().map_or(repaired, Err)
        }
    }
}

impl Repair<'_> {
    /// Repairs all damage: documents first, because objects may be copied from them. Files that the disk can't read are left,
    /// because their bytes could not be kept.
    pub(crate) async fn all(&self, findings: &mut [Finding]) -> Result<(), Fatal> {
        for finding in findings.iter_mut().filter(|f| f.is_disk_error()) {
            finding.repair = Some("the disk can't be trusted; check it, then repair again".to_owned());
        }
        let damaged = |f: &&mut Finding| f.is_left() && !f.is_disk_error();
        let mut documents: Vec<&mut Finding> =
            findings.iter_mut().filter(|f| f.document_id.is_some()).filter(damaged).collect();
        for group in documents.chunks_mut(GROUP) {
            self.documents(group).await?;
        }
        for finding in findings.iter_mut().filter(|f| f.document_id.is_none()).filter(damaged) {
            if self.is_stopped() {
                break;
            }
            match self.object(finding).await? {
                Ok(from) => mark_repaired(finding, from),
                Err(why) => finding.repair = Some(why),
            }
        }
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.service.is_ok_and(|ctx| ctx.stop.is_set())
    }

    async fn documents(&self, findings: &mut [&mut Finding]) -> Result<(), Fatal> {
        let mut published = Vec::new();
        for (at, finding) in findings.iter_mut().enumerate() {
            if self.is_stopped() {
                break;
            }
            let Some(id) = &finding.document_id else { continue };
            let Some(known) = self.state.read(|r| r.document(id))? else { continue };
            match self.bytes_of(&known, finding.found_at.as_ref()).await? {
                Ok(bytes) => {
                    published.push((at, known.clone(), bytes.from.clone()));
                    self.writing.committer.submit(publish(known, bytes).into()).await?;
                }
                Err(why) => finding.repair = Some(why),
            }
        }
        self.writing.committer.flush().await?;
        for (at, known, from) in published {
            let row = self.state.read(|r| r.document(&known.id))?;
            let repaired = row.is_some_and(|row| {
                row.sha256 == known.sha256 && matches!(self.root.look(&row.path), Ok(OnDisk::File(s)) if s == row.stamp)
            });
            if repaired {
                mark_repaired(findings[at], from);
            } else {
                findings[at].repair = Some("it could not be published; the messages above say why".to_owned());
            }
        }
        Ok(())
    }

    /// The bytes of a document, or why there are none.
    async fn bytes_of(&self, known: &Known, found_at: Option<&RelPath>) -> Result<Result<Bytes, String>, Fatal> {
        // Checked first, because the bytes could not be published there.
        if let Ok(OnDisk::Other(what)) = self.root.look(&known.path) {
            return Ok(Err(format!("it is {what}, which the mirror neither follows nor replaces; move it away first")));
        }
        let time = seconds(known.stamp.mtime);
        if let Some(staged) = self.copy(Source::Object(known.sha256), &known.sha256, time).await? {
            return Ok(Ok(Bytes { staged, from: "an object".to_owned(), partial: false }));
        }
        if let Some(bytes) = self.tree_bytes(&known.sha256, found_at, Some(known), time).await? {
            return Ok(Ok(bytes));
        }
        let job = job(known.clone());
        self.service_bytes(&job, &known.sha256).await
    }

    async fn object(&self, finding: &Finding) -> Result<Result<String, String>, Fatal> {
        let Some(hash) = finding.sha256 else { return Ok(Err("it has no hash".to_owned())) };
        let mut why = "no file of the tree has its bytes, and the service never had them".to_owned();
        let mut bytes = self.tree_bytes(&hash, None, None, None).await?;
        for source in self.state.read(|r| r.sources_of(&hash))? {
            if bytes.is_some() {
                break;
            }
            let (document, path, particulars) = (source.document, source.path, source.particulars);
            let job = DownloadJob {
                document,
                path,
                particulars,
                replaces: false,
                change: Change::Added,
                object: None,
                found: false,
                check: None,
            };
            match self.service_bytes(&job, &hash).await? {
                Ok(downloaded) => bytes = Some(downloaded),
                Err(refused) => why = refused,
            }
        }
        let Some(Bytes { staged, from, .. }) = bytes else { return Ok(Err(why)) };
        let mirror = Arc::clone(&self.writing.mirror);
        match self.writing.pool.run(move || mirror.repair_object(&staged)).await? {
            Ok(()) => Ok(Ok(from)),
            Err(error) if error.kind() == ErrorKind::Document => Ok(Err(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// A copy of the bytes from another file of the tree.
    async fn tree_bytes(
        &self,
        hash: &Sha256,
        found_at: Option<&RelPath>,
        except: Option<&Known>,
        time: Option<jiff::Timestamp>,
    ) -> Result<Option<Bytes>, Fatal> {
        let same = self.state.read(|r| r.documents_with(hash))?;
        let others =
            same.into_iter().map(|known| known.path).filter(|path| except.is_none_or(|known| known.path != *path));
        for path in found_at.cloned().into_iter().chain(others) {
            let from = format!("{:?}", path.as_str());
            if let Some(staged) = self.copy(Source::Tree(path), hash, time).await? {
                return Ok(Some(Bytes { staged, from, partial: false }));
            }
        }
        Ok(None)
    }

    /// A staged copy of a file or object; `None` if it is missing or has another hash.
    async fn copy(
        &self,
        source: Source,
        hash: &Sha256,
        time: Option<jiff::Timestamp>,
    ) -> Result<Option<Staged>, Fatal> {
        let (mirror, hash) = (Arc::clone(&self.writing.mirror), *hash);
        let copied = self.writing.pool.run(move || match &source {
            Source::Object(object) => mirror.stage_copy(ContentLocation::Object(object), &hash, time),
            Source::Tree(path) => mirror.stage_copy(ContentLocation::Tree(path), &hash, time),
        });
        match copied.await? {
            Ok(staged) => Ok(staged),
            Err(error) if error.kind() == ErrorKind::Document => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn service_bytes(&self, job: &DownloadJob, hash: &Sha256) -> Result<Result<Bytes, String>, Fatal> {
        let ctx = match self.service {
            Ok(ctx) => ctx,
            Err(why) => return Ok(Err(why.to_owned())),
        };
        let (staged, partial) = match download::version(ctx, self.writing, job).await? {
            Ok(downloaded) => downloaded,
            Err(why) => return Ok(Err(why)),
        };
        if staged.sha256 == *hash {
            return Ok(Ok(Bytes { staged, from: "the service".to_owned(), partial }));
        }
        self.writing.mirror.discard(&staged.name)?;
        Ok(Err(format!(
            "the service now gives other bytes for version {}, which never changes; nothing was touched",
            job.particulars.version
        )))
    }
}

enum Source {
    Object(Sha256),
    Tree(RelPath),
}

fn mark_repaired(finding: &mut Finding, from: String) {
    finding.repaired = true;
    finding.repair = Some(from);
}

fn seconds(mtime: i64) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_second(mtime.div_euclid(1_000_000_000)).ok()
}

fn job(known: Known) -> DownloadJob {
    let particulars = known.particulars();
    DownloadJob {
        document: known.id,
        path: known.path,
        particulars,
        replaces: true,
        change: Change::Added,
        object: None,
        found: false,
        check: None,
    }
}

fn publish(known: Known, Bytes { staged, partial, .. }: Bytes) -> TreeChange {
    let DownloadJob { document, path, particulars, replaces, change, .. } = job(known);
    TreeChange::Publish { document, path, staged, particulars, replaces, change, partial }
}

/// Whether a run repairs this finding. An edited file stays until a new version comes.
pub(crate) fn is_repaired_by_run(finding: &Finding) -> bool {
    finding.kind.is_damage() && finding.kind != FindingKind::Edited
}
