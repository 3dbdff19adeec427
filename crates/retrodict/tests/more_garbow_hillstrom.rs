//! The 35 least-squares problems of Moré, Garbow & Hillstrom, *Testing unconstrained
//! optimization software* (ACM Trans. Math. Softw. 7, 1981), from the standard start and from
//! one ten times farther out, against the published minima.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::f64::consts::PI;
use std::sync::Arc;

use retrodict::losses::SquaredError;
use retrodict::models::curve::{CurveOptions, Model};
use retrodict::models::ode::Number;
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Problem, Solver, StopWhen};

/// A sum of squares at which a run may end.
#[derive(Debug)]
enum End {
    /// The residuals vanish.
    Zero,
    /// A published minimum, given with six digits.
    At(f64),
    /// Not in the paper: a minimum elsewhere, or a limit as parameters go to infinity.
    Elsewhere(f64),
}

use End::{At, Elsewhere, Zero};
use retrodict::options::Build;

impl End {
    fn is_reached(&self, sum: f64) -> bool {
        match self {
            Zero => sum < 1e-20,
            At(published) => (sum / published - 1.0).abs() < 5e-6,
            Elsewhere(known) => (sum / known - 1.0).abs() < 5e-3,
        }
    }
}

/// Fits residuals to zero and compares the sum of their squares with what may come out.
fn minimise<M: Model + 'static>(model: M, m: usize, start: &[f64], ends: &[End]) {
    let name = model.name();
    let at: Vec<f64> = (1..=m).map(|i| i as f64).collect();
    let curve = Arc::new(
        CurveOptions::default()
            .with_at(at)
            .with_model(model)
            .build()
            .unwrap(),
    );
    let loss = Arc::new(SquaredError::default());
    let problem = Problem::new(curve, loss, vec![0.0; m]).unwrap();
    let stop = StopWhen::after(5000)
        .with_loss_change(0.0)
        .with_step_below(0.0);
    let solution = Solver::new(LevenbergMarquardt::default(), stop)
        .solve(&problem, start)
        .unwrap();
    let (sum, steps) = (solution.loss, solution.steps);
    println!("{name}: {sum:.6e} in {steps} steps, {}", solution.status);
    assert!(
        ends.iter().any(|end| end.is_reached(sum)),
        "{name}: {sum:e} is none of {ends:?}"
    );
}

/// Residual i of m (from 1) at x with n values, its start, and the published minima that may
/// be found from there and from ten times there.
macro_rules! problems {
    ($($test:ident: $n:literal, $m:literal, $start:expr, $near:expr, $far:expr,
       |$i:ident, $x:ident| $residual:expr;)*) => { $(
        #[test]
        fn $test() {
            #[derive(Debug, Clone, Default, PartialEq)]
            struct Residuals;
            impl Model for Residuals {
                fn name(&self) -> &'static str {
                    stringify!($test)
                }
                fn parameters(&self) -> usize {
                    $n
                }
                fn value<D: Number>(&self, t: &[f64], $x: &[D]) -> D {
                    let $i = t[0] as usize;
                    $residual
                }
            }
            let start: [f64; $n] = $start;
            minimise(Residuals, $m, &start, &$near);
            // A start at the origin has no direction: then ten in every parameter.
            let far = start.map(|v| if start == [0.0; $n] { 10.0 } else { 10.0 * v });
            minimise(Residuals, $m, &far, &$far);
        }
    )* };
}

/// The numbers from 1 to N as f64, mapped.
fn each<const N: usize>(f: impl Fn(f64) -> f64) -> [f64; N] {
    std::array::from_fn(|j| f(j as f64 + 1.0))
}

/// A pattern, repeated.
fn repeat<const K: usize, const N: usize>(pattern: [f64; K]) -> [f64; N] {
    std::array::from_fn(|j| pattern[j % K])
}

fn sum<D: Number>(terms: impl Iterator<Item = D>) -> D {
    terms.sum()
}

/// c · x.
fn weighted<D: Number>(x: &[D], c: impl Fn(f64) -> f64) -> D {
    sum(x.iter().enumerate().map(|(j, x)| *x * c(j as f64 + 1.0)))
}

fn square<D: Number>(v: D) -> D {
    v * v
}

fn constant<D: Number>(v: f64) -> D {
    D::from(v)
}

