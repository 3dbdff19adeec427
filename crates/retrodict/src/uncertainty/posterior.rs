//! The posterior of a field: the Gaussian around the best x, of low rank.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use rayon::prelude::*;

use crate::compose::bounds::Bounds;
use crate::error::{Result, expect_length};
use crate::interrupt::{self, Interrupt};
use crate::linalg::LinearMap;
use crate::linalg::{LowRank, Matrix, Sketch, axpy, dot, randomised_eigen};
use crate::problem::{Counts, Problem};
use crate::uncertainty::statistics::{known_variance, no_noise};

mod conditional;
mod field;

use conditional::Conditional;
pub use field::{GaussianField, MaternField};

/// The Laplace approximation of the posterior of a field: Gaussian around x, with the data's curvature kept
/// where it outweighs the prior.
///
/// With the prior's covariance C = S Sᵀ, the covariance is S (1 + H)⁻¹ Sᵀ, where H = Sᵀ Jᵀ Γ⁻¹ J S is the
/// curvature of the data's misfit as the prior sees it. Its eigenvalues fall quickly: the data say little about many directions, and where an eigenvalue is far below 1 the posterior equals the prior.
///
/// # Shapes
/// Fields have the length of x.
///
/// # Cost
/// 2 (rank + oversampling) products with J, Jᵀ and S, Sᵀ each.
///
/// # Source
/// Bui-Thanh, Ghattas, Martin & Stadler, *A computational framework for infinite-dimensional Bayesian inverse
/// problems, part I*, SIAM J. Sci. Comput. 35 (2013), section 5.
pub struct Posterior<'a> {
    /// Given the unknowns that bounds fix.
    field: Conditional<'a>,
    mean: Vec<f64>,
    /// Eigenvalues of H with eigenvectors as rows.
    curvature: LowRank,
    /// S v for each eigenvector v, as rows.
    shapes: Matrix,
    counts: Counts,
}

impl<'a> Posterior<'a> {
    /// The posterior around x, which should be the maximum a posteriori estimate.
    ///
    /// Only the data of the problem count; the prior is the field. Unknowns that equal bounds fix are known, and
    /// what the field says of their neighbours counts; other bounds are left out. The loss must know the data's
    /// noise. Transforms and linear constraints are left out too: the posterior is Gaussian in x.
    ///
    /// # Errors
    /// If lengths do not fit, the loss knows no noise, the simulation fails at x, or so many unknowns are fixed that
    /// their covariances do not fit into memory.
    pub fn new(
        problem: &Problem,
        field: &'a dyn GaussianField,
        x: &[f64],
        sketch: Sketch,
    ) -> Result<Self> {
        let n = problem.inputs();
        expect_length("x", x.len(), n)?;
        expect_length("the prior's field", field.len(), n)?;
        let fixed = problem.bounds().map(Bounds::fixed).unwrap_or_default();
        let field = Conditional::new(field, fixed)?;
        let problem = problem.untransformed()?.without_priors();
        let mut y = vec![0.0; problem.outputs()];
        problem.simulator().forward(x, &mut y)?;
        let variance = known_variance(&problem, &y).ok_or_else(|| no_noise(&problem))?;
        let (linearised, products) = (AtomicU64::new(0), AtomicU64::new(0));
        let interrupt = Interrupt::current();
        let work = |from: &Matrix, to: &mut Matrix| {
            products.fetch_add(from.rows() as u64, Ordering::Relaxed);
            let rows = from.rows().div_ceil(rayon::current_num_threads()).max(1);
            let pieces = to.as_mut_slice().par_chunks_mut(rows * n);
            pieces.enumerate().try_for_each(|(piece, to)| {
                interrupt.within(|| {
                    linearised.fetch_add(1, Ordering::Relaxed);
                    let mut room = Room::at(&problem, x)?;
                    for (i, to) in to.chunks_mut(n).enumerate() {
                        interrupt::check()?;
                        room.curvature(&field, from.row(piece * rows + i), to)?;
                        to.iter_mut().for_each(|v| *v /= variance);
                    }
                    Ok(())
                })
            })
        };
        let curvature = randomised_eigen(n, &work, sketch)?;
        let mut shapes = Matrix::zeros(curvature.values.len(), n);
        let pairs = shapes.as_mut_slice().par_chunks_mut(n).enumerate();
        pairs.for_each(|(i, shape)| field.root(curvature.vectors.row(i), shape));
        Ok(Self {
            field,
            mean: x.to_vec(),
            curvature,
            shapes,
            counts: Counts {
                forward: 1 + linearised.into_inner(),
                jvp: products.load(Ordering::Relaxed),
                vjp: products.into_inner(),
                ..Counts::default()
            },
        })
    }

