//! AdamW, RMSprop, Adagrad and Adadelta against steps computed by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use retrodict::options::Build;
use std::sync::Arc;

use retrodict::losses::SquaredError;
use retrodict::registry::RULES;
use retrodict::simulators::ScalingOptions;
use retrodict::updates::{
    AdadeltaOptions, Adagrad, AdagradOptions, Adam, AdamW, RmsProp, RmsPropOptions,
};
use retrodict::{Evaluation, Problem, Solver, StopWhen, Tally, UpdateRule};

const TARGET: [f64; 2] = [1.0, -6.0];

/// L = ½ (x₀ − 1)² + ½ (3 x₁ + 6)², at rest in (1, −2).
fn quadratic() -> Problem {
    Problem::new(
        Arc::new(ScalingOptions::default().with_alpha(3.0).build().unwrap()),
        Arc::new(SquaredError::half()),
        TARGET.to_vec(),
    )
    .unwrap()
}

/// ∂L/∂x of that problem.
fn gradient(x: [f64; 2]) -> [f64; 2] {
    [x[0] - TARGET[0], 3.0 * (3.0 * x[1] - TARGET[1])]
}

/// The rule's Δx at x.
fn step(rule: &mut dyn UpdateRule, x: [f64; 2]) -> [f64; 2] {
    let (problem, tally) = (quadratic(), Tally::default());
    let at = Evaluation::new(&problem, &tally, &x).unwrap();
    let mut dx = [0.0; 2];
    assert!(rule.update(&at, &mut dx).unwrap().is_none());
    assert_eq!(at.counts().vjp, 1);
    dx
}

fn assert_near(found: [f64; 2], expected: [f64; 2]) {
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 1e-13 * e.abs(), "{found:?} {expected:?}");
    }
}

/// Gradients of (4, −9) and of (−0.5, 18).
const FIRST: [f64; 2] = [5.0, -3.0];
const SECOND: [f64; 2] = [0.5, 0.0];

#[test]
fn the_gradients_are_those_of_the_closed_form() {
    assert_eq!(gradient(FIRST), [4.0, -9.0]);
    assert_eq!(gradient(SECOND), [-0.5, 18.0]);
    let (problem, tally) = (quadratic(), Tally::default());
    let at = Evaluation::new(&problem, &tally, &FIRST).unwrap();
    assert_eq!(at.gradient().unwrap(), gradient(FIRST));
}

#[test]
fn adagrad_divides_by_the_root_of_the_sum_of_squares() {
    let mut rule = AdagradOptions::default()
        .with_learning_rate(0.2)
        .with_epsilon(0.5)
        .build()
        .unwrap();
    // √4² = 4 and √9² = 9, beside ε.
    assert_near(step(&mut rule, FIRST), [-0.2 * 4.0 / 4.5, 0.2 * 9.0 / 9.5]);
    // 4² + ½² and 9² + 18².
    assert_near(
        step(&mut rule, SECOND),
        [
            0.2 * 0.5 / (16.25_f64.sqrt() + 0.5),
            -0.2 * 18.0 / (405.0_f64.sqrt() + 0.5),
        ],
    );
    // With a small ε the first step is −η sign(g).
    let first = step(&mut Adagrad::new(0.2).unwrap(), FIRST);
    assert!((first[0] + 0.2).abs() < 1e-10 && (first[1] - 0.2).abs() < 1e-10);
}

