//! The question before a document is purged.

use super::escape;
use crate::{history::Traces, report::format::number_of};

/// What will be purged, and the question.
pub fn purge(document: &str, traces: &Traces) -> String {
    let mut text = format!("Document {document} will be purged permanently, with everything that is known about it:\n");
    for path in &traces.paths {
        text.push_str(&format!("  {}\n", escape(path)));
    }
    text.push_str(&number_of(traces.versions.len() as u64, "version", "versions"));
    if traces.shared > 0 {
        text.push_str(&format!(
            ", of which {} kept because other documents have the same bytes",
            number_of(traces.shared as u64, "is", "are")
        ));
    }
    text.push_str(".\nType the document's id to purge it: ");
    text
}
