//! The vertical scale of a chart.
//!
//! The first run downloads a thousand times as much as a nightly one. To show both, heights are logarithmic: the logarithm
//! of the value plus one unit, which is 0 for 0.

/// What a chart measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Documents,
    Bytes,
    Seconds,
}

impl Measure {
    /// The smallest visible step.
    fn unit(self) -> f64 {
        match self {
            Self::Documents | Self::Seconds => 1.0,
            Self::Bytes => 1000.0,
        }
    }

    /// Possible lines and their labels.
    #[rustfmt::skip]
    fn ticks(self) -> &'static [(f64, &'static str)] {
        match self {
            Self::Documents => &[
                (1.0, "1"), (10.0, "10"), (100.0, "100"), (1e3, "1,000"), (1e4, "10,000"), (1e5, "100,000"), (1e6, "1 mill."),
                (1e7, "10 mill."),
            ],
            Self::Bytes => &[
                (1e3, "1 kB"), (1e4, "10 kB"), (1e5, "100 kB"), (1e6, "1 MB"), (1e7, "10 MB"), (1e8, "100 MB"), (1e9, "1 GB"),
                (1e10, "10 GB"), (1e11, "100 GB"), (1e12, "1 TB"), (1e13, "10 TB"),
            ],
            Self::Seconds => &[
                (1.0, "1 s"), (10.0, "10 s"), (60.0, "1 min"), (600.0, "10 min"), (3600.0, "1 h"), (36_000.0, "10 h"),
                (360_000.0, "100 h"),
            ],
        }
    }
}

/// A scale up to some value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    measure: Measure,
    top: f64,
}

/// The most lines of a chart.
const MOST_LINES: usize = 4;

impl Scale {
    /// A scale up to the first line at or above the largest value.
    pub(crate) fn up_to(measure: Measure, largest: f64) -> Self {
        let ticks = measure.ticks();
        let top = ticks.iter().map(|(value, _)| *value).find(|value| *value >= largest).unwrap_or(largest);
        Self { measure, top }
    }

    /// The height of a value, from 0 to 1.
    pub(crate) fn height(self, value: f64) -> f64 {
        let grown = |value: f64| (1.0 + value.max(0.0) / self.measure.unit()).log10();
        grown(value) / grown(self.top)
    }

    /// The lines to draw: the top one and every nth below it.
    pub(crate) fn lines(self) -> Vec<(f64, &'static str)> {
        let below: Vec<_> = self.measure.ticks().iter().copied().filter(|(value, _)| *value <= self.top).collect();
        let step = below.len().div_ceil(MOST_LINES).max(1);
        below.into_iter().rev().step_by(step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_values_are_both_visible() {
        let scale = Scale::up_to(Measure::Documents, 300.0);
        assert!(scale.height(0.0) == 0.0 && (scale.height(1000.0) - 1.0).abs() < 1e-9);
        assert!(scale.height(1.0) > 0.09 && scale.height(300.0) < 0.9);
        assert!((scale.height(-1.0)).abs() < 1e-9);
    }

    #[test]
    fn lines_are_few_and_begin_at_the_top() {
        for (measure, largest, labels) in [
            (Measure::Documents, 0.0, &["1"][..]),
            (Measure::Documents, 300.0, &["1,000", "100", "10", "1"]),
            (Measure::Documents, 1e6, &["1 mill.", "10,000", "100", "1"]),
            (Measure::Bytes, 1.0, &["1 kB"]),
            (Measure::Bytes, 2e11, &["1 TB", "1 GB", "1 MB", "1 kB"]),
            (Measure::Seconds, 59.0, &["1 min", "10 s", "1 s"]),
        ] {
            let lines = Scale::up_to(measure, largest).lines();
            assert_eq!(lines.iter().map(|(_, label)| *label).collect::<Vec<_>>(), labels, "{largest}");
        }
        // Beyond all lines the largest value is the top.
        assert!((Scale::up_to(Measure::Seconds, 1e6).height(1e6) - 1.0).abs() < 1e-9);
    }
}
