//! Ordinary differential equations: a right-hand side, written once, becomes a simulator from
//! parameters to observations, with exact sensitivities.

use std::ops::Range;

use num_dual::Dual64;

use crate::core::description::{Description, Series, StandsFor, Typical};
use crate::core::number::Tangents;
use crate::core::simulator::{Residual, Simulator};
use crate::core::space::Space;
use crate::error::{Error, Result, expect_length};
use crate::interrupt::Watch;
use crate::linalg::LinearMap;
use crate::linalg::Matrix;
use crate::options::Checked;

#[cfg_attr(not(feature = "adaptive"), path = "ode/without_adaptive.rs")]
mod adaptive;
mod method;
mod options;
mod shooting;
mod steps;

pub use crate::core::number::Number;
pub use crate::core::transform::Transform;
pub use method::Method;
pub use options::OdeOptions;

/// dy/dt = f(t, y, p), written once for every kind of [`Number`], and so differentiated exactly.
///
/// # Shapes
/// y and the rate have as many values as `states()`, p as many as `parameters()`.
pub trait RightHandSide: Clone + Default + PartialEq + Send + Sync {
    /// What is solved, for messages.
    fn name(&self) -> &'static str;
    /// Name and unit of each state.
    fn states(&self) -> &'static [(&'static str, &'static str)];
    /// Name and unit of each parameter.
    fn parameters(&self) -> &'static [(&'static str, &'static str)];
    /// The unit of time.
    fn time_unit(&self) -> &'static str {
        "1"
    }
    /// rate = f(t, y, p).
    fn rate<D: Number>(&self, t: f64, y: &[D], p: &[D], rate: &mut [D]);
    /// The options that are sensible where the user gives none.
    fn defaults(&self) -> Settings;
}

/// The options of every [`Ode`] that have a value of its own for each equation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The state at time 0.
    pub initial: Vec<f64>,
    /// How x maps to parameters and initial values.
    pub transform: Vec<Transform>,
    /// When y is seen.
    pub times: Vec<f64>,
    /// The longest step.
    pub dt: f64,
}

impl Settings {
    /// The state at time 0, how x maps to parameters, when y is seen, and the longest step.
    pub fn new(initial: Vec<f64>, transform: Vec<Transform>, times: Vec<f64>, dt: f64) -> Self {
        Self {
            initial,
            transform,
            times,
            dt,
        }
    }
}

/// A right-hand side as a simulator: x are parameters, and if wished initial values; y are
/// observations at given times.
///
/// By default, classical Runge–Kutta steps of equal length, at most `dt`, end on each of the times,
/// and the derivative is that of the numerical solution itself. The adaptive methods choose their
/// steps so that each keeps the tolerances, for the sensitivities too; there, y and its derivative
/// each lie within about the tolerance of the exact ones.
///
/// ```
/// use retrodict::models::ode::{Method, OdeOptions};
/// use retrodict::prelude::*;
/// use retrodict::simulators::Sir;
/// let options = OdeOptions::<Sir>::default().with_times([10.0]).with_observe([1]);
/// let (fixed, adaptive) = (options.clone().build()?, options.with_method(Method::Adaptive).build()?);
/// let (mut y, mut near) = ([0.0], [0.0]);
/// fixed.forward(&[0.0, -1.0], &mut y)?;
/// adaptive.forward(&[0.0, -1.0], &mut near)?;
/// assert!((y[0] - near[0]).abs() < 1e-6 && y[0] > 0.01);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x: the parameters, then with `fit_initial` the initial values. y: the values of `observe` at
/// each of the `times`, times in the outer order.
///
/// # Units
/// Those of the right-hand side; with `logarithm`, y is the logarithm of each value.
///
/// # Errors
/// If the solution stops being finite, a tolerance can't be kept, or a logarithm has no value, with
/// the time.
///
/// # Cost
/// Four rates a step; a product with J one run with numbers that carry a derivative, the whole
/// Jacobian one run for every eight values of x, with numbers that carry so many derivatives: about
/// three times the cost of y. An adaptive method carries all sensitivities along in one run.
///
/// # Source
/// Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations I*, II.1 and I.14.
#[derive(Debug, Clone)]
pub struct Ode<R: RightHandSide> {
    options: Checked<OdeOptions<R>>,
    input: Space,
    output: Space,
    residual: Space,
}

/// Derivatives that a run of equal steps carries side by side: as many as do not wait for registers.
const AT_ONCE: usize = 8;

impl<R: RightHandSide> Ode<R> {
    /// What it was made of.
    pub fn options(&self) -> &OdeOptions<R> {
        &self.options
    }

    fn inputs(&self) -> usize {
        self.input.len()
    }

