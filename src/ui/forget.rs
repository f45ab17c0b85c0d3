//! The question before a binder is forgotten.

use super::{bytes, escape};
use crate::report::count;

/// What will be removed from the tree, and the question.
pub fn forget(name: &str, id: &str, documents: u64, size: u64) -> String {
    format!(
        "Binder {} ({}): {} {}, {}, will be removed from the tree; their bytes are kept in the mirror's objects.\nType yes to remove them: ",
        escape(&format!("{name:?}")),
        escape(id),
        count(documents),
        if documents == 1 { "document" } else { "documents" },
        bytes(size)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_lists_what_will_be_removed() {
        let question = forget("Brf Eken", "AAAAAAAA1", 1204, 2_000_000);
        assert!(
            question.contains("\"Brf Eken\" (AAAAAAAA1): 1,204 documents, 2.0 MB, will be removed from the tree"),
            "{question}"
        );
        assert!(forget("x", "y", 1, 1).contains("1 document, 1 byte,"), "one document");
    }
}
