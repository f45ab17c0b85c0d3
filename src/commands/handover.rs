//! `handover`: a `BagIt` bag of binders, with a receipt.

use std::{
    collections::HashSet,
    fs::{self, File, Permissions, TryLockError},
    io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};
use tempfile::NamedTempFile;

use crate::{
    cli,
    commands::named::binder,
    config::outside_resolved,
    handover::{Found, HandedOver, Handover, TOP, UNFINISHED, Walk},
    history::{Missing, Night, Site, SitePlace},
    mirror::{Archive, FileTarget, Root, Shelf, Target, WalkEntry},
    model::Sha256,
    report::{Progress, RunReport, bytes, count, format::number_of},
    session::{
        Error, Exit, Output, Reading,
        open::{copy_state, retry_on_change},
        output::ended,
        signals::Signals,
    },
    site::SiteOptions,
    state::{self, State},
    sync::{Stop, StopCause},
    ui,
};

/// Settings of a record, which is a changed copy of the state: when it was made, and which binders were asked for.
const AS_OF: &str = "handover_as_of";
const BINDERS: &str = "handover_binders";

/// The most missing files that are shown; `--json` and the receipt have more.
const SHOWN: usize = 20;

/// Hands over binders.
pub fn handover(dest: &Path, given: &cli::Handover, site: &SiteOptions, output: &Output) -> Exit {
    ended(go(dest, given, site, output))
}

fn go(dest: &Path, given: &cli::Handover, site: &SiteOptions, output: &Output) -> Result<Exit, Error> {
    outside_resolved("--to", &given.to, Some(dest))?;
    let (root, order) = retry_on_change(|| {
        let reading = Reading::open(dest)?;
        let order = Order::of(dest, given, &reading.state)?;
        Ok((reading.root, order))
    })?;
    let job = Job { dest, given, site, output, root, order, stop: Arc::default() };
    let done = if given.zip { job.make_archive() } else { job.make_folder() }?;
    show(given, output, &done);
    Ok(exit(&done, job.stop.cause()))
}

/// What is handed over.
#[derive(PartialEq, Eq)]
struct Order {
    organisation: Option<String>,
    /// The ids of the binders, in order; none for all.
    binders: Vec<String>,
}

impl Order {
    fn of(dest: &Path, given: &cli::Handover, state: &State) -> Result<Self, Error> {
        let wanted = given.binder.iter().map(|wanted| binder(state, dest, wanted).map(|found| found.id));
        let mut binders = wanted.collect::<Result<Vec<String>, Error>>()?;
        binders.sort();
        binders.dedup();
        Ok(Self { organisation: state.read(|r| r.setting("organisation"))?, binders })
    }

    /// Makes a record of a copy of the state.
    fn reduce(&self, state: &State) -> Result<(), Error> {
        Ok(state.write(|w| {
            if !self.binders.is_empty() {
                w.keep_binders(&self.binders)?;
            }
            w.set(BINDERS, &self.binders.join("\n"))?;
            w.set(AS_OF, &Timestamp::now().to_string())
        })?)
    }

    /// Whether a record was made for it.
    fn is_of(&self, record: &State) -> Result<bool, Error> {
        let setting = |key| record.read(|r| r.setting(key));
        let binders = setting(BINDERS)?.unwrap_or_default();
        Ok(self.organisation == setting("organisation")? && self.binders.join("\n") == binders)
    }
}

struct Job<'j> {
    dest: &'j Path,
    given: &'j cli::Handover,
    site: &'j SiteOptions,
    output: &'j Output,
    root: Root,
    order: Order,
    stop: Arc<Stop>,
}

