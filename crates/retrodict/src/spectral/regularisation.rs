//! Inverting a map that is diagonal in Fourier space and loses what it damps.
//!
//! P multiplies mode k by a gain h = e^(−a), and its exact inverse multiplies round-off and
//! noise by e^a. Three filters keep that in bounds, under one interface, and all of them move
//! x₀ only as far as the data asks: x̂ = x̂₀ + w r̂ with r = y − P(x₀).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::options::{not_negative, positive};
use crate::spectral::fourier::blocks::chunks;
use crate::spectral::fourier::{C64, RealFourier, Separable};

mod choice;

use choice::Shells;

/// How an ill-posed map is inverted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "filter", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Regularisation {
    /// Tikhonov's (Wiener's) filter, w = h/(h² + λ): the most probable x for white noise in y
    /// and a white prior around x₀, with λ the ratio of their variances.
    Tikhonov {
        /// λ ≥ 0; chosen from the noise if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lambda: Option<f64>,
    },
    /// Spectral truncation: w = 1/h where h is at least the cut-off, 0 below.
    Truncation {
        /// The smallest gain that is inverted, in (0, 1]; chosen from the noise if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cutoff: Option<f64>,
    },
    /// The probabilistic damping of the reference code: w = e^(b a), where b follows from
    /// the probability p that a mode of r̂ is signal rather than noise.
    ///
    /// With N the cells along one side and f the amplitude of the noise,
    /// s = ½ exp(−½ (|r̂|/(N h))²), n = ½ exp(−½ (|r̂|/f)²), p = s/(s + n), and
    /// b = 2p − 1 where p ≤ ½ or p ≥ 0.68, and 0 between.
    Damping {
        /// ε: f² = Σ (ε |r| + floor)².
        relative: f64,
        /// The least noise in each value, in the unit of y.
        #[serde(default)]
        floor: f64,
    },
}

impl Default for Regularisation {
    fn default() -> Self {
        Self::Tikhonov { lambda: None }
    }
}

impl Regularisation {
    /// Checks every option.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) with the key and what is allowed.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::Tikhonov { lambda } => not_negative("inverse.lambda", lambda.unwrap_or(0.0)),
            Self::Truncation { cutoff } => positive("inverse.cutoff", cutoff.unwrap_or(1.0)),
            Self::Damping { relative, floor } => {
                not_negative("inverse.relative", relative)?;
                not_negative("inverse.floor", floor)
            }
        }
    }
}

impl Regularisation {
    /// The weights, where they do not depend on the data.
    fn fixed(&self) -> Option<ModeWeight> {
        match *self {
            Self::Tikhonov { lambda } => lambda.map(|lambda| ModeWeight::Tikhonov { lambda }),
            Self::Truncation { cutoff } => cutoff.map(|cutoff| ModeWeight::Truncation {
                largest: -cutoff.ln(),
            }),
            Self::Damping { .. } => None,
        }
    }

    /// Whether the strength is to be found from the noise.
    fn is_automatic(&self) -> bool {
        matches!(
            self,
            Self::Tikhonov { lambda: None } | Self::Truncation { cutoff: None }
        )
    }
}

/// No datum is better than the round-off of a transform, taken as 2 units relative to the
/// root mean square of y; here squared, for energies.
const ROUND_OFF: f64 = 4.0 * f64::EPSILON * f64::EPSILON;

/// A diagonal map with the gains e^(−a), and its regularised inverse.
#[derive(Debug)]
pub struct Diagonal {
    fourier: RealFourier,
    /// a ≥ 0 at each mode.
    exponents: Vec<f64>,
    gains: Vec<f64>,
    /// The gains as a product over the axes, if they are one.
    factors: Option<Separable>,
    shells: Shells,
}

/// The weight by which a mode of r̂ enters x̂.
#[derive(Clone, Copy)]
enum ModeWeight {
    None,
    Tikhonov { lambda: f64 },
    Truncation { largest: f64 },
    Damping { side: f64, noise: f64 },
}

/// ln(0.68/0.32): p = 1/(1 + e^d) lies between ½ and 0.68 for −d below it.
const UNDECIDED: f64 = 0.753_771_802_376_38;

