//! Sends each kind of request of a run once.

use url::Url;

use super::{
    clock::clock,
    content,
    failure::failure,
    network::network,
    results::Results,
    shape::{are_entries, is_guid, is_nano_id, items, missing, unknown},
    statements as says, versions,
};
use crate::{
    model::{Binder, BinderId, DocumentId, Listed},
    plan,
    remote::{ErrorKind, Inspected, Inspector, Query, SearchPage, Settings},
    report::{
        Area, Check, Statement,
        format::{count, number_of},
    },
};

/// The page size of a run.
const PAGE: u32 = 250;

/// The id of a document that doesn't exist.
const MISSING_DOCUMENT: &str = "00000000-0000-4000-8000-000000000000";

const ITEM: [&str; 6] = ["id", "fileName", "folderId", "binderId", "latestVersionId", "metadata"];
const FOLDER: [&str; 4] = ["id", "name", "type", "parentId"];

/// The results of a visit.
#[derive(Debug)]
pub struct Visit {
    /// The checks, in their order.
    pub checks: Vec<Check>,
    /// What was observed about the statements.
    pub statements: Vec<Statement>,
    /// The most requests of a run that finds no changes, without those for folder names.
    pub night_requests: Option<u64>,
}

/// Visits the service; `proxy` is the configured one, without its password.
pub async fn visit(settings: &Settings, proxy: Option<&str>) -> Visit {
    let mut results = Results::default();
    let mut night_requests = None;
    match Inspector::new(settings) {
        Err(error) => results.add(failure(Area::Configuration, &error)),
        Ok(inspector) => {
            if network(&mut results, settings, &inspector, proxy).await {
                night_requests = Service { results: &mut results, inspector, settings }.walk().await;
            } else {
                skip(&mut results, "the service can't be reached");
            }
        }
    }
    Visit { statements: results.statements(), checks: results.checks, night_requests }
}

fn skip(results: &mut Results, why: &str) {
    for area in [Area::Credentials, Area::Service, Area::Storage] {
        if results.checks.iter().all(|check| check.area < area) {
            results.add(Check::skipped(area, format!("not checked: {why}")));
        }
    }
}

struct Service<'a> {
    results: &'a mut Results,
    inspector: Inspector,
    settings: &'a Settings,
}

