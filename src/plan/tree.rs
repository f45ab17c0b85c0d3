//! The folder tree of one binder, and the folders of the mirror.
//!
//! A known folder keeps its name and place until the service gives it another one; being unlisted or unreadable changes
//! nothing. New, renamed and moved folders get their names per parent, parents first, and don't take the names of others. A
//! folder that only documents name (the folder endpoints are partly assumed) shares its tab's folder, or is named after its
//! id until its name is known.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use crate::{
    model::{BadPath, BinderId, Folder, FolderId, KnownFolder, NameLimit, RelPath},
    naming::{self, Step},
};

/// Deepest nesting that is followed; anything deeper, or in a loop, is attached to the binder.
pub const DEEPEST: usize = 256;

/// Paths up to this length are far below the system's limit, and aren't checked step by step.
const SHORT: usize = 2048;

/// A binder's folders.
#[derive(Debug)]
pub struct Tree {
    binder: BinderId,
    segment: String,
    limit: NameLimit,
    nodes: BTreeMap<FolderId, KnownFolder>,
    root: RelPath,
    paths: HashMap<FolderId, RelPath>,
    keys: HashSet<Box<str>>,
    /// Folders whose preferred name belongs to a document's file, with that name.
    contested: Vec<(FolderId, String)>,
    /// Whether some folder names an unknown parent.
    orphans: bool,
}

impl Tree {
    /// A tree from its rows; `segment` is the binder's folder below the destination.
    pub fn new(
        binder: BinderId,
        segment: String,
        folders: Vec<KnownFolder>,
        limit: NameLimit,
    ) -> Result<Self, BadPath> {
        let root = RelPath::new(&segment)?;
        let ids: HashSet<FolderId> = folders.iter().map(|f| f.id.clone()).collect();
        // The trees of all binders stay in memory, so equal ids are shared.
        let shared = |parent: FolderId| ids.get(&parent).cloned().unwrap_or(parent);
        let nodes =
            folders.into_iter().map(|f| (f.id.clone(), KnownFolder { parent: f.parent.map(shared), ..f })).collect();
        let (paths, keys, contested) = (HashMap::new(), HashSet::new(), Vec::new());
        let mut tree = Self { binder, segment, limit, nodes, root, paths, keys, contested, orphans: false };
        tree.lay_out();
        Ok(tree)
    }

    /// Whether a folder has a place and needn't be looked up; `since` is when looking up was last due.
    pub fn places(&self, folder: &FolderId, since: i64) -> bool {
        self.nodes.get(folder).is_some_and(|node| node.known || node.asked_at >= since)
    }

    /// Where documents of a folder lie; `None` if the folder has no place yet.
    pub fn path(&self, folder: Option<&FolderId>) -> Option<&RelPath> {
        folder.map_or(Some(&self.root), |id| self.paths.get(id))
    }

    /// The binder's own folder.
    pub fn root(&self) -> &RelPath {
        &self.root
    }

    /// Whether some folder has this path, by key.
    pub fn has(&self, path_key: &str) -> bool {
        self.keys.contains(path_key)
    }

    /// The binder's folder below the destination.
    pub fn segment(&self) -> &str {
        &self.segment
    }

    /// A folder that is known.
    pub fn folder(&self, folder: &FolderId) -> Option<&KnownFolder> {
        self.nodes.get(folder)
    }

    /// How many folders are known.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether no folder is known.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The tabs that the service listed.
    pub fn tabs(&self) -> Vec<FolderId> {
        self.nodes.values().filter(|f| f.known && f.parent.is_none()).map(|f| f.id.clone()).collect()
    }

    /// Applies a listing of all folders. `taken` returns whether a document's file has a path (by key). Returns the changed
    /// rows and the ids that are no longer listed.
    pub fn refresh(
        &mut self,
        listed: Vec<Folder>,
        now: i64,
        taken: impl Fn(&str) -> bool,
    ) -> (Vec<KnownFolder>, Vec<FolderId>) {
        let gone: Vec<FolderId> = {
            let ids: HashSet<&FolderId> = listed.iter().map(|f| &f.id).collect();
            self.nodes.values().filter(|f| f.known && !ids.contains(&f.id)).map(|f| f.id.clone()).collect()
        };
        let mut changed = HashSet::new();
        let listed_ids: HashSet<FolderId> = listed.iter().map(|f| f.id.clone()).collect();
        for folder in listed {
            let parent =
                folder.parent.filter(|p| *p != folder.id && (listed_ids.contains(p) || self.nodes.contains_key(p)));
            let same = self.nodes.get(&folder.id).is_some_and(|old| {
                old.known && old.parent == parent && old.name == folder.name && old.segment.is_some()
            });
            if !same {
                changed.insert(folder.id.clone());
                let node = KnownFolder {
                    id: folder.id.clone(),
                    parent,
                    name: folder.name,
                    segment: None,
                    known: true,
                    asked_at: now,
                };
                self.nodes.insert(folder.id, node);
            }
        }
        self.name_new(&changed, taken);
        self.lay_out();
        (changed.iter().filter_map(|id| self.nodes.get(id).cloned()).collect(), gone)
    }

