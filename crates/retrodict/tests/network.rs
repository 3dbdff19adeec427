//! Networks: derivatives against each other and against differences, Gram matrices against dense ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use retrodict::Network;
use retrodict::linalg::{Matrix, dot, norm};
use std::sync::Arc;

use retrodict::network::{
    Activation, Initialisation, Mlp, Precision, ScaledInput, ScaledOutput, Standardisation,
};

fn draw(n: usize, random: &mut Pcg64) -> Vec<f64> {
    (0..n).map(|_| random.random_range(-1.0..1.0)).collect()
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&difference) / norm(b).max(1e-300)
}

/// A network at a random θ, with a batch of random inputs.
struct Trial<'a> {
    network: &'a dyn Network,
    theta: Vec<f64>,
    inputs: Vec<f64>,
    batch: usize,
    random: Pcg64,
}

impl<'a> Trial<'a> {
    fn new(network: &'a dyn Network, batch: usize) -> Self {
        let mut random = Pcg64::seed_from_u64(7);
        let mut theta = network.initial(3);
        // Biases too, or half of the derivative is never seen.
        for t in &mut theta {
            *t += 0.3 * random.random_range(-1.0..1.0);
        }
        let inputs = draw(batch * network.input().len(), &mut random);
        Self {
            network,
            theta,
            inputs,
            batch,
            random,
        }
    }

    fn outputs(&self) -> usize {
        self.batch * self.network.output().len()
    }

    fn forward(&self, theta: &[f64]) -> Vec<f64> {
        let mut outputs = vec![0.0; self.outputs()];
        self.network
            .forward(theta, &self.inputs, &mut outputs)
            .unwrap();
        outputs
    }

    /// Linearising is evaluating; J· follows differences to second order; Jᵀ· is its transpose.
    fn passes(mut self) {
        let mut outputs = vec![0.0; self.outputs()];
        let map = self
            .network
            .linearize(&self.theta, &self.inputs, &mut outputs)
            .unwrap();
        assert!(apart(&outputs, &self.forward(&self.theta)) < 1e-14);

        let dtheta = draw(self.theta.len(), &mut self.random);
        let mut tangent = vec![0.0; outputs.len()];
        map.apply(&dtheta, &mut tangent).unwrap();
        let remainder = |h: f64| {
            let there: Vec<f64> = self
                .theta
                .iter()
                .zip(&dtheta)
                .map(|(t, d)| t + h * d)
                .collect();
            let moved = self.forward(&there);
            let rest: Vec<f64> = (0..moved.len())
                .map(|i| moved[i] - outputs[i] - h * tangent[i])
                .collect();
            norm(&rest)
        };
        let slope = (remainder(1e-3) / remainder(1e-4)).log10();
        let linear = remainder(1e-3) < 1e-12 * norm(&outputs);
        assert!(linear || slope > 1.9, "Taylor slope {slope}");

        let weights = draw(outputs.len(), &mut self.random);
        let mut pulled = vec![0.0; self.theta.len()];
        map.apply_transpose(&weights, &mut pulled).unwrap();
        let (left, right) = (dot(&tangent, &weights), dot(&dtheta, &pulled));
        let size = norm(&tangent) * norm(&weights);
        assert!((left - right).abs() < 1e-13 * size, "{left} {right}");

        // Both products in one, which forms no step in θ.
        let mut room = vec![f64::NAN; self.theta.len()];
        let (mut both, mut one_by_one) = (vec![0.0; outputs.len()], vec![0.0; outputs.len()]);
        map.apply_gram(&weights, &mut room, &mut both).unwrap();
        map.apply(&pulled, &mut one_by_one).unwrap();
        assert!(apart(&both, &one_by_one) < 1e-13);

        // The Gram matrix, alone and with physics behind the network.
        let width = self.network.output().len();
        let physics: Vec<Matrix> = (0..self.batch)
            .map(|_| Matrix::from_vec(3, width, draw(3 * width, &mut self.random)))
            .collect();
        let mut dense = Matrix::zeros(outputs.len(), self.theta.len());
        for i in 0..outputs.len() {
            let mut one = vec![0.0; outputs.len()];
            one[i] = 1.0;
            map.apply_transpose(&one, dense.row_mut(i)).unwrap();
        }
        let alone = map.gram(None).unwrap();
        assert!(apart(alone.as_slice(), dense.gram().as_slice()) < 1e-13);
        let mut joint = Matrix::zeros(3 * self.batch, self.theta.len());
        for (n, p) in physics.iter().enumerate() {
            for k in 0..3 {
                for o in 0..width {
                    for t in 0..self.theta.len() {
                        joint[(3 * n + k, t)] += p[(k, o)] * dense[(n * width + o, t)];
                    }
                }
            }
        }
        let jacobian = map.jacobian(Some(&physics)).unwrap();
        assert!(apart(jacobian.as_slice(), joint.as_slice()) < 1e-13);
        assert!(apart(map.jacobian(None).unwrap().as_slice(), dense.as_slice()) < 1e-13);
        let gram = map.gram(Some(&physics)).unwrap();
        assert!(apart(gram.as_slice(), joint.gram().as_slice()) < 1e-13);
        for i in 0..gram.rows() {
            for j in 0..i {
                assert_eq!(gram[(i, j)], gram[(j, i)]);
            }
        }
    }
}

