//! Incompressible flow: an exact solution, observed order, what is conserved, the inverse, and what
//! cannot work.
#![allow(clippy::unwrap_used)]

use std::f64::consts::PI;

use retrodict::options::Build;
use retrodict::simulators::{
    Fluid, FluidInput, FluidInverse, FluidOptions, FluidOutput, Limiter, Marker,
};
use retrodict::{LocalInverse, Simulator};

fn run(fluid: &Fluid, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; fluid.output().len()];
    fluid.forward(x, &mut y).unwrap();
    y
}

fn largest(a: &[f64], b: &[f64]) -> f64 {
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f64::max)
}

fn root_mean_square(a: &[f64], b: &[f64]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (squares / a.len() as f64).sqrt()
}

/// f at the places of an n × n grid over a box of side 2π that lie `before` cells before each cell.
fn grid(n: usize, before: [f64; 2], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let at = |i: usize, before: f64| 2.0 * PI * (i as f64 + 0.5 - before) / n as f64;
    (0..n * n)
        .map(|cell| f(at(cell / n, before[0]), at(cell % n, before[1])))
        .collect()
}

/// Both components of a velocity, each where it lies.
fn faces(n: usize, v: impl Fn(f64, f64) -> [f64; 2]) -> Vec<f64> {
    let first = grid(n, [0.5, 0.0], |x, y| v(x, y)[0]);
    let second = grid(n, [0.0, 0.5], |x, y| v(x, y)[1]);
    [first, second].concat()
}

fn boxed(n: usize, steps: usize, time: f64) -> Fluid {
    FluidOptions::default()
        .with_shape([n, n])
        .with_cell(2.0 * PI / n as f64)
        .with_dt(time / steps as f64)
        .with_steps(steps)
        .with_output(FluidOutput::MarkerAndVelocity)
        .with_marker(Marker::Waves { count: 1 })
        .build()
        .unwrap()
}

fn taylor_green(x: f64, y: f64) -> [f64; 2] {
    [x.sin() * y.cos(), -x.cos() * y.sin()]
}

/// A flow with several whirls that changes in time.
fn whirls(n: usize, speed: f64) -> Vec<f64> {
    faces(n, |x, y| {
        [
            speed * (0.3 + y.sin() + 0.5 * (2.0 * y + x).cos()),
            speed * (0.2 + (x + 0.4).cos() - 0.25 * (2.0 * y + x).cos()),
        ]
    })
}

mod exact_solutions {
    use super::*;

    /// How far the velocity is from e^(−2νt) times that of Taylor and Green's vortices.
    fn error(n: usize, steps: usize, viscosity: f64, time: f64) -> f64 {
        let fluid = boxed(n, steps, time)
            .options()
            .clone()
            .with_viscosity(viscosity)
            .build()
            .unwrap();
        let x = faces(n, taylor_green);
        let y = run(&fluid, &x);
        let decay = (-2.0 * viscosity * time).exp();
        let exact: Vec<f64> = x.iter().map(|x| decay * x).collect();
        largest(&y[n * n..], &exact)
    }

    #[test]
    fn vortices_of_taylor_and_green_decay_with_the_square_of_the_cell() {
        // Δt falls with the square of the cell, so that it does not set the order.
        let fine = error(32, 32, 0.05, 1.0);
        let finest = error(64, 128, 0.05, 1.0);
        let order = (fine / finest).log2();
        assert!((1.8..2.3).contains(&order), "{order}");
        assert!(finest < 2e-3, "{finest}");
    }

    #[test]
    fn without_advection_the_decay_is_that_of_the_grid_exactly() {
        let n = 16;
        let fluid = boxed(n, 5, 2.0)
            .options()
            .clone()
            .with_viscosity(0.3)
            .build()
            .unwrap();
        let x = faces(n, |_, y| [1e-9 * (2.0 * y).sin(), 0.0]);
        let y = run(&fluid, &x);
        let eigenvalue = (2.0 * (PI * 2.0 / n as f64).sin() / fluid.options().cell).powi(2);
        let decay = (-0.3 * 2.0 * eigenvalue).exp();
        let exact: Vec<f64> = x.iter().map(|x| decay * x).collect();
        assert!(largest(&y[n * n..], &exact) < 1e-16);
    }

