//! What a rule can evaluate of a problem at a point: computed once, cached and counted.

use std::cell::OnceCell;

use super::computed::Computed;
use super::{Counts, Problem, Tally};
use crate::error::{Error, Remedy, Result, expect_finite, expect_length};
use crate::interrupt;
use crate::linalg::LinearMap;
use crate::linalg::by_products;
use crate::linalg::{Matrix, norm};

mod arc;

/// A problem at one x: what a rule pulls is computed once, kept and counted.
///
/// Where bounds hold unknowns, a rule sees the problem without these: their derivatives are 0.
///
/// # Shapes
/// Slices in x-space have `inputs()` values, slices in y-space `outputs()`.
pub struct Evaluation<'p> {
    problem: &'p Problem,
    tally: &'p Tally,
    x: Vec<f64>,
    y: OnceCell<Vec<f64>>,
    /// Why there is no y: a simulation that failed here is not repeated.
    failure: OnceCell<Error>,
    loss: OnceCell<f64>,
    output_gradient: OnceCell<Vec<f64>>,
    output_step: OnceCell<Vec<f64>>,
    whole_gradient: OnceCell<Vec<f64>>,
    held: OnceCell<Option<Vec<bool>>>,
    gradient: OnceCell<Vec<f64>>,
    jacobian: OnceCell<Matrix>,
    linearization: OnceCell<Box<dyn LinearMap + 'p>>,
    clip: Option<f64>,
}

impl<'p> Evaluation<'p> {
    /// The problem at x; nothing is computed yet.
    ///
    /// # Errors
    /// If x has the wrong length or a value that is not finite.
    pub fn new(problem: &'p Problem, tally: &'p Tally, x: &[f64]) -> Result<Self> {
        expect_length("x", x.len(), problem.inputs())?;
        expect_finite("x", x)?;
        Ok(Self::blank(problem, tally, x.to_vec()))
    }

    fn blank(problem: &'p Problem, tally: &'p Tally, x: Vec<f64>) -> Self {
        Self {
            problem,
            tally,
            x,
            y: OnceCell::new(),
            failure: OnceCell::new(),
            loss: OnceCell::new(),
            output_gradient: OnceCell::new(),
            output_step: OnceCell::new(),
            whole_gradient: OnceCell::new(),
            held: OnceCell::new(),
            gradient: OnceCell::new(),
            jacobian: OnceCell::new(),
            linearization: OnceCell::new(),
            clip: None,
        }
    }

    /// The same problem at x + scale · dx, or the point nearest to it within bounds, with the same tally.
    pub fn moved(&self, dx: &[f64], scale: f64) -> Self {
        let steps = self.x.iter().zip(dx);
        let x = match &self.problem.walls {
            None => steps.map(|(x, d)| x + scale * d).collect(),
            Some(walls) => steps
                .enumerate()
                .map(|(i, (x, d))| walls.land(i, *x, scale * d))
                .collect(),
        };
        Self::blank(self.problem, self.tally, x)
    }

