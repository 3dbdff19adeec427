//! Normalised networks: what is learned does not depend on the units of the data, and what is kept is what was trained.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use retrodict::registry::Registry;
use retrodict::spec::{
    DataSpec, DrawSpec, NetworkFile, NoFiles, NormaliseSpec, ScalingKind, Training, TrainingSpec,
};
use retrodict::{Result, Simulator, Space};

/// y = (x₀² + x₁, 3 x₁ + sin x₀), in units of `x` and `y`, of x around (2, 0.5).
struct Curved {
    input: Space,
    output: Space,
    x: f64,
    y: f64,
}

impl Curved {
    fn in_units(x: f64, y: f64) -> Self {
        Self {
            input: Space::new("x", &[2], "1"),
            output: Space::new("y", &[2], "1"),
            x,
            y,
        }
    }
    fn slopes(&self, x: &[f64]) -> [[f64; 2]; 2] {
        let u = x[0] / self.x;
        let s = self.y / self.x;
        [[2.0 * u * s, s], [u.cos() * s, 3.0 * s]]
    }
}

impl Simulator for Curved {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        let (u, v) = (x[0] / self.x, x[1] / self.x);
        y[0] = self.y * (u * u + v);
        y[1] = self.y * (3.0 * v + u.sin());
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        for (dy, row) in dy.iter_mut().zip(self.slopes(x)) {
            *dy = row[0] * dx[0] + row[1] * dx[1];
        }
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let [first, second] = self.slopes(x);
        for i in 0..2 {
            dx[i] = first[i] * dy[0] + second[i] * dy[1];
        }
        Ok(())
    }
}

/// Pairs (y*, x) in units.
fn pairs(count: usize, physics: &Curved) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let mut random = Pcg64::seed_from_u64(5);
    let one = |_| {
        let x = [
            physics.x * (2.0 + random.random_range(-0.5..0.5)),
            physics.x * (0.5 + random.random_range(-0.3..0.3)),
        ];
        let mut y = [0.0; 2];
        physics.forward(&x, &mut y).unwrap();
        (y.to_vec(), x.to_vec())
    };
    (0..count).map(one).unzip()
}

const METHODS: &str = r#"
    simulator = "scaled-toy"
    network = { name = "mlp", hidden = [8] }
    stop = { epochs = 4 }
    data = { draw = { kind = "arrays", target = [[1.0, 1.0]] } }

    [[method]]
    name = "supervised"
    strategy = "supervised"
    rule = { name = "gradient-descent", learning_rate = 0.1 }
    batch = 8

    [[method]]
    name = "dp"
    strategy = "end-to-end"
    rule = { name = "adam", learning_rate = 1e-2 }
    batch = 8

    [[method]]
    name = "dp-gd"
    strategy = "end-to-end"
    rule = { name = "gradient-descent", learning_rate = 0.05 }
    batch = 8

    [[method]]
    name = "hig"
    strategy = "end-to-end"
    rule = { name = "half-inverse", learning_rate = 0.3 }
    batch = 8

    [[method]]
    name = "sip"
    strategy = { name = "corrected-targets", rule = "gauss-newton" }
    rule = { name = "adam", learning_rate = 1e-2 }
    batch = 8
"#;

fn described() -> TrainingSpec {
    TrainingSpec::from_toml("units.toml", METHODS).unwrap()
}

fn build(spec: &TrainingSpec, method: &str, physics: &Arc<Curved>) -> Result<Training> {
    let (simulator, method) = (Arc::clone(physics), spec.method(method)?);
    spec.build_with(simulator, method, 0, Registry::standard(), &NoFiles)
}

/// What a method learns in these units, and its answers to some y*.
fn answers(method: &str, x: f64, y: f64, normalise: Option<bool>) -> Vec<f64> {
    let physics = Arc::new(Curved::in_units(x, y));
    let (target, labels) = pairs(32, &physics);
    let mut spec = described();
    let asked = target[..4].concat();
    let draw = DrawSpec::Arrays {
        target,
        x: labels,
        input: Vec::new(),
    };
    spec.data = DataSpec::new(draw, None, 8);
    if let Some(on) = normalise {
        spec.normalise = NormaliseSpec::all(on);
    }
    let mut training = build(&spec, method, &physics).unwrap();
    let trained = training.train().unwrap().checkpoint;
    let found = training.trained(&trained).unwrap().predict(&asked).unwrap();
    found.into_iter().map(|v| v / x).collect()
}