    /// In a uniform flow the marker is shifted and nothing else.
    #[test]
    fn a_uniform_flow_shifts_the_marker_with_the_square_of_the_cell() {
        let error = |n: usize| {
            let fluid = boxed(n, n / 2, 1.0)
                .options()
                .clone()
                .with_output(FluidOutput::Marker)
                .build()
                .unwrap();
            let y = run(&fluid, &faces(n, |_, _| [0.8, -0.5]));
            let exact = grid(n, [0.0; 2], |x, y| {
                0.5 + 0.5 * (x - 0.8).sin() * (y + 0.5).sin()
            });
            largest(&y, &exact)
        };
        let order = (error(32) / error(64)).log2();
        assert!((1.9..2.5).contains(&order), "{order}");
    }
}

mod order {
    use super::*;

    #[test]
    fn the_error_falls_with_the_step() {
        let n = 32;
        let x = whirls(n, 0.5);
        let fine = run(&boxed(n, 1024, 1.0), &x);
        let error = |steps| root_mean_square(&run(&boxed(n, steps, 1.0), &x), &fine);
        let order = (error(16) / error(32)).log2();
        assert!((0.85..1.3).contains(&order), "{order}");
    }

    #[test]
    fn the_error_falls_with_the_square_of_the_cell() {
        // The steps are fixed and the same, so that theirs is not the error.
        let marker = |n: usize| {
            let fluid = boxed(n, 20, 1.0)
                .options()
                .clone()
                .with_output(FluidOutput::Marker)
                .build()
                .unwrap();
            run(&fluid, &whirls(n, 0.5))
        };
        // A coarse cell is the mean of four fine ones, up to the square of the cell.
        let coarser = |fine: &[f64], n: usize| -> Vec<f64> {
            let at = |i: usize, j: usize| fine[i * 2 * n + j];
            let mean = |i: usize, j: usize| {
                0.25 * (at(i, j) + at(i + 1, j) + at(i, j + 1) + at(i + 1, j + 1))
            };
            (0..n * n).map(|c| mean(2 * (c / n), 2 * (c % n))).collect()
        };
        let change = |n: usize| root_mean_square(&marker(n), &coarser(&marker(2 * n), n));
        let order = (change(16) / change(32)).log2();
        assert!((1.8..2.6).contains(&order), "{order}");
    }
}

mod conservation {
    use super::*;

    #[test]
    fn velocities_have_no_divergence_down_to_round_off() {
        for input in [FluidInput::Velocity, FluidInput::StreamFunction] {
            let n = 64;
            let fluid = boxed(n, 8, 0.3)
                .options()
                .clone()
                .with_input(input)
                .with_observe_steps([1, 8])
                .with_viscosity(0.01)
                .build()
                .unwrap();
            let x: Vec<f64> = (0..fluid.input().len())
                .map(|i| 0.1 * ((i * i) as f64).sin())
                .collect();
            for state in run(&fluid, &x).chunks(3 * n * n) {
                let at = |c: usize, i: usize, j: usize| state[(c * n + i % n) * n + j % n];
                let outflow = |i, j| at(1, i + 1, j) - at(1, i, j) + at(2, i, j + 1) - at(2, i, j);
                let worst = (0..n * n).fold(0.0_f64, |w, c| w.max(outflow(c / n, c % n).abs()));
                assert!(worst < 1e-14, "{worst:e}");
            }
        }
    }

    #[test]
    fn the_energy_is_kept_where_that_is_asked_for() {
        let n = 32;
        let x = whirls(n, 0.5);
        let energy = |keep_energy: bool| {
            let fluid = boxed(n, 20, 2.0)
                .options()
                .clone()
                .with_keep_energy(keep_energy)
                .with_observe_steps([1, 20])
                .build()
                .unwrap();
            let y = run(&fluid, &x);
            let squares = |v: &[f64]| -> f64 { v.iter().map(|v| v * v).sum() };
            squares(&y[4 * n * n..]) / squares(&y[n * n..3 * n * n]) - 1.0
        };
        assert!(energy(true).abs() < 1e-13);
        // Without it MacCormack's own loss is small, but there.
        assert!((1e-6..0.03).contains(&energy(false).abs()));
    }

