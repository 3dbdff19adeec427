//! min ‖A Δx − b‖ as updates need it: dense or by products, and within bounds.

use super::constrained::ConstrainedModel;
use super::whitened::{TRUSTED, Whitened};
use crate::compose::facets::Facets;
use crate::error::Result;
use crate::linalg::LinearMap;
use crate::linalg::{Engine, LsmrOptions, Matrix, dot, lsmr, norm, pseudo_inverse_power};
use crate::problem::{Evaluation, silence};

/// How a least-squares problem is solved.
pub(super) struct LeastSquares {
    /// Singular values below this, relative to the largest, are dropped.
    pub(super) truncation: f64,
    /// Iterations of LSMR where A is not formed.
    pub(super) krylov_steps: usize,
}

impl LeastSquares {
    /// The shortest solution for a matrix.
    pub(super) fn dense(
        &self,
        at: &Evaluation<'_>,
        a: &Matrix,
        b: &[f64],
        dx: &mut [f64],
    ) -> Result<()> {
        if let Some(facets) = at.facets() {
            return self.constrained(&facets, a, b, dx);
        }
        let (units, truncation) = match self.of_error(at, a)? {
            Some((units, truncation)) => (Some(units), truncation),
            None => (units(a, at.x()), self.truncation),
        };
        within_bounds(at, a, b, dx, |stopped, b, dx| {
            let mut scaled;
            let mut a = a;
            if stopped.is_some() || units.is_some() {
                scaled = a.clone();
                (0..scaled.rows()).for_each(|i| {
                    let row = scaled.row_mut(i);
                    if let Some(units) = &units {
                        row.iter_mut().zip(units).for_each(|(v, u)| *v *= u);
                    }
                    if let Some(stopped) = stopped {
                        silence(stopped, row);
                    }
                });
                a = &scaled;
            }
            pseudo_inverse_power(a, b, 1.0, truncation, Engine::Dense, dx)?;
            if let Some(units) = &units {
                dx.iter_mut().zip(units).for_each(|(d, u)| *d *= u);
            }
            Ok(())
        })?;
        Ok(())
    }

    /// The solution within linear constraints and bounds, in units in which all columns of A have length 1.
    fn constrained(&self, facets: &Facets, a: &Matrix, b: &[f64], dx: &mut [f64]) -> Result<()> {
        let unit = |length: f64| if length > 0.0 { length } else { 1.0 };
        let scale: Vec<f64> = lengths(a).into_iter().map(unit).collect();
        let mut scaled = a.clone();
        for i in 0..scaled.rows() {
            let row = scaled.row_mut(i).iter_mut();
            row.zip(&scale).for_each(|(v, d)| *v /= d);
        }
        let model = ConstrainedModel::new(&scaled, b, facets, &scale, self.truncation)?;
        let found = model.step(f64::INFINITY)?;
        let steps = dx.iter_mut().zip(&found.step).zip(&scale);
        steps.for_each(|((d, s), scale)| *d = s / scale);
        Ok(())
    }

    /// Where J is found by differences, and no shortest solution is asked for: units of x in which all columns have length 1, and
    /// the truncation below which a singular value may be the error of J. What is kept is the same in all units.
    fn of_error(&self, at: &Evaluation<'_>, a: &Matrix) -> Result<Option<(Vec<f64>, f64)>> {
        if a.rows() < a.cols() {
            return Ok(None);
        }
        let map = Whitened::new(at)?;
        let Some(errors) = map.column_errors(false)? else {
            return Ok(None);
        };
        let columns = map.columns()?;
        let share = |(i, error): (usize, &f64)| match norm(columns.row(i)) {
            0.0 => 0.0,
            length => (error / length).min(1.0),
        };
        let error = norm(&errors.iter().enumerate().map(share).collect::<Vec<_>>());
        let unit = |length: f64| if length > 0.0 { 1.0 / length } else { 1.0 };
        let units = lengths(a).into_iter().map(unit).collect();
        Ok(Some((
            units,
            self.truncation.max((error / TRUSTED).min(0.5)),
        )))
    }

    /// The same by products alone.
    pub(super) fn matrix_free(
        &self,
        at: &Evaluation<'_>,
        a: &dyn LinearMap,
        b: &[f64],
        dx: &mut [f64],
    ) -> Result<()> {
        let options = LsmrOptions {
            damping: 0.0,
            tolerance: self.truncation,
            max_iterations: self.krylov_steps,
        };
        within_bounds(at, a, b, dx, |stopped, b, dx| {
            lsmr(&Without { a, stopped }, b, &options, dx)?;
            Ok(())
        })?;
        Ok(())
    }
}

/// Columns that differ in length by more than this may be measured in units of x itself.
const SPREAD: f64 = 1e6;