#[test]
fn rmsprop_divides_by_the_root_of_the_mean_square() {
    let plain = RmsPropOptions::default()
        .with_learning_rate(0.1)
        .with_decay(0.75)
        .with_epsilon(1e-300)
        .build()
        .unwrap();
    // √(¼ g²) = ½ |g|.
    let mut rule = plain.clone();
    assert_near(step(&mut rule, FIRST), [-0.2, 0.2]);
    // ¾ · 4 + ¼ · ¼ and ¾ · 81/4 + ¼ · 324.
    let second = [
        0.1 * 0.5 / 3.0625_f64.sqrt(),
        -0.1 * 18.0 / 96.1875_f64.sqrt(),
    ];
    assert_near(step(&mut rule, SECOND), second);
    // With momentum the last step comes on top.
    let mut rolling = plain.options().clone().with_momentum(0.5).build().unwrap();
    assert_near(step(&mut rolling, FIRST), [-0.2, 0.2]);
    assert_near(
        step(&mut rolling, SECOND),
        [second[0] - 0.1, second[1] + 0.1],
    );
    let wide = RmsPropOptions::default()
        .with_epsilon(2.0)
        .with_learning_rate(0.1)
        .with_decay(0.75)
        .build()
        .unwrap();
    assert_near(
        step(&mut wide.clone(), FIRST),
        [-0.1 * 4.0 / 4.0, 0.1 * 9.0 / 6.5],
    );
}

#[test]
fn adadelta_starts_from_the_root_of_epsilon() {
    let mut rule = AdadeltaOptions::default()
        .with_decay(0.75)
        .with_epsilon(0.25)
        .build()
        .unwrap();
    // −√ε / √(¼ g² + ε) g.
    let first = [-0.5 / 4.25_f64.sqrt() * 4.0, 0.5 / 20.5_f64.sqrt() * 9.0];
    assert_near(step(&mut rule, FIRST), first);
    let u = first.map(|d| 0.25 * d * d);
    let v = [3.0625, 96.1875];
    let second = [
        ((u[0] + 0.25) / (v[0] + 0.25_f64)).sqrt() * 0.5,
        -((u[1] + 0.25) / (v[1] + 0.25_f64)).sqrt() * 18.0,
    ];
    assert_near(step(&mut rule, SECOND), second);
    // η stands in front, and the means know nothing of it.
    let mut faster = AdadeltaOptions::default()
        .with_learning_rate(3.0)
        .with_decay(0.75)
        .with_epsilon(0.25)
        .build()
        .unwrap();
    assert_near(step(&mut faster, FIRST), first.map(|d| 3.0 * d));
    assert_near(step(&mut faster, SECOND), second.map(|d| 3.0 * d));
}

/// √ε is the unit of all steps while the gradient is above it, and the gradient's own below it.
#[test]
fn adadelta_is_as_long_as_epsilon_says_and_then_gradient_descent() {
    let with = |epsilon: f64| {
        AdadeltaOptions::default()
            .with_epsilon(epsilon)
            .build()
            .unwrap()
    };
    let (mut fine, mut coarse) = (with(1e-20), with(1e-16));
    for x in [FIRST, SECOND, FIRST, [2.0, 7.0]] {
        let hundredfold = step(&mut fine, x).map(|d| 100.0 * d);
        for (c, f) in step(&mut coarse, x).iter().zip(hundredfold) {
            assert!((c - f).abs() < 1e-12 * c.abs(), "{c} {f}");
        }
    }
    let mut wide = with(1e20);
    let g = gradient(FIRST);
    for _ in 0..3 {
        assert_near(step(&mut wide, FIRST), g.map(|g| -g));
    }
}

#[test]
fn adamw_is_adam_and_a_decay_that_does_not_see_the_gradient() {
    let mut adam = Adam::new(0.1).unwrap();
    let mut decaying = AdamW::new(0.1, 0.25).unwrap();
    for x in [FIRST, SECOND, [1.0, -2.0], FIRST] {
        let (plain, found) = (step(&mut adam, x), step(&mut decaying, x));
        for i in 0..2 {
            assert_eq!(found[i], plain[i] - 0.1 * 0.25 * x[i]);
        }
    }
    let mut none = AdamW::new(0.1, 0.0).unwrap();
    assert_eq!(
        step(&mut none, FIRST),
        step(&mut Adam::new(0.1).unwrap(), FIRST)
    );
}

