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
    let course = Course::new(ode, values, &[]);
    let problem = OdeBuilder::<M>::new()
        .rtol(ode.tolerance)
        .atol([ode.absolute_tolerance])
        .rhs_implicit(
            |y, _, t, rate| course.rate(t, y, rate),
            |y, _, t, dy, rate| course.rate_along(t, y, dy, &[], rate),
        )
        .init(|_, _, y| y.copy_from_slice(&course.start), course.states())
        .build()
        .map_err(|e| course.failed(0.0, &e))?;
    let see = |k: usize, y: &[f64], _: &[f64]| see(k, y);
    match ode.method {
        Method::Stiff => course.drive(problem.bdf::<Lu>(), see),
        _ => course.drive(problem.tsit45(), see),
    }
}

/// Shows, for each direction, the state at each of the times with its derivative along it.
pub(super) fn tangents<R: RightHandSide>(
    ode: &Ode<R>,
    values: &[f64],
    directions: &[Vec<Dual64>],
    mut see: impl FnMut(usize, usize, &[Dual64]),
) -> Result<()> {
    let course = Course::new(ode, values, directions);
    let none = vec![0.0; course.states()];
    // To diffsol, how far to go along each direction is a parameter, 0 where it stands.
    let problem = OdeBuilder::<M>::new()
        .rtol(ode.tolerance)
        .atol([ode.absolute_tolerance])
        .sens_rtol(ode.tolerance)
        .sens_atol([ode.absolute_tolerance])
        .p(directions.iter().map(|_| 0.0))
        .rhs_sens_implicit(
            |y, _, t, rate| course.rate(t, y, rate),
            |y, _, t, dy, rate| course.rate_along(t, y, dy, &[], rate),
            |y, _, t, far, rate| course.rate_along(t, y, &none, far, rate),
        )
        .init_sens(
            |_, _, y| y.copy_from_slice(&course.start),
            |_, _, far, dy| course.start_along(far, dy),
            course.states(),
        )
        .build()
        .map_err(|e| course.failed(0.0, &e))?;
    let mut state = vec![Dual64::from(0.0); course.states()];
    let show = |k: usize, y: &[f64], dy: &[f64]| {
        for (direction, dy) in dy.chunks_exact(y.len()).enumerate() {
            for i in 0..y.len() {
                state[i] = Dual64::new(y[i], dy[i]);
            }
            see(direction, k, &state);
        }
    };
    match ode.method {
        Method::Stiff => course.drive(problem.bdf_sens::<Lu>(), show),
        _ => course.drive(problem.tsit45_sens(), show),
    }
}

/// One solution: from where, with which parameters, and along which directions it is derived.
struct Course<'a, R: RightHandSide> {
    ode: &'a Ode<R>,
    start: Vec<f64>,
    /// How the start changes, direction by direction.
    start_moves: Vec<f64>,
    parameters: &'a [f64],
    directions: &'a [Vec<Dual64>],
    work: RefCell<Work>,
}

/// Room for one rate with derivatives.
struct Work {
    y: Vec<Dual64>,
    p: Vec<Dual64>,
    rate: Vec<Dual64>,
}

impl<'a, R: RightHandSide> Course<'a, R> {
    fn new(ode: &'a Ode<R>, values: &'a [f64], directions: &'a [Vec<Dual64>]) -> Self {
        let start = ode.start(values);
        let moves = directions.iter().flat_map(|moved| ode.start(moved));
        let zeros = vec![Dual64::from(0.0); start.len()];
        let parameters = &values[..ode.equation.parameters().len()];
        Self {
            start_moves: moves.map(|y| y.eps).collect(),
            work: RefCell::new(Work {
                y: zeros.clone(),
                p: parameters.iter().map(|p| Dual64::from(*p)).collect(),
                rate: zeros,
            }),
            ode,
            start,
            parameters,
            directions,
        }
    }

    fn states(&self) -> usize {
        self.start.len()
    }

    fn rate(&self, t: f64, y: &[f64], rate: &mut [f64]) {
        self.ode.equation.rate(t, y, self.parameters, rate);
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
        self.ode.equation.rate(t, &work.y, &work.p, &mut work.rate);
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
        mut see: impl FnMut(usize, &[f64], &[f64]),
    ) -> Result<()>
    where
        E: OdeEquations<T = f64, V = NalgebraVec<f64>> + 'b,
        S: OdeSolverMethod<'b, E>,
    {
        let times = &self.ode.times;
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
        self.ode.failed(t, &why.to_string())
    }
}