fn farthest(a: &[f64], b: &[f64]) -> f64 {
    let each = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    each.fold(0.0, f64::max)
}

#[test]
fn what_is_learned_of_the_users_data_does_not_depend_on_their_units() {
    for method in ["supervised", "dp", "dp-gd", "hig", "sip"] {
        let one = answers(method, 1.0, 1.0, None);
        let other = answers(method, 370.0, 2.1e-3, None);
        let apart = farthest(&one, &other);
        assert!(apart < 1e-6, "{method}: {apart}");
        let moved = farthest(&one, &answers(method, 1.0, 1.0, Some(false)));
        assert!(moved > 1e-3, "{method} as without normalisation: {moved}");
    }
    // Without it the same training learns something else in other units.
    let one = answers("supervised", 1.0, 1.0, Some(false));
    let other = answers("supervised", 37.0, 2.1e-3, Some(false));
    let apart = farthest(&one, &other);
    assert!(apart.is_nan() || apart > 1e-2, "{apart}");
}

#[test]
fn logarithms_keep_x_positive_and_what_has_none_is_named() {
    let physics = Arc::new(Curved::in_units(1.0, 1.0));
    let (target, x) = pairs(32, &physics);
    let mut spec = described();
    spec.normalise.output = Some(ScalingKind::LogValue);
    let of = |target: &[Vec<f64>], x: &[Vec<f64>]| {
        let (target, x) = (target.to_vec(), x.to_vec());
        let input = Vec::new();
        DataSpec::new(DrawSpec::Arrays { target, x, input }, None, 8)
    };
    spec.data = of(&target, &x);
    for method in ["supervised", "dp", "hig", "sip"] {
        let mut training = build(&spec, method, &physics).unwrap();
        let trained = training.train().unwrap().checkpoint;
        assert!(trained.epochs.last().unwrap().loss() < trained.epochs[0].loss());
        let network = training.trained(&trained).unwrap();
        // Far outside of what was learned from too.
        let far = network.predict(&[-40.0, 70.0]).unwrap();
        assert!(far.iter().all(|x| *x > 0.0), "{far:?}");
    }
    let mut negative = x.clone();
    negative[3][1] = -0.25;
    spec.data = of(&target, &negative);
    let message = build(&spec, "dp", &physics).err().unwrap().to_string();
    assert!(message.contains("x[3][1]"), "{message}");
    assert!(message.contains("-0.25"), "{message}");
    // Without x there are no logarithms of it.
    spec.data = of(&target, &[]);
    let error = build(&spec, "dp", &physics).err().unwrap();
    assert!(error.to_string().contains("without x"), "{error}");
}

#[test]
fn a_file_holds_the_scalings_and_answers_to_the_bit() {
    let physics = Arc::new(Curved::in_units(40.0, 1e-3));
    let (target, x) = pairs(24, &physics);
    let mut spec = described();
    let asked = target.concat();
    let input = Vec::new();
    spec.data = DataSpec::new(DrawSpec::Arrays { target, x, input }, None, 8);
    spec.normalise.output = Some(ScalingKind::LogAll);
    let mut training = build(&spec, "dp", &physics).unwrap();
    let trained = training.train().unwrap().checkpoint;
    let network = training.trained(&trained).unwrap();
    let file = NetworkFile::of(&spec, "dp", 0, &training, &trained).unwrap();
    let bytes = file.to_bytes().unwrap();
    let read = |bytes: &[u8]| NetworkFile::from_bytes("net", bytes, Registry::standard());
    let again = read(&bytes).unwrap();
    let found = again.network.predict(&asked).unwrap();
    assert_eq!(found, network.predict(&asked).unwrap());
    assert_eq!(again.normalisation.input, training.normalisation.input);
    assert_eq!(again.normalisation.output, training.normalisation.output);
    assert_eq!(again.to_bytes().unwrap(), bytes);
    // Damage of what is kept is found.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.contains("normalise.output.shift"));
    let place = bytes
        .windows(24)
        .position(|w| w == b"{\\\"output\\\":{\\\"log\\\":true");
    assert!(place.is_none() || place.unwrap() < bytes.len());
    let mut spoiled = bytes.clone();
    let at = spoiled
        .windows(5)
        .position(|w| w == b"\"log\\")
        .map_or_else(|| spoiled.windows(4).position(|w| w == b"log\\"), Some);
    spoiled[at.unwrap()] = b'b';
    let error = read(&spoiled).err().unwrap().to_string();
    assert!(error.contains("normalise"), "{error}");
}

