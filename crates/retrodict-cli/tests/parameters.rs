//! Named parameters, derived quantities, fitted noise and profiles, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use crate::binary::{fail, retrodict, succeed};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// The infected of an epidemic with rates 0.8 and 0.25, with noise of about 0.01.
const INFECTED: &str =
    "0.0309\n0.0452\n0.0499\n0.0723\n0.1122\n0.1750\n0.2252\n0.2721\n0.3171\n0.3261\n";

const FILE: &str = r#"
target = "infected.csv"
simulator = { name = "sir", observe = [1], times = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0] }
noise = { parameter = "sigma" }
profile = ["R0", "recovery"]
stop = { loss_change = 1e-12 }

[[parameter]]
name = "contact"
start = 0.6
unit = "1/day"

[[parameter]]
name = "recovery"
start = 0.3
lower = 0.0
upper = 2.0

[[derived]]
name = "R0"
expression = "contact / recovery"
"#;

fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("infected.csv"), INFECTED).unwrap();
    fs::write(folder.path().join("one.toml"), FILE).unwrap();
    folder
}

fn field(folder: &TempDir, words: &str) -> Value {
    let text = succeed(folder.path(), words);
    let whole: Value = serde_json::from_str(&text).unwrap();
    whole["fields"][0].clone()
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let mut entries = list.as_array().unwrap().iter();
    entries.find(|entry| entry["name"] == name).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn a_file_and_flags_name_the_same_parameters() {
    let folder = folder();
    let by_file = field(&folder, "solve one.toml --json -o a.npy");
    let by_flags = field(
        &folder,
        "solve sir --target infected.csv --set observe=[1] --set times=[1,2,3,4,5,6,7,8,9,10] --set noise.parameter=sigma \
         --parameter contact:start=0.6,unit=1/day --parameter recovery:start=0.3,lower=0,upper=2 \
         --derived R0=contact/recovery --profile R0,recovery --set stop.loss_change=1e-12 --json -o b.npy",
    );
    assert_eq!(
        by_file["statistics"]["parameters"],
        by_flags["statistics"]["parameters"]
    );
    assert_eq!(by_file["profiles"], by_flags["profiles"]);
    let statistics = &by_file["statistics"];
    let contact = named(&statistics["parameters"], "contact");
    assert!((number(&contact["value"]) - 0.8).abs() < 0.05);
    assert_eq!(contact["unit"], "1/day");
    let ratio = named(&statistics["quantities"], "R0");
    let recovery = named(&statistics["parameters"], "recovery");
    let expected = number(&contact["value"]) / number(&recovery["value"]);
    assert!((number(&ratio["value"]) / expected - 1.0).abs() < 1e-12);
    assert_eq!(statistics["noise"], "fitted");
    assert_eq!(statistics["criteria"]["parameters"], 3);
    let profile = named(&by_file["profiles"], "R0");
    assert_eq!(profile["profile"]["identifiability"], "identifiable");
}

#[test]
fn what_is_printed_and_drawn_speaks_of_the_parameters() {
    let folder = folder();
    let text = succeed(
        folder.path(),
        "solve one.toml --parameter recovery:fixed=0.25 --profile R0 --out run",
    );
    for part in [
        "contact ",
        "recovery ",
        "fixed",
        "R0 = contact / recovery",
        "sigma",
        "noise level fitted",
        "AIC",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        !text.contains("x[0]") && !text.contains("ln contact"),
        "{text}"
    );
    let report = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    for part in [
        "Profile likelihoods",
        "Profile of R0",
        "R0 = contact / recovery",
    ] {
        assert!(report.contains(part), "{part}");
    }
    // The folder holds all of it: the same again.
    let again = succeed(folder.path(), "resume run --steps 5");
    assert!(again.contains("R0 = contact / recovery"), "{again}");
    assert!(succeed(folder.path(), "report run").contains("report.html"));
}

#[test]
fn a_formula_is_a_model_of_its_own() {
    let folder = folder();
    fs::write(
        folder.path().join("decay.csv"),
        "3.02\n2.19\n1.76\n1.43\n1.29\n1.15\n",
    )
    .unwrap();
    let found = field(
        &folder,
        "solve formula --set formula=a*exp(-k*t)+c --set times=[0,1,2,3,4,5] --target decay.csv --parameter a:start=1 \
         --parameter k:start=1,log --parameter c:tied=a/2 --profile all --json -o x.npy",
    );
    let statistics = &found["statistics"];
    assert!((number(&named(&statistics["parameters"], "k")["value"]) - 0.5).abs() < 0.1);
    let tied = named(&statistics["quantities"], "c");
    assert_eq!(tied["formula"], "a/2");
    assert_eq!(found["profiles"].as_array().unwrap().len(), 2);
    let wrong = fail(
        folder.path(),
        "solve formula --set formula=a*exp(-k*t --target decay.csv -o x.npy",
        2,
    );
    assert!(wrong.contains("')' is missing at column 11"), "{wrong}");
}

#[test]
fn wrong_parameters_are_told_with_their_place() {
    let folder = folder();
    let mut wrong: Vec<String> = Vec::new();
    for (flags, parts) in [
        (
            "--parameter recovery:tied=2*contct",
            &[
                "--parameter recovery:tied=2*contct",
                "did you mean 'contact'",
            ][..],
        ),
        ("--parameter recovery:tied=2*", &["is missing at column 3"]),
        (
            "--parameter recovery:tied=contact,start=none",
            &["--parameter recovery:tied=contact,start=none"],
        ),
        ("--parameter recovry:start=1", &["did you mean 'recovery'"]),
        ("--parameter recovery:strat=1", &["did you mean 'start'"]),
        (
            "--parameter recovery:unit=1/h",
            &["the simulator takes it in 1/day"],
        ),
        (
            "--parameter recovery:fixed=3",
            &["within its bounds, [0, 2]"],
        ),
        (
            "--parameter recovery:start=3",
            &["within its bounds, [0, 2]"],
        ),
        (
            "--parameter recovery:lower=3",
            &["must not exceed upper = 2"],
        ),
        (
            "--parameter recovery:fixed=0.2 --profile recovery",
            &["--profile recovery", "a constant has no profile"],
        ),
        (
            "--profile recovry",
            &["--profile recovry", "did you mean 'recovery'"],
        ),
        (
            "--derived R1=contact/",
            &["--derived R1=contact/", "derived 'R1'"],
        ),
        ("--derived contact=2*recovery", &["given more than once"]),
        ("--derived R1", &["expected NAME=FORMULA"]),
        ("--bounds 0,1", &["bounds", "keep one"]),
        ("--noise 0.1", &["noise.parameter"]),
        (
            "--set noise.parameter=[a,b]",
            &["noise.parameter", "written with quotes"],
        ),
        (
            "--set noise.parameter=['a','b','c']",
            &["noise.parameter", "give one name"],
        ),
        ("--set recovery.tied=contact", &["has no start of its own"]),
    ] {
        let message = fail(
            folder.path(),
            &format!("solve one.toml {flags} -o x.npy"),
            2,
        );
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in parts {
            wrong.extend(
                (!message.contains(part)).then(|| format!("{flags}: no '{part}' in {message}")),
            );
        }
        assert!(!folder.path().join("x.npy").exists(), "{flags}");
    }
    for (from, to, line, part) in [
        (
            "start = 0.6",
            "tied = \"2 * recovery\"\n[[parameter]]\nname = \"x\"\ntied = \"x\"",
            13,
            "x → x",
        ),
        (
            "lower = 0.0",
            "lower = 0.0\ntransform = \"lag\"",
            17,
            "transform",
        ),
        (
            "name = \"recovery\"",
            "name = \"contact\"",
            14,
            "given more than once",
        ),
        (
            "expression = \"contact",
            "expression = \"contct",
            21,
            "did you mean 'contact'",
        ),
    ] {
        fs::write(folder.path().join("two.toml"), FILE.replace(from, to)).unwrap();
        let message = fail(folder.path(), "solve two.toml -o x.npy", 2);
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [&format!("two.toml, line {line}"), part] {
            wrong.extend(
                (!message.contains(part)).then(|| format!("{from}: no '{part}' in {message}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn linear_constraints_are_formulas_too() {
    let folder = folder();
    let free = "solve one.toml --profile R0 --json -o x.npy";
    let value = |words: &str, name: &str| {
        let found = field(&folder, words);
        number(&named(&found["statistics"]["parameters"], name)["value"])
    };
    assert!(value(free, "contact") > 0.75);
    let file = FILE.replace(
        "profile = [\"R0\", \"recovery\"]\n",
        "constraint = \"contact + recovery <= 0.9\"\n",
    );
    let file = file.replace(
        "recovery\"\nstart",
        "recovery\"\ntransform = \"none\"\nstart",
    );
    let file = file.replace("contact\"\nstart", "contact\"\ntransform = \"none\"\nstart");
    fs::write(folder.path().join("two.toml"), file).unwrap();
    let words = "solve two.toml --json -o x.npy";
    let sum = value(words, "contact") + value(words, "recovery");
    assert!((sum - 0.9).abs() < 1e-9, "{sum}");
    for (flags, part) in [
        (
            "--constraint contact*recovery<=1",
            "--constraint 'contact*recovery<=1'",
        ),
        ("--constraint contct<=1", "did you mean 'contact'"),
        ("--constraint contact", "between its sides"),
        ("--method adam", "adam"),
        ("--parameter contact:log", "constraint"),
        ("--constraint contact>=5", "contact + recovery <= 0.9"),
    ] {
        let message = fail(
            folder.path(),
            &format!("solve two.toml {flags} -o x.npy"),
            2,
        );
        assert!(message.contains(part), "{flags}: {message}");
    }
}

#[test]
fn what_the_help_points_at_is_there() {
    let folder = folder();
    for (name, key) in [
        ("parameter", "tied"),
        ("derived", "expression"),
        ("inversion", "constraint"),
    ] {
        assert!(
            succeed(folder.path(), &format!("list {name}")).contains(key),
            "{name}"
        );
    }
    // Every start is one that the logarithms of the rates have.
    let many = field(
        &folder,
        "solve one.toml --starts 6 --spread 2 --profile R0 --json -o x.npy",
    );
    let solutions = many["solutions"].as_array().unwrap().iter();
    let starts: u64 = solutions.map(|s| s["starts"].as_u64().unwrap()).sum();
    assert_eq!(starts, 6);
}

#[test]
fn options_of_profiles_come_from_file_and_settings() {
    let folder = folder();
    let interval = |words: &str| {
        let found = field(&folder, words);
        let facts = named(&found["profiles"], "R0").clone();
        let side = |side: &str| number(&facts["profile"][side]["crosses"]);
        (side("high") - side("low"), number(&facts["level"]))
    };
    let (usual, level) = interval("solve one.toml --json -o x.npy");
    assert_eq!(level, 0.95);
    let (narrow, level) = interval("solve one.toml --set profile.level=0.5 --json -o x.npy");
    assert!(level == 0.5 && narrow < 0.6 * usual, "{narrow} of {usual}");
    let table = FILE.replace(
        "profile = [\"R0\", \"recovery\"]",
        "profile = { of = \"R0\", level = 0.5, points = 12 }",
    );
    fs::write(folder.path().join("two.toml"), table).unwrap();
    let (same, _) = interval("solve two.toml --json -o x.npy");
    assert!((same / narrow - 1.0).abs() < 1e-3, "{same} and {narrow}");
    let text = succeed(folder.path(), "solve two.toml -o x.npy");
    assert!(
        text.contains("50 % intervals by profile likelihood"),
        "{text}"
    );
    // Flags say of what, and keep how.
    let text = succeed(folder.path(), "solve two.toml --profile recovery --dry-run");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("profile likelihoods of recovery at 50 %"),
        "{text}"
    );
    for (setting, part) in [
        ("profile.level=1.5", "level"),
        ("profile.levl=0.5", "did you mean 'level'"),
        ("profile.points=1", "at least 2"),
    ] {
        let words = format!("solve one.toml --set {setting} -o x.npy");
        let message = fail(folder.path(), &words, 2);
        assert!(message.contains(part), "{setting}: {message}");
    }
    assert!(succeed(folder.path(), "list profile").contains("reach"));
}

#[test]
fn profiles_under_constraints_are_refused_clearly() {
    let folder = folder();
    let file = FILE.replace(
        "profile = [\"R0\", \"recovery\"]\n",
        "profile = \"contact\"\nconstraint = \"contact + recovery <= 0.9\"\n",
    );
    let file = file.replace("\"\nstart", "\"\ntransform = \"none\"\nstart");
    fs::write(folder.path().join("two.toml"), file).unwrap();
    let text = succeed(folder.path(), "solve two.toml -o x.npy");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "no profile likelihoods",
        "without linear constraints",
        "bounds",
    ] {
        assert!(text.contains(part), "no '{part}' in {text}");
    }
}

#[test]
fn a_program_takes_as_many_values_as_parameters_are_named() {
    let folder = folder();
    fs::write(folder.path().join("y.csv"), "3\n4\n").unwrap();
    let model = r#"sh -c "cp '{input}' '{output}'""#;
    let solve = |words: &str| {
        let mut command = retrodict(folder.path());
        command.args([
            "solve",
            "--command",
            model,
            "--outputs",
            "2",
            "--target",
            "y.csv",
        ]);
        command.args(words.split_whitespace()).output().unwrap()
    };
    let errors =
        |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let found = solve("--parameter a:start=1 --parameter b:start=1 --json -o x.npy");
    assert!(found.status.success(), "{}", errors(&found));
    let whole: Value = serde_json::from_slice(&found.stdout).unwrap();
    let found = &whole["fields"][0]["statistics"]["parameters"];
    assert!((number(&named(found, "b")["value"]) - 4.0).abs() < 1e-6);
    // A number that is said is the one that holds, and names that are too few or too many are refused.
    for (words, part) in [
        (
            "--inputs 3 --parameter a:start=1 --parameter b:start=1 -o x.npy",
            "the model takes 3 values",
        ),
        (
            "--inputs 1 --parameter a:start=1 --parameter b:start=1 -o x.npy",
            "parameter 'b'",
        ),
        ("-o x.npy", "--inputs N"),
    ] {
        let output = solve(words);
        let message = errors(&output);
        assert_eq!(output.status.code(), Some(2), "{words}: {message}");
        assert!(message.contains(part), "{words}: {message}");
    }
}
