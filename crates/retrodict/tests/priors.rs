//! Priors: each is a block of data, and data and priors together give what theory says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use retrodict::options::Build;
use std::sync::Arc;

use retrodict::check;
use retrodict::linalg::{Matrix, cholesky, norm};
use retrodict::losses::{SquaredError, Weighted};
use retrodict::priors::{
    Edges, Gaussian, Matern, Prior, PriorBlock, Sparsity, Tikhonov, TotalVariation,
};
use retrodict::registry::{PRIORS, RULES};
use retrodict::simulators::{ExpOptions, HeatOptions};
use retrodict::{Problem, Simulator, Solver, Space, Stacked, StopWhen};

fn wavy(n: usize) -> Vec<f64> {
    (0..n)
        .map(|i| (0.9 * i as f64).sin() + 0.3 * (2.3 * i as f64 + 0.4).cos())
        .collect()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&difference) / norm(b)
}

/// A linear simulator's matrix.
fn matrix(simulator: &dyn Simulator) -> Matrix {
    let (m, n) = (simulator.output().len(), simulator.input().len());
    let mut a = Matrix::zeros(m, n);
    let (mut dx, mut dy) = (vec![0.0; n], vec![0.0; m]);
    for j in 0..n {
        dx[j] = 1.0;
        simulator.jvp(&vec![0.0; n], &dx, &mut dy).unwrap();
        dx[j] = 0.0;
        (0..m).for_each(|i| a[(i, j)] = dy[i]);
    }
    a
}

/// The minimum of Σ wᵢ ½‖Aᵢ x − bᵢ‖², from the normal equations.
fn minimum(blocks: &[(Matrix, Vec<f64>, f64)]) -> Vec<f64> {
    let n = blocks[0].0.cols();
    let (mut normal, mut x) = (Matrix::zeros(n, n), vec![0.0; n]);
    for (a, b, w) in blocks {
        for r in 0..a.rows() {
            for i in 0..n {
                x[i] += w * a[(r, i)] * b[r];
                for j in 0..n {
                    normal[(i, j)] += w * a[(r, i)] * a[(r, j)];
                }
            }
        }
    }
    cholesky(&normal).unwrap().solve(&mut x);
    x
}

fn spaces() -> Vec<Space> {
    [&[7][..], &[4, 5], &[3, 4, 2]]
        .map(|shape| Space::new("field", shape, "K"))
        .to_vec()
}

#[test]
fn every_prior_passes_the_checks_of_a_simulator_and_of_a_loss() {
    for entry in PRIORS.entries.iter() {
        for space in spaces() {
            let prior = entry.build(&toml::Table::new()).unwrap();
            let block = prior.on(&space).unwrap();
            let x = check::typical_input(&*block.simulator, 3);
            for check in check::simulator(&block.simulator, &x, 3) {
                assert!(check.passed, "{} {space:?}: {check:?}", entry.name);
            }
            let y = wavy(block.target.len());
            for check in check::loss(&*block.loss, &y, &block.target, 4) {
                assert!(check.passed, "{} {space:?}: {check:?}", entry.name);
            }
        }
    }
}

#[test]
fn differences_pass_their_checks_with_all_edges() {
    for edges in [Edges::Free, Edges::Zero, Edges::Mirrored, Edges::Periodic] {
        for (order, shape) in [(1, &[5][..]), (1, &[2, 3]), (2, &[6]), (2, &[3, 4, 5])] {
            let prior = Tikhonov::default()
                .with_order(order)
                .with_edges(edges)
                .with_cell(0.5);
            let block = prior.on(&Space::new("field", shape, "1")).unwrap();
            let x = wavy(block.simulator.input().len());
            for check in check::simulator(&block.simulator, &x, 5) {
                assert!(check.passed, "{edges:?} {order} {shape:?}: {check:?}");
            }
        }
    }
}

