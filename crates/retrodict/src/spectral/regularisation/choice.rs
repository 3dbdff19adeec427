//! How strong: the discrepancy principle where the noise is known, robust GCV where it is not.

use crate::spectral::fourier::C64;

/// Modes with the same gain, merged: a scan over strengths then costs a few hundred terms
/// instead of one for each mode.
#[derive(Debug)]
pub(super) struct Shells {
    /// The shell of each mode.
    shell: Vec<u32>,
    multiplicity: Vec<f64>,
    /// a and e^(2a) = 1/h² of each shell, smallest first.
    exponents: Vec<f64>,
    inverse_squares: Vec<f64>,
    /// How many modes of the full spectrum a shell holds.
    counts: Vec<f64>,
    cells: f64,
}

/// The weight of the plain GCV score in the robust one; Lukas recommends 0.1 to 0.3.
const ROBUSTNESS: f64 = 0.2;

/// λ and cut-offs below the square of the unit round-off invert nothing but round-off.
const LOG_LAMBDA_MIN: f64 = -73.5; // ln(2⁻¹⁰⁶)
const LOG_LAMBDA_MAX: f64 = 7.0;

/// Modes with h² below this share one shell: no λ ≥ 2⁻¹⁰⁶ tells them apart.
const HOPELESS: f64 = 60.0;

/// The residual that counts as explained, relative to the goal.
const SLACK: f64 = 1.05;

impl Shells {
    pub(super) fn new(exponents: &[f64], multiplicity: &[f64], cells: usize) -> Self {
        let mut order: Vec<usize> = (0..exponents.len()).collect();
        order.sort_by(|i, j| exponents[*i].total_cmp(&exponents[*j]));
        let mut shells = Self {
            shell: vec![0; exponents.len()],
            multiplicity: multiplicity.to_vec(),
            exponents: Vec::new(),
            inverse_squares: Vec::new(),
            counts: Vec::new(),
            cells: cells as f64,
        };
        for i in order {
            let a = exponents[i];
            let last = shells
                .exponents
                .last()
                .copied()
                .unwrap_or(f64::NEG_INFINITY);
            let same = a - last <= 1e-12 * a || last > HOPELESS;
            if !same {
                shells.exponents.push(a);
                shells.inverse_squares.push((2.0 * a).exp());
                shells.counts.push(0.0);
            }
            let s = shells.exponents.len() - 1;
            shells.shell[i] = s as u32;
            shells.counts[s] += multiplicity[i];
        }
        shells
    }

    /// Σ |r̂|²/cells over each shell; their sum is ‖r‖².
    pub(super) fn energies(&self, spectrum: &[C64]) -> Vec<f64> {
        let mut energies = vec![0.0; self.exponents.len()];
        for ((s, m), r) in self.shell.iter().zip(&self.multiplicity).zip(spectrum) {
            energies[*s as usize] += m * r.norm_sqr() / self.cells;
        }
        energies
    }

    /// ‖r‖².
    pub(super) fn energy(&self, spectrum: &[C64]) -> f64 {
        let terms = self.multiplicity.iter().zip(spectrum);
        terms.map(|(m, r)| m * r.norm_sqr()).sum::<f64>() / self.cells
    }

    /// ‖r‖² after a Tikhonov step: Σ (λ/(h² + λ))² E.
    fn left(&self, energies: &[f64], log_lambda: f64) -> f64 {
        let lambda = log_lambda.exp();
        let terms = self.inverse_squares.iter().zip(energies);
        terms.map(|(q, e)| remains(lambda * q).powi(2) * e).sum()
    }

