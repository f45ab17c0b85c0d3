//! What an erasure is about to do.

use super::escape;
use crate::history::Traces;

/// What will be erased, and the question whether it should be.
pub fn purge(document: &str, traces: &Traces) -> String {
    let mut text = format!("Document {document} will be erased for good, with everything that is known of it:\n");
    for path in &traces.paths {
        text.push_str(&format!("  {}\n", escape(path)));
    }
    text.push_str(&format!("{} versions", traces.versions.len()));
    if traces.shared > 0 {
        text.push_str(&format!(
            ", of which {} have bytes that other documents had, too, and that stay for those",
            traces.shared
        ));
    }
    text.push_str(".\nType the document's id to erase it: ");
    text
}
