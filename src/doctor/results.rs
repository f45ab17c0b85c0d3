//! What was found so far.

use std::collections::BTreeMap;

use super::statements::ALL;
use crate::report::{Belief, Check, Statement};

/// Checks in their order, and what was seen of each statement.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) checks: Vec<Check>,
    beliefs: BTreeMap<&'static str, (Belief, String)>,
}

impl Sheet {
    pub(super) fn add(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// Something was seen of a statement. What refutes it once, refutes it.
    pub(super) fn saw(&mut self, statement: &'static str, holds: bool, seen: impl Into<String>) {
        let belief = if holds { Belief::Confirmed } else { Belief::Refuted };
        let before = self.beliefs.get(statement).map(|(belief, _)| *belief);
        if before != Some(Belief::Refuted) {
            self.beliefs.insert(statement, (belief, seen.into()));
        }
    }

    /// All statements, those of which nothing was seen too.
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
    fn what_was_refuted_stays_refuted() {
        let mut sheet = Sheet::default();
        sheet.saw(ALL[0], true, "once");
        sheet.saw(ALL[0], false, "not now");
        sheet.saw(ALL[0], true, "again");
        let statements = sheet.statements();
        assert_eq!((statements[0].belief, statements[0].seen.as_str()), (Belief::Refuted, "not now"));
        assert_eq!(statements[1].belief, Belief::Unseen);
        assert_eq!(statements.len(), ALL.len());
    }
}
