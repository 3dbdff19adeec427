//! What `solve` tells of an answer's certainty, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use crate::binary::{fail, run, succeed};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

fn assert_says(message: &str, parts: &[&str]) {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
}

fn near(value: &Value, expected: f64, share: f64) {
    let found = value.as_f64().unwrap();
    assert!(
        (found / expected - 1.0).abs() < share,
        "{found} is not {expected}"
    );
}

fn result(folder: &Path) -> Value {
    let bytes = fs::read(folder.join("result.json")).unwrap();
    serde_json::from_slice::<Value>(&bytes).unwrap()[0].clone()
}

fn array(path: &Path) -> (Vec<u64>, Vec<f64>) {
    let bytes = fs::read(path).unwrap();
    let file = npyz::NpyFile::new(&bytes[..]).unwrap();
    (file.shape().to_vec(), file.into_vec().unwrap())
}

/// A model in awk: y = x₁ + x₂ t, or x₁ + (x₂ + x₃) t with three unknowns, at t = −3, −1, 1, 3. It counts how
/// often it is asked, and breaks beyond a limit.
const MODEL: &str = r#"
n=$(cat asked 2>/dev/null || echo 0)
n=$((n + 1))
echo $n > asked
if [ -f limit ] && [ $n -gt "$(cat limit)" ]; then echo "out of paper" >&2; exit 1; fi
awk -F'[][,]' '{ s = $3 + $4
  printf "[%.17g,%.17g,%.17g,%.17g]", $2 - 3 * s, $2 - s, $2 + s, $2 + 3 * s }' "$1" > "$2"
"#;

fn line(inputs: usize) -> (TempDir, Vec<String>) {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("model.sh"), MODEL).unwrap();
    fs::write(folder.path().join("y.csv"), "1\n-1\n2\n4\n").unwrap();
    let script = folder.path().join("model.sh");
    let command = format!("sh {} {{input}} {{output}}", script.display());
    let inputs = inputs.to_string();
    let words = [
        "solve",
        "--command",
        &command,
        "--inputs",
        &inputs,
        "--outputs",
        "4",
        "--format",
        "json",
        "--at-once",
        "1",
        "--target",
        "y.csv",
        "--method",
        "gauss-newton",
    ];
    let words = words.map(str::to_owned).to_vec();
    (folder, words)
}

fn solve(folder: &Path, words: &[String], more: &str) -> (String, String) {
    let output = crate::binary::retrodict(folder)
        .args(words)
        .args(more.split_whitespace())
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    (String::from_utf8(output.stdout).unwrap(), errors)
}

/// With Σt = 0 mean and slope decouple: 1.5 and Σty/Σt² = 12/20, Σr² = 5.8, with two data to spare.
#[test]
fn intervals_are_those_of_the_textbook() {
    let (folder, words) = line(2);
    let f = folder.path();
    let (said, _) = solve(f, &words, "--out estimated");
    assert_says(
        &said,
        &[
            "95 % confidence intervals (noise level estimated from the residuals)",
            "4 data, 2 degrees of freedom; rank 2 of 2",
            "root mean square 1.204e0, largest 1.900e0 at y[1]",
            "evaluations for these statistics: 1 forward, 2 jvp",
        ],
    );
    let found = result(&f.join("estimated"));
    let statistics = &found["statistics"];
    assert_eq!(statistics["noise"], "estimated");
    assert_eq!(statistics["chi_squared"], Value::Null);
    // The quantile of Student's t at two degrees of freedom.
    let reach = 4.302_652_729_911_275;
    for (i, (value, share)) in [(1.5, 4.0), (0.6, 20.0)].into_iter().enumerate() {
        let parameter = &statistics["parameters"][i];
        let deviation = (2.9_f64 / share).sqrt();
        assert_eq!(parameter["name"], format!("x[{i}]"));
        near(&parameter["value"], value, 1e-6);
        near(&parameter["deviation"], deviation, 1e-6);
        near(&parameter["low"], value - reach * deviation, 1e-5);
        near(&parameter["high"], value + reach * deviation, 1e-5);
    }
    let (shape, covariance) = array(&f.join("estimated/covariance.npy"));
    assert_eq!(shape, [2, 2]);
    assert!((covariance[3] - 2.9 / 20.0).abs() < 1e-6 && covariance[1].abs() < 1e-6);
    let (_, rest) = array(&f.join("estimated/residuals.npy"));
    assert!((rest[1] + 1.9).abs() < 1e-6, "{rest:?}");
    assert!(!f.join("estimated/unseen.npy").exists());
    let page = fs::read_to_string(f.join("estimated/report.html")).unwrap();
    assert_says(&page, &["Parameters", "Correlations"]);

    // Known noise: Gauss's quantile, and a χ² of 5.8/0.25 for two degrees of freedom, exp(−χ²/2).
    let (said, _) = solve(f, &words, "--noise-std 0.5 --out known");
    assert_says(
        &said,
        &[
            "95 % confidence intervals (noise level given)",
            "χ² = 23.2000, χ²/N = 5.800, reduced χ² = 11.600",
            "p < 0.0001",
        ],
    );
    let found = result(&f.join("known"));
    let statistics = &found["statistics"];
    let deviation = 0.5 / 20.0_f64.sqrt();
    near(&statistics["parameters"][1]["deviation"], deviation, 1e-6);
    near(
        &statistics["parameters"][1]["high"],
        0.6 + 1.959_963_984_540_054 * deviation,
        1e-6,
    );
    near(&statistics["goodness_of_fit"], (-11.6_f64).exp(), 1e-5);
}

