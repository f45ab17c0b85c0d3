//! Reading the folders of a binder.
//!
//! One request for the tabs and one for each folder. That the sub-folders' path is assumed shows
//! here: a 404 or 405 for the first one that is asked for means that it can't be read, and is no
//! failure. What can't be read keeps what is known.

use std::collections::{HashSet, VecDeque};

use crate::{
    model::{BinderId, Folder, FolderId},
    plan::DEEPEST,
    remote::{self, OddItem},
    report::{Failure, Warning},
    sync::{Fatal, context::RunContext, list::failure::failure},
};

/// Most folders that are read of any binder, and requests that are spent on it: a loop on the service's side ends here.
const MOST: usize = 100_000;
const MOST_REQUESTS: usize = 20_000;

/// How often more folders than are known may be read. A larger binder is read further by each refresh.
const GROWTH: usize = 4;

/// What reading the folders brought. What is missing of it keeps its places.
struct FolderReading {
    folders: Vec<Folder>,
    /// Why it is not all, for good: the service doesn't tell.
    untold: Option<String>,
    /// Why it is not all, this time: the next run asks again.
    fault: Option<remote::Error>,
}

/// Reads a binder's folders, and with them its metadata elements, and takes them over.
pub(crate) async fn refresh(ctx: &RunContext, binder: &BinderId) -> Result<(), Fatal> {
    refresh_schema(ctx, binder).await?;
    let mut requests = 1;
    let id = binder.clone();
    let known = ctx.record.planner.call(move |planner| planner.folders_in(&id)).await?;
    let Some(FolderReading { folders, untold, fault }) = read(ctx, binder, known, &mut requests).await? else {
        return Ok(());
    };
    if let Some(why) = &untold {
        ctx.tally.warn(Warning::binder(Warning::FoldersUnread, binder, "", why));
    }
    if let Some(error) = &fault {
        let failure = failure(binder, error);
        let error = format!("not all of its folders could be read, so documents may lie in the wrong one: {error}");
        ctx.tally.failed(None, Failure { error, ..failure });
    }
    let whole = untold.is_none() && fault.is_none();
    let binder = binder.clone();
    let requests = fault.is_none().then_some(requests);
    ctx.record.planner.call(move |planner| planner.take_folders(&binder, folders, whole, requests)).await?
}

/// The labels of the metadata are worth having, and no reason to fail.
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

/// Reads folder by folder; `None` once the run is stopping. `known` folders have rows.
async fn read(
    ctx: &RunContext,
    binder: &BinderId,
    known: usize,
    requests: &mut u32,
) -> Result<Option<FolderReading>, Fatal> {
    let most = MOST_REQUESTS.max(known.saturating_mul(GROWTH));
    let mut read = FolderReading { folders: Vec::new(), untold: None, fault: None };
    let mut found = FoundFolder::default();
    *requests += 1;
    match ctx.service.ask(ctx.service.remote.tabs(binder)).await {
        None => return Ok(None),
        Some(Ok(tabs)) => found.extend(tabs, None),
        Some(Err(error)) => read.note(fatal_or(error)?),
    }
    let mut answered = false;
    while let Some((folder, depth)) = found.queue.pop_front() {
        if depth >= DEEPEST {
            read.untold = Some(format!("they are nested deeper than {DEEPEST} levels"));
            continue;
        }
        *requests += 1;
        match ctx.service.ask(ctx.service.remote.subfolders(binder, &folder)).await {
            None => return Ok(None),
            Some(Ok(folders)) => {
                answered = true;
                found.extend(folders, Some((&folder, depth)));
            }
            Some(Err(error)) => {
                let missing = is_missing(&error);
                read.note(fatal_or(error)?);
                // The call itself is missing: asking for every other folder would not help.
                if missing && !answered {
                    break;
                }
            }
        }
        let too_many = found.folders.len() >= MOST.max(most) || *requests as usize > most;
        if too_many && !found.queue.is_empty() {
            read.untold = Some("there are too many of them for one run; the next refresh reads on".to_owned());
            break;
        }
    }
    read.untold = read.untold.or(found.odd);
    read.folders = found.folders;
    Ok(Some(read))
}

fn is_missing(error: &remote::Error) -> bool {
    matches!(error.kind(), remote::ErrorKind::NotFound { .. } | remote::ErrorKind::MethodNotAllowed)
}

impl FolderReading {
    /// What is missing or refused is the service's word; anything else is a fault that passes.
    fn note(&mut self, error: remote::Error) {
        if is_missing(&error) || error.kind() == remote::ErrorKind::Forbidden || error.is_unauthorized() {
            self.untold = Some(error.to_string());
        } else {
            self.fault = Some(error);
        }
    }
}

/// Refused credentials end the run; anything else is the binder's.
fn fatal_or(error: remote::Error) -> Result<remote::Error, Fatal> {
    if error.kind() == remote::ErrorKind::Credentials { Err(Fatal::Remote(error)) } else { Ok(error) }
}

#[derive(Default)]
struct FoundFolder {
    folders: Vec<Folder>,
    ids: HashSet<FolderId>,
    /// Folders to ask for, and how deep they lie below their tab.
    queue: VecDeque<(FolderId, usize)>,
    odd: Option<String>,
}

impl FoundFolder {
    /// Takes an answer. What doesn't name its parent lies in the folder that was asked for.
    fn extend(&mut self, items: Vec<Result<Folder, OddItem>>, asked: Option<(&FolderId, usize)>) {
        let depth = asked.map_or(0, |(_, depth)| depth + 1);
        for item in items {
            match item {
                Ok(mut folder) => {
                    if !self.ids.insert(folder.id.clone()) {
                        continue;
                    }
                    folder.parent = folder.parent.or_else(|| asked.map(|(folder, _)| folder.clone()));
                    self.queue.push_back((folder.id.clone(), depth));
                    self.folders.push(folder);
                }
                Err(odd) => self.odd = Some(odd.to_string()),
            }
        }
    }
}
