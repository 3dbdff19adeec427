//! One difference of y along an unknown, and what it says of its error.

/// A step so many times longer tells noise from curvature.
pub(super) const TELLING: f64 = 30.0;

/// Squares of second differences up to this multiple of what noise makes on average may be noise.
const BY_CHANCE: f64 = 4.0;

/// What was tried for a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Column {
    pub(super) trials: Vec<DifferenceTrial>,
    /// Nothing more is to be tried.
    pub(super) done: bool,
}

impl Column {
    /// Whether the last of several steps shows second differences to be noise and no curvature, which grows with the square of
    /// the step. `small` says that they are so small beside y that noise may make them, whatever first differences do.
    pub(super) fn scatters(&self, small: bool) -> bool {
        let (Some(first), Some(last)) = (self.trials.first(), self.trials.last()) else {
            return false;
        };
        let (Some(before), Some(after)) = (first.second, last.second) else {
            return false;
        };
        let longer = last.step / first.step;
        let weight = |second: f64, trial: &DifferenceTrial| second / (trial.step * trial.length);
        longer > 1.0 && weight(after, last) < 0.3 * weight(before, first)
            || small && longer > 3.0 && after < 2.0 * before
            // Beyond that the ups and downs of y may be what does not grow.
            || small
                && longer > 3.0
                && longer < 2.0 * TELLING
                && after < 0.05 * longer * longer * before
    }
}

/// A difference of y along an unknown.
#[derive(Debug, Clone)]
pub(super) struct DifferenceTrial {
    /// Half of the width of a central difference, or the width of one from one side.
    pub(super) step: f64,
    /// How much of the noise over the step is an error.
    pub(super) share: f64,
    pub(super) values: Vec<f64>,
    /// ‖J‖.
    pub(super) length: f64,
    /// ‖P(x + h) − 2 P(x) + P(x − h)‖, if both sides were seen.
    pub(super) second: Option<f64>,
    /// The mean square of that, and relative to y.
    pub(super) squares: (f64, f64),
    /// By how much y moved beside its own size, where the size of the unknown is not known.
    pub(super) reach: f64,
    /// Whether the answers were rounded, as far as these tell.
    pub(super) rounded: Option<Vec<f64>>,
}

/// What a trial says of its error, relative to the column's length.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColumnError {
    pub(super) noise: f64,
    pub(super) bend: f64,
}

impl ColumnError {
    pub(super) fn sum(self) -> f64 {
        self.noise + self.bend
    }
}

impl DifferenceTrial {
    pub(super) fn error(&self, noise: f64) -> ColumnError {
        if self.length == 0.0 {
            // An unknown without any effect is known as well as the noise allows.
            return ColumnError {
                noise: if noise > 0.0 { f64::INFINITY } else { 0.0 },
                bend: 0.0,
            };
        }
        // Half of h over the length on which y' changes is the ratio of second to first differences.
        let bend = self.second.map(|second| {
            let second = (second * second - BY_CHANCE * 6.0 * noise * noise)
                .max(0.0)
                .sqrt();
            second / (2.0 * self.step * self.length)
        });
        ColumnError {
            noise: self.share * noise / (self.step * self.length),
            bend: (2.0 / 3.0 * bend.unwrap_or(0.0).powi(2))
                .max(self.reach * self.reach)
                .min(1.0),
        }
    }
}
