//! Steps as long as the tolerances allow, by diffsol, with the sensitivities carried along.

use std::cell::RefCell;

use diffsol::{
    DiffsolError, NalgebraLU, NalgebraMat, NalgebraVec, OdeBuilder, OdeEquations, OdeSolverMethod,
    OdeSolverStopReason, Vector,
};
use num_dual::Dual64;

use super::{Method, Ode, RightHandSide};
use crate::error::{Error, Result};
use crate::interrupt::Watch;

type M = NalgebraMat<f64>;
type Lu = NalgebraLU<f64>;

/// A solution that takes more steps than this has a method that doesn't suit it.
const MOST_STEPS: usize = 200_000;

/// Shows the state at each of the times.
pub(super) fn forward<R: RightHandSide>(
    ode: &Ode<R>,
    values: &[f64],
    mut see: impl FnMut(usize, &[f64]),
) -> Result<()> {
    Integration::new(ode, values, &[]).forward(&mut |k, y, _| see(k, y))
}

/// Shows, for each direction, the state at each of the times with its derivative along it.
pub(super) fn tangents<R: RightHandSide>(
    ode: &Ode<R>,
    values: &[f64],
    directions: &[Vec<Dual64>],
    mut see: impl FnMut(usize, usize, &[Dual64]),
) -> Result<()> {
    let course = Integration::new(ode, values, directions);
    let mut state = vec![Dual64::from(0.0); course.states()];
    course.tangents(&mut |k, y, dy| {
        for (direction, dy) in dy.chunks_exact(y.len()).enumerate() {
            for i in 0..y.len() {
                state[i] = Dual64::new(y[i], dy[i]);
            }
            see(direction, k, &state);
        }
    })
}

/// A right-hand side whose type is not known: so diffsol is compiled once, and not for each.
trait Rates {
    fn rate(&self, t: f64, y: &[f64], p: &[f64], rate: &mut [f64]);
    fn dual_rate(&self, t: f64, y: &[Dual64], p: &[Dual64], rate: &mut [Dual64]);
    fn failed(&self, t: f64, why: &str) -> Error;
}

impl<R: RightHandSide> Rates for Ode<R> {
    fn rate(&self, t: f64, y: &[f64], p: &[f64], rate: &mut [f64]) {
        self.options.equation.rate(t, y, p, rate);
    }
    fn dual_rate(&self, t: f64, y: &[Dual64], p: &[Dual64], rate: &mut [Dual64]) {
        self.options.equation.rate(t, y, p, rate);
    }
    fn failed(&self, t: f64, why: &str) -> Error {
        Ode::failed(self, t, why)
    }
}

/// One solution: from where, with which parameters, and along which directions it is derived.
struct Integration<'a> {
    rates: &'a dyn Rates,
    times: &'a [f64],
    stiff: bool,
    tolerance: f64,
    absolute_tolerance: f64,
    start: Vec<f64>,
    /// How the start changes, direction by direction.
    start_moves: Vec<f64>,
    parameters: &'a [f64],
    directions: &'a [Vec<Dual64>],
    work: RefCell<Work>,
}

/// What is shown the number of a time, the state, and its derivatives, direction by direction.
type See<'s> = &'s mut dyn FnMut(usize, &[f64], &[f64]);

/// Room for one rate with derivatives.
struct Work {
    y: Vec<Dual64>,
    p: Vec<Dual64>,
    rate: Vec<Dual64>,
}

impl<'a> Integration<'a> {
    fn new<R: RightHandSide>(
        ode: &'a Ode<R>,
        values: &'a [f64],
        directions: &'a [Vec<Dual64>],
    ) -> Self {
        let start = ode.start(values);
        let moves = directions.iter().flat_map(|moved| ode.start(moved));
        let zeros = vec![Dual64::from(0.0); start.len()];
        let parameters = &values[..ode.options.equation.parameters().len()];
        Self {
            start_moves: moves.map(|y| y.eps).collect(),
            work: RefCell::new(Work {
                y: zeros.clone(),
                p: parameters.iter().map(|p| Dual64::from(*p)).collect(),
                rate: zeros,
            }),
            rates: ode,
            times: &ode.options.times,
            stiff: ode.options.method == Method::Stiff,
            tolerance: ode.options.tolerance,
            absolute_tolerance: ode.options.absolute_tolerance,
            start,
            parameters,
            directions,
        }
    }

    fn forward(&self, see: See<'_>) -> Result<()> {
        let problem = OdeBuilder::<M>::new()
            .rtol(self.tolerance)
            .atol([self.absolute_tolerance])
            .rhs_implicit(
                |y, _, t, rate| self.rate(t, y, rate),
                |y, _, t, dy, rate| self.rate_along(t, y, dy, &[], rate),
            )
            .init(|_, _, y| y.copy_from_slice(&self.start), self.states())
            .build()
            .map_err(|e| self.failed(0.0, &e))?;
        if self.stiff {
            self.drive(problem.bdf::<Lu>(), see)
        } else {
            self.drive(problem.tsit45(), see)
        }
    }

