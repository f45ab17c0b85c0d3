//! The texts of a bag, as RFC 8493 describes them.

use jiff::civil::Date;

use crate::{
    model::Sha256,
    report::{bytes, escape_line},
};

/// `bagit.txt`, which every bag has.
pub(super) const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// What `bag-info.txt` says.
#[derive(Debug)]
pub(super) struct Info<'i> {
    /// The day on which the bag was finished.
    pub(super) date: Date,
    /// The organisation's id.
    pub(super) organisation: &'i str,
    /// Ids and names of the binders.
    pub(super) binders: &'i [(String, String)],
    /// The last run that is in it.
    pub(super) run: Option<&'i str>,
    /// Payload files, and their size in bytes.
    pub(super) payload: (u64, u64),
}

/// `bag-info.txt`.
pub(super) fn info(info: &Info<'_>) -> String {
    let (files, size) = info.payload;
    let mut lines = vec![
        ("Bagging-Date", info.date.to_string()),
        ("Payload-Oxum", format!("{size}.{files}")),
        ("Bag-Size", bytes(size)),
        ("Bag-Software-Agent", format!("ibinder-sync {}", env!("CARGO_PKG_VERSION"))),
        ("External-Identifier", format!("ibinder:organisation/{}", info.organisation)),
    ];
    lines.extend(info.binders.iter().map(|(id, _)| ("External-Identifier", format!("ibinder:binder/{id}"))));
    lines.extend(info.binders.iter().map(|(_, name)| ("External-Description", format!("Binder: {}", name.trim()))));
    lines.extend(info.run.map(|run| ("Internal-Sender-Identifier", run.to_owned())));
    let mut text = String::new();
    for (label, value) in lines {
        text.push_str(&format!("{label}: {}\n", escape_line(&value)));
    }
    text
}

/// A line of a manifest, which `sha256sum -c` reads, too. No path has characters that would have to be encoded.
pub(super) fn line(sha256: &Sha256, path: &str) -> String {
    format!("{sha256}  {path}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_info_has_a_line_for_each_value() {
        let binders = [("k1".to_owned(), "Brf Eken".to_owned()), ("k2".to_owned(), " två\r\nrader ".to_owned())];
        let date = Date::constant(2026, 11, 29);
        let info = info(&Info {
            date,
            organisation: "0f8f",
            binders: &binders,
            run: Some("000007-x"),
            payload: (3, 1_234_567),
        });
        insta::assert_snapshot!(info.replace(env!("CARGO_PKG_VERSION"), "VERSION"), @r"
        Bagging-Date: 2026-11-29
        Payload-Oxum: 1234567.3
        Bag-Size: 1.2 MB
        Bag-Software-Agent: ibinder-sync VERSION
        External-Identifier: ibinder:organisation/0f8f
        External-Identifier: ibinder:binder/k1
        External-Identifier: ibinder:binder/k2
        External-Description: Binder: Brf Eken
        External-Description: Binder: två\u{d}\u{a}rader
        Internal-Sender-Identifier: 000007-x
        ");
    }

    #[test]
    fn a_manifest_has_two_spaces_between_hash_and_path() {
        let line = line(&Sha256::new([0xab; 32]), "data/tree/a b");
        assert_eq!(line, format!("{}  data/tree/a b\n", "ab".repeat(32)));
    }
}
