//! What a user means by a name.

use super::fold;

/// The most suggestions.
const NEAR: usize = 3;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<K> {
    /// Exactly one thing has it.
    One(K),
    /// Several have it.
    Several(Vec<K>),
    /// None has it; these have similar ones, the most similar first.
    Unknown(Vec<K>),
}

/// Compares names with the one that a user gave, without case and accents.
#[derive(Debug)]
pub struct Choosing<K> {
    wanted: String,
    /// The typos with which a name is still suggested.
    most: usize,
    exact: Vec<K>,
    near: Vec<(usize, K)>,
}

impl<K: PartialEq> Choosing<K> {
    /// Begins with the name that was given.
    pub fn new(wanted: &str) -> Self {
        let wanted = fold(wanted);
        Self { most: (wanted.chars().count() / 4).clamp(1, 3), wanted, exact: Vec::new(), near: Vec::new() }
    }

    /// Considers a folded name of a thing.
    pub fn consider(&mut self, name: &str, key: K) {
        if name == self.wanted {
            if !self.exact.contains(&key) {
                self.exact.push(key);
            }
            return;
        }
        let name = if self.wanted.contains('.') { name } else { name.rsplit_once('.').map_or(name, |(stem, _)| stem) };
        // A letter has one or two bytes, in nearly all names.
        if !self.exact.is_empty() || name.len().abs_diff(self.wanted.len()) > 2 * self.most {
            return;
        }
        let distance = strsim::osa_distance(name, &self.wanted);
        if distance <= self.most && self.near.iter().all(|(_, other)| *other != key) {
            self.near.push((distance, key));
            self.near.sort_by_key(|(distance, _)| *distance);
            self.near.truncate(NEAR);
        }
    }

    /// The result.
    pub fn decide(mut self) -> Choice<K> {
        match self.exact.len() {
            0 => Choice::Unknown(self.near.into_iter().map(|(_, key)| key).collect()),
            1 => Choice::One(self.exact.remove(0)),
            _ => Choice::Several(self.exact),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_thing_or_for_none() {
        let names = ["Plan.pdf", "plan.pdf", "Elavtal 2025.pdf", "Elavtal 2026.pdf", "Försäkring.docx", "Avtal.pdf"];
        for (wanted, choice) in [
            ("försäkring.DOCX", Choice::One(4)),
            ("Avtal.pdf", Choice::One(5)),
            ("PLAN.PDF", Choice::Several(vec![0, 1])),
            ("Elavtal 2026.pfd", Choice::Unknown(vec![3, 2])),
            ("Elavtal 2026", Choice::Unknown(vec![3, 2])),
            ("Forsakring.docx", Choice::Unknown(vec![4])),
            ("Stadgar.pdf", Choice::Unknown(vec![])),
            ("", Choice::Unknown(vec![])),
        ] {
            let mut choosing = Choosing::new(wanted);
            for (key, name) in names.iter().enumerate() {
                choosing.consider(&fold(name), key);
            }
            assert_eq!(choosing.decide(), choice, "{wanted}");
        }
        // Two names of one thing are no ambiguity.
        let mut choosing = Choosing::new("Brf Eken");
        for name in ["brf eken", "brf eken"] {
            choosing.consider(name, 7);
        }
        assert_eq!(choosing.decide(), Choice::One(7));
    }
}
