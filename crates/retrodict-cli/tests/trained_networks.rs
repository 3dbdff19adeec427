//! Trained networks on data of the user's own: `predict` with archives, noise and priors, several networks, and bad input.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use crate::binary::{fail, run, succeed};
use serde_json::Value;
use tempfile::TempDir;

/// An ill-posed problem on a small grid: fields of 16 cells, blurred.
const HEAT: &str = r#"
    simulator = { name = "heat", shape = [16], nu_t = 2.0 }
    network = { name = "mlp", hidden = [12] }
    stop = { epochs = 3 }
    data = { draw = { kind = "smooth" }, train = 64, test = 8 }
    [[method]]
    name = "supervised"
    strategy = "supervised"
    rule = { name = "adam", learning_rate = 1e-2 }
    batch = 16
    [[method]]
    name = "dp"
    strategy = "end-to-end"
    rule = { name = "adam", learning_rate = 1e-2 }
    batch = 16
"#;

/// A network that sees two values beside a y* of two.
const BESIDE: &str = r#"
    simulator = { name = "exp", size = 2 }
    network = { name = "mlp", hidden = [4] }
    stop = { epochs = 2 }
    [data]
    draw = { kind = "arrays", target = [[1.0, 2.0], [1.5, 1.0], [2.0, 3.0]], input = [[0.1, 0.2], [0.3, 0.1], [0.5, 0.4]] }
    [[method]]
    name = "dp"
    strategy = "end-to-end"
    rule = "adam"
    batch = 3
"#;

/// A folder with both trained: `heat` with three seeds of each method, and `beside`.
fn trained() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let f = folder.path();
        fs::write(f.join("heat.toml"), HEAT).unwrap();
        fs::write(f.join("beside.toml"), BESIDE).unwrap();
        succeed(f, "train heat.toml --seeds 3 --out heat");
        succeed(f, "train beside.toml --out beside");
        folder
    });
    folder.path()
}

/// A folder of a test's own, beside which the networks lie.
fn own() -> (TempDir, String) {
    let folder = tempfile::tempdir_in(trained()).unwrap();
    (folder, "../heat/supervised-0.safetensors".to_owned())
}

/// Writes an .npz by way of the file of an array each.
fn archive(path: &Path, arrays: &[(&str, &[usize], Vec<f64>)]) {
    let file = fs::File::create(path).unwrap();
    let mut zip = zip::ZipWriter::new(file);
    for (name, shape, values) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(format!("{name}.npy"), options).unwrap();
        std::io::Write::write_all(&mut zip, &npy(shape, values)).unwrap();
    }
    zip.finish().unwrap();
}