    #[test]
    fn the_mass_of_the_marker_is_kept() {
        let mass = |n: usize, x: &[f64]| {
            let fluid = boxed(n, 20, 1.0)
                .options()
                .clone()
                .with_output(FluidOutput::Marker)
                .with_marker(Marker::Blob {
                    widths: [0.1, 0.15],
                })
                .with_observe_steps([0, 20])
                .build()
                .unwrap();
            let y = run(&fluid, x);
            let (first, last) = y.split_at(n * n);
            last.iter().sum::<f64>() / first.iter().sum::<f64>() - 1.0
        };
        let uniform = mass(32, &faces(32, |_, _| [0.8, -0.5]));
        let turning = mass(64, &whirls(64, 0.5));
        assert!(uniform.abs() < 1e-13);
        assert!(turning.abs() < 1e-3);
    }

    #[test]
    fn the_limiter_keeps_the_marker_in_its_range() {
        let n = 32;
        let range = |limiter| {
            let fluid = boxed(n, 10, 1.0)
                .options()
                .clone()
                .with_limiter(limiter)
                .with_output(FluidOutput::Marker)
                .with_marker(Marker::Values {
                    values: grid(n, [0.0; 2], |x, y| f64::from(x > 2.0 && x < 4.0 && y < 3.0)),
                })
                .build()
                .unwrap();
            let y = run(&fluid, &whirls(n, 0.5));
            y.iter().fold((0.0_f64, 0.0_f64), |(low, high), y| {
                (low.min(*y), high.max(*y))
            })
        };
        let (low, high) = range(Limiter::Clamp);
        assert!(low >= 0.0 && high <= 1.0);
        let (low, high) = range(Limiter::Off);
        assert!(low < -0.01 && high > 1.01);
    }
}

mod derivatives {
    use super::*;
    use std::sync::Arc;

    /// Each option of a step, on grids of other shapes.
    #[test]
    fn they_hold_for_every_option() {
        let small = || {
            FluidOptions::default()
                .with_shape([8, 8])
                .with_steps(3)
                .build()
                .unwrap()
        };
        let variants = [
            small()
                .options()
                .clone()
                .with_keep_energy(true)
                .build()
                .unwrap(),
            small()
                .options()
                .clone()
                .with_viscosity(0.05)
                .with_shape([9, 14])
                .build()
                .unwrap(),
            small()
                .options()
                .clone()
                .with_limiter(Limiter::Clamp)
                .build()
                .unwrap(),
            small()
                .options()
                .clone()
                .with_input(FluidInput::StreamFunction)
                .with_steps(2)
                .build()
                .unwrap(),
            small()
                .options()
                .clone()
                .with_output(FluidOutput::MarkerAndVelocity)
                .with_observe_steps([1, 3])
                .with_max_memory(4_000)
                .build()
                .unwrap(),
            small()
                .options()
                .clone()
                .with_marker(Marker::Blob { widths: [0.1, 0.2] })
                .with_inverse(FluidInverse::MassCentres { keep_rest: true })
                .build()
                .unwrap(),
        ];
        for fluid in variants {
            let simulator: Arc<dyn Simulator> = Arc::new(fluid.clone());
            for seed in 0..2 {
                let x = retrodict::check::typical_input(&*simulator, seed);
                for check in retrodict::check::simulator(&simulator, &x, seed) {
                    assert!(check.passed, "{fluid:?}: {check:?}");
                }
            }
        }
    }

    /// Where the flow is at rest every path starts in a corner of its cell, and where the marker is
    /// flat the limiter holds: whichever branch is taken, tangent and adjoint take the same one.
    #[test]
    fn tangent_and_adjoint_take_the_same_branch_at_a_kink() {
        let n = 16;
        let fluid = boxed(n, 4, 1.0)
            .options()
            .clone()
            .with_limiter(Limiter::Clamp)
            .build()
            .unwrap();
        let x = faces(n, |x, y| [(2.0 * y).sin() * f64::from(x > 3.0), 0.0]);
        let v: Vec<f64> = (0..x.len()).map(|i| (i as f64).sin()).collect();
        let w: Vec<f64> = (0..fluid.output().len())
            .map(|i| (i as f64).cos())
            .collect();
        let (mut jv, mut jtw) = (vec![0.0; w.len()], vec![0.0; v.len()]);
        fluid.jvp(&x, &v, &mut jv).unwrap();
        fluid.vjp(&x, &w, &mut jtw).unwrap();
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        assert!((dot(&jv, &w) - dot(&v, &jtw)).abs() < 1e-12 * dot(&jv, &jv));
    }