    /// The residual at the minimum of the robust GCV score of Tikhonov's filter.
    pub(super) fn tikhonov_gcv(&self, energies: &[f64]) -> f64 {
        let score = |log_lambda: f64| {
            let lambda = log_lambda.exp();
            let (mut left, mut trace, mut square) = (0.0, 0.0, 0.0);
            for ((q, n), e) in self.inverse_squares.iter().zip(&self.counts).zip(energies) {
                let r = remains(lambda * q);
                left += r * r * e;
                trace += r * n;
                square += (1.0 - r) * (1.0 - r) * n;
            }
            robust(left, trace, square, self.cells)
        };
        let step = 1.0;
        let points = ((LOG_LAMBDA_MAX - LOG_LAMBDA_MIN) / step) as usize;
        let (mut best, mut lowest) = (LOG_LAMBDA_MAX, f64::INFINITY);
        for i in 0..=points {
            let log_lambda = LOG_LAMBDA_MIN + step * i as f64;
            let value = score(log_lambda);
            if value < lowest {
                (best, lowest) = (log_lambda, value);
            }
        }
        let best = golden_section(&score, best - step, best + step);
        self.left(energies, best)
    }

    /// λ at which a Tikhonov step leaves `goal`; `None` where nothing is left to explain.
    pub(super) fn tikhonov_reaching(&self, energies: &[f64], goal: f64) -> Option<f64> {
        if energies.iter().sum::<f64>() <= SLACK * goal {
            return None;
        }
        let (mut low, mut high) = (LOG_LAMBDA_MIN, LOG_LAMBDA_MAX);
        // ‖r‖² grows with λ: thirty halvings leave 1e-7 of the interval.
        for _ in 0..30 {
            let middle = 0.5 * (low + high);
            if self.left(energies, middle) > goal {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some((0.5 * (low + high)).exp())
    }

    /// The residual at the minimum of the robust GCV score of truncation.
    pub(super) fn truncation_gcv(&self, energies: &[f64]) -> f64 {
        let mut left: f64 = energies.iter().sum();
        let (mut lowest, mut best, mut kept) = (f64::INFINITY, left, 0.0);
        for ((e, n), a) in energies.iter().zip(&self.counts).zip(&self.exponents) {
            let value = robust(left.max(0.0), self.cells - kept, kept, self.cells);
            if value < lowest {
                (lowest, best) = (value, left.max(0.0));
            }
            if -2.0 * a < LOG_LAMBDA_MIN {
                break;
            }
            left -= e;
            kept += n;
        }
        best
    }

    /// The largest exponent that must be inverted to leave `goal`; `None` where nothing is
    /// left to explain.
    pub(super) fn truncation_reaching(&self, energies: &[f64], goal: f64) -> Option<f64> {
        let mut left: f64 = energies.iter().sum();
        if left <= SLACK * goal {
            return None;
        }
        let mut largest = None;
        for (e, a) in energies.iter().zip(&self.exponents) {
            if left <= goal || -2.0 * a < LOG_LAMBDA_MIN {
                break;
            }
            left -= e;
            largest = Some(*a * (1.0 + 1e-12));
        }
        largest
    }
}

/// λ/(h² + λ) from q = λ/h², which may be infinite.
fn remains(q: f64) -> f64 {
    1.0 - 1.0 / (1.0 + q)
}

/// Robust GCV: ‖(I−A)y‖²/tr(I−A)² · (γ + (1−γ) tr(A²)/n).
///
/// Plain GCV (γ = 1) has a flat minimum and now and then picks far too little regularisation;
/// the second factor counts what that would cost.
///
/// # Source
/// Lukas, *Robust generalized cross-validation for choosing the regularization parameter*,
/// Inverse Problems 22 (2006), equation 5.
fn robust(left: f64, trace: f64, square: f64, cells: f64) -> f64 {
    if trace <= 0.0 {
        return f64::INFINITY;
    }
    left / (trace * trace) * (ROBUSTNESS + (1.0 - ROBUSTNESS) * square / cells)
}

/// The minimum of a function with one minimum in [low, high], to 1e-3.
fn golden_section(f: &dyn Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let ratio = 0.5 * (5.0_f64.sqrt() - 1.0);
    let (mut a, mut b) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut fa, mut fb) = (f(a), f(b));
    while high - low > 1e-3 {
        if fa < fb {
            (high, b, fb) = (b, a, fa);
            a = high - ratio * (high - low);
            fa = f(a);
        } else {
            (low, a, fa) = (a, b, fb);
            b = low + ratio * (high - low);
            fb = f(b);
        }
    }
    0.5 * (low + high)
}