fn differences(order: usize, edges: Edges, x: &[f64]) -> Vec<f64> {
    let prior = Tikhonov::default().with_order(order).with_edges(edges);
    let block = prior.on(&Space::new("line", &[x.len()], "1")).unwrap();
    let mut y = vec![0.0; block.target.len()];
    block.simulator.forward(x, &mut y).unwrap();
    y
}

#[test]
fn differences_are_those_of_the_edges() {
    let x = [1.0, 4.0, 2.0, 7.0];
    assert_eq!(differences(0, Edges::Free, &x), x);
    assert_eq!(differences(1, Edges::Free, &x), [3.0, -2.0, 5.0]);
    assert_eq!(differences(1, Edges::Zero, &x), [1.0, 3.0, -2.0, 5.0, -7.0]);
    assert_eq!(differences(1, Edges::Mirrored, &x), [3.0, -2.0, 5.0, 0.0]);
    assert_eq!(differences(1, Edges::Periodic, &x), [3.0, -2.0, 5.0, -6.0]);
    assert_eq!(differences(2, Edges::Free, &x), [-5.0, 7.0]);
    assert_eq!(differences(2, Edges::Zero, &x), [2.0, -5.0, 7.0, -12.0]);
    assert_eq!(differences(2, Edges::Mirrored, &x), [3.0, -5.0, 7.0, -5.0]);
    assert_eq!(differences(2, Edges::Periodic, &x), [9.0, -5.0, 7.0, -11.0]);
}

#[test]
fn planes_cost_nothing_to_second_differences_with_free_edges() {
    let prior = Tikhonov::default().with_order(2);
    let block = prior.on(&Space::new("field", &[5, 6], "1")).unwrap();
    let plane: Vec<f64> = (0..30)
        .map(|i| 2.0 * f64::from(i / 6) - f64::from(i % 6))
        .collect();
    let mut y = vec![1.0; block.target.len()];
    block.simulator.forward(&plane, &mut y).unwrap();
    assert!(norm(&y) < 1e-14);
}

/// Data with a noise model, two priors with references: the problem and its minimum.
fn smooth_heat() -> (Problem, Vec<f64>) {
    let heat = Arc::new(
        HeatOptions::default()
            .with_shape(vec![12])
            .with_nu_t(1.5)
            .build()
            .unwrap(),
    );
    let y = wavy(12);
    let loss = Weighted::half([0.2]).unwrap();
    let priors = [
        (
            Tikhonov::default()
                .with_order(1)
                .with_reference(wavy(12).iter().map(|x| 0.5 * x).collect::<Vec<_>>()),
            0.7,
        ),
        (
            Tikhonov::default().with_order(0).with_reference([0.3]),
            1e-2,
        ),
    ];
    let mut problem = Problem::new(heat.clone(), Arc::new(loss), y.clone()).unwrap();
    let mut blocks = vec![(matrix(&*heat), y, 25.0)];
    for (prior, weight) in &priors {
        problem = problem.with_prior(prior, *weight).unwrap();
        let block = prior.on(heat.input()).unwrap();
        blocks.push((matrix(&*block.simulator), block.target, *weight));
    }
    (problem, minimum(&blocks))
}

#[test]
fn every_rule_for_least_squares_finds_the_minimum_of_the_normal_equations() {
    let (problem, expected) = smooth_heat();
    let rules = [
        ("gauss-newton", "", 1),
        ("gauss-newton", "dense_up_to = 0", 2),
        ("levenberg-marquardt", "", 5),
        ("levenberg-marquardt", "dense_up_to = 0", 5),
        ("inverse-jacobian", "", 1),
        ("inverse-jacobian", "dense_up_to = 0", 2),
        ("newton", "", 1),
        ("bfgs", "", 100),
        ("limited-memory-bfgs", "", 200),
    ];
    for (name, options, steps) in rules {
        let rule = RULES.build(name, &options.parse().unwrap()).unwrap();
        let stop = StopWhen::after(steps);
        let solution = Solver::new(rule, stop).solve(&problem, &[0.0; 12]).unwrap();
        let error = distance(&solution.x, &expected);
        assert!(
            error < 1e-7,
            "{name} {options}: {error:e} {:?}",
            solution.status
        );
    }
}

