//! Readers against damaged and hostile files: seeded mutants of good ones. Whatever they are, a reader answers, does
//! not panic, and takes no more memory than a limit.

#![allow(clippy::unwrap_used)]

use retrodict::StatusKind;
use std::path::Path;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use retrodict::interrupt::Interrupt;

#[cfg(feature = "fits")]
use super::fits;
#[cfg(feature = "netcdf")]
use super::netcdf;
use super::{Array, Depth, csv, jpeg, npy, png, tiff};
use crate::batch::Index;
use crate::data::sealed;
use crate::failure::Outcome;
use crate::inversion::{self, Change, Plan};
use crate::registry;
use crate::results::folder::{RunManifest, Summary};
use crate::server::{Budget, Offer, protocol};
use crate::training::Checkpoint;
use retrodict::spec::{InversionSpec, NetworkFile, NoFiles, Origin, TrainingSpec};

/// Mutants of each reader.
const MUTANTS: usize = 20_000;

/// What a reader may take at most, in kibibytes.
const ROOM: u64 = 1 << 20;

/// What mutants have found, or are like what they might find: numbers that mean much where a size is expected.
const TELLING: [&[u8]; 14] = [
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\x7f",
    b"9223372036854775807",
    b"18446744073709551616",
    b"-1",
    b"1e400",
    b"nan",
    b"((((((((((((((((((((((((((((((((",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"\"",
    b"\n\n,;\t,",
    b"\xef\xbb\xbf",
];

/// A few changes of bytes, pieces and lengths.
fn mutant(whole: &[u8], random: &mut Pcg64) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..random.random_range(1..=4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        let end = (at + random.random_range(1..=16)).min(bytes.len());
        match random.random_range(0..6) {
            0 => bytes[at] ^= 1_u8 << random.random_range(0..8_u32),
            1 => bytes[at] = random.random(),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                let to = random.random_range(0..=bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {
                let piece = TELLING[random.random_range(0..TELLING.len())];
                let over = match random.random() {
                    true => (at + piece.len()).min(bytes.len()),
                    false => at,
                };
                bytes.splice(at..over, piece.iter().copied());
            }
        }
    }
    bytes
}

/// The most memory that this process has had, in kibibytes, where the system tells.
fn peak() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    number.unwrap_or(0)
}

/// Reads all mutants of some good files; some of them are still good, and most are not.
fn attack(name: &str, good: &[Vec<u8>], read: impl Fn(&[u8]) -> bool) {
    for whole in good {
        assert!(read(whole), "{name}: the file is good before it is changed");
    }
    let mut random = Pcg64::seed_from_u64(16);
    let mut refused = 0;
    for i in 0..MUTANTS {
        let bytes = mutant(&good[i % good.len()], &mut random);
        if !read(&bytes) {
            refused += 1;
        }
    }
    assert!(refused > MUTANTS / 100, "{name}: {refused} refused");
    assert!(peak() < ROOM, "{name}: {} KiB", peak());
}

/// An array that was read has as many values as its shape says; a message names the file.
fn sound(array: Outcome<Array>) -> bool {
    match array {
        Ok(array) => {
            assert_eq!(array.shape.iter().product::<usize>(), array.values.len());
            true
        }
        Err(failure) => {
            assert!(failure.to_string().contains("file."), "{failure}");
            false
        }
    }
}

fn array() -> Array {
    let values = (0..24).map(|i| f64::from(i) / 23.0).collect();
    Array::new(vec![4, 6], values)
}

#[test]
fn mutants_of_npy() {
    let path = Path::new("file.npy");
    let mut whole = npy::bytes(&array()).unwrap_or_default();
    let one = whole.clone();
    if let Some(at) = whole.windows(5).position(|w| w == b"False") {
        whole.splice(at..at + 5, b"True ".iter().copied());
    }
    attack("npy", &[one, whole], |bytes| sound(npy::read(path, bytes)));
}

#[test]
fn mutants_of_npz() {
    let path = Path::new("file.npz");
    let one = npy::write_archive(&[("x".to_owned(), array())]).unwrap_or_default();
    let two = [("a".to_owned(), array()), ("b/c".to_owned(), array())];
    let two = npy::write_archive(&two).unwrap_or_default();
    attack("npz", &[one, two], |bytes| {
        match npy::read_archive(path, bytes) {
            Ok(arrays) => arrays.into_iter().all(|(_, array)| sound(Ok(array))),
            Err(failure) => sound(Err(failure)),
        }
    });
}

#[test]
fn mutants_of_csv() {
    let path = Path::new("file.csv");
    let good = [
        &b"time,y\n0,1.5\n1,2.5e-3\n2,NA\n"[..],
        b"\xef\xbb\xbf\"a b\";c\r\n1;2\r\n3;\r\n",
        b"# note\n1 2 3\n4 5 6 # end\n",
        b"1.5\n\n-2\n3",
    ];
    let good: Vec<Vec<u8>> = good.iter().map(|text| text.to_vec()).collect();
    attack("csv", &good, |bytes| {
        let _ = csv::read(path, bytes, Some("y"), true);
        sound(csv::read(path, bytes, None, true))
    });
}