#[test]
fn what_the_data_do_not_see_is_named() {
    let (folder, words) = line(3);
    let f = folder.path();
    let (said, errors) = solve(f, &words, "--out run");
    assert!(!errors.contains("fewer"), "{errors}");
    assert_says(
        &said,
        &[
            "rank 2 of 3",
            "1 of 3 directions in x is not identifiable from the data",
            "x[1] − x[2] is not identifiable: changing x along it does not change y",
            "2 of 3 unknowns have infinite confidence intervals",
        ],
    );
    let found = result(&f.join("run"));
    let parameters = &found["statistics"]["parameters"];
    near(&parameters[0]["deviation"], (2.9_f64 / 4.0).sqrt(), 1e-6);
    assert_eq!(parameters[1]["deviation"], Value::Null);
    let (shape, unseen) = array(&f.join("run/unseen.npy"));
    assert_eq!(shape, [1, 3]);
    assert!(unseen[0].abs() < 1e-8 && (unseen[1] + unseen[2]).abs() < 1e-8);
    // A prior determines it, and the file of what is unseen goes.
    let toml = fs::read_to_string(f.join("run/inversion.toml")).unwrap();
    fs::write(
        f.join("run/inversion.toml"),
        format!("{toml}\n[[prior]]\nname = \"tikhonov\"\n"),
    )
    .unwrap();
    let output = succeed(f, "resume run --steps 20");
    assert_says(&output, &["from data and prior", "rank 3 of 3"]);
    assert!(!f.join("run/unseen.npy").exists());
}

#[test]
fn fewer_data_than_unknowns_are_told_before_and_after() {
    let (folder, words) = line(6);
    let f = folder.path();
    let (said, errors) = solve(f, &words, "-o x.csv");
    assert_says(
        &errors,
        &[
            "4 data for 6 unknowns and no prior: the problem is underdetermined; at least 2 directions",
            "J is approximated by central differences",
        ],
    );
    assert_says(
        &said,
        &[
            "4 of 6 directions in x are not identifiable from the data",
            "x[5] is not identifiable",
        ],
    );
    let (_, errors) = solve(f, &words, "-o x.csv --prior tikhonov");
    assert!(!errors.contains("no prior"), "{errors}");
}

/// The program breaks at the first question after the fit.
#[test]
fn statistics_that_fail_leave_the_fit() {
    let (folder, words) = line(2);
    let f = folder.path();
    solve(f, &words, "-o plain.csv --no-statistics");
    let asked = fs::read_to_string(f.join("asked")).unwrap();
    fs::write(f.join("limit"), asked).unwrap();
    fs::remove_file(f.join("asked")).unwrap();
    let (said, _) = solve(f, &words, "--out run -o x.csv");
    assert_says(
        &said,
        &["converged", "note: no statistics:", "out of paper"],
    );
    assert_eq!(
        fs::read(f.join("x.csv")).unwrap(),
        fs::read(f.join("plain.csv")).unwrap()
    );
    let found = result(&f.join("run"));
    assert_eq!(found["statistics"], Value::Null);
    assert_says(found["remarks"][0].as_str().unwrap(), &["out of paper"]);
    // Told again by resume, which found the derivatives another way than the simulator.
    fs::remove_file(f.join("limit")).unwrap();
    let output = run(f, "resume run");
    assert_says(
        &String::from_utf8(output.stderr).unwrap(),
        &["J is approximated by central differences"],
    );
    assert_says(
        &String::from_utf8(output.stdout).unwrap(),
        &["95 % confidence intervals"],
    );
}

/// Temperatures on a line of 32 cells, blurred, with a wobble for noise.
fn blurred(folder: &Path, shape: &[usize]) {
    let n: usize = shape.iter().product();
    let value = |i: usize| (0.4 * i as f64).sin() + 0.05 * (97.0 * (i * i) as f64).sin();
    let row = |k: usize, width: usize| {
        let cells: Vec<String> = (0..width)
            .map(|j| value(k * width + j).to_string())
            .collect();
        cells.join(",")
    };
    let width = if shape.len() == 2 { shape[1] } else { 1 };
    let rows: Vec<String> = (0..n / width).map(|k| row(k, width)).collect();
    fs::write(folder.join("y.csv"), rows.join("\n")).unwrap();
}