fn mlp(widths: &[usize], activation: Activation) -> Mlp {
    Mlp::new(widths).unwrap().with_activation(activation)
}

#[test]
fn dense_networks_pass_for_every_activation() {
    for activation in [
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Silu,
        Activation::Linear,
    ] {
        Trial::new(&mlp(&[4, 7, 5, 6], activation), 5).passes();
    }
    // A batch that is larger than its layers.
    Trial::new(&mlp(&[2, 3, 2], Activation::Tanh), 20).passes();
    // One layer, and one sample.
    Trial::new(&mlp(&[3, 2], Activation::Tanh), 1).passes();
    // More rows than one thread takes at a time.
    Trial::new(&mlp(&[4, 20, 24], Activation::Tanh), 30).passes();
}

#[test]
fn scaled_networks_pass() {
    let scaling = |n: usize, log| {
        let shift = (0..n).map(|i| 0.3 - 0.2 * i as f64).collect();
        let scale = (0..n).map(|i| 0.5 + 0.4 * i as f64).collect();
        Standardisation::new(shift, scale, log).unwrap()
    };
    for log in [false, true] {
        let plain = Arc::new(mlp(&[4, 7, 6], Activation::Tanh));
        let seen = ScaledInput::new(plain, scaling(4, false)).unwrap();
        let network = ScaledOutput::new(Arc::new(seen), scaling(6, log)).unwrap();
        Trial::new(&network, 5).passes();
    }
    let refused = ScaledInput::new(Arc::new(mlp(&[4, 2], Activation::Tanh)), scaling(3, false));
    assert!(refused.is_err());
}

#[test]
fn single_precision_is_double_precision_to_its_own_digits() {
    for activation in [Activation::Tanh, Activation::Relu, Activation::Silu] {
        let double = mlp(&[4, 20, 20, 24], activation);
        let single = double.clone().with_precision(Precision::F32);
        let trial = Trial::new(&double, 32);
        let weights = draw(trial.outputs(), &mut Pcg64::seed_from_u64(9));
        let dtheta = draw(trial.theta.len(), &mut Pcg64::seed_from_u64(10));
        let all = |network: &Mlp| {
            let mut y = vec![0.0; trial.outputs()];
            let map = network
                .linearize(&trial.theta, &trial.inputs, &mut y)
                .unwrap();
            let mut forward = vec![0.0; y.len()];
            network
                .forward(&trial.theta, &trial.inputs, &mut forward)
                .unwrap();
            assert_eq!(forward, y);
            let mut tangent = vec![0.0; y.len()];
            map.apply(&dtheta, &mut tangent).unwrap();
            let mut gradient = vec![0.0; trial.theta.len()];
            map.apply_transpose(&weights, &mut gradient).unwrap();
            // In f64 throughout, or small eigenvalues would be lost.
            let j = map.jacobian(None).unwrap();
            let gram = map.gram(None).unwrap();
            assert!(apart(gram.as_slice(), j.gram().as_slice()) < 1e-13);
            [y, tangent, gradient, j.as_slice().to_vec()]
        };
        for (single, double) in all(&single).iter().zip(&all(&double)) {
            let error = apart(single, double);
            // A relu on its kink may fall to either side.
            assert!((1e-9..1e-5).contains(&error), "{activation:?} {error}");
        }
    }
}

#[test]
fn a_kink_is_crossed_by_no_small_step() {
    // relu is piecewise linear: away from its kinks the tangent is exact.
    let network = mlp(&[3, 8, 8, 2], Activation::Relu);
    let theta = network.initial(1);
    let inputs = [0.3, -0.2, 0.9];
    let (mut outputs, mut tangent) = ([0.0; 2], [0.0; 2]);
    let map = network.linearize(&theta, &inputs, &mut outputs).unwrap();
    let mut dtheta = vec![0.0; theta.len()];
    dtheta[5] = 1.0;
    map.apply(&dtheta, &mut tangent).unwrap();
    let mut moved = theta.clone();
    moved[5] += 1e-6;
    let mut there = [0.0; 2];
    network.forward(&moved, &inputs, &mut there).unwrap();
    for i in 0..2 {
        assert!((there[i] - outputs[i] - 1e-6 * tangent[i]).abs() < 1e-16);
    }
}