/// Rosenbrock's pair of residuals.
fn rosenbrock_pair<D: Number>(i: usize, x: &[D]) -> D {
    match i {
        1 => (x[1] - square(x[0])) * 10.0,
        _ => -x[0] + 1.0,
    }
}

/// Powell's four residuals, singular at the solution.
fn powell_four<D: Number>(i: usize, x: &[D]) -> D {
    match i {
        1 => x[0] + x[1] * 10.0,
        2 => (x[2] - x[3]) * 5.0_f64.sqrt(),
        3 => square(x[1] - x[2] * 2.0),
        _ => square(x[0] - x[3]) * 10.0_f64.sqrt(),
    }
}

/// The angle over 2π, from −¼ to ¾.
fn turns<D: Number>(x: D, y: D) -> D {
    let half = if x.re() < 0.0 { 0.5 } else { 0.0 };
    (y / x).atan() / (2.0 * PI) + half
}

fn watson<D: Number>(i: usize, x: &[D]) -> D {
    match i {
        30 => x[0],
        31 => x[1] - square(x[0]) - 1.0,
        _ => {
            let t = i as f64 / 29.0;
            let slope = weighted(&x[1..], |j| j * t.powf(j - 1.0));
            slope - square(weighted(x, |j| t.powf(j - 1.0))) - 1.0
        }
    }
}

fn penalty_one<D: Number>(i: usize, x: &[D]) -> D {
    match x.get(i - 1) {
        Some(x) => (*x - 1.0) * 1e-5_f64.sqrt(),
        None => sum(x.iter().map(|x| square(*x))) - 0.25,
    }
}

fn penalty_two<D: Number>(i: usize, x: &[D]) -> D {
    let (n, small) = (x.len(), 1e-5_f64.sqrt());
    let grown = |j: usize| (x[j - 1] / 10.0).exp();
    let y = |j: usize| (j as f64 / 10.0).exp() + ((j as f64 - 1.0) / 10.0).exp();
    if i == 1 {
        x[0] - 0.2
    } else if i <= n {
        (grown(i) + grown(i - 1) - y(i)) * small
    } else if i < 2 * n {
        (grown(i - n + 1) - (-0.1_f64).exp()) * small
    } else {
        let squares: Vec<D> = x.iter().map(|x| square(*x)).collect();
        weighted(&squares, |j| n as f64 - j + 1.0) - 1.0
    }
}

/// (x_j + t_j + 1)³ at t_j = j/(n + 1).
fn cubed<D: Number>(x: &[D], j: usize) -> D {
    (x[j - 1] + j as f64 / (x.len() as f64 + 1.0) + 1.0).powi(3)
}

/// x_j, which is 0 at both ends.
fn inside<D: Number>(x: &[D], j: usize) -> D {
    if j == 0 || j > x.len() {
        constant(0.0)
    } else {
        x[j - 1]
    }
}

/// The mean of Chebyshev's polynomial i over the points x in [0, 1], less its integral.
fn chebyquad<D: Number>(i: usize, x: &[D]) -> D {
    let mean = sum(x.iter().map(|x| {
        let z = *x * 2.0 - 1.0;
        let (mut last, mut next) = (constant::<D>(1.0), z);
        for _ in 1..i {
            (last, next) = (next, z * next * 2.0 - last);
        }
        next
    })) / x.len() as f64;
    let even = i.is_multiple_of(2);
    mean + if even {
        1.0 / (i as f64 * i as f64 - 1.0)
    } else {
        0.0
    }
}

const BARD: [f64; 15] = [
    0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39,
];
const GAUSSIAN: [f64; 8] = [
    0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989,
];
const MEYER: [f64; 16] = [
    34780.0, 28610.0, 23650.0, 19630.0, 16370.0, 13720.0, 11540.0, 9744.0, 8261.0, 7030.0, 6005.0,
    5147.0, 4427.0, 3820.0, 3307.0, 2872.0,
];
const KOWALIK: [[f64; 2]; 11] = [
    [0.1957, 4.0],
    [0.1947, 2.0],
    [0.1735, 1.0],
    [0.1600, 0.5],
    [0.0844, 0.25],
    [0.0627, 0.167],
    [0.0456, 0.125],
    [0.0342, 0.1],
    [0.0323, 0.0833],
    [0.0235, 0.0714],
    [0.0246, 0.0625],
];
const OSBORNE_ONE: [f64; 33] = [
    0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685,
    0.658, 0.628, 0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448,
    0.438, 0.431, 0.424, 0.420, 0.414, 0.411, 0.406,
];
const OSBORNE_TWO: [f64; 65] = [
    1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608,
    0.655, 0.616, 0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661,
    0.612, 0.558, 0.533, 0.495, 0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428,
    0.429, 0.523, 0.562, 0.607, 0.653, 0.672, 0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559,
    0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098, 0.054,
];