    /// Folders whose preferred name belongs to a document's file, with that name.
    pub fn contested(&self) -> &[(FolderId, String)] {
        &self.contested
    }

    /// The path that a folder would have under another name.
    pub fn path_as(&self, folder: &FolderId, segment: &str) -> Option<RelPath> {
        let parent = self.nodes.get(folder)?.parent.as_ref().filter(|p| self.nodes.contains_key(*p));
        self.path(parent)?.join(segment).ok()
    }

    /// Renames a folder and returns its previous name. Paths change with the next [`Tree::lay_out`].
    pub fn rename(&mut self, folder: &FolderId, segment: String) -> Option<String> {
        self.nodes.get_mut(folder)?.segment.replace(segment)
    }

    /// A folder's row.
    pub fn row(&self, folder: &FolderId) -> Option<&KnownFolder> {
        self.nodes.get(folder)
    }

    /// Renames folders whose names are too long for the file system, because the mirror was copied to a stricter one.
    /// `taken` as in [`Tree::refresh`]. Returns the changed rows.
    pub fn shorten(&mut self, taken: impl Fn(&str) -> bool) -> Vec<KnownFolder> {
        let is_too_long = |node: &&KnownFolder| node.segment.as_deref().is_some_and(|name| !self.limit.takes(name));
        let long: HashSet<FolderId> = self.nodes.values().filter(is_too_long).map(|node| node.id.clone()).collect();
        if long.is_empty() {
            return Vec::new();
        }
        self.name_new(&long, taken);
        self.lay_out();
        long.iter().filter_map(|id| self.nodes.get(id).cloned()).collect()
    }

    /// Adds folders that only documents name, each with its tab. Returns their rows.
    pub fn add_unlisted(
        &mut self,
        folders: &[(&FolderId, Option<&FolderId>)],
        now: i64,
        taken: impl Fn(&str) -> bool,
    ) -> Vec<KnownFolder> {
        let mut rows = Vec::with_capacity(folders.len());
        for &(folder, tab) in folders {
            if let Some(node) = self.nodes.get_mut(folder) {
                // Known folders keep their place, also those that were added here before.
                node.asked_at = now;
            } else {
                self.insert_unlisted(folder, tab, now, &taken);
            }
            rows.push(self.nodes[folder].clone());
        }
        // Folders that named it as their parent now belong below it.
        if self.orphans {
            self.lay_out();
        }
        rows
    }

    /// Adds a folder that only documents name, in its tab's folder or in one of its own below the binder. No other folder
    /// moves, so the time needed depends only on the number of added folders.
    fn insert_unlisted(&mut self, folder: &FolderId, tab: Option<&FolderId>, now: i64, taken: impl Fn(&str) -> bool) {
        let tab = tab.filter(|t| *t != folder && self.nodes.get(t).is_some_and(|n| n.known));
        let (name, segment, path) = if let Some(tab) = tab {
            (String::new(), None, self.paths.get(tab).cloned())
        } else {
            let join = |name: String| Some((self.root.join(&name).ok()?, name));
            let free = |(path, _): &(RelPath, String)| {
                let key = naming::key(path.as_str());
                !self.keys.contains(key.as_str()) && !naming::is_reserved(&key) && !taken(&key)
            };
            let found = naming::folder_names(folder.as_str(), folder.as_str(), self.limit).filter_map(join).find(free);
            (folder.as_str().to_owned(), found.as_ref().map(|(_, name)| name.clone()), found.map(|(path, _)| path))
        };
        let path = path.unwrap_or_else(|| self.root.clone());
        self.keys.insert(naming::key(path.as_str()).into());
        self.paths.insert(folder.clone(), path);
        let (id, parent) = (folder.clone(), tab.cloned());
        let node = KnownFolder { id, parent, name, segment, known: false, asked_at: now };
        self.nodes.insert(folder.clone(), node);
    }

