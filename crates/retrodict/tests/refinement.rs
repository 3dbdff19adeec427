//! What refining does to the x of a network that learned an ill-posed inverse, and to what several networks say.

use std::sync::OnceLock;

use retrodict::core::random::Random;
use retrodict::options::Build;
use retrodict::registry::{Named, Registry};
use retrodict::simulators::HeatOptions;
use retrodict::spec::random::{add_noise, smooth};
use retrodict::spec::{
    BoundsSpec, Ensemble, NetworkFile, NoFiles, NoiseSpec, PriorSpec, Refinement, Refiner,
    StopSpec, TrainingSpec, Values,
};
use retrodict::{Error, Simulator};

const CELLS: usize = 16;

/// The noise level of all data, relative.
const NOISE: f64 = 0.01;

/// A field of its own kind: smooth modes fall off fast, as what diffusion leaves of them.
fn samples(count: usize, seed: u64) -> Vec<[Vec<f64>; 2]> {
    let heat = HeatOptions::default().with_shape([CELLS]).with_nu_t(2.0);
    let heat = heat.build().unwrap();
    let sample = |i: usize| {
        let mut random = Random::stream(seed, i as u64);
        let x = smooth(&[CELLS], &mut random);
        let mut y = vec![0.0; CELLS];
        heat.forward(&x, &mut y).unwrap();
        add_noise(&mut y, NOISE, &mut random);
        [x, y]
    };
    (0..count).map(sample).collect()
}

fn written(rows: impl Iterator<Item = Vec<f64>>) -> String {
    let rows: Vec<String> = rows.map(|row| format!("{row:?}")).collect();
    format!("[{}]", rows.join(", "))
}

/// A linear network, fitted to noisy samples: the best linear estimate of x.
fn training(simulator: &str) -> TrainingSpec {
    let known = samples(150, 1);
    let text = format!(
        r#"
        simulator = {simulator}
        network = {{ name = "mlp", hidden = [] }}
        stop = {{ steps = 1 }}

        [data]
        draw = {{ kind = "arrays", target = {}, x = {} }}
        shuffle = false

        [[method]]
        name = "supervised"
        strategy = "supervised"
        rule = "gauss-newton"
        batch = 150
    "#,
        written(known.iter().map(|[_, y]| y.clone())),
        written(known.iter().map(|[x, _]| x.clone())),
    );
    TrainingSpec::from_toml("plan.toml", &text).unwrap()
}

const HEAT: &str = r#"{ name = "heat", shape = [16], nu_t = 2.0 }"#;

fn trained(simulator: &str, seed: u64) -> NetworkFile {
    let spec = training(simulator);
    let method = spec.method("supervised").unwrap();
    let mut training = spec
        .build(method, seed, Registry::standard(), &NoFiles)
        .unwrap();
    let checkpoint = training.train().unwrap().checkpoint;
    NetworkFile::of(&spec, "supervised", seed, &training, &checkpoint).unwrap()
}

fn network() -> &'static NetworkFile {
    static FILE: OnceLock<NetworkFile> = OnceLock::new();
    FILE.get_or_init(|| trained(HEAT, 0))
}

fn refiner(refinement: &Refinement) -> Refiner<'static> {
    let file = network();
    let method = file.plan.method(&file.method).unwrap();
    let physics = file.plan.physics(method, Registry::standard()).unwrap();
    let made = refinement.of(file, &physics, Registry::standard(), &NoFiles);
    made.unwrap()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// ‖x − x*‖ over new samples, of the network's x times a factor and after a refinement of it.
fn errors(refinement: &Refinement, factor: f64) -> [f64; 2] {
    let refiner = refiner(refinement);
    let mut sums = [0.0; 2];
    for [truth, y] in samples(20, 2) {
        let mut x = network().network.predict(&y).unwrap();
        x.iter_mut().for_each(|x| *x *= factor);
        let refined = refiner.refine(&x, &y).unwrap();
        sums[0] += distance(&x, &truth) / 20.0;
        sums[1] += distance(&refined.x, &truth) / 20.0;
    }
    sums
}

fn relative(level: f64) -> NoiseSpec {
    let mut noise = NoiseSpec::default();
    noise.relative = Some(level);
    noise
}

fn prior(text: &str) -> PriorSpec {
    text.parse::<toml::Table>().unwrap().try_into().unwrap()
}

#[test]
fn a_noise_level_or_a_prior_keeps_noise_out_of_x() {
    let plain = Refinement::new(50).with_rule(Some(Named::new("levenberg-marquardt")));
    let [network, exact] = errors(&plain, 1.0);
    assert!(
        exact > 3.0 * network,
        "fitting the noise: {exact} {network}"
    );
    let known = relative(NOISE);
    for (what, refinement) in [
        ("a noise level", plain.clone().with_noise(known.clone())),
        (
            "the rule that suits it",
            Refinement::new(50).with_noise(known.clone()),
        ),
        (
            "a prior",
            Refinement::new(50)
                .with_noise(known)
                .with_priors(vec![prior(
                    "name = 'tikhonov'\norder = 1\nweight = 'discrepancy'",
                )]),
        ),
        (
            "a prior without a noise level",
            Refinement::new(50)
                .with_priors(vec![prior("name = 'tikhonov'\norder = 1\nweight = 'gcv'")]),
        ),
    ] {
        assert!(refinement.is_regularised());
        let [network, refined] = errors(&refinement, 1.0);
        assert!(refined <= 1.1 * network, "{what}: {refined} {network}");
        // A network that does not explain the data is corrected, without their noise.
        let [network, refined] = errors(&refinement, 0.8);
        assert!(refined <= 0.8 * network, "{what}: {refined} {network}");
    }
}