#[test]
fn the_parts_of_a_problem_with_priors_are_told_apart() {
    let (problem, _) = smooth_heat();
    assert_eq!(
        (problem.data_outputs(), problem.outputs()),
        (12, 12 + 11 + 12)
    );
    let terms = problem.priors();
    assert_eq!(
        (terms[0].rows.clone(), terms[1].rows.clone()),
        (12..23, 23..35)
    );
    assert_eq!((terms[0].weight, terms[1].weight), (0.7, 1e-2));
    let y = vec![0.0; 35];
    let alone = problem.without_priors();
    assert_eq!(alone.outputs(), 12);
    let misfit = alone.loss().value(&y[..12], alone.target());
    assert_eq!(problem.data_misfit(&y), misfit);
    let heavier = problem.with_weight(1, 3.0).unwrap();
    assert_eq!(heavier.priors()[1].weight, 3.0);
    assert!(heavier.loss().formula().ends_with("+ 3 · ½ Σ (y − y*)²"));
}

#[test]
fn a_weight_of_zero_switches_a_prior_off() {
    let (problem, _) = smooth_heat();
    let (none, y) = (
        problem
            .with_weight(0, 0.0)
            .unwrap()
            .with_weight(1, 0.0)
            .unwrap(),
        wavy(35),
    );
    assert_eq!(none.loss().value(&y, none.target()), none.data_misfit(&y));
}

#[test]
fn priors_that_do_not_fit_say_why() {
    let (problem, _) = smooth_heat();
    let message = |prior: &dyn Prior, weight| {
        let refused = problem.with_prior(prior, weight).err();
        refused.expect("this is to be refused").to_string()
    };
    assert_eq!(
        message(&Tikhonov::default(), -1.0),
        "weight of tikhonov = -1 is not allowed: it must be 0 or greater"
    );
    let wrong = Tikhonov::default().with_reference([0.0; 5]);
    assert_eq!(
        message(&wrong, 1.0),
        "reference has 5 values, expected 12: check the shape of the data"
    );
    let short = Space::new("line", &[2], "1");
    let straight = Tikhonov::default().with_order(2);
    let error = straight.on(&short).err().unwrap().to_string();
    assert!(
        error.starts_with("order = 2 is not allowed: a grid of shape [2]"),
        "{error}"
    );
    let error = problem.with_weight(2, 1.0).err().unwrap().to_string();
    assert_eq!(
        error,
        "prior = 2 is not allowed: the problem has 2 priors, counted from 0"
    );
}

#[test]
fn stacked_simulators_pass_the_checks_of_one() {
    let heat = HeatOptions::default()
        .with_shape(vec![9])
        .with_nu_t(0.2)
        .build()
        .unwrap();
    let exp = ExpOptions::default().with_size(9).build().unwrap();
    let stacked: Arc<dyn Simulator> =
        Arc::new(Stacked::new(vec![Arc::new(heat.clone()), Arc::new(exp)]).unwrap());
    for check in check::simulator(&stacked, &wavy(9), 2) {
        assert!(check.passed, "{check:?}");
    }
    let other = HeatOptions::default().with_shape(vec![8]).build().unwrap();
    let error = Stacked::new(vec![Arc::new(heat), Arc::new(other)]).err();
    assert_eq!(
        error.unwrap().to_string(),
        "the input of field after diffusion has 8 values, expected 9: \
         check the shape of the data"
    );
}

