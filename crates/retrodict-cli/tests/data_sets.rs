//! Several data sets with shared parameters, through the real binary: fit, statistics, report, batch and messages.

use std::fs;
use std::path::Path;

use crate::binary::{fail, succeed};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// Counts at two sites: 5 exp(−0.6 t) and 2 exp(−0.6 t), rounded to hundredths.
const CASES: &str = "site,day,level\nnorth,0,5.00\nnorth,1,2.74\nnorth,2,1.51\nnorth,4,0.45\nsouth,0,2.00\nsouth,2,0.60\n\
                     south,3,0.33\nsouth,5,0.10\n";

const FILE: &str = r#"
simulator = { name = "formula", formula = "amplitude * exp(-rate * t)" }
noise = { std = 0.01 }

[[observation]]
name = "north"
target = "cases.csv:level?site=north"
simulator = { times = "cases.csv:day?site=north" }

[[observation]]
name = "south"
target = "cases.csv:level?site=south"
simulator = { times = "cases.csv:day?site=south" }

[[parameter]]
name = "amplitude"
scope = "each"
start = 1.0

[[parameter]]
name = "rate"
start = 1.0
unit = "1/d"
"#;

fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("cases.csv"), CASES).unwrap();
    fs::write(folder.path().join("joint.toml"), FILE).unwrap();
    folder
}

fn field(folder: &Path, words: &str) -> Value {
    let whole: Value = serde_json::from_str(&succeed(folder, words)).unwrap();
    whole["fields"][0].clone()
}

fn value(field: &Value, name: &str) -> f64 {
    let parameters = field["statistics"]["parameters"].as_array().unwrap();
    let found = parameters.iter().find(|entry| entry["name"] == name);
    found.unwrap()["value"].as_f64().unwrap()
}

#[test]
fn a_file_and_flags_fit_the_same_data_sets() {
    let folder = folder();
    let by_file = field(folder.path(), "solve joint.toml --json -o a.npy");
    let by_flags = field(
        folder.path(),
        "solve formula --set formula=amplitude*exp(-rate*t) \
         --observation north:target='cases.csv:level?site=north',times='cases.csv:day?site=north',noise.std=0.01 \
         --observation south:target='cases.csv:level?site=south',times='cases.csv:day?site=south',noise.std=0.01 \
         --parameter amplitude:scope=each,start=1 --parameter rate:start=1,unit=1/d --json -o b.npy",
    );
    assert_eq!(by_file["statistics"], by_flags["statistics"]);
    for (name, expected) in [
        ("rate", 0.6),
        ("north.amplitude", 5.0),
        ("south.amplitude", 2.0),
    ] {
        assert!((value(&by_file, name) - expected).abs() < 0.01, "{name}");
    }
    // χ² is that of both, and each is told for itself.
    let sets = by_file["data_sets"].as_array().unwrap();
    assert_eq!(
        (sets[0]["name"].as_str(), sets[1]["data"].as_u64()),
        (Some("north"), Some(4))
    );
    let own: f64 = sets
        .iter()
        .map(|set| set["chi_squared"].as_f64().unwrap())
        .sum();
    let whole = by_file["statistics"]["chi_squared"].as_f64().unwrap();
    assert!((own - whole).abs() < 1e-9 * whole);
    // Without the south, the rate is that of the north.
    let alone = field(
        folder.path(),
        "solve formula --set formula=amplitude*exp(-rate*t) --target cases.csv:level?site=north \
         --times cases.csv:day?site=north --noise-std 0.01 --parameter rate:start=1 --parameter amplitude:start=1 --json -o c.npy",
    );
    assert!((value(&alone, "rate") - value(&by_file, "rate")).abs() > 1e-5);
}

