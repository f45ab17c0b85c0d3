//! Decides which absent documents are removed. A listing alone never proves that a document is gone.
//!
//! - Only documents of certified binders count, and only if no listing of this run had them.
//! - Above the cap, for one binder or in total, nothing is looked up and nothing removed. The same holds if a binder that
//!   had documents lists none.
//! - Below the cap each document is looked up by id. Only the service's own 404 counts, and only if another document of the
//!   binder, looked up right after, is still found.

use crate::{
    model::{BinderId, DocumentId},
    plan::RemovalCap,
    remote::ErrorKind,
    report::{Failure, FailureCause, FailureStep, Warning, Withheld, WithheldWarning, format},
    state::Known,
    sync::{
        Fatal,
        commit::operation::{RowChange, TreeChange},
        context::RunContext,
        list::outcome::BinderOutcome,
    },
};

/// How many paths a warning lists.
const NAMED: usize = 10;

/// The absent documents of one binder.
struct Absent {
    binder: BinderId,
    documents: Vec<Known>,
    /// Whether the binder lists no documents.
    empty: bool,
    mirrored: u64,
}

/// Removes the documents that are gone. Returns whether removals were withheld.
pub(crate) async fn remove_absent(
    ctx: &RunContext,
    crawled: &[(BinderId, BinderOutcome)],
    mirrored: u64,
) -> Result<bool, Fatal> {
    let mut absent = Vec::new();
    for (binder, crawled) in crawled {
        let BinderOutcome::Certified { total } = crawled else { continue };
        let id = binder.clone();
        let documents = ctx.record.planner.call(move |planner| planner.absent(&id)).await??;
        if !documents.is_empty() {
            let mirrored = ctx.record.state.read(|r| r.documents_in(binder))?;
            absent.push(Absent { binder: binder.clone(), documents, empty: *total == 0, mirrored });
        }
    }
    let all: u64 = absent.iter().map(|a| a.documents.len() as u64).sum();
    let cap = ctx.options.max_removals;
    let mut withheld = false;
    for absent in &absent {
        if absent.empty || exceeds(cap, absent.documents.len() as u64, absent.mirrored) || exceeds(cap, all, mirrored) {
            withhold(ctx, absent, all)?;
            withheld = true;
        } else {
            confirm(ctx, absent).await?;
        }
    }
    Ok(withheld)
}

fn exceeds(cap: RemovalCap, absent: u64, mirrored: u64) -> bool {
    absent > cap.of(mirrored)
}

/// Keeps the absent documents of a binder, and reports how to list them and how to confirm their removal.
fn withhold(ctx: &RunContext, absent: &Absent, all: u64) -> Result<(), Fatal> {
    let name = ctx.record.state.read(|r| r.binders())?.into_iter().find(|b| b.id == absent.binder).map(|b| b.name);
    let (id, name) = (absent.binder.to_string(), name.unwrap_or_default());
    let named = absent.documents.iter().take(NAMED);
    ctx.tally.warn(Warning::Withheld(WithheldWarning {
        binder_id: id.clone(),
        binder: name.clone(),
        count: absent.documents.len() as u64,
        document_ids: named.clone().map(|known| known.id.to_string()).collect(),
        paths: named.map(|known| known.path.to_string()).collect(),
        confirm: (!absent.empty).then_some(all),
    }));
    ctx.tally.withhold(absent.documents.iter().map(|known| Withheld {
        binder_id: id.clone(),
        binder: name.clone(),
        document_id: known.id.to_string(),
        path: known.path.to_string(),
    }));
    Ok(())
}

/// Looks each absent document up by id, and removes those that are gone.
async fn confirm(ctx: &RunContext, absent: &Absent) -> Result<(), Fatal> {
    let binder = absent.binder.clone();
    let control = ctx.record.planner.call(move |planner| planner.controls.get(&binder).cloned()).await?;
    let mut unlisted = 0;
    for known in &absent.documents {
        if ctx.stop.is_set() {
            break;
        }
        let Some(answer) = ctx.service.ask(ctx.service.remote.document(&known.id)).await else { break };
        match answer {
            Ok(listed) => {
                // It was moved, or the listing missed it.
                unlisted += u64::from(listed.binder == absent.binder);
                ctx.record.planner.call(move |planner| planner.add_unlisted(listed)).await??;
            }
            Err(error) if error.kind() == (ErrorKind::NotFound { problem_json: true }) => {
                if is_found(ctx, control.as_ref(), &absent.binder).await? {
                    remove(ctx, known).await;
                } else if !ctx.stop.is_set() {
                    let why = "it seems to be gone, but the binder's other documents don't answer either; it stays, and the next run asks again";
                    unconfirmed(ctx, known, why.to_owned(), 1, None).await;
                }
            }
            Err(error) if error.kind() == ErrorKind::Credentials => return Err(Fatal::Remote(error)),
            Err(error) => {
                let why = format!(
                    "it is not listed any more, and stays because the service doesn't say that it is gone: {error}"
                );
                unconfirmed(ctx, known, why, error.tries(), error.trace_id()).await;
            }
        }
    }
    if unlisted > 0 {
        let documents = format::number_of(unlisted, "document", "documents");
        ctx.tally.warn(Warning::binder(Warning::Unlisted, &absent.binder, "", &documents));
    }
    Ok(())
}

/// Records a failure: a document that is neither listed nor known to be gone may differ from the service's.
async fn unconfirmed(ctx: &RunContext, known: &Known, error: String, attempts: u32, trace_id: Option<&str>) {
    let why = (FailureStep::Remove, FailureCause::Absence);
    let failure = Failure {
        attempts,
        trace_id: trace_id.map(str::to_owned),
        ..Failure::of(&known.id, &known.particulars(), why, error)
    };
    // Without its id, because it was not counted as seen.
    ctx.tally.failed(None, failure.clone());
    ctx.submit(RowChange::Failure(failure)).await;
}

/// Whether a document that was listed in this run is still found, and in the same binder.
async fn is_found(ctx: &RunContext, control: Option<&DocumentId>, binder: &BinderId) -> Result<bool, Fatal> {
    let Some(control) = control else { return Ok(false) };
    match ctx.service.ask(ctx.service.remote.document(control)).await {
        Some(Ok(listed)) => Ok(listed.binder == *binder),
        Some(Err(error)) if error.kind() == ErrorKind::Credentials => Err(Fatal::Remote(error)),
        Some(Err(_)) | None => Ok(false),
    }
}

async fn remove(ctx: &RunContext, known: &Known) {
    let particulars = known.particulars();
    ctx.submit(TreeChange::Remove { document: known.id.clone(), path: known.path.clone(), particulars }).await;
}