    /// Forgets folders that are neither listed nor used, unless they contain folders. Returns the forgotten ones.
    pub fn forget(&mut self, folders: Vec<FolderId>) -> Vec<FolderId> {
        let mut children: HashMap<FolderId, usize> = HashMap::new();
        for parent in self.nodes.values().filter_map(|n| n.parent.as_ref()) {
            *children.entry(parent.clone()).or_default() += 1;
        }
        let wanted: HashSet<FolderId> = folders.iter().cloned().collect();
        let mut empty: Vec<FolderId> = folders.into_iter().filter(|f| !children.contains_key(f)).collect();
        let mut gone = Vec::new();
        while let Some(folder) = empty.pop() {
            let Some(node) = self.nodes.remove(&folder) else { continue };
            if let Some(path) = self.paths.remove(&folder) {
                self.keys.remove(naming::key(path.as_str()).as_str());
            }
            if let Some(parent) = node.parent
                && let Some(count) = children.get_mut(&parent)
            {
                *count -= 1;
                if *count == 0 && wanted.contains(&parent) {
                    empty.push(parent);
                }
            }
            gone.push(folder);
        }
        gone
    }

    /// Assigns names to the folders in `new`, parents first.
    fn name_new(&mut self, new: &HashSet<FolderId>, taken: impl Fn(&str) -> bool) {
        let order = self.parents_first();
        let mut used: HashMap<Option<FolderId>, HashSet<String>> = HashMap::new();
        for node in self.nodes.values() {
            if let Some(segment) = node.segment.as_deref().filter(|_| !new.contains(&node.id)) {
                used.entry(node.parent.clone()).or_default().insert(naming::key(segment));
            }
        }
        let mut paths: HashMap<FolderId, String> = HashMap::new();
        for id in order {
            let Some(node) = self.nodes.get(&id) else { continue };
            let parent =
                node.parent.as_ref().and_then(|p| paths.get(p)).cloned().unwrap_or_else(|| self.segment.clone());
            let segment = if new.contains(&id) {
                let used = used.entry(node.parent.clone()).or_default();
                let is_reserved = |name: &str| naming::is_reserved(&naming::key(&format!("{parent}/{name}")));
                let mut names = naming::folder_names(&node.name, id.as_str(), self.limit)
                    .filter(|name| !used.contains(&naming::key(name)) && !is_reserved(name));
                let best = names.next();
                let has_file = |name: &String| taken(&naming::key(&format!("{parent}/{name}")));
                let free = best.clone().filter(|name| !has_file(name)).or_else(|| {
                    self.contested.extend(best.map(|name| (id.clone(), name)));
                    names.find(|name| !has_file(name))
                });
                used.extend(free.as_deref().map(naming::key));
                free
            } else {
                node.segment.clone()
            };
            // Paths near the system's limit are shortened in `lay_out`, so a document's file would not be found at the full
            // one.
            let path = match &segment {
                Some(segment) if parent.len() < SHORT => format!("{parent}/{segment}"),
                _ => parent,
            };
            paths.insert(id.clone(), path);
            if let Some(node) = self.nodes.get_mut(&id) {
                node.segment = segment;
            }
        }
    }

    /// Every folder after its parent. Cuts loops: a folder that can't be reached from the binder is attached to it.
    fn parents_first(&mut self) -> Vec<FolderId> {
        let mut children: HashMap<Option<&FolderId>, Vec<&FolderId>> = HashMap::new();
        for node in self.nodes.values() {
            let parent = node.parent.as_ref().filter(|p| self.nodes.contains_key(*p));
            children.entry(parent).or_default().push(&node.id);
        }
        let mut order: Vec<FolderId> = Vec::with_capacity(self.nodes.len());
        let mut reached: HashSet<&FolderId> = HashSet::new();
        let mut queue: VecDeque<&FolderId> = children.get(&None).into_iter().flatten().copied().collect();
        let mut loops = Vec::new();
        let mut rest = self.nodes.keys();
        loop {
            while let Some(id) = queue.pop_front() {
                if reached.insert(id) {
                    order.push(id.clone());
                    queue.extend(children.get(&Some(id)).into_iter().flatten());
                }
            }
            match rest.find(|id| !reached.contains(id)) {
                Some(id) => {
                    loops.push(id.clone());
                    queue.push_back(id);
                }
                None => break,
            }
        }
        for id in loops {
            if let Some(node) = self.nodes.get_mut(&id) {
                node.parent = None;
            }
        }
        order
    }

