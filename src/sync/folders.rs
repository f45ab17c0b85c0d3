//! Reading the folders of a binder.
//!
//! One request for the tabs and one for each folder. That the sub-folders' path is assumed shows
//! here: a 404 or 405 for the first one that is asked for means that it can't be read, and is no
//! failure. What can't be read keeps what is known.

use std::collections::{HashSet, VecDeque};

use super::{Ctx, Fatal};
use crate::{
    model::{BinderId, Folder, FolderId},
    remote::{self, OddItem},
};

/// Most folders of one binder that are read; a loop on the service's side ends here.
const MOST: usize = 100_000;

/// How reading the folders ended.
pub(super) enum Read {
    /// All of them.
    All(Vec<Folder>),
    /// What could be read; the rest keeps its places.
    Some(Vec<Folder>, String),
    /// Nothing, or the run ended.
    Nothing(String),
}

/// Reads a binder's folders, and with them its metadata elements, and takes them over.
pub(super) async fn refresh(ctx: &Ctx, binder: &BinderId) -> Result<(), Fatal> {
    refresh_schema(ctx, binder).await?;
    let mut requests = 1;
    let (folders, whole) = match read(ctx, binder, &mut requests).await? {
        Read::All(folders) => (folders, true),
        Read::Some(folders, why) => {
            ctx.tally.warn(format!("binder {binder}: not all folders could be read: {why}"));
            (folders, false)
        }
        Read::Nothing(why) => {
            ctx.tally.warn(format!("binder {binder}: its folders could not be read: {why}"));
            return Ok(());
        }
    };
    let binder = binder.clone();
    ctx.desk.call(move |desk| desk.take_folders(&binder, folders, whole, requests)).await?
}

/// The labels of the metadata are worth having, and no reason to fail.
async fn refresh_schema(ctx: &Ctx, binder: &BinderId) -> Result<(), Fatal> {
    match ctx.stop.or(ctx.remote.metadata_elements(binder)).await {
        Some(Ok(schema)) => Ok(ctx.state.write(|w| w.set_schema(binder, &schema))?),
        Some(Err(error)) => {
            let error = fatal_or(error)?;
            tracing::debug!(%binder, "its metadata elements could not be read: {error}");
            Ok(())
        }
        None => Ok(()),
    }
}

async fn read(ctx: &Ctx, binder: &BinderId, requests: &mut u32) -> Result<Read, Fatal> {
    *requests += 1;
    let tabs = match ctx.stop.or(ctx.remote.tabs(binder)).await {
        None => return Ok(Read::Nothing("the run ended".to_owned())),
        Some(Ok(tabs)) => tabs,
        Some(Err(error)) => return fatal_or(error).map(|e| Read::Nothing(e.to_string())),
    };
    let mut found = Found::default();
    found.extend(tabs, None);
    let (mut trouble, mut answered) = (None, false);
    while let Some(folder) = found.queue.pop_front() {
        *requests += 1;
        match ctx.stop.or(ctx.remote.subfolders(binder, &folder)).await {
            None => return Ok(Read::Nothing("the run ended".to_owned())),
            Some(Ok(folders)) => {
                answered = true;
                found.extend(folders, Some(&folder));
            }
            Some(Err(error)) => {
                let missing = matches!(error.kind(), remote::Kind::NotFound { .. } | remote::Kind::MethodNotAllowed);
                trouble = Some(fatal_or(error)?.to_string());
                // The call itself is missing: asking for every other folder would not help.
                if missing && !answered {
                    break;
                }
            }
        }
        if found.folders.len() >= MOST {
            trouble = Some(format!("there are more than {MOST} of them"));
            break;
        }
    }
    Ok(match trouble.or(found.odd) {
        None => Read::All(found.folders),
        Some(why) => Read::Some(found.folders, why),
    })
}

/// Refused credentials end the run; anything else is the binder's.
fn fatal_or(error: remote::Error) -> Result<remote::Error, Fatal> {
    if error.kind() == remote::Kind::Credentials { Err(Fatal::Remote(error)) } else { Ok(error) }
}

#[derive(Default)]
struct Found {
    folders: Vec<Folder>,
    ids: HashSet<FolderId>,
    queue: VecDeque<FolderId>,
    odd: Option<String>,
}

impl Found {
    /// Takes an answer. What doesn't name its parent lies in the folder that was asked for.
    fn extend(&mut self, items: Vec<Result<Folder, OddItem>>, asked: Option<&FolderId>) {
        for item in items {
            match item {
                Ok(mut folder) => {
                    if !self.ids.insert(folder.id.clone()) {
                        continue;
                    }
                    folder.parent = folder.parent.or_else(|| asked.cloned());
                    self.queue.push_back(folder.id.clone());
                    self.folders.push(folder);
                }
                Err(odd) => self.odd = Some(odd.to_string()),
            }
        }
    }
}