    /// The same problem at another x, with the same tally.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn elsewhere(&self, x: &[f64]) -> Result<Self> {
        Self::new(self.problem, self.tally, x)
    }

    /// Shortens ∂L/∂x to this length wherever it is longer.
    pub fn with_clip(mut self, clip: Option<f64>) -> Self {
        self.clip = clip;
        self
    }

    /// The problem.
    pub fn problem(&self) -> &'p Problem {
        self.problem
    }

    /// The counts so far, over all evaluations that share the tally.
    pub fn counts(&self) -> Counts {
        self.tally.counts()
    }

    /// The point x.
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// y = P(x).
    pub fn y(&self) -> Result<&[f64]> {
        if let Some(failure) = self.failure.get() {
            return Err(failure.clone());
        }
        let found = once(&self.y, || self.simulated());
        if let Err(error) = &found
            && !error.is_interruption()
        {
            // Set once: it was empty above.
            let _ = self.failure.set(error.clone());
        }
        found.map(Vec::as_slice)
    }

    fn simulated(&self) -> Result<Vec<f64>> {
        let mut y = vec![0.0; self.problem.outputs()];
        interrupt::check()?;
        self.tally.add(|c| c.forward += 1);
        let simulator = self.problem.simulator();
        if self.problem.description().keeps_trajectory {
            let map = simulator.linearize(&self.x, &mut y)?;
            // Set once: `y` is computed once, and nothing else writes the cell.
            let _ = self.linearization.set(map);
        } else {
            simulator.forward(&self.x, &mut y)?;
        }
        Ok(y)
    }

    /// y at a point at which no derivative will be needed: nothing is stored for one.
    pub(crate) fn outputs_alone(&self) -> Result<Vec<f64>> {
        let mut y = vec![0.0; self.problem.outputs()];
        interrupt::check()?;
        self.tally.add(|c| c.forward += 1);
        self.problem.simulator().forward(&self.x, &mut y)?;
        Ok(y)
    }

    /// L(y, y*); NaN or infinite where y is.
    pub fn loss(&self) -> Result<f64> {
        once(&self.loss, || {
            Ok(self.problem.loss().value(self.y()?, self.problem.target()))
        })
        .copied()
    }

    /// How finely L is known here: smaller differences are round-off of its sum and of y, or the noise of y where
    /// answers were seen to be rounded or to scatter.
    pub fn loss_round_off(&self) -> Result<f64> {
        let (y, g) = (self.y()?, self.output_gradient()?);
        let of_outputs = products(y, g);
        let round_off = 8.0 * f64::EPSILON * (8.0 * self.loss()?.abs() + of_outputs);
        Ok(match self.noise() {
            Some(noise) => round_off.max(NOISY * products(&noise, g)),
            None => round_off,
        })
    }

    /// The noise of y here, where there is more than round-off; see [`LinearMap::noise`].
    pub(crate) fn noise(&self) -> Option<Vec<f64>> {
        self.linearization.get()?.noise()
    }

    /// Looks whether y scatters around here, where that is not known yet; six evaluations or so, for simulators of the
    /// user's own.
    pub(crate) fn look_for_noise(&self) -> Result<()> {
        if let Some(map) = self.linearization()? {
            interrupt::check()?;
            let asked = map.look_for_noise()?;
            self.tally.add(|c| c.forward += asked);
        }
        Ok(())
    }

    /// g = ∂L/∂y.
    pub fn output_gradient(&self) -> Result<&[f64]> {
        once(&self.output_gradient, || {
            let mut g = vec![0.0; self.problem.outputs()];
            let (y, target) = (self.y()?, self.problem.target());
            self.problem.loss().gradient(y, target, &mut g);
            Ok(g)
        })
        .map(Vec::as_slice)
    }

    /// Δy: the Newton step of the loss in y-space.
    pub fn output_step(&self) -> Result<&[f64]> {
        once(&self.output_step, || {
            let mut dy = vec![0.0; self.problem.outputs()];
            let (y, target) = (self.y()?, self.problem.target());
            self.problem.loss().newton_step(y, target, &mut dy)?;
            Ok(dy)
        })
        .map(Vec::as_slice)
    }

    /// ∂L/∂x = Jᵀ ∂L/∂y, 0 for unknowns that bounds hold; one vjp.
    pub fn gradient(&self) -> Result<&[f64]> {
        let Some(held) = self.held()? else {
            return self.whole_gradient();
        };
        once(&self.gradient, || {
            let mut gradient = self.whole_gradient()?.to_vec();
            silence(held, &mut gradient);
            Ok(gradient)
        })
        .map(Vec::as_slice)
    }

    /// ∂L/∂x of all unknowns, held or not.
    pub fn whole_gradient(&self) -> Result<&[f64]> {
        once(&self.whole_gradient, || {
            let mut gradient = vec![0.0; self.problem.inputs()];
            self.whole_vjp(self.output_gradient()?, &mut gradient)?;
            if let Some(longest) = self.clip {
                let shorter = longest / norm(&gradient).max(longest);
                gradient.iter_mut().for_each(|g| *g *= shorter);
            }
            Ok(gradient)
        })
        .map(Vec::as_slice)
    }

    /// J, m × n; min(m, n) products.
    pub fn jacobian(&self) -> Result<&Matrix> {
        once(&self.jacobian, || match self.linearization()? {
            Some(map) => {
                interrupt::check()?;
                let held = self.held()?;
                self.tally.add(|c| {
                    if self.problem.inputs() <= self.problem.outputs() {
                        c.jvp += self.problem.inputs() as u64;
                    } else {
                        c.vjp += self.problem.outputs() as u64;
                    }
                });
                let mut jacobian = map.dense()?;
                if let Some(held) = held {
                    (0..jacobian.rows()).for_each(|i| silence(held, jacobian.row_mut(i)));
                }
                Ok(jacobian)
            }
            None => by_products(self),
        })
    }

    /// Whether y was computed here.
    pub(crate) fn knows_y(&self) -> bool {
        self.y.get().is_some()
    }

    /// Whether J was computed here.
    pub(crate) fn knows_jacobian(&self) -> bool {
        self.jacobian.get().is_some()
    }

    /// How far off each entry of J may be, m × n, 0 for unknowns that bounds hold; nothing where J is exact.
    ///
    /// Without `measure` whatever may be an error counts as one; with it, the noise of y is measured.
    ///
    /// # Errors
    /// As [`jacobian`](Self::jacobian).
    ///
    /// # Cost
    /// J, if it was not asked for before; with `measure`, six evaluations or so, once for each x.
    pub fn jacobian_errors(&self, measure: bool) -> Result<Option<Matrix>> {
        let Some(how) = &self.problem.description().approximation else {
            return Ok(None);
        };
        if measure {
            // J first: its steps are those around which y is looked at.
            self.jacobian()?;
            self.look_for_noise()?;
        }
        let told = match self.linearization()? {
            Some(map) => map.errors(measure)?,
            None => None,
        };
        let mut errors = match told {
            Some(errors) => errors,
            None if how.error > 0.0 => {
                // All that is known is how J is found.
                let mut errors = self.jacobian()?.clone();
                let length = norm(errors.as_slice()) / (errors.as_slice().len() as f64).sqrt();
                let entries = errors.as_mut_slice().iter_mut();
                entries.for_each(|v| *v = how.error * v.abs().max(length));
                errors
            }
            None => return Ok(None),
        };
        if let Some(held) = self.held()? {
            (0..errors.rows()).for_each(|i| silence(held, errors.row_mut(i)));
        }
        Ok(Some(errors))
    }

    /// What was asked for here beside y.
    pub(crate) fn known(&self) -> Computed {
        Computed {
            gradient: self.whole_gradient.get().is_some(),
            jacobian: self.jacobian.get().is_some(),
        }
    }

    /// Asks for that again.
    pub(crate) fn ask_again(&self, known: Computed) -> Result<()> {
        if known.gradient {
            self.whole_gradient()?;
        }
        if known.jacobian {
            self.jacobian()?;
        }
        Ok(())
    }

    /// The length of each column of J, where J is known already and has few of them.
    pub(crate) fn known_effects(&self) -> Option<Vec<f64>> {
        let jacobian = self.jacobian.get().filter(|j| j.cols() <= 32)?;
        let mut squares = vec![0.0; jacobian.cols()];
        for i in 0..jacobian.rows() {
            let row = jacobian.row(i).iter();
            squares.iter_mut().zip(row).for_each(|(s, v)| *s += v * v);
        }
        Some(squares.into_iter().map(f64::sqrt).collect())
    }

    /// dy = J dx.
    pub fn jvp(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        match self.held()? {
            None => self.whole_jvp(dx, dy),
            Some(held) => self.whole_jvp(&silenced(held, dx), dy),
        }
    }

    fn whole_jvp(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        interrupt::check()?;
        self.tally.add(|c| c.jvp += 1);
        match self.linearization()? {
            Some(map) => map.apply(dx, dy),
            None => self.problem.simulator().jvp(&self.x, dx, dy),
        }
    }

    /// dx = Jᵀ dy.
    pub fn vjp(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.whole_vjp(dy, dx)?;
        if let Some(held) = self.held()? {
            silence(held, dx);
        }
        Ok(())
    }

    fn whole_vjp(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        interrupt::check()?;
        self.tally.add(|c| c.vjp += 1);
        match self.linearization()? {
            Some(map) => map.apply_transpose(dy, dx),
            None => self.problem.simulator().vjp(&self.x, dy, dx),
        }
    }

    /// Whether exact Hessian products are to be had: P is linear or brings second derivatives.
    pub fn has_hessian(&self) -> bool {
        let simulator = self.problem.simulator();
        self.problem.description().linear || simulator.second_order().is_some()
    }

    /// out = (∂²L/∂x²) dx = Jᵀ (∂²L/∂y²) J dx + (Σᵢ gᵢ ∇²Pᵢ) dx.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if P is nonlinear and brings no second derivatives.
    ///
    /// # Cost
    /// One jvp, one vjp and, where P is not linear, one second-order product.
    pub fn hessian_product(&self, dx: &[f64], out: &mut [f64]) -> Result<()> {
        let simulator = self.problem.simulator();
        let mut dy = vec![0.0; self.problem.outputs()];
        let mut h = vec![0.0; self.problem.outputs()];
        self.jvp(dx, &mut dy)?;
        let (y, target) = (self.y()?, self.problem.target());
        self.problem.loss().hessian_product(y, target, &dy, &mut h);
        self.vjp(&h, out)?;
        if self.problem.description().linear {
            return Ok(());
        }
        let second = simulator.second_order().ok_or_else(|| Error::Unsupported {
            rule: "an exact Hessian",
            needs: "second derivatives",
            simulator: self.problem.name(),
            instead: vec!["gauss-newton, levenberg-marquardt or limited-memory-bfgs".into()],
        })?;
        interrupt::check()?;
        self.tally.add(|c| c.second_order += 1);
        let mut curved = vec![0.0; out.len()];
        let (g, held) = (self.output_gradient()?, self.held()?);
        match held {
            None => second.vjp_derivative(&self.x, g, dx, &mut curved)?,
            Some(held) => {
                second.vjp_derivative(&self.x, g, &silenced(held, dx), &mut curved)?;
                silence(held, &mut curved);
            }
        }
        for (o, c) in out.iter_mut().zip(&curved) {
            *o += c;
        }
        Ok(())
    }

    /// The Hessian ∂²L/∂x², n × n, made symmetric; n Hessian products.
    pub fn hessian(&self) -> Result<Matrix> {
        let n = self.problem.inputs();
        let mut h = Matrix::zeros(n, n);
        let mut e = vec![0.0; n];
        for i in 0..n {
            e[i] = 1.0;
            self.hessian_product(&e, h.row_mut(i))?;
            e[i] = 0.0;
        }
        for i in 0..n {
            for j in 0..i {
                let mean = 0.5 * (h[(i, j)] + h[(j, i)]);
                h[(i, j)] = mean;
                h[(j, i)] = mean;
            }
        }
        Ok(h)
    }

    /// Whether P brings a local inverse.
    pub fn has_local_inverse(&self) -> bool {
        self.problem.simulator().local_inverse().is_some()
    }

    /// dx = P⁻¹(y + Δy; x) − x: the way to the solution nearest to this x.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if P brings no local inverse, or what the inverse returns.
    pub fn inverse_step(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let inverse =
            self.problem
                .simulator()
                .local_inverse()
                .ok_or_else(|| Error::Unsupported {
                    rule: "inverse-simulator",
                    needs: "a local inverse",
                    simulator: self.problem.name(),
                    instead: vec![
                        Remedy::Setting {
                            key: "inverse",
                            value: "path",
                            what: "which makes one from J",
                        },
                        "levenberg-marquardt, which needs J alone".into(),
                    ],
                })?;
        let y = self.y()?;
        interrupt::check()?;
        let mut counts = Counts {
            inverse: 1,
            ..Counts::default()
        };
        let done = inverse.step_counted(&self.x, y, dy, dx, &mut counts);
        self.tally.add(|c| c.add(&counts));
        done
    }

    /// Writes P⁻¹(y + Δy; x + d) − x to dx, for the simulator P of the data alone.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if P brings no local inverse, or what the
    /// inverse returns.
    pub(crate) fn correct(&self, d: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let data = self.problem.without_priors();
        let x: Vec<f64> = self.x.iter().zip(d).map(|(x, d)| x + d).collect();
        let there = Evaluation::new(&data, self.tally, &x)?;
        let aims = self.y()?.iter().zip(dy).map(|(y, dy)| y + dy);
        let rest: Vec<f64> = aims.zip(there.y()?).map(|(aim, y)| aim - y).collect();
        there.inverse_step(&rest, dx)?;
        dx.iter_mut().zip(d).for_each(|(dx, d)| *dx += d);
        Ok(())
    }

    /// The trajectory that the simulator kept, if it keeps one.
    fn linearization(&self) -> Result<Option<&(dyn LinearMap + 'p)>> {
        if self.problem.description().keeps_trajectory {
            self.y()?;
        }
        Ok(self.linearization.get().map(|map| &**map))
    }
}

