//! What is told of a simulator is told of all that is made of it, in their own unknowns and of their own y.

use crate::fixtures::space;
use std::sync::Arc;

use retrodict::inverse::{NewtonInverse, WithInverse};
use retrodict::models::external::{Differences, External, Model};
use retrodict::models::ode::OdeOptions;
use retrodict::options::Build;
use retrodict::registry::SIMULATORS;
use retrodict::simulators::LotkaVolterra;
use retrodict::{
    Description, Error, Problem, ResidualAt, Result, Selected, Simulator, Space, Stacked,
    Transform, Transformed, losses::SquaredError,
};

type Shared = Arc<dyn Simulator>;

/// (x₁ x₂, x₁, NaN) by evaluations alone, as if behind a server.
struct Outside;

impl Model for Outside {
    fn label(&self) -> String {
        "outside".to_owned()
    }
    fn input(&self) -> &Space {
        space("x", 2)
    }
    fn output(&self) -> &Space {
        space("y", 3)
    }
    fn evaluate(&self, x: &[f64]) -> Result<Vec<f64>> {
        Ok(vec![x[0] * x[1], x[0], f64::NAN])
    }
}

/// A simulator that has something to tell of everything, and does nothing but pass on another.
struct Telling(Shared);

impl Simulator for Telling {
    fn input(&self) -> &Space {
        self.0.input()
    }
    fn output(&self) -> &Space {
        self.0.output()
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.0.forward(x, y)
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.0.jvp(x, dx, dy)
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.0.vjp(x, dy, dx)
    }
    fn describe(&self) -> Description {
        let typical = (1..=4).map(|i| (f64::from(i), 0.5)).collect();
        let how = External::new(Outside, Differences::default(), None).describe();
        self.0
            .describe()
            .with_linear(true)
            .with_typical(retrodict::Typical::for_each(typical))
            .with_approximation(how.approximation)
    }
}

/// The whole registry, and what it lacks: a series of some states, fitted starts, a J by differences, all at once.
fn simulators() -> Vec<(String, Shared)> {
    let mut all: Vec<(String, Shared)> = Vec::new();
    for entry in SIMULATORS.entries.iter() {
        all.push((
            entry.name.to_owned(),
            entry.build(&toml::Table::new()).unwrap(),
        ));
    }
    let ode = OdeOptions::<LotkaVolterra>::default().with_transform([Transform::None]);
    let some = ode
        .clone()
        .with_observe([1])
        .with_fit_initial(true)
        .build()
        .unwrap();
    all.push(("some states".to_owned(), Arc::new(some)));
    let outside = External::new(Outside, Differences::default(), Some(1));
    all.push(("outside".to_owned(), Arc::new(outside)));
    let telling = Telling(Arc::new(ode.build().unwrap()));
    all.push(("everything".to_owned(), Arc::new(telling)));
    all
}

fn inputs(simulator: &Shared) -> usize {
    simulator.input().len()
}

#[test]
fn some_simulator_tells_each_thing() {
    let told: Vec<Description> = simulators().iter().map(|(_, s)| s.describe()).collect();
    let usual = Description::default();
    assert!(told.iter().any(|d| d.typical != usual.typical));
    assert!(told.iter().any(|d| d.series.is_some()));
    assert!(told.iter().any(|d| d.labels.is_some()));
    assert!(told.iter().any(|d| d.linear));
    assert!(told.iter().any(|d| d.approximation.is_some()));
    assert!(told.iter().any(|d| d.keeps_trajectory));
    let whole = told.last().unwrap();
    assert!(whole.series.is_some() && whole.labels.is_some() && whole.linear);
    assert!(whole.approximation.is_some() && whole.keeps_trajectory);
}

