//! Profile likelihoods: against parabolas, formulas, other parametrisations, and how often they hold the truth.

use std::sync::Arc;

use retrodict::compose::parameters::{Parameter, Parameterised, Parameters, Role};
use retrodict::core::number::Number;
use retrodict::core::random::Random;
use retrodict::losses::{Distribution, SquaredError, Weighted};
use retrodict::models::curve::{CurveOptions, Model};
use retrodict::models::expression::Expression;
use retrodict::models::ode::OdeOptions;
use retrodict::options::Build;
use retrodict::simulators::Sir;
use retrodict::uncertainty::derived::Quantity;
use retrodict::uncertainty::profile::{
    Along, Identifiability, Profile, ProfileOptions, Side, profiles,
};
use retrodict::uncertainty::statistics::{Noise, Statistics};
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Bounds, Problem, Simulator, Solution, Solver, StopWhen, Transform};

/// y = p₁ (1 − e^(−p₂ t)).
#[derive(Debug, Clone, Default, PartialEq)]
struct Saturation;

impl Model for Saturation {
    fn name(&self) -> &'static str {
        "saturation"
    }
    fn parameters(&self) -> usize {
        2
    }
    fn value<D: Number>(&self, t: &[f64], p: &[D]) -> D {
        p[0] * (-(-p[1] * t[0]).exp() + 1.0)
    }
}

/// y = p₁ + (p₂ + p₃) t: only the sum of the slopes has an effect.
#[derive(Debug, Clone, Default, PartialEq)]
struct TwoSlopes;

impl Model for TwoSlopes {
    fn name(&self) -> &'static str {
        "two slopes"
    }
    fn parameters(&self) -> usize {
        3
    }
    fn value<D: Number>(&self, t: &[f64], p: &[D]) -> D {
        p[0] + (p[1] + p[2]) * t[0]
    }
}

fn curve<M: Model + 'static>(model: M, at: &[f64]) -> Arc<dyn Simulator> {
    let curve = CurveOptions::default().with_at(at).with_model(model);
    Arc::new(curve.build().unwrap())
}

fn outputs(simulator: &dyn Simulator, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; simulator.output().len()];
    simulator.forward(x, &mut y).unwrap();
    y
}

fn fit(problem: &Problem, start: &[f64]) -> Solution {
    let stop = StopWhen::after(200).with_loss_change(Some(1e-14));
    let solver = Solver::new(LevenbergMarquardt::default(), stop);
    solver.solve(problem, start).unwrap()
}

fn profile(problem: &Problem, x: &[f64], along: Along<'_>) -> Profile {
    let statistics = Statistics::with(problem, x, Noise::of(problem)).unwrap();
    let options = ProfileOptions::default();
    profiles(problem, &statistics, &[along], &options)
        .unwrap()
        .remove(0)
}

#[test]
fn where_the_noise_is_estimated_a_straight_line_has_students_interval() {
    let at = [-3.0, -1.0, 1.0, 3.0];
    let line = curve(TwoSlopes, &at);
    let table = Parameters::new(vec![
        Parameter::new("a"),
        Parameter::new("b"),
        Parameter::new("c").with_role(Role::Fixed(0.0)),
    ]);
    let line = Parameterised::new(line, table.unwrap(), &["a", "b", "c"]).unwrap();
    let problem = Problem::new(line, SquaredError::default(), [1.0, -1.0, 2.0, 4.0]).unwrap();
    let x = fit(&problem, &[0.0, 0.0]).x;
    let statistics = Statistics::of(&problem, &x).unwrap();
    for i in 0..2 {
        let found = profile(&problem, &x, Along::Unknown(i));
        let (interval, linear) = (found.interval(), statistics.intervals(0.95).unwrap()[i]);
        assert_eq!(found.identifiability, Identifiability::Identifiable);
        let width = linear.high - linear.low;
        assert!(
            (interval.low - linear.low).abs() < 1e-5 * width,
            "{found:?}"
        );
        assert!(
            (interval.high - linear.high).abs() < 1e-5 * width,
            "{found:?}"
        );
        // P is linear, so that the last fits point to the next one: it is looked at once. Steps of half a σ lead to t = 4.3.
        assert!(found.points.len() <= 23, "{}", found.points.len());
        assert!(found.counts.forward <= found.points.len() as u64);
        // On the way it is the parabola of the linear model.
        for point in &found.points {
            let parabola = ((point.value - x[i]) / statistics.deviations[i]).powi(2);
            assert!(
                (point.excess - parabola).abs() < 1e-8 * (1.0 + parabola),
                "{point:?}"
            );
        }
    }
}

