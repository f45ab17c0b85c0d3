//! `verify --from`: proves a copy, without a mirror.

use std::{sync::Arc, time::Instant};

use jiff::Timestamp;

use crate::{
    cli,
    config::{CopySettings, Location},
    pace::Bandwidth,
    replica::{CopyProof, VerifyCopy},
    report::{CopyVerifyReport, FindingKind, Progress, VerifiedCopy, VerifyOutcome, VerifyReport},
    session::{
        Error, Exit, Output, copy::open_store, open::temporary_folder, output::ended, signals::Signals, source::stopped,
    },
    sync::Stop,
    ui,
};

/// Checks a copy.
pub fn verify_copy(location: &Location, settings: &CopySettings, flags: &cli::Verify, output: &Output) -> Exit {
    let stop = Arc::<Stop>::default();
    let signals = Signals::watch(&stop);
    let (started, clock) = (Timestamp::now(), Instant::now());
    let mut proof = CopyProof::default();
    let proved = prove(location, settings, flags, output, (&stop, &mut proof));
    let exit = match (stopped(&stop), proved) {
        (Some(exit), _) => exit,
        (None, Err(error)) => return ended(Err(error)),
        (None, Ok(())) => exit(&proof),
    };
    signals.finished(exit);
    let report = report(location, proof, exit, (started, clock.elapsed().as_secs_f64()));
    if output.json {
        ui::print_json(&report);
    } else if !output.quiet || report.report.outcome != VerifyOutcome::Sound {
        ui::print(&ui::verify_copy_summary(&report));
    }
    exit
}

fn prove(
    location: &Location,
    settings: &CopySettings,
    flags: &cli::Verify,
    output: &Output,
    (stop, proof): (&Arc<Stop>, &mut CopyProof),
) -> Result<(), Error> {
    let store = open_store(location, settings, Arc::clone(stop))?;
    let scratch = temporary_folder()?;
    let (progress, bandwidth) = (Arc::<Progress>::default(), Bandwidth::new(flags.bandwidth));
    let _screen = ui::Screen::start(Arc::clone(&progress), &output.bars, output.quiet, output.json_log);
    let work = VerifyCopy { store: &store, bandwidth: &bandwidth, progress: &progress, scratch: scratch.path() };
    Ok(work.run(proof)?)
}

/// If several apply: 6, 4.
fn exit(proof: &CopyProof) -> Exit {
    let any = |is: &dyn Fn(FindingKind) -> bool| proof.findings.iter().any(|finding| is(finding.kind));
    if any(&FindingKind::is_damage) {
        Exit::Damaged
    } else if any(&|kind| kind == FindingKind::Unreadable) {
        Exit::Partial
    } else {
        Exit::Complete
    }
}

fn report(
    location: &Location,
    proof: CopyProof,
    exit: Exit,
    (started_at, duration_seconds): (Timestamp, f64),
) -> CopyVerifyReport {
    let CopyProof { commit, commits, checked, named, lacking, findings } = proof;
    let outcome = match exit {
        Exit::Complete => VerifyOutcome::Sound,
        Exit::Partial => VerifyOutcome::Partial,
        Exit::Damaged => VerifyOutcome::Damaged,
        _ => VerifyOutcome::Interrupted,
    };
    let is_state = |path: &str| commit.as_ref().is_some_and(|commit| commit.state.key == path);
    let is_damaged = findings.iter().any(|finding| finding.kind.is_damage() && is_state(&finding.path));
    CopyVerifyReport {
        report: VerifyReport {
            outcome,
            state: if is_damaged { "damaged" } else { "sound" },
            started_at,
            duration_seconds,
            checked,
            mirrored: named,
            unfinished: 0,
            restamped: 0,
            damaged: findings.iter().filter(|finding| finding.kind.is_damage()).count() as u64,
            repaired: 0,
            unlisted: 0,
            findings,
        },
        copy: VerifiedCopy {
            location: location.to_string(),
            commit: commit.as_ref().map(|commit| commit.number),
            run_id: commit.as_ref().map(|commit| commit.run_id.clone()),
            finished_at: commit.as_ref().map(|commit| commit.finished_at),
            committed_at: commit.as_ref().map(|commit| commit.committed_at),
            commits,
            lacking,
        },
    }
}