problems! {
    rosenbrock: 2, 2, [-1.2, 1.0], [Zero], [Zero], |i, x| rosenbrock_pair(i, x);
    freudenstein_roth: 2, 2, [0.5, -2.0], [Zero, At(48.9842)], [Zero, At(48.9842)], |i, x| match i {
        1 => x[0] + ((-x[1] + 5.0) * x[1] - 2.0) * x[1] - 13.0,
        _ => x[0] + ((x[1] + 1.0) * x[1] - 14.0) * x[1] - 29.0,
    };
    // From far: x₂ → ∞ along the valley.
    powell_badly_scaled: 2, 2, [0.0, 1.0], [Zero], [Zero, Elsewhere(1e-8)], |i, x| match i {
        1 => x[0] * x[1] * 1e4 - 1.0,
        _ => (-x[0]).exp() + (-x[1]).exp() - 1.0001,
    };
    brown_badly_scaled: 2, 3, [1.0, 1.0], [Zero], [Zero], |i, x| match i {
        1 => x[0] - 1e6,
        2 => x[1] - 2e-6,
        _ => x[0] * x[1] - 2.0,
    };
    // From far: x₁ → −∞.
    beale: 2, 3, [1.0, 1.0], [Zero], [Elsewhere(0.45201)],
        |i, x| x[0] * (-x[1].powi(i as i32) + 1.0) - [1.5, 2.25, 2.625][i - 1];
    // From far: x₁ → −∞.
    jennrich_sampson: 2, 10, [0.3, 0.4], [At(124.362)], [Elsewhere(259.580)], |i, x| {
        let i = i as f64;
        -((x[0] * i).exp() + (x[1] * i).exp()) + 2.0 + 2.0 * i
    };
    helical_valley: 3, 3, [-1.0, 0.0, 0.0], [Zero], [Zero], |i, x| match i {
        1 => (x[2] - turns(x[0], x[1]) * 10.0) * 10.0,
        2 => ((square(x[0]) + square(x[1])).sqrt() - 1.0) * 10.0,
        _ => x[2],
    };
    // From far: x₂ and x₃ → −∞.
    bard: 3, 15, [1.0; 3], [At(8.21487e-3)], [At(8.21487e-3), At(17.42869)], |i, x| {
        let (u, v) = (i as f64, 16.0 - i as f64);
        -x[0] - (x[1] * v + x[2] * u.min(v)).recip() * u + BARD[i - 1]
    };
    gaussian: 3, 15, [0.4, 1.0, 0.0], [At(1.12793e-8)], [At(1.12793e-8)], |i, x| {
        let from = -x[2] + (8.0 - i as f64) / 2.0;
        x[0] * (-x[1] * square(from) / 2.0).exp() - GAUSSIAN[(i - 1).min(15 - i)]
    };
    meyer: 3, 16, [0.02, 4000.0, 250.0], [At(87.9458)], [At(87.9458)],
        |i, x| x[0] * (x[1] / (x[2] + (45.0 + 5.0 * i as f64))).exp() - MEYER[i - 1];
    gulf: 3, 99, [5.0, 2.5, 0.15], [Zero], [Zero], |i, x| {
        let t = i as f64 / 100.0;
        let from = -x[1] + 25.0 + (-50.0 * t.ln()).powf(2.0 / 3.0);
        (-(square(from).ln() * x[2] / 2.0).exp() / x[0]).exp() - t
    };
    // From far: x₂ → ∞.
    box_three: 3, 10, [0.0, 10.0, 20.0], [Zero], [Elsewhere(0.0755887)], |i, x| {
        let t = i as f64 / 10.0;
        let shape = (-t).exp() - (-10.0 * t).exp();
        (-x[0] * t).exp() - (-x[1] * t).exp() - x[2] * shape
    };
    powell_singular: 4, 4, [3.0, -1.0, 0.0, 1.0], [Zero], [Zero], |i, x| powell_four(i, x);
    wood: 4, 6, [-3.0, -1.0, -3.0, -1.0], [Zero], [Zero], |i, x| match i {
        1 | 2 => rosenbrock_pair(i, x),
        3 => (x[3] - square(x[2])) * 90.0_f64.sqrt(),
        4 => -x[2] + 1.0,
        5 => (x[1] + x[3] - 2.0) * 10.0_f64.sqrt(),
        _ => (x[1] - x[3]) / 10.0_f64.sqrt(),
    };
    // From far: SciPy's `trf` ends at the last one too.
    kowalik_osborne: 4, 11, [0.25, 0.39, 0.415, 0.39], [At(3.07505e-4)],
        [At(3.07505e-4), At(1.02734e-3), Elsewhere(4.23675e-4)],
        |i, x| {
            let [y, u] = KOWALIK[i - 1];
            -x[0] * (x[1] + u) * u / ((x[2] + u) * u + x[3]) + y
        };
    brown_dennis: 4, 20, [25.0, 5.0, -5.0, -1.0], [At(85822.2)], [At(85822.2)], |i, x| {
        let t = i as f64 / 5.0;
        square(x[0] + x[1] * t - t.exp()) + square(x[2] + x[3] * t.sin() - t.cos())
    };
    osborne_one: 5, 33, [0.5, 1.5, -1.0, 0.01, 0.02], [At(5.46489e-5)], [At(5.46489e-5)], |i, x| {
        let t = 10.0 * (i as f64 - 1.0);
        -(x[0] + x[1] * (-x[3] * t).exp() + x[2] * (-x[4] * t).exp()) + OSBORNE_ONE[i - 1]
    };
    biggs_exp_six: 6, 13, [1.0, 2.0, 1.0, 1.0, 1.0, 1.0], [Zero, At(5.65565e-3)],
        [Zero, At(5.65565e-3)],
        |i, x| {
            let t = i as f64 / 10.0;
            let decay = |rate: usize| (-x[rate] * t).exp();
            let y = (-t).exp() - 5.0 * (-10.0 * t).exp() + 3.0 * (-4.0 * t).exp();
            x[2] * decay(0) - x[3] * decay(1) + x[5] * decay(4) - y
        };
    // From far: the peaks stand beside the data, which do not see them.
    osborne_two: 11, 65, [1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5],
        [At(4.01377e-2)], [Elsewhere(1.78981)], |i, x| {
            let t = (i as f64 - 1.0) / 10.0;
            let peak = |k: usize| x[k] * (-square(-x[k + 7] + t) * x[k + 4]).exp();
            -(x[0] * (-x[4] * t).exp() + peak(1) + peak(2) + peak(3)) + OSBORNE_TWO[i - 1]
        };
    watson_of_six: 6, 31, [0.0; 6], [At(2.28767e-3)], [At(2.28767e-3)], |i, x| watson(i, x);
    watson_of_nine: 9, 31, [0.0; 9], [At(1.39976e-6)], [At(1.39976e-6)], |i, x| watson(i, x);
    watson_of_twelve: 12, 31, [0.0; 12], [At(4.72238e-10)], [At(4.72238e-10)], |i, x| watson(i, x);
    extended_rosenbrock: 10, 10, repeat([-1.2, 1.0]), [Zero], [Zero],
        |i, x| rosenbrock_pair(2 - i % 2, &x[(i - 1) / 2 * 2..]);
    extended_powell_singular: 12, 12, repeat([3.0, -1.0, 0.0, 1.0]), [Zero], [Zero],
        |i, x| powell_four((i - 1) % 4 + 1, &x[(i - 1) / 4 * 4..]);
    penalty_one_of_four: 4, 5, each(|j| j), [At(2.24997e-5)], [At(2.24997e-5)],
        |i, x| penalty_one(i, x);
    penalty_one_of_ten: 10, 11, each(|j| j), [At(7.08765e-5)], [At(7.08765e-5)],
        |i, x| penalty_one(i, x);
    penalty_two_of_four: 4, 8, [0.5; 4], [At(9.37629e-6)], [At(9.37629e-6)],
        |i, x| penalty_two(i, x);
    penalty_two_of_ten: 10, 20, [0.5; 10], [At(2.93660e-4)], [At(2.93660e-4)],
        |i, x| penalty_two(i, x);
    variably_dimensioned: 10, 12, each(|j| 1.0 - j / 10.0), [Zero], [Zero], |i, x| {
        let together = weighted(x, |j| j) - 55.0;
        match i {
            11 => together,
            12 => square(together),
            _ => x[i - 1] - 1.0,
        }
    };
    // From far: also another of its many minima.
    trigonometric: 10, 10, [0.1; 10], [Zero, At(2.79506e-5)], [At(2.79506e-5), Elsewhere(8.78823e-4)], |i, x| {
        let (own, others) = (x[i - 1], sum(x.iter().map(|x| x.cos())));
        -others + 10.0 + (-own.cos() + 1.0) * i as f64 - own.sin()
    };
    brown_almost_linear: 10, 10, [0.5; 10], [Zero, At(1.0)], [Zero, At(1.0)], |i, x| match i {
        10 => x.iter().fold(constant::<D>(1.0), |product, x| product * *x) - 1.0,
        _ => x[i - 1] + weighted(x, |_| 1.0) - 11.0,
    };
    discrete_boundary_value: 10, 10, each(|j| j / 11.0 * (j / 11.0 - 1.0)), [Zero], [Zero], |i, x| {
        let neighbours = inside(x, i - 1) + inside(x, i + 1);
        inside(x, i) * 2.0 - neighbours + cubed(x, i) / (2.0 * 121.0)
    };
    discrete_integral_equation: 10, 10, each(|j| j / 11.0 * (j / 11.0 - 1.0)), [Zero], [Zero],
        |i, x| {
            let t = |j: usize| j as f64 / 11.0;
            let before = sum((1..=i).map(|j| cubed(x, j) * t(j)));
            let behind = sum((i + 1..=10).map(|j| cubed(x, j) * (1.0 - t(j))));
            x[i - 1] + (before * (1.0 - t(i)) + behind * t(i)) / 22.0
        };
    broyden_tridiagonal: 10, 10, [-1.0; 10], [Zero], [Zero], |i, x| {
        let own = x[i - 1];
        (-own * 2.0 + 3.0) * own - inside(x, i - 1) - inside(x, i + 1) * 2.0 + 1.0
    };
    broyden_banded: 10, 10, [-1.0; 10], [Zero], [Zero], |i, x| {
        let own = x[i - 1];
        let near = i.saturating_sub(5).max(1)..=(i + 1).min(10);
        let others = near.filter(|j| *j != i).map(|j| x[j - 1] * (x[j - 1] + 1.0));
        own * (square(own) * 5.0 + 2.0) + 1.0 - sum(others)
    };
    linear_of_full_rank: 5, 10, [1.0; 5], [At(5.0)], [At(5.0)], |i, x| {
        let all = weighted(x, |_| -2.0 / 10.0) - 1.0;
        x.get(i - 1).map_or(all, |own| *own + all)
    };
    linear_of_rank_one: 5, 10, [1.0; 5], [At(90.0 / 42.0)], [At(90.0 / 42.0)],
        |i, x| weighted(x, |j| j) * i as f64 - 1.0;
    linear_of_rank_one_with_zeros: 5, 10, [1.0; 5], [At(124.0 / 34.0)], [At(124.0 / 34.0)],
        |i, x| match i {
            1 | 10 => constant::<D>(-1.0),
            _ => weighted(&x[1..4], |j| j + 1.0) * (i as f64 - 1.0) - 1.0,
        };
    chebyquad_of_seven: 7, 7, each(|j| j / 8.0), [Zero], [Zero], |i, x| chebyquad(i, x);
    chebyquad_of_eight: 8, 8, each(|j| j / 9.0), [At(3.51687e-3)], [At(3.51687e-3)],
        |i, x| chebyquad(i, x);
    chebyquad_of_nine: 9, 9, each(|j| j / 10.0), [Zero], [Zero], |i, x| chebyquad(i, x);
    // From far: lower than the published minimum.
    chebyquad_of_ten: 10, 10, each(|j| j / 11.0), [At(6.50395e-3)], [Elsewhere(4.77271e-3)],
        |i, x| chebyquad(i, x);
}
