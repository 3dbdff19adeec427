//! Powers of a pseudo-inverse times a vector: dense, by the Gram matrix, or by products alone.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decompositions::{svd_bytes, symmetric_eigen_bytes};
use super::matrix::Matrix;
use super::tridiagonal::symmetric_matrix_function;
use super::{row_space_function, svd};
use crate::error::Result;
use crate::linalg::LinearMap;

/// How a power of a pseudo-inverse is computed.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Engine {
    /// Chosen by size and truncation.
    #[default]
    Auto,
    /// The SVD of J: the reference, and the engine for truncation below 1e-6.
    Dense,
    /// The eigenvalues of J Jᵀ, m × m; exact while truncation ≥ 1e-6.
    Gram,
    /// Lanczos on JᵀJ, kept in the space of y, for large m.
    Krylov {
        /// The number of steps, 10 to 50; with a tolerance, the most of them.
        steps: usize,
        /// Ends the iteration when eight steps change the result by no more than this, relative to its
        /// length; 0 takes all steps.
        #[serde(default)]
        tolerance: f64,
    },
}

/// What was computed, and what was kept of it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PowerReport {
    /// The engine that did the work; never `Auto`.
    pub engine: Engine,
    /// The number of singular values (or Ritz values) kept.
    pub rank: usize,
    /// The largest singular value.
    pub sigma_max: f64,
    /// The smallest singular value kept.
    pub sigma_min: f64,
}

/// min(m, n) up to which a dense SVD costs less than choosing anything else.
const DENSE_UP_TO: usize = 12;
/// Rows up to which the Gram matrix is decomposed.
const GRAM_UP_TO: usize = 1500;
/// The truncation below which squaring the singular values loses them.
const GRAM_TRUNCATION: f64 = 1e-6;
/// The most Lanczos steps when nothing is said, and the change of the result at which they end before.
const KRYLOV_STEPS: usize = 300;
const KRYLOV_TOLERANCE: f64 = 0.05;

impl Engine {
    /// What `Auto` takes where J has too many rows for the others.
    pub const KRYLOV: Self = Self::Krylov {
        steps: KRYLOV_STEPS,
        tolerance: KRYLOV_TOLERANCE,
    };

    /// The engine that does the work for a J of m rows and n columns: `Auto` chooses one, every other
    /// engine is itself.
    pub fn resolve(self, m: usize, n: usize, truncation: f64) -> Self {
        match self {
            Self::Auto if m.min(n) <= DENSE_UP_TO => Self::Dense,
            // A tall J has fewer singular values than J Jᵀ has rows.
            Self::Auto if m <= GRAM_UP_TO.min(2 * n) && truncation >= GRAM_TRUNCATION => Self::Gram,
            Self::Auto if m.min(n) <= GRAM_UP_TO => Self::Dense,
            Self::Auto => Self::KRYLOV,
            chosen => chosen,
        }
    }

    /// The bytes that the engine holds at once for a J of m rows and n columns; `Auto` counts as `Dense`.
    ///
    /// Dense: J twice, since a problem keeps the one that it hands out, and its singular vectors with the workspace
    /// in which they are found; about four times J where n is much larger than m. Gram: J Jᵀ and its
    /// eigenvectors with their workspace. Krylov: two vectors of m values a step. What else the map keeps is not
    /// counted, nor is J where a map makes it on the way to its Gram matrix.
    pub fn bytes(self, m: usize, n: usize) -> u64 {
        let matrix = |rows: usize, columns: usize| {
            let values = (rows as u64).saturating_mul(columns as u64);
            values.saturating_mul(size_of::<f64>() as u64)
        };
        match self {
            Self::Auto | Self::Dense => {
                let j = matrix(m, n).saturating_mul(2);
                j.saturating_add(svd_bytes(m, n))
            }
            Self::Gram => matrix(m, m).saturating_add(symmetric_eigen_bytes(m)),
            Self::Krylov { steps, .. } => matrix(steps.min(m).min(n), m).saturating_mul(2),
        }
    }
}

/// The name, as it stands in options; for `Krylov` with its settings.
impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Dense => f.write_str("dense"),
            Self::Gram => f.write_str("gram"),
            Self::Krylov { steps, tolerance } if *tolerance > 0.0 => {
                write!(f, "krylov, at most {steps} steps, tolerance {tolerance}")
            }
            Self::Krylov { steps, .. } => write!(f, "krylov, {steps} steps"),
        }
    }
}