#[test]
fn what_is_not_identifiable_by_structure_has_a_flat_profile() {
    let at = [-3.0, -1.0, 1.0, 3.0];
    let loss = Weighted::half([0.5]).unwrap();
    let problem = Problem::new(curve(TwoSlopes, &at), loss, [1.0, -1.0, 2.0, 4.0]).unwrap();
    let x = fit(&problem, &[0.0, 0.3, 0.1]).x;
    for i in [1, 2] {
        let found = profile(&problem, &x, Along::Unknown(i));
        assert_eq!(found.identifiability, Identifiability::Flat);
        assert!(found.deviation.is_infinite());
        let most = found
            .points
            .iter()
            .map(|p| p.excess.abs())
            .fold(0.0, f64::max);
        assert!(most < 1e-8, "{most}");
        let values = found.points.iter().map(|p| p.value);
        let (low, high) = (
            values.clone().fold(0.0, f64::min),
            values.fold(0.0, f64::max),
        );
        assert!(low < -100.0 && high > 100.0, "{low} {high}");
        let words = found.in_words("slope");
        assert!(
            words.contains("flat") && words.contains("not identifiable"),
            "{words}"
        );
    }
    assert_eq!(
        profile(&problem, &x, Along::Unknown(0)).identifiability,
        Identifiability::Identifiable
    );
}

#[test]
fn a_curve_that_never_bends_bounds_its_rate_from_above_alone() {
    // Before it saturates only p₁ p₂ is seen: the rate may be as small as it likes, with p₁ as large.
    let at = [0.1, 0.2, 0.3, 0.4];
    let simulator = curve(Saturation, &at);
    let y = outputs(&*simulator, &[10.0, 0.1]);
    let problem = Problem::new(simulator, Weighted::half([0.02]).unwrap(), y).unwrap();
    let problem = problem.transformed(&[Transform::Log]).unwrap();
    let x = fit(&problem, &[5.0, 0.3]).x;
    let rate = profile(&problem, &x, Along::Unknown(1));
    assert_eq!(
        rate.identifiability,
        Identifiability::BoundedAbove,
        "{rate:?}"
    );
    assert!(matches!(rate.low, Side::Open(low) if low < 1e-3));
    assert!(rate.interval().low.is_infinite() && rate.interval().high > 0.1);
    assert!(rate.in_words("rate").contains("only bounded from above"));
    let size = profile(&problem, &x, Along::Unknown(0));
    assert_eq!(size.identifiability, Identifiability::BoundedBelow);
    // With a bound the profile ends there.
    let bounds = Bounds::new(vec![0.0, 0.05], vec![f64::INFINITY, 9.0]);
    let bounded = problem.within(&bounds).unwrap();
    let rate = profile(&bounded, &x, Along::Unknown(1));
    assert!(
        matches!(rate.low, Side::Bound(low) if (low - 0.05).abs() < 1e-12),
        "{rate:?}"
    );
    assert!((rate.interval().low - 0.05).abs() < 1e-12);
}

