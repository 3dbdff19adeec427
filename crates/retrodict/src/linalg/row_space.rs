//! Functions of JᵀJ times a vector of the row space, by Lanczos' iteration.

use super::matrix::Matrix;
use super::tridiagonal::first_column;
use super::vectors::{axpy, dot, norm};
use crate::error::Result;
use crate::linalg::LinearMap;

/// Steps between two looks at how much the result still changes.
const STRIDE: usize = 8;

/// out = f(JᵀJ) Jᵀ g, by Lanczos' iteration on JᵀJ started from Jᵀg, with every vector kept in y.
///
/// A basis vector v = Jᵀu is represented by u and by p = J Jᵀu; then vᵢ·vⱼ = uᵢ·pⱼ. Memory and
/// orthogonalisation grow with m alone, whatever the number of unknowns. What g holds in the null
/// space of Jᵀ has no part in it: started from g itself, the iteration would find spurious tiny Ritz
/// values there, and steps many times too long.
///
/// `f` maps the Ritz values of JᵀJ, in no order, to the values of the function there. Returns the Ritz
/// values, one for each step that was taken. Stops early where the Krylov space is exhausted, and the
/// result is exact then; and after each eight steps that changed the result by no more than
/// `tolerance`, relative to its length. With a tolerance of 0 all steps are taken.
///
/// # Cost
/// A product with J Jᵀ a step, a vjp at the end, and 4 m steps² multiplications; with a tolerance, 12 steps²
/// for each look at it.
///
/// # Source
/// Golub & Van Loan, *Matrix Computations*, 10.1 and 10.4.
pub fn row_space_function(
    map: &dyn LinearMap,
    g: &[f64],
    steps: usize,
    tolerance: f64,
    f: &dyn Fn(&[f64]) -> Vec<f64>,
    out: &mut [f64],
) -> Result<Vec<f64>> {
    let (m, n) = (map.outputs(), map.inputs());
    out.fill(0.0);
    let steps = steps.min(m).min(n);
    let (mut u, mut p) = (Matrix::zeros(steps, m), Matrix::zeros(steps, m));
    let mut w = g.to_vec();
    let (mut diagonal, mut off) = (Vec::with_capacity(steps), Vec::with_capacity(steps));
    let (mut length, mut size) = (0.0, 0.0_f64);
    let mut before: Vec<f64> = Vec::new();
    for k in 0..steps {
        // `out` serves as workspace for Jᵀw.
        map.apply_gram(&w, out, p.row_mut(k))?;
        let beta = dot(&w, p.row(k)).max(0.0).sqrt();
        if k == 0 {
            length = beta;
        }
        if beta <= 1e-13 * size || beta == 0.0 {
            break;
        }
        if k > 0 {
            off.push(beta);
        }
        for (u, w) in u.row_mut(k).iter_mut().zip(&w) {
            *u = w / beta;
        }
        p.row_mut(k).iter_mut().for_each(|p| *p /= beta);
        w.copy_from_slice(p.row(k));
        let alpha = dot(p.row(k), &w);
        diagonal.push(alpha);
        size = size.max(alpha);
        if tolerance > 0.0 && (k + 1).is_multiple_of(STRIDE) && k + 1 < steps {
            // The basis is orthonormal: what changes in the coordinates changes in the result.
            let (now, _) = first_column(&diagonal, &off, f)?;
            before.resize(now.len(), 0.0);
            let change: Vec<f64> = now.iter().zip(&before).map(|(a, b)| a - b).collect();
            if norm(&change) <= tolerance * norm(&now) {
                break;
            }
            before = now;
        }
        // Twice is enough (Parlett), and it also does the three-term recurrence.
        for _ in 0..2 {
            for j in 0..=k {
                let overlap = dot(p.row(j), &w);
                axpy(-overlap, u.row(j), &mut w);
            }
        }
    }
    if diagonal.is_empty() {
        out.fill(0.0);
        return Ok(Vec::new());
    }
    let (column, values) = first_column(&diagonal, &off, f)?;
    w.fill(0.0);
    for (i, weight) in column.iter().enumerate() {
        axpy(length * weight, u.row(i), &mut w);
    }
    map.apply_transpose(&w, out)?;
    Ok(values)
}
