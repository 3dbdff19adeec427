//! Many starts: distinct solutions and their basins.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use crate::fixtures::space;
use retrodict::inverse::{Inverter, NewtonInverse};
use retrodict::losses::SquaredError;
use retrodict::models::ode::{OdeOptions, Transform};
use retrodict::options::Build;
use retrodict::simulators::{LotkaVolterra, Pendulum};
use retrodict::solver::starts::{Region, solve_from};
use retrodict::updates::{InverseJacobian, LevenbergMarquardt};
use retrodict::{Error, Problem, Result, Simulator, Solver, Space, StopWhen};

/// P fails beyond x = 1.
struct Edge;

impl Simulator for Edge {
    fn input(&self) -> &Space {
        space("x", 1)
    }
    fn output(&self) -> &Space {
        space("y", 1)
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        if x[0] > 1.0 {
            return Err(Error::simulation("edge", "x is beyond 1"));
        }
        y[0] = x[0];
        Ok(())
    }
    fn jvp(&self, _: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        dy[0] = dx[0];
        Ok(())
    }
    fn vjp(&self, _: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        dx[0] = dy[0];
        Ok(())
    }
}

/// (x² − 1)² has a lower and a higher bottom once tilted: y = (x² − 1, 0.3 (x − 1)).
struct TwoBottoms;

impl Simulator for TwoBottoms {
    fn input(&self) -> &Space {
        space("x", 1)
    }
    fn output(&self) -> &Space {
        space("two bottoms", 2)
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y[0] = x[0] * x[0] - 1.0;
        y[1] = 0.3 * (x[0] - 1.0);
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        dy[0] = 2.0 * x[0] * dx[0];
        dy[1] = 0.3 * dx[0];
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        dx[0] = 2.0 * x[0] * dy[0] + 0.3 * dy[1];
        Ok(())
    }
}

#[test]
fn many_starts_find_the_lower_bottom_and_count_the_basins() {
    let loss = Arc::new(SquaredError::half());
    let problem = Problem::new(Arc::new(TwoBottoms), loss, vec![0.0, 0.0]).unwrap();
    let solver = |_| {
        let rule = LevenbergMarquardt::default();
        Ok(Solver::new(rule, StopWhen::after(100)))
    };
    let alone = solver(0).unwrap().solve(&problem, &[-2.0]).unwrap();
    assert!(alone.loss > 0.1, "a single start from the left stays there");
    let (region, starts) = Region::starts(&[-2.0], Some(4.0), 20, 5).unwrap();
    assert_eq!(starts[0], [-2.0]);
    let survey = solve_from(&problem, &starts, &region, solver).unwrap();
    assert_eq!(survey.basins.len(), 2, "{:?}", survey.basins);
    assert!((survey.best().unwrap().x[0] - 1.0).abs() < 1e-6);
    let [right, left] = survey.basins.as_slice() else {
        panic!("{:?}", survey.basins);
    };
    assert_eq!(right.starts.len() + left.starts.len(), 20);
    assert!(left.starts.contains(&0));
    // Levenberg and Marquardt never climb: each start slides down its own side.
    for start in &left.starts {
        assert!(starts[*start][0] < 0.1);
    }
    assert!((survey.solution(left).unwrap().loss - alone.loss).abs() < 1e-9);
}

#[test]
fn starts_where_the_simulation_fails_are_left_out() {
    let loss = Arc::new(SquaredError::half());
    let problem = Problem::new(Arc::new(Edge), loss, vec![0.5]).unwrap();
    let solver = |_| Ok(Solver::new(InverseJacobian::default(), StopWhen::after(3)));
    let region = Region::new(vec![0.0], vec![3.0]).unwrap();
    let starts = region.latin_hypercube(9, 1);
    let survey = solve_from(&problem, &starts, &region, solver).unwrap();
    assert_eq!(survey.basins.len(), 1);
    assert_eq!(survey.basins[0].starts.len(), 3);
    assert_eq!(survey.runs.iter().filter(|run| run.is_err()).count(), 6);
    let nowhere = solve_from(&problem, &[vec![2.0]], &region, solver).unwrap_err();
    assert!(nowhere.to_string().contains("x is beyond 1"), "{nowhere}");
}