/// Units of x in which its values are 1, where the columns of A lie so far apart that the
/// truncation might take some of them for round-off, and lie nearer in these units.
fn units(a: &Matrix, x: &[f64]) -> Option<Vec<f64>> {
    let lengths = lengths(a);
    let apart = spread(&lengths);
    if apart <= SPREAD {
        return None;
    }
    let effects: Vec<f64> = lengths.iter().zip(x).map(|(l, x)| l * x.abs()).collect();
    if spread(&effects) >= apart {
        return None;
    }
    let largest = effects.iter().copied().fold(0.0, f64::max);
    let unit = |(x, length): (&f64, &f64)| match x.abs() {
        // A value of 0 says nothing of its unit: it is given as much effect as the others have.
        0.0 if *length > 0.0 => largest / length,
        0.0 => 1.0,
        size => size,
    };
    Some(x.iter().zip(&lengths).map(unit).collect())
}

/// The length of each column.
fn lengths(a: &Matrix) -> Vec<f64> {
    let mut lengths = vec![0.0; a.cols()];
    for i in 0..a.rows() {
        let row = a.row(i).iter();
        lengths.iter_mut().zip(row).for_each(|(s, v)| *s += v * v);
    }
    lengths.iter_mut().for_each(|s| *s = s.sqrt());
    lengths
}

/// The largest value over the smallest that is not 0; 1 if there is none.
fn spread(values: &[f64]) -> f64 {
    let some = || values.iter().copied().filter(|v| *v > 0.0);
    match some().fold(0.0, f64::max) {
        0.0 => 1.0,
        largest => largest / some().fold(f64::INFINITY, f64::min),
    }
}

/// A without the columns of some unknowns.
pub(super) struct Without<'a> {
    pub(super) a: &'a dyn LinearMap,
    pub(super) stopped: Option<&'a [bool]>,
}

impl LinearMap for Without<'_> {
    fn inputs(&self) -> usize {
        self.a.inputs()
    }
    fn outputs(&self) -> usize {
        self.a.outputs()
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        // LSMR's vectors come from `apply_transpose`: what was stopped is 0 in them.
        self.a.apply(dx, dy)
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.a.apply_transpose(dy, dx)?;
        if let Some(stopped) = self.stopped {
            silence(stopped, dx);
        }
        Ok(())
    }
    fn expect_products(&self, count: usize) -> Result<()> {
        self.a.expect_products(count)
    }
}

/// Times that unknowns which run into bounds are stopped there, and the others sought again.
const PASSES: usize = 4;

/// The same where the way along bounds does not lead downhill.
const EXCHANGES: usize = 30;

/// Exchanges of all unknowns at once that gain nothing, before they are exchanged one by one.
const FRUITLESS: usize = 3;

/// Writes a Δx that ends within bounds: `solve` is asked for the argmin of ‖A Δx − b‖, and where
/// unknowns run beyond a bound they are stopped there and the others asked for again.
///
/// Nothing is let go of again, so this is a step and not yet the solution within bounds; the next
/// one starts from what the loss then holds. Where it does not lead downhill, the solution is sought.
/// Returns whether anything was stopped.
pub(super) fn within_bounds(
    at: &Evaluation<'_>,
    a: &dyn LinearMap,
    b: &[f64],
    dx: &mut [f64],
    solve: impl FnMut(Option<&[bool]>, &[f64], &mut [f64]) -> Result<()>,
) -> Result<bool> {
    let mut stops = Stops {
        a,
        b,
        stopped: vec![],
        fixed: vec![0.0; dx.len()],
        solve,
    };
    (stops.solve)(None, b, dx)?;
    for _ in 0..PASSES {
        let beyond: Vec<(usize, f64)> = at.stopped(dx).collect();
        if beyond.is_empty() {
            break;
        }
        stops.stopped.resize(dx.len(), false);
        beyond.into_iter().for_each(|(i, step)| stops.stop(i, step));
        stops.rest(dx)?;
    }
    if stops.stopped.is_empty() {
        return Ok(false);
    }
    // What was sought last may go beyond bounds once more.
    at.keep_within(dx);
    if dot(&stops.reached(dx)?, b) <= 0.0 {
        stops.exchange(at, dx)?;
    }
    Ok(true)
}

/// Unknowns that are stopped at bounds, and where.
struct Stops<'a, S> {
    a: &'a dyn LinearMap,
    b: &'a [f64],
    stopped: Vec<bool>,
    fixed: Vec<f64>,
    solve: S,
}

