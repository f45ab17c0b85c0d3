//! The metadata columns of a catalogue.
//!
//! A column stands for a label: elements of different binders with the same label share one column. If two elements of one
//! binder have the same label, or a label equals the name of a fixed column, the column's name gets the element's id.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{metadata_elements::Element, record::FIXED};

/// The key of a version's label, which has a fixed column.
pub(super) const VERSION: &str = "GLOBAL_Version";

/// Keys whose values are already in fixed columns.
const FIXED_KEYS: [&str; 2] = [VERSION, "GLOBAL_BinderId"];

/// The metadata columns, and the column of each binder's element.
#[derive(Debug, Default)]
pub(super) struct Columns {
    names: Vec<String>,
    /// By binder and element id.
    places: HashMap<String, HashMap<String, usize>>,
}

impl Columns {
    /// Columns for the binders' elements in their order, and for keys of documents that are in no schema.
    pub(super) fn new(binders: &[(String, Vec<Element>)], used: &BTreeSet<(String, String)>) -> Self {
        let mut columns = Self::default();
        let mut by_name: HashMap<String, usize> = HashMap::new();
        // The service's own elements come first, since all binders have them.
        for global in [true, false] {
            for (binder, elements) in binders {
                for element in elements.iter().filter(|element| element.id.starts_with("GLOBAL_") == global) {
                    columns.add(&mut by_name, binder, &element.id, &element.label);
                }
            }
        }
        for (binder, key) in used {
            columns.add(&mut by_name, binder, key, key);
        }
        columns
    }

    fn add(&mut self, by_name: &mut HashMap<String, usize>, binder: &str, id: &str, label: &str) {
        let here = self.places.entry(binder.to_owned()).or_default();
        if FIXED_KEYS.contains(&id) || here.contains_key(id) {
            return;
        }
        let taken: HashSet<usize> = here.values().copied().collect();
        let is_fixed = |name: &str| FIXED.contains(&name);
        let is_free = |name: &str| !is_fixed(name) && by_name.get(name).is_none_or(|at| !taken.contains(at));
        let name = if is_free(label) { label.to_owned() } else { format!("{label} [{id}]") };
        let next = self.names.len();
        let place = *by_name.entry(name.clone()).or_insert(next);
        if place == next {
            self.names.push(name);
        }
        here.insert(id.to_owned(), place);
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// A binder's columns, in order.
    pub(super) fn of_binder(&self, binder: &str) -> Vec<usize> {
        let mut columns: Vec<usize> = self.places.get(binder).into_iter().flat_map(HashMap::values).copied().collect();
        columns.sort_unstable();
        columns
    }

    /// The column of a binder's element.
    pub(super) fn place(&self, binder: &str, element: &str) -> Option<usize> {
        self.places.get(binder)?.get(element).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(id: &str, label: &str) -> Element {
        Element { id: id.to_owned(), label: label.to_owned(), is_date: false, values: HashMap::new() }
    }

    #[test]
    fn a_column_is_a_label() {
        let binders = [
            (
                "A".to_owned(),
                vec![element("a1", "Byggnad"), element("GLOBAL_Status", "Status"), element("a2", "Byggnad")],
            ),
            (
                "B".to_owned(),
                vec![
                    element("b1", "Byggnad"),
                    element("GLOBAL_Status", "Läge"),
                    element("b2", "size"),
                    element("GLOBAL_Version", "Version"),
                ],
            ),
        ];
        let used = [("A", "a1"), ("A", "old"), ("C", "c1"), ("B", "GLOBAL_BinderId")];
        let used = used.map(|(binder, key)| (binder.to_owned(), key.to_owned())).into();
        let columns = Columns::new(&binders, &used);
        assert_eq!(columns.names(), ["Status", "Läge", "Byggnad", "Byggnad [a2]", "size [b2]", "old", "c1"]);
        assert_eq!((columns.place("A", "a1"), columns.place("B", "b1")), (Some(2), Some(2)));
        assert_eq!((columns.place("A", "a2"), columns.place("B", "b2")), (Some(3), Some(4)));
        assert_eq!((columns.place("A", "old"), columns.place("B", "old")), (Some(5), None));
        assert_eq!(columns.place("B", "GLOBAL_Version"), None);
        assert_eq!(
            (columns.of_binder("A"), columns.of_binder("B"), columns.of_binder("D")),
            (vec![0, 2, 3, 5], vec![1, 2, 4], vec![])
        );
    }
}