#[test]
fn adamw_shrinks_x_by_the_same_factor_wherever_the_gradient_is_zero() {
    // At rest in (1, −2) the gradient is zero from the first step on.
    let mut rule = AdamW::new(0.5, 0.25).unwrap();
    let dx = step(&mut rule, [1.0, -2.0]);
    assert_eq!([1.0 + dx[0], -2.0 + dx[1]], [0.875, -1.75]);
}

#[test]
fn they_reach_the_solution_of_a_quadratic() {
    let end = |rule: Box<dyn UpdateRule>, steps| {
        let solver = Solver::new(rule, StopWhen::after(steps));
        let x = solver.solve(&quadratic(), &FIRST).unwrap().x;
        (x[0] - 1.0).hypot(x[1] + 2.0)
    };
    let adagrad = end(Box::new(Adagrad::new(1.0).unwrap()), 400);
    assert!(adagrad < 1e-6, "{adagrad}");
    // These two keep on stepping by about η; the solver returns the best x.
    let rmsprop = end(Box::new(RmsProp::new(0.02).unwrap()), 400);
    assert!(rmsprop < 0.02, "{rmsprop}");
    let adamw = end(Box::new(AdamW::new(0.05, 0.0).unwrap()), 400);
    assert!(adamw < 0.05, "{adamw}");
    let adadelta = AdadeltaOptions::default()
        .with_learning_rate(0.2)
        .with_epsilon(0.5)
        .build()
        .unwrap();
    let adadelta = end(Box::new(adadelta), 400);
    assert!(adadelta < 1e-6, "{adadelta}");
}

#[test]
fn what_they_remember_brings_back_every_bit() {
    for (name, options) in [
        ("adamw", "weight_decay = 0.3"),
        ("rmsprop", "momentum = 0.7"),
        ("adagrad", ""),
        ("adadelta", ""),
    ] {
        let build = || RULES.build(name, &options.parse().unwrap()).unwrap();
        let (mut whole, mut resumed) = (build(), build());
        for x in [FIRST, SECOND, [0.1, 0.3]] {
            step(&mut *whole, x);
        }
        resumed.recall(&whole.remember()).unwrap();
        let mut fresh = build();
        for x in [[0.7, -0.9], FIRST, [-2.0, 1.0]] {
            let expected = step(&mut *whole, x);
            assert_eq!(step(&mut *resumed, x), expected, "{name}");
            assert_ne!(step(&mut *fresh, x), expected, "{name} remembers nothing");
        }
        let other = RULES.build("bfgs", &toml::Table::new()).unwrap().remember();
        assert!(resumed.recall(&other).is_err(), "{name}");
    }
}

#[test]
fn options_that_are_not_allowed_are_named() {
    let message = |name: &str, options: &str| {
        let built = RULES.build(name, &options.parse().unwrap());
        built.err().unwrap().to_string()
    };
    for name in ["adamw", "rmsprop", "adagrad", "adadelta"] {
        let said = message(name, "learning_rate = 0.0");
        assert!(said.contains("learning_rate = 0 is not allowed"), "{said}");
        assert!(said.contains("greater than 0"), "{said}");
        let said = message(name, "epsilon = 0.0");
        assert!(said.contains("epsilon = 0 is not allowed"), "{said}");
        let said = message(name, "learning_rat = 1.0");
        assert!(said.contains("did you mean 'learning_rate'"), "{said}");
    }
    for (name, options, found) in [
        ("adamw", "weight_decay = -0.1", "weight_decay = -0.1"),
        ("adamw", "weight_decay = nan", "weight_decay = NaN"),
        ("adamw", "beta1 = 1.0", "beta1 = 1"),
        ("adamw", "beta2 = -0.5", "beta2 = -0.5"),
        ("rmsprop", "decay = 1.0", "decay = 1"),
        ("rmsprop", "momentum = 1.5", "momentum = 1.5"),
        ("adadelta", "decay = 2.0", "decay = 2"),
    ] {
        let said = message(name, options);
        let expected = format!("{found} is not allowed: it must");
        assert!(said.starts_with(&expected), "{said}");
    }
}