/// J at this x, counted.
impl LinearMap for Evaluation<'_> {
    fn inputs(&self) -> usize {
        self.problem.inputs()
    }
    fn outputs(&self) -> usize {
        self.problem.outputs()
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.jvp(dx, dy)
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.vjp(dy, dx)
    }
    fn dense(&self) -> Result<Matrix> {
        self.jacobian().cloned()
    }
    fn expect_products(&self, count: usize) -> Result<()> {
        match self.linearization()? {
            Some(map) => map.expect_products(count),
            None => Ok(()),
        }
    }
    fn apply_gram(&self, dy: &[f64], scratch: &mut [f64], out: &mut [f64]) -> Result<()> {
        match (self.linearization()?, self.held()?) {
            (Some(map), None) => {
                interrupt::check()?;
                self.tally.add(|c| {
                    c.vjp += 1;
                    c.jvp += 1;
                });
                map.apply_gram(dy, scratch, out)
            }
            _ => {
                self.vjp(dy, scratch)?;
                self.jvp(scratch, out)
            }
        }
    }
    fn gram(&self) -> Result<Matrix> {
        match (self.linearization()?, self.held()?) {
            (Some(map), None) => map.gram(),
            _ => Ok(self.jacobian()?.gram()),
        }
    }
}

/// Sets the entries of held unknowns to 0.
pub(crate) fn silence(held: &[bool], v: &mut [f64]) {
    for (v, held) in v.iter_mut().zip(held) {
        if *held {
            *v = 0.0;
        }
    }
}

fn silenced(held: &[bool], v: &[f64]) -> Vec<f64> {
    let mut v = v.to_vec();
    silence(held, &mut v);
    v
}

/// Two losses that differ by less than so many standard deviations of one are not told apart: 3 of their difference.
const NOISY: f64 = 4.25;

/// The root of the sum of the squares of products.
fn products(a: &[f64], b: &[f64]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a * b) * (a * b));
    squares.sum::<f64>().sqrt()
}

/// `OnceCell::get_or_try_init`, which is not stable yet.
fn once<T>(cell: &OnceCell<T>, compute: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = compute()?;
    Ok(cell.get_or_init(|| value))
}