impl Service<'_> {
    /// Sends all requests, as far as possible; returns the request count of a run without changes.
    async fn walk(mut self) -> Option<u64> {
        if !self.token().await {
            skip(self.results, "no request works without a token");
            return None;
        }
        let Some(binders) = self.binders().await else {
            skip(self.results, "the binders can't be listed");
            return None;
        };
        let all = self.inspector.search(&Query::default(), 1, PAGE).await;
        self.first_page(&all);
        let Ok(page) = &all.read else {
            skip(self.results, "the search does not work");
            return None;
        };
        let unchanged_cost = Some(self.unchanged_cost(page, binders.len()));
        let Some(document) = example(page) else {
            self.results.add(Check::skipped(Area::Storage, "not checked: there is no document yet"));
            return unchanged_cost;
        };
        self.binder(&document).await;
        self.folders(&document).await;
        self.by_id(&document.id).await;
        versions::versions(self.results, &self.inspector, &document).await;
        content::content(self.results, &self.inspector, self.settings, &document).await;
        unchanged_cost
    }

    async fn token(&mut self) -> bool {
        let seen = self.inspector.token().await;
        match seen.read {
            Ok(lifetime) => {
                let (api, auth) = (Settings::API_URL, Settings::AUTH_URL);
                self.host(says::API, &self.settings.api_url.clone(), api);
                self.host(says::AUTH, &self.settings.auth_url.clone(), auth);
                let life = lifetime.map_or("does not state its lifetime".to_owned(), |s| format!("lives {s} s"));
                self.results.observe(says::TOKEN, lifetime.is_some(), format!("a token that {life}"));
                let found = format!("a token was given ({} ms), which {life}", seen.took.as_millis());
                self.results.add(Check::ok(Area::Credentials, found));
                true
            }
            Err(error) => {
                self.results.add(failure(Area::Credentials, &error));
                false
            }
        }
    }

    /// Only the real service's hosts say something about the statement.
    fn host(&mut self, statement: &'static str, url: &Url, real: &str) {
        if url.as_str().trim_end_matches('/') == real {
            self.results.observe(statement, true, "it answers there");
        }
    }

    async fn binders(&mut self) -> Option<Vec<Binder>> {
        let seen = self.inspector.binders().await;
        if let Some(clocks) = seen.clocks {
            self.results.add(clock(clocks));
        }
        let list = match seen.read {
            Ok(list) => list,
            Err(error) => {
                let refused = matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Rejected);
                self.results.add(failure(if refused { Area::Credentials } else { Area::Service }, &error));
                return None;
            }
        };
        self.results.add(Check::ok(Area::Credentials, "the organisation's id and the token are accepted"));
        self.results.observe(says::HEADERS, true, "they are accepted");
        let shape = if seen.json.is_array() { "an array" } else { "an object with items" };
        self.results.observe(says::BINDERS_SHAPE, true, shape);
        let lacks = missing(items(&seen.json), &["id", "name"]);
        self.results.observe(says::BINDERS, lacks.is_empty(), lacking(&lacks));
        let odd = list.iter().filter(|binder| binder.is_err()).count();
        let binders: Vec<Binder> = list.into_iter().flatten().collect();
        self.results.observe(says::BINDERS_WHOLE, odd == 0, number_of(binders.len() as u64, "binder", "binders"));
        let nano = binders.iter().all(|binder| is_nano_id(binder.id.as_str()));
        if !binders.is_empty() {
            self.results.observe(
                says::IDS,
                nano,
                if nano { "binders have NanoIds" } else { "a binder has another id" },
            );
        }
        self.results.add(listed(binders.len(), odd));
        Some(binders)
    }

    /// Checks the first page of a search over the whole organisation.
    fn first_page(&mut self, seen: &Inspected<SearchPage>) {
        let page = match &seen.read {
            Ok(page) => page,
            Err(error) => return self.results.add(failure(Area::Service, error)),
        };
        self.results.observe(says::SEARCH, true, "it answers");
        let lacks = missing(std::slice::from_ref(&seen.json), &["items", "totalCount", "pageNumber", "pageSize"]);
        self.results.observe(says::ANSWER, lacks.is_empty(), lacking(&lacks));
        self.results.observe(says::FROM_ONE, page.page_number == 1, format!("page {} came first", page.page_number));
        let full = page.page_size == u64::from(PAGE);
        self.results.observe(says::PAGE_SIZE, full, format!("a page has {}", page.page_size));
        self.items(seen);
        let odd = page.items.iter().filter(|item| item.is_err()).count();
        let found = format!(
            "a search shows {} in all ({} ms)",
            number_of(page.total, "document", "documents"),
            count(u64::try_from(seen.took.as_millis()).unwrap_or(u64::MAX))
        );
        self.results.add(if odd == 0 {
            Check::ok(Area::Service, found)
        } else {
            let next = "a run counts each of them as failed; report this with the output of doctor";
            Check::warning(Area::Service, format!("{found}; {odd} on the first page can't be read"), next)
        });
    }

    fn items(&mut self, seen: &Inspected<SearchPage>) {
        let documents = items(&seen.json);
        if documents.is_empty() {
            return;
        }
        let (lacks, more) = (missing(documents, &ITEM), unknown(documents, &ITEM));
        let seen =
            if more.is_empty() { lacking(&lacks) } else { format!("{}; more: {}", lacking(&lacks), more.join(", ")) };
        self.results.observe(says::ITEM, lacks.is_empty() && more.is_empty(), seen);
        let ids = documents.iter().filter_map(|document| document.get("id")?.as_str());
        if !ids.clone().all(is_guid) {
            self.results.observe(says::IDS, false, "a document has another id");
        }
        if let Some(entries) = are_entries(documents) {
            self.results.observe(says::ENTRY, entries, if entries { "all have" } else { "one has another shape" });
        }
    }

    fn unchanged_cost(&mut self, page: &SearchPage, binders: usize) -> u64 {
        // The distribution over binders is unknown: each may have a page that is not full.
        let size = u32::try_from(page.page_size).unwrap_or(PAGE);
        let spread = std::iter::repeat_n((0, size), binders.saturating_sub(1));
        let requests = plan::unchanged_requests(spread.chain([(page.total, size)]), 0);
        let found = format!(
            "a run that finds no changes sends at most {}, plus those for folder names",
            number_of(requests, "request", "requests")
        );
        self.results.add(Check::ok(Area::Service, found));
        requests
    }

    /// Checks one binder's search, and its second page.
    async fn binder(&mut self, document: &Listed) {
        let query = Query { binder: Some(&document.binder), ..Query::default() };
        let seen = self.inspector.search(&query, 1, PAGE).await;
        let page = match &seen.read {
            Ok(page) => page,
            Err(error) => return self.results.add(failure(Area::Service, error)),
        };
        let own = |page: &SearchPage| page.items.iter().flatten().all(|item| item.binder == document.binder);
        let kept =
            own(page) && page.items.iter().flatten().any(|item| item.id == document.id || page.total > PAGE.into());
        self.results.observe(says::BY_BINDER, kept, if kept { "only its documents came" } else { "others came, too" });
        self.results.observe(says::BINDER_OF, own(page), "as in `binderId`");
        let found = format!("a binder's search works: {}", number_of(page.total, "document", "documents"));
        self.results.add(if kept {
            Check::ok(Area::Service, found)
        } else {
            let next = "documents are mirrored, but none is ever removed; report this with the output of doctor";
            Check::warning(Area::Service, "a binder's search also returns documents of other binders", next)
        });
        if page.total > page.items.len() as u64 {
            self.second_page(&query, page).await;
        }
        if let Some(tab) = &document.tab {
            let query = Query { tab: Some(tab), ..query };
            let seen = self.inspector.search(&query, 1, PAGE).await;
            let kept = seen.read.as_ref().is_ok_and(|page| {
                page.total > 0 && page.items.iter().flatten().all(|item| item.tab.as_ref() == Some(tab))
            });
            self.results.observe(
                says::BY_TAB,
                kept,
                if kept { "only its documents came" } else { "it did not filter" },
            );
        }
    }

    async fn second_page(&mut self, query: &Query<'_>, first: &SearchPage) {
        let seen = self.inspector.search(query, 2, PAGE).await;
        let Ok(second) = seen.read else {
            return self.results.observe(says::ANSWER, false, "the second page can't be read");
        };
        let known: Vec<&DocumentId> = first.items.iter().flatten().map(|item| &item.id).collect();
        let news = second.items.iter().flatten().all(|item| !known.contains(&&item.id));
        let continues = news && second.page_number == 2 && second.total == first.total && !second.items.is_empty();
        self.results.observe(
            says::ANSWER,
            continues,
            if continues { "the second page continues" } else { "the second page does not continue" },
        );
    }

    /// Checks tabs, sub-folders and the schema; documents are mirrored even without them.
    async fn folders(&mut self, document: &Listed) {
        let binder = &document.binder;
        let seen = self.inspector.tabs(binder).await;
        let lacks = missing(items(&seen.json), &FOLDER);
        let tabs: Vec<_> = seen.read.iter().flatten().flatten().cloned().collect();
        self.results.observe(says::TABS, seen.read.is_ok() && lacks.is_empty(), describe(&seen, &lacks));
        if let Some(tab) = document.tab.as_ref().filter(|_| !tabs.is_empty()) {
            let known = tabs.iter().any(|folder| folder.id == *tab);
            self.results.observe(says::TAB_OF, known, if known { "a tab has it" } else { "no tab has it" });
        }
        let mut fault = seen.read.err();
        if let Some(tab) = tabs.first() {
            let seen = self.inspector.subfolders(binder, &tab.id).await;
            let lacks = missing(items(&seen.json), &FOLDER);
            self.results.observe(says::SUBFOLDERS, seen.read.is_ok() && lacks.is_empty(), describe(&seen, &lacks));
            fault = fault.or(seen.read.err());
        }
        self.schema(binder).await;
        let next = "documents are mirrored all the same, in folders named after ids or right below their tab; \
            send this report to whoever looks after ibinder-sync";
        self.results.add(match fault {
            None => Check::ok(
                Area::Service,
                format!("tabs and folders can be named: {} in a binder", number_of(tabs.len() as u64, "tab", "tabs")),
            ),
            Some(error) => Check::warning(Area::Service, format!("some folders can't be named: {error}"), next),
        });
    }

    async fn schema(&mut self, binder: &BinderId) {
        let seen = self.inspector.metadata_elements(binder).await;
        let elements = items(&seen.json);
        self.results.observe(says::SCHEMA, seen.read.is_ok(), describe(&seen, &[]));
        if !elements.is_empty() {
            let named = missing(elements, &["id"]).is_empty()
                && (missing(elements, &["name"]).is_empty() || missing(elements, &["label"]).is_empty());
            let names = unknown(elements, &[]).join(", ");
            self.results.observe(says::SCHEMA_FIELDS, named, format!("it has: {names}"));
        }
    }

    /// Checks lookups of an existing and of a missing document, which removals rely on.
    async fn by_id(&mut self, id: &DocumentId) {
        let found = self.inspector.document(id).await.read;
        let Ok(nobody) = DocumentId::parse(MISSING_DOCUMENT) else { return };
        let gone = self.inspector.document(&nobody).await.read.err().map(|error| error.kind());
        let certain = gone == Some(ErrorKind::NotFound { problem_json: true });
        let seen = if certain {
            "a 404 as problem JSON for one that does not exist"
        } else {
            "the answer for one that does not exist is different"
        };
        self.results.observe(says::BY_ID, found.is_ok() && certain, seen);
        let next = "nothing is lost, but removed documents stay in the tree and each run is partial (exit 4); \
            send this report to whoever looks after ibinder-sync";
        self.results.add(match found {
            Err(error) => failure(Area::Service, &error),
            Ok(_) if certain => {
                Check::ok(Area::Service, "a document can be requested by id, and a missing one is recognized")
            }
            Ok(_) => Check::warning(Area::Service, "a missing document can't be recognized", next),
        });
    }
}

/// A document for further checks, preferably with a version.
fn example(page: &SearchPage) -> Option<Listed> {
    let mut good = page.items.iter().flatten();
    good.clone().find(|document| document.version.is_some()).or_else(|| good.next()).cloned()
}

fn listed(binders: usize, odd: usize) -> Check {
    let none = "create the API client in the right organisation, and check that the organisation has binders";
    let visible = format!("{} visible", number_of(binders as u64, "binder is", "binders are"));
    match (binders, odd) {
        (0, 0) => Check::warning(Area::Service, "the organisation shows no binder to this client", none),
        (_, 0) => Check::ok(Area::Service, visible),
        _ => {
            let next = "a run counts each of them as failed; report this with the output of doctor";
            Check::warning(Area::Service, format!("{visible}; {odd} can't be read"), next)
        }
    }
}

fn lacking(lacks: &[&str]) -> String {
    if lacks.is_empty() { "all fields are present".to_owned() } else { format!("without {}", lacks.join(", ")) }
}

fn describe<T>(seen: &Inspected<T>, lacks: &[&str]) -> String {
    seen.read.as_ref().err().map_or_else(|| lacking(lacks), ToString::to_string)
}
