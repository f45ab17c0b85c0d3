//! Lists the organisation's binders and names their folders.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::PoisonError,
};

use crate::{
    model::{Binder, BinderId, NameLimit},
    naming,
    plan::{self, Due, due},
    remote::{self, ErrorKind},
    report::{Failure, FailureStep, Warning},
    state::{BinderRow, State},
    sync::{Fatal, Options, context::RunContext, decide::filtered, fatal::failed_at, list::outcome::BinderOutcome},
};

/// From one nightly run to the next, in seconds.
const DAY: i64 = 24 * 3600;

/// A binder to read in this run.
#[derive(Debug, Clone)]
pub(crate) struct ListedBinder {
    pub(crate) id: BinderId,
    pub(crate) segment: String,
    /// Whether to read its folders first.
    pub(crate) refresh: bool,
}

/// The result of listing the binders.
#[derive(Debug)]
pub(crate) struct BinderSurvey {
    pub(crate) listed: Vec<ListedBinder>,
    /// Known binders that are not listed any more. Empty unless `complete`.
    pub(crate) lost: Vec<BinderRow>,
    /// Whether every item of the list could be read.
    pub(crate) complete: bool,
}

/// Lists the binders; `None` if another organisation seems to answer.
pub(crate) async fn list(ctx: &RunContext) -> Result<Option<BinderSurvey>, Fatal> {
    let known = ctx.record.state.read(|r| r.binders())?;
    let Some((listed, complete)) = request(ctx, known.len()).await? else {
        return Ok(Some(BinderSurvey { listed: Vec::new(), lost: Vec::new(), complete: false }));
    };
    if is_another_organisation(&known, &listed) {
        ctx.tally.warn(Warning::AnotherOrganisation);
        return Ok(None);
    }
    filtered::binders(ctx, &listed);
    let _ = ctx.listing.binders.set(listed.iter().map(|b| b.id.clone()).collect());
    let (listed, duplicates) = deduplicate(&known, listed);
    for (binder, other) in duplicates {
        ctx.tally.warn(Warning::binder(Warning::BinderListedTwice, &binder.id, &binder.name, &other));
    }
    let survey = survey(ctx, known, listed, complete)?;
    ctx.tally.binders(|b| b.listed = survey.listed.len() as u64);
    for lost in &survey.lost {
        inaccessible(ctx, &lost.id, &lost.name, "it is not listed any more");
    }
    Ok(Some(survey))
}

/// The listed binders, and whether every item could be read; `None` if the list can't be read.
async fn request(ctx: &RunContext, known: usize) -> Result<Option<(Vec<Binder>, bool)>, Fatal> {
    let answer = ctx.service.ask(ctx.service.remote.binders()).await;
    if let Some(time) = ctx.service.remote.time() {
        ctx.record.state.not_before(time.as_second());
    }
    let items = match answer {
        None => return Ok(None),
        Some(Ok(items)) => items,
        Some(Err(error)) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Throttled) => {
            ctx.tally.binders(|b| b.failed += known as u64);
            ctx.tally.failed(None, listing_failure(&error));
            return Ok(None);
        }
        Some(Err(error)) => return Err(error.into()),
    };
    let (mut listed, mut complete) = (Vec::new(), true);
    for item in items {
        match item {
            Ok(binder) => listed.push(binder),
            Err(unusable) => {
                complete = false;
                ctx.tally.binders(|b| b.failed += 1);
                ctx.tally.warn(Warning::other(Warning::BinderUnusable, &unusable));
            }
        }
    }
    Ok(Some((listed, complete)))
}

fn listing_failure(error: &remote::Error) -> Failure {
    Failure { error: format!("the binders could not be listed: {error}"), ..failed_at(FailureStep::List, error) }
}

fn inaccessible(ctx: &RunContext, id: &BinderId, name: &str, why: &str) {
    ctx.tally.binders(|b| b.inaccessible += 1);
    ctx.tally.warn(Warning::binder(Warning::BinderInaccessible, id, name, why));
}