    /// Computes the paths of all folders from their segments.
    pub fn lay_out(&mut self) {
        self.paths.clear();
        self.keys.clear();
        self.orphans = self.nodes.values().any(|n| n.parent.as_ref().is_some_and(|p| !self.nodes.contains_key(p)));
        let mut depths: HashMap<FolderId, usize> = HashMap::new();
        for id in self.parents_first() {
            let Some(node) = self.nodes.get(&id) else { continue };
            let depth = 1 + node.parent.as_ref().and_then(|p| depths.get(p)).copied().unwrap_or_default();
            depths.insert(id.clone(), depth);
            let parent = node.parent.as_ref().map_or(Some(&self.root), |p| self.paths.get(p));
            let path = match (parent, node.segment.as_deref()) {
                (Some(parent), Some(segment)) if parent.as_str().len() + segment.len() < SHORT => parent.join(segment),
                (Some(parent), None) => Ok(parent.clone()),
                _ => RelPath::new(&naming::folder_path(&self.chain(node, depth), self.limit).join("/")),
            };
            // Segments are portable steps, so this never fails; if it did, the binder's folder would do.
            let path = path.unwrap_or_else(|_| self.root.clone());
            self.keys.insert(naming::key(path.as_str()).into());
            self.paths.insert(id, path);
        }
        self.keys.insert(naming::key(self.root.as_str()).into());
    }

