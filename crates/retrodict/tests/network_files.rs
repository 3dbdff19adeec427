//! Trained networks as files, and what they answer a sample alone and in company.

use retrodict::registry::Registry;
use retrodict::spec::{NetworkFile, NoFiles, Training, TrainingSpec};
use retrodict::training::Checkpoint;

fn spec(network: &str) -> TrainingSpec {
    let text = format!(
        r#"
        simulator = {{ name = "heat", shape = [8, 8], nu_t = 0.5 }}
        network = {network}
        stop = {{ epochs = 3 }}
        data = {{ draw = {{ kind = "smooth" }}, train = 24, test = 6 }}

        [[method]]
        name = "dp"
        strategy = "end-to-end"
        rule = {{ name = "adam", learning_rate = 1e-2 }}
        batch = 8
    "#
    );
    TrainingSpec::from_toml("plan.toml", &text).unwrap()
}

const UNET: &str = r#"{ name = "unet", filters = [4, 8] }"#;

fn trained(spec: &TrainingSpec) -> (Training, Checkpoint) {
    let method = spec.method("dp").unwrap();
    let mut training = spec
        .build(method, 0, Registry::standard(), &NoFiles)
        .unwrap();
    let checkpoint = training.train().unwrap().checkpoint;
    (training, checkpoint)
}

fn file(spec: &TrainingSpec, training: &Training, checkpoint: &Checkpoint) -> Vec<u8> {
    let file = NetworkFile::of(spec, "dp", 0, training, checkpoint).unwrap();
    file.to_bytes().unwrap()
}

fn read(bytes: &[u8]) -> retrodict::Result<NetworkFile> {
    NetworkFile::from_bytes("net.safetensors", bytes, Registry::standard())
}

#[test]
fn a_network_that_normalises_answers_a_sample_alone_as_in_company() {
    let spec = spec(UNET);
    let (training, checkpoint) = trained(&spec);
    let network = training.trained(&checkpoint).unwrap();
    let test = &training.samples.test;
    let inputs: Vec<f64> = test.iter().flat_map(|s| s.input.clone()).collect();
    let together = network.predict(&inputs).unwrap();
    let mut sum = 0.0;
    for (sample, x) in test.iter().zip(together.chunks(64)) {
        assert_eq!(network.predict(&sample.input).unwrap(), x);
        let mut y = vec![0.0; 64];
        sample.simulator.forward(x, &mut y).unwrap();
        sum += training.physics.loss.value(&y, &sample.target);
    }
    // The loss by which the best weights were chosen is that of these answers.
    let mean = sum / test.len() as f64;
    assert!((mean / checkpoint.best_loss - 1.0).abs() < 1e-12, "{mean}");
    // An outlier shifts nobody else.
    let mut outlying = inputs;
    outlying[..64].iter_mut().for_each(|v| *v *= 1e3);
    let shifted = network.predict(&outlying).unwrap();
    assert_eq!(shifted[64..], together[64..]);
}

#[test]
fn the_statistics_are_those_of_the_data_that_were_learned_from() {
    let mut spec = spec(UNET);
    spec.stop.epochs = Some(1);
    let (mut training, checkpoint) = trained(&spec);
    assert_eq!((checkpoint.steps, &checkpoint.best), (3, &checkpoint.theta));
    let layout = training.network.statistics_layout();
    assert_eq!(layout[0].name, "down1a.mean");
    assert_eq!(
        layout.last().unwrap().range.end,
        checkpoint.statistics.len()
    );
    // The mean over the three mini-batches, with the weights of the end.
    let mut means = vec![0.0; checkpoint.statistics.len()];
    for number in 0..3 {
        let batch = training.samples.data.batch(number, 8).unwrap();
        let inputs: Vec<f64> = batch.iter().flat_map(|s| s.input.clone()).collect();
        let seen = training
            .network
            .statistics(&checkpoint.best, &inputs)
            .unwrap();
        means.iter_mut().zip(seen).for_each(|(m, s)| *m += s / 3.0);
    }
    for (kept, mean) in checkpoint.statistics.iter().zip(&means) {
        assert!(
            (kept - mean).abs() < 1e-12 * (1.0 + mean.abs()),
            "{kept} {mean}"
        );
    }
}

