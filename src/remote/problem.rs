//! Reads the body of an error response.
//!
//! The service's errors are problem JSON: `type`, `title`, `status`, `errors{field:[messages]}`, `traceId`
//! (`docs/api-contract.md`, "Errors"); the token endpoint sends OAuth's `error`. Proxies and gateways send
//! something else. A body counts as the service's own only if it is a problem with the response's status, because
//! that decides whether a 404 is believed.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::text::parse_repaired;

/// Longest text taken from a response, in characters.
const LONGEST: usize = 300;

/// Most `errors` entries taken from a response.
const MOST: usize = 8;

/// What the service says about a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Problem {
    title: Option<String>,
    errors: Vec<String>,
    trace_id: Option<String>,
    genuine: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    r#type: Option<Value>,
    title: Option<Value>,
    status: Option<Value>,
    errors: Option<Value>,
    error: Option<Value>,
    trace_id: Option<Value>,
}

impl Problem {
    /// Reads the body of an error response. Anything but a problem reads as an empty one; secrets are redacted.
    pub(super) fn read(status: u16, content_type: Option<&str>, body: &[u8], secrets: &[&str]) -> Self {
        let Ok(wire) = parse_repaired(body, |text| serde_json::from_str::<Wire>(text)) else { return Self::default() };
        let declared = content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("application/problem+json"));
        let named = wire.title.as_ref().or(wire.r#type.as_ref()).is_some_and(Value::is_string);
        let same = match &wire.status {
            Some(own) => own.as_u64() == Some(u64::from(status)),
            None => declared,
        };
        let text = |value: &Value| value.as_str().map(|text| clean(text, secrets));
        Self {
            title: wire.title.as_ref().or(wire.error.as_ref()).and_then(text),
            errors: wire.errors.as_ref().and_then(Value::as_object).map(|e| fields(e, secrets)).unwrap_or_default(),
            trace_id: wire.trace_id.as_ref().and_then(text),
            genuine: named && same,
        }
    }

    /// Whether the service itself wrote it, and not something in between.
    pub(super) fn is_genuine(&self) -> bool {
        self.genuine
    }

    /// The id that support needs.
    pub(super) fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(title) = &self.title {
            write!(f, " \"{title}\"")?;
        }
        if !self.errors.is_empty() {
            write!(f, " ({})", self.errors.join("; "))?;
        }
        if let Some(trace_id) = &self.trace_id {
            write!(f, ", trace id {trace_id}")?;
        }
        Ok(())
    }
}

fn fields(errors: &Map<String, Value>, secrets: &[&str]) -> Vec<String> {
    let line = |(field, messages): (&String, &Value)| clean(&format!("{field}: {}", texts(messages)), secrets);
    errors.iter().take(MOST).map(line).collect()
}

fn texts(messages: &Value) -> String {
    match messages {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Removes queries from URLs, which may be credentials.
fn without_queries(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for word in text.split_inclusive([' ', '"', '\'', '<', '>', '\n', '\t']) {
        match word.split_once('?') {
            Some((origin_and_path, query)) if origin_and_path.contains("//") => {
                let end = query.find([' ', '"', '\'', '<', '>', '\n', '\t']).unwrap_or(query.len());
                kept.extend([origin_and_path, "?…", &query[end..]]);
            }
            _ => kept.push_str(word),
        }
    }
    kept
}

/// A single short line without secrets and control characters.
fn clean(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "[secret]");
    }
    let text = without_queries(&text);
    let mut kept: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBLEM: Option<&str> = Some("application/problem+json; charset=utf-8");
    const JSON: Option<&str> = Some("application/json");

    #[test]
    fn only_a_problem_with_the_response_status_is_genuine() {
        let table: [(&str, Option<&str>, bool); 12] = [
            ("\u{feff}{\"title\":\"Not Found \\ud83d\",\"status\":404}", JSON, true),
            (r#"{"type":"t","title":"Not Found","status":404,"traceId":"00-a"}"#, PROBLEM, true),
            (r#"{"title":"Not Found","status":404}"#, JSON, true),
            (r#"{"type":"t","status":404}"#, None, true),
            (r#"{"title":"Not Found"}"#, PROBLEM, true),
            (r#"{"title":"Not Found"}"#, JSON, false),
            (r#"{"title":"Not Found","status":500}"#, PROBLEM, false),
            (r#"{"title":"Not Found","status":"404"}"#, PROBLEM, false),
            (r#"{"statusCode":404,"message":"Resource not found"}"#, JSON, false),
            (r#"{"title":null,"status":404}"#, PROBLEM, false),
            ("<html>Not Found</html>", Some("text/html"), false),
            ("", PROBLEM, false),
        ];
        for (body, content_type, genuine) in table {
            assert_eq!(Problem::read(404, content_type, body.as_bytes(), &[]).is_genuine(), genuine, "{body}");
        }
    }

    #[test]
    fn shows_title_errors_and_trace_id() {
        let body = r#"{"title":"One or more\nerrors","status":400,"errors":{"pageSize":["too large","odd"],"x":"y"},"traceId":"00-abc"}"#;
        let problem = Problem::read(400, JSON, body.as_bytes(), &[]);
        assert_eq!(problem.to_string(), r#" "One or more errors" (pageSize: too large, odd; x: y), trace id 00-abc"#);
        assert_eq!(problem.trace_id(), Some("00-abc"));
    }

    #[test]
    fn shows_what_the_token_endpoint_says_but_no_secret() {
        let problem = Problem::read(400, JSON, br#"{"error":"invalid_client hush"}"#, &["", "hush"]);
        assert_eq!(problem.to_string(), r#" "invalid_client [secret]""#);
    }

    #[test]
    fn shows_no_query_of_a_link() {
        let body = r#"{"title":"see <https://a.example/x?sig=hush> or why?","status":404,"errors":{"https://a/b?hush":["//c?hush"]}}"#;
        let problem = Problem::read(404, JSON, body.as_bytes(), &[]).to_string();
        assert_eq!(problem, r#" "see <https://a.example/x?…> or why?" (https://a/b?… //c?…)"#);
    }

    #[test]
    fn long_texts_are_cut() {
        let body = format!(r#"{{"title":"{}","status":404}}"#, "å".repeat(5000));
        assert!(Problem::read(404, JSON, body.as_bytes(), &[]).to_string().chars().count() < LONGEST + 10);
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_read_and_shows_no_secret(
            before in proptest::prelude::any::<String>(),
            after in "[ -~]{0,400}",
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        ) {
            let text = serde_json::json!(format!("{before}hush-5ecret{after}"));
            for body in [
                format!(r#"{{"title":{text},"status":404,"traceId":{text}}}"#),
                format!(r#"{{"errors":{{{text}:[{text}],"b":{{"c":{text}}}}}}}"#),
                format!(r#"{{"error":{text},"title":null}}"#),
                text.to_string(),
            ] {
                let shown = Problem::read(404, PROBLEM, body.as_bytes(), &["hush-5ecret"]).to_string();
                proptest::prop_assert!(!shown.contains("hush-5ecret"), "{}", shown);
                proptest::prop_assert!(shown.chars().count() < (MOST + 3) * (LONGEST + 20));
                proptest::prop_assert!(!shown.contains(|c: char| c.is_control()));
            }
            let _ = Problem::read(404, JSON, &bytes, &["hush-5ecret"]);
        }
    }
}
