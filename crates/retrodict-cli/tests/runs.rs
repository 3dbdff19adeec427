//! `run`, `solve`, `simulate` and their files, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::binary::{fail, retrodict, succeed};
use serde_json::Value;

fn json(folder: &Path, words: &str) -> Value {
    serde_json::from_str(&succeed(folder, words)).unwrap()
}

fn method<'a>(summary: &'a Value, name: &str) -> &'a Value {
    let methods = summary["methods"].as_array().unwrap();
    methods.iter().find(|m| m["method"] == name).unwrap()
}

fn last_iterate(method: &Value) -> Vec<f64> {
    let path = method["iterates"][0].as_array().unwrap();
    let last = path.last().unwrap().as_array().unwrap();
    last.iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn toy_prints_the_published_iterates() {
    let folder = tempfile::tempdir().unwrap();
    let summary = json(folder.path(), "run toy --json");
    for (name, expected) in [
        ("gradient-descent", [2.45121842066, 0.96171152444]),
        ("newton", [0.05202458975, 0.92383844297]),
        ("inverse-simulator", [0.08474257470, 0.50421]),
    ] {
        let toy = method(&summary, name);
        assert_eq!(toy["iterates"][0].as_array().unwrap().len(), 11);
        let found = last_iterate(toy);
        assert!((found[0] - expected[0]).abs() < 1e-10, "{name}: {found:?}");
        assert!((found[1] - expected[1]).abs() < 1e-10, "{name}: {found:?}");
    }
}

/// Every `expect` in the built-in experiments.
#[test]
fn experiments_come_out_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let mut expectations = 0;
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let Some(text) = path
            .extension()
            .filter(|e| *e == "toml")
            .map(|_| fs::read_to_string(&path))
        else {
            continue;
        };
        let plan: toml::Table = text.unwrap().parse().unwrap();
        let wanted: Vec<(&str, &toml::Value)> = plan["method"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|m| Some((m["name"].as_str()?, m.get("expect")?)))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let summary = json(folder.path(), &format!("run {name} --json"));
        for (name, expect) in wanted {
            let found = method(&summary, name);
            if let Some(count) = expect.get("converged") {
                assert_eq!(
                    found["converged_count"].as_i64(),
                    count.as_integer(),
                    "{name}"
                );
                expectations += 1;
            }
            if let Some(limits) = expect.get("x_error_below").and_then(|l| l.as_table()) {
                for (problem, limit) in limits {
                    let all = summary["methods"].as_array().unwrap();
                    let here = |m: &&Value| m["problem"] == **problem && m["method"] == name;
                    let error = all.iter().find(here).unwrap()["x_error"].as_f64().unwrap();
                    assert!(error < limit.as_float().unwrap(), "{name}: {error}");
                    expectations += 1;
                }
            }
            if let Some(x) = expect.get("x") {
                let tolerance = expect["tolerance"].as_float().unwrap();
                for (f, e) in last_iterate(found).iter().zip(x.as_array().unwrap()) {
                    assert!(
                        (f - e.as_float().unwrap()).abs() <= tolerance,
                        "{name}: {f}"
                    );
                }
                expectations += 1;
            }
        }
    }
    assert!(
        expectations >= 8,
        "only {expectations} expectations were found"
    );
}

#[test]
fn gradient_descent_fails_where_inversion_solves() {
    let folder = tempfile::tempdir().unwrap();
    let summary = json(folder.path(), "run sine --json");
    assert_eq!(method(&summary, "gradient-descent")["converged_count"], 0);
    for name in [
        "newton",
        "gauss-newton",
        "inverse-jacobian",
        "inverse-simulator",
    ] {
        assert_eq!(method(&summary, name)["converged_count"], 100, "{name}");
        assert!(
            method(&summary, name)["steps"].as_i64().unwrap() <= 6,
            "{name}"
        );
    }
}