#[test]
fn statistics_can_be_left_out() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    blurred(f, &[32]);
    let prior = "--prior tikhonov:order=1";
    let said = succeed(
        f,
        &format!("solve heat --target y.csv {prior} --no-statistics --out run"),
    );
    assert!(!said.contains("intervals"), "{said}");
    assert_eq!(result(&f.join("run"))["statistics"], Value::Null);
    assert!(!f.join("run/deviation.npy").exists());
    // The folder remembers it, and it is not another problem.
    assert!(!succeed(f, "resume run").contains("intervals"));
    let said = succeed(f, "resume run --set statistics=true");
    assert_says(
        &said,
        &["the 3 most and the 3 least certain of 32 unknowns"],
    );
    assert_eq!(array(&f.join("run/deviation.npy")).0, [32]);
}

#[test]
fn a_run_that_ends_at_the_noise_does_not_test_the_model() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    blurred(f, &[32]);
    let said = succeed(f, "solve heat --target y.csv --noise-std 0.05 -o x.csv");
    assert_says(&said, &["the run stopped at the noise level"]);
    assert!(!said.contains("reduced χ²"), "{said}");
}

#[test]
fn a_problem_too_large_says_what_to_do() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    blurred(f, &[36, 36]);
    let said = succeed(f, "solve heat --target y.csv --noise-std 0.05 --out run");
    assert_says(
        &said,
        &[
            "no confidence intervals: a Jacobian of 1296 × 1296 is too large",
            "--posterior",
        ],
    );
    assert!(!f.join("run/deviation.npy").exists());
}

#[test]
fn weights_are_chosen_by_rule_and_kept() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    blurred(f, &[32]);
    let solve = "solve heat --target y.csv --noise-std 0.035 --method gauss-newton";
    for (rule, stored) in [
        ("discrepancy", "discrepancy"),
        ("cross-validation", "cross-validation"),
        ("gcv", "cross-validation"),
        ("l-curve", "l-curve"),
        ("auto", "discrepancy"),
    ] {
        let said = succeed(
            f,
            &format!("{solve} --prior tikhonov:order=2,weight={rule} --out {rule}"),
        );
        assert_says(
            &said,
            &[
                "the regularisation parameter (weight) of tikhonov is",
                &format!("by {stored}"),
                "2 forward, 32 jvp",
            ],
        );
        let own = f.join(rule);
        let found = result(&own);
        let weight = &found["weight"];
        assert_eq!(
            (&weight["rule"], &weight["prior"]),
            (&stored.into(), &"tikhonov".into())
        );
        assert_eq!(weight["counts"]["jvp"], 32);
        let curve = weight["curve"].as_array().unwrap().len();
        assert!((20..=60).contains(&curve), "{curve} points");
        let page = fs::read_to_string(own.join("report.html")).unwrap();
        assert_says(
            &page,
            &[
                "Regularisation parameter",
                "id=\"trade-0\"",
                "id=\"weights-0\"",
            ],
        );
        // The same weight as a number leads to the same x.
        let number = weight["weight"].as_f64().unwrap();
        assert!(number > 0.0 && number != 1.0);
        succeed(
            f,
            &format!("{solve} --prior tikhonov:order=2,weight={number:e} -o told.npy"),
        );
        assert_eq!(array(&own.join("x.npy")), array(&f.join("told.npy")));
    }
    assert_eq!(
        fs::read(f.join("gcv/x.npy")).unwrap(),
        fs::read(f.join("cross-validation/x.npy")).unwrap()
    );
    // Another rule goes on with the same weight; other noise asks anew.
    let weight = |run: &str| result(&f.join(run))["weight"].clone();
    let before = weight("discrepancy");
    succeed(f, "resume discrepancy --set rule=levenberg-marquardt");
    assert_eq!(weight("discrepancy"), before);
    succeed(f, "resume discrepancy --set noise.std=0.2");
    assert_ne!(weight("discrepancy")["weight"], before["weight"]);
    // A file says the same.
    fs::write(
        f.join("file.toml"),
        "target = 'y.csv'\nsimulator = { name = 'heat' }\nnoise = { std = 0.035 }\nrule = { name = 'gauss-newton' }\n\
         prior = [{ name = 'tikhonov', order = 2, weight = 'gcv' }]",
    )
    .unwrap();
    succeed(f, "solve file.toml -o file.npy");
    assert_eq!(array(&f.join("file.npy")), array(&f.join("gcv/x.npy")));
}