#[test]
fn mutants_of_png() {
    let path = Path::new("file.png");
    let colour = Array::new(vec![3, 2, 4], array().values);
    let good = [(array(), Depth::Eight), (colour, Depth::Sixteen)];
    let good = good.map(|(array, depth)| png::bytes(path, &array, depth).map(|b| b.0));
    let good = good.map(Result::unwrap_or_default);
    attack("png", &good, |bytes| sound(png::read(path, bytes)));
}

#[test]
fn mutants_of_tiff() {
    let path = Path::new("file.tif");
    let colour = Array {
        colour: true,
        ..Array::new(vec![3, 2, 4], array().values)
    };
    let pages = Array::new(vec![2, 3, 4], array().values);
    let good = [array(), colour, pages];
    let good = good.map(|array| tiff::bytes(path, &array).unwrap_or_default());
    attack("tiff", &good, |bytes| {
        let _ = tiff::read(path, bytes, Some("2"));
        sound(tiff::read(path, bytes, None))
    });
}

#[cfg(feature = "netcdf")]
#[test]
fn mutants_of_netcdf() {
    let path = Path::new("file.nc");
    let written = netcdf::bytes(path, &array()).unwrap_or_default();
    attack("netcdf", &[written, netcdf::tests::records()], |bytes| {
        let _ = netcdf::read(path, bytes, Some("T"));
        match netcdf::read_all(path, bytes) {
            Ok(arrays) => arrays.into_iter().all(|(_, array)| sound(Ok(array))),
            Err(failure) => sound(Err(failure)),
        }
    });
}

#[cfg(feature = "fits")]
#[test]
fn mutants_of_fits() {
    let path = Path::new("file.fits");
    attack("fits", &[fits::tests::sample()], |bytes| {
        let _ = fits::read_all(path, bytes);
        sound(fits::read(path, bytes, None))
    });
}

#[test]
fn mutants_of_jpeg() {
    let path = Path::new("file.jpg");
    attack("jpeg", &jpeg::samples::all(), |bytes| {
        sound(jpeg::read(path, bytes))
    });
}

#[test]
fn mutants_of_descriptions() {
    let inversion = "target = 'y.npy'\nsimulator = { name = 'heat', nu_t = 4.0 }\nstart = { value = 1.0, count = 3 }\n\
                     noise = { std = 0.5 }\nstop = { discrepancy = 1.0, time = '2m' }\n[[prior]]\nname = 'tikhonov'\n\
                     weight = 1e-3\n";
    attack("inversion", &[inversion.into()], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let table = toml::from_str::<toml::Table>(&text).ok();
        table.is_some_and(|table| InversionSpec::from_table("file.toml", table).is_ok())
    });
    let sweep = "kind = 'random'\ncount = 3\n[over]\nrule.x = { from = 1e-6, to = 1.0, scale = 'log' }\na = [1, 2]\n";
    attack("sweep", &[sweep.into()], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let draws = toml::from_str::<crate::batch::Draws>(&text).ok();
        let name = "file.toml";
        let listing = crate::batch::Listing { name, text: &text };
        draws.is_some_and(|draws| draws.all(&listing).is_ok())
    });
    for (name, text) in [crate::experiment::BUILT_IN[0], crate::training::BUILT_IN[0]] {
        attack(name, &[text.into()], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let one = toml::from_str::<retrodict::spec::ExperimentSpec>(&text).is_ok();
            let two = toml::from_str::<retrodict::spec::TrainingSpec>(&text).is_ok();
            one || two
        });
    }
}

#[test]
fn mutants_of_checkpoints_with_a_checksum_that_fits() {
    let (path, magic) = (Path::new("file.checkpoint"), b"mutants1");
    let theta = vec![0.1, f64::MIN_POSITIVE, -3.0];
    let mut state = retrodict::training::Checkpoint::at(theta);
    state.rule = vec![1, 2, 3];
    let mut checkpoint = Checkpoint::new("adam", 2, state);
    checkpoint.ended = Some((StatusKind::StepLimit, "it ended".to_owned()));
    let content = rmp_serde::to_vec(&checkpoint).unwrap_or_default();
    attack("checkpoint", &[content], |content| {
        let mut bytes = magic.to_vec();
        bytes.extend(sealed::checksum(content).to_le_bytes());
        bytes.extend(content);
        match sealed::open::<Checkpoint>(path, &bytes, magic, "try again") {
            Ok(_) => true,
            Err(failure) => sound(Err(failure)),
        }
    });
}