impl Job<'_> {
    fn make_folder(&self) -> Result<HandedOver, Error> {
        let to = &self.given.to;
        let target = Target::open_or_continue(to, &self.root, UNFINISHED, &TOP)?;
        let work = to.join(UNFINISHED);
        let cannot = |error: io::Error| Error::Output(work.clone(), error);
        fs::create_dir_all(&work).map_err(cannot)?;
        let lock = File::create(work.join("lock")).map_err(cannot)?;
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(Error::Unknown(format!("another handover is at work in {}; wait for it to end", to.display())));
        }
        let (record, as_of) = self.record(&work)?;
        let done = self.hand_over(&record, as_of, &target, &work, Some(&|each| list(&target, each)))?;
        if done.manifest.is_some() {
            fs::remove_dir_all(&work).map_err(cannot)?;
        }
        Ok(done)
    }

    fn make_archive(&self) -> Result<HandedOver, Error> {
        let to = std::path::absolute(&self.given.to).map_err(|e| Error::Output(self.given.to.clone(), e))?;
        let cannot = |error: io::Error| Error::Output(to.clone(), error);
        if to.symlink_metadata().is_ok() {
            return Err(cannot(io::Error::new(io::ErrorKind::InvalidInput, "it exists already; give a new name")));
        }
        let (above, name) = (to.parent().unwrap_or(&to), to.file_stem().unwrap_or_default().to_string_lossy());
        fs::create_dir_all(above).map_err(cannot)?;
        let work = tempfile::Builder::new().prefix(".ibinder-handover-").tempdir_in(above).map_err(cannot)?;
        let new = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(work.path());
        let new: NamedTempFile = new.map_err(cannot)?;
        let archive = Archive::new(new.reopen().map_err(cannot)?, &name);
        let (record, as_of) = self.record(work.path())?;
        let done = self.hand_over(&record, as_of, &archive, work.path(), None)?;
        if done.manifest.is_some() {
            archive.close()?;
            new.persist_noclobber(&to).map_err(|error| cannot(error.error))?;
        }
        Ok(done)
    }

    /// Opens the record in a folder, and makes it first if there is none.
    fn record(&self, work: &Path) -> Result<(State, Timestamp), Error> {
        let path = work.join("record.db");
        if !path.exists() {
            copy_state(self.dest, &path, |state| self.order.reduce(state))?;
        }
        let opened = State::view_copy(&path)?;
        let record = opened.ok_or_else(|| state::Error::InvalidValue("a record of an old version".to_owned()))?;
        if !self.order.is_of(&record)? {
            let to = self.given.to.display();
            return Err(Error::Unknown(format!(
                "{to} has an unfinished bag of other binders; finish that one with its own command, or give another folder"
            )));
        }
        let as_of = record.read(|r| r.setting(AS_OF))?.and_then(|text| text.parse().ok());
        Ok((record, as_of.unwrap_or_default()))
    }

    fn hand_over(
        &self,
        record: &State,
        as_of: Timestamp,
        target: &dyn FileTarget,
        scratch: &Path,
        walk: Option<&Walk<'_>>,
    ) -> Result<HandedOver, Error> {
        let catalogue = scratch.join("catalogue");
        self.browse(record, &catalogue)?;
        let progress = Arc::<Progress>::default();
        let _screen =
            ui::Screen::of_files(Arc::clone(&progress), &self.output.bars, self.output.quiet, self.output.json_log);
        let _signals = Signals::watch(&self.stop);
        let done = Handover {
            root: &self.root,
            record,
            as_of,
            all: self.order.binders.is_empty(),
            look: &|wanted| self.look(wanted),
            catalogue: &catalogue,
            target,
            scratch,
            walk,
            zone: &TimeZone::system(),
            progress: &progress,
            ended: &|| self.stop.is_set(),
        };
        Ok(done.run()?)
    }

    /// Writes the catalogue for browsers. The reports of runs name other binders, so one of some binders has no changes.
    fn browse(&self, record: &State, folder: &Path) -> Result<(), Error> {
        let shelf = Shelf::elsewhere(folder)?;
        let no_reports = Root::open(folder)?;
        let root = if self.order.binders.is_empty() { &self.root } else { &no_reports };
        let place = SitePlace::Elsewhere { root, shelf: &shelf, way: "tree/".to_owned() };
        let options = SiteOptions { history: true, ..self.site.clone() };
        let catalogue = Site::new(record, place, &options);
        let complete = record.read(|r| r.last_complete())?.map(|run| run.finished_at);
        match self.report(record)? {
            Some(report) => catalogue.update(&Night::Run { report: &report, complete })?,
            None => catalogue.update(&Night::AsBefore)?,
        };
        Ok(())
    }

    /// The report of the record's last run, with what it says about these binders. Its other counts stay: they may only say
    /// that more is missing than is.
    fn report(&self, record: &State) -> Result<Option<RunReport>, Error> {
        let Some(last) = record.read(|r| r.last_mirror_run())? else { return Ok(None) };
        let report = self.root.read_note(&format!("runs/{}.json", last.id));
        let Some(mut report) = report.and_then(|json| serde_json::from_slice::<RunReport>(&json).ok()) else {
            return Ok(None);
        };
        let binders = &self.order.binders;
        if !binders.is_empty() {
            report.failures.retain(|failure| failure.binder_id.as_ref().is_some_and(|id| binders.contains(id)));
            report.withheld.retain(|document| binders.contains(&document.binder_id));
            report.changes = None;
            report.documents.failed = report.failures.len() as u64;
            report.documents.withheld = report.withheld.len() as u64;
        }
        Ok(Some(report))
    }

    /// Looks for files in the mirror as it is now. If that isn't possible, none is found.
    fn look(&self, wanted: &HashSet<Sha256>) -> Found {
        let found =
            Reading::following(self.dest).and_then(|reading| Ok(reading.state.read(|r| r.files_with(wanted))?));
        found.unwrap_or_else(|error| {
            tracing::warn!("{error}");
            Found::new()
        })
    }
}