#[test]
fn scaling_moves_the_gradient_only() {
    let folder = tempfile::tempdir().unwrap();
    let summary = json(folder.path(), "run scaling --json");
    let path = |problem: &str, name: &str| -> Vec<f64> {
        let methods = summary["methods"].as_array().unwrap();
        let found = methods
            .iter()
            .find(|m| m["method"] == name && m["problem"] == problem);
        let points = found.unwrap()["iterates"][0].as_array().unwrap();
        points
            .iter()
            .flat_map(|p| p.as_array().unwrap())
            .map(|v| v.as_f64().unwrap())
            .collect()
    };
    let apart = |name: &str| {
        let pairs = path("alpha-1", name)
            .into_iter()
            .zip(path("alpha-1000000", name));
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    for name in ["newton", "inverse-jacobian", "inverse-simulator"] {
        assert!(apart(name) < 1e-12, "{name}: {}", apart(name));
    }
    assert!(apart("gradient-descent") > 1.0);
}

#[test]
fn a_run_leaves_a_whole_folder() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), "run toy --out here");
    let read = |name: &str| fs::read_to_string(folder.path().join("here").join(name)).unwrap();
    let metrics = read("metrics.csv");
    assert!(metrics.starts_with(
        "method,step,seconds,loss,x_error,step_norm,forward,jvp,vjp,inverse,problem\n"
    ));
    assert_eq!(metrics.lines().count(), 1 + 3 * 11);
    let manifest: Value = serde_json::from_str(&read("manifest.json")).unwrap();
    assert_eq!(manifest["experiment"], "toy");
    assert_eq!(manifest["configuration"]["problem"][0]["name"], "square");
    let before = read("report.html");
    assert!(before.contains("Three ways down a quartic"));
    fs::remove_file(folder.path().join("here/report.html")).unwrap();
    succeed(folder.path(), "report here");
    let plots =
        |page: &str| page.matches("class=\"plot").count() + page.matches("class=plot").count();
    assert_eq!(plots(&read("report.html")), plots(&before));
    assert!(plots(&before) >= 6);
    let files: Vec<_> = fs::read_dir(folder.path().join("here")).unwrap().collect();
    assert_eq!(files.len(), 5, "nothing temporary is left");
}

#[test]
fn a_run_never_overwrites_another() {
    let folder = tempfile::tempdir().unwrap();
    let first = succeed(folder.path(), "run toy");
    let second = succeed(folder.path(), "run toy");
    assert!(first.contains("runs/toy/report.html"), "{first}");
    assert!(second.contains("runs/toy-2/report.html"), "{second}");
}

/// All but the times.
#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |threads: usize| -> Vec<Vec<String>> {
        let words = "--set steps=4 --set truth.count=4";
        let words = words.replace("truth.", "boxes.truth.");
        succeed(
            folder.path(),
            &format!("run heat {words} --threads {threads} --out t{threads}"),
        );
        let text =
            fs::read_to_string(folder.path().join(format!("t{threads}/metrics.csv"))).unwrap();
        let fields = text
            .lines()
            .map(|l| l.split(',').map(str::to_owned).collect::<Vec<_>>());
        fields
            .map(|mut line| {
                line.remove(2);
                line
            })
            .collect()
    };
    assert_eq!(rows(1), rows(2));
}

#[test]
fn a_goal_that_is_missed_is_an_exit_code_on_request() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), "run toy");
    let message = fail(folder.path(), "run toy --require-converged", 1);
    assert!(
        message
            .contains("these did not reach their goal: square · gradient-descent, square · newton"),
        "{message}"
    );
}

#[test]
fn the_photograph_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/data/chelsea.png");
    fs::copy(picture, folder.path().join("cat.png")).unwrap();
    succeed(
        folder.path(),
        "simulate heat --input cat.png --set nu_t=4 --noise 1e-3 -o blurred.png",
    );
    let said = succeed(
        folder.path(),
        "solve heat --target blurred.png --set nu_t=4 --noise 1e-3",
    );
    assert!(said.contains("wrote blurred-solved.png"), "{said}");
    succeed(
        folder.path(),
        "simulate heat --input cat.png --set nu_t=0 -o cat.npy",
    );
    succeed(
        folder.path(),
        "simulate heat --input blurred-solved.png --set nu_t=0 -o found.npy",
    );
    let values = |name: &str| -> Vec<f64> {
        let bytes = fs::read(folder.path().join(name)).unwrap();
        npyz::NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap()
    };
    let (truth, found) = (values("cat.npy"), values("found.npy"));
    let square: f64 = truth
        .iter()
        .zip(&found)
        .map(|(a, b)| (a - b) * (a - b))
        .sum();
    let rms = (square / truth.len() as f64).sqrt();
    assert!(
        rms < 0.038,
        "the reconstruction is off by {rms}; the blurred picture by 0.06"
    );
}

