//! Counts the tabs without documents, so that checklists and content tabs are not silently missing.

use std::collections::HashMap;

use crate::{
    model::BinderId,
    plan,
    report::TabsWithoutDocuments,
    sync::{Fatal, context::RunContext, decide::planner::Planner, list::outcome::BinderOutcome},
};

impl Planner {
    /// How many tabs of a binder have no documents; `None` if that is unknown.
    pub(crate) fn tabs_without_documents(&self, binder: &BinderId) -> Option<u64> {
        let tree = self.trees.get(binder)?;
        match self.occupied.get(binder) {
            Some(documents) => plan::tabs_without_documents(tree, documents),
            None => Some(tree.tabs().len() as u64),
        }
    }

    /// The binders that have tabs without documents.
    fn with_empty_tabs(&self, binders: Vec<BinderId>) -> Vec<(BinderId, u64)> {
        let counted = binders.into_iter().filter_map(|binder| Some((*self.empty_tabs.get(&binder)?, binder)));
        counted.map(|(tabs, binder)| (binder, tabs)).collect()
    }
}

/// Counts the tabs without documents of the binders that were read to the end.
pub(crate) async fn count(ctx: &RunContext, crawled: &[(BinderId, BinderOutcome)]) -> Result<(), Fatal> {
    let is_read = |crawled: &BinderOutcome| {
        matches!(crawled, BinderOutcome::Certified { .. } | BinderOutcome::Uncertified { .. })
    };
    let read = crawled.iter().filter(|(_, crawled)| is_read(crawled)).map(|(binder, _)| binder.clone()).collect();
    let counted = ctx.record.planner.call(move |planner| planner.with_empty_tabs(read)).await?;
    if counted.is_empty() {
        return Ok(());
    }
    let known = ctx.record.state.read(|r| r.binders())?;
    let mut names: HashMap<BinderId, String> = known.into_iter().map(|row| (row.id, row.name)).collect();
    let mut tabs: Vec<TabsWithoutDocuments> = counted
        .into_iter()
        .map(|(id, tabs)| TabsWithoutDocuments {
            binder: names.remove(&id).unwrap_or_default(),
            binder_id: id.to_string(),
            tabs,
        })
        .collect();
    tabs.sort_by(|a, b| (&a.binder, &a.binder_id).cmp(&(&b.binder, &b.binder_id)));
    ctx.tally.count_empty_tabs(tabs);
    Ok(())
}