/// One that can be read is gone on with, as `resume` does.
#[test]
fn mutants_of_checkpoints_of_inversions() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("y.csv");
    std::fs::write(&target, "1.1\n2.9\n").unwrap();
    let rules = ["levenberg-marquardt", "limited-memory-bfgs"];
    let plans = rules.map(|rule| {
        let text = format!(
            "target = '{}'\nsimulator = {{ name = 'exp', size = 2 }}\nrule = {{ name = '{rule}' }}\n\
             start = {{ value = 1.0 }}\nstop = {{ steps = 3 }}\n",
            target.display()
        );
        let inversion = InversionSpec::from_toml("file.toml", &text).unwrap();
        Plan::new(inversion, &Origin::new::<InversionSpec>("file.toml", text)).unwrap()
    });
    for plan in plans {
        let checkpoint = inversion::CheckpointFile {
            problem: "0".to_owned(),
            rule: plan.rule_words(),
            weights: Vec::new(),
            runs: inversion::go(&plan, inversion::fresh(&plan), None, None).unwrap(),
        };
        let content = rmp_serde::to_vec(&checkpoint).unwrap();
        attack("checkpoint of an inversion", &[content], |content| {
            let read = rmp_serde::from_slice::<inversion::CheckpointFile>(content);
            let Ok(before) = read else {
                return false;
            };
            // As many steps as a hostile limit says would take their time.
            let more = Some(2);
            let Ok(runs) = inversion::reopen(&plan, before, Change::Nothing, more, true) else {
                return false;
            };
            inversion::go(&plan, runs, None, None).is_ok()
        });
    }
}

#[test]
fn mutants_of_questions_to_a_server() {
    let names = ["sine", "heat", "lotka-volterra"];
    let memory = 64e6;
    let offers = names.map(|name| Offer::new(name, toml::Table::new(), memory).unwrap());
    let budget = Budget::new(memory);
    let question = |name: &str, config: &str, inputs: usize, outputs: usize| {
        let list = |count| vec!["0.5"; count].join(",");
        format!(
            r#"{{"name":"{name}","config":{{{config}}},"input":[[{}]],"sens":[{}],"vec":[{}],"outWrt":0,"inWrt":0,"inWrt1":0,"inWrt2":0}}"#,
            list(inputs),
            list(outputs),
            list(inputs)
        )
        .into_bytes()
    };
    let good = [
        question("sine", r#""xi":8.0"#, 2, 2),
        question("heat", r#""shape":[8],"nu_t":2.0"#, 8, 8),
        question("lotka-volterra", r#""dt":0.5"#, 4, 40),
    ];
    for path in [
        "/ModelInfo",
        "/InputSizes",
        "/Evaluate",
        "/Gradient",
        "/ApplyJacobian",
    ] {
        attack(path, &good, |body| {
            // What would take long is ended, as a server does.
            let limit =
                Interrupt::default().with_deadline(Instant::now() + Duration::from_millis(50));
            let answer = limit.within(|| protocol::answer(&offers, &budget, path, body));
            match answer {
                Ok(_) => true,
                Err(refusal) => {
                    assert!((400..600).contains(&refusal.status), "{}", refusal.status);
                    false
                }
            }
        });
    }
}

#[test]
fn mutants_of_weights() {
    let spec = TrainingSpec::from_toml(
        "plan.toml",
        r#"
            simulator = { name = "exp", size = 1 }
            network = { name = "mlp", hidden = [2] }
            stop = { epochs = 0 }
            data = { draw = { kind = "uniform", low = -1.0, high = 1.0 }, train = 4 }
            [[method]]
            name = "adam"
            strategy = "end-to-end"
            rule = "adam"
            batch = 2
        "#,
    )
    .unwrap();
    let method = spec.method("adam").unwrap();
    let training = spec.build(method, 0, registry(), &NoFiles).unwrap();
    let file = NetworkFile::of(&spec, "adam", 0, &training, &training.start()).unwrap();
    attack(
        "safetensors",
        &[file.to_bytes().unwrap()],
        |bytes| match NetworkFile::from_bytes("file.safetensors", bytes, registry()) {
            Ok(_) => true,
            Err(error) => sound(Err(error.into())),
        },
    );
}

#[test]
fn mutants_of_what_folders_hold() {
    let manifest = crate::results::folder::json(&RunManifest::default()).unwrap_or_default();
    let summary = crate::results::folder::json(&Summary::default()).unwrap_or_default();
    let index = Index {
        title: "a".to_owned(),
        names: vec!["b".to_owned(), "c".to_owned()],
    };
    let index = crate::results::folder::json(&index).unwrap_or_default();
    attack("manifest", &[manifest.into()], |bytes| {
        serde_json::from_slice::<RunManifest>(bytes).is_ok()
    });
    attack("summary", &[summary.into(), index.into()], |bytes| {
        serde_json::from_slice::<Summary>(bytes).is_ok()
            || serde_json::from_slice::<Index>(bytes).is_ok()
    });
}
