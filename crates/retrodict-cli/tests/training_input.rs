//! What bad input to `train`, `resume` and `predict` gets: a message with what to try, and an exit code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use crate::binary::{fail, succeed};
use npyz::WriterBuilder;
use tempfile::{TempDir, tempdir};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const SMALL: &str = "--set data.train=64 --set data.test=16";

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
}

/// A .npz archive of arrays with rows.
fn npz(arrays: &[(&str, usize, &[f64])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, width, values) in arrays {
        let mut content = Vec::new();
        let options = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&[(values.len() / width) as u64, *width as u64]);
        let mut writer = options.writer(&mut content).begin_nd().unwrap();
        writer.extend(values.iter().copied()).unwrap();
        writer.finish().unwrap();
        archive
            .start_file(format!("{name}.npy"), SimpleFileOptions::default())
            .unwrap();
        archive.write_all(&content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A folder with a finished training `run` of the oscillators.
fn trained() -> TempDir {
    let folder = tempdir().unwrap();
    let words = format!("train oscillators --compare hig --epochs 1 {SMALL} --out run");
    succeed(folder.path(), &words);
    folder
}

fn replaced(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "no '{from}' in {text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_draw_that_cannot_work_is_refused() {
    let folder = tempdir().unwrap();
    for (words, parts) in [
        (
            "poisson-8 --set data.draw.exponent=-1.0",
            ["data.draw.exponent: found -1", "0 or more; 2 is smooth"],
        ),
        (
            "sine --set data.draw.low=1.0",
            ["found low = 1 and high = 1", "low the smaller one"],
        ),
        (
            "fluid --set data.draw.drift=-0.5",
            ["data.draw.drift: found -0.5", "try drift = 0.5"],
        ),
        (
            "fluid --set data.draw.reach=0.0",
            ["data.draw.reach: found 0", "above 0; try drift"],
        ),
        ("sine --set simulator.gamma=0.0", ["gamma", "not allowed"]),
    ] {
        let message = fail(folder.path(), &format!("train {words} --out run"), 2);
        assert_says(&message, &parts);
    }
}

#[test]
fn a_strategy_without_what_it_needs_is_refused_before_anything_is_written() {
    let folder = tempdir().unwrap();
    let train = |words: &str| fail(folder.path(), &format!("train {words} --out run"), 2);
    assert_says(
        &train("oscillators --strategy supervised"),
        &[
            "supervised training needs the x that belongs to each y*",
            "end-to-end or corrected-targets",
        ],
    );
    assert_says(
        &train("oscillators --compare sip --set sip.strategy.rule.name=inverse-simulator"),
        &[
            "method 'sip'",
            "inverse-simulator needs",
            "does not offer; try",
        ],
    );
    assert_says(
        &train("oscillators --strategy physics-residual"),
        &["physics-residual training needs a residual", "end-to-end"],
    );
    assert_says(
        &train("oscillators --compare hig --set data.train=20"),
        &["method 'hig'", "32", "20"],
    );
    let left: Vec<_> = fs::read_dir(folder.path().join("run")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    // The folder is still free.
    succeed(
        folder.path(),
        &format!("train oscillators --compare hig --epochs 1 {SMALL} --out run"),
    );
}

#[test]
fn names_and_settings_of_a_training_are_corrected() {
    let folder = tempdir().unwrap();
    let train = |words: &str| fail(folder.path(), &format!("train {words}"), 2);
    assert_says(&train("oscilators"), &["did you mean 'oscillators'"]);
    assert_says(
        &train("oscillators --compare hgi"),
        &["unknown method 'hgi'", "hig, adam, sip"],
    );
    assert_says(
        &train("oscillators --strategy superwised"),
        &["did you mean 'supervised'"],
    );
    assert_says(
        &train("oscillators --set hig.rule.kapa=1"),
        &["method 'hig'", "kapa", "kappa"],
    );
    assert_says(&train("oscillators --seeds 0"), &["at least 1"]);
    assert_says(
        &train("oscillators --set data.train=0"),
        &["data.train: found 0"],
    );
    assert_says(
        &train("oscillators --set network.hidden=[0]"),
        &["hidden", "1 neuron or more"],
    );
    assert!(
        !folder
            .path()
            .join("runs/train-oscillators/plan.toml")
            .exists()
    );
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused_and_can_be_left_behind() {
    let folder = trained();
    let (f, run) = (folder.path(), folder.path().join("run"));
    let checkpoint = run.join("hig-0.checkpoint");
    replaced(
        &run.join("plan.toml"),
        "hidden = [20, 20, 20]",
        "hidden = [20, 20]",
    );
    assert_says(
        &fail(f, "resume run", 2),
        &[
            "the checkpoint of 'hig'",
            "1444 parameters",
            "the network has 1024",
            "another architecture",
            "delete hig-0.checkpoint",
        ],
    );
    replaced(
        &run.join("plan.toml"),
        "hidden = [20, 20]",
        "hidden = [20, 20, 20]",
    );

    let whole = fs::read(&checkpoint).unwrap();
    for length in [0, 7, 11, whole.len() / 2, whole.len() - 1] {
        fs::write(&checkpoint, &whole[..length]).unwrap();
        assert_says(
            &fail(f, "resume run", 2),
            &["hig-0.checkpoint", "starts this method again"],
        );
    }
    let mut bytes = whole.clone();
    bytes[whole.len() / 2] ^= 1;
    fs::write(&checkpoint, &bytes).unwrap();
    assert_says(&fail(f, "resume run", 2), &["the checksum does not match"]);

    // As the messages say: without it, the method begins anew and comes to the same end.
    let weights = fs::read(run.join("hig-0.safetensors")).unwrap();
    fs::remove_file(&checkpoint).unwrap();
    succeed(f, "resume run");
    assert!(fs::read(run.join("hig-0.safetensors")).unwrap() == weights);

    fs::write(run.join("plan.toml"), "title = ").unwrap();
    assert_says(&fail(f, "resume run", 2), &["plan.toml", "damaged"]);
    assert_says(
        &fail(f, "resume nowhere", 2),
        &[
            "nowhere is the folder of neither",
            "inversion.toml",
            "plan.toml",
        ],
    );
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let folder = trained();
    let f = folder.path();
    fs::write(f.join("y.csv"), "0.1,0.2,0.3,0.4\n").unwrap();
    let path = f.join("run/hig-0.safetensors");
    let whole = fs::read(&path).unwrap();
    let predict = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        fail(f, "predict run --target y.csv", 2)
    };
    for length in [0, 5, 100, whole.len() / 2, whole.len() - 1] {
        assert_says(
            &predict(&whole[..length]),
            &["hig-0.safetensors", "not a complete safetensors file"],
        );
    }
    // The same file with another architecture in its header.
    let place = |wanted: &[u8]| {
        whole
            .windows(wanted.len())
            .position(|w| w == wanted)
            .unwrap()
    };
    let start = place(b"hidden = [20, 20, 20]");
    let mut other = whole.clone();
    other[start..start + 21].copy_from_slice(b"hidden = [20, 20, 24]");
    assert_says(
        &predict(&other),
        &[
            "hig-0.safetensors",
            "but the network needs",
            "another architecture",
        ],
    );
    // A file of an older version, and one of another program.
    let mut foreign = whole.clone();
    let start = place(b"\"architecture\"");
    foreign[start..start + 14].copy_from_slice(b"\"architektura\"");
    assert_says(&predict(&foreign), &["'architecture'", "an older version"]);
    let start = place(b"\"format\"");
    foreign[start..start + 8].copy_from_slice(b"\"former\"");
    assert_says(
        &predict(&foreign),
        &["'architecture'", "not written by retrodict"],
    );
    fs::write(&path, &whole).unwrap();
    succeed(f, "predict run --target y.csv -o x.csv");
    fs::remove_file(&path).unwrap();
    assert_says(
        &fail(f, "predict run --target y.csv", 2),
        &["hig-0.safetensors", "No such file"],
    );
}

#[test]
fn a_data_file_that_cannot_be_learned_from_is_pointed_at() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    let write = |arrays: &[(&str, usize, &[f64])]| fs::write(f.join("d.npz"), npz(arrays)).unwrap();
    let words = "train multimodal --set data.draw={kind=\"file\",path=\"d.npz\"} --set data.train=6 \
                 --set data.test=2 --set hig.batch=3 --compare hig --epochs 1 --out run";
    let train = || fail(f, words, 2);
    let y: Vec<f64> = (0..16).map(|i| 0.1 * f64::from(i + 1)).collect();
    let mut holed = y.clone();
    holed[5] = f64::NAN;
    write(&[("target", 2, &holed)]);
    assert_says(
        &train(),
        &[
            "d.npz",
            "the array target holds NaN at index 5",
            "leave such samples out",
        ],
    );
    holed[5] = f64::INFINITY;
    write(&[("target", 2, &y), ("x", 2, &holed)]);
    assert_says(&train(), &["the array x holds inf at index 5"]);
    write(&[("y", 2, &y)]);
    assert_says(&train(), &["no array 'target'", "it contains y"]);
    write(&[("target", 1, &y[..8])]);
    assert_says(
        &train(),
        &["target has the shape [8, 1]", "8 rows of 2 values"],
    );
    write(&[("target", 2, &y[..14])]);
    assert_says(
        &train(),
        &["it contains 7 samples", "data.train + data.test is 8"],
    );
    fs::write(f.join("d.npz"), &npz(&[("target", 2, &y)])[..60]).unwrap();
    assert_says(&train(), &["d.npz", "not a complete .npz archive"]);
    fs::remove_file(f.join("d.npz")).unwrap();
    assert_says(&train(), &["d.npz", "No such file"]);
    write(&[("target", 2, &y)]);
    succeed(f, words);
    // Without x in the file there is nothing to learn from in the supervised way.
    let message = fail(
        f,
        &words
            .replace(
                "--compare hig",
                "--compare supervised --set supervised.batch=3",
            )
            .replace("run", "other"),
        2,
    );
    assert_says(&message, &["the x that belongs to each y*"]);
}

/// J of 16384 rows and 16 million columns: more than any machine has today.
#[cfg(target_os = "linux")]
#[test]
fn an_engine_without_room_is_refused_before_it_starts() {
    let folder = tempdir().unwrap();
    let words = "train oscillators --compare hig --set hig.batch=4096 --set network.hidden=[4000,4000] \
                 --set data.test=0 --epochs 1 --out run";
    let message = fail(
        folder.path(),
        &format!("{words} --set hig.rule.engine=dense"),
        2,
    );
    assert_says(
        &message,
        &[
            "method 'hig'",
            "engine dense: a J of 16384 × 16120024 (m × |θ|)",
            "need 7.7 TiB",
            "of memory are available",
            "engine = { krylov = { steps = 300, tolerance = 0.05 } } with 75.0 MiB",
            "smaller batch",
        ],
    );
    assert!(!folder.path().join("run/plan.toml").exists());
}

#[test]
fn half_inverse_training_says_which_engine_it_used() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    for (setting, engine) in [
        ("", "gram (m = 128, |θ| = 1444)"),
        (
            "--set hig.rule.truncation=1e-9",
            "dense (m = 128, |θ| = 1444)",
        ),
        (
            "--set hig.rule.engine={krylov={steps=9}}",
            "krylov, 9 steps (m = 128, |θ| = 1444)",
        ),
        ("--set hig.batch=2", "dense (m = 8, |θ| = 1444)"),
    ] {
        let words = format!("train oscillators --compare hig --epochs 1 {SMALL} {setting}");
        let printed = succeed(f, &words);
        assert_says(&printed, &[&format!("note: hig: half-inverse: {engine}")]);
    }
    let report = fs::read_to_string(f.join("runs/train-oscillators/report.html")).unwrap();
    assert_says(&report, &["hig: half-inverse: gram (m = 128, |θ| = 1444)"]);
    let words =
        format!("train oscillators --compare hig,adam --epochs 1 {SMALL} --set adam.batch=32");
    let json = succeed(f, &format!("{words} --json"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["engine"], "gram (m = 128, |θ| = 1444)");
    assert!(json[1]["engine"].is_null(), "Adam has no such choice");
}
