//! Inverting a map that is diagonal in Fourier space and loses what it damps.
//!
//! P multiplies mode k by a gain h = e^(−a), and its exact inverse multiplies round-off and
//! noise by e^a. Three filters keep that in bounds, under one interface, and all of them move
//! x₀ only as far as the data asks: x̂ = x̂₀ + w r̂ with r = y − P(x₀).

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::fourier::{C64, RealFourier};
use crate::options::{not_negative, positive};

mod choice;

use choice::Shells;

/// How an ill-posed map is inverted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "filter", rename_all = "kebab-case", deny_unknown_fields)]
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
    shells: Shells,
}

/// The weight by which a mode of r̂ enters x̂.
enum Weight {
    None,
    Tikhonov { lambda: f64 },
    Truncation { largest: f64 },
    Damping { side: f64, noise: f64 },
}

impl Weight {
    /// w for the exponent a and |r̂|.
    fn at(&self, a: f64, r: f64) -> f64 {
        match *self {
            Self::None => 0.0,
            // h/(h² + λ) = e^(a − ln(1 + λ e^(2a))), which neither over- nor underflows
            // and is e^a for λ = 0.
            Self::Tikhonov { lambda } => {
                let t = lambda.ln() + 2.0 * a;
                let log = if t > 40.0 { t } else { t.exp().ln_1p() };
                (a - log).exp()
            }
            Self::Truncation { largest } => {
                if a <= largest {
                    a.exp()
                } else {
                    0.0
                }
            }
            Self::Damping { side, noise } => (damping_exponent(a, r, side, noise) * a).exp(),
        }
    }
}

/// b of [`Regularisation::Damping`].
fn damping_exponent(a: f64, r: f64, side: f64, noise: f64) -> f64 {
    // 0/0, no deviation at no expected amplitude, counts as certain.
    let likelihood = |amplitude: f64| {
        let z = if r == 0.0 { 0.0 } else { r / amplitude };
        0.5 * (-0.5 * z * z).exp()
    };
    let signal = likelihood(side * (-a).exp());
    let background = likelihood(noise);
    let p = if signal + background > 0.0 {
        signal / (signal + background)
    } else {
        0.0
    };
    if p <= 0.5 || p >= 0.68 {
        2.0 * (p - 0.5)
    } else {
        0.0
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
            shells,
        }
    }

    /// y = P(x); three passes over the data.
    pub(crate) fn forward(&self, x: &[f64], y: &mut [f64]) {
        self.fourier.apply_diagonal(x, y, &self.gains);
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
        let mut residual = vec![C64::default(); self.fourier.spectrum_len()];
        self.fourier.forward(y, &mut residual);
        let goal = self.goal(how, noise, &residual);
        let mut start = Vec::new();
        if !from_zero {
            start.resize(residual.len(), C64::default());
            self.fourier.forward(x0, &mut start);
            for ((r, x), h) in residual.iter_mut().zip(&start).zip(&self.gains) {
                *r -= x * h;
            }
        }
        let weight = self.weight(how, goal, &residual);
        for (r, a) in residual.iter_mut().zip(&self.exponents) {
            *r *= weight.at(*a, r.norm());
        }
        if !from_zero {
            for (r, x) in residual.iter_mut().zip(&start) {
                *r += x;
            }
        }
        self.fourier.inverse(&mut residual, x);
        // Where nothing is to be moved, not even by the round-off of two transforms.
        if matches!(weight, Weight::None) {
            x.copy_from_slice(x0);
        }
    }

    /// ‖y − P(x)‖² at which y is explained: nσ², or what robust GCV leaves of y.
    fn goal(&self, how: &Regularisation, noise: Option<f64>, y: &[C64]) -> Option<f64> {
        let automatic = matches!(
            how,
            Regularisation::Tikhonov { lambda: None } | Regularisation::Truncation { cutoff: None }
        );
        if !automatic {
            return None;
        }
        let energies = self.shells.energies(y);
        let explained = match (noise, how) {
            (Some(sigma), _) => self.fourier.len() as f64 * sigma * sigma,
            (None, Regularisation::Truncation { .. }) => self.shells.truncation_gcv(&energies),
            (None, _) => self.shells.tikhonov_gcv(&energies),
        };
        Some(explained.max(ROUND_OFF * energies.iter().sum::<f64>()))
    }

    fn weight(&self, how: &Regularisation, goal: Option<f64>, residual: &[C64]) -> Weight {
        if let Regularisation::Damping { relative, floor } = *how {
            let cells = self.fourier.len() as f64;
            return Weight::Damping {
                side: cells.powf(1.0 / self.fourier.axes() as f64),
                noise: self.noise_amplitude(residual, relative, floor),
            };
        }
        let energies = goal.map(|_| self.shells.energies(residual));
        match (how, goal, energies) {
            (
                Regularisation::Tikhonov {
                    lambda: Some(lambda),
                },
                ..,
            ) => Weight::Tikhonov { lambda: *lambda },
            (
                Regularisation::Truncation {
                    cutoff: Some(cutoff),
                },
                ..,
            ) => Weight::Truncation {
                largest: -cutoff.ln(),
            },
            (Regularisation::Tikhonov { .. }, Some(goal), Some(energies)) => self
                .shells
                .tikhonov_reaching(&energies, goal)
                .map_or(Weight::None, |lambda| Weight::Tikhonov { lambda }),
            (_, Some(goal), Some(energies)) => self
                .shells
                .truncation_reaching(&energies, goal)
                .map_or(Weight::None, |largest| Weight::Truncation { largest }),
            _ => Weight::None,
        }
    }

    /// f of [`Regularisation::Damping`]: √Σ (ε |r| + floor)², with r back in real space.
    fn noise_amplitude(&self, residual: &[C64], relative: f64, floor: f64) -> f64 {
        let mut r = vec![0.0; self.fourier.len()];
        self.fourier.inverse(&mut residual.to_vec(), &mut r);
        let squares = r.iter().map(|r| {
            let f = relative * r.abs() + floor;
            f * f
        });
        squares.sum::<f64>().sqrt()
    }
}
