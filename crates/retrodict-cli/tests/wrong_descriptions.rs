//! Whatever is wrong with a value of a description is told with its file, line and key, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use crate::binary::fail;
use tempfile::{TempDir, tempdir};

const INVERSION: &str = r#"
target = "y.csv"
simulator = { name = "sine", xi = 2.0 }
transform = ["none"]

[rule]
name = "gauss-newton"
learning_rate = 0.5

[start]
value = 0.1
count = 3
spread = 0.5

[noise]
std = 0.1

[bounds]
lower = 0.0
upper = 2.0

[stop]
steps = 40
gradient = 1e-7

[[prior]]
name = "tikhonov"
weight = 1e-3
"#;

const TRAINING: &str = r#"
simulator = { name = "exp", size = 1 }
network = { name = "mlp", hidden = [10] }
loss = "squared"

[stop]
epochs = 1

[data]
draw = { kind = "uniform", low = -1.0, high = 1.0 }
train = 64
test = 16

[[method]]
name = "hig"
strategy = "end-to-end"
rule = { name = "half-inverse", learning_rate = 1.0 }
batch = 16

[[method]]
name = "adam"
strategy = "supervised"
rule = "adam"
batch = 16
clip = 1.0
"#;

const EXPERIMENT: &str = r#"
[[problem]]
name = "square"
simulator = { name = "sine", xi = 2.0 }
noise = 0.1
target = [0.5, 0.2]
truth = { kind = "values", values = [0.5, 0.1] }
start = { kind = "values", values = [0.3, 0.3] }

[[method]]
name = "newton"
rule = { name = "newton", learning_rate = 0.5 }
steps = 10
problems = ["square"]

[[method]]
name = "lm"
rule = "levenberg-marquardt"
starts = 2
spread = 0.5
stop = { gradient = 1e-6 }
"#;

const BATCH: &str = r#"
[inversion]
target = "y.csv"
simulator = { name = "sine", xi = 2.0 }
rule = { name = "adam" }
stop = { steps = 3 }

[[problem]]
name = "left"
set = { noise.std = 0.1 }

[[problem]]
name = "right"
[problem.set]
noise.std = 0.2

[sweep.over]
"rule.learning_rate" = [0.1, 0.2]
"stop.plateau" = { from = 0.1, to = 0.2, count = 2 }
"#;

/// A folder with the data that the descriptions name.
fn prepared() -> TempDir {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("y.csv"), "0.4\n0.7\n").unwrap();
    fs::write(folder.path().join("three.csv"), "0.4\n0.7\n0.1\n").unwrap();
    folder
}

