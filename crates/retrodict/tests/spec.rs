//! A description is read, written, checked and posed, and says what is wrong with it.

use retrodict::registry::Registry;
use retrodict::spec::{Files, InversionSpec, Named, NoFiles, PriorSpec, Values};
use retrodict::{Error, Goal, Result, Status};

const TEXT: &str = r#"
target = [0.9, 0.7, 0.55, 0.4, 0.3]
simulator = { name = "deriv2", size = 5 }
transform = ["none"]
statistics = false

[start]
value = 0.5
count = 3
spread = 0.1

[noise]
std = [0.1, 0.1, 0.1, 0.1, 0.2]

[bounds]
lower = 0.0
upper = [2.0, 2.0, 2.0, 2.0, 2.0]

[stop]
steps = 40
time = "2m"
gradient = 1e-7

[[prior]]
name = "tikhonov"
weight = "gcv"
"#;

#[test]
fn a_description_comes_back_from_its_text() {
    let spec = InversionSpec::from_toml("a.toml", TEXT).unwrap();
    let again = InversionSpec::from_toml("b.toml", &spec.to_toml().unwrap()).unwrap();
    assert_eq!(spec, again);
    assert_eq!(spec.stop.gradient_below, Some(1e-7));
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<InversionSpec>(&json).unwrap(), spec);
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_what_was_meant() {
    for (from, to, parts) in [
        (
            "[bounds]",
            "[bound]",
            &["a.toml, line 15", "did you mean 'bounds'"][..],
        ),
        (
            "gradient = 1e-7",
            "gradiant = 1e-7",
            &["did you mean 'gradient'"],
        ),
        (
            "steps = 40",
            "steps = -1",
            &["a.toml, line 20", "whole number of 0 or more"],
        ),
        (
            "\"gcv\"",
            "\"gvc\"",
            &["prior tikhonov", "did you mean 'gcv'"],
        ),
        ("time = \"2m\"", "time = \"soon\"", &["known: ms, s, m, h"]),
        ("name = \"deriv2\", ", "", &["the name is missing"]),
    ] {
        let text = TEXT.replace(from, to);
        assert_ne!(text, TEXT, "{from}");
        let error = InversionSpec::from_toml("a.toml", &text).unwrap_err();
        assert!(error.is_misuse());
        let message = error.to_string();
        for part in parts {
            assert!(message.contains(part), "{message} lacks {part}");
        }
    }
}

#[test]
fn posing_finds_everything_before_anything_is_run() {
    let pose = |from: &str, to: &str| {
        let text = TEXT.replace(from, to);
        assert_ne!(text, TEXT, "{from}");
        let spec = InversionSpec::from_toml("a.toml", &text)?;
        spec.pose(Registry::standard(), &NoFiles).map(|_| ())
    };
    for (from, to, part) in [
        (
            "name = \"deriv2\"",
            "name = \"derive2\"",
            "did you mean 'deriv2'",
        ),
        ("size = 5", "sise = 5", "did you mean 'size'"),
        ("0.3]", "0.3, 0.2]", "has 6 values, expected 5"),
        ("0.1, 0.2]", "0.1]", "noise.std has 4 values, expected 5"),
        ("0.1, 0.2]", "0.1, -0.2]", "must be greater than 0"),
        (
            "value = 0.5",
            "value = 0.5\nvalues = [1.0]",
            "the start is given more than once",
        ),
        ("lower = 0.0", "lower = 3.0", "must not exceed"),
        (
            "name = \"tikhonov\"",
            "name = \"tikhonof\"",
            "did you mean 'tikhonov'",
        ),
        (
            "[stop]",
            "[rule]\nname = \"adam\"\nlearning_rate = -1.0\n[stop]",
            "learning_rate",
        ),
        (
            "[stop]",
            "[inverse]\nname = \"path\"\ntolerance = 0.0\n[stop]",
            "tolerance",
        ),
        ("std = [", "std_file = \"s.csv\" #", "'s.csv' is a file"),
        ("steps = 40", "plateau_steps = 0", "plateau_steps"),
    ] {
        let message = pose(from, to)
            .map(|()| "nothing".to_owned())
            .unwrap_or_else(|e| e.to_string());
        assert!(message.contains(part), "{to}: {message} lacks {part}");
    }
}

#[test]
fn what_is_posed_is_what_was_said() {
    let spec = InversionSpec::from_toml("a.toml", TEXT).unwrap();
    let posed = spec.pose(Registry::standard(), &NoFiles).unwrap();
    let field = &posed.fields[0];
    assert_eq!((posed.fields.len(), field.starts.len()), (1, 3));
    assert_eq!(field.starts[0], [0.5; 5]);
    assert!(posed.choice.is_some() && posed.reason.is_some());
    assert_eq!(posed.stop.steps, 40);
    let bounds = field.problem.bounds().unwrap();
    assert_eq!((bounds.lower[0], bounds.upper[4]), (0.0, 2.0));
    let chosen = posed
        .choice
        .unwrap()
        .weight(&field.problem, &field.starts[0])
        .unwrap();
    let problem = field.problem.with_weight(0, chosen.weight).unwrap();
    let solution = posed
        .solver()
        .unwrap()
        .solve(&problem, &field.starts[0])
        .unwrap();
    assert!(
        solution.x.iter().all(|x| (0.0..=2.0).contains(x)),
        "{solution:?}"
    );
}