/// out = V S^(−κ) Uᵀ g for J = U S Vᵀ; singular values below truncation · σmax are dropped.
///
/// κ = −1 is Jᵀ g, κ = ½ the half-inverse, κ = 1 the pseudo-inverse J⁺ g.
///
/// # Cost
/// Dense: J and m n min(m, n) multiplications. Gram: J Jᵀ, m³ and one vjp. Krylov: a jvp
/// and a vjp a step.
///
/// # Source
/// Schnell, Holl & Thuerey, *Half-Inverse Gradients for Physical Deep Learning*
/// (ICLR 2022), equation 5; Golub & Van Loan, *Matrix Computations*, 5.5.
pub fn pseudo_inverse_power(
    map: &dyn LinearMap,
    g: &[f64],
    kappa: f64,
    truncation: f64,
    engine: Engine,
    out: &mut [f64],
) -> Result<PowerReport> {
    let engine = engine.resolve(map.outputs(), map.inputs(), truncation);
    match engine {
        Engine::Gram => gram(map, g, kappa, truncation, out),
        Engine::Krylov { steps, tolerance } => {
            let mut report = krylov(map, g, kappa, truncation, (steps, tolerance), out)?;
            report.engine = engine;
            Ok(report)
        }
        Engine::Dense | Engine::Auto => dense(&map.dense()?, g, kappa, truncation, out),
    }
}

fn dense(
    j: &Matrix,
    g: &[f64],
    kappa: f64,
    truncation: f64,
    out: &mut [f64],
) -> Result<PowerReport> {
    let parts = svd(j)?;
    let sigma_max = parts.s.first().copied().unwrap_or(0.0);
    let kept = parts
        .s
        .iter()
        .take_while(|s| **s > 0.0 && **s >= truncation * sigma_max)
        .count();
    out.fill(0.0);
    for k in 0..kept {
        let weight: f64 = (0..g.len()).map(|i| parts.u[(i, k)] * g[i]).sum();
        let weight = weight * parts.s[k].powf(-kappa);
        for (i, out) in out.iter_mut().enumerate() {
            *out += weight * parts.v[(i, k)];
        }
    }
    Ok(PowerReport {
        engine: Engine::Dense,
        rank: kept,
        sigma_max,
        sigma_min: if kept > 0 { parts.s[kept - 1] } else { 0.0 },
    })
}

fn gram(
    map: &dyn LinearMap,
    g: &[f64],
    kappa: f64,
    truncation: f64,
    out: &mut [f64],
) -> Result<PowerReport> {
    let mut w = vec![0.0; g.len()];
    let f = |values: &[f64]| spectral_weights(values, kappa, truncation).0;
    let values = symmetric_matrix_function(&map.gram()?, g, &f, &mut w)?;
    let (_, mut report) = spectral_weights(&values, kappa, truncation);
    report.engine = Engine::Gram;
    map.apply_transpose(&w, out)?;
    Ok(report)
}

fn krylov(
    map: &dyn LinearMap,
    g: &[f64],
    kappa: f64,
    truncation: f64,
    (steps, tolerance): (usize, f64),
    out: &mut [f64],
) -> Result<PowerReport> {
    // For an expensive map, as much as can be is prepared once.
    map.expect_products(2 * steps)?;
    let f = |ritz: &[f64]| spectral_weights(ritz, kappa, truncation).0;
    let ritz = row_space_function(map, g, steps, tolerance, &f, out)?;
    Ok(spectral_weights(&ritz, kappa, truncation).1)
}

