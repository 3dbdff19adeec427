//! U-Nets: derivatives against differences, against each other, and against JAX.
#![allow(clippy::unwrap_used, clippy::panic)]

use retrodict::linalg::{Matrix, dot, norm};
use retrodict::network::{Activation, Architecture, Padding, Precision, UNet};
use retrodict::{Network, Space};

fn wave(count: usize, pace: f64) -> Vec<f64> {
    (0..count)
        .map(|i| (pace * i as f64 + 0.3).sin() + 0.2 * (2.3 * pace * i as f64).cos())
        .collect()
}

fn build(net: &UNet, input: &[usize], output: &[usize]) -> std::sync::Arc<dyn Network> {
    let space = |shape| Space::new("field", shape, "1");
    net.between(&space(input), &space(output)).unwrap()
}

fn small() -> UNet {
    UNet::default()
        .with_filters([3, 18])
        .with_precision(Precision::F64)
        .with_activation(Activation::Silu)
}

/// The kinds of network that the tests go through.
fn kinds() -> Vec<(&'static str, std::sync::Arc<dyn Network>)> {
    let periodic = small().with_padding(Padding::Periodic);
    let plain = small().with_batch_norm(false);
    let keeping = small().with_keep_mean(true);
    let relu = small().with_activation(Activation::Relu);
    vec![
        ("zero", build(&small(), &[4, 6], &[4, 6])),
        ("periodic", build(&periodic, &[4, 6], &[4, 6])),
        ("no norm", build(&plain, &[4, 6], &[4, 6])),
        ("mean", build(&keeping, &[4, 6], &[4, 6])),
        ("relu", build(&relu, &[4, 6], &[4, 6])),
        ("channels", build(&small(), &[2, 4, 4], &[17, 4, 4])),
        ("line", build(&periodic, &[8], &[8])),
    ]
}

#[test]
fn the_published_size_is_met() {
    let net = build(&UNet::default(), &[64, 64], &[64, 64]);
    // 37 697 with the biases that normalisation takes out again: 14 layers of 16.
    assert_eq!(net.parameters(), 37_697 - 14 * 16);
    let weights = net.weights();
    assert_eq!(weights.last().unwrap().range.end, net.parameters());
    assert!(
        weights
            .windows(2)
            .all(|w| w[0].range.end == w[1].range.start)
    );
}

#[test]
fn tangents_are_those_of_differences_and_adjoints_match() {
    for (name, net) in kinds() {
        let batch = 3;
        let theta: Vec<f64> = net
            .initial(5)
            .iter()
            .zip(wave(net.parameters(), 0.7))
            .map(|(t, w)| t + 0.1 * w)
            .collect();
        let inputs = wave(batch * net.input().len(), 0.37);
        let m = batch * net.output().len();
        let dtheta = wave(theta.len(), 1.1);
        let mut y = vec![0.0; m];
        let map = net.linearize(&theta, &inputs, &mut y).unwrap();
        let mut forward = vec![0.0; m];
        net.forward(&theta, &inputs, &mut forward).unwrap();
        assert_eq!(y, forward, "{name}");
        let mut dy = vec![0.0; m];
        map.apply(&dtheta, &mut dy).unwrap();
        let at = |h: f64| {
            let moved: Vec<f64> = theta.iter().zip(&dtheta).map(|(t, d)| t + h * d).collect();
            let mut y = vec![0.0; m];
            net.forward(&moved, &inputs, &mut y).unwrap();
            y
        };
        let h = 1e-6;
        let difference: Vec<f64> = at(h)
            .iter()
            .zip(at(-h))
            .zip(&dy)
            .map(|((a, b), d)| (a - b) / (2.0 * h) - d)
            .collect();
        assert!(
            norm(&difference) < 2e-7 * norm(&dy),
            "{name}: {}",
            norm(&difference) / norm(&dy)
        );
        let weights = wave(m, 0.9);
        let mut back = vec![0.0; theta.len()];
        map.apply_transpose(&weights, &mut back).unwrap();
        let (left, right) = (dot(&dy, &weights), dot(&dtheta, &back));
        assert!(
            (left - right).abs() < 1e-11 * norm(&dy) * norm(&weights),
            "{name}: {left} {right}"
        );
    }
}

#[test]
fn gram_and_jacobian_are_those_of_the_products() {
    let net = build(&small(), &[4, 4], &[4, 4]);
    let (theta, inputs) = (net.initial(2), wave(32, 0.5));
    let mut y = vec![0.0; 32];
    let map = net.linearize(&theta, &inputs, &mut y).unwrap();
    let physics: Vec<Matrix> = (0..2)
        .map(|s| Matrix::from_vec(3, 16, wave(48, 0.4 + f64::from(s))))
        .collect();
    let j = map.jacobian(Some(&physics)).unwrap();
    let gram = map.gram(Some(&physics)).unwrap();
    let dtheta = wave(theta.len(), 0.6);
    let (mut dx, mut through) = (vec![0.0; 32], vec![0.0; 6]);
    map.apply(&dtheta, &mut dx).unwrap();
    for s in 0..2 {
        physics[s].apply(&dx[s * 16..][..16], &mut through[s * 3..][..3]);
    }
    let mut direct = vec![0.0; 6];
    j.apply(&dtheta, &mut direct);
    for i in 0..6 {
        assert!((through[i] - direct[i]).abs() < 1e-10 * norm(&direct));
        for k in 0..6 {
            assert!((gram[(i, k)] - dot(j.row(i), j.row(k))).abs() < 1e-10 * gram[(0, 0)].abs());
        }
    }
}

