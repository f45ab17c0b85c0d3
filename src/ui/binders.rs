//! The binders of a mirror, as a table.

use jiff::{Timestamp, tz::TimeZone};

use super::{bytes, escape};
use crate::{history::Binder, report::count};

/// A line for each binder. Names come last, since their width varies.
pub fn binders(binders: &[Binder], zone: &TimeZone) -> String {
    let clock = |time: Timestamp| time.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let header = ["ID", "DOCUMENTS", "SIZE", "LAST MIRRORED", "NAME"].map(str::to_owned);
    let mut rows = vec![header];
    for binder in binders {
        let lost = binder.inaccessible_since.map(|since| format!("  (not accessible since {})", clock(since)));
        rows.push([
            line(&binder.id),
            count(binder.documents),
            bytes(binder.bytes),
            binder.mirrored_at.map_or_else(|| "-".to_owned(), clock),
            line(&binder.name) + &lost.unwrap_or_default(),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let [id, documents, size, mirrored] = [0, 1, 2, 3].map(width);
    let rows =
        rows.iter().map(|[a, b, c, d, e]| format!("{a:<id$}  {b:>documents$}  {c:>size$}  {d:<mirrored$}  {e}\n"));
    rows.collect()
}

/// A text on a single line.
fn line(text: &str) -> String {
    escape(text).replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let binder = |id: &str, name: &str, documents, mirrored: Option<i64>, lost: Option<i64>| Binder {
            id: id.to_owned(),
            name: name.to_owned(),
            folder: name.to_owned(),
            documents,
            bytes: documents * 1_234,
            mirrored_at: mirrored.map(|at| Timestamp::from_second(at).unwrap()),
            mirrored_run: None,
            inaccessible_since: lost.map(|at| Timestamp::from_second(at).unwrap()),
        };
        let listed = [
            binder("k3J9x_a2Q", "Brf Eken", 12_034, Some(1_793_669_400), None),
            binder("-a", "two\nlines \u{1b}[31m", 0, None, None),
            binder("a-longer-id-than-others", "Kv. Åkern", 7, Some(1_793_669_400), Some(1_793_755_800)),
        ];
        insta::assert_snapshot!(binders(&listed, &TimeZone::UTC), @r"
        ID                       DOCUMENTS     SIZE  LAST MIRRORED     NAME
        k3J9x_a2Q                   12,034  14.8 MB  2026-11-03 01:30  Brf Eken
        -a                               0  0 bytes  -                 two\nlines \u{1b}[31m
        a-longer-id-than-others          7   8.6 kB  2026-11-03 01:30  Kv. Åkern  (not accessible since 2026-11-04 01:30)
        ");
    }
}
