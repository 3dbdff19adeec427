//! A formula simulator, which computes in blocks of places, beside the same formula evaluated place by place.
#![allow(clippy::unwrap_used)]

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use retrodict::models::expression::Expression;
use retrodict::options::Build;
use retrodict::simulators::{Formula, FormulaOptions};
use retrodict::{Result, Simulator};

const FUNCTIONS: [&str; 19] = [
    "exp", "expm1", "exp2", "log", "log1p", "log10", "log2", "sqrt", "cbrt", "abs", "sin", "cos",
    "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
];

/// The formula in t and u with all parameters a, b, c in it, whatever else it holds.
fn simulator(text: &str, places: &[f64]) -> Formula {
    let options = FormulaOptions::default()
        .with_formula(format!("{text} + 0 * (a + b + c)"))
        .with_variables(["t".to_owned(), "u".to_owned()]);
    options.with_times(places).build().unwrap()
}

/// y, and J row by row.
fn found(simulator: &Formula, x: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
    let [mut y, mut alone] = [(); 2].map(|()| vec![0.0; simulator.output().len()]);
    simulator.forward(x, &mut alone)?;
    let jacobian = simulator.linearize(x, &mut y)?.dense()?;
    assert_eq!(y, alone);
    Ok((y, jacobian.as_slice().to_vec()))
}

/// The value and the derivatives by a, b and c of a formula of t, u and these.
fn expected(text: &str, at: &[f64; 5]) -> Vec<f64> {
    let names = ["t", "u", "a", "b", "c"].map(str::to_owned);
    let formula = Expression::parse(text)
        .unwrap()
        .among("name", &names)
        .unwrap();
    let mut all = formula.gradient(at);
    all[1] = formula.evaluate(at);
    all.split_off(1)
}

/// The order of a, b and c among the parameters of a simulator.
fn order(simulator: &Formula) -> Vec<usize> {
    let place = |name: &String| ["a", "b", "c"].iter().position(|known| known == name);
    simulator
        .parameters()
        .iter()
        .map(|name| place(name).unwrap())
        .collect()
}

/// Numbers that functions and powers treat in ways of their own.
const EDGES: [f64; 18] = [
    -745.0, -3.0, -2.0, -1.0, -0.5, -1e-9, -0.0, 0.0, 1e-60, 1e-9, 0.5, 1.0, 2.0, 3.0, 20.0, 709.0,
    710.0, 1e60,
];

fn edges_agree(text: &str) {
    for t in EDGES {
        for u in EDGES {
            let simulator = simulator(text, &[t, u]);
            let (order, x) = (order(&simulator), [0.0; 3]);
            let expected = expected(text, &[t, u, 0.0, 0.0, 0.0]);
            let Ok((y, rows)) = found(&simulator, &x) else {
                assert!(!expected[0].is_finite(), "{text} at {t}, {u}: {expected:?}");
                continue;
            };
            // Dual numbers take powers by logarithms, which lose what is next to nothing.
            let close = |a: f64, b: f64, by: f64| a == b || (a - b).abs() <= by * b.abs() + 1e-290;
            assert!(
                close(y[0], expected[0], 1e-14),
                "{text} at {t}, {u}: {y:?} {expected:?}"
            );
            for (j, slope) in rows.iter().enumerate() {
                let slope_expected = expected[1 + order[j]];
                assert!(
                    !slope_expected.is_finite() || close(*slope, slope_expected, 1e-12),
                    "{text} at {t}, {u}, by {}: {slope} {slope_expected}",
                    simulator.parameters()[j]
                );
            }
        }
    }
}

#[test]
fn every_function_agrees_where_it_is_extreme() {
    for function in FUNCTIONS {
        edges_agree(&format!("{function}(t + a)"));
    }
}

#[test]
fn every_operator_agrees_where_it_is_extreme() {
    for operator in ["+", "-", "*", "/", "^"] {
        edges_agree(&format!("(t + a) {operator} (u + b)"));
        edges_agree(&format!("t {operator} (u + b)"));
        edges_agree(&format!("(t + a) {operator} u"));
    }
    for function in ["min", "max", "pow"] {
        edges_agree(&format!("{function}(t + a, u + b)"));
    }
    for power in [
        "0", "1", "2", "3", "7", "(-1)", "(-2)", "0.5", "1.5", "(-0.5)",
    ] {
        edges_agree(&format!("(t + a)^{power}"));
    }
}