#[test]
fn single_precision_is_close_to_double() {
    let single = small().with_precision(Precision::F32);
    let (a, b) = (
        build(&single, &[8, 8], &[8, 8]),
        build(&small(), &[8, 8], &[8, 8]),
    );
    let (theta, inputs) = (a.initial(3), wave(4 * 64, 0.31));
    let back = |net: &dyn Network| {
        let mut y = vec![0.0; 256];
        let map = net.linearize(&theta, &inputs, &mut y).unwrap();
        let mut back = vec![0.0; theta.len()];
        map.apply_transpose(&wave(256, 0.77), &mut back).unwrap();
        y.extend(back);
        y
    };
    let (single, double) = (back(&*a), back(&*b));
    let rest: Vec<f64> = single.iter().zip(&double).map(|(a, b)| a - b).collect();
    let error = norm(&rest) / norm(&double);
    assert!(error < 3e-6 && error > 0.0, "{error}");
}

#[test]
fn given_statistics_make_samples_independent() {
    let net = build(&small(), &[4, 4], &[4, 4]);
    let (theta, inputs) = (net.initial(1), wave(4 * 16, 0.43));
    let statistics = net.statistics(&theta, &inputs).unwrap();
    let (mut all, mut own) = (vec![0.0; 64], vec![0.0; 64]);
    net.predict(&theta, &statistics, &inputs, &mut all).unwrap();
    net.forward(&theta, &inputs, &mut own).unwrap();
    assert_eq!(all, own);
    let mut one = vec![0.0; 16];
    net.predict(&theta, &statistics, &inputs[16..32], &mut one)
        .unwrap();
    assert_eq!(one, all[16..32]);
    assert!(
        net.predict(&theta, &statistics[1..], &inputs, &mut all)
            .is_err()
    );
}

#[test]
fn the_bits_do_not_depend_on_threads() {
    let net = build(&UNet::default(), &[16, 16], &[16, 16]);
    let (theta, inputs) = (net.initial(1), wave(40 * 256, 0.43));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut y = vec![0.0; inputs.len()];
            let map = net.linearize(&theta, &inputs, &mut y).unwrap();
            let mut back = vec![0.0; theta.len()];
            map.apply_transpose(&y, &mut back).unwrap();
            back
        })
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn extents_that_cannot_be_halved_are_refused() {
    let space = |shape| Space::new("temperature", shape, "K");
    let net = UNet::default();
    let error = |a, b| net.between(&space(a), &space(b)).err().unwrap().to_string();
    let message = error(&[20, 20], &[20, 20]);
    assert!(
        message.contains("multiples of 8") && message.contains("temperature"),
        "{message}"
    );
    assert!(error(&[16, 16], &[8, 8]).contains("same extents"));
}

/// θ, inputs and w by the formulas of `peers/unet_gradients.py`, which wrote the archive.
#[test]
fn outputs_and_gradients_are_those_of_jax() {
    for (precision, suffix, allowed) in [
        (Precision::F64, "", 1e-11),
        (Precision::F32, "", 1e-5),
        (Precision::F32, "_single", 1e-5),
    ] {
        let plan = UNet::default()
            .with_filters([4, 6, 8])
            .with_precision(precision);
        let net = build(&plan, &[16, 16], &[16, 16]);
        let mut theta = vec![0.0; net.parameters()];
        for weight in net.weights() {
            for i in weight.range {
                let place = i as f64;
                let wave = (2.1 * place + 0.3 * place.sqrt()).sin();
                theta[i] = match weight.name.rsplit_once('.').unwrap().1 {
                    "weight" => 0.3 * wave,
                    "scale" => 1.0 + 0.2 * wave,
                    _ => 0.1 * wave,
                };
            }
        }
        let places = || (0..3 * 256).map(f64::from);
        let inputs: Vec<f64> = places()
            .map(|i| (0.37 * i + 0.3).sin() + 0.5 * (0.011 * i).cos())
            .collect();
        let w: Vec<f64> = places().map(|i| (0.9 * i + 0.1).cos()).collect();
        let mut y = vec![0.0; w.len()];
        let mut gradient = vec![0.0; theta.len()];
        let map = net.linearize(&theta, &inputs, &mut y).unwrap();
        map.apply_transpose(&w, &mut gradient).unwrap();
        for (name, own) in [("y", &y), ("gradient", &gradient)] {
            let theirs = crate::fixtures::load("unet_jax.npz", &format!("{name}{suffix}"));
            assert_eq!(own.len(), theirs.len());
            let rest: Vec<f64> = own.iter().zip(&theirs).map(|(a, b)| a - b).collect();
            let error = norm(&rest) / norm(&theirs);
            assert!(error < allowed, "{precision:?} {name}{suffix}: {error:e}");
        }
    }
}
