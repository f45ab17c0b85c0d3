//! The question before a binder is let go.

use super::{bytes, escape};
use crate::report::count;

/// What leaves the tree, and the question whether it may.
pub fn forget(name: &str, id: &str, documents: u64, size: u64) -> String {
    format!(
        "Binder {} ({}): {} {}, {}, will leave the tree; their bytes stay in the mirror's objects.\nType yes to remove them: ",
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
    fn it_says_what_will_leave() {
        let asked = forget("Brf Eken", "AAAAAAAA1", 1204, 2_000_000);
        assert!(asked.contains("\"Brf Eken\" (AAAAAAAA1): 1,204 documents, 2.0 MB, will leave the tree"), "{asked}");
        assert!(forget("x", "y", 1, 1).contains("1 document, 1 bytes"), "one document");
    }
}