#[test]
fn a_nonlinear_simulator_with_a_prior_has_an_exact_hessian() {
    let exp = ExpOptions::default().with_size(5).build().unwrap();
    let loss = Arc::new(SquaredError::half());
    let problem = Problem::new(Arc::new(exp), loss, vec![2.0; 5])
        .unwrap()
        .with_prior(&Tikhonov::default(), 0.5)
        .unwrap();
    let rule = RULES.build("newton", &toml::Table::new()).unwrap();
    let stop = StopWhen::after(20);
    let solution = Solver::new(rule, stop).solve(&problem, &[0.5; 5]).unwrap();
    // e^x (e^x − 2) + x/2 = 0.
    for x in &solution.x {
        assert!((x.exp() * (x.exp() - 2.0) + 0.5 * x).abs() < 1e-13, "{x}");
    }
}

/// The covariance R⁻¹R⁻ᵀ between a cell and all others, for a symmetric R.
fn covariances(block: &PriorBlock, cell: usize) -> Vec<f64> {
    let inverse = block.simulator.local_inverse().unwrap();
    let n = block.target.len();
    let mut unit = vec![0.0; n];
    unit[cell] = 1.0;
    let (mut half, mut whole) = (vec![0.0; n], vec![0.0; n]);
    inverse
        .invert_near(&unit, &vec![0.0; n], &mut half)
        .unwrap();
    inverse
        .invert_near(&half, &vec![0.0; n], &mut whole)
        .unwrap();
    whole
}

#[test]
fn materns_values_have_the_deviation_asked_for() {
    for (shape, smoothness) in [(&[40][..], 0.5), (&[12, 9], 1.0), (&[6, 5, 7], 2.5)] {
        for deviation in [1.0, 0.03] {
            let prior = Matern::default()
                .with_length(3.0)
                .with_deviation(deviation)
                .with_smoothness(smoothness)
                .with_edges(Edges::Periodic);
            let block = prior.on(&Space::new("field", shape, "K")).unwrap();
            for cell in [0, 7] {
                let found = covariances(&block, cell)[cell].sqrt();
                assert!(
                    (found / deviation - 1.0).abs() < 1e-11,
                    "{shape:?}: {found}"
                );
            }
        }
    }
    let mirrored = Matern::default().with_length(5.0).with_deviation(2.0);
    let block = mirrored.on(&Space::new("field", &[41, 41], "K")).unwrap();
    let centre = 20 * 41 + 20;
    let found = covariances(&block, centre)[centre].sqrt();
    assert!((found / 2.0 - 1.0).abs() < 1e-4, "{found}");
    // Images on the other side of an edge add their covariance.
    assert!(covariances(&block, 20)[20].sqrt() > 2.2);
}

/// For ν = ½ the covariance is σ² e^(−κr), for ν = 3/2 it is σ² (1 + κr) e^(−κr), κ = √(8ν)/length.
#[test]
fn materns_covariance_is_the_formula_on_a_fine_grid() {
    for (smoothness, tolerance) in [(0.5, 2e-2), (1.5, 2e-3)] {
        let prior = Matern::default()
            .with_length(2.0)
            .with_deviation(1.5)
            .with_smoothness(smoothness)
            .with_edges(Edges::Periodic)
            .with_cell(0.02);
        let block = prior.on(&Space::new("line", &[1000], "1")).unwrap();
        let found = covariances(&block, 0);
        for cell in [10, 50, 100, 200] {
            let kr = (8.0 * smoothness).sqrt() / 2.0 * 0.02 * cell as f64;
            let shape = if smoothness == 0.5 { 1.0 } else { 1.0 + kr };
            let expected = 2.25 * shape * (-kr).exp();
            let error = (found[cell] - expected).abs() / 2.25;
            assert!(
                error < tolerance,
                "ν = {smoothness}, cell {cell}: {error:e}"
            );
        }
    }
}

/// Data that are x itself.
fn direct(shape: &[usize], y: Vec<f64>) -> Problem {
    let same = HeatOptions::default()
        .with_shape(shape.to_vec())
        .with_nu_t(0.0)
        .build()
        .unwrap();
    Problem::new(Arc::new(same), Arc::new(SquaredError::half()), y).unwrap()
}

