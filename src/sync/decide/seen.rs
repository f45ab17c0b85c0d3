//! Which documents with a row from an earlier run were seen in this one: one bit each.

/// Marks by row number. Rows of this run count as seen.
#[derive(Debug)]
pub(crate) struct SeenDocuments {
    bits: Vec<u64>,
    newest: i64,
}

impl SeenDocuments {
    /// For rows up to this number.
    pub(crate) fn up_to(newest: i64) -> Self {
        let words = usize::try_from(newest.max(0) / 64 + 1).unwrap_or(0);
        Self { bits: vec![0; words], newest }
    }

    /// Marks a document; returns true the first time.
    pub(crate) fn mark(&mut self, number: i64) -> bool {
        let Some((word, bit)) = self.place(number) else { return false };
        let first = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        first
    }

    pub(crate) fn has(&self, number: i64) -> bool {
        self.place(number).is_none_or(|(word, bit)| self.bits[word] & bit != 0)
    }

    fn place(&self, number: i64) -> Option<(usize, u64)> {
        let number = u64::try_from(number).ok().filter(|_| number <= self.newest)?;
        Some((usize::try_from(number / 64).ok()?, 1 << (number % 64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_marked_once() {
        let mut seen = SeenDocuments::up_to(130);
        assert!(seen.mark(130) && seen.mark(1) && !seen.mark(1));
        assert!(seen.has(1) && seen.has(130) && !seen.has(2));
        // A row of this run.
        assert!(!seen.mark(131) && seen.has(131));
    }
}