    #[test]
    fn all_rows_of_the_jacobian_come_from_one_sweep() {
        let fluid = FluidOptions::default()
            .with_shape([8, 8])
            .with_steps(2)
            .build()
            .unwrap();
        let x = retrodict::check::typical_input(&fluid, 1);
        let mut y = vec![0.0; 64];
        let map = fluid.linearize(&x, &mut y).unwrap();
        let rows = map.dense().unwrap();
        let (mut unit, mut row) = (vec![0.0; 64], vec![0.0; 128]);
        for r in 0..64 {
            unit[r] = 1.0;
            map.apply_transpose(&unit, &mut row).unwrap();
            unit[r] = 0.0;
            assert_eq!(rows.row(r), &row[..]);
        }
    }
}

mod inverse {
    use super::*;

    /// The share of the misfit of the marker, and of the error in x, that the inverse leaves.
    fn left(fluid: &Fluid, truth: &[f64], start: &[f64]) -> (f64, f64) {
        let (target, first) = (run(fluid, truth), run(fluid, start));
        let mut found = vec![0.0; start.len()];
        fluid.invert_near(&target, start, &mut found).unwrap();
        let there = run(fluid, &found);
        (
            root_mean_square(&there, &target) / root_mean_square(&first, &target),
            root_mean_square(&found, truth) / root_mean_square(start, truth),
        )
    }

    fn stream(n: usize) -> Vec<f64> {
        grid(n, [0.5; 2], |x, y| {
            1.5 * (x.sin() * (y + 0.3).cos() + 0.5 * (2.0 * x + y).sin())
        })
    }

    #[test]
    fn least_squares_finds_the_flow_behind_two_pictures_of_the_marker() {
        let n = 32;
        let fluid = boxed(n, 8, 1.0)
            .options()
            .clone()
            .with_input(FluidInput::StreamFunction)
            .with_cell(1.0)
            .with_dt(1.0)
            .with_marker(Marker::Waves { count: 3 })
            .with_output(FluidOutput::Marker)
            .build()
            .unwrap();
        let (misfit, error) = left(&fluid, &stream(n), &vec![0.0; n * n]);
        assert!(misfit < 0.05 && error < 0.5, "{misfit} {error}");
    }

    /// Small blobs, three of their widths apart.
    #[test]
    fn a_blur_lets_distant_blobs_find_each_other() {
        let n = 32;
        let misfit = |blur| {
            let fluid = FluidOptions::default()
                .with_marker(Marker::Blob {
                    widths: [0.06, 0.06],
                })
                .with_inverse(FluidInverse::LeastSquares {
                    steps: 6,
                    iterations: 20,
                    damping: 0.1,
                    smoothness: 4.0,
                    blur,
                })
                .build()
                .unwrap();
            let x = faces(n, |_, _| [1.0, -0.5]);
            left(&fluid, &x, &vec![0.0; 2 * n * n]).0
        };
        assert!(misfit(8.0) < 0.1, "{}", misfit(8.0));
        assert!(misfit(0.0) > 0.3, "{}", misfit(0.0));
    }

    #[test]
    fn centres_of_mass_find_a_uniform_flow_and_a_swirl() {
        let n = 32;
        let fluid = boxed(n, 8, 1.0)
            .options()
            .clone()
            .with_cell(1.0)
            .with_dt(1.0)
            .with_output(FluidOutput::Marker)
            .with_marker(Marker::Blob {
                widths: [0.06, 0.12],
            })
            .with_inverse(FluidInverse::MassCentres { keep_rest: true })
            .build()
            .unwrap();
        let still = vec![0.0; 2 * n * n];
        let (misfit, error) = left(&fluid, &faces(n, |_, _| [0.4, -0.25]), &still);
        assert!(misfit < 0.05 && error < 0.02, "{misfit} {error}");
        // A turn about the middle, where the blob lies.
        let turn = faces(n, |x, y| {
            let r2 = (x - PI).powi(2) + (y - PI).powi(2);
            let rate = 0.35 * (-0.5 * r2).exp();
            [-rate * (y - PI), rate * (x - PI)]
        });
        let (misfit, error) = left(&fluid, &turn, &still);
        assert!(misfit < 0.5, "{misfit} {error}");
    }