impl<S: FnMut(Option<&[bool]>, &[f64], &mut [f64]) -> Result<()>> Stops<'_, S> {
    fn stop(&mut self, i: usize, step: f64) {
        self.stopped[i] = true;
        self.fixed[i] = step;
    }

    fn let_go(&mut self, i: usize) {
        self.stopped[i] = false;
        self.fixed[i] = 0.0;
    }

    fn reached(&self, dx: &[f64]) -> Result<Vec<f64>> {
        let mut reached = vec![0.0; self.b.len()];
        self.a.apply(dx, &mut reached)?;
        Ok(reached)
    }

    /// Seeks the unknowns that are not stopped.
    fn rest(&mut self, dx: &mut [f64]) -> Result<()> {
        let mut rest = self.reached(&self.fixed)?;
        rest.iter_mut().zip(self.b).for_each(|(r, b)| *r = b - *r);
        (self.solve)(Some(&self.stopped), &rest, dx)?;
        let steps = dx.iter_mut().zip(&self.stopped).zip(&self.fixed);
        steps
            .filter(|((_, s), _)| **s)
            .for_each(|((d, _), f)| *d = *f);
        Ok(())
    }

    /// The solution within bounds: unknowns beyond a bound are stopped there and those that are pulled
    /// inwards let go of, until there are none of either.
    ///
    /// Portugal, Júdice & Vicente, *A comparison of block pivoting and interior-point algorithms for linear
    /// least squares problems with nonnegative variables* (Math. Comp. 63, 1994).
    fn exchange(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<()> {
        let (mut fewest, mut patience) = (usize::MAX, FRUITLESS);
        let mut pull = vec![0.0; dx.len()];
        for _ in 0..EXCHANGES {
            self.rest(dx)?;
            let mut left = self.reached(dx)?;
            left.iter_mut().zip(self.b).for_each(|(l, b)| *l = b - *l);
            self.a.apply_transpose(&left, &mut pull)?;
            // The sign of a step that was stopped tells the bound's side, even of one that is 0.
            let inwards = |i: &usize| self.stopped[*i] && pull[*i] * self.fixed[*i].signum() < 0.0;
            let mut inwards: Vec<usize> = (0..dx.len()).filter(inwards).collect();
            let mut beyond: Vec<(usize, f64)> = at.stopped(dx).collect();
            beyond.retain(|(i, _)| !self.stopped[*i]);
            let wrong = beyond.len() + inwards.len();
            if wrong == 0 {
                return Ok(());
            }
            patience = if wrong < fewest {
                FRUITLESS
            } else {
                patience.saturating_sub(1)
            };
            fewest = fewest.min(wrong);
            if patience == 0 {
                let last = beyond.last().map(|(i, _)| *i).max(inwards.last().copied());
                beyond.retain(|(i, _)| Some(*i) == last);
                inwards.retain(|i| Some(*i) == last);
            }
            inwards.into_iter().for_each(|i| self.let_go(i));
            beyond.into_iter().for_each(|(i, step)| self.stop(i, step));
        }
        at.keep_within(dx);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::losses::SquaredError;
    use crate::simulators::HeatOptions;
    use crate::{Bounds, Problem, Tally};

    /// In a box: only the bounds of this problem matter.
    fn boxed() -> Problem {
        let heat = HeatOptions::default().with_shape(vec![6]).build().unwrap();
        use crate::options::Build;
        let problem = Problem::new(
            Arc::new(heat),
            Arc::new(SquaredError::default()),
            vec![0.0; 6],
        );
        let bounds = Bounds {
            lower: vec![-0.5],
            upper: vec![0.3],
        };
        problem.unwrap().within(&bounds).unwrap()
    }

    #[test]
    fn exchanges_end_where_nothing_pulls_inwards() {
        let (problem, tally) = (boxed(), Tally::default());
        let at = Evaluation::new(&problem, &tally, &[0.0; 6]).unwrap();
        let mut source = rand_pcg::Pcg64::seed_from_u64(3);
        let mut normal = |n: usize| -> Vec<f64> {
            let mut one = || StandardNormal.sample(&mut source);
            (0..n).map(|_| one()).collect()
        };
        let mut at_bounds = 0;
        for _ in 0..200 {
            let a = Matrix::from_vec(7, 6, normal(42));
            let b = normal(7);
            let mut dx = vec![0.0; 6];
            let mut stops = Stops {
                a: &a,
                b: &b,
                stopped: vec![false; 6],
                fixed: vec![0.0; 6],
                solve: |stopped: Option<&[bool]>, b: &[f64], dx: &mut [f64]| {
                    let mut a = a.clone();
                    (0..7).for_each(|i| silence(stopped.unwrap(), a.row_mut(i)));
                    pseudo_inverse_power(&a, b, 1.0, 1e-13, Engine::Dense, dx)?;
                    Ok(())
                },
            };
            stops.exchange(&at, &mut dx).unwrap();
            let mut left = stops.reached(&dx).unwrap();
            left.iter_mut().zip(&b).for_each(|(l, b)| *l = b - *l);
            let mut pull = vec![0.0; 6];
            a.apply_transpose(&left, &mut pull);
            for (d, pull) in dx.iter().zip(&pull) {
                let (low, high) = (*d == -0.5, *d == 0.3);
                assert!((-0.5..=0.3).contains(d), "{dx:?}");
                assert!(
                    pull.abs() < 1e-9 || low && *pull < 0.0 || high && *pull > 0.0,
                    "{d} {pull}"
                );
                at_bounds += usize::from(low || high);
            }
        }
        assert!((400..1000).contains(&at_bounds), "{at_bounds}");
    }
}
