//! Where steps may end: the region, its units, and how it follows what steps gain.

use serde::{Deserialize, Serialize};

use super::steps::Steps;
use crate::linalg::{Matrix, norm};
use crate::updates::{Trial, Verdict};

/// The ellipsoid ‖D Δx‖ ≤ δ.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TrustRegion {
    pub(super) scale: Vec<f64>,
    pub(super) radius: Option<f64>,
    /// ‖D x‖ of the current point and ‖D Δx‖ of the last step.
    pub(super) x_norm: f64,
    pub(super) step_norm: f64,
    pub(super) damping: f64,
    /// What the model promised: loss now minus loss of the model at x + Δx.
    pub(super) predicted: f64,
    pub(super) slope: f64,
    /// What the curvature of P takes off that promise, as far as it is known: ½ Δxᵀ S Δx.
    #[serde(default)]
    pub(super) bend: f64,
    /// Whether the last step was that of the model with this curvature.
    #[serde(default)]
    pub(super) curved: bool,
    /// For how many trials in a row it foretold the loss better.
    #[serde(default)]
    foretold: usize,
    /// Whether a longer step from this point was rejected.
    #[serde(default)]
    shrunk: bool,
    /// The last whole steps.
    #[serde(default)]
    pub(super) steps: Steps,
    /// Differences of the loss below this say nothing.
    pub(super) noise: f64,
    /// ‖D Δx‖ of the last step taken on the model's word alone.
    polished: Option<f64>,
    /// ‖D Δx‖ of the undamped step; 0 where J is not formed.
    pub(super) whole_norm: f64,
    /// For how many steps the region held back and little was gained.
    pub(super) crawled: usize,
    /// Whether bounds bent the last step: then a shorter one may gain what it does not.
    pub(super) bent: bool,
    /// Whether the radius held the last step back.
    #[serde(skip)]
    pub(super) limited: bool,
    /// Whether D measures changes of x by x itself, since J misled.
    relative: bool,
    /// Whether the loss was what the model promised, all along the first step.
    #[serde(default)]
    linear: Linearity,
    /// By how much the model says that the loss could fall, whatever the radius.
    /// Kept over a pause: an update that is not judged yet is judged by it.
    #[serde(default = "unknown")]
    pub(super) whole: f64,
    /// That, where the last trial was no better than the model allows.
    #[serde(skip)]
    pub(super) promise: Option<f64>,
    /// Whether the model says nothing of some free unknowns: that nothing is left to gain holds for the others.
    #[serde(default)]
    pub(super) silent: bool,
    /// Whether the step need not be the best one within the bounds: then the model cannot say that nothing is left to gain.
    #[serde(default)]
    pub(super) partial: bool,
    /// Whether the last trial was as the model said: then steps may go all the way to the bounds.
    #[serde(default)]
    trusted: bool,
}

/// What is left to gain where nothing is known of it.
fn unknown() -> f64 {
    f64::INFINITY
}

/// What the first step says of P.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Linearity {
    /// There was none yet.
    #[default]
    Unknown,
    /// The loss was what a linear P promised, to this accuracy; there, the whole step is tried.
    Seen,
    /// It was something else.
    Bent,
}

/// A step that failed says no more of the loss than that it is too long: it is shortened to a quarter at the least.
const LEAST_SHRINK: f64 = 0.25;

/// A model that foretold the loss better so many times in a row is not better by chance. After one time it often is, in
/// valleys that bend.
const TWICE: usize = 2;

/// A loss that differs from what was promised by less than this share is that of a linear P: J by differences is
/// no better.
const AS_PROMISED: f64 = 1e-8;

/// Where less is promised than the loss can tell, a change of it is one from so many times its noise on.
const SURELY: f64 = 4.0;

/// A promise so many times above what the loss can tell says whether P is linear.
const TELLING: f64 = 1e4;

/// The whole step is tried up to this multiple of the radius: beyond, a direction without effect leads there.
const FARTHEST: f64 = 100.0;

/// A smaller share of the loss is no progress.
const CRAWL: f64 = 1e-2;

/// Steps without progress before another region is tried.
const PATIENCE: usize = 50;

/// The least first radius, in parts of what a step that reaches the data would take: a start that is tiny says nothing of
/// how far x has to go.
const LEAST_START: f64 = 0.1;

