//! Decides which absent documents are removed. A listing alone never proves that a document is gone.
//!
//! - Only documents of certified binders count, and only if no listing of this run had them.
//! - Above the cap, for one binder or in total, nothing is looked up and nothing removed, except for removals that a user
//!   confirmed (`confirm-removals`). If a binder that had documents lists none, not even those are.
//! - Below the cap each document is looked up by id. Only the service's own 404 counts, and only if another document of the
//!   binder, looked up right after, is still found.

use std::collections::HashSet;

use crate::{
    model::{BinderId, DocumentId},
    plan::{LookUp, Missing},
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
    let confirmed = ctx.record.state.read(|r| r.confirmed_removals())?;
    let decided: Vec<Decided<'_>> = absent.iter().map(|a| decide(ctx, a, (all, mirrored), &confirmed)).collect();
    record(ctx, &decided)?;
    for Decided { absent, look_up, withhold, .. } in &decided {
        if !withhold.is_empty() {
            report_withheld(ctx, absent, withhold, all)?;
        }
        confirm(ctx, &absent.binder, look_up).await?;
    }
    // Those that answered by id.
    forget_seen(ctx).await?;
    Ok(decided.iter().any(|decided| !decided.withhold.is_empty()))
}

/// Ends the withholding of documents that were seen in this run: they came back, and are no longer confirmed.
pub(crate) async fn forget_seen(ctx: &RunContext) -> Result<(), Fatal> {
    let withheld = ctx.record.state.read(|r| r.withheld_numbers())?;
    if withheld.is_empty() {
        return Ok(());
    }
    let seen = ctx.record.planner.call(move |planner| {
        let is_seen = |number: &Option<i64>| number.is_none_or(|number| planner.seen.has(number));
        withheld.into_iter().filter(|(_, number)| is_seen(number)).map(|(document, _)| document).collect::<Vec<_>>()
    });
    let seen = seen.await?;
    Ok(ctx.record.state.write(|w| seen.iter().try_for_each(|document| w.end_withholding(document)))?)
}

/// What happens to the absent documents of one binder.
struct Decided<'a> {
    absent: &'a Absent,
    look_up: Vec<&'a Known>,
    withhold: Vec<&'a Known>,
    /// Whether those that are looked up are so only because they are confirmed.
    by_confirmation: bool,
}

fn decide<'a>(ctx: &RunContext, absent: &'a Absent, all: (u64, u64), confirmed: &HashSet<DocumentId>) -> Decided<'a> {
    let binder = (absent.documents.len() as u64, absent.mirrored);
    let decision = ctx.options.max_removals.look_up(Missing { lists_nothing: absent.empty, binder, all });
    let (look_up, withhold) = absent.documents.iter().partition(|known| match decision {
        LookUp::All => true,
        LookUp::Confirmed => confirmed.contains(&known.id),
        LookUp::Nothing => false,
    });
    Decided { absent, look_up, withhold, by_confirmation: decision == LookUp::Confirmed }
}

/// Records what is withheld. A confirmed removal stays on record until it is carried out, in case its look-up fails.
fn record(ctx: &RunContext, decided: &[Decided<'_>]) -> Result<(), Fatal> {
    let is_withheld = |decided: &Decided<'_>| !decided.withhold.is_empty();
    if !decided.iter().any(is_withheld) && ctx.record.state.read(|r| r.withheld_numbers())?.is_empty() {
        return Ok(());
    }
    let run = ctx.record.run;
    Ok(ctx.record.state.write(|w| {
        for Decided { absent, look_up, withhold, by_confirmation } in decided {
            for known in look_up {
                if *by_confirmation { w.withhold(run, &known.id, false)? } else { w.end_withholding(&known.id)? }
            }
            withhold.iter().try_for_each(|known| w.withhold(run, &known.id, absent.empty))?;
        }
        Ok::<_, crate::state::Error>(())
    })?)
}

/// Reports documents that are kept, and how to list them and to confirm their removal.
fn report_withheld(ctx: &RunContext, absent: &Absent, withheld: &[&Known], all: u64) -> Result<(), Fatal> {
    let name = ctx.record.state.read(|r| r.binders())?.into_iter().find(|b| b.id == absent.binder).map(|b| b.name);
    let (id, name) = (absent.binder.to_string(), name.unwrap_or_default());
    let named = withheld.iter().take(NAMED);
    ctx.tally.warn(Warning::Withheld(WithheldWarning {
        binder_id: id.clone(),
        binder: name.clone(),
        count: withheld.len() as u64,
        document_ids: named.clone().map(|known| known.id.to_string()).collect(),
        paths: named.map(|known| known.path.to_string()).collect(),
        confirm: (!absent.empty).then_some(all),
    }));
    ctx.tally.withhold(withheld.iter().map(|known| Withheld {
        binder_id: id.clone(),
        binder: name.clone(),
        document_id: known.id.to_string(),
        path: known.path.to_string(),
    }));
    Ok(())
}

/// Looks each of these absent documents up by id, and removes those that are gone.
async fn confirm(ctx: &RunContext, binder: &BinderId, documents: &[&Known]) -> Result<(), Fatal> {
    let of = binder.clone();
    let control = ctx.record.planner.call(move |planner| planner.controls.get(&of).cloned()).await?;
    let mut unlisted = 0;
    for known in documents {
        if ctx.stop.is_set() {
            break;
        }
        let Some(answer) = ctx.service.ask(ctx.service.remote.document(&known.id)).await else { break };
        match answer {
            Ok(listed) => {
                // It was moved, or the listing missed it.
                unlisted += u64::from(listed.binder == *binder);
                ctx.record.planner.call(move |planner| planner.add_unlisted(listed)).await??;
            }
            Err(error) if error.kind() == (ErrorKind::NotFound { problem_json: true }) => {
                if is_found(ctx, control.as_ref(), binder).await? {
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
        ctx.tally.warn(Warning::binder(Warning::Unlisted, binder, "", &documents));
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
