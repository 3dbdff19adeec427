//! P linearised on the way to y, and what its pseudo-inverse says there.

use crate::core::counts::Counts;
use crate::core::simulator::Simulator;
use crate::error::{Result, expect_finite, expect_length};
use crate::interrupt;
use crate::linalg::LinearMap;
use crate::linalg::{LsmrOptions, Svd, axpy, dot, lsmr, norm, svd};

/// How J is inverted: by a truncated SVD where it is small, by LSMR where it is not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Solves {
    /// Singular values below this share of the largest are dropped.
    pub truncation: f64,
    /// min(m, n) up to which J is formed.
    pub dense_up_to: usize,
    /// Iterations of LSMR where it is not.
    pub krylov_steps: usize,
}

/// A search for x with P(x) = y, and what it has asked of P so far.
pub(crate) struct LocalSearch<'a> {
    pub simulator: &'a dyn Simulator,
    pub target: &'a [f64],
    pub solves: Solves,
    pub counts: Counts,
}

impl<'a> LocalSearch<'a> {
    pub fn new(
        simulator: &'a dyn Simulator,
        target: &'a [f64],
        x0: &[f64],
        solves: Solves,
    ) -> Result<Self> {
        expect_length("y", target.len(), simulator.output().len())?;
        expect_length("x0", x0.len(), simulator.input().len())?;
        expect_finite("y", target)?;
        expect_finite("x0", x0)?;
        Ok(Self {
            simulator,
            target,
            solves,
            counts: Counts::default(),
        })
    }

    /// Whether every y near P(x) has an x: only a fold can then keep one from being reached.
    pub fn is_open(&self, x: &[f64]) -> bool {
        self.target.len() <= x.len()
    }

    /// P and its linearisation at x.
    pub fn point(&mut self, x: Vec<f64>) -> Result<LinearisedPoint<'a>> {
        let mut y = vec![0.0; self.target.len()];
        interrupt::check()?;
        self.counts.forward += 1;
        let map = self.simulator.linearize(&x, &mut y)?;
        expect_finite("P(x)", &y)?;
        let residual: Vec<f64> = self.target.iter().zip(&y).map(|(t, y)| t - y).collect();
        Ok(LinearisedPoint {
            left: norm(&residual),
            residual,
            x,
            y,
            map,
        })
    }

    /// J⁺ at a point.
    pub fn tangent<'p>(&mut self, at: &'p LinearisedPoint<'_>) -> Result<Tangent<'p>> {
        let (m, n) = (at.y.len(), at.x.len());
        let kind = if m.min(n) <= self.solves.dense_up_to {
            let products = if n <= m {
                &mut self.counts.jvp
            } else {
                &mut self.counts.vjp
            };
            *products += m.min(n) as u64;
            let parts = svd(&at.map.dense()?)?;
            let floor = self.solves.truncation * parts.s.first().copied().unwrap_or(0.0);
            let rank = parts.s.iter().filter(|s| **s > floor).count();
            TangentSolver::Dense { parts, rank }
        } else {
            TangentSolver::Krylov(LsmrOptions {
                damping: 0.0,
                tolerance: self.solves.truncation,
                max_iterations: self.solves.krylov_steps,
            })
        };
        Ok(Tangent {
            map: &*at.map,
            kind,
        })
    }

    /// How small ‖y − P(x)‖ can be told from 0.
    pub fn round_off(&self, at: &LinearisedPoint<'_>) -> f64 {
        64.0 * f64::EPSILON * (norm(self.target) + norm(&at.y))
    }
}

/// P(x) and J at x.
pub(crate) struct LinearisedPoint<'s> {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    /// y* − P(x).
    pub residual: Vec<f64>,
    /// ‖y* − P(x)‖.
    pub left: f64,
    pub map: Box<dyn LinearMap + 's>,
}

/// J⁺ at a point.
pub(crate) struct Tangent<'p> {
    map: &'p dyn LinearMap,
    kind: TangentSolver,
}

enum TangentSolver {
    Dense { parts: Svd, rank: usize },
    Krylov(LsmrOptions),
}

impl Tangent<'_> {
    /// J⁺ r; with damping (JᵀJ + damping²)⁻¹ Jᵀ r.
    pub fn solve(&self, r: &[f64], damping: f64, counts: &mut Counts) -> Result<Vec<f64>> {
        let mut dx = vec![0.0; self.map.inputs()];
        match &self.kind {
            TangentSolver::Dense { parts, rank } => {
                for k in 0..*rank {
                    let s = parts.s[k];
                    let weight: f64 = (0..r.len()).map(|i| parts.u[(i, k)] * r[i]).sum();
                    let weight = weight * s / (s * s + damping * damping);
                    for (i, dx) in dx.iter_mut().enumerate() {
                        *dx += weight * parts.v[(i, k)];
                    }
                }
            }
            TangentSolver::Krylov(options) => {
                let options = LsmrOptions {
                    damping,
                    ..*options
                };
                let report = lsmr(self.map, r, &options, &mut dx)?;
                counts.jvp += report.iterations as u64;
                counts.vjp += 1 + report.iterations as u64;
            }
        }
        Ok(dx)
    }

    /// J dx.
    pub fn apply(&self, dx: &[f64], counts: &mut Counts) -> Result<Vec<f64>> {
        let mut dy = vec![0.0; self.map.outputs()];
        match &self.kind {
            TangentSolver::Dense { parts, .. } => {
                for (k, s) in parts.s.iter().enumerate() {
                    let weight: f64 = (0..dx.len()).map(|i| parts.v[(i, k)] * dx[i]).sum();
                    for (i, dy) in dy.iter_mut().enumerate() {
                        *dy += s * weight * parts.u[(i, k)];
                    }
                }
            }
            TangentSolver::Krylov(_) => {
                counts.jvp += 1;
                self.map.apply(dx, &mut dy)?;
            }
        }
        Ok(dy)
    }

    /// The part of dx that P does not see to first order: (1 − J⁺J) dx.
    pub fn unseen(&self, dx: &[f64], counts: &mut Counts) -> Result<Vec<f64>> {
        let mut unseen = dx.to_vec();
        match &self.kind {
            TangentSolver::Dense { parts, rank } => {
                for k in 0..*rank {
                    let v: Vec<f64> = (0..dx.len()).map(|i| parts.v[(i, k)]).collect();
                    axpy(-dot(&v, &unseen), &v, &mut unseen);
                }
            }
            TangentSolver::Krylov(_) => {
                let seen = self.apply(dx, counts)?;
                axpy(-1.0, &self.solve(&seen, 0.0, counts)?, &mut unseen);
            }
        }
        Ok(unseen)
    }
}

/// x + scale · dx.
pub(crate) fn moved(x: &[f64], scale: f64, dx: &[f64]) -> Vec<f64> {
    x.iter().zip(dx).map(|(x, d)| x + scale * d).collect()
}
