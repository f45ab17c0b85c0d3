//! Failures of documents, as reports show them.

use crate::{
    report::{Failure, FailureCause},
    state::FailureRow,
};

pub(crate) fn failure_of(row: &FailureRow, cause: FailureCause) -> Failure {
    Failure {
        binder_id: Some(row.binder.to_string()),
        document_id: Some(row.document.to_string()),
        version_id: row.version.clone(),
        file_name: Some(row.file_name.clone()),
        cause,
        error: row.error.clone(),
        attempts: row.attempts,
        trace_id: row.trace_id.clone(),
    }
}