/// Counts a binder by its outcome, with a warning if it was not certified.
pub(crate) fn count(ctx: &RunContext, binder: &BinderId, outcome: &BinderOutcome) {
    match outcome {
        BinderOutcome::Certified { .. } => ctx.tally.binders(|b| b.crawled += 1),
        BinderOutcome::Uncertified { why } => {
            ctx.tally.binders(|b| {
                b.crawled += 1;
                b.uncertified += 1;
            });
            ctx.tally.warn(Warning::binder(Warning::ListingInconsistent, binder, "", why));
        }
        BinderOutcome::Inaccessible(why) => inaccessible(ctx, binder, "", why),
        BinderOutcome::Failed => ctx.tally.binders(|b| b.failed += 1),
        BinderOutcome::Stopped => {}
    }
}

/// Stores which binders were read, and which are inaccessible now.
pub(crate) fn record(
    ctx: &RunContext,
    survey: &BinderSurvey,
    crawled: &[(BinderId, BinderOutcome)],
) -> Result<(), Fatal> {
    ctx.record.state.write(|w| {
        for lost in &survey.lost {
            w.binder_was_inaccessible(ctx.record.run, &lost.id)?;
        }
        for (binder, outcome) in crawled {
            match outcome {
                BinderOutcome::Certified { .. } => w.binder_was_read(ctx.record.run, binder, true)?,
                BinderOutcome::Uncertified { .. } => w.binder_was_read(ctx.record.run, binder, false)?,
                BinderOutcome::Inaccessible(_) => w.binder_was_inaccessible(ctx.record.run, binder)?,
                BinderOutcome::Failed | BinderOutcome::Stopped => {}
            }
        }
        Ok(())
    })
}

/// Whether none of the known binders is listed although others are: another organisation answers, or all of the client's
/// permissions were replaced.
fn is_another_organisation(known: &[BinderRow], listed: &[Binder]) -> bool {
    let ids: HashSet<&BinderId> = listed.iter().map(|l| &l.id).collect();
    !known.is_empty() && !listed.is_empty() && !known.iter().any(|k| ids.contains(&k.id))
}

/// Each binder once, and the other names of those that are listed twice. The name in the mirror wins, so that the order of
/// the list renames nothing.
fn deduplicate(known: &[BinderRow], listed: Vec<Binder>) -> (Vec<Binder>, Vec<(Binder, String)>) {
    let names: HashMap<&BinderId, &str> = known.iter().map(|k| (&k.id, k.name.as_str())).collect();
    let mut indices: HashMap<BinderId, usize> = HashMap::new();
    let (mut unique, mut others): (Vec<Binder>, Vec<(usize, String)>) = (Vec::new(), Vec::new());
    for mut binder in listed {
        let index = *indices.entry(binder.id.clone()).or_insert(unique.len());
        let Some(first) = unique.get_mut(index) else {
            unique.push(binder);
            continue;
        };
        if names.get(&binder.id) == Some(&binder.name.as_str()) {
            std::mem::swap(&mut first.name, &mut binder.name);
        }
        if first.name != binder.name {
            others.push((index, binder.name));
        }
    }
    let duplicates = others.into_iter().map(|(index, name)| (unique[index].clone(), name)).collect();
    (unique, duplicates)
}

/// Names the folders of the listed binders, and stores them.
fn survey(ctx: &RunContext, known: Vec<BinderRow>, listed: Vec<Binder>, complete: bool) -> Result<BinderSurvey, Fatal> {
    let listed_ids: HashSet<BinderId> = listed.iter().map(|b| b.id.clone()).collect();
    let wanted: Vec<Binder> = listed.into_iter().filter(|b| ctx.options.filter.wants_binder(b)).collect();
    let rows = name_folders(&known, &wanted, ctx.record.limit);
    write(&ctx.record.state, ctx.record.run, &known, &rows)?;
    let refresh = refreshes(ctx, &rows)?;
    // An item that can't be read may be any of the binders, so then none counts as lost.
    let lost = known.into_iter().filter(|k| complete && !listed_ids.contains(&k.id)).collect();
    let listed = rows
        .into_iter()
        .map(|row| ListedBinder {
            refresh: row.folders_refreshed_at.is_none() || refresh.contains(&row.id),
            id: row.id,
            segment: row.segment,
        })
        .collect();
    Ok(BinderSurvey { listed, lost, complete })
}