/// w of [`Regularisation::Damping`] for the exponent a, h = e^(−a) and |r̂|².
fn damping(a: f64, h: f64, r2: f64, side: f64, noise: f64) -> f64 {
    // Nothing there, nothing to undo; a likelihood of 0/0 needs no meaning.
    if r2 == 0.0 {
        return 0.0;
    }
    let signal = 0.5 * r2 / (side * h * side * h);
    let background = 0.5 * r2 / (noise * noise);
    // Where both likelihoods vanish in double precision, p is 0.
    let vanishes = |exponent: f64| exponent > 745.0;
    let d = if vanishes(signal) && vanishes(background) {
        f64::INFINITY
    } else {
        signal - background
    };
    // p = 1/(1 + e^d) and b = 2p − 1 = −tanh(d/2), which is ±1 to all digits beyond 40.
    if d > 40.0 {
        h
    } else if d < -40.0 {
        1.0 / h
    } else if d < 0.0 && d > -UNDECIDED {
        1.0
    } else {
        // tanh(d/2) = (1 − e^(−d))/(1 + e^(−d)); what cancels near 0 is far below the round-off of a.
        let e = (-d).exp();
        (-(1.0 - e) / (1.0 + e) * a).exp()
    }
}

impl Diagonal {
    /// The map whose mode k is multiplied by e^(−a(k)).
    pub(crate) fn new(fourier: RealFourier, exponents: Vec<f64>) -> Self {
        let gains = exponents.iter().map(|a| (-a).exp()).collect();
        let shells = Shells::new(&exponents, &fourier.multiplicity(), fourier.len());
        Self {
            fourier,
            exponents,
            gains,
            factors: None,
            shells,
        }
    }

    /// The same map, with its gains as a product over the axes, which is faster forwards.
    pub(crate) fn with_factors(self, factors: Separable) -> Self {
        Self {
            factors: Some(factors),
            ..self
        }
    }

    /// y = P(x); three passes over the data, or one for each axis.
    pub(crate) fn forward(&self, x: &[f64], y: &mut [f64]) {
        match &self.factors {
            Some(factors) => factors.apply(x, y),
            None => self.fourier.apply_diagonal(x, y, &self.gains),
        }
    }

    /// x = x₀ + R(y − P(x₀)), with the strength of R from the options or from the noise.
    ///
    /// `noise` is the standard deviation of each value of y, if known. What x₀ already
    /// explains to within the noise is left alone, so repetition does no harm.
    ///
    /// # Cost
    /// A transform of y, one of x₀ unless it is 0, and one back.
    pub(crate) fn invert(
        &self,
        how: &Regularisation,
        noise: Option<f64>,
        y: &[f64],
        x0: &[f64],
        x: &mut [f64],
    ) {
        let from_zero = x0.iter().all(|v| *v == 0.0);
        if let (true, Some(weight)) = (from_zero, how.fixed()) {
            let weigh = |first: usize, modes: &mut [C64]| self.weigh(weight, first, modes);
            self.fourier.filter(y, x, weigh);
            return;
        }
        let mut residual = self.fourier.take_spectrum();
        self.fourier.forward(y, &mut residual);
        let goal = self.goal(how, noise, &residual);
        if !from_zero {
            let mut start = self.fourier.take_spectrum();
            self.fourier.forward(x0, &mut start);
            each_mode(&mut residual, &|first, modes| {
                let known = start[first..].iter().zip(&self.gains[first..]);
                for (r, (x, h)) in modes.iter_mut().zip(known) {
                    *r -= x * h;
                }
            });
            self.fourier.give_spectrum(start);
        }
        self.undo(how, goal, residual, x);
        for (x, x0) in x.iter_mut().zip(x0) {
            *x += x0;
        }
    }

    /// Δx = RΔy: the same where y₀ = P(x₀) is known, for y = y₀ + Δy.
    ///
    /// # Cost
    /// A transform of Δy and one back; one more of y where the strength comes from the noise.
    pub(crate) fn step(
        &self,
        how: &Regularisation,
        noise: Option<f64>,
        y0: &[f64],
        dy: &[f64],
        dx: &mut [f64],
    ) {
        if let Some(weight) = how.fixed() {
            let weigh = |first: usize, modes: &mut [C64]| self.weigh(weight, first, modes);
            self.fourier.filter(dy, dx, weigh);
            return;
        }
        let mut residual = self.fourier.take_spectrum();
        self.fourier.forward(dy, &mut residual);
        let mut goal = None;
        if how.is_automatic() {
            let mut whole = self.fourier.take_spectrum();
            // dx is free until the end.
            for ((y, y0), dy) in dx.iter_mut().zip(y0).zip(dy) {
                *y = y0 + dy;
            }
            self.fourier.forward(dx, &mut whole);
            goal = self.goal(how, noise, &whole);
            self.fourier.give_spectrum(whole);
        }
        self.undo(how, goal, residual, dx);
    }