/// Of a Gaussian sample with the level σ unknown, Λ(σ) = m (ln(σ²/s²) + s²/σ² − 1) with s² the mean square.
#[test]
fn the_profile_of_a_noise_level_is_that_of_the_formula() {
    let residuals = [0.3, -0.5, 0.1, 0.4, -0.2, 0.6, -0.7];
    let table = Parameters::new(vec![
        Parameter::new("a"),
        Parameter::new("b").with_role(Role::Fixed(0.0)),
        Parameter::new("c").with_role(Role::Fixed(0.0)),
        Parameter::new("sigma"),
    ]);
    let at = [0.0; 7];
    let mean = Parameterised::new(curve(TwoSlopes, &at), table.unwrap(), &["a", "b", "c"]).unwrap();
    let problem =
        Problem::with_noise_levels(mean, Distribution::Gaussian, &[1], &[0; 7], residuals).unwrap();
    let problem = problem
        .transformed(&[Transform::None, Transform::Relative(1.0)])
        .unwrap();
    let x = fit(&problem, &[0.5, 1.0]).x;
    assert!(x[0].abs() < 1e-9);
    let square = residuals.iter().map(|r| r * r).sum::<f64>() / 7.0;
    assert!((x[1] / square.sqrt() - 1.0).abs() < 1e-6, "{x:?}");
    let found = profile(&problem, &x, Along::Unknown(1));
    assert_eq!(found.identifiability, Identifiability::Identifiable);
    for point in &found.points {
        let ratio = point.value * point.value / square;
        let expected = 7.0 * (ratio.ln() + 1.0 / ratio - 1.0);
        assert!(
            (point.excess - expected).abs() < 1e-6 * (1.0 + expected),
            "{point:?} {expected}"
        );
    }
    // ln σ has the standard deviation 1/√(2m).
    assert!(
        (found.deviation / x[1] * 14.0_f64.sqrt() - 1.0).abs() < 1e-6,
        "{found:?}"
    );
}

/// An epidemic seen in its infected, with a fitted noise level.
fn epidemic(table: Vec<Parameter>, inputs: &[&str]) -> Problem {
    let options = OdeOptions::<Sir>::default().with_observe([1]);
    let simulator = options.build().unwrap();
    let truth = simulator.unknowns(&[0.8, 0.25]).unwrap();
    let mut random = Random::seeded(5);
    let mut y = outputs(&simulator, &truth);
    y.iter_mut().for_each(|y| *y += 0.01 * random.normal());
    let parameters = Parameters::new(table).unwrap();
    let simulator = Parameterised::new(simulator, parameters, inputs).unwrap();
    let groups = vec![0; y.len()];
    let level = simulator.input().len() - 1;
    let problem =
        Problem::with_noise_levels(simulator, Distribution::Gaussian, &[level], &groups, y);
    let transforms = [Transform::Log, Transform::Log, Transform::Relative(0.01)];
    problem.unwrap().transformed(&transforms).unwrap()
}

#[test]
fn a_derived_quantity_has_the_profile_that_it_has_as_a_parameter() {
    let named = |name: &str| Parameter::new(name);
    let free = vec![named("contact"), named("recovery"), named("sigma")];
    let problem = epidemic(free.clone(), &["contact", "recovery"]);
    let x = fit(&problem, &[0.7, 0.3, 0.02]).x;
    let parameters = Parameters::new(free).unwrap();
    let ratio = Expression::parse("contact / recovery").unwrap();
    let ratio = Quantity::new("R0", ratio, &parameters).unwrap();
    let derived = profile(&problem, &x, Along::Quantity(&ratio, &parameters));
    // The same model, of which the ratio is a parameter.
    let tied = Role::Tied(Expression::parse("R0 * recovery").unwrap());
    let other = epidemic(
        vec![
            named("R0"),
            named("recovery"),
            named("sigma"),
            named("contact").with_role(tied),
        ],
        &["contact", "recovery"],
    );
    let p = fit(&other, &[2.0, 0.3, 0.02]).x;
    assert!((p[0] - x[0] / x[1]).abs() < 1e-6, "{p:?} {x:?}");
    let own = profile(&other, &p, Along::Unknown(0));
    let (a, b) = (derived.interval(), own.interval());
    assert!(
        (a.low - b.low).abs() < 1e-5 && (a.high - b.high).abs() < 1e-5,
        "{a:?} {b:?}"
    );
    assert!((derived.deviation / own.deviation - 1.0).abs() < 1e-5);
    assert_eq!(derived.identifiability, Identifiability::Identifiable);
    // Along it the quantity has its value.
    for point in &derived.points {
        let value = ratio.value(&parameters, &point.x).unwrap();
        assert!((value - point.value).abs() < 1e-9 * value, "{point:?}");
    }
}

