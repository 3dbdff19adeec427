//! Least squares from products alone: LSMR.

use derive_setters::Setters;

use super::vectors::norm;
use crate::error::Result;
use crate::interrupt;
use crate::linalg::LinearMap;

/// When LSMR stops, and how strongly it damps.
#[derive(Debug, Clone, Copy, PartialEq, Setters)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct LsmrOptions {
    /// Minimises ‖J x − b‖² + damping² ‖x‖².
    pub damping: f64,
    /// Relative tolerance on the residual and on the normal residual.
    pub tolerance: f64,
    /// Maximum number of iterations.
    pub max_iterations: usize,
}

impl Default for LsmrOptions {
    fn default() -> Self {
        Self {
            damping: 0.0,
            tolerance: 1e-12,
            max_iterations: 1000,
        }
    }
}

/// How LSMR ended.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LsmrReport {
    /// Iterations done.
    pub iterations: usize,
    /// ‖b − J x‖, with the damped rows included.
    pub residual_norm: f64,
    /// ‖Jᵀ (b − J x) − damping² x‖.
    pub normal_residual_norm: f64,
    /// Whether a tolerance was met.
    pub converged: bool,
}

/// The minimum-norm least-squares solution of J x = b, with one jvp and one vjp an iteration.
///
/// x starts at 0, so a rank-deficient J is harmless: nothing of its null space enters.
///
/// # Source
/// Fong & Saunders, *LSMR: an iterative algorithm for sparse least-squares problems*,
/// SIAM J. Sci. Comput. 33 (2011).
pub fn lsmr(
    map: &dyn LinearMap,
    b: &[f64],
    options: &LsmrOptions,
    x: &mut [f64],
) -> Result<LsmrReport> {
    let (m, n) = (map.outputs(), map.inputs());
    x.fill(0.0);
    let mut report = LsmrReport {
        iterations: 0,
        residual_norm: norm(b),
        normal_residual_norm: 0.0,
        converged: true,
    };
    let mut beta = report.residual_norm;
    if beta == 0.0 {
        return Ok(report);
    }
    let mut u: Vec<f64> = b.iter().map(|b| b / beta).collect();
    let mut v = vec![0.0; n];
    map.apply_transpose(&u, &mut v)?;
    let mut alpha = norm(&v);
    if alpha == 0.0 {
        return Ok(report);
    }
    scale(1.0 / alpha, &mut v);
    let (mut av, mut atu) = (vec![0.0; m], vec![0.0; n]);
    let (mut h, mut hbar) = (v.clone(), vec![0.0; n]);

    let (b_norm, normal_b) = (beta, alpha * beta);
    let (mut zetabar, mut alphabar) = (alpha * beta, alpha);
    let (mut rho, mut rhobar, mut cbar, mut sbar) = (1.0, 1.0, 1.0, 0.0);
    // For the estimate of ‖r‖.
    let (mut betadd, mut betad, mut rhodold, mut tautildeold) = (beta, 0.0, 1.0, 0.0);
    let (mut thetatilde, mut zeta, mut d, mut norm_a2) = (0.0, 0.0, 0.0, alpha * alpha);
    report.converged = false;

    while report.iterations < options.max_iterations {
        interrupt::check()?;
        report.iterations += 1;
        map.apply(&v, &mut av)?;
        for (u, av) in u.iter_mut().zip(&av) {
            *u = av - alpha * *u;
        }
        beta = norm(&u);
        if beta > 0.0 {
            scale(1.0 / beta, &mut u);
            map.apply_transpose(&u, &mut atu)?;
            for (v, atu) in v.iter_mut().zip(&atu) {
                *v = atu - beta * *v;
            }
            alpha = norm(&v);
            if alpha > 0.0 {
                scale(1.0 / alpha, &mut v);
            }
        } else {
            alpha = 0.0;
        }

        let (chat, shat, alphahat) = rotation(alphabar, options.damping);
        let rho_old = rho;
        let (c, s, new_rho) = rotation(alphahat, beta);
        rho = new_rho;
        let theta = s * alpha;
        alphabar = c * alpha;

        let (rhobar_old, zeta_old) = (rhobar, zeta);
        let thetabar = sbar * rho;
        let (cbar_new, sbar_new, rhobar_new) = rotation(cbar * rho, theta);
        (cbar, sbar, rhobar) = (cbar_new, sbar_new, rhobar_new);
        zeta = cbar * zetabar;
        zetabar *= -sbar;

        let back = thetabar * rho / (rho_old * rhobar_old);
        for ((hbar, h), x) in hbar.iter_mut().zip(&h).zip(x.iter_mut()) {
            *hbar = h - back * *hbar;
            *x += zeta / (rho * rhobar) * *hbar;
        }
        let onward = theta / rho;
        for (h, v) in h.iter_mut().zip(&v) {
            *h = v - onward * *h;
        }

        let betaacute = chat * betadd;
        let betacheck = -shat * betadd;
        let betahat = c * betaacute;
        betadd = -s * betaacute;
        let thetatilde_old = thetatilde;
        let (ctilde, stilde, rhotilde) = rotation(rhodold, thetabar);
        thetatilde = stilde * rhobar;
        rhodold = ctilde * rhobar;
        betad = -stilde * betad + ctilde * betahat;
        tautildeold = (zeta_old - thetatilde_old * tautildeold) / rhotilde;
        let taud = (zeta - thetatilde * tautildeold) / rhodold;
        d += betacheck * betacheck;
        report.residual_norm = (d + (betad - taud) * (betad - taud) + betadd * betadd).sqrt();
        report.normal_residual_norm = zetabar.abs();
        norm_a2 += beta * beta + alpha * alpha;

        let size = norm_a2.sqrt() * report.residual_norm;
        if report.residual_norm <= options.tolerance * b_norm
            || report.normal_residual_norm <= options.tolerance * size.max(f64::EPSILON * normal_b)
            || alpha == 0.0
        {
            report.converged = true;
            break;
        }
    }
    Ok(report)
}