#[test]
fn what_changes_nothing_leaves_the_whole_description() {
    for (name, simulator) in simulators() {
        let told = simulator.describe();
        let all: Vec<usize> = (0..simulator.output().len()).collect();
        let same: [Shared; 4] = [
            Arc::new(Selected::new(simulator.clone(), all).unwrap()),
            Arc::new(Stacked::new(vec![simulator.clone()]).unwrap()),
            Arc::new(WithInverse::new(
                simulator.clone(),
                Arc::new(NewtonInverse::default()),
            )),
            Arc::new(Transformed::new(simulator.clone(), &[Transform::None]).unwrap()),
        ];
        for (i, wrapped) in same.iter().enumerate() {
            let found = wrapped.describe();
            for place in 0..inputs(&simulator) {
                assert_eq!(
                    found.typical.at(place),
                    told.typical.at(place),
                    "{name}, {i}"
                );
            }
            let found = found.with_typical(told.typical.clone());
            assert_eq!(found, told, "{name}, wrapper {i}");
            assert_eq!(wrapped.input(), simulator.input(), "{name}, wrapper {i}");
            assert_eq!(wrapped.output().len(), simulator.output().len());
            if let Some(series) = found.series {
                assert_eq!(
                    wrapped.output().shape,
                    [series.times.len(), series.columns.len()]
                );
            }
        }
    }
}

#[test]
fn transforms_tell_of_x_in_their_own_unknowns() {
    for (name, simulator) in simulators() {
        let told = simulator.describe();
        let wrapped = |transform| {
            let wrapped = Transformed::new(simulator.clone(), &[transform]).unwrap();
            wrapped.describe()
        };
        let in_units = wrapped(Transform::Scale(4.0));
        let in_logs = wrapped(Transform::Log);
        let bounded = wrapped(Transform::Bounds(-50.0, 50.0));
        // Only a factor leaves a linear map linear.
        assert_eq!(in_units.linear, told.linear, "{name}");
        assert!(!in_logs.linear && !bounded.linear, "{name}");
        for place in 0..inputs(&simulator) {
            let (centre, spread) = told.typical.at(place);
            assert_eq!(
                in_units.typical.at(place),
                (centre / 4.0, spread / 4.0),
                "{name}"
            );
            // Mean and deviation of the log-normal distribution.
            if centre > 0.0 {
                let (z, s) = in_logs.typical.at(place);
                let mean = (z + 0.5 * s * s).exp();
                assert!((mean / centre - 1.0).abs() < 1e-12, "{name}: {mean}");
                let deviation = mean * (s * s).exp_m1().sqrt();
                assert!(
                    (deviation / spread - 1.0).abs() < 1e-12,
                    "{name}: {deviation}"
                );
            }
            let (z, _) = bounded.typical.at(place);
            let back = Transform::Bounds(-50.0, 50.0).apply(z);
            assert!((back - centre).abs() < 1e-12 * 50.0, "{name}: {back}");
        }
        for (wrapped, word) in [(&in_units, ""), (&in_logs, "ln "), (&bounded, "logit ")] {
            // Of y and of J it tells the same.
            assert_eq!(wrapped.series, told.series, "{name}");
            assert_eq!(wrapped.approximation, told.approximation, "{name}");
            assert_eq!(wrapped.keeps_trajectory, told.keeps_trajectory, "{name}");
            assert_eq!(wrapped.labels.is_some(), told.labels.is_some(), "{name}");
            let pairs = wrapped
                .labels
                .iter()
                .flatten()
                .zip(told.labels.iter().flatten());
            for ((found, unit), (own, own_unit)) in pairs {
                assert_eq!(*found, format!("{word}{own}"), "{name}");
                let expected = match (word.is_empty(), own_unit.as_str()) {
                    (false, _) => "1".to_owned(),
                    (true, "1") => "4".to_owned(),
                    (true, unit) => format!("4 {unit}"),
                };
                assert_eq!(*unit, expected, "{name}");
            }
        }
    }
}