fn solve(rule: &str, options: &str, problem: &Problem, steps: usize) -> Vec<f64> {
    let rule = RULES.build(rule, &options.parse().unwrap()).unwrap();
    let stop = StopWhen::after(steps).with_loss_change(0.0);
    let start = vec![0.1; problem.inputs()];
    Solver::new(rule, stop).solve(problem, &start).unwrap().x
}

/// The plateaus of a step, 8 and 12 cells wide, move towards each other by w/8 and w/12.
#[test]
fn total_variation_keeps_an_edge_and_lowers_it_as_theory_says() {
    let y = [vec![0.0; 8], vec![1.0; 12]].concat();
    let prior = TotalVariation::default().with_smoothing(1e-7);
    let problem = direct(&[20], y).with_prior(&prior, 0.4).unwrap();
    for rule in ["gauss-newton", "levenberg-marquardt", "inverse-jacobian"] {
        let x = solve(rule, "", &problem, 300);
        for (i, x) in x.iter().enumerate() {
            let expected = if i < 8 { 0.05 } else { 1.0 - 0.4 / 12.0 };
            assert!(
                (x - expected).abs() < 1e-5,
                "{rule} {i}: {x} for {expected}"
            );
        }
    }
}

#[test]
fn total_variation_does_not_favour_the_axes() {
    let prior = TotalVariation::default()
        .with_smoothing(1e-9)
        .with_edges(Edges::Periodic);
    let block = prior.on(&Space::new("field", &[4, 4], "1")).unwrap();
    let mut x = vec![0.0; 16];
    x[5] = 1.0;
    let mut y = vec![0.0; 32];
    block.simulator.forward(&x, &mut y).unwrap();
    // One corner sees both slopes at once, two cells see one each.
    let expected = 2.0_f64.sqrt() + 2.0;
    let found = block.loss.value(&y, &block.target);
    assert!((found - expected).abs() < 1e-7, "{found}");
}

#[test]
fn total_variation_is_the_same_dense_by_products_and_by_gradients() {
    let shape = [6, 5];
    let heat = HeatOptions::default()
        .with_shape(shape.to_vec())
        .with_nu_t(0.5)
        .build()
        .unwrap();
    let loss = Arc::new(SquaredError::half());
    let prior = TotalVariation::default().with_smoothing(0.05);
    let problem = Problem::new(Arc::new(heat), loss, wavy(30))
        .unwrap()
        .with_prior(&prior, 0.05)
        .unwrap();
    let expected = solve("gauss-newton", "", &problem, 200);
    for (rule, options) in [
        ("gauss-newton", "dense_up_to = 0\nkrylov_steps = 300"),
        ("levenberg-marquardt", ""),
        ("limited-memory-bfgs", ""),
    ] {
        let x = solve(rule, options, &problem, 2000);
        let error = distance(&x, &expected);
        assert!(error < 1e-5, "{rule} {options}: {error:e}");
    }
}

#[test]
fn sparsity_thresholds_as_theory_says() {
    let y = vec![2.0, -0.3, 0.45, -1.5, 0.0];
    let prior = Sparsity::default().with_smoothing(1e-6);
    let problem = direct(&[5], y.clone()).with_prior(&prior, 0.5).unwrap();
    for rule in ["gauss-newton", "levenberg-marquardt"] {
        let x = solve(rule, "", &problem, 500);
        for (x, y) in x.iter().zip(&y) {
            let expected = y.signum() * (y.abs() - 0.5).max(0.0);
            assert!((x - expected).abs() < 1e-4, "{rule}: {x} for {expected}");
        }
    }
}

