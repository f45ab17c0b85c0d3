//! Failures grouped by cause: a hundred documents that failed for one reason are one entry.

use std::{cmp::Reverse, collections::HashMap};

use crate::report::{Failure, FailureCause};

/// Failures that have their cause, step and status in common; there is at least one.
#[derive(Debug)]
pub(crate) struct FailureGroup<'r> {
    pub(crate) first: &'r Failure,
    pub(crate) failures: Vec<&'r Failure>,
}

impl FailureGroup<'_> {
    /// Whether the text of one of them says something that the first one's doesn't. Texts about the service differ
    /// only in ids.
    pub(crate) fn has_more(&self, failure: &Failure) -> bool {
        use FailureCause::{NotFound, Refused, Throttled, Unavailable};
        failure.error != self.first.error && !matches!(failure.cause, Refused | NotFound | Throttled | Unavailable)
    }
}

/// The groups, the largest first; groups of one size in the order in which they came.
pub(crate) fn groups(failures: &[Failure]) -> Vec<FailureGroup<'_>> {
    let mut places = HashMap::new();
    let mut groups: Vec<FailureGroup<'_>> = Vec::new();
    for failure in failures {
        let place = *places.entry((failure.cause, failure.step, failure.status)).or_insert(groups.len());
        if place == groups.len() {
            groups.push(FailureGroup { first: failure, failures: Vec::new() });
        }
        groups[place].failures.push(failure);
    }
    groups.sort_by_key(|group| Reverse(group.failures.len()));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::FailureStep;

    #[test]
    fn failures_are_gathered_by_kind_and_not_by_text() {
        let failure = |name: &str, cause, step, status, error: &str| Failure {
            document_id: Some(name.to_owned()),
            step,
            status,
            ..Failure::of_nobody(cause, error.to_owned())
        };
        let (unavailable, file) = (FailureCause::Unavailable, FailureCause::File);
        let failures = [
            failure("a", FailureCause::Run, FailureStep::Other, None, "same"),
            failure("b", unavailable, FailureStep::Download, Some(500), "GET b: storage answered 500"),
            failure("c", unavailable, FailureStep::Download, Some(500), "GET c: storage answered 500"),
            failure("d", unavailable, FailureStep::Download, Some(503), "same"),
            failure("e", unavailable, FailureStep::Link, Some(503), "same"),
            failure("f", file, FailureStep::Publish, None, "\"B/f\" is a link"),
            failure("g", file, FailureStep::Publish, None, "\"B/g\" is a link"),
            failure("h", file, FailureStep::Publish, None, "\"B/f\" is a link"),
        ];
        let groups = groups(&failures);
        let ids = |group: &FailureGroup<'_>| {
            group.failures.iter().map(|failure| failure.document_id.as_deref().unwrap()).collect::<String>()
        };
        assert_eq!(groups.iter().map(ids).collect::<Vec<_>>(), ["fgh", "bc", "a", "d", "e"]);
        // A path that is in the way is only known from the failure's own text.
        assert_eq!(groups[0].failures.iter().map(|f| groups[0].has_more(f)).collect::<Vec<_>>(), [false, true, false]);
        assert!(!groups[1].has_more(&failures[2]));
    }

    #[test]
    fn a_report_of_an_older_version_has_causes_alone() {
        let text = r#"{"binder_id":null,"document_id":"d","version_id":null,"file_name":"a","cause":"file","error":"e","attempts":1,"trace_id":null}"#;
        let failure: Failure = serde_json::from_str(text).unwrap();
        assert_eq!((failure.cause, failure.step, failure.status), (FailureCause::File, FailureStep::Other, None));
        assert_eq!(groups(&[failure]).len(), 1);
    }
}