#[test]
fn samples_that_are_drawn_are_normalised_where_that_is_asked_for() {
    let text = |normalise: &str| {
        let text = format!(
            r#"
            simulator = {{ name = "heat", shape = [8, 8], nu_t = 0.5 }}
            network = {{ name = "unet", filters = [4, 4], keep_mean = true }}
            stop = {{ epochs = 1 }}
            data = {{ draw = {{ kind = "boxes" }}, train = 16, test = 4, fresh = true }}
            {normalise}
            [[method]]
            name = "dp"
            strategy = "end-to-end"
            rule = "adam"
            batch = 8
        "#
        );
        TrainingSpec::from_toml("heat.toml", &text)
    };
    let built = |normalise: &str| {
        let spec = text(normalise)?;
        spec.build(spec.method("dp")?, 0, Registry::standard(), &NoFiles)
    };
    let plain = built("").unwrap().normalisation;
    assert!(plain.input.is_none() && plain.output.is_none());
    assert_eq!(plain.target, 1.0);
    let on = built("normalise = true").unwrap();
    // The mean is kept only where both ends have one scale for all values.
    assert!(on.normalisation.input.is_some());
    assert_eq!(on.normalisation.input, on.normalisation.output);
    let checkpoint = on.start();
    let network = retrodict::network::TrainedNetwork::new(
        Arc::clone(&on.network),
        checkpoint.theta,
        on.network
            .statistics(&on.network.initial(0), &on.first[0].input)
            .unwrap(),
    )
    .unwrap();
    let seen = &on.first[1].input;
    let x = network.predict(seen).unwrap();
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    assert!((mean(&x) - mean(seen)).abs() < 1e-5 * mean(seen).abs().max(1.0));
    let refused = |text: &str| match built(text) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("taken: {text}"),
    };
    let message = refused("normalise = { input = 'value' }");
    assert!(message.contains("keep_mean"), "{message}");
    let message = refused("normalise = { inptu = 'value' }");
    assert!(message.contains("inptu"), "{message}");
    let message = refused("normalise = { input = 'vale' }");
    assert!(message.contains("log-value"), "{message}");
    let message = refused("normalise = 3");
    assert!(message.contains("true, false"), "{message}");
    for words in ["true", "false", "{ input = \"log-all\", target = true }"] {
        let spec = text(&format!("normalise = {words}")).unwrap();
        let again = TrainingSpec::from_toml("again", &spec.to_toml().unwrap()).unwrap();
        assert_eq!(again, spec);
    }
}

/// J and Gram matrix that steps see are those of the composed map.
#[test]
fn derivatives_are_those_of_the_composed_map() {
    let physics = Arc::new(Curved::in_units(40.0, 1e-3));
    let (target, x) = pairs(8, &physics);
    let mut spec = described();
    let input = Vec::new();
    spec.data = DataSpec::new(DrawSpec::Arrays { target, x, input }, None, 0);
    spec.normalise.output = Some(ScalingKind::LogValue);
    let training = build(&spec, "hig", &physics).unwrap();
    let inputs: Vec<f64> = training
        .first
        .iter()
        .flat_map(|s| s.input.clone())
        .collect();
    let network = &training.network;
    let theta = network.initial(1);
    let joint = retrodict::training::Joint::with_physics(
        Arc::clone(network),
        inputs,
        vec![Arc::clone(&training.physics.simulator); 8],
        Arc::default(),
    )
    .unwrap();
    let mut y = vec![0.0; 16];
    let map = joint.linearize(&theta, &mut y).unwrap();
    let dense = map.dense().unwrap();
    let (mut more, mut less) = (y.clone(), y.clone());
    for column in [0, 7, theta.len() - 1] {
        let mut moved = theta.clone();
        moved[column] += 1e-5;
        joint.forward(&moved, &mut more).unwrap();
        moved[column] -= 2e-5;
        joint.forward(&moved, &mut less).unwrap();
        for row in 0..16 {
            let slope = (more[row] - less[row]) / 2e-5;
            assert!((slope - dense[(row, column)]).abs() < 1e-6 * (1e-3 + slope.abs()));
        }
    }
    let gram = map.gram().unwrap();
    let whole = dense.gram();
    for (a, b) in gram.as_slice().iter().zip(whole.as_slice()) {
        assert!((a - b).abs() < 1e-12 * whole[(0, 0)].abs().max(whole[(1, 1)].abs()));
    }
}