    fn transform_of(&self, i: usize) -> &Transform {
        &self.options.transform[i.min(self.options.transform.len() - 1)]
    }

    /// What x stands for: parameters, then initial values if they are fitted.
    pub fn values(&self, x: &[f64]) -> Vec<f64> {
        (0..x.len())
            .map(|i| self.transform_of(i).apply(x[i]))
            .collect()
    }

    /// The x that stands for these values.
    ///
    /// # Errors
    /// If a value lies outside its bounds.
    pub fn unknowns(&self, values: &[f64]) -> Result<Vec<f64>> {
        expect_length("the list of values", values.len(), self.inputs())?;
        let pairs = values.iter().enumerate();
        pairs.map(|(i, v)| self.transform_of(i).undo(*v)).collect()
    }

    /// The state at time 0.
    fn start<D: Number>(&self, values: &[D]) -> Vec<D> {
        if self.options.fit_initial {
            values[self.options.equation.parameters().len()..].to_vec()
        } else {
            self.options.initial.iter().map(|y| D::from(*y)).collect()
        }
    }

    /// Takes steps of equal length with the values that x stands for, and shows the state at each
    /// of the times, from where it may be sent on changed.
    fn march<D: Number>(&self, values: &[D], mut see: impl FnMut(usize, &mut [D])) -> Result<()> {
        let p = &values[..self.options.equation.parameters().len()];
        let mut y = self.start(values);
        let (mut t, mut watch) = (0.0, Watch::new());
        for (k, time) in self.options.times.iter().enumerate() {
            let steps = ((time - t) / self.options.dt).ceil().max(0.0);
            let h = (time - t) / steps.max(1.0);
            steps::advance(
                &self.options.equation,
                (t, h, steps as usize),
                p,
                &mut y,
                &mut watch,
            )?;
            t = *time;
            if y.iter().any(|y| !y.re().is_finite()) {
                return Err(self.failed(t, "the solution is no longer finite"));
            }
            see(k, &mut y);
        }
        Ok(())
    }

    fn failed(&self, t: f64, what: &str) -> Error {
        let remedy = self.options.method.remedy();
        Error::simulation(
            self.options.equation.name().to_owned(),
            format!("{what} at the time {t}; try {remedy} or values of x nearer to those expected"),
        )
    }

    /// What is seen of a state.
    fn observed<D: Number>(&self, y: &[D], i: usize) -> D {
        let place = self.options.observe.get(i).copied().unwrap_or(i);
        if self.options.logarithm {
            y[place].ln()
        } else {
            y[place]
        }
    }

    /// The values that x stands for, and how they change along dx.
    fn moved(&self, x: &[f64], dx: &[f64]) -> Vec<Dual64> {
        (0..x.len())
            .map(|i| self.transform_of(i).apply(Dual64::new(x[i], dx[i])))
            .collect()
    }

    /// Shows y and J dx, value by value, for each dx of `directions`.
    fn tangents(
        &self,
        x: &[f64],
        directions: &[Vec<f64>],
        mut see: impl FnMut(usize, usize, Dual64),
    ) -> Result<()> {
        let seen = self.options.seen();
        let mut show = |direction: usize, k: usize, state: &[Dual64]| {
            for i in 0..seen {
                see(direction, k * seen + i, self.observed(state, i));
            }
        };
        let moved: Vec<_> = directions.iter().map(|dx| self.moved(x, dx)).collect();
        if self.options.method != Method::Fixed {
            return adaptive::tangents(self, &self.values(x), &moved, show);
        }
        for (direction, values) in moved.iter().enumerate() {
            self.march(values, |k, state| show(direction, k, state))?;
        }
        Ok(())
    }

    /// y and all of ∂y/∂x.
    fn sensitivities(&self, x: &[f64], y: &mut [f64]) -> Result<Matrix> {
        expect_length("x", x.len(), self.inputs())?;
        let mut jacobian = Matrix::zeros(y.len(), x.len());
        if self.options.method == Method::Fixed {
            self.side_by_side(x, None, y, &mut jacobian)?;
        } else {
            let unit = |i| (0..x.len()).map(|j| f64::from(i == j)).collect();
            let units: Vec<Vec<f64>> = (0..x.len()).map(unit).collect();
            self.tangents(x, &units, |column, row, value| {
                y[row] = value.re;
                jacobian[(row, column)] = value.eps;
            })?;
        }
        self.expect_values(y)?;
        Ok(jacobian)
    }