/// Where the loss falls by more than this multiple of what was promised, the model does not know what is left.
const SURPRISE: f64 = 4.0;

/// Ratios of actual to predicted reduction at which the model is trusted up to the bounds.
const TRUSTED: std::ops::RangeInclusive<f64> = 0.75..=1.5;

/// The part of the way to each bound that steps may go before the model is trusted.
const HALF_WAY: f64 = 0.5;

/// The least ratio for which a step is taken, and that for one that bounds bent: such a step may end on a plateau, where
/// nothing shows the way back.
const LEAST_GAIN: f64 = 1e-4;
const LEAST_GAIN_BENT: f64 = 0.1;

impl TrustRegion {
    /// D grows and never shrinks (Moré 1978, section 5); a parameter without effect keeps 1.
    pub(super) fn rescale(&mut self, columns: &Matrix, x: &[f64]) {
        if self.relative {
            let typical = norm(x) / (x.len() as f64).sqrt();
            let least = if typical > 0.0 { 1e-3 * typical } else { 1.0 };
            let size = |x: &f64| x.abs().max(least);
            self.scale = x.iter().map(|x| size(x).recip()).collect();
            return;
        }
        let norms = (0..columns.rows()).map(|i| norm(columns.row(i)));
        if self.scale.is_empty() {
            self.scale = norms.map(|n| if n > 0.0 { n } else { 1.0 }).collect();
            return;
        }
        for (scale, n) in self.scale.iter_mut().zip(norms) {
            *scale = scale.max(n);
        }
    }

    /// Takes ‖D x‖, and begins with a radius where there is none; `reach` is about the ‖D Δx‖ that would lead to the
    /// data. In the units of x itself a tiny start is no longer than any other.
    pub(super) fn enter(&mut self, x: &[f64], factor: f64, reach: f64) {
        let scaled: Vec<f64> = x.iter().zip(&self.scale).map(|(x, d)| x * d).collect();
        self.x_norm = norm(&scaled);
        if self.radius.is_some() {
            return;
        }
        let start = if self.relative {
            self.x_norm
        } else if self.x_norm == 0.0 {
            reach
        } else {
            self.x_norm.max(LEAST_START * reach)
        };
        self.radius = Some(factor * if start > 0.0 { start } else { 1.0 });
    }

    /// The part of the way to each bound that a step may go.
    pub(super) fn share_of_room(&self) -> f64 {
        if self.trusted { 1.0 } else { HALF_WAY }
    }

    /// Takes ‖D Δx‖ of a step.
    pub(super) fn measure(&mut self, dx: &[f64]) {
        let squares = dx.iter().zip(&self.scale).map(|(d, s)| (d * s) * (d * s));
        self.step_norm = squares.sum::<f64>().sqrt();
    }

    /// Whether P was found to be linear.
    pub(super) fn is_linear(&self) -> bool {
        self.linear == Linearity::Seen
    }

    /// Where the loss is at its round-off the model still knows the way, since its gradient
    /// has not vanished: its steps are taken as long as they shrink. x gains as many digits
    /// again as the loss could tell.
    fn polish(&mut self, vanished: bool) -> Verdict {
        let shrinks = self.polished.is_none_or(|last| self.step_norm < 0.9 * last);
        // Where P is linear the step before was the last one.
        if vanished || !shrinks || self.linear == Linearity::Seen {
            return Verdict::GiveUp;
        }
        self.polished = Some(self.step_norm);
        Verdict::Take
    }

    /// MINPACK's rules for the radius, and for when nothing is left to gain.
    pub(super) fn judge(&mut self, trial: &Trial, step_tolerance: f64) -> Verdict {
        let verdict = self.judged(trial, step_tolerance);
        self.shrunk = verdict != Verdict::Take;
        self.steps.judged(!self.shrunk);
        verdict
    }

