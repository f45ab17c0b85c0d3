//! A version that is listed, and whose link the service answers with 404.
//!
//! Evidence that contradicts itself removes nothing, and is a failure of the document whatever the answer by id
//! says; both facts are told. Whether the answer by id names a version that is worth fetching is decided here.

use crate::{
    model::{Listed, VersionId},
    remote::{Error, ErrorKind},
    sync::{
        Fatal,
        context::RunContext,
        fetch::{job::DownloadJob, transfer_error::TransferError},
    },
};

/// What the answer by id says of a version whose link is not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ById {
    /// The version that is listed.
    Same,
    /// Another one, and whether the mirror has or had it.
    Other { had: bool },
    /// The document, without a version.
    NoVersion,
    /// 404 as well.
    Gone,
    /// Nothing that tells.
    Unknown,
}

impl ById {
    /// Whether the version by id is fetched: only what the mirror never had can be newer than what was listed.
    fn is_fetched(self) -> bool {
        self == Self::Other { had: false }
    }
}

/// Asks for the document by id. The failure that comes of it says what the link and the answer by id said.
pub(crate) async fn examine(ctx: &RunContext, job: &DownloadJob, link: Error) -> Result<TransferError, Fatal> {
    let Some(answer) = ctx.service.ask(ctx.service.remote.document(&job.document)).await else {
        return Ok(TransferError::Stopped);
    };
    let by_id = classify(ctx, job, &answer).await?;
    let told = told(by_id, job, &answer);
    if let (true, Ok(listed)) = (by_id.is_fetched(), answer) {
        ctx.record.planner.call(move |planner| planner.answered(listed)).await?;
    }
    Ok(TransferError::Contradicted(link, told))
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

fn told(by_id: ById, job: &DownloadJob, answer: &Result<Listed, Error>) -> String {
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
    fn only_a_version_that_the_mirror_never_had_is_fetched() {
        for (by_id, fetched) in [
            (ById::Same, false),
            (ById::Other { had: true }, false),
            (ById::Other { had: false }, true),
            (ById::NoVersion, false),
            (ById::Gone, false),
            (ById::Unknown, false),
        ] {
            assert_eq!(by_id.is_fetched(), fetched, "{by_id:?}");
        }
    }
}