#[test]
fn with_a_noise_level_a_refinement_stops_there() {
    let refiner = refiner(&Refinement::new(50).with_noise(relative(NOISE)));
    let [_, y] = samples(1, 3).remove(0);
    // What explains the data already is left as it is.
    let near = refiner.refine(&[0.0; CELLS], &y).unwrap();
    assert!(near.solution.steps > 0);
    let chi_squared = near.chi_squared.unwrap();
    assert!(chi_squared <= 1.1, "{chi_squared}");
    let again = refiner.refine(&near.x, &y).unwrap();
    assert_eq!((again.solution.steps, again.x), (0, near.x));
}

#[test]
fn an_ill_posed_problem_is_seen() {
    let plain = Refinement::new(5);
    assert!(!plain.is_regularised());
    let known = samples(2, 4);
    let x = [0.0; CELLS];
    let pairs = || known.iter().map(|[_, y]| (&x[..], &y[..]));
    let (sample, found) = refiner(&plain).ill_posed(pairs()).unwrap().unwrap();
    // e^(k² νt) of the finest mode, π² · 2.
    let condition = (2.0 * std::f64::consts::PI.powi(2)).exp();
    assert_eq!(sample, 0);
    assert!(
        (found.condition / condition - 1.0).abs() < 1e-3,
        "{found:?}"
    );
    assert!(found.noise > 1e6, "{found:?}");

    let file = trained(r#"{ name = "heat", shape = [16], nu_t = 0.1 }"#, 0);
    let physics = file
        .plan
        .physics(&file.plan.methods[0], Registry::standard())
        .unwrap();
    let well = plain
        .of(&file, &physics, Registry::standard(), &NoFiles)
        .unwrap();
    assert!(well.ill_posed(pairs()).unwrap().is_none());
}

#[test]
fn bounds_hold_and_a_start_outside_is_moved_within() {
    let refinement = Refinement::new(5)
        .with_noise(relative(NOISE))
        .with_bounds(BoundsSpec::new(
            Some(Values::One(-0.1)),
            Some(Values::One(0.2)),
        ))
        .with_stop(StopSpec::after(3));
    let refined = refiner(&refinement)
        .refine(&[5.0; CELLS], &samples(1, 5)[0][1])
        .unwrap();
    assert!(refined.solution.steps <= 3);
    assert!(
        refined.x.iter().all(|x| (-0.1..=0.2).contains(x)),
        "{:?}",
        refined.x
    );
}

#[test]
fn a_level_that_is_to_be_fitted_is_refused() {
    let mut noise = NoiseSpec::default();
    noise.parameter = vec!["sigma".to_owned()];
    let file = network();
    let physics = file
        .plan
        .physics(&file.plan.methods[0], Registry::standard())
        .unwrap();
    let refused = Refinement::new(5).with_noise(noise);
    let error = refused
        .of(file, &physics, Registry::standard(), &NoFiles)
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("does not fit the noise level"),
        "{error}"
    );
}

#[test]
fn several_networks_say_their_mean_and_how_far_they_differ() {
    let named = |files: Vec<NetworkFile>| {
        let named = files.into_iter().enumerate();
        named
            .map(|(i, file)| (format!("{i}.safetensors"), file))
            .collect::<Vec<_>>()
    };
    let mut shifted = network().clone();
    let [_, y] = samples(1, 6).remove(0);
    let one = network().network.predict(&y).unwrap();
    // The same weights but for a bias: x differs by just that.
    let mut theta = shifted.network.theta().to_vec();
    let scaling = network().normalisation.output.as_ref().unwrap();
    *theta.last_mut().unwrap() += 2.0 / scaling.scale()[CELLS - 1];
    shifted.network = retrodict::network::TrainedNetwork::new(
        std::sync::Arc::clone(shifted.network()),
        theta,
        Vec::new(),
    )
    .unwrap();
    let alone = Ensemble::new(named(vec![network().clone()]))
        .unwrap()
        .predict(&y)
        .unwrap();
    assert_eq!((alone.mean, alone.spread), (one.clone(), None));
    let both = Ensemble::new(named(vec![network().clone(), shifted])).unwrap();
    let both = both.predict(&y).unwrap();
    let spread = both.spread.unwrap();
    assert_eq!(both.mean[..CELLS - 1], one[..CELLS - 1]);
    assert!(spread[..CELLS - 1].iter().all(|s| *s == 0.0));
    assert!((both.mean[CELLS - 1] - one[CELLS - 1] - 1.0).abs() < 1e-12);
    assert!((spread[CELLS - 1] - 2.0_f64.sqrt()).abs() < 1e-12);

    // What is of another task is named.
    let refused = |files| match Ensemble::new(named(files)).err().unwrap() {
        Error::Config { message, .. } => message,
        other => panic!("{other}"),
    };
    let other = trained(r#"{ name = "heat", shape = [16], nu_t = 1.0 }"#, 0);
    let message = refused(vec![network().clone(), network().clone(), other]);
    assert!(
        message.contains("2.safetensors through 'heat'") && message.contains("nu_t = 1"),
        "{message}"
    );
    let mut other = network().clone();
    other.output.unit = "K".to_owned();
    let message = refused(vec![network().clone(), other]);
    assert!(
        message.contains("1.safetensors says") && message.contains("in K"),
        "{message}"
    );
    assert!(refused(Vec::new()).contains("one or more"));
}