#[test]
fn some_outputs_are_a_series_where_they_still_are_one() {
    for (name, simulator) in simulators() {
        let told = simulator.describe();
        let select = |places: Vec<usize>| {
            let selected = Selected::new(simulator.clone(), places).unwrap();
            assert_eq!(selected.input(), simulator.input());
            (selected.describe(), selected.output().clone())
        };
        let (first, space) = select(vec![0]);
        // Of x and J it tells the same.
        let but_series = |description: &Description| description.clone().with_series(None);
        assert_eq!(but_series(&first), but_series(&told), "{name}");
        assert_eq!(space.unit, simulator.output().unit);
        let Some(series) = told.series else {
            assert_eq!(first.series, None, "{name}");
            continue;
        };
        let seen = first.series.unwrap();
        assert_eq!(seen.times, series.times[..1]);
        assert_eq!(seen.columns, series.columns[..1]);
        assert_eq!(
            (&seen.time_unit, seen.logarithm),
            (&series.time_unit, series.logarithm)
        );
        let (m, width) = (simulator.output().len(), series.columns.len());
        // The last column throughout.
        let (last, space) = select((width - 1..m).step_by(width).collect());
        let last = last.series.unwrap();
        assert_eq!(
            (&last.times, &last.columns[..]),
            (&series.times, &series.columns[width - 1..])
        );
        assert_eq!(space.shape, [series.times.len(), 1]);
        // All but one value: no table any more, unless there is but one column.
        let (holed, space) = select((0..m - 1).collect());
        assert_eq!(holed.series.is_some(), width == 1, "{name}");
        assert_eq!(space.len(), m - 1);
    }
}

#[test]
fn simulators_together_tell_what_all_of_them_do() {
    for (name, simulator) in simulators() {
        let told = simulator.describe();
        let twice = Stacked::new(vec![simulator.clone(), simulator.clone()]).unwrap();
        let found = twice.describe();
        // The same times again are no later ones; what both say of J is said once.
        assert_eq!(found, told.clone().with_series(None), "{name}");
        let outside: Shared = Arc::new(External::new(Outside, Differences::default(), Some(1)));
        if inputs(&simulator) != 2 {
            continue;
        }
        for parts in [
            [outside.clone(), simulator.clone()],
            [simulator.clone(), outside.clone()],
        ] {
            let first = parts[0].describe();
            let mixed = Stacked::new(parts.to_vec()).unwrap().describe();
            assert!(!mixed.linear && mixed.keeps_trajectory && mixed.series.is_none());
            assert_eq!(mixed.typical, first.typical, "{name}");
            assert_eq!(mixed.labels, told.labels, "{name}");
            let note = outside.describe().approximation.unwrap().note;
            assert!(mixed.approximation.unwrap().note.contains(&note), "{name}");
        }
    }
}

/// The same equation, watched for longer: one series.
#[test]
fn a_series_and_a_later_one_are_one() {
    let at = |times: [f64; 2]| -> Shared {
        let options = OdeOptions::<LotkaVolterra>::default().with_times(times);
        Arc::new(options.build().unwrap())
    };
    let both = Stacked::new(vec![at([1.0, 2.0]), at([2.5, 4.0])]).unwrap();
    let series = both.describe().series.unwrap();
    assert_eq!(series.times, [1.0, 2.0, 2.5, 4.0]);
    assert_eq!(both.output().shape, [4, 2]);
    let back = Stacked::new(vec![at([2.5, 4.0]), at([1.0, 2.0])]).unwrap();
    assert_eq!(back.describe().series, None);
    assert_eq!(back.output().shape, [8]);
}