/// An array as NumPy writes it.
fn npy(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let extents: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({extents}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

/// The values of an .npy file.
fn values(path: &Path) -> Vec<f64> {
    let bytes = fs::read(path).unwrap();
    let length = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let (eights, _) = bytes[10 + length..].as_chunks::<8>();
    eights
        .iter()
        .map(|eight| f64::from_le_bytes(*eight))
        .collect()
}

/// Three smooth fields, and what diffusion leaves of them with noise of about 1 %.
fn fields() -> [Vec<f64>; 2] {
    let k = 2.0 * std::f64::consts::PI / 16.0;
    let place = |sample: usize, i: usize| (i as f64 + 2.0 * sample as f64) * k;
    let each = || (0..3).flat_map(|sample| (0..16).map(move |i| (sample, i)));
    let x = each().map(|(s, i)| place(s, i).sin() + 0.3 * (2.0 * place(s, i)).cos());
    let left = |modes: f64| (-(modes * k).powi(2) * 2.0).exp();
    let noise = |s: usize, i: usize| 5e-3 * (12.9898 * (s * 16 + i) as f64).sin();
    let y = each().map(|(s, i)| {
        left(1.0) * place(s, i).sin() + 0.3 * left(2.0) * (2.0 * place(s, i)).cos() + noise(s, i)
    });
    [x.collect(), y.collect()]
}

fn assert_says(message: &str, words: &[&str]) {
    // Lines are broken between words.
    let message: Vec<&str> = message.split_whitespace().collect();
    let message = message.join(" ");
    for word in words {
        assert!(message.contains(word), "no '{word}' in: {message}");
    }
}

fn json(folder: &Path, words: &str) -> Value {
    serde_json::from_str(&succeed(folder, words)).unwrap()
}

#[test]
fn an_archive_gives_y_and_x_by_their_names() {
    let (folder, network) = own();
    let f = folder.path();
    let [x, y] = fields();
    // The input is as wide as the target, and stands first: it is not taken for it.
    let other = vec![7.0; 48];
    archive(
        &f.join("data.npz"),
        &[
            ("input", &[3, 16], other),
            ("target", &[3, 16], y.clone()),
            ("x", &[3, 16], x.clone()),
        ],
    );
    fs::write(f.join("y.npy"), npy(&[3, 16], &y)).unwrap();
    let told = json(
        f,
        &format!("predict {network} --target data.npz -o a.npy --json"),
    );
    let alone = json(
        f,
        &format!("predict {network} --target y.npy -o b.npy --json"),
    );
    let predicted = values(&f.join("a.npy"));
    assert_eq!(predicted, values(&f.join("b.npy")));
    for (i, (found, truth)) in predicted.chunks(16).zip(x.chunks(16)).enumerate() {
        let square = |pairs: &mut dyn Iterator<Item = f64>| pairs.map(|v| v * v).sum::<f64>();
        let off = square(&mut found.iter().zip(truth).map(|(a, b)| a - b));
        let expected = (off / square(&mut truth.iter().copied())).sqrt();
        let said = told["samples"][i]["x_error"].as_f64().unwrap();
        assert!((said / expected - 1.0).abs() < 1e-12, "{said} {expected}");
        assert_eq!(told["samples"][i]["loss"], alone["samples"][i]["loss"]);
    }
    assert!(alone["samples"][0]["x_error"].is_null());
    let (summary, samples) = (&told["summary"], &told["samples"]);
    assert_eq!(summary["count"], 3);
    let mut losses: Vec<f64> = (0..3)
        .map(|i| samples[i]["loss"].as_f64().unwrap())
        .collect();
    losses.sort_by(f64::total_cmp);
    assert_eq!(summary["loss"]["median"].as_f64().unwrap(), losses[1]);
    assert_eq!(summary["loss"]["worst"].as_f64().unwrap(), losses[2]);
    let printed = succeed(f, &format!("predict {network} --target data.npz -o a.npy"));
    assert_says(
        &printed,
        &[
            "samples: 3",
            "loss in y: median",
            "error ‖x − x*‖/‖x*‖: median",
        ],
    );
    // A name selects another array, as it is asked for.
    succeed(
        f,
        &format!("predict {network} --target data.npz:input -o c.npy"),
    );
    assert_ne!(values(&f.join("c.npy")), predicted);
}

#[test]
fn a_network_that_sees_something_else_gets_both_of_one_archive() {
    let (folder, _) = own();
    let f = folder.path();
    let network = "../beside/dp-0.safetensors";
    let (input, target) = (vec![0.1, 0.2, 0.5, 0.4], vec![1.0, 2.0, 2.0, 3.0]);
    archive(
        &f.join("data.npz"),
        &[
            ("target", &[2, 2], target.clone()),
            ("input", &[2, 2], input.clone()),
        ],
    );
    fs::write(f.join("y.npy"), npy(&[2, 2], &target)).unwrap();
    fs::write(f.join("in.npy"), npy(&[2, 2], &input)).unwrap();
    let words = [
        "--input data.npz",
        "--target data.npz",
        "--input in.npy --target y.npy",
        "--input data.npz:input --target data.npz:target",
    ];
    let told = |words: &str| {
        let told = json(f, &format!("predict {network} {words} -o x.npy --json"));
        (values(&f.join("x.npy")), told["summary"]["loss"].clone())
    };
    let first = told(words[0]);
    assert!(first.1["median"].is_number());
    for words in &words[1..] {
        assert_eq!(told(words), first, "{words}");
    }
    // Alone it says x, and nothing of y.
    let (x, loss) = told("--input in.npy");
    assert_eq!((x, loss), (first.0, Value::Null));
    // A y* as wide as the input is not taken for it.
    let message = fail(f, &format!("predict {network} --target y.npy"), 2);
    assert_says(
        &message,
        &["does not see y*, but 'input', shape [2]", "--input FILE"],
    );
}

#[test]
fn noise_stays_out_of_a_refined_x() {
    let (folder, network) = own();
    let f = folder.path();
    let [x, y] = fields();
    archive(
        &f.join("data.npz"),
        &[("target", &[3, 16], y), ("x", &[3, 16], x)],
    );
    let start = format!("predict {network} --target data.npz --refine 50");
    let message = fail(f, &start, 2);
    assert_says(
        &message,
        &[
            "noise of y* into x",
            "heat",
            "--noise 0.01",
            "--noise-std STD",
            "--prior tikhonov:",
        ],
    );
    assert!(!f.join("data-predicted.npz").exists());
    let figures = |flags: &str| -> [f64; 2] {
        let told = json(f, &format!("{start} {flags} -o x.npy --json"));
        let of = |key: &str| told["summary"][key]["worst"].as_f64().unwrap();
        [of("x_error"), of("refined_x_error")]
    };
    // A goal that noise does not allow is the user's own word.
    let [network, exact] = figures("--stop loss=1e-20 --rule levenberg-marquardt");
    assert!(exact > 3.0 * network, "{exact} {network}");
    for flags in [
        "--noise 0.01",
        "--noise-std 3.5e-3",
        "--noise 0.01 --stop discrepancy",
        "--noise 0.01 --rule levenberg-marquardt",
        "--noise 0.01 --bounds -2,2",
        "--prior tikhonov:weight=gcv",
        "--noise 0.01 --prior tikhonov:order=1,weight=discrepancy",
    ] {
        let [network, refined] = figures(flags);
        assert!(refined <= 1.1 * network, "{flags}: {refined} {network}");
    }
    let printed = succeed(f, &format!("{start} --noise 0.01 -o x.npy"));
    assert_says(&printed, &["χ²/N", "refined: median"]);
    for (flags, words) in [
        ("--noise 0.01 --stop discrepency", "discrepancy"),
        ("--prior tikonov", "did you mean 'tikhonov'"),
        ("--noise 0.01 --bounds 3", "expected LOWER,UPPER"),
        ("--noise 0", "greater than 0"),
        ("--stop discrepancy", "noise"),
        ("--noise-std none.npy", "none.npy"),
    ] {
        assert_says(&fail(f, &format!("{start} {flags}"), 2), &[words]);
    }
    let message = fail(f, "predict ../heat --target data.npz --noise 0.01", 2);
    assert_says(&message, &["--refine"]);
}

#[test]
fn several_networks_give_mean_and_spread() {
    let (folder, _) = own();
    let f = folder.path();
    let [_, y] = fields();
    fs::write(f.join("y.npy"), npy(&[3, 16], &y)).unwrap();
    let names: Vec<String> = (0..3)
        .map(|i| format!("../heat/dp-{i}.safetensors"))
        .collect();
    let mut each = Vec::new();
    for name in &names {
        let printed = succeed(f, &format!("predict {name} --target y.npy -o one.npy"));
        assert!(
            !f.join("one-spread.npy").exists() && !printed.contains("spread"),
            "{printed}"
        );
        each.push(values(&f.join("one.npy")));
    }
    let printed = succeed(
        f,
        &format!("predict {} --target y.npy -o x.npy", names.join(" ")),
    );
    assert_says(
        &printed,
        &[
            "3 networks (dp): their mean",
            "spread of x over 3 networks",
            "x-spread.npy",
        ],
    );
    let (mean, spread) = (values(&f.join("x.npy")), values(&f.join("x-spread.npy")));
    assert_eq!(spread.len(), 48);
    for i in 0..48 {
        let all: Vec<f64> = each.iter().map(|x| x[i]).collect();
        let middle = all.iter().sum::<f64>() / 3.0;
        let square = all.iter().map(|x| (x - middle).powi(2)).sum::<f64>() / 2.0;
        assert!((mean[i] - middle).abs() < 1e-12);
        assert!((spread[i] - square.sqrt()).abs() < 1e-12 && spread[i] > 0.0);
    }
    let told = json(
        f,
        "predict --ensemble ../heat --method dp --target y.npy -o e.npy --json",
    );
    assert_eq!(values(&f.join("e.npy")), mean);
    assert_eq!(told["summary"]["networks"], 3);
    assert_eq!(told["networks"][2]["training"]["seed"], 2);
    assert_eq!(told["spread"], "e-spread.npy");
    // The mean is where refining starts.
    let words =
        "predict --ensemble ../heat --method dp --target y.npy --refine 0 --noise 0.01 -o r.npy";
    succeed(f, words);
    assert_eq!(values(&f.join("r.npy")), mean);

    let message = fail(
        f,
        &format!("predict {} ../beside --target y.npy", names[0]),
        2,
    );
    assert_says(
        &message,
        &["dp-0.safetensors", "sees", "beside", "one task together"],
    );
    let words = format!("predict {} --ensemble ../heat --target y.npy", names[0]);
    assert_says(&fail(f, &words, 2), &["--ensemble"]);
    assert_says(&fail(f, "predict --target y.npy", 2), &["NETWORK"]);
}

#[test]
fn a_simulation_that_fails_costs_its_own_sample_alone() {
    let (folder, _) = own();
    let f = folder.path();
    // With cubic springs a state far out flies apart.
    succeed(
        f,
        "train oscillators --compare adam --epochs 1 --set data.train=256 --set data.test=16 --set simulator.alpha=0.25 \
         --out steep",
    );
    let rows = "0.1,0.9,0.4,0.6\n1e120,0,0,0\n0.8,0.2,0.5,0.3\n0.5,0.5,0.5,0.5\n";
    fs::write(f.join("y.csv"), rows).unwrap();
    let output = run(f, "predict steep --target y.csv -o x.npy");
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    let x = values(&f.join("x.npy"));
    assert_eq!(x.len(), 4 * 24);
    for (i, row) in x.chunks(24).enumerate() {
        assert!(row.iter().all(|x| x.is_nan() == (i == 1)), "{row:?}");
    }
    assert_says(&printed, &["samples: 4", "x is NaN: sample 2"]);
    let noted = String::from_utf8(output.stderr).unwrap();
    assert_says(&noted, &["note: sample 2: x is NaN"]);
    let told = json(f, "predict steep --target y.csv -o x.npy --refine 2 --json");
    assert_eq!(told["summary"]["failed"], serde_json::json!([2]));
    assert!(told["samples"][1]["loss"].is_null() && told["samples"][1]["error"].is_string());
    assert!(told["samples"][3]["refined"]["loss"].is_number());
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let (folder, network) = own();
    let f = folder.path();
    let [_, y] = fields();
    fs::write(f.join("y.npy"), npy(&[3, 16], &y)).unwrap();
    let predict = |words: &str| fail(f, &format!("predict {network} {words}"), 2);
    // A network that sees y* takes no other input, whatever its width.
    assert_says(
        &predict("--input y.npy"),
        &["sees y* itself", "'field after diffusion'", "--target FILE"],
    );
    assert_says(
        &predict("--input y.npy --target y.npy"),
        &["sees y* itself"],
    );
    // Names that leave it open.
    archive(
        &f.join("named.npz"),
        &[("a", &[3, 16], y.clone()), ("b", &[3, 16], y.clone())],
    );
    assert_says(
        &predict("--target named.npz"),
        &["no array 'target'", "it holds: a, b", "named.npz:a"],
    );
    archive(&f.join("input.npz"), &[("input", &[3, 16], y.clone())]);
    assert_says(
        &predict("--target input.npz"),
        &["no array 'target'", "it holds: input"],
    );
    archive(&f.join("only.npz"), &[("fields", &[3, 16], y.clone())]);
    succeed(f, &format!("predict {network} --target only.npz -o x.npy"));
    assert_says(&predict("--target only.npz:nothing"), &["it holds: fields"]);
    // Widths and values.
    fs::write(f.join("wide.npy"), npy(&[3, 17], &[0.5; 51])).unwrap();
    assert_says(
        &predict("--target wide.npy"),
        &["[3, 17]", "16 values", "[samples, 16]"],
    );
    fs::write(f.join("turned.npy"), npy(&[16, 3], &[0.5; 48])).unwrap();
    assert_says(
        &predict("--target turned.npy"),
        &["[16, 3]", "[samples, 16]"],
    );
    fs::write(f.join("none.npy"), npy(&[0, 16], &[])).unwrap();
    assert_says(&predict("--target none.npy"), &["none.npy", "no sample"]);
    let mut gaps = y.clone();
    gaps[20] = f64::NAN;
    fs::write(f.join("gaps.npy"), npy(&[3, 16], &gaps)).unwrap();
    assert_says(
        &predict("--target gaps.npy"),
        &["NaN in sample 2, value 5", "leave that sample out", "solve"],
    );
    assert_says(&predict("--target away.npy"), &["away.npy"]);
    // Networks that are none.
    let message = fail(f, "predict away.safetensors --target y.npy", 2);
    assert_says(&message, &["away.safetensors", "No such file"]);
    let message = fail(f, "predict y.npy --target y.npy", 2);
    assert_says(
        &message,
        &["neither a .safetensors file nor the folder of a training"],
    );
    let message = fail(f, "predict --ensemble . --target y.npy", 2);
    assert_says(
        &message,
        &["neither a .safetensors file nor the folder of a training"],
    );
    let message = fail(
        f,
        "predict --ensemble ../heat --method supervisd --target y.npy",
        2,
    );
    assert_says(&message, &["did you mean 'supervised'"]);
    assert_says(
        &predict("--method dp --target y.npy"),
        &["the file of one network"],
    );
    // The weights of another program.
    let header = br#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let mut foreign = (header.len() as u64).to_le_bytes().to_vec();
    foreign.extend(header);
    foreign.extend([0; 4]);
    fs::write(f.join("foreign.safetensors"), foreign).unwrap();
    let message = fail(f, "predict foreign.safetensors --target y.npy", 2);
    assert_says(
        &message,
        &["foreign.safetensors", "not written by retrodict"],
    );
}