/// λ^(−(1+κ)/2) for the eigenvalues λ = σ² that are kept, 0 for the others.
fn spectral_weights(values: &[f64], kappa: f64, truncation: f64) -> (Vec<f64>, PowerReport) {
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(*v));
    let floor = (truncation * truncation).max(f64::EPSILON) * largest;
    let kept = |v: f64| v > 0.0 && v >= floor;
    let weights = values
        .iter()
        .map(|&v| {
            if kept(v) {
                v.powf(-0.5 * (1.0 + kappa))
            } else {
                0.0
            }
        })
        .collect();
    let smallest = values
        .iter()
        .copied()
        .filter(|v| kept(*v))
        .fold(largest, f64::min);
    let report = PowerReport {
        engine: Engine::Auto,
        rank: values.iter().filter(|v| kept(**v)).count(),
        sigma_max: largest.sqrt(),
        sigma_min: smallest.max(0.0).sqrt(),
    };
    (weights, report)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::linalg::norm;

    fn matrix(m: usize, n: usize) -> Matrix {
        let values = (0..m * n).map(|i| (2.1 * i as f64).sin() + 0.3 * (0.7 * i as f64).cos());
        Matrix::from_vec(m, n, values.collect())
    }

    #[test]
    fn the_three_engines_agree() {
        for (m, n) in [(5, 9), (9, 5), (20, 31), (6, 6)] {
            let j = matrix(m, n);
            let g: Vec<f64> = (0..m).map(|i| (i as f64 + 0.5).cos()).collect();
            for kappa in [-1.0, 0.0, 0.5, 1.0] {
                let run = |engine| {
                    let mut out = vec![0.0; n];
                    pseudo_inverse_power(&j, &g, kappa, 1e-5, engine, &mut out).unwrap();
                    out
                };
                let reference = run(Engine::Dense);
                for engine in [
                    Engine::Gram,
                    Engine::Krylov {
                        steps: m,
                        tolerance: 0.0,
                    },
                ] {
                    let difference: Vec<f64> = run(engine)
                        .iter()
                        .zip(&reference)
                        .map(|(a, b)| a - b)
                        .collect();
                    assert!(
                        norm(&difference) <= 1e-8 * norm(&reference),
                        "{engine:?} {kappa}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_limits_are_the_transpose_and_the_pseudo_inverse() {
        let j = matrix(4, 4);
        let g = [1.0, -2.0, 0.5, 3.0];
        let (mut out, mut expected) = ([0.0; 4], [0.0; 4]);
        pseudo_inverse_power(&j, &g, -1.0, 0.0, Engine::Dense, &mut out).unwrap();
        j.apply_transpose(&g, &mut expected);
        assert!((0..4).all(|i| (out[i] - expected[i]).abs() < 1e-12));
        pseudo_inverse_power(&j, &g, 1.0, 0.0, Engine::Dense, &mut out).unwrap();
        j.apply(&out, &mut expected);
        assert!((0..4).all(|i| (g[i] - expected[i]).abs() < 1e-10));
    }

    #[test]
    fn auto_takes_what_the_size_asks_for_and_memory_is_told() {
        let auto = |m, n, truncation| Engine::Auto.resolve(m, n, truncation);
        assert_eq!(auto(10, 5000, 1e-5), Engine::Dense);
        assert_eq!(auto(128, 1500, 1e-5), Engine::Gram);
        assert_eq!(auto(128, 1500, 1e-9), Engine::Dense);
        assert_eq!(
            auto(2000, 50_000, 1e-5).to_string(),
            "krylov, at most 300 steps, tolerance 0.05"
        );
        assert_eq!(Engine::Gram.resolve(9000, 9000, 0.0), Engine::Gram);
        // J twice, V, and workspace of the same size.
        let j = 8 * 100 * 10_000;
        let dense = Engine::Dense.bytes(100, 10_000);
        assert!((4 * j..5 * j).contains(&dense), "{dense} for {j}");
        let gram = Engine::Gram.bytes(100, 10_000);
        assert!((3 * 80_000..6 * 80_000).contains(&gram), "{gram}");
        assert_eq!(
            Engine::Krylov {
                steps: 30,
                tolerance: 0.0
            }
            .bytes(100, 1000),
            8 * 6000
        );
    }

    /// σ falls over five decades; half of the directions are enough for a twentieth.
    #[test]
    fn a_tolerance_ends_the_iteration_when_the_step_stands() {
        let m = 200;
        let mut j = Matrix::zeros(m, m);
        for i in 0..m {
            j[(i, i)] = 10.0_f64.powf(-5.0 * i as f64 / m as f64);
        }
        // As a loss that has fallen: g is small where steps have come before.
        let g: Vec<f64> = (0..m).map(|i| j[(i, i)].sqrt()).collect();
        let run = |engine| {
            let mut out = vec![0.0; m];
            let report = pseudo_inverse_power(&j, &g, 0.5, 1e-5, engine, &mut out).unwrap();
            (out, report.rank)
        };
        let (exact, _) = run(Engine::Dense);
        let apart = |(step, rank): (Vec<f64>, usize)| {
            let change: Vec<f64> = step.iter().zip(&exact).map(|(a, b)| a - b).collect();
            (norm(&change) / norm(&exact), rank)
        };
        let (steps, mut before) = (m, 1.0);
        for tolerance in [0.2, 0.05, 0.01] {
            let (own, rank) = apart(run(Engine::Krylov { steps, tolerance }));
            println!("{tolerance}: {own} with {rank}");
            assert!(own < before && rank < m, "{tolerance}: {own} with {rank}");
            before = own;
        }
        assert!(before < 0.1, "{before}");
    }

    #[test]
    fn a_zero_map_gives_a_zero_step() {
        let j = Matrix::zeros(3, 2);
        for engine in [
            Engine::Dense,
            Engine::Gram,
            Engine::Krylov {
                steps: 3,
                tolerance: 0.0,
            },
        ] {
            let mut out = [1.0; 2];
            let report = pseudo_inverse_power(&j, &[1.0; 3], 0.5, 1e-5, engine, &mut out).unwrap();
            assert_eq!((out, report.rank), ([0.0; 2], 0));
        }
    }
}