    /// dx = F⁻¹(w r̂); exactly 0 where nothing is to be moved.
    fn undo(
        &self,
        how: &Regularisation,
        goal: Option<f64>,
        mut residual: Vec<C64>,
        dx: &mut [f64],
    ) {
        let fixed = how.fixed();
        let weight = fixed.unwrap_or_else(|| self.weight(how, goal, &residual));
        if matches!(weight, ModeWeight::None) {
            dx.fill(0.0);
        } else {
            each_mode(&mut residual, &|first, modes| {
                self.weigh(weight, first, modes);
            });
            self.fourier.inverse(&residual, dx);
        }
        self.fourier.give_spectrum(residual);
    }

    /// Multiplies modes of r̂, the first of which has the given index, by their weight.
    fn weigh(&self, weight: ModeWeight, first: usize, modes: &mut [C64]) {
        let known = self.exponents[first..].iter().zip(&self.gains[first..]);
        let modes = modes.iter_mut().zip(known);
        match weight {
            ModeWeight::None => modes.for_each(|(r, _)| *r = C64::default()),
            ModeWeight::Tikhonov { lambda: 0.0 } => modes.for_each(|(r, (_, h))| *r *= 1.0 / h),
            ModeWeight::Tikhonov { lambda } => {
                modes.for_each(|(r, (_, h))| *r *= h / (h * h + lambda))
            }
            ModeWeight::Truncation { largest } => {
                modes.for_each(|(r, (a, h))| *r *= if *a <= largest { 1.0 / h } else { 0.0 });
            }
            ModeWeight::Damping { side, noise } => {
                modes.for_each(|(r, (a, h))| *r *= damping(*a, *h, r.norm_sqr(), side, noise));
            }
        }
    }

    /// ‖y − P(x)‖² at which y is explained: nσ², or what robust GCV leaves of y.
    ///
    /// A σ that is a few per cent too small would have noise explained as signal, and blown up
    /// without bound; so where GCV leaves more than nσ², GCV is believed.
    fn goal(&self, how: &Regularisation, noise: Option<f64>, y: &[C64]) -> Option<f64> {
        if !how.is_automatic() {
            return None;
        }
        let energies = self.shells.energies(y);
        let found = match how {
            Regularisation::Truncation { .. } => self.shells.truncation_gcv(&energies),
            _ => self.shells.tikhonov_gcv(&energies),
        };
        let from_noise = noise.map_or(0.0, |sigma| self.fourier.len() as f64 * sigma * sigma);
        let round_off = ROUND_OFF * energies.iter().sum::<f64>();
        Some(from_noise.max(found).max(round_off))
    }

    fn weight(&self, how: &Regularisation, goal: Option<f64>, residual: &[C64]) -> ModeWeight {
        if let Regularisation::Damping { relative, floor } = *how {
            let cells = self.fourier.len() as f64;
            return ModeWeight::Damping {
                side: cells.powf(1.0 / self.fourier.axes() as f64),
                noise: self.noise_amplitude(residual, relative, floor),
            };
        }
        let energies = goal.map(|_| self.shells.energies(residual));
        match (how, goal, energies) {
            (Regularisation::Tikhonov { .. }, Some(goal), Some(energies)) => self
                .shells
                .tikhonov_reaching(&energies, goal)
                .map_or(ModeWeight::None, |lambda| ModeWeight::Tikhonov { lambda }),
            (_, Some(goal), Some(energies)) => self
                .shells
                .truncation_reaching(&energies, goal)
                .map_or(ModeWeight::None, |largest| ModeWeight::Truncation {
                    largest,
                }),
            _ => ModeWeight::None,
        }
    }

    /// f of [`Regularisation::Damping`]: √Σ (ε |r| + floor)², with r back in real space if
    /// the floor makes that necessary.
    fn noise_amplitude(&self, residual: &[C64], relative: f64, floor: f64) -> f64 {
        if floor == 0.0 {
            return relative * self.shells.energy(residual).sqrt();
        }
        let mut r = vec![0.0; self.fourier.len()];
        self.fourier.inverse(residual, &mut r);
        let squares = r.iter().map(|r| {
            let f = relative * r.abs() + floor;
            f * f
        });
        squares.sum::<f64>().sqrt()
    }
}

/// Calls `work` on pieces of a spectrum, on all threads if it is large, with the index of the
/// first mode.
fn each_mode(spectrum: &mut [C64], work: &(impl Fn(usize, &mut [C64]) + Sync)) {
    chunks(
        spectrum.len(),
        spectrum,
        4096,
        &|first, modes, (): &mut ()| work(first, modes),
    );
}
