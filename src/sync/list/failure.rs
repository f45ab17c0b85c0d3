//! The failure of a binder that could not be read.

use crate::{model::BinderId, remote, report::Failure, sync::fatal::cause_of};

pub(crate) fn failure(binder: &BinderId, error: &remote::Error) -> Failure {
    Failure {
        binder_id: Some(binder.to_string()),
        document_id: None,
        version_id: None,
        file_name: None,
        cause: cause_of(error.kind()),
        error: error.to_string(),
        attempts: error.tries(),
        trace_id: error.trace_id().map(str::to_owned),
    }
}