/// A change of a description, where the changed text is wrong, and the key there.
type Wrong<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Runs a command on a text with one change each; the messages must name the line and the key.
fn refused(words: &str, code: i32, text: &str, changes: &[Wrong<'_>]) {
    let mut lacking = Vec::new();
    for (from, to, at, key) in changes {
        let folder = prepared();
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        fs::write(folder.path().join("wrong.toml"), &changed).unwrap();
        let message = fail(folder.path(), words, code);
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = 1 + changed.lines().position(|line| line.contains(at)).unwrap();
        let place = format!("wrong.toml, line {line}: ");
        let mut said = message.split(|c: char| !c.is_alphanumeric() && c != '_');
        if !message.contains(&place) || !said.any(|word| word == *key) {
            lacking.push(format!("{to}: no '{place}' or '{key}' in: {message}"));
        }
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

#[test]
fn inversions() {
    refused(
        "solve wrong.toml -o x.csv",
        2,
        INVERSION,
        &[
            ("\"y.csv\"", "\"gone.csv\"", "gone.csv", "target"),
            ("\"y.csv\"", "[0.5, 0.2, nan]", "nan", "target"),
            ("\"y.csv\"", "\"y.docx\"", "y.docx", "target"),
            ("\"sine\"", "\"sin\"", "\"sin\"", "simulator"),
            ("xi = 2.0", "xii = 2.0", "xii", "xii"),
            ("xi = 2.0", "xi = nan", "xi = nan", "xi"),
            (
                "[\"none\"]",
                "[\"log\", \"log\", \"log\"]",
                "transform",
                "transform",
            ),
            ("gauss-newton", "gaus-newton", "gaus-newton", "rule"),
            (
                "learning_rate = 0.5",
                "learning_rate = -1.0",
                "learning_rate",
                "learning_rate",
            ),
            ("value = 0.1", "values = [0.1]", "values", "values"),
            ("value = 0.1", "file = \"three.csv\"", "three.csv", "file"),
            ("value = 0.1", "file = \"gone.csv\"", "gone.csv", "file"),
            (
                "value = 0.1",
                "value = 0.1\nvalues = [0.1, 0.2]",
                "values",
                "values",
            ),
            ("count = 3", "count = 0", "count", "count"),
            ("count = 3", "count = 1", "spread", "spread"),
            ("spread = 0.5", "spread = -0.5", "spread", "spread"),
            ("std = 0.1", "std = -0.1", "std", "std"),
            ("std = 0.1", "std = [0.1, 0.2, 0.3]", "std", "std"),
            ("std = 0.1", "std = [0.1, -0.2]", "std", "std"),
            (
                "std = 0.1",
                "std_file = \"gone.csv\"",
                "std_file",
                "std_file",
            ),
            (
                "std = 0.1",
                "covariance = [[1.0, 2.0], [2.0, 1.0]]",
                "covariance",
                "covariance",
            ),
            (
                "std = 0.1",
                "robust = { name = \"huber\", delta = -1.0 }",
                "delta",
                "delta",
            ),
            (
                "std = 0.1",
                "relative = 0.1\nstd = 0.1 # two",
                "# two",
                "relative",
            ),
            ("lower = 0.0", "lower = 3.0", "lower", "bounds"),
            ("upper = 2.0", "upper = [2.0, 2.0, 2.0]", "upper", "upper"),
            (
                "gradient = 1e-7",
                "gradient = -1.0",
                "gradient = -1",
                "gradient_below",
            ),
            (
                "steps = 40",
                "plateau_steps = 0",
                "plateau_steps",
                "plateau_steps",
            ),
            ("steps = 40", "steps = -1", "steps = -1", "steps"),
            ("steps = 40", "time = \"soon\"", "soon", "time"),
            (
                "std = 0.1\n",
                "\n# none\n[posterior]\nrank = 3\n",
                "[posterior]",
                "posterior",
            ),
            ("\"tikhonov\"", "\"tikhonof\"", "tikhonof", "prior"),
            ("weight = 1e-3", "weight = -1e-3", "weight", "weight"),
            ("weight = 1e-3", "order = 7", "order", "order"),
            (
                "weight = 1e-3",
                "weight = \"gcv\"\n[[prior]]\nname = \"sparsity\"",
                "gcv",
                "weight",
            ),
        ],
    );
    // Without a noise level.
    let text = INVERSION.replace("std = 0.1", "");
    refused(
        "solve wrong.toml -o x.csv",
        2,
        &text,
        &[(
            "gradient = 1e-7",
            "discrepancy = true",
            "discrepancy",
            "discrepancy",
        )],
    );
    let inverse = "inverse = { name = \"path\", tolerance = 0.0 }\n[rule]";
    let text = INVERSION.replacen("[rule]", inverse, 1);
    refused(
        "solve wrong.toml -o x.csv",
        2,
        &text,
        &[(
            "gauss-newton",
            "inverse-simulator",
            "tolerance",
            "tolerance",
        )],
    );
}

#[test]
fn trainings() {
    refused(
        "train wrong.toml --out run",
        2,
        TRAINING,
        &[
            ("\"exp\"", "\"expp\"", "expp", "simulator"),
            ("size = 1", "size = 0", "size = 0", "size"),
            ("hidden = [10]", "hidden = [0]", "hidden", "hidden"),
            (
                "\"squared\"",
                "{ name = \"huber\", delta = 0.0 }",
                "huber",
                "delta",
            ),
            ("epochs = 1", "plateau = 2.0", "plateau", "plateau"),
            ("epochs = 1", "", "[stop]", "stop"),
            (
                "\"uniform\", low = -1.0, high = 1.0",
                "\"power-law\", exponent = -1.0",
                "draw",
                "exponent",
            ),
            (
                "{ kind = \"uniform\", low = -1.0, high = 1.0 }",
                "{ kind = \"file\", path = \"no.npz\" }",
                "draw",
                "draw",
            ),
            ("low = -1.0", "low = 2.0", "draw", "low"),
            ("high = 1.0", "high = nan", "draw", "high"),
            (
                "\"uniform\", low = -1.0",
                "\"states\", option = \"initial\", low = 1.0",
                "draw",
                "low",
            ),
            (
                "\"uniform\", low = -1.0",
                "\"waves\", frequencies = [1.0], low = 1.0",
                "draw",
                "low",
            ),
            ("train = 64", "train = 0", "train", "train"),
            ("train = 64", "train = 100000000", "train", "train"),
            ("test = 16", "test = -1", "test", "test"),
            (
                "\"end-to-end\"",
                "\"end-to-ends\"",
                "end-to-ends",
                "strategy",
            ),
            (
                "\"end-to-end\"",
                "{ name = \"corrected-targets\", rule = \"newtn\" }",
                "newtn",
                "rule",
            ),
            (
                "learning_rate = 1.0",
                "learning_rate = -1.0",
                "-1.0 }",
                "learning_rate",
            ),
            ("batch = 16", "batch = 100", "batch = 100", "batch"),
            ("clip = 1.0", "clip = 0.0", "clip", "clip"),
            (
                "name = \"adam\"",
                "name = \"hig\" # again",
                "again",
                "methods",
            ),
            (
                "clip = 1.0",
                "schedule = { kind = \"cosine\", steps = 0 }",
                "schedule",
                "schedule",
            ),
        ],
    );
}

#[test]
fn experiments() {
    refused(
        "run wrong.toml --out run",
        2,
        EXPERIMENT,
        &[
            ("\"sine\"", "\"sin\"", "\"sin\"", "simulator"),
            ("xi = 2.0", "xi = inf", "xi", "xi"),
            ("noise = 0.1", "noise = -0.1", "noise", "noise"),
            (
                "target = [0.5, 0.2]",
                "target = [0.5, 0.2, 0.1]",
                "target",
                "target",
            ),
            ("values = [0.5, 0.1]", "values = [0.5]", "truth", "truth"),
            (
                "{ kind = \"values\", values = [0.5, 0.1] }",
                "{ kind = \"file\", path = \"gone.npy\" }",
                "gone.npy",
                "truth",
            ),
            ("values = [0.3, 0.3]", "values = [0.3]", "[0.3]", "start"),
            (
                "\"values\", values = [0.3, 0.3]",
                "\"near\", radius = -0.5",
                "radius",
                "radius",
            ),
            (
                "target = [0.5, 0.2]\ntruth = { kind = \"values\", values = [0.5, 0.1] }",
                "truth = { kind = \"states\", option = \"initial\", low = 1.0, high = 1.0, count = 2 }",
                "states",
                "low",
            ),
            (
                "learning_rate = 0.5",
                "learning_rate = 0.0",
                "learning_rate",
                "learning_rate",
            ),
            ("[\"square\"]", "[\"cube\"]", "cube", "problem"),
            (
                "\"levenberg-marquardt\"",
                "\"levenberg\"",
                "\"levenberg\"",
                "rule",
            ),
            ("spread = 0.5", "spread = 0.0", "spread", "spread"),
            (
                "gradient = 1e-6",
                "gradient = -1e-6",
                "gradient",
                "gradient_below",
            ),
            (
                "starts = 2",
                "loss_below = -1.0",
                "loss_below",
                "loss_below",
            ),
        ],
    );
}

#[test]
fn batches() {
    refused(
        "batch wrong.toml --out out",
        2,
        BATCH,
        &[
            ("std = 0.2", "stdd = 0.2", "stdd", "stdd"),
            (
                "learning_rate\"",
                "learning_rat\"",
                "learning_rat\"",
                "learning_rat",
            ),
            ("count = 2", "count = 1", "stop.plateau", "plateau"),
            ("[0.1, 0.2]", "[]", "rule.learning_rate", "learning_rate"),
            ("\"right\"", "\"left\" # again", "again", "name"),
            ("steps = 3", "step = \"few\"", "few", "step"),
            ("\"adam\"", "\"adm\"", "adm", "rule"),
        ],
    );
    // What is found as a problem is posed leaves the others to be solved.
    let text = BATCH.replace("\"stop.plateau\"", "# \"stop.plateau\"");
    refused(
        "batch wrong.toml --out out",
        3,
        &text,
        &[
            ("std = 0.2", "std = -0.2", "std = -0.2", "std"),
            (
                "[0.1, 0.2]",
                "[0.1, -0.2]",
                "rule.learning_rate",
                "learning_rate",
            ),
            ("xi = 2.0", "xi = nan", "xi", "xi"),
            ("\"y.csv\"", "\"gone.csv\"", "gone.csv", "target"),
        ],
    );
}

/// A value that a flag or a change gave is not looked for in the file.
#[test]
fn changes_are_pointed_at_in_place_of_the_file() {
    let folder = prepared();
    fs::write(folder.path().join("right.toml"), INVERSION).unwrap();
    for (words, start) in [
        ("--noise-std 0", "--noise-std 0: noise.std = 0"),
        (
            "--target gone.csv",
            "--target gone.csv: cannot read gone.csv",
        ),
        ("--bounds 2,1", "--bounds 2,1: bounds of x[0]"),
        (
            "--set rule.learning_rate=-1",
            "--set rule.learning_rate=-1: learning_rate = -1",
        ),
        ("--set xi=nan", "--set xi=nan: xi = NaN"),
        (
            "--stop gradient=-1",
            "--stop gradient=-1: gradient_below = -1",
        ),
        ("--set rule=newtn", "--set rule=newtn: unknown rule 'newtn'"),
    ] {
        let message = fail(
            folder.path(),
            &format!("solve right.toml {words} -o x.csv"),
            2,
        );
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            message.contains(start) && !message.contains("right.toml"),
            "{message}"
        );
    }
}
