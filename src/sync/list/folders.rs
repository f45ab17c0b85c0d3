//! Reads the folders of a binder.
//!
//! One request for the tabs and one for each folder. The path of the request for sub-folders is an assumption: if the first one
//! gets a 404 or 405, the service has no such call, which is no failure. Folders that can't be read stay as they are known.

use std::collections::{HashSet, VecDeque};

use crate::{
    model::{BinderId, Folder, FolderId},
    plan::DEEPEST,
    remote::{self, OddItem},
    report::{Failure, Warning},
    sync::{Fatal, context::RunContext, list::failure::failure},
};

/// Folders and requests that are always allowed for a binder; a loop in the service's answers ends here.
const MOST: usize = 100_000;
const MOST_REQUESTS: usize = 20_000;

/// This many times the known folders may also be read. Each refresh reads further into a larger binder.
const GROWTH: usize = 4;

/// The folders that could be read.
struct FolderReading {
    folders: Vec<Folder>,
    /// How many requests it took, with that for the metadata elements.
    requests: u32,
    /// Why folders are missing for good: the service doesn't list them.
    unavailable: Option<String>,
    /// Why folders are missing this time: the next run asks again.
    fault: Option<remote::Error>,
}

/// Reads a binder's folders and metadata elements, and stores them.
pub(crate) async fn refresh(ctx: &RunContext, binder: &BinderId) -> Result<(), Fatal> {
    refresh_schema(ctx, binder).await?;
    let id = binder.clone();
    let known = ctx.record.planner.call(move |planner| planner.known_folders(&id)).await?;
    let Some(FolderReading { folders, requests, unavailable, fault }) = read(ctx, binder, known).await? else {
        return Ok(());
    };
    if let Some(why) = &unavailable {
        ctx.tally.warn(Warning::binder(Warning::FoldersUnread, binder, "", why));
    }
    if let Some(error) = &fault {
        let failure = failure(binder, error);
        let error = format!("not all of its folders could be read, so documents may be in the wrong one: {error}");
        ctx.tally.failed(None, Failure { error, ..failure });
    }
    let complete = unavailable.is_none() && fault.is_none();
    let binder = binder.clone();
    let requests = fault.is_none().then_some(requests);
    ctx.record.planner.call(move |planner| planner.refresh_folders(&binder, folders, complete, requests)).await?
}

/// Stores the labels of the metadata. They are optional, so an error is only a warning.
async fn refresh_schema(ctx: &RunContext, binder: &BinderId) -> Result<(), Fatal> {
    match ctx.service.ask(ctx.service.remote.metadata_elements(binder)).await {
        Some(Ok(schema)) => Ok(ctx.record.state.write(|w| w.set_schema(binder, &schema))?),
        Some(Err(error)) => {
            let error = fatal_or(error)?;
            if is_missing(&error) {
                tracing::debug!(%binder, "its metadata elements could not be read: {error}");
            } else {
                ctx.tally.warn(Warning::binder(Warning::LabelsUnread, binder, "", &error));
            }
            Ok(())
        }
        None => Ok(()),
    }
}

/// Reads folder by folder; `None` once the run is stopping. `known` is how many folders have rows.
async fn read(ctx: &RunContext, binder: &BinderId, known: usize) -> Result<Option<FolderReading>, Fatal> {
    let mut reading = FolderReading { folders: Vec::new(), requests: 2, unavailable: None, fault: None };
    let mut search = FolderSearch::default();
    match ctx.service.ask(ctx.service.remote.tabs(binder)).await {
        None => return Ok(None),
        Some(Ok(tabs)) => search.add(tabs, None),
        Some(Err(error)) => reading.add_error(fatal_or(error)?),
    }
    let mut answered = false;
    while let Some((folder, depth)) = search.queue.pop_front() {
        if depth >= DEEPEST {
            reading.unavailable = Some(format!("they are nested deeper than {DEEPEST} levels"));
            continue;
        }
        reading.requests += 1;
        match ctx.service.ask(ctx.service.remote.subfolders(binder, &folder)).await {
            None => return Ok(None),
            Some(Ok(folders)) => {
                answered = true;
                search.add(folders, Some((&folder, depth)));
            }
            Some(Err(error)) => {
                let missing = is_missing(&error);
                reading.add_error(fatal_or(error)?);
                // The service has no such call, so the other folders can't be read either.
                if missing && !answered {
                    break;
                }
            }
        }
        if search.is_over(known, reading.requests) {
            reading.unavailable = Some("there are too many of them for one run; the next refresh reads on".to_owned());
            break;
        }
    }
    reading.unavailable = reading.unavailable.or(search.unusable);
    reading.folders = search.folders;
    Ok(Some(reading))
}

fn is_missing(error: &remote::Error) -> bool {
    matches!(error.kind(), remote::ErrorKind::NotFound { .. } | remote::ErrorKind::MethodNotAllowed)
}

impl FolderReading {
    /// Missing or refused folders stay unavailable; any other error may be gone in the next run.
    fn add_error(&mut self, error: remote::Error) {
        if is_missing(&error) || error.kind() == remote::ErrorKind::Forbidden || error.is_unauthorized() {
            self.unavailable = Some(error.to_string());
        } else {
            self.fault = Some(error);
        }
    }
}

/// Refused credentials end the run; any other error concerns the binder alone.
fn fatal_or(error: remote::Error) -> Result<remote::Error, Fatal> {
    if error.kind() == remote::ErrorKind::Credentials { Err(Fatal::Remote(error)) } else { Ok(error) }
}

/// A breadth-first search through a binder's folders.
#[derive(Default)]
struct FolderSearch {
    folders: Vec<Folder>,
    ids: HashSet<FolderId>,
    /// Folders whose sub-folders are still to be read, and their depth below the tab.
    queue: VecDeque<(FolderId, usize)>,
    /// Why an item can't be used.
    unusable: Option<String>,
}

impl FolderSearch {
    /// Adds the sub-folders of a folder, or the tabs. A folder that doesn't name its parent belongs to the one that was read.
    fn add(&mut self, items: Vec<Result<Folder, OddItem>>, parent: Option<(&FolderId, usize)>) {
        let depth = parent.map_or(0, |(_, depth)| depth + 1);
        for item in items {
            match item {
                Ok(mut folder) => {
                    if !self.ids.insert(folder.id.clone()) {
                        continue;
                    }
                    folder.parent = folder.parent.or_else(|| parent.map(|(folder, _)| folder.clone()));
                    self.queue.push_back((folder.id.clone(), depth));
                    self.folders.push(folder);
                }
                Err(unusable) => self.unusable = Some(unusable.to_string()),
            }
        }
    }

    /// Whether the search ends early, after this many requests.
    fn is_over(&self, known: usize, requests: u32) -> bool {
        let most = MOST_REQUESTS.max(known.saturating_mul(GROWTH));
        let too_many = self.folders.len() >= MOST.max(most) || requests as usize > most;
        too_many && !self.queue.is_empty()
    }
}