#[test]
fn a_network_by_hand() {
    // f(x) = 2 tanh(3x + 1) − 4, and its gradient in (3, 1, 2, −4).
    let network = mlp(&[1, 1, 1], Activation::Tanh);
    let theta = [3.0, 1.0, 2.0, -4.0];
    let mut y = [0.0];
    let map = network.linearize(&theta, &[0.25], &mut y).unwrap();
    let a = 1.75_f64.tanh();
    assert!((y[0] - (2.0 * a - 4.0)).abs() < 1e-15);
    let mut gradient = [0.0; 4];
    map.apply_transpose(&[1.0], &mut gradient).unwrap();
    let slope = 2.0 * (1.0 - a * a);
    for (found, exact) in gradient.iter().zip([0.25 * slope, slope, a, 1.0]) {
        assert!((found - exact).abs() < 1e-15, "{found} {exact}");
    }
}

#[test]
fn initial_weights_are_seeded_and_as_large_as_they_should_be() {
    let network = mlp(&[40, 60, 80], Activation::Tanh);
    let theta = network.initial(5);
    assert_eq!(theta, network.initial(5));
    assert_ne!(theta, network.initial(6));
    for weight in network.weights() {
        let values = &theta[weight.range.clone()];
        assert_eq!(values.len(), weight.shape.iter().product::<usize>());
        if weight.name.ends_with("bias") {
            assert!(values.iter().all(|b| *b == 0.0), "{}", weight.name);
            continue;
        }
        let limit = (6.0 / (weight.shape[0] + weight.shape[1]) as f64).sqrt();
        let largest = values.iter().fold(0.0_f64, |m, w| m.max(w.abs()));
        assert!(largest <= limit && largest > 0.98 * limit);
        // The variance of a uniform draw is a third of its square limit.
        let variance = dot(values, values) / values.len() as f64;
        assert!((variance / (limit * limit / 3.0) - 1.0).abs() < 0.1);
    }
    let he = network.with_initialisation(Initialisation::He);
    let ratio = he.initial(5)[0] / theta[0];
    assert!((ratio - (100.0_f64 / 40.0).sqrt()).abs() < 1e-12);
    // Arrays of weights lie one after the other and fill θ.
    let mut end = 0;
    for weight in he.weights() {
        assert_eq!(weight.range.start, end);
        end = weight.range.end;
    }
    assert_eq!(end, he.parameters());
}

#[test]
fn a_saturated_layer_is_seen() {
    let network = mlp(&[1, 10, 10, 1], Activation::Tanh);
    let mut theta = network.initial(1);
    let bias = &network.weights()[1];
    theta[bias.range.clone()].fill(9.0);
    let mut y = [0.0; 4];
    let map = network
        .linearize(&theta, &[0.1, 0.2, 0.3, 0.4], &mut y)
        .unwrap();
    let activities = map.activations();
    assert_eq!(activities.len(), 2);
    assert_eq!(activities[0].layer, "tanh1");
    assert_eq!(activities[0].saturated, 1.0);
    assert!((activities[0].mean - 1.0).abs() < 1e-6 && activities[0].spread < 1e-6);
    assert!(activities[1].saturated < 0.5);
}

#[test]
fn threads_change_no_bit() {
    let network = mlp(&[16, 200, 64], Activation::Tanh);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let trial = Trial::new(&network, 256);
            let mut y = vec![0.0; trial.outputs()];
            let map = network
                .linearize(&trial.theta, &trial.inputs, &mut y)
                .unwrap();
            let mut gradient = vec![0.0; trial.theta.len()];
            map.apply_transpose(&y, &mut gradient).unwrap();
            let physics = vec![Matrix::from_vec(1, 64, y[..64].to_vec()); 256];
            let gram = map.gram(Some(&physics)).unwrap();
            (y, gradient, gram)
        })
    };
    assert!(run(1) == run(3));
}

#[test]
fn wrong_lengths_and_widths_are_refused() {
    let network = mlp(&[2, 3], Activation::Tanh);
    let theta = network.initial(0);
    let mut y = [0.0; 3];
    for (theta, x) in [(&theta[1..], &[0.0; 2][..]), (&theta[..], &[0.0; 3][..])] {
        assert!(network.forward(theta, x, &mut y).is_err());
        assert!(network.linearize(theta, x, &mut y).is_err());
    }
    let map = network.linearize(&theta, &[0.0; 2], &mut y).unwrap();
    let wrong = vec![Matrix::zeros(2, 4)];
    let message = map.gram(Some(&wrong)).unwrap_err().to_string();
    assert!(message.contains("columns of ∂y/∂x"), "{message}");
    let message = Mlp::new([3]).unwrap_err();
    assert!(message.to_string().contains("widths = [3]"), "{message}");
}
