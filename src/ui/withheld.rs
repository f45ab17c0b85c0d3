//! Documents whose removal waits, in words.

use std::{collections::BTreeMap, path::Path};

use jiff::{Timestamp, tz::TimeZone};

use super::escape;
use crate::{
    history::{Withheld, WithheldEntry},
    report::{escape_line, format::number_of},
};

/// A line for each document. Paths come last, since their width varies.
pub fn withheld(withheld: &Withheld, zone: &TimeZone) -> String {
    if withheld.documents.is_empty() {
        return String::new();
    }
    let clock = |time: Timestamp| time.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let mut rows = vec![["MISSING SINCE", "CONFIRMED", "BINDER", "FILE"].map(str::to_owned)];
    rows.extend(withheld.documents.iter().map(|entry| {
        [
            entry.since.map_or_else(|| "-".to_owned(), clock),
            if entry.confirmed { "yes" } else { "no" }.to_owned(),
            escape_line(&entry.binder),
            escape_line(&entry.path),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let [since, confirmed, binder] = [0, 1, 2].map(width);
    let rows = rows.iter().map(|[a, b, c, d]| format!("{a:<since$}  {b:<confirmed$}  {c:<binder$}  {d}\n"));
    rows.collect()
}

/// How many documents wait, and how to confirm their removal. The last word is the hash.
pub fn how_to_confirm(withheld: &Withheld, dest: &Path, binder: Option<&str>) -> String {
    let (dest, of) = (dest.display(), binder.map(|id| format!(" --binder {}", escape(id))).unwrap_or_default());
    let Some(hash) = withheld.hash.as_deref() else {
        return match of_empty_binders(withheld, &dest.to_string()).as_str() {
            "" => "No removals are withheld.\n".to_owned(),
            empty => empty.to_owned(),
        };
    };
    let all = withheld.confirmable().count() as u64;
    let open = withheld.confirmable().filter(|document| !document.confirmed).count() as u64;
    let documents = number_of(all, "document is", "documents are");
    let mut text = of_empty_binders(withheld, &dest.to_string());
    if open == 0 {
        text.push_str(&format!(
            "{documents} confirmed: the next run looks each up and removes those that are gone.\nHash: {hash}\n"
        ));
    } else {
        text.push_str(&format!(
            "{documents} missing in iBinder and were kept, because they are too many at once.\n\
             If all were removed there, let the next run remove exactly these:\n  \
             ibinder-sync confirm-removals --dest {dest}{of} {hash}\n"
        ));
    }
    text
}

/// What to do about binders that list nothing at all.
fn of_empty_binders(withheld: &Withheld, dest: &str) -> String {
    let mut binders: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for WithheldEntry { binder, binder_id, .. } in withheld.documents.iter().filter(|entry| !entry.confirmable) {
        *binders.entry((binder, binder_id)).or_default() += 1;
    }
    let line = |((name, id), documents): (&(&str, &str), &u64)| {
        format!(
            "Binder \"{}\" lists nothing at all, so its {}. If it is really empty:\n  \
             ibinder-sync binders forget {} --force --dest {dest}\n",
            escape_line(name),
            number_of(*documents, "document stays", "documents stay"),
            escape(id)
        )
    };
    binders.iter().map(line).collect()
}

/// What a confirmation does.
pub fn confirmed(documents: u64, dest: &Path) -> String {
    format!(
        "Confirmed the removal of {}. The next run looks each up in iBinder and removes those that are gone;\n\
         their content is kept in {}/.ibinder-sync/objects. `ibinder-sync plan` shows what it would remove.\n",
        number_of(documents, "document", "documents"),
        dest.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u64, confirmable: bool, confirmed: bool) -> WithheldEntry {
        WithheldEntry {
            document_id: format!("3f2a{n}"),
            name: format!("{n}.pdf"),
            path: format!("Brf/{n}\u{1b}.pdf"),
            binder_id: "k".to_owned(),
            binder: "Brf\n".to_owned(),
            since: (n > 0).then(|| Timestamp::from_second(1_793_669_400).unwrap()),
            since_run: None,
            confirmable,
            confirmed,
        }
    }

    fn text(documents: Vec<WithheldEntry>, binder: Option<&str>) -> String {
        let hash = documents.iter().any(|entry| entry.confirmable).then(|| "3f2a91c05e1d4c47".to_owned());
        let all = Withheld { hash, documents };
        withheld(&all, &TimeZone::UTC) + &how_to_confirm(&all, Path::new("/srv/mirror"), binder)
    }

    #[test]
    fn the_last_word_is_the_hash() {
        let all = text(vec![entry(0, true, true), entry(1, true, false), entry(2, false, false)], Some("k"));
        insta::assert_snapshot!(all, @r#"
        MISSING SINCE     CONFIRMED  BINDER    FILE
        -                 yes        Brf\u{a}  Brf/0\u{1b}.pdf
        2026-11-03 01:30  no         Brf\u{a}  Brf/1\u{1b}.pdf
        2026-11-03 01:30  no         Brf\u{a}  Brf/2\u{1b}.pdf
        Binder "Brf\u{a}" lists nothing at all, so its 1 document stays. If it is really empty:
          ibinder-sync binders forget k --force --dest /srv/mirror
        2 documents are missing in iBinder and were kept, because they are too many at once.
        If all were removed there, let the next run remove exactly these:
          ibinder-sync confirm-removals --dest /srv/mirror --binder k 3f2a91c05e1d4c47
        "#);
        let confirmed = text(vec![entry(1, true, true)], None);
        assert!(confirmed.ends_with("gone.\nHash: 3f2a91c05e1d4c47\n"), "{confirmed}");
        assert_eq!(text(Vec::new(), None), "No removals are withheld.\n");
        assert!(!text(vec![entry(1, false, false)], None).contains("confirm-removals"));
    }
}