#[test]
fn a_residual_tells_of_x_what_its_simulator_does() {
    let mut seen = 0;
    for (name, simulator) in simulators() {
        let y = vec![0.5; simulator.output().len()];
        let Some(at) = ResidualAt::new(simulator.clone(), y).unwrap() else {
            continue;
        };
        seen += 1;
        let (told, found) = (simulator.describe(), at.describe());
        let residual = simulator.residual().unwrap();
        assert_eq!(at.output(), residual.space(), "{name}");
        assert_eq!(
            (&found.typical, &found.labels),
            (&told.typical, &told.labels),
            "{name}"
        );
        assert_eq!(found.linear, residual.is_affine(), "{name}");
        assert!(found.series.is_none() && found.approximation.is_none() && !found.keeps_trajectory);
    }
    assert!(seen >= 6, "{seen}");
}

#[test]
fn a_problem_tells_what_its_simulator_does() {
    for (name, simulator) in simulators() {
        let y = vec![0.5; simulator.output().len()];
        let problem = Problem::new(simulator.clone(), SquaredError::default(), y).unwrap();
        assert_eq!(*problem.description(), simulator.describe(), "{name}");
        let in_units = problem.transformed(&[Transform::Scale(2.0)]).unwrap();
        assert_eq!(
            *in_units.description(),
            in_units.simulator().describe(),
            "{name}"
        );
    }
}

/// A model that answers NaN for what nobody observed is inverted through wrappers too.
#[test]
fn what_is_not_looked_at_stays_unseen_behind_wrappers() {
    let outside =
        || -> Shared { Arc::new(External::new(Outside, Differences::default(), Some(1))) };
    let wrapped: [(Shared, usize); 4] = [
        (outside(), 0),
        (
            Arc::new(Transformed::new(outside(), &[Transform::Log]).unwrap()),
            0,
        ),
        (
            Arc::new(Selected::new(outside(), vec![0, 1, 2]).unwrap()),
            0,
        ),
        (
            Arc::new(Stacked::new(vec![outside(), outside()]).unwrap()),
            3,
        ),
    ];
    for (i, (simulator, further)) in wrapped.into_iter().enumerate() {
        let whole = simulator.forward(&[0.2, 0.3], &mut vec![0.0; 3 + further]);
        assert!(matches!(whole, Err(Error::Simulation { .. })), "{i}");
        let mut target = vec![2.0, 1.0, f64::NAN];
        target.resize(3 + further, f64::NAN);
        let problem = Problem::with_missing(simulator, SquaredError::default(), target).unwrap();
        let mut y = [0.0; 2];
        problem.simulator().forward(&[0.2, 0.3], &mut y).unwrap();
        let mut dx = [0.0; 2];
        problem
            .simulator()
            .vjp(&[0.2, 0.3], &[1.0, 1.0], &mut dx)
            .unwrap();
        assert!(dx.iter().all(|d| d.is_finite() && *d > 0.0), "{i}: {dx:?}");
        let told = problem.description().approximation.as_ref();
        assert!(told.unwrap().note.contains("central differences"), "{i}");
    }
}

#[cfg(feature = "network")]
#[test]
fn a_network_before_it_leaves_how_j_is_found() {
    use retrodict::network::{Mlp, Network};
    use retrodict::training::{Clock, Joint};
    for (name, simulator) in simulators() {
        let (told, n) = (simulator.describe(), inputs(&simulator));
        let mlp = Mlp::new([1, n]).unwrap();
        let network: Arc<dyn Network> = Arc::new(mlp);
        let physics = vec![simulator.clone(), simulator.clone()];
        let clock = Arc::new(Clock::default());
        let joint = Joint::with_physics(network.clone(), vec![0.5; 2], physics, clock).unwrap();
        let found = joint.describe();
        assert_eq!(found.approximation, told.approximation, "{name}");
        // θ is no x, and a batch no series.
        let expected = Description::default()
            .with_approximation(told.approximation)
            .with_keeps_trajectory(true);
        assert_eq!(found, expected, "{name}");
        assert_eq!(joint.input().len(), network.parameters());
        assert_eq!(joint.output().shape[0], 2);
        assert_eq!(joint.output().len(), 2 * simulator.output().len());
    }
}
