//! Checks a copy, and mends what is damaged from the mirror.

use std::collections::{BTreeMap, HashSet};

use super::{
    CopyOutcome, Error, Replicate, Replicated,
    check::{Check, Checked},
};
use crate::{
    model::{Sha256, Share},
    report::{CopyCheck, CopyFinding, CopyRepair, CopyUse},
};

impl Replicate<'_> {
    /// Brings the copy up to date, checks a share of it, and uploads again what is damaged or missing.
    pub fn run_and_check(&self, share: Option<Share>) -> Result<(Replicated, Option<CopyCheck>), Error> {
        let done = self.run()?;
        let Some(share) = share else { return Ok((done, None)) };
        let check = Check {
            store: self.store,
            record: self.record,
            share,
            threads: self.options.transfers,
            bandwidth: self.options.bandwidth,
            progress: self.progress,
        };
        let checked = check.run()?;
        if checked.is_clean() {
            let clean = CopyCheck { contents: checked.contents, bytes: checked.bytes, ..CopyCheck::default() };
            return Ok((done, Some(clean)));
        }
        tracing::debug!("{} contents of the copy are damaged", checked.damaged.len() + checked.missing.len());
        let mut mended = self.run()?;
        let check = self.report(checked, &mended)?;
        if done.outcome == CopyOutcome::Committed {
            mended.outcome = CopyOutcome::Committed;
        }
        mended.transferred.add(done.transferred);
        Ok((mended, Some(check)))
    }

    fn report(&self, checked: Checked, mended: &Replicated) -> Result<CopyCheck, Error> {
        let contents: HashSet<Sha256> = checked.damaged.iter().chain(&checked.missing).copied().collect();
        let mut uses = BTreeMap::<_, Vec<_>>::new();
        for used in self.state.read(|r| r.uses_of(&contents))? {
            let (id, path) = (used.document.to_string(), used.path.to_string());
            uses.entry(used.sha256).or_default().push(CopyUse { id, path, is_current: used.is_current });
        }
        let mut finding = |sha256: &Sha256, is_missing| CopyFinding {
            sha256: sha256.hex(),
            is_missing,
            repair: repair(sha256, mended),
            documents: uses.remove(sha256).unwrap_or_default(),
        };
        let mut findings: Vec<_> = checked.damaged.iter().map(|sha256| finding(sha256, false)).collect();
        findings.extend(checked.missing.iter().map(|sha256| finding(sha256, true)));
        Ok(CopyCheck {
            contents: checked.contents,
            bytes: checked.bytes,
            descriptions: checked.unfit,
            findings,
            ended_early: checked.ended_early,
        })
    }
}

fn repair(content: &Sha256, mended: &Replicated) -> CopyRepair {
    let Replicated { outcome, transferred, .. } = mended;
    if *outcome == CopyOutcome::Newer {
        CopyRepair::Waiting
    } else if transferred.refused.contains(content) {
        CopyRepair::Refused
    } else if transferred.missing.contains(content) {
        CopyRepair::Lost
    } else {
        CopyRepair::Mended
    }
}