/// Names folders for binders. A folder keeps its name as long as the binder does and the file system accepts it.
fn name_folders(known: &[BinderRow], listed: &[Binder], limit: NameLimit) -> Vec<BinderRow> {
    let known: BTreeMap<&BinderId, &BinderRow> = known.iter().map(|k| (&k.id, k)).collect();
    let mut listed: Vec<&Binder> = listed.iter().collect();
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    listed.dedup_by(|a, b| a.id == b.id);
    let same = |b: &Binder| known.get(&b.id).copied().filter(|k| k.name == b.name && limit.takes(&k.segment));
    let renamed: HashSet<&BinderId> = listed.iter().filter(|b| same(b).is_none()).map(|b| &b.id).collect();
    let kept = known.values().filter(|k| !renamed.contains(&k.id));
    let mut used: HashSet<String> = kept.map(|k| naming::key(&k.segment)).collect();
    let mut rows = Vec::with_capacity(listed.len());
    for binder in listed {
        if let Some(row) = same(binder) {
            rows.push(row.clone());
            continue;
        }
        // The sequence of names is endless, so one is free.
        let mut names = naming::folder_names(&binder.name, binder.id.as_str(), limit);
        let segment = names.find(|name| is_free(&mut used, naming::key(name))).unwrap_or_default();
        let old = known.get(&binder.id);
        rows.push(BinderRow {
            id: binder.id.clone(),
            name: binder.name.clone(),
            segment,
            folders_refreshed_at: old.and_then(|o| o.folders_refreshed_at),
            folder_requests: old.map_or(1, |o| o.folder_requests),
        });
    }
    rows
}

fn is_free(used: &mut HashSet<String>, key: String) -> bool {
    !naming::is_reserved(&key) && used.insert(key)
}

fn write(state: &State, run: i64, known: &[BinderRow], rows: &[BinderRow]) -> Result<(), Fatal> {
    let segments: HashMap<&BinderId, &str> = known.iter().map(|k| (&k.id, k.segment.as_str())).collect();
    state.write(|w| {
        let changed = |row: &&BinderRow| segments.get(&row.id).is_some_and(|segment| *segment != row.segment);
        for row in rows.iter().filter(changed) {
            w.release_segment(&row.id)?;
        }
        for row in rows {
            w.upsert_binder(run, row, &naming::key(&row.segment))?;
        }
        Ok(())
    })
}

/// The binders whose folders are due to be read in this run.
fn refreshes(ctx: &RunContext, rows: &[BinderRow]) -> Result<HashSet<BinderId>, Fatal> {
    // At most one page of each binder isn't full.
    let (documents, _) = ctx.record.state.read(|r| r.extent())?;
    let requests = 1 + documents / u64::from(Options::PAGE_SIZE) + rows.len() as u64;
    let now = jiff::Timestamp::now().as_second();
    Ok(due(dues(rows), now, ctx.options.refresh_folders_seconds(), requests).into_iter().collect())
}

fn dues(rows: &[BinderRow]) -> Vec<Due> {
    let read = rows.iter().filter_map(|row| {
        Some(Due { binder: row.id.clone(), refreshed_at: row.folders_refreshed_at?, requests: row.folder_requests })
    });
    read.collect()
}