/// A formula of this depth, as text.
fn random(rng: &mut Pcg64, depth: usize) -> String {
    if depth == 0 || rng.random_bool(0.1) {
        let leaves = ["t", "u", "a", "b", "c", "2", "0.3", "t", "a"];
        return leaves[rng.random_range(0..leaves.len())].to_owned();
    }
    let first = random(rng, depth - 1);
    match rng.random_range(0..10) {
        0..=5 => {
            let second = random(rng, depth - 1);
            let operator = ["+", "-", "*", "/", "*", "-", "^"][rng.random_range(0..7)];
            format!("({first} {operator} {second})")
        }
        6 => format!("({first})^{}", rng.random_range(-2..5)),
        7 => {
            let function = ["min", "max", "pow"][rng.random_range(0..3)];
            format!("{function}({first}, {})", random(rng, depth - 1))
        }
        _ => format!(
            "{}({first})",
            FUNCTIONS[rng.random_range(0..FUNCTIONS.len())]
        ),
    }
}

/// What is lost to cancellation is lost by both, but not in the same digits: so tolerances grow with what a change of the
/// last digits of the arguments does.
#[test]
fn random_formulas_agree_at_every_place() {
    let mut rng = Pcg64::seed_from_u64(7);
    let mut compared = 0;
    for round in 0..400 {
        let text = random(&mut rng, 2 + round % 4);
        let x: Vec<f64> = (0..3).map(|_| rng.random_range(-1.5..2.5)).collect();
        let count = [1, 15, 16, 63, 64, 65, 150][round % 7];
        let places: Vec<f64> = (0..2 * count)
            .map(|_| rng.random_range(-0.5..3.0))
            .collect();
        let at = |i: usize| [places[2 * i], places[2 * i + 1], x[0], x[1], x[2]];
        let all: Vec<Vec<f64>> = (0..count).map(|i| expected(&text, &at(i))).collect();
        let good: Vec<usize> = (0..count).filter(|i| all[*i][0].is_finite()).collect();
        if good.is_empty() {
            continue;
        }
        let places: Vec<f64> = good
            .iter()
            .flat_map(|i| [places[2 * i], places[2 * i + 1]])
            .collect();
        let simulator = simulator(&text, &places);
        let order = order(&simulator);
        let own: Vec<f64> = order.iter().map(|j| x[*j]).collect();
        let (y, rows) = found(&simulator, &own).unwrap();
        for (k, i) in good.into_iter().enumerate() {
            let exact = &all[i];
            let mut spread = [0.0; 4];
            for j in 0..5 {
                for by in [1.0 - 1e-14, 1.0 + 1e-14] {
                    let mut near = at(i);
                    near[j] *= by;
                    let near = expected(&text, &near);
                    (0..4).for_each(|i| spread[i] += (near[i] - exact[i]).abs());
                }
            }
            let close = |a: f64, i: usize, by: f64| {
                let largest = exact.iter().fold(0.0_f64, |most, e| most.max(e.abs()));
                let size = if i == 0 { exact[0].abs() } else { largest };
                let bound = by * size + 10.0 * spread[i];
                a == exact[i]
                    || !exact[i].is_finite()
                    || !bound.is_finite()
                    || (a - exact[i]).abs() <= bound
            };
            assert!(
                close(y[k], 0, 1e-14),
                "{text} at {:?}: {} {exact:?}",
                at(i),
                y[k]
            );
            for (slope, j) in rows[3 * k..].iter().zip(&order) {
                assert!(
                    close(*slope, 1 + j, 1e-12),
                    "{text} at {:?}, {j}: {slope} {exact:?}",
                    at(i)
                );
                compared += usize::from(exact[1 + j].is_finite() && exact[1 + j] != 0.0);
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}

#[test]
fn derivatives_of_what_vanishes_are_zero_where_a_slope_is_infinite() {
    // √(a t) is 0 at t = 0, whatever a is.
    let root = FormulaOptions::default()
        .with_formula("sqrt(a * t)")
        .with_times([0.0, 4.0]);
    let found = found(&root.build().unwrap(), &[1.0]).unwrap();
    assert_eq!(found, (vec![0.0, 2.0], vec![0.0, 1.0]));
}