#[test]
fn tables_are_solved_with_the_rule_that_fits() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("y.csv"), "0.01\n12.8\n").unwrap();
    let said = succeed(folder.path(), "solve sine --target y.csv -o x.csv");
    assert!(
        said.contains("inverse-simulator") && said.contains("converged"),
        "{said}"
    );
    succeed(folder.path(), "simulate sine --input x.csv -o back.csv");
    let text = fs::read_to_string(folder.path().join("back.csv")).unwrap();
    let back: Vec<f64> = text.lines().map(|l| l.parse().unwrap()).collect();
    assert!((back[0] - 0.01).abs() < 1e-15 && (back[1] - 12.8).abs() < 1e-13);
}

#[test]
fn checks_audit_and_list_print_their_tables() {
    let folder = tempfile::tempdir().unwrap();
    let checks = succeed(folder.path(), "check heat --set shape=[9,8] --set nu_t=0.5");
    assert!(
        // Above the sweep of the local inverse.
        checks.lines().take_while(|l| !l.is_empty()).count() >= 6 && !checks.contains("FAIL"),
        "{checks}"
    );
    let audit = succeed(folder.path(), "audit");
    assert!(
        !audit.contains("FAIL") && audit.contains("inverse-simulator"),
        "{audit}"
    );
    let list = json(folder.path(), "list --json");
    for (section, name) in [
        ("simulators", "poisson"),
        ("rules", "half-inverse"),
        ("losses", "huber"),
        ("experiments", "toy"),
    ] {
        let items = list[section].as_array().unwrap();
        assert!(items.iter().any(|i| i["name"] == name), "{section}: {name}");
        assert!(
            items
                .iter()
                .all(|i| !i["source"].as_str().unwrap().is_empty()),
            "{section}"
        );
    }
}

/// Ctrl-C ends the method, keeps its best x, and still writes everything.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_a_whole_folder() {
    let folder = tempfile::tempdir().unwrap();
    let words = "run heat --method limited-memory-bfgs --set steps=100000000 --out here";
    let mut child = retrodict(folder.path())
        .args(words.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(700));
    let pid = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .unwrap();
    let clock = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(clock.elapsed() < Duration::from_secs(60), "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = fs::read_to_string(folder.path().join("here/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(manifest["interrupted"], true);
    let text = fs::read_to_string(folder.path().join("here/summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(summary["methods"][0]["status"], "cancelled");
    let metrics = fs::read_to_string(folder.path().join("here/metrics.csv")).unwrap();
    let first = metrics
        .lines()
        .nth(1)
        .unwrap()
        .split(',')
        .nth(3)
        .unwrap()
        .parse::<f64>()
        .unwrap();
    assert!(
        summary["methods"][0]["loss"].as_f64().unwrap() < first,
        "the best x is kept"
    );
    assert!(folder.path().join("here/report.html").exists());
}

#[test]
fn curves_are_drawn_over_data() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), "run lotka-volterra --out run");
    let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    assert!(page.contains("Dots are the data") && page.contains("p0-series-1"));
    let manifest = fs::read_to_string(folder.path().join("run/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let series = &manifest["problems"][0]["series"];
    assert_eq!(series["times"].as_array().unwrap().len(), 21);
    assert_eq!(series["fine"].as_array().unwrap().len(), 161);
    // The pelts themselves, not their logarithms.
    let traces = page.split("\"name\":\"data\"").nth(1).unwrap();
    assert!(
        traces.contains("30.0") || traces.contains("29.99999"),
        "no 30 thousand hares"
    );
}

#[test]
fn states_are_steered_back_to_and_only_the_loss_counts() {
    let folder = tempfile::tempdir().unwrap();
    let line = "run oscillators --set states.truth.count=3 --method levenberg-marquardt --json";
    let summary = json(folder.path(), line);
    let found = method(&summary, "levenberg-marquardt");
    assert_eq!(found["converged_count"], 3);
    assert!(found["x_error"].is_null());
    let line = "run oscillators --set states.truth.option=start --json";
    let said = fail(folder.path(), line, 2);
    assert!(said.contains("unknown key 'start'"), "{said}");
}

#[test]
fn a_filmstrip_shows_the_way_from_x_to_y() {
    let folder = tempfile::tempdir().unwrap();
    succeed(
        folder.path(),
        "run fluid --method inverse-simulator --set inverse-simulator.steps=1 --out run",
    );
    let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    assert!(page.contains("From x to y") && page.contains("<th>step 8</th>"));
    assert_eq!(page.matches("alt=\"frame 5 of ").count(), 2);
}