/// Lists the files in the payload of a folder.
fn list(target: &Target, each: &mut dyn FnMut(&str)) -> Result<(), crate::handover::Error> {
    Ok(target.root().walk(|entry| {
        let (WalkEntry::Found { path, .. } | WalkEntry::Unreadable { path, .. }) = entry;
        if path.starts_with("data/") {
            each(&path);
        }
        true
    })?)
}

/// The output of `--json`.
#[derive(serde::Serialize)]
struct JsonOutput<'d> {
    documents: u64,
    bytes: u64,
    versions: u64,
    version_bytes: u64,
    payload_files: u64,
    payload_bytes: u64,
    damaged: u64,
    complete: bool,
    ended_early: bool,
    manifest_sha256: Option<String>,
    missing: &'d [Missing],
}

fn show(given: &cli::Handover, output: &Output, done: &HandedOver) {
    let ended_early = done.manifest.is_none();
    if output.json {
        ui::print_json(&JsonOutput {
            documents: done.documents.0,
            bytes: done.documents.1,
            versions: done.versions.0,
            version_bytes: done.versions.1,
            payload_files: done.payload.0,
            payload_bytes: done.payload.1,
            damaged: done.damaged,
            complete: done.complete,
            ended_early,
            manifest_sha256: done.manifest.map(|hash| hash.hex()),
            missing: &done.missing,
        });
    } else if !ended_early && (!output.quiet || !done.complete) {
        ui::print(&summary(&given.to, given.zip, done));
    }
    if ended_early {
        let next = if given.zip { "the same command begins again" } else { "the same command continues" };
        tracing::error!("stopped before {} was complete; {next}", given.to.display());
    }
}

fn summary(to: &Path, zip: bool, done: &HandedOver) -> String {
    let (to, of) = (ui::escape(&to.display().to_string()), |(_, size): (u64, u64)| bytes(size));
    let mut text = format!(
        "{}, {}, and {}, {}, are in {to}\n",
        number_of(done.documents.0, "document", "documents"),
        of(done.documents),
        number_of(done.versions.0, "old version", "old versions"),
        of(done.versions),
    );
    for missing in done.missing.iter().take(SHOWN) {
        text.push_str(&ui::escape(&format!("missing: {}: {}\n", missing.path, missing.reason)));
    }
    if done.missing.len() > SHOWN {
        text.push_str(&format!("missing: {} more\n", count((done.missing.len() - SHOWN) as u64)));
    }
    if done.damaged > 0 {
        text.push_str("Damage was found, see the messages above; `verify --repair` may fix it\n");
    }
    let receipt = if zip { format!("receipt.html in {to}") } else { format!("{to}/receipt.html") };
    text.push_str(&if done.complete {
        format!("Complete: everything that iBinder listed is in it. The receipt is {receipt}\n")
    } else {
        format!("Not complete: the receipt says what is missing, and why: {receipt}\n")
    });
    if let Some(manifest) = done.manifest {
        text.push_str(&format!("SHA-256 of its manifest: {manifest}\n"));
    }
    text
}

fn exit(done: &HandedOver, cause: Option<StopCause>) -> Exit {
    match (done.manifest, cause) {
        (None, Some(StopCause::Terminate)) => Exit::Terminated,
        (None, _) => Exit::Interrupted,
        (Some(_), _) if done.damaged > 0 => Exit::Damaged,
        (Some(_), _) if !done.complete => Exit::Partial,
        (Some(_), _) => Exit::Complete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_decides_the_exit_code() {
        let came = |manifest: bool, damaged, complete, cause| {
            let manifest = manifest.then(|| Sha256::new([0; 32]));
            exit(&HandedOver { damaged, complete, manifest, ..HandedOver::default() }, cause).code()
        };
        assert_eq!(came(true, 0, true, None), 0);
        assert_eq!(came(true, 0, false, None), 4);
        assert_eq!(came(true, 1, true, None), 6);
        assert_eq!(came(false, 1, false, Some(StopCause::Interrupt)), 130);
        assert_eq!(came(false, 0, false, Some(StopCause::Terminate)), 143);
    }
}
