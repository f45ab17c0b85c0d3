//! What changed in the tree between two runs.
//!
//! The ends of the two runs are compared, not what happened in between: a document that was changed and changed back is not
//! listed, and one that was added and removed again neither.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    model::DocumentId,
    report::{ChangeKind, ChangedDocument},
    state::{self, PlaceSpan, Reader, VersionSpan},
};

/// The span between the ends of two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between {
    /// The earlier run; 0 for an empty mirror.
    pub after: i64,
    /// The later run.
    pub until: i64,
}

/// A document's versions and places.
type Spans<'t> = (&'t [VersionSpan], &'t [PlaceSpan]);

/// A changed document, and its binder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The change.
    #[serde(flatten)]
    pub change: ChangedDocument,
    /// Its binder's id; the last one if it was removed.
    pub binder_id: String,
}

/// All differences, in path order.
pub fn differences(reader: &Reader<'_>, between: Between) -> Result<Vec<Difference>, state::Error> {
    let mut found = Vec::new();
    for document in reader.touched_after(between.after)? {
        // Its metadata aren't needed, and are its largest part.
        let (versions, places) = (reader.versions_of(&document)?, reader.places_of(&document)?);
        found.extend(difference(&document, (&versions, &places), between));
    }
    sort(&mut found);
    Ok(found)
}

/// The differences that each run made, oldest run first, each in path order: what `changes --run` says about each of them.
pub fn differences_by_run<E: From<state::Error>>(
    reader: &Reader<'_>,
    mut each: impl FnMut(i64, Vec<Difference>) -> Result<(), E>,
) -> Result<(), E> {
    let mut touched: Vec<(i64, DocumentId)> = Vec::new();
    for document in reader.touched_after(0)? {
        let (versions, places) = (reader.versions_of(&document)?, reader.places_of(&document)?);
        let of_versions = versions.iter().flat_map(|span| [Some(span.first_run), span.ended_run]);
        let of_places = places.iter().flat_map(|span| [Some(span.first_run), span.ended_run]);
        let runs: BTreeSet<i64> = of_versions.chain(of_places).flatten().collect();
        touched.extend(runs.into_iter().map(|run| (run, document.clone())));
    }
    touched.sort();
    for documents in touched.chunk_by(|(run, _), (other, _)| run == other) {
        let run = documents[0].0;
        let mut found = Vec::new();
        for (_, document) in documents {
            let (versions, places) = (reader.versions_of(document)?, reader.places_of(document)?);
            found.extend(difference(document, (&versions, &places), Between { after: run - 1, until: run }));
        }
        sort(&mut found);
        each(run, found)?;
    }
    Ok(())
}

fn sort(found: &mut [Difference]) {
    found.sort_by(|a, b| (&a.change.path, &a.change.document_id).cmp(&(&b.change.path, &b.change.document_id)));
}

fn difference(document: &DocumentId, spans: Spans<'_>, between: Between) -> Option<Difference> {
    let (before, after) = (at(spans, between.after), at(spans, between.until));
    let (kind, (version, place)) = match (before, after) {
        (None, Some(after)) => (ChangeKind::Added, after),
        (Some(before), None) => (ChangeKind::Removed, before),
        (Some(before), Some(after)) if before.0.version != after.0.version => (ChangeKind::Updated, after),
        (Some(before), Some(after)) if before.1.path != after.1.path => (ChangeKind::Moved, after),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let from = before.map(|(_, place)| &place.path).filter(|path| **path != place.path);
    Some(Difference {
        change: ChangedDocument {
            kind,
            document_id: document.to_string(),
            path: place.path.to_string(),
            from: from.map(ToString::to_string),
            size: version.size,
        },
        binder_id: place.binder.clone(),
    })
}

/// A document's version and place at the end of a run.
fn at((versions, places): Spans<'_>, run: i64) -> Option<(&VersionSpan, &PlaceSpan)> {
    let is_valid = |first: i64, ended: Option<i64>| first <= run && ended.is_none_or(|ended| ended > run);
    let version = versions.iter().find(|span| is_valid(span.first_run, span.ended_run))?;
    let place = places.iter().find(|span| is_valid(span.first_run, span.ended_run))?;
    Some((version, place))
}

#[cfg(test)]
mod tests {
    use ChangeKind::{Added, Moved, Removed, Updated};

    use super::*;
    use crate::model::{RelPath, Sha256, VersionId};

    /// Names, first runs and runs that ended them.
    type Named<'t> = &'t [(&'t str, i64, Option<i64>)];

    fn versions(named: Named<'_>) -> Vec<VersionSpan> {
        let span = |(version, first_run, ended_run): &(&str, i64, Option<i64>)| VersionSpan {
            version: VersionId::parse(version).unwrap(),
            size: 5,
            sha256: Sha256::new([0; 32]),
            mtime: 0,
            first_run: *first_run,
            ended_run: *ended_run,
            cause: None,
            held: None,
            freed_run: None,
        };
        named.iter().map(span).collect()
    }

    fn places(named: Named<'_>) -> Vec<PlaceSpan> {
        let span = |(path, first_run, ended_run): &(&str, i64, Option<i64>)| PlaceSpan {
            path: RelPath::new(path).unwrap(),
            file_name: String::new(),
            binder: "b".to_owned(),
            first_run: *first_run,
            ended_run: *ended_run,
        };
        named.iter().map(span).collect()
    }

    #[test]
    fn the_ends_of_two_runs_are_compared() {
        // Added in 2, updated in 4, moved in 5, removed in 7, back in 9.
        let versions = versions(&[("v", 2, Some(4)), ("w", 4, Some(7)), ("w", 9, None)]);
        let places = places(&[("B/a", 2, Some(5)), ("B/c", 5, Some(7)), ("B/c", 9, None)]);
        let document = DocumentId::parse("d").unwrap();
        for (after, until, expected) in [
            (0, 1, None),
            (0, 2, Some((Added, "B/a", None))),
            (2, 3, None),
            (3, 4, Some((Updated, "B/a", None))),
            (4, 5, Some((Moved, "B/c", Some("B/a")))),
            (3, 6, Some((Updated, "B/c", Some("B/a")))),
            (6, 7, Some((Removed, "B/c", None))),
            (4, 8, Some((Removed, "B/a", None))),
            (0, 8, None),
            (8, 9, Some((Added, "B/c", None))),
            (6, 9, None),
            (5, 9, None),
        ] {
            let found = difference(&document, (&versions, &places), Between { after, until }).map(|found| found.change);
            let found = found.as_ref().map(|change| (change.kind, change.path.as_str(), change.from.as_deref()));
            assert_eq!(found, expected, "{after} {until}");
        }
    }
}