#[test]
fn as_many_noisy_data_as_unknowns_are_fitted_to_their_noise_unless_told_otherwise() {
    let spec = |extra: &str| {
        let text = format!(
            "target = [0.5, 0.1]\nsimulator = {{ name = 'square' }}\nnoise = {{ std = 0.1 }}\n{extra}"
        );
        let text = format!("{text}\nstart = {{ value = 1.0 }}");
        InversionSpec::from_toml("a.toml", &text).unwrap()
    };
    let solve = |spec: &InversionSpec| {
        let posed = spec.pose(Registry::standard(), &NoFiles).unwrap();
        let field = &posed.fields[0];
        posed
            .solver()
            .unwrap()
            .solve(&field.problem, &field.starts[0])
            .unwrap()
    };
    assert_eq!(
        solve(&spec("")).status,
        Status::Converged(Goal::Discrepancy)
    );
    let further = solve(&spec("stop = { loss_below = 1e-12 }"));
    assert_eq!(further.status, Status::Converged(Goal::Loss));
}

#[test]
fn files_are_read_by_whoever_reads_the_description() {
    struct Two;
    impl Files for Two {
        fn read(&self, name: &str, shape: &[usize], _: bool) -> Result<Vec<Vec<f64>>> {
            match name {
                "two" => Ok(vec![vec![0.5; shape[0]], vec![0.25; shape[0]]]),
                _ => Err(Error::File {
                    message: format!("cannot read {name}"),
                }),
            }
        }
    }
    let mut spec = InversionSpec::new(Named::new("scaling"), "two");
    assert_eq!(spec.files(), ["two"]);
    let posed = spec.pose(Registry::standard(), &Two).unwrap();
    assert_eq!(posed.fields.len(), 2);
    assert_eq!(posed.fields[1].data.target(), [0.25, 0.25]);
    spec.bounds.lower = Some(Values::File("none".to_owned()));
    let message = spec
        .pose(Registry::standard(), &Two)
        .err()
        .unwrap()
        .to_string();
    assert_eq!(message, "cannot read none");
}

/// The method is an option of several words, which the feature brings.
#[cfg(feature = "adaptive")]
#[test]
fn options_that_are_lists_may_be_files() {
    use retrodict::spec::option_files;

    struct Times;
    impl Files for Times {
        fn read(&self, name: &str, _: &[usize], _: bool) -> Result<Vec<Vec<f64>>> {
            match name {
                "t" => Ok(vec![vec![0.5], vec![1.0]]),
                _ => Err(Error::File {
                    message: format!("cannot read {name}"),
                }),
            }
        }
    }
    let registry = Registry::standard();
    let text = "target = [1.0, 0.0, 0.9, -0.1]\nsimulator = { name = 'pendulum', times = 't', method = 'stiff' }\n";
    let mut spec = InversionSpec::from_toml("my.toml", text).unwrap();
    assert_eq!(option_files(&mut spec.simulator, registry), ["t"]);
    assert!(spec.files().is_empty());
    let field = &spec.pose(registry, &Times).unwrap().fields[0];
    assert_eq!(field.data.target().len(), 4);
    let read = spec.with_option_files(registry, &Times).unwrap();
    assert_eq!(read.simulator.options["times"].as_array().unwrap().len(), 2);
    assert_eq!(read.simulator.options["method"].as_str(), Some("stiff"));
    // What is no list stays what it is, and so does a simulator that nobody knows.
    let named = |name: &str| Named::new(name).with("times", "gone");
    assert!(option_files(&mut named("heat"), registry).is_empty());
    assert!(option_files(&mut named("mine"), registry).is_empty());
    spec.simulator = named("pendulum");
    let error = spec.pose(registry, &Times).err().unwrap();
    assert!(error.to_string().contains("times = gone"), "{error}");
    let error = spec.pose(registry, &NoFiles).err().unwrap();
    assert!(
        error.to_string().contains("give the numbers themselves"),
        "{error}"
    );
}

#[test]
fn a_prior_whose_weight_a_rule_chooses_stands_alone() {
    let mut spec = InversionSpec::new("scaling", vec![1.0, 2.0]);
    let prior =
        |weight: &str| PriorSpec::try_from(Named::new("tikhonov").with("weight", weight)).unwrap();
    spec.priors = vec![prior("gcv"), prior("l-curve")];
    let message = spec
        .pose(Registry::standard(), &NoFiles)
        .err()
        .unwrap()
        .to_string();
    assert!(
        message.contains("only one prior, and there are 2"),
        "{message}"
    );
}
