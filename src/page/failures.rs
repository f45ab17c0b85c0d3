//! Failures grouped by cause: a hundred documents that failed for one reason are one entry.

use std::collections::HashMap;

use crate::report::{Failure, FailureCause};

/// Failures with one cause.
#[derive(Debug)]
pub(crate) struct FailureGroup<'r> {
    pub(crate) kind: FailureCause,
    /// The cause, without names and ids.
    pub(crate) text: String,
    pub(crate) failures: Vec<&'r Failure>,
}

/// The causes, the most frequent first; equally frequent ones stay in their order.
pub(crate) fn causes(failures: &[Failure]) -> Vec<FailureGroup<'_>> {
    let mut places: HashMap<(FailureCause, String), usize> = HashMap::new();
    let mut causes: Vec<FailureGroup<'_>> = Vec::new();
    for failure in failures {
        let text = general(failure);
        let place = *places.entry((failure.cause, text.clone())).or_insert(causes.len());
        if place == causes.len() {
            causes.push(FailureGroup { kind: failure.cause, text, failures: Vec::new() });
        }
        causes[place].failures.push(failure);
    }
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.failures.len()));
    causes
}

/// An error without names and ids.
fn general(failure: &Failure) -> String {
    let mut text = failure.error.clone();
    let own = [&failure.trace_id, &failure.version_id, &failure.document_id, &failure.binder_id, &failure.file_name];
    for own in own.into_iter().flatten().filter(|own| own.len() > 3) {
        text = text.replace(own.as_str(), "…");
    }
    unquoted(&text)
}

/// A text with `…` for everything in double quotes.
fn unquoted(text: &str) -> String {
    let (mut out, mut inside, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        match (inside, c) {
            (false, '"') => {
                inside = true;
                out.push_str("\"…");
            }
            (true, '"') if !escaped => {
                inside = false;
                out.push('"');
            }
            (false, c) => out.push(c),
            (true, _) => {}
        }
        escaped = c == '\\' && !escaped;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(name: &str, error: &str) -> Failure {
        Failure {
            binder_id: Some("k3J9x_a2Q".to_owned()),
            document_id: Some(format!("id of {name}")),
            version_id: None,
            file_name: Some(name.to_owned()),
            cause: FailureCause::Other,
            error: error.to_owned(),
            attempts: 1,
            trace_id: Some("trace".to_owned()),
        }
    }

    #[test]
    fn equal_failures_are_one_cause() {
        let failures = [
            failure("a", "the disk is tired"),
            failure("one.pdf", "one.pdf of id of one.pdf: storage answered 500 (trace)"),
            failure("two.pdf", "two.pdf of id of two.pdf: storage answered 500 (trace)"),
            failure("x", r#""B/x \"1\".pdf" is a link"#),
            failure("y", r#""B/y.pdf" is a link"#),
        ];
        let mut same = failures[1].clone();
        same.cause = FailureCause::Bytes;
        assert_eq!(causes(&[failures[1].clone(), same]).len(), 2);
        let found: Vec<(String, usize)> = causes(&failures).into_iter().map(|c| (c.text, c.failures.len())).collect();
        let expected = [("… of …: storage answered 500 (…)", 2), ("\"…\" is a link", 2), ("the disk is tired", 1)];
        assert_eq!(found, expected.map(|(text, count)| (text.to_owned(), count)));
    }
}