    /// Waves that pressure takes out of the flow stay in x, or go.
    #[test]
    fn what_the_marker_does_not_tell_of_is_kept_or_dropped() {
        let n = 32;
        let uniform = faces(n, |_, _| [0.4, -0.25]);
        let waves = faces(n, |x, y| [0.1 * (5.0 * x).sin(), 0.1 * (5.0 * y).sin()]);
        let found = |keep_rest: bool| {
            let fluid = boxed(n, 8, 1.0)
                .options()
                .clone()
                .with_cell(1.0)
                .with_dt(1.0)
                .with_output(FluidOutput::Marker)
                .with_marker(Marker::Blob {
                    widths: [0.06, 0.12],
                })
                .with_inverse(FluidInverse::MassCentres { keep_rest })
                .build()
                .unwrap();
            let mut x = vec![0.0; waves.len()];
            fluid
                .invert_near(&run(&fluid, &uniform), &waves, &mut x)
                .unwrap();
            largest(&x, &uniform)
        };
        assert!(found(true) > 0.09, "{}", found(true));
        assert!(found(false) < 0.03, "{}", found(false));
    }

    #[test]
    fn nothing_is_changed_where_nothing_is_missing() {
        let fluid = FluidOptions::default()
            .with_marker(Marker::Blob { widths: [0.1, 0.2] })
            .with_inverse(FluidInverse::MassCentres { keep_rest: true })
            .build()
            .unwrap();
        let x = retrodict::check::typical_input(&fluid, 3);
        let mut found = vec![0.0; x.len()];
        fluid.invert_near(&run(&fluid, &x), &x, &mut found).unwrap();
        assert!(largest(&found, &x) < 1e-14);
    }
}

mod bad_input {
    use super::*;

    fn message(fluid: FluidOptions) -> String {
        fluid.build().unwrap_err().to_string()
    }

    #[test]
    fn options_that_cannot_work_are_refused() {
        let default = FluidOptions::default;
        for (fluid, start) in [
            (default().with_viscosity(-0.1), "viscosity = -0.1"),
            (default().with_dt(0.0), "dt = 0"),
            (default().with_steps(0), "steps = 0"),
            (
                default().with_max_courant(20.0),
                "max_courant = 20 is not allowed: it must lie in (0, 16]",
            ),
            (default().with_shape([64]), "shape = [64]"),
            (
                default().with_observe_steps([9]),
                "observe = step 9 is not allowed: the run has 8 steps, up to the time 8",
            ),
            (
                default().with_keep_energy(true).with_viscosity(0.1),
                "keep_energy = true",
            ),
            (
                default()
                    .with_output(FluidOutput::MarkerAndVelocity)
                    .with_observe_steps([0, 4]),
                "observe_steps = [0, 4] is not allowed: velocities are observed from step 1 on",
            ),
            (
                default().with_marker(Marker::Values { values: vec![1.0] }),
                "marker.values has 1 values, expected 1024",
            ),
            (
                default().with_marker(Marker::Waves { count: 9 }),
                "marker.count = 9",
            ),
            (
                default()
                    .with_input(FluidInput::StreamFunction)
                    .with_inverse(FluidInverse::MassCentres { keep_rest: true }),
                "inverse.method = mass-centres",
            ),
        ] {
            let found = message(fluid);
            assert!(found.starts_with(start), "{found}");
        }
    }

    #[test]
    fn a_flow_that_is_too_fast_says_when_and_how_fast() {
        let fluid = FluidOptions::default().build().unwrap();
        let x = vec![7.5; 2 * 32 * 32];
        let mut y = vec![0.0; 32 * 32];
        let error = fluid.forward(&x, &mut y).unwrap_err().to_string();
        assert!(
            error.contains("in step 1, at the time 0, the flow crosses 7.500 cells"),
            "{error}"
        );
        assert!(error.contains("try a shorter dt"), "{error}");
    }

    #[test]
    fn a_marker_without_a_centre_is_no_number() {
        let fluid = FluidOptions::default()
            .with_inverse(FluidInverse::MassCentres { keep_rest: true })
            .build()
            .unwrap();
        let x = vec![0.1; 2 * 32 * 32];
        let mut found = x.clone();
        let error = fluid.invert_near(&run(&fluid, &x), &x, &mut found);
        assert!(error.unwrap_err().to_string().contains("spread so evenly"));
    }
}