    /// The steps down to a folder; one that is too deep is attached to the binder.
    fn chain<'t>(&'t self, folder: &'t KnownFolder, depth: usize) -> Vec<Step<'t>> {
        let parent = |node: &&KnownFolder| node.parent.as_ref().and_then(|p| self.nodes.get(p));
        let upwards = std::iter::successors(Some(folder), parent).take(if depth < DEEPEST { depth } else { 1 });
        let step = |node: &'t KnownFolder| node.segment.as_deref().map(|name| Step { name, id: node.id.as_str() });
        let mut steps: Vec<Step<'t>> = upwards.filter_map(step).collect();
        steps.push(Step { name: &self.segment, id: self.binder.as_str() });
        steps.reverse();
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> FolderId {
        FolderId::parse(text).unwrap()
    }

    fn folder(text: &str, parent: Option<&str>, name: &str) -> Folder {
        Folder { id: id(text), parent: parent.map(id), name: name.into() }
    }

    fn tree() -> Tree {
        Tree::new(BinderId::parse("b").unwrap(), "Kv. Björken".into(), vec![], NameLimit::USUAL).unwrap()
    }

    fn path(tree: &Tree, text: &str) -> String {
        tree.path(Some(&id(text))).map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn folders_nest() {
        let mut tree = tree();
        let (rows, gone) =
            tree.refresh(vec![folder("2", Some("1"), "El"), folder("1", None, "Ritningar")], 5, |_| false);
        assert_eq!((rows.len(), gone.len()), (2, 0));
        assert_eq!(path(&tree, "2"), "Kv. Björken/Ritningar/El");
        assert_eq!(tree.path(None).unwrap().as_str(), "Kv. Björken");
        assert!(tree.has(&naming::key("Kv. BJÖRKEN/ritningar")));
        assert_eq!(tree.tabs(), [id("1")]);
    }

    #[test]
    fn the_first_owner_keeps_the_plain_name() {
        let mut tree = tree();
        tree.refresh(vec![folder("22222222-b", None, "El")], 1, |_| false);
        tree.refresh(vec![folder("11111111-a", None, "EL"), folder("22222222-b", None, "El")], 2, |_| false);
        assert_eq!(path(&tree, "22222222-b"), "Kv. Björken/El");
        assert_eq!(path(&tree, "11111111-a"), "Kv. Björken/EL [11111111]");
        // A name that was given once doesn't change by itself.
        tree.refresh(vec![folder("11111111-a", None, "EL")], 3, |_| false);
        assert_eq!(path(&tree, "11111111-a"), "Kv. Björken/EL [11111111]");
    }

    #[test]
    fn two_folders_swap_their_names() {
        let mut tree = tree();
        tree.refresh(vec![folder("1", None, "A"), folder("2", None, "B")], 1, |_| false);
        tree.refresh(vec![folder("1", None, "B"), folder("2", None, "A")], 2, |_| false);
        assert_eq!((path(&tree, "1").as_str(), path(&tree, "2").as_str()), ("Kv. Björken/B", "Kv. Björken/A"));
    }

    #[test]
    fn a_folder_that_is_not_listed_keeps_its_place() {
        let mut tree = tree();
        tree.refresh(vec![folder("1", None, "A")], 1, |_| false);
        let (_, gone) = tree.refresh(vec![], 2, |_| false);
        assert_eq!(gone, [id("1")]);
        assert_eq!(path(&tree, "1"), "Kv. Björken/A");
        assert_eq!(tree.forget(vec![id("1")]), [id("1")]);
        assert!(tree.path(Some(&id("1"))).is_none());
    }

    #[test]
    fn a_file_in_the_way_gives_a_folder_its_id() {
        let mut tree = tree();
        tree.refresh(vec![folder("12345678-9", None, "A")], 1, |key| key == naming::key("Kv. Björken/A"));
        assert_eq!(path(&tree, "12345678-9"), "Kv. Björken/A [12345678]");
    }

    #[test]
    fn unknown_folders_are_in_their_tab_or_named_after_their_id() {
        let mut tree = tree();
        tree.refresh(vec![folder("1", None, "Tab")], 1, |_| false);
        let (x, y) = (id("x"), id("y"));
        tree.add_unlisted(&[(&x, Some(&id("1"))), (&y, Some(&id("never-listed")))], 7, |_| false);
        assert_eq!((path(&tree, "x").as_str(), path(&tree, "y").as_str()), ("Kv. Björken/Tab", "Kv. Björken/y"));
        assert!(tree.places(&id("x"), 7) && !tree.places(&id("x"), 8));
        // Once known, they get their names.
        tree.refresh(vec![folder("1", None, "Tab"), folder("x", Some("1"), "X"), folder("y", None, "Y")], 9, |_| false);
        assert_eq!((path(&tree, "x").as_str(), path(&tree, "y").as_str()), ("Kv. Björken/Tab/X", "Kv. Björken/Y"));
    }

    #[test]
    fn an_added_folder_takes_a_free_name_and_moves_no_other() {
        let mut tree = tree();
        tree.refresh(vec![folder("1", None, "Y"), folder("2", Some("1"), "In")], 1, |_| false);
        let taken = |key: &str| key == naming::key("Kv. Björken/z");
        let (y, z) = (id("y"), id("z"));
        let rows = tree.add_unlisted(&[(&y, None), (&z, None), (&y, None)], 7, taken);
        let segments: Vec<_> = rows.iter().map(|row| row.segment.as_deref()).collect();
        assert_eq!(segments, [Some("y [y]"), Some("z [z]"), Some("y [y]")]);
        let paths = ["1", "2", "y", "z"].map(|text| path(&tree, text));
        assert!(["y [y]", "z [z]"].iter().all(|name| tree.has(&naming::key(&format!("Kv. Björken/{name}")))));
        // The tree is the same when it is built from the rows.
        let nodes = tree.nodes.values().cloned().collect();
        let again = Tree::new(BinderId::parse("b").unwrap(), "Kv. Björken".into(), nodes, NameLimit::USUAL).unwrap();
        assert_eq!(["1", "2", "y", "z"].map(|text| path(&again, text)), paths);
    }

    #[test]
    fn a_parent_that_is_added_late_gets_its_folders() {
        let rows = vec![KnownFolder {
            id: id("c"),
            parent: Some(id("p")),
            name: "C".into(),
            segment: Some("C".into()),
            known: true,
            asked_at: 1,
        }];
        let mut tree = Tree::new(BinderId::parse("b").unwrap(), "B".into(), rows, NameLimit::USUAL).unwrap();
        assert_eq!(path(&tree, "c"), "B/C");
        tree.add_unlisted(&[(&id("p"), None)], 2, |_| false);
        assert_eq!(path(&tree, "c"), "B/p/C");
    }

    #[test]
    fn folders_are_forgotten_from_the_deepest_upwards() {
        let mut tree = tree();
        let chain = |kept: &str| {
            let all = [folder("1", None, "A"), folder("2", Some("1"), "B"), folder("3", Some("2"), "C")];
            all.into_iter().filter(|f| kept.contains(f.id.as_str())).collect::<Vec<_>>()
        };
        tree.refresh(chain("123"), 1, |_| false);
        assert_eq!(tree.forget(vec![id("1"), id("2")]), []);
        assert_eq!(tree.forget(vec![id("2"), id("3")]), [id("3"), id("2")]);
        assert!(tree.has(&naming::key("Kv. Björken/A")) && !tree.has(&naming::key("Kv. Björken/A/B")));
    }

    #[test]
    fn loops_and_excessive_depths_end() {
        let mut tree = tree();
        tree.refresh(
            vec![folder("1", Some("2"), "A"), folder("2", Some("1"), "B"), folder("3", Some("3"), "C")],
            1,
            |_| false,
        );
        for text in ["1", "2", "3"] {
            assert!(path(&tree, text).starts_with("Kv. Björken/"), "{text}");
        }
        let deep: Vec<Folder> = (0..5000)
            .map(|n| folder(&n.to_string(), (n > 0).then(|| (n - 1).to_string()).as_deref(), "folder"))
            .collect();
        tree.refresh(deep, 2, |_| false);
        assert!(path(&tree, "4999").len() < 4096);
    }
}