    /// Evaluations of the simulator; a separate thread linearises it once more.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The eigenvalues of H, largest first: how much more the data constrain a direction than the prior does. What was
    /// left out lies below the last; if that is not far below 1, take a larger rank.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.curvature.values
    }

    /// The standard deviation of each value of x before the data; 0 where bounds fix it.
    pub fn prior_deviations(&self) -> Vec<f64> {
        self.field.variances().iter().map(|v| v.sqrt()).collect()
    }

    /// The standard deviation of each value of x; 0 where bounds fix it.
    pub fn deviations(&self) -> Vec<f64> {
        let mut variances = self.field.variances();
        for (i, value) in self.curvature.values.iter().enumerate() {
            let share = value / (1.0 + value);
            let shape = self.shapes.row(i).iter();
            variances
                .iter_mut()
                .zip(shape)
                .for_each(|(v, s)| *v -= share * s * s);
        }
        // What the data determine is round-off of the prior's variance.
        variances.iter().map(|v| v.max(0.0).sqrt()).collect()
    }

    /// Fields drawn from the posterior, as rows; the same for the same seed.
    pub fn samples(&self, count: usize, seed: u64) -> Matrix {
        let n = self.mean.len();
        let mut random = Pcg64::seed_from_u64(seed);
        let draws = (0..count * n).map(|_| StandardNormal.sample(&mut random));
        let white = Matrix::from_vec(count, n, draws.collect());
        let mut samples = Matrix::zeros(count, n);
        let pairs = samples.as_mut_slice().par_chunks_mut(n).enumerate();
        pairs.for_each(|(i, sample)| {
            // (1 + H)^(−½) ξ.
            let mut narrowed = white.row(i).to_vec();
            for (k, value) in self.curvature.values.iter().enumerate() {
                let direction = self.curvature.vectors.row(k);
                let change = 1.0 / (1.0 + value).sqrt() - 1.0;
                axpy(
                    change * dot(direction, white.row(i)),
                    direction,
                    &mut narrowed,
                );
            }
            self.field.root(&narrowed, sample);
            sample.iter_mut().zip(&self.mean).for_each(|(s, x)| *s += x);
        });
        samples
    }
}

/// What one thread needs to apply the curvature of the misfit.
struct Room<'p> {
    problem: &'p Problem,
    map: Box<dyn LinearMap + Send + 'p>,
    y: Vec<f64>,
    /// In x-space and twice in y-space.
    dx: Vec<f64>,
    dy: Vec<f64>,
    whitened: Vec<f64>,
}

impl<'p> Room<'p> {
    fn at(problem: &'p Problem, x: &[f64]) -> Result<Self> {
        let m = problem.outputs();
        let mut y = vec![0.0; m];
        Ok(Self {
            problem,
            map: problem.simulator().linearize(x, &mut y)?,
            y,
            dx: vec![0.0; x.len()],
            dy: vec![0.0; m],
            whitened: vec![0.0; m],
        })
    }

    /// out = Sᵀ Jᵀ WᵀW J S white.
    fn curvature(
        &mut self,
        field: &dyn GaussianField,
        white: &[f64],
        out: &mut [f64],
    ) -> Result<()> {
        let (loss, target) = (self.problem.loss(), self.problem.target());
        field.root(white, &mut self.dx);
        self.map.apply(&self.dx, &mut self.dy)?;
        loss.whiten(&self.y, target, &self.dy, &mut self.whitened);
        loss.whiten_transpose(&self.y, target, &self.whitened, &mut self.dy);
        self.map.apply_transpose(&self.dy, &mut self.dx)?;
        field.root_transpose(&self.dx, out);
        Ok(())
    }
}
