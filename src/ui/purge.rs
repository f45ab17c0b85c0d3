//! The question before a document is purged.

use super::escape;
use crate::history::Traces;

/// What will be purged, and the question.
pub fn purge(document: &str, traces: &Traces) -> String {
    let mut text = format!("Document {document} will be purged permanently, with everything that is known about it:\n");
    for path in &traces.paths {
        text.push_str(&format!("  {}\n", escape(path)));
    }
    text.push_str(&format!("{} versions", traces.versions.len()));
    if traces.shared > 0 {
        text.push_str(&format!(", of which {} are kept because other documents have the same bytes", traces.shared));
    }
    text.push_str(".\nType the document's id to purge it: ");
    text
}
