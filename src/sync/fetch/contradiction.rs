//! A version that is listed although the request for its link gets a 404.
//!
//! Contradicting answers never remove a document: it is a failure, which names both answers. A lookup by id may name another
//! version to download instead.

use crate::{
    model::{Listed, VersionId},
    remote::{Error, ErrorKind},
    sync::{
        Fatal,
        context::RunContext,
        fetch::{job::DownloadJob, transfer_error::TransferError},
    },
};

/// What a lookup by id says about a version without a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ById {
    /// The document has the listed version.
    Same,
    /// It has another version. `had`: the mirror has or had that one.
    Other { had: bool },
    /// It has no version.
    NoVersion,
    /// A 404 as well.
    Gone,
    /// Another error.
    Unknown,
}

impl ById {
    /// Whether to download the other version: it can only be newer than the listed one if the mirror never had it.
    fn is_downloaded(self) -> bool {
        self == Self::Other { had: false }
    }
}

/// Looks the document up by id. Returns an error that says what both requests answered.
pub(crate) async fn examine(ctx: &RunContext, job: &DownloadJob, link: Error) -> Result<TransferError, Fatal> {
    let Some(answer) = ctx.service.ask(ctx.service.remote.document(&job.document)).await else {
        return Ok(TransferError::Stopped);
    };
    let by_id = classify(ctx, job, &answer).await?;
    let explanation = explain(by_id, job, &answer);
    if let (true, Ok(listed)) = (by_id.is_downloaded(), answer) {
        ctx.record.planner.call(move |planner| planner.replan(listed)).await?;
    }
    Ok(TransferError::Contradicted(link, explanation))
}

async fn classify(ctx: &RunContext, job: &DownloadJob, answer: &Result<Listed, Error>) -> Result<ById, Fatal> {
    let version = match answer {
        Err(error) if error.kind() == (ErrorKind::NotFound { problem_json: true }) => return Ok(ById::Gone),
        Err(_) => return Ok(ById::Unknown),
        Ok(listed) => listed.version.clone(),
    };
    Ok(match version {
        None => ById::NoVersion,
        Some(version) if version == job.particulars.version => ById::Same,
        Some(version) => {
            let document = job.document.clone();
            ById::Other { had: ctx.record.planner.call(move |planner| planner.has_had(&document, &version)).await?? }
        }
    })
}

fn explain(by_id: ById, job: &DownloadJob, answer: &Result<Listed, Error>) -> String {
    let advice = format!(
        "it stays as it is and the next run tries again. If this never ends, accept it with `ibinder-sync acknowledge {}`",
        job.document
    );
    let version = |listed: &Listed| listed.version.as_ref().map_or("none", VersionId::as_str).to_owned();
    let what = match (by_id, answer) {
        (ById::Gone, _) => "by id it is not found either".to_owned(),
        (ById::Same, _) => "by id it has that version".to_owned(),
        (ById::NoVersion, _) => "by id it has no version".to_owned(),
        (ById::Other { had: true }, Ok(listed)) => {
            format!("by id it has version {}, which was mirrored before", version(listed))
        }
        (_, Ok(listed)) => format!("by id it has version {}, which is fetched instead", version(listed)),
        (_, Err(error)) => format!("by id: {error}"),
    };
    format!("{what}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_version_that_the_mirror_never_had_is_downloaded() {
        for (by_id, downloaded) in [
            (ById::Same, false),
            (ById::Other { had: true }, false),
            (ById::Other { had: false }, true),
            (ById::NoVersion, false),
            (ById::Gone, false),
            (ById::Unknown, false),
        ] {
            assert_eq!(by_id.is_downloaded(), downloaded, "{by_id:?}");
        }
    }
}