#[test]
fn a_file_holds_all_that_it_takes_to_predict() {
    for network in [UNET, r#"{ name = "mlp", hidden = [6] }"#] {
        let spec = spec(network);
        let (training, checkpoint) = trained(&spec);
        let bytes = file(&spec, &training, &checkpoint);
        let back = read(&bytes).unwrap();
        let sample = &training.samples.test[0];
        let own = training.trained(&checkpoint).unwrap();
        assert_eq!(
            back.network.predict(&sample.input).unwrap(),
            own.predict(&sample.input).unwrap()
        );
        assert_eq!((&back.plan, back.method.as_str()), (&spec, "dp"));
        assert_eq!(&back.output, training.physics.simulator.input());
        assert!(back.sees_target());
        assert_eq!(back.summary.loss, Some(checkpoint.best_loss));
        assert_eq!(back.summary.epochs, 3);
        assert_eq!(back.to_bytes().unwrap(), bytes);
    }
}

#[test]
fn samples_that_a_description_holds_stay_out_of_the_file() {
    let mut spec = spec(r#"{ name = "mlp", hidden = [6] }"#);
    spec.simulator = "exp".into();
    spec.simulator.options.insert("size".to_owned(), 1.into());
    let rows: String = (1..=8).map(|i| format!("[{}.125],", i)).collect();
    let data = format!("draw = {{ kind = \"arrays\", target = [{rows}] }}\ntest = 2");
    spec.data = toml::from_str(&data).unwrap();
    spec.methods[0].batch = 2;
    let (training, checkpoint) = trained(&spec);
    let bytes = file(&spec, &training, &checkpoint);
    assert!(!String::from_utf8_lossy(&bytes).contains("8.125"));
    let x = read(&bytes).unwrap().network.predict(&[1.5]).unwrap();
    assert!(x[0].is_finite());
}

#[test]
fn what_is_no_such_file_is_refused() {
    let spec = spec(r#"{ name = "mlp", hidden = [6] }"#);
    let (training, checkpoint) = trained(&spec);
    let bytes = file(&spec, &training, &checkpoint);
    let refused = |bytes: &[u8]| read(bytes).err().unwrap().to_string();
    for length in [0, 7, 100, bytes.len() - 1] {
        let message = refused(&bytes[..length]);
        assert!(message.contains("net.safetensors: it is not a complete safetensors file"));
    }
    let replaced = |wanted: &str, other: &str| {
        let place = bytes
            .windows(wanted.len())
            .position(|w| w == wanted.as_bytes())
            .unwrap();
        let mut bytes = bytes.clone();
        bytes[place..][..other.len()].copy_from_slice(other.as_bytes());
        refused(&bytes)
    };
    let message = replaced("hidden = [6]", "hidden = [7]");
    assert!(
        message.contains("dense1.weight has the shape [64, 6]"),
        "{message}"
    );
    let message = replaced("\"architecture\"", "\"architektura\"");
    assert!(message.contains("an older version"), "{message}");
    let message = replaced("\"dtype\":\"F64\"", "\"dtype\":\"I64\"");
    assert!(message.contains("not of type F64"), "{message}");
    let other = safetensors_of_another_program();
    let message = refused(&other);
    assert!(message.contains("not written by retrodict"), "{message}");
    // Weights of another network are not taken for those of this one.
    let mut checkpoint = checkpoint;
    checkpoint.best.pop();
    assert!(training.trained(&checkpoint).is_err());
}

/// An empty header is a whole file.
fn safetensors_of_another_program() -> Vec<u8> {
    let header = b"{}      ";
    [&8_u64.to_le_bytes()[..], header].concat()
}