/// How many requests tomorrow's run needs if nothing changes in the binders that were read.
pub(crate) fn unchanged_requests(ctx: &RunContext) -> Result<u64, Fatal> {
    let announced = ctx.listing.announced.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut rows = ctx.record.state.read(|r| r.binders())?;
    rows.retain(|row| announced.contains_key(&row.id));
    let listing = plan::unchanged_requests(announced.values().copied(), 0);
    let tomorrow = jiff::Timestamp::now().as_second() + DAY;
    let due = due(dues(&rows), tomorrow, ctx.options.refresh_folders_seconds(), listing);
    let requests =
        |id: &BinderId| rows.iter().find(|row| row.id == *id).map_or(0, |row| u64::from(row.folder_requests));
    Ok(listing + due.iter().map(requests).sum::<u64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> BinderId {
        BinderId::parse(text).unwrap()
    }

    fn row(text: &str, name: &str, segment: &str) -> BinderRow {
        BinderRow {
            id: id(text),
            name: name.into(),
            segment: segment.into(),
            folders_refreshed_at: None,
            folder_requests: 1,
        }
    }

    fn binder(text: &str, name: &str) -> Binder {
        Binder { id: id(text), name: name.into() }
    }

    fn named(known: &[BinderRow], listed: &[Binder]) -> Vec<String> {
        name_folders(known, listed, NameLimit::USUAL).into_iter().map(|r| r.segment).collect()
    }

    #[test]
    fn folders_of_binders_are_unique_and_keep_their_names() {
        let new = [binder("aaaaaaaa1", "Brf"), binder("bbbbbbbb2", "BRF")];
        assert_eq!(named(&[], &new), ["Brf", "BRF [bbbbbbbb]"]);
        let known = [row("bbbbbbbb2", "BRF", "BRF [bbbbbbbb]")];
        assert_eq!(named(&known, &[binder("bbbbbbbb2", "BRF")]), ["BRF [bbbbbbbb]"]);
        let swapped = [row("a", "A", "A"), row("b", "B", "B")];
        assert_eq!(named(&swapped, &[binder("a", "B"), binder("b", "A")]), ["B", "A"]);
        // A binder that is not listed keeps its folder.
        assert_eq!(named(&[row("aaaaaaaa1", "Brf", "Brf")], &[binder("bbbbbbbb2", "Brf")]), ["Brf [bbbbbbbb]"]);
        assert_eq!(named(&[], &[binder("a", ".ibinder-sync")]).len(), 1);
        // The catalogue's names are not for new folders, and an old one keeps its name.
        assert_eq!(named(&[], &[binder("aaaaaaaa1", "Index.html")]), ["Index.html [aaaaaaaa]"]);
        let known = [row("aaaaaaaa1", "index-data", "index-data")];
        assert_eq!(named(&known, &[binder("aaaaaaaa1", "index-data")]), ["index-data"]);
    }

    #[test]
    fn a_binder_that_is_listed_twice_keeps_its_name() {
        let twice = |first, second| vec![binder("a", first), binder("b", "B"), binder("a", second)];
        for (known, listed, name, other) in [
            (vec![row("a", "Ek", "Ek")], twice("Ek", "Al"), "Ek", vec!["Al"]),
            (vec![row("a", "Ek", "Ek")], twice("Al", "Ek"), "Ek", vec!["Al"]),
            (vec![row("a", "Ek", "Ek")], twice("Al", "Bok"), "Al", vec!["Bok"]),
            (vec![], twice("Al", "Ek"), "Al", vec!["Ek"]),
            (vec![], twice("Al", "Al"), "Al", vec![]),
        ] {
            let (unique, duplicates) = deduplicate(&known, listed);
            assert_eq!(unique, [binder("a", name), binder("b", "B")]);
            let other: Vec<_> = other.into_iter().map(|other| (binder("a", name), other.to_owned())).collect();
            assert_eq!(duplicates, other);
        }
    }

    #[test]
    fn another_organisation_is_noticed() {
        let known = [row("a", "A", "A")];
        assert!(is_another_organisation(&known, &[binder("x", "X")]));
        assert!(!is_another_organisation(&known, &[binder("x", "X"), binder("a", "A")]));
        assert!(!is_another_organisation(&known, &[]));
        assert!(!is_another_organisation(&[], &[binder("x", "X")]));
    }
}