fn scale(factor: f64, v: &mut [f64]) {
    for v in v {
        *v *= factor;
    }
}

/// c, s, r with c a + s b = r and −s a + c b = 0.
fn rotation(a: f64, b: f64) -> (f64, f64, f64) {
    let r = a.hypot(b);
    if r == 0.0 {
        (1.0, 0.0, 0.0)
    } else {
        (a / r, b / r, r)
    }
}

/// Residual of the normal equations, for tests that do not trust the estimate.
#[cfg(test)]
fn normal_residual(map: &super::Matrix, b: &[f64], damping: f64, x: &[f64]) -> f64 {
    let mut r = vec![0.0; b.len()];
    map.apply(x, &mut r);
    for (r, b) in r.iter_mut().zip(b) {
        *r = b - *r;
    }
    let mut g = vec![0.0; x.len()];
    map.apply_transpose(&r, &mut g);
    super::axpy(-damping * damping, x, &mut g);
    norm(&g)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Matrix, svd};
    use super::*;

    fn matrix(m: usize, n: usize) -> Matrix {
        let values = (0..m * n).map(|i| (1.3 * i as f64).sin() + 0.1 * (i as f64).cos());
        Matrix::from_vec(m, n, values.collect())
    }

    #[test]
    fn solves_tall_wide_and_damped_problems() {
        for (m, n, damping) in [(7, 4, 0.0), (4, 7, 0.0), (6, 6, 0.3), (5, 9, 1.0)] {
            let a = matrix(m, n);
            let b: Vec<f64> = (0..m).map(|i| 1.0 + i as f64).collect();
            let mut x = vec![0.0; n];
            let options = LsmrOptions {
                damping,
                tolerance: 1e-14,
                ..Default::default()
            };
            let report = lsmr(&a, &b, &options, &mut x).unwrap();
            assert!(report.converged);
            assert!(normal_residual(&a, &b, damping, &x) < 1e-10, "{m}x{n}");
        }
    }

    #[test]
    fn rank_deficient_problems_get_the_shortest_solution() {
        // Two equal columns: the shortest solution shares the weight between them.
        let a = Matrix::from_rows(&[&[1.0, 1.0, 0.0], &[0.0, 0.0, 2.0], &[1.0, 1.0, 1.0]]);
        let b = [2.0, 4.0, 4.0];
        let mut x = [0.0; 3];
        lsmr(&a, &b, &LsmrOptions::default(), &mut x).unwrap();
        for (x, expected) in x.iter().zip([1.0, 1.0, 2.0]) {
            assert!((x - expected).abs() < 1e-12);
        }
        assert!(svd(&a).unwrap().s[2] < 1e-15);
    }
}