/// From (1, 0.8, 2, 0.7) every least-squares code ends at 138.85; from around there we do not.
#[test]
fn lotka_volterra_from_afar_is_solved_by_starts_around() {
    let load = |name| crate::fixtures::load("lotka_volterra.npz", name);
    let ode = OdeOptions::<LotkaVolterra>::default()
        .with_times(load("t"))
        .with_initial(load("y0"))
        .build()
        .unwrap();
    let far = ode.unknowns(&[1.0, 0.8, 2.0, 0.7]).unwrap();
    let truth = ode.unknowns(&load("true")).unwrap();
    let loss = Arc::new(SquaredError::half());
    let problem = Problem::new(Arc::new(ode), loss, load("data")).unwrap();
    let (region, starts) = Region::starts(&far, Some(1.0), 20, 0).unwrap();
    let survey = solve_from(&problem, &starts, &region, |_| {
        let stop = StopWhen::after(200).with_step_below(1e-9);
        Ok(Solver::new(LevenbergMarquardt::default(), stop))
    })
    .unwrap();
    let best = survey.best().unwrap();
    assert!((best.loss - 0.1529).abs() < 5e-5, "{}", best.loss);
    for (found, truth) in best.x.iter().zip(&truth) {
        assert!((found - truth).abs() < 0.02, "{:?} {truth:?}", best.x);
    }
    let basin = |start| survey.basins.iter().find(|b| b.starts.contains(&start));
    let local = survey.solution(basin(0).unwrap()).unwrap();
    assert!((local.loss - 138.85).abs() < 5e-3, "{}", local.loss);
}

#[test]
fn a_pendulum_seen_by_its_speed_alone_is_found_on_the_turn_of_its_start() {
    use std::f64::consts::TAU;
    // A negative stiffness, upside down, is the same motion too: the logarithm keeps it out.
    let transform = [&[Transform::Log][..], &[Transform::None; 3]].concat();
    let pendulum = OdeOptions::<Pendulum>::default()
        .with_fit_initial(true)
        .with_observe([1])
        .with_transform(transform);
    let pendulum = Arc::new(pendulum.build().unwrap());
    let truth = [2.0_f64.ln(), 0.1, 0.8, 0.3];
    let mut observed = vec![0.0; pendulum.output().len()];
    pendulum.forward(&truth, &mut observed).unwrap();

    // The local inverse stays with the start, one turn up or down.
    for turn in [-TAU, 0.0, TAU] {
        let near = [0.6, 0.15, 0.6 + turn, 0.2];
        let found = NewtonInverse::default()
            .invert(&*pendulum, &observed, &near)
            .unwrap();
        assert!(found.ended.arrived(), "{turn}: {:?}", found.ended);
        assert!(
            (found.x[2] - turn - 0.8).abs() < 1e-7,
            "{turn}: {:?}",
            found.x
        );
    }

    // Many starts tell the turns apart.
    let region = Region::new(vec![0.4, 0.0, -9.0, -0.5], vec![0.9, 0.3, 9.0, 0.5]).unwrap();
    let starts = region.latin_hypercube(40, 3);
    let loss = Arc::new(SquaredError::half());
    let problem = Problem::new(pendulum, loss, observed).unwrap();
    let survey = solve_from(&problem, &starts, &region, |_| {
        let rule = LevenbergMarquardt::default();
        Ok(Solver::new(rule, StopWhen::after(100)))
    })
    .unwrap();
    let mut turns: Vec<i64> = survey
        .basins
        .iter()
        .map(|basin| survey.runs[basin.best].as_ref().unwrap())
        .filter(|run| run.loss < 1e-20)
        .map(|run| {
            let turns = (run.x[2] - 0.8) / TAU;
            assert!((turns - turns.round()).abs() < 1e-6, "{:?}", run.x);
            turns.round() as i64
        })
        .collect();
    turns.sort_unstable();
    assert_eq!(turns, [-1, 0, 1]);
}

/// y = x₀² with an x₁ that nothing depends on.
struct Bystander;

impl Simulator for Bystander {
    fn input(&self) -> &Space {
        space("x", 2)
    }
    fn output(&self) -> &Space {
        space("y", 1)
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y[0] = x[0] * x[0];
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        dy[0] = 2.0 * x[0] * dx[0];
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        dx[0] = 2.0 * x[0] * dy[0];
        dx[1] = 0.0;
        Ok(())
    }
}

/// ±1 are two solutions, wherever the unknown without effect was left.
#[test]
fn unknowns_without_effect_make_no_solution_another() {
    let loss = Arc::new(SquaredError::half());
    let problem = Problem::new(Arc::new(Bystander), loss, vec![1.0]).unwrap();
    let region = Region::new(vec![-2.0, -5.0], vec![2.0, 5.0]).unwrap();
    let starts = region.latin_hypercube(12, 4);
    let survey = solve_from(&problem, &starts, &region, |_| {
        let rule = LevenbergMarquardt::default();
        Ok(Solver::new(rule, StopWhen::after(50)))
    })
    .unwrap();
    let at: Vec<f64> = survey
        .basins
        .iter()
        .map(|b| survey.solution(b).unwrap().x[0])
        .collect();
    assert_eq!(at.len(), 2, "{at:?}");
    assert!((at[0] * at[1] + 1.0).abs() < 1e-6, "{at:?}");
}