    fn tangents(&self, see: See<'_>) -> Result<()> {
        let none = vec![0.0; self.states()];
        // To diffsol, how far to go along each direction is a parameter, 0 where it stands.
        let problem = OdeBuilder::<M>::new()
            .rtol(self.tolerance)
            .atol([self.absolute_tolerance])
            .sens_rtol(self.tolerance)
            .sens_atol([self.absolute_tolerance])
            .p(self.directions.iter().map(|_| 0.0))
            .rhs_sens_implicit(
                |y, _, t, rate| self.rate(t, y, rate),
                |y, _, t, dy, rate| self.rate_along(t, y, dy, &[], rate),
                |y, _, t, far, rate| self.rate_along(t, y, &none, far, rate),
            )
            .init_sens(
                |_, _, y| y.copy_from_slice(&self.start),
                |_, _, far, dy| self.start_along(far, dy),
                self.states(),
            )
            .build()
            .map_err(|e| self.failed(0.0, &e))?;
        if self.stiff {
            self.drive(problem.bdf_sens::<Lu>(), see)
        } else {
            self.drive(problem.tsit45_sens(), see)
        }
    }

    fn states(&self) -> usize {
        self.start.len()
    }

    fn rate(&self, t: f64, y: &[f64], rate: &mut [f64]) {
        self.rates.rate(t, y, self.parameters, rate);
    }

    /// How the rate changes along dy and along the directions, `far[i]` along the i-th.
    fn rate_along(&self, t: f64, y: &[f64], dy: &[f64], far: &[f64], rate: &mut [f64]) {
        let mut work = self.work.borrow_mut();
        let work = &mut *work;
        for (i, value) in work.y.iter_mut().enumerate() {
            *value = Dual64::new(y[i], dy[i]);
        }
        for (i, value) in work.p.iter_mut().enumerate() {
            let moves = self.directions.iter().zip(far);
            value.eps = moves.map(|(moved, far)| moved[i].eps * far).sum();
        }
        self.rates.dual_rate(t, &work.y, &work.p, &mut work.rate);
        for (out, value) in rate.iter_mut().zip(&work.rate) {
            *out = value.eps;
        }
    }

    fn start_along(&self, far: &[f64], dy: &mut [f64]) {
        dy.fill(0.0);
        for (moves, far) in self.start_moves.chunks_exact(dy.len()).zip(far) {
            for (dy, moved) in dy.iter_mut().zip(moves) {
                *dy += far * moved;
            }
        }
    }

    /// Steps to the last time, and shows the state and its derivatives at each.
    fn drive<'b, E, S>(
        &self,
        solver: std::result::Result<S, DiffsolError>,
        see: See<'_>,
    ) -> Result<()>
    where
        E: OdeEquations<T = f64, V = NalgebraVec<f64>> + 'b,
        S: OdeSolverMethod<'b, E>,
    {
        let times = self.times;
        let mut next = 0;
        if times.first() == Some(&0.0) {
            see(0, &self.start, &self.start_moves);
            next = 1;
        }
        let Some(last) = times.get(next..).and_then(<[f64]>::last) else {
            return Ok(());
        };
        let mut solver = solver.map_err(|e| self.failed(0.0, &e))?;
        let mut at = 0.0;
        solver
            .set_stop_time(*last)
            .map_err(|e| self.failed(at, &e))?;
        let mut watch = Watch::new();
        for _ in 0..MOST_STEPS {
            watch.check()?;
            let stop = solver.step().map_err(|e| self.failed(at, &e))?;
            at = solver.state().t;
            let y = solver.state().y;
            if !(0..y.len()).all(|i| y.get_index(i).is_finite()) {
                return Err(self.failed(at, &"the solution is no longer finite"));
            }
            let ended = matches!(stop, OdeSolverStopReason::TstopReached);
            while next < times.len() && (times[next] <= at || ended) {
                let time = times[next].min(at);
                let y = solver.interpolate(time).map_err(|e| self.failed(at, &e))?;
                let dy = if self.directions.is_empty() {
                    Vec::new()
                } else {
                    let dy = solver.interpolate_sens(time);
                    dy.map_err(|e| self.failed(at, &e))?.clone_as_vec()
                };
                see(next, &y.clone_as_vec(), &dy);
                next += 1;
            }
            if ended {
                return Ok(());
            }
        }
        Err(self.failed(at, &format!("{MOST_STEPS} steps did not reach {last}")))
    }

    fn failed(&self, t: f64, why: &dyn std::fmt::Display) -> Error {
        self.rates.failed(t, &why.to_string())
    }
}
