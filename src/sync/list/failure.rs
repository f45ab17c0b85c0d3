//! The failure of a binder that could not be read.

use crate::{
    model::BinderId,
    remote,
    report::{Failure, FailureStep},
    sync::fatal::failed_at,
};

pub(crate) fn failure(binder: &BinderId, error: &remote::Error) -> Failure {
    Failure { binder_id: Some(binder.to_string()), ..failed_at(FailureStep::List, error) }
}