    /// y and ∂y/∂x of equal steps, by runs that carry several columns each; each piece from what was seen, where that is
    /// given.
    fn side_by_side(
        &self,
        x: &[f64],
        seen: Option<&[f64]>,
        y: &mut [f64],
        jacobian: &mut Matrix,
    ) -> Result<()> {
        for first in (0..x.len().max(1)).step_by(AT_ONCE) {
            let columns = first..(first + AT_ONCE).min(x.len());
            match columns.len() {
                0..=2 => self.columns::<1>(x, columns, seen, y, jacobian),
                3..=4 => self.columns::<2>(x, columns, seen, y, jacobian),
                _ => self.columns::<{ AT_ONCE / 2 }>(x, columns, seen, y, jacobian),
            }?;
        }
        Ok(())
    }

    /// y and some columns of ∂y/∂x, by one run.
    fn columns<const N: usize>(
        &self,
        x: &[f64],
        columns: Range<usize>,
        seen: Option<&[f64]>,
        y: &mut [f64],
        jacobian: &mut Matrix,
    ) -> Result<()> {
        let moving = Tangents::<N>::of(x, &columns).into_iter().enumerate();
        let values: Vec<_> = moving.map(|(i, x)| self.transform_of(i).apply(x)).collect();
        let width = self.options.seen();
        self.march(&values, |k, state| {
            for i in 0..width {
                let (row, value) = (k * width + i, self.observed(state, i));
                y[row] = value.re;
                let row = jacobian.row_mut(row)[columns.clone()].iter_mut();
                row.zip(value.derivatives()).for_each(|(j, d)| *j = d);
            }
            if let Some(seen) = seen {
                self.restart(state, &seen[k * width..]);
            }
        })
    }

    fn expect_values(&self, y: &[f64]) -> Result<()> {
        match y.iter().position(|y| !y.is_finite()) {
            None => Ok(()),
            Some(at) => Err(self.failed(
                self.options.times[at / self.options.seen()],
                "a value has no logarithm",
            )),
        }
    }
}

impl<R: RightHandSide> Simulator for Ode<R> {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        expect_length("x", x.len(), self.inputs())?;
        let (seen, values) = (self.options.seen(), self.values(x));
        let mut show = |k: usize, state: &[f64]| {
            for i in 0..seen {
                y[k * seen + i] = self.observed(state, i);
            }
        };
        match self.options.method {
            Method::Fixed => self.march(&values, |k, state| show(k, state)),
            _ => adaptive::forward(self, &values, show),
        }?;
        self.expect_values(y)
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        expect_length("x", x.len(), self.inputs())?;
        self.tangents(x, &[dx.to_vec()], |_, row, value| dy[row] = value.eps)
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let mut y = vec![0.0; dy.len()];
        self.sensitivities(x, &mut y)?.apply_transpose(dy, dx);
        Ok(())
    }
    fn linearize<'a>(&'a self, x: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        Ok(Box::new(self.sensitivities(x, y)?))
    }
    /// Each piece of the solution on its own, where all states are seen and steps are of equal
    /// length.
    fn residual(&self) -> Option<&dyn Residual> {
        (self.options.observe.is_empty() && self.options.method == Method::Fixed).then_some(self)
    }
    fn describe(&self) -> Description {
        Description::default()
            .with_typical(Typical::new(0.0, 0.3))
            .with_series(self.series())
            .with_labels(self.labels())
            .with_stands_for(self.stands_for())
            .with_keeps_trajectory(true)
    }
}

impl<R: RightHandSide> Ode<R> {
    fn series(&self) -> Series {
        let states = self.options.equation.states();
        let columns = (0..self.options.seen()).map(|i| {
            let (name, unit) = states[self.options.observe.get(i).copied().unwrap_or(i)];
            (name.to_owned(), unit.to_owned())
        });
        Series {
            times: self.options.times.clone(),
            time_unit: self.options.equation.time_unit().to_owned(),
            columns: columns.collect(),
            logarithm: self.options.logarithm,
        }
    }

    /// The parameters, then the states at time 0 where they are fitted; a transform is named beside.
    fn labels(&self) -> Vec<(String, String)> {
        let label = |value: StandsFor| value.transform.label(&value.name, &value.unit);
        self.stands_for().into_iter().map(label).collect()
    }

    /// The same without the transform.
    fn stands_for(&self) -> Vec<StandsFor> {
        let parameters = self.options.equation.parameters().iter().copied();
        let states = self.options.equation.states().iter();
        let initial = states.map(|(name, unit)| (format!("initial {name}"), *unit));
        let all = parameters
            .map(|(name, unit)| (name.to_owned(), unit))
            .chain(initial);
        let own = |(i, (name, unit))| StandsFor::new(name, unit, *self.transform_of(i));
        all.take(self.inputs()).enumerate().map(own).collect()
    }
}