#[test]
fn profiles_are_the_same_on_one_thread_and_on_several() {
    let named = |name: &str| Parameter::new(name);
    let free = vec![named("contact"), named("recovery"), named("sigma")];
    let problem = epidemic(free, &["contact", "recovery"]);
    let x = fit(&problem, &[0.7, 0.3, 0.02]).x;
    let statistics = Statistics::with(&problem, &x, Noise::Fitted).unwrap();
    let all = [0, 1, 2].map(Along::Unknown);
    let options = ProfileOptions::default();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| profiles(&problem, &statistics, &all, &options).unwrap())
    };
    assert_eq!(on(1), on(3));
}

/// A thousand data sets of a model whose rate is far from linear: the profile holds the truth in 95 % of them, the linear
/// interval in fewer. The bounds are those of the issue; three standard deviations of a thousand draws are 2 %.
#[test]
fn profiles_hold_the_truth_as_often_as_they_say_where_linear_intervals_do_not() {
    let at = [0.5, 1.0, 1.5, 2.0, 2.5];
    let truth = [1.0, 0.6];
    let simulator = curve(Saturation, &at);
    let clean = outputs(&*simulator, &truth);
    let (mut held, mut linear_held, mut sets) = (0, 0, 0);
    let mut random = Random::seeded(11);
    for _ in 0..1000 {
        let y: Vec<f64> = clean.iter().map(|y| y + 0.06 * random.normal()).collect();
        let loss = Weighted::half([0.06]).unwrap();
        let problem = Problem::new(simulator.clone(), loss, y).unwrap();
        let solution = fit(&problem, &truth);
        let statistics = Statistics::with(&problem, &solution.x, Noise::Known).unwrap();
        let found = profiles(
            &problem,
            &statistics,
            &[Along::Unknown(0)],
            &ProfileOptions::default(),
        );
        let interval = found.unwrap()[0].interval();
        held += usize::from(interval.contains(truth[0]));
        linear_held += usize::from(statistics.intervals(0.95).unwrap()[0].contains(truth[0]));
        sets += 1;
    }
    let (share, linear) = (
        f64::from(held as u32) / f64::from(sets),
        f64::from(linear_held as u32) / f64::from(sets),
    );
    assert!((0.93..=0.97).contains(&share), "{share}");
    assert!(linear < 0.93, "{linear}");
}

#[test]
fn what_has_no_profile_is_refused() {
    let at = [-3.0, -1.0, 1.0, 3.0];
    let problem = Problem::new(
        curve(TwoSlopes, &at),
        SquaredError::half(),
        [1.0, -1.0, 2.0, 4.0],
    )
    .unwrap();
    let problem = problem
        .within(&Bounds::new(vec![-9.0, 0.0, -9.0], vec![9.0, 0.0, 9.0]))
        .unwrap();
    let x = fit(&problem, &[0.0, 0.0, 0.0]).x;
    let statistics = Statistics::of(&problem, &x).unwrap();
    let options = ProfileOptions::default();
    let refused = |along, options: &ProfileOptions| {
        profiles(&problem, &statistics, &[along], options)
            .unwrap_err()
            .to_string()
    };
    let fixed = refused(Along::Unknown(1), &options);
    assert!(fixed.contains("fixed by equal bounds"), "{fixed}");
    assert!(refused(Along::Unknown(3), &options).contains("3 unknowns"));
    let level = refused(Along::Unknown(0), &options.clone().with_level(95.0));
    assert!(level.contains("for example 0.95"), "{level}");
    assert!(refused(Along::Unknown(0), &options.with_points(1usize)).contains("at least 2"));
}
