//! Changed documents, in words.

use std::collections::BTreeMap;

use super::escape;
use crate::report::{ChangeKind, ChangedDocument, escape_line};

/// A changed document as a line, with its previous path if it had another.
pub fn change(changed: &ChangedDocument) -> String {
    let from =
        changed.from.as_deref().map(|from| format!("\n          from {}", escape_line(from))).unwrap_or_default();
    format!("{:<8}  {}{from}\n", changed.kind.word(), escape_line(&changed.path))
}

/// How many documents changed between the ends of two runs; `None` for an empty mirror.
pub fn change_total(counts: &BTreeMap<ChangeKind, u64>, after: Option<&str>, until: Option<&str>) -> String {
    let count = |kind: ChangeKind| format!("{} {}", counts.get(&kind).unwrap_or(&0), kind.word());
    let kinds = [ChangeKind::Added, ChangeKind::Updated, ChangeKind::Moved, ChangeKind::Removed].map(count).join(", ");
    let since = after.map_or_else(|| "since the beginning".to_owned(), |run| format!("since run {}", escape(run)));
    format!("{kinds} {since}, up to run {}\n", escape(until.unwrap_or("-")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_line_and_a_move_says_from_where() {
        let changed = |from: Option<&str>| ChangedDocument {
            kind: ChangeKind::Moved,
            document_id: "d".to_owned(),
            path: "B/a\u{1b}.pdf".to_owned(),
            from: from.map(str::to_owned),
            size: 5,
        };
        assert_eq!(change(&changed(None)), "moved     B/a\\u{1b}.pdf\n");
        assert_eq!(change(&changed(Some("B/b"))), "moved     B/a\\u{1b}.pdf\n          from B/b\n");
        let counts = BTreeMap::from([(ChangeKind::Moved, 2)]);
        assert_eq!(
            change_total(&counts, None, Some("000002-x")),
            "0 added, 0 updated, 2 moved, 0 removed since the beginning, up to run 000002-x\n"
        );
    }
}