    fn judged(&mut self, trial: &Trial, step_tolerance: f64) -> Verdict {
        let radius = self.radius.unwrap_or(f64::INFINITY).min(1e300);
        let actual = trial.loss - trial.trial_loss;
        self.promise = None;
        let vanished = self.step_norm <= step_tolerance * self.x_norm;
        let none = actual.abs() <= SURELY * self.noise;
        if none && self.predicted > 0.0 && self.predicted <= self.noise {
            // What the curvature adds is no more than a guess here, and may hide a slope.
            self.promise = (!self.partial && !self.curved).then_some(self.whole);
            return self.polish(vanished);
        }
        let ratio = if self.predicted > 0.0 {
            actual / self.predicted
        } else {
            0.0
        };
        let off = (actual - self.predicted).abs();
        // What agrees to so many digits tells in spite of noise.
        let tells = self.predicted > TELLING * self.noise || off <= AS_PROMISED * self.predicted;
        if self.linear != Linearity::Bent && tells {
            let first = self.linear == Linearity::Unknown;
            let linear = !self.bent && off <= AS_PROMISED * self.predicted + self.noise;
            self.linear = if linear {
                Linearity::Seen
            } else {
                Linearity::Bent
            };
            // Then the model holds to its end, and nothing need hold the step back.
            let held_back = self.step_norm < (1.0 - 1e-6) * self.whole_norm;
            if linear && first && held_back && self.whole_norm < FARTHEST * radius {
                self.radius = Some(2.0 * self.whole_norm);
                return Verdict::Retry;
            }
        }
        self.compare_models(actual);
        let radius = if ratio <= 0.25 || ratio.is_nan() {
            // Along the line, the parabola through both losses and the slope has its
            // minimum here.
            let shrink = if actual >= 0.0 {
                0.5
            } else {
                0.5 * self.slope / (self.slope + actual.max(-1e300))
            };
            shrink.clamp(LEAST_SHRINK, 0.5) * radius.min(self.step_norm)
        } else if ratio >= 0.75 || self.step_norm < 0.5 * radius {
            if self.shrunk {
                // A longer one was rejected just now.
                self.step_norm
            } else {
                2.0 * self.step_norm
            }
        } else {
            radius
        };
        self.radius = Some(radius);
        self.trusted = TRUSTED.contains(&ratio);
        self.promise = (!self.partial && ratio <= SURPRISE).then_some(self.whole);
        self.damping = if ratio > 0.25 {
            0.1 * self.damping
        } else {
            10.0 * self.damping
        };
        let least = if self.bent {
            LEAST_GAIN_BENT
        } else {
            LEAST_GAIN
        };
        if ratio >= least && actual > 0.0 {
            let crawls = actual <= CRAWL * trial.loss && self.step_norm < self.whole_norm;
            self.crawled = if crawls { self.crawled + 1 } else { 0 };
            if self.crawled == PATIENCE {
                self.remeasure();
            }
            return Verdict::Take;
        }
        if self.predicted <= 0.0 && !self.bent {
            return Verdict::GiveUp;
        }
        if radius <= step_tolerance * self.x_norm || radius == 0.0 {
            return self.remeasure();
        }
        Verdict::Retry
    }

    /// Whether the next step is to be that of the model with the curvature of P.
    pub(super) fn prefers_curved(&self) -> bool {
        self.foretold >= TWICE
    }

    /// Whether the last trial was as foretold, and a step of this length is within the region.
    pub(super) fn trusts(&self, length: f64) -> bool {
        self.trusted && self.radius.is_none_or(|radius| length <= radius)
    }

    /// Takes which of the models foretold the change of the loss better, with the curvature of P or without.
    fn compare_models(&mut self, actual: f64) {
        if !actual.is_finite() || self.bend == 0.0 {
            return;
        }
        let plain = if self.curved {
            self.predicted + self.bend
        } else {
            self.predicted
        };
        let off = (actual - plain).abs();
        let off_curved = (actual - (plain - self.bend)).abs();
        if off_curved < off {
            self.foretold += 1;
        } else if off < off_curved {
            self.foretold = 0;
        }
    }

    /// The model promises a gain, and yet next to nothing is gained however near: then J's
    /// columns say little of how far the model holds, as where parameters act through high
    /// powers. From there on the region measures changes of x by x itself.
    fn remeasure(&mut self) -> Verdict {
        let without_jacobian = self.whole_norm == 0.0;
        if self.relative || without_jacobian || self.predicted <= self.noise {
            return Verdict::GiveUp;
        }
        self.relative = true;
        self.polished = None;
        self.radius = None;
        self.scale.clear();
        Verdict::Retry
    }
}