#[test]
fn a_gaussian_prior_and_gaussian_noise_give_the_posterior_mean() {
    let covariance = vec![vec![2.0, 0.6], vec![0.6, 1.0]];
    let prior = Gaussian::default()
        .with_reference([1.0, -1.0])
        .with_covariance(covariance.clone());
    let problem = direct(&[2], vec![0.3, 0.4])
        .with_prior(&prior, 1.0)
        .unwrap();
    // x = x₀ + C (C + 1)⁻¹ (y − x₀).
    let (r, determinant) = ([0.3 - 1.0, 0.4 + 1.0], 3.0 * 2.0 - 0.36);
    let solved = [
        (2.0 * r[0] - 0.6 * r[1]) / determinant,
        (3.0 * r[1] - 0.6 * r[0]) / determinant,
    ];
    for rule in ["gauss-newton", "inverse-simulator"] {
        let x = solve(rule, "", &problem, 1);
        for i in 0..2 {
            let moved = covariance[i][0] * solved[0] + covariance[i][1] * solved[1];
            let expected = prior.reference[i] + moved;
            assert!((x[i] - expected).abs() < 1e-13, "{rule}: {x:?}");
        }
    }
}

#[test]
fn the_inverse_simulator_takes_a_linear_problem_with_priors_at_once() {
    let (problem, expected) = smooth_heat();
    let x = solve("inverse-simulator", "", &problem, 1);
    assert!(distance(&x, &expected) < 1e-9);
}

#[test]
fn the_inverse_simulator_and_a_prior_end_where_the_gradient_vanishes() {
    let exp = Arc::new(ExpOptions::default().with_size(3).build().unwrap());
    let loss = Arc::new(SquaredError::half());
    let prior = Gaussian::default().with_deviations([0.5]);
    let problem = Problem::new(exp, loss, vec![9.0, 2.0, 0.1])
        .unwrap()
        .with_prior(&prior, 1.0)
        .unwrap();
    let x = solve("inverse-simulator", "", &problem, 60);
    for (x, y) in x.iter().zip([9.0, 2.0, 0.1]) {
        assert!((x.exp() * (x.exp() - y) + 4.0 * x).abs() < 1e-8, "{x}");
    }
}

#[test]
fn options_of_priors_are_checked() {
    let refuse = |name: &str, options: &str| {
        let table = options.parse().unwrap();
        let built = PRIORS.build(name, &table);
        built.err().expect("this is to be refused").to_string()
    };
    let cases = [
        (
            "tikhonov",
            "order = 3",
            "order = 3 is not allowed: it must be 0, 1 or 2",
        ),
        (
            "tikhonov",
            "cell = 0.0",
            "cell = 0 is not allowed: it must be greater than 0",
        ),
        (
            "matern",
            "length = -1.0",
            "length = -1 is not allowed: it must be greater than 0",
        ),
        (
            "matern",
            "edges = 'free'",
            "edges = free is not allowed: the operator needs a boundary condition: mirrored, periodic or zero",
        ),
        (
            "total-variation",
            "edges = 'zero'",
            "edges = zero is not allowed: total variation needs a gradient at every cell: \
             mirrored or periodic",
        ),
        (
            "sparsity",
            "exponent = 2.5",
            "exponent = 2.5 is not allowed: it must be greater than 0 and at most 2; 1 is usual",
        ),
        (
            "gaussian",
            "deviations = [1.0, 0.0]",
            "deviations[1] = 0 is not allowed: it must be greater than 0: no measurement is exact; give the smallest \
             standard deviation that is plausible",
        ),
        (
            "gaussian",
            "deviations = [1.0]\ncovariance = [[1.0]]",
            "deviations = 1 values is not allowed: a covariance is given too, and its diagonal already contains \
             them; leave one of the two out",
        ),
    ];
    for (name, options, expected) in cases {
        assert_eq!(refuse(name, options), expected);
    }
    let unknown = PRIORS.build("tikhonow", &toml::Table::new()).err().unwrap();
    assert!(unknown.to_string().contains("did you mean 'tikhonov'?"));
}