#[test]
fn the_posterior_of_a_field_is_stored() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    blurred(f, &[8, 6]);
    let solve =
        "solve heat --target y.csv --noise-std 0.1 --prior matern:length=4,deviation=1.5,weight=2";
    let said = succeed(f, &format!("{solve} --posterior=48 --out run"));
    assert_says(
        &said,
        &[
            "the data reduce the mean standard deviation",
            "4 samples with seed 0",
        ],
    );
    let run = f.join("run");
    let (shape, deviation) = array(&run.join("posterior-deviation.npy"));
    assert_eq!(shape, [8, 6]);
    // With all eigenvectors it is what the statistics find by a decomposition of J.
    let (_, dense) = array(&run.join("deviation.npy"));
    for (a, b) in deviation.iter().zip(&dense) {
        assert!((a / b - 1.0).abs() < 1e-6, "{a} is not {b}");
    }
    let (shape, samples) = array(&run.join("posterior-samples.npy"));
    assert_eq!(shape, [4, 8, 6]);
    let (_, x) = array(&run.join("x.npy"));
    let spread = samples
        .chunks(48)
        .flat_map(|s| s.iter().zip(&x).zip(&deviation));
    let within = spread
        .filter(|((s, x), d)| (*s - *x).abs() < 2.0 * *d)
        .count();
    assert!(
        (160..192).contains(&within),
        "{within} of 192 within two deviations"
    );
    let found = result(&run);
    assert_eq!(found["posterior"]["samples"], 4);
    assert_eq!(
        found["posterior"]["counts"]["jvp"],
        found["posterior"]["counts"]["vjp"]
    );
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert_says(&page, &["Posterior", "sample 4"]);
    assert_says(&succeed(f, "report run"), &["report.html"]);
    assert_eq!(fs::read_to_string(run.join("report.html")).unwrap(), page);

    // Too few eigenvectors are told; the table in a file says what the flag says, and more.
    let said = succeed(
        f,
        &format!("{solve} --posterior=2 --set nu_t=0.5 --set posterior.samples=1 --out few"),
    );
    assert_says(
        &said,
        &[
            "the last of 2 eigenvalues",
            "with a rank of 4",
            "1 sample with seed 0",
        ],
    );
    assert_eq!(array(&f.join("few/posterior-samples.npy")).0, [1, 8, 6]);
}

#[test]
fn what_cannot_be_is_said_before_anything_is_run() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    blurred(f, &[32]);
    let solve = "solve heat --target y.csv --out run";
    for (flags, parts) in [
        (
            "--prior tikhonov:weight=discrepency",
            &[
                "did you mean 'discrepancy'",
                "cross-validation (gcv) or l-curve",
            ][..],
        ),
        (
            "--prior tikhonov:weight=true",
            &["weight = true is not allowed: it must be a number of 0 or greater, or a rule"],
        ),
        (
            "--prior tikhonov:weight=gcv --prior sparsity",
            &["can choose the weight of only one prior, and there are 2"],
        ),
        (
            "--prior tikhonov:weight=discrepancy",
            &[
                "weight = \"discrepancy\"",
                "the standard deviations of the noise",
            ],
        ),
        (
            "--posterior --noise 0.1",
            &["exactly one prior, matern", "found none"],
        ),
        (
            "--posterior --noise 0.1 --prior tikhonov",
            &["exactly one prior, matern", "found tikhonov"],
        ),
        (
            "--posterior --prior matern",
            &["needs the noise level", "noise with std"],
        ),
        (
            "--posterior=0 --noise 0.1 --prior matern",
            &["posterior.rank = 0", "at least 1"],
        ),
        (
            "--posterior --noise 0.1 --prior matern:weight=0",
            &["matern with weight 0"],
        ),
        (
            "--set posterior.rnk=3 --noise 0.1 --prior matern",
            &["rnk", "rank"],
        ),
    ] {
        assert_says(&fail(f, &format!("{solve} {flags}"), 2), parts);
        assert!(!f.join("run/result.json").exists());
    }
}

#[test]
fn batches_keep_the_statistics_of_each_fit() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("y.csv"), "0.5\n0.2\n").unwrap();
    fs::write(
        f.join("many.toml"),
        "[inversion]\ntarget = 'y.csv'\nsimulator = { name = 'scaling', alpha = 0.01 }\n\
         [sweep.over]\n\"noise.std\" = [0.1, 0.2]",
    )
    .unwrap();
    succeed(f, "batch many.toml --out many");
    succeed(f, "collect many");
    let table = fs::read_to_string(f.join("many/table.csv")).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].ends_with(",x1,x2,x1_deviation,x2_deviation"),
        "{table}"
    );
    for (line, std) in lines[1..].iter().zip([0.1, 0.2]) {
        let cells: Vec<f64> = line
            .rsplit(',')
            .take(2)
            .map(|c| c.parse().unwrap())
            .collect();
        assert!((cells[1] / std - 1.0).abs() < 1e-9, "{line}");
    }
}
