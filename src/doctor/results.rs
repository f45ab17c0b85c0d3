//! Collects the results.

use std::collections::BTreeMap;

use super::statements::ALL;
use crate::report::{Belief, Check, Statement};

/// Checks in their order, and what was observed about each statement.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub(super) checks: Vec<Check>,
    beliefs: BTreeMap<&'static str, (Belief, String)>,
}

impl Results {
    pub(super) fn add(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// Records an observation about a statement; one refutation is final.
    pub(super) fn observe(&mut self, statement: &'static str, confirmed: bool, seen: impl Into<String>) {
        let belief = if confirmed { Belief::Confirmed } else { Belief::Refuted };
        let before = self.beliefs.get(statement).map(|(belief, _)| *belief);
        if before != Some(Belief::Refuted) {
            self.beliefs.insert(statement, (belief, seen.into()));
        }
    }

    /// All statements, also those without observations.
    pub(super) fn statements(&self) -> Vec<Statement> {
        let of = |statement: &&'static str| {
            let (belief, seen) = self.beliefs.get(statement).cloned().unwrap_or((Belief::Unseen, String::new()));
            Statement { statement, belief, seen }
        };
        ALL.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refutation_is_final() {
        let mut results = Results::default();
        results.observe(ALL[0], true, "once");
        results.observe(ALL[0], false, "not now");
        results.observe(ALL[0], true, "again");
        let statements = results.statements();
        assert_eq!((statements[0].belief, statements[0].seen.as_str()), (Belief::Refuted, "not now"));
        assert_eq!(statements[1].belief, Belief::Unseen);
        assert_eq!(statements.len(), ALL.len());
    }
}