#[test]
fn the_folder_holds_each_data_set_and_is_resumed_and_reported() {
    let folder = folder();
    let said = succeed(folder.path(), "solve joint.toml --steps 2 --out run");
    assert!(
        said.contains("data set") && said.contains("north"),
        "{said}"
    );
    let report = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    for part in [
        "set-0-fit",
        "set-1-fit",
        "2 data sets that share parameters",
        "south.amplitude",
    ] {
        assert!(report.contains(part), "{part}");
    }
    // From elsewhere, and without its file.
    fs::remove_file(folder.path().join("joint.toml")).unwrap();
    let said = succeed(
        folder.path().parent().unwrap(),
        &format!("resume {}/run --steps 50", folder.path().display()),
    );
    assert!(said.contains("converged"), "{said}");
    succeed(folder.path(), "report run");
}

#[test]
fn a_batch_fits_data_sets_together() {
    let folder = folder();
    let sweep = FILE
        .replace("simulator = { name", "[inversion]\nsimulator = { name")
        .replace("[[observation]]", "[[inversion.observation]]")
        .replace("[[parameter]]", "[[inversion.parameter]]");
    let sweep = format!("{sweep}\n[sweep.over]\n\"parameter.rate.start\" = [0.3, 1.0]\n");
    fs::write(folder.path().join("sweep.toml"), sweep).unwrap();
    succeed(folder.path(), "batch sweep.toml --out many");
    succeed(folder.path(), "collect many");
    let table = fs::read_to_string(folder.path().join("many/table.csv")).unwrap();
    assert_eq!(table.lines().count(), 3, "{table}");
    // Data that have changed are solved again.
    fs::write(
        folder.path().join("cases.csv"),
        CASES.replace("5.00", "5.01"),
    )
    .unwrap();
    let said = succeed(folder.path(), "batch sweep.toml --out many");
    assert!(said.contains("2 solved, 0 solved before"), "{said}");
}

#[test]
fn what_cannot_be_is_said_with_its_line() {
    let folder = folder();
    let cases = [
        (
            "name = \"south\"",
            "name = \"north\"",
            "data set 'north' is given more than once",
            11,
        ),
        (
            "times = \"cases.csv:day?site=south\"",
            "times = \"cases.csv:dey?site=south\"",
            "did you mean 'day'",
            13,
        ),
        ("level?site=south", "level?site=suth", "suth", 12),
        (
            "scope = \"each\"",
            "scope = \"nroth\"",
            "did you mean 'north'",
            17,
        ),
        (
            "noise = { std = 0.01 }\n\n[[observation]]\n",
            "\n\n[[observation]]\nnoise.std = 0.01\n",
            "cannot be weighed against each other",
            12,
        ),
        (
            "simulator = { name = \"formula\"",
            "target = [1.0]\nsimulator = { name = \"formula\"",
            "has a target of its own",
            2,
        ),
        (
            "site=south\" }",
            "site=south\", formla = \"1\" }",
            "did you mean 'formula'",
            13,
        ),
    ];
    for (old, new, expected, line) in cases {
        let text = FILE.replace(old, new);
        assert_ne!(text, FILE, "{old}");
        fs::write(folder.path().join("wrong.toml"), text).unwrap();
        let message = fail(folder.path(), "solve wrong.toml -o x.npy", 2);
        assert!(
            message.contains(expected),
            "{message}\nshould say: {expected}"
        );
        assert!(
            message.contains(&format!("wrong.toml, line {line}")),
            "{message}\nshould be line {line}"
        );
    }
    for (flags, expected) in [
        ("--observation west:times=[1]", "its target is missing"),
        ("--observation west", "expected NAME:KEY=VALUE"),
        ("--target cases.csv:level", "has a target of its own"),
        ("--profile rat", "did you mean 'rate'"),
        ("--set observation.nort.noise.std=1", "did you mean 'north'"),
        ("--parameter west.rate:start=1", "west.rate"),
    ] {
        let message = fail(
            folder.path(),
            &format!("solve joint.toml {flags} -o x.npy"),
            2,
        );
        assert!(message.contains(expected), "{flags}: {message}");
    }
    succeed(
        folder.path(),
        "solve joint.toml --set observation.north.noise.std=0.02 -o x.npy",
    );
}
