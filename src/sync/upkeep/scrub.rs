//! Checks bytes at the end of a run: after the mirror was copied to another disk, and with `--scrub` the next share.

use std::sync::Arc;

use crate::{
    mirror::Root,
    pace::Bandwidth,
    report::{
        Failure, FailureCause, FailureStep, FileWarning, Finding, FindingKind, Progress, Scrub, Warning,
        format::number_of,
    },
    state::{Known, Restamp, State},
    sync::{
        Fatal,
        context::RunContext,
        run::flush,
        upkeep::repair::{Repair, is_repaired_by_run},
    },
    verify::{self, CheckResult, CheckScope, Confirmed, Note, Task, Verdict, Watch},
};

/// Files that are checked in one transaction.
const GROUP: usize = 256;

/// Checks files that look as recorded but have other inodes, and records the inodes. The next run continues with the rest.
pub(crate) async fn prove(ctx: &RunContext) -> Result<(), Fatal> {
    let Some(writing) = ctx.record.sink.writing() else { return Ok(()) };
    flush(ctx).await?;
    let mut numbers = ctx.record.planner.call(|planner| std::mem::take(&mut planner.unproved)).await?;
    numbers.sort_unstable();
    numbers.dedup();
    if !numbers.is_empty() {
        tracing::info!(
            "checking the bytes of {} once: the inodes changed, as in a mirror that was copied to another disk",
            number_of(numbers.len() as u64, "file", "files")
        );
    }
    for group in numbers.chunks(GROUP) {
        if ctx.stop.is_set() {
            break;
        }
        let known = group.iter().filter_map(|number| ctx.record.state.read(|r| r.by_number(*number)).transpose());
        let known: Vec<Known> = known.collect::<Result<_, _>>()?;
        let (root, progress, stop) = (Arc::clone(&ctx.record.root), Arc::clone(&ctx.progress), Arc::clone(&ctx.stop));
        let proved = writing.pool.run(move || {
            let bytes = known.iter().map(|known| known.stamp.size).sum();
            Progress::add(&progress.to_check, bytes);
            let watch = Watch { progress: &progress, bandwidth: &Bandwidth::new(None), stop: &|| stop.is_set() };
            verify::prove(&root, known, &watch)
        });
        record(ctx, proved.await?)?;
    }
    Ok(())
}

fn record(ctx: &RunContext, proved: Vec<(Known, Verdict)>) -> Result<(), Fatal> {
    let mut moved = Vec::new();
    for (known, verdict) in proved {
        match verdict {
            Verdict::Moved(new) => moved.push(Restamp { number: known.number, old: known.stamp, new }),
            Verdict::Wrong(_, detail) => ctx.tally.warn(Warning::file(
                Warning::Edited,
                Some(&known.id),
                known.path.as_str(),
                &format!(" ({detail})"),
            )),
            Verdict::Sound | Verdict::Unknown => {}
        }
    }
    Ok(ctx.record.state.write(|w| w.restamp(&moved))?)
}

/// Checks the next share of the mirror and repairs what is missing or damaged.
pub(crate) async fn scrub(ctx: &RunContext) -> Result<Option<Scrub>, Fatal> {
    let (Some(share), Some(writing)) = (ctx.options.scrub, ctx.record.sink.writing()) else { return Ok(None) };
    if ctx.stop.is_set() {
        return Ok(None);
    }
    flush(ctx).await?;
    let mut note = Note::read(&ctx.record.root);
    let task = Task { part: CheckScope::Share(share), cursor: note.round, survey: false };
    let (root, state) = (Arc::clone(&ctx.record.root), Arc::clone(&ctx.record.state));
    let (progress, stop) = (Arc::clone(&ctx.progress), Arc::clone(&ctx.stop));
    let looked = writing.pool.run(move || {
        let watch = Watch { progress: &progress, bandwidth: &Bandwidth::new(None), stop: &|| stop.is_set() };
        look(&root, &state, task, &watch)
    });
    let (looked, Confirmed { mut findings, .. }) = looked.await??;
    ctx.record.state.write(|w| w.restamp(&looked.moved))?;
    warn_of_others(ctx, &findings);
    findings.retain(is_repaired_by_run);
    let repair = Repair { state: &ctx.record.state, root: &ctx.record.root, writing, service: Ok(ctx) };
    repair.all(&mut findings).await?;
    report(ctx, &findings);
    let damaged = findings.len() as u64;
    let now = jiff::Timestamp::now();
    if !looked.stopped {
        note.advance(looked.cursor, looked.done, damaged, now);
    }
    note.leave((&ctx.record.root, &ctx.record.state), &findings, false, now);
    if let Err(error) = note.write(&ctx.record.root) {
        ctx.tally.warn(Warning::other(Warning::CheckUnrecorded, &error));
    }
    let repaired = findings.iter().filter(|f| f.repaired).count() as u64;
    let verify::CheckResult { checked, .. } = looked;
    Ok(Some(Scrub { documents: checked.documents, objects: checked.objects, bytes: checked.bytes, damaged, repaired }))
}

fn look(root: &Root, state: &State, task: Task, watch: &Watch<'_>) -> Result<(CheckResult, Confirmed), Fatal> {
    let mut looked = verify::check(root, state, task, watch)?;
    let confirmed = looked.confirm(root, watch, || Ok::<_, Fatal>(state))?;
    Ok((looked, confirmed))
}

/// Warns of findings that a run doesn't repair.
fn warn_of_others(ctx: &RunContext, findings: &[Finding]) {
    for finding in findings.iter().filter(|finding| !is_repaired_by_run(finding)) {
        let (kind, why): (fn(FileWarning) -> Warning, _) = match finding.kind {
            FindingKind::Edited => (Warning::Edited, format!(" ({})", finding.detail)),
            _ => (Warning::Unchecked, finding.detail.to_string()),
        };
        ctx.tally.warn(Warning::file(kind, finding.document_id.as_ref(), &finding.path, &why));
    }
}

/// Warns of repaired damage, because a disk that damages one file damages others. Damage that is left is a failure.
fn report(ctx: &RunContext, findings: &[Finding]) {
    for finding in findings {
        let (path, detail) = (&finding.path, &finding.detail);
        let repair = finding.repair.as_deref().unwrap_or("the run ended first");
        if finding.repaired {
            let why = format!("{} ({detail}) and was repaired from {repair}", finding.kind.word());
            ctx.tally.warn(Warning::file(Warning::Repaired, finding.document_id.as_ref(), path, &why));
            continue;
        }
        ctx.tally.failed(
            finding.document_id.as_ref(),
            Failure {
                document_id: finding.document_id.as_ref().map(ToString::to_string),
                version_id: finding.version_id.as_ref().map(ToString::to_string),
                step: FailureStep::Repair,
                ..Failure::of_nobody(
                    FailureCause::Damage,
                    format!("{path:?} is {} ({detail}) and could not be repaired: {repair}", finding.kind.word()),
                )
            },
        );
    }
}
